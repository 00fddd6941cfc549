"""What to leave out of a picture that would be too large to read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from ..node import Node

ENDS = 4
"""Operations drawn one by one at either end of a collapsed graph."""

BLOCKS = 5
"""Blocks between them, where nothing repeats."""

LEAST = 100
"""Operations of a block, if there are enough."""

MOST_GROUPS = 24
"""A graph of more kinds of parts than this is cut along the evaluation order instead."""

LEAST_REPEATS = 4
"""From so many repeats on, a repeated sequence is drawn once."""


@dataclass(frozen=True, eq=False)
class Block:
    """Operations that are drawn as one box.

    Args:
        operations: how many of which kind there are, in each part.
        parts: how many parts of the same kind it stands for.
        sequence: the kinds in order, where the parts follow upon each other.
    """

    operations: tuple[tuple[str, int], ...]
    parts: int = 1
    sequence: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """The number of operations in it."""
        return self.parts * sum(count for _, count in self.operations)


def evaluation_order(root: Node) -> list[Node]:
    """Return the Tensors that `root` was computed from, each after its inputs, `root` last.

    Operands come in the order in which the expression names them.

    Args:
        root: any Tensor.

    Example:
        >>> from autograd import Tensor
        >>> a, b = Tensor(2.0, name="a"), Tensor(3.0, name="b")
        >>> [t.label for t in evaluation_order(a * b)]
        ["Tensor 'a'", "Tensor 'b'", 'the result of multiply']
    """
    order = []
    seen = {root}
    stack = [(root, iter(root.inputs))]
    while stack:
        node, rest = stack[-1]
        for x in rest:
            if isinstance(x, Node) and x not in seen:
                seen.add(x)
                stack.append((x, iter(x.inputs)))
                break
        else:
            stack.pop()
            order.append(node)
    return order


def collapsed(operations: Sequence[Node], limit: int) -> dict[Node, Block]:
    """Say which operations are drawn as part of a block, and of which.

    A graph falls into parts whose inner results are used once (a neuron, a loss). Parts of the same
    kind at the same depth become one block. A large part is cut along the evaluation order, at
    places where few values pass, or drawn once where it repeats. None of this can form a cycle.

    Args:
        operations: in evaluation order.
        limit: up to how many operations each is drawn by itself.

    Returns:
        The block of every operation that is not drawn by itself.
    """
    if len(operations) <= limit:
        return {}
    groups = _alike(operations)
    if len(groups) == 1 or len(groups) > MOST_GROUPS:
        return _cut(operations)
    found: dict[Node, Block] = {}
    for parts in groups:
        if len(parts) > 1:
            members = [t for part in parts for t in part]
            found.update(dict.fromkeys(members, Block(_kinds(parts[0]), len(parts))))
        elif len(parts[0]) > 4 * ENDS:
            is_last = parts[0][-1] is operations[-1]
            found.update(_cut(parts[0], 0, ENDS if is_last else 0))
    return found


def _alike(operations: Sequence[Node]) -> list[list[list[Node]]]:
    """Return the parts whose inner results are used once, those of one kind and depth together."""
    user: dict[Node, Node | None] = {}
    for t in operations:
        for x in t.inputs:
            if isinstance(x, Node) and not x.is_leaf and user.setdefault(x, t) is not t:
                user[x] = None  # used by several operations, so the result of a part of its own
    root: dict[Node, Node] = {}
    for t in reversed(operations):
        follower = user.get(t)
        root[t] = t if follower is None else root[follower]
    depth: dict[Node, int] = {}
    parts: dict[Node, list[Node]] = {}
    for t in operations:
        mine = root[t]
        parts.setdefault(mine, []).append(t)
        below = [
            depth[root[x]] + 1
            for x in t.inputs
            if isinstance(x, Node) and not x.is_leaf and root[x] is not mine
        ]
        depth[mine] = max([depth.get(mine, 0), *below])
    groups: dict[Any, list[list[Node]]] = {}
    for mine, members in parts.items():
        groups.setdefault((depth[mine], _kinds(members)), []).append(members)
    return list(groups.values())


def _cut(operations: Sequence[Node], first: int = ENDS, last: int = ENDS) -> dict[Node, Block]:
    """Cut a stretch of the evaluation order into blocks, leaving its ends as they are."""
    start, stop = first, len(operations) - last
    names = [t.primitive.name for t in operations[start:stop] if t.primitive is not None]
    period = _period(names)
    if period:
        # a last, incomplete repeat is left to the end
        repeats = len(names) // period
        stop = start + repeats * period
        block = Block(_kinds(operations[start : start + period]), repeats, tuple(names[:period]))
        return dict.fromkeys(operations[start:stop], block)
    width = _crossing(operations)
    blocks = min(BLOCKS, (stop - start) // LEAST)
    step = (stop - start) / max(blocks, 1)
    cuts = [start]
    for k in range(1, blocks):
        low, high = start + int((k - 0.5) * step), start + int((k + 0.5) * step)
        cuts.append(min(range(max(low, cuts[-1] + 1), high), key=width.__getitem__))
    found: dict[Node, Block] = {}
    for low, high in pairwise([*cuts, stop]):
        members = operations[low:high]
        found.update(dict.fromkeys(members, Block(_kinds(members))))
    return found


def _kinds(operations: Sequence[Node]) -> tuple[tuple[str, int], ...]:
    names = Counter(t.primitive.name for t in operations if t.primitive is not None)
    return tuple(sorted(names.items(), key=lambda item: (-item[1], item[0])))


def _period(names: Sequence[str]) -> int:
    """Return the length of the sequence that `names` repeats, 0 if there is none.

    Knuth, Morris and Pratt's table: the longest proper prefix that is also a suffix.
    """
    table = [0] * len(names)
    k = 0
    for i in range(1, len(names)):
        while k and names[i] != names[k]:
            k = table[k - 1]
        if names[i] == names[k]:
            k += 1
        table[i] = k
    period = len(names) - k
    return period if len(names) >= LEAST_REPEATS * period else 0


def _crossing(operations: Sequence[Node]) -> list[int]:
    """Return how many results made before each position are used at or after it."""
    position = {t: i for i, t in enumerate(operations)}
    last = list(range(len(operations)))
    for i, t in enumerate(operations):
        for x in t.inputs:
            if isinstance(x, Node) and x in position:
                last[position[x]] = i
    change = [0] * (len(operations) + 1)
    for i, end in enumerate(last):
        change[i + 1] += 1
        change[end + 1 if end > i else i + 1] -= 1
    width = []
    current = 0
    for step in change[:-1]:
        current += step
        width.append(current)
    return width
