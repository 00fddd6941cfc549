"""The way into a program: text for arguments of one structure that checks them, runs and returns.

A general walk over nested containers, and over the specs of their leaves, costs more than most
programs. For a structure that is known it is a few comparisons and assignments.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..node import Node
from ..recording import mode
from ..run import differentiating
from .emit import load
from .equations import Spec
from .tree import LEAF, Structure, leaf_count

MISSED = object()
"""What a way in gives for arguments of another kind."""

DEPTH = 60
"""How deep the text of a container is nested at most: Python's parser takes 200 brackets."""


class _Text:
    """The lines of one function, and what its names stand for."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.scope: dict[str, Any] = {}
        self._numbers = itertools.count()

    def name(self) -> str:
        return f"n{next(self._numbers)}"

    def bound(self, value: Any) -> str:
        """Return a name that stands for a value."""
        name = self.name()
        self.scope[name] = value
        return name

    def require(self, condition: str) -> None:
        """Write the guard that a condition holds."""
        self.lines.append(f"if not ({condition}): return missed")

    def fits(self, text: str, value: Any) -> None:
        """Write the guard that an argument is a fixed value, as signatures compare it."""
        if value is None or value is True or value is False:
            self.require(f"{text} is {value}")
        else:
            name = self.bound(value)
            self.require(f"type({text}) is {self.bound(type(value))} and ({text},) == ({name},)")

    def checked(self, leaf: str, spec: Spec) -> str:
        """Write the guard that a leaf has a shape and a dtype; return its name."""
        name = leaf
        if not name.isidentifier():
            name = self.name()
            self.lines.append(f"{name} = {leaf}")
        if not spec.shape:
            made = float if spec.dtype == np.float64 else spec.dtype.type
            self.require(f"type({name}) is {self.bound(made)}")
            return name
        shape, dtype = self.bound(spec.shape), self.bound(spec.dtype)
        self.require(
            f"type({name}) is {self.bound(np.ndarray)} and {name}.shape == {shape} "
            f"and {name}.dtype == {dtype}"
        )
        return name

    def unpacked(self, structure: Structure, text: str, whole: bool) -> Iterator[str]:
        """Write the guards of a container and go through the text of its leaves.

        Args:
            structure: what the container has to be.
            text: what it is called.
            whole: whether a row of leaves may stay one, with a star: all are arguments of a call.
        """
        kind = structure[0]
        if kind == "leaf":
            yield text
            return
        if kind == "static":
            self.fits(text, structure[2])
            return
        parts = structure[-1]
        made = dict if kind == "dict" else structure[1]
        self.require(f"type({text}) is {self.bound(made)}")
        if kind == "dataclass":
            for name, part in zip(structure[2], parts, strict=True):
                yield from self.unpacked(part, f"{text}.{name}", whole)
            return
        if kind == "dict":
            self.require(f"tuple({text}) == {self.bound(structure[1])}")
            text = f"{text}.values()"
        else:
            self.require(f"len({text}) == {len(parts)}")
        if whole and all(part == LEAF for part in parts):
            yield f"*{text}"
            return
        names = [self.name() for _ in parts]
        if names:
            self.lines.append(f"{', '.join(names)}, = {text}")
        for name, part in zip(names, parts, strict=True):
            yield from self.unpacked(part, name, whole)

    def packed(self, structure: Structure, leaves: Iterator[str]) -> str:
        """Return the text of a container around the text of its leaves."""
        kind = structure[0]
        if kind == "leaf":
            return next(leaves)
        if kind == "static":
            return self.bound(structure[2])
        parts = [self.packed(part, leaves) for part in structure[-1]]
        listed = ", ".join(parts)
        if kind == "dict":
            keys = self.bound(structure[1])
            return f"dict(zip({keys}, [{listed}]))"
        made = structure[1]
        if kind == "dataclass":
            pairs = zip(structure[2], parts, strict=True)
            return f"{self.bound(made)}({', '.join(f'{name}={part}' for name, part in pairs)})"
        if made is list:
            return f"[{listed}]"
        if made is tuple:
            return f"({listed}{',' if len(parts) == 1 else ''})"
        given = listed if hasattr(made, "_fields") else f"[{listed}]"
        return f"{self.bound(made)}({given})"


def _depth(structure: Structure) -> int:
    if structure[0] in ("leaf", "static"):
        return 0
    return 1 + max(map(_depth, structure[-1]), default=0)


def flat(structure: Structure) -> Structure:
    """Return the structure of a tuple with the leaves of another."""
    return ("sequence", tuple, (LEAF,) * leaf_count(structure))


def is_nest(structure: Structure) -> bool:
    """Return whether a structure is made of tuples, lists and leaves, and not too deep for text."""
    if structure == LEAF:
        return True
    if structure[0] != "sequence" or structure[1] not in (tuple, list):
        return False
    return all(map(is_nest, structure[2])) and _depth(structure) <= DEPTH


def nest_text(structure: Structure, leaves: Iterator[str]) -> str:
    """Return the text of tuples and lists around the text of their leaves."""
    return _Text().packed(structure, leaves)


def taken_apart(values: Sequence[Any]) -> list[Any]:
    """Return numbers and the entries of arrays as one row of numbers."""
    found: list[Any] = []
    for x in values:
        if isinstance(x, np.ndarray):
            found += x.ravel().tolist()
        else:
            found.append(x)
    return found


def put_together(numbers: Sequence[Any], specs: Sequence[Spec]) -> list[Any]:
    """Return numbers and arrays of some shapes out of one row of numbers."""
    found: list[Any] = []
    start = 0
    for shape, _ in specs:
        stop = start + math.prod(shape)
        found.append(np.array(numbers[start:stop]).reshape(shape) if shape else numbers[start])
        start = stop
    return found


def way_in(
    takes: Structure,
    specs: Sequence[Spec] | None,
    captured: Sequence[Node],
    run: Callable[..., Any],
    gives: Structure | None,
    results: Sequence[Spec] | None = None,
) -> Callable[..., Any] | None:
    """Return a function that runs a program on arguments of one structure.

    Args:
        takes: the structure of the positional and the keyword arguments.
        specs: one a leaf, to be checked here; None if `run` takes leaves one by one and gives
            MISSED for any that is no float.
        captured: Tensors whose values follow the arguments.
        run: takes the leaves one by one without specs, else a list of them.
        gives: how to build the result out of the row of leaves that `run` gives; None if it gives
            the result itself.
        results: if `run` is a function of numbers that stand for the entries of arrays, one by
            one, the specs of the leaves of the result.

    Returns:
        The function, which takes the arguments, those by keyword last and in their order, and
        gives the result or MISSED; None where containers are nested too deep for text.
    """
    if max(_depth(takes), 0 if gives is None else _depth(gives)) > DEPTH:
        return None
    text = _Text()
    text.scope.update(run=run, missed=MISSED, mode=mode, inside=differentiating)
    parts = [part for group in takes[2] for part in group[-1]]
    arguments = [text.name() for _ in parts]
    leaves: list[str] = []
    for part, argument in zip(parts, arguments, strict=True):
        leaves += text.unpacked(part, argument, specs is None)
    if results is not None:
        pairs = zip(leaves, specs or (), strict=True)
        leaves = [_apart(text.checked(x, s)) if s.shape else x for x, s in pairs]
    elif specs is not None:
        leaves = [text.checked(*pair) for pair in zip(leaves, specs, strict=True)]
    if captured:
        text.require("not mode.tracing and not inside()")
        for t in captured:
            value = f"{text.bound(t)}._value"
            leaves.append(_apart(value) if results is not None and t.shape else value)
    listed = ", ".join(leaves)
    one_by_one = specs is None or results is not None
    call = f"run({listed})" if one_by_one else f"run([{listed}])"
    if gives is None:
        text.lines.append(f"return {call}")
    else:
        text.lines.append(f"found = {call}")
        if one_by_one:
            text.require("found is not missed")
        if results is not None:
            text.scope.update(put_together=put_together, specs=results)
            text.lines.append("found = put_together(found, specs)")
        names = [text.name() for _ in range(leaf_count(gives))]
        if names:
            text.lines.append(f"{', '.join(names)}, = found")
        text.lines.append(f"return {text.packed(gives, iter(names))}")
    body = "\n    ".join([f"def way_in({', '.join(arguments)}):", *text.lines, ""])
    return load(body, "way_in", text.scope)


def _apart(name: str) -> str:
    return f"*{name}.ravel().tolist()"
