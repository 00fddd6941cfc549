"""Recognise handwritten digits: a multilayer perceptron 784-64-32-10 trained with Adam.

    python -m examples.mnist             ten epochs: over 0.97 of the test images right
    python -m examples.mnist --quick     one epoch

Without MNIST at hand, scikit-learn's 8x8 digits take its place.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

import nn


def load() -> tuple[str, Any, Any, Any, Any]:
    """Return the name of the data, then images as rows from 0 to 1 with labels, twice."""
    if nn.datasets.mnist.available():
        name, ink = "MNIST", 255
        (x, y), (x_test, y_test) = nn.datasets.mnist.load_data()
    else:
        name, ink = "scikit-learn's digits, since MNIST is not at hand", 16
        (x, y), (x_test, y_test) = nn.datasets.digits.load_data()
    x, x_test = ((a.reshape(len(a), -1) / ink).astype(np.float32) for a in (x, x_test))
    return name, x, y, x_test, y_test


def main(arguments: list[str] | None = None) -> float:
    """Train, print the progress, and return the share of test images that are recognised."""
    parser = argparse.ArgumentParser(description="Train a perceptron on handwritten digits.")
    parser.add_argument("--epochs", type=int, help="how often to go through the data")
    parser.add_argument("--seed", type=int, default=0, help="another seed, another training")
    parser.add_argument("--quick", action="store_true", help="few epochs, to see that it works")
    options = parser.parse_args(arguments)

    name, x, y, x_test, y_test = load()
    small = x.shape[1] < 784
    epochs = options.epochs or (1 if options.quick else 10) * (10 if small else 1)
    print(f"data: {name}; {len(x)} to learn from, {len(x_test)} to test on")

    model = nn.MLP([x.shape[1], 64, 32, 10], "relu", "softmax", seed=options.seed)
    model.summary()
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    batch_size = 32 if small else 100
    model.fit(x, y, batch_size=batch_size, epochs=epochs, validation_data=(x_test, y_test))
    loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
    print(f"test loss {loss:.4f}, test accuracy {accuracy:.4f}")
    return float(accuracy)


if __name__ == "__main__":
    main()
