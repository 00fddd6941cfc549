"""A graph of scalars over arrays, block by block: one text, buffers for each thread that runs it.

A plan is written once, on a short sample. Its text says nothing of lengths, so that every thread
runs it over buffers of its own, and a shorter block over their beginnings.
"""

from __future__ import annotations

import math
import types
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from .equations import Spec
from .ir import Graph
from .plan import Plan

SHORTEST = 61


class _View(NamedTuple):
    """Where a name of the plan's text lies: in which buffer, from which byte on, and as what."""

    name: str
    slot: int
    offset: int
    shape: tuple[int, ...] | None
    strides: tuple[int, ...]
    dtype: np.dtype[Any]


class Blocks:
    """The program of a scalar graph over blocks.

    Args:
        graph: a graph of scalars, made of element-wise operations.
        pattern: for each input that is an argument, whether it is an array.
    """

    def __init__(self, graph: Graph, pattern: Sequence[bool]) -> None:
        self.length, widened = _widened(graph, pattern)
        self.plan = Plan(widened, into=True)
        self._wide = [False] * len(self.plan.buffers)
        self._views = list(self._found())
        self.lanes: list[Lane] = []

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

    def buffers(self, size: int) -> list[np.ndarray[Any, Any]]:
        """Return new buffers for blocks of up to so many points."""
        return [
            np.empty(b.nbytes // self.length * size if wide else b.nbytes, np.uint8)
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

    def taken(self, size: int) -> Lane:
        """Return a lane that no other thread uses; it goes back into `lanes`."""
        try:
            return self.lanes.pop()
        except IndexError:
            return Lane(self, size)


class Lane:
    """What one thread runs blocks with.

    Args:
        blocks: the program.
        size: the points of the largest block.
    """

    def __init__(self, blocks: Blocks, size: int) -> None:
        self.blocks = blocks
        self.size = size
        self._buffers = blocks.buffers(size)
        self._whole = blocks.program(self._buffers, size)
        self._part = size, self._whole
        self._scratch: dict[Any, np.ndarray[Any, Any]] = {}

    def run(self, start: int, stop: int, sources: Sequence[Any], sinks: Sequence[Sink]) -> None:
        """Compute the points from `start` to `stop`.

        Args:
            start: the first point.
            stop: the point after the last.
            sources: a number or a Source for each input.
            sinks: one a result.
        """
        size = stop - start
        program = self._whole
        if size != self.size:
            if self._part[0] != size:
                self._part = size, self.blocks.program(self._buffers, size)
            program = self._part[1]
        inputs = [
            x.block(start, stop, self._room(k, x.dtype)) if type(x) is Source else x
            for k, x in enumerate(sources)
        ]
        outputs = [
            y.flat[start:stop] if y.flat is not None else self._room(-1 - k, y.array.dtype)[:size]
            for k, y in enumerate(sinks)
        ]
        program(*inputs, *outputs)
        for y, found in zip(sinks, outputs, strict=True):
            if y.flat is None:
                for box, part in boxes(y.array.shape, start, stop):
                    y.array[box] = found[part].reshape(y.array[box].shape)

    def _room(self, key: int, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
        if (key, dtype) not in self._scratch:
            self._scratch[key, dtype] = np.empty(self.size, dtype)
        return self._scratch[key, dtype]


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
        plain = array.shape == shape and array.flags.c_contiguous and array.dtype == dtype
        self.flat = array.reshape(-1) if plain and not apart else None
        self.array = np.broadcast_to(array, shape)

    def block(self, start: int, stop: int, room: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Return the entries from `start` to `stop`, in `room` if they are not in a row."""
        if self.flat is not None:
            return self.flat[start:stop]
        for box, part in boxes(self.array.shape, start, stop):
            entries = self.array[box]
            np.copyto(room[part].reshape(entries.shape), entries)
        return room[: stop - start]


class Sink:
    """An array for a result, written block by block."""

    def __init__(self, array: np.ndarray[Any, Any]) -> None:
        self.array = array
        self.flat = array.reshape(-1) if array.flags.c_contiguous else None


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


def _widened(graph: Graph, pattern: Sequence[bool]) -> tuple[int, Graph]:
    """Return a scalar graph over vectors: each value that follows an array is an array.

    Their length is one by which they, and their buffers, are told from all other arrays.
    """
    wide = [*pattern, *[False] * (graph.first - len(pattern))]
    for _, equation in graph.numbered():
        wide.append(any(wide[i] for i in equation.inputs))
    others = {
        math.prod(spec.shape) * spec.dtype.itemsize
        for spec, w in zip(graph.specs, wide, strict=True)
        if not w
    }
    length = SHORTEST
    while not others.isdisjoint(length * width for width in (1, 2, 4, 8)):
        length += 1
    specs = tuple(
        Spec((length,), spec.dtype) if w else spec
        for spec, w in zip(graph.specs, wide, strict=True)
    )
    return length, replace(graph, specs=specs)
