"""Parts of a matrix, and differences between neighbours."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..domain import REALS, Case
from ..errors import ArgumentError, message
from ..kinds import composite, custom, linear
from .indexing import scatter
from .shape import ONE, astype, part, widened

# ---- parts of a matrix ---------------------------------------------------------------------------

linear(
    np.tril,
    lambda g, x, k=0: np.tril(g, k),
    cases=(*ONE, Case(((2, 3, 3),), {"k": -1})),
    domain=REALS,
    omits=True,
)
linear(
    np.triu,
    lambda g, x, k=0: np.triu(g, k),
    cases=(*ONE, Case(((2, 3, 3),), {"k": 1})),
    domain=REALS,
    omits=True,
)


def _on_diagonal(g: Any, x: Any, offset: int, axis1: int, axis2: int) -> Any:
    """Return zeros of the shape of `x` with `g` on the diagonal, the last axis of `g` along it."""
    moved = np.moveaxis(np.zeros(np.shape(x)), (axis1, axis2), (-2, -1)).shape
    n = np.shape(g)[-1]
    rows, columns = np.arange(n) + max(-offset, 0), np.arange(n) + max(offset, 0)
    placed = scatter.bind((g,), {"shape": moved, "index": (..., rows, columns)})
    return np.moveaxis(placed, (-2, -1), (axis1, axis2))


diagonal = linear(
    np.diagonal,
    lambda g, x, offset=0, axis1=0, axis2=1: _on_diagonal(g, x, offset, axis1, axis2),
    cases=(*ONE, Case(((2, 3, 4),), {"offset": -1, "axis1": 2, "axis2": 0})),
    domain=REALS,
    omits=True,
)
linear(
    np.diag,
    lambda g, x, k=0: np.diag(g, k) if np.ndim(x) == 1 else _on_diagonal(g, x, k, 0, 1),
    cases=(Case(((3,),)), Case(((3, 4),), {"k": 1}), Case(((3,),), {"k": -1})),
    domain=REALS,
    omits=True,
)
composite(
    np.linalg.diagonal,
    lambda x, *, offset=0: np.diagonal(x, offset, -2, -1),
    name="matrix_diagonal",
    cases=(Case(((2, 3, 4),), {"offset": 1}),),
    domain=REALS,
)
composite(
    np.diagflat,
    lambda v, k=0: np.diag(np.reshape(v, -1), k),
    cases=(Case(((2, 2),), {"k": 1}),),
    domain=REALS,
)


def _trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    return np.sum(np.diagonal(a, offset, axis1, axis2), axis=-1)


composite(
    np.trace,
    _trace,
    cases=(*ONE, Case(((2, 3, 4),), {"offset": 1, "axis1": 1, "axis2": 2})),
    domain=REALS,
)
composite(
    np.linalg.trace,
    lambda x, *, offset=0: _trace(x, offset, -2, -1),
    name="matrix_trace",
    cases=(Case(((2, 3, 3),)),),
    domain=REALS,
)


def _vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    powers = np.arange(np.shape(x)[0] if N is None else N)
    columns = [np.ones(np.shape(x)) if p == 0 else x ** int(p) for p in powers]
    return np.stack(columns if increasing else columns[::-1], axis=-1)


composite(np.vander, _vander, cases=(Case(((3,),)), Case(((3,),), {"N": 4})), domain=REALS)

# ---- differences ---------------------------------------------------------------------------------

_NONE: Any = object()


def _diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = _NONE, append: Any = _NONE) -> Any:
    parts = [part for part in (prepend, a, append) if part is not _NONE]
    if len(parts) > 1:
        edge = [1 if i == axis % np.ndim(a) else k for i, k in enumerate(np.shape(a))]
        parts = [x if np.ndim(x) else np.broadcast_to(x, edge) for x in parts]
        a = np.concatenate(parts, axis=axis)
    for _ in range(n):
        length = np.shape(a)[axis]
        a = part(a, axis, 1, length) - part(a, axis, 0, max(length - 1, 0))
    return a


composite(
    np.diff,
    _diff,
    cases=(
        *ONE,
        Case(((5,),), {"n": 2}),
        Case(((3, 4),), {"axis": 0, "prepend": 1.0}),
        Case(((4,), (2,)), call=lambda f, a, b: f(a, append=b)),
    ),
    domain=REALS,
)


def _ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    kind = {"dtype": np.result_type(ary)}
    ends = [None if x is None else astype.bind((x,), kind) for x in (to_begin, to_end)]
    parts = (ends[0], _diff(np.reshape(ary, -1)), ends[1])
    return np.concatenate([np.reshape(x, -1) for x in parts if x is not None])


composite(
    np.ediff1d,
    _ediff1d,
    cases=(*ONE, Case(((3, 4), (2,)), call=lambda f, x, end: f(x, end, to_begin=0.0))),
    domain=REALS,
)


def _gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    given = range(np.ndim(f)) if axis is None else (axis,) if isinstance(axis, int) else axis
    axes = [i % np.ndim(f) for i in given]
    spacings = varargs * len(axes) if len(varargs) == 1 else varargs or (1.0,) * len(axes)
    results = [_slope(f, h, i, edge_order) for i, h in zip(axes, spacings, strict=True)]
    return results[0] if len(results) == 1 else tuple(results)


def _slope(f: Any, h: Any, axis: int, edge_order: int) -> Any:
    """Return second-order differences inside and one-sided ones at both ends, as np.gradient."""
    f = np.moveaxis(f, axis, -1)
    n = np.shape(f)[-1]
    np.gradient(np.zeros(n), edge_order=edge_order)  # type: ignore[call-overload]  # NumPy says what it needs
    d = np.diff(h) if np.ndim(h) else h * np.ones(n - 1)
    left, right = d[:-1], d[1:]
    inside = (
        -(right / (left * (left + right))) * f[..., :-2]
        + ((right - left) / (left * right)) * f[..., 1:-1]
        + (left / (right * (left + right))) * f[..., 2:]
        if np.ndim(h)
        else (f[..., 2:] - f[..., :-2]) / (2.0 * h)
    )
    if edge_order == 1:
        first = (f[..., 1] - f[..., 0]) / d[0]
        last = (f[..., -1] - f[..., -2]) / d[-1]
    else:
        a, b = d[0], d[1]
        first = (
            -(2.0 * a + b) / (a * (a + b)) * f[..., 0]
            + (a + b) / (a * b) * f[..., 1]
            - a / (b * (a + b)) * f[..., 2]
        )
        a, b = d[-2], d[-1]
        last = (
            b / (a * (a + b)) * f[..., -3]
            - (b + a) / (a * b) * f[..., -2]
            + (2.0 * b + a) / (b * (a + b)) * f[..., -1]
        )
    slope = np.concatenate([first[..., None], inside, last[..., None]], axis=-1)
    kind = np.result_type(f)
    slope = slope if np.result_type(slope) == kind else astype.bind((slope,), {"dtype": kind})
    return np.moveaxis(slope, -1, axis)


composite(
    np.gradient,
    _gradient,
    cases=(
        Case(((5,),)),
        Case(((5,),), {"edge_order": 2}),
        Case(((3, 4),), call=lambda f, x: f(x, 0.5)[1]),
        Case(((5,),), call=lambda f, x: f(x, np.array([0.0, 1.0, 1.5, 3.0, 3.2]))),
    ),
    domain=REALS,
)


def _linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    *,
    axis: int = 0,
) -> Any:
    shape = np.broadcast_shapes(np.shape(start), np.shape(stop))
    kind = np.result_type(start, stop, 1.0)
    part = np.linspace(0.0, 1.0, num, endpoint, dtype=kind).reshape((-1,) + (1,) * len(shape))
    values = np.moveaxis(start + part * (stop - start), 0, axis)
    steps = num - 1 if endpoint else num
    return (values, (stop - start) / steps if steps else np.nan) if retstep else values


composite(
    np.linspace,
    _linspace,
    cases=(
        Case(((), ()), {"num": 5}),
        Case(((3,), ()), {"num": 4, "endpoint": False}),
        Case(((), ()), call=lambda f, a, b: f(a, b, 5, retstep=True)[1]),
    ),
    domain=REALS,
)

for part_of_complex in (np.real, np.real_if_close):
    linear(part_of_complex, lambda g, x: g, cases=ONE, domain=REALS, note="the number itself")
custom(
    np.imag,
    lambda g, y, x: 0.0 * g,
    jvp=lambda t, y, x: 0.0 * t[0],
    cases=ONE,
    domain=REALS,
    note="0, the imaginary part of a real number",
)


def _logspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10.0, *, axis: int = 0
) -> Any:
    return base ** np.linspace(start, stop, num, endpoint, axis=axis)


def _geomspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, *, axis: int = 0
) -> Any:
    # the signs of both ends are the same, or NumPy refuses; it computes in float64
    start, stop = widened(start), widened(stop)
    ends = np.log10(np.abs(start)), np.log10(np.abs(stop))
    return np.sign(start) * _logspace(*ends, num, endpoint, axis=axis)


composite(np.logspace, _logspace, cases=(Case(((), ()), {"num": 4, "base": 2.0}),), domain=REALS)
composite(
    np.geomspace,
    _geomspace,
    cases=(Case(((), ()), call=lambda f, a, b: f(9 + a, 20 + b, 4)),),
    domain=REALS,
)

# ---- polynomials, the highest power first --------------------------------------------------------


def _polyval(p: Any, x: Any) -> Any:
    y: Any = x * 0.0
    for i in range(np.shape(p)[0]):
        y = y * x + p[i]
    return y


def _polyadd(a1: Any, a2: Any) -> Any:
    n = max(np.size(a1), np.size(a2))
    a, b = np.atleast_1d(a1), np.atleast_1d(a2)
    return np.pad(a, (n - np.size(a), 0)) + np.pad(b, (n - np.size(b), 0))


def _polyder(p: Any, m: int = 1) -> Any:
    for _ in range(m):
        n = np.size(p) - 1
        p = p[:-1] * np.arange(n, 0, -1)
    return p


def _polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    constants = np.zeros(m) if k is None else np.broadcast_to(k, (m,))
    for i in range(m):
        p = np.concatenate([p / np.arange(np.size(p), 0, -1), constants[i : i + 1]])
    return p


def _poly(seq_of_zeros: Any) -> Any:
    if np.ndim(seq_of_zeros) != 1:
        raise ArgumentError(
            message(
                "the zeros of a polynomial in one axis for poly of a Tensor",
                f"shape {np.shape(seq_of_zeros)}, whose eigenvalues may be complex",
                "np.linalg.eigvalsh first, if the matrix is symmetric",
            )
        )
    p: Any = np.ones(1, np.result_type(seq_of_zeros))
    for zero in seq_of_zeros:
        p = np.convolve(p, np.stack([p[0], -zero]))
    return p


def _polyfit(x: Any, y: Any, deg: int, rcond: Any = None, *, w: Any = None) -> Any:
    columns, target = np.vander(x, int(deg) + 1), y
    if w is not None:
        columns = columns * np.reshape(w, (-1, 1))
        target = y * np.reshape(w, (-1,) + (1,) * (np.ndim(y) - 1))
    scale = np.sqrt(np.sum(columns * columns, axis=0))
    found = np.linalg.pinv(columns / scale, rcond) @ target
    return found / (scale if np.ndim(y) == 1 else scale[:, None])


composite(np.polyval, _polyval, cases=(Case(((4,), (3,))), Case(((3,), ()))), domain=REALS)
composite(np.polyadd, _polyadd, cases=(Case(((4,), (2,))),), domain=REALS)
composite(
    np.polysub, lambda a1, a2: _polyadd(a1, -1 * a2), cases=(Case(((2,), (4,))),), domain=REALS
)
composite(np.polymul, lambda a1, a2: np.convolve(a1, a2), cases=(Case(((4,), (2,))),), domain=REALS)
composite(np.polyder, _polyder, cases=(Case(((4,),)), Case(((4,),), {"m": 2})), domain=REALS)
composite(
    np.polyint,
    _polyint,
    cases=(Case(((4,),)), Case(((4,), (2,)), call=lambda f, p, k: f(p, 2, k))),
    domain=REALS,
)
composite(
    np.poly,
    _poly,
    cases=(Case(((3,),)),),
    domain=REALS,
    note="of zeros; of a matrix it is refused",
)
composite(
    np.polyfit,
    _polyfit,
    cases=(
        Case(((5,), (5,)), {"deg": 2}),
        Case(((5,), (5, 2)), call=lambda f, x, y: f(x, y, 1, w=np.array([1.0, 2, 1, 0.5, 3]))),
    ),
    domain=REALS,
)

# ---- functions applied to slices -----------------------------------------------------------------


def _apply_along_axis(func1d: Any, axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    lanes = np.moveaxis(arr, axis, -1)
    shape = np.shape(lanes)[:-1]
    results = [func1d(lanes[i], *args, **kwargs) for i in np.ndindex(*shape)]
    inner = np.shape(results[0])
    stacked = np.reshape(np.stack(results), shape + inner)
    back = range(len(shape), len(shape) + len(inner))
    return np.moveaxis(stacked, list(back), [axis % np.ndim(arr) + i for i in range(len(inner))])


def _apply_over_axes(func: Any, a: Any, axes: Any) -> Any:
    for axis in axes if isinstance(axes, (tuple, list)) else (axes,):
        reduced = func(a, axis)
        a = reduced if np.ndim(reduced) == np.ndim(a) else np.expand_dims(reduced, axis)
    return a


composite(
    np.apply_along_axis,
    _apply_along_axis,
    cases=(Case(((3, 4),), call=lambda f, x: f(lambda v: np.cumsum(v * v), 0, x)),),
    domain=REALS,
)
composite(
    np.apply_over_axes,
    _apply_over_axes,
    cases=(Case(((2, 3, 4),), call=lambda f, x: f(np.sum, x, (0, 2))),),
    domain=REALS,
)
