"""What a figure is made of, as plain data: vertices, and edges that carry two quantities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..primitive import Primitive
from .text import Quantity

Kind = Literal["leaf", "constant", "operation", "junction", "block", "result"]


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
    """

    key: str
    kind: Kind
    title: str
    name: str = ""
    details: tuple[str, ...] = ()
    primitive: Primitive | None = None


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
    """

    tail: str
    head: str
    value: Quantity
    gradient: Quantity | None = None
    terms: tuple[Quantity, ...] = ()
    differentiable: bool = True
    slope: float | None = None
