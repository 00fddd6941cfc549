"""The smallest network: two inputs, three outputs, softmax; it learns one example.

Run `python -m examples.one_layer`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import nn


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    """Train on x = (0.6, 0.9) with class 2; print and return accuracy and weights."""
    del arguments  # there is nothing to shorten
    x = np.array([0.6, 0.9]).reshape(1, 2)
    t = np.array([0, 0, 1]).reshape(1, 3)
    model = nn.Sequential([nn.Dense(3, activation="softmax", input_shape=(2,))], seed=0)
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["acc"])
    before = model.evaluate(x, t, verbose=0)
    model.fit(x, t, epochs=1000, verbose=0)
    loss, accuracy = model.evaluate(x, t, verbose=0)
    kernel, bias = model.get_weights()
    print(f"before: loss {before[0]:.4f}, accuracy {before[1]}")
    print(f"after:  loss {loss:.4f}, accuracy {accuracy}")
    print(f"weights {kernel.shape}:\n{kernel}\nbiases {bias.shape}:\n{bias}")
    return {"accuracy": accuracy, "kernel": kernel, "bias": bias}


if __name__ == "__main__":
    main()
