"""Optimizers by name and by object on Fashion-MNIST, after Flatten and relu.

Run `python -m examples.optimizers`, or with `--quick` for a tenth of the data.
"""

from __future__ import annotations

import argparse

import nn
from examples.fashion import load

CHOICES = {
    "sgd": "sgd",
    "momentum": nn.SGD(momentum=0.9),
    "nesterov": nn.SGD(momentum=0.9, nesterov=True),
    "adagrad": "adagrad",
    "rmsprop": nn.RMSprop(),
    "adam": "adam",
}


def main(arguments: list[str] | None = None) -> dict[str, float]:
    """Train with each; print and return the validation accuracies."""
    parser = argparse.ArgumentParser(description="Compare optimizers.")
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args(arguments).quick
    name, x, y = load(quick)
    print(f"data: {name}, {len(x)} images")
    kept = int(0.8 * len(x))
    found = {}
    for key, choice in CHOICES.items():
        model = nn.Sequential(
            [
                nn.Flatten(input_shape=x.shape[1:]),
                nn.Dense(100, activation="relu"),
                nn.Dense(10, activation="softmax"),
            ],
            seed=42,
        )
        optimizer = nn.optimizers.get(choice)
        model.compile(
            type(optimizer).from_config(optimizer.get_config()),
            "sparse_categorical_crossentropy",
            ["accuracy"],
        )
        model.fit(x[:kept], y[:kept], epochs=3 if quick else 5, verbose=0)
        found[key] = model.evaluate(x[kept:], y[kept:], batch_size=500, verbose=0)[1]
        rate = model.optimizer.learning_rate
        print(f"{key:9} rate {rate}: validation accuracy {found[key]:.4f}")
    return found


if __name__ == "__main__":
    main()
