"""Joining arrays and splitting them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..domain import REALS, Case
from ..errors import ArgumentError, message
from ..kinds import composite, linear
from .shape import broadcast_arrays, part


def _concatenate_part(g: Any, i: int, xs: Sequence[Any], axis: int | None = 0) -> Any:
    if axis is None:
        sizes = [int(np.size(x)) for x in xs]
        return np.reshape(part(g, 0, sum(sizes[:i]), sum(sizes[: i + 1])), np.shape(xs[i]))
    start = sum(np.shape(x)[axis] for x in xs[:i])
    return part(g, axis, start, start + np.shape(xs[i])[axis])


def _stack_part(g: Any, i: int, xs: Sequence[Any], axis: int = 0) -> Any:
    return np.reshape(part(g, axis, i, i + 1), np.shape(xs[i]))


def _joined(f: Callable[..., Any], *arrays: Any) -> Any:
    return f(arrays)


concatenate = linear(
    np.concatenate,
    _concatenate_part,
    variadic=True,
    cases=(
        Case(((2, 3), (1, 3)), call=_joined),
        Case(((3, 2), (3, 1)), call=lambda f, *xs: f(xs, axis=-1)),
        Case(((2, 3), (4,)), call=lambda f, *xs: f(xs, axis=None)),
    ),
    domain=REALS,
)
stack = linear(
    np.stack,
    _stack_part,
    variadic=True,
    cases=(
        Case(((2, 3), (2, 3)), call=_joined),
        Case(((2, 3), (2, 3), (2, 3)), call=lambda f, *xs: f(xs, axis=-1)),
        Case(((), ()), call=_joined),
    ),
    domain=REALS,
)


def _each(function: Callable[..., Any], arrays: Sequence[Any]) -> list[Any]:
    return [function(x) for x in arrays]


def _hstack(tup: Sequence[Any]) -> Any:
    arrays = _each(np.atleast_1d, tup)
    return np.concatenate(arrays, axis=0 if np.ndim(arrays[0]) == 1 else 1)


def _columns(tup: Sequence[Any]) -> Any:
    return np.concatenate([x if np.ndim(x) > 1 else np.reshape(x, (-1, 1)) for x in tup], axis=1)


composite(
    np.vstack,
    lambda tup: np.concatenate(_each(np.atleast_2d, tup), axis=0),
    cases=(Case(((3,), (3,)), call=_joined), Case(((2, 3), (3,)), call=_joined)),
    domain=REALS,
)
composite(
    np.hstack,
    _hstack,
    cases=(Case(((3,), (2,)), call=_joined), Case(((2, 3), (2, 1)), call=_joined)),
    domain=REALS,
)
composite(
    np.dstack,
    lambda tup: np.concatenate(_each(np.atleast_3d, tup), axis=2),
    cases=(Case(((3,), (3,)), call=_joined), Case(((2, 3), (2, 3)), call=_joined)),
    domain=REALS,
)
composite(
    np.column_stack,
    _columns,
    cases=(Case(((3,), (3, 2)), call=_joined),),
    domain=REALS,
)


def _block(arrays: Any, depth: int | None = None, rank: int | None = None) -> Any:
    if depth is None:
        depth = _depth(arrays)
        rank = max(depth, *(_rank(x) for x in _leaves(arrays)))
    if not isinstance(arrays, list):
        return np.reshape(arrays, (1,) * (rank - np.ndim(arrays)) + np.shape(arrays))  # type: ignore[operator]
    return np.concatenate([_block(x, depth - 1, rank) for x in arrays], axis=-depth)


def _depth(arrays: Any) -> int:
    return 1 + _depth(arrays[0]) if isinstance(arrays, list) else 0


def _leaves(arrays: Any) -> list[Any]:
    return [y for x in arrays for y in _leaves(x)] if isinstance(arrays, list) else [arrays]


def _rank(x: Any) -> int:
    return int(np.ndim(x))


composite(
    np.block,
    lambda arrays: _block(arrays),
    cases=(
        Case(((2, 3), (2, 1), (1, 4)), call=lambda f, a, b, c: f([[a, b], [c]])),
        Case(((3,), (2,)), call=lambda f, a, b: f([a, b])),
    ),
    domain=REALS,
)


def _append(arr: Any, values: Any, axis: int | None = None) -> Any:
    if axis is None:
        arr, values, axis = np.reshape(arr, -1), np.reshape(values, -1), 0
    return np.concatenate([arr, values], axis=axis)


composite(
    np.append,
    _append,
    cases=(Case(((2, 3), (2,))), Case(((2, 3), (1, 3)), {"axis": 0})),
    domain=REALS,
)


def _array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    n = np.shape(ary)[axis]
    pieces = np.array_split(np.arange(n), indices_or_sections)
    bounds = np.cumsum([0, *(len(p) for p in pieces)])
    if not isinstance(indices_or_sections, (int, np.integer)):
        return [
            part(ary, axis, int(p[0]), int(p[-1]) + 1) if len(p) else part(ary, axis, 0, 0)
            for p in pieces
        ]
    return [part(ary, axis, int(a), int(b)) for a, b in itertools.pairwise(bounds)]


def _split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    sections = indices_or_sections
    if isinstance(sections, (int, np.integer)) and np.shape(ary)[axis] % sections:
        raise ArgumentError(
            message(
                f"{sections} equal sections of axis {axis}",
                f"{np.shape(ary)[axis]} entries",
                "np.array_split",
            )
        )
    return _array_split(ary, sections, axis)


def _first_two(f: Callable[..., Any], x: Any) -> Any:
    parts = f(x, 2)
    return parts[0] * parts[1]


composite(np.split, _split, cases=(Case(((4, 3),), call=_first_two),), domain=REALS)
composite(
    np.array_split,
    _array_split,
    cases=(Case(((5,),), call=lambda f, x: f(x, 2)[0]), Case(((4, 3),), call=_first_two)),
    domain=REALS,
)
composite(
    np.hsplit,
    lambda ary, indices_or_sections: _split(ary, indices_or_sections, min(1, np.ndim(ary) - 1)),
    cases=(Case(((3, 4),), call=_first_two), Case(((4,),), call=_first_two)),
    domain=REALS,
)
composite(
    np.vsplit,
    lambda ary, indices_or_sections: _split(ary, indices_or_sections, 0),
    cases=(Case(((4, 3),), call=_first_two),),
    domain=REALS,
)
composite(
    np.dsplit,
    lambda ary, indices_or_sections: _split(ary, indices_or_sections, 2),
    cases=(Case(((2, 3, 4),), call=_first_two),),
    domain=REALS,
)
if hasattr(np, "unstack"):  # from NumPy 2.1 on
    composite(
        np.unstack,
        lambda x, *, axis=0: tuple(np.moveaxis(x, axis, 0)),
        cases=(Case(((3, 4),), call=lambda f, x: f(x, axis=1)[2]),),
        domain=REALS,
    )


def _meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> Any:
    n = len(xi)
    grids = []
    for i, x in enumerate(xi):
        place = 1 - i if indexing == "xy" and i < 2 and n > 1 else i
        grids.append(np.reshape(x, [-1 if k == place else 1 for k in range(n)]))
    return tuple(grids) if sparse else broadcast_arrays(*grids)


composite(
    np.meshgrid,
    _meshgrid,
    cases=(
        Case(((3,), (4,)), call=lambda f, a, b: f(a, b)[0] * f(a, b)[1]),
        Case(((3,), (4,)), call=lambda f, a, b: f(a, b, indexing="ij", sparse=True)[1]),
    ),
    domain=REALS,
)
