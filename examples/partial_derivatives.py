"""Partial derivatives of x0^2 + x1^2 at (3, 4): by hand, by differences, by the chain rule.

Run `python -m examples.partial_derivatives`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd as ag
from autograd import Tensor
from examples.differences import central


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    """Print and return the partial derivatives in all three ways."""
    del arguments  # there is nothing to shorten

    def f(x: Any) -> Any:
        return x[0] ** 2 + x[1] ** 2

    # one variable at a time, the other held as a constant
    first = central(lambda x0: x0 * x0 + 4.0**2.0, 3.0)
    second = central(lambda x1: 3.0**2.0 + x1 * x1, 4.0)
    both = ag.numerical_gradient(f, np.array([3.0, 4.0]), method="central", h=1e-4)
    x = Tensor([3.0, 4.0], name="x")
    f(x).backward()
    print(f"df/dx0 by a central difference: {first}")
    print(f"df/dx1 by a central difference: {second}")
    print(f"numerical_gradient:             {both}")
    print(f"by the chain rule:              {x.grad}")
    return {"first": first, "second": second, "both": both, "exact": x.grad}


if __name__ == "__main__":
    main()
