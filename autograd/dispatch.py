"""What NumPy calls of a Tensor mean: the row behind a function, the index of an access."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from .errors import DTypeError, message
from .left_out import LEFT_OUT
from .node import Node
from .primitive import REGISTRY, ROWS, Primitive
from .primitives import SCIPY
from .recording import refuse_traced


def row_of(function: Callable[..., Any]) -> Primitive:
    """Return the row of a NumPy function, or say by name that it has none."""
    row = REGISTRY.get(function)
    if row is not None:
        return row
    special = sys.modules.get("scipy.special")
    name = function.__name__
    if special is not None and name in SCIPY and getattr(special, name) is function:
        return ROWS[SCIPY[name]]
    known = {row.numpy.__name__: f for f, row in REGISTRY.items()}
    import difflib  # needed here alone, and slow to import

    [near] = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
    reason = LEFT_OUT.get(name)
    raise DTypeError(
        message(
            "a function that has a derivative here",
            _spelled(function) + (f" ({reason})" if reason else ""),
            f"{_spelled(known[near])}, which has one, @autograd.primitive to give {name} its own "
            "rule, or t.data if no gradient is needed",
        )
    )


def _spelled(function: Callable[..., Any]) -> str:
    module = getattr(function, "__module__", None) or "numpy"
    return f"np{module.removeprefix('numpy')}.{function.__name__}"


def plain_index(index: Any) -> Any:
    """Return an index in which constants are safe from later writes."""
    if isinstance(index, tuple):
        return tuple(plain_index(part) for part in index)
    if isinstance(index, (list, np.ndarray)):
        return np.array(index) if np.size(index) else np.array(index, np.intp)
    if isinstance(index, Node):
        if index.dtype.kind in "iu":
            return index  # only a trace makes integer Tensors
        refuse_traced(index, "t[mask]", "np.where: the shape of t[mask] depends on values")
        raise DTypeError(
            message(
                "integers, slices or boolean masks as an index",
                f"{index.label} of dtype {index.dtype}",
                "t.numpy().astype(int)",
            )
        )
    return index
