"""The reverse sweep; with the forward one, in `forward`, the only place that applies rules.

What every rule would otherwise have to care for is done here, once: order, fan-out, broadcasting,
dtype, structural zeros, stale graphs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from .anomaly import flowed
from .errors import ShapeError, message
from .fitting import fit, fitted, of_scalars, raw, recorded, reduced_mask, seed_of
from .kinds import Linear
from .node import LEAF, Node, leading_to, refuse_stale, tensors_of, value_of
from .primitive import NON_DIFFERENTIABLE
from .recording import Tape, explain, mode, tape, traced
from .zeros import collapsed, is_dead, is_finite, leaves_out, live_seed

Observer = Callable[[Node, int, Any], None]


def accumulate(root: Node, gradient: Any = None) -> None:
    """Run the reverse sweep from `root` and add to the `.grad` of its leaves.

    Args:
        root: a recorded Tensor.
        gradient: its cotangent; 1 for a scalar.
    """
    seed = seed_of(root, gradient, record=False)
    nodes, cotangents, leaves = _swept([root], [seed])
    totals = [
        (leaf, g if leaf.grad is None else value_of(leaf.grad) + g) for leaf, g in leaves.items()
    ]
    for node, g in zip(nodes, cotangents, strict=True):
        node.grad = g
    for leaf, total in totals:
        # a cotangent may be shared between leaves, and users write into .grad
        leaf.grad = np.array(total) if type(total) is np.ndarray else total


def gradients(
    outputs: Node | Sequence[Node],
    inputs: Node | Sequence[Node],
    cotangents: Any = None,
    *,
    create_graph: bool = False,
) -> Any:
    """Return the gradient of `outputs` with respect to `inputs`, without touching any `.grad`.

    Args:
        outputs: a Tensor, or several whose contributions add up.
        inputs: a Tensor or a sequence of them: leaves, or results on the way.
        cotangents: what to start from, one an output, of its shape; 1 for a scalar.
        create_graph: whether the results are recorded, so that they can be differentiated again.

    Returns:
        One gradient an input (a single one for a single input), None where there is no path.
        They are Tensors with `create_graph`, floats and arrays otherwise.

    Raises:
        ShapeError: if an output is not a scalar and has no cotangent, or shapes differ.
        GraphError: if an output was not recorded, or a leaf was assigned since.

    Example:
        >>> from autograd import Tensor
        >>> x = Tensor(3.0)
        >>> slope = gradients(x * x * x, x, create_graph=True)
        >>> slope.item(), gradients(slope, x)
        (27.0, 18.0)
    """
    roots = tensors_of("outputs", outputs)
    targets = tensors_of("inputs", inputs)
    seeds: list[Any] = [None] * len(roots)
    if cotangents is not None:
        seeds = [cotangents] if isinstance(outputs, Node) else list(cotangents)
    if len(seeds) != len(roots):
        raise ShapeError(
            message(
                f"one cotangent for each of {len(roots)} outputs", f"{len(seeds)}", "a list of them"
            )
        )
    create_graph = create_graph or any(map(traced, roots))
    results = _found(roots, targets, seeds, create_graph)
    return results[0] if isinstance(inputs, Node) else tuple(results)


def separate_gradients(root: Node, inputs: Sequence[Node], cotangent: Any, record: bool) -> Any:
    """Return the gradients of `root` as if no input was computed from another one."""
    return _found([root], inputs, [cotangent], record, frozenset(inputs))


def _found(
    roots: Sequence[Node],
    targets: Sequence[Node],
    seeds: Sequence[Any],
    record: bool,
    ends: frozenset[Node] = frozenset(),
) -> list[Any]:
    starts = [seed_of(t, s, record=record) for t, s in zip(roots, seeds, strict=True)]
    relevant = leading_to(roots, set(targets))
    nodes, gs, leaves = _swept(roots, starts, relevant, record, ends)
    explain(None, 0)
    found = dict(zip(nodes, gs, strict=True))
    found.update(leaves)
    return [found.get(t) for t in targets]


def contributions(root: Node, gradient: Any = None) -> dict[tuple[Node, int], Any]:
    """Return what flows back along every edge: the terms whose sums are the gradients.

    Args:
        root: a recorded Tensor.
        gradient: its cotangent; 1 for a scalar.

    Returns:
        The contribution of the result `t` to its input number `i`, under `(t, i)`.

    Example:
        >>> from autograd import Tensor
        >>> x = Tensor(2.0)
        >>> y = x * x
        >>> contributions(y)[y, 0], contributions(y)[y, 1]
        (2.0, 2.0)
    """
    edges: dict[tuple[Node, int], Any] = {}
    _pullback(
        [root],
        [seed_of(root, gradient, record=False)],
        observe=lambda t, i, g: edges.update({(t, i): g}),
    )
    return edges


def _swept(
    roots: Sequence[Node],
    seeds: Sequence[Any],
    relevant: set[Node] | None = None,
    record: bool = False,
    ends: frozenset[Node] = frozenset(),
) -> tuple[list[Node], list[Any], dict[Node, Any]]:
    """Carry cotangents back; once more, following zeros, where the result is not finite.

    An entry that an index leaves out, or a seed of zero, contributes nothing, though 0 * inf is
    nan. Following which entries are live costs time, which is spent only where it can matter.
    """
    found = _pullback(roots, seeds, relevant, record, careful=mode.anomaly > 0, ends=ends)
    reached = found[2] or dict(zip(found[0], found[1], strict=True))
    if mode.tracing or mode.anomaly or all(map(is_finite, reached.values())):
        return found
    if all(type(value_of(g)) is float for g in found[1]):
        return found
    return _pullback(roots, seeds, relevant, record, careful=True, ends=ends)


def _pullback(
    roots: Sequence[Node],
    seeds: Sequence[Any],
    relevant: set[Node] | None = None,
    record: bool = False,
    observe: Observer | None = None,
    careful: bool = False,
    ends: frozenset[Node] = frozenset(),
) -> tuple[list[Node], list[Any], dict[Node, Any]]:
    """Carry cotangents from the roots to the leaves.

    Scalar edges hold their local derivative, so one multiplication an edge is all there is to do;
    other records, and every record when `record` or `observe` is set, apply the rules of their row.

    Args:
        roots: where to start.
        seeds: one cotangent a root.
        relevant: the Tensors to visit; all if None.
        record: whether the cotangents are recorded Tensors.
        observe: told the contribution of every edge.
        careful: whether to follow the zeros of seeds and indices as those of `where`.
        ends: where to stop, as at leaves.

    Returns:
        The interior Tensors visited, their cotangents in the same order, and the cotangents of
        the leaves. A cotangent of None is a structural zero: `where` did not take this branch.
    """
    shared = _fan_out(roots, relevant, ends)
    nodes: list[Node] = []
    cotangents: list[Any] = []
    leaves: dict[Node, Any] = {}
    partial: dict[Node, Any] = {}
    live: dict[Node, Any] = {}
    untouched: list[Node] = []
    push_node = nodes.append
    push_cotangent = cotangents.append

    def deliver(x: Node, g: Any, mask: Any = None) -> None:
        """Add a contribution to `x`; once all have come, `x` is next in line."""
        if x._op is LEAF:
            if g is None:
                untouched.append(x)
            else:
                leaves[x] = leaves[x] + g if x in leaves else g
            return
        waiting = shared.get(x, 1) - 1
        if x in partial:
            old = partial[x]
            old_mask = live.pop(x, None)
            if old is None:
                total = g
            elif g is None:
                total, mask = old, old_mask
            else:
                total = old + g
                mask = None if mask is None or old_mask is None else np.logical_or(old_mask, mask)
        else:
            total = g
        if mask is not None:
            live[x] = mask
        if waiting:
            shared[x] = waiting
            partial[x] = total
        else:
            partial.pop(x, None)
            push_node(x)
            push_cotangent(total)

    for root, seed in zip(roots, seeds, strict=True):
        mask = live_seed(seed) if careful or record or root.shape == () else None
        deliver(root, None if is_dead(mask) else seed, mask)
    kind = type(roots[0]) if roots else Node
    ndarray = np.ndarray
    stepwise = careful or observe is not None or mode.anomaly > 0 or bool(ends)
    general = stepwise or record or mode.tracing > 0
    quick = record and not stepwise
    current = tape.get() if mode.tracing else None
    with np.errstate(all="ignore"):
        for node, g in zip(nodes, cotangents, strict=False):  # both grow while they are walked
            entry = node._record
            if quick and entry is None and g is not None and node not in live:
                for x, c in _scalar_edges(node, g, relevant, current):
                    deliver(x, c)
                continue
            if general or g is None or node in live or (entry and node._op.selects):
                if node in ends:
                    continue
                for edge in _edges(node, g, record, live.get(node), relevant, observe, careful):
                    deliver(*edge)
                continue
            if entry is not None:
                row = node._op
                inputs, params = entry
                values, y = raw(row, inputs, node._value)
                rules = row.rules
                form = 0 if params else row.form
                if form:  # what row.pull does, without its call
                    given = g if form == 1 else y
                    two = len(values) == 2  # a starred call costs twice as much
                    if two:
                        a, b = values
                for i, x in enumerate(inputs):
                    if type(x) is not kind:
                        continue
                    op = x._op
                    if op is None or (relevant is not None and x not in relevant):
                        continue
                    if form:
                        c = rules[i](given, a, b) if two else rules[i](given, *values)
                        if form == 2:
                            c = g * c
                    elif not row.is_variadic and rules[i] is NON_DIFFERENTIABLE:
                        deliver(x, None)
                        continue
                    else:
                        c = row.pull(i, g, y, values, params)
                    own = x._value
                    if (
                        type(c) is not ndarray
                        or type(own) is not ndarray
                        or c.shape != own.shape
                        or c.dtype is not own.dtype
                    ):
                        c = fitted(c, x)
                    if op is LEAF:
                        leaves[x] = leaves[x] + c if x in leaves else c
                    elif x in shared:
                        deliver(x, c)
                    else:
                        push_node(x)
                        push_cotangent(c)
                continue
            # the two edges are written out one after the other: a loop or a call would double
            # what a scalar operation costs
            slope = node._dx
            if slope is not None and (relevant is None or node._x in relevant):
                x = node._x
                c = g * slope
                if x._op is LEAF:
                    leaves[x] = leaves[x] + c if x in leaves else c
                elif x not in shared:
                    push_node(x)
                    push_cotangent(c)
                elif live or x._record is not None:
                    deliver(x, c)
                else:
                    old = partial.get(x)
                    if old is not None:
                        c += old
                    waiting = shared[x] - 1
                    if waiting:
                        partial[x] = c
                        shared[x] = waiting
                    else:
                        push_node(x)
                        push_cotangent(c)
            slope = node._dy
            if slope is not None and (relevant is None or node._y in relevant):
                x = node._y
                c = g * slope
                if x._op is LEAF:
                    leaves[x] = leaves[x] + c if x in leaves else c
                elif x not in shared:
                    push_node(x)
                    push_cotangent(c)
                elif live or x._record is not None:
                    deliver(x, c)
                else:
                    old = partial.get(x)
                    if old is not None:
                        c += old
                    waiting = shared[x] - 1
                    if waiting:
                        partial[x] = c
                        shared[x] = waiting
                    else:
                        push_node(x)
                        push_cotangent(c)
    for leaf in untouched:
        if leaf not in leaves:
            leaves[leaf] = fit(np.zeros(leaf.shape), leaf)
    return nodes, cotangents, leaves


def _fan_out(
    roots: Sequence[Node], relevant: set[Node] | None, ends: frozenset[Node]
) -> dict[Node, int]:
    """Return how many contributions await every interior Tensor that awaits more than one."""
    seen: set[Node] = set()
    shared: dict[Node, int] = {}
    found: list[Node] = []
    push = found.append
    see = seen.add
    for root in roots:
        if root in seen:
            shared[root] = shared.get(root, 1) + 1
        else:
            see(root)
            push(root)
    for node in found:  # grows while it is walked
        if node._op is LEAF or (ends and node in ends):
            continue
        made = node._clock
        if node._record is not None:
            for x in node._record[0]:
                if not isinstance(x, Node):
                    if type(x) is np.ndarray:
                        refuse_stale(node, (x,))
                    continue
                if x._op is None or x._op is LEAF:
                    if x._clock > made:
                        refuse_stale(node, (x,))
                elif relevant is None or x in relevant:
                    if x in seen:
                        shared[x] = shared.get(x, 1) + 1
                    else:
                        see(x)
                        push(x)
            continue
        if node._dx is not None:
            x = node._x
            if x._op is LEAF:
                if x._clock > made:
                    refuse_stale(node, (x,))
            elif relevant is None or x in relevant:
                if x in seen:
                    shared[x] = shared.get(x, 1) + 1
                else:
                    see(x)
                    push(x)
        if node._dy is not None:
            x = node._y
            if x._op is LEAF:
                if x._clock > made:
                    refuse_stale(node, (x,))
            elif relevant is None or x in relevant:
                if x in seen:
                    shared[x] = shared.get(x, 1) + 1
                else:
                    see(x)
                    push(x)
    return shared


def _scalar_edges(
    node: Node, g: Any, relevant: set[Node] | None, current: Tape | None
) -> list[tuple[Node, Any]]:
    """Apply the rules of a flat scalar record to a recorded cotangent: `_edges`, cut short."""
    row = node._op
    inputs = node.inputs
    values = of_scalars(inputs)
    form, rules, made = row.form, row.rules, node._clock
    found = []
    for i, x in enumerate(inputs):
        if not isinstance(x, Node):
            continue
        op = x._op
        if (op is None or op is LEAF) and x._clock > made:
            refuse_stale(node, inputs)
        if op is None or (relevant is not None and x not in relevant):
            continue
        if current is not None:
            current.explain(node, i)
        if form == 2:
            c = g * rules[i](node, *values)
        else:
            c = row.pull(i, g, node, values, {}) if form == 0 else rules[i](g, *values)
        if not isinstance(c, Node) or type(c._value) is not float:
            c = fitted(c, x)
        if current is not None:
            current.holds(c)
        found.append((x, c))
    return found


def _edges(
    node: Node,
    g: Any,
    record: bool,
    mask: Any,
    relevant: set[Node] | None,
    observe: Observer | None,
    careful: bool,
) -> Iterable[tuple[Node, Any, Any]]:
    """Apply the rules of one record: yield each tracked input with its contribution and mask."""
    row = node.primitive
    assert row is not None
    inputs = node.inputs
    params = node._record[1] if node._record is not None else {}
    if node._record is None:
        refuse_stale(node, inputs)
    values: list[Any] | None = None
    y: Any = None
    for i, x in enumerate(inputs):
        if not isinstance(x, Node) or x._op is None or (relevant is not None and x not in relevant):
            continue
        if g is None:
            yield x, None, None
            continue
        if values is None:
            values, y = (
                (recorded(row, inputs, node), node) if record else raw(row, inputs, node._value)
            )
        explain(node, i)
        if not row.is_variadic and row.rules[i] is NON_DIFFERENTIABLE:
            yield x, None, None
            continue
        kept = None
        if (
            mask is None
            and x.shape
            and (isinstance(row, Linear) if careful else record and leaves_out(row, params))
        ):
            mask = np.ones(node.shape, bool)
        if mask is not None or row.selects:
            # a trace must decide anew for every input, so there the masks are recorded too
            follow = record and traced(node)
            seen = values if follow else [value_of(each) for each in inputs]
            kept = collapsed(row.live(i, mask, y if follow else node._value, seen, params))
            if kept is None and isinstance(mask, Node):
                kept = np.any(mask)  # type: ignore[call-overload]
        c: Any = None
        if kept is None:
            c = fitted(row.pull(i, g, y, values, params), x)
        elif isinstance(kept, Node) or np.any(kept):
            c = np.where(kept, row.pull(i, g, y, values, params), 0.0)
            kept = reduced_mask(kept, np.shape(c), x.shape)
            c = fitted(c, x)
        if mode.anomaly:
            flowed(node, c, [g], "gradient")
        if observe is not None:
            observe(node, i, c)
        yield x, c, kept if c is not None else None
