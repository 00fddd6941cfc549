"""The forward sweep: tangents from inputs to outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .anomaly import flowed
from .fitting import fit, raw, recorded
from .node import Node, refuse_stale, toposort
from .recording import mode
from .zeros import collapsed, is_dead, is_finite, leaves_out, live_seed


def pushforward(
    outputs: Sequence[Node], tangents: Mapping[Any, Any], *, create_graph: bool = False
) -> list[Any]:
    """Return the tangents of `outputs` for given tangents of Tensors they were computed from.

    Like the reverse sweep, it is run once more, following structural zeros, where a result is not
    finite.

    Args:
        outputs: recorded Tensors.
        tangents: the tangents to start from, each of its Tensor's shape.
        create_graph: whether the results are recorded.

    Returns:
        One tangent an output, None where no given tangent reaches it.
    """
    found = _pushed(outputs, tangents, create_graph, careful=mode.anomaly > 0)
    if mode.tracing or mode.anomaly or all(map(is_finite, found)):
        return found
    return _pushed(outputs, tangents, create_graph, careful=True)


def _pushed(
    outputs: Sequence[Node], tangents: Mapping[Any, Any], record: bool, careful: bool
) -> list[Any]:
    """Carry tangents from the inputs to the outputs.

    Args:
        outputs: where to end.
        tangents: where to start, and with what.
        record: whether the tangents are recorded Tensors.
        careful: whether to follow structural zeros everywhere.

    Returns:
        One tangent an output, None for a structural zero.
    """
    follow = careful or record
    live = {x: live_seed(t) for x, t in tangents.items()} if follow else {}
    flowing = {x: t for x, t in tangents.items() if not is_dead(live.get(x))}
    with np.errstate(all="ignore"):
        for node in reversed(toposort(outputs)):
            if node.is_leaf or node in tangents:
                continue
            inputs = node.inputs
            ts = [flowing.get(x) if isinstance(x, Node) else None for x in inputs]
            if all(t is None for t in ts):
                continue
            refuse_stale(node, inputs)
            row = node.primitive
            assert row is not None
            values, y = (
                (recorded(row, inputs, node), node) if record else raw(row, inputs, node._value)
            )
            lives = [live.get(x) if isinstance(x, Node) else None for x in inputs if follow]
            if follow and (
                careful
                or any(mask is not None for mask in lives)
                or leaves_out(row, node.params)
                or ((row.selects or row.is_variadic) and any(t is None for t in ts))
            ):
                t, mask = row.push_live(ts, lives, y, values, node.params)
                live[node] = collapsed(mask)
                if is_dead(live[node]):
                    continue
            else:
                t = row.push(ts, y, values, node.params)
            if np.shape(t) != node.shape:
                t = np.broadcast_to(t, node.shape)
            flowing[node] = fit(t, node)
            if mode.anomaly:
                flowed(node, t, [s for s in ts if s is not None], "tangent")
    return [flowing.get(t) for t in outputs]
