"""How values reach rules and contributions reach operands: kind, dtype and broadcasting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .errors import GraphError, ShapeError, message
from .kinds import Linear
from .node import Node
from .primitive import NON_DIFFERENTIABLE, Primitive
from .primitives import astype
from .recording import refuse_traced


def fitted(c: Any, x: Node) -> Any:
    """Return a contribution in the shape, kind and dtype of the operand it belongs to."""
    value = x._value
    if type(c) is np.ndarray is type(value) and c.shape == value.shape and c.dtype is value.dtype:
        return c
    return fit(unbroadcast(c, x.shape), x)


def reduced_mask(mask: Any, shape: tuple[int, ...], target: tuple[int, ...]) -> Any:
    """Say which entries of an input are live, given the mask of the broadcast contribution."""
    if np.shape(mask) == shape == target:
        return mask
    full = np.broadcast_to(mask, shape)
    return unbroadcast(full.astype(float), target) != 0


def unbroadcast(c: Any, shape: tuple[int, ...]) -> Any:
    """Sum `c` over the axes along which an input of `shape` was broadcast."""
    have = np.shape(c)
    if have == shape:
        return c
    lead = len(have) - len(shape)
    if lead >= 0:
        axes = tuple(range(lead)) + tuple(
            i + lead for i, n in enumerate(shape) if n == 1 and have[i + lead] != 1
        )
        if axes:
            c = np.sum(c, axis=axes, keepdims=True)
        if lead:
            c = np.reshape(c, np.shape(c)[lead:])
    # a rule may leave out axes that are equal all along
    return c if np.shape(c) == shape else np.broadcast_to(c, shape)


def fit(c: Any, x: Node) -> Any:
    """Return a contribution in the kind and dtype of the value it belongs to."""
    value = x._value
    if isinstance(c, Node):
        if type(c._value) is not type(value) or c.dtype != x.dtype:
            return astype(c, x.dtype) if c.dtype != x.dtype else c
        return c
    if type(value) is float:
        return float(c)
    if type(value) is np.ndarray:
        if c.dtype is not value.dtype and c.dtype != value.dtype:
            return c.astype(value.dtype)
        return c
    return value.dtype.type(c)


def raw(row: Primitive, inputs: Sequence[Any], y: Any) -> tuple[list[Any], Any]:
    """Return plain operands and result for a rule: NumPy scalars instead of floats.

    Rules rely on IEEE arithmetic, which Python's floats refuse. Operands have the dtype of the
    result, so that a constant neither widens a float32 array nor makes a slope less exact.
    """
    values = []
    alike = True
    dtype = DOUBLE if type(y) is float else y.dtype
    for x in inputs:
        value = x._value if isinstance(x, Node) else x
        if type(value) is float:
            value = np.float64(value) if dtype is DOUBLE else dtype.type(value)
        elif type(value) is not np.ndarray or value.dtype is not dtype:
            alike = False
        values.append(value)
    if not alike and _reads_operands(row):
        values = [
            dtype.type(v)
            if type(v) is int
            else v.astype(dtype)
            if isinstance(v, (np.ndarray, np.generic)) and v.dtype != dtype
            else v
            for v in values
        ]
    return values, np.float64(y) if type(y) is float else y


def recorded(row: Primitive, inputs: Sequence[Any], y: Node) -> list[Any]:
    """Return operands for a rule whose result is recorded: Tensors, NumPy scalars, arrays.

    They have the dtype of the result `y`, as for `raw`.
    """
    dtype = y.dtype
    values = [dtype.type(x) if type(x) is float else x for x in inputs]
    if _reads_operands(row):
        for i, v in enumerate(values):
            if type(v) is int:
                values[i] = dtype.type(v)
            elif isinstance(v, (Node, np.ndarray, np.generic)) and v.dtype != dtype:
                values[i] = astype(v, dtype) if isinstance(v, Node) else v.astype(dtype)
    return values


def of_scalars(inputs: Sequence[Any]) -> list[Any]:
    """Return operands of a rule on recorded floats, whose dtypes agree: Tensors, NumPy scalars."""
    return [np.float64(x) if type(x) is float else x for x in inputs]


DOUBLE = np.dtype(np.float64)


def _reads_operands(row: Primitive) -> bool:
    """Whether slopes are computed from operands; those of a linear row are computed from none."""
    return type(row) is not Linear and NON_DIFFERENTIABLE not in row.rules


def seed_of(root: Node, gradient: Any, record: bool) -> Any:
    """Return the cotangent to start from, checked against its Tensor."""
    if not isinstance(root, Node) or root._op is None:
        raise GraphError(
            message(
                "a Tensor that depends on a variable",
                f"{root.label if isinstance(root, Node) else type(root).__name__}, "
                "which records no operation on one",
                "requires_grad=True for its leaves, computing outside no_grad, or not detaching",
            )
        )
    if not record:
        refuse_traced(root, "backward() or a plain gradient", "ag.grad, or ag.gradients")
    if gradient is None:
        if root.shape != ():
            raise ShapeError(
                message(
                    "a scalar to differentiate",
                    f"{root.label}, shape {root.shape}",
                    "y.sum().backward(), or backward(gradient) with a gradient of that shape",
                )
            )
        gradient = 1.0
    if isinstance(gradient, Node):
        shape = gradient.shape
        seed: Any = gradient if record else gradient._value
    else:
        seed = type(root)(gradient, requires_grad=False)
        shape = seed.shape
        seed = seed if record else seed._value
    if shape != root.shape:
        raise ShapeError(
            message(
                f"a gradient of shape {root.shape}, that of {root.label}",
                f"shape {shape}",
                "np.broadcast_to(gradient, y.shape)",
            )
        )
    return seed if record else fit(seed, root)
