"""How long checks take, beside PyTorch's in its slow mode.

    python -m benchmarks.checking [--python PEER]

The network is that of the lecture notes: 784-50-10 with sigmoid and softmax, on three images. PEER
is the interpreter of an environment with PyTorch; it and this process take turns on the same
functions.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

REPEATS = 5
SIZES = (10, 100, 1_000, 10_000)


def coupled(x: Any, A: Any, m: Any) -> Any:
    """Return a function of many inputs, of which each meets all others; `m` is NumPy or PyTorch."""
    return m.sum(m.sin(x) * m.tanh(x)) + m.sum(m.tanh(A @ x) ** 2)


def arrays_for(n: int) -> tuple[Any, Any]:
    """Return a point and a matrix for `coupled`."""
    rng = np.random.default_rng(0)
    return rng.normal(size=n), rng.normal(size=(8, n)) / np.sqrt(n)


def serve() -> None:
    """Time PyTorch's check for every size that is asked for; runs in its environment."""
    import torch

    torch.set_num_threads(1)
    for line in sys.stdin:
        x, A = map(torch.from_numpy, arrays_for(int(line)))
        x.requires_grad_()
        start = time.perf_counter()
        torch.autograd.gradcheck(lambda x, A=A: coupled(x, A, torch), (x,))
        print(json.dumps(time.perf_counter() - start), flush=True)


def beside_pytorch(python: str) -> None:
    """Print a table of both, in milliseconds."""
    import autograd as ag

    own = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    worker = subprocess.Popen(
        [python, "-P", str(Path(__file__).resolve()), "--serve"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd="/",
        env=own,
    )
    assert worker.stdin
    assert worker.stdout
    print("| inputs | gradcheck, reverse | gradcheck, both modes | PyTorch, slow mode, reverse |")
    print("| --- | --- | --- | --- |")
    for n in SIZES:
        x, A = arrays_for(n)
        times: dict[str, list[float]] = {"reverse": [], "both": [], "torch": []}
        for _ in range(REPEATS):
            for name, modes in (("reverse", ("reverse",)), ("both", ("reverse", "forward"))):
                start = time.perf_counter()
                report = ag.gradcheck(lambda x, A=A: coupled(x, A, np), x, modes=modes)
                times[name].append(time.perf_counter() - start)
                assert report.verdict == "right"
            worker.stdin.write(f"{n}\n")
            worker.stdin.flush()
            times["torch"].append(json.loads(worker.stdout.readline()))
        middle = {name: statistics.median(several) for name, several in times.items()}
        cells = [
            f"{1e3 * middle[name]:,.0f} ms ({middle[name] / middle['torch']:.2f} times)"
            for name in ("reverse", "both")
        ]
        print(f"| {n:,} | {' | '.join(cells)} | {1e3 * middle['torch']:,.0f} ms |", flush=True)
    worker.stdin.close()
    worker.wait()


def network() -> tuple[Callable[..., Any], dict[str, Any]]:
    """Return the loss as a function of the parameters, and parameters to start from."""
    rng = np.random.default_rng(0)
    x, labels = rng.random((3, 784)), np.array([5, 0, 4])
    parameters = {
        "W1": 0.01 * rng.normal(size=(784, 50)),
        "b1": np.zeros(50),
        "W2": 0.01 * rng.normal(size=(50, 10)),
        "b2": np.zeros(10),
    }

    def loss(W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
        hidden = 1 / (1 + np.exp(-(x @ W1 + b1)))
        scores = hidden @ W2 + b2
        shifted = scores - np.max(scores, axis=1, keepdims=True)
        log_sums = np.log(np.sum(np.exp(shifted), axis=1))
        return np.mean(log_sums - shifted[np.arange(3), labels])

    return loss, parameters


def timed(name: str, work: Callable[[], Any]) -> Any:
    """Run the work once and print how long it took."""
    start = time.perf_counter()
    result = work()
    print(f"{name:<66}{time.perf_counter() - start:8.2f} s")
    return result


def main() -> None:
    """Print the times."""
    import autograd as ag

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--python", help="the interpreter of an environment with PyTorch")
    given = parser.parse_args()
    if given.python:
        beside_pytorch(given.python)
        return
    loss, parameters = network()
    values = list(parameters.values())
    exact = ag.grad(loss, argnums=(0, 1, 2, 3))(*values)

    def numerical() -> list[Any]:
        return [
            ag.numerical_gradient(
                lambda p, k=k: loss(*values[:k], p, *values[k + 1 :]),  # type: ignore[misc]
                value,
            )
            for k, value in enumerate(values)
        ]

    found = timed("39,760 parameters of 784-50-10 by central differences", numerical)
    for name, g, n in zip(parameters, exact, found, strict=True):
        print(f"    mean |backward - numerical| of {name}: {np.mean(np.abs(g - n)):.1e}")
    timed("gradcheck of the same network, default", lambda: ag.gradcheck(loss, *values))
    x = np.random.default_rng(0).normal(size=10_000)
    report = timed(
        "gradcheck of a function of 10,000 inputs, default",
        lambda: ag.gradcheck(lambda x: np.sum(np.sin(x) * np.tanh(x)), x),
    )
    print(report)


if __name__ == "__main__":
    if "--serve" in sys.argv:
        serve()
    else:
        main()
