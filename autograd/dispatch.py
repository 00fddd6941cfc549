"""What a NumPy function does when it meets a Tensor: differentiate, observe, or refuse by name."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any

import numpy as np

from .errors import DTypeError, message
from .primitive import REGISTRY, Primitive

OBSERVING_UFUNCS = frozenset(
    {
        np.equal,
        np.not_equal,
        np.less,
        np.less_equal,
        np.greater,
        np.greater_equal,
        np.isnan,
        np.isinf,
        np.isfinite,
        np.signbit,
        np.logical_and,
        np.logical_or,
        np.logical_xor,
        np.logical_not,
    }
)
"""Comparisons and tests: they give raw booleans, which carry no gradient."""

OBSERVERS = frozenset(
    {
        np.shape,
        np.ndim,
        np.size,
        np.result_type,
        np.argmax,
        np.argmin,
        np.argsort,
        np.allclose,
        np.isclose,
        np.array_equal,
        np.any,
        np.all,
        np.zeros_like,
        np.ones_like,
        np.array2string,
        np.array_repr,
        np.array_str,
    }
)
"""Functions that look at values and give plain results, which carry no gradient."""


def row_of(function: Callable[..., Any]) -> Primitive:
    """Return the row of a NumPy function, or say by name that it has none."""
    row = REGISTRY.get(function)
    if row is not None:
        return row
    known = {row.name for row in REGISTRY.values()}
    near = difflib.get_close_matches(function.__name__, known, n=1, cutoff=0.0)
    raise DTypeError(
        message(
            "a function that has a derivative here",
            f"np.{function.__name__}",
            f"np.{near[0]}, which has one, @autograd.primitive to give {function.__name__} its own "
            "rule, or t.data if no gradient is needed",
        )
    )
