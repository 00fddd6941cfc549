"""What the two sweeps owe each other, and what higher derivatives owe the values."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError
from ..node import value_of
from ..recording import enable_grad
from ..tensor import Tensor
from .higher import higher_derivative
from .judgement import DIFFER, NUDGE, NUDGES
from .report import UNDECIDABLE, WRONG, Finding, Report, guess_of
from .richardson import noise_of
from .subject import Arguments, Recorded, signed, slope_along, weighted

PAIRS = 3
"""Random pairs of directions, of the arguments and of the results."""

ROUNDING = 1e-10
"""How far <u, J v> and <J'u, v> may be apart, as a part of the sizes of their terms."""

CANCELLING = 1e-12
"""And as a part of the sizes of the values, whose parts may cancel in the terms."""


def compared_sweeps(
    subject: Recorded, modes: Sequence[str], rng: np.random.Generator, order: int, size: float
) -> list[Report]:
    """Check duality: <u, J v> = <J'u, v> for random u and v, J v forward and J'u in reverse.

    Args:
        subject: a recorded function.
        modes: nothing is compared unless both sweeps are checked.
        rng: draws u and v.
        order: which derivative this is, for the findings.
        size: that of the values whose derivatives they are.
    """
    if len(set(modes)) < 2:
        return []
    findings: list[Finding] = []
    scales = subject.arguments.scales()
    for _ in range(PAIRS):
        u, v = signed(rng, subject.here.shape), signed(rng, scales.shape) * scales
        row, column = subject.pull(u), subject.push(v)
        got, expected = float(np.sum(row * v)), float(np.sum(u * column))
        terms = float(np.sum(np.abs(row * v)) + np.sum(np.abs(u * column)))
        bar = ROUNDING * terms + CANCELLING * float(np.sum(np.abs(u)) * size)
        if abs(got - expected) > bar and np.isfinite(terms) and not findings:
            guess = "the reverse and the forward sweep disagree: <J'u, v> is not <u, J v>"
            findings.append(
                Finding(
                    WRONG, None, (), None, "duality", order, got, expected, bar, guess=guess,
                )
            )  # fmt: skip
    return [Report((), tuple(findings), (), 0)]


def compared_with_values(
    f: Callable[..., Any],
    arguments: Arguments,
    modes: Sequence[str],
    rng: np.random.Generator,
    order: int,
) -> Report:
    """Check a higher derivative along random directions against differences of the values of `f`.

    Args:
        f: a function of Tensors.
        arguments: the point.
        modes: which sweeps to nest.
        rng: draws the directions.
        order: which derivative, from 2.
    """
    subject = Recorded(f, arguments)
    scales = arguments.scales()
    findings: list[Finding] = []
    told = 0
    for _ in range(PAIRS):
        u = signed(rng, subject.here.shape)
        v = signed(rng, arguments.vector.shape) * scales

        def path(t: float, v: Any = v) -> Any:
            return subject(arguments.vector + t * v)

        noise = noise_of(path, subject.here, subject.precision)

        def total(t: float, path: Any = path, u: Any = u) -> float:
            return float(u @ path(t))

        seen = higher_derivative(total, float(np.abs(u) @ noise), order)
        told += np.isfinite(seen.error)
        for mode in modes:
            slope = weighted(f, u)
            for _ in range(order):
                slope = slope_along(slope, arguments.split(v), mode == "reverse")
            got = _value(slope, arguments)
            doubt = 0.0
            if abs(got - seen.value) > DIFFER * seen.error or not np.isfinite(got):
                for width in NUDGES:
                    with contextlib.suppress(ArgumentError):
                        change = abs(_value(slope, arguments.nudged(rng, width)) - got)
                        doubt = max(doubt, NUDGE * change)
            bar = seen.error + doubt + 1e-13 * max(abs(got), abs(seen.value))
            off = abs(got - seen.value) > DIFFER * bar
            if not np.isfinite(seen.error) or not (off or not np.isfinite(got)):
                continue
            if any(finding.mode == mode for finding in findings):
                continue
            alone = arguments.vector.size == 1
            per_unit = float(v[0]) ** order if alone and subject.here.size == 1 else 1.0
            per_unit *= float(u[0]) if alone and subject.here.size == 1 else 1.0
            got, expected = got / per_unit, seen.value / per_unit
            error = bar / abs(per_unit)
            findings.append(
                Finding(
                    WRONG, 0 if alone else None, (0,) * len(arguments.shapes[0]) if alone else (),
                    None, mode, order, got, expected, error,
                    "against differences of the values themselves",
                    guess_of(got, expected, error, ()),
                )
            )  # fmt: skip
    note = f"order {order}: along {PAIRS} random directions, {told} of which values can tell"
    return Report((), tuple(findings), (note,), subject.evaluations)


def unknown(reason: str, order: int) -> Report:
    """Return the report on a derivative that has no finite value at the point."""
    finding = Finding(UNDECIDABLE, None, (), None, "reverse", order, np.nan, np.nan, np.inf, reason)
    return Report((), (finding,), (), 0)


def _value(slope: Callable[..., Any], arguments: Arguments) -> float:
    with enable_grad():
        return float(value_of(slope(*map(Tensor, arguments.unpack(arguments.vector)))))
