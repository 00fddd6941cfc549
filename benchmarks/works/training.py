"""Training steps of multilayer perceptrons in float32: forward, loss, gradients and update.

All start from the same weights and see the same batch; what must agree are the losses of the first
steps, of which the later ones come from updated weights. The weights themselves would not do: Adam
divides by the size of a gradient, so where that is a rounding error, rounding decides the step.
Batches lie ready in each library's own form.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.work import Goal, Prepare, Run, Work

ADAM = {"rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8}
STEPS = 3


@dataclass(frozen=True)
class Network:
    """A network and its batch.

    Args:
        widths: of the input, the hidden layers and the classes.
        batch: how many examples.
        activation: of the hidden layers, "relu" or "sigmoid".
        optimizer: "sgd" at rate 0.1, or "adam" with a small epsilon, which PyTorch adds elsewhere.
    """

    widths: Sequence[int]
    batch: int = 100
    activation: str = "relu"
    optimizer: str = "adam"

    def weights(self) -> list[Any]:
        """Return kernels and biases to start from, of He's size."""
        draw = np.random.default_rng(0)
        found: list[Any] = []
        for n, m in itertools.pairwise(self.widths):
            kernel = draw.normal(size=(n, m)) * np.sqrt(2 / n)
            found += [kernel.astype(np.float32), np.zeros(m, np.float32)]
        return found

    def data(self) -> tuple[Any, Any]:
        """Return images from 0 to 1 and integer labels."""
        draw = np.random.default_rng(1)
        x = draw.random((self.batch, self.widths[0]), np.float32)
        return x, draw.integers(0, self.widths[-1], self.batch)


LLVM = "Chainrule, llvm"


def chainrule(net: Network, **compiled: bool) -> Run:
    """Prepare the step of `fit`: planned, as machine code, or operation by operation.

    Args:
        net: the network.
        compiled: what `compile` is told about it.
    """
    import nn

    x, labels = net.data()
    model = nn.Sequential(
        [nn.Input((net.widths[0],))]
        + [nn.Dense(n, activation=net.activation) for n in net.widths[1:-1]]
        + [nn.Dense(net.widths[-1], activation="softmax")]
    )
    model.set_weights(net.weights())
    model.compile(
        nn.SGD(0.1) if net.optimizer == "sgd" else nn.Adam(epsilon=ADAM["epsilon"]),
        "sparse_categorical_crossentropy",
        **compiled,
    )
    recipe = model.recipe
    assert recipe is not None
    losses: deque[float] = deque(maxlen=STEPS)

    def step() -> None:
        losses.append(nn.training.train_step(model, recipe, x, labels, None))

    return Run(step, lambda: list(losses))


def pytorch(net: Network, **options: Any) -> Run:
    """Prepare PyTorch's eager loop."""
    import torch

    x, labels = (torch.from_numpy(a) for a in net.data())
    parameters = [torch.from_numpy(w).requires_grad_() for w in net.weights()]
    optimizer = (
        torch.optim.SGD(parameters, 0.1)
        if net.optimizer == "sgd"
        else torch.optim.Adam(
            parameters,
            ADAM["rate"],
            (ADAM["beta_1"], ADAM["beta_2"]),
            ADAM["epsilon"],
            **options,
        )
    )
    activation = {"relu": torch.relu, "sigmoid": torch.sigmoid}[net.activation]
    losses: deque[Any] = deque(maxlen=STEPS)

    def step() -> None:
        optimizer.zero_grad()
        h = x
        for kernel, bias in zip(parameters[:-2:2], parameters[1:-2:2], strict=True):
            h = activation(torch.addmm(bias, h, kernel))
        scores = torch.addmm(parameters[-1], h, parameters[-2])
        loss = torch.nn.functional.cross_entropy(scores, labels)
        loss.backward()
        optimizer.step()
        losses.append(loss)

    return Run(step, lambda: [loss.item() for loss in losses])


def jax(net: Network) -> Run:
    """Prepare JAX's compiled step; state is donated, the batch lies on the device."""
    import jax
    import jax.numpy as jnp

    activation = {"relu": jax.nn.relu, "sigmoid": jax.nn.sigmoid}[net.activation]

    def loss_of(parameters: Any, x: Any, labels: Any) -> Any:
        h = x
        for kernel, bias in zip(parameters[:-2:2], parameters[1:-2:2], strict=True):
            h = activation(h @ kernel + bias)
        scores = jax.nn.log_softmax(h @ parameters[-2] + parameters[-1])
        return -jnp.mean(jnp.take_along_axis(scores, labels[:, None], axis=1))

    def sgd(parameters: Any, state: Any, x: Any, labels: Any) -> Any:
        loss, slopes = jax.value_and_grad(loss_of)(parameters, x, labels)
        return loss, [p - 0.1 * g for p, g in zip(parameters, slopes, strict=True)], state

    def adam(parameters: Any, state: Any, x: Any, labels: Any) -> Any:
        loss, slopes = jax.value_and_grad(loss_of)(parameters, x, labels)
        t, ms, vs = state
        a, b = ADAM["beta_1"], ADAM["beta_2"]
        rate = ADAM["rate"] * jnp.sqrt(1 - b ** (t + 1)) / (1 - a ** (t + 1))
        ms = [a * m + (1 - a) * g for m, g in zip(ms, slopes, strict=True)]
        vs = [b * v + (1 - b) * g * g for v, g in zip(vs, slopes, strict=True)]
        moved = [
            p - rate * m / (jnp.sqrt(v) + ADAM["epsilon"])
            for p, m, v in zip(parameters, ms, vs, strict=True)
        ]
        return loss, moved, (t + 1, ms, vs)

    update = jax.jit(sgd if net.optimizer == "sgd" else adam, donate_argnums=(0, 1))
    x, labels = (jnp.asarray(a) for a in net.data())
    parameters = [jnp.array(w) for w in net.weights()]
    state: Any = (
        jnp.zeros(()),
        [jnp.zeros_like(p) for p in parameters],
        [jnp.zeros_like(p) for p in parameters],
    )
    losses: deque[Any] = deque(maxlen=STEPS)

    def step() -> None:
        nonlocal parameters, state
        loss, parameters, state = update(parameters, state, x, labels)
        losses.append(jax.block_until_ready(loss))
        jax.block_until_ready(parameters)

    return Run(step, lambda: [float(loss) for loss in losses])


def numpy(net: Network) -> Run:
    """Prepare the step as one writes it by hand."""
    x, labels = net.data()
    parameters = net.weights()
    rows = np.arange(net.batch)
    moments = [(np.zeros_like(p), np.zeros_like(p)) for p in parameters]
    count = 0
    losses: deque[float] = deque(maxlen=STEPS)

    def step() -> None:
        nonlocal count
        layers = [x]
        for kernel, bias in zip(parameters[:-2:2], parameters[1:-2:2], strict=True):
            z = layers[-1] @ kernel + bias
            layers.append(np.maximum(z, 0) if net.activation == "relu" else 1 / (1 + np.exp(-z)))
        scores = layers[-1] @ parameters[-2] + parameters[-1]
        scores -= scores.max(axis=1, keepdims=True)
        p = np.exp(scores)
        p /= p.sum(axis=1, keepdims=True)
        losses.append(float(-np.mean(np.log(p[rows, labels]))))
        p[rows, labels] -= 1
        delta = p / np.float32(net.batch)
        slopes: list[Any] = []
        for k in reversed(range(len(layers))):
            slopes[:0] = [layers[k].T @ delta, delta.sum(axis=0)]
            if k:
                h = layers[k]
                delta = (delta @ parameters[2 * k].T) * (
                    (h > 0) if net.activation == "relu" else h * (1 - h)
                )
        count += 1
        if net.optimizer == "sgd":
            for w, g in zip(parameters, slopes, strict=True):
                w -= np.float32(0.1) * g
            return
        a, b = ADAM["beta_1"], ADAM["beta_2"]
        rate = ADAM["rate"] * float(np.sqrt(1 - b**count) / (1 - a**count))
        for w, g, (m, v) in zip(parameters, slopes, moments, strict=True):
            m += (g - m) * (1 - a)
            v += (g * g - v) * (1 - b)
            w -= rate * m / (np.sqrt(v) + ADAM["epsilon"])

    return Run(step, lambda: list(losses))


def products(net: Network) -> Run:
    """Prepare the matrix products of a step alone: no step can be faster."""
    x, _ = net.data()
    draw = np.random.default_rng(2)
    kernels = net.weights()[::2]
    layers = [x, *(draw.random((net.batch, n), np.float32) for n in net.widths[1:])]
    jobs = []
    for k, kernel in enumerate(kernels):
        delta = draw.random((net.batch, net.widths[k + 1]), np.float32)
        jobs += [
            (layers[k], kernel, np.empty_like(delta)),
            (layers[k].T, delta, np.empty_like(kernel)),
        ]
        if k:
            jobs.append((delta, kernel.T, np.empty_like(layers[k])))

    def step() -> None:
        for a, b, out in jobs:
            np.matmul(a, b, out=out)

    return Run(step)


def native(net: Network) -> Run:
    """Prepare the step of `fit` as machine code."""
    return chainrule(net, jit_compile=True)


def define(
    name: str,
    title: str,
    net: Callable[[int], Network],
    goals: Sequence[Goal] = (),
    fused: bool = False,
    **more: Any,
) -> Work:
    """Return the work of training steps of a network that depends on the size."""
    work = Work(
        name,
        title,
        checks=STEPS,
        rtol=5e-3,  # float32 sums in another order, and the place of Adam's epsilon
        goals=goals,
        **more,
    )

    def of(prepare: Callable[[Network], Run]) -> Prepare:
        return lambda size: prepare(net(size))

    work.party(LLVM)(of(native))
    work.party("Chainrule")(of(chainrule))
    work.party("Chainrule, no plan")(of(lambda net: chainrule(net, run_eagerly=True)))
    work.party("NumPy")(of(numpy))
    work.party("NumPy, products alone")(of(products))
    work.party("PyTorch")(of(pytorch))
    if fused:
        work.party("PyTorch, fused Adam")(of(lambda net: pytorch(net, fused=True)))
    work.party("JAX")(of(jax))
    return work


def hidden(width: int = 0, batch: int = 100) -> Network:
    """Return 784-64-32-10, or with both hidden layers of another width."""
    return Network((784, width or 64, width or 32, 10), batch)


AS_FAST = (Goal("PyTorch", 1.0, LLVM), Goal("JAX", 1.0, LLVM))

FIRST = Work(
    "first",
    "some 784-64-32-10, other widths each time: the model made, and its first step done",
    rtol=1e-4,  # one step: the loss of the same weights, in float32
    goals=[Goal("", 0.05, LLVM), Goal("", 0.05)],
)


def first(prepare: Callable[[Network], Run]) -> Prepare:
    """Return a way to prepare a work that begins anew with every call."""

    def anew(_: int) -> Run:
        more = itertools.count(1)  # what was compiled for one width is of no use for another

        def step(extra: int) -> Run:
            run = prepare(Network((784, 64 + extra, 32 + extra, 10)))
            run.call()
            return run

        def result() -> Any:
            compare = step(0).result
            return compare and compare()

        return Run(lambda: step(next(more)), result)

    return anew


for name, prepare in ((LLVM, native), ("Chainrule", chainrule), ("PyTorch", pytorch), ("JAX", jax)):
    FIRST.party(name)(first(prepare))

BATCHES = define(
    "batches",
    "step 784-64-32-10 relu, Adam, batch",
    lambda batch: hidden(batch=batch),
    sizes=[4**k for k in range(7)],
    quick=[1, 16, 256, 4_096],
    axis="batch size",
)

WORKS = (
    define(
        "mnist",
        "step 784-50-10 sigmoid, batch 100, SGD",
        lambda _: Network((784, 50, 10), activation="sigmoid", optimizer="sgd"),
        (
            Goal("NumPy, products alone", 1.5, LLVM),
            Goal("PyTorch", 0.5, LLVM),
            Goal("JAX", 0.75, LLVM),
            Goal("NumPy", 0.65, LLVM),
        ),
    ),
    define(
        "adam",
        "step 784-64-32-10 relu, batch 100, Adam",
        lambda _: hidden(),
        (
            Goal("PyTorch", 0.5, LLVM),
            Goal("PyTorch, fused Adam", 0.5, LLVM),
            Goal("JAX", 0.8, LLVM),
        ),
        fused=True,
    ),
    define(
        "large", "step 784-64-32-10 relu, batch 5,000, Adam", lambda _: hidden(batch=5_000), AS_FAST
    ),
    define(
        "wide", "step 784-2,048-2,048-10 relu, batch 100, Adam", lambda _: hidden(2_048), AS_FAST
    ),
    BATCHES,
    define(
        "widths",
        "step 784-w-w-10 relu, batch 100, Adam, width",
        lambda width: hidden(width),
        sizes=[16, 64, 256, 1_024, 4_096],
        quick=[16, 128, 1_024],
        axis="width",
    ),
    define(
        "depths",
        "step of hidden layers of 64 relu, batch 100, Adam, depth",
        lambda depth: Network((784, *[64] * depth, 10)),
        sizes=[1, 2, 4, 8, 16, 32, 64],
        quick=[1, 8, 64],
        axis="hidden layers",
    ),
    FIRST,
)
