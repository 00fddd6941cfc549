"""What NumPy calls of a Tensor mean: the row behind a function, the index of an access."""

from __future__ import annotations

import functools
import operator
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .errors import DTypeError, message
from .leaving import Leaving
from .left_out import LEFT_OUT
from .node import Node
from .observers import OBSERVERS
from .primitive import REGISTRY, ROWS, Primitive, call
from .primitives import SCIPY
from .recording import FIXED, refuse_traced


def row_of(function: Callable[..., Any]) -> Primitive:
    """Return the row of a NumPy function, or say by name that it has none."""
    row = REGISTRY.get(function)
    if row is not None:
        return row
    special = sys.modules.get("scipy.special")
    name = function.__name__
    if special is not None and name in SCIPY and getattr(special, name) is function:
        return ROWS[SCIPY[name]]
    known = {spelled(row): row for row in REGISTRY.values()}
    names = {each.rsplit(".", 1)[-1]: each for each in known}
    import difflib  # needed here alone, and slow to import

    [near] = difflib.get_close_matches(name, names, n=1, cutoff=0.0)
    reason = LEFT_OUT.get(name)
    raise DTypeError(
        message(
            "a function that has a derivative here",
            _path(function) + (f" ({reason})" if reason else ""),
            f"{names[near]}, which has one, @autograd.primitive to give {name} its own "
            "rule, or t.data if no gradient is needed",
        )
    )


def spelled(row: Primitive) -> str:
    """Return how a program calls the operation."""
    function = row.numpy
    module = getattr(function, "__module__", None) or "numpy"
    if isinstance(function, np.ufunc) or module.split(".")[0] == "numpy":
        return _path(function)
    return f"ag.{row.name}"


def _path(function: Callable[..., Any]) -> str:
    module = "" if isinstance(function, np.ufunc) else getattr(function, "__module__", "")
    return (
        f"np{(module or '').removeprefix('numpy').removesuffix('._core.umath')}.{function.__name__}"
    )


# ---- the methods of ufuncs -----------------------------------------------------------------------

WHOLE: dict[tuple[str, Any], Callable[..., Any]] = {
    ("reduce", np.add): np.sum,
    ("reduce", np.multiply): np.prod,
    ("reduce", np.maximum): np.max,
    ("reduce", np.minimum): np.min,
    ("reduce", np.logaddexp): ROWS["logsumexp"],
    ("reduce", np.hypot): ROWS["euclidean"],
    ("accumulate", np.add): np.cumsum,
    ("accumulate", np.multiply): np.cumprod,
}
"""The methods that a row computes at once; others go entry by entry."""


def ufunc_method(ufunc: Any, method: str, inputs: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Return what a method of a ufunc gives for Tensors, spelled in calls of functions.

    Args:
        ufunc: a NumPy ufunc.
        method: "reduce", "accumulate", "outer" or "reduceat".
        inputs: its operands.
        kwargs: its keyword arguments.

    Raises:
        DTypeError: if the method writes into its operand, or the ufunc takes other than two.
    """
    spelling = METHODS.get(method)
    if spelling is None or ufunc.nin != 2 or ufunc.signature is not None:
        raise DTypeError(
            message(
                "a method of a ufunc that gives a new array",
                f"np.{ufunc.__name__}.{method} of a Tensor",
                "ag.at(a)[index].add(values)" if method == "at" else "a loop and np.stack",
            )
        )
    if ufunc in OBSERVERS:
        for x in inputs:
            refuse_traced(x, f"np.{ufunc.__name__}.{method}", "np.any, np.all or a comparison")
        return getattr(ufunc, method)(*(_value(x) for x in inputs), **kwargs)
    row = row_of(ufunc)
    return call(functools.partial(spelling, ufunc), row, tuple(inputs), kwargs)


def _value(x: Any) -> Any:
    return x._value if isinstance(x, Node) else x


_NONE: Any = object()


def _reduce(
    ufunc: Any,
    array: Any,
    axis: Any = 0,
    dtype: Any = None,
    *,
    keepdims: bool = False,
    initial: Any = _NONE,
) -> Any:
    array = array if dtype is None else array.astype(dtype)
    at_once = WHOLE.get(("reduce", ufunc))
    if at_once is not None:
        result = at_once(array, axis=axis, keepdims=keepdims)
        return result if initial is _NONE else ufunc(initial, result)
    if isinstance(axis, tuple) or axis is None:
        # NumPy says whether the order matters
        getattr(ufunc, "reduce")(np.ones(np.shape(array)), axis=axis)  # noqa: B009
        axes = range(np.ndim(array)) if axis is None else axis
        for i in sorted((i % np.ndim(array) for i in axes), reverse=True):
            array = _reduce(ufunc, array, i, keepdims=keepdims)
        return array if initial is _NONE else ufunc(initial, array)
    parts = list(np.moveaxis(array, axis, 0))
    if initial is not _NONE:
        parts.insert(0, initial)
    if not parts:
        return ufunc.reduce(np.zeros(np.shape(array)), axis=axis, keepdims=keepdims)
    result = functools.reduce(ufunc, parts)
    return np.expand_dims(result, axis) if keepdims else result


def _accumulate(ufunc: Any, array: Any, axis: int = 0, dtype: Any = None) -> Any:
    array = array if dtype is None else array.astype(dtype)
    at_once = WHOLE.get(("accumulate", ufunc))
    if at_once is not None:
        return at_once(array, axis=axis)
    parts = list(np.moveaxis(array, axis, 0))
    for i in range(1, len(parts)):
        parts[i] = ufunc(parts[i - 1], parts[i])
    return np.stack(parts, axis=axis) if parts else array


def _outer(ufunc: Any, a: Any, b: Any, /) -> Any:
    return ufunc(np.reshape(a, np.shape(a) + (1,) * np.ndim(b)), b)


def _reduceat(ufunc: Any, array: Any, indices: Any, axis: int = 0) -> Any:
    lanes = np.moveaxis(array, axis, 0)
    starts = [int(i) for i in indices]
    ends = [*starts[1:], np.shape(lanes)[0]]
    parts = [
        _reduce(ufunc, lanes[i:j]) if i < j else lanes[i] for i, j in zip(starts, ends, strict=True)
    ]
    return np.stack(parts, axis=axis)


METHODS: dict[str, Callable[..., Any]] = {
    "reduce": _reduce,
    "accumulate": _accumulate,
    "outer": _outer,
    "reduceat": _reduceat,
}
"""The methods of ufuncs that give new arrays; `at` writes into its operand."""


# ---- indices -------------------------------------------------------------------------------------


def plain_index(index: Any) -> Any:
    """Return an index in which constants are safe from later writes."""
    if isinstance(index, tuple):
        return tuple(plain_index(part) for part in index)
    if isinstance(index, (list, np.ndarray)):
        return np.array(index) if np.size(index) else np.array(index, np.intp)
    if isinstance(index, Node):
        if index.dtype.kind in "iu":
            return index  # only a trace makes integer Tensors
        if index.dtype.kind == "b":
            refuse_traced(index, "t[mask]", "np.where: the shape of t[mask] depends on values")
        refuse_traced(index, "t[number]", FIXED)
        raise DTypeError(
            message(
                "integers, slices or boolean masks as an index",
                f"{index.label} of dtype {index.dtype}",
                "t.numpy().astype(int)",
            )
        )
    if isinstance(index, slice):
        for part in (index.start, index.stop, index.step):
            if isinstance(part, Leaving):
                operator.index(part)  # which says what to do
    return index
