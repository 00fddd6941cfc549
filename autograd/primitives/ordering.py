"""Sorting and order statistics. Entries that tie share what reaches any of them evenly."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..domain import REALS, Case
from ..kinds import composite, custom, holds_tensor, linear
from ..observers import look
from ..recording import known
from .reductions import TIES

LANES = (Case(((4,),)), Case(((3, 4),), {"axis": 0}), Case(((2, 3, 4),), {"axis": 1}))


def _tie_mean(x: Any, groups: Any) -> Any:
    """Return `x` with each entry replaced by the mean of its group."""
    flat = groups.ravel()
    total = np.bincount(flat, weights=np.ravel(x), minlength=flat.size)
    size = np.bincount(flat, minlength=flat.size)
    # a group of one keeps its bits: x / 1
    mean = total / np.maximum(size, 1)
    return mean[groups].astype(np.result_type(x))


def _tie_mean_of(g: Any, x: Any, groups: Any) -> Any:
    return tie_mean.bind((g,), {"groups": groups})


tie_mean = linear(
    _tie_mean,
    _tie_mean_of,
    name="tie_mean",
    cases=(Case(((5,),), {"groups": np.array([0, 1, 1, 2, 0])}),),
    domain=REALS,
    note="the average over entries that tie; its own transpose",
)


def shared(t: Any, y: Any) -> Any:
    """Return `t` averaged over ties of the values `y`, sorted along the last axis."""
    first = np.ones((*np.shape(y)[:-1], min(np.shape(y)[-1], 1)), bool)
    new = np.concatenate([first, y[..., 1:] != y[..., :-1]], axis=-1)
    if known(np.all(new)):
        return t
    return tie_mean.bind((t,), {"groups": np.reshape(np.cumsum(new), np.shape(y)) - 1})


def _order(x: Any, axis: int) -> Any:
    return np.argsort(np.moveaxis(x, axis, -1), axis=-1, kind="stable")


def _sort_vjp(
    g: Any, y: Any, x: Any, axis: int = -1, kind: Any = None, *, stable: Any = None
) -> Any:
    back = np.argsort(_order(x, axis), axis=-1)
    moved = shared(np.moveaxis(g, axis, -1), np.moveaxis(y, axis, -1))
    return np.moveaxis(np.take_along_axis(moved, back, -1), -1, axis)


def _sort_jvp(
    t: Any, y: Any, x: Any, axis: int = -1, kind: Any = None, *, stable: Any = None
) -> Any:
    moved = np.take_along_axis(np.moveaxis(t[0], axis, -1), _order(x, axis), -1)
    return np.moveaxis(shared(moved, np.moveaxis(y, axis, -1)), -1, axis)


def _sort_arguments(
    a: Any, axis: int | None = -1, kind: Any = None, *, stable: Any = None
) -> tuple[Any, dict[str, Any]]:
    if axis is None:
        return (np.reshape(a, -1),), {}
    return (a,), {"axis": axis}


sort = custom(
    np.sort,
    _sort_vjp,
    jvp=_sort_jvp,
    arguments=_sort_arguments,
    cases=(*LANES, Case(((3, 4),), {"axis": None})),
    domain=REALS,
    note=TIES,
)


@look()
def ranks_in_partition(a: Any, kth: Any, axis: int = -1) -> Any:
    """Return where each entry of np.partition stands in the sorted order."""
    placed = np.partition(a, kth, axis=axis)
    return np.argsort(np.argsort(placed, axis=axis, kind="stable"), axis=axis)


def _partition(a: Any, kth: Any, axis: int | None = -1) -> Any:
    if axis is None:
        a, axis = np.reshape(a, -1), -1
    ranks = ranks_in_partition(a, kth=kth, axis=axis)
    return np.take_along_axis(np.sort(a, axis=axis), ranks, axis)


composite(
    np.partition,
    _partition,
    cases=(Case(((5,),), {"kth": 2}), Case(((3, 4),), {"kth": 1, "axis": 0})),
    domain=REALS,
    note=TIES,
)


# ---- order statistics ----------------------------------------------------------------------------


def _lanes(x: Any, axis: Any) -> tuple[Any, tuple[int, ...]]:
    """Return the reduced axes flattened into one, last; and the shape that keepdims asks for."""
    shape = np.shape(x)
    if axis is None:
        return np.reshape(x, -1), (1,) * len(shape)
    axes = tuple(a % len(shape) for a in (axis if isinstance(axis, tuple) else (axis,)))
    kept = tuple(i for i in range(len(shape)) if i not in axes)
    lane = math.prod(shape[i] for i in axes)
    lanes = np.reshape(np.transpose(x, kept + axes), (*(shape[i] for i in kept), lane))
    return lanes, tuple(1 if i in axes else n for i, n in enumerate(shape))


PER_ENTRY = {
    "linear": -1.0,
    "interpolated_inverted_cdf": 0.0,
    "hazen": 0.0,
    "weibull": 1.0,
    "median_unbiased": 1 / 3,
    "normal_unbiased": 1 / 4,
}
"""The position of a quantile among n sorted entries moves by n plus this when q moves by 1."""


@look(2)
def positions_of_quantiles(q: Any, sizes: Any, method: str = "linear") -> Any:
    """Return where quantiles lie among 0, 1, ..., size - 1, and the derivative of that by q."""
    q, sizes = np.asarray(q, float), np.asarray(sizes)
    position = np.zeros((*q.shape, *sizes.shape))
    for size in np.unique(sizes):
        if size:
            # a quantile of 0, 1, 2, ... is the position itself, whatever the method
            places = np.quantile(np.arange(float(size)), q, method=method)  # type: ignore[call-overload]
            position[..., sizes == size] = np.reshape(places, (*q.shape, 1))
    rate = np.zeros(position.shape)
    if method in PER_ENTRY:
        within = (position > 0) & (position < sizes - 1) if method != "linear" else sizes > 0
        rate[...] = np.where(within, sizes + PER_ENTRY[method], 0.0)
    return np.stack([position, rate])


def _quantile_at(x: Any, q: Any, axis: Any, method: Any, keepdims: bool, skip_nan: bool) -> Any:
    """Return quantiles as the weighted means of the two sorted entries around their position.

    Without a method, the mean of the two in the middle.
    """
    if isinstance(q, (list, tuple)):
        q = np.asarray(q, float)
    kind = np.result_type(x) if type(q) in (int, float) else np.result_type(x, q)
    lanes, kept = _lanes(x, axis)
    ordered = np.sort(lanes, axis=-1)
    missing = np.isnan(ordered)
    last = np.shape(lanes)[-1]
    sizes: Any = np.full(np.shape(lanes)[:-1], last)
    if skip_nan:
        sizes = np.sum(np.where(missing, 0, 1), axis=-1)
    around = np.shape(q)
    places = positions_of_quantiles(q, sizes, method=method or "linear")
    position, rate = places[0], places[1]
    whole = np.floor(position)
    low = np.clip(whole, 0, np.maximum(sizes - 2, 0)).astype(int)
    high = np.minimum(low + 1, np.maximum(sizes - 1, 0))
    part: Any = (position - low).astype(kind)
    if holds_tensor([q]) and q.requires_grad:
        part = part + rate * np.reshape(q - q.detach(), (*around, *(1,) * np.ndim(sizes)))
    spread = np.broadcast_to(ordered, (*around, *np.shape(ordered)))
    a = np.take_along_axis(spread, low[..., None], -1)[..., 0]
    b = np.take_along_axis(spread, high[..., None], -1)[..., 0]
    # NumPy's formulas: the interpolation is exact at both ends, the mean also between infinities
    end = np.where(position == low, a, b)
    if method is None:
        result = np.where(part == 0.5, 0.5 * (a + b), end)
    else:
        between = np.where(part < 0.5, a + (b - a) * part, b - (b - a) * (1 - part))
        at_end = (position == low) | (position == high) | (a == b)
        result = np.where(np.logical_and(at_end, np.logical_not(np.isfinite(b - a))), end, between)
    undefined = sizes == 0 if skip_nan else np.any(missing, axis=-1)
    if not known(np.logical_not(np.any(undefined))):
        result = np.where(undefined, np.nan, result)
    return np.reshape(result, (*around, *kept)) if keepdims else result


def _median(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return _quantile_at(a, 0.5, axis, None, keepdims, False)


def _quantile(
    a: Any, q: Any, axis: Any = None, *, method: str = "linear", keepdims: bool = False
) -> Any:
    return _quantile_at(a, q, axis, method, keepdims, False)


def _hundredth(q: Any) -> Any:
    return q / 100 if type(q) in (int, float) else np.true_divide(q, 100)


def _percentile(
    a: Any, q: Any, axis: Any = None, *, method: str = "linear", keepdims: bool = False
) -> Any:
    return _quantile_at(a, _hundredth(q), axis, method, keepdims, False)


def _nanmedian(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return _quantile_at(a, 0.5, axis, None, keepdims, True)


def _nanquantile(
    a: Any, q: Any, axis: Any = None, *, method: str = "linear", keepdims: bool = False
) -> Any:
    return _quantile_at(a, q, axis, method, keepdims, True)


def _nanpercentile(
    a: Any, q: Any, axis: Any = None, *, method: str = "linear", keepdims: bool = False
) -> Any:
    return _quantile_at(a, _hundredth(q), axis, method, keepdims, True)


def _register(function: Callable[..., Any], expansion: Callable[..., Any], q: Any) -> None:
    given = {} if q is None else {"q": q}
    one = 100 if "percentile" in function.__name__ else 1
    by_q = Case(((5,), ()), call=lambda f, x, q: f(x, (0.4 + 0.01 * q) * one, method="hazen"))
    composite(
        function,
        expansion,
        cases=(
            Case(((5,),), given),
            Case(((3, 4),), {**given, "axis": 0}),
            Case(((2, 3, 4),), {**given, "axis": (0, 2), "keepdims": True}),
            *(() if q is None else (by_q,)),
        ),
        domain=REALS,
        note=TIES if q is None else TIES + "; q at an entry has the slope to its right",
    )


_register(np.median, _median, None)
_register(np.nanmedian, _nanmedian, None)
_register(np.quantile, _quantile, 0.3)
_register(np.nanquantile, _nanquantile, np.array([0.0, 0.3, 1.0]))
_register(np.percentile, _percentile, 30.0)
_register(np.nanpercentile, _nanpercentile, 30.0)
