"""`explain`: why a gradient is what it is, path by path, or the whole backward pass as a lesson."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import islice
from typing import overload

from ..errors import ArgumentError, DTypeError, GraphError, message
from ..node import Node
from ..sweep import gradients
from .build import described, recorded
from .figure import Figure
from .formula import LatexPrinter, Operand, Printer, latex_number, result_formula, slope_formula
from .local import local_derivatives
from .naming import named
from .story import Step, Story, told
from .text import number, quantity, sum_text, written

MOST_PATHS = 10
"""Paths that are written out unless more are asked for."""

MOST_ASKED = 10_000
"""Paths that are written out at most."""

MOST_FACTORS = 12
"""Factors of one path that are written out, half of them at either end."""

MOST_DEFINITIONS = 20
"""Intermediate results whose definition is written out."""

COUNTED = 10**15
"""Paths are counted up to this many."""


@dataclass(frozen=True)
class Factor:
    """One step back along a path.

    Args:
        operand: what the step arrives at.
        value: the local derivative with respect to it.
        formula: the same by name, such as `tax` or `1 - t1 × t1`; empty where it has no formula.
        latex: the formula in LaTeX.
        taken: False where `where` took another branch: nothing passes, whatever lies behind.
    """

    operand: str
    value: float
    formula: str = ""
    latex: str = ""
    taken: bool = True


@dataclass(frozen=True)
class Path:
    """One way from the result back to the variable; its product is its share of the gradient."""

    factors: tuple[Factor, ...]

    @property
    def product(self) -> float:
        """The product of the local derivatives, from the result backwards."""
        if not all(factor.taken for factor in self.factors):
            return 0.0
        return math.prod(factor.value for factor in self.factors)


@dataclass(frozen=True)
class Explanation:
    """Why a derivative has its value: the paths, whose products add up to it.

    Args:
        result: the name of what is differentiated.
        variable: the name of what it is differentiated by.
        gradient: the derivative, as the engine computes it.
        paths: the paths that are written out.
        omitted: how many more there are, at most `COUNTED`.
        definitions: intermediate results: name, formula and value.
    """

    result: str
    variable: str
    gradient: float
    paths: tuple[Path, ...]
    omitted: int
    definitions: tuple[tuple[str, str, float], ...]

    @property
    def remainder(self) -> float:
        """What the paths that are not written out contribute together."""
        shown = math.fsum(path.product for path in self.paths)
        return self.gradient - shown if self.omitted else 0.0

    @property
    def terms(self) -> tuple[float, ...]:
        """What adds up to the gradient: the products, and the remainder if there is one."""
        rest = (self.remainder,) if self.omitted else ()
        return (*(path.product for path in self.paths), *rest)

    @property
    def text(self) -> str:
        """The explanation for a terminal."""
        head = f"d{self.result}/d{self.variable} = {number(self.gradient)}"
        if not self.paths:
            return f"{head}: there is no path from {self.result} back to {self.variable}"
        more = "more than " if self.omitted == COUNTED else ""
        many = self.omitted if more else len(self.paths) + self.omitted
        lines = [
            head,
            "",
            f"{more}{many:,} {'path' if many == 1 else 'paths'} "
            f"from {self.result} back to {self.variable}:",
        ]
        for k, path in enumerate(self.paths, 1):
            lines += [f"  {k}. {self._route(path)}", f"     {self._product(path)}"]
        if self.omitted:
            lines.append(
                f"  ... {more}{self.omitted:,} more paths are left out; "
                f"together they contribute {number(self.remainder)}"
            )
        if len(self.terms) > 1:
            lines += ["", f"sum: {sum_text(self.terms)} = {number(self.gradient)}"]
        if self.definitions:
            lines += ["", "where"]
            lines += [
                f"  {name} = {formula} = {number(v)}" for name, formula, v in self.definitions
            ]
        return "\n".join(lines)

    def _route(self, path: Path) -> str:
        return " → ".join([self.result, *(f.operand if f else "..." for f in _ends(path))])

    def _product(self, path: Path) -> str:
        kept = _ends(path)
        by_name = " × ".join(_factor(f.formula or number(f.value)) if f else "..." for f in kept)
        by_value = " × ".join(_factor(number(f.value)) if f else "..." for f in kept)
        parts = [by_name, by_value, number(path.product)]
        text = " = ".join(dict.fromkeys(parts))
        left_out = len(path.factors) - len(kept) + 1
        return f"{text}  (... stands for {left_out:,} factors)" if None in kept else text

    @property
    def latex(self) -> str:
        """The explanation as one display, for a document."""
        names = LatexPrinter()
        left = rf"\frac{{d\,{names.name(self.result)}}}{{d\,{names.name(self.variable)}}}"
        products = [
            r" \cdot ".join(
                _bracketed(f.latex or latex_number(f.value)) if f else r"\cdots"
                for f in _ends(path)
            )
            for path in self.paths
        ]
        if self.omitted:
            products.append(rf"\underbrace{{\cdots}}_{{{self.omitted}\text{{ more paths}}}}")
        rows = [r" \\ &\quad + ".join(products)] if products else []
        if len(self.terms) > 1:
            rows.append(" + ".join(_bracketed(latex_number(term)) for term in self.terms))
        rows.append(latex_number(self.gradient))
        return rf"\begin{{aligned}} {left} &= " + r" \\ &= ".join(rows) + r" \end{aligned}"

    def __str__(self) -> str:
        return self.text

    def _repr_latex_(self) -> str:
        """Show the explanation in a notebook."""
        return f"$${self.latex}$$"


@dataclass(frozen=True)
class Lesson:
    """The whole computation as a worked exercise.

    Args:
        figure: its picture, with gradients.
        forward: the steps that compute the result.
        backward: the steps of the backward pass.
    """

    figure: Figure
    forward: tuple[Step, ...]
    backward: tuple[Step, ...]

    @property
    def text(self) -> str:
        """The lesson for a terminal."""
        edges = self.figure.edges
        lines = ["Forward: compute every value from its operands."]
        lines += [f"  {k}. {told(s.sentence, edges)}" for k, s in enumerate(self.forward, 1)]
        lines += ["", "Backward: multiply by local derivatives, from the result to the leaves."]
        lines += [f"  {k}. {told(s.sentence, edges)}" for k, s in enumerate(self.backward, 1)]
        lines += ["", "Gradients:"]
        story = Story(self.figure.vertices, self.figure.edges)
        for v in self.figure.vertices:
            if v.kind == "leaf":
                lines += [
                    f"  {v.name}: {written(gradient)}"
                    for e in story.out[v.key]
                    if (gradient := edges[e].gradient) is not None
                ]
        return "\n".join(lines)

    @property
    def latex(self) -> str:
        """The backward pass as one display: upstream times local derivative, edge by edge."""
        story = Story(self.figure.vertices, self.figure.edges)
        end = LatexPrinter().name(next(v.title for v in self.figure.vertices if v.kind == "result"))
        rows = []
        for step in self.backward:
            edge = self.figure.edges[step.edges[0]]
            if edge.slope is None or not isinstance(edge.gradient, float):
                continue
            target = LatexPrinter().name(story.source(step.edges[0]).name)
            upstream = self.figure.edges[story.out[edge.head][0]].gradient
            assert isinstance(upstream, float)
            rows.append(
                rf"\frac{{\partial {end}}}{{\partial {target}}} &\mathrel{{+}}= "
                rf"{_bracketed(latex_number(upstream))} \cdot "
                rf"{_bracketed(latex_number(edge.slope))} = {latex_number(edge.gradient)}"
            )
        return r"\begin{aligned} " + r" \\ ".join(rows) + r" \end{aligned}"

    def _repr_html_(self) -> str:
        """Show the lesson in a notebook."""
        return f"<pre>{escape(self.text)}</pre>"

    def __str__(self) -> str:
        return self.text


@overload
def explain(y: Node) -> Lesson: ...
@overload
def explain(y: Node, x: Node, *, most_paths: int = ...) -> Explanation: ...


def explain(
    y: Node, x: Node | None = None, *, most_paths: int = MOST_PATHS
) -> Explanation | Lesson:
    """Explain a gradient: every path from `y` to `x`, or the whole backward pass of `y`.

    Nothing needs to be computed before, and no `.grad` is touched.

    Args:
        y: a scalar result; with `x` left out, any result whose gradient is known.
        x: a scalar it was computed from; all of them if left out.
        most_paths: how many paths are written out; the others are counted and their sum given.

    Returns:
        An `Explanation` of the one gradient, or a `Lesson`. Both print as text and have `.latex`.

    Raises:
        DTypeError: if `y` or `x` is no Tensor.
        ArgumentError: if a value on the way from `x` to `y` is an array, or `most_paths` is no
            whole number from 1 to 10,000.
        GraphError: if `y` is no recorded result.

    Example:
        >>> from autograd import Tensor
        >>> apple, tax = Tensor(100, name="apple"), Tensor(1.1, name="tax")
        >>> price = apple * 2 * tax
        >>> price.name = "price"
        >>> print(explain(price, apple))
        dprice/dapple = 2.2
        <BLANKLINE>
        1 path from price back to apple:
          1. price → t1 → apple
             tax × 2 = 1.1 × 2 = 2.2
        <BLANKLINE>
        where
          t1 = apple × 2 = 200
    """
    order = recorded(y)
    if y.is_leaf:
        raise GraphError(
            message("y to be the result of an operation", y.label, "a value computed from Tensors")
        )
    if x is None:
        seed = y.grad if y.grad is not None else 1.0 if y.shape == () else None
        if seed is None:
            raise ArgumentError(
                message(
                    "y to be a scalar or to have been differentiated",
                    f"{y.label}, shape {y.shape}, without a gradient",
                    "y.backward(gradient) first, or explaining y.sum()",
                )
            )
        figure = described(order, seed)
        story = Story(figure.vertices, figure.edges)
        return Lesson(figure, tuple(story.forward()), tuple(story.backward()))
    if type(most_paths) is not int or not 1 <= most_paths <= MOST_ASKED:
        raise ArgumentError(
            message(
                f"most_paths to be a whole number from 1 to {MOST_ASKED:,}",
                repr(most_paths),
                "most_paths=10; the paths beyond it are counted and their sum is given",
            )
        )
    if not isinstance(x, Node):
        raise DTypeError(message("x to be a Tensor", type(x).__name__, "one that y came from"))
    return _Paths(order, x).explanation(most_paths)


class _Paths:
    """The part of a computation that leads from `x` to its result."""

    def __init__(self, order: list[Node], x: Node) -> None:
        self.order = order
        self.y = order[-1]
        self.x = x
        self.position = {t: i for i, t in enumerate(order)}
        self.names = named(order if x in self.position else [x, *order])
        self.counts = {x: 1}
        for t in order:
            if t is not x and t.requires_grad:
                many = sum(self.counts.get(i, 0) for i in t.inputs if isinstance(i, Node))
                if many:
                    self.counts[t] = min(many, COUNTED)
        for t in self.counts:
            if t.shape != ():
                raise ArgumentError(
                    message(
                        "every value from x to y to be a scalar",
                        f"{self.names[t]}, shape {t.shape}",
                        "explain(y), which tells arrays by their shapes",
                    )
                )
        self.slopes: dict[Node, tuple[float | None, ...]] = {}

    def explanation(self, most: int) -> Explanation:
        found = gradients(self.y, self.x) if self.y in self.counts else None
        walked = list(islice(self._walk(), most)) if self.y in self.counts else []
        many = self.counts.get(self.y, 0)
        omitted = many if many == COUNTED else many - len(walked)
        return Explanation(
            self.names[self.y],
            self.names[self.x],
            0.0 if found is None else float(found),
            tuple(self._path(steps) for steps in walked),
            omitted,
            tuple(self._definitions(walked)),
        )

    def _walk(self) -> Iterator[list[tuple[Node, int]]]:
        """Yield every path as its edges, operand by operand, without recursion."""
        steps: list[tuple[Node, int]] = []
        stack = [self._onward(self.y)]
        if self.y is self.x:
            yield []
            return
        while stack:
            step = next(stack[-1], None)
            if step is None:
                stack.pop()
                if steps:
                    steps.pop()
                continue
            t, i = step
            if t.inputs[i] is self.x:
                yield [*steps, step]
            else:
                steps.append(step)
                stack.append(self._onward(t.inputs[i]))

    def _onward(self, t: Node) -> Iterator[tuple[Node, int]]:
        return ((t, i) for i, x in enumerate(t.inputs) if isinstance(x, Node) and x in self.counts)

    def _operands(self, t: Node) -> list[Operand]:
        return [
            self.names[x]
            if isinstance(x, Node)
            else float(x)
            if isinstance(q := quantity(x), float)
            else written(q)
            for x in t.inputs
        ]

    def _path(self, steps: Sequence[tuple[Node, int]]) -> Path:
        half = MOST_FACTORS // 2
        seen = {*range(half + 1), *range(len(steps) - half, len(steps))}
        return Path(tuple(self._factor(t, i, k in seen) for k, (t, i) in enumerate(steps)))

    def _factor(self, t: Node, i: int, written_out: bool) -> Factor:
        if t not in self.slopes:
            self.slopes[t] = local_derivatives(t)
        value = self.slopes[t][i]
        assert value is not None
        row = t.primitive
        assert row is not None
        operand, taken = self.names[t.inputs[i]], not row.selects or value != 0.0
        if not written_out:
            return Factor(operand, value, taken=taken)
        tree = slope_formula(row, i, self._operands(t), self.names[t])
        texts = (Printer().formula(tree), LatexPrinter().formula(tree))
        return Factor(operand, value, *texts, taken)

    def _definitions(
        self, walked: Sequence[list[tuple[Node, int]]]
    ) -> Iterator[tuple[str, str, float]]:
        needed: dict[Node, None] = {}
        for steps in walked:
            for t, _ in steps if len(steps) <= MOST_FACTORS else steps[: MOST_FACTORS // 2]:
                needed[t] = None
                needed.update((x, None) for x in t.inputs if isinstance(x, Node))
        wanted = [t for t in needed if not t.is_leaf and t is not self.y][:MOST_DEFINITIONS]
        for t in sorted(wanted, key=self.position.__getitem__):
            assert t.primitive is not None
            formula = Printer().formula(result_formula(t.primitive, self._operands(t)))
            yield self.names[t], formula, float(t._value)


def _ends(path: Path) -> list[Factor | None]:
    """Return the factors to write out, None where some are left out."""
    factors = path.factors
    if len(factors) <= MOST_FACTORS:
        return list(factors)
    half = MOST_FACTORS // 2
    return [*factors[:half], None, *factors[-half:]]


def _factor(text: str) -> str:
    is_compound = any(sign in text for sign in (" + ", " - ", " × ", " / "))
    return f"({text})" if is_compound or text.startswith("-") else text


def _bracketed(latex: str) -> str:
    loose = latex.startswith("-") or any(sign in latex for sign in (" + ", " - "))
    return rf"\left({latex}\right)" if loose else latex
