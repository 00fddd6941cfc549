"""Containers of arrays: tuples, lists, dicts and dataclasses, nested in any way."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

from .errors import ArgumentError, message


def leaves(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield what a container holds, each under its path.

    Args:
        tree: a container, or anything else, which holds itself.
        path: the path of the container.

    Yields:
        (path, leaf), such as ("['weights'][0]", array).

    Example:
        >>> list(leaves({"a": 1, "b": (2, 3)}))
        [("['a']", 1), ("['b'][0]", 2), ("['b'][1]", 3)]
    """
    for key, part in _parts(tree):
        if part is tree:
            yield path, tree
        else:
            yield from leaves(part, path + key)


def rebuilt(tree: Any, values: Iterator[Any]) -> Any:
    """Return a container of the structure of `tree` that holds `values`, in the order of `leaves`.

    Args:
        tree: the container to imitate.
        values: one value for each of its leaves.

    Returns:
        A new container.

    Example:
        >>> rebuilt({"a": 1, "b": (2, 3)}, iter("xyz"))
        {'a': 'x', 'b': ('y', 'z')}
    """
    if isinstance(tree, dict):
        copied = copy.copy(tree)  # of its own kind, with what that kind holds besides
        copied.update((key, rebuilt(part, values)) for key, part in tree.items())
        return copied
    if isinstance(tree, (tuple, list)):
        parts = [rebuilt(part, values) for part in tree]
        return type(tree)(*parts) if hasattr(tree, "_fields") else type(tree)(parts)
    if _is_dataclass(tree):
        from dataclasses import replace  # loaded with the class of `tree`: it costs nothing here

        return replace(tree, **{n: rebuilt(getattr(tree, n), values) for n in _fields(tree)})
    return next(values)


def mapped(function: Callable[[Any], Any], tree: Any) -> Any:
    """Return a container of the same structure with `function` applied to every leaf."""
    return rebuilt(tree, (function(leaf) for _, leaf in leaves(tree)))


def matched(what: str, tree: Any, pattern: Any) -> list[Any]:
    """Return the leaves of a container that must have the structure of another.

    Args:
        what: what messages call it.
        tree: the container.
        pattern: the container to compare with.

    Returns:
        The leaves of `tree`.

    Raises:
        ArgumentError: if the structures differ, naming the path.
    """
    found, wanted = list(leaves(tree)), list(leaves(pattern))
    places = {path: i for i, (path, _) in enumerate(wanted)}
    if len(found) == len(wanted) and all(path in places for path, _ in found):
        # a dict is the same in whatever order it was filled
        found.sort(key=lambda entry: places[entry[0]])
    for (path, _), (expected, _) in zip(found, wanted, strict=False):
        if path != expected:
            raise _different(what, expected, path)
    if len(found) != len(wanted):
        extra = found[len(wanted) :] or wanted[len(found) :]
        path = extra[0][0]
        raise _different(what, *(("nothing", path) if len(found) > len(wanted) else (path, "none")))
    return [leaf for _, leaf in found]


def _different(what: str, expected: str, got: str) -> ArgumentError:
    return ArgumentError(
        message(
            f"{what} to have the structure of its counterpart, with an array at "
            f"{expected or 'the top'}",
            f"{got or 'an array'} there",
            "the same containers, keys and lengths",
        )
    )


def _is_dataclass(tree: Any) -> bool:
    return hasattr(type(tree), "__dataclass_fields__")


def _fields(tree: Any) -> list[str]:
    from dataclasses import fields

    return [field.name for field in fields(tree) if field.init]


def _parts(tree: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(tree, dict):
        yield from ((f"[{key!r}]", part) for key, part in tree.items())
    elif isinstance(tree, (tuple, list)):
        yield from ((f"[{i}]", part) for i, part in enumerate(tree))
    elif _is_dataclass(tree):
        yield from ((f".{name}", getattr(tree, name)) for name in _fields(tree))
    else:
        yield "", tree
