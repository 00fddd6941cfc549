"""What of a computation becomes which vertex and edge of its picture."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ..check.differences import EdgeDiff
from ..node import Node, value_of
from ..primitive import Primitive
from ..sweep import contributions
from .collapse import Block, collapsed
from .dot import Style
from .local import local_derivatives
from .modules import Module, fed_by, modules_of
from .naming import named
from .parts import Edge, Kind, Vertex
from .text import SYMBOLS, Form, Quantity, Summary, bad_name, quantity, shown, written
from .thumbnail import images, thumbnail

LIMIT = 100
"""Up to this many operations, each is drawn by itself."""

MOST_LEAVES = 6
"""Of the leaves that only blocks use, this many are drawn; the others are counted."""

MOST_STRANDS = 3
"""More values than this from one block to another are drawn as one edge."""

Unit = Node | Module
"""What may be drawn by itself, or as part of a block."""

Head = Node | Module | Block
"""What is drawn as one vertex."""


class Assembly:
    """One walk over a computation: what is drawn, and what joins it.

    Args:
        order: its Tensors in evaluation order, the result last.
        seed: the gradient of the result, None for a figure without gradients.
        style: how the figure looks.
        by_module: whether each module is one box.
        note: what the caption says besides.
        by_hand: comparisons with hand-written gradients, by operation and number of its input, or
            by Tensor for a sum over its uses.
        results: what is computed, if it is more than the last Tensor.
    """

    def __init__(
        self,
        order: list[Node],
        seed: Any,
        style: Style,
        *,
        by_module: bool,
        note: str,
        by_hand: Mapping[Any, EdgeDiff],
        results: Sequence[Node] = (),
    ) -> None:
        self.by_hand = by_hand
        self.y = y = order[-1]
        self.order = order
        self.results = results or [y]
        self.seed = seed
        self.style = style
        self.note = note
        self.flows = {} if seed is None or y.is_leaf else contributions(y, seed)
        operations = [t for t in order if not t.is_leaf]
        self.modules = modules_of(operations) if by_module else {}
        self.units = units = [
            t if module is None else module
            for t in operations
            if (module := self.modules.get(t)) is None or module.operations[-1] is t
        ]
        self.blocks = collapsed(units, LIMIT, _kind, self._feeds)
        self.heads: dict[Node, Block | Module] = dict(self.modules)
        for unit, block in self.blocks.items():
            members = unit.operations if isinstance(unit, Module) else (unit,)
            self.heads.update(dict.fromkeys(members, block))
        self.modules_in: dict[Block, list[Module]] = {}
        for unit, block in self.blocks.items():
            if isinstance(unit, Module):
                self.modules_in.setdefault(block, []).append(unit)
        self.names = named([t for t in order if t not in self.heads])
        self.first_bad = self._first_bad()
        self.bad_head: Head | None = None  # the box that it is in
        self.vertices: list[Vertex] = []
        self.edges: list[Edge] = []
        self.keys: dict[Head, str] = {}
        self.sources: dict[Node, str] = {}
        # every use of a Tensor in another vertex, with the contribution that comes back from it
        self.uses: dict[Node, dict[tuple[Head, int], Any]] = {}
        self.feeds: dict[Head, list[Node]] = {}

    def described(self) -> tuple[tuple[Vertex, ...], tuple[Edge, ...], str, Style]:
        """Return vertices, edges, caption and style."""
        self._collect_uses()
        hidden, counted = self._absorbed_leaves()
        absorbed = hidden | counted
        if self.first_bad is not None:
            t = self.first_bad[0]
            self.bad_head = next(iter(self.uses[t]))[0] if t in absorbed else self.heads.get(t)
        for t in self.order:
            head = self.heads.get(t, t)
            if head in self.keys or t in absorbed:
                continue
            if isinstance(head, Node):
                self.keys[head] = self._leaf(head) if head.is_leaf else self._operation(head)
            else:
                inside = sum(x in counted for x in self.feeds.get(head, ()))
                self.keys[head] = self._box(head, inside)
        for head in list(self.keys):
            if isinstance(head, Node):
                self._edges_into_operation(head)
            else:
                given = [x for x in self.feeds.get(head, ()) if x not in absorbed]
                self._edges_into_box(head, given)
        for y in self.results:
            if not y.is_leaf or len(self.order) > 1:
                image = _picture(y._value, is_data=True)
                end = self._vertex("result", y.name or "result", **image)
                self._edge(self.keys[self.heads.get(y, y)], end, y, self.seed)
        return tuple(self.vertices), tuple(self.edges), self._caption(), self.style

    def _feeds(self, unit: Unit) -> list[Unit]:
        """Return the units whose results a unit uses."""
        if isinstance(unit, Node):
            found = [x for x in unit.inputs if isinstance(x, Node) and not x.is_leaf]
            return [self.modules.get(x, x) for x in found] if self.modules else list(found)
        inputs = (x for t in unit.operations for x in t.inputs)
        outer = (x for x in inputs if isinstance(x, Node) and not x.is_leaf)
        return [head for x in outer if (head := self.modules.get(x, x)) is not unit]

    def _first_bad(self) -> tuple[Node, int | None] | None:
        """Return where the first nan or inf is: a value, or the gradient along one edge."""
        for t in self.order:
            if bad_name(t._value):
                return t, None
        if self.seed is not None and bad_name(value_of(self.seed)):
            return None
        for t in reversed(self.order):
            for i in range(len(t.inputs)):
                flow = self.flows.get((t, i))
                if flow is not None and bad_name(value_of(flow)):
                    return t, i
        return None

    def _collect_uses(self) -> None:
        for t in self.order:
            head = self.heads.get(t, t)
            for i, x in enumerate(t.inputs):
                if not isinstance(x, Node) or self.heads.get(x, x) is head:
                    continue
                uses = self.uses.setdefault(x, {})
                slot = (head, i if head is t else 0)
                if slot not in uses:
                    self.feeds.setdefault(head, []).append(x)
                uses[slot] = _added(uses.get(slot), self.flows.get((t, i)))

    def _absorbed_leaves(self) -> tuple[set[Node], set[Node]]:
        """Return the parameters of modules, and the leaves that boxes count instead."""
        hidden, inner, ends = set(), [], set(self.results)
        given = {id(x) for module in set(self.modules.values()) for x in module.scope.inputs}
        for x in self.order:
            if not x.is_leaf or x not in self.uses or x in ends:
                continue
            heads = {head for head, _ in self.uses[x]}
            if all(isinstance(h, Module) or h in self.modules_in for h in heads):
                if id(x) not in given:
                    hidden.add(x)
            elif not any(isinstance(h, Node) for h in heads):
                inner.append(x)
        inner.sort(key=lambda x: x.name is None)
        return hidden, set(inner[MOST_LEAVES:])

    # ---- vertices --------------------------------------------------------------------------------

    def _vertex(
        self,
        kind: Kind,
        title: str,
        details: Sequence[str] = (),
        name: str = "",
        primitive: Primitive | None = None,
        **more: Any,
    ) -> str:
        key = f"v{len(self.vertices)}"
        self.vertices.append(
            Vertex(key, kind, shown(title), name, tuple(details), primitive, **more)
        )
        return key

    def _leaf(self, t: Node) -> str:
        if not t.requires_grad and t.name is None and t is not self.y:
            title, image = _plain_title(t._value), _picture(t._value, is_data=True)
            return self._vertex("constant", title, name=self.names[t], **image)
        total = self.seed
        image = _picture(t._value, is_data=not t.requires_grad)
        details = list(image.pop("details"))
        if t is not self.y and self.seed is not None:
            total = self._total(t)
            if t.grad is not None and not np.allclose(t.grad, value_of(total), equal_nan=True):
                details += [f".grad {written(quantity(value_of(t.grad)))}, of all passes"]
        return self._vertex(
            "leaf" if t.requires_grad else "constant",
            t.name or self.names[t],
            details,
            self.names[t],
            value=quantity(t._value),
            gradient=None if total is None else quantity(value_of(total)),
            **image,
            is_first_bad=self._is_first(t, None),
        )

    def _total(self, x: Node) -> Any:
        """Return the gradient of a Tensor: 0 where `where` took no branch that leads to it."""
        total = functools.reduce(_added, self.uses[x].values())
        return 0.0 if total is None else total

    def _operation(self, t: Node) -> str:
        row = t.primitive
        assert row is not None
        title = row.name if row.symbol is None else SYMBOLS.get(row.symbol, row.symbol)
        details = [shown(f"{key}={value!r}") for key, value in t.params.items()]
        is_bad = self.first_bad is not None and self.first_bad[0] is t
        return self._vertex("operation", title, details, self.names[t], row, is_first_bad=is_bad)

    def _box(self, head: Block | Module, leaves: int) -> str:
        is_bad = self.bad_head is head
        within = [f"the first {self._bad_name()} is in here"] if is_bad else []
        if isinstance(head, Module):
            title, kind, count = head.scope.name, head.kind, head.parameters
            details = [] if kind == title else [kind]
            if count:
                details.append(_parameters(count))
            details += within
            return self._vertex("module", title, details, shown(title), is_first_bad=is_bad)
        inner = self.modules_in.get(head, [])
        noun = "modules" if inner else "operations"
        title, details = f"{head.size:,} {noun}", [*_block_details(head), *within]
        owners = {id(m.scope.module): m for m in inner}
        total = sum(m.parameters or 0 for m in owners.values())
        if total:
            details.append(_parameters(total))
        if leaves:
            details.append(f"fed by {leaves:,} more leaves")
        return self._vertex("block", title, details, f"[{title}]", is_first_bad=is_bad)

    # ---- edges -----------------------------------------------------------------------------------

    def _edge(
        self,
        tail: str,
        head: str,
        x: Any,
        gradient: Any,
        terms: Sequence[Any] = (),
        slope: float | None = None,
        bad: bool = False,
        diff: EdgeDiff | None = None,
    ) -> None:
        differentiable = isinstance(x, Node) and x.requires_grad
        if differentiable and gradient is None and self.seed is not None:
            gradient = 0.0  # a branch that where() did not take
        is_first = self._is_first(x, None) and all(e.first_bad == "" for e in self.edges)
        self.edges.append(
            Edge(
                tail,
                head,
                quantity(value_of(x)),
                None if gradient is None else quantity(value_of(gradient)),
                tuple(quantity(0.0 if term is None else term) for term in terms),
                differentiable,
                slope,
                "value" if is_first else "gradient" if bad else "",
                "" if diff is None else "right" if diff.is_right else "wrong",
                "" if diff is None or diff.is_right else diff.got_text,
            )
        )

    def _source(self, x: Node) -> str:
        """Return where edges of `x` start: a junction if a gradient is added up there."""
        if x not in self.sources:
            tail = self.keys[self.heads.get(x, x)]
            uses = self.uses[x]
            if len(uses) > 1 and x.requires_grad and x not in self.heads:
                junction = self._vertex("junction", "")
                total = functools.reduce(_added, uses.values())
                terms = () if self.seed is None else tuple(uses.values())
                self._edge(tail, junction, x, total, terms, diff=self.by_hand.get(x))
                tail = junction
            self.sources[x] = tail
        return self.sources[x]

    def _edges_into_operation(self, t: Node) -> None:
        for i, (x, slope) in enumerate(zip(t.inputs, local_derivatives(t), strict=True)):
            if isinstance(x, Node):
                bad = self._is_first(t, i)
                flow, diff = self.uses[x][t, i], self.by_hand.get((t, i))
                self._edge(self._source(x), self.keys[t], x, flow, slope=slope, bad=bad, diff=diff)
            else:
                self._edge(self._constant(x), self.keys[t], x, None)

    def _constant(self, x: Any) -> str:
        title = _plain_title(x)
        return self._vertex("constant", title, name=title, **_picture(x, is_data=True))

    def _edges_into_box(self, head: Block | Module, inputs: Sequence[Node]) -> None:
        bundles: dict[Head, list[Node]] = {}
        inner = [head] if isinstance(head, Module) else self.modules_in.get(head, [])
        for module in inner:
            for x in fed_by(module):
                self._edge(self._constant(x), self.keys[head], x, None)
        for x in inputs:
            bundles.setdefault(self.heads.get(x, x), []).append(x)
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

    # ---- the caption -----------------------------------------------------------------------------

    def _caption(self) -> str:
        name = shown(self.y.name or "the result")
        right = self.style.direction == "right"
        is_form = any(isinstance(t._value, Form) for t in self.order)
        what = "shape and dtype" if is_form else "the value"
        parts = [f"{'above' if right else 'left of'} each edge: {what}"]
        if is_form:
            parts.append("for values and gradients, draw what the graph returns for Tensors")
        elif self.seed is None:
            parts.append("no gradient yet: call backward() first")
        else:
            parts.append(f"{'below, with ←' if right else 'right, with ↑'}: the gradient of {name}")
        if any(isinstance(edge.value, Summary) for edge in self.edges):
            parts.append("arrays as shape: least … mean … greatest")
        if self.first_bad is not None:
            parts.append(self._where_bad())
        if self.blocks:
            blocks = len(set(self.blocks.values()))
            noun = "parts" if self.modules else "operations"
            parts.append(
                f"{len(self.blocks):,} of {len(self.units):,} {noun} are collapsed into "
                f"{blocks} {'box' if blocks == 1 else 'boxes'}"
            )
        if self.by_hand:
            parts.append("green: right by hand; red and thick: wrong by hand")
        if self.note:
            parts.append(self.note)
        return "; ".join(parts)

    def _is_first(self, t: Any, i: int | None) -> bool:
        # Tensors are compared by identity: == compares their values
        return self.first_bad is not None and self.first_bad[0] is t and self.first_bad[1] == i

    def _bad_name(self) -> str:
        assert self.first_bad is not None
        t, i = self.first_bad
        return bad_name(t._value if i is None else value_of(self.flows[t, i]))

    def _where_bad(self) -> str:
        assert self.first_bad is not None
        t, i = self.first_bad
        if t.is_leaf:
            return f"red: the first {self._bad_name()}, given as {shown(self.names[t])}"
        assert t.primitive is not None
        what = f"from {t.primitive.name}" if i is None else f"in the gradient of {t.primitive.name}"
        return f"red: the first {self._bad_name()}, {what}"


def _kind(unit: Unit) -> str:
    if isinstance(unit, Module):
        return unit.kind
    assert unit.primitive is not None
    return unit.primitive.name


def _added(a: Any, b: Any) -> Any:
    return b if a is None else a if b is None else a + b


def _together(values: Iterable[Any]) -> Quantity:
    values = list(values)
    if isinstance(values[0], Form):
        return Form((sum(math.prod(v.shape) for v in values),), values[0].dtype)
    return quantity(np.concatenate([np.ravel(v) for v in values]))


def _picture(value: Any, *, is_data: bool) -> dict[str, Any]:
    """Return the pixels of an image and, of several, which it is."""
    batch = images(value, is_data=is_data)
    many = 0 if batch is None else len(batch)
    details = (f"the first of {many:,} images",) if many > 1 else ()
    return {"details": details, "pixels": thumbnail(value, is_data=is_data)}


def _plain_title(value: Any) -> str:
    return written(quantity(value)).split(":")[0]


def _parameters(count: int) -> str:
    return f"{count:,} {'parameter' if count == 1 else 'parameters'}"


def _block_details(block: Block) -> list[str]:
    if block.sequence and len(block.sequence) <= 6:
        return [f"{block.parts:,} times", ", ".join(block.sequence)]
    each = f"{block.parts:,} alike, each " if block.parts > 1 else ""
    counts = [f"{count:,} {name}" for name, count in block.operations[:4]]
    details = [each + counts[0], *counts[1:]]
    if len(block.operations) > 4:
        details.append(f"{len(block.operations) - 4} other kinds")
    return details
