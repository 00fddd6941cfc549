"""Functions of scipy.special, which is imported when one of them is called."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..domain import ABOVE_1, POSITIVE, REALS, UNIT, Case, Domain
from ..errors import require
from ..kinds import elementwise

PROBABILITY = Domain(0.05, 0.95)
SCIPY: dict[str, str] = {}
"""The rows that stand for functions of scipy.special, by its name for them."""


def _scipy(name: str) -> Callable[..., Any]:
    def function(*args: Any) -> Any:
        special = require("scipy.special", "nn", f"compute {name}")
        return getattr(special, name)(*args)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"The function scipy.special.{name}."
    return function


def _row(name: str, *partials: Any, arity: int = 1, **row: Any) -> Any:
    """Register a function of scipy.special under its name."""
    SCIPY[name] = name
    forward = _scipy(name)
    if arity == 2:
        forward = _two(name)
    elif arity == 1:
        forward = _one(name)
    return elementwise(forward, *partials, name=name, **row)


def _one(name: str) -> Callable[..., Any]:
    function = _scipy(name)

    def one(x: Any) -> Any:
        return function(x)

    one.__doc__ = function.__doc__
    one.__name__ = name
    return one


def _two(name: str) -> Callable[..., Any]:
    function = _scipy(name)

    def two(a: Any, b: Any) -> Any:
        return function(a, b)

    two.__doc__ = function.__doc__
    two.__name__ = name
    return two


def _erf(x: Any) -> Any:
    """The error function; entry by entry where SciPy is not installed."""
    return _error_function("erf", x)


def _erfc(x: Any) -> Any:
    """The complementary error function; entry by entry where SciPy is not installed."""
    return _error_function("erfc", x)


def _error_function(name: str, x: Any) -> Any:
    try:
        special = require("scipy.special", "nn", f"compute {name}")
    except ImportError:
        x = np.asarray(x)
        kind = x.dtype if x.dtype == np.float32 else np.float64
        return np.frompyfunc(getattr(math, name), 1, 1)(x).astype(kind)
    return getattr(special, name)(x)


SCIPY.update(erf="erf", erfc="erfc")
erf = elementwise(
    _erf,
    lambda y, x: 2 / math.sqrt(math.pi) * np.exp(-x * x),
    name="erf",
    scalar=math.erf,
    domain=REALS,
)
elementwise(
    _erfc,
    lambda y, x: -2 / math.sqrt(math.pi) * np.exp(-x * x),
    name="erfc",
    domain=REALS,
)
_row("erfinv", lambda y, x: math.sqrt(math.pi) / 2 * np.exp(y * y), domain=UNIT)
_row(
    "ndtr",
    lambda y, x: np.exp(-0.5 * x * x) / math.sqrt(2 * math.pi),
    domain=REALS,
)
_row("ndtri", lambda y, p: math.sqrt(2 * math.pi) * np.exp(0.5 * y * y), domain=PROBABILITY)


def _polygamma(x: Any, n: int = 0) -> Any:
    """The n-th derivative of the digamma function; SciPy's polygamma(n, x)."""
    special = require("scipy.special", "nn", "compute polygamma")
    return special.digamma(x) if n == 0 else special.polygamma(n, x)


def _polygamma_arguments(n: int, x: Any) -> tuple[tuple[Any], dict[str, Any]]:
    return (x,), {"n": int(n)}


def _polygamma_slope(y: Any, x: Any, n: int = 0) -> Any:
    return polygamma.bind((x,), {"n": n + 1})


polygamma = elementwise(
    _polygamma,
    _polygamma_slope,
    name="polygamma",
    arguments=_polygamma_arguments,
    cases=(Case(((3, 4),), call=lambda f, x: f(1, x)),),
    domain=POSITIVE,
)


def _digamma(x: Any) -> Any:
    return polygamma.bind((x,), {})


digamma = _row("digamma", lambda y, x: polygamma.bind((x,), {"n": 1}), domain=POSITIVE)
SCIPY["psi"] = "digamma"
_row("gammaln", lambda y, x: digamma(x), domain=POSITIVE)
_row("gamma", lambda y, x: y * digamma(x), domain=POSITIVE)
_row(
    "betaln",
    lambda y, a, b: digamma(a) - digamma(a + b),
    lambda y, a, b: digamma(b) - digamma(a + b),
    arity=2,
    domain=POSITIVE,
)
_row(
    "beta",
    lambda y, a, b: y * (digamma(a) - digamma(a + b)),
    lambda y, a, b: y * (digamma(b) - digamma(a + b)),
    arity=2,
    domain=POSITIVE,
)


def _logit_of_float(p: float) -> float:
    """Return log(p / (1 - p)), around 1/2 as a difference that does not cancel."""
    s = 2 * (p - 0.5)
    near = p > 0.3 and p < 0.65
    return math.log1p(s) - math.log1p(-s) if near else math.log(p / (1 - p))


_row("logit", lambda y, p: 1 / (p * (1 - p)), scalar=_logit_of_float, domain=PROBABILITY)
_row(
    "xlogy",
    lambda y, x, z: np.log(np.where(z == 0, 1.0, z)),
    lambda y, x, z: x / np.where(z == 0, np.where(x == 0, 1.0, 0.0), z),
    arity=2,
    scalar=lambda x, z: 0.0 if x == 0 and z == z else x * math.log(z),
    domain=(REALS, POSITIVE),
    note="0 at x = z = 0",
)
_row(
    "xlog1py",
    lambda y, x, z: np.log1p(z),
    lambda y, x, z: x / (1 + z),
    arity=2,
    scalar=lambda x, z: 0.0 if x == 0 and z == z else x * math.log1p(z),
    domain=(REALS, POSITIVE),
)
_row(
    "entr",
    lambda y, x: -np.log(x) - 1,
    scalar=lambda x: -x * math.log(x) if x > 0 else 0.0 if x == 0 else -math.inf if x < 0 else x,
    domain=POSITIVE,
)


# the functions of their own are exact where those of any order give nan, next to 0


def _bessel_i(x: Any, order: int = 0) -> Any:
    """The modified Bessel function of an integer order."""
    special = require("scipy.special", "nn", "compute Bessel functions")
    return special.i0(x) if order == 0 else special.i1(x) if order == 1 else special.iv(order, x)


def _bessel_j(x: Any, order: int = 0) -> Any:
    """The Bessel function of an integer order."""
    special = require("scipy.special", "nn", "compute Bessel functions")
    return special.j0(x) if order == 0 else special.j1(x) if order == 1 else special.jv(order, x)


def _bessel(kind: str, function: Callable[..., Any], sign: int) -> None:
    """Register the Bessel functions of orders 0 and 1 as one row of any integer order."""

    def slope(y: Any, x: Any, order: int = 0) -> Any:
        above = row.bind((x,), {"order": order + 1})
        if order == 0:
            return sign * above
        return 0.5 * (row.bind((x,), {"order": order - 1}) + sign * above)

    row = elementwise(function, slope, name=f"bessel_{kind}", domain=REALS)
    for order in (0, 1):
        forward = _one(f"{kind}{order}")
        SCIPY[f"{kind}{order}"] = f"{kind}{order}"
        numpy = {"numpy": np.i0} if (kind, order) == ("i", 0) else {}
        elementwise(
            forward,
            lambda y, x, order=order: slope(y, x, order),
            name=f"{kind}{order}",
            domain=ABOVE_1,
            **numpy,
        )


_bessel("i", _bessel_i, 1)
_bessel("j", _bessel_j, -1)
SCIPY["expit"] = "sigmoid"
SCIPY["log_expit"] = "log_sigmoid"
