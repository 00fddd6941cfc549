"""How long pictures take: the layout of 200 nodes, and graphs far too large to lay out whole."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import autograd as ag
from autograd import Tensor

REPEATS = 3


def weighted_sum(count: int) -> Tensor:
    """Return the tanh of a weighted sum: 4 * count nodes, half of them operations."""
    rng = np.random.default_rng(0)
    w, x = (
        [Tensor(float(v), name=f"{letter}{i}") for i, v in enumerate(draws)]
        for letter, draws in zip("wx", rng.normal(size=(2, count)), strict=True)
    )
    products = [a * b for a, b in zip(w, x, strict=True)]
    return ag.tanh(sum(products[1:], products[0]))  # type: ignore[no-any-return]


def loop(steps: int) -> Tensor:
    """Return the state of a recurrent cell: four operations a step."""
    state, w, u = (Tensor(v, name=n) for v, n in ((0.1, "state"), (0.9, "w"), (0.3, "u")))
    for k in range(steps):
        state = (w * state + u * float(k % 2)).tanh()
    return state


def tangle(count: int) -> Tensor:
    """Return the last of many operations on results drawn at random from the latest ones."""
    rng = np.random.default_rng(0)
    pool = [Tensor(float(v)) for v in rng.uniform(0.9, 1.1, 5)]
    for _ in range(count // 2):
        i, j = rng.integers(max(0, len(pool) - 9), len(pool), 2)
        pool.append(np.tanh(pool[i] + pool[j]))
    return pool[-1]


def digits(layers: int) -> Tensor:
    """Return the output of many small layers of arrays."""
    rng = np.random.default_rng(0)
    h: Any = Tensor(np.ones((1, 4)))
    for k in range(layers):
        h = np.tanh(h @ Tensor(rng.normal(size=(4, 4)), name=f"W{k}"))
    result: Tensor = h.sum()
    return result


GRAPHS: dict[str, Callable[[], Tensor]] = {
    "200 nodes": lambda: weighted_sum(50),
    "a loop of 100,000 operations": lambda: loop(25_000),
    "a sum of 100,000 operations": lambda: weighted_sum(50_000),
    "a tangle of 100,000 operations": lambda: tangle(100_000),
    "100,000 array operations": lambda: digits(50_000),
}


def main() -> None:
    """Print for each graph the seconds to draw and lay out, and the sizes of what is written."""
    print(f"{'graph':32} {'vertices':>8} {'figure, s':>10} {'.svg, s':>8} {'.html, kB':>10}")
    for name, computation in GRAPHS.items():
        y = computation()
        y.backward()
        drawn, laid_out, size, vertices = [], [], 0, 0
        with TemporaryDirectory() as folder:
            for _ in range(REPEATS):
                start = time.perf_counter()
                figure = ag.draw(y)
                drawn.append(time.perf_counter() - start)
                start = time.perf_counter()
                figure.save(Path(folder) / "picture.svg")
                laid_out.append(time.perf_counter() - start)
            size = figure.save(Path(folder) / "picture.html").stat().st_size
            vertices = len(figure.vertices)
        seconds = [statistics.median(times) for times in (drawn, laid_out)]
        print(f"{name:32} {vertices:8,} {seconds[0]:10.2f} {seconds[1]:8.2f} {size / 1000:10.0f}")


if __name__ == "__main__":
    main()
