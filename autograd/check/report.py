"""What a gradient check found: verdicts, entry by entry, and the sentences that say so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

RIGHT, WRONG, UNDECIDABLE = "right", "wrong", "undecidable"

SHOWN = 10
"""Findings that a report prints; the rest are counted."""


@dataclass(frozen=True)
class Finding:
    """One entry that is not right.

    Attributes:
        verdict: "wrong" or "undecidable".
        argument: the position of the argument; None along a direction of all of them.
        entry: the index of the entry in it.
        output: the index of the entry of the result; None where several were weighted together.
        mode: "reverse", "forward", "gradient" or "duality".
        order: which derivative, 1 the first.
        got: what the gradient says.
        expected: what differences say.
        error: the error bar of `expected`.
        reason: why it is undecidable.
        guess: what may be the mistake.
    """

    verdict: str
    argument: int | None
    entry: tuple[int, ...]
    output: tuple[int, ...] | None
    mode: str
    order: int
    got: float
    expected: float
    error: float
    reason: str = ""
    guess: str = ""

    @property
    def ratio(self) -> float:
        """What was got as a multiple of what was expected."""
        with np.errstate(all="ignore"):
            return float(np.float64(self.got) / np.float64(self.expected))

    @property
    def where(self) -> str:
        """The entry in words."""
        where = "a random direction"
        if self.argument is not None:
            where = f"argument {self.argument}"
        if self.entry:
            where += f" entry {_index(self.entry)}"
        if self.output:
            where += f" of result {_index(self.output)}"
        return where

    def __str__(self) -> str:
        order = "" if self.order == 1 else f", order {self.order}"
        head = f"{self.verdict} at {self.where} ({self.mode}{order})"
        if np.isinf(self.error):
            return f"{head}: {self.reason}"
        if self.verdict == UNDECIDABLE:
            return f"{head}: {self.reason}; got {self.got:.12g}, differences say {self._expected()}"
        guess = f"; {self.guess}" if self.guess else ""
        reason = f"; {self.reason}" if self.reason else ""
        return (
            f"{head}: got {self.got:.12g}, expected {self._expected()}, ratio {self.ratio:.6g}"
            f"{guess}{reason}"
        )

    def _expected(self) -> str:
        return f"{self.expected:.12g} +- {self.error:.1g}"


@dataclass(frozen=True)
class Report:
    """The outcome of a gradient check.

    Attributes:
        verdicts: for every argument an array of its shape: "right", "wrong" or "undecidable".
        findings: the entries that are not right, the wrong ones first.
        notes: what was examined, and what could have been missed with which probability.
        evaluations: how often the function was called.
    """

    verdicts: tuple[Any, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    evaluations: int

    @property
    def verdict(self) -> str:
        """The worst verdict: "wrong" before "undecidable" before "right"."""
        found = {finding.verdict for finding in self.findings}
        for verdict in (WRONG, UNDECIDABLE):
            if verdict in found or any(np.any(v == verdict) for v in self.verdicts):
                return verdict
        return RIGHT

    def count(self, verdict: str) -> int:
        """Return how many entries have a verdict."""
        return sum(int(np.sum(v == verdict)) for v in self.verdicts)

    @property
    def diff(self) -> str:
        """What was got beside what was expected, two lines an entry that is wrong."""
        wrong = [f for f in self.findings if f.verdict == WRONG]
        lines = [f"gradient {self.verdict}: {self._counts()}"]
        for f in wrong[:SHOWN]:
            ratio = f"  ratio {f.ratio:.6g}" + (f": {f.guess}" if f.guess else "")
            lines += [
                f"  {f.where} ({f.mode})",
                f"    - expected {f.expected:.12g} +- {f.error:.1g}",
                f"    + got      {f.got:.12g}{ratio}",
            ]
        if len(wrong) > SHOWN:
            lines.append(f"  and {len(wrong) - SHOWN:,} more")
        return "\n".join(lines)

    def _counts(self) -> str:
        total = sum(v.size for v in self.verdicts)
        counts = ", ".join(
            f"{self.count(v):,} {v}" for v in (RIGHT, WRONG, UNDECIDABLE) if self.count(v)
        )
        return f"{counts or 'nothing'} of {total:,} entries"

    def __str__(self) -> str:
        lines = [f"gradient {self.verdict}: {self._counts()}"]
        lines += [f"  {finding}" for finding in self.findings[:SHOWN]]
        if len(self.findings) > SHOWN:
            lines.append(f"  and {len(self.findings) - SHOWN:,} more")
        lines += [f"  ({note})" for note in self.notes]
        return "\n".join(lines)


def guess_of(got: Any, expected: Any, error: Any, lengths: Sequence[int]) -> str:
    """Guess the mistake from one pair of numbers.

    Args:
        got: what the gradient says.
        expected: what it should be.
        error: the bar of `expected`.
        lengths: lengths of axes, over which a sum or a mean may have been forgotten.

    Returns:
        A phrase, or "" if nothing fits.

    Example:
        >>> guess_of(4.0, 2.0, 1e-9, ()), guess_of(-2.0, 2.0, 1e-9, ())
        ('twice too large', 'the sign is wrong')
    """

    def near(a: float, b: float) -> bool:
        return bool(abs(a - b) <= 10 * error + 1e-7 * abs(b))

    if near(got, -expected):
        return "the sign is wrong"
    if got == 0:
        return (
            "no gradient arrives: a missing term, or a value taken out of the graph "
            "by .data, .item() or detach()"
        )
    if near(got, 2 * expected):
        return "twice too large"
    if near(2 * got, expected):
        return "half of what it should be: a factor 2, or one of two uses is not accumulated"
    if abs(got - expected) <= 1e-6 * abs(expected):
        return (
            f"right but for {abs(got / expected - 1):.0e} of it: a short constant, float32, or "
            "rounding in a badly conditioned gradient"
        )
    for n in sorted({n for n in lengths if n > 2}):
        if near(n * got, expected):
            return f"{n} times too small: a missing sum over an axis of length {n}"
        if near(got, n * expected):
            return f"{n} times too large: a sum where a mean over {n} belongs"
    if near(3 * got, expected):
        return "a third of what it should be: uses that are not accumulated"
    if abs(expected) > 10 * error and abs(got / expected - 1) > 1e-3 and near(got * expected, 1):
        return "the reciprocal of what it should be"
    return ""


def _index(index: tuple[int, ...]) -> str:
    return f"[{', '.join(map(str, index))}]"
