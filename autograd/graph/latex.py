"""A scalar graph as LaTeX: one aligned equation a step, short steps written into the next."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import ArgumentError, message
from ..observers import OBSERVERS, Observer
from ..primitive import REGISTRY, Primitive
from .emit import beyond_floats
from .equations import Equation
from .forms import form_of
from .unrolling import unrolled

if TYPE_CHECKING:
    from .ir import Graph

LONGEST = 60
"""A step of more characters gets a line of its own."""

FUNCTIONS = {
    "exp": r"\exp", "log": r"\ln", "sin": r"\sin", "cos": r"\cos", "tan": r"\tan",
    "sinh": r"\sinh", "cosh": r"\cosh", "tanh": r"\tanh", "asin": r"\arcsin",
    "acos": r"\arccos", "atan": r"\arctan", "asinh": r"\operatorname{arsinh}",
    "acosh": r"\operatorname{arcosh}", "atanh": r"\operatorname{artanh}",
    "exp2": r"\operatorname{exp2}", "log1p": r"\operatorname{log1p}",
}  # fmt: skip
SUM, PRODUCT, POWER, ATOM = range(4)
"""How tightly an expression holds together: the loosest needs parentheses first."""

NOTATION = {
    "square": (r"{a}^{{2}}", POWER),
    "hypot": (r"\sqrt{{{a}^{{2}} + {b}^{{2}}}}", ATOM),
    "fabs": (r"\left|{0}\right|", ATOM),
    "cbrt": (r"\sqrt[3]{{{0}}}", ATOM),
    "exp2": (r"2^{{{0}}}", POWER),
    "expm1": (r"\exp\left({0}\right) - 1", SUM),
    "log1p": (r"\ln\left(1 + {0}\right)", ATOM),
    "log2": (r"\log_{{2}}\left({0}\right)", ATOM),
    "log10": (r"\log_{{10}}\left({0}\right)", ATOM),
    "floor": (r"\left\lfloor {0} \right\rfloor", ATOM),
    "floor_divide": (r"\left\lfloor \frac{{{0}}}{{{1}}} \right\rfloor", ATOM),
    "trunc": (r"\operatorname{{trunc}}\left({0}\right)", ATOM),
    "fix": (r"\operatorname{{trunc}}\left({0}\right)", ATOM),
    "rint": (r"\operatorname{{round}}\left({0}\right)", ATOM),
    "round": (r"\operatorname{{round}}\left({0}\right)", ATOM),
    "logaddexp": (r"\ln\left(\exp\left({0}\right) + \exp\left({1}\right)\right)", ATOM),
    "logaddexp2": (r"\log_{{2}}\left(2^{{{0}}} + 2^{{{1}}}\right)", ATOM),
    "logit": (r"\ln\left(\frac{{{0}}}{{1 - {c}}}\right)", ATOM),
    "isnan": (r"\operatorname{{isnan}}\left({0}\right)", ATOM),
    "isinf": (r"\operatorname{{isinf}}\left({0}\right)", ATOM),
    "isfinite": (r"\operatorname{{isfinite}}\left({0}\right)", ATOM),
    "ceil": (r"\left\lceil {0} \right\rceil", ATOM),
    "maximum": (r"\max\left({0}, {1}\right)", ATOM),
    "minimum": (r"\min\left({0}, {1}\right)", ATOM),
    "sign": (r"\operatorname{{sgn}}\left({0}\right)", ATOM),
    "gamma": (r"\Gamma\left({0}\right)", ATOM),
    "gammaln": (r"\ln\left|\Gamma\left({0}\right)\right|", ATOM),
    "digamma": (r"\psi\left({0}\right)", ATOM),
    "polygamma": (r"\psi^{{({n})}}\left({0}\right)", ATOM),
    "beta": (r"\mathrm{{B}}\left({0}, {1}\right)", ATOM),
    "betaln": (r"\ln\left|\mathrm{{B}}\left({0}, {1}\right)\right|", ATOM),
    "erfinv": (r"\operatorname{{erf}}^{{-1}}\left({0}\right)", ATOM),
    "ndtr": (r"\Phi\left({0}\right)", ATOM),
    "ndtri": (r"\Phi^{{-1}}\left({0}\right)", ATOM),
    "bessel_i": (r"I_{{{order}}}\left({0}\right)", ATOM),
    "bessel_j": (r"J_{{{order}}}\left({0}\right)", ATOM),
    "i0": (r"I_{{0}}\left({0}\right)", ATOM),
    "i1": (r"I_{{1}}\left({0}\right)", ATOM),
    "j0": (r"J_{{0}}\left({0}\right)", ATOM),
    "j1": (r"J_{{1}}\left({0}\right)", ATOM),
}
"""Rows written otherwise than what they do to floats.

In the templates {0} and {1} are the operands, {a} and {b} the same as bases of powers, {c} the
first as a term that is subtracted, others parameters.
"""

COMPARISONS = {
    ast.Eq: "=", ast.NotEq: r"\ne", ast.Lt: "<", ast.LtE: r"\le", ast.Gt: ">", ast.GtE: r"\ge",
}  # fmt: skip

Piece = tuple[str, int]


def latex_of(graph: Graph) -> str:
    """Return a scalar graph as a LaTeX `aligned` environment.

    Args:
        graph: a graph of floats.

    Returns:
        The text, for display mathematics.

    Raises:
        ArgumentError: if a value is an array.
    """
    graph, kept = unrolled(graph)
    graph = graph.scalarised()
    if found := kept or beyond_floats(graph):
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
        text, hold = render(equation, [pieces[i] for i in equation.inputs])
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


def render(equation: Equation, operands: Sequence[Piece]) -> Piece:
    """Return the LaTeX of an operation on operands, and how tightly it holds together."""
    row, params = equation.row, equation.params
    texts = [text for text, _ in operands]
    own = OBSERVERS if isinstance(row, Observer) else REGISTRY
    if row.name in NOTATION and own.get(row.numpy) is row and params.keys() <= {"n", "order"}:
        template, hold = NOTATION[row.name]
        bases = {k: _held(piece, ATOM) for k, piece in zip("ab", operands, strict=False)}
        settings = {"n": 0, "order": 0, "c": _held(operands[0], PRODUCT), **params}
        return template.format(*texts, **bases, **settings), hold
    form = None if params else form_of(row)
    if form is not None and not form.steps:
        return _latex(form.result, dict(zip(form.arguments, operands, strict=True)), row)
    # a function of several lines, or with parameters, goes by its name
    named = "".join(rf",\ \mathrm{{{_plain(k)}}} = {_plain(repr(v))}" for k, v in params.items())
    return rf"\operatorname{{{_plain(row.name)}}}\left({', '.join(texts)}{named}\right)", ATOM


def _plain(name: str) -> str:
    return name.replace("_", r"\_")


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
    listed = ", ".join(text for text, _ in names.values())
    return rf"\operatorname{{{_plain(row.name)}}}\left({listed}\right)", ATOM


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
