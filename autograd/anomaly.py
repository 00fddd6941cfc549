"""Hunting the first nan or inf: which operation made it, forward or backward, and where."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from weakref import ref

import numpy as np

from .errors import AnomalyError, message
from .node import Node, value_of
from .primitive import Primitive
from .recording import mode, user_line

_lines: ContextVar[dict[int, tuple[ref[Node], str]] | None] = ContextVar("lines", default=None)
"""The line of every operation of the block, under its id; the reference tells a reused id."""

REWRITES = {
    "sqrt": "np.where(x > 0, np.sqrt(np.where(x > 0, x, 1)), 0), with both wheres, or np.hypot(a, "
    "b) for the root of a sum of squares, or np.linalg.norm, whose derivative at 0 is 0",
    "log": "np.where(x > 0, np.log(np.where(x > 0, x, 1)), fill), with both wheres; ag.logsumexp "
    "or ag.log_softmax for the logarithm of a sum of exponentials; np.log1p(x) near 1",
    "divide": "np.where(d != 0, n / np.where(d != 0, d, 1), fill), with both wheres",
    "power": "np.where(x > 0, np.where(x > 0, x, 1) ** p, fill), with both wheres",
    "exp": "subtracting the maximum first, or ag.logsumexp, ag.softmax, ag.softplus, ag.sigmoid, "
    "which do",
    "multiply": "np.where to choose instead of a product of 0 and an infinite value",
    "arcsin": "np.clip(x, -1 + 1e-12, 1 - 1e-12)",
    "arccos": "np.clip(x, -1 + 1e-12, 1 - 1e-12)",
    "arctanh": "np.clip(x, -1 + 1e-12, 1 - 1e-12)",
    "arctan2": "np.where on both arguments where both are 0",
}
"""What to write instead, by the name of the operation."""
for _name, _like in (
    ("log2", "log"),
    ("log10", "log"),
    ("log1p", "log"),
    ("reciprocal", "divide"),
    ("float_power", "power"),
    ("cbrt", "sqrt"),
    ("expm1", "exp"),
    ("exp2", "exp"),
    ("sinh", "exp"),
    ("cosh", "exp"),
):
    REWRITES[_name] = REWRITES[_like]


def detecting_anomaly() -> bool:
    """Return whether a block of `detect_anomaly` is under way here.

    Example:
        >>> with detect_anomaly():
        ...     detecting_anomaly()
        True
    """
    return _lines.get() is not None


@contextmanager
def detect_anomaly() -> Iterator[None]:
    """Raise at the first operation of a block, forward or backward, that makes a nan or inf.

    Everything in the block is slower. Graphs recorded outside it are searched as well, though the
    lines of their operations are then not known.

    Returns:
        A context manager that also decorates functions.

    Raises:
        AnomalyError: naming the operation, the line of your program, the operands and, where one
            is known, what to write instead.

    Example:
        >>> from autograd import Tensor
        >>> with detect_anomaly():
        ...     np.sqrt(Tensor(0.0)).backward()
        Traceback (most recent call last):
            ...
        autograd.errors.AnomalyError: expected a finite gradient of sqrt; ...
    """
    token = _lines.set({})
    with mode.lock:
        mode.anomaly += 1
        mode.paused += 1  # the fast lane then asks, and is told to give way
    try:
        yield
    finally:
        with mode.lock:
            mode.anomaly -= 1
            mode.paused -= 1
        _lines.reset(token)


def hunting() -> bool:
    """Return whether this thread or task looks for anomalies."""
    return _lines.get() is not None


def made(out: Node, row: Primitive, inputs: Sequence[Any]) -> None:
    """Look at the result of an operation.

    Raises:
        AnomalyError: if it is not finite although its operands are.
    """
    lines = _lines.get()
    if lines is None:
        return
    line = user_line()
    lines[id(out)] = ref(out), line
    if not _finite(out) and all(map(_finite, inputs)):
        raise AnomalyError(
            message(
                f"a finite value of {row.name}",
                f"{_summary(out)} at {line} from {_operands(inputs)}",
                _rewrite(row),
            )
        )


def flowed(node: Node, result: Any, given: Any, what: str) -> None:
    """Look at a derivative that has come through an operation.

    Args:
        node: the result of the operation.
        result: the cotangent of an operand, or the tangent of the result.
        given: what it was computed from.
        what: "gradient" or "tangent".

    Raises:
        AnomalyError: if it is not finite although what it was computed from is.
    """
    lines = _lines.get()
    row = node.primitive
    if lines is None or row is None or result is None:
        return
    if not _finite(result) and all(map(_finite, given)) and _finite(node):
        known, line = lines.get(id(node), (None, ""))
        if known is None or known() is not node:
            line = "a line outside detect_anomaly()"
        raise AnomalyError(
            message(
                f"a finite {what} of {row.name}",
                f"{_summary(result)}; the operation is at {line}, with {_operands(node.inputs)}",
                _rewrite(row),
            )
        )


def _finite(x: Any) -> bool:
    value = np.asarray(value_of(x))
    return value.dtype.kind != "f" or bool(np.isfinite(value).all())


def _summary(x: Any) -> str:
    value = np.asarray(value_of(x))
    if value.ndim == 0:
        return str(float(value))
    bad: Any = np.argwhere(~np.isfinite(value)) if value.dtype.kind == "f" else []
    where = f", first {value[tuple(bad[0])]} at {tuple(map(int, bad[0]))}" if len(bad) else ""
    low, high = (np.min(value), np.max(value)) if value.size and not len(bad) else (None, None)
    span = "" if low is None else f", {low:.6g} to {high:.6g}"
    return f"an array of shape {value.shape}{where}{span}"


def _operands(inputs: Sequence[Any]) -> str:
    parts = []
    for x in inputs:
        name = f"{x.name} = " if isinstance(x, Node) and x.name else ""
        parts.append(name + _summary(x))
    return "operands " + "; ".join(parts)


def _rewrite(row: Primitive) -> str:
    return REWRITES.get(row.name, "np.where on its operands, so that no such value is computed")
