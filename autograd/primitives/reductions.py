"""Sums, products, means, extrema, and running sums and products along axes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..domain import REALS, Case
from ..kinds import composite, custom, linear, reduction
from ..primitive import expand, keepdims_shape

REDUCTIONS = (
    Case(((3, 4),)),
    Case(((3, 4),), {"axis": 0}),
    Case(((3, 4),), {"axis": -1, "keepdims": True}),
    Case(((2, 3, 4),), {"axis": (0, 2)}),
    Case(((),)),
)
RUNNING = (Case(((3, 4),)), Case(((3, 4),), {"axis": 0}), Case(((2, 3, 4),), {"axis": -2}))
TIES = "ties share evenly"


def count(x: Any, axis: Any) -> int:
    """Return how many entries of `x` each entry of its reduction over `axis` is made of."""
    return int(np.size(x) / (math.prod(keepdims_shape(x, axis)) or 1))


def share(hit: Any, axis: Any) -> Any:
    """Return weights that share 1 evenly between the entries that reach the extremum."""
    hit = hit * 1.0
    return hit / np.sum(hit, axis=axis, keepdims=True)


sum = linear(
    np.sum,
    lambda g, x, axis=None, keepdims=False: expand(g, x, axis),
    cases=(
        *REDUCTIONS,
        Case(((3, 4), ()), call=lambda f, x, start: f(x, axis=1, initial=start)),
    ),
    domain=REALS,
    joins=np.add,
)
mean = linear(
    np.mean,
    lambda g, x, axis=None, keepdims=False: expand(g, x, axis) / count(x, axis),
    cases=REDUCTIONS,
    domain=REALS,
)
for extremum, alias, pair in ((np.max, np.amax, np.maximum), (np.min, np.amin, np.minimum)):
    reduction(
        extremum,
        lambda y, x, axis: share(x == y, axis),
        aliases=(alias,),
        joins=pair,
        cases=REDUCTIONS,
        domain=REALS,
        note=TIES,
    )


def _ptp(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.max(a, axis=axis, keepdims=keepdims) - np.min(a, axis=axis, keepdims=keepdims)


composite(np.ptp, _ptp, cases=REDUCTIONS[:3], domain=REALS, note=TIES)


# ---- spread --------------------------------------------------------------------------------------


def _deviation(x: Any, axis: Any, ddof: float) -> Any:
    free = count(x, axis) - ddof
    # none left: NumPy's value is nan, or inf, and there is no derivative
    return (x - np.mean(x, axis=axis, keepdims=True)) / (free if free > 0 else math.nan)


def _spread_arguments(
    a: Any,
    axis: Any = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    correction: float | None = None,
) -> tuple[tuple[Any], dict[str, Any]]:
    given = {"axis": axis, "ddof": ddof if correction is None else correction, "keepdims": keepdims}
    defaults = {"axis": None, "ddof": 0, "keepdims": False}
    return (a,), {name: value for name, value in given.items() if value is not defaults[name]}


SPREADS = (*REDUCTIONS[:4], Case(((3, 4),), {"axis": 1, "ddof": 1}))

reduction(
    np.var,
    lambda y, x, axis, ddof=0: 2 * _deviation(x, axis, ddof),
    arguments=_spread_arguments,
    cases=SPREADS,
    domain=REALS,
)
reduction(
    np.std,
    lambda y, x, axis, ddof=0: np.where(
        y == 0, 0.0, _deviation(x, axis, ddof) / np.where(y == 0, 1.0, y)
    ),
    arguments=_spread_arguments,
    cases=SPREADS,
    domain=REALS,
    note="0 where all entries are equal",
)


def _average(
    a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False
) -> Any:
    if weights is None:
        result = np.mean(a, axis=axis, keepdims=keepdims)
        total: Any = float(count(a, axis))
    else:
        if np.shape(weights) != np.shape(a):
            shape = [n if i in _axes(a, axis) else 1 for i, n in enumerate(np.shape(a))]
            weights = np.reshape(weights, shape)
        total = np.sum(
            np.broadcast_to(weights, np.shape(a)) if np.shape(weights) != np.shape(a) else weights,
            axis=axis,
            keepdims=keepdims,
        )
        result = np.sum(a * weights, axis=axis, keepdims=keepdims) / total
    return (result, np.broadcast_to(total, np.shape(result))) if returned else result


def _axes(x: Any, axis: Any) -> tuple[int, ...]:
    ndim = np.ndim(x)
    if axis is None:
        return tuple(range(ndim))
    return tuple(a % ndim for a in (axis if isinstance(axis, tuple) else (axis,)))


composite(
    np.average,
    _average,
    cases=(
        *REDUCTIONS[:3],
        Case(((3, 4), (4,)), call=lambda f, a, w: f(a, axis=1, weights=5 + w)),
        Case(((3, 4), (3, 4)), call=lambda f, a, w: f(a, weights=5 + w)),
    ),
    domain=REALS,
)


# ---- running sums and products -------------------------------------------------------------------


def _along(x: Any, axis: Any) -> Any:
    """Return `x` with `axis` last, flattened if it is None."""
    return np.reshape(x, -1) if axis is None else np.moveaxis(x, axis, -1)


def _back(z: Any, x: Any, axis: Any) -> Any:
    """Undo `_along` on a result of the same shape."""
    return np.reshape(z, np.shape(x)) if axis is None else np.moveaxis(z, -1, axis)


def _reversed_sum(g: Any, x: Any, axis: Any) -> Any:
    flipped = np.flip(_along(g, axis), -1)
    return _back(np.flip(np.cumsum(flipped, axis=-1), -1), x, axis)


cumsum = linear(
    np.cumsum,
    lambda g, x, axis=None: _reversed_sum(g, x, axis),
    cases=RUNNING,
    domain=REALS,
)


def _shifted(x: Any, by: int, fill: float) -> Any:
    """Return x moved `by` places along the last axis, `fill` entering at the front."""
    head = np.full((*np.shape(x)[:-1], min(by, np.shape(x)[-1])), fill, np.result_type(x))
    return np.concatenate([head, x[..., :-by]], axis=-1)


def _recurrence(a: Any, b: Any) -> Any:
    """Return s with s_k = a_k s_{k-1} + b_k along the last axis, by doubling.

    Only sums and products: exact where entries are zero, and differentiable to any order.
    """
    step = 1
    while step < np.shape(b)[-1]:
        b = b + a * _shifted(b, step, 0.0)
        a = a * _shifted(a, step, 1.0)
        step *= 2
    return b


def _cumprod_vjp(g: Any, y: Any, x: Any, axis: Any = None) -> Any:
    x_, g_, y_ = _along(x, axis), _along(g, axis), _along(y, axis)
    factors = _shifted(np.flip(x_, -1), 1, 0.0)
    after = np.flip(_recurrence(factors, np.flip(g_, -1)), -1)
    return _back(after * _shifted(y_, 1, 1.0), x, axis)


def _cumprod_jvp(t: Any, y: Any, x: Any, axis: Any = None) -> Any:
    x_, t_, y_ = _along(x, axis), _along(t[0], axis), _along(y, axis)
    tangent = _recurrence(x_, t_ * _shifted(y_, 1, 1.0))
    return np.reshape(tangent, np.shape(y)) if axis is None else np.moveaxis(tangent, -1, axis)


cumprod = custom(
    np.cumprod,
    _cumprod_vjp,
    jvp=_cumprod_jvp,
    cases=RUNNING,
    domain=REALS,
    note="exact with zeros among the entries, in every order",
)


def _product_of_others(x: Any, axis: Any) -> Any:
    """Return for every entry the product of all others that are reduced with it."""
    axes = _axes(x, axis)
    kept = tuple(i for i in range(np.ndim(x)) if i not in axes)
    moved = np.transpose(x, kept + axes)
    flat = np.reshape(moved, (*np.shape(moved)[: len(kept)], -1)) if np.size(x) else moved
    if not np.size(x) or not axes:
        return np.ones(np.shape(x))
    before = np.cumprod(_shifted(flat, 1, 1.0), axis=-1)
    after = np.flip(np.cumprod(_shifted(np.flip(flat, -1), 1, 1.0), axis=-1), -1)
    others = np.reshape(before * after, np.shape(moved))
    return np.transpose(others, [int(i) for i in np.argsort(kept + axes)])


prod = reduction(
    np.prod,
    lambda y, x, axis: _product_of_others(x, axis),
    cases=(
        *REDUCTIONS,
        Case(((3, 4), ()), call=lambda f, x, start: f(x, axis=0, initial=start)),
    ),
    domain=REALS,
    joins=np.multiply,
    note="exact with zeros among the entries, in every order",
)


def _with_first(running: Any, x: Any, axis: Any, include: bool, first: float) -> Any:
    if not include:
        return running
    shape = [1 if i == axis % np.ndim(x) else n for i, n in enumerate(np.shape(x))]
    return np.concatenate([np.full(shape, first, np.result_type(x)), running], axis=axis)


def _the_axis(x: Any, axis: Any) -> int:
    # NumPy's own check speaks where there is a choice and none is made
    return 0 if axis is None and np.ndim(x) == 1 else axis


def _cumulative_sum(x: Any, *, axis: Any = None, include_initial: bool = False) -> Any:
    axis = _the_axis(x, axis)
    return _with_first(np.cumsum(x, axis=axis), x, axis, include_initial, 0.0)


def _cumulative_prod(x: Any, *, axis: Any = None, include_initial: bool = False) -> Any:
    axis = _the_axis(x, axis)
    return _with_first(np.cumprod(x, axis=axis), x, axis, include_initial, 1.0)


for name, running in (("cumulative_sum", _cumulative_sum), ("cumulative_prod", _cumulative_prod)):
    if hasattr(np, name):  # from NumPy 2.1 on
        composite(
            getattr(np, name),
            running,
            cases=(Case(((4,),)), Case(((3, 4),), {"axis": 1, "include_initial": True})),
            domain=REALS,
        )


def _trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    y = np.moveaxis(y, axis, -1)
    if x is None:
        d = dx
    else:
        d = np.diff(x, axis=-1) if np.ndim(x) == 1 else np.diff(np.moveaxis(x, axis, -1), axis=-1)
    return np.sum(d * (y[..., 1:] + y[..., :-1]) / 2.0, axis=-1)


composite(
    np.trapezoid,
    _trapezoid,
    cases=(
        Case(((5,),)),
        Case(((3, 4),), {"dx": 0.5, "axis": 0}),
        Case(((3, 4), (4,)), call=lambda f, y, x: f(y, x)),
    ),
    domain=REALS,
)


# ---- leaving nan out -----------------------------------------------------------------------------


def _filled(x: Any, value: float) -> Any:
    return np.where(np.isnan(x), value, x)


def _nan_count(x: Any, axis: Any, keepdims: bool) -> Any:
    one = np.result_type(x).type(1)  # an integer count would widen float32
    return np.sum(np.where(np.isnan(x), 0 * one, one), axis=axis, keepdims=keepdims)


def _nansum(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.sum(_filled(a, 0.0), axis=axis, keepdims=keepdims)


def _nanprod(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.prod(_filled(a, 1.0), axis=axis, keepdims=keepdims)


def _nanmean(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return _nansum(a, axis, keepdims) / _nan_count(a, axis, keepdims)


def _nanvar(a: Any, axis: Any = None, ddof: float = 0, keepdims: bool = False) -> Any:
    centred = _filled(a - _nanmean(a, axis, True), 0.0)
    return np.sum(centred * centred, axis=axis, keepdims=keepdims) / (
        _nan_count(a, axis, keepdims) - ddof
    )


def _nanstd(a: Any, axis: Any = None, ddof: float = 0, keepdims: bool = False) -> Any:
    variance = _nanvar(a, axis, ddof, keepdims)
    flat = variance == 0
    return np.where(flat, 0.0, np.sqrt(np.where(flat, 1.0, variance)))


def _nanmax(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    top = np.max(_filled(a, -math.inf), axis=axis, keepdims=keepdims)
    return np.where(_nan_count(a, axis, keepdims) == 0, math.nan, top)


def _nanmin(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    least = np.min(_filled(a, math.inf), axis=axis, keepdims=keepdims)
    return np.where(_nan_count(a, axis, keepdims) == 0, math.nan, least)


def _nancumsum(a: Any, axis: Any = None) -> Any:
    return np.cumsum(_filled(a, 0.0), axis=axis)


def _nancumprod(a: Any, axis: Any = None) -> Any:
    return np.cumprod(_filled(a, 1.0), axis=axis)


for function, expansion in (
    (np.nansum, _nansum),
    (np.nanprod, _nanprod),
    (np.nanmean, _nanmean),
    (np.nanvar, _nanvar),
    (np.nanstd, _nanstd),
    (np.nanmax, _nanmax),
    (np.nanmin, _nanmin),
    (np.nancumsum, _nancumsum),
    (np.nancumprod, _nancumprod),
):
    composite(
        function,
        expansion,
        cases=(
            Case(((3, 4),), call=lambda f, x: f(np.where(np.eye(3, 4) == 1, np.nan, x))),
            Case(((3, 4),), {"axis": 1}),
        ),
        domain=REALS,
        note="a nan contributes an exact zero",
    )
