"""The run: results are compared, then the parties take turns, and medians are made of the turns."""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks import environments
from benchmarks.work import LIBRARIES, Work, library
from benchmarks.worker import PeerError, Worker

PAUSE = 0.02  # seconds between turns: BLAS threads keep spinning for a while


@dataclass(frozen=True)
class Effort:
    """How long to measure.

    Args:
        seconds: for the rounds of one work at one size.
        rounds: at least so many, and at most eight times as many.
        turn: how many seconds one turn of a party takes, or one call if that is longer.
        slow: a party whose call takes longer than this many seconds has one turn only.
    """

    seconds: float
    rounds: int
    turn: float
    slow: float


FULL = Effort(seconds=8, rounds=9, turn=0.05, slow=20)
QUICK = Effort(seconds=0.8, rounds=5, turn=0.01, slow=0.6)


@dataclass
class Case:
    """What was found for one work at one size.

    Args:
        work: its name.
        size: its size.
        samples: for each party that was measured, a figure a round, in seconds or bytes.
        failures: for each party that was not, the reason.
        disagree: whether a party had another result.
    """

    work: str
    size: int
    samples: dict[str, list[float]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    disagree: bool = False

    def median(self, party: str) -> float:
        """Return the median figure of a party."""
        return statistics.median(self.samples[party])

    def ratio(self, ours: str, peer: str) -> tuple[float, float, float]:
        """Return the lower quartile, the median and the upper quartile of ours / the peer's.

        Ratios are taken round by round, so that what slows the machine down for a while slows
        both; a party that had one turn is compared by medians.
        """
        a, b = self.samples[ours], self.samples[peer]
        if len(a) != len(b):
            a, b = [statistics.median(a)], [statistics.median(b)]
        ratios = [x / y for x, y in zip(a, b, strict=True)]
        return quartiles(ratios)


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the lower quartile, the median and the upper quartile.

    Example:
        >>> quartiles([4.0, 1.0, 2.0, 3.0, 5.0])
        (2.0, 3.0, 4.0)
    """
    low, middle, high = np.quantile(values, (0.25, 0.5, 0.75))
    return float(low), float(middle), float(high)


class Bench:
    """The workers, and what is known of them.

    Args:
        effort: how long to measure.
        threads: how many threads every library may use.
        say: where progress goes.
    """

    def __init__(
        self,
        effort: Effort,
        threads: int,
        say: Callable[[str], None] = lambda text: print(text, file=sys.stderr, flush=True),
    ) -> None:
        self.effort = effort
        self.threads = threads
        self.say = say
        self.missing: dict[str, str] = {}
        self.versions: dict[str, dict[str, str]] = {}
        self._workers: dict[str, Worker] = {}

    def measure(self, work: Work, size: int) -> Case:
        """Compare results, then time the parties in turns."""
        case = Case(work.name, size)
        parties = [p for p in work.parties if work.takes_part(p, size)]
        if work.quantity == "bytes":
            self._grow(work, size, parties, case)
            return case
        agreeing: list[str] = []
        expected = None
        for party in parties:
            try:
                result = self._worker(library(party)).ask("check", work.name, party, size)
            except PeerError as error:
                self._fail(case, party, str(error))
                continue
            if expected is None:
                expected = result
            elif result is not None:
                why = difference(expected, result, work.rtol)
                if why:
                    case.disagree = True
                    self._fail(case, party, f"another result than {parties[0]}: {why}")
                    continue
            agreeing.append(party)
        self._take_turns(agreeing, case)
        return case

    def close(self) -> None:
        """End all workers."""
        for worker in self._workers.values():
            worker.close()
        self._workers.clear()

    def _take_turns(self, parties: list[str], case: Case) -> None:
        calls: dict[str, int] = {}
        taken = 0.0
        for party in parties:
            for seconds in self._turn(party, 1, case):
                # a first call may have compiled something; the second says how long one takes
                if seconds > self.effort.slow:
                    case.samples[party] = [seconds]
                else:
                    calls[party] = max(1, round(self.effort.turn / seconds))
                    taken += max(self.effort.turn, seconds) + PAUSE
        if not calls:
            return
        rounds = min(
            max(self.effort.rounds, int(self.effort.seconds / taken)), 8 * self.effort.rounds
        )
        turns: dict[str, list[float]] = {party: [] for party in calls}
        for _ in range(rounds):
            for party in calls:
                if party not in case.failures:
                    time.sleep(PAUSE)
                    turns[party] += self._turn(party, calls[party], case)
        case.samples.update({p: t for p, t in turns.items() if p not in case.failures})

    def _turn(self, party: str, calls: int, case: Case) -> list[float]:
        try:
            return [self._worker(library(party)).ask("time", party, calls)]
        except PeerError as error:
            self._fail(case, party, str(error))
            return []

    def _grow(self, work: Work, size: int, parties: list[str], case: Case) -> None:
        """Measure peaks, each in a fresh process."""
        for party in parties:
            try:
                worker = self._start(library(party))
                try:
                    case.samples[party] = [float(worker.ask("grow", work.name, party, size))]
                finally:
                    worker.close()
            except PeerError as error:
                self._fail(case, party, str(error))

    def _fail(self, case: Case, party: str, reason: str) -> None:
        case.failures[party] = reason
        self.say(f"    {party}: {reason}")

    def _worker(self, name: str) -> Worker:
        if name in self._workers and not self._workers[name].alive:
            self._workers.pop(name).close()
        if name not in self._workers:
            self._workers[name] = self._start(name)
        return self._workers[name]

    def _start(self, name: str) -> Worker:
        if name in self.missing:
            raise PeerError(self.missing[name])
        environment = LIBRARIES[name]
        try:
            python = environments.python(environment) if environment else sys.executable
        except environments.UnavailableError as error:
            self.missing[name] = f"cannot be installed: {error}"
            raise PeerError(self.missing[name]) from error
        worker = Worker(python, self.threads, home=environment is None)
        if name not in self.versions:
            pins = environments.PINS[environment] if environment else ("numpy==",)
            self.versions[name] = worker.ask("versions", [pin.split("==")[0] for pin in pins])
        return worker


def processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def difference(expected: Any, got: Any, rtol: float) -> str:
    """Return how two results differ, or nothing if they agree.

    Entries may differ by `rtol` times the largest finite entry of their array: a sum of many
    terms carries an error of the size of the terms, not of the sum. None stands where a party has
    no such result.

    Example:
        >>> difference([1.0, (2.0,)], [1.0, (2.0,)], rtol=1e-9)
        ''
        >>> difference([1.0, 2.0], [1.0, 2.5], rtol=1e-9)
        'result 1 is off by 2.5e-01 of its largest entry, and 1.0e-09 is allowed'
    """
    a, b = list(_arrays(expected)), list(_arrays(got))
    if len(a) != len(b):
        return f"{len(b)} results, not {len(a)}"
    for k, (x, y) in enumerate(zip(a, b, strict=True)):
        if x is None or y is None:
            continue
        if x.shape != y.shape:
            return f"result {k} has shape {y.shape}, not {x.shape}"
        finite = np.isfinite(x)
        same = np.array_equal(x[~finite], y[~finite], equal_nan=True)
        if not (same and np.isfinite(y[finite]).all()):
            return f"result {k} is not finite at other places"
        if not finite.any():
            continue
        largest = float(np.max(np.abs(x[finite])))
        off = float(np.max(np.abs(x[finite] - y[finite])))
        if not off <= rtol * largest:
            share = f"{off / largest:.1e}" if largest else f"{off:.1e}, infinitely many times"
            return f"result {k} is off by {share} of its largest entry, and {rtol:.1e} is allowed"
    return ""


def _arrays(tree: Any) -> Iterator[Any]:
    if isinstance(tree, (list, tuple)):
        for part in tree:
            yield from _arrays(part)
    else:
        yield None if tree is None else np.asarray(tree, float)
