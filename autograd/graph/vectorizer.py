"""`vectorize`: a function of scalars over arrays, block by block, on several threads."""

from __future__ import annotations

import concurrent.futures
import contextlib
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import Any

import numpy as np

from ..errors import ArgumentError, DTypeError, ShapeError, message
from ..kinds import Elementwise
from ..node import Node, value_of
from ..recording import mode, traced
from ..run import differentiating
from .adjoint import Tracer
from .blocks import Blocks, NativeBlocks, NumpyBlocks, Sink, Source, suits_machine_code
from .cache import Recent
from .equations import plain, refs_of
from .ir import Graph
from .lowering import opened
from .recorder import input_names, record, uncollected
from .spelling import OF_NUMBERS
from .tree import flatten, paths_of, unflatten
from .unrolling import unrolled
from .vectors import processors
from .wrapping import Wrapping, require_backend, require_count

BACKENDS = ("auto", "numpy", "llvm")

BLOCK = 32768
"""Entries of a block: enough that a NumPy call costs more than the wait for another thread's."""


class _Helpers:
    """The threads that sweeps share: started when they are needed, kept for the next sweep."""

    def __init__(self) -> None:
        self._forget()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget)  # a child has none of the threads

    def _forget(self) -> None:
        self._pool: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()

    def share(self, work: Callable[[], None], workers: int) -> None:
        """Do work here and, as far as threads are free, in others at the same time.

        Args:
            work: returns when nothing is left to do, whoever does it.
            workers: how many threads in all.
        """
        others = []
        if workers > 1:
            with self._lock:
                if self._pool is None:
                    self._pool = ThreadPoolExecutor(1024, "chainrule-sweep")
            with contextlib.suppress(RuntimeError):  # the interpreter is shutting down
                others = [self._pool.submit(work) for _ in range(workers - 1)]
        try:
            work()
        finally:
            # a helper that has not begun would find nothing to do; waiting for it might take for
            # ever, as in a sweep that another sweep's function calls
            begun = [other for other in others if not other.cancel()]
            concurrent.futures.wait(begun)
        for other in begun:
            other.result()


_helpers = _Helpers()


class _Signature:
    """What was made for arguments of some structure, dtype and pattern of arrays and numbers."""

    def __init__(self, graph: Graph, captured: Sequence[Node], pattern: Sequence[bool]) -> None:
        self.graph = graph
        self.captured = captured
        self.pattern = pattern
        self.blocks: Blocks | None = None


class Vectorized(Wrapping):
    """A function of scalars that takes arrays; made by `vectorize`."""

    def __init__(
        self, f: Callable[..., Any], backend: str, block: int, threads: int | None, limit: int
    ) -> None:
        require_backend(backend, BACKENDS)
        require_count("block", block, 1, "the default")
        require_count("threads", 1 if threads is None else threads, 1, "the default")
        require_count("limit", limit, 1, "the default")
        super().__init__(f, backend, block, threads, limit)
        self.backend = backend
        self.block = block
        self.threads = threads or processors()
        self.programs: Recent[_Signature] = Recent(limit)

    def __call__(self, *args: Any, out: Any = None, progress: bool = False, **kwargs: Any) -> Any:
        """Return the results of the function for every entry of the broadcast arguments.

        Args:
            args: arrays, also memory-mapped ones, numbers, and lists of numbers, which are arrays;
                or other containers of them, if the function takes those. If there are float32 or
                float16 arrays and none of another dtype, everything is float32, else float64.
            out: arrays to write the results into, built like the result; they may overlap the
                arguments, which are then copied.
            progress: whether to show a progress bar.
            kwargs: the same by name.

        Raises:
            ShapeError: if the arguments do not broadcast, or `out` has another shape.
            DTypeError: if an argument holds anything but real numbers.
            ArgumentError: if the function does more than scalar operations.
        """
        args = tuple(map(_as_array, args))
        kwargs = {name: _as_array(x) for name, x in kwargs.items()}
        leaves, takes = flatten((args, kwargs))
        arrays = []
        for k, x in enumerate(leaves):
            array, wrong = _real(value_of(x))
            if wrong:
                name = input_names(self.function, paths_of(takes, ""), len(args))[k]
                raise DTypeError(message(f"real numbers in {name}", *wrong))
            arrays.append(array)
        dtype = _dtype(arrays)
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
        pattern = tuple([x.ndim > 0 for x in arrays])
        key = (takes, dtype, pattern)
        made = self.programs.get(key)
        if made is None:
            made = self.programs.add(key, self._traced(takes, dtype, pattern))
        graph, captured = made.graph, made.captured
        followed = captured and (differentiating() or (mode.tracing and any(map(traced, captured))))
        if followed or any(map(_is_followed, leaves)):
            given = [
                x if isinstance(x, Node) else plain(array.astype(dtype, copy=False))
                for x, array in zip(leaves, arrays, strict=True)
            ]
            return self._recorded(graph, [*given, *captured], shape, out)
        fixed = [value_of(t) for t in captured]
        if not any(pattern) and out is None:
            numbers = [plain(x.astype(dtype)) for x in arrays]
            return unflatten(graph.gives, iter(graph.run([*numbers, *fixed])))
        results = self._results(graph, shape, dtype, out)
        sources = [
            _source(x, shape, dtype, () if out is None else results)
            if x.ndim
            else plain(x.astype(dtype))
            for x in arrays
        ]
        self._sweep(made, [*sources, *fixed], results, progress)
        return unflatten(graph.gives, iter(results))

    def stream(self, chunks: Iterable[Any], *, progress: bool = False) -> Iterator[Any]:
        """Return the results chunk by chunk, for inputs that do not fit in memory.

        Args:
            chunks: tuples of arguments, or single arguments.
            progress: whether to show a progress bar.

        Returns:
            An iterator over the results; each is computed when it is asked for.

        Raises:
            ArgumentError: if there is nothing to go through.

        Example:
            >>> square = vectorize(lambda x: x * x)
            >>> [float(y.sum()) for y in square.stream(np.arange(k, k + 2.0) for k in range(3))]
            [1.0, 5.0, 13.0]
        """
        try:
            each = iter(chunks)
        except TypeError as error:
            raise ArgumentError(
                message("chunks to go through", type(chunks).__name__, "a generator of arrays")
            ) from error
        return self._streamed(_bar(chunks, "chunk") if progress else each)

    def _streamed(self, chunks: Iterable[Any]) -> Iterator[Any]:
        for k, chunk in enumerate(chunks):
            try:
                result = self(*chunk) if isinstance(chunk, tuple) else self(chunk)
            except Exception as error:
                error.add_note(f"in chunk {k} of the stream")
                raise
            yield result

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

    def _traced(self, takes: Any, dtype: np.dtype[Any], pattern: Sequence[bool]) -> _Signature:
        examples = [0.5 if dtype == np.float64 else dtype.type(0.5) for _ in pattern]
        args, kwargs = unflatten(takes, iter(examples))
        with uncollected():
            listing, captured = record(self.function, args, kwargs, Tracer(lift=True))
            graph, kept = unrolled(Graph(**listing.parts()))
            graph = opened(graph, (), OF_NUMBERS).simplify()
        why = kept and f"{kept} in {graph.name}"
        follows = [k < len(pattern) for k in range(graph.first)]
        for variable, (row, inputs, params, _) in graph.numbered():
            follows.append(any(follows[i] for i in inputs))
            if not follows[variable]:
                continue  # the same for every point: computed once a block
            f = row.forward
            by_entry = isinstance(f, np.ufunc) and f.signature is None and not params
            by_entry = by_entry or f is np.where or isinstance(row, Elementwise)
            if not by_entry or refs_of(params):
                raise _no_point(graph, why or row.name)
            if any(graph.specs[i].shape for i in (*inputs, variable)):
                raise _no_point(graph, why or f"an array in {row.name}")
        for i in graph.outputs:
            if graph.specs[i].shape:
                raise _no_point(graph, "an array as a result")
        return _Signature(graph, captured, pattern)

    def _results(
        self, graph: Graph, shape: tuple[int, ...], dtype: np.dtype[Any], out: Any
    ) -> list[Any]:
        kinds = [graph.specs[i].dtype for i in graph.outputs]
        kinds = [kind if kind.kind == "b" else dtype for kind in kinds]
        if out is None:
            return [np.empty(shape, kind) for kind in kinds]
        arrays, gives = flatten(out)
        if gives != graph.gives:
            raise ArgumentError(
                message(
                    "out built like the result",
                    "another structure",
                    f"the result of a call without out=, which holds {len(kinds)} of such arrays",
                )
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
            if not array.flags.writeable:
                raise ArgumentError(
                    message("out that can be written", "a read-only array", "np.empty(shape)")
                )
        for k, array in enumerate(arrays):
            if any(np.may_share_memory(array, other) for other in arrays[:k]):
                raise ArgumentError(
                    message(
                        "out made of arrays that do not overlap", "two that do", "one np.empty each"
                    )
                )
        return arrays

    def _blocks(self, made: _Signature) -> Blocks:
        native = self.backend == "llvm" or (
            self.backend == "auto"
            and find_spec("llvmlite") is not None
            and suits_machine_code(made.graph, made.pattern)
        )
        return (NativeBlocks if native else NumpyBlocks)(made.graph, made.pattern, self.block)

    def _sweep(
        self, made: _Signature, sources: Sequence[Any], results: Sequence[Any], progress: bool
    ) -> None:
        """Run all blocks: whoever is free takes the next, so that a busy core delays none."""
        count = results[0].size if results else 0
        starts = range(0, count, self.block)
        waiting = iter(starts)
        sinks = [Sink(y) for y in results]
        if made.blocks is None:
            made.blocks = self._blocks(made)
        blocks = made.blocks
        bar = _bar(starts, "block") if progress else None
        drawing = threading.Lock()

        def work() -> None:
            with blocks.taken() as lane:
                try:
                    for start in waiting:
                        lane.run(start, min(start + self.block, count), sources, sinks)
                        if bar is not None:
                            with drawing:
                                bar.update()
                except BaseException:
                    for _ in waiting:  # nothing is left to do for others
                        pass
                    raise

        try:
            # a thread for less than a block costs more than it does
            _helpers.share(work, min(self.threads, count // self.block))
        finally:
            if bar is not None:
                bar.close()


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


def _dtype(arrays: Sequence[np.ndarray[Any, Any]]) -> np.dtype[Any]:
    """Return what to compute with: numbers by themselves take the dtype of the arrays."""
    narrow = [x.dtype.char in "ef" for x in arrays if x.ndim]
    if not narrow:
        narrow = [any(x.dtype.char in "ef" for x in arrays)]
    return np.dtype(np.float32 if all(narrow) else np.float64)


def _source(
    x: np.ndarray[Any, Any], shape: tuple[int, ...], dtype: np.dtype[Any], results: Sequence[Any]
) -> Source:
    """Return an argument as the blocks read it; results are written into what they overlap."""
    over = [y for y in results if np.may_share_memory(x, y)]
    # entries may be written before another result, or another block, has read them
    by_entry = all(
        x.ctypes.data == y.ctypes.data and x.strides == y.strides and x.shape == y.shape
        for y in over
    )
    return Source(x if by_entry else x.copy(), shape, dtype, apart=bool(over) and by_entry)


def _real(x: Any) -> tuple[np.ndarray[Any, Any], tuple[str, str] | None]:
    """Return an argument as an array, and if it is none of real numbers what it is and a remedy."""
    array = np.asarray(x)
    if isinstance(x, np.ma.MaskedArray):
        return array, ("a masked array", "x.filled(value)")
    if array.dtype.kind not in "fiub" or array.dtype == np.longdouble:
        return array, (f"dtype {array.dtype}", "x.astype(float)")
    return array, None


def _bar(through: Iterable[Any], unit: str) -> Any:
    from tqdm import tqdm  # needed for progress bars only

    return tqdm(through, unit=f" {unit}s")


def vectorize(
    f: Callable[..., Any],
    *,
    backend: str = "auto",
    block: int = BLOCK,
    threads: int | None = None,
    limit: int = 64,
) -> Vectorized:
    """Return a function of scalars as a function of arrays, like np.vectorize at compiled speed.

    The arguments broadcast. Blocks that fit the cache run through buffers that are used again, on
    several threads; the result does not depend on their number.

    Args:
        f: a function of numbers made of element-wise operations: np.where instead of `if`; or a
            derivative of one, such as value_and_grad(f, (0, 1)).
        backend: "llvm" runs machine code (extra `llvm`), "numpy" runs NumPy with planned buffers;
            "auto" takes "llvm" where it is installed and has machine code for at least nine
            operations in ten, of at most 2,000.
        block: entries at a time.
        threads: how many; as many as there are cores if None.
        limit: how many programs are kept, one for each structure and dtype of the arguments.

    Returns:
        The function; `out=` takes the result, `progress=True` shows a bar, and `.stream(chunks)`
        goes through inputs that do not fit in memory. Results are float32 where all arrays are
        float32 or float16, else float64; comparisons are bool.

    Raises:
        TraceError: at the first call, if `f` branches on values.

    Example:
        >>> from autograd import value_and_grad
        >>> sweep = vectorize(value_and_grad(lambda x, y: x * np.sin(y), (0, 1)))
        >>> value, (dx, dy) = sweep(np.array([1.0, 2.0]), 0.0)
        >>> dy
        array([1., 2.])
    """
    return Vectorized(f, backend, block, threads, limit)
