"""Dropout, saving and loading, the best model kept, and stopping in time.

Run `python -m examples.keeping_the_best`, or with `--quick` for a tenth of the data.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import nn
from examples.fashion import load


def network(shape: tuple[int, ...], seed: int) -> nn.Sequential:
    """Return a new network with dropout."""
    model = nn.Sequential(
        [
            nn.Flatten(input_shape=shape),
            nn.Dense(100, activation="relu"),
            nn.Dropout(0.3),
            nn.Dense(10, activation="softmax"),
        ],
        seed=seed,
    )
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    return model


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    """Train, save, load and stop early; print and return what must agree."""
    parser = argparse.ArgumentParser(description="Keep the best model.")
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args(arguments).quick
    name, x, y = load(quick)
    print(f"data: {name}, {len(x)} images")
    kept = int(0.8 * len(x))
    held_out = (x[kept:], y[kept:])
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        best = Path(folder, "best-model.keras")
        stop = nn.EarlyStopping(patience=2, restore_best_weights=True)
        save = nn.ModelCheckpoint(best, save_best_only=True)
        model = network(x.shape[1:], seed=42)
        history = model.fit(
            x[:kept],
            y[:kept],
            epochs=20,
            validation_data=held_out,
            callbacks=[save, stop],
            verbose=0,
        )
        losses = history.history["val_loss"]
        print(
            f"stopped after epoch {len(losses)}; best epoch {stop.best_epoch + 1}, "
            f"validation loss {min(losses):.4f}"
        )
        found["best epoch is the lowest"] = losses[stop.best_epoch] == min(losses)
        expected = model.predict(held_out[0], verbose=0)
        again = nn.load_model(best)
        found["best restored"] = bool(
            np.array_equal(again.predict(held_out[0], verbose=0), expected)
        )

        weights = Path(folder, "model-weights.h5")
        model.save_weights(weights)
        other = network(x.shape[1:], seed=7)
        other.load_weights(weights)
        found["loaded"] = bool(np.array_equal(other.predict(held_out[0], verbose=0), expected))
    found["no dropout at evaluation"] = model.evaluate(*held_out, verbose=0) == model.evaluate(
        *held_out, verbose=0
    )
    loss, found["accuracy"] = model.evaluate(*held_out, verbose=0)
    print(f"validation loss {loss:.4f}, accuracy {found['accuracy']:.4f}; {found}")
    return found


if __name__ == "__main__":
    main()
