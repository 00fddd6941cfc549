"""A scalar graph as one C99 function, from the rows' own scalar functions."""

from __future__ import annotations

import ast
import functools
import math
from typing import TYPE_CHECKING

from ..errors import ArgumentError, message
from ..observers import Observer
from ..primitive import Primitive
from .emit import beyond_floats, beyond_forms, chain_rule_comment, step_mark, title
from .forms import C_NAMES, native_form_of
from .unrolling import unrolled

if TYPE_CHECKING:
    from .ir import Graph

KEYWORDS = """auto break case char const continue default do double else enum extern float for goto
if inline int long register restrict return short signed sizeof static struct switch typedef union
unsigned void volatile while main y0 y1 yn j0 j1 jn out"""
RESERVED = frozenset([*KEYWORDS.split(), *dir(math)])
"""Words and functions of C that must not be names of variables."""

OPERATORS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
COMPARISONS = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
}  # fmt: skip


def c_of(graph: Graph) -> str:
    """Return a scalar graph as C99 text: a function that fills the array `out` with the results.

    Args:
        graph: a graph of floats.

    Returns:
        The text; it needs math.h only. Compile it without -ffast-math and with
        -ffp-contract=off for the bits of the graph.

    Raises:
        ArgumentError: if a value is an array, or a row does not say what it does to floats.
    """
    graph, kept = unrolled(graph)
    graph = graph.scalarised()
    if found := kept or beyond_floats(graph) or beyond_forms(graph):
        raise ArgumentError(
            message(
                "a graph of floats for C",
                f"{found} in {graph.name}",
                "graph.source, or a function of the entries",
            )
        )
    names = [_safe(name) for name in graph.names(number)]
    arguments = ", ".join(f"double {names[k]}" for k in range(len(graph.input_names)))
    lines = []
    between = step_mark(names)
    origin = None
    for variable, equation in graph.numbered():
        if equation.origin != origin:
            origin = equation.origin
            lines += [
                "/*" + line[1:].replace("*/", "* /") + " */"
                for line in chain_rule_comment(graph, equation, names)
            ]
        steps, result = templates(equation.row)
        operands = [names[i] for i in equation.inputs]
        own = f"{names[variable]}{between}"
        lines += [f"const double {s.format(*operands, s=own)};" for s in steps]
        kind = "int" if isinstance(equation.row, Observer) else "double"
        lines.append(f"const {kind} {names[variable]} = {result.format(*operands, s=own)};")
    for k, (name, i) in enumerate(zip(graph.output_names, graph.outputs, strict=True)):
        lines.append(f"out[{k}] = {names[i]}; /* {name} */")
    body = "\n".join(f"    {line}" for line in lines)
    comma = ", " if arguments else ""
    return (
        f"/* {title(graph)} */\n#include <math.h>\n\n"
        f"void {_safe(graph.name)}({arguments}{comma}double *out)\n{{\n{body}\n}}\n"
    )


def number(value: float) -> str:
    """Return a double as C writes its bits.

    Example:
        >>> number(0.5), number(-float("inf"))
        ('0x1.0000000000000p-1', '(-INFINITY)')
    """
    if value != value:
        return "NAN"
    if math.isinf(value):
        return "INFINITY" if value > 0 else "(-INFINITY)"
    return f"({value.hex()})" if math.copysign(1.0, value) < 0 else value.hex()


def _safe(name: str) -> str:
    name = {"True": "1", "False": "0"}.get(name, name)
    if name.isidentifier() and (name in RESERVED or not name.isascii()):
        return "x_" + "".join(c if c.isascii() else f"u{ord(c):x}" for c in name)
    return name


@functools.cache
def templates(row: Primitive) -> tuple[tuple[str, ...], str]:
    """Return a row as C text: assignments, and the expression of the result."""
    form = native_form_of(row)
    if form is None:
        raise _refused(row, "none")
    names = {name: f"{{{i}}}" for i, name in enumerate(form.arguments)}
    steps = []
    for name, value in form.steps:
        steps.append(f"{{s}}{name} = {_c(value, names, row)}")
        names[name] = f"{{s}}{name}"
    return tuple(steps), _c(form.result, names, row)


def _c(node: ast.expr, names: dict[str, str], row: Primitive) -> str:
    def go(part: ast.expr) -> str:
        return _c(part, names, row)

    if isinstance(node, ast.Name):
        return names[node.id]
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return "INFINITY" if node.value == math.inf else repr(float(node.value))
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        return f"({go(node.left)} {OPERATORS[type(node.op)]} {go(node.right)})"
    if isinstance(node, ast.UnaryOp):
        sign = {ast.USub: "-", ast.UAdd: "+", ast.Not: "!"}[type(node.op)]
        return f"({sign}{go(node.operand)})"
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        word = COMPARISONS[type(node.ops[0])]
        return f"({go(node.left)} {word} {go(node.comparators[0])})"
    if isinstance(node, ast.BoolOp):
        word = " && " if isinstance(node.op, ast.And) else " || "
        return f"({word.join(map(go, node.values))})"
    if isinstance(node, ast.IfExp):
        return f"({go(node.test)} ? {go(node.body)} : {go(node.orelse)})"
    if isinstance(node, ast.Call):
        return _call(node, [go(argument) for argument in node.args], row)
    raise _refused(row, ast.unparse(node))


def _call(node: ast.Call, arguments: list[str], row: Primitive) -> str:
    if isinstance(node.func, ast.Name) and node.func.id in ("bool", "float", "abs"):
        if node.func.id == "abs":
            return f"fabs({arguments[0]})"
        return f"({arguments[0]} != 0)" if node.func.id == "bool" else f"(double){arguments[0]}"
    if isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) == "math":
        name = C_NAMES.get(node.func.attr, node.func.attr)
        return f"{name}({', '.join(arguments)})"
    raise _refused(row, ast.unparse(node))


def _refused(row: Primitive, what: str) -> ArgumentError:
    return ArgumentError(
        message(
            f"a scalar function of {row.name} made of arithmetic and the math module",
            what,
            "graph.source",
        )
    )
