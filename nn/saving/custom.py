"""Classes and functions of a program's own that files may name, because the program said so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from autograd.errors import ArgumentError, message

T = TypeVar("T")

_registered: dict[str, Any] = {}


def register_keras_serializable(
    package: str = "Custom", name: str | None = None
) -> Callable[[T], T]:
    """Let files of models name what is decorated: a layer, an activation, a loss, a metric.

    Args:
        package: the first part of its name in files, "package>name".
        name: the second part; its own name if not given.

    Raises:
        ArgumentError: if it is neither a class with `get_config` nor a function.

    Example:
        >>> @register_keras_serializable("mine")
        ... def cube(x):
        ...     return x * x * x
        >>> registered_name(cube), known_objects()["mine>cube"] is cube
        ('mine>cube', True)
    """

    def enter(entry: T) -> T:
        if not callable(entry) or (isinstance(entry, type) and not hasattr(entry, "get_config")):
            raise ArgumentError(
                message(
                    "a class with get_config, or a function, to register",
                    f"{entry!r:.60}",
                    "a subclass of nn.Layer",
                )
            )
        own = name or entry.__name__  # type: ignore[attr-defined]
        _registered[f"{package}>{own}"] = entry
        return entry

    return enter


def registered_name(entry: Any) -> str | None:
    """Return the name under which a class or function was registered, None if it was not."""
    return next((name for name, found in _registered.items() if found is entry), None)


def known_objects(given: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return what files may name besides this library's own: what is registered, and `given`."""
    return {**_registered, **(given or {})}
