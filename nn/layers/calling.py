"""What one call of a model leaves beside its output: the losses that layers add to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

Watch = Callable[[Any, Any], None]


class Call:
    """One call of a model, with all the layers within it.

    Args:
        watch: told each layer and its output, inner layers before outer ones.

    Attributes:
        losses: what layers added to the loss.
    """

    def __init__(self, watch: Watch | None = None) -> None:
        self.losses: list[Any] = []
        self.watch = watch


current: ContextVar[Call | None] = ContextVar("call", default=None)
"""The call that is under way."""


@contextmanager
def calling(watch: Watch | None = None) -> Iterator[Call]:
    """Begin a call: within the block, layers leave what they add to the loss in it.

    Args:
        watch: told each layer and its output.

    Example:
        >>> with calling() as call:
        ...     current.get() is call
        True
    """
    call = Call(watch)
    token = current.set(call)
    try:
        yield call
    finally:
        current.reset(token)
