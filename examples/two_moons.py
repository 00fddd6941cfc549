"""Two moons told apart by a network of single numbers, 2-16-16-1: eagerly, then frozen.

Every weight is a scalar, as in micrograd's demonstration, and every step sees all the points. Run
eagerly, a step records and walks the operations one by one; frozen, value and gradient are traced
once, and a step is one call of machine code.

Run `python -m examples.two_moons`.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

import autograd as ag
import nn
from autograd import Tensor
from autograd.errors import require

PICTURES = Path("pictures")
SIZES = (2, 16, 16, 1)
DECAY = 1e-4

Points = Sequence[tuple[float, float, float]]
Step = Callable[[list[float]], tuple[float, Sequence[float]]]


def moons(count: int) -> Points:
    """Return points of two half circles as (x0, x1, label), labels -1 and 1."""
    make = require("sklearn.datasets", "nn", "make the moons").make_moons
    x, y = make(n_samples=count, noise=0.1, random_state=1)
    return [(float(a), float(b), 2.0 * label - 1.0) for (a, b), label in zip(x, y, strict=True)]


def initial(seed: int = 0) -> list[float]:
    """Return weights uniform in (-1, 1) and biases of zero, neuron by neuron."""
    rng = np.random.default_rng(seed)
    weights: list[float] = []
    for n, m in itertools.pairwise(SIZES):
        for _ in range(m):
            weights += [*rng.uniform(-1, 1, n), 0.0]
    return weights


def score(weights: Sequence[Any], x0: Any, x1: Any) -> Any:
    """Return what the network gives for a point: positive for the label 1."""
    left = iter(weights)
    layer = [x0, x1]
    for size in SIZES[1:]:
        neurons = []
        for _ in range(size):
            total = next(left) * layer[0]
            for x in layer[1:]:
                total = total + next(left) * x
            neurons.append(total + next(left))
        layer = neurons if size == SIZES[-1] else [ag.relu(x) for x in neurons]
    return layer[0]


def loss(weights: Sequence[Any], points: Points) -> Any:
    """Return the mean hinge loss over the points, and a little weight decay."""
    total: Any = 0.0
    for x0, x1, label in points:
        total = total + ag.relu(1.0 - label * score(weights, x0, x1))
    squares: Any = 0.0
    for w in weights:
        squares = squares + w * w
    return total / len(points) + DECAY * squares


def eager_step(points: Points) -> Step:
    """Return value and gradient of the loss by running it on Tensors."""

    def step(weights: list[float]) -> tuple[float, Sequence[float]]:
        variables = [Tensor(w) for w in weights]
        value = loss(variables, points)
        value.backward()
        return value.item(), [v.grad for v in variables]

    return step


def frozen_step(points: Points) -> Step:
    """Return value and gradient of the loss as one compiled function of the list of weights."""
    return ag.compile(ag.value_and_grad(lambda weights: loss(weights, points)))


def descend(step: Step, steps: int) -> tuple[list[float], list[float]]:
    """Take steps of full-batch descent with a falling rate; return weights and losses."""
    weights = initial()
    losses = []
    for k in range(steps):
        value, slopes = step(weights)
        rate = 1.0 - 0.9 * k / steps
        weights = [w - rate * g for w, g in zip(weights, slopes, strict=True)]
        losses.append(value)
    return weights, losses


class Network:
    """The trained network as what `nn.pictures` asks: it predicts rows of points."""

    def __init__(self, weights: Sequence[float]) -> None:
        self.score = ag.vectorize(lambda x0, x1: score(weights, x0, x1))

    def predict(self, x: np.ndarray[Any, Any], **_: Any) -> np.ndarray[Any, Any]:
        """Return one score a row, over all rows at once."""
        found = self.score(np.ascontiguousarray(x[:, 0]), np.ascontiguousarray(x[:, 1]))
        return np.reshape(found, (-1, 1))


def _a_step(seconds: float, steps: int) -> str:
    return f"{1000 * seconds / steps:.3g} ms a step"


def main(arguments: list[str] | None = None) -> dict[str, float]:
    """Train twice; print both times, draw the boundary and return what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="30 points, 10 steps")
    quick = parser.parse_args(arguments).quick
    points = moons(30 if quick else 100)
    steps = 10 if quick else 100

    start = initial()
    print(
        f"a network of {len(start)} scalar weights, {len(points)} points, "
        f"{steps} steps of full-batch descent",
        flush=True,
    )

    began = time.perf_counter()
    _, losses = descend(eager_step(points), steps)
    eager_seconds = time.perf_counter() - began
    print(f"eager:  {eager_seconds:8.3f} s, {_a_step(eager_seconds, steps)}", flush=True)

    began = time.perf_counter()
    step = frozen_step(points)
    step(start)
    build_seconds = time.perf_counter() - began
    began = time.perf_counter()
    frozen, frozen_losses = descend(step, steps)
    frozen_seconds = time.perf_counter() - began
    print(
        f"frozen: {frozen_seconds:8.3f} s, {_a_step(frozen_seconds, steps)}, "
        f"after {build_seconds:.3f} s of tracing and compiling"
    )
    total = build_seconds + frozen_seconds
    print(
        f"a frozen step is {eager_seconds / frozen_seconds:.0f} times faster, "
        f"the frozen run with its build {eager_seconds / total:.1f} times"
    )
    gap = max(abs(a - b) for a, b in zip(losses, frozen_losses, strict=True))
    print(f"the losses of both runs differ by {gap:g} at most")

    network = Network(frozen)
    rows = np.array(points)
    right = np.sign(network.predict(rows[:, :2])[:, 0]) == rows[:, 2]
    accuracy = float(np.mean(right))
    print(f"loss {losses[0]:.4f} to {losses[-1]:.4f}, {accuracy:.0%} of the points on their side")
    figure = nn.pictures.decision_boundary(cast(Any, network), rows[:, :2], rows[:, 2])
    figure.axes[0].set_title(f"{len(frozen)} scalar weights after {steps} steps")
    PICTURES.mkdir(exist_ok=True)
    figure.savefig(PICTURES / "two_moons.png")
    print(f"picture: {PICTURES / 'two_moons.png'}")
    return {
        "accuracy": accuracy,
        "first": losses[0],
        "last": losses[-1],
        "gap": gap,
        "eager": eager_seconds,
        "frozen": frozen_seconds,
    }


if __name__ == "__main__":
    main()
