"""Exponentials and logarithms."""

from __future__ import annotations

import math

import numpy as np

from ..domain import ABOVE_MINUS_1, POSITIVE, REALS
from ..kinds import elementwise

exp = elementwise(np.exp, lambda y, x: y, scalar=math.exp, domain=REALS)
expm1 = elementwise(np.expm1, lambda y, x: np.exp(x), scalar=math.expm1, domain=REALS)
exp2 = elementwise(np.exp2, lambda y, x: y * math.log(2), scalar=math.exp2, domain=REALS)
log = elementwise(np.log, lambda y, x: 1 / x, scalar=math.log, domain=POSITIVE)
log1p = elementwise(np.log1p, lambda y, x: 1 / (1 + x), scalar=math.log1p, domain=ABOVE_MINUS_1)
log2 = elementwise(np.log2, lambda y, x: 1 / (x * math.log(2)), scalar=math.log2, domain=POSITIVE)
log10 = elementwise(
    np.log10, lambda y, x: 1 / (x * math.log(10)), scalar=math.log10, domain=POSITIVE
)
elementwise(
    np.logaddexp,
    lambda y, a, b: (
        np.exp(a - np.where(np.isinf(y), 0.0, y)) if np.any(np.isinf(y)) else np.exp(a - y)
    ),
    lambda y, a, b: (
        np.exp(b - np.where(np.isinf(y), 0.0, y)) if np.any(np.isinf(y)) else np.exp(b - y)
    ),
    domain=REALS,
)
elementwise(
    np.logaddexp2, lambda y, a, b: np.exp2(a - y), lambda y, a, b: np.exp2(b - y), domain=REALS
)
