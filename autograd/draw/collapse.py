"""What to leave out of a picture that would be too large to read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ..node import Node

ENDS = 4
"""Operations drawn one by one at either end of a collapsed graph."""

BLOCKS = 8
"""Blocks between them."""


@dataclass(frozen=True, eq=False)
class Block:
    """A stretch of the evaluation order that is drawn as one box."""

    operations: tuple[tuple[str, int], ...]

    @property
    def size(self) -> int:
        """The number of operations in it."""
        return sum(count for _, count in self.operations)


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

    Blocks are stretches of the evaluation order, so that a picture of them has no cycle; they are
    cut where few values pass from one to the next.

    Args:
        operations: in evaluation order.
        limit: up to how many operations each is drawn by itself.

    Returns:
        The block of every operation that is not drawn by itself.
    """
    n = len(operations)
    if n <= limit:
        return {}
    start, stop = ENDS, n - ENDS
    width = _crossing(operations)
    cuts = [start]
    if max(width[start + 1 : stop], default=0) > 1:
        step = (stop - start) / BLOCKS
        for k in range(1, BLOCKS):
            low, high = start + int((k - 0.5) * step), start + int((k + 0.5) * step)
            cuts.append(min(range(max(low, cuts[-1] + 1), high), key=width.__getitem__))
    cuts.append(stop)
    found: dict[Node, Block] = {}
    for low, high in pairwise(cuts):
        members = operations[low:high]
        names = Counter(t.primitive.name for t in members if t.primitive is not None)
        block = Block(tuple(sorted(names.items(), key=lambda item: (-item[1], item[0]))))
        found.update(dict.fromkeys(members, block))
    return found


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
