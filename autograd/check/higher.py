"""Derivatives of higher order along a line, straight from the values of the function.

Differences of an engine's own first derivative would agree with its second even where the first is
wrong nearby; differences of the values do not.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .richardson import EPS

STEPS = tuple(2.0**-k for k in range(2, 17, 2))
"""The widths of the stencils."""

COLUMNS = 4


@dataclass(frozen=True)
class HigherEstimate:
    """What differences say of one derivative of a function of one variable.

    Attributes:
        value: the derivative.
        error: its bar; inf where nothing is known.
    """

    value: float
    error: float


@np.errstate(all="ignore")
def higher_derivative(path: Callable[[float], float], noise: float, order: int) -> HigherEstimate:
    """Estimate the derivative of an order of `path` at 0, with an error bar.

    Central differences of the order are extrapolated in the square of the step. Where the same
    differences taken beside the point, on its left and its right, do not approach each other as the
    step shrinks, a derivative below has a kink or a jump, and nothing is known.

    Args:
        path: a function of a step.
        noise: the standard deviation of the noise in its values.
        order: which derivative, from 1.

    Returns:
        The estimate.

    Example:
        >>> found = higher_derivative(math.exp, EPS, 3)
        >>> abs(found.value - 1) <= found.error < 1e-5
        True
    """
    signs = [(-1) ** j * math.comb(order, j) for j in range(order + 1)]
    value, error = math.nan, math.inf
    above: list[tuple[float, float]] = []
    gaps: list[float] = []
    for step in STEPS:
        values = {k: path(k * step / 2) for k in range(-2 * order, 2 * order + 1)}
        size = max(map(abs, values.values()))

        def difference(centre: int, values: dict[int, float] = values, step: float = step) -> float:
            terms = [c * values[centre + order - 2 * j] for j, c in enumerate(signs)]
            return math.fsum(terms) / step**order

        shake = 2**order * (3 * noise + EPS * size) / step**order
        row = [(difference(0), shake)]
        for k in range(1, min(len(above) + 1, COLUMNS)):
            ratio = 16.0**k
            (near, near_shake), (far, far_shake) = row[k - 1], above[k - 1]
            better = near + (near - far) / (ratio - 1)
            shaken = (ratio * near_shake + far_shake) / (ratio - 1)
            bar = max(abs(better - near), abs(better - far)) + shaken
            if bar < error:
                value, error = better, bar
            row.append((better, shaken))
        above = row
        gap = abs(difference(order) - difference(-order))
        if gap > 4 * shake:
            gaps.append(gap)
    # of a smooth function the gap falls with the step, here by four or more at a time
    if not math.isfinite(value) or (
        len(gaps) > 1 and any(b > 0.6 * a for a, b in zip(gaps[-3:], gaps[-2:], strict=False))
    ):
        return HigherEstimate(math.nan, math.inf)
    if len(gaps) == 1 and gaps[0] > 0.1 * abs(value):
        return HigherEstimate(value, math.inf)
    return HigherEstimate(value, error)
