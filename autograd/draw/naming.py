"""What pictures and formulas call each value."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count

from ..node import Node
from .text import shown


def named(order: Iterable[Node]) -> dict[Node, str]:
    """Give every Tensor a name of its own: the user's where there is one.

    Unnamed leaves are called x1, x2, ..., unnamed results t1, t2, ..., the last one `result`. A
    name that is used twice is numbered.

    Args:
        order: in evaluation order.

    Example:
        >>> from autograd import Tensor
        >>> a, b = Tensor(2.0, name="a"), Tensor(3.0)
        >>> list(named([a, b, a * b, a + b]).values())
        ['a', 'x1', 't1', 'result']
    """
    order = list(order)
    taken = {shown(t.name) for t in order if t.name}  # no invented name may be one of these
    used: set[str] = set()
    given: dict[Node, str] = {}
    numbers = {"x": count(1), "t": count(1)}
    for t in order:
        if t.name:
            name = shown(t.name)
            others = (f"{shown(t.name)} ({k})" for k in count(2))
            while name in used:
                name = next(other for other in others if other not in taken)
        elif t is order[-1] and "result" not in taken:
            name = "result"
        else:
            letter = "x" if t.is_leaf else "t"
            name = next(f"{letter}{k}" for k in numbers[letter] if f"{letter}{k}" not in taken)
        used.add(name)
        given[t] = name
    return given
