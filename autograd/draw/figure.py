"""`Figure`: an immutable picture that knows how to be saved and shown."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from ..errors import ArgumentError, MissingExtraError, message
from .dot import LIGHT, dot
from .parts import Edge, Vertex
from .render import render, replace_file

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

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the picture; an existing file is replaced whole or not at all.

        Args:
            path: where to; the suffix says what: .svg, .png, .pdf or .dot.

        Returns:
            The path.

        Raises:
            ArgumentError: if the suffix is none of these, or the folder does not exist.
            MissingExtraError: if nothing on this machine can draw; the DOT text is then written
                beside, for drawing elsewhere.
        """
        target = Path(path)
        form = target.suffix.lower()
        if form not in (*RENDERED, ".dot"):
            raise ArgumentError(
                message(
                    f"path to end in one of {', '.join(RENDERED)}, .dot",
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
        if form == ".dot":
            replace_file(target, self.source.encode())
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

    def __repr__(self) -> str:
        return f"<Figure of {len(self.vertices)} vertices and {len(self.edges)} edges>"
