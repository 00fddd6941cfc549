"""What is claimed of a derivative, and the verdict on it beside an estimate."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .report import RIGHT, UNDECIDABLE, WRONG
from .richardson import EPS, FIRST_STEP, Array, Estimate

AGREE = 2.0
"""Bars within which a gradient agrees."""

DIFFER = 10.0
"""Bars beyond which it differs; in between more noise than expected is at work."""

SHARP = 1e-7
"""A bar must be this small a part of the derivative, in a group of its smallest, to tell."""

SHARP_ITSELF = 1e-5
"""Rounding inside a gradient of many entries must be this small a part of its smallest."""

NUDGES = (0.0, 0.0, 2.0**-36, 2.0**-36)
"""How far to move the point, as parts of it, to see the rounding inside a gradient; 0 for one bit.

Parts of a function may not feel a last bit: exp(x) - 1 at 1e-5 does not."""

NUDGE = 4.0
"""A gradient may be off by this many times what rounding its input changes in it."""

ROUGH = 0.01
"""Noise that is this part of what the values move is no rounding."""

UNRESOLVED = 1e-3
"""Noise of which the claimed slope times the spacing of floats is this part is no noise."""

KINK = "kink: the slopes to the left and right differ"
PLATEAU = "plateau: the function moves in steps, wider than the smallest differences"
JUMP = "step across a discontinuity"
OUTSIDE = "overflow, or the edge of the domain: the function is not finite beside the point"
HIDDEN = "cancellation: the noise of the values hides all but gross errors"
NOISE = "noise: differences do not agree with each other well enough"
SPACING = "oscillation: the function changes faster than floats are spaced there"
ROUNDED = "cancellation: the gradient itself changes as much when its input is rounded differently"


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
        size: the number of inputs, where `push` is given without `column`.
    """

    mode: str
    push: Callable[[Array], Array] | None = None
    column: Callable[[int], Array] | None = None
    weights: Array | None = None
    row: Array | None = None
    output: int | None = None
    size: int = 0


@dataclass(frozen=True)
class Judgement:
    """The verdicts on several numbers of one claim, with what led to them."""

    claim: Claim
    got: Array
    estimate: Estimate
    verdicts: Array
    reasons: Array
    bar: Array


def entry_of(claim: Claim, i: int) -> Array:
    """Return what a claim says of one input: a number, or one a result."""
    if claim.row is not None:
        return claim.row[i : i + 1]
    assert claim.push is not None
    if claim.column is not None:
        return claim.column(i)
    unit = np.zeros(claim.size)
    unit[i] = 1.0
    return claim.push(unit)


def judged(claim: Claim, got: Array, estimate: Estimate, doubt: Any = 0.0) -> Judgement:
    """Compare claimed numbers with their estimates.

    Args:
        claim: whose numbers they are.
        got: the numbers.
        estimate: what differences say.
        doubt: how far the numbers themselves may be off by rounding.
    """
    e = estimate
    off = np.abs(got - e.value)
    size = np.maximum(np.abs(got), np.abs(e.value))
    rounding = 8 * EPS * size
    doubt = np.where(e.kink, 0.0, doubt)  # beside a kink another slope is no rounding
    bar = e.error + rounding + doubt
    known = e.finite & np.isfinite(e.error)
    sharp = (bar <= SHARP * size) | (bar <= 1e-8 * e.spread) | ((e.spread == 0) & (got == 0))
    smooth = known & ~e.kink & ~e.jump
    # a constant may be rounded to one: what a step would change is lost beside numbers of size 1
    lost = (e.spread == 0) & (np.abs(got) * e.points[0] <= EPS * np.maximum(1, np.abs(e.origin)))
    stuck = e.plateau | (lost & (got != 0))
    spacing = EPS * e.points[0] / FIRST_STEP
    rough = (e.noise > 100 * EPS * np.abs(e.origin)) & (e.noise > ROUGH * e.spread * e.points[0])
    unresolved = rough & (np.abs(got) * spacing > UNRESOLVED * e.noise) & np.isfinite(got)
    right = smooth & sharp & ~unresolved & (off <= AGREE * bar) & np.isfinite(got)
    wrong = smooth & ~stuck & ~unresolved & ((off > DIFFER * bar) | ~np.isfinite(got))
    lower, upper = np.minimum(e.backward, e.forward), np.maximum(e.backward, e.forward)
    slack = 0.05 * (upper - lower) + 1e-3 * np.maximum(np.abs(lower), np.abs(upper))
    beyond = (got < lower - slack) | (got > upper + slack) | ~np.isfinite(got)
    wrong |= e.kink & known & beyond
    verdicts = np.where(right, RIGHT, np.where(wrong, WRONG, UNDECIDABLE))
    reasons = np.where(off <= AGREE * bar, HIDDEN, NOISE).astype("<U90")
    reasons[doubt > e.error] = ROUNDED
    for reason, where in (
        (OUTSIDE, ~known),
        (SPACING, unresolved),
        (PLATEAU, stuck),
        (KINK, e.kink),
        (JUMP, e.jump),
    ):
        reasons[where] = reason
    reasons[verdicts != UNDECIDABLE] = ""
    return Judgement(claim, got, estimate, verdicts, reasons, bar)


def confirmed(first: Judgement, second: Judgement) -> Judgement:
    """Keep what is wrong by two estimates, and by the remainder of Taylor's formula."""
    a, b = first.estimate, second.estimate
    same = np.abs(a.value - b.value) <= DIFFER / 2 * (a.error + b.error) + 1e-6 * np.abs(a.value)
    # two estimates that differ as much as the claim does say nothing about it
    same &= np.abs(first.got - a.value) > DIFFER * np.abs(a.value - b.value)
    same |= (a.kink & b.kink) | ~np.isfinite(first.got)
    sure = (second.verdicts == WRONG) & same & ~_falls_fast(second)
    doubtful = (first.verdicts == WRONG) & ~sure
    return replace(
        first,
        verdicts=np.where(doubtful, UNDECIDABLE, first.verdicts),
        reasons=np.where(doubtful, NOISE, first.reasons),
    )


def _falls_fast(j: Judgement) -> Array:
    """Tell where Taylor's remainder is too small for the claim to be wrong.

    Of a wrong claim f(x + h) - f(x - h) - 2h * claim is about 2h times the difference once h is
    small; the smallest step at which noise would not hide that decides.
    """
    e = j.estimate
    contradicted = np.zeros(j.got.shape, bool)
    off = np.abs(j.got - e.value)
    for step, plus, minus in zip(e.points, e.plus, e.minus, strict=True):
        small = np.abs((plus - minus) / 2 - step * j.got) < 0.3 * step * off
        size = np.maximum(np.maximum(np.abs(plus), np.abs(minus)), np.abs(e.origin))
        visible = step * off > 50 * (e.noise + EPS * size)
        contradicted = np.where(visible, small, contradicted)
    return contradicted & ~e.kink


def divided(e: Estimate, size: Any) -> Estimate:
    """Return the estimate of a derivative by a variable that is `size` times as large.

    Args:
        e: the estimate.
        size: a number, or one an entry.
    """
    return replace(
        e,
        value=e.value / size,
        error=e.error / size,
        backward=e.backward / size,
        forward=e.forward / size,
        spread=e.spread / size,
        points=np.multiply.outer(e.points, size),
    )


def excess(j: Judgement) -> Array:
    """Return by how many bars the numbers are off."""
    excess = np.abs(j.got - j.estimate.value) / j.estimate.error
    return np.where(np.isnan(excess), np.inf, excess)


def worst(judgements: Iterable[Judgement]) -> str:
    """Return wrong if one is, else undecidable if one is, else right."""
    found = {str(v) for j in judgements for v in j.verdicts}
    return WRONG if WRONG in found else UNDECIDABLE if UNDECIDABLE in found else RIGHT
