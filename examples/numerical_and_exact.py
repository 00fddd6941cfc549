"""A simple net and a two-layer net: numerical gradients against backpropagation.

Run `python -m examples.numerical_and_exact`, or with `--quick` for a smaller hidden layer.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

import autograd as ag
import nn
from examples.mnist import load


def main(arguments: list[str] | None = None) -> dict[str, float]:
    """Print and return the average absolute differences of the two gradients."""
    parser = argparse.ArgumentParser(description="Compare two ways to a gradient.")
    parser.add_argument("--quick", action="store_true")
    hidden = 5 if parser.parse_args(arguments).quick else 50

    # the simple net: two inputs, three scores, and the weights of the document
    W = np.array([[0.47355232, 0.9977393, 0.84668094], [0.85557411, 0.03563661, 0.69422093]])
    x, t = np.array([[0.6, 0.9]]), [2]

    def simple(W: Any) -> Any:
        return nn.losses.sparse_categorical_crossentropy(t, x @ W, from_logits=True)

    print(f"simple net: loss {float(simple(W)):.6f}, gradient\n{ag.grad(simple)(W)}")
    found = {"simple": float(abs(ag.grad(simple)(W) - central(simple, W)).mean())}

    _, images, labels, _, _ = load()
    images, labels = images[:3].astype(float), labels[:3]
    model = nn.MLP([images.shape[1], hidden, 10], "sigmoid", "softmax", dtype="float64", seed=0)
    rng = np.random.default_rng(0)
    model.set_weights([0.01 * rng.normal(size=w.shape) * (w.ndim > 1) for w in model.weights])
    parameters = dict(zip(("W1", "b1", "W2", "b2"), model.parameters(), strict=True))
    loss = nn.losses.sparse_categorical_crossentropy(labels, model(images))
    exact = ag.gradients(loss, list(parameters.values()))
    weights = model.get_weights()
    for i, name in enumerate(parameters):

        def loss_of(w: Any, i: int = i) -> Any:
            a, b, c, d = [w if j == i else other for j, other in enumerate(weights)]
            scores = 1 / (1 + np.exp(-(images @ a + b))) @ c + d
            return nn.losses.sparse_categorical_crossentropy(labels, scores, from_logits=True)

        found[name] = float(abs(central(loss_of, weights[i]) - exact[i]).mean())
        print(f"{name}: average absolute difference {found[name]:.1e}")
    return found


def central(f: Any, w: Any, h: float = 1e-4) -> Any:
    """Return the central differences of f with respect to every entry of w."""
    slope = np.zeros_like(w)
    for i in np.ndindex(w.shape):
        kept = w[i]
        w[i] = kept + h
        above = float(f(w))
        w[i] = kept - h
        slope[i] = (above - float(f(w))) / (2 * h)
        w[i] = kept
    return slope


if __name__ == "__main__":
    main()
