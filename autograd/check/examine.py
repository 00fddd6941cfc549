"""The examination: every entry by itself, or groups along random directions, split on dissent."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from .judgement import (
    AGREE,
    KINK,
    NUDGE,
    ROUGH,
    SHARP,
    SHARP_ITSELF,
    Claim,
    Judgement,
    confirmed,
    divided,
    entry_of,
    excess,
    judged,
    worst,
)
from .report import RIGHT, UNDECIDABLE, WRONG, Finding, guess_of
from .richardson import (
    FIRST_STEP,
    Array,
    Estimate,
    combined,
    derivative,
    noise_of,
    part_of,
    scales_of,
)
from .subject import Subject, signed

BLOCK = 20_000
"""Derivatives that are estimated at once."""

ENOUGH = 0.9
"""The share of a block that must be known well; the others are examined one by one."""

BUDGET = 4000
"""Evaluations after which groups are no longer split."""

NAMED = 50
"""Wrong entries after which groups are no longer split."""

NEIGHBOURS = 32
"""Points around a kink at which slopes are taken."""

NEAR = 2.0**-10
"""How far those are from the point, and TINY the differences taken there, as parts of sizes."""

TINY = 2.0**-20

BETWEEN = 0.05
"""What a gradient may lie outside these slopes, as a part of their range."""

DISSENT = "dissent"
"""What a group says that must be split."""

FAINT = "cancellation: too small beside the noise of the values"
UNEXAMINED = 'its group disagrees and was not split further: try directions="all"'


class Examination:
    """Compares claims with differences of one function at one point.

    Args:
        subject: the function.
        claims: what is claimed of its derivative.
        rng: draws directions.
        order: which derivative this is, for the findings.
        nudged: gives the claims at points that differ from the point by rounding.
    """

    def __init__(
        self,
        subject: Subject,
        claims: list[Claim],
        rng: np.random.Generator,
        order: int,
        nudged: Callable[[], list[list[Claim]]],
    ) -> None:
        self.subject = subject
        self.claims = claims
        self.nudged = functools.cache(nudged)
        self.rng = rng
        self.order = order
        self.point = subject.arguments.vector
        self.scales = subject.arguments.scales()
        along = self.scales * signed(rng, self.point.shape)
        self.noise = noise_of(
            lambda t: subject(self.point + t * along), subject.here, subject.precision
        )
        self.verdicts = np.full(self.point.shape, UNDECIDABLE, dtype="<U11")
        self.findings: list[Finding] = []
        self.resolution = 0.0

    def sorted_findings(self) -> tuple[Finding, ...]:
        """Return the findings, wrong ones first, with what only all of them together can tell."""
        found = sorted(self.findings, key=lambda f: f.verdict != WRONG)
        by_argument: dict[tuple[int, str, Any], list[Finding]] = {}
        for f in found:
            if f.verdict == WRONG and f.argument is not None:
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
        """Examine every input by itself, blocks of them at once where nothing is amiss."""
        entries = list(entries)
        length = max(1, BLOCK // self.subject.here.size)
        for start in range(0, len(entries), length):
            for i in self._doubtful(entries[start : start + length]):
                self._examine_entry(i)

    def _doubtful(self, block: list[int]) -> list[int]:
        """Clear the inputs of a block that are plainly right and return the others."""
        sizes = self.scales[block] * np.abs(signed(self.rng, (len(block),)))
        width = self.subject.here.size

        def path(t: float) -> Array:
            rows = []
            for i, size in zip(block, sizes, strict=True):
                moved = self.point.copy()
                moved[i] += t * size
                rows.append(self.subject(moved))
            return np.concatenate(rows)

        here, noise = (np.tile(x, len(block)) for x in (self.subject.here, self.noise))
        estimate = derivative(path, here, noise, enough=ENOUGH)
        if width == 1 and all(c.weights is None or c.weights[0] == 1.0 for c in self.claims):
            each = divided(estimate, sizes)
            right = np.ones(len(block), bool)
            for claim in self.claims:
                got = np.concatenate([entry_of(claim, i) for i in block])
                right &= judged(claim, got, each).verdicts == RIGHT
            self.verdicts[np.array(block)[right]] = RIGHT
            return [i for i, clear in zip(block, right, strict=True) if not clear]
        doubtful = []
        for k, i in enumerate(block):
            own = part_of(estimate, slice(k * width, (k + 1) * width))
            if worst(self._judged_by(divided(own, float(sizes[k])), i)) == RIGHT:
                self.verdicts[i] = RIGHT
            else:
                doubtful.append(i)
        return doubtful

    def _examine_entry(self, i: int) -> None:
        scale, noise = float(self.scales[i]), self.noise
        judgements = self._judged_entry(i, scale)
        if worst(judgements) == UNDECIDABLE and scale < 1:
            # an entry near zero: its own size may be too small a step to see anything
            wider = self._judged_entry(i, 1.0)
            if worst(wider) != UNDECIDABLE:
                judgements, scale = wider, 1.0
        if worst(judgements) == UNDECIDABLE:
            judgements = self._by_complex_step(i, judgements)
        if worst(judgements) == UNDECIDABLE and self.point[i]:
            judgements, scale, noise = self._among_others(i, judgements, scale)
        if worst(judgements) == WRONG:
            judgements = self._doubted(judgements, lambda claim: entry_of(claim, i))
        if worst(judgements) == WRONG:
            judgements = self._confirmed_entry(i, judgements, scale, noise)
        if worst(judgements) == WRONG and any(np.any(j.estimate.kink) for j in judgements):
            judgements = self._met_beside(i, judgements)
        self.verdicts[i] = worst(judgements)
        if self.verdicts[i] != RIGHT:
            self._report(i, judgements)

    def _confirmed_entry(
        self, i: int, judgements: list[Judgement], scale: float, noise: Array
    ) -> list[Judgement]:
        """Keep what is wrong by an estimate with other steps too, and without others' noise."""
        own = float(scales_of(self.point[i : i + 1])[0]) if self.point[i] else scale
        quiet = self._own_noise(i, own)
        rough = any(
            np.any(j.estimate.noise > ROUGH * j.estimate.spread * j.estimate.points[0])
            for j in judgements
        )
        if rough and np.any(quiet < 0.1 * noise):
            noise, scale = quiet, own
            judgements = self._judged_entry(i, scale, True, noise)
            judgements = self._doubted(judgements, lambda claim: entry_of(claim, i))
        kept = judgements
        for part in (0.25, 1.0):  # with steps longer again where noise is what limits
            again = self._judged_entry(i, part * scale, True, noise)
            kept = [confirmed(a, b) for a, b in zip(judgements, again, strict=True)]
            if worst(kept) == WRONG:
                break
        return kept

    def _among_others(
        self, i: int, judgements: list[Judgement], scale: float
    ) -> tuple[list[Judgement], float, Array]:
        """Judge an entry by its own size and noise, where much larger ones set its steps."""
        own = float(scales_of(self.point[i : i + 1])[0])
        quiet = self._own_noise(i, own)
        if own == scale and not np.any(quiet < 0.1 * self.noise):
            return judgements, scale, self.noise
        nearer = self._judged_entry(i, own, noise=quiet)
        if worst(nearer) == UNDECIDABLE:
            return judgements, scale, self.noise
        return nearer, own, quiet

    def _met_beside(self, i: int, judgements: list[Judgement]) -> list[Judgement]:
        """Clear of a charge what lies between slopes beside a kink in which several inputs meet.

        Moved alone, one of three equal entries becomes the largest or the smallest of a sort, but
        the middle one may be its right place too: in Clarke's generalised gradient are the slopes
        of all points around.
        """
        unit = np.zeros_like(self.point)
        unit[i] = self.scales[i] * TINY
        slopes = []
        for _ in range(NEIGHBOURS):
            beside = self.point + NEAR * self.scales * signed(self.rng, self.point.shape)
            slopes.append((self.subject(beside + unit) - self.subject(beside - unit)) / 2 / unit[i])
        seen = np.stack(slopes)
        kept = []
        for j in judgements:
            own = seen if j.claim.weights is None else (seen @ j.claim.weights)[:, None]
            low, high = np.fmin.reduce(own), np.fmax.reduce(own)
            slack = BETWEEN * (high - low) + NEAR * np.maximum(np.abs(low), np.abs(high))
            met = (low - slack <= j.got) & (j.got <= high + slack) & j.estimate.kink
            kept.append(
                replace(
                    j,
                    verdicts=np.where(met, UNDECIDABLE, j.verdicts),
                    reasons=np.where(met, KINK, j.reasons),
                )
            )
        return kept

    def _own_noise(self, i: int, scale: float) -> Array:
        def path(t: float) -> Array:
            moved = self.point.copy()
            moved[i] += t * scale
            return self.subject(moved)

        found = noise_of(path, self.subject.here, self.subject.precision)
        return np.minimum(self.noise, found)

    def _judged_entry(
        self, i: int, scale: float, thorough: bool = False, noise: Array | None = None
    ) -> list[Judgement]:
        size = scale * abs(float(signed(self.rng, (1,))[0]))
        estimate = self._estimate({i: size}, thorough, noise=noise)
        return self._judged_by(divided(estimate, size), i)

    def _judged_by(self, per_unit: Estimate, i: int) -> list[Judgement]:
        return [
            judged(
                claim,
                entry_of(claim, i),
                per_unit if claim.weights is None else combined(per_unit, claim.weights),
            )
            for claim in self.claims
        ]

    def _doubted(
        self, judgements: list[Judgement], part: Callable[[Claim], Array]
    ) -> list[Judgement]:
        """Judge again, allowing for what rounding of the point alone changes in the claims."""
        doubts = [np.zeros(j.got.shape) for j in judgements]
        for claims in self.nudged():
            for k, (j, claim) in enumerate(zip(judgements, claims, strict=True)):
                change = np.abs(part(claim) - j.got)
                doubts[k] = np.fmax(doubts[k], NUDGE * change)
        return [
            judged(j.claim, j.got, j.estimate, doubt)
            for j, doubt in zip(judgements, doubts, strict=True)
        ]

    def _estimate(
        self,
        sizes: dict[int, float],
        thorough: bool = False,
        first: float = FIRST_STEP,
        noise: Array | None = None,
    ) -> Estimate:
        entries = np.fromiter(sizes, int)
        lengths = np.fromiter(sizes.values(), float)

        def path(t: float) -> Array:
            moved = self.point.copy()
            moved[entries] += t * lengths
            return self.subject(moved)

        noise = self.noise if noise is None else noise
        return derivative(path, self.subject.here, noise, first, thorough)

    def _exact(self, v: Array, claim: Claim) -> Array | None:
        """Return the derivative along `v` by a complex step, None where f takes none."""
        if self.order > 1:
            return None
        slope = self.subject.complex_slope(v)
        return (
            slope if slope is None or claim.weights is None else np.array([claim.weights @ slope])
        )

    def _by_complex_step(self, i: int, judgements: list[Judgement]) -> list[Judgement]:
        """Clear entries whose slope drowns in noise, where a complex step says the same."""
        unit = np.zeros_like(self.point)
        unit[i] = 1.0
        cleared = []
        for j in judgements:
            exact = self._exact(unit, j.claim)
            if exact is None:
                return judgements
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
            bad = np.flatnonzero(j.verdicts == worst([j]))
            if worst([j]) == RIGHT:
                continue
            k = int(bad[np.argmax(excess(j)[bad])])
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
                continue
            verdict = RIGHT
            for _ in range(directions):
                verdict = self._group_verdict(group)
                if verdict != RIGHT:
                    break
            if verdict == RIGHT:
                self.verdicts[group] = RIGHT
                groups += 1
            elif verdict == UNDECIDABLE:
                self._leave(group, FAINT)
            elif self.subject.evaluations > limit or len(self.findings) >= NAMED:
                self._leave(group, UNEXAMINED)
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
        with np.errstate(divide="ignore"):
            decade = np.floor(np.log10(np.max(rows, axis=0)))
        decade[~np.isfinite(decade)] = -np.inf
        return [np.flatnonzero(decade == d) for d in np.unique(decade)]

    def _group_verdict(self, group: Array) -> str:
        """Return what one direction says of a group: right, undecidable for noise, or dissent."""
        v = np.zeros_like(self.point)
        v[group] = signed(self.rng, group.shape) * self.scales[group]
        sizes = dict(zip(group.tolist(), v[group].tolist(), strict=True))
        verdict = DISSENT
        for first in (FIRST_STEP, 1.0):  # a longer step sees what is small beside the noise
            estimate = self._estimate(sizes, first=first)
            found = {
                self._claim_verdict(claim, k, group, v, estimate)
                for k, claim in enumerate(self.claims)
            }
            verdict = (
                DISSENT if DISSENT in found else UNDECIDABLE if UNDECIDABLE in found else RIGHT
            )
            if verdict != UNDECIDABLE:
                break
        return verdict

    def _claim_verdict(
        self, claim: Claim, k: int, group: Array, v: Array, estimate: Estimate
    ) -> str:
        def along(claim: Claim) -> Array:
            if claim.row is not None:
                return np.array([np.sum(claim.row[group] * v[group])])
            assert claim.push is not None
            return claim.push(v)

        got = along(claim)
        seen = estimate if claim.weights is None else combined(estimate, claim.weights)
        judgement = judged(claim, got, seen)
        doubt = np.zeros(got.shape)
        if np.any(judgement.verdicts == WRONG):
            doubts = [NUDGE * np.abs(along(claims[k]) - got) for claims in self.nudged()]
            doubt = np.max([doubt, *doubts], axis=0)
            judgement = judged(claim, got, seen, doubt)
        if claim.row is not None:
            smallest = np.min(np.abs(claim.row[group] * v[group]))
            if not smallest:  # a stationary point: what an entry moves the values by counts
                smallest = 0.1 * float(seen.spread[0]) / len(group)
        else:
            smallest = 1e-3 * np.maximum(np.max(np.abs(got)), seen.spread)
        still = (seen.spread == 0) & (got == 0)
        smooth = ~(seen.kink | seen.jump | seen.plateau) & np.isfinite(seen.error)
        agrees = still | (smooth & (np.abs(got - seen.value) <= AGREE * judgement.bar))
        if not np.all(agrees):
            return DISSENT
        bar = judgement.bar
        sharp = still | ((bar - doubt <= SHARP * smallest) & (doubt <= SHARP_ITSELF * smallest))
        if not np.all(sharp):
            exact = self._exact(v, claim)
            if exact is None or not np.all(np.abs(got - exact) <= 1e-10 * np.abs(exact)):
                # noise hides these entries however few they are, truncation does not
                floor = 30 * seen.noise / seen.points[0] + doubt
                return UNDECIDABLE if np.all(sharp | (bar <= floor)) else DISSENT
            bar = 1e-10 * np.abs(exact)
        scale = float(np.min(self.scales[group]))
        self.resolution = max(self.resolution, 40 * float(np.max(bar)) / scale)
        return RIGHT

    def _leave(self, group: Array, reason: str) -> None:
        argument, entry = self.subject.arguments.place(int(group[0]))
        self.findings.append(
            Finding(
                UNDECIDABLE, argument, entry, None, self.claims[0].mode, self.order,
                np.nan, np.nan, np.inf, f"{reason} (with {len(group) - 1:,} others)",
            )
        )  # fmt: skip
