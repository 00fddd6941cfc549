"""The tour: an expression and its picture, a network that learns digits, a check of its gradients.

Run `python -m examples.tour`; it takes less than a minute.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

import autograd as ag
import nn
from autograd import Tensor
from examples import apple_orange_tax, mnist

PICTURES = Path("pictures")


def main() -> None:
    """Run the three stops and say where the pictures are."""
    started = time.perf_counter()
    print("1. An expression, its gradients and its picture\n")
    apple_orange_tax.main()
    print("\n2. A network that learns handwritten digits\n")
    model, x, y = train()
    print("\n3. A check of that network's gradients\n")
    check(model, x[:3], y[:3])
    drawn = draw_one_neuron(model, x[0])
    print(f"\nPictures: {PICTURES / 'apple_orange_tax.png'}, {drawn}")
    print(f"The tour took {time.perf_counter() - started:.0f} s.")


def train() -> tuple[nn.Sequential, Any, Any]:
    """Train on the digits at hand; return the model with images and labels it has not seen."""
    name, x, y, x_test, y_test = mnist.load()
    print(f"data: {name}; {len(x):,} to learn from, {len(x_test):,} to test on")
    real = x.shape[1] == 784
    model = nn.MLP([x.shape[1], 50, 10], "sigmoid", "softmax", seed=0)
    optimizer = nn.optimizers.Adam(0.001 if real else 0.01)
    model.compile(optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, batch_size=100 if real else 32, epochs=5 if real else 15)
    loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
    print(f"test loss {loss:.4f}, test accuracy {accuracy:.4f}")
    return model, x_test, y_test


def check(model: nn.Sequential, x: Any, y: Any) -> None:
    """Judge every partial derivative of the loss on three images, in double precision."""
    twin = nn.MLP([x.shape[1], 50, 10], "sigmoid", "softmax", dtype="float64")
    twin.set_weights(model.get_weights())

    def loss(*weights: Any) -> Tensor:
        twin.set_weights(weights)
        total: Tensor = nn.losses.sparse_categorical_crossentropy(y, twin(x)).mean()
        return total

    def value(*weights: Any) -> float:
        return loss(*weights).item()

    def gradient(*weights: Any) -> Any:
        return ag.gradients(loss(*weights), twin.parameters())

    print(ag.gradcheck(value, *twin.get_weights(), gradient=gradient))


def draw_one_neuron(model: nn.Sequential, x: Any) -> Path:
    """Draw how the first hidden unit would change with its three strongest weights."""
    kernel, bias = model.get_weights()[:2]
    strongest = np.argsort(-np.abs(kernel[:, 0] * x))[:3]
    total = Tensor(float(bias[0]), name="bias")
    for i in strongest:
        weight = Tensor(float(kernel[i, 0]), name=f"weight {i}")
        total = total + weight * Tensor(float(x[i]), requires_grad=False, name=f"pixel {i}")
    activation = total.sigmoid()
    activation.name = "activation"
    activation.backward()
    return ag.draw(activation).save(PICTURES / "neuron.png")


if __name__ == "__main__":
    main()
