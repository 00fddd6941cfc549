"""Padding: an array with a border, made of constants or of its own entries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..domain import REALS, Case
from ..kinds import composite
from ..primitive import plain
from .indexing import scatter

MOVED = ("edge", "reflect", "symmetric", "wrap")
"""The modes in which every entry of the border is one entry of the array."""
STATISTICS: dict[str, Callable[..., Any]] = {
    "maximum": np.max,
    "minimum": np.min,
    "mean": np.mean,
    "median": np.median,
}


def _pad(array: Any, pad_width: Any, mode: Any = "constant", **settings: Any) -> Any:
    # NumPy says what fits, and gives the border of zeros
    constant: Any = settings.get("constant_values")
    has_derivative = getattr(type(constant), "__chainrule__", None) and np.ndim(constant) == 0
    if has_derivative and mode == "constant":
        del settings["constant_values"]
    values = {name: plain(value) for name, value in settings.items()}
    border = np.pad(np.zeros(np.shape(array), np.result_type(array)), pad_width, mode, **values)
    if mode in ("constant", "empty"):
        return _framed(array, pad_width, constant if has_derivative else border)
    if mode in MOVED and settings.get("reflect_type", "even") == "even":
        places = np.arange(np.size(array)).reshape(np.shape(array))
        return np.reshape(array, -1)[np.pad(places, pad_width, mode, **values)]
    for axis, (before, after) in enumerate(_widths(pad_width, np.ndim(array))):
        array = np.moveaxis(array, axis, -1)
        own = {name: _of_axis(value, axis) for name, value in values.items()}
        if mode in STATISTICS:
            array = _by_statistics(array, before, after, STATISTICS[mode], **own)
        else:
            array = _by_weights(array, before, after, mode, own)
        array = np.moveaxis(array, -1, axis)
    return array


def _framed(array: Any, pad_width: Any, border: Any) -> Any:
    inside = np.pad(np.ones(np.shape(array), bool), pad_width)
    start = tuple(
        slice(int(before), int(before) + n)
        for (before, _), n in zip(_widths(pad_width, np.ndim(array)), np.shape(array), strict=True)
    )
    core = scatter.bind((array,), {"shape": inside.shape, "index": start})
    if isinstance(border, np.ndarray) and not np.any(border):
        return core
    return np.where(inside, core, border)


def _by_statistics(
    x: Any, before: int, after: int, function: Callable[..., Any], stat_length: Any = None
) -> Any:
    """Return `x` with the largest, smallest or mean of its first and last entries around it."""
    n = np.shape(x)[-1]
    lengths = [n, n] if stat_length is None else [min(n, int(k)) for k in stat_length]
    first = function(x[..., : lengths[0]], axis=-1, keepdims=True)
    last = function(x[..., n - lengths[1] :], axis=-1, keepdims=True)
    return np.concatenate([np.repeat(first, before, -1), x, np.repeat(last, after, -1)], axis=-1)


def _by_weights(x: Any, before: int, after: int, mode: str, settings: dict[str, Any]) -> Any:
    """Return `x` with a border that depends linearly on it, which NumPy pads the identity with."""
    n = np.shape(x)[-1]
    pad: Any = np.pad
    around = ((before, after), (0, 0))
    kept = {name: (value, (0, 0)) if np.ndim(value) else value for name, value in settings.items()}
    offset = pad(np.zeros((n, 1)), around, mode, **kept)
    weights = pad(np.eye(n), around, mode, **kept) - offset
    parts = []
    for rows in (slice(0, before), slice(before + n, None)):
        w = weights[rows].astype(np.result_type(x))
        # only the entries that count: 0 * inf is nan
        terms = np.where(w != 0, w * x[..., None, :], 0.0)
        parts.append(np.sum(terms, axis=-1) + offset[rows, 0].astype(w.dtype))
    return np.concatenate([parts[0], x, parts[1]], axis=-1)


def _of_axis(value: Any, axis: int) -> Any:
    """Return what a setting says of one axis: a pair, or a word as it is."""
    if value is None or isinstance(value, str):
        return value
    pairs = np.asarray(value)
    return tuple(np.broadcast_to(pairs, 2) if pairs.ndim < 2 else pairs[axis % len(pairs)])


def _widths(pad_width: Any, ndim: int) -> list[tuple[int, int]]:
    if isinstance(pad_width, dict):  # from NumPy 2.2 on: {axis: (before, after)}
        widths = np.zeros((ndim, 2), int)
        for axis, width in pad_width.items():
            widths[axis] = width
    else:
        widths = np.broadcast_to(np.asarray(pad_width), (ndim, 2))
    return [(int(before), int(after)) for before, after in widths]


composite(
    np.pad,
    _pad,
    cases=(
        Case(((3, 4),), {"pad_width": 1}),
        Case(((3, 4),), {"pad_width": ((1, 0), (0, 2)), "constant_values": 3.0}),
        Case(((3, 4), ()), call=lambda f, x, c: f(x, 1, constant_values=c)),
        Case(((3, 4),), {"pad_width": (1, 2), "mode": "edge"}),
        Case(((3, 4),), {"pad_width": 2, "mode": "reflect"}),
        Case(((3, 4),), {"pad_width": 2, "mode": "symmetric"}),
        Case(((3, 4),), {"pad_width": 2, "mode": "wrap"}),
        Case(((3, 4),), {"pad_width": (5, 7), "mode": "reflect", "reflect_type": "odd"}),
        Case(((3, 4),), {"pad_width": 3, "mode": "symmetric", "reflect_type": "odd"}),
        Case(((3, 4),), {"pad_width": (3, 2), "mode": "linear_ramp"}),
        Case(((3, 4),), {"pad_width": 2, "mode": "linear_ramp", "end_values": ((1, 2), (3, 4))}),
        Case(((3, 4),), {"pad_width": 2, "mode": "mean"}),
        Case(((3, 4),), {"pad_width": 2, "mode": "median", "stat_length": 3}),
        Case(((3, 4),), {"pad_width": 2, "mode": "maximum", "stat_length": ((2, 1), (3, 2))}),
        Case(((3, 4),), {"pad_width": ((1, 0), (0, 2)), "mode": "minimum"}),
    ),
    domain=REALS,
)
