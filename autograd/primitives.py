"""THE TABLE: one row an operation. Everything else about an operation is derived from its row.

Conventions at ties and kinks stand in the row's `note`; they hold in both modes and every order.
"""

from __future__ import annotations

import builtins
import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from .domain import ABOVE_1, KINK_AT_0, NONZERO, POSITIVE, REALS, UNIT, Case
from .primitive import (
    NON_DIFFERENTIABLE,
    custom,
    elementwise,
    expand,
    keepdims_shape,
    linear,
    multilinear,
    reduction,
)
from .scalar import specialise_scalar_rules

# ---- arithmetic ----------------------------------------------------------------------------------

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
positive = linear(np.positive, lambda g, x: g, symbol="pos", scalar=operator.pos, domain=REALS)
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
    domain=(REALS, NONZERO),
)
power = elementwise(
    np.power,
    lambda y, x, p: p * x ** np.where(p == 0, 1.0, p - 1),
    lambda y, x, p: y * np.log(np.where(x == 0, 1.0, x)),
    symbol="**",
    scalar=math.pow,
    domain=(POSITIVE, REALS),
    note="x**0 and 0**p have derivative 0 at 0",
)
absolute = elementwise(
    np.absolute,
    lambda y, x: np.sign(x),
    symbol="abs",
    scalar=operator.abs,
    domain=KINK_AT_0,
    note="0 at 0",
)

# ---- powers, exponentials, logarithms ------------------------------------------------------------

square = elementwise(np.square, lambda y, x: 2 * x, scalar=lambda x: x * x, domain=REALS)
reciprocal = elementwise(
    np.reciprocal, lambda y, x: -y * y, scalar=lambda x: 1.0 / x, domain=NONZERO
)
sqrt = elementwise(np.sqrt, lambda y, x: 0.5 / y, scalar=math.sqrt, domain=POSITIVE)
exp = elementwise(np.exp, lambda y, x: y, scalar=math.exp, domain=REALS)
expm1 = elementwise(np.expm1, lambda y, x: y + 1, scalar=math.expm1, domain=REALS)
log = elementwise(np.log, lambda y, x: 1 / x, scalar=math.log, domain=POSITIVE)
log1p = elementwise(np.log1p, lambda y, x: 1 / (1 + x), scalar=math.log1p, domain=POSITIVE)
log2 = elementwise(np.log2, lambda y, x: 1 / (x * math.log(2)), scalar=math.log2, domain=POSITIVE)
log10 = elementwise(
    np.log10, lambda y, x: 1 / (x * math.log(10)), scalar=math.log10, domain=POSITIVE
)

# ---- trigonometric and hyperbolic ----------------------------------------------------------------

sin = elementwise(np.sin, lambda y, x: np.cos(x), scalar=math.sin, domain=REALS)
cos = elementwise(np.cos, lambda y, x: -np.sin(x), scalar=math.cos, domain=REALS)
tan = elementwise(np.tan, lambda y, x: 1 + y * y, scalar=math.tan, domain=UNIT)
arcsin = elementwise(np.arcsin, lambda y, x: 1 / np.sqrt(1 - x * x), scalar=math.asin, domain=UNIT)
arccos = elementwise(np.arccos, lambda y, x: -1 / np.sqrt(1 - x * x), scalar=math.acos, domain=UNIT)
arctan = elementwise(np.arctan, lambda y, x: 1 / (1 + x * x), scalar=math.atan, domain=REALS)
arctan2 = elementwise(
    np.arctan2,
    lambda y, a, b: b / (a * a + b * b),
    lambda y, a, b: -a / (a * a + b * b),
    scalar=math.atan2,
    domain=(REALS, NONZERO),
)
sinh = elementwise(np.sinh, lambda y, x: np.cosh(x), scalar=math.sinh, domain=REALS)
cosh = elementwise(np.cosh, lambda y, x: np.sinh(x), scalar=math.cosh, domain=REALS)
tanh = elementwise(np.tanh, lambda y, x: 1 - y * y, scalar=math.tanh, domain=REALS)
arcsinh = elementwise(
    np.arcsinh, lambda y, x: 1 / np.sqrt(x * x + 1), scalar=math.asinh, domain=REALS
)
arccosh = elementwise(
    np.arccosh, lambda y, x: 1 / np.sqrt(x * x - 1), scalar=math.acosh, domain=ABOVE_1
)
arctanh = elementwise(np.arctanh, lambda y, x: 1 / (1 - x * x), scalar=math.atanh, domain=UNIT)

# ---- piecewise -----------------------------------------------------------------------------------

sign = elementwise(
    np.sign,
    lambda y, x: 0.0 * y,
    scalar=lambda x: math.copysign(1.0, x) if x else x if x != x else 0.0,
    domain=KINK_AT_0,
    note="0 everywhere",
)
maximum = elementwise(
    np.maximum,
    lambda y, a, b: (a > b) + 0.5 * (a == b),
    lambda y, a, b: (b > a) + 0.5 * (a == b),
    domain=REALS,
    note="a tie is shared: 0.5 each",
)
minimum = elementwise(
    np.minimum,
    lambda y, a, b: (a < b) + 0.5 * (a == b),
    lambda y, a, b: (b < a) + 0.5 * (a == b),
    domain=REALS,
    note="a tie is shared: 0.5 each",
)
where = linear(
    np.where,
    NON_DIFFERENTIABLE,
    lambda g, condition, x, y: _kept(g, condition),
    lambda g, condition, x, y: _dropped(g, condition),
    selects=True,
    scalar=lambda condition, x, y: x if condition else y,
    cases=(Case(((3, 4), (3, 4), (3, 4))), Case(((4,), (3, 4), (3, 1))), Case(((), (), ()))),
    domain=REALS,
    note="the branch not taken contributes an exact zero",
)


def _kept(g: Any, condition: Any) -> Any:
    return np.where(condition, g, 0.0)


def _dropped(g: Any, condition: Any) -> Any:
    return np.where(condition, 0.0, g)


# ---- activations ---------------------------------------------------------------------------------


def _sigmoid(x: Any) -> Any:
    """Return 1 / (1 + exp(-x)), without overflow at any x."""
    e = np.exp(-np.abs(x))
    return np.where(np.asarray(x) >= 0, 1, e) / (1 + e)


def _sigmoid_of_float(x: float) -> float:
    e = math.exp(-abs(x))
    return (1.0 if x >= 0 else e) / (1.0 + e)


def _relu(x: Any) -> Any:
    """Return max(x, 0)."""
    return np.maximum(x, 0)


def _softmax(x: Any, axis: int = -1) -> Any:
    """Return exp(x) / sum(exp(x)) along `axis`, shifted so that nothing overflows."""
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


def _log_softmax(x: Any, axis: int = -1) -> Any:
    """Return log(softmax(x)) along `axis`, exact where softmax underflows."""
    shifted = x - np.max(x, axis=axis, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


def _logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return log(sum(exp(x))) over `axis`, shifted so that nothing overflows."""
    top = np.max(x, axis=axis, keepdims=True)
    # an infinite maximum is the result itself; shifting by it would give nan
    shift = np.where(np.isfinite(top), top, 0)
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
    lambda y, x: (x > 0) * 1.0,
    name="relu",
    scalar=lambda x: x if x > 0 or x != x else 0.0,
    domain=KINK_AT_0,
    note="0 at 0",
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
    lambda g, y, x, axis=-1: g - np.exp(y) * np.sum(g, axis=axis, keepdims=True),
    jvp=lambda t, y, x, axis=-1: t[0] - np.sum(np.exp(y) * t[0], axis=axis, keepdims=True),
    name="log_softmax",
    domain=REALS,
    cases=ROWS,
)

# ---- reductions ----------------------------------------------------------------------------------

REDUCTIONS = (
    Case(((3, 4),)),
    Case(((3, 4),), {"axis": 0}),
    Case(((3, 4),), {"axis": -1, "keepdims": True}),
    Case(((2, 3, 4),), {"axis": (0, 2)}),
    Case(((),)),
)


def _share(hit: Any, axis: Any) -> Any:
    """Return weights that share 1 evenly between the entries that reach the extremum."""
    hit = hit * 1.0
    return hit / np.sum(hit, axis=axis, keepdims=True)


sum = linear(
    np.sum,
    lambda g, x, axis=None, keepdims=False: expand(g, x, axis),
    cases=REDUCTIONS,
    domain=REALS,
)
mean = linear(
    np.mean,
    lambda g, x, axis=None, keepdims=False: expand(g, x, axis) / _count(x, axis),
    cases=REDUCTIONS,
    domain=REALS,
)
max = reduction(
    np.max,
    lambda y, x, axis: _share(x == y, axis),
    cases=REDUCTIONS,
    domain=REALS,
    note="ties share evenly",
)
min = reduction(
    np.min,
    lambda y, x, axis: _share(x == y, axis),
    cases=REDUCTIONS,
    domain=REALS,
    note="ties share evenly",
)
logsumexp = reduction(
    _logsumexp,
    lambda y, x, axis: np.exp(x - y),
    name="logsumexp",
    cases=REDUCTIONS,
    domain=REALS,
)


def _count(x: Any, axis: Any) -> int:
    return int(np.size(x) / (math.prod(keepdims_shape(x, axis)) or 1))


# ---- products ------------------------------------------------------------------------------------


def _matmul_left(g: Any, a: Any, b: Any) -> Any:
    if np.ndim(b) == 1:
        return _column(g) * b if np.ndim(a) > 1 else g * b
    transposed = np.swapaxes(b, -1, -2)
    return g @ transposed if np.ndim(a) > 1 else (_row(g) @ transposed)[..., 0, :]


def _matmul_right(g: Any, a: Any, b: Any) -> Any:
    if np.ndim(a) == 1:
        return a[:, None] * _row(g) if np.ndim(b) > 1 else g * a
    transposed = np.swapaxes(a, -1, -2)
    return transposed @ g if np.ndim(b) > 1 else (transposed @ _column(g))[..., 0]


def _column(g: Any) -> Any:
    return np.reshape(g, (*np.shape(g), 1))


def _row(g: Any) -> Any:
    return np.reshape(g, (*np.shape(g)[:-1], 1, np.shape(g)[-1]))


matmul = multilinear(
    np.matmul,
    _matmul_left,
    _matmul_right,
    symbol="@",
    cases=(
        Case(((3, 4), (4, 2))),
        Case(((4,), (4,))),
        Case(((3, 4), (4,))),
        Case(((4,), (4, 2))),
        Case(((2, 3, 4), (4, 2))),
        Case(((3, 4), (2, 4, 2))),
        Case(((5, 1, 3, 4), (2, 4, 2))),
        Case(((4,), (2, 4, 2))),
        Case(((2, 3, 4), (4,))),
    ),
    domain=REALS,
)

# ---- shape ---------------------------------------------------------------------------------------


def _astype(x: Any, dtype: Any) -> Any:
    """Return `x` converted to `dtype`."""
    return np.asarray(x).astype(dtype)[()]


def _inverse(axes: Sequence[int] | None, ndim: int) -> list[int] | None:
    return None if axes is None else [int(i) for i in np.argsort([a % ndim for a in axes])]


def _like(g: Any, x: Any) -> Any:
    return astype(g, np.result_type(x))


astype = linear(
    _astype,
    lambda g, x, dtype: _like(g, x),
    name="astype",
    cases=(Case(((3, 4),), {"dtype": np.float64}),),
    domain=REALS,
)
reshape = linear(
    np.reshape,
    lambda g, x, shape: np.reshape(g, np.shape(x)),
    cases=(Case(((3, 4),), {"shape": (2, -1)}), Case(((),), {"shape": (1, 1)})),
    domain=REALS,
)
transpose = linear(
    np.transpose,
    lambda g, x, axes=None: np.transpose(g, _inverse(axes, np.ndim(x))),
    cases=(Case(((3, 4),)), Case(((2, 3, 4),), {"axes": (1, -1, 0)})),
    domain=REALS,
)
swapaxes = linear(
    np.swapaxes,
    lambda g, x, axis1, axis2: np.swapaxes(g, axis1, axis2),
    cases=(Case(((2, 3, 4),), {"axis1": 0, "axis2": -1}),),
    domain=REALS,
)
squeeze = linear(
    np.squeeze,
    lambda g, x, axis=None: np.reshape(g, np.shape(x)),
    cases=(Case(((3, 1, 4, 1),)), Case(((3, 1, 4, 1),), {"axis": 1})),
    domain=REALS,
)
expand_dims = linear(
    np.expand_dims,
    lambda g, x, axis: np.reshape(g, np.shape(x)),
    cases=(Case(((3, 4),), {"axis": 1}), Case(((3, 4),), {"axis": (0, -1)})),
    domain=REALS,
)
ravel = linear(
    np.ravel, lambda g, x: np.reshape(g, np.shape(x)), cases=(Case(((3, 4),)),), domain=REALS
)
broadcast_to = linear(
    np.broadcast_to,
    lambda g, x, shape: g,  # the sweep sums what was broadcast
    cases=(Case(((3, 1),), {"shape": (2, 3, 4)}), Case(((),), {"shape": (3,)})),
    domain=REALS,
)


def _getitem(x: Any, index: Any) -> Any:
    """Return x[index]."""
    return x[index]


def _scatter(x: Any, shape: tuple[int, ...], index: Any) -> Any:
    """Return zeros of `shape` with `x` added at `index`; entries named twice add up."""
    out = np.zeros(shape, np.result_type(x))
    parts = index if isinstance(index, tuple) else (index,)
    if all(isinstance(part, (int, np.integer, slice, type(None), type(...))) for part in parts):
        out[index] = x  # a basic index names no entry twice
    else:
        np.add.at(out, index, x)
    return out


def _scattered(g: Any, shape: tuple[int, ...], index: Any) -> Any:
    return scatter(g, shape, index)


getitem = linear(
    _getitem,
    lambda g, x, index: _scattered(g, np.shape(x), index),
    name="getitem",
    cases=(
        Case(((3, 4),), {"index": 1}),
        Case(((3, 4),), {"index": (slice(None, None, -2), None, -1)}),
        Case(((3, 4),), {"index": np.array([0, 2, 0])}),
        Case(((3, 4),), {"index": np.eye(3, 4) == 0}),
        Case(((3, 4, 2),), {"index": (..., np.array([[1, 1], [0, 1]]))}),
        Case(((4,),), {"index": 2}),
    ),
    domain=REALS,
)
scatter = linear(
    _scatter,
    lambda g, x, shape, index: np.broadcast_to(getitem(g, index), np.shape(x)),
    name="scatter",
    cases=(
        Case(((3,),), {"shape": (4, 3), "index": 1}),
        Case(((3, 2),), {"shape": (4, 2), "index": np.array([0, 2, 0])}),
    ),
    domain=REALS,
)


def _part(g: Any, axis: int, start: int, stop: int) -> Any:
    return g[(slice(None),) * (axis % np.ndim(g)) + (slice(start, stop),)]


def _concatenate_part(g: Any, i: int, xs: Sequence[Any], axis: int = 0) -> Any:
    start = builtins.sum(np.shape(x)[axis] for x in xs[:i])
    return _part(g, axis, start, start + np.shape(xs[i])[axis])


def _stack_part(g: Any, i: int, xs: Sequence[Any], axis: int = 0) -> Any:
    return np.reshape(_part(g, axis, i, i + 1), np.shape(xs[i]))


concatenate = linear(
    np.concatenate,
    _concatenate_part,
    variadic=True,
    cases=(Case(((2, 3), (1, 3))), Case(((3, 2), (3, 1), (3, 2)), {"axis": -1})),
    domain=REALS,
)
stack = linear(
    np.stack,
    _stack_part,
    variadic=True,
    cases=(Case(((2, 3), (2, 3))), Case(((2, 3), (2, 3), (2, 3)), {"axis": -1}), Case(((), ()))),
    domain=REALS,
)

specialise_scalar_rules(globals())
