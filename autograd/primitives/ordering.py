"""Sorting and order statistics. Entries that tie share what reaches any of them evenly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..domain import REALS, Case
from ..kinds import composite, custom, linear
from ..primitive import plain
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


def _partition(a: Any, kth: Any, axis: int | None = -1) -> Any:
    if axis is None:
        a, axis = np.reshape(a, -1), -1
    # where each entry of the partition stands in the sorted order
    placed = np.partition(plain(a), kth, axis=axis)
    rank = np.argsort(np.argsort(placed, axis=axis, kind="stable"), axis=axis)
    return np.take_along_axis(np.sort(a, axis=axis), rank, axis)


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
    lanes = np.reshape(np.transpose(x, kept + axes), (*(shape[i] for i in kept), -1))
    return lanes, tuple(1 if i in axes else n for i, n in enumerate(shape))


def _quantile_at(x: Any, q: Any, axis: Any, method: Any, keepdims: bool, skip_nan: bool) -> Any:
    """Return quantiles as the weighted means of the two sorted entries around their position."""
    q = np.asarray(q, float)
    lanes, kept = _lanes(x, axis)
    ordered = np.sort(lanes, axis=-1)
    missing = np.isnan(ordered)
    sizes = (
        np.sum(~missing, axis=-1)
        if skip_nan
        else np.full(np.shape(lanes)[:-1], np.shape(lanes)[-1])
    )
    position = np.zeros((*q.shape, *sizes.shape))
    for size in np.unique(plain(sizes)):
        if size:
            # a quantile of 0, 1, 2, ... is the position itself, whatever the method
            places = np.quantile(np.arange(float(size)), q, method=method)
            position[..., sizes == size] = np.reshape(places, (*q.shape, 1))
    low = np.floor(position).astype(int)
    high = np.minimum(low + 1, np.maximum(sizes - 1, 0))
    part = position - low
    spread = np.broadcast_to(ordered, (*q.shape, *np.shape(ordered)))
    a = np.take_along_axis(spread, low[..., None], -1)[..., 0]
    b = np.take_along_axis(spread, high[..., None], -1)[..., 0]
    # NumPy's interpolation, which is exact at both ends
    between = np.where(part < 0.5, a + (b - a) * part, b - (b - a) * (1 - part))
    result = np.where(part == 0, a, between)
    undefined = sizes == 0 if skip_nan else np.any(missing, axis=-1)
    if not known(np.logical_not(np.any(undefined))):
        result = np.where(undefined, np.nan, result)
    return np.reshape(result, (*q.shape, *kept)) if keepdims else result


def _median(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return _quantile_at(a, 0.5, axis, "linear", keepdims, False)


def _quantile(
    a: Any, q: Any, axis: Any = None, *, method: str = "linear", keepdims: bool = False
) -> Any:
    return _quantile_at(a, q, axis, method, keepdims, False)


def _percentile(
    a: Any, q: Any, axis: Any = None, *, method: str = "linear", keepdims: bool = False
) -> Any:
    return _quantile_at(a, np.true_divide(q, 100), axis, method, keepdims, False)


def _nanmedian(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return _quantile_at(a, 0.5, axis, "linear", keepdims, True)


def _nanquantile(
    a: Any, q: Any, axis: Any = None, *, method: str = "linear", keepdims: bool = False
) -> Any:
    return _quantile_at(a, q, axis, method, keepdims, True)


def _nanpercentile(
    a: Any, q: Any, axis: Any = None, *, method: str = "linear", keepdims: bool = False
) -> Any:
    return _quantile_at(a, np.true_divide(q, 100), axis, method, keepdims, True)


def _register(function: Callable[..., Any], expansion: Callable[..., Any], q: Any) -> None:
    given = {} if q is None else {"q": q}
    composite(
        function,
        expansion,
        cases=(
            Case(((5,),), given),
            Case(((3, 4),), {**given, "axis": 0}),
            Case(((2, 3, 4),), {**given, "axis": (0, 2), "keepdims": True}),
        ),
        domain=REALS,
        note=TIES,
    )


_register(np.median, _median, None)
_register(np.nanmedian, _nanmedian, None)
_register(np.quantile, _quantile, 0.3)
_register(np.nanquantile, _nanquantile, np.array([0.0, 0.3, 1.0]))
_register(np.percentile, _percentile, 30.0)
_register(np.nanpercentile, _nanpercentile, 30.0)
