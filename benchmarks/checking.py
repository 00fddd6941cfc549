"""How long checks take: python -m benchmarks.checking

The network is that of the lecture notes: 784-50-10 with sigmoid and softmax, on three images.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

import autograd as ag


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
    main()
