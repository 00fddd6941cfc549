"""Activation functions, each written so that it neither overflows nor cancels.

Where whole numbers would wrap around, as unsigned ones do below 0, a factor makes them floats.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..domain import KINK_AT_0, REALS, Case, Domain
from ..kinds import custom, elementwise, reduction
from ..recording import known
from .reductions import REDUCTIONS, share
from .special import erf


def _sigmoid(x: Any) -> Any:
    """Return 1 / (1 + exp(-x)), without overflow at any x."""
    # the numerator is 1 or exp(x): a second exp costs less than choosing by a mask
    return np.exp(np.minimum(x, 0)) / (1 + np.exp(np.abs(x) * -1.0))


def _sigmoid_of_float(x: float) -> float:
    e = math.exp(-abs(x))
    return (1.0 if x >= 0 else e) / (1.0 + e)


def _relu(x: Any) -> Any:
    """Return max(x, 0)."""
    return np.maximum(x, 0)


def _softplus(x: Any) -> Any:
    """Return log(1 + exp(x)), without overflow at any x."""
    return np.maximum(x, 0) + np.log1p(np.exp(np.abs(x) * -1.0))


def _log_sigmoid(x: Any) -> Any:
    """Return log(sigmoid(x)), exact where sigmoid underflows."""
    return np.minimum(x, 0) - np.log1p(np.exp(np.abs(x) * -1.0))


def _silu(x: Any) -> Any:
    """Return x * sigmoid(x), also called swish."""
    return x * _sigmoid(x)


def _mish(x: Any) -> Any:
    """Return x * tanh(softplus(x))."""
    return x * np.tanh(_softplus(x))


def _gelu(x: Any, approximate: bool = False) -> Any:
    """Return x * Phi(x) for the normal distribution function Phi, or its tanh approximation."""
    if approximate:
        return 0.5 * x * (1 + np.tanh(_GELU * (x + 0.044715 * x * x * x)))
    return 0.5 * x * (1 + erf(x * math.sqrt(0.5)))


def _gelu_slope(y: Any, x: Any, approximate: bool = False) -> Any:
    if approximate:
        t = np.tanh(_GELU * (x + 0.044715 * x * x * x))
        return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * _GELU * (1 + 3 * 0.044715 * x * x)
    density = np.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)
    return 0.5 * (1 + erf(x * math.sqrt(0.5))) + x * density


_GELU = math.sqrt(2 / math.pi)


def _leaky_relu(x: Any, negative_slope: float = 0.2) -> Any:
    """Return x where x > 0 and negative_slope * x elsewhere."""
    return np.where(np.greater(x, 0), x, negative_slope * x)


def _elu(x: Any, alpha: float = 1.0) -> Any:
    """Return x where x > 0 and alpha * (exp(x) - 1) elsewhere."""
    return np.where(np.greater(x, 0), x, alpha * np.expm1(np.minimum(x, 0)))


def _selu(x: Any) -> Any:
    """Return the self-normalising scale * elu(x, alpha) of Klambauer et al., 2017."""
    return _SELU_SCALE * _elu(x, _SELU_ALPHA)


_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_SCALE = 1.0507009873554804934193349852946


def _relu6(x: Any) -> Any:
    """Return min(max(x, 0), 6)."""
    return np.minimum(np.maximum(x, 0), 6)


def _hard_sigmoid(x: Any) -> Any:
    """Return min(max(x / 6 + 1 / 2, 0), 1)."""
    return np.minimum(np.maximum(x / 6 + 0.5, 0), 1)


def _softsign(x: Any) -> Any:
    """Return x / (1 + |x|)."""
    return x / (1 + np.abs(x))


def _softmax(x: Any, axis: int = -1) -> Any:
    """Return exp(x) / sum(exp(x)) along `axis`, shifted so that nothing overflows."""
    e = np.exp(x - np.max(x, axis=axis, keepdims=True) * 1.0)
    return e / np.sum(e, axis=axis, keepdims=True)


def _log_softmax(x: Any, axis: int = -1) -> Any:
    """Return log(softmax(x)) along `axis`, exact where softmax underflows."""
    shifted = x - np.max(x, axis=axis, keepdims=True) * 1.0
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


def _logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return log(sum(exp(x))) over `axis`, shifted so that nothing overflows."""
    top = np.max(x, axis=axis, keepdims=True)
    # an infinite maximum is the result itself; shifting by it would give nan
    shift = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        total = np.log(np.sum(np.exp(x - shift), axis=axis, keepdims=True)) + shift
    return total if keepdims else np.squeeze(total, axis=axis)


ROWS = (
    Case(((3, 4),)),
    Case(((3, 4),), {"axis": 0}),
    Case(((5,),)),
    Case(((2, 3, 4),), {"axis": 1}),
)

sigmoid = elementwise(
    _sigmoid, lambda y, x: y * (1 - y), name="sigmoid", scalar=_sigmoid_of_float, domain=REALS
)
relu = elementwise(
    _relu,
    lambda y, x: y > 0,  # where x is, and the input need not be kept
    name="relu",
    scalar=lambda x: 0.0 if x <= 0 else x,
    domain=KINK_AT_0,
    note="0 at 0",
)
softplus = elementwise(_softplus, lambda y, x: sigmoid(x), name="softplus", domain=REALS)
elementwise(_log_sigmoid, lambda y, x: sigmoid(-x), name="log_sigmoid", domain=REALS)
elementwise(
    _silu,
    lambda y, x: sigmoid(x) + y * sigmoid(-x),
    name="silu",
    domain=REALS,
)


def _mish_slope(y: Any, x: Any) -> Any:
    t = np.tanh(softplus(x))
    return t + x * (1 - t * t) * sigmoid(x)


elementwise(_mish, _mish_slope, name="mish", domain=REALS)
elementwise(_gelu, _gelu_slope, name="gelu", domain=REALS)
elementwise(
    _leaky_relu,
    lambda y, x, negative_slope=0.2: np.where(x > 0, 1.0, np.where(x < 0, negative_slope, 0.0)),
    name="leaky_relu",
    domain=KINK_AT_0,
    note="0 at 0",
)


def _elu_slope(y: Any, x: Any, alpha: float = 1.0) -> Any:
    # a choice, which at 0 is that of one branch in every order; a minimum would share the tie
    return np.where(x > 0, 1.0, alpha * np.exp(np.where(x > 0, 0.0, x)))


elementwise(
    _elu,
    _elu_slope,
    name="elu",
    domain=KINK_AT_0,
    note="the branch for x <= 0 at 0",
)
elementwise(
    _selu,
    lambda y, x: _SELU_SCALE * _elu_slope(y, x, _SELU_ALPHA),
    name="selu",
    domain=KINK_AT_0,
    note="the branch for x <= 0 at 0",
)
elementwise(
    _relu6,
    lambda y, x: (y > 0) & (y < 6),
    name="relu6",
    domain=Domain(-4.0, 9.0, (0.0, 6.0)),
    note="0 at 0 and 6",
)
elementwise(
    _hard_sigmoid,
    lambda y, x: ((x > -3) & (x < 3)) / 6,
    name="hard_sigmoid",
    domain=Domain(-5.0, 5.0, (-3.0, 3.0)),
    note="0 at -3 and 3",
)
elementwise(
    _softsign,
    lambda y, x: 1 / ((1 + np.abs(x)) * (1 + np.abs(x))),
    name="softsign",
    domain=KINK_AT_0,
    note="0 at 0 from the second order on",
)
softmax = custom(
    _softmax,
    lambda g, y, x, axis=-1: y * (g - np.sum(g * y, axis=axis, keepdims=True)),
    jvp=lambda t, y, x, axis=-1: y * (t[0] - np.sum(t[0] * y, axis=axis, keepdims=True)),
    name="softmax",
    domain=REALS,
    cases=ROWS,
)
log_softmax = custom(
    _log_softmax,
    lambda g, y, x, axis=-1: g - softmax(x, axis=axis) * np.sum(g, axis=axis, keepdims=True),
    jvp=lambda t, y, x, axis=-1: (
        t[0] - np.sum(softmax(x, axis=axis) * t[0], axis=axis, keepdims=True)
    ),
    name="log_softmax",
    domain=REALS,
    cases=ROWS,
)


def _softmax_weights(y: Any, x: Any, axis: Any) -> Any:
    infinite = np.isinf(y)
    if known(np.logical_not(np.any(infinite))):
        return np.exp(x - y)
    return np.where(infinite, share(x == y, axis), np.exp(x - np.where(infinite, 0.0, y)))


logsumexp = reduction(
    _logsumexp,
    _softmax_weights,
    name="logsumexp",
    cases=REDUCTIONS,
    domain=REALS,
    note="where the result is infinite, the entries that make it so share evenly",
)
