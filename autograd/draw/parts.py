"""What a figure is made of, as plain data: vertices, and edges that carry two quantities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..primitive import Primitive
from .text import Quantity
from .thumbnail import Pixels

Kind = Literal["leaf", "constant", "operation", "junction", "block", "module", "result"]


@dataclass(frozen=True)
class Vertex:
    """A circle, box or dot.

    Args:
        key: the identifier, the same on every run.
        kind: what it stands for; a junction is where a value parts and its gradients add.
        title: the symbol or the name.
        name: what formulas call its value; no two vertices share one.
        details: further lines of text.
        primitive: the row of the table, for an operation.
        value: what a box holds.
        gradient: the gradient that has arrived at a leaf, None where none has yet.
        pixels: a small copy of the image that a box holds.
        is_first_bad: whether the first nan or inf of the figure came from here.
    """

    key: str
    kind: Kind
    title: str
    name: str = ""
    details: tuple[str, ...] = ()
    primitive: Primitive | None = None
    value: Quantity | None = None
    gradient: Quantity | None = None
    pixels: Pixels = ()
    is_first_bad: bool = False


@dataclass(frozen=True)
class Edge:
    """A value on its way from where it was made to where it is used, and the gradient back.

    Args:
        tail: the key of the vertex that made the value.
        head: the key of the vertex that uses it.
        value: the value.
        gradient: what flows back along this edge, None where nothing has yet.
        terms: the contributions whose sum the gradient is, where a value is used several times.
        differentiable: False for a constant, which gradients do not flow to.
        slope: the local derivative of the head with respect to this value, where both are scalars.
        first_bad: "value" or "gradient" where that is the first nan or inf of the figure.
        by_hand: "right" or "wrong" where a hand-written gradient was compared, otherwise "".
        got: the hand-written gradient where it is wrong, "nothing" if there is none.
    """

    tail: str
    head: str
    value: Quantity
    gradient: Quantity | None = None
    terms: tuple[Quantity, ...] = ()
    differentiable: bool = True
    slope: float | None = None
    first_bad: Literal["", "value", "gradient"] = ""
    by_hand: Literal["", "right", "wrong"] = ""
    got: str = ""
