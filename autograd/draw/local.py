"""The local derivatives of one operation: the factors of the chain rule."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..node import Node, value_of
from ..recording import enable_grad
from ..sweep import contributions
from ..tensor import Tensor
from .text import Form


def local_derivatives(t: Node) -> tuple[float | None, ...]:
    """Return the derivative of a scalar result with respect to each of its operands.

    Args:
        t: the result of an operation.

    Returns:
        One number an operand; None for constants, arrays, and all operands of an array.

    Example:
        >>> x = Tensor(3.0)
        >>> local_derivatives(x * x), local_derivatives(x**2)
        ((3.0, 3.0), (6.0, None))
    """
    inputs = t.inputs
    if (
        t.shape != ()
        or isinstance(t._value, Form)
        or not any(isinstance(x, Node) and x.requires_grad for x in inputs)
    ):
        return (None,) * len(inputs)
    if t._record is None:
        return (t._dx, t._dy)[: len(inputs)]
    row = t.primitive
    assert row is not None
    # the operation alone, on leaves of its own, so that an operand used twice has two edges
    operands = [
        Tensor(x._value, requires_grad=x.requires_grad) if isinstance(x, Node) else x
        for x in inputs
    ]
    with enable_grad(), np.errstate(all="ignore"):
        alone = row.bind(operands, t.params)
    found = contributions(alone)
    return tuple(
        _slope(found.get((alone, i))) if isinstance(x, Node) and x.requires_grad else None
        for i, x in enumerate(inputs)
    )


def _slope(c: Any) -> float | None:
    value = 0.0 if c is None else value_of(c)  # where() gives no number to the other branch
    return float(value) if np.ndim(value) == 0 else None
