"""Every operation's overhead beside micrograd, HIPS autograd, MyGrad and PyTorch, in one run.

    python -m benchmarks.peers --python /path/to/peers/bin/python [--quick]

The peers live in an environment of their own, since HIPS autograd has this project's import name:

    python -m venv peers && peers/bin/pip install micrograd mygrad autograd torch==2.13.0

A worker in that environment and this process take turns, repeat by repeat; a turn is two runs, the
second of which counts, since the first finds cold caches; the gradients must agree before a time
counts. Figures are medians, in microseconds an operation, forward and backward.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

SIZES = {"scalars": (2_000, 200_000), "arrays": (400,)}
Program = Callable[[Any, Any, int], Any]


def scalar_chain(x: Any, tanh: Any, n: int) -> Any:
    """Alternate h * x and h + 0.01."""
    h = x
    for _ in range(n // 2):
        h = h * x
        h = h + 0.01
    return h


def array_chain(xs: Any, tanh: Any, n: int) -> Any:
    """Go round through h * w, h + b, tanh(h), h @ w on (10, 10) arrays."""
    h, w, b = xs
    for _ in range(n // 4):
        h = h * w
        h = h + b
        h = tanh(h)
        h = h @ w
    return h


def operands() -> list[Any]:
    """Return the three (10, 10) arrays of the array program."""
    draw = np.random.default_rng(0)
    return [draw.normal(size=(10, 10)), draw.normal(size=(10, 10)) / 4, draw.normal(size=(10, 10))]


def ours(work: str, n: int) -> tuple[float, float]:
    """Return the seconds that this engine took, and the gradient it found."""
    import autograd as ag

    if work == "scalars":
        x = ag.Tensor(0.5)
        return timed(lambda: scalar_chain(x, None, n).backward(), lambda: x.grad)
    xs = [ag.Tensor(a) for a in operands()]
    return timed(
        lambda: array_chain(xs, np.tanh, n).sum().backward(), lambda: float(np.sum(xs[1].grad))
    )


def timed(run: Callable[[], Any], found: Callable[[], float]) -> tuple[float, float]:
    """Return the seconds a run takes and what it found, after a full collection."""
    gc.collect()
    start = time.perf_counter()
    run()
    return time.perf_counter() - start, found()


def peer(name: str, work: str, n: int) -> tuple[float, float]:
    """Return the seconds that a peer took, and the gradient it found; runs in their environment."""
    if name == "micrograd":
        from micrograd.engine import Value

        v = Value(0.5)
        return timed(lambda: scalar_chain(v, None, n).backward(), lambda: v.grad)
    if name == "PyTorch":
        import torch

        torch.set_num_threads(1)
        if work == "scalars":
            t = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
            return timed(lambda: scalar_chain(t, None, n).backward(), lambda: float(t.grad))
        ts = [torch.tensor(a, requires_grad=True) for a in operands()]
        return timed(
            lambda: array_chain(ts, torch.tanh, n).sum().backward(), lambda: float(ts[1].grad.sum())
        )
    if name == "MyGrad":
        import mygrad

        if work == "scalars":
            m = mygrad.tensor(0.5)
            return timed(lambda: scalar_chain(m, None, n).backward(), lambda: float(m.grad))
        ms = [mygrad.tensor(a) for a in operands()]
        return timed(
            lambda: array_chain(ms, mygrad.tanh, n).sum().backward(),
            lambda: float(ms[1].grad.sum()),
        )
    import autograd.numpy as anp

    import autograd

    kept: list[Any] = []
    if work == "scalars":
        slope = autograd.grad(lambda x: scalar_chain(x, None, n))
        return timed(lambda: kept.append(slope(0.5)), lambda: float(kept[0]))
    xs = operands()

    def total(w: Any, x: Any, b: Any) -> Any:
        h = x
        for _ in range(n // 4):
            h = h * w
            h = h + b
            h = anp.tanh(h)
            h = anp.dot(h, w)  # the older library has no operator @
        return anp.sum(h)

    slopes = autograd.grad(total, (0, 1, 2))
    return timed(lambda: kept.append(slopes(xs[1], xs[0], xs[2])), lambda: float(kept[0][0].sum()))


def serve() -> None:
    """Answer requests, one JSON line each, in the peers' environment."""
    sys.setrecursionlimit(1_000_000)
    for line in sys.stdin:
        name, work, n = json.loads(line)
        try:
            answer: Any = peer(name, work, n)
        except (RecursionError, ImportError) as error:
            answer = f"{type(error).__name__}: {error}"
        print(json.dumps(answer), flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--python", required=True, help="the peers' interpreter")
    parser.add_argument("--quick", action="store_true", help="fewer repeats")
    given = parser.parse_args()
    # started as a file outside this directory, so that `autograd` is the peers'
    worker = subprocess.Popen(
        ["prlimit", "--stack=unlimited", given.python, "-P", str(Path(__file__)), "--serve"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd="/",
    )
    assert worker.stdin
    assert worker.stdout
    print("| program | operations | ours | " + " | ".join(PEERS) + " |")
    print("| --- | --- | --- |" + " --- |" * len(PEERS))
    for work, sizes in SIZES.items():
        for n in sizes:
            repeats = (1 if given.quick else 7) if n > 10_000 else (9 if given.quick else 25)
            names = [p for p in PEERS if not (p == "micrograd" and work == "arrays")]
            times: dict[str, list[float]] = {name: [] for name in ("ours", *names)}
            for _ in range(repeats):
                for _ in range(2):
                    seconds, expected = ours(work, n)
                times["ours"].append(seconds)
                for name in list(names):
                    for _ in range(2):
                        worker.stdin.write(json.dumps([name, work, n]) + "\n")
                        worker.stdin.flush()
                        answer = json.loads(worker.stdout.readline())
                    if isinstance(answer, str):
                        print(f"{name}, {work}, {n}: {answer}", file=sys.stderr)
                        names.remove(name)
                        continue
                    seconds, got = answer
                    if not math.isclose(got, expected, rel_tol=1e-9):
                        raise SystemExit(f"{name}, {work}, {n}: {got}, not {expected}")
                    times[name].append(seconds)
            mine = statistics.median(times["ours"]) / n * 1e6
            cells = [f"{mine:.2f}"]
            for name in PEERS:
                if name in names:
                    theirs = statistics.median(times[name]) / n * 1e6
                    cells.append(f"{theirs:.2f} ({theirs / mine:.1f} times)")
                else:
                    cells.append("-")
            print(f"| {work} | {n:,} | " + " | ".join(cells) + " |", flush=True)
    worker.stdin.close()
    worker.wait()


PEERS = ("micrograd", "HIPS autograd", "MyGrad", "PyTorch")

if __name__ == "__main__":
    if "--serve" in sys.argv:
        serve()
    else:
        main()
