"""`Figure`: an immutable picture that knows how to be saved and shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

from ..errors import ArgumentError, MissingExtraError, message
from ..files import write_whole
from .dot import Style, dot
from .parts import Edge, Vertex
from .player import player
from .render import render
from .table import table


@dataclass(frozen=True)
class Figure:
    """A picture of a computation; it keeps what was true when it was drawn.

    Args:
        vertices: the circles, boxes and dots.
        edges: what flows between them.
        caption: the line below the picture.
        style: how it looks.
    """

    vertices: tuple[Vertex, ...]
    edges: tuple[Edge, ...]
    caption: str
    style: Style = field(default_factory=Style)

    @property
    def source(self) -> str:
        """The picture in the DOT language; the same expression gives the same text."""
        return dot(self.vertices, self.edges, self.caption, self.style)

    @property
    def text(self) -> str:
        """The picture as lines of text: each value, how it was computed, and its gradient."""
        return f"{table(self.vertices, self.edges)}\n\n{self.caption}\n"

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the picture; an existing file is replaced whole or not at all.

        Args:
            path: where to; the suffix says what: .svg, .png, .pdf, .dot, .txt, or .html for the
                player, which plays the computation in a browser.

        Returns:
            The path.

        Raises:
            ArgumentError: if the suffix is none of these, or the folder does not exist.
            MissingExtraError: if nothing on this machine can draw; the DOT text is then written
                beside, for drawing elsewhere.
        """
        target = Path(path)
        if target.suffix.lower() not in FORMATS:
            raise ArgumentError(
                message(
                    f"path to end in one of {', '.join(FORMATS)}",
                    repr(str(target)),
                    repr(str(target.with_suffix(".svg"))) if target.name else "'figure.svg'",
                )
            )
        if not target.parent.is_dir():
            raise ArgumentError(
                message(
                    "path to name a file in a folder that exists",
                    f"{str(target)!r}, where {str(target.parent)!r} is no folder",
                    "creating that folder first",
                )
            )
        try:
            contents = FORMATS[target.suffix.lower()](self)
        except MissingExtraError as error:
            beside = target.with_suffix(".dot")
            write_whole(beside, self.source.encode())
            raise MissingExtraError(
                message(
                    "Graphviz, as the program dot on PATH or in the package pygraphviz >= 2, "
                    f"in order to write {str(target)!r}",
                    f"neither; its DOT text is in {str(beside)!r}",
                    'pip install "chainrule[render]"',
                )
            ) from error
        write_whole(target, contents)
        return target

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """Show the picture in a notebook, or its DOT text where nothing can draw."""
        try:
            return {"image/svg+xml": render(self.source, "svg").decode(), "text/plain": repr(self)}
        except MissingExtraError as error:
            return {"text/plain": f"{error}\n{self.source}"}

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"<Figure of {len(self.vertices)} vertices and {len(self.edges)} edges>"


def _page(figure: Figure) -> bytes:
    svg = render(figure.source, "svg")
    return player(figure.vertices, figure.edges, figure.caption, svg, figure.style).encode()


FORMATS: dict[str, Callable[[Figure], bytes]] = {
    ".svg": lambda figure: render(figure.source, "svg"),
    ".png": lambda figure: render(figure.source, "png"),
    ".pdf": lambda figure: render(figure.source, "pdf"),
    ".dot": lambda figure: figure.source.encode(),
    ".txt": lambda figure: figure.text.encode(),
    ".html": _page,
}
"""What a figure can be saved as, by suffix."""
