"""From DOT text to pictures, and onto the disk whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path

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


def replace_file(path: Path, contents: bytes) -> None:
    """Write a file so that its name shows the old contents or the new, never a part.

    Args:
        path: the file; its folder must exist.
        contents: what it shall hold.
    """
    beside = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        with open(beside, "xb") as file:
            file.write(contents)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
