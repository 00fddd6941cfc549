"""A perceptron 784-64-32-10 on MNIST: batches of 100 against batches of 5,000, thirty epochs.

Run `python -m examples.batch_sizes`, or with `--quick` for one seed and three epochs; with
`--jit-compile` the steps run as machine code.
"""

from __future__ import annotations

import argparse

import numpy as np

import nn
from examples.mnist import load


def main(arguments: list[str] | None = None) -> dict[int, float]:
    """Train with both sizes and several seeds; print and return the mean test accuracies."""
    parser = argparse.ArgumentParser(description="Compare batch sizes.")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--jit-compile", action="store_true", help="needs the extra llvm")
    given = parser.parse_args(arguments)
    quick = given.quick
    name, x, y, x_test, y_test = load()
    t, t_test = nn.to_categorical(y, 10), nn.to_categorical(y_test, 10)
    print(f"data: {name}")
    means = {}
    for size in (100, 5000):
        size = min(size, len(x))
        results = []
        for seed in range(1 if quick else 3):
            model = nn.Sequential(
                [
                    nn.Dense(64, activation="relu", input_shape=(x.shape[1],)),
                    nn.Dense(32, activation="relu"),
                    nn.Dense(10, activation="softmax"),
                ],
                seed=seed,
            )
            model.compile(
                optimizer="adam",
                loss="categorical_crossentropy",
                metrics=["acc"],
                jit_compile=given.jit_compile,
            )
            model.fit(x, t, epochs=3 if quick else 30, batch_size=size, verbose=0)
            results.append(model.evaluate(x_test, t_test, batch_size=1000, verbose=0))
        loss, accuracy = np.mean(results, axis=0)
        means[size] = float(accuracy)
        print(
            f"batch size {size}: test loss {loss:.3f}, test accuracy {accuracy:.4f}, "
            f"mean of {len(results)} seeds"
        )
    return means


if __name__ == "__main__":
    main()
