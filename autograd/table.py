"""The coverage of the table: `python -m autograd.table` prints it as docs/table.md shows it."""

from __future__ import annotations

from . import primitives
from .dispatch import spelled
from .domain import Domain
from .kinds import Packing
from .left_out import LEFT_OUT
from .observers import OBSERVERS, STATIC
from .primitive import ROWS, Primitive

ORDERS_TESTED = (1, 2, 3)
"""The orders of derivative that tests/test_coverage.py checks for every row, in both modes."""


def interval(domain: Domain | tuple[Domain, ...] | None) -> str:
    """Return where tests draw the arguments from."""
    if domain is None:
        return ""
    parts = []
    for d in domain if isinstance(domain, tuple) else (domain,):
        kinks = f" less {', '.join(f'{k:g}' for k in d.kinks)}" if len(d.kinks) < 4 else ""
        parts.append(f"({d.low:g}, {d.high:g})" + (kinks if d.kinks else ""))
    return "; ".join(dict.fromkeys(parts)) if len(set(parts)) == 1 else "; ".join(parts)


def rows_of(family: object) -> list[Primitive]:
    """Return the rows that a module of the table registers."""
    name = getattr(family, "__name__", "")
    return [
        row for row in ROWS.values() if row.family == name and not isinstance(row.forward, Packing)
    ]


def table() -> str:
    """Return the coverage as Markdown.

    Returns:
        One table a family, and the list of what is left out, with reasons.

    Example:
        >>> "np.hypot" in table()
        True
    """
    lines = [
        "# The table",
        "",
        "Printed by `python -m autograd.table`. Every operation is one row; the same rule serves "
        "reverse mode, forward mode and every order. For each row and each of its cases "
        f"tests/test_coverage.py checks the derivatives of order "
        f"{', '.join(map(str, ORDERS_TESTED))} along a random line, reverse, forward and mixed, "
        "against the interpolation of NumPy's own values. Arguments are drawn from the interval "
        "given; outside it the rule holds wherever the derivative exists. A composite is spelled "
        "in other rows.",
    ]
    for family in primitives.FAMILIES:
        rows = rows_of(family)
        title = family.__name__.rsplit(".", 1)[-1].capitalize()
        lines += ["", f"## {title}", "", (family.__doc__ or "").strip().splitlines()[0], ""]
        lines += ["| operation | kind | tested in | convention |", "| --- | --- | --- | --- |"]
        for row in sorted(rows, key=spelled):
            symbol = f" `{row.symbol}`".replace("|", "\\|") if row.symbol else ""
            lines.append(
                f"| `{spelled(row)}`{symbol} | {type(row).__name__.lower()} "
                f"| {interval(row.domain)} | {row.note} |"
            )
    looks = sorted({f.__name__ for f in (*OBSERVERS, *STATIC)})
    lines += [
        "",
        "## Functions that look at values",
        "",
        "They give plain results, through which no gradient flows: "
        + ", ".join(f"`{name}`" for name in looks)
        + ".",
        "",
        "## Left out, and why",
        "",
        "They raise by name, with the nearest function that has a row.",
        "",
        "| function | reason |",
        "| --- | --- |",
    ]
    lines += [f"| `{name}` | {reason} |" for name, reason in sorted(LEFT_OUT.items())]
    lines += [
        "| `out=`, `where=`, `ufunc.at` | refused by name, with what to write instead |",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(table(), end="")
