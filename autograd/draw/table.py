"""The text form of a figure, for terminals and screen readers: one line a value."""

from __future__ import annotations

from collections.abc import Sequence

from .parts import Edge, Vertex
from .story import Story
from .text import gradient_text, written

HEADINGS = ("name", "computed as", "value", "gradient")


def table(vertices: Sequence[Vertex], edges: Sequence[Edge]) -> str:
    """Return a figure as lines of text: each value, how it was computed, and its gradient.

    Args:
        vertices: those of the figure.
        edges: those of the figure.

    Example:
        >>> from autograd import Tensor, draw
        >>> x = Tensor(3.0, name="x")
        >>> y = x * x
        >>> y.backward()
        >>> figure = draw(y)
        >>> print(table(figure.vertices, figure.edges))
        name    computed as  value  gradient
        x                    3      6 = 3 + 3
        result  x × x        9      1
    """
    story = Story(vertices, edges)
    rows: list[tuple[str, ...]] = [HEADINGS]
    for v in vertices:
        if v.kind in ("result", "junction") or (v.kind == "constant" and v.title == v.name):
            continue
        out = [edges[e] for e in story.out[v.key]]
        if not out:
            rows.append((v.name, "", v.details[0], v.details[1].removeprefix("← ")))
        for edge in out:
            rows.append((v.name, _computed(story, v), written(edge.value), _back(edge)))
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEADINGS))]
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) for row in rows]
    return "\n".join(line.rstrip() for line in lines)


def _computed(story: Story, v: Vertex) -> str:
    if v.kind == "block":
        return ", ".join(v.details)
    return "" if v.primitive is None else story.result_text(v) or v.title


def _back(edge: Edge) -> str:
    if not edge.differentiable:
        return "constant"
    return "no gradient yet" if edge.gradient is None else gradient_text(edge.gradient, edge.terms)
