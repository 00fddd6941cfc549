"""What a node of a frozen graph costs, at two sizes: time to make it ready, and memory.

    python -m benchmarks.tracing

A chain of ten and of a hundred thousand operations is traced, simplified and compiled with its
gradient. Where costs are linear, the two columns are alike.
"""

from __future__ import annotations

import functools
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import autograd as ag

SIZES = (10_000, 100_000)


def chain(operations: int) -> Callable[[Any], Any]:
    """Return a function of so many multiplications and additions."""

    def f(x: Any) -> Any:
        for _ in range(operations // 2):
            x = x * 0.999 + 0.001
        return x

    return f


def costs(operations: int) -> dict[str, float]:
    """Return microseconds and bytes a node, for a graph of so many operations."""
    f = chain(operations)
    slope = ag.value_and_grad(f)
    found: dict[str, float] = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        start = time.process_time()
        result = work()
        found[name] = (time.process_time() - start) / operations * 1e6
        return result

    graph = timed("trace", lambda: ag.trace(f, 0.5))
    timed("simplify", graph.simplify)
    timed("trace value and gradient", lambda: ag.trace(slope, 0.5))
    for backend in ("python", "llvm"):
        fast = ag.compile(slope, backend=backend)
        call = functools.partial(fast, 0.5)
        timed(f"compile value and gradient, {backend}", call)
        timed(f"one call, {backend}", call)
    del graph
    tracemalloc.start()
    kept = ag.trace(f, 0.5)
    found["memory of the graph"] = tracemalloc.get_traced_memory()[0] / len(kept)
    tracemalloc.stop()
    return found


def main() -> None:
    """Print the costs at both sizes."""
    costs(100)  # the first call of all imports modules and reads rows
    small, large = (costs(n) for n in SIZES)
    print(f"{'a node of':40} {SIZES[0]:>10,} {SIZES[1]:>10,}")
    for name, cost in small.items():
        unit = "bytes" if name.startswith("memory") else "us"
        print(f"{name:40} {cost:10.3f} {large[name]:10.3f} {unit}")


if __name__ == "__main__":
    main()
