"""The float type of new layers, as `keras.config` keeps it."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.errors import ArgumentError, message

_FLOATS = ("float32", "float64")
_floatx = "float32"


def floatx() -> str:
    """Return the name of the float type that layers use unless they are given one.

    Returns:
        "float32" or "float64".

    Example:
        >>> floatx()
        'float32'
    """
    return _floatx


def set_floatx(dtype: str) -> None:
    """Set the float type that layers built from now on use unless they are given one.

    Args:
        dtype: "float32" or "float64".

    Raises:
        ArgumentError: if it is another type.

    Example:
        >>> set_floatx("float32")
    """
    global _floatx
    _floatx = float_dtype(dtype).name


def float_dtype(dtype: Any) -> np.dtype[Any]:
    """Return the NumPy type for `dtype`, the default if it is None.

    Args:
        dtype: None, "float32", "float64", or a NumPy type of either.

    Raises:
        ArgumentError: if it is another type.

    Example:
        >>> float_dtype("float64")
        dtype('float64')
    """
    if dtype is None:
        return np.dtype(_floatx)
    found: np.dtype[Any] | None
    try:
        found = np.dtype(dtype)
    except TypeError:
        found = None
    if found is None or found.name not in _FLOATS:
        raise ArgumentError(
            message("dtype to be 'float32' or 'float64'", repr(dtype), "dtype='float32'")
        )
    return found
