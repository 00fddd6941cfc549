"""Two apples with tax, layer by layer and with Tensors; the oranges come in `apple_orange_tax`.

Run `python -m examples.apples`.
"""

from __future__ import annotations

from pathlib import Path

import autograd as ag
from autograd import Tensor

PICTURES = Path("pictures")


class MulLayer:
    """The product of two numbers."""

    def forward(self, x: float, y: float) -> float:
        """Remember both."""
        self.x, self.y = x, y
        return x * y

    def backward(self, dout: float) -> tuple[float, float]:
        """Multiply by the other one."""
        return dout * self.y, dout * self.x


class AddLayer:
    """The sum of two numbers."""

    def forward(self, x: float, y: float) -> float:
        """Add."""
        return x + y

    def backward(self, dout: float) -> tuple[float, float]:
        """Hand on to both."""
        return dout, dout


def main(arguments: list[str] | None = None) -> dict[str, float]:
    """Print and return the price and its gradients, by layers and by Tensors; draw the graph."""
    del arguments  # there is nothing to shorten
    times, taxed = MulLayer(), MulLayer()
    price = taxed.forward(times.forward(100, 2), 1.1)
    dsum, dtax = taxed.backward(1)
    dapple, dcount = times.backward(dsum)
    print(f"by layers: {price:.0f}; dapple {dapple}, dcount {dcount:.0f}, dtax {dtax}")

    apple, count, tax = (Tensor(v, name=n) for v, n in ((100, "apple"), (2, "count"), (1.1, "tax")))
    total = apple * count * tax
    total.name = "price"
    total.backward()
    print(
        f"by Tensors: {total.item():.0f}; dapple {apple.grad}, dcount {count.grad:.0f}, "
        f"dtax {tax.grad}"
    )
    PICTURES.mkdir(exist_ok=True)
    print(f"picture: {ag.draw(total).save(PICTURES / 'apples.svg')}")
    assert AddLayer().backward(1.1) == (1.1, 1.1)
    return {
        "price": price,
        "dapple": apple.grad,
        "dcount": count.grad,
        "dtax": tax.grad,
        "layers": max(abs(dapple - apple.grad), abs(dcount - count.grad), abs(dtax - tax.grad)),
    }


if __name__ == "__main__":
    main()
