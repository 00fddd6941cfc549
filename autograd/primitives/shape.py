"""The same entries in another arrangement: linear, each row its own transpose's inverse."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..domain import REALS, Case
from ..errors import ArgumentError, message
from ..kinds import composite, holds_tensor, linear
from .indexing import scatter

ONE = (Case(((3, 4),)),)


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
    aliases=(np.astype,) if hasattr(np, "astype") else (),
    cases=(Case(((3, 4),), {"dtype": np.float64}),),
    domain=REALS,
)


def widened(x: Any) -> Any:
    """Return `x` in float64."""
    return x if np.result_type(x) == np.float64 else astype.bind((x,), {"dtype": np.float64})


copy = linear(np.copy, lambda g, x: g, cases=ONE, domain=REALS)


def _checked_order(name: str, order: str) -> dict[str, str]:
    if order not in ("C", "F"):
        raise ArgumentError(
            message(
                f"order= of {name} of a Tensor to be 'C' or 'F'",
                f"{order!r}, which depends on the memory layout",
                "order='C'",
            )
        )
    return {} if order == "C" else {"order": order}


def _reshape_arguments(
    a: Any, /, shape: Any, order: str = "C"
) -> tuple[tuple[Any], dict[str, Any]]:
    return (a,), {"shape": shape, **_checked_order("reshape", order)}


def _ravel_arguments(a: Any, order: str = "C") -> tuple[tuple[Any], dict[str, Any]]:
    return (a,), _checked_order("ravel", order)


reshape = linear(
    np.reshape,
    lambda g, x, shape, order="C": np.reshape(g, np.shape(x), order=order),
    arguments=_reshape_arguments,
    cases=(
        Case(((3, 4),), {"shape": (2, -1)}),
        Case(((3, 4),), {"shape": (2, 6), "order": "F"}),
        Case(((),), {"shape": (1, 1)}),
    ),
    domain=REALS,
)
ravel = linear(
    np.ravel,
    lambda g, x, order="C": np.reshape(g, np.shape(x), order=order),
    arguments=_ravel_arguments,
    cases=(*ONE, Case(((3, 4),), {"order": "F"})),
    domain=REALS,
)
transpose = linear(
    np.transpose,
    lambda g, x, axes=None: np.transpose(g, _inverse(axes, np.ndim(x))),
    cases=(*ONE, Case(((2, 3, 4),), {"axes": (1, -1, 0)})),
    domain=REALS,
)
linear(
    np.matrix_transpose,
    lambda g, x: np.matrix_transpose(g),
    aliases=(np.linalg.matrix_transpose,),
    cases=(Case(((2, 3, 4),)),),
    domain=REALS,
)
swapaxes = linear(
    np.swapaxes,
    lambda g, x, axis1, axis2: np.swapaxes(g, axis1, axis2),
    cases=(Case(((2, 3, 4),), {"axis1": 0, "axis2": -1}),),
    domain=REALS,
)
linear(
    np.moveaxis,
    lambda g, x, source, destination: np.moveaxis(g, destination, source),
    cases=(
        Case(((2, 3, 4),), {"source": 0, "destination": -1}),
        Case(((2, 3, 4),), {"source": (0, 1), "destination": (1, 2)}),
    ),
    domain=REALS,
)


def _rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    return np.transpose(a, np.rollaxis(np.zeros(range(np.ndim(a))), axis, start).shape)


composite(np.rollaxis, _rollaxis, cases=(Case(((2, 3, 4),), {"axis": 2}),), domain=REALS)
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
broadcast_to = linear(
    np.broadcast_to,
    lambda g, x, shape: g,  # the sweep sums what was broadcast
    cases=(Case(((3, 1),), {"shape": (2, 3, 4)}), Case(((),), {"shape": (3,)})),
    domain=REALS,
)


def broadcast_arrays(*args: Any) -> tuple[Any, ...]:
    """Return all operands broadcast to their common shape."""
    shape = np.broadcast_shapes(*(np.shape(x) for x in args))
    return tuple(np.broadcast_to(x, shape) for x in args)


composite(
    np.broadcast_arrays,
    broadcast_arrays,
    cases=(Case(((3, 1), (4,)), call=lambda f, a, b: f(a, b)[0] * f(a, b)[1]),),
    domain=REALS,
)


def _at_least(rank: int) -> Callable[..., Any]:
    numpy = (np.atleast_1d, np.atleast_2d, np.atleast_3d)[rank - 1]

    def expansion(*arys: Any) -> Any:
        shapes = [numpy(np.zeros(np.shape(x))).shape for x in arys]
        results = tuple(np.reshape(x, s) for x, s in zip(arys, shapes, strict=True))
        return results[0] if len(results) == 1 else results

    return expansion


for rank, function in enumerate((np.atleast_1d, np.atleast_2d, np.atleast_3d), 1):
    composite(function, _at_least(rank), cases=(Case(((3,),)), Case(((),))), domain=REALS)


def part(g: Any, axis: int, start: int, stop: int) -> Any:
    """Return the entries from `start` to `stop` along `axis`."""
    return g[(slice(None),) * (axis % np.ndim(g)) + (slice(start, stop),)]


# ---- reversals and rotations ---------------------------------------------------------------------


def _negated(shift: Any) -> Any:
    return tuple(-s for s in shift) if isinstance(shift, (tuple, list)) else -shift


linear(
    np.flip,
    lambda g, x, axis=None: np.flip(g, axis),
    cases=(*ONE, Case(((2, 3, 4),), {"axis": (0, 2)})),
    domain=REALS,
)
linear(np.fliplr, lambda g, x: np.fliplr(g), cases=ONE, domain=REALS)
linear(np.flipud, lambda g, x: np.flipud(g), cases=ONE, domain=REALS)
linear(
    np.roll,
    lambda g, x, shift, axis=None: np.roll(g, _negated(shift), axis),
    cases=(
        Case(((3, 4),), {"shift": 2}),
        Case(((3, 4),), {"shift": (1, -1), "axis": (0, 1)}),
    ),
    domain=REALS,
)
for shift, sign in ((np.fft.fftshift, 1), (np.fft.ifftshift, -1)):

    def _half_rolled(x: Any, axes: Any = None, *, sign: int = sign) -> Any:
        axes = tuple(range(np.ndim(x))) if axes is None else axes
        lengths = [np.shape(x)[i] for i in (axes if isinstance(axes, (tuple, list)) else (axes,))]
        return np.roll(x, [sign * (n // 2) for n in lengths], axes)

    composite(
        shift,
        _half_rolled,
        cases=(Case(((5, 4),)), Case(((5, 4),), {"axes": 0})),
        domain=REALS,
    )
linear(
    np.rot90,
    lambda g, x, k=1, axes=(0, 1): np.rot90(g, -k, axes),
    cases=(*ONE, Case(((2, 3, 4),), {"k": 3, "axes": (1, 2)})),
    domain=REALS,
)

# ---- copies --------------------------------------------------------------------------------------


def _untiled(g: Any, x: Any, reps: Any) -> Any:
    reps = tuple(reps) if isinstance(reps, (tuple, list, np.ndarray)) else (reps,)
    rank = max(len(reps), np.ndim(x))
    reps = (1,) * (rank - len(reps)) + reps
    shape = (1,) * (rank - np.ndim(x)) + np.shape(x)
    blocks = np.reshape(g, tuple(itertools.chain(*zip(reps, shape, strict=True))))
    return np.reshape(np.sum(blocks, axis=tuple(range(0, 2 * rank, 2))), np.shape(x))


def _unrepeated(g: Any, x: Any, repeats: Any, axis: int | None) -> Any:
    if axis is None:
        flat = np.reshape(x, -1)
        return np.reshape(_unrepeated(g, flat, repeats, 0), np.shape(x))
    source = np.repeat(np.arange(np.shape(x)[axis]), repeats)
    index = (slice(None),) * (axis % np.ndim(x)) + (source,)
    return scatter.bind((g,), {"shape": np.shape(x), "index": index})


linear(
    np.tile,
    lambda g, x, reps: _untiled(g, x, reps),
    cases=(
        Case(((3,),), {"reps": 2}),
        Case(((2, 3),), {"reps": (2, 1, 3)}),
        Case(((2, 3),), {"reps": 2}),
    ),
    domain=REALS,
)
linear(
    np.repeat,
    lambda g, x, repeats, axis=None: _unrepeated(g, x, repeats, axis),
    cases=(
        Case(((2, 3),), {"repeats": 2}),
        Case(((2, 3),), {"repeats": 2, "axis": 0}),
        Case(((2, 3),), {"repeats": np.array([1, 0, 2]), "axis": -1}),
    ),
    domain=REALS,
)


def _full_like(
    a: Any,
    fill_value: Any,
    dtype: Any = None,
    order: Any = "K",
    subok: bool = True,
    shape: Any = None,
) -> Any:
    shape = np.shape(a) if shape is None else shape
    dtype = np.result_type(a) if dtype is None else np.dtype(dtype)
    if not holds_tensor([fill_value]):
        return np.full(shape, fill_value, dtype)
    return np.broadcast_to(astype(fill_value, dtype), shape)


composite(
    np.full_like,
    _full_like,
    cases=(
        Case(((2, 3), ())),
        Case(((2, 3), (3,))),
        Case(((2, 3), ()), {"shape": (4,)}),
    ),
    domain=REALS,
    note="that of the filling; the array gives its shape alone",
)


def _resize(a: Any, new_shape: Any) -> Any:
    index = np.resize(np.arange(np.size(a)), new_shape)
    return np.reshape(a, -1)[index]


composite(np.resize, _resize, cases=(Case(((3, 2),), {"new_shape": (2, 4)}),), domain=REALS)


def _windows(x: Any, window_shape: Any, axis: Any = None) -> Any:
    places = np.arange(np.size(x)).reshape(np.shape(x))
    view = np.lib.stride_tricks.sliding_window_view(places, window_shape, axis)
    return np.reshape(x, -1)[view]


composite(
    np.lib.stride_tricks.sliding_window_view,
    _windows,
    cases=(
        Case(((5,),), {"window_shape": 3}),
        Case(((3, 4),), {"window_shape": (2, 2)}),
        Case(((3, 4),), {"window_shape": 2, "axis": 1}),
    ),
    domain=REALS,
)
