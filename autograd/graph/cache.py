"""What was made for the signatures that a function was called with lately."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any, Generic, TypeVar

from ..errors import ArgumentError, message

T = TypeVar("T")


class Recent(Generic[T]):
    """A bounded dictionary: what was not asked for longest goes first. Threads may share it.

    Args:
        limit: how many entries it keeps.

    Example:
        >>> recent = Recent[int](limit=2)
        >>> for key in "abab":
        ...     _ = recent.add(key, ord(key))
        >>> recent.add("c", 0), recent.get("a"), len(recent)
        (0, None, 2)
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._entries: OrderedDict[Any, T] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Any) -> T | None:
        """Return what was made for a signature, None if nothing was or it is gone.

        Raises:
            ArgumentError: if an argument cannot be part of a signature.
        """
        try:
            with self._lock:
                found = self._entries.get(key)
                if found is not None:
                    self._entries.move_to_end(key)
                return found
        except TypeError as error:
            raise ArgumentError(
                message(
                    "arguments that are numbers, arrays, containers of them, or hashable",
                    str(error),
                    "functools.partial to fix the others",
                )
            ) from error

    def add(self, key: Any, value: T) -> T:
        """Keep what was made, unless another thread was first; return what is kept."""
        with self._lock:
            value = self._entries.setdefault(key, value)
            self._entries.move_to_end(key)
            while len(self._entries) > self.limit:
                self._entries.popitem(last=False)
        return value
