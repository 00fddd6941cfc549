"""Functions of one number against mpmath's 40 digits: value and derivatives of order 1, 2 and 3.

mpmath differentiates its own functions numerically at a precision at which that is exact here.
"""

from collections.abc import Callable
from typing import Any

import mpmath as mp
import pytest

import autograd as ag

E = mp.exp
ANYWHERE = (-5.0, -1e-3, 0.7, 12.0)
FUNCTIONS: dict[str, tuple[Callable[[Any], Any], tuple[float, ...]]] = {
    "arccos": (mp.acos, (-0.9, 0.3, 0.999)),
    "arccosh": (mp.acosh, (1.001, 2.0, 50.0)),
    "arcsin": (mp.asin, (-0.9, 0.3, 0.999)),
    "arcsinh": (mp.asinh, ANYWHERE),
    "arctan": (mp.atan, ANYWHERE),
    "arctanh": (mp.atanh, (-0.9, 0.3, 0.999)),
    "cbrt": (mp.cbrt, (0.1, 30.0)),
    "cos": (mp.cos, ANYWHERE),
    "cosh": (mp.cosh, ANYWHERE),
    "digamma": (mp.digamma, (0.1, 1.46, 30.0)),
    "elu": (lambda x: x if x > 0 else mp.expm1(x), (-2.0, 0.4, -30.0)),
    "entr": (lambda x: -x * mp.log(x), (0.1, 1.0, 3.0)),
    "erf": (mp.erf, ANYWHERE),
    "erfc": (mp.erfc, ANYWHERE),
    "erfinv": (mp.erfinv, (-0.9, 0.1, 0.99)),
    "exp": (mp.exp, ANYWHERE),
    "exp2": (lambda x: mp.power(2, x), ANYWHERE),
    "expm1": (mp.expm1, (-3.0, 1e-9, 2.0)),
    "gamma": (mp.gamma, (0.3, 2.5, 8.0)),
    "gammaln": (mp.loggamma, (0.1, 1.0, 30.0)),
    "gelu": (lambda x: x * mp.ncdf(x), ANYWHERE),
    "i0": (lambda x: mp.besseli(0, x), ANYWHERE),
    "i1": (lambda x: mp.besseli(1, x), ANYWHERE),
    "j0": (lambda x: mp.besselj(0, x), ANYWHERE),
    "j1": (lambda x: mp.besselj(1, x), ANYWHERE),
    "log": (mp.log, (1e-3, 1.5, 50.0)),
    "log10": (mp.log10, (1e-3, 1.5, 50.0)),
    "log1p": (lambda x: mp.log(1 + x), (-0.9, 1e-8, 5.0)),
    "log2": (lambda x: mp.log(x, 2), (1e-3, 1.5, 50.0)),
    "log_sigmoid": (lambda x: -mp.log(1 + E(-x)), ANYWHERE),
    "logit": (lambda x: mp.log(x / (1 - x)), (0.01, 0.5, 0.99)),
    "mish": (lambda x: x * mp.tanh(mp.log(1 + E(x))), ANYWHERE),
    "ndtr": (mp.ncdf, ANYWHERE),
    "ndtri": (lambda p: mp.sqrt(2) * mp.erfinv(2 * p - 1), (0.01, 0.5, 0.99)),
    "reciprocal": (lambda x: 1 / x, (-0.1, 3.0, 1e3)),
    "sigmoid": (lambda x: 1 / (1 + E(-x)), ANYWHERE),
    "silu": (lambda x: x / (1 + E(-x)), ANYWHERE),
    "sin": (mp.sin, ANYWHERE),
    "sinc": (mp.sincpi, (-3.3, 1e-9, 0.5, 20.3)),
    "sinh": (mp.sinh, ANYWHERE),
    "softplus": (lambda x: mp.log(1 + E(x)), ANYWHERE),
    "softsign": (lambda x: x / (1 + abs(x)), (-3.0, 0.4, 50.0)),
    "sqrt": (mp.sqrt, (1e-4, 2.0, 100.0)),
    "square": (lambda x: x * x, ANYWHERE),
    "tan": (mp.tan, (-1.2, 0.3, 1.5)),
    "tanh": (mp.tanh, ANYWHERE),
}


def along(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x: ag.jvp(f, (x,), (1.0,))[1]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_value_and_three_derivatives_in_both_modes_have_the_digits_of_mpmath(name: str) -> None:
    exact, points = FUNCTIONS[name]
    f = getattr(ag, name)
    with mp.workdps(40):
        for x in points:
            forward = f
            for order in range(4):
                wanted = float(mp.re(mp.diff(exact, mp.mpf(x), order)))
                found = [ag.derivative(f, order=order)(x)] + [forward(x)] * (order > 0)
                # terms of size 1 cancel where a derivative is small: 1e-14 are 45 units of theirs
                assert found == pytest.approx([wanted] * len(found), rel=1e-10, abs=1e-14), x
                forward = along(forward)
