"""The text form of a figure, for terminals and screen readers: one line a value."""

from __future__ import annotations

from collections.abc import Sequence

from .parts import Edge, Vertex
from .story import Story
from .text import Form, gradient_text, written

HEADINGS = ("name", "computed as", "value", "gradient")

FIRST = " (the first)"
"""What stands behind the first nan or inf, which pictures mark in red."""


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
        if v.kind in ("result", "junction") or (v.kind == "constant" and v.value is None):
            continue
        out = [edges[e] for e in story.out[v.key]]
        if not out and v.value is not None:
            back = "no gradient yet" if v.gradient is None else written(v.gradient)
            if isinstance(v.value, Form):
                back = ""
            if v.kind == "constant":
                back = "constant"
            rows.append((v.name, "", written(v.value), back))
        found = []
        for edge in out:
            value = written(edge.value) + (FIRST if edge.first_bad == "value" else "")
            found.append((v.name, _computed(story, v), value, _back(edge, story)))
        rows += dict.fromkeys(found)  # what is also an output of a graph stands there once
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEADINGS))]
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) for row in rows]
    return "\n".join(line.rstrip() for line in lines)


def _computed(story: Story, v: Vertex) -> str:
    if v.kind in ("block", "module"):
        return ", ".join(v.details)
    return "" if v.primitive is None else story.result_text(v) or v.title


def _back(edge: Edge, story: Story) -> str:
    if not edge.differentiable:
        return "constant"
    if isinstance(edge.value, Form):
        return ""
    if edge.gradient is None:
        return "no gradient yet"
    branches = [edge]
    if story.vertices[edge.head].kind == "junction":
        branches += [story.edges[e] for e in story.out[edge.head]]
    mark = FIRST if any(e.first_bad == "gradient" for e in branches) else ""
    wrong = [e.got for e in branches if e.by_hand == "wrong"]
    if wrong:
        mark += f" (by hand {', '.join(wrong)})"
    elif any(e.by_hand for e in branches):
        mark += " (right by hand)"
    return gradient_text(edge.gradient, edge.terms) + mark
