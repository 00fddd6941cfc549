"""Losses by formula: half the sum of squares, crossentropy one-hot, by label, batched.

Run `python -m examples.loss_functions`.
"""

from __future__ import annotations

import numpy as np

import nn


def main(arguments: list[str] | None = None) -> dict[str, float]:
    """Print and return the losses of two predictions, by formula and by the library."""
    del arguments  # there is nothing to shorten
    t = np.array([[0, 0, 1, 0, 0, 0, 0, 0, 0, 0]], float)
    right = np.array([[0.1, 0.05, 0.6, 0.0, 0.05, 0.1, 0.0, 0.1, 0.0, 0.0]])
    wrong = np.array([[0.1, 0.05, 0.1, 0.0, 0.05, 0.1, 0.0, 0.6, 0.0, 0.0]])
    found = {}
    for name, y in (("right", right), ("wrong", wrong)):
        squares = float(nn.losses.half_sum_of_squares(t, y))
        entropy = float(nn.losses.categorical_crossentropy(t, y))
        label = float(nn.losses.sparse_categorical_crossentropy([2], y))
        print(
            f"{name}: half the sum of squares {squares:.4f} "
            f"(by formula {0.5 * np.sum((y - t) ** 2):.4f}), crossentropy {entropy:.4f} "
            f"(by formula {-np.sum(t * np.log(y + 1e-7)):.4f}), by label {label:.4f}"
        )
        found[f"{name} squares"], found[f"{name} entropy"] = squares, entropy
        found[f"{name} label"] = label
    both = float(nn.losses.sparse_categorical_crossentropy([2, 2], np.concatenate([right, wrong])))
    print(f"both as a batch: {both:.4f}, the mean")
    found["batch"] = both
    return found


if __name__ == "__main__":
    main()
