"""Norms of vectors and matrices."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..domain import REALS, Case
from ..errors import ArgumentError, message
from ..kinds import composite, holds_tensor, reduction
from .decompositions import APART, SPREAD, singular_values
from .reductions import REDUCTIONS


def _euclidean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the square root of the sum of squares over `axis`."""
    if axis is None and not keepdims:
        return np.linalg.norm(x)
    axes = tuple(range(np.ndim(x))) if axis is None else axis
    if isinstance(axes, tuple) and len(axes) > 2:
        return np.sqrt(np.sum(x * x, axis=axes, keepdims=keepdims))
    return np.linalg.norm(x, axis=None if axes == () else axes, keepdims=keepdims)


euclidean = reduction(
    _euclidean,
    lambda y, x, axis: np.where(y == 0, 0.0, x / np.where(y == 0, 1.0, y)),
    name="euclidean",
    cases=REDUCTIONS[:3],
    domain=REALS,
    note="0 at the zero vector",
)


def _power_norm(x: Any, axis: Any = None, p: float = 2.0, keepdims: bool = False) -> Any:
    """Return (sum |x|**p)**(1/p) over one axis."""
    return np.linalg.norm(x, p, axis, keepdims)


power_norm = reduction(
    _power_norm,
    lambda y, x, axis, p=2.0: np.where(
        y == 0, 0.0, np.sign(x) * (np.abs(x) / np.where(y == 0, 1.0, y)) ** (p - 1)
    ),
    name="power_norm",
    cases=(Case(((3, 4),), {"axis": 1, "p": 3.0}),),
    domain=REALS,
    note="0 at the zero vector",
)


def _refuse_tensor(order: Any) -> None:
    """Raise if the order is a Tensor, whose comparison with 1, 2 and inf would lose it."""
    if holds_tensor([order]):
        raise ArgumentError(
            message(
                "the order of a norm as a plain value, which has no derivative here",
                order.label,
                "np.sum(np.abs(x) ** p) ** (1 / p), which has",
            )
        )


def _vector_norm(x: Any, order: Any, axis: Any, keepdims: bool) -> Any:
    _refuse_tensor(order)
    if order is None or order == 2:
        return euclidean(x, axis=axis, keepdims=keepdims)
    if order == math.inf:
        return np.max(np.abs(x), axis=axis, keepdims=keepdims)
    if order == -math.inf:
        return np.min(np.abs(x), axis=axis, keepdims=keepdims)
    if order == 0:
        return np.sum(np.sign(np.abs(x)), axis=axis, keepdims=keepdims)
    if order == 1:
        return np.sum(np.abs(x), axis=axis, keepdims=keepdims)
    return power_norm(x, axis=axis, p=float(order), keepdims=keepdims)


def _matrix_norm(x: Any, order: Any, axes: tuple[int, int], keepdims: bool) -> Any:
    _refuse_tensor(order)
    ndim = np.ndim(x)
    row, column = axes[0] % ndim, axes[1] % ndim
    if order in (None, "fro"):
        return euclidean(x, axis=axes, keepdims=keepdims)
    moved = np.moveaxis(x, (row, column), (-2, -1))
    if order in ("nuc", 2, -2):
        values = singular_values(moved)
        reduce: Any = {"nuc": np.sum, 2: np.max, -2: np.min}[order]
        result = reduce(values, axis=-1)
    elif order in (1, -1, math.inf, -math.inf):
        sums = np.sum(np.abs(moved), axis=-2 if abs(order) == 1 else -1)
        result = (np.max if order > 0 else np.min)(sums, axis=-1)
    else:
        return np.linalg.norm(np.zeros((1, 1)), order)  # NumPy says which there are
    return np.expand_dims(result, (min(row, column), max(row, column))) if keepdims else result


def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    if axis is None:
        if ord is None:
            return euclidean(x, axis=None, keepdims=keepdims)
        axis = tuple(range(np.ndim(x)))
        if len(axis) not in (1, 2):
            return np.linalg.norm(np.zeros(np.shape(x)), ord)  # NumPy says what fits
    axes = axis if isinstance(axis, tuple) else (axis,)
    if len(axes) == 1:
        return _vector_norm(x, ord, axes[0], keepdims)
    return _matrix_norm(x, ord, (axes[0], axes[1]), keepdims)


def _array_vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    if isinstance(axis, tuple) or axis is None:
        shape = np.shape(x)
        axes = tuple(range(len(shape))) if axis is None else tuple(a % len(shape) for a in axis)
        kept = tuple(i for i in range(len(shape)) if i not in axes)
        flat = np.reshape(np.transpose(x, kept + axes), (*(shape[i] for i in kept), -1))
        result = _vector_norm(flat, ord, -1, False)
        return (
            np.reshape(result, [1 if i in axes else n for i, n in enumerate(shape)])
            if keepdims
            else result
        )
    return _vector_norm(x, ord, axis, keepdims)


NORM = "0 at the zero vector or matrix; ties share evenly"

composite(
    np.linalg.norm,
    _norm,
    cases=(
        Case(((4,),)),
        Case(((3, 4),)),
        Case(((3, 4),), {"axis": 1}),
        Case(((3, 4),), {"ord": 1}),
        Case(((4,),), {"ord": 3}),
        Case(((4,),), {"ord": np.inf}),
        Case(((4, 3),), call=lambda f, a: f(a + APART, "nuc")),
        Case(((4, 3),), call=lambda f, a: f(a + APART, 2)),
        Case(((2, 3, 4),), {"ord": "fro", "axis": (0, 2), "keepdims": True}),
    ),
    domain=REALS,
    note=NORM,
)
composite(
    np.linalg.vector_norm,
    _array_vector_norm,
    cases=(Case(((2, 3),)), Case(((2, 3),), {"axis": 1, "ord": 3})),
    domain=REALS,
    note=NORM,
)
composite(
    np.linalg.matrix_norm,
    lambda x, /, *, keepdims=False, ord="fro": _matrix_norm(x, ord, (-2, -1), keepdims),
    cases=(Case(((2, 3, 4),)), Case(((3, 4),), {"ord": 1})),
    domain=REALS,
    note=NORM,
)


def _cond(x: Any, p: Any = None) -> Any:
    _refuse_tensor(p)
    if p in (None, 2, -2):
        s = singular_values(x)
        return s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    inverse = np.linalg.inv(x)
    return _matrix_norm(x, p, (-2, -1), False) * _matrix_norm(inverse, p, (-2, -1), False)


composite(
    np.linalg.cond,
    _cond,
    cases=(
        Case(((4, 3),), call=lambda f, a: f(a + APART)),
        Case(((3, 3),), call=lambda f, a: f(a + SPREAD, 1)),
    ),
    domain=REALS,
)
