"""Numerical differentiation: a step that is too small, forward and central differences.

The document prints 16.0020000000074 for a forward difference and names its step 1e-4; the figure is
that of 1e-3. Both are shown.

Run `python -m examples.differences`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd as ag
from autograd import Tensor

Function = Callable[[Any], Any]


def forward(f: Function, x: float, h: float = 1e-4) -> float:
    """Return (f(x + h) - f(x)) / h."""
    return float((f(x + h) - f(x)) / h)


def central(f: Function, x: float, h: float = 1e-4) -> float:
    """Return (f(x + h) - f(x - h)) / 2h."""
    return float((f(x + h) - f(x - h)) / (2 * h))


def main(arguments: list[str] | None = None) -> list[float]:
    """Print and return the four figures of the document, beside the exact derivatives."""
    del arguments  # there is nothing to shorten

    def bowl(x: Any) -> Any:
        return 2 * x**2 + 2

    def other(x: Any) -> Any:
        return 3 * x**2 + 2 * x + 7

    figures = [
        forward(bowl, 4, 1e-50),
        forward(bowl, 4, 1e-3),
        central(bowl, 4),
        forward(other, 6),
    ]
    exact = []
    for f, at in ((bowl, 4.0), (other, 6.0)):
        x = Tensor(at)
        exact.append(ag.gradients(f(x), x))
    print(f"h = 1e-50, lost in rounding:  {figures[0]}")
    print(f"forward, h = 1e-3:            {figures[1]}")
    print(f"forward, h = 1e-4:            {forward(bowl, 4)}")
    print(f"central, h = 1e-4:            {figures[2]}")
    print(f"by the chain rule:            {exact[0]}")
    print(f"3x^2 + 2x + 7 at 6, forward:  {figures[3]}")
    print(f"by the chain rule:            {exact[1]}")
    return figures


if __name__ == "__main__":
    main()
