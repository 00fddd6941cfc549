"""Checks of gradients: the lecture notes' network 784-50-10 on three images, and many inputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.work import Run, Work

LABELS = [5, 0, 4]


def network(x: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
    """Return the mean crossentropy of a sigmoid and a softmax layer."""
    hidden = 1 / (1 + np.exp(-(x @ W1 + b1)))
    scores = hidden @ W2 + b2
    shifted = scores - np.max(scores, axis=1, keepdims=True)
    log_sums = np.log(np.sum(np.exp(shifted), axis=1))
    return np.mean(log_sums - shifted[np.arange(3), LABELS])


def start() -> tuple[Any, list[Any]]:
    """Return three images, and parameters to start from."""
    draw = np.random.default_rng(0)
    first, x, second = (
        draw.normal(size=(784, 50)),
        draw.random((3, 784)),
        draw.normal(size=(50, 10)),
    )
    return x, [0.01 * first, np.zeros(50), 0.01 * second, np.zeros(10)]


NUMERICAL = Work(
    "numerical",
    "39,760 parameters of 784-50-10 by central differences",
    quick=(),
    # central differences carry errors of about 1e-11, and the largest entries are about 0.01
    rtol=1e-6,
)
GRADCHECK = Work("gradcheck", "gradcheck of 784-50-10 by default", quick=())
MANY = Work("many", "gradcheck of a function of 10,000 inputs by default", quick=())


@NUMERICAL.party("Chainrule")
def _(_: int) -> Run:
    import autograd as ag

    x, parameters = start()
    found: list[Any] = []

    def differentiate() -> None:
        found.clear()
        for k, value in enumerate(parameters):
            others = list(parameters)

            def of(p: Any, k: int = k, others: list[Any] = others) -> Any:
                others[k] = p
                return network(x, *others)

            found.append(ag.numerical_gradient(of, value))

    return Run(differentiate, lambda: list(found))


@NUMERICAL.party("Chainrule, exact")
def _(_: int) -> Run:
    import autograd as ag

    x, parameters = start()
    slopes = ag.grad(lambda *p: network(x, *p), argnums=(0, 1, 2, 3))
    return Run(lambda: slopes(*parameters), lambda: list(slopes(*parameters)))


@GRADCHECK.party("Chainrule")
def _(_: int) -> Run:
    import autograd as ag

    x, parameters = start()
    return Run(lambda: ag.gradcheck(lambda *p: network(x, *p), *parameters))


@GRADCHECK.party("PyTorch")
def _(_: int) -> Run:
    import torch

    x, parameters = start()
    x, labels = torch.from_numpy(x), torch.tensor(LABELS)
    leaves = [torch.from_numpy(p).requires_grad_() for p in parameters]

    def f(W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
        hidden = torch.sigmoid(x @ W1 + b1)
        return torch.nn.functional.cross_entropy(hidden @ W2 + b2, labels)

    return Run(checked(lambda: torch.autograd.gradcheck(f, leaves)))


@MANY.party("Chainrule")
def _(_: int) -> Run:
    import autograd as ag

    x = np.random.default_rng(0).normal(size=10_000)
    return Run(lambda: ag.gradcheck(lambda x: np.sum(np.sin(x) * np.tanh(x)), x))


@MANY.party("PyTorch")
def _(_: int) -> Run:
    import torch

    x = torch.from_numpy(np.random.default_rng(0).normal(size=10_000)).requires_grad_()
    check = torch.autograd.gradcheck
    return Run(checked(lambda: check(lambda x: (torch.sin(x) * torch.tanh(x)).sum(), x)))


def checked(check: Callable[[], bool]) -> Callable[[], None]:
    """Return a call that fails where the check does."""

    def call() -> None:
        if not check():
            raise ArithmeticError("the check fails")

    return call


WORKS = (NUMERICAL, GRADCHECK, MANY)
