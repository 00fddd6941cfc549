"""Structural zeros: entries of derivatives that are 0 at every input, so that 0 * inf is 0 there.

A direction or seed of zero, a branch not taken, an entry that an index leaves out contribute an
exact zero, also through an infinite slope. Following them costs time. A sweep that is not recorded
follows them in a second run, if the first has given a result that is not finite; a recorded one
follows them at once, since what is differentiated again shall not meet 0 * inf either.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .node import Node, value_of
from .primitive import Primitive
from .recording import mode, traced


def collapsed(live: Any) -> Any:
    """Return a mask as it is, or None if it is true all over."""
    return None if live is not None and not isinstance(live, Node) and np.all(live) else live


def is_dead(live: Any) -> bool:
    """Return whether a mask is false all over, and stays so for other inputs."""
    return live is not None and not isinstance(live, Node) and not np.any(live)


def live_seed(seed: Any) -> Any:
    """Return which entries of a seed are live, None for all: those of a constant that are not 0."""
    if type(seed) is float:
        return None if seed else False
    if isinstance(seed, Node) and (seed.requires_grad or traced(seed)):
        return None
    live = collapsed(np.asarray(value_of(seed)) != 0)
    # a graph follows no zeros of its seeds, which are many, unless there is nothing else
    return None if mode.tracing and not is_dead(live) else live


def leaves_out(row: Primitive, params: Mapping[str, Any]) -> bool:
    """Return whether an operation leaves entries out by parameters that no trace may change."""
    return row.omits and not _holds_node(list(params.values()))


def _holds_node(values: Sequence[Any]) -> bool:
    return any(
        _holds_node(x) if isinstance(x, (tuple, list)) else isinstance(x, Node) for x in values
    )


def is_finite(g: Any) -> bool:
    """Return whether all entries of a derivative are finite, or there is none."""
    value = value_of(g)
    # a sum that overflows costs a second sweep, no more
    return value is None or math.isfinite(value if type(value) is float else np.sum(value))
