"""What was measured, drawn: bars of ratios, and curves of cost against size."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from autograd.errors import require
from benchmarks.report import Findings, rows
from benchmarks.work import Work


def draw(works: Sequence[Work], findings: Findings, folder: Path) -> list[Path]:
    """Draw ratios as bars, and each work with an axis as curves.

    Args:
        works: what was done.
        findings: what was found.
        folder: where the pictures go, as PNG files.

    Returns:
        The files.

    Raises:
        MissingExtraError: if matplotlib is not installed.
    """
    require("matplotlib", "nn", "draw benchmarks")
    from matplotlib.figure import Figure

    made = []
    found = [row for row in rows(works, findings.cases) if row.ratio and row.peer]
    if found:
        figure = Figure((9, 1 + 0.3 * len(found)), layout="constrained")
        axes = figure.subplots()
        places = range(len(found))
        middles = [row.ratio[1] for row in found if row.ratio]
        colours = ["tab:green" if row.reached else "tab:red" for row in found]
        axes.barh(places, middles, color=colours, height=0.7)
        axes.scatter([row.goal.at_most for row in found], places, marker="|", s=120, c="black")
        axes.set_yticks(
            places, [f"{row.work}, {row.ours} / {row.peer}" for row in found], fontsize=7
        )
        axes.invert_yaxis()
        axes.set_xscale("log")
        axes.axvline(1, color="grey", linewidth=0.8)
        axes.set_xlabel("ours / the peer's (a tick: to reach)")
        made.append(_save(figure, folder / "ratios.png"))
    for work in works:
        cases = sorted((c for c in findings.cases if c.work == work.name), key=lambda c: c.size)
        if not work.axis or len(cases) < 2:
            continue
        figure = Figure((6, 4), layout="constrained")
        axes = figure.subplots()
        for party in work.parties:
            points = [(c.size, c.median(party)) for c in cases if party in c.samples]
            if points:
                axes.plot(*zip(*points, strict=True), marker="o", markersize=3, label=party)
        axes.set(xscale="log", yscale="log", xlabel=work.axis, ylabel="seconds", title=work.title)
        axes.legend(fontsize=7)
        made.append(_save(figure, folder / f"{work.name}.png"))
    return made


def _save(figure: Any, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    return path
