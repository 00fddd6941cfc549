"""A graph of scalars over arrays, block by block, with memory for each thread that runs it.

A plan for NumPy is written once, on a short sample: its text says nothing of lengths, so that every
thread runs it over buffers of its own, and a shorter block over their beginnings. Machine code is
made for a length.
"""

from __future__ import annotations

import math
import types
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from ..errors import require
from .arrays import ArrayPlan
from .equations import NATIVE, Spec
from .fusion import Fusion
from .ir import Graph
from .plan import Plan
from .product import host

SHORTEST = 61
"""The length of the blocks that a plan for NumPy is written on, or the next that is free."""

LARGEST = 2_000
"""Operations up to which machine code is worth the time that it takes to build."""

OWN = 10
"""Of so many operations all but one must be machine code; NumPy is called for others in between."""

SMALLEST = 64
"""The shortest block that machine code is made for has so many points, or up to four times."""


class Source:
    """An argument that is an array, read block by block without a copy of the whole.

    Args:
        array: of a shape that broadcasts.
        shape: to this.
        dtype: what the program computes with.
        apart: whether a block is copied before it is used, since results are written over it.
    """

    def __init__(
        self,
        array: np.ndarray[Any, Any],
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        apart: bool,
    ) -> None:
        self.dtype = dtype
        self.array = np.broadcast_to(array, shape)
        plain = array.shape == shape and array.dtype == dtype and not apart
        self.flat = _in_a_row(array) if plain else None

    def read(self, start: int, stop: int, room: np.ndarray[Any, Any]) -> None:
        """Copy the entries from `start` to `stop` to the beginning of `room`."""
        if self.flat is not None:
            room[: stop - start] = self.flat[start:stop]
            return
        for box, part in boxes(self.array.shape, start, stop):
            entries = self.array[box]
            np.copyto(room[part].reshape(entries.shape), entries)


class Sink:
    """An array for a result, written block by block."""

    def __init__(self, array: np.ndarray[Any, Any]) -> None:
        self.array = array
        self.flat = _in_a_row(array)

    def write(self, start: int, stop: int, found: np.ndarray[Any, Any]) -> None:
        """Copy the beginning of `found` to the entries from `start` to `stop`."""
        if self.flat is not None:
            self.flat[start:stop] = found[: stop - start]
            return
        for box, part in boxes(self.array.shape, start, stop):
            self.array[box] = found[part].reshape(self.array[box].shape)


def _in_a_row(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any] | None:
    """Return an array as one row in memory, None if it lies otherwise or in swapped bytes."""
    plain = array.flags.carray and array.dtype is NATIVE.get(array.dtype)
    return np.asarray(array).reshape(-1) if plain else None


class Lane(ABC):
    """What one thread runs blocks with: a program, and memory of its own.

    Args:
        size: the points of the largest block.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._rooms: dict[Any, np.ndarray[Any, Any]] = {}

    @abstractmethod
    def program(self, size: int) -> tuple[int, Callable[..., Any]]:
        """Return a program for so many points, or fewer or more, and for how many it is.

        It takes the inputs, then arrays for the results.
        """

    def run(self, start: int, stop: int, sources: Sequence[Any], sinks: Sequence[Sink]) -> None:
        """Compute the points from `start` to `stop`.

        Args:
            start: the first point.
            stop: the point after the last.
            sources: a Source, or what is the same for all points, for each input.
            sinks: one a result.
        """
        while start < stop:
            size, program = self.program(stop - start)
            self._run(program, size, start, min(start + size, stop), sources, sinks)
            start += size

    def _run(
        self,
        program: Callable[..., Any],
        size: int,
        start: int,
        stop: int,
        sources: Sequence[Any],
        sinks: Sequence[Sink],
    ) -> None:
        whole = size == stop - start
        inputs = []
        for k, x in enumerate(sources):
            if type(x) is not Source:
                inputs.append(x)
            elif whole and x.flat is not None:
                inputs.append(x.flat[start:stop])
            else:
                inputs.append(self._room(k, x.dtype, size))
                x.read(start, stop, inputs[-1])
        direct = [y.flat if whole else None for y in sinks]
        outputs = [
            self._room(-1 - k, y.array.dtype, size) if flat is None else flat[start:stop]
            for k, (y, flat) in enumerate(zip(sinks, direct, strict=True))
        ]
        program(*inputs, *outputs)
        for y, flat, found in zip(sinks, direct, outputs, strict=True):
            if flat is None:
                y.write(start, stop, found)

    def _room(self, key: int, dtype: np.dtype[Any], size: int) -> np.ndarray[Any, Any]:
        """Return memory for points of an argument or result, filled with regular numbers."""
        place = key, NATIVE[dtype]
        if place not in self._rooms or self._rooms[place].size < size:
            self._rooms[place] = np.ones(size, place[1])
        return self._rooms[place][:size]


class Blocks(ABC):
    """The programs of a scalar graph over blocks, and the lanes that are free.

    Args:
        size: the points of the largest block.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._free: list[Lane] = []

    @abstractmethod
    def lane(self) -> Lane:
        """Return a new lane."""

    @contextmanager
    def taken(self) -> Iterator[Lane]:
        """Lend a lane that no other thread uses."""
        try:
            lane = self._free.pop()
        except IndexError:
            lane = self.lane()
        try:
            yield lane
        finally:
            self._free.append(lane)


# ---- by NumPy ------------------------------------------------------------------------------------


class _View(NamedTuple):
    """Where a name of the plan's text lies: in which buffer, from which byte on, and as what."""

    name: str
    slot: int
    offset: int
    shape: tuple[int, ...] | None
    strides: tuple[int, ...]
    dtype: np.dtype[Any]


class NumpyBlocks(Blocks):
    """One text for blocks of every length, over buffers of each lane.

    Args:
        graph: a graph of scalars, made of element-wise operations.
        pattern: for each input that is an argument, whether it is an array.
        size: the points of the largest block.
    """

    def __init__(self, graph: Graph, pattern: Sequence[bool], size: int) -> None:
        super().__init__(size)
        wide = _following(graph, pattern)
        others = {
            math.prod(spec.shape) * spec.dtype.itemsize
            for spec, w in zip(graph.specs, wide, strict=True)
            if not w
        }
        # a length by which blocks, and their buffers, are told from all other arrays
        self.length = SHORTEST
        while not others.isdisjoint(self.length * width for width in (1, 2, 4, 8)):
            self.length += 1
        self.plan = Plan(_widened(graph, wide, self.length), into=True)
        self._wide = [False] * len(self.plan.buffers)
        self._views = list(self._found())

    def _found(self) -> Iterator[_View]:
        buffers = self.plan.buffers
        starts = {b.ctypes.data: k for k, b in enumerate(buffers) if b.nbytes}
        for name, value in self.plan.function.__globals__.items():
            if not isinstance(value, np.ndarray) or value.base is None:
                continue
            slot = starts.get(value.base.ctypes.data)
            if slot is None:
                continue
            wide = value.shape == (self.length,)
            self._wide[slot] |= wide
            offset = value.ctypes.data - value.base.ctypes.data
            shape = None if wide else value.shape
            yield _View(name, slot, offset, shape, value.strides, value.dtype)

    def buffers(self) -> list[np.ndarray[Any, Any]]:
        """Return new buffers for the largest block."""
        return [
            np.empty(b.nbytes // self.length * self.size if wide else b.nbytes, np.uint8)
            for b, wide in zip(self.plan.buffers, self._wide, strict=True)
        ]

    def program(self, buffers: Sequence[np.ndarray[Any, Any]], size: int) -> Callable[..., Any]:
        """Return the plan's function over the beginnings of buffers, for so many points."""
        function = self.plan.function
        scope = dict(function.__globals__)
        for name, slot, offset, shape, strides, dtype in self._views:
            shape = (size,) if shape is None else shape
            scope[name] = np.ndarray(shape, dtype, buffers[slot], offset, strides)
        return types.FunctionType(function.__code__, scope)

    def lane(self) -> Lane:
        """Return a lane with buffers of its own."""
        return _NumpyLane(self)


class _NumpyLane(Lane):
    def __init__(self, blocks: NumpyBlocks) -> None:
        super().__init__(blocks.size)
        self._blocks = blocks
        self._buffers = blocks.buffers()
        self._whole = self.size, blocks.program(self._buffers, self.size)
        self._part = self._whole

    def program(self, size: int) -> tuple[int, Callable[..., Any]]:
        """Return the program for so many points."""
        if size == self.size:
            return self._whole
        if self._part[0] != size:
            self._part = size, self._blocks.program(self._buffers, size)
        return self._part


# ---- by machine code -----------------------------------------------------------------------------


class NativeBlocks(Blocks):
    """Machine code for blocks of a few lengths, which make up others; what is left is filled up.

    Args:
        graph: a graph of scalars, made of element-wise operations.
        pattern: for each input that is an argument, whether it is an array.
        size: the points of the largest block.
    """

    def __init__(self, graph: Graph, pattern: Sequence[bool], size: int) -> None:
        super().__init__(size)
        self.graph = graph
        self.wide = _following(graph, pattern)
        self.sizes = [size]
        while self.sizes[0] > 4 * SMALLEST:
            self.sizes.insert(0, self.sizes[0] // 4)

    def lane(self) -> Lane:
        """Return a lane with memory of its own."""
        return _NativeLane(self)


class _NativeLane(Lane):
    def __init__(self, blocks: NativeBlocks) -> None:
        super().__init__(blocks.size)
        self._blocks = blocks
        self._programs: dict[int, Callable[..., Any]] = {}

    def program(self, size: int) -> tuple[int, Callable[..., Any]]:
        """Return the program of the next length, or of a smaller one with less to fill up."""
        blocks = self._blocks
        above = next((length for length in blocks.sizes if length >= size), blocks.size)
        below = [length for length in blocks.sizes if length <= size]
        size = above if 2 * size >= above or not below else below[-1]
        if size not in self._programs:
            plan = ArrayPlan(_widened(blocks.graph, blocks.wide, size), into=True)
            self._programs[size] = plan.function
        return size, self._programs[size]


def boxes(shape: Sequence[int], start: int, stop: int) -> Iterator[tuple[Any, slice]]:
    """Cut a range of positions in C order into boxes of an array.

    Args:
        shape: of the array.
        start: the first position.
        stop: the position after the last.

    Returns:
        An iterator over the boxes: an index, and the slice of the range that is its entries.

    Example:
        >>> list(boxes((3, 4), 2, 9))
        [((0, slice(2, 4, None)), slice(0, 2, None)), ((slice(1, 2, None),), slice(2, 6, None)), \
((2, slice(0, 1, None)), slice(6, 7, None))]
    """
    yield from _boxes(tuple(shape), start, stop, (), 0)


def _boxes(
    shape: tuple[int, ...], start: int, stop: int, head: tuple[Any, ...], at: int
) -> Iterator[tuple[Any, slice]]:
    if start >= stop:
        return
    if not shape:
        yield head, slice(at, at + 1)
        return
    row = math.prod(shape[1:])
    first, skipped = divmod(start, row)
    last, left = divmod(stop, row)
    if first == last:
        yield from _boxes(shape[1:], skipped, left, (*head, first), at)
        return
    if skipped:
        yield from _boxes(shape[1:], skipped, row, (*head, first), at)
        at += row - skipped
        first += 1
    if first < last:
        yield (*head, slice(first, last)), slice(at, at + (last - first) * row)
        at += (last - first) * row
    yield from _boxes(shape[1:], 0, left, (*head, last), at)


def suits_machine_code(graph: Graph, pattern: Sequence[bool]) -> bool:
    """Return whether machine code is worth its build: it does nearly all of not too much."""
    if len(graph) > LARGEST:
        return False
    machine = host(require("llvmlite.binding", "llvm", "compile to machine code"))
    items = Fusion(_widened(graph, _following(graph, pattern), SMALLEST), machine).items
    calls = sum(len(item.members) for item in items if not item.is_native)
    return OWN * calls <= len(graph)


def _following(graph: Graph, pattern: Sequence[bool]) -> list[bool]:
    """Return for each variable of a scalar graph whether it follows an array."""
    wide = [*pattern, *[False] * (graph.first - len(pattern))]
    for _, equation in graph.numbered():
        wide.append(any(wide[i] for i in equation.inputs))
    return wide


def _widened(graph: Graph, wide: Sequence[bool], length: int) -> Graph:
    """Return a scalar graph over blocks of some length."""
    specs = tuple(
        Spec((length,), spec.dtype) if w else spec
        for spec, w in zip(graph.specs, wide, strict=True)
    )
    return replace(graph, specs=specs)
