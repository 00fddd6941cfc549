"""Rows whose NumPy function makes its result, as functions that write it where they are told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..primitives.indexing import is_basic
from .equations import Equation


def into_of(equation: Equation) -> Callable[..., Any] | None:
    """Return what writes the result of an equation, None if there is no such function."""
    if equation.row.name == "getitem":
        index = equation.params["index"]
        return _taken if isinstance(index, np.ndarray) and index.dtype.kind in "iu" else None
    return INTO.get(equation.row.name)


def _taken(x: Any, index: Any, out: Any) -> None:
    # the index was within the operand when it was traced; "raise" would make an array
    np.take(x, index, axis=0, out=out, mode="wrap")


def _scattered(x: Any, shape: Any, index: Any, out: Any) -> None:
    out[...] = 0
    if is_basic(index):
        out[index] = x
    else:
        np.add.at(out, index, x)


def _clipped(x: Any, low: Any, high: Any, out: Any) -> None:
    np.clip(x, low, high, out=out)


def _reshaped(x: Any, shape: Any, out: Any, order: str = "C") -> None:
    if order == "C":
        np.copyto(out.reshape(np.shape(x)), x)
    else:
        np.copyto(out, np.reshape(x, shape, order=order))  # type: ignore[call-overload]


def _ravelled(x: Any, out: Any, order: str = "C") -> None:
    _reshaped(x, -1, out, order)


INTO: dict[str, Callable[..., Any]] = {
    "scatter": _scattered,
    "clip": _clipped,
    "reshape": _reshaped,
    "ravel": _ravelled,
}
