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


def flatten(tree: Any, path: str = "") -> tuple[list[Any], list[str], Structure]:
    """Take a container apart.

    Args:
        tree: numbers, arrays and Tensors in tuples, lists, dicts and dataclasses, to any depth;
            anything else, such as a bool, a string or None, belongs to the structure.
        path: what the container is called.

    Returns:
        The leaves, their paths and the structure.

    Example:
        >>> flatten({"w": 1.0, "b": [2.0, True]}, "p")[:2]
        ([1.0, 2.0], ["p['w']", "p['b'][0]"])
    """
    leaves: list[Any] = []
    paths: list[str] = []
    return leaves, paths, _take(tree, path, leaves, paths)


def _take(tree: Any, path: str, leaves: list[Any], paths: list[str]) -> Structure:
    if isinstance(tree, (Node, np.ndarray, np.generic, float)) or type(tree) is int:
        leaves.append(tree)
        paths.append(path)
        return LEAF
    if isinstance(tree, (tuple, list)):
        fields = getattr(tree, "_fields", None)
        parts = tuple(
            _take(part, f"{path}.{fields[i]}" if fields else f"{path}[{i}]", leaves, paths)
            for i, part in enumerate(tree)
        )
        return ("sequence", type(tree), parts)
    if isinstance(tree, dict):
        parts = tuple(_take(tree[key], f"{path}[{key!r}]", leaves, paths) for key in tree)
        return ("dict", tuple(tree), parts)
    if dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        names = tuple(field.name for field in dataclasses.fields(tree))
        parts = tuple(_take(getattr(tree, n), f"{path}.{n}", leaves, paths) for n in names)
        return ("dataclass", type(tree), names, parts)
    return ("static", type(tree), tree)


def unflatten(structure: Structure, leaves: Iterator[Any]) -> Any:
    """Put a container together.

    Args:
        structure: as `flatten` gave it.
        leaves: as many as there were.

    Returns:
        The container.

    Example:
        >>> leaves, paths, structure = flatten((1.0, [2.0, None]))
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


def leaf_count(structure: Structure) -> int:
    """Return how many leaves a structure has.

    Example:
        >>> leaf_count(flatten((1.0, [2.0, None]))[2])
        2
    """
    if structure[0] in ("leaf", "static"):
        return int(structure[0] == "leaf")
    return sum(map(leaf_count, structure[-1]))
