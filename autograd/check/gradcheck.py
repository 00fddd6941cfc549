"""`gradcheck`: a verdict on every entry of a gradient, with no tolerance to choose."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import numpy as np

from ..errors import ArgumentError, GradientError, message
from .examine import Claim, Examination
from .report import WRONG, Report
from .subject import Arguments, Plain, Recorded, Subject, signed, slope_function

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
        ArgumentError: if `f` is random, writes into its arguments or is not finite at the point.
        DTypeError: if arguments or results are not real.
        ShapeError: if a gradient has the wrong shape.

    Example:
        >>> gradcheck(lambda x, y: x * np.sin(y), 2.0, np.array([1.0, 3.0]), order=2).verdict
        'right'
        >>> print(gradcheck(lambda x: x**3, 2.0, gradient=lambda x: 3 * x**2))
        gradient right: 1 right of 1 entries
          (every entry by itself)
    """
    _refuse_options(order, modes, directions, gradient)
    rng = np.random.default_rng(seed)
    arguments = Arguments(args)
    reports = []
    if gradient is not None:
        plain = Plain(f, arguments)
        matrix = plain.claim(gradient)
        again = plain.claim(gradient)
        if not np.array_equal(matrix, again, equal_nan=True):
            k = np.argwhere(matrix != again)[0]
            raise ArgumentError(
                message(
                    "the gradient to give the same bits when called again",
                    f"{matrix[tuple(k)]!r} and then {again[tuple(k)]!r}",
                    "a fixed seed inside it",
                )
            )
        claims = _written_claims(matrix)
        reports.append(_examined(plain, claims, arguments, directions, rng, 1))
    else:
        function = f
        for level in range(1, order + 1):
            subject = Recorded(function, arguments)
            subject.record()
            claims = list(_engine_claims(subject, modes, rng))
            reports.append(_examined(subject, claims, arguments, directions, rng, level))
            if level < order:
                # a derivative of order k + 1 is right only if that of order k is right nearby too
                beside = arguments.moved(rng)
                try:
                    nearby = Recorded(function, beside)
                except ArgumentError:
                    pass  # outside the domain, where nothing is claimed
                else:
                    nearby.record()
                    claims = list(_engine_claims(nearby, modes, rng))
                    reports.append(
                        _examined(nearby, claims, beside, directions, rng, level + 1, "beside")
                    )
            function = slope_function(function, "reverse" in modes, rng)
    report = _merged(reports)
    if report.verdict == WRONG:
        error = GradientError(str(report))
        error.report = report  # type: ignore[attr-defined]
        raise error
    return report


def _refuse_options(order: Any, modes: Any, directions: Any, gradient: Any) -> None:
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


def _engine_claims(
    subject: Recorded, modes: Sequence[str], rng: np.random.Generator
) -> Iterator[Claim]:
    size = subject.here.size
    if "reverse" in modes:
        units = np.eye(size) if size <= OUTPUTS_ALONE else None
        weights = units if units is not None else signed(rng, (COTANGENTS, size))
        for k, u in enumerate(weights):
            yield Claim(
                "reverse", weights=u, row=subject.pull(u), output=None if units is None else k
            )
    if "forward" in modes:
        yield Claim("forward", push=subject.push)


def _examined(
    subject: Subject,
    claims: list[Claim],
    arguments: Arguments,
    directions: int | str,
    rng: np.random.Generator,
    order: int,
    where: str = "at",
) -> Report:
    examination = Examination(subject, claims, rng, order)
    size = arguments.vector.size
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
        tuple(arguments.split(examination.verdicts)),
        examination.sorted_findings(),
        (note if order == 1 else f"order {order}, {where} the point: {note}",),
        subject.evaluations,
    )


def _merged(reports: Sequence[Report]) -> Report:
    if len(reports) == 1:
        return reports[0]
    rank = np.array(["right", "undecidable", WRONG])
    verdicts = []
    for several in zip(*(r.verdicts for r in reports), strict=True):
        worst = np.max([np.argmax(rank == np.asarray(v)[..., None], axis=-1) for v in several], 0)
        verdicts.append(rank[worst])
    return Report(
        tuple(verdicts),
        tuple(sorted((f for r in reports for f in r.findings), key=lambda f: f.verdict != WRONG)),
        tuple(note for r in reports for note in r.notes),
        sum(r.evaluations for r in reports),
    )
