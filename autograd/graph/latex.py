"""A scalar graph as LaTeX: one aligned equation a step, short steps written into the next."""

from __future__ import annotations

import ast
import functools
import math
import re
from typing import TYPE_CHECKING

from ..errors import ArgumentError, message
from ..primitive import Primitive
from .emit import beyond_floats
from .forms import form_of

if TYPE_CHECKING:
    from .ir import Graph

LONGEST = 60
"""A step of more characters gets a line of its own."""

FUNCTIONS = {
    "exp": r"\exp", "log": r"\ln", "sin": r"\sin", "cos": r"\cos", "tan": r"\tan",
    "sinh": r"\sinh", "cosh": r"\cosh", "tanh": r"\tanh", "asin": r"\arcsin",
    "acos": r"\arccos", "atan": r"\arctan",
}  # fmt: skip
COMPARISONS = {
    ast.Eq: "=", ast.NotEq: r"\ne", ast.Lt: "<", ast.LtE: r"\le", ast.Gt: ">", ast.GtE: r"\ge",
}  # fmt: skip

SUM, PRODUCT, POWER, ATOM = range(4)
"""How tightly an expression holds together: the loosest needs parentheses first."""

Piece = tuple[str, int]


def latex_of(graph: Graph) -> str:
    """Return a scalar graph as a LaTeX `aligned` environment.

    Args:
        graph: a graph of floats.

    Returns:
        The text, for display mathematics.

    Raises:
        ArgumentError: if a value is an array, or a row does not say what it does to floats.
    """
    graph = graph.scalarised()
    if found := beyond_floats(graph):
        raise ArgumentError(
            message("a graph of floats for LaTeX", f"{found} in {graph.name}", "graph.source")
        )
    names = graph.names()
    uses = [0] * len(graph.specs)
    for equation in graph.equations:
        for i in equation.inputs:
            uses[i] += 1
    for i in graph.outputs:
        uses[i] += 2
    pieces: list[Piece] = [(symbol(name), ATOM) for name in graph.input_names]
    pieces += [_number(float(c)) for c in graph.constants]
    lines = []
    for variable, equation in graph.numbered():
        text, hold = render(equation.row, tuple([pieces[i] for i in equation.inputs]))
        label = variable in graph.labels
        if uses[variable] == 1 and len(text) <= LONGEST and not label:
            pieces.append((text, hold))
        else:
            lines.append(rf"{symbol(names[variable])} &= {text} \\")
            pieces.append((symbol(names[variable]), ATOM))
    arguments = ", ".join(symbol(name) for name in graph.input_names)
    results = r",\ ".join(pieces[i][0] for i in graph.outputs)
    lines.append(rf"{symbol(graph.name)}({arguments}) &= {results}")
    return "\n".join([r"\begin{aligned}", *lines, r"\end{aligned}"])


def symbol(name: str) -> str:
    r"""Return a name as LaTeX.

    Example:
        >>> symbol("v12"), symbol("apple"), symbol("w_1")
        ('v_{12}', '\\mathrm{apple}', 'w_{1}')
    """
    found = re.fullmatch(r"([a-zA-Z])_?(\d+)", name)
    if found:
        return f"{found[1]}_{{{found[2]}}}"
    return name if len(name) == 1 else rf"\mathrm{{{name}}}".replace("_", r"\_")


def _number(value: float) -> Piece:
    if not math.isfinite(value):
        word = r"\mathrm{nan}" if value != value else r"\infty" if value > 0 else r"-\infty"
        return word, ATOM if value != value or value > 0 else SUM
    text = repr(int(value)) if value.is_integer() and abs(value) < 1e6 else repr(value)
    mantissa, _, exponent = text.partition("e")
    if exponent:
        return rf"{mantissa} \cdot 10^{{{int(exponent)}}}", PRODUCT if value > 0 else SUM
    return text, ATOM if value >= 0 and not text.startswith("-") else SUM


def render(row: Primitive, operands: tuple[Piece, ...]) -> Piece:
    """Return the LaTeX of a row on operands, and how tightly it holds together."""
    form = form_of(row)
    if form is None:
        raise ArgumentError(
            message(
                f"{row.name} to say what it does to floats in order to become LaTeX",
                "no scalar function",
                "scalar= where the operation is defined",
            )
        )
    if form.steps:  # a function of several lines goes by its name
        return rf"\operatorname{{{_words(row)}}}({', '.join(t for t, _ in operands)})", ATOM
    return _latex(form.result, dict(zip(form.arguments, operands, strict=True)), row)


@functools.cache
def _words(row: Primitive) -> str:
    return row.name.replace("_", r"\_")


def _held(piece: Piece, least: int) -> str:
    return piece[0] if piece[1] >= least else rf"\left({piece[0]}\right)"


def _latex(node: ast.expr, names: dict[str, Piece], row: Primitive) -> Piece:
    def go(part: ast.expr) -> Piece:
        return _latex(part, names, row)

    if isinstance(node, ast.Name):
        return names[node.id]
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return _number(float(node.value))
    if isinstance(node, ast.BinOp):
        left, right = go(node.left), go(node.right)
        if isinstance(node.op, ast.Div):
            return rf"\frac{{{left[0]}}}{{{right[0]}}}", POWER
        if isinstance(node.op, ast.Mult):
            return rf"{_held(left, PRODUCT)} \cdot {_held(right, PRODUCT)}", PRODUCT
        sign = "+" if isinstance(node.op, ast.Add) else "-"
        return f"{left[0]} {sign} {_held(right, PRODUCT)}", SUM
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        sign = "-" if isinstance(node.op, ast.USub) else ""
        return f"{sign}{_held(go(node.operand), PRODUCT)}", SUM
    if isinstance(node, ast.UnaryOp):
        return rf"\neg {_held(go(node.operand), POWER)}", PRODUCT
    if isinstance(node, ast.Compare):
        word = COMPARISONS[type(node.ops[0])]
        return rf"[{go(node.left)[0]} {word} {go(node.comparators[0])[0]}]", ATOM
    if isinstance(node, ast.BoolOp):
        word = r" \land " if isinstance(node.op, ast.And) else r" \lor "
        return word.join(_held(go(value), PRODUCT) for value in node.values), SUM
    if isinstance(node, ast.IfExp):
        cases = rf"{go(node.body)[0]} & {go(node.test)[0]} \\ {go(node.orelse)[0]} & \text{{else}}"
        return rf"\begin{{cases}}{cases}\end{{cases}}", ATOM
    if isinstance(node, ast.Call):
        return _call(node, [go(argument) for argument in node.args])
    return rf"\operatorname{{{_words(row)}}}({', '.join(t for t, _ in names.values())})", ATOM


def _call(node: ast.Call, arguments: list[Piece]) -> Piece:
    name = ast.unparse(node.func).removeprefix("math.")
    if name == "sqrt":
        return rf"\sqrt{{{arguments[0][0]}}}", ATOM
    if name == "abs":
        return rf"\left|{arguments[0][0]}\right|", ATOM
    if name == "pow":
        return rf"{_held(arguments[0], ATOM)}^{{{arguments[1][0]}}}", POWER
    if name == "bool":
        return arguments[0]
    listed = ", ".join(text for text, _ in arguments)
    word = FUNCTIONS.get(name, rf"\operatorname{{{name}}}")
    return rf"{word}\left({listed}\right)", ATOM
