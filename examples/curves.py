"""History and curves: verbose 0, 1, 2, validation loss, over- and underfitting as pictures.

Run `python -m examples.curves`, or with `--quick` for a tenth of the data.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import nn
from examples.fashion import load

PICTURES = Path("pictures")


def main(arguments: list[str] | None = None) -> dict[str, list[float]]:
    """Train a small and a large network; draw both histories and return the losses."""
    parser = argparse.ArgumentParser(description="Draw how networks learn.")
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args(arguments).quick
    name, x, y = load(quick=True)
    x = x.reshape(len(x), -1)
    print(f"data: {name}, {len(x)} images")
    kept = int(0.8 * len(x))
    PICTURES.mkdir(exist_ok=True)
    found: dict[str, list[float]] = {}
    for key, sizes, verbose in (("under", [2], 0), ("over", [256, 128], 2)):
        model = nn.MLP([x.shape[1], *sizes, 10], "relu", "softmax", seed=42)
        model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
        history = model.fit(
            x[:kept],
            y[:kept],
            epochs=20 if quick else 40,
            verbose=verbose,
            validation_data=(x[kept:], y[kept:]),
        )
        path = PICTURES / f"{key}fitting.png"
        history.plot(path)
        found[key], found[f"{key} val"] = history.history["loss"], history.history["val_loss"]
        print(
            f"{key}fitting: loss {found[key][-1]:.3f}, validation loss "
            f"{found[f'{key} val'][-1]:.3f} (best {min(found[f'{key} val']):.3f}): {path}"
        )
    return found


if __name__ == "__main__":
    main()
