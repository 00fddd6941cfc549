"""Tables for notebooks, in which whatever a user wrote is text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def html_table(head: Sequence[str], rows: Iterable[Sequence[str]], caption: str = "") -> str:
    """Return a table as HTML.

    Args:
        head: the headings.
        rows: the cells; they may have several lines.
        caption: what stands above.

    Example:
        >>> html_table(["a"], [["<1>"]])
        '<table><thead><tr><th>a</th></tr></thead><tbody><tr><td>&lt;1&gt;</td></tr></tbody></table>'
    """
    from html import escape  # notebooks alone need it, and its tables are slow to import

    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    body = "".join(_row("td", map(escape, row)) for row in rows)
    return (
        f"<table>{title}<thead>{_row('th', map(escape, head))}</thead><tbody>{body}</tbody></table>"
    )


def _row(tag: str, cells: Iterable[str]) -> str:
    inner = (cell.replace("\n", "<br>") for cell in cells)
    return "<tr>" + "".join(f"<{tag}>{cell}</{tag}>" for cell in inner) + "</tr>"
