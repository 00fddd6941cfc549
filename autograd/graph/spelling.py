"""Rows that ONNX has no operator for, spelled in rows that it has.

Each agrees with NumPy to within a few roundings, in the corners as well; a row that cannot be
spelled so has no place here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..primitive import ROWS
from .lowering import SPREADS


def _kahan_log1p(x: Any) -> Any:
    """Return log(1 + x) to within a few ulps; Kahan's correction of what 1 + x rounds off."""
    u = 1 + x
    plain = np.log(u)
    return np.where(u == 1, x, np.where(np.abs(u) == np.inf, plain, plain * (x / (u - 1))))


def _kahan_expm1(x: Any) -> Any:
    """Return exp(x) - 1 to within a few ulps; Kahan's correction as in log1p."""
    u = np.exp(x)
    near = (u - 1) * (x / np.log(u))
    return np.where(u == 1, x, np.where((u - 1 == -1) | (u == np.inf), u - 1, near))


def _trunc(x: Any) -> Any:
    return np.where(x < 0, np.ceil(x), np.floor(x))


def _mod(a: Any, b: Any) -> Any:
    rest = np.fmod(a, b)
    return np.where((rest != 0) & ((rest < 0) != (b < 0)), rest + b, rest)


def _floor_divide(a: Any, b: Any) -> Any:
    rest = np.fmod(a, b)
    crosses = (rest != 0) & ((rest < 0) != (b < 0))
    quotient = (a - rest) / b - np.where(crosses, 1.0, 0.0)
    below = np.floor(quotient)
    return np.where(b == 0, a / b, np.where(quotient - below > 0.5, below + 1, below))


def _hypot(a: Any, b: Any) -> Any:
    large = np.maximum(np.abs(a), np.abs(b))
    ratio = np.minimum(np.abs(a), np.abs(b)) / large
    size = np.where(large == 0, 0.0, large * np.sqrt(1 + ratio * ratio))
    return np.where(np.isinf(a) | np.isinf(b), np.inf, size)


def _copysign(a: Any, b: Any) -> Any:
    size = np.abs(a)
    return np.where((b < 0) | (1 / b < 0), -size, size)


def _xlogy(x: Any, y: Any) -> Any:
    zero = (x == 0) & ~np.isnan(y)
    return np.where(zero, 0.0, x * np.log(np.where(zero, 1.0, y)))


def _nan_to_num(x: Any, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    most = float(np.finfo(x.dtype).max)
    high, low = most if posinf is None else posinf, -most if neginf is None else neginf
    return np.where(np.isnan(x), nan, np.where(x == np.inf, high, np.where(x == -np.inf, low, x)))


def _sinc(x: Any, n: int = 0) -> Any:
    if n:
        return ROWS["sinc"].forward(x, n)
    z = np.pi * np.where(x == 0, 1.0, x)
    return np.where(x == 0, 1.0, np.sin(z) / z)


def _arctan2(a: Any, b: Any) -> Any:
    """Return the angle of (b, a) from that of the first octants, where nothing cancels."""
    high, wide = np.abs(a), np.abs(b)
    same = high == wide  # where the ratio may be 0 / 0 or inf / inf
    angle = np.where(same, np.where(high == 0, 0.0, np.pi / 4), np.arctan(high / wide))
    left = (b < 0) | (1 / b < 0)
    return _copysign(np.where(left, np.pi - angle, angle), a)


def _logaddexp(a: Any, b: Any) -> Any:
    gap = np.where(a == b, 0.0, np.abs(a - b))  # infinities of one sign have no difference
    return np.maximum(a, b) + np.log1p(np.exp(-gap))


def _logaddexp2(a: Any, b: Any) -> Any:
    gap = np.where(a == b, 0.0, np.abs(a - b))
    return np.maximum(a, b) + np.log1p(np.exp2(-gap)) / np.log(2.0)


def _xlog1py(x: Any, y: Any) -> Any:
    zero = (x == 0) & ~np.isnan(y)
    return np.where(zero, 0.0, x * np.log1p(np.where(zero, 1.0, y)))


def _entr(x: Any) -> Any:
    inside = -x * np.log(np.where(x > 0, x, 1.0))
    return np.where(x > 0, inside, np.where(x == 0, 0.0, np.where(x < 0, -np.inf, x)))


def _ldexp(x: Any, exponent: Any) -> Any:
    half = np.trunc(exponent / 2)  # two factors, as one alone may overflow
    return x * 2.0**half * 2.0 ** (exponent - half)


def _cumprod(x: Any, axis: Any = None) -> Any:
    """Return running products by doubling: each step takes in twice as many factors."""
    moved = np.reshape(x, -1) if axis is None else np.moveaxis(x, axis, -1)
    n, step = np.shape(moved)[-1], 1
    while step < n:
        ones = np.ones((*np.shape(moved)[:-1], step), moved.dtype)
        moved = moved * np.concatenate([ones, moved[..., :-step]], axis=-1)
        step *= 2
    return moved if axis is None else np.moveaxis(moved, -1, axis)


def _convolve(a: Any, v: Any) -> Any:
    n, m = np.size(a), np.size(v)
    products = np.reshape(a, (-1, 1)) * np.reshape(v, (1, -1))
    places = np.arange(n)[:, None] + np.arange(m)
    return ROWS["scatter"].bind((products,), {"shape": (n + m - 1,), "index": (places,)})


def _power_norm(x: Any, axis: Any = None, p: float = 2.0, keepdims: bool = False) -> Any:
    return np.sum(np.abs(x) ** p, axis=axis, keepdims=keepdims) ** (1 / p)


def _unwrap(x: Any, discont: Any = None, axis: int = -1, *, period: float = 2 * np.pi) -> Any:
    """Return angles without jumps, in NumPy's steps."""
    jumps = np.diff(x, axis=axis)
    rest = np.mod(jumps + period / 2, period) - period / 2
    rest = np.where((rest == -period / 2) & (jumps > 0), period / 2, rest)
    turns = np.where(np.abs(jumps) < (period / 2 if discont is None else discont), 0, rest - jumps)
    first = np.moveaxis(np.moveaxis(x, axis, 0)[:1], 0, axis)
    moved = np.moveaxis(np.moveaxis(x, axis, 0)[1:], 0, axis) + np.cumsum(turns, axis=axis)
    return np.concatenate([first, moved], axis=axis)


def _searchsorted(a: Any, v: Any, side: str = "left") -> Any:
    before = ~(a >= v[..., None] if side == "left" else a > v[..., None])  # a nan comes after all
    return np.sum(np.where(before, 1, 0), axis=-1)


def _digitize(x: Any, bins: Any, right: bool = False) -> Any:
    # a nan comes after all
    below = ~(bins >= x[..., None] if right else bins > x[..., None])
    above = bins >= x[..., None] if right else bins > x[..., None]
    ordered = bins[0] <= bins[-1]
    return np.sum(np.where(np.where(ordered, below, above), 1, 0), axis=-1)


def _isin(element: Any, test_elements: Any) -> Any:
    return np.any(element[..., None] == np.reshape(test_elements, (-1,)), axis=-1)


def _array_equal(a: Any, b: Any) -> Any:
    return np.all(a == b) if np.shape(a) == np.shape(b) else np.zeros((), bool)


def _dot(a: Any, b: Any) -> Any:
    if not (a.ndim and b.ndim):
        return a * b
    return np.matmul(a, b) if b.ndim <= 2 else np.tensordot(a, b, (-1, -2))


SPELLED: Mapping[str, Callable[..., Any]] = {
    "square": lambda x: x * x,
    "cbrt": lambda x: np.sign(x) * np.abs(x) ** (1 / 3),
    "exp2": lambda x: 2.0**x,
    "log2": lambda x: np.log(x) / np.log(2.0),
    "log10": lambda x: np.log(x) / np.log(10.0),
    "log1p": _kahan_log1p,
    "expm1": _kahan_expm1,
    "logaddexp": _logaddexp,
    "logaddexp2": _logaddexp2,
    "arctan2": _arctan2,
    "xlog1py": _xlog1py,
    "entr": _entr,
    "ldexp": _ldexp,
    "cumprod": _cumprod,
    "convolve_full": _convolve,
    "power_norm": _power_norm,
    "unwrap": _unwrap,
    "imag": lambda x: np.zeros(np.shape(x), x.dtype),
    "searchsorted": _searchsorted,
    "digitize": _digitize,
    "isin": _isin,
    "array_equal": _array_equal,
    "array_equiv": lambda a, b: np.all(a == b),
    "signbit": lambda x: (x < 0) | (1 / x < 0),
    "isneginf": lambda x: x == -np.inf,
    "isposinf": lambda x: x == np.inf,
    "count_nonzero": lambda a, axis=None, keepdims=False: np.sum(
        np.where(a != 0, 1, 0), axis=axis, keepdims=keepdims
    ),
    "isclose": lambda a, b, rtol=1e-5, atol=1e-8: np.where(
        np.isfinite(b), np.abs(a - b) <= atol + rtol * np.abs(b), a == b
    ),
    "allclose": lambda a, b, rtol=1e-5, atol=1e-8: np.all(np.isclose(a, b, rtol=rtol, atol=atol)),
    "xlogy": _xlogy,
    "sinc": _sinc,
    "logit": lambda x: np.log(x / (1 - x)),
    "deg2rad": lambda x: x * (np.pi / 180),
    "radians": lambda x: x * (np.pi / 180),
    "rad2deg": lambda x: x * (180 / np.pi),
    "degrees": lambda x: x * (180 / np.pi),
    "hypot": _hypot,
    "copysign": _copysign,
    "mod": _mod,
    "floor_divide": _floor_divide,
    "clip": lambda x, low, high: np.minimum(np.maximum(x, low), high),
    "fmax": lambda a, b: np.where(np.isnan(b) | (a >= b), a, b),
    "fmin": lambda a, b: np.where(np.isnan(b) | (a <= b), a, b),
    "nan_to_num": _nan_to_num,
    "not_equal": lambda a, b: np.logical_not(a == b),
    "isfinite": lambda x: np.abs(x) < np.inf,
    "trunc": _trunc,
    "fix": _trunc,
    **SPREADS,
    "outer": lambda a, b: np.reshape(a, (-1, 1)) * np.reshape(b, (1, -1)),
    "vdot": lambda a, b: np.sum(np.reshape(a, (-1,)) * np.reshape(b, (-1,))),
    "vecdot": lambda a, b: np.sum(a * b, axis=-1),
    "matvec": lambda a, b: np.sum(a * b[..., None, :], axis=-1),
    "vecmat": lambda a, b: np.sum(a[..., :, None] * b, axis=-2),
    "inner": lambda a, b: np.tensordot(a, b, (-1, -1)) if a.ndim and b.ndim else a * b,
    "dot": _dot,
}
"""Rows that ONNX has no operator for, in rows that it has."""

OF_NUMBERS = {
    name: SPELLED[name]
    for name in (
        *("euclidean", "var", "std", "power_norm", "convolve_full", "dot", "inner", "outer"),
        *("vdot", "vecdot", "matvec", "vecmat", "isclose", "allclose", "array_equal"),
        *("array_equiv", "isneginf", "isposinf", "signbit", "imag", "searchsorted", "digitize"),
    )
}
"""Those that engines of floats need, on numbers and on small arrays of them."""
