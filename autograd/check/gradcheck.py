"""`gradcheck`: a verdict on every entry of a gradient, with no tolerance to choose."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

import numpy as np

from ..errors import ArgumentError, GradientError, message
from .examine import Examination
from .judgement import NUDGES, Claim
from .laws import compared_sweeps, compared_with_values, unknown
from .report import WRONG, Report
from .subject import (
    Arguments,
    NotFiniteError,
    Plain,
    Recorded,
    Subject,
    name_of,
    signed,
    slope_function,
)

ALONE = 100
"""Up to so many inputs each is examined by itself; beyond, groups along random directions."""

DIRECTIONS = 6
"""Random directions a group: one misses an error with probability at most 0.1."""

OUTPUTS_ALONE = 4
"""Up to so many results each is pulled back by itself; beyond, random weights of all."""

COTANGENTS = 3


MODES = ("reverse", "forward")


@np.errstate(all="ignore")
def gradcheck(
    f: Callable[..., Any],
    *args: Any,
    gradient: Callable[..., Any] | None = None,
    order: int = 1,
    modes: Sequence[str] = MODES,
    directions: int | Literal["auto", "all"] = "auto",
    seed: int = 0,
) -> Report:
    """Judge the gradient of `f` at a point, entry by entry: right, wrong or undecidable.

    The derivative is estimated by extrapolated differences that carry their own error bar; a
    gradient is right where it lies within the bar and the bar is small, wrong where it lies clearly
    outside and a second estimate confirms it, undecidable where there is a kink, a discontinuity,
    or more noise than slope.

    Args:
        f: a function of the arguments, giving a number, an array or a tuple of them. Without
            `gradient` it is called with Tensors; otherwise with floats and float64 arrays.
        args: the point: numbers and arrays.
        gradient: the gradient to check, called as `f` is: an array of each argument's shape, a
            tuple for several; of shape (*result, *argument) where the result is an array. The
            engine's own gradient if not given.
        order: how many derivatives of the engine to check; 1 for `gradient`.
        modes: which sweeps of the engine to check: "reverse", "forward" or both.
        directions: "all" to examine every input by itself; a number of random directions to examine
            groups of inputs along, splitting those that disagree; "auto" takes every input up to
            100 of them, and 6 directions beyond.
        seed: draws the directions.

    Returns:
        The report, whose `verdict` is "right" or "undecidable".

    Raises:
        GradientError: if an entry is wrong; its `report` says which.
        ArgumentError: if an option is wrong, or `f` is no function, is random, writes into its
            arguments or is not finite at the point.
        DTypeError: if arguments or results are not real.
        ShapeError: if a gradient has the wrong shape.

    Example:
        >>> gradcheck(lambda x, y: x * np.sin(y), 2.0, np.array([1.0, 3.0]), order=2).verdict
        'right'
        >>> print(gradcheck(lambda x: x**3, 2.0, gradient=lambda x: 3 * x**2))
        gradient right: 1 right of 1 entries
          (every entry by itself)
    """
    _refuse_options(f, order, modes, directions, gradient)
    rng = np.random.default_rng(seed)
    arguments = Arguments(args)
    reports = []
    if gradient is not None:
        plain = Plain(f, arguments)
        matrix = plain.claim(gradient)
        _refuse_random(f"{name_of(gradient)}", matrix, plain.claim(gradient))

        def written() -> list[list[Claim]]:
            points = [arguments.nudged(rng, width) for width in NUDGES]
            return _where_possible(lambda at: _written_claims(plain.claim(gradient, at)), points)

        reports.append(_examined(plain, _written_claims(matrix), directions, rng, 1, written))
    else:
        function, size = f, 0.0
        for level in range(1, order + 1):
            try:
                subject = Recorded(function, arguments, plain=level == 1)
            except NotFiniteError as infinite:
                if level == 1:
                    raise
                reports.append(unknown(str(infinite), level))
                break
            subject.record()
            size = max(size, float(np.max(np.abs(subject.here))))
            weights = _weights(subject, rng)
            claims = _engine_claims(subject, modes, weights)
            if "reverse" in modes:
                again = subject.pull(weights[0])
                _refuse_random(f"the gradient of {name_of(function)}", claims[0].row, again)

            def swept(
                function: Callable[..., Any] = function, weights: Any = weights
            ) -> list[list[Claim]]:
                def at(point: Arguments) -> list[Claim]:
                    beside = Recorded(function, point)
                    beside.record()
                    return _engine_claims(beside, modes, weights)

                return _where_possible(at, [arguments.nudged(rng, width) for width in NUDGES])

            reports.append(_examined(subject, claims, directions, rng, level, swept))
            if level > 1:
                reports.append(compared_with_values(f, arguments, modes, rng, level))
            if all(r.verdict != WRONG for r in reports):
                reports += compared_sweeps(subject, modes, rng, level, size)
            if any(r.verdict == WRONG for r in reports):
                break
            function = slope_function(function, "reverse" in modes, rng)
    report = _merged(reports)
    if report.verdict == WRONG:
        error = GradientError(str(report))
        error.report = report
        raise error
    return report


def _where_possible(
    claims_at: Callable[[Arguments], list[Claim]], points: Iterable[Arguments]
) -> list[list[Claim]]:
    """Return the claims at several points, leaving out those outside the domain."""
    found = []
    for point in points:
        with contextlib.suppress(ArithmeticError, ValueError):
            found.append(claims_at(point))
    return found


def _refuse_random(name: str, first: Any, second: Any) -> None:
    if not np.array_equal(first, second, equal_nan=True):
        k = tuple(np.argwhere(first != second)[0])
        raise ArgumentError(
            message(
                f"{name} to give the same bits when called again",
                f"{first[k]} and then {second[k]}",
                "a fixed seed inside it (np.random.default_rng(0))",
            )
        )


def _refuse_options(f: Any, order: Any, modes: Any, directions: Any, gradient: Any) -> None:
    if not callable(f):
        raise ArgumentError(
            message("f to be a function", type(f).__name__, "gradcheck(f, x) with f first")
        )
    if isinstance(order, bool) or not isinstance(order, int) or order < 1:
        raise ArgumentError(message("order to be a positive int", f"{order!r}", "order=1"))
    if gradient is not None and (order != 1 or not callable(gradient)):
        raise ArgumentError(
            message(
                "gradient to be a function, of order 1",
                f"{type(gradient).__name__}, order={order}",
                "checking the second derivative as the gradient of the first",
            )
        )
    if isinstance(modes, str) or not modes or not set(modes) <= set(MODES):
        raise ArgumentError(
            message(f"modes to be some of {MODES}", f"{modes!r}", 'modes=("reverse",)')
        )
    if directions not in ("auto", "all") and (
        isinstance(directions, bool) or not isinstance(directions, int) or directions < 1
    ):
        raise ArgumentError(
            message(
                "directions to be 'auto', 'all' or a positive int",
                f"{directions!r}",
                "directions=6",
            )
        )


def _written_claims(matrix: Any) -> list[Claim]:
    size = len(matrix)
    if size <= OUTPUTS_ALONE:
        units = np.eye(size)
        return [
            Claim("gradient", weights=units[k], row=row, output=k) for k, row in enumerate(matrix)
        ]
    return [Claim("gradient", push=lambda v: matrix @ v, column=lambda i: matrix[:, i])]


def _weights(subject: Subject, rng: np.random.Generator) -> Any:
    """Return the cotangents to pull back: every result by itself, or random weights of many."""
    size = subject.here.size
    return np.eye(size) if size <= OUTPUTS_ALONE else signed(rng, (COTANGENTS, size))


def _engine_claims(subject: Recorded, modes: Sequence[str], weights: Any) -> list[Claim]:
    claims = []
    if "reverse" in modes:
        alone = subject.here.size <= OUTPUTS_ALONE
        for k, u in enumerate(weights):
            claims.append(
                Claim("reverse", weights=u, row=subject.pull(u), output=k if alone else None)
            )
    if "forward" in modes:
        claims.append(Claim("forward", push=subject.push, size=subject.arguments.vector.size))
    return claims


def _examined(
    subject: Subject,
    claims: list[Claim],
    directions: int | str,
    rng: np.random.Generator,
    order: int,
    nudged: Callable[[], list[list[Claim]]],
) -> Report:
    examination = Examination(subject, claims, rng, order, nudged)
    size = subject.arguments.vector.size
    alone = directions == "all" or (directions == "auto" and size <= ALONE)
    if alone:
        examination.examine_alone(range(size))
        note = "every entry by itself"
    else:
        count = DIRECTIONS if isinstance(directions, str) else directions
        note = examination.examine_groups(count)
    if any(c.weights is not None and c.output is None for c in claims):
        note += f"; {subject.here.size:,} results weighted at random, {COTANGENTS} times"
    return Report(
        tuple(subject.arguments.split(examination.verdicts)),
        examination.sorted_findings(),
        (note if order == 1 else f"order {order}: {note}",),
        subject.evaluations,
    )


def _merged(reports: Sequence[Report]) -> Report:
    if len(reports) == 1:
        return reports[0]
    rank = np.array(["right", "undecidable", WRONG])
    verdicts = []
    for several in zip(*(r.verdicts for r in reports if r.verdicts), strict=True):
        worst = np.max([np.argmax(rank == np.asarray(v)[..., None], axis=-1) for v in several], 0)
        verdicts.append(rank[worst])
    return Report(
        tuple(verdicts),
        tuple(sorted((f for r in reports for f in r.findings), key=lambda f: f.verdict != WRONG)),
        tuple(note for r in reports for note in r.notes),
        sum(r.evaluations for r in reports),
    )
