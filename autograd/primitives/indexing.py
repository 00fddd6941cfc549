"""Reading and writing at an index: entries that are named twice add up."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..domain import REALS, Case
from ..kinds import composite, holds_tensor, linear
from ..recording import refuse_traced, traced


def _getitem(x: Any, index: Any) -> Any:
    """Return x[index]."""
    array: Any = np.float64(x) if type(x) is float else x
    return array[index]


def is_basic(index: Any) -> bool:
    """Return whether an index names no entry twice: ints, slices, None and Ellipsis only."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(isinstance(part, (int, np.integer, slice, type(None), type(...))) for part in parts)


def _scatter(x: Any, shape: tuple[int, ...], index: Any) -> Any:
    """Return zeros of `shape` with `x` added at `index`; entries named twice add up."""
    out = np.zeros(shape, np.result_type(x))
    if is_basic(index):
        out[index] = x
    else:
        np.add.at(out, index, x)
    return out


def _scattered(g: Any, shape: tuple[int, ...], index: Any) -> Any:
    return scatter.bind((g,), {"shape": shape, "index": index})


def _gathered(g: Any, x: Any, index: Any) -> Any:
    return np.broadcast_to(getitem.bind((g,), {"index": index}), np.shape(x))


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
    omits=True,
)
scatter = linear(
    _scatter,
    lambda g, x, shape, index: _gathered(g, x, index),
    name="scatter",
    cases=(
        Case(((3,),), {"shape": (4, 3), "index": 1}),
        Case(((3, 2),), {"shape": (4, 2), "index": np.array([0, 2, 0])}),
    ),
    domain=REALS,
    omits=True,
)


def _bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Any:
    refuse_traced(x, "np.bincount(t)", "bins that do not depend on the inputs")
    bins = np.array(x)
    if not holds_tensor([weights]):
        return np.bincount(bins, weights, minlength)
    counts = np.bincount(bins, np.zeros(np.shape(weights)), minlength)  # NumPy says what fits
    # NumPy counts in float64 whatever the weights are
    doubles = weights.astype(np.float64)
    return scatter.bind((doubles,), {"shape": counts.shape, "index": (bins,)})


composite(
    np.bincount,
    _bincount,
    cases=(Case(((4,),), call=lambda f, a: f(np.array([2, 0, 2, 5]), a, 7)),),
    domain=REALS,
    note="that of the weights; the bins are positions",
)


def _at(a: Any, index: tuple[Any, ...]) -> Any:
    """Return a[index], also of a plain array at a traced index."""
    for part in index:
        record = getattr(type(part), "__chainrule__", None)
        if record is not None and not holds_tensor([a]):
            return record(getitem, (a,), {"index": index})
    return a[index]


def _taken(axis: int, ndim: int, index: Any) -> tuple[Any, ...]:
    return (slice(None),) * (axis % ndim) + (index,)


def _take(a: Any, indices: Any, axis: int | None = None, *, mode: str = "raise") -> Any:
    if axis is None:
        a, axis = np.reshape(a, -1), 0
    n = np.shape(a)[axis]
    places = indices if traced(indices) else np.asarray(indices)
    if mode == "wrap":
        places = places % n
    elif mode == "clip":
        places = np.clip(places, 0, n - 1)
    return _at(a, _taken(axis, np.ndim(a), places))


take = composite(
    np.take,
    _take,
    cases=(
        Case(((3, 4),), {"indices": [0, 5, 5]}),
        Case(((3, 4),), {"indices": np.array([[1, 1], [0, 3]]), "axis": 1}),
        Case(((4,),), {"indices": [-1, 9], "mode": "wrap"}),
    ),
    domain=REALS,
)


def _take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    if axis is None:
        arr, axis = np.reshape(arr, -1), 0
    if traced(indices):
        grid = np.ogrid[tuple(slice(n) for n in np.shape(arr))]
        along = axis % np.ndim(arr)
        return _at(arr, tuple(indices if k == along else part for k, part in enumerate(grid)))
    # NumPy checks the ranks and broadcasts the other axes
    places = np.take_along_axis(
        np.arange(np.size(arr)).reshape(np.shape(arr)), np.asarray(indices), axis
    )
    return np.reshape(arr, -1)[places]


composite(
    np.take_along_axis,
    _take_along_axis,
    cases=(
        Case(((3, 4),), {"indices": np.array([[0, 0], [3, 1], [2, 2]]), "axis": 1}),
        Case(((2, 3),), {"indices": np.array([[1, 0, 1]]), "axis": 0}),
    ),
    domain=REALS,
)


def _compress(condition: Any, a: Any, axis: int | None = None) -> Any:
    return _take(a, np.flatnonzero(np.asarray(condition)), axis)


composite(
    np.compress,
    _compress,
    cases=(Case(((3, 4),), call=lambda f, x: f([True, False, True], x, axis=0)),),
    domain=REALS,
)
composite(
    np.extract,
    lambda condition, arr: _compress(np.ravel(condition), arr),
    cases=(Case(((3, 4),), call=lambda f, x: f(np.eye(3, 4) == 1, x)),),
    domain=REALS,
)


def _delete(arr: Any, obj: Any, axis: int | None = None) -> Any:
    if axis is None:
        arr, axis = np.reshape(arr, -1), 0
    places = np.delete(np.arange(np.shape(arr)[axis]), obj)
    return arr[_taken(axis, np.ndim(arr), places)]


def _insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    # NumPy places the numbers of the entries; the entries follow
    n = int(np.size(arr))
    old = np.arange(n).reshape(np.shape(arr))
    new = n + np.arange(int(np.size(values))).reshape(np.shape(values))
    both = np.concatenate([np.reshape(arr, -1), np.reshape(values, -1)])
    return both[np.insert(old, obj, new, axis=axis)]


composite(
    np.delete,
    _delete,
    cases=(Case(((3, 4),), {"obj": [0, 2], "axis": 1}), Case(((4,),), {"obj": 1})),
    domain=REALS,
)
composite(
    np.insert,
    _insert,
    cases=(
        Case(((4,), (2,)), call=lambda f, x, v: f(x, [1, 3], v)),
        Case(((3, 4), (3,)), call=lambda f, x, v: f(x, 2, v, axis=1)),
    ),
    domain=REALS,
)


def _trim(filt: Any, trim: str = "fb") -> Any:
    refuse_traced(filt, "np.trim_zeros(t)", "a slice: the shape of the result may not depend on t")
    (places,) = np.nonzero(np.asarray(filt != 0))
    if not len(places):
        return filt[:0]
    first = int(places[0]) if "f" in trim.lower() else 0
    last = int(places[-1]) + 1 if "b" in trim.lower() else np.shape(filt)[0]
    return filt[first:last]


composite(
    np.trim_zeros,
    _trim,
    cases=(Case(((4,),), call=lambda f, x: f(x * np.array([0, 1, 1, 0]))),),
    domain=REALS,
)


class At:
    """Indexing that returns a changed copy; see `at`."""

    def __init__(self, x: Any) -> None:
        self._x = x

    def __getitem__(self, index: Any) -> AtIndex:
        return AtIndex(self._x, index)


class AtIndex:
    """The entries of an array at an index, for `set`, `add` and `multiply`."""

    def __init__(self, x: Any, index: Any) -> None:
        self._x = x
        self._index = index if isinstance(index, tuple) else (index,)

    def _settled(self) -> tuple[Any, ...]:
        return tuple(np.array(i) if isinstance(i, (list, np.ndarray)) else i for i in self._index)

    def _spread(self, values: Any) -> Any:
        index = self._settled()
        chosen = np.shape(np.zeros(np.shape(self._x))[index])
        return _scattered(np.broadcast_to(values, chosen), np.shape(self._x), index)

    def get(self) -> Any:
        """Return the entries, x[index]."""
        return getitem.bind((self._x,), {"index": self._settled()})

    def add(self, values: Any) -> Any:
        """Return the array with `values` added at the index; an entry named twice gets both."""
        return self._x + self._spread(values)

    def set(self, values: Any) -> Any:
        """Return the array with `values` at the index; the last of several for an entry wins."""
        index = self._settled()
        owner = np.full(np.shape(self._x), -1)
        chosen = np.shape(owner[index])
        owner[index] = np.arange(int(np.prod(chosen))).reshape(chosen)
        flat = np.reshape(np.broadcast_to(values, chosen), -1)
        if np.all(owner < 0):
            return self._x + 0.0
        return np.where(owner >= 0, flat[np.maximum(owner, 0)], self._x)

    def multiply(self, values: Any) -> Any:
        """Return the array with the entries at the index multiplied by `values`."""
        return self.set(self.get() * values)


def at(x: Any) -> At:
    """Return what changes entries of a copy: at(x)[index].set(values) or .add(values).

    The differentiable form of `x[index] = values` and `x[index] += values`.

    Args:
        x: a Tensor or array.

    Returns:
        An object to be indexed; `set`, `add`, `multiply` and `get` then give the result.

    Example:
        >>> from autograd import Tensor
        >>> x, v = Tensor([1.0, 2.0, 3.0]), Tensor(10.0)
        >>> y = at(x)[1:].set(v)
        >>> y.data.tolist()
        [1.0, 10.0, 10.0]
        >>> y.sum().backward()
        >>> x.grad.tolist(), v.grad
        ([1.0, 0.0, 0.0], 2.0)
    """
    return At(x)
