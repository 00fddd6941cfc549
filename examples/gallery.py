"""The pictures of docs/gallery.md, made by this version: `python -m examples.gallery`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import autograd as ag
import nn
from autograd import Tensor

FOLDER = Path("docs") / "gallery"


def apples_and_oranges() -> Tensor:
    """Return the price of two apples and three oranges with tax."""
    apple, apple_num = Tensor(100, name="apple"), Tensor(2, name="apple_num")
    orange, orange_num = Tensor(150, name="orange"), Tensor(3, name="orange_num")
    price = (apple * apple_num + orange * orange_num) * Tensor(1.1, name="tax")
    price.name = "price"
    return price


def square_of_a_sum() -> Tensor:
    """Return z = (x + y)**2, the textbook's first chain rule."""
    z = (Tensor(2.0, name="x") + Tensor(3.0, name="y")) ** 2
    z.name = "z"
    return z


def sigmoid_from_its_parts() -> Tensor:
    """Return 1 / (1 + exp(-x))."""
    y = 1 / (1 + (-Tensor(0.5, name="x")).exp())
    y.name = "y"
    return y


def softmax_with_cross_entropy() -> Tensor:
    """Return -log(softmax(a)[1]) of three scores, from its parts."""
    scores = [Tensor(v, name=f"a{i}") for i, v in enumerate((0.3, 2.9, 4.0))]
    exponentials = [a.exp() for a in scores]
    loss = (exponentials[0] + exponentials[1] + exponentials[2]).log() - scores[1]
    loss.name = "loss"
    return loss


def two_layers() -> Tensor:
    """Return the loss of a network 2-2-1 with sigmoid and squared error on one point."""
    model = nn.MLP([2, 2, 1], "sigmoid", dtype="float64", seed=0)
    x = Tensor([[1.0, -2.0]], name="x", requires_grad=False)
    loss: Tensor = nn.losses.MeanSquaredError()([[1.0]], model(x))
    loss.name = "loss"
    return loss


def a_digit() -> Tensor:
    """Return the loss of a network 64-32-10 on one of scikit-learn's small digits."""
    (images, labels), _ = nn.datasets.digits.load_data()
    model = nn.MLP([64, 32, 10], "relu", "softmax", seed=0)
    x = Tensor(images[0].astype("float32") / 16, name="digit", requires_grad=False)
    loss: Tensor = nn.losses.SparseCategoricalCrossentropy()(labels[:1], model(x.reshape(1, 64)))
    loss.name = "loss"
    return loss


def many_neurons() -> Tensor:
    """Return the loss of a network 64-30-4 made of 4,000 scalar operations."""
    rng = np.random.default_rng(0)

    def neuron(inputs: list[Tensor] | list[float], name: str) -> Tensor:
        total = Tensor(0.0, name=f"b{name}")
        for i, x in enumerate(inputs):
            total = total + x * Tensor(float(rng.normal() / 8), name=f"w{name}_{i}")
        return total

    pixels = [float(v) for v in rng.normal(size=64)]
    hidden = [neuron(pixels, f"h{i}").tanh() for i in range(30)]
    scores = [neuron(hidden, f"o{i}") for i in range(4)]
    exponentials = [a.exp() for a in scores]
    loss = sum(exponentials[1:], exponentials[0]).log() - scores[2]
    loss.name = "loss"
    return loss


def a_loop() -> Tensor:
    """Return the state of a recurrent cell after 10,000 steps."""
    state = Tensor(0.1, name="state")
    w, u = Tensor(0.9, name="w"), Tensor(0.3, name="u")
    for k in range(10_000):
        state = (w * state + u * float(k % 2)).tanh()
    return state


def a_nan() -> Tensor:
    """Return a sum in which the logarithm of a negative number makes nan of everything."""
    x, y = Tensor(2.0, name="x"), Tensor(3.0, name="y")
    with np.errstate(invalid="ignore"):
        z = x * y + (x - y).log()
    z.name = "z"
    return z


def a_frozen_graph() -> ag.Graph:
    """Return a program that chooses anew at every call."""

    def f(x: Any, y: Any) -> Any:
        return np.where(x > y, np.log(x * y), np.sin(x))

    return ag.trace(f, 3.0, 2.0)


def the_path_of(optimizer: Callable[..., nn.optimizers.Optimizer], **rates: float) -> Any:
    """Return the picture of thirty steps down x0**2 / 20 + x1**2, from (-7, 2)."""

    def valley(x0: Any, x1: Any) -> Any:
        return x0**2 / 20 + x1**2

    x = Tensor([-7.0, 2.0], name="x")
    stepper = optimizer(**rates, parameters=[x])
    path = [x.numpy()]
    for _ in range(30):
        valley(x[0], x[1]).backward()
        stepper.step()
        x.grad = None
        path.append(x.numpy())
    return nn.pictures.descent_path(valley, path)


def training_curves() -> Any:
    """Return loss and accuracy of a network that learns scikit-learn's small digits."""
    (x, y), _ = nn.datasets.digits.load_data()
    model = nn.MLP([64, 32, 10], "relu", "softmax", seed=0)
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    x = x.reshape(len(x), -1) / 16
    return model.fit(x, y, epochs=15, validation_split=0.25, verbose=0).plot()


PICTURES = {
    "apples_and_oranges": apples_and_oranges,
    "square_of_a_sum": square_of_a_sum,
    "sigmoid": sigmoid_from_its_parts,
    "softmax_with_cross_entropy": softmax_with_cross_entropy,
    "many_neurons": many_neurons,
    "loop": a_loop,
    "nan": a_nan,
}


def main() -> None:
    """Draw every picture, the players of the first and of softmax, and explain one."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, computation in PICTURES.items():
        y = computation()
        y.backward()
        # what is long runs down the page, so that its text stays large
        figure = ag.draw(y, direction="down" if name in ("many_neurons", "loop") else "right")
        print(figure.save(FOLDER / f"{name}.svg"))
        if name in ("apples_and_oranges", "softmax_with_cross_entropy"):
            print(figure.save(FOLDER / f"{name}.html"))
    for level in ("modules", "operations", "scalars"):
        y = two_layers()
        y.backward()
        figure = ag.draw(y, level=level, direction="right" if level == "modules" else "down")
        print(figure.save(FOLDER / f"two_layers_{level}.svg"))
        if level == "scalars":
            print(ag.draw(y, level=level).save(FOLDER / f"two_layers_{level}.html"))
    y = a_digit()
    y.backward()
    print(ag.draw(y, level="modules").save(FOLDER / "digit.svg"))
    for name, picture in {
        "path_of_sgd": the_path_of(nn.SGD, learning_rate=0.9),
        "path_of_adam": the_path_of(nn.Adam, learning_rate=0.3),
        "training_curves": training_curves(),
    }.items():
        picture.savefig(FOLDER / f"{name}.png")
        print(FOLDER / f"{name}.png")
    z = square_of_a_sum()
    z.backward()
    print(ag.draw(z, theme="dark", direction="down", derivatives=True).save(FOLDER / "down.svg"))
    print(ag.draw(a_frozen_graph()).save(FOLDER / "frozen_graph.svg"))
    print(f"\n{ag.explain(z)}")


if __name__ == "__main__":
    main()
