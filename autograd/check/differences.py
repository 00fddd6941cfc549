"""One hand-written gradient beside the right one, and a guess at the mistake between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..node import Node, value_of
from .report import guess_of

SHOWN = 9
"""Entries of a gradient that are printed; larger ones as least ... mean ... greatest."""

ROUNDING = 1e-9
"""Two ways of rounding may differ by this part of the largest entry of a gradient."""


@dataclass(frozen=True)
class EdgeDiff:
    """What flows back along one edge, by hand and by the engine.

    Attributes:
        tail: the value that the gradient is of.
        head: the layer or operations that it flows back from.
        expected: the engine's gradient.
        got: the hand-written one; None if there is none.
        guess: what may be the mistake; "" where it is right or nothing fits.
    """

    tail: str
    head: str
    expected: Any
    got: Any
    guess: str = ""

    @property
    def is_right(self) -> bool:
        """Whether the two agree up to rounding."""
        return agree(self.got, self.expected)

    @property
    def got_text(self) -> str:
        """The hand-written gradient as text."""
        return _shown(self.got)

    def __str__(self) -> str:
        if self.is_right:
            return f"right at {self.tail} <- {self.head}: {_shown(self.got)}"
        guess = f"; {self.guess}" if self.guess else ""
        return (
            f"wrong at {self.tail} <- {self.head}: expected {_shown(self.expected)}, "
            f"got {_shown(self.got)}{guess}"
        )


@dataclass(frozen=True)
class BackwardDiff:
    """A hand-written backward pass beside the engine's, edge by edge; `autograd.draw` colours it.

    Attributes:
        edges: the comparisons in the order of the backward pass, from the result to the inputs.
        result: the Tensor that was differentiated.
        cotangent: where the backward pass started from.
        marks: for drawing, the comparison that belongs to an edge of the graph (an operation and
            the number of its input) or, summed over several uses, to a Tensor.
    """

    edges: tuple[EdgeDiff, ...]
    result: Node
    cotangent: Any = None
    marks: Mapping[Any, EdgeDiff] = field(default_factory=dict, repr=False)

    @property
    def is_right(self) -> bool:
        """Whether every edge agrees."""
        return all(edge.is_right for edge in self.edges)

    @property
    def first(self) -> EdgeDiff | None:
        """The first wrong edge on the way back; those after it may follow from it."""
        return next((edge for edge in self.edges if not edge.is_right), None)

    def __str__(self) -> str:
        wrong = sum(not edge.is_right for edge in self.edges)
        if not wrong:
            return "\n".join(
                [f"backward right: {len(self.edges)} edges", *(f"  {e}" for e in self.edges)]
            )
        lines = [f"backward wrong: {wrong} of {len(self.edges)} edges"]
        lines += [f"{'->' if edge is self.first else '  '} {edge}" for edge in self.edges]
        return "\n".join(lines)


def compared(
    tail: str, head: str, expected: Any, got: Any, others: Mapping[str, tuple[Any, Any]]
) -> EdgeDiff:
    """Compare two gradients, and guess at the mistake where they differ.

    Args:
        tail: the value that they are of.
        head: where they flow back from.
        expected: the right one.
        got: the other one, None if there is none.
        others: both gradients of other values by name, with which it may be exchanged.
    """
    expected, got = _plain(expected), None if got is None else _plain(value_of(got))
    edge = EdgeDiff(tail, head, expected, got)
    if edge.is_right:
        return edge
    return EdgeDiff(tail, head, expected, got, _guess(tail, expected, got, others))


def _guess(tail: str, expected: Any, got: Any, others: Mapping[str, tuple[Any, Any]]) -> str:
    if got is None:
        return "nothing flows back: this gradient is not returned"
    e, g = np.asarray(expected, float), np.asarray(got, float)
    for name, (right, by_hand) in others.items():
        if name != tail and agree(got, right) and agree(by_hand, expected):
            return f"exchanged with the gradient of {name}"
    if e.ndim == 2 and g.ndim == 2 and agree(g.T, e):
        return "the matrix is transposed"
    if g.shape != e.shape:
        if g.size == e.size:
            return f"of shape {g.shape} instead of {e.shape}"
        for axis in range(g.ndim):
            if agree(g.sum(axis=axis), e):
                return f"a missing sum over axis {axis}, along which the input was broadcast"
        return f"of shape {g.shape} instead of {e.shape}: a sum over too many axes or too few"
    scale = float(np.max(np.abs(e), initial=0.0))
    differs = ~((np.abs(g - e) <= ROUNDING * scale) | (g == e))
    phrases = {
        guess_of(float(a), float(b), ROUNDING * scale, e.shape)
        for a, b in zip(g[differs], e[differs], strict=True)
    }
    phrase = phrases.pop() if len(phrases) == 1 else ""
    if e.ndim == 0 or (phrase and np.all(differs | (e == 0))):
        return phrase
    at = np.unravel_index(int(np.argmax(np.where(differs, np.abs(g - e), -1.0))), e.shape)
    index = ", ".join(str(int(i)) for i in at)
    return f"{int(np.sum(differs))} of {e.size} entries differ, most at [{index}]" + (
        f": {phrase}" if phrase else f": expected {e[at]:.6g}, got {g[at]:.6g}"
    )


def agree(got: Any, expected: Any) -> bool:
    """Whether two gradients are the same up to rounding."""
    if got is None or np.shape(got) != np.shape(expected):
        return False
    scale = np.max(np.abs(expected), initial=0.0)
    off = np.abs(np.asarray(got) - np.asarray(expected))
    same = np.asarray(got) == np.asarray(expected)  # infinities
    both_nan = np.isnan(got) & np.isnan(expected)
    return bool(np.all((off <= ROUNDING * scale) | same | both_nan))


def _plain(x: Any) -> Any:
    array = np.asarray(x)
    return float(array) if array.ndim == 0 else array


def _shown(x: Any) -> str:
    if x is None:
        return "nothing"
    if np.ndim(x) == 0:
        return f"{x:.12g}"
    if np.size(x) <= SHOWN:
        return " ".join(np.array2string(x, precision=6, separator=", ").split())
    return f"{np.shape(x)}: {np.min(x):.6g} ... {np.mean(x):.6g} ... {np.max(x):.6g}"
