"""Whether and where operations are recorded, per thread and task; the clock of assignments."""

from __future__ import annotations

import contextlib
import copy
import functools
import sys
from _thread import allocate_lock
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from .errors import GraphError, TraceError, message


class _Mode:
    """The state that every operation reads, kept in plain attributes because that is fastest.

    `clock` counts assignments to leaves: a record made before its leaf was assigned is stale.
    `paused` counts the contexts inside `no_grad`: only while there is one is the ContextVar read.
    `tracing` counts the tapes in use, likewise; `whole` the rules that must not lose Tensors,
    `anomaly` the blocks that look for nan and inf.
    """

    __slots__ = ("anomaly", "clock", "lock", "paused", "tracing", "whole")

    def __init__(self) -> None:
        self.clock = 0
        self.paused = 0
        self.tracing = 0
        self.whole = 0
        self.anomaly = 0
        self.lock = allocate_lock()  # threading's, without what else that module makes

    def tick(self) -> int:
        with self.lock:
            self.clock += 1
            return self.clock


mode = _Mode()


recording: ContextVar[bool] = ContextVar("recording", default=True)


@contextlib.contextmanager
def _setrecording(on: bool) -> Iterator[None]:
    if not on:
        _refuse_in_rules("no_grad()")
    token = recording.set(on)
    with mode.lock:
        mode.paused += 1
    try:
        yield
    finally:
        with mode.lock:
            mode.paused -= 1
        recording.reset(token)


def no_grad() -> Any:
    """Switch recording off for a block or a function, in this thread or task only.

    Returns:
        A context manager that also decorates functions.

    Example:
        >>> from autograd import Tensor
        >>> x = Tensor(3.0)
        >>> with no_grad():
        ...     y = x * x
        >>> y.requires_grad
        False
    """
    return _setrecording(False)


def enable_grad() -> Any:
    """Switch recording on again inside `no_grad`.

    Returns:
        A context manager that also decorates functions.

    Example:
        >>> from autograd import Tensor
        >>> x = Tensor(3.0)
        >>> with no_grad(), enable_grad():
        ...     y = x * x
        >>> y.requires_grad
        True
    """
    return _setrecording(True)


class Tape(Protocol):
    """What a tracer gives the engine: every operation on a traced value is written on it."""

    def holds(self, x: Any) -> bool:
        """Whether `x` was computed from the inputs of the trace."""

    def record(self, out: Any, row: Any, inputs: Sequence[Any], params: Mapping[str, Any]) -> None:
        """Write down one operation, if it has a traced operand."""

    def born(self, out: Any, data: Any) -> None:
        """Write down that `out` was made of `data`, whose record ends here."""

    def explain(self, node: Any, index: int) -> None:
        """Note that what follows is the chain rule through `node`, None if it is not."""

    def ending(
        self, function: Callable[..., Any], y: Any, variables: Sequence[Any]
    ) -> list[Any] | None:
        """Write down the gradients of `y` and return them, if the trace of `function` ends there.

        Nothing but the result of the trace can be made of them. None if there is more to it than
        the tape can derive.
        """


tape: ContextVar[Tape | None] = ContextVar("tape", default=None)


@contextlib.contextmanager
def taping(on: Tape) -> Iterator[None]:
    """Write the operations of a block on a tape."""
    token = tape.set(on)
    with mode.lock:
        mode.tracing += 1
    try:
        yield
    finally:
        with mode.lock:
            mode.tracing -= 1
        tape.reset(token)


def traced(x: Any) -> bool:
    """Return whether `x` depends on the inputs of a trace that is going on here."""
    if not mode.tracing:
        return False
    current = tape.get()
    return current is not None and current.holds(x)


def known(condition: Any) -> bool:
    """Return whether a condition is true, and stays true: never while it is traced.

    Rules ask this before they take a shorter way that other inputs do not allow.
    """
    return not traced(condition) and bool(condition)


def explain(node: Any, index: int) -> None:
    """Tell the tape that what follows is the chain rule through `node` to its input `index`."""
    current = tape.get() if mode.tracing else None
    if current is not None:
        current.explain(node, index)


FIXED = "functools.partial to fix n, or np.array([n]), whose ints are indices in a trace"
"""What to do about a number that is no variable."""


def refuse_traced(x: Any, what: str, remedy: str) -> None:
    """Raise if `x` is traced: its present value stands for every value it may have.

    Args:
        x: a Tensor.
        what: what would read its value.
        remedy: what to do instead.

    Raises:
        TraceError: naming the line of the user's program.
    """
    if traced(x):
        raise TraceError(
            message(
                f"{x.label} to stay a variable while it is traced",
                f"{what} at {user_line()}, which needs one value",
                remedy,
            )
        )


_kept_whole: ContextVar[str | None] = ContextVar("kept_whole", default=None)


@contextlib.contextmanager
def keeping_whole(expected: str) -> Iterator[None]:
    """Refuse, in a block, to take plain values out of tracked Tensors.

    Args:
        expected: what the block is for, the beginning of the message.
    """
    token = _kept_whole.set(expected)
    with mode.lock:
        mode.whole += 1
    try:
        yield
    finally:
        with mode.lock:
            mode.whole -= 1
        _kept_whole.reset(token)


def refuse_lost(x: Any, what: str) -> None:
    """Raise if a block must keep its Tensors whole and `x` is tracked.

    Raises:
        GraphError: naming what would lose the Tensor, and the line.
    """
    if x.requires_grad:
        _refuse_in_rules(f"{what}, which takes a plain value out of one,")


def _refuse_in_rules(what: str) -> None:
    expected = _kept_whole.get()
    if expected is not None:
        raise GraphError(
            message(
                expected,
                f"{what} at {user_line()}",
                "np functions of the Tensor itself, or the first order only",
            )
        )


def user_line() -> str:
    """Return file and line of the innermost frame outside this package and NumPy."""
    packages = (str(Path(__file__).parent), str(Path(np.__file__).parent))
    helpers = (contextlib.__file__, copy.__file__, functools.__file__)
    inside = (*packages, *helpers, "<scalar ", "<__array_function__")
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(inside):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"
