"""Names that a package offers without importing what defines them until they are asked for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def lazily(
    package: str, rooms: Mapping[str, Sequence[str]]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return the `__getattr__` and `__dir__` of a package (PEP 562).

    Args:
        package: its name.
        rooms: the names that each of its modules defines.

    Returns:
        The two functions. A name is looked up once, and then stands in the package.

    Example:
        >>> get, names = lazily("json", {"decoder": ["JSONDecoder"]})
        >>> get("JSONDecoder").__name__
        'JSONDecoder'
    """
    module_of = {name: module for module, names in rooms.items() for name in names}

    def get(name: str) -> Any:
        if name not in module_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name)
        room = f"{package}.{module_of[name]}"
        try:
            value = getattr(import_module(room), name)
        except ModuleNotFoundError as error:
            if error.name != room:
                raise
            reason = f"module {package!r} has no attribute {name!r}: {room} is not there"
            raise AttributeError(reason, name=name) from error
        setattr(sys.modules[package], name, value)
        return value

    return get, lambda: sorted({*vars(sys.modules[package]), *module_of})
