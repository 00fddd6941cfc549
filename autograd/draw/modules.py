"""Modules as boxes: which operations each stands for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..node import Node
from ..scope import Scope, scopes_of


@dataclass(frozen=True, eq=False)
class Module:
    """The operations of one call of a module.

    Args:
        scope: which call.
        operations: what it computed, in evaluation order.
    """

    scope: Scope
    operations: tuple[Node, ...]

    @property
    def kind(self) -> str:
        """The class of the module, its name if it is a plain function."""
        module = self.scope.module
        return module if isinstance(module, str) else type(module).__name__

    @property
    def parameters(self) -> int | None:
        """How many numbers its parameters hold, None where it does not say."""
        count = getattr(self.scope.module, "count_params", None)
        return None if count is None else int(count())


def modules_of(operations: Sequence[Node]) -> dict[Node, Module]:
    """Return the innermost module of every operation that belongs to one.

    A module owns what lies between its result and its inputs. One that calls others is not drawn,
    so that no box stands within a box; nor one whose operations do not hang together. A module
    that marks an earlier part of the same call, such as the logits of a layer, is one box.

    Args:
        operations: in evaluation order.
    """
    users: dict[Node, list[Node]] = {}
    for t in operations:
        for x in t.inputs:
            if isinstance(x, Node):
                users.setdefault(x, []).append(t)
    found: dict[Node, Module] = {}
    position = {t: i for i, t in enumerate(operations)}
    for out in operations:
        for scope in scopes_of(out):
            members = _between(out, scope, found, _borders(scope, position))
            if members and not _leaks(members, out, users):
                ordered = tuple(sorted(members, key=position.__getitem__))
                found.update(dict.fromkeys(ordered, Module(scope, ordered)))
    return found


def _borders(scope: Scope, drawn: Mapping[Node, int]) -> set[int]:
    """Return the ids of the inputs, and of the operands of those that the result does not use.

    A loss of probabilities computes with the logits behind them.
    """
    inputs = scope.inputs
    behind = [x for t in inputs if isinstance(t, Node) and t not in drawn for x in t.inputs]
    return {id(x) for x in (*inputs, *behind)}


def _between(out: Node, scope: Scope, taken: Mapping[Node, Module], borders: set[int]) -> set[Node]:
    """Return the operations from the inputs to the result, none if others' are among them."""
    if id(out) in borders:
        return set()
    members = {out}
    waiting = [out]
    while waiting:
        t = waiting.pop()
        if t in taken and taken[t].scope.module is not scope.module:
            return set()
        for x in t.inputs:
            if isinstance(x, Node) and not x.is_leaf and id(x) not in borders and x not in members:
                members.add(x)
                waiting.append(x)
    return members


def _leaks(members: set[Node], out: Node, users: Mapping[Node, Sequence[Node]]) -> bool:
    return any(u not in members for t in members if t is not out for u in users[t])


def fed_by(module: Module) -> list[Any]:
    """Return the arrays that a module was called with and its operations use, as constants."""
    used = [x for t in module.operations for x in t.inputs if isinstance(x, np.ndarray)]
    given = [x for x in module.scope.inputs if not isinstance(x, Node)]
    # a record keeps its own copy of an array that could be written later
    return [x for x in given if any(x is u or np.array_equal(x, u) for u in used)]
