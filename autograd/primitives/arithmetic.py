"""Arithmetic, powers and remainders."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from ..domain import KINK_AT_0, NONZERO, POSITIVE, REALS, Case, Domain
from ..kinds import composite, elementwise, linear, multilinear
from ..observers import look
from ..primitive import NON_DIFFERENTIABLE

AWAY = (REALS, NONZERO)
BETWEEN_JUMPS = (Domain(2.15, 2.75), Domain(0.92, 0.98))
POWERS = (POSITIVE, REALS)

add = linear(
    np.add, lambda g, a, b: g, lambda g, a, b: g, symbol="+", scalar=operator.add, domain=REALS
)
subtract = linear(
    np.subtract,
    lambda g, a, b: g,
    lambda g, a, b: -g,
    symbol="-",
    scalar=operator.sub,
    domain=REALS,
)
negative = linear(np.negative, lambda g, x: -g, symbol="neg", scalar=operator.neg, domain=REALS)
positive = linear(
    np.positive,
    lambda g, x: g,
    symbol="pos",
    scalar=operator.pos,
    domain=REALS,
    aliases=(np.conjugate,),
    note="conj of a real number is the number",
)
multiply = multilinear(
    np.multiply,
    lambda g, a, b: g * b,
    lambda g, a, b: g * a,
    symbol="*",
    scalar=operator.mul,
    domain=REALS,
)
divide = elementwise(
    np.divide,
    lambda y, a, b: 1 / b,
    lambda y, a, b: -y / b,
    symbol="/",
    scalar=operator.truediv,
    domain=AWAY,
)
power = elementwise(
    np.power,
    lambda y, x, p: p * x ** np.where((p == 0) & (x == 0), 1.0, p - 1),
    lambda y, x, p: y * np.log(np.where(x == 0, 1.0, x)),
    symbol="**",
    scalar=math.pow,
    domain=POWERS,
    note="x**0 and 0**p have derivative 0 at 0",
)
elementwise(
    np.float_power,
    lambda y, x, p: p * np.float_power(x, np.where((p == 0) & (x == 0), 1.0, p - 1)),
    lambda y, x, p: y * np.log(np.where(x == 0, 1.0, x)),
    scalar=math.pow,
    domain=POWERS,
    note="x**0 and 0**p have derivative 0 at 0",
)
square = elementwise(np.square, lambda y, x: 2 * x, scalar=lambda x: x * x, domain=REALS)
reciprocal = elementwise(
    np.reciprocal, lambda y, x: -y * y, scalar=lambda x: 1.0 / x, domain=NONZERO
)
sqrt = elementwise(
    np.sqrt, lambda y, x: 0.5 / y, scalar=math.sqrt, domain=POSITIVE, note="inf at 0"
)
elementwise(
    np.cbrt, lambda y, x: 1 / (3 * y * y), scalar=math.cbrt, domain=NONZERO, note="inf at 0"
)
hypot = elementwise(
    np.hypot,
    lambda y, a, b: np.where(y == 0, 0.0, a / np.where(y == 0, 1.0, y)),
    lambda y, a, b: np.where(y == 0, 0.0, b / np.where(y == 0, 1.0, y)),
    scalar=math.hypot,
    domain=AWAY,
    note="0 at (0, 0)",
)
absolute = elementwise(
    np.absolute,
    lambda y, x: np.sign(x),
    symbol="abs",
    scalar=operator.abs,
    domain=KINK_AT_0,
    note="0 at 0",
)
elementwise(np.fabs, lambda y, x: np.sign(x), scalar=math.fabs, domain=KINK_AT_0, note="0 at 0")
elementwise(
    np.copysign,
    lambda y, a, b: np.sign(a) * np.copysign(1.0, b),
    lambda y, a, b: 0.0,
    scalar=math.copysign,
    domain=(KINK_AT_0, KINK_AT_0),
    note="0 at a = 0, and in b everywhere",
)


def _mod_of_floats(a: float, b: float) -> float:
    """Return a % b; a whole quotient leaves a zero of the sign of b."""
    rest = math.fmod(a, b)
    shifted = rest + b if (b < 0.0 and rest > 0.0) or (b > 0.0 and rest < 0.0) else rest
    return math.copysign(0.0, b) if rest == 0.0 else shifted


def _floor_divide_of_floats(a: float, b: float) -> float:
    """Return a // b, computed from the rest as NumPy does."""
    rest = math.fmod(a, b)
    crosses = (b < 0.0 and rest > 0.0) or (b > 0.0 and rest < 0.0)
    ratio = (a - rest) / b - (1.0 if crosses else 0.0)
    whole = math.copysign(float(math.floor(ratio)), ratio)
    nearest = whole + 1.0 if ratio - whole > 0.5 else whole
    return a / b if b == 0.0 else math.copysign(0.0, a / b) if ratio == 0.0 else nearest


elementwise(
    np.floor_divide,
    lambda y, a, b: 0.0,
    lambda y, a, b: 0.0,
    symbol="//",
    scalar=_floor_divide_of_floats,
    domain=BETWEEN_JUMPS,
    note="0 everywhere: it is constant between its jumps",
)

elementwise(
    np.remainder,
    lambda y, a, b: 1.0,
    lambda y, a, b: -np.floor_divide(a, b),
    name="mod",
    symbol="%",
    scalar=_mod_of_floats,
    domain=BETWEEN_JUMPS,
    note="that of a - b * floor(a / b) between the jumps, also at them",
)
elementwise(
    np.fmod,
    lambda y, a, b: 1.0,
    lambda y, a, b: -np.trunc(a / b),
    scalar=math.fmod,
    domain=BETWEEN_JUMPS,
    note="that of a - b * trunc(a / b) between the jumps, also at them",
)
linear(
    np.ldexp,
    lambda g, x, exponent: np.ldexp(g, exponent),
    NON_DIFFERENTIABLE,
    cases=(Case(((3, 4),), call=lambda f, x: f(x, np.array([1, -2, 0, 3]))),),
    domain=REALS,
    note="the exponent is an integer without a derivative",
)
composite(
    np.divmod,
    lambda a, b: (np.floor_divide(a, b), np.remainder(a, b)),
    symbol="divmod",
    cases=(Case(((3, 4), (4,)), call=lambda f, a, b: f(a, b)[1]),),
    domain=BETWEEN_JUMPS,
)
composite(
    np.modf,
    lambda x: (x - np.trunc(x), np.trunc(x)),
    cases=(Case(((3, 4),), call=lambda f, x: f(0.1 * x + 2.5)[0]),),
    domain=REALS,
    note="the integral part has derivative 0",
)


@look()
def exponent_of(x: Any) -> Any:
    """Return the second result of np.frexp."""
    return np.frexp(x)[1]


def _frexp(x: Any) -> tuple[Any, Any]:
    exponent = exponent_of(x)
    return np.ldexp(x, -exponent), exponent


composite(
    np.frexp,
    _frexp,
    cases=(Case(((3, 4),), call=lambda f, x: f(0.1 * x + 2.9)[0]),),
    domain=REALS,
    note="the exponent is an integer without a derivative",
)
