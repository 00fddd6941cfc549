"""Formulas of operations and of their derivatives, read from the rows of the table themselves.

A rule is plain code, so its syntax tree, with the operands' names put in, is the formula a teacher
would write. What cannot be read (a rule that calls helpers, a source that is not at hand) has no
formula; its number is still known.
"""

from __future__ import annotations

import ast
import copy
import functools
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..kinds import Elementwise, Linear
from ..primitive import REGISTRY, Primitive

Syntax = ast.expr

Operand = str | float
"""How formulas are asked for: the name of a value, or the number of a constant."""

OPERATORS: dict[str, type[ast.operator]] = {
    "+": ast.Add,
    "-": ast.Sub,
    "*": ast.Mult,
    "/": ast.Div,
    "**": ast.Pow,
    "@": ast.MatMult,
}


COMPARISONS: dict[str, type[ast.cmpop]] = {
    "==": ast.Eq,
    "!=": ast.NotEq,
    "<": ast.Lt,
    "<=": ast.LtE,
    ">": ast.Gt,
    ">=": ast.GtE,
}


class NoFormulaError(Exception):
    """A rule that cannot be written as one expression."""


def result_formula(row: Primitive, operands: Sequence[Operand]) -> Syntax:
    """Return the syntax of an operation applied to operands.

    Args:
        row: the operation.
        operands: names and constants.
    """
    parts = _syntax(operands)
    if row.symbol in OPERATORS and len(parts) == 2:
        return ast.BinOp(parts[0], OPERATORS[row.symbol](), parts[1])
    if row.symbol in COMPARISONS and len(parts) == 2:
        return ast.Compare(parts[0], [COMPARISONS[row.symbol]()], [parts[1]])
    if row.symbol in ("neg", "pos"):
        return ast.UnaryOp(ast.USub() if row.symbol == "neg" else ast.UAdd(), parts[0])
    return ast.Call(ast.Name(row.name), parts, [])


def slope_formula(
    row: Primitive, index: int, operands: Sequence[Operand], result: str
) -> Syntax | None:
    """Return the syntax of a local derivative of a scalar operation, None where it has none.

    Args:
        row: the operation.
        index: with respect to which operand.
        operands: names and constants.
        result: the name of its result.
    """
    rule = None if row.is_variadic else row.rules[index]
    tree = None if rule is None else syntax_of(rule)
    if not isinstance(rule, types.FunctionType) or not isinstance(tree, ast.Lambda):
        return None
    if not isinstance(row, (Elementwise, Linear)):
        return None
    leading: Syntax = ast.Name(result) if isinstance(row, Elementwise) else ast.Constant(1.0)
    names = [a.arg for a in tree.args.args]
    given = [leading, *_syntax(operands)]
    defaults = (rule.__defaults__ or ())[len(given) - len(names) :]
    values = dict(zip(names, [*given, *map(ast.Constant, defaults)], strict=False))
    if any(name not in values for name in names):
        return None
    return substituted(tree.body, values, rule.__globals__)


def _syntax(operands: Sequence[Operand]) -> list[Syntax]:
    return [ast.Name(x) if isinstance(x, str) else ast.Constant(x) for x in operands]


def substituted(tree: Syntax, values: Mapping[str, Syntax], namespace: Mapping[str, Any]) -> Syntax:
    """Put expressions in the place of names and simplify what becomes a constant.

    Args:
        tree: the syntax.
        values: what to put in the place of each name.
        namespace: where helpers that the expression calls are found, to be written out in place.
    """
    copied = copy.deepcopy(tree)
    return _Substitution(values, namespace).visit(copied)  # type: ignore[no-any-return]


def returned(function: ast.Lambda | ast.FunctionDef | None) -> Syntax | None:
    """Return the expression that a function is, None if it is more than one."""
    if isinstance(function, ast.Lambda):
        return function.body
    match function:
        case ast.FunctionDef(body=[*_, ast.Return(value)]) if len(function.body) == 1 + bool(
            ast.get_docstring(function)
        ):
            return value
    return None


@functools.cache
def syntax_of(function: Callable[..., Any]) -> ast.Lambda | ast.FunctionDef | None:
    """Return the syntax tree of a Python function, None where its source is not at hand."""
    if not isinstance(function, types.FunctionType):
        return None
    module = _module_syntax(function.__code__.co_filename)
    if module is None:
        return None
    code = function.__code__
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef) and node.name == function.__name__:
            if code.co_firstlineno in (node.lineno, *(d.lineno for d in node.decorator_list)):
                return node
        elif isinstance(node, ast.Lambda) and _encloses(node.body, code):
            return node
    return None


def _encloses(body: Syntax, code: types.CodeType) -> bool:
    """Return whether all instructions of a function come from inside an expression."""
    first = (body.lineno, body.col_offset)
    last = (body.end_lineno, body.end_col_offset)
    spans = [
        ((line, column), (end_line, end_column))
        for line, end_line, column, end_column in code.co_positions()
        if line is not None and column != end_column
    ]
    return bool(spans) and all(first <= start and end <= last for start, end in spans)


@functools.cache
def _module_syntax(path: str) -> ast.Module | None:
    try:
        with open(path, encoding="utf-8") as file:
            return ast.parse(file.read())
    except (OSError, SyntaxError, ValueError):
        return None


class _Substitution(ast.NodeTransformer):
    def __init__(self, values: Mapping[str, Syntax], namespace: Mapping[str, Any]) -> None:
        self.values = values
        self.namespace = namespace

    def visit_Name(self, node: ast.Name) -> Syntax:
        if node.id in self.values:
            return self.values[node.id]
        known = self.namespace.get(node.id)
        return ast.Constant(known) if type(known) in (int, float) else node

    def visit_Attribute(self, node: ast.Attribute) -> Syntax:
        module = self.namespace.get(node.value.id) if isinstance(node.value, ast.Name) else None
        known = getattr(module, node.attr, None) if isinstance(module, types.ModuleType) else None
        return ast.Constant(known) if type(known) is float else node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Syntax:
        self.generic_visit(node)
        if isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
            return ast.Constant(-_value(node.operand))
        return node

    def visit_BinOp(self, node: ast.BinOp) -> Syntax:
        self.generic_visit(node)
        left, right = node.left, node.right
        if isinstance(left, ast.Constant) and isinstance(right, ast.Constant):
            folded = _folded(node)
            return node if folded is None else ast.Constant(folded)
        if isinstance(node.op, ast.Mult):
            if _is(left, 1.0):
                return right
            if _is(right, 1.0):
                return left
        if isinstance(node.op, (ast.Pow, ast.Div)) and _is(right, 1.0):
            return left
        if isinstance(node.op, (ast.BitAnd, ast.BitOr)):
            decisive = isinstance(node.op, ast.BitOr)
            for side, other in ((left, right), (right, left)):
                if isinstance(side, ast.Constant) and isinstance(side.value, bool):
                    return side if side.value is decisive else other
        return node

    def visit_Compare(self, node: ast.Compare) -> Syntax:
        self.generic_visit(node)
        sides = [node.left, *node.comparators]
        if all(isinstance(side, ast.Constant) for side in sides):
            return ast.Constant(bool(_evaluated(node)))
        return node

    def visit_Call(self, node: ast.Call) -> Syntax:
        self.generic_visit(node)
        helper = self.namespace.get(node.func.id) if isinstance(node.func, ast.Name) else None
        if isinstance(helper, types.FunctionType) and (syntax := syntax_of(helper)):
            body = returned(syntax)
            if body is not None:
                inner = dict(zip((a.arg for a in syntax.args.args), node.args, strict=False))
                return substituted(body, inner, helper.__globals__)
        if function_name(node) == "where" and isinstance(node.args[0], ast.Constant):
            return node.args[1] if node.args[0].value else node.args[2]
        return node


def function_name(node: ast.Call) -> str:
    """Return the name of the function that is called, without its module."""
    return node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)


def _is(node: Syntax, value: float) -> bool:
    return isinstance(node, ast.Constant) and node.value == value


def _value(node: ast.Constant) -> Any:
    return node.value


def _folded(node: Syntax) -> Any:
    try:
        return _evaluated(node)
    except (ArithmeticError, TypeError):
        return None


def _evaluated(node: Syntax) -> Any:
    """Evaluate an expression made of constants and operators alone."""
    tree = ast.fix_missing_locations(ast.Expression(node))
    return eval(compile(tree, "<constant>", "eval"), {"__builtins__": {}})


@functools.cache
def _row_names() -> frozenset[str]:
    return frozenset(row.name for row in REGISTRY.values())


# ---- printing ------------------------------------------------------------------------------------

SUM, PRODUCT, SIGN, POWER, ATOM = range(1, 6)
"""How tightly an expression binds."""


class Printer:
    """Writes syntax as text; subclasses write it in other languages."""

    operators: Mapping[type[ast.operator], tuple[str, int]] = {
        ast.Add: (" + ", SUM),
        ast.Sub: (" - ", SUM),
        ast.Mult: (" × ", PRODUCT),
        ast.MatMult: (" @ ", PRODUCT),
        ast.Div: (" / ", PRODUCT),
        ast.Pow: ("^", POWER),
        ast.BitAnd: (" and ", SUM),
        ast.BitOr: (" or ", SUM),
    }
    comparisons: Mapping[type[ast.cmpop], str] = {
        ast.Eq: "=",
        ast.NotEq: "≠",
        ast.Lt: "<",
        ast.LtE: "≤",
        ast.Gt: ">",
        ast.GtE: "≥",
    }

    def formula(self, tree: Syntax | None) -> str:
        """Return the text of a formula, empty if there is none or it calls what has no name."""
        if tree is None:
            return ""
        try:
            return self.write(tree)
        except NoFormulaError:
            return ""

    def name(self, name: str) -> str:
        """Return the name of a value."""
        return name

    def write(self, node: Syntax, binding: int = 0) -> str:
        """Return the text of an expression, in parentheses if it binds less than `binding`."""
        text, own = self.expression(node)
        return f"({text})" if own < binding else text

    def expression(self, node: Syntax) -> tuple[str, int]:
        """Return the text of an expression and how tightly it binds."""
        match node:
            case ast.Constant(value):
                return self.constant(value)
            case ast.Name(name):
                return self.name(name), ATOM
            case ast.BinOp(left, operator, right):
                return self.binary(left, operator, right)
            case ast.UnaryOp(ast.USub(), operand):
                return "-" + self.write(operand, SIGN), SIGN
            case ast.UnaryOp(ast.UAdd(), operand):
                return "+" + self.write(operand, SIGN), SIGN
            case ast.Compare(left, [comparison], [right]) if type(comparison) in self.comparisons:
                sign = self.comparisons[type(comparison)]
                # Iverson's bracket: 1 where it holds, 0 elsewhere
                return f"[{self.write(left, SUM)} {sign} {self.write(right, SUM)}]", ATOM
            case ast.Call() if function_name(node) in _row_names():
                return self.call(function_name(node), node.args)
        raise NoFormulaError

    def constant(self, value: Any) -> tuple[str, int]:
        """Return a number."""
        if isinstance(value, bool):
            return str(int(value)), ATOM
        if not isinstance(value, (int, float)):
            raise NoFormulaError
        text = f"{value:.6g}"
        return text, SIGN if value < 0 else ATOM

    def binary(self, left: Syntax, operator: ast.operator, right: Syntax) -> tuple[str, int]:
        """Return two operands joined by an operator."""
        if type(operator) not in self.operators:
            raise NoFormulaError
        sign, binding = self.operators[type(operator)]
        if isinstance(operator, ast.Pow):
            return f"{self.write(left, ATOM)}{sign}{self.write(right, ATOM)}", POWER
        tight = binding + (not isinstance(operator, (ast.Add, ast.Mult)))
        last = self.write(right, tight)
        if last.startswith("-"):
            last = f"({last})"
        return f"{self.write(left, binding)}{sign}{last}", binding

    def call(self, name: str, arguments: Sequence[Syntax]) -> tuple[str, int]:
        """Return a function applied to arguments."""
        return f"{name}({', '.join(self.write(a) for a in arguments)})", ATOM


class LatexPrinter(Printer):
    """Writes syntax as LaTeX."""

    operators: Mapping[type[ast.operator], tuple[str, int]] = {
        **Printer.operators,
        ast.Mult: (r" \cdot ", PRODUCT),
        ast.MatMult: (r" \, ", PRODUCT),
    }
    comparisons: Mapping[type[ast.cmpop], str] = {
        **Printer.comparisons,
        ast.NotEq: r"\ne",
        ast.LtE: r"\le",
        ast.GtE: r"\ge",
    }
    known = frozenset({"sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "log", "max", "min"})

    def binary(self, left: Syntax, operator: ast.operator, right: Syntax) -> tuple[str, int]:
        """Write fractions and powers as LaTeX does."""
        if isinstance(operator, ast.Div):
            return rf"\frac{{{self.write(left)}}}{{{self.write(right)}}}", ATOM
        if isinstance(operator, ast.Pow):
            return f"{self.write(left, ATOM)}^{{{self.write(right)}}}", POWER
        return super().binary(left, operator, right)

    def call(self, name: str, arguments: Sequence[Syntax]) -> tuple[str, int]:
        """Write square roots and functions as LaTeX does."""
        if name == "sqrt":
            return rf"\sqrt{{{self.write(arguments[0])}}}", ATOM
        function = rf"\{name}" if name in self.known else rf"\operatorname{{{latex_text(name)}}}"
        inner = ", ".join(self.write(a) for a in arguments)
        return rf"{function}\left({inner}\right)", ATOM

    def name(self, name: str) -> str:
        """Return a name in upright letters."""
        return rf"\mathrm{{{latex_text(name)}}}"

    def constant(self, value: Any) -> tuple[str, int]:
        """Write powers of ten as LaTeX does."""
        return latex_number(float(value)), SIGN if value < 0 else ATOM


def latex_number(x: float) -> str:
    """Return a number to six digits in LaTeX.

    Example:
        >>> latex_number(1e-12), latex_number(float("-inf"))
        ('1 \\\\times 10^{-12}', '-\\\\infty')
    """
    text = f"{x:.6g}"
    if "e" in text:
        mantissa, exponent = text.split("e")
        return rf"{mantissa} \times 10^{{{int(exponent)}}}"
    return text.replace("inf", r"\infty").replace("nan", r"\mathrm{nan}")


_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{c: f"\\{c}" for c in "#$%&_{}"},
}


def latex_text(name: str) -> str:
    """Return a name in which LaTeX finds no command.

    Example:
        >>> latex_text("apple_num")
        'apple\\\\_num'
    """
    return "".join(_LATEX.get(c, c) for c in name)
