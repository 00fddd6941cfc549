"""Numerical gradients of functions of floats and arrays, by four methods."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from ..errors import ArgumentError, DTypeError, ShapeError, message
from ..node import value_of
from .richardson import FIRST_STEP, derivative, noise_of, scales_of

STEPS = {"forward": 1e-4, "central": 1e-4, "complex": 1e-30, "richardson": FIRST_STEP}

BLOCK = 2**20
"""Entries handed at once to a function that takes many points."""

SHOWN_AFTER = 1.0
"""Seconds before a progress bar appears."""


def numerical_gradient(
    f: Callable[[Any], Any],
    x: Any,
    method: str = "central",
    h: float | None = None,
    *,
    batched: bool = False,
    progress: bool = True,
) -> Any:
    """Return the gradient of a scalar-valued function by differences.

    Args:
        f: a function of one float or array giving a number; with `batched` a function of an array
            of points, shape (points, *x.shape), giving an array of shape (points,).
        x: the point: a number, an array of any shape or nested lists of numbers; never written.
        method: "forward" (f(x + h) - f(x)) / h; "central" (f(x + h) - f(x - h)) / 2h; "complex"
            Im f(x + ih) / h, exact to rounding where f is analytic and takes complex numbers;
            "richardson" central differences extrapolated to step zero.
        h: the step, of "richardson" the first one as a part of each entry's size; by default 1e-4,
            for "complex" 1e-30, for "richardson" 1/32.
        batched: whether `f` takes many points at once.
        progress: whether to show a bar when it takes longer than a second.

    Returns:
        A float for a number, otherwise a float64 array of the shape of `x`.

    Raises:
        ArgumentError: if `method` or `h` is not one of these, or `f` writes into its argument.
        DTypeError: if `x` or a value of `f` is not real.
        ShapeError: if a value of `f` is not a scalar.

    Example:
        >>> f = lambda x: 2 * x**2 + 2
        >>> numerical_gradient(f, 4, method="forward", h=1e-3), numerical_gradient(f, 4)
        (16.0020000000074, 15.999999999998238)
        >>> numerical_gradient(f, 4, method="forward", h=1e-50)
        0.0
        >>> numerical_gradient(lambda x: x[0]**2 + x[1]**2, np.array([3.0, 4.0]))
        array([6., 8.])
    """
    if method not in STEPS:
        raise ArgumentError(
            message(f"method to be one of {', '.join(STEPS)}", f"{method!r}", "'central'")
        )
    step = STEPS[method] if h is None else h
    if not (isinstance(step, (int, float)) and math.isfinite(step) and step > 0):
        raise ArgumentError(message("h to be a positive number", f"{h!r}", f"{STEPS[method]}"))
    start = value_of(x)
    point = np.asarray(start)
    if point.dtype.kind not in "fiub":
        raise DTypeError(
            message("real numbers for x", f"dtype {point.dtype}", "an array of floats")
        )
    point = point.astype(np.float64)
    values = _Values(f, point, batched, complex if method == "complex" else float)
    indices = list(np.ndindex(point.shape))
    gradient = np.zeros(point.shape)
    shown = progress and len(indices) > 1
    for block in _with_bar(_blocks(indices, point.size if batched else 0), len(indices), shown):
        for i, slope in zip(block, _SLOPES[method](values, block, step), strict=True):
            gradient[i] = slope
    values.refuse_written()
    return float(gradient) if point.ndim == 0 else gradient


class _Values:
    """The values of `f` at points that differ from x in one entry."""

    def __init__(self, f: Callable[[Any], Any], point: Any, batched: bool, kind: type) -> None:
        self.f = f
        self.point = point
        self.kind = kind
        self.batched = batched
        self.work = point.astype(kind)
        self.first = True
        self.noise: Any = None
        self.scales: Any = None

    def moved(self, block: list[tuple[int, ...]], steps: Iterable[complex]) -> Iterator[Any]:
        """Give f with the entry of every index moved by its step."""
        if self.batched:
            yield from self._batch(block, list(steps))
            return
        work, point = self.work, self.point
        for i, step in zip(block, steps, strict=True):
            moved = point[i] + step
            if point.ndim == 0:
                yield self._number(self.f(self.kind(moved)), ())
                continue
            work[i] = moved
            value = self._number(self.f(work), ())
            work[i] = point[i]
            if self.first:
                self.refuse_written()
                self.first = False
            yield value

    def at_x(self) -> Any:
        """Return f(x)."""
        return self.along(0.0)

    def along(self, step: Any) -> Any:
        """Return f at x with every entry moved by its step."""
        point = self.work + step
        if self.batched:
            return self._number(self.f(point[None]), (1,))[0]
        return self._number(self.f(point if self.point.ndim else self.kind(point)), ())

    def refuse_written(self) -> None:
        """Refuse a function that wrote into what it was given."""
        if not np.array_equal(self.work, self.point, equal_nan=True):
            raise ArgumentError(
                message(
                    "f to leave its argument as it is",
                    "a function that writes into it",
                    "x = x.copy() as the first line of f",
                )
            )

    def _batch(self, block: list[tuple[int, ...]], steps: list[complex]) -> Any:
        points = np.repeat(self.work[None], len(block), axis=0)
        for k, (i, step) in enumerate(zip(block, steps, strict=True)):
            points[(k, *i)] += step
        return self._number(self.f(points), (len(block),))

    def _number(self, value: Any, shape: tuple[int, ...]) -> Any:
        array = np.asarray(value_of(value))
        if array.dtype.kind not in ("fiubc" if self.kind is complex else "fiub"):
            raise DTypeError(
                message(
                    "f to return a real number", f"{type(value).__name__}", "returning the value"
                )
            )
        if array.shape != shape:
            raise ShapeError(
                message(
                    f"f to return {'one number a point' if shape else 'a scalar'}, shape {shape}",
                    f"shape {array.shape}",
                    "np.sum of it, or gradcheck for functions of several results",
                )
            )
        # a copy: f may return its argument itself, which is about to change
        return array.astype(self.kind)[()] if shape else self.kind(array[()])


def _forward(values: _Values, block: list[tuple[int, ...]], h: float) -> Any:
    here = values.at_x()
    return [(y - here) / h for y in values.moved(block, [h] * len(block))]


def _central(values: _Values, block: list[tuple[int, ...]], h: float) -> Any:
    plus = values.moved(block, [h] * len(block))
    minus = values.moved(block, [-h] * len(block))
    if values.batched:
        return [(a - b) / (2 * h) for a, b in zip(plus, minus, strict=True)]
    return ((a - b) / (2 * h) for a, b in zip(plus, minus, strict=True))


def _complex(values: _Values, block: list[tuple[int, ...]], h: float) -> Any:
    return [y.imag / h for y in values.moved(block, [1j * h] * len(block))]


def _richardson(values: _Values, block: list[tuple[int, ...]], h: float) -> Any:
    if values.noise is None:
        whole = np.array([values.at_x()])
        values.scales = scales_of(values.point)
        values.noise = noise_of(lambda t: np.array([values.along(t * values.scales)]), whole)
    sizes = [values.scales[i] for i in block]
    here = np.full(len(block), values.at_x())

    def path(t: float) -> Any:
        return np.array(list(values.moved(block, [t * size for size in sizes])))

    return derivative(path, here, np.broadcast_to(values.noise, here.shape), h).value / sizes


_SLOPES: dict[str, Callable[[_Values, list[tuple[int, ...]], float], Any]] = {
    "forward": _forward,
    "central": _central,
    "complex": _complex,
    "richardson": _richardson,
}


def _blocks(indices: list[Any], size: int) -> Iterator[list[Any]]:
    """Cut the indices into blocks: as many points as BLOCK entries hold, one each if size is 0."""
    length = max(1, BLOCK // size) if size else 1
    return (indices[k : k + length] for k in range(0, len(indices), length))


def _with_bar(blocks: Iterable[list[Any]], total: int, shown: bool) -> Iterator[list[Any]]:
    """Give the blocks, with a progress bar once they take long."""
    if not shown:
        yield from blocks
        return
    from tqdm import tqdm  # its import costs more than most gradients

    with tqdm(total=total, desc="numerical gradient", unit="entry", delay=SHOWN_AFTER) as bar:
        for block in blocks:
            yield block
            bar.update(len(block))
