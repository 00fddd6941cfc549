"""What it costs to notice that an array a live graph has saved was written.

    python -m benchmarks.mutation

Three things are paid for: a writable constant is copied on its way into a graph, an array is
handed out as a read-only view, and every sweep looks whether a leaf was assigned or a constant
unlocked. Each is timed with and without, in turns; the sweep without is the same source, less the
looks.
"""

from __future__ import annotations

import inspect
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import autograd as ag
from autograd import Tensor, sweep

REPEATS = 41
Program = Callable[[], Any]


def interleaved(programs: dict[str, Program], inner: int) -> dict[str, float]:
    """Return the median time of each program in microseconds a call; they take turns."""
    times: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(REPEATS):
        for name, program in programs.items():
            start = time.perf_counter()
            for _ in range(inner):
                program()
            times[name].append((time.perf_counter() - start) / inner * 1e6)
    return {name: statistics.median(each) for name, each in times.items()}


def without_clocks() -> Callable[..., Any]:
    """Return the count of contributions, the first pass of a sweep, without looking for writes."""
    source = inspect.getsource(sweep._fan_out)
    bare = source.replace("if x._clock > made:", "if False:")
    bare = bare.replace("if type(x) is np.ndarray:", "if False:")
    assert bare.count("if False:") >= 4, "the comparisons are spelled in another way"
    namespace = dict(vars(sweep))
    exec(compile(bare, "<sweep without clocks>", "exec"), namespace)
    found: Callable[..., Any] = namespace["_fan_out"]
    return found


def chain(x: Any, n: int) -> Any:
    """Return the end of a chain of `n` operations with a leaf and a constant."""
    c = np.full(x.shape, 0.01) if x.shape else 0.01
    h = x
    for _ in range(n // 2):
        h = h * x
        h = h + c
    return h


def clocks() -> list[tuple[str, float, float]]:
    """Return the times of whole backward calls, without and with the comparisons."""
    rows = []
    swapped = without_clocks()
    kept = sweep._fan_out
    for label, leaf, n in (
        ("backward, 2,000 scalar operations", Tensor(0.5), 2_000),
        ("backward, 200 operations on (10, 10)", Tensor(np.full((10, 10), 0.5)), 200),
    ):
        y = chain(leaf, n)
        seed = np.ones(y.shape) if y.shape else 1.0

        def swept(count: Any, y: Tensor = y, leaf: Tensor = leaf, seed: Any = seed) -> None:
            sweep._fan_out = count
            ag.gradients(y, leaf, seed)

        try:
            found = interleaved({"without": lambda: swept(swapped), "with": lambda: swept(kept)}, 3)
        finally:
            sweep._fan_out = kept
        rows.append((label, found["without"], found["with"]))
    return rows


def constants(n: int) -> tuple[str, float, float]:
    """Return the times of `h * c` for a constant that needs no copy, and for one that does."""
    h = Tensor(np.full((n, n), 0.5))
    free = np.full((n, n), 2.0)
    frozen = free.copy()
    frozen.flags.writeable = False
    found = interleaved({"without": lambda: h * frozen, "with": lambda: h * free}, 2_000 // n)
    return f"`h * c`, c of shape ({n}, {n}), copied", found["without"], found["with"]


def views(n: int) -> tuple[str, float, float]:
    """Return the times of a sum of the bare array, and of the read-only view."""
    t = Tensor(np.full((n, n), 0.5))
    programs = {"without": lambda: np.sum(t._value), "with": lambda: np.sum(t.data)}
    found = interleaved(programs, 2_000)
    return f"`np.sum(t.data)`, t of shape ({n}, {n})", found["without"], found["with"]


def main() -> None:
    """Print the table of docs/benchmarks.md."""
    print("| what | unprotected, us | protected, us | price |")
    print("| --- | ---: | ---: | ---: |")
    rows = [*clocks(), *map(constants, (10, 100, 1000)), *map(views, (10, 100))]
    for label, bare, whole in rows:
        print(f"| {label} | {bare:.2f} | {whole:.2f} | {100 * (whole / bare - 1):+.0f} % |")


if __name__ == "__main__":
    main()
