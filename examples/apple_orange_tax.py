"""The price of two apples and three oranges with tax, backwards: Deep Learning from Scratch, ch. 5.

Run `python -m examples.apple_orange_tax`.
"""

from __future__ import annotations

from pathlib import Path

import autograd as ag
from autograd import Tensor

PICTURES = Path("pictures")


def main() -> None:
    """Print the price and its five gradients, and save the figure."""
    apple, apple_num = Tensor(100, name="apple"), Tensor(2, name="apple_num")
    orange, orange_num = Tensor(150, name="orange"), Tensor(3, name="orange_num")
    tax = Tensor(1.1, name="tax")

    price = (apple * apple_num + orange * orange_num) * tax
    price.name = "price"
    price.backward()

    print("price:", int(price.item()))
    print("dApple:", apple.grad)
    print("dApple_num:", int(apple_num.grad))
    print("dOrange:", orange.grad)
    print("dOrange_num:", int(orange_num.grad))
    print("dTax:", int(tax.grad))

    PICTURES.mkdir(exist_ok=True)
    figure = ag.draw(price)
    for suffix in (".svg", ".png"):
        print("figure:", figure.save(PICTURES / f"apple_orange_tax{suffix}"))


if __name__ == "__main__":
    main()
