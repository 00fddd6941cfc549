"""Containers of numbers: taken apart into leaves and put together again.

A structure is a nested tuple that starts with its kind: it compares, hashes and pickles by value.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..node import Node

LEAF = ("leaf",)
Structure = tuple[Any, ...]


def flatten(tree: Any) -> tuple[list[Any], Structure]:
    """Take a container apart.

    Args:
        tree: numbers, arrays and Tensors in tuples, lists, dicts and dataclasses, to any depth;
            anything else, such as a bool, a string or None, belongs to the structure.

    Returns:
        The leaves and the structure.

    Example:
        >>> flatten({"w": 1.0, "b": [2.0, True]})[0]
        [1.0, 2.0]
    """
    leaves: list[Any] = []
    return leaves, _take(tree, leaves)


def _take(tree: Any, leaves: list[Any]) -> Structure:
    kind = type(tree)
    if kind is float or kind is int or isinstance(tree, (Node, np.ndarray, np.generic, float)):
        leaves.append(tree)
        return LEAF
    if isinstance(tree, (tuple, list)):
        return ("sequence", kind, tuple([_take(part, leaves) for part in tree]))
    if isinstance(tree, dict):
        parts = tuple([_take(part, leaves) for part in tree.values()])
        return ("dict", tuple(tree), parts)
    if dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        names = tuple([field.name for field in dataclasses.fields(tree) if field.init])
        parts = tuple([_take(getattr(tree, name), leaves) for name in names])
        return ("dataclass", kind, names, parts)
    return ("static", kind, tree)


def paths_of(structure: Structure, path: str) -> list[str]:
    """Return what the leaves of a container are called.

    Args:
        structure: as `flatten` gave it.
        path: what the container is called.

    Example:
        >>> paths_of(flatten({"w": 1.0, "b": [2.0, True]})[1], "p")
        ["p['w']", "p['b'][0]"]
    """
    kind = structure[0]
    if kind == "leaf":
        return [path]
    if kind == "static":
        return []
    if kind == "dict":
        names = [f"[{key!r}]" for key in structure[1]]
    elif kind == "dataclass":
        names = [f".{name}" for name in structure[2]]
    else:
        fields = getattr(structure[1], "_fields", None)
        names = [f".{fields[i]}" if fields else f"[{i}]" for i in range(len(structure[2]))]
    parts = zip(names, structure[-1], strict=True)
    return [found for name, part in parts for found in paths_of(part, path + name)]


def unflatten(structure: Structure, leaves: Iterator[Any]) -> Any:
    """Put a container together.

    Args:
        structure: as `flatten` gave it.
        leaves: as many as there were.

    Returns:
        The container.

    Example:
        >>> leaves, structure = flatten((1.0, [2.0, None]))
        >>> unflatten(structure, iter([3.0, 4.0]))
        (3.0, [4.0, None])
    """
    kind = structure[0]
    if kind == "leaf":
        return next(leaves)
    if kind == "static":
        return structure[2]
    parts = [unflatten(part, leaves) for part in structure[-1]]
    if kind == "dict":
        return dict(zip(structure[1], parts, strict=True))
    if kind == "dataclass":
        return structure[1](**dict(zip(structure[2], parts, strict=True)))
    made = structure[1]
    return made(*parts) if hasattr(made, "_fields") else made(parts)


def leaves_of(structure: Structure, tree: Any) -> Iterator[Any]:
    """Go through the leaves of tuples and lists, whatever they are.

    Args:
        structure: what `tree` is: tuples, lists and leaves.
        tree: the container.

    Example:
        >>> list(leaves_of(flatten((1.0, [2.0]))[1], (True, [None])))
        [True, None]
    """
    if structure == LEAF:
        yield tree
    else:
        for part, value in zip(structure[2], tree, strict=True):
            yield from leaves_of(part, value)


def leaf_count(structure: Structure) -> int:
    """Return how many leaves a structure has.

    Example:
        >>> leaf_count(flatten((1.0, [2.0, None]))[1])
        2
    """
    if structure[0] in ("leaf", "static"):
        return int(structure[0] == "leaf")
    return sum(map(leaf_count, structure[-1]))
