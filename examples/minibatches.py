"""Mini-batches: a random choice of 10 and of 100 among 60,000, and what an epoch is.

Run `python -m examples.minibatches`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nn.data import minibatches


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    """Print the choices and the number of steps an epoch, and return them."""
    del arguments  # there is nothing to shorten
    rows = np.arange(60_000)
    found: dict[str, Any] = {}
    for size in (10, 100):
        draw = minibatches(rows, batch_size=size, rng=np.random.default_rng(0), replace=True)
        (chosen,) = next(draw)
        found[f"chosen {size}"] = chosen
        print(f"{size} of {len(rows):,}, each drawn from all: {chosen[:10]}")

    # without replacement, an epoch sees every row exactly once
    epoch = [b for (b,) in minibatches(rows, batch_size=100, rng=np.random.default_rng(0))]
    found["steps"] = len(epoch)
    found["seen once"] = bool(np.array_equal(np.sort(np.concatenate(epoch)), rows))
    print(
        f"an epoch of {len(rows):,} at 100 is {len(epoch)} steps; every row once: "
        f"{found['seen once']}"
    )

    # with replacement, as many draws meet a share of 1 - 1/e of the rows
    draw = minibatches(rows, batch_size=100, rng=np.random.default_rng(0), replace=True)
    met = np.unique(np.concatenate([next(draw)[0] for _ in range(600)]))
    found["share met"] = len(met) / len(rows)
    print(f"600 steps drawn with replacement meet {found['share met']:.1%} of the rows")
    return found


if __name__ == "__main__":
    main()
