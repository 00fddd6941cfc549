"""The DOT text of a figure, in the textbook's style.

An edge is drawn as two arrows with a table of two rows between them. The rule that parts the rows
continues the line, so that the value stands above the edge and the gradient below it, and since
Graphviz places the table like any vertex, nothing overlaps.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from ..errors import ArgumentError, message
from .parts import Edge, Vertex
from .text import Form, gradient_text, number, shown, written
from .thumbnail import Pixels

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
    right: str


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
    right="#0b6e4f",
)


DARK = Theme(
    ink="#ececec",
    paper="#16181b",
    line="#b5b5b5",
    faint="#a0a0a0",
    gradient="#ff9d5c",
    alarm="#ff7a8a",
    leaf="#22354a",
    operation="#16181b",
    block="#2b2f34",
    right="#5fd3a6",
)

THEMES = {"light": LIGHT, "dark": DARK}
DIRECTIONS = {"right": "LR", "down": "TB"}
ARROWS = {"right": "←", "down": "↑"}
"""What stands before a gradient, which flows against the direction."""


@dataclass(frozen=True)
class Style:
    """How a figure looks.

    Args:
        theme: "light" or "dark".
        direction: "right" or "down"; downwards, values stand left of an edge and gradients right.
        derivatives: whether edges show their local derivative.
    """

    theme: str = "light"
    direction: str = "right"
    derivatives: bool = False

    def __post_init__(self) -> None:
        for name, value, known in (
            ("theme", self.theme, THEMES),
            ("direction", self.direction, DIRECTIONS),
        ):
            if value not in known:
                choices = " or ".join(map(repr, known))
                first = next(iter(known))
                raise ArgumentError(
                    message(f"{name} to be {choices}", repr(value), f"{name}={first!r}")
                )


SIDE = 56
"""The height of a thumbnail, in points."""


def dot(vertices: Iterable[Vertex], edges: Iterable[Edge], caption: str, style: Style) -> str:
    """Return the DOT text of a figure.

    Args:
        vertices: what to draw.
        edges: what joins them; operands of an operation in their order.
        caption: the line below the figure.
        style: how it looks.

    Returns:
        DOT text; the same figure gives the same bytes.
    """
    vertices = list(vertices)
    theme = THEMES[style.theme]
    start, stop = ("w", "e") if style.direction == "right" else ("line:n", "line:s")
    # operands stand in their order wherever that costs no crossing
    is_tree = all(vertex.kind not in ("junction", "block") for vertex in vertices)
    ordering = " ordering=in" if is_tree else ""
    # downwards, edges pass below wide boxes: they need more air
    between = 0.2 if style.direction == "right" else 0.3
    lines = [
        "digraph figure {",
        f"  graph [rankdir={DIRECTIONS[style.direction]}{ordering} nodesep=0.22 ranksep={between}"
        f' pad=0.15 bgcolor="{theme.paper}"'
        f' fontname="Helvetica,Arial,sans-serif" fontsize=11 fontcolor="{theme.faint}"'
        f" labelloc=b label=<{_escaped(caption)}>];",
        f'  node [fontname="Helvetica,Arial,sans-serif" fontsize=13 fontcolor="{theme.ink}"'
        f' color="{theme.line}" penwidth=1];',
        f'  edge [color="{theme.line}" penwidth=1 arrowsize=0.7];',
    ]
    kinds = {}
    for vertex in vertices:
        kinds[vertex.key] = vertex.kind
        lines.append(f"  {vertex.key} [id={vertex.key} {_vertex(vertex, theme, style)}];")
    for i, edge in enumerate(edges):
        arrow = " arrowhead=none" if kinds[edge.head] == "junction" else ""
        pen = _pen(edge, theme)
        lines += [
            f"  e{i} [id=e{i} shape=plain label=<{_quantities(edge, theme, style)}>];",
            f'  {edge.tail} -> e{i} [id=e{i}a arrowhead=none headport="{start}"{pen}];',
            f'  e{i} -> {edge.head} [id=e{i}b tailport="{stop}"{arrow}{pen}];',
        ]
    return "\n".join([*lines, "}", ""])


def _vertex(vertex: Vertex, theme: Theme, style: Style) -> str:
    title = _text(vertex.title)
    arrow = ARROWS[style.direction]
    alarm = f' color="{theme.alarm}" penwidth=2.5' if vertex.is_first_bad else ""
    if vertex.kind == "junction":
        return f'shape=point width=0.07 color="{theme.line}"'
    rows = [
        f'<FONT POINT-SIZE="10" COLOR="{theme.faint}">{_text(d)}</FONT>' for d in vertex.details
    ]
    if vertex.pixels:
        rows.append(_image(vertex.pixels))
    if vertex.kind == "result":
        return f"shape=plaintext margin=0.03 label=<{_stacked([f'<B>{title}</B>', *rows])}>"
    if vertex.kind == "operation":
        small = len(vertex.title) <= 3 and not rows
        shape = "shape=circle width=0.5 fixedsize=true" if small else "shape=ellipse margin=0.02"
        if vertex.primitive is None or vertex.primitive.name not in COMMUTATIVE:
            shape += " ordering=in"
        size = 20 if len(vertex.title) == 1 else 13
        label = "<BR/>".join([f'<FONT POINT-SIZE="{size}">{title}</FONT>', *rows])
        return f'{shape} style=filled fillcolor="{theme.operation}"{alarm} label=<{label}>'
    if vertex.kind in ("block", "module"):
        label = _stacked([f"<B>{title}</B>", *rows])
        shape = "box3d" if vertex.kind == "block" else "box"
        return f'shape={shape} style=filled fillcolor="{theme.block}"{alarm} label=<{label}>'
    outline = "filled,rounded" if vertex.kind == "leaf" else "filled,rounded,dashed"
    fill = theme.leaf if vertex.kind == "leaf" else theme.paper
    extent = 'height=0.36 width=0.36 margin="0.1,0.04"'
    label = _stacked([f"<B>{title}</B>", *_held(vertex, theme, arrow), *rows])
    return f'shape=box style="{outline}" fillcolor="{fill}" {extent}{alarm} label=<{label}>'


def _held(vertex: Vertex, theme: Theme, arrow: str) -> list[str]:
    """Return the lines of a box below its name: the value, and the gradient of a leaf."""
    if vertex.value is None:
        return []
    colour = theme.alarm if vertex.is_first_bad else theme.ink
    lines = _lines(written(vertex.value), colour)
    if vertex.kind == "leaf" and not isinstance(vertex.value, Form):
        if vertex.gradient is None:
            lines += _lines("no gradient yet", theme.faint)
        else:
            lines += _lines(f"{arrow} {written(vertex.gradient)}", theme.gradient)
    return [f'<FONT POINT-SIZE="11">{line}</FONT>' for line in lines]


def _stacked(rows: Sequence[str]) -> str:
    """Return rows below each other, with air between them."""
    if len(rows) == 1:
        return rows[0]
    cells = "".join(f"<TR><TD>{row}</TD></TR>" for row in rows)
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="1">{cells}</TABLE>'


def _image(pixels: Pixels) -> str:
    """Return an image as a table of cells; the commonest colour is that of the table itself."""
    ground = Counter(colour for row in pixels for colour in row).most_common(1)[0][0]
    size = max(2, SIDE // len(pixels))
    side = f'FIXEDSIZE="TRUE" WIDTH="{size}" HEIGHT="{size}"'
    extent = f'WIDTH="{size * len(pixels[0])}" HEIGHT="{size * len(pixels)}"'
    rows = "".join(
        "<TR>"
        + "".join(
            f"<TD {side}></TD>" if colour == ground else f'<TD {side} BGCOLOR="{colour}"></TD>'
            for colour in row
        )
        + "</TR>"
        for row in pixels
    )
    return (
        f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0" FIXEDSIZE="TRUE"'
        f' {extent} BGCOLOR="{ground}">'
        f"{rows}</TABLE>"
    )


def _quantities(edge: Edge, theme: Theme, style: Style) -> str:
    value = _lines(written(edge.value), theme.alarm if edge.first_bad == "value" else theme.ink)
    gradient = _gradient(edge, theme, style)
    # as many lines above as below, so that the edge runs between them
    height = max(len(value), len(gradient))
    upper, lower = (
        f"<TD>{'<BR/>'.join(lines + ['&#160;'] * (height - len(lines)))}</TD>"
        for lines in (value, gradient)
    )
    if style.direction == "right":
        rows = f"<TR>{upper}</TR><HR/><TR>{lower}</TR>"
    else:
        # the edge enters and leaves by the line between, however wide the numbers are
        line = f'<TD PORT="line" WIDTH="1" CELLPADDING="0" BGCOLOR="{theme.line}"></TD>'
        rows = f"<TR>{upper}{line}{lower}</TR>"
    return (
        f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="2" COLOR="{theme.line}">'
        f"{rows}</TABLE>"
    )


def _gradient(edge: Edge, theme: Theme, style: Style) -> list[str]:
    arrow = ARROWS[style.direction]
    if not edge.differentiable:
        return [f'<FONT COLOR="{theme.faint}"><I>constant</I></FONT>']
    if isinstance(edge.value, Form):
        return []
    if edge.gradient is None:
        lines = _lines(f"{arrow} no gradient yet", theme.faint)
    elif edge.by_hand == "wrong":
        wrong = _lines(f"{arrow} wrong, got {edge.got}", theme.alarm)
        return wrong + _lines(f"expected {gradient_text(edge.gradient, edge.terms)}", theme.alarm)
    elif edge.by_hand == "right":
        lines = _lines(f"{arrow} {gradient_text(edge.gradient, edge.terms)} ✓", theme.right)
    else:
        colour = theme.alarm if edge.first_bad == "gradient" else theme.gradient
        lines = _lines(f"{arrow} {gradient_text(edge.gradient, edge.terms)}", colour)
    if style.derivatives and edge.slope is not None:
        lines[-1] += f'<FONT COLOR="{theme.faint}"> local {number(edge.slope)}</FONT>'
    return lines


def _pen(edge: Edge, theme: Theme) -> str:
    """Return the colour of an edge whose gradient was compared; a wrong one is thick."""
    if not edge.by_hand:
        return ""
    if edge.by_hand == "right":
        return f' color="{theme.right}"'
    return f' color="{theme.alarm}" penwidth=3'


def _lines(text: str, colour: str) -> list[str]:
    """Return a quantity in one colour; an array has its shape and its range on two lines."""
    return [f'<FONT COLOR="{colour}">{escape(line)}</FONT>' for line in text.split(": ")]


def _text(s: str) -> str:
    return _escaped(shown(s)) or " "


def _escaped(s: str) -> str:
    """Escape text for an HTML-like label, in which Graphviz still expands backslashes."""
    return escape(s).replace("\\", "\\\\")
