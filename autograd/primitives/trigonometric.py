"""Trigonometric and hyperbolic functions, and angles."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..domain import ABOVE_1, NONZERO, REALS, UNIT, Case
from ..kinds import custom, elementwise, linear

sin = elementwise(np.sin, lambda y, x: np.cos(x), scalar=math.sin, domain=REALS)
cos = elementwise(np.cos, lambda y, x: -np.sin(x), scalar=math.cos, domain=REALS)
tan = elementwise(np.tan, lambda y, x: 1 + y * y, scalar=math.tan, domain=UNIT)
# (1 - x) * (1 + x) keeps the digits that 1 - x * x loses near 1
arcsin = elementwise(
    np.arcsin, lambda y, x: 1 / np.sqrt((1 - x) * (1 + x)), scalar=math.asin, domain=UNIT
)
arccos = elementwise(
    np.arccos, lambda y, x: -1 / np.sqrt((1 - x) * (1 + x)), scalar=math.acos, domain=UNIT
)
arctan = elementwise(np.arctan, lambda y, x: 1 / (1 + x * x), scalar=math.atan, domain=REALS)
# divided twice by the hypotenuse, since its square may overflow
arctan2 = elementwise(
    np.arctan2,
    lambda y, a, b: b / np.hypot(a, b) / np.hypot(a, b),
    lambda y, a, b: -a / np.hypot(a, b) / np.hypot(a, b),
    scalar=math.atan2,
    domain=(REALS, NONZERO),
    note="nan at (0, 0), where there is none",
)
sinh = elementwise(np.sinh, lambda y, x: np.cosh(x), scalar=math.sinh, domain=REALS)
cosh = elementwise(np.cosh, lambda y, x: np.sinh(x), scalar=math.cosh, domain=REALS)
tanh = elementwise(np.tanh, lambda y, x: 1 - y * y, scalar=math.tanh, domain=REALS)
arcsinh = elementwise(
    np.arcsinh, lambda y, x: 1 / np.hypot(x, 1.0), scalar=math.asinh, domain=REALS
)
arccosh = elementwise(
    np.arccosh,
    lambda y, x: 1 / (np.sqrt(x - 1) * np.sqrt(x + 1)),
    scalar=math.acosh,
    domain=ABOVE_1,
)
arctanh = elementwise(
    np.arctanh, lambda y, x: 1 / ((1 - x) * (1 + x)), scalar=math.atanh, domain=UNIT
)

for degrees_to_radians in (np.deg2rad, np.radians):
    linear(
        degrees_to_radians,
        lambda g, x: np.deg2rad(g),
        scalar=math.radians,
        domain=REALS,
    )
for radians_to_degrees in (np.rad2deg, np.degrees):
    linear(
        radians_to_degrees,
        lambda g, x: np.rad2deg(g),
        scalar=math.degrees,
        domain=REALS,
    )


def _sinc_derivative(x: Any, n: int = 0) -> Any:
    """Return the n-th derivative of sin(pi x) / (pi x), without cancellation at 0.

    With z = pi x and s_n the n-th derivative of sin(z) / z: a power series for |z| <= n + 2, else
    the recurrence z s_n + n s_{n-1} = sin(z + n pi / 2).
    """
    if n == 0:
        return np.sinc(x)
    z = np.pi * x
    near = np.abs(z) <= n + 2
    small = np.where(near, z, 0.0)
    series = 0.0 * z
    for k in range((n + 1) // 2, (n + 1) // 2 + 24 + n):
        term = small ** (2 * k - n) / float(math.factorial(2 * k - n) * (2 * k + 1))
        series = series + (-1) ** k * term
    far = np.where(near, 1.0, z)
    recurrence = np.sin(far) / far
    for m in range(1, n + 1):
        recurrence = (np.sin(far + m * np.pi / 2) - m * recurrence) / far
    return np.pi**n * np.where(near, series, recurrence)


def _sinc_slope(y: Any, x: Any, n: int = 0) -> Any:
    return _sinc_of_order(x, n + 1)


def _sinc_of_order(x: Any, n: int) -> Any:
    return sinc.bind((x,), {"n": n})  # the row: a rule on floats has its function in its place


def _sinc_of_float(x: float) -> float:
    z = math.pi * x
    return 1.0 if x == 0 else math.sin(z) / z


sinc = elementwise(
    _sinc_derivative,
    _sinc_slope,
    name="sinc",
    numpy=np.sinc,
    scalar=_sinc_of_float,
    domain=REALS,
)

custom(
    np.unwrap,
    lambda g, y, x, discont=None, axis=-1, *, period=2 * np.pi: g,
    jvp=lambda t, y, x, discont=None, axis=-1, *, period=2 * np.pi: t[0],
    cases=(Case(((5,),)), Case(((3, 4),), {"axis": 0})),
    domain=REALS,
    note="the identity between its jumps",
)
