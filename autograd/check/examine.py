"""The examination: every entry by itself, or groups along random directions, split on dissent."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .report import RIGHT, UNDECIDABLE, WRONG, Finding, guess_of
from .richardson import (
    EPS,
    FIRST_STEP,
    SPACINGS,
    Array,
    Estimate,
    combined,
    derivative,
    noise_of,
    scales_of,
)
from .subject import Subject, signed

AGREE = 2.0
"""Bars within which a gradient agrees."""

DIFFER = 10.0
"""Bars beyond which it differs; in between more noise than expected is at work."""

SHARP = 1e-5
"""A bar must be this small a part of the derivative, in a group of its smallest, to tell."""

FAINT = 1e-3
"""Entries of a group below this part of the typical entry need to be seen no more sharply."""

BUDGET = 4000
"""Evaluations after which groups are no longer split."""

NAMED = 50
"""Wrong entries after which groups are no longer split."""

KINK = "kink: the slopes to the left and right differ"
PLATEAU = "plateau: the function moves in steps, wider than the smallest differences"
JUMP = "step across a discontinuity"
OUTSIDE = "overflow, or the edge of the domain: values beside the point are not finite"
HIDDEN = "cancellation: the noise of the values hides all but gross errors"
NOISE = "noise: differences do not agree with each other well enough"
UNEXAMINED = 'its group disagrees and was not split further: try directions="all"'


@dataclass(frozen=True)
class Claim:
    """What a gradient claims: J v for any v, or the row u J for one u.

    Attributes:
        mode: "reverse", "forward" or "gradient".
        push: gives J v.
        column: gives J at one input, where that is cheaper.
        weights: u.
        row: u J.
        output: which single result u picks, None if it weighs several.
    """

    mode: str
    push: Callable[[Array], Array] | None = None
    column: Callable[[int], Array] | None = None
    weights: Array | None = None
    row: Array | None = None
    output: int | None = None


@dataclass(frozen=True)
class Judgement:
    """The verdicts on several numbers of one claim, with what led to them."""

    claim: Claim
    got: Array
    estimate: Estimate
    verdicts: Array
    reasons: Array


class Examination:
    """Compares claims with differences of one function at one point.

    Args:
        subject: the function.
        claims: what is claimed of its derivative.
        rng: draws directions.
        order: which derivative this is, for the findings.
    """

    def __init__(
        self, subject: Subject, claims: list[Claim], rng: np.random.Generator, order: int
    ) -> None:
        self.subject = subject
        self.claims = claims
        self.rng = rng
        self.order = order
        self.point = subject.arguments.vector
        self.scales = scales_of(self.point)
        for a, b in zip(subject.arguments.starts, subject.arguments.starts[1:], strict=False):
            self.scales[a:b] = scales_of(self.point[a:b])
        along = self.scales * signed(rng, self.point.shape)

        def path(t: float) -> Array:
            return subject(self.point + t * along)

        self.noise = noise_of(path, subject.here, subject.precision)
        # a function that turns very fast looks noisy too, but not to values this close together
        self.rounding = noise_of(path, subject.here, subject.precision, SPACINGS[:1])
        self.verdicts = np.full(self.point.shape, UNDECIDABLE, dtype="<U11")
        self.findings: list[Finding] = []
        self.resolution = 0.0
        self.typical = 0.0

    def sorted_findings(self) -> tuple[Finding, ...]:
        """Return the findings, wrong ones first, with what only all of them together can tell."""
        found = sorted(self.findings, key=lambda f: f.verdict != WRONG)
        by_argument: dict[tuple[int, str, Any], list[Finding]] = {}
        for f in found:
            if f.verdict == WRONG:
                by_argument.setdefault((f.argument, f.mode, f.output), []).append(f)
        for (k, mode, output), several in by_argument.items():
            shape = self.subject.arguments.shapes[k]
            if len(shape) != 2 or shape[0] != shape[1] or len(several) < 2:
                continue
            matrix = {f.entry: f for f in several}
            if all(
                (j, i) in matrix
                and abs(matrix[j, i].got - f.expected) <= 10 * f.error + 1e-6 * abs(f.expected)
                for (i, j), f in matrix.items()
            ):
                found = [
                    replace(f, guess="the matrix is transposed")
                    if f.verdict == WRONG and (f.argument, f.mode, f.output) == (k, mode, output)
                    else f
                    for f in found
                ]
        return tuple(found)

    # ---- every entry by itself -------------------------------------------------------------------

    def examine_alone(self, entries: Iterable[int]) -> None:
        """Examine inputs one at a time."""
        for i in entries:
            self._examine_entry(i)

    def _examine_entry(self, i: int) -> None:
        judgements = self._judged_entry(i, self.scales[i])
        if _worst(judgements) == UNDECIDABLE and self.scales[i] < 1:
            # an entry near zero: its own size may be too small a step to see anything
            judgements = _better(judgements, self._judged_entry(i, 1.0))
        own = float(scales_of(self.point[i : i + 1])[0])
        if _worst(judgements) != RIGHT and own < self.scales[i]:
            # a small one among large ones: their size may be too large a step, and what the
            # function does over such steps no noise
            judgements = _better(
                judgements, self._judged_entry(i, own, noise=self._noise_at(i, own))
            )
        if _worst(judgements) == UNDECIDABLE:
            judgements = self._by_complex_step(i, judgements)
        if _worst(judgements) == WRONG:
            again = self._judged_entry(i, 0.25 * self.scales[i], thorough=True)
            judgements = [
                _confirmed(a, b, self.rounding) for a, b in zip(judgements, again, strict=True)
            ]
        self.verdicts[i] = _worst(judgements)
        if self.verdicts[i] != RIGHT:
            self._report(i, judgements)

    def _noise_at(self, i: int, scale: float) -> Array:
        def path(t: float) -> Array:
            moved = self.point.copy()
            moved[i] += t * scale
            return self.subject(moved)

        return noise_of(path, self.subject.here, self.subject.precision)

    def _judged_entry(
        self, i: int, scale: float, thorough: bool = False, noise: Array | None = None
    ) -> list[Judgement]:
        size = scale * abs(float(signed(self.rng, (1,))[0]))
        estimate = self._estimate({i: size}, thorough, noise)
        per_unit = _divided(estimate, size)
        unit = np.zeros_like(self.point)
        unit[i] = 1.0
        out = []
        for claim in self.claims:
            if claim.row is not None:
                assert claim.weights is not None
                out.append(_judged(claim, claim.row[i : i + 1], combined(per_unit, claim.weights)))
            else:
                assert claim.push is not None
                got = claim.push(unit) if claim.column is None else claim.column(i)
                out.append(_judged(claim, got, per_unit))
        return out

    def _estimate(
        self, sizes: dict[int, float], thorough: bool = False, noise: Array | None = None
    ) -> Estimate:
        entries = np.fromiter(sizes, int)
        lengths = np.fromiter(sizes.values(), float)

        def path(t: float) -> Array:
            moved = self.point.copy()
            moved[entries] += t * lengths
            return self.subject(moved)

        noise = self.noise if noise is None else noise
        return derivative(path, self.subject.here, noise, FIRST_STEP, thorough)

    def _by_complex_step(self, i: int, judgements: list[Judgement]) -> list[Judgement]:
        """Clear entries whose slope drowns in noise, where a complex step says the same."""
        if self.order > 1:
            return judgements
        unit = np.zeros_like(self.point)
        unit[i] = 1.0
        slope = self.subject.complex_slope(unit)
        if slope is None:
            return judgements
        cleared = []
        for j in judgements:
            weights = j.claim.weights
            exact = slope if weights is None else np.array([weights @ slope])
            near = np.abs(j.got - exact) <= 1e-9 * np.abs(exact)
            plain = ~(j.estimate.kink | j.estimate.jump) & np.isfinite(j.estimate.error)
            near &= plain & (np.abs(exact - j.estimate.value) <= 3 * j.estimate.error)
            cleared.append(replace(j, verdicts=np.where(near, RIGHT, j.verdicts)))
        return cleared

    def _report(self, i: int, judgements: list[Judgement]) -> None:
        argument, entry = self.subject.arguments.place(i)
        lengths = {
            n for shape in (*self.subject.shapes, *self.subject.arguments.shapes) for n in shape
        }
        for j in judgements:
            bad = np.flatnonzero(j.verdicts == _worst([j]))
            if _worst([j]) == RIGHT:
                continue
            k = int(bad[np.argmax(_excess(j)[bad])])
            output = j.claim.output if j.claim.weights is not None else k
            got, expected = float(j.got[k]), float(j.estimate.value[k])
            error = float(j.estimate.error[k])
            self.findings.append(
                Finding(
                    str(j.verdicts[k]),
                    argument,
                    entry,
                    None if output is None else self.subject.output(output),
                    j.claim.mode,
                    self.order,
                    got,
                    expected,
                    error,
                    str(j.reasons[k]),
                    guess_of(got, expected, error, tuple(lengths))
                    if j.verdicts[k] == WRONG
                    else "",
                )
            )

    # ---- groups along random directions ----------------------------------------------------------

    def examine_groups(self, directions: int) -> str:
        """Examine inputs together along random directions, and split groups that disagree.

        Of a group whose claims agree along k directions, an entry that is wrong by more than 40
        bars goes unnoticed with probability at most 0.1**k whatever the others are: given them, its
        random part of the sum would have to fall into one interval of a tenth of its range. An
        error in a single entry cannot hide at all, since no part is smaller than half.

        Returns:
            What was examined and with which certainty.
        """
        limit = self.subject.evaluations + BUDGET
        waiting = self._by_size()
        groups = 0
        while waiting:
            group = waiting.pop()
            if len(group) == 1:
                self._examine_entry(int(group[0]))
            elif all(self._agrees(group) for _ in range(directions)):
                self.verdicts[group] = RIGHT
                groups += 1
            elif self.subject.evaluations > limit or len(self.findings) >= NAMED:
                self._leave(group)
            else:
                half = len(group) // 2
                waiting += [group[half:], group[:half]]
        missed = 0.1**directions
        return (
            f"{self.point.size:,} entries in {groups} groups along {directions} random directions: "
            f"an entry wrong by more than {self.resolution:.1g} is missed with probability at most "
            f"{missed:.0g}, never if it is the only one"
        )

    def _by_size(self) -> list[Array]:
        """Sort inputs into groups of similar claimed size, zeros by themselves."""
        rows = [np.abs(c.row * self.scales) for c in self.claims if c.row is not None]
        if not rows:
            return [np.arange(self.point.size)]
        sizes = np.max(rows, axis=0)
        self.typical = float(np.sqrt(np.mean((sizes / np.max(sizes)) ** 2)) * np.max(sizes))
        decade = np.floor(np.log10(np.maximum(sizes, FAINT * self.typical)))
        decade[sizes == 0] = -np.inf
        return [np.flatnonzero(decade == d) for d in np.unique(decade)]

    def _agrees(self, group: Array) -> bool:
        v = np.zeros_like(self.point)
        v[group] = signed(self.rng, group.shape) * self.scales[group]
        estimate = self._estimate(dict(zip(group.tolist(), v[group].tolist(), strict=True)))
        for claim in self.claims:
            if claim.row is not None:
                assert claim.weights is not None
                parts = claim.row[group] * v[group]
                got = np.array([np.sum(parts)])
                seen = combined(estimate, claim.weights)
                smallest = max(np.min(np.abs(parts)), 0.5 * FAINT * self.typical)
            else:
                assert claim.push is not None
                got, seen = claim.push(v), estimate
                smallest = FAINT * np.maximum(np.max(np.abs(got)), self.typical)
            judged = _judged(claim, got, seen)
            still = (seen.spread == 0) & (got == 0)
            sharp = still | (seen.error <= SHARP * smallest)
            if np.any(judged.verdicts != RIGHT) or not np.all(sharp):
                return False
            scale = float(np.min(self.scales[group]))
            self.resolution = max(self.resolution, 40 * float(np.max(seen.error)) / scale)
        return True

    def _leave(self, group: Array) -> None:
        argument, entry = self.subject.arguments.place(int(group[0]))
        self.findings.append(
            Finding(
                UNDECIDABLE, argument, entry, None, self.claims[0].mode, self.order,
                np.nan, np.nan, np.inf, f"{UNEXAMINED} (with {len(group) - 1:,} others)",
            )
        )  # fmt: skip


def _judged(claim: Claim, got: Array, estimate: Estimate) -> Judgement:
    """Compare claimed numbers with their estimates."""
    e = estimate
    off = np.abs(got - e.value)
    size = np.maximum(np.abs(got), np.abs(e.value))
    rounding = 8 * EPS * size
    bar = e.error + rounding
    known = e.finite & np.isfinite(e.error)
    sharp = (bar <= SHARP * size) | (bar <= 1e-8 * e.spread) | ((e.spread == 0) & (got == 0))
    smooth = known & ~e.kink & ~e.jump
    # a constant may be rounded to one: what a step would change is lost beside numbers of size 1
    lost = (e.spread == 0) & (np.abs(got) * e.points[0] <= EPS * np.maximum(1, np.abs(e.origin)))
    stuck = e.plateau | (lost & (got != 0))
    right = smooth & sharp & (off <= AGREE * bar) & np.isfinite(got)
    wrong = smooth & ~stuck & ((off > DIFFER * bar) | ~np.isfinite(got))
    lower, upper = np.minimum(e.backward, e.forward), np.maximum(e.backward, e.forward)
    slack = 0.05 * (upper - lower) + 1e-3 * np.maximum(np.abs(lower), np.abs(upper))
    beyond = (got < lower - slack) | (got > upper + slack) | ~np.isfinite(got)
    wrong |= e.kink & known & beyond
    verdicts = np.where(right, RIGHT, np.where(wrong, WRONG, UNDECIDABLE))
    reasons = np.where(off <= AGREE * bar, HIDDEN, NOISE).astype("<U90")
    for reason, where in ((OUTSIDE, ~known), (PLATEAU, stuck), (KINK, e.kink), (JUMP, e.jump)):
        reasons[where] = reason
    reasons[verdicts != UNDECIDABLE] = ""
    return Judgement(claim, got, estimate, verdicts, reasons)


def _confirmed(first: Judgement, second: Judgement, rounding: Array) -> Judgement:
    """Keep what is wrong by two estimates, and by the remainder of Taylor's formula."""
    a, b = first.estimate, second.estimate
    same = np.abs(a.value - b.value) <= DIFFER / 2 * (a.error + b.error) + 1e-6 * np.abs(a.value)
    # two estimates that differ as much as the claim does say nothing about it
    same &= np.abs(first.got - a.value) > DIFFER * np.abs(a.value - b.value)
    same |= (a.kink & b.kink) | ~np.isfinite(first.got)
    sure = (second.verdicts == WRONG) & same & ~_falls_fast(second, rounding)
    doubtful = (first.verdicts == WRONG) & ~sure
    return replace(
        first,
        verdicts=np.where(doubtful, UNDECIDABLE, first.verdicts),
        reasons=np.where(doubtful, NOISE, first.reasons),
    )


def _falls_fast(j: Judgement, rounding: Array) -> Array:
    """Tell where Taylor's remainder is too small for the claim to be wrong.

    Of a wrong claim f(x + h) - f(x - h) - 2h * claim is about 2h times the difference once h is
    small; the smallest step at which noise would not hide that decides. Where the values move at
    all, the noise of values close together counts: what looks like noise further away may be the
    function.
    """
    e = j.estimate
    weights = j.claim.weights
    fine = rounding if weights is None else np.array([np.sum(np.abs(weights) * rounding)])
    contradicted = np.zeros((2, *j.got.shape), bool)
    off = np.abs(j.got - e.value)
    for step, plus, minus in zip(e.points, e.plus, e.minus, strict=True):
        small = np.abs((plus - minus) / 2 - step * j.got) < 0.3 * step * off
        size = EPS * np.maximum(np.maximum(np.abs(plus), np.abs(minus)), np.abs(e.origin))
        moves = (plus != e.origin) & (minus != e.origin)
        for k, visible in enumerate(
            (step * off > 50 * (e.noise + size), moves & (step * off > 50 * (fine + size)))
        ):
            contradicted[k] = np.where(visible, small, contradicted[k])
    fast: Array = np.any(contradicted, axis=0) & ~e.kink
    return fast


def _divided(e: Estimate, size: float) -> Estimate:
    return replace(
        e,
        value=e.value / size,
        error=e.error / size,
        backward=e.backward / size,
        forward=e.forward / size,
        spread=e.spread / size,
        points=e.points * size,
    )


def _excess(j: Judgement) -> Array:
    excess = np.abs(j.got - j.estimate.value) / j.estimate.error
    return np.where(np.isnan(excess), np.inf, excess)


def _worst(judgements: Iterable[Judgement]) -> str:
    found = {str(v) for j in judgements for v in j.verdicts}
    return WRONG if WRONG in found else UNDECIDABLE if UNDECIDABLE in found else RIGHT


def _better(first: list[Judgement], second: list[Judgement]) -> list[Judgement]:
    rank = [RIGHT, UNDECIDABLE, WRONG]
    return second if rank.index(_worst(second)) != 1 else first
