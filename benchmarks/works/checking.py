"""Checks of gradients: the lecture notes' network 784-50-10 on three images, and many inputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.work import Prepare, Run, Work

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
MANY = Work(
    "many",
    "gradcheck of a function in which each input meets all others, inputs",
    sizes=(10, 100, 1_000, 10_000),
    quick=(),
    axis="inputs",
)


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


def coupled(x: Any, A: Any, m: Any) -> Any:
    """Return a function of many inputs, of which each meets all others; `m` is NumPy or PyTorch."""
    return m.sum(m.sin(x) * m.tanh(x)) + m.sum(m.tanh(A @ x) ** 2)


def arrays_for(n: int) -> tuple[Any, Any]:
    """Return a point and a matrix for `coupled`."""
    draw = np.random.default_rng(0)
    return draw.normal(size=n), draw.normal(size=(8, n)) / np.sqrt(n)


def ours(modes: tuple[str, ...]) -> Prepare:
    """Return how our check of the coupled inputs is prepared."""

    def prepare(n: int) -> Run:
        import autograd as ag

        x, A = arrays_for(n)

        def check() -> bool:
            return ag.gradcheck(lambda x: coupled(x, A, np), x, modes=modes).verdict == "right"

        return Run(checked(check))

    return prepare


MANY.party("Chainrule")(ours(("reverse",)))
MANY.party("Chainrule, both modes")(ours(("reverse", "forward")))


@MANY.party("PyTorch")
def _(n: int) -> Run:
    import torch

    x, A = map(torch.from_numpy, arrays_for(n))
    x.requires_grad_()
    return Run(checked(lambda: torch.autograd.gradcheck(lambda x: coupled(x, A, torch), (x,))))


def checked(check: Callable[[], bool]) -> Callable[[], None]:
    """Return a call that fails where the check does."""

    def call() -> None:
        if not check():
            raise ArithmeticError("the check fails")

    return call


WORKS = (NUMERICAL, GRADCHECK, MANY)
