"""Fashion-MNIST: logistic regression, one softmax layer, and a hidden layer of 100.

Run `python -m examples.fashion`, or with `--quick` for a tenth of the data and few epochs.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

import nn


def load(quick: bool = False) -> tuple[str, Any, Any]:
    """Return the name of the data, images from 0 to 1 of shape (n, h, w), and labels."""
    if nn.datasets.fashion_mnist.available():
        (x, y), _ = nn.datasets.fashion_mnist.load_data()
        name, ink = "Fashion-MNIST", 255
    else:
        (x, y), _ = nn.datasets.digits.load_data()
        name, ink = "scikit-learn's digits, since Fashion-MNIST is not at hand", 16
    rows = slice(0, len(x) // 10 if quick and len(x) > 10_000 else None)
    return name, (x[rows] / ink).astype(np.float32), y[rows]


def cross_validated(x: Any, y: Any, parts: int = 3) -> float:
    """Return the mean accuracy of logistic regression by SGD, each part held out once."""
    scores = []
    order = np.random.default_rng(42).permutation(len(x))
    for part in np.array_split(order, parts):
        kept = np.setdiff1d(order, part)
        model = nn.MLP([x.shape[1], 10], output_activation="softmax", seed=0)
        model.compile(nn.SGD(0.1), "sparse_categorical_crossentropy", ["accuracy"])
        model.fit(x[kept], y[kept], epochs=5, batch_size=32, verbose=0)
        scores.append(model.evaluate(x[part], y[part], batch_size=500, verbose=0)[1])
    return float(np.mean(scores))


def main(arguments: list[str] | None = None) -> dict[str, float]:
    """Train the three models; print and return their accuracies on data held out."""
    parser = argparse.ArgumentParser(description="Classify clothes.")
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args(arguments).quick
    name, x, y = load(quick)
    x = x.reshape(len(x), -1)
    width = x.shape[1]
    print(f"data: {name}, {len(x)} images")
    kept = int(0.8 * len(x))
    found = {"logistic": cross_validated(x, y)}
    print(f"logistic regression by SGD, 3-fold: accuracy {found['logistic']:.4f}")

    one = nn.Sequential([nn.Dense(10, activation="softmax", input_shape=(width,))], seed=42)
    # two ways of stacking: a list of layers, or add() one by one
    listed = nn.Sequential(
        [
            nn.Dense(100, activation="sigmoid", input_shape=(width,), name="hidden"),
            nn.Dense(10, activation="softmax", name="output"),
        ],
        seed=42,
    )
    added = nn.Sequential(seed=42)
    added.add(nn.Dense(100, activation="sigmoid", input_shape=(width,)))
    added.add(nn.Dense(10, activation="softmax"))
    assert all(
        np.array_equal(a, b) for a, b in zip(listed.get_weights(), added.get_weights(), strict=True)
    )
    listed.summary()
    for key, model, epochs in (("one layer", one, 10), ("hidden layer", listed, 20)):
        # Keras' default optimizer is RMSprop
        model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
        model.fit(x[:kept], y[:kept], epochs=3 if quick else epochs, verbose=0)
        found[key] = model.evaluate(x[kept:], y[kept:], batch_size=500, verbose=0)[1]
        print(f"{key}: validation accuracy {found[key]:.4f}")
    found["hidden parameters"] = listed.get_layer("hidden").count_params()
    found["output parameters"] = listed.get_layer("output").count_params()
    return found


if __name__ == "__main__":
    main()
