"""Penalties on the size of parameters, added to the loss, by Keras' names and formulas."""

from __future__ import annotations

from typing import Any

import autograd as ag
from nn.registry import Configurable, Registry

REGISTRY = Registry("regularizer")


@REGISTRY.add("l1_l2")
class L1L2(Configurable):
    """The penalty l1 * sum(|w|) + l2 * sum(w^2), without a factor 1/2.

    Example:
        >>> L1L2(l1=0.5, l2=0.25)(ag.Tensor([1.0, -2.0])).item()
        2.75
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1 = l1
        self.l2 = l2

    def __call__(self, w: Any) -> Any:
        """Return the penalty of `w`, a scalar."""
        terms = []
        if self.l1:
            terms.append(ag.sum(ag.absolute(w)) * w.dtype.type(self.l1))
        if self.l2:
            terms.append(ag.sum(ag.square(w)) * w.dtype.type(self.l2))
        return sum(terms[1:], terms[0]) if terms else 0.0


@REGISTRY.add()
class L1(L1L2):
    """The penalty l1 * sum(|w|).

    Example:
        >>> L1(0.5)(ag.Tensor([1.0, -2.0])).item()
        1.5
    """

    def __init__(self, l1: float = 0.01) -> None:
        super().__init__(l1=l1)


@REGISTRY.add()
class L2(L1L2):
    """The penalty l2 * sum(w^2).

    Example:
        >>> L2(0.5)(ag.Tensor([1.0, -2.0])).item()
        2.5
    """

    def __init__(self, l2: float = 0.01) -> None:
        super().__init__(l2=l2)


l1, l2, l1_l2 = L1, L2, L1L2
"""Keras' other names of the same classes."""


def get(identifier: Any) -> Any:
    """Return the regularizer that `identifier` names, None for None.

    Example:
        >>> get("l2").l2
        0.01
    """
    return None if identifier is None else REGISTRY.get(identifier)
