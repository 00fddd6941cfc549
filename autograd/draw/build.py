"""`draw`: from a recorded Tensor to the description of its picture."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ..errors import DTypeError, GraphError, message
from ..node import Node, value_of
from ..primitive import Primitive
from ..sweep import contributions
from .collapse import Block, collapsed, evaluation_order
from .dot import Style
from .figure import Figure
from .local import local_derivatives
from .naming import named
from .parts import Edge, Kind, Vertex
from .text import SYMBOLS, Quantity, Summary, quantity, shown, written

LIMIT = 100
"""Up to this many operations, each is drawn by itself."""

MOST_LEAVES = 6
"""Of the leaves that only blocks use, this many are drawn; the others are counted."""

MOST_STRANDS = 3
"""More values than this from one block to another are drawn as one edge."""


def draw(
    y: Node,
    *,
    theme: str = "light",
    direction: str = "right",
    derivatives: bool = False,
) -> Figure:
    """Draw the computation of `y`: operations as circles, every edge with two numbers.

    The value stands above each edge and the gradient of `y` below it, as `backward()` has left
    them. Large computations are collapsed, and the picture says what stands for how much.

    Args:
        y: a Tensor.
        theme: "light" or "dark".
        direction: "right" or "down".
        derivatives: whether edges show their local derivative as well.

    Returns:
        The figure, as of now.

    Raises:
        DTypeError: if `y` is no Tensor.
        ArgumentError: if `theme` or `direction` is unknown.
        GraphError: if a leaf was assigned since `y` was computed.

    Example:
        >>> from autograd import Tensor
        >>> apple, count = Tensor(100, name="apple"), Tensor(2, name="count")
        >>> price = apple * count
        >>> price.backward()
        >>> [(e.value, e.gradient) for e in draw(price).edges]
        [(100.0, 2.0), (2.0, 100.0), (200.0, 1.0)]
    """
    if not isinstance(y, Node):
        raise DTypeError(
            message("y to be a Tensor", type(y).__name__, "drawing a result of Tensors")
        )
    return described(recorded(y), y.grad, Style(theme, direction, derivatives))


def described(order: list[Node], seed: Any, style: Style | None = None) -> Figure:
    """Describe a computation.

    Args:
        order: its Tensors in evaluation order.
        seed: the gradient of the last one, None for a figure without gradients.
        style: how the figure looks.
    """
    return _Builder(order, seed, style or Style()).figure()


def recorded(y: Any) -> list[Node]:
    """Return the computation of `y` in evaluation order, refused where it is no longer true."""
    if not isinstance(y, Node):
        raise DTypeError(message("y to be a Tensor", type(y).__name__, "a result of Tensors"))
    order = evaluation_order(y)
    for t in order:
        for x in t.inputs:
            if isinstance(x, Node) and x.is_leaf and x._clock > t._clock:
                raise GraphError(
                    message(
                        f"{x.label} to hold the value that {t.label} was computed with",
                        "a value assigned since",
                        "computing the result again first",
                    )
                )
    return order


Head = Node | Block


class _Builder:
    """One walk over a computation: what is drawn, and what joins it."""

    def __init__(self, order: list[Node], seed: Any, style: Style) -> None:
        self.y = y = order[-1]
        self.order = order
        self.seed = seed
        self.style = style
        self.flows = {} if seed is None or y.is_leaf else contributions(y, seed)
        self.blocks = collapsed([t for t in order if not t.is_leaf], LIMIT)
        self.names = named([t for t in order if t not in self.blocks])
        self.vertices: list[Vertex] = []
        self.edges: list[Edge] = []
        self.keys: dict[Head, str] = {}
        self.sources: dict[Node, str] = {}
        # every use of a Tensor in another vertex, with the contribution that comes back from it
        self.uses: dict[Node, dict[tuple[Head, int], Any]] = {}
        self.feeds: dict[Head, list[Node]] = {}

    def figure(self) -> Figure:
        """Return the figure."""
        self._collect_uses()
        absorbed = self._absorbed_leaves()
        for t in self.order:
            head = self.blocks.get(t, t)
            if head in self.keys or t in absorbed:
                continue
            if isinstance(head, Block):
                inside = sum(x in absorbed for x in self.feeds.get(head, ()))
                self.keys[head] = self._vertex(
                    "block", *_block_text(head, inside), f"[{head.size:,} operations]"
                )
            elif t.is_leaf:
                self.keys[t] = self._leaf(t)
            else:
                self.keys[t] = self._operation(t)
        for head in self.keys:
            if isinstance(head, Block):
                self._edges_into_block(head, [x for x in self.feeds[head] if x not in absorbed])
            else:
                self._edges_into_operation(head)
        if not self.y.is_leaf:
            end = self._vertex("result", self.y.name or "result")
            self._edge(self.keys[self.y], end, self.y, self.seed)
        return Figure(tuple(self.vertices), tuple(self.edges), self._caption(), self.style)

    def _collect_uses(self) -> None:
        for t in self.order:
            head = self.blocks.get(t, t)
            for i, x in enumerate(t.inputs):
                if not isinstance(x, Node) or self.blocks.get(x, x) is head:
                    continue
                uses = self.uses.setdefault(x, {})
                slot = (head, i if head is t else 0)
                if slot not in uses:
                    self.feeds.setdefault(head, []).append(x)
                uses[slot] = _added(uses.get(slot), self.flows.get((t, i)))

    def _absorbed_leaves(self) -> set[Node]:
        inner = [
            x
            for x in self.order
            if x.is_leaf and x in self.uses and all(isinstance(h, Block) for h, _ in self.uses[x])
        ]
        inner.sort(key=lambda x: x.name is None)
        return set(inner[MOST_LEAVES:])

    def _vertex(
        self,
        kind: Kind,
        title: str,
        details: Sequence[str] = (),
        name: str = "",
        primitive: Primitive | None = None,
    ) -> str:
        key = f"v{len(self.vertices)}"
        self.vertices.append(Vertex(key, kind, title, name, tuple(details), primitive))
        return key

    def _leaf(self, t: Node) -> str:
        kind: Kind = "leaf" if t.requires_grad else "constant"
        title = t.name or _plain_title(t._value)
        details = []
        if t is self.y:
            details = [written(quantity(t._value)), "no gradient yet"]
            if t.grad is not None:
                details[1] = f"← {written(quantity(value_of(t.grad)))}"
        return self._vertex(kind, title, details, self.names[t])

    def _operation(self, t: Node) -> str:
        row = t.primitive
        assert row is not None
        title = row.name if row.symbol is None else SYMBOLS.get(row.symbol, row.symbol)
        details = [shown(f"{key}={value!r}") for key, value in t.params.items()]
        return self._vertex("operation", title, details, self.names[t], row)

    def _edge(
        self,
        tail: str,
        head: str,
        x: Any,
        gradient: Any,
        terms: Sequence[Any] = (),
        slope: float | None = None,
    ) -> None:
        differentiable = isinstance(x, Node) and x.requires_grad
        if differentiable and gradient is None and self.seed is not None:
            gradient = 0.0  # a branch that where() did not take
        self.edges.append(
            Edge(
                tail,
                head,
                quantity(value_of(x)),
                None if gradient is None else quantity(value_of(gradient)),
                tuple(quantity(0.0 if term is None else term) for term in terms),
                differentiable,
                slope,
            )
        )

    def _source(self, x: Node) -> str:
        """Return where edges of `x` start: a junction if a gradient is added up there."""
        if x not in self.sources:
            tail = self.keys[self.blocks.get(x, x)]
            uses = self.uses[x]
            if len(uses) > 1 and x.requires_grad and x not in self.blocks:
                junction = self._vertex("junction", "")
                total = functools.reduce(_added, uses.values())
                terms = () if self.seed is None else tuple(uses.values())
                self._edge(tail, junction, x, total, terms)
                tail = junction
            self.sources[x] = tail
        return self.sources[x]

    def _edges_into_operation(self, t: Node) -> None:
        for i, (x, slope) in enumerate(zip(t.inputs, local_derivatives(t), strict=True)):
            if isinstance(x, Node):
                self._edge(self._source(x), self.keys[t], x, self.uses[x][t, i], slope=slope)
            else:
                tail = self._vertex("constant", _plain_title(x), name=_plain_title(x))
                self._edge(tail, self.keys[t], x, None)

    def _edges_into_block(self, head: Block, inputs: Sequence[Node]) -> None:
        bundles: dict[Block, list[Node]] = {}
        for x in inputs:
            if x in self.blocks:
                bundles.setdefault(self.blocks[x], []).append(x)
            else:
                self._edge(self._source(x), self.keys[head], x, self.uses[x][head, 0])
        for tail, strands in bundles.items():
            if len(strands) <= MOST_STRANDS:
                for x in strands:
                    self._edge(self._source(x), self.keys[head], x, self.uses[x][head, 0])
                continue
            values = _together(x._value for x in strands)
            back = [self.uses[x][head, 0] for x in strands]
            gradient = (
                None if self.seed is None else _together(0.0 if c is None else c for c in back)
            )
            self.edges.append(
                Edge(
                    self.keys[tail],
                    self.keys[head],
                    values,
                    gradient,
                    differentiable=any(x.requires_grad for x in strands),
                )
            )

    def _caption(self) -> str:
        name = shown(self.y.name or "the result")
        right = self.style.direction == "right"
        parts = [f"{'above' if right else 'left of'} each edge: the value"]
        if self.seed is None:
            parts.append("no gradient yet: call backward() first")
        else:
            parts.append(f"{'below, with ←' if right else 'right, with ↑'}: the gradient of {name}")
        if any(isinstance(edge.value, Summary) for edge in self.edges):
            parts.append("arrays as shape: least … mean … greatest")
        if self.blocks:
            blocks = len(set(self.blocks.values()))
            total = sum(not t.is_leaf for t in self.order)
            parts.append(
                f"{len(self.blocks):,} of {total:,} operations are collapsed into "
                f"{blocks} {'box' if blocks == 1 else 'boxes'}"
            )
        return "; ".join(parts)


def _added(a: Any, b: Any) -> Any:
    return b if a is None else a if b is None else a + b


def _together(values: Iterable[Any]) -> Quantity:
    return quantity(np.concatenate([np.ravel(v) for v in values]))


def _plain_title(value: Any) -> str:
    return written(quantity(value)).split(":")[0]


def _block_text(block: Block, leaves: int) -> tuple[str, list[str]]:
    if block.sequence and len(block.sequence) <= 6:
        details = [f"{block.parts:,} times", ", ".join(block.sequence)]
    else:
        each = f"{block.parts:,} alike, each " if block.parts > 1 else ""
        counts = [f"{count:,} {name}" for name, count in block.operations[:4]]
        details = [each + counts[0], *counts[1:]]
        if len(block.operations) > 4:
            details.append(f"{len(block.operations) - 4} other kinds")
    if leaves:
        details.append(f"fed by {leaves:,} more leaves")
    return f"{block.size:,} operations", details
