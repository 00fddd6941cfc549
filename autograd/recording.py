"""Whether operations are recorded, per thread and task, and the clock of assignments."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any


class _Mode:
    """The state that every operation reads, kept in two plain attributes because that is fastest.

    `clock` counts assignments to leaves: a record made before its leaf was assigned is stale.
    `paused` counts the contexts inside `no_grad`: only while there is one is the ContextVar read.
    """

    __slots__ = ("clock", "lock", "paused")

    def __init__(self) -> None:
        self.clock = 0
        self.paused = 0
        self.lock = threading.Lock()

    def tick(self) -> int:
        with self.lock:
            self.clock += 1
            return self.clock


mode = _Mode()


recording: ContextVar[bool] = ContextVar("recording", default=True)


@contextmanager
def _setrecording(on: bool) -> Iterator[None]:
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
