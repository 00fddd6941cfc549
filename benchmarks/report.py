"""What was measured, in words: tables of ratios as text and markdown, and everything as JSON."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from benchmarks.measure import Case, quartiles
from benchmarks.work import Goal, Work

START, END = "<!-- benchmarks -->", "<!-- /benchmarks -->"


@dataclass
class Findings:
    """All that a run found.

    Args:
        command: by which anyone can repeat it.
        threads: how many every library had.
        cases: what was measured.
        missing: libraries that are not there, and why.
        versions: of the libraries and of what they stand on.
        date: when it ended.
        machine: what it ran on.
    """

    command: str
    threads: int
    cases: list[Case]
    missing: dict[str, str]
    versions: dict[str, dict[str, str]]
    date: str = field(default_factory=lambda: time.strftime("%Y-%m-%d"))
    machine: dict[str, str] = field(default_factory=lambda: machine())


@dataclass(frozen=True)
class Row:
    """One ratio and what it should be.

    Args:
        work: what was done, with its size.
        ours: our party.
        mine: its median figure, None if it was not measured.
        peer: the other party, empty for a limit.
        theirs: its median figure.
        ratio: quartiles of mine / theirs, or mine three times for a limit.
        goal: what is to be reached.
        quantity: "seconds" or "bytes".
        note: why there is no ratio.
    """

    work: str
    ours: str
    mine: float | None
    peer: str
    theirs: float | None
    ratio: tuple[float, float, float] | None
    goal: Goal
    quantity: str
    note: str = ""

    @property
    def reached(self) -> bool:
        """Whether the median ratio is what it should be."""
        return self.ratio is not None and self.ratio[1] <= self.goal.at_most


def rows(works: Iterable[Work], cases: Sequence[Case]) -> list[Row]:
    """Return a row for every goal at every size at which it was tried."""
    found = []
    for work in works:
        for case in (c for c in cases if c.work == work.name):
            for goal in work.goals:
                if goal.size in (None, case.size) and work.takes_part(goal.peer, case.size):
                    found.append(_row(work, case, goal))
    return found


def _row(work: Work, case: Case, goal: Goal) -> Row:
    mine = case.median(goal.ours) if goal.ours in case.samples else None
    theirs = case.median(goal.peer) if goal.peer in case.samples else None
    ratio = None
    if mine is not None and not goal.peer:
        ratio = quartiles(case.samples[goal.ours])
    elif mine is not None and theirs is not None:
        ratio = case.ratio(goal.ours, goal.peer)
    why = next((case.failures[p] for p in (goal.ours, goal.peer) if p in case.failures), "")
    return Row(
        titled(work, case.size), goal.ours, mine, goal.peer, theirs, ratio, goal, work.quantity, why
    )


def titled(work: Work, size: int) -> str:
    """Return a work's title with its size, where it has several."""
    return f"{work.title}: {size:,}" if size and len(work.sizes) > 1 else work.title


def amount(figure: float | None, quantity: str) -> str:
    """Return a figure with a unit that suits it.

    Example:
        >>> amount(0.00123, "seconds"), amount(2_500_000, "bytes"), amount(None, "seconds")
        ('1.23 ms', '2.5 MB', '-')
    """
    if figure is None:
        return "-"
    if quantity == "bytes":
        return f"{figure / 1e6:.3g} MB"
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if figure >= size:
            return f"{figure / size:.3g} {unit}"
    return f"{figure / 1e-9:.3g} ns"


def goals_table(works: Sequence[Work], findings: Findings) -> list[list[str]]:
    """Return the cells of the table of goals, the header first."""
    table = [["work", "ours", "peer", "theirs", "ratio (quartiles)", "to reach", ""]]
    for row in rows(works, findings.cases):
        ours = amount(row.mine, row.quantity)
        variant = row.ours.partition(", ")[2]
        limit = row.goal.at_most
        if row.ratio is None:
            ratio = row.note or "not measured"
        elif row.peer:
            low, middle, high = row.ratio
            ratio = f"{middle:.3g} ({low:.3g} to {high:.3g})" if low < high else f"{middle:.3g}"
        else:
            ratio = ""
        table.append(
            [
                row.work,
                f"{ours} ({variant})" if variant else ours,
                row.peer,
                amount(row.theirs, row.quantity) if row.peer else "",
                ratio,
                fraction(limit) if row.peer else amount(limit, row.quantity),
                "reached" if row.reached else "missed" if row.ratio else "",
            ]
        )
    return table


def fraction(ratio: float) -> str:
    """Return a ratio as people say it.

    Example:
        >>> fraction(2 / 3), fraction(0.65), fraction(1 / 500), fraction(0.5), fraction(2.0)
        ('2/3', '0.65', '1/500', '0.5', '2')
    """
    exact = Fraction(ratio).limit_denominator(1_000)
    simple = exact.numerator <= 2 < exact.denominator and abs(exact - ratio) < 1e-12
    return str(exact) if simple else f"{ratio:g}"


def figures_table(works: Sequence[Work], findings: Findings) -> list[list[str]]:
    """Return the cells of the table of all figures, the header first."""
    table = [["work", "party", "median (quartiles)", "rounds", "times our first"]]
    for work in works:
        for case in (c for c in findings.cases if c.work == work.name):
            first = next(iter(work.parties))
            for party in work.parties:
                name = titled(work, case.size)
                if party in case.samples:
                    low, middle, high = (
                        amount(v, work.quantity) for v in quartiles(case.samples[party])
                    )
                    times = (
                        f"{1 / case.ratio(first, party)[1]:.3g}" if first in case.samples else ""
                    )
                    count = str(len(case.samples[party]))
                    spread = f" ({low} to {high})" if count != "1" else ""
                    table.append([name, party, middle + spread, count, times])
                elif party in case.failures:
                    table.append([name, party, case.failures[party], "", ""])
    return table


def markdown(table: Sequence[Sequence[str]]) -> str:
    """Return a table in markdown."""
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in table]
    lines.insert(1, "|" + " --- |" * len(table[0]))
    return "\n".join(lines)


def text(table: Sequence[Sequence[str]]) -> str:
    """Return a table in columns."""
    widths = [max(len(line[k]) for line in table) for k in range(len(table[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in table
    )


def circumstances(findings: Findings) -> str:
    """Return where, when and with what, as a paragraph of sentences."""
    machine = findings.machine
    sentences = [
        f"`{findings.command}`, {findings.date}.",
        f"{machine['processor']}, {machine['processors']} processors, {machine['system']}, "
        f"Python {machine['Python']}; every library had {findings.threads} thread"
        f"{'s' if findings.threads > 1 else ''}. "
        f"Load over five minutes: {machine['load over five minutes']}.",
        f"{', '.join(versions(findings))}.",
    ]
    for name, reason in findings.missing.items():
        sentences.append(f"{name} was not measured: {reason}.")
    return "\n".join(sentences)


def versions(findings: Findings) -> list[str]:
    """Return the names of libraries with their versions, and those of what they stand on."""
    found = []
    for name, parts in findings.versions.items():
        own, *others = parts.items()
        if own[0] != "numpy":
            below = ", ".join(f"{k} {v}" for k, v in others if k != "numpy")
            found.append(f"{name} {own[1]}" + (f" ({below})" if below else ""))
    numpys = sorted({parts["numpy"] for parts in findings.versions.values()})
    return [*found, f"NumPy {' and '.join(numpys)}"]


def machine() -> dict[str, str]:
    """Return what this program runs on."""
    from benchmarks.measure import processors

    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        found = re.search(r"model name\s*: (.+)", info.read_text())
        name = found[1] if found else name
    load = f"{os.getloadavg()[1]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    return {
        "processor": name,
        "load over five minutes": load,
        "processors": str(processors()),
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
    }


def save(works: Sequence[Work], findings: Findings, folder: Path) -> None:
    """Write the tables and all samples into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = goals_table(works, findings), figures_table(works, findings)
    about = circumstances(findings)
    (folder / "results.txt").write_text("\n\n".join([about, *map(text, tables)]) + "\n")
    (folder / "results.md").write_text("\n\n".join([about, *map(markdown, tables)]) + "\n")
    whole: dict[str, Any] = dataclasses.asdict(findings)
    (folder / "results.json").write_text(json.dumps(whole, indent=1) + "\n")


def into(document: str, block: str) -> str:
    """Return a document with a block between its two markers.

    Raises:
        ValueError: if it has no such markers.
    """
    before, start, rest = document.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise ValueError(f"expected the markers {START} and {END}, each on a line of its own")
    return f"{before}{start}\n{block}\n{end}{after}"


def publish(works: Sequence[Work], findings: Findings, root: Path) -> None:
    """Put the table of goals into the README, and all figures into docs/benchmarks.md."""
    about = circumstances(findings)
    for path, table in (
        (root / "README.md", goals_table(works, findings)),
        (root / "docs" / "benchmarks.md", figures_table(works, findings)),
    ):
        path.write_text(into(path.read_text(), f"{about}\n\n{markdown(table)}"))
