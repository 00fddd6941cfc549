"""Eager graphs: build, run backward and free, operation by operation."""

from __future__ import annotations

import functools
import itertools
import random
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.work import Goal, Run, Work

# from variables made of floats, and a size, to the result
Program = Callable[[list[Any], Callable[[Any], Any], int], Any]

LEAF = (0.5, 0.99, 0.01)


def with_constants(leaves: list[Any], relu: Callable[[Any], Any], n: int) -> Any:
    """Alternate h * 0.99 and h + 0.01."""
    h = leaves[0]
    for _ in range(n // 2):
        h = h * 0.99
        h = h + 0.01
    return h


def with_leaves(leaves: list[Any], relu: Callable[[Any], Any], n: int) -> Any:
    """Alternate h * a and h + b, where a and b are variables as well."""
    h, a, b = leaves
    for _ in range(n // 2):
        h = h * a
        h = h + b
    return h


def mixed(leaves: list[Any], relu: Callable[[Any], Any], n: int) -> Any:
    """Go round through every operation that micrograd has."""
    h, a, b = leaves
    for _ in range(n // 6):
        h = h * a
        h = h + b
        h = relu(h)
        h = h**2
        h = h / 2.0
        h = 1.0 - h
    return h


SIZES = (2, 16, 16, 1)
PARAMETERS = sum((m + 1) * k for m, k in itertools.pairwise(SIZES))


def network(leaves: list[Any], relu: Callable[[Any], Any], n: int) -> Any:
    """Feed points through a 2-16-16-1 relu network of scalars until about n operations are made."""
    draw = random.Random(1)
    parameters = iter(leaves)
    layers = [
        [[next(parameters) for _ in range(m + 1)] for _ in range(k)]
        for m, k in itertools.pairwise(SIZES)
    ]
    total: Any = 0.0
    for _ in range(max(1, n // 720)):
        values: list[Any] = [draw.uniform(-1, 1), draw.uniform(-1, 1)]
        for neurons in layers:
            outputs = []
            for *weights, bias in neurons:
                h = bias
                for w, v in zip(weights, values, strict=True):
                    h = h + w * v
                outputs.append(relu(h))
            values = outputs
        total = total + values[0]
    return total


def network_leaves() -> list[float]:
    """Return the network's parameters."""
    draw = random.Random(0)
    return [draw.uniform(-1, 1) for _ in range(PARAMETERS)]


def define(name: str, title: str, program: Program, start: list[float], goals: list[Goal]) -> Work:
    """Return the work that builds a scalar program's graph and runs it backward."""
    work = Work(
        name,
        title,
        sizes=(2_000, 200_000),
        quick=(2_000, 200_000) if name == "constants" else (2_000,),
        # the same operations in the same order, in float64: only exponents differ in rounding
        rtol=1e-9,
        goals=goals,
        up_to={"HIPS autograd": 2_000, "MyGrad": 2_000, "PyTorch": 2_000},
    )

    def recorded(n: int, variable: Callable[[float], Any], relu: Callable[[Any], Any]) -> Run:
        """Return the run of a library whose variables record and keep their gradients."""
        leaves: list[Any] = []

        def call() -> None:
            leaves[:] = [variable(v) for v in start]
            program(leaves, relu, n).backward()

        return Run(call, lambda: [float(leaf.grad) for leaf in leaves[:1]])

    @work.party("Chainrule")
    def chainrule(n: int) -> Run:
        from autograd import Tensor

        return recorded(n, Tensor, lambda v: v.relu())

    @work.party("micrograd")
    def micrograd(n: int) -> Run:
        from micrograd.engine import Value

        return recorded(n, Value, lambda v: v.relu())

    @work.party("PyTorch")
    def pytorch(n: int) -> Run:
        import torch

        return recorded(
            n,
            lambda v: torch.tensor(v, dtype=torch.float64, requires_grad=True),
            torch.relu,
        )

    @work.party("MyGrad")
    def mygrad(n: int) -> Run:
        import mygrad

        return recorded(n, mygrad.tensor, lambda v: mygrad.maximum(v, 0))

    @work.party("HIPS autograd")
    def hips(n: int) -> Run:
        import autograd.numpy as anp

        import autograd

        slopes = autograd.grad(
            lambda *leaves: program(list(leaves), lambda v: anp.maximum(v, 0), n),
            tuple(range(len(start))),
        )
        found: list[Any] = []

        def call() -> None:
            found[:] = slopes(*start)

        return Run(call, lambda: found[:1])

    return work


MICROGRAD = [Goal("micrograd", 1 / 3, size=2_000), Goal("micrograd", 1 / 10, size=200_000)]

CONSTANTS = define(
    "constants",
    "eager scalar chain h*0.99, h+0.01, operations",
    with_constants,
    [0.5],
    [*MICROGRAD, Goal("PyTorch", 1 / 10, size=2_000)],
)
LEAVES = define(
    "leaves", "eager scalar chain h*a, h+b, operations", with_leaves, list(LEAF), MICROGRAD
)
MIXED = define("mixed", "eager scalar chain of six kinds, operations", mixed, list(LEAF), MICROGRAD)
NETWORK = define(
    "network", "eager scalar network 2-16-16-1, operations", network, network_leaves(), MICROGRAD
)

ARRAYS = Work(
    "arrays",
    "eager chain h*w, h+b, tanh(h), h@w of 400 operations on (10, 10) arrays",
    sizes=(400,),
    # up to 800 roundings in float64, and two libraries' tanh
    rtol=1e-9,
    goals=[Goal("HIPS autograd", 1 / 4), Goal("PyTorch", 1.0)],
)


def operands() -> list[Any]:
    """Return the three (10, 10) arrays of the array program."""
    draw = np.random.default_rng(0)
    return [draw.normal(size=(10, 10)), draw.normal(size=(10, 10)) / 4, draw.normal(size=(10, 10))]


def array_chain(xs: Any, tanh: Callable[[Any], Any], dot: Callable[[Any, Any], Any], n: int) -> Any:
    """Go round through h * w, h + b, tanh(h), h @ w."""
    h, w, b = xs
    for _ in range(n // 4):
        h = h * w
        h = h + b
        h = tanh(h)
        h = dot(h, w)
    return h


def recorded_arrays(n: int, variable: Callable[[Any], Any], tanh: Callable[[Any], Any]) -> Run:
    """Return the run of a library whose variables record and keep their gradients."""
    leaves: list[Any] = []

    def call() -> None:
        leaves[:] = [variable(a) for a in operands()]
        array_chain(leaves, tanh, lambda a, b: a @ b, n).sum().backward()

    return Run(call, lambda: [np.asarray(leaf.grad) for leaf in leaves])


@ARRAYS.party("Chainrule")
def _(n: int) -> Run:
    from autograd import Tensor

    return recorded_arrays(n, Tensor, np.tanh)


@ARRAYS.party("PyTorch")
def _(n: int) -> Run:
    import torch

    return recorded_arrays(n, lambda a: torch.tensor(a, requires_grad=True), torch.tanh)


@ARRAYS.party("MyGrad")
def _(n: int) -> Run:
    import mygrad

    return recorded_arrays(n, mygrad.tensor, mygrad.tanh)


@ARRAYS.party("HIPS autograd")
def _(n: int) -> Run:
    import autograd.numpy as anp

    import autograd

    slopes = autograd.grad(
        # the older library has no operator @
        lambda *xs: anp.sum(array_chain(xs, anp.tanh, anp.dot, n)),
        (0, 1, 2),
    )
    found: list[Any] = []

    def call() -> None:
        found[:] = slopes(*operands())

    return Run(call, lambda: found)


def frozen(n: int) -> Run:
    """Prepare the chain as machine code, built before."""
    import autograd as ag

    derived = ag.value_and_grad(lambda x: with_constants([x], ag.relu, n))
    fast = ag.compile(derived, backend="llvm")
    return Run(functools.partial(fast, 0.5), lambda: [fast(0.5)[1]])


OPERATIONS = Work(
    "operations",
    "scalar chain h*0.99, h+0.01, operations",
    sizes=[10**k for k in range(1, 7)],
    quick=[10, 1_000, 100_000],
    axis="operations",
    rtol=1e-9,
    parties={**CONSTANTS.parties, "Chainrule, frozen": frozen},
    up_to={
        "Chainrule, frozen": 10_000,
        "HIPS autograd": 10_000,
        "MyGrad": 10_000,
        "PyTorch": 100_000,
    },
)

WORKS = (CONSTANTS, LEAVES, MIXED, NETWORK, ARRAYS, OPERATIONS)
