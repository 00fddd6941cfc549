"""What stands for a function: it has its name, binds as a method and pickles likewise."""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError, message
from ..run import name_of
from .recorder import require_function


class Wrapping:
    """A callable made of a function and settings, with what it makes of them not pickled.

    Args:
        f: the function.
        settings: the further arguments that make another such object.
    """

    def __init__(self, f: Callable[..., Any], *settings: Any) -> None:
        require_function(f)
        self.function = f
        self._settings = settings
        functools.update_wrapper(self, f, updated=())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the function would."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"<{type(self).__name__.lower()} {name_of(self.function)}>"

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """Bind as a function in the body of a class does."""
        return self if instance is None else types.MethodType(self, instance)

    def __reduce__(self) -> Any:
        """Pickle by name where the name is this object's, as for a decorated function."""
        name = getattr(self, "__qualname__", "")
        found: Any = sys.modules.get(getattr(self, "__module__", None) or "")
        for part in name.split("."):
            found = getattr(found, part, None)
        return name if found is self else (type(self), (self.function, *self._settings))


def require_backend(backend: Any, known: Sequence[str]) -> None:
    """Raise if a backend is none of those known."""
    if backend not in known:
        raise ArgumentError(
            message(f"backend to be one of {', '.join(known)}", repr(backend), '"auto"')
        )


def require_count(name: str, number: Any, least: int, remedy: str) -> None:
    """Raise if a setting is no whole number that is large enough."""
    if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or number < least:
        raise ArgumentError(
            message(f"{name} to be a whole number of at least {least}", repr(number), remedy)
        )
