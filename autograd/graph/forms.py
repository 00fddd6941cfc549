"""What a row does to Python floats, as a syntax tree read from the row itself.

The `scalar` function of a row is an operator, a function of the math module, or a few lines of
Python. All emitters of scalar code (Python, C, LLVM, LaTeX) start from the tree found here, so that
no operation is written down twice.
"""

from __future__ import annotations

import ast
import functools
import inspect
import linecache
import math
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from ..errors import ArgumentError, message
from ..primitive import ROWS, Primitive

CONVERSIONS = {math.radians: math.pi / 180, math.degrees: 180 / math.pi}
"""Functions of the math module that C has not: a product each."""

C_NAMES = {"gamma": "tgamma"}
"""Functions of the math module that C calls otherwise."""

LIBRARY = {
    "gamma": "math.gamma(a0)",
    "gammaln": "math.lgamma(a0)",
    "erfc": "math.erfc(a0)",
    "ndtr": "0.5 + 0.5 * math.erf(a0 * 0.7071067811865476) if abs(a0) < 1.4142135623730951 else "
    "1 - 0.5 * math.erfc(a0 * 0.7071067811865476) if a0 > 0 else "
    "0.5 * math.erfc(a0 * -0.7071067811865476)",
}
"""Rows that are SciPy's on floats of Python, and no worse with C's library."""


@dataclass(frozen=True)
class Form:
    """A function of floats: assignments, then the result.

    Args:
        arguments: the names that stand for the operands.
        steps: names and the expressions assigned to them, in order.
        result: the expression of the value.
    """

    arguments: tuple[str, ...]
    steps: tuple[tuple[str, ast.expr], ...]
    result: ast.expr


@functools.cache
def form_of(row: Primitive) -> Form | None:
    """Return what a row does to floats, None if it does not say so.

    Args:
        row: an operation.

    Raises:
        ArgumentError: if the scalar function is Python text that cannot be read.
    """
    scalar = row.scalar
    if scalar is None:
        return None
    arguments = tuple(f"a{i}" for i in range(row.arity))
    if isinstance(scalar, types.FunctionType):
        return _read(scalar, row)
    if scalar in CONVERSIONS:
        return Form(arguments, (), _parsed(f"a0 * {CONVERSIONS[scalar]!r}"))
    if scalar.__module__ == "math":
        return Form(arguments, (), _parsed(f"math.{scalar.__name__}({', '.join(arguments)})"))
    symbol = {"neg": "-", "pos": "+"}.get(row.symbol or "", row.symbol)
    if symbol == "abs" or symbol is None:
        return Form(arguments, (), _parsed(f"abs({arguments[0]})"))
    if len(arguments) == 1:
        return Form(arguments, (), _parsed(f"{symbol}{arguments[0]}"))
    return Form(arguments, (), _parsed(f"{arguments[0]} {symbol} {arguments[1]}"))


@functools.cache
def native_form_of(row: Primitive) -> Form | None:
    """Return what a row is in C's arithmetic and library, None if these have it not."""
    text = LIBRARY.get(row.name)
    if row.scalar is None and text is not None and ROWS.get(row.name) is row:
        return Form(("a0",), (), _parsed(text))
    return form_of(row)


def _parsed(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def _read(function: types.FunctionType, row: Primitive) -> Form:
    node = definition_of(function)
    if node is None:
        raise _unreadable(row, "whose source is not available")
    arguments = tuple(a.arg for a in node.args.args)
    if isinstance(node, ast.Lambda):
        return Form(arguments, (), _numbered(node.body))
    steps: list[tuple[str, ast.expr]] = []
    for statement in node.body:
        if isinstance(statement, ast.Return) and statement.value is not None:
            return Form(arguments, tuple(steps), _numbered(statement.value))
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            steps.append((statement.targets[0].id, _numbered(statement.value)))
        elif not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)):
            break
    raise _unreadable(row, "with statements other than assignments and one return")


class _Numbers(ast.NodeTransformer):
    """Writes the numbers of the math module, such as math.pi, out."""

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        value = getattr(math, node.attr, None) if ast.unparse(node.value) == "math" else None
        return ast.Constant(value) if isinstance(value, float) else node


def _numbered(expression: ast.expr) -> ast.expr:
    # of a copy: the tree belongs to the text of its function
    return cast(ast.expr, _Numbers().visit(_parsed(ast.unparse(expression))))


def _unreadable(row: Primitive, what: str) -> ArgumentError:
    return ArgumentError(
        message(
            f"a scalar function of {row.name} that is an expression",
            f"one {what}",
            "assignments and a return in a module's file, or the numpy backend",
        )
    )


@functools.cache
def _tree(path: str) -> dict[int, list[ast.Lambda | ast.FunctionDef]]:
    found: dict[int, list[ast.Lambda | ast.FunctionDef]] = {}
    for node in ast.walk(ast.parse("".join(linecache.getlines(path)))):
        if isinstance(node, (ast.Lambda, ast.FunctionDef)):
            first = getattr(node, "decorator_list", None) or [node]
            found.setdefault(first[0].lineno, []).append(node)
    return found


def definition_of(function: Callable[..., Any]) -> ast.Lambda | ast.FunctionDef | None:
    """Find a function's syntax tree; of several lambdas in a line, the one with its names."""
    code = function.__code__
    try:
        candidates = _tree(inspect.getsourcefile(function) or "").get(code.co_firstlineno, [])
    except (OSError, TypeError, SyntaxError):
        return None
    if function.__name__ != "<lambda>":
        named = [n for n in candidates if getattr(n, "name", None) == function.__name__]
        return named[0] if named else None
    lambdas = [n for n in candidates if isinstance(n, ast.Lambda) and _like(n, code)]
    # the same text twice in a line is the same function; different texts cannot be told apart
    return lambdas[0] if len({ast.unparse(n) for n in lambdas}) == 1 else None


def _like(node: ast.Lambda, code: types.CodeType) -> bool:
    built = compile(ast.fix_missing_locations(ast.Expression(node)), "", "eval").co_consts
    return any(
        isinstance(c, types.CodeType)
        and (c.co_consts, c.co_names, c.co_varnames)
        == (code.co_consts, code.co_names, code.co_varnames)
        for c in built
    )


class _Substitution(ast.NodeTransformer):
    def __init__(self, names: dict[str, str]) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(self.names.get(node.id, node.id), node.ctx)


@functools.cache
def python_lines(row: Primitive) -> tuple[str, ...] | None:
    """Return a row as templates of Python lines on floats.

    Args:
        row: an operation.

    Returns:
        Text with `{0}`, `{1}` for the operands, `{out}` for the result and `{s}` before the names
        of steps; None if the row does not say what it does to floats.

    Example:
        >>> from autograd import REGISTRY
        >>> import numpy as np
        >>> python_lines(REGISTRY[np.square])
        ('{out} = {0} * {0}',)
    """
    form = form_of(row)
    if form is None:
        return None
    names = {name: f"{{{i}}}" for i, name in enumerate(form.arguments)}
    lines = []
    for name, value in form.steps:
        lines.append(f"{{s}}{name} = {_text(value, names)}")
        names[name] = "{s}" + name
    return (*lines, "{out} = " + _text(form.result, names))


def _text(expression: ast.expr, names: dict[str, str]) -> str:
    copy = ast.parse(ast.unparse(expression), mode="eval").body
    return ast.unparse(_Substitution(names).visit(copy))


@functools.cache
def may_raise(row: Primitive) -> bool:
    """Whether Python's floats refuse some operands that IEEE arithmetic takes."""
    form = form_of(row)
    if form is None:
        return False
    return any(
        isinstance(node, (ast.Div, ast.Pow, ast.Attribute))
        for expression in (*(value for _, value in form.steps), form.result)
        for node in ast.walk(expression)
    )


@functools.cache
def keeps_kind(row: Primitive, floats: tuple[bool, ...]) -> bool:
    """Whether the result is sure to be of the operands' own float type, and not a literal.

    Args:
        row: an operation.
        floats: which operands are variables of that type.
    """
    form = form_of(row)
    if form is None:
        return True
    sure = dict(zip(form.arguments, floats, strict=True))
    for name, value in form.steps:
        sure[name] = _is_sure(value, sure)
    return _is_sure(form.result, sure)


def _is_sure(expression: ast.expr, sure: dict[str, bool]) -> bool:
    if isinstance(expression, ast.Name):
        return sure.get(expression.id, False)
    if isinstance(expression, ast.BinOp):
        return _is_sure(expression.left, sure) or _is_sure(expression.right, sure)
    if isinstance(expression, ast.UnaryOp):
        return _is_sure(expression.operand, sure)
    if isinstance(expression, ast.IfExp):
        return _is_sure(expression.body, sure) and _is_sure(expression.orelse, sure)
    if isinstance(expression, ast.Call):
        called = expression.func
        return isinstance(called, ast.Attribute) or all(_is_sure(a, sure) for a in expression.args)
    return False


def float_text(value: float) -> str:
    """Return a literal of exactly this double, in parentheses if it starts with a sign.

    Example:
        >>> float_text(0.1), float_text(-1.0), float_text(float("nan"))
        ('0.1', '(-1.0)', 'math.nan')
    """
    if math.isfinite(value):
        text = repr(value)
        return f"({text})" if text.startswith("-") else text
    if value != value:
        return "math.nan"
    return "math.inf" if value > 0 else "(-math.inf)"
