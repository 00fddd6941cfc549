"""A network 784-50-10 trained by plain gradient descent: 10,000 steps of 100, rate 0.1.

Run `python -m examples.two_layer_training`, or with `--quick` for 600 steps.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

import nn
from autograd import no_grad
from autograd.errors import require
from examples.mnist import load
from nn.data import minibatches

PICTURES = Path("pictures")


def main(arguments: list[str] | None = None) -> dict[str, float]:
    """Train in a loop of one's own; print accuracies an epoch, draw the loss, return the last."""
    parser = argparse.ArgumentParser(description="Train in a loop of one's own.")
    parser.add_argument("--quick", action="store_true")
    steps = 600 if parser.parse_args(arguments).quick else 10_000
    name, x, y, x_test, y_test = load()
    print(f"data: {name}")
    rate = 0.1 if x.shape[1] == 784 else 1.0  # small images need larger steps in so few
    model = nn.MLP([x.shape[1], 50, 10], "sigmoid", "softmax", seed=0)
    optimizer = nn.SGD(rate, parameters=model)
    draw = minibatches(x, y, batch_size=100, rng=np.random.default_rng(0), replace=True)
    epoch = max(len(x) // 100, 100)
    losses: list[float] = []

    def accuracy(images: Any, labels: Any) -> float:
        with no_grad():
            # train images are scored against train labels, test images against test labels
            return float(np.mean(np.argmax(model(images), axis=1) == labels))

    for step in range(1, steps + 1):
        images, labels = next(draw)
        loss = nn.losses.sparse_categorical_crossentropy(labels, model(images))
        loss.backward()
        optimizer.step()
        model.zero_grad()
        losses.append(loss.item())
        if step % epoch == 0:
            print(
                f"step {step}: train accuracy {accuracy(x, y):.4f}, "
                f"test accuracy {accuracy(x_test, y_test):.4f}"
            )
    figures = require("matplotlib.figure", "nn", "draw the loss")
    figure = figures.Figure(layout="constrained")
    axes = figure.subplots()
    axes.plot(range(1, steps + 1), losses, linewidth=0.5)
    axes.set(xlabel="step", ylabel="loss")
    PICTURES.mkdir(exist_ok=True)
    figure.savefig(PICTURES / "two_layer_loss.png")
    result = {"train": accuracy(x, y), "test": accuracy(x_test, y_test)}
    print(f"test accuracy {result['test']:.4f}; the loss: {PICTURES / 'two_layer_loss.png'}")
    return result


if __name__ == "__main__":
    main()
