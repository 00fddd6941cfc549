"""Gradient descent on x0^2 + x1^2 from (-3, 4): its path, as numbers and as a picture.

Run `python -m examples.descent`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import nn
from autograd import Tensor

PICTURES = Path("pictures")


def main(arguments: list[str] | None = None) -> Any:
    """Take twenty steps at rate 0.1; print, draw and return the path."""
    del arguments  # there is nothing to shorten
    x = Tensor([-3.0, 4.0], name="x")
    optimizer = nn.SGD(0.1, parameters=[x])
    path = [x.numpy()]
    for _ in range(20):
        (x * x).sum().backward()
        optimizer.step()
        x.grad = None
        path.append(x.numpy())
    points = np.array(path)
    for step, point in enumerate(points):
        print(f"{step:2d}  {point[0]:+.6f}  {point[1]:+.6f}")

    figure = nn.pictures.descent_path(lambda x0, x1: x0**2 + x1**2, points)
    PICTURES.mkdir(exist_ok=True)
    figure.savefig(PICTURES / "descent.png")
    print(f"picture: {PICTURES / 'descent.png'}")
    return points


if __name__ == "__main__":
    main()
