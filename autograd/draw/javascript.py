"""The same computation in JavaScript, emitted from the rows of the table, for the player.

Values are named by the keys of their vertices; nothing a user wrote enters the code.
"""

from __future__ import annotations

import ast
import functools
import re
import types
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from typing import Any

from ..kinds import Elementwise
from ..primitive import REGISTRY, Primitive
from .formula import (
    ATOM,
    POWER,
    SUM,
    NoFormulaError,
    Printer,
    function_name,
    result_formula,
    slope_formula,
    substituted,
    syntax_of,
)
from .parts import Edge, Vertex
from .story import Story

MATH = {
    "absolute": "abs",
    "arccos": "acos",
    "arccosh": "acosh",
    "arcsin": "asin",
    "arcsinh": "asinh",
    "arctan": "atan",
    "arctan2": "atan2",
    "arctanh": "atanh",
    "fabs": "abs",
    "maximum": "max",
    "minimum": "min",
}
SAME = ["abs", "cbrt", "ceil", "cos", "cosh", "exp", "expm1", "floor", "hypot", "log", "log10"]
SAME += ["log1p", "log2", "sign", "sin", "sinh", "sqrt", "tan", "tanh", "trunc"]
MATH.update((name, name) for name in SAME)
"""NumPy's names and, where it differs, what JavaScript calls the same function of a number."""

ARITHMETIC: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.BitAnd: "&",
    ast.BitOr: "|",
}


_CALLED = re.compile(r"(?:row|slope|tail|wave)_\w+")

COMPARISONS: dict[str, type[ast.cmpop]] = {
    "equal": ast.Eq,
    "not_equal": ast.NotEq,
    "less": ast.Lt,
    "less_equal": ast.LtE,
    "greater": ast.Gt,
    "greater_equal": ast.GtE,
}


class Emitter(Printer):
    """Writes syntax as JavaScript, with the helper functions that it needs.

    A row that JavaScript does not have becomes a function, translated from the row's own function
    of floats.
    """

    comparisons: Mapping[type[ast.cmpop], str] = {
        ast.Eq: "===",
        ast.NotEq: "!==",
        ast.Lt: "<",
        ast.LtE: "<=",
        ast.Gt: ">",
        ast.GtE: ">=",
    }

    def __init__(self) -> None:
        self.helpers: dict[str, str] = {}

    def expression(self, node: ast.expr) -> tuple[str, int]:
        """Write truth values as numbers where they are computed with."""
        match node:
            case ast.Compare(left, [comparison], [right]):
                sign = self.comparisons[type(comparison)]
                return f"({self.write(left, SUM)} {sign} {self.write(right, SUM)})", ATOM
            case ast.BoolOp(ast.Or(), values):
                return f"({' || '.join(self.write(v) for v in values)})", ATOM
            case ast.IfExp(test, body, orelse):
                # a bare number is true if it is not 0, nan included
                asked = self.write(test) + (
                    "" if isinstance(test, ast.Compare | ast.BoolOp) else " != 0"
                )
                chosen = f"{asked} ? {self.write(body)} : {self.write(orelse)}"
                return f"({chosen})", ATOM
            case ast.Call():
                return self.call(function_name(node), node.args)
            case ast.Name(name):
                return name, ATOM
        return super().expression(node)

    def constant(self, value: Any) -> tuple[str, int]:
        """Write every digit of a number."""
        if not isinstance(value, (int, float)):
            raise NoFormulaError
        return javascript_number(float(value)), ATOM

    def binary(self, left: ast.expr, operator: ast.operator, right: ast.expr) -> tuple[str, int]:
        """Write operators as JavaScript spells them."""
        if isinstance(operator, ast.Pow):
            return f"{self.function('power')}({self.write(left)}, {self.write(right)})", ATOM
        sign = ARITHMETIC.get(type(operator))
        if sign is None:
            raise NoFormulaError
        return f"({self.write(left, POWER)} {sign} {self.write(right, POWER)})", ATOM

    def call(self, name: str, arguments: Sequence[ast.expr]) -> tuple[str, int]:
        """Call JavaScript's own function or a helper."""
        written = ", ".join(self.write(a) for a in arguments)
        if name == "where" and len(arguments) == 3:
            test, body, orelse = arguments
            return self.expression(ast.IfExp(test, body, orelse))
        if name in COMPARISONS:
            return self.expression(ast.Compare(arguments[0], [COMPARISONS[name]()], [arguments[1]]))
        if name == "isfinite":
            return f"Number.isFinite({written})", ATOM
        if name == "isnan":
            return f"Number.isNaN({written})", ATOM
        if name == "copysign":
            size, sign = map(self.write, arguments)
            negative = f"{sign} < 0 || 1 / {sign} < 0"
            return f"(({negative}) ? -Math.abs({size}) : Math.abs({size}))", ATOM
        return f"{self.function(name)}({written})", ATOM

    def function(self, name: str) -> str:
        """Return what to call for a function of that name, defining a helper if need be."""
        if name in MATH:
            return f"Math.{MATH[name]}"
        row = _row_of(name)
        if row is None or not row.name.isidentifier():
            raise NoFormulaError
        helper = f"row_{row.name}"
        if helper not in self.helpers:
            self.helpers[helper] = ""  # a function that calls itself has no translation
            if not self.from_library(helper):
                self.helpers[helper] = self.translated(helper, row.scalar or row.forward)
        if not self.helpers[helper]:
            raise NoFormulaError
        return helper

    def from_library(self, helper: str) -> bool:
        """Define a function of the library, and those that it calls; False if it has none."""
        text = _library().get(helper, "")
        if text and self.helpers.get(helper) != text:
            self.helpers[helper] = text
            for other in _CALLED.findall(text):
                self.from_library(other)
        return bool(text)

    def translated(self, name: str, function: Callable[..., Any]) -> str:
        """Translate a Python function of floats made of assignments and a result."""
        if not isinstance(function, types.FunctionType):
            raise NoFormulaError
        syntax = syntax_of(function)
        if syntax is None:
            raise NoFormulaError
        own: dict[str, ast.expr] = {a.arg: ast.Name(a.arg) for a in syntax.args.args}
        # what is not given has its default, which is code like any other
        defaults = syntax.args.defaults
        own.update(zip(list(own)[len(own) - len(defaults) :], defaults, strict=True))
        parameters = ", ".join(name for name, value in own.items() if isinstance(value, ast.Name))

        def line(value: ast.expr) -> str:
            return self.write(substituted(value, own, function.__globals__))

        if isinstance(syntax, ast.Lambda):
            return f"function {name}({parameters}) {{ return +{line(syntax.body)}; }}"
        lines = []
        statements = list(syntax.body)
        while statements:
            statement = statements.pop(0)
            match statement:
                case ast.If(ast.Name(flag), body, orelse):
                    known = own.get(flag)
                    if not isinstance(known, ast.Constant):
                        raise NoFormulaError
                    statements = [*(body if known.value else orelse), *statements]
                case ast.Assign([ast.Name(variable)], value):
                    lines.append(f"const {variable} = {line(value)};")
                    own[variable] = ast.Name(variable)
                case ast.Return(ast.expr() as value):
                    lines.append(f"return +{line(value)};")
                case ast.Expr(ast.Constant()):
                    continue
                case _:
                    raise NoFormulaError
        return f"function {name}({parameters}) {{ {' '.join(lines)} }}"


def javascript_number(x: float) -> str:
    """Return a number that JavaScript reads as the same float.

    Example:
        >>> javascript_number(0.1), javascript_number(-2.0), javascript_number(float("-inf"))
        ('0.1', '(-2.0)', '(-Infinity)')
    """
    text = repr(x).replace("inf", "Infinity").replace("nan", "NaN")
    return f"({text})" if text.startswith("-") else text


def program(vertices: Sequence[Vertex], edges: Sequence[Edge]) -> str:
    """Return JavaScript that computes a figure's values and local derivatives from its leaves.

    The code defines `compute(leaves)`, from numbers under the keys of the leaves to
    `{values, slopes}`: values under the keys of the vertices, slopes under the indices of edges.

    Args:
        vertices: those of the figure.
        edges: those of the figure.

    Returns:
        The code; empty if the figure computes nothing, or holds arrays, collapsed parts, or what
        has no translation.
    """
    if not edges or any(v.kind in ("block", "module") for v in vertices):
        return ""
    if not all(isinstance(edge.value, float) for edge in edges):
        return ""
    story = Story(vertices, edges)
    emit = Emitter()
    lines = []
    slopes = []
    try:
        for v in vertices:
            if v.kind in ("leaf", "constant"):
                value = edges[story.out[v.key][0]].value
                assert isinstance(value, float)
                constant = javascript_number(value)
                lines.append(f"{v.key} = {f'leaves.{v.key}' if v.kind == 'leaf' else constant}")
        for v in vertices:
            if v.primitive is None:
                continue
            if v.details:  # parameters, such as an axis, mean something else for every row
                return ""
            operands = [story.source(e).key for e in story.into[v.key]]
            lines.append(f"{v.key} = {emit.write(result_formula(v.primitive, operands))}")
            for index, e in enumerate(story.into[v.key]):
                if edges[e].differentiable:
                    slopes.append(f"{e}: {_slope(emit, v.primitive, index, operands, v.key)}")
    except NoFormulaError:
        return ""
    names = ", ".join(line.partition(" ")[0] for line in lines)
    body = "".join(f"  const {line};\n" for line in lines)
    return (
        "".join(f"{helper}\n" for helper in emit.helpers.values())
        + f"function compute(leaves) {{\n{body}"
        + f"  return {{values: {{{names}}}, slopes: {{{', '.join(slopes)}}}}};\n}}\n"
    )


def _slope(emit: Emitter, row: Primitive, index: int, operands: list[str], result: str) -> str:
    helper = f"slope_{row.name}_{index}"
    if not emit.from_library(helper):
        tree = slope_formula(row, index, operands, result)
        if tree is not None:
            return f"+{emit.write(tree)}"
        rule = None if row.is_variadic else row.rules[index]
        if not isinstance(row, Elementwise) or not isinstance(rule, types.FunctionType):
            raise NoFormulaError
        if helper not in emit.helpers:
            emit.helpers[helper] = emit.translated(helper, rule)
    return f"{helper}({', '.join([result, *operands])})"


def _row_of(name: str) -> Primitive | None:
    """Return the row of that name, or the one that a Python function of that name computes."""
    rows = REGISTRY.values()
    found = next((row for row in rows if row.name == name), None)
    if found is None:
        found = next((row for row in rows if row.forward.__name__ == name), None)
    return found


@functools.cache
def _library() -> dict[str, str]:
    """Return the functions that JavaScript lacks and that no row spells, by name."""
    text = files(__package__).joinpath("page", "functions.js").read_text(encoding="utf-8")
    return {line.split("(")[0].removeprefix("function "): line for line in text.splitlines()}
