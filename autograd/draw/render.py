"""From DOT text to pictures."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

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
    with _without_font_warnings():
        drawn = graph.draw(format=form, prog="dot")
    graph.close()
    return drawn


@contextmanager
def _without_font_warnings() -> Iterator[None]:
    """Pass on what a library writes to the error stream, less what it says of font settings.

    The fontconfig that comes with pygraphviz may be older than the system's settings. It then names
    every element that it does not know, once a process, and works all the same.
    """
    if _fonts_are_read:
        yield
        return
    with tempfile.TemporaryFile() as written:
        sys.stderr.flush()
        stream = os.dup(2)
        os.dup2(written.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stream, 2)
            os.close(stream)
            _fonts_are_read.append(True)
            written.seek(0)
            for line in written:
                if not line.startswith(b"Fontconfig warning"):
                    os.write(2, line)


_fonts_are_read: list[bool] = []
