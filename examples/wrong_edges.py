"""Find the first wrong edge of a backward pass that was written by hand.

The layers are those of the documents, each with a mistake that beginners make: a product that hands
back its own factor, a bias whose gradient is summed over everything, a use that is not added up.

Run `python -m examples.wrong_edges`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import autograd as ag
from examples.apples import AddLayer, MulLayer
from examples.by_hand import Affine, Relu

PICTURES = Path("pictures")


class OwnFactor(MulLayer):
    """A product whose backward forgets to exchange the factors."""

    def backward(self, dout: float) -> tuple[float, float]:
        """Multiply by the same one."""
        return dout * self.x, dout * self.y


class SummedAway(Affine):
    """x W + b with the gradient of b summed over rows and columns."""

    def backward(self, dout: Any) -> Any:
        """Sum over everything."""
        dx = super().backward(dout)
        self.db = np.full(self.b.shape, dout.sum())
        return dx


def main(arguments: list[str] | None = None) -> dict[str, ag.check.BackwardDiff]:
    """Print and return what differs; draw the wrong edge."""
    del arguments  # there is nothing to shorten
    found = {}

    apples, oranges, fruit, taxed = MulLayer(), OwnFactor(), AddLayer(), MulLayer()

    def price(apple: Any, apples_: Any, orange: Any, oranges_: Any, tax: Any) -> Any:
        total = fruit.forward(apples.forward(apple, apples_), oranges.forward(orange, oranges_))
        return taxed.forward(total, tax)

    layers = {"apples": apples, "oranges": oranges, "fruit": fruit, "taxed": taxed}
    basket = (100.0, 2.0, 150.0, 3.0, 1.1)
    found["layers"] = ag.diff_backward(price, *basket, layers=layers)
    print(f"apples and oranges\n{found['layers']}\n")
    PICTURES.mkdir(exist_ok=True)
    print(f"picture: {ag.draw(found['layers']).save(PICTURES / 'wrong_edges.svg')}\n")

    rng = np.random.default_rng(1)
    one, relu = SummedAway(rng.normal(size=(4, 3)), np.zeros(3)), Relu()

    def network(x: Any) -> Any:
        return np.sum(relu.forward(one.forward(x)) ** 2)

    found["network"] = ag.diff_backward(network, rng.normal(size=(2, 4)), layers=[one, relu])
    print(f"a layer of a network\n{found['network']}\n")

    def square_of_sum(x: Any, y: Any) -> Any:
        t = x + y
        t.name = "t"
        return t**2 + x

    def by_hand(x: float, y: float) -> dict[str, float]:
        dt = 2 * (x + y)
        return {"t": dt, "x": dt, "y": dt}

    found["function"] = ag.diff_backward(square_of_sum, 2.0, 3.0, backward=by_hand)
    print(f"(x + y)^2 + x\n{found['function']}")
    return found


if __name__ == "__main__":
    main()
