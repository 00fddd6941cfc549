"""Passes over arrays as values: what is computed, where it is read, and where it goes.

A pass computes any number of element-wise operations at once, with what lies between them in
registers, and stores some of the results, or reduces one of them along axes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ..primitive import Primitive

MEMORY = {"f4": "float", "f8": "double", "b1": "i8", "i1": "i8", "i2": "i16", "i4": "i32",
          "i8": "i64", "u1": "i8", "u2": "i16", "u4": "i32"}  # fmt: skip
"""The types of LLVM by the kind and size of a dtype, as far as passes take them."""

WHOLE = {
    "equal": "eq", "not_equal": "ne", "less": "slt", "less_equal": "sle", "greater": "sgt",
    "greater_equal": "sge",
}  # fmt: skip
"""Comparisons of whole numbers; no other operation takes them as they are."""


class Place(NamedTuple):
    """Where the entries of a value lie.

    Args:
        root: the position of the address that it counts from, in the table.
        offset: bytes from there to its first entry.
        strides: bytes from entry to entry along each axis.
        kind: the kind and size of its dtype.
    """

    root: int
    offset: int
    strides: tuple[int, ...]
    kind: str


class Constant(NamedTuple):
    """A number in the text of a pass."""

    value: float | int | bool


class Operation(NamedTuple):
    """One element-wise operation of a pass.

    Args:
        row: the operation, None for a conversion.
        inputs: values of the pass by position, or numbers, which are Python's own.
        computed: the kind of number that it computes with.
        kind: the kind of its result.
    """

    row: Primitive | None
    inputs: tuple[int | Constant, ...]
    computed: str
    kind: str


class Fold(NamedTuple):
    """A reduction at the end of a pass.

    Args:
        combine: the operation of two values that is repeated.
        start: what it begins with.
        axes: those that go.
        divisor: what the result is divided by.
        place: where it goes; its strides along the axes that go are 0.
    """

    combine: Primitive
    start: float
    axes: frozenset[int]
    divisor: int
    place: Place


@dataclass
class Pass:
    """A pass over arrays of one shape.

    Args:
        shape: of the pass.
        steps: places to load and operations, in order; what they give is numbered as they come.
        stores: values to keep, and where.
        fold: how the last value is reduced, if it is.
    """

    shape: tuple[int, ...]
    steps: list[Place | Operation] = field(default_factory=list)
    stores: list[tuple[int, Place]] = field(default_factory=list)
    fold: Fold | None = None

    def places(self) -> list[Place]:
        """Return all places in memory that it reads or writes."""
        found = [step for step in self.steps if isinstance(step, Place)]
        found += [place for _, place in self.stores]
        return found if self.fold is None else [*found, self.fold.place]

    def kind(self, value: int) -> str:
        """Return the kind of a value."""
        return self.steps[value].kind


class Multiplication(NamedTuple):
    """A product of matrices.

    Args:
        a: where the left one lies, with its two strides.
        b: where the right one lies.
        c: where the product goes.
        name: the function that computes it.
        workspace: bytes from the start of the memory to what it may write over.
        steps: how many numbers are multiplied.
    """

    a: Place
    b: Place
    c: Place
    name: str
    workspace: int
    steps: int

    def places(self) -> list[Place]:
        """Return all places in memory that it reads or writes."""
        return [self.a, self.b, self.c]


class Dim(NamedTuple):
    """An axis of the loops.

    Args:
        size: how many entries.
        strides: of every place, in bytes.
        goes: whether it is reduced.
    """

    size: int
    strides: tuple[int, ...]
    goes: bool


def collapsed(shape: Sequence[int], places: Sequence[Place], gone: frozenset[int]) -> list[Dim]:
    """Return the axes of a pass with neighbours made one where all places allow it."""
    found: list[Dim] = []
    for axis, size in enumerate(shape):
        dim = Dim(size, tuple(place.strides[axis] for place in places), axis in gone)
        if size == 1:
            continue
        if found and found[-1].goes == dim.goes:
            before = found[-1]
            if all(a == b * size for a, b in zip(before.strides, dim.strides, strict=True)):
                found[-1] = Dim(before.size * size, dim.strides, dim.goes)
                continue
        found.append(dim)
    return found


def broadcast(strides: Sequence[int], shape: Sequence[int], ndim: int) -> tuple[int, ...]:
    """Return the strides of an array in a pass of more axes: 0 where it is repeated.

    Args:
        strides: of the array.
        shape: of the array.
        ndim: the axes of the pass.
    """
    own = [0 if size == 1 else stride for stride, size in zip(strides, shape, strict=True)]
    return (*[0] * (ndim - len(own)), *own)
