"""From arrays to mini-batches."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sized
from sys import getrefcount
from typing import Any

import numpy as np

from autograd import Tensor
from autograd.errors import ArgumentError, ShapeError, message
from nn.random import Generator


def as_array(value: Any, name: str) -> Any:
    """Return data as an array of real numbers, without copying one that is.

    Args:
        value: an array, a nested list, a data frame, or a constant Tensor.
        name: what messages call it.

    Raises:
        ArgumentError: if it does not hold real numbers.
        ShapeError: if it has no axis, or no entries.

    Example:
        >>> as_array([[1, 2]], "x").shape
        (1, 2)
    """
    try:
        array = np.asarray(value.data if isinstance(value, Tensor) else value)
    except ValueError as error:
        raise ArgumentError(
            message(f"{name} to be a rectangular array", f"{error}", "rows of equal length")
        ) from error
    if array.dtype.kind not in "fiub":
        raise ArgumentError(
            message(
                f"{name} to hold real numbers",
                f"dtype {array.dtype}",
                "np.unique(labels, return_inverse=True) to number text labels"
                if array.dtype.kind in "US"
                else f"{name}.astype('float32')",
            )
        )
    if array.ndim == 0:
        raise ShapeError(
            message(f"{name} to have one row an example", "a single number", f"[{name}]")
        )
    if len(array) == 0:
        raise ShapeError(
            message(f"{name} to hold at least one example", f"shape {array.shape}", "some data")
        )
    return array


def refuse_nan(value: Any, name: str) -> None:
    """Raise if there is a NaN or an infinity in `value`, saying in which rows.

    Raises:
        ArgumentError: if there is one.
    """
    if value.dtype.kind != "f" or not value.size:
        return
    with np.errstate(all="ignore"):
        # what is not finite makes the sum of squares so, and no second array is needed
        if value.flags.c_contiguous and np.isfinite(np.vdot(value, value)):
            return
        if np.isfinite(np.min(value)) and np.isfinite(np.max(value)):
            return  # finite numbers whose squares are not
    bad = ~np.isfinite(value)
    kind = "NaN" if np.isnan(value).any() else "infinity"
    rows = np.flatnonzero(bad.reshape(len(value), -1).any(axis=1))
    raise ArgumentError(
        message(
            f"{name} without NaN or infinity",
            f"{kind} in {len(rows)} of {len(value)} rows, the first at row {rows[0]}",
            f"{name}[np.isfinite({name}).all(axis=1)] to drop such rows, or np.nan_to_num",
        )
    )


def same_length(**arrays: Any) -> int:
    """Return the common length of the arrays that are given.

    Raises:
        ShapeError: if lengths differ.

    Example:
        >>> same_length(x=np.zeros((3, 2)), y=np.zeros(3), sample_weight=None)
        3
    """
    lengths = {name: len(a) for name, a in arrays.items() if a is not None}
    if len(set(lengths.values())) > 1:
        raise ShapeError(
            message(
                f"{' and '.join(lengths)} of the same length",
                ", ".join(f"{n} rows in {name}" for name, n in lengths.items()),
                "rows that belong together",
            )
        )
    return next(iter(lengths.values()))


def order(n: int, shuffle: bool, rng: Generator, replace: bool = False) -> Any:
    """Return the rows of an epoch: drawn with or without replacement, or as they stand (None)."""
    if replace:
        return rng.integers(n, size=n)
    return rng.permutation(n) if shuffle else None


def take(array: Any, index: Any, start: int, stop: int) -> Any:
    """Return rows start to stop of the array in the given order, read only.

    Nobody else writes to a batch, so that graphs need not copy it.
    """
    if array is None:
        return None
    batch = array[start:stop] if index is None else array[index[start:stop]]
    batch.flags.writeable = False
    return batch


class Gatherer:
    """Takes rows of an array as `take` does, into an array of before if nobody holds that any more.

    A large new array costs more to map into memory than to fill. Who lets go of a batch before
    asking for the next is served from one array; there are two for a loop that does not.

    Args:
        array: what to take rows of.

    Example:
        >>> gather = Gatherer(np.arange(6))
        >>> [gather.rows(np.array([5, 0, 3, 2]), k, k + 2).tolist() for k in (0, 2)]
        [[5, 0], [3, 2]]
    """

    def __init__(self, array: Any) -> None:
        self.array = array
        self.spares: list[Any] = []

    def rows(self, index: Any, start: int, stop: int) -> Any:
        """Return rows start to stop in the given order, read only."""
        if index is None:
            return take(self.array, None, start, stop)
        wanted = index[start:stop]
        batch = self._spare(len(wanted))[: len(wanted)]
        # what is out of range would have raised before: "clip" only spares a copy
        self.array.take(wanted, 0, batch, "clip")
        batch.flags.writeable = False
        return batch

    def _spare(self, rows: int) -> Any:
        for held in self.spares:
            # three references: the list, the local name, the count itself
            if getrefcount(held) <= 3 and len(held) >= rows:
                return held
        shape = (rows, *self.array.shape[1:])
        try:
            made = np.empty(shape, self.array.dtype)
        except MemoryError as error:
            wanted = math.prod(shape) * self.array.dtype.itemsize
            raise MemoryError(
                message(f"memory for a batch of {wanted:,} bytes", "less", "a smaller batch_size")
            ) from error
        self.spares = [made, *self.spares[:1]]
        return made


def minibatches(
    *arrays: Any, batch_size: int, rng: Generator, replace: bool = False
) -> Iterator[tuple[Any, ...]]:
    """Draw mini-batches: an epoch without replacement, or endlessly with replacement.

    Args:
        arrays: what belongs together, row by row.
        batch_size: rows a batch; the last of an epoch may have fewer.
        rng: what the draw depends on.
        replace: whether every batch is drawn from all rows, without end.

    Yields:
        One tuple of arrays a batch.

    Example:
        >>> x = np.arange(10)
        >>> draw = minibatches(x, batch_size=4, rng=np.random.default_rng(0))
        >>> [len(batch) for (batch,) in draw]
        [4, 4, 2]
    """
    n = len(arrays[0])
    while replace:
        index = rng.integers(n, size=batch_size)
        yield tuple(take(a, index, 0, batch_size) for a in arrays)
    index = order(n, True, rng)
    for start in range(0, n, batch_size):
        yield tuple(take(a, index, start, start + batch_size) for a in arrays)


class ArraySource:
    """Arrays in memory, handed out in mini-batches.

    Args:
        x: an array, or a tuple of them for a model with several inputs.
        y: the targets, or None.
        weight: one weight an example, or None.
        batch_size: rows a batch; the last may have fewer.
        shuffle: whether every epoch has an order of its own.
        replace: whether every row of an epoch is drawn from all rows.

    Attributes:
        position: where in the random numbers the epoch began, as plain data.
    """

    def __init__(
        self, x: Any, y: Any, weight: Any, batch_size: int, shuffle: bool, replace: bool = False
    ) -> None:
        self.x = x
        self.y = y
        self.weight = weight
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.replace = replace
        self.size = len(x[0] if isinstance(x, tuple) else x)
        self.position: Any = None

    @property
    def steps(self) -> int:
        """Batches an epoch."""
        return -(-self.size // self.batch_size)

    def seek(self, position: Any, rng: Generator) -> None:
        """Let the next epoch be the one that began at `position`."""
        rng.bit_generator.state = position

    def epoch(self, rng: Generator, skip: int = 0) -> Iterator[tuple[Any, Any, Any]]:
        """Draw an order, and return (x, y, weight) of every batch after the first `skip`."""
        self.position = rng.bit_generator.state
        return self._batches(order(self.size, self.shuffle, rng, self.replace), skip)

    def _batches(self, index: Any, skip: int) -> Iterator[tuple[Any, Any, Any]]:
        several = isinstance(self.x, tuple)
        inputs = [Gatherer(np.asarray(a)) for a in (self.x if several else (self.x,))]
        y, weight = (None if a is None else Gatherer(a) for a in (self.y, self.weight))
        for start in range(skip * self.batch_size, self.size, self.batch_size):
            stop = start + self.batch_size
            # no name holds a batch here, so that the next may take its place
            yield (
                tuple([each.rows(index, start, stop) for each in inputs])
                if several
                else inputs[0].rows(index, start, stop),
                None if y is None else y.rows(index, start, stop),
                None if weight is None else weight.rows(index, start, stop),
            )


class StreamSource:
    """An iterable of batches (x, y) or (x, y, weight), such as a generator.

    Args:
        batches: the iterable.
        prepare: checks a batch and returns its three parts.
    """

    position = None

    def __init__(self, batches: Iterable[Any], prepare: Callable[[Any], Any]) -> None:
        self.batches = batches
        self.prepare = prepare
        self.steps = len(batches) if isinstance(batches, Sized) else None

    def seek(self, position: Any, rng: Generator) -> None:
        """Leave it to `epoch` to skip what is done."""

    def epoch(self, rng: Generator, skip: int = 0) -> Iterator[tuple[Any, Any, Any]]:
        """Yield (x, y, weight) of every batch after the first `skip`."""
        for batch in itertools.islice(self.batches, skip, None):
            yield self.prepare(batch)


class SteppedSource:
    """Another source in epochs of a fixed number of batches, going on where the last ended.

    When the data are at their end they begin anew, if they can.

    Args:
        source: where the batches come from.
        steps: batches an epoch.
    """

    def __init__(self, source: ArraySource | StreamSource, steps: int) -> None:
        self.source = source
        self.steps = steps
        self.running: Iterator[tuple[Any, Any, Any]] | None = None
        self.done = 0

    @property
    def position(self) -> dict[str, Any]:
        """Where the pass through the data began, and how many of its batches are done."""
        return {"start": self.source.position, "done": self.done}

    def seek(self, position: Any, rng: Generator) -> None:
        """Go to where a position was noted."""
        self.source.seek(position["start"], rng)
        self.done = position["done"]
        self.running = self.source.epoch(rng, self.done)

    def epoch(self, rng: Generator, skip: int = 0) -> Iterator[tuple[Any, Any, Any]]:
        """Return (x, y, weight) of the next batches, `skip` fewer than an epoch has."""
        if self.running is None:
            self.restart(rng)
        return self._batches(rng, skip)

    def restart(self, rng: Generator) -> None:
        """Begin a pass through the data."""
        self.running, self.done = self.source.epoch(rng), 0

    def _batches(self, rng: Generator, skip: int) -> Iterator[tuple[Any, Any, Any]]:
        for _ in range(skip, self.steps):
            assert self.running is not None
            batch = next(self.running, None)
            if batch is None:
                self.restart(rng)
                batch = next(self.running, None)
            if batch is None:
                return
            self.done += 1
            yield batch


class FirstBatches:
    """The first batches of another source, the same ones each time.

    Args:
        source: where the batches come from.
        steps: how many to hand out.
        name: what the caller calls this number.

    Raises:
        ArgumentError: if there are fewer, at once where their number is known.
    """

    def __init__(self, source: ArraySource | StreamSource, steps: int, name: str) -> None:
        if source.steps is not None and steps > source.steps:
            raise ArgumentError(
                message(
                    f"{name} to be at most {source.steps}, the batches there are",
                    f"{steps}",
                    f"{name}={source.steps}",
                )
            )
        self.source = source
        self.steps = steps
        self.name = name

    def epoch(self, rng: Generator, skip: int = 0) -> Iterator[tuple[Any, Any, Any]]:
        """Yield (x, y, weight) of the batches after the first `skip`."""
        found = skip
        for batch in itertools.islice(self.source.epoch(rng, skip), self.steps - skip):
            found += 1
            yield batch
        if found < self.steps:
            raise ArgumentError(
                message(
                    f"{self.steps} batches to measure",
                    f"{found} before the data ran out",
                    f"a smaller {self.name}, or an iterable that starts anew each time",
                )
            )


TrainingSource = ArraySource | StreamSource | SteppedSource
Source = ArraySource | StreamSource | FirstBatches
