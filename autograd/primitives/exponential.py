"""Exponentials and logarithms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..domain import ABOVE_MINUS_1, POSITIVE, REALS
from ..kinds import elementwise
from ..recording import known

exp = elementwise(np.exp, lambda y, x: y, scalar=math.exp, domain=REALS)
expm1 = elementwise(np.expm1, lambda y, x: np.exp(x), scalar=math.expm1, domain=REALS)
exp2 = elementwise(np.exp2, lambda y, x: y * math.log(2), scalar=math.exp2, domain=REALS)
log = elementwise(np.log, lambda y, x: 1 / x, scalar=math.log, domain=POSITIVE)
log1p = elementwise(np.log1p, lambda y, x: 1 / (1 + x), scalar=math.log1p, domain=ABOVE_MINUS_1)
log2 = elementwise(np.log2, lambda y, x: 1 / (x * math.log(2)), scalar=math.log2, domain=POSITIVE)
log10 = elementwise(
    np.log10, lambda y, x: 1 / (x * math.log(10)), scalar=math.log10, domain=POSITIVE
)


def _portion(power: Any, y: Any, mine: Any, other: Any) -> Any:
    """Return power(mine - y); evenly shared where both are the infinite result."""
    infinite = np.isinf(y)
    if known(np.logical_not(np.any(infinite))):
        return power(mine - y)
    even = np.where(mine == y, np.where(other == y, 0.5, 1.0), 0.0)
    return np.where(infinite, even, power(mine - np.where(infinite, 0.0, y)))


def _logaddexp_of_floats(a: float, b: float) -> float:
    """Return log(exp(a) + exp(b)) in NumPy's steps, which take infinities of one sign apart."""
    gap = a - b
    rest = math.log1p(math.exp(-abs(gap)))
    return a + 0.6931471805599453 if a == b else a + rest if gap > 0 else b + rest


def _logaddexp2_of_floats(a: float, b: float) -> float:
    """Return log2(2**a + 2**b) likewise."""
    gap = a - b
    rest = 1.4426950408889634 * math.log1p(math.exp2(-abs(gap)))
    return a + 1.0 if a == b else a + rest if gap > 0 else b + rest


for log_of_sum, power, of_floats in (
    (np.logaddexp, np.exp, _logaddexp_of_floats),
    (np.logaddexp2, np.exp2, _logaddexp2_of_floats),
):
    elementwise(
        log_of_sum,
        lambda y, a, b, power=power: _portion(power, y, a, b),
        lambda y, a, b, power=power: _portion(power, y, b, a),
        scalar=of_floats,
        domain=REALS,
        note="0.5 each where both are the infinite result",
    )
