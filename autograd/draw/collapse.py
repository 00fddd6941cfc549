"""What to leave out of a picture that would be too large to read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeVar

from ..node import Node

T = TypeVar("T")

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
    """Operations, or modules, that are drawn as one box.

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


def collapsed(
    units: Sequence[T],
    limit: int,
    kind: Callable[[T], str],
    feeds: Callable[[T], Iterable[T]],
) -> dict[T, Block]:
    """Say which units (operations, modules) are drawn as part of a block, and of which.

    A graph falls into parts whose inner results are used once (a neuron, a loss). Parts of the same
    kind at the same depth become one block. A large part is cut along the evaluation order, at
    places where few values pass, or drawn once where it repeats. None of this can form a cycle.

    Args:
        units: in evaluation order.
        limit: up to how many units each is drawn by itself.
        kind: what a unit is called; those of one kind are alike.
        feeds: the units whose results a unit uses.

    Returns:
        The block of every unit that is not drawn by itself.
    """
    if len(units) <= limit:
        return {}
    graph = _Units(units, kind, feeds)
    groups = graph.alike()
    if len(groups) == 1 or len(groups) > MOST_GROUPS:
        return graph.cut(range(len(units)))
    found: dict[T, Block] = {}
    for parts in groups:
        if len(parts) > 1:
            members = [units[i] for part in parts for i in part]
            found.update(dict.fromkeys(members, Block(graph.counted(parts[0]), len(parts))))
        elif len(parts[0]) > 4 * ENDS:
            is_last = parts[0][-1] == len(units) - 1
            found.update(graph.cut(parts[0], 0, ENDS if is_last else 0))
    return found


class _Units:
    """Units by their positions in the evaluation order."""

    def __init__(
        self, units: Sequence[Any], kind: Callable[[Any], str], feeds: Callable[[Any], Any]
    ) -> None:
        self.units = units
        self.kinds = [kind(u) for u in units]
        position = {u: i for i, u in enumerate(units)}
        self.feeds = [[position[f] for f in feeds(u)] for u in units]

    def counted(self, part: Iterable[int]) -> tuple[tuple[str, int], ...]:
        """Return how many of which kind there are, the most frequent first."""
        names = Counter(self.kinds[i] for i in part)
        return tuple(sorted(names.items(), key=lambda item: (-item[1], item[0])))

    def alike(self) -> list[list[list[int]]]:
        """Return the parts whose inner results are used once, of one kind and depth together."""
        count = len(self.units)
        user = [-1] * count  # -2 if used by several units: then it is a part's result
        for i, feeds in enumerate(self.feeds):
            for f in feeds:
                user[f] = i if user[f] in (-1, i) else -2
        root = list(range(count))
        for i in reversed(range(count)):
            if user[i] >= 0:
                root[i] = root[user[i]]
        depth = [0] * count
        parts: dict[int, list[int]] = {}
        for i, feeds in enumerate(self.feeds):
            mine = root[i]
            parts.setdefault(mine, []).append(i)
            for f in feeds:
                if root[f] != mine:
                    depth[mine] = max(depth[mine], depth[root[f]] + 1)
        groups: dict[Any, list[list[int]]] = {}
        for mine, members in parts.items():
            groups.setdefault((depth[mine], self.counted(members)), []).append(members)
        return list(groups.values())

    def cut(self, part: Sequence[int], first: int = ENDS, last: int = ENDS) -> dict[Any, Block]:
        """Cut a stretch of the evaluation order into blocks, leaving its ends as they are."""
        start, stop = first, len(part) - last
        names = [self.kinds[i] for i in part[start:stop]]
        period = _period(names)
        if period:
            # a last, incomplete repeat is left to the end
            repeats = len(names) // period
            stop = start + repeats * period
            once = self.counted(part[start : start + period])
            block = Block(once, repeats, tuple(names[:period]))
            return dict.fromkeys((self.units[i] for i in part[start:stop]), block)
        width = self.crossing(part)
        blocks = min(BLOCKS, (stop - start) // LEAST)
        step = (stop - start) / max(blocks, 1)
        cuts = [start]
        for k in range(1, blocks):
            low, high = start + int((k - 0.5) * step), start + int((k + 0.5) * step)
            cuts.append(min(range(max(low, cuts[-1] + 1), high), key=width.__getitem__))
        found: dict[Any, Block] = {}
        for low, high in pairwise([*cuts, stop]):
            members = part[low:high]
            block = Block(self.counted(members))
            found.update(dict.fromkeys((self.units[i] for i in members), block))
        return found

    def crossing(self, part: Sequence[int]) -> list[int]:
        """Return how many results made before each position are used at or after it."""
        place = {i: k for k, i in enumerate(part)}
        last = list(range(len(part)))
        for k, i in enumerate(part):
            for f in self.feeds[i]:
                if f in place:
                    last[place[f]] = k
        change = [0] * (len(part) + 1)
        for k, end in enumerate(last):
            change[k + 1] += 1
            change[end + 1 if end > k else k + 1] -= 1
        width = []
        current = 0
        for step in change[:-1]:
            current += step
            width.append(current)
        return width


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
