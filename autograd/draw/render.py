"""From DOT text to pictures."""

from __future__ import annotations

import shutil

from ..errors import require

DPI = 160
"""Dots an inch of bitmaps, for print and dense screens."""


def render(source: str, form: str) -> bytes:
    """Lay out DOT text with Graphviz and draw it.

    Args:
        source: the DOT text.
        form: "svg", "png" or "pdf".

    Returns:
        The contents of the file.

    Raises:
        MissingExtraError: if there is neither a `dot` program nor pygraphviz.
    """
    if form == "png":
        source = source.replace("graph [", f"graph [dpi={DPI} ", 1)
    if shutil.which("dot"):
        graphviz = require("graphviz", "render", "call Graphviz's dot program")
        drawn: bytes = graphviz.pipe("dot", form, source.encode())
        return drawn
    pygraphviz = require("pygraphviz", "render", "draw a figure where no dot program is on PATH")
    graph = pygraphviz.AGraph(string=source)
    drawn = graph.draw(format=form, prog="dot")
    graph.close()
    return drawn
