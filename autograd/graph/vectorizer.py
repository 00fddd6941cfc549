"""`vectorize`: a function of scalars over arrays, block by block, on several threads."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np

from ..errors import ArgumentError, DTypeError, ShapeError, message
from ..kinds import Elementwise
from ..node import Node, value_of
from ..recording import mode, traced
from ..run import differentiating
from .adjoint import Tracer
from .equations import Spec, plain, refs_of
from .ir import Graph
from .lowering import opened
from .plan import Plan
from .recorder import record
from .tree import flatten, paths_of, unflatten
from .wrapping import Wrapping, require_count

BLOCK = 16384
"""Entries of a block: eight buffers of them fit the second-level cache of a present machine."""


def _threads() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        return os.cpu_count() or 1


class Vectorized(Wrapping):
    """A function of scalars that takes arrays; made by `vectorize`."""

    def __init__(self, f: Callable[..., Any], block: int, threads: int | None) -> None:
        require_count("block", block, 1, "the default")
        require_count("threads", 1 if threads is None else threads, 1, "the default")
        super().__init__(f, block, threads)
        self.block = block
        self.threads = threads or _threads()
        self._graphs: dict[Any, tuple[Graph, list[Node]]] = {}
        self._plans: dict[Any, list[Plan]] = {}

    def __call__(self, *args: Any, out: Any = None, progress: bool = False, **kwargs: Any) -> Any:
        """Return the results of the function for every entry of the broadcast arguments.

        Args:
            args: arrays, also memory-mapped ones, numbers, and lists of numbers, which are arrays;
                or other containers of them, if the function takes those.
            out: arrays to write the results into, built like the result; they may overlap the
                arguments, which are then copied.
            progress: whether to show a progress bar.
            kwargs: the same by name.

        Raises:
            ShapeError: if the arguments do not broadcast, or `out` has another shape.
            ArgumentError: if the function does more than scalar operations.
        """
        args = tuple(map(_as_array, args))
        kwargs = {name: _as_array(x) for name, x in kwargs.items()}
        leaves, takes = flatten((args, kwargs))
        paths = paths_of(takes, "")
        arrays = [_real(x, path) for x, path in zip(leaves, paths, strict=True)]
        narrow = any(x.dtype == np.float32 for x in arrays) and all(
            x.dtype == np.float32 or not x.ndim for x in arrays
        )
        dtype = np.dtype(np.float32 if narrow else np.float64)
        try:
            shape = np.broadcast_shapes(*(x.shape for x in arrays))
        except ValueError as error:
            raise ShapeError(
                message(
                    "arguments that broadcast",
                    ", ".join(str(x.shape) for x in arrays),
                    "reshaping them, for instance x[:, None]",
                )
            ) from error
        pattern = tuple(bool(x.ndim) for x in arrays)
        key = (takes, dtype, pattern)
        if key not in self._graphs:
            self._graphs[key] = self._traced(leaves, takes, dtype)
        graph, captured = self._graphs[key]
        followed = captured and (differentiating() or (mode.tracing and any(map(traced, captured))))
        if followed or any(map(_is_followed, leaves)):
            return self._recorded(graph, [*leaves, *captured], shape, out)
        if not any(pattern) and out is None:
            given = [plain(x.astype(dtype)) for x in arrays]
            return unflatten(graph.gives, iter(graph.run([*given, *map(value_of, captured)])))
        results = self._results(graph, shape, dtype, out)
        if out is not None:
            # entries may be written before another result, or another block, has read them
            arrays = [_apart(x, results) for x in arrays]
        sources = [_flat(x.astype(dtype, copy=False), shape) for x in arrays]
        fixed = [value_of(t) for t in captured]
        self._sweep(key, graph, sources, fixed, results, int(np.prod(shape)), progress)
        return unflatten(graph.gives, iter(results))

    def stream(self, chunks: Iterable[Any]) -> Iterator[Any]:
        """Return the results chunk by chunk, for inputs that do not fit in memory.

        Args:
            chunks: tuples of arguments, or single arguments.

        Returns:
            An iterator over the results.
        """
        for chunk in chunks:
            yield self(*chunk) if isinstance(chunk, tuple) else self(chunk)

    def _recorded(self, graph: Graph, inputs: list[Any], shape: tuple[int, ...], out: Any) -> Any:
        """Run the graph on whole Tensors, so that gradients and traces follow."""
        if out is not None:
            raise ArgumentError(
                message(
                    "plain arrays with out=, as a gradient needs results of their own",
                    "a Tensor that is followed",
                    "leaving out= away, or passing t.data",
                )
            )
        results = [np.broadcast_to(y, shape) for y in graph.run(inputs)]
        return unflatten(graph.gives, iter(results))

    def _traced(
        self, leaves: Sequence[Any], takes: Any, dtype: np.dtype[Any]
    ) -> tuple[Graph, list[Node]]:
        examples = [0.5 if dtype == np.float64 else dtype.type(0.5) for _ in leaves]
        args, kwargs = unflatten(takes, iter(examples))
        parts, captured = record(self.function, args, kwargs, Tracer(lift=True))
        graph = opened(Graph(**parts)).simplify()
        follows = [k < len(leaves) for k in range(graph.first)]
        for variable, (row, inputs, params, _) in graph.numbered():
            follows.append(any(follows[i] for i in inputs))
            if not follows[variable]:
                continue  # the same for every point: computed once a block
            f = row.forward
            by_entry = isinstance(f, np.ufunc) and f.signature is None and not params
            by_entry = by_entry or f is np.where or isinstance(row, Elementwise)
            if not by_entry or refs_of(params):
                raise _no_point(graph, row.name)
            if any(graph.specs[i].shape for i in (*inputs, variable)):
                raise _no_point(graph, f"an array in {row.name}")
        for i in graph.outputs:
            if graph.specs[i].shape:
                raise _no_point(graph, "an array as a result")
        return graph, captured

    def _results(
        self, graph: Graph, shape: tuple[int, ...], dtype: np.dtype[Any], out: Any
    ) -> list[Any]:
        kinds = [graph.specs[i].dtype for i in graph.outputs]
        kinds = [dtype if kind.kind == "f" else kind for kind in kinds]
        if out is None:
            return [np.empty(shape, kind) for kind in kinds]
        arrays, gives = flatten(out)
        if gives != graph.gives:
            raise ArgumentError(
                message("out built like the result", "another structure", f"{len(kinds)} arrays")
            )
        for array, kind in zip(arrays, kinds, strict=True):
            if not isinstance(array, np.ndarray) or array.shape != shape or array.dtype != kind:
                raise ShapeError(
                    message(
                        f"out made of arrays of shape {shape} and dtype {kind}",
                        f"shape {np.shape(array)}, dtype {np.result_type(array)}",
                        f"np.empty({shape}, {str(kind)!r})",
                    )
                )
            if not array.flags.c_contiguous or not array.flags.writeable:
                raise ArgumentError(
                    message("out in C order and writeable", "another array", "np.empty(shape)")
                )
        for k, array in enumerate(arrays):
            if any(np.may_share_memory(array, other) for other in arrays[:k]):
                raise ArgumentError(
                    message(
                        "out made of arrays that do not overlap", "two that do", "one np.empty each"
                    )
                )
        return arrays

    def _sweep(
        self, key: Any, graph: Graph, sources: list[Any], fixed: list[Any], results: list[Any],
        count: int, progress: bool,
    ) -> None:  # fmt: skip
        """Run all blocks; the last one overlaps the one before it, so that sizes never change."""
        if not count:
            return
        size = min(self.block, 1 << (count - 1).bit_length())
        flat = [result.reshape(-1) for result in results]
        starts = range(0, count, size)
        workers = min(self.threads, len(starts))
        bar = _bar(len(starts)) if progress else None
        waiting = iter(starts)  # a worker takes the next block, so that a busy core delays none

        def work() -> None:
            plan = self._taken(key, graph, size)
            try:
                for start in waiting:
                    _run(plan, start, size, count, sources, fixed, flat)
                    if bar is not None:
                        bar.update()
            finally:
                self._plans[key, size].append(plan)

        try:
            if workers == 1:
                work()
            else:
                with ThreadPoolExecutor(workers - 1) as pool:
                    others = [pool.submit(work) for _ in range(workers - 1)]
                    work()
                    for other in others:
                        other.result()
        finally:
            if bar is not None:
                bar.close()

    def _taken(self, key: Any, graph: Graph, size: int) -> Plan:
        try:
            return self._plans.setdefault((key, size), []).pop()
        except IndexError:
            return Plan(_widened(graph, key[2], size), into=True)


def _run(
    plan: Plan, start: int, size: int, count: int, sources: list[Any], fixed: list[Any],
    flat: list[Any],
) -> None:  # fmt: skip
    if count >= size:
        start = min(start, count - size)
        stop = start + size
        inputs = [_block(x, start, stop) for x in sources]
        plan([*inputs, *fixed, *(y[start:stop] for y in flat)])
        return
    # fewer entries than the block: pad
    inputs = []
    for x in sources:
        if isinstance(x, float | np.floating):
            inputs.append(x)
            continue
        padded = np.ones(size, x.base.dtype if isinstance(x, np.flatiter) else x.dtype)
        padded[:count] = _block(x, 0, count)
        inputs.append(padded)
    outputs = [np.empty(size, y.dtype) for y in flat]
    plan([*inputs, *fixed, *outputs])
    for y, output in zip(flat, outputs, strict=True):
        y[...] = output[:count]


def _no_point(graph: Graph, found: str) -> ArgumentError:
    return ArgumentError(
        message(
            f"{graph.name} to be a function of scalars made of element-wise operations",
            found,
            "calling it on arrays directly, or autograd.compile",
        )
    )


def _is_followed(x: Any) -> bool:
    return isinstance(x, Node) and (x.requires_grad or traced(x))


def _as_array(x: Any) -> Any:
    """Return a list of numbers as NumPy takes it; a list that holds arrays stays a container."""
    if type(x) is not list or any(isinstance(part, (Node, np.ndarray, dict)) for part in x):
        return x
    try:
        array = np.asarray(x)
    except ValueError:
        return x
    return array if array.dtype.kind in "fiub" else x


def _apart(x: np.ndarray[Any, Any], results: Sequence[Any]) -> np.ndarray[Any, Any]:
    return x.copy() if any(np.may_share_memory(x, y) for y in results) else x


def _block(x: Any, start: int, stop: int) -> Any:
    return x if isinstance(x, float | np.floating) else x[start:stop]


def _real(x: Any, path: str) -> np.ndarray[Any, Any]:
    array = np.asarray(value_of(x))
    if array.dtype.kind not in "fiub":
        raise DTypeError(
            message(f"real numbers in {path}", f"dtype {array.dtype}", "array.astype(float)")
        )
    return array


def _flat(x: np.ndarray[Any, Any], shape: tuple[int, ...]) -> Any:
    """Return what gives entries by position without a copy of the whole: a view or an iterator."""
    if not x.ndim:
        return float(x) if x.dtype == np.float64 else x[()]
    if x.shape == shape and x.flags.c_contiguous:
        return x.reshape(-1)
    return np.broadcast_to(x, shape).flat


def _widened(graph: Graph, pattern: Sequence[bool], size: int) -> Graph:
    """Return a scalar graph over blocks: each value that follows an array is an array."""
    wide = [*pattern, *[False] * (graph.first - len(pattern))]
    for _, equation in graph.numbered():
        wide.append(any(wide[i] for i in equation.inputs))
    specs = tuple(
        Spec((size,), spec.dtype) if w else spec for spec, w in zip(graph.specs, wide, strict=True)
    )
    return replace(graph, specs=specs)


def _bar(total: int) -> Any:
    from tqdm import tqdm  # needed for progress bars only

    return tqdm(total=total, unit="block")


def vectorize(
    f: Callable[..., Any], *, block: int = BLOCK, threads: int | None = None
) -> Vectorized:
    """Return a function of scalars as a function of arrays, like np.vectorize at compiled speed.

    The arguments broadcast. Blocks that fit the cache run through buffers that are used again, on
    several threads; the result does not depend on their number.

    Args:
        f: a function of numbers made of element-wise operations: np.where instead of `if`; or a
            derivative of one, such as value_and_grad(f, (0, 1)).
        block: entries at a time.
        threads: how many; as many as there are cores if None.

    Returns:
        The function; `out=` takes the result, `progress=True` shows a bar, and `.stream(chunks)`
        goes through inputs that do not fit in memory.

    Raises:
        TraceError: at the first call, if `f` branches on values.

    Example:
        >>> from autograd import value_and_grad
        >>> sweep = vectorize(value_and_grad(lambda x, y: x * np.sin(y), (0, 1)))
        >>> value, (dx, dy) = sweep(np.array([1.0, 2.0]), 0.0)
        >>> dy
        array([1., 2.])
    """
    return Vectorized(f, block, threads)
