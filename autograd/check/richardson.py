"""A derivative with an error bar: extrapolated differences that know their own round-off.

Differences over shrinking steps are extrapolated to step zero (Richardson's scheme as Ridders
arranged it: C. J. F. Ridders, Accurate computation of F'(x) and F'(x)F''(x), Advances in
Engineering Software 4, 1982). The noise of the function is measured first, from high differences of
close values (J. J. More and S. M. Wild, Estimating computational noise, SIAM J. Sci. Comput. 33,
2011), so that the bar holds truncation and round-off both.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Path = Callable[[float], Array]

EPS = float(np.finfo(np.float64).eps)

FIRST_STEP = 2.0**-5
SHRINKING = (1.0, 0.5, 0.25, 0.125, *(2.0**-k for k in range(5, 35, 2)))
"""Steps as parts of the first: close together where functions are smooth, then quickly smaller."""

COLUMNS = 6
"""Extrapolations over more steps gain nothing in float64 and amplify noise."""

GOOD = 1e-9
"""A bar that is this small a part of the derivative ends the search for a better step."""


@dataclass(frozen=True)
class Estimate:
    """What differences say of the derivative of a function of one variable, entry by entry.

    Attributes:
        value: the derivative.
        error: its bar, truncation and round-off together; inf where nothing is known.
        backward: the slope on the left, from the smallest steps.
        forward: the slope on the right.
        kink: where the two slopes differ at every step.
        jump: where the values leap however small the step.
        plateau: where the values move at the largest step, but not at the smallest.
        spread: how far the values moved within the first step, as a slope.
        finite: where at least two steps gave finite values.
        points: the steps tried, largest first.
        plus: the values at these steps, shape (steps, entries).
        minus: the values at as many steps to the other side.
        origin: the values at 0.
        noise: the noise of the values.
    """

    value: Array
    error: Array
    backward: Array
    forward: Array
    kink: Array
    jump: Array
    plateau: Array
    spread: Array
    finite: Array
    points: Array
    plus: Array
    minus: Array
    origin: Array
    noise: Array


def scales_of(x: Array) -> Array:
    """Return the size in which to measure steps of every entry of `x`: a power of two.

    With few digits in the steps x + h is exact. An entry that is tiny among others takes about a
    hundredth of the largest, an array of zeros takes 1.

    Example:
        >>> scales_of(np.array([100.0, -3.0, 0.0])), scales_of(np.zeros(2))
        (array([64.,  2.,  1.]), array([1., 1.]))
    """
    largest = float(np.max(np.abs(x), initial=0.0))
    sizes = np.maximum(np.abs(x), 0.01 * largest if largest else 1.0)
    powers: Array = np.ldexp(1.0, np.frexp(sizes)[1] - 1)
    return powers


@np.errstate(all="ignore")
def noise_of(path: Path, at_zero: Array, precision: float = EPS) -> Array:
    """Estimate the noise of the values of `path` near 0, entry by entry.

    Args:
        path: the function, of a step that is a part of the argument's size.
        at_zero: its values at 0.
        precision: the relative precision of the values' dtype.

    Returns:
        The standard deviation of the noise, at least the rounding of the values.

    Example:
        >>> rough = lambda t: np.array([1.0 + 1e-10 * math.sin(1e15 * t)])
        >>> 1e-11 < float(noise_of(rough, rough(0.0))[0]) < 1e-9
        True
    """
    floor = precision * np.abs(at_zero)
    noise = floor
    smooth = np.zeros(floor.shape, bool)
    for spacing in (2.0**-40, 2.0**-30, 2.0**-20):
        # on one side only, so that a leap at the point itself is no noise
        values = np.stack([path(i * spacing) for i in range(1, 10)])
        if not np.all(np.isfinite(values)):
            continue
        found = np.zeros_like(floor)
        for order in (4, 5, 6):
            differences = np.diff(values, n=order, axis=0)
            scale = math.factorial(order) / math.sqrt(math.factorial(2 * order))
            found = np.maximum(found, scale * _rms(differences))
        # what moves smoothly over close values, but fills its whole range over distant ones,
        # oscillates: those values are no noise
        if np.any(smooth):
            reach = np.abs(path(FIRST_STEP) - at_zero)
            found = np.where(smooth & (found > 0.05 * reach), 0.0, found)
        smooth |= np.max(np.abs(np.diff(values, axis=0)), axis=0) > 10 * np.maximum(found, floor)
        noise = np.maximum(noise, found)
    return noise


def _rms(x: Array) -> Array:
    largest = np.max(np.abs(x), axis=0)
    scaled = x / np.where(largest == 0, 1.0, largest)  # its square neither over- nor underflows
    size: Array = largest * np.sqrt(np.mean(scaled * scaled, axis=0))
    return size


@np.errstate(all="ignore")
def derivative(
    path: Path,
    at_zero: Array,
    noise: Array,
    first: float = FIRST_STEP,
    thorough: bool = False,
    enough: float = 1.0,
) -> Estimate:
    """Estimate the derivative of `path` at 0 with an error bar.

    Args:
        path: an array-valued function of a step.
        at_zero: its values at 0, shape (entries,).
        noise: the standard deviation of the noise in these values.
        first: the largest step.
        thorough: whether to go on to the smallest step in any case.
        enough: the share of entries that must be known well to stop before.

    Returns:
        The estimate.

    Example:
        >>> path = lambda t: np.exp(np.array([1.0]) + t)
        >>> found = derivative(path, path(0.0), EPS * path(0.0))
        >>> bool(abs(found.value[0] - math.e) <= found.error[0] < 1e-10)
        True
    """
    table = _Table(at_zero, noise, first)
    for part in SHRINKING:
        step = first * part
        table.add(step, path(step), path(-step))
        if not thorough and len(table.steps) >= 4 and table.is_good(enough):
            break
    return table.estimate()


class _Table:
    """The triangle of extrapolations, a row a step, with the noise carried along."""

    def __init__(self, at_zero: Array, noise: Array, first: float) -> None:
        self.at_zero = at_zero
        self.noise = noise
        self.first = first
        self.steps: list[float] = []
        self.plus: list[Array] = []
        self.minus: list[Array] = []
        self.rows: list[list[tuple[Array, Array]]] = []
        self.value = np.zeros_like(at_zero)
        self.error = np.full_like(at_zero, np.inf)

    def add(self, step: float, plus: Array, minus: Array) -> None:
        """Enter the values at plus and minus one step and extrapolate with the rows above."""
        self.steps.append(step)
        self.plus.append(plus)
        self.minus.append(minus)
        size = np.maximum(np.maximum(np.abs(plus), np.abs(minus)), np.abs(self.at_zero))
        shake = (3 * self.noise + EPS * size) / step
        row = [((plus - minus) / (2 * step), shake)]
        if self.rows:
            self._refuse_aliases(row[0][0], shake)
        for k in range(1, min(len(self.steps), COLUMNS)):
            ratio = (self.steps[-1 - k] / step) ** 2
            (near, near_shake), (far, far_shake) = row[k - 1], self.rows[-1][k - 1]
            value = near + (near - far) / (ratio - 1)
            shake = (ratio * near_shake + far_shake) / (ratio - 1)
            error = np.maximum(np.abs(value - near), np.abs(value - far)) + shake
            better = error < self.error  # False for nan
            self.value = np.where(better, value, self.value)
            self.error = np.where(better, error, self.error)
            row.append((value, shake))
        self.rows.append(row)

    def _refuse_aliases(self, quotient: Array, shake: Array) -> None:
        """Give up a value that a smaller step contradicts.

        Of a smooth function the quotients approach the value. Large steps over a fast oscillation
        agree with each other too, on its mean slope, until a step is small enough to follow it.
        """
        off = np.abs(quotient - self.value)
        earlier = np.abs(self.rows[-1][0][0] - self.value)
        alias = np.isfinite(off) & (off > 0.9 * earlier) & (off > 3 * (shake + self.error))
        self.value = np.where(alias, quotient, self.value)
        self.error = np.where(alias, off, self.error)

    def _sides(self, row: int) -> tuple[Array, Array, Array]:
        """Return the slopes left and right at a row, and the noise in their difference."""
        step = self.steps[row]
        left = (self.at_zero - self.minus[row]) / step
        right = (self.plus[row] - self.at_zero) / step
        size = np.maximum(np.abs(self.plus[row]), np.abs(self.minus[row]))
        shake = 4 * (3 * self.noise + EPS * np.maximum(size, np.abs(self.at_zero))) / step
        return left, right, shake

    def bent(self) -> tuple[Array, Array, Array]:
        """Return where left and right slopes keep apart, and those slopes.

        Of a smooth function they approach each other in proportion to the step; at a kink their
        distance stays. The smallest step at which noise does not hide this decides.
        """
        height = np.zeros_like(self.at_zero)
        backward = np.full_like(height, np.nan)
        forward = np.full_like(height, np.nan)
        for row in range(2, len(self.steps)):
            left, right, shake = self._sides(row)
            earlier_left, earlier_right, _ = self._sides(row - 2)
            gap = np.abs(right - left)
            closing = gap <= 0.6 * np.abs(earlier_right - earlier_left)
            opens = (gap > shake) & ~closing & np.isfinite(gap)
            closes = (gap < 0.6 * height) & (shake < 0.3 * height)
            height = np.where(opens, gap, np.where(closes, 0.0, height))
            fresh = np.isfinite(gap) & (opens | ~np.isfinite(backward))
            backward = np.where(fresh, left, backward)
            forward = np.where(fresh, right, forward)
        kink = height > 0
        return kink, backward, forward

    def is_good(self, enough: float) -> bool:
        """Whether smaller steps would gain nothing at that share of the entries."""
        ask = GOOD * np.maximum(np.abs(self.value), 1e-3 * self.spread())
        constant = self.spread() == 0
        good = (self.error <= ask) | constant
        return float(np.mean(good)) >= enough and float(np.mean(good & ~self.bent()[0])) >= enough

    def spread(self) -> Array:
        """Return the largest movement of the values, as a slope over the first step."""
        moved = [np.abs(v - self.at_zero) for v in (*self.plus, *self.minus)]
        finite = [np.where(np.isfinite(m), m, 0.0) for m in moved]
        largest: Array = np.max(np.stack(finite), axis=0)
        slope: Array = np.minimum(largest / self.first, np.finfo(np.float64).max)
        return slope

    def _stuck(self) -> Array:
        here = self.at_zero
        moves = (here != self.plus[0]) | (here != self.minus[0])
        rests = (here == self.plus[-1]) & (here == self.minus[-1])
        stuck: Array = moves & rests & (self.value == 0)
        return stuck

    def estimate(self) -> Estimate:
        """Return what the table says."""
        kink, backward, forward = self.bent()
        finite = np.isfinite(np.stack(self.plus)) & np.isfinite(np.stack(self.minus))
        leaps = np.abs(np.stack(self.plus) - np.stack(self.minus))
        # a leap keeps its height however small the step
        small, large = leaps[-1], leaps[max(0, len(leaps) - 5)]
        ratio = self.steps[max(0, len(leaps) - 5)] / self.steps[-1]
        jump = (
            (small > 20 * (self.noise + EPS * np.abs(self.at_zero)))
            & (small > 0.5 * large)
            & (ratio > 10)
        )
        return Estimate(
            self.value,
            self.error,
            backward,
            forward,
            kink & ~jump,
            jump,
            self._stuck(),
            self.spread(),
            np.sum(finite, axis=0) >= 2,
            np.array(self.steps),
            np.stack(self.plus),
            np.stack(self.minus),
            self.at_zero,
            self.noise,
        )


def part_of(e: Estimate, part: slice) -> Estimate:
    """Return the estimate of some of the entries."""
    own = {
        name: getattr(e, name)[part]
        for name in (
            *("value", "error", "backward", "forward", "kink", "jump", "plateau", "spread"),
            *("finite", "origin", "noise"),
        )
    }
    return replace(e, **own, plus=e.plus[:, part], minus=e.minus[:, part])


def combined(estimate: Estimate, weights: Array) -> Estimate:
    """Return the estimate of one weighted sum of the entries, as an estimate of one entry."""
    used = weights != 0

    def dot(x: Array) -> Array:
        # an entry of weight 0 has no say, whatever it is
        return np.array([np.sum(weights[used] * x[used])])

    sizes = np.abs(weights)
    left, right = weights * estimate.backward, weights * estimate.forward
    lower, upper = np.minimum(left, right)[used], np.maximum(left, right)[used]
    smooth = ~(estimate.kink | estimate.jump)[used]
    centre = (weights * estimate.value)[used]
    return replace(
        estimate,
        value=dot(estimate.value),
        error=np.array([np.sum(sizes[used] * estimate.error[used])]),
        backward=np.array([np.sum(np.where(smooth, centre, lower))]),
        forward=np.array([np.sum(np.where(smooth, centre, upper))]),
        kink=np.array([bool(np.any(estimate.kink[used]))]),
        jump=np.array([bool(np.any(estimate.jump[used]))]),
        plateau=np.array([bool(np.any(estimate.plateau[used]))]),
        spread=np.array([np.sum(sizes[used] * estimate.spread[used])]),
        finite=np.array([bool(np.all(estimate.finite[used]))]),
        plus=(estimate.plus[:, used] @ weights[used])[:, None],
        minus=(estimate.minus[:, used] @ weights[used])[:, None],
        origin=dot(estimate.origin),
        noise=np.array([np.sum(sizes[used] * estimate.noise[used])]),
    )
