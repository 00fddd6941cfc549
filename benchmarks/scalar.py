"""Scalar graphs, eagerly: build, run backward and free, against micrograd in the same run.

    python -m benchmarks.scalar [--quick]

needs `pip install micrograd`. Every repeat runs both, after a full garbage collection, so that
neither pays for what the other left; the gradients must agree before a time counts.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import random
import statistics
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from micrograd.engine import Value

from autograd import Tensor

Build = Callable[[Any, int], tuple[Any, Any]]


def with_constants(variable: Any, n: int) -> tuple[Any, Any]:
    """Alternate h * 0.99 and h + 0.01."""
    h = x = variable(0.5)
    for _ in range(n // 2):
        h = h * 0.99
        h = h + 0.01
    return h, x


def with_leaves(variable: Any, n: int) -> tuple[Any, Any]:
    """Alternate h * a and h + b, where a and b are variables as well."""
    a, b = variable(0.99), variable(0.01)
    h = x = variable(0.5)
    for _ in range(n // 2):
        h = h * a
        h = h + b
    return h, x


def mixed(variable: Any, n: int) -> tuple[Any, Any]:
    """Go round through every operation that micrograd has."""
    a, b = variable(0.99), variable(0.01)
    h = x = variable(0.5)
    for _ in range(n // 6):
        h = h * a
        h = h + b
        h = h.relu()
        h = h**2
        h = h / 2.0
        h = 1.0 - h
    return h, x


def network(variable: Any, n: int) -> tuple[Any, Any]:
    """Feed points through a 2-16-16-1 relu network of scalars until about n operations are made."""
    draw = random.Random(0)
    sizes = (2, 16, 16, 1)
    layers = [
        [[variable(draw.uniform(-1, 1)) for _ in range(m + 1)] for _ in range(k)]
        for m, k in itertools.pairwise(sizes)
    ]
    total = variable(0.0)
    for _ in range(max(1, n // 720)):
        values: list[Any] = [draw.uniform(-1, 1), draw.uniform(-1, 1)]
        for neurons in layers:
            outputs = []
            for *weights, bias in neurons:
                h = bias
                for w, v in zip(weights, values, strict=True):
                    h = h + w * v
                outputs.append(h.relu())
            values = outputs
        total = total + values[0]
    return total, layers[0][0][0]


def once(variable: Any, build: Build, n: int) -> tuple[float, float]:
    """Return the seconds that one round took, and the gradient it found."""
    gc.collect()
    start = time.perf_counter()
    y, x = build(variable, n)
    y.backward()
    seconds = time.perf_counter() - start
    return seconds, x.grad


def compare(build: Build, n: int, repeats: int) -> tuple[float, float]:
    """Return the median seconds of micrograd and of this engine, interleaved."""
    theirs, ours = [], []
    for _ in range(repeats):
        a, expected = once(Value, build, n)
        b, got = once(Tensor, build, n)
        if abs(got - expected) > 1e-9 * abs(expected):
            raise SystemExit(f"{build.__name__}, {n}: gradients differ, {got} and {expected}")
        theirs.append(a)
        ours.append(b)
    return statistics.median(theirs), statistics.median(ours)


def main() -> None:
    """Print the table of ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="fewer repeats")
    quick = parser.parse_args().quick
    print(f"{'graph':<16}{'operations':>12}{'micrograd us/op':>18}{'ours us/op':>12}{'ratio':>8}")
    for build in (with_constants, with_leaves, mixed, network):
        for n, repeats in ((2_000, 15 if quick else 41), (200_000, 3 if quick else 7)):
            a, b = compare(build, n, repeats)
            print(
                f"{build.__name__:<16}{n:>12,}{a / n * 1e6:>18.2f}{b / n * 1e6:>12.2f}{a / b:>8.1f}"
            )


if __name__ == "__main__":
    # micrograd recurses once an operation: give it the stack that takes
    sys.setrecursionlimit(1_000_000)
    threading.stack_size(1 << 29)
    thread = threading.Thread(target=main)
    thread.start()
    thread.join()
