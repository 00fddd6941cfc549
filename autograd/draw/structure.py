"""A frozen graph as the Tensors that a figure is made of, each with its type instead of a value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..node import Node
from .text import Form

if TYPE_CHECKING:  # alone: figures of Tensors need no graphs
    from ..graph.ir import Graph


def structure(graph: Graph) -> tuple[list[Node], list[Node]]:
    """Return what a graph computes, without values.

    Args:
        graph: a frozen graph.

    Returns:
        Its inputs and the operations that its outputs need, in order; and the outputs.
    """
    names = graph.names()
    needed = set(graph.outputs)
    for variable, equation in reversed(list(graph.numbered())):
        if variable in needed:
            needed.update(equation.reads)
    held: dict[int, Any] = {}
    for variable, name in enumerate(graph.input_names):
        held[variable] = _known(graph, variable, name)
    order = list(held.values())
    for variable in range(len(graph.input_names), graph.first):
        held[variable] = graph.constant(variable)
        if variable in graph.outputs:
            held[variable] = Node(held[variable], requires_grad=False)
            order.append(held[variable])
    for variable, equation in graph.numbered():
        if variable in needed:
            held[variable] = node = _known(graph, variable, names[variable])
            given = tuple(held[i] for i in equation.reads)
            node._op, node._record = equation.row, (given, dict(equation.settings(names)))
            order.append(node)
    return order, [held[i] for i in graph.outputs]


def _known(graph: Graph, variable: int, name: str) -> Node:
    spec = graph.specs[variable]
    node = Node(0.0, requires_grad=spec.dtype.kind == "f", name=name)
    node._value = Form(spec.shape, str(spec.dtype))
    return node
