"""The DOT text of a figure, in the textbook's style.

An edge is drawn as two arrows with a table of two rows between them. The rule that parts the rows
continues the line, so that the value stands above the edge and the gradient below it, and since
Graphviz places the table like any vertex, nothing overlaps.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from .parts import Edge, Vertex
from .text import gradient_text, is_finite, shown, written

COMMUTATIVE = frozenset({"add", "multiply", "maximum", "minimum"})
"""Operations whose operands may be drawn in either order, for the sake of fewer crossings."""


@dataclass(frozen=True)
class Theme:
    """The colours of a figure; blue and vermilion stay apart for every kind of colour vision."""

    ink: str
    paper: str
    line: str
    faint: str
    gradient: str
    alarm: str
    leaf: str
    operation: str
    block: str


LIGHT = Theme(
    ink="#1a1a1a",
    paper="#ffffff",
    line="#4d4d4d",
    faint="#6e6e6e",
    gradient="#b34700",
    alarm="#c00020",
    leaf="#e8f1fa",
    operation="#ffffff",
    block="#f0f0f0",
)


def dot(vertices: Iterable[Vertex], edges: Iterable[Edge], caption: str, theme: Theme) -> str:
    """Return the DOT text of a figure.

    Args:
        vertices: what to draw.
        edges: what joins them; operands of an operation in their order.
        caption: the line below the figure.
        theme: the colours.

    Returns:
        DOT text; the same figure gives the same bytes.
    """
    vertices = list(vertices)
    # operands stand in their order wherever that costs no crossing
    is_tree = all(vertex.kind not in ("junction", "block") for vertex in vertices)
    ordering = " ordering=in" if is_tree else ""
    lines = [
        "digraph figure {",
        f'  graph [rankdir=LR{ordering} nodesep=0.22 ranksep=0.2 pad=0.15 bgcolor="{theme.paper}"'
        f' fontname="Helvetica,Arial,sans-serif" fontsize=11 fontcolor="{theme.faint}"'
        f" labelloc=b label=<{_escaped(caption)}>];",
        f'  node [fontname="Helvetica,Arial,sans-serif" fontsize=13 fontcolor="{theme.ink}"'
        f' color="{theme.line}" penwidth=1];',
        f'  edge [color="{theme.line}" penwidth=1 arrowsize=0.7];',
    ]
    kinds = {}
    for vertex in vertices:
        kinds[vertex.key] = vertex.kind
        lines.append(f"  {vertex.key} [{_vertex(vertex, theme)}];")
    for i, edge in enumerate(edges):
        arrow = "arrowhead=none" if kinds[edge.head] == "junction" else ""
        lines += [
            f"  e{i} [shape=plain label=<{_quantities(edge, theme)}>];",
            f"  {edge.tail} -> e{i} [arrowhead=none headport=w];",
            f"  e{i} -> {edge.head} [tailport=e {arrow}];",
        ]
    return "\n".join([*lines, "}", ""])


def _vertex(vertex: Vertex, theme: Theme) -> str:
    title = _text(vertex.title)
    if vertex.kind == "junction":
        return f'shape=point width=0.07 color="{theme.line}"'
    if vertex.kind == "result":
        return f"shape=plaintext margin=0.03 label=<<B>{title}</B>>"
    rows = [
        f'<FONT POINT-SIZE="10" COLOR="{theme.faint}">{_text(d)}</FONT>' for d in vertex.details
    ]
    if vertex.kind == "operation":
        small = len(vertex.title) <= 3 and not rows
        shape = "shape=circle width=0.5 fixedsize=true" if small else "shape=ellipse margin=0.02"
        if vertex.primitive is None or vertex.primitive.name not in COMMUTATIVE:
            shape += " ordering=in"
        size = 20 if len(vertex.title) == 1 else 13
        label = "<BR/>".join([f'<FONT POINT-SIZE="{size}">{title}</FONT>', *rows])
        return f'{shape} style=filled fillcolor="{theme.operation}" label=<{label}>'
    if vertex.kind == "block":
        label = "<BR/>".join([f"<B>{title}</B>", *rows])
        return f'shape=box3d style=filled fillcolor="{theme.block}" label=<{label}>'
    style = "filled,rounded" if vertex.kind == "leaf" else "filled,rounded,dashed"
    fill = theme.leaf if vertex.kind == "leaf" else theme.paper
    label = "<BR/>".join([f"<B>{title}</B>", *rows])
    extent = 'height=0.36 width=0.36 margin="0.1,0.04"'
    return f'shape=box style="{style}" fillcolor="{fill}" {extent} label=<{label}>'


def _quantities(edge: Edge, theme: Theme) -> str:
    colour = theme.ink if is_finite(edge.value) else theme.alarm
    above = f'<FONT COLOR="{colour}">{escape(written(edge.value))}</FONT>'
    return (
        f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="2" COLOR="{theme.line}">'
        f"<TR><TD>{above}</TD></TR><HR/><TR><TD>{_below(edge, theme)}</TD></TR></TABLE>"
    )


def _below(edge: Edge, theme: Theme) -> str:
    if not edge.differentiable:
        return f'<FONT COLOR="{theme.faint}"><I>constant</I></FONT>'
    if edge.gradient is None:
        return f'<FONT COLOR="{theme.faint}">← no gradient yet</FONT>'
    colour = theme.gradient if is_finite(edge.gradient) else theme.alarm
    return f'<FONT COLOR="{colour}">← {escape(gradient_text(edge.gradient, edge.terms))}</FONT>'


def _text(s: str) -> str:
    return _escaped(shown(s)) or " "


def _escaped(s: str) -> str:
    """Escape text for an HTML-like label, in which Graphviz still expands backslashes."""
    return escape(s).replace("\\", "\\\\")
