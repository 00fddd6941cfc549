"""`Figure`: an immutable picture that knows how to be saved and shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from ..errors import ArgumentError, MissingExtraError, message
from .dot import LIGHT, dot
from .parts import Edge, Vertex
from .render import render, replace_file
from .table import table

RENDERED = (".svg", ".png", ".pdf")


@dataclass(frozen=True)
class Figure:
    """A picture of a computation; it keeps what was true when it was drawn.

    Args:
        vertices: the circles, boxes and dots.
        edges: what flows between them.
        caption: the line below the picture.
    """

    vertices: tuple[Vertex, ...]
    edges: tuple[Edge, ...]
    caption: str

    @property
    def source(self) -> str:
        """The picture in the DOT language; the same expression gives the same text."""
        return dot(self.vertices, self.edges, self.caption, LIGHT)

    @property
    def text(self) -> str:
        """The picture as lines of text: each value, how it was computed, and its gradient."""
        return f"{table(self.vertices, self.edges)}\n\n{self.caption}\n"

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the picture; an existing file is replaced whole or not at all.

        Args:
            path: where to; the suffix says what: .svg, .png, .pdf, .dot or .txt.

        Returns:
            The path.

        Raises:
            ArgumentError: if the suffix is none of these, or the folder does not exist.
            MissingExtraError: if nothing on this machine can draw; the DOT text is then written
                beside, for drawing elsewhere.
        """
        target = Path(path)
        form = target.suffix.lower()
        if form not in (*RENDERED, *WRITTEN):
            raise ArgumentError(
                message(
                    f"path to end in one of {', '.join((*RENDERED, *WRITTEN))}",
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
        if form in WRITTEN:
            replace_file(target, WRITTEN[form](self).encode())
            return target
        try:
            contents = render(self.source, form[1:])
        except MissingExtraError as error:
            beside = target.with_suffix(".dot")
            replace_file(beside, self.source.encode())
            raise MissingExtraError(
                message(
                    "Graphviz, as the program dot on PATH or in the package pygraphviz >= 2, "
                    f"in order to write {str(target)!r}",
                    f"neither; its DOT text is in {str(beside)!r}",
                    'pip install "chainrule[render]"',
                )
            ) from error
        replace_file(target, contents)
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


WRITTEN: dict[str, Callable[[Figure], str]] = {
    ".dot": lambda figure: figure.source,
    ".txt": lambda figure: figure.text,
}
"""What needs no renderer."""
