"""Conditions that parameters are brought back to after every update, by Keras' names."""

from __future__ import annotations

from typing import Any

import numpy as np

from nn.registry import Configurable, Registry

REGISTRY = Registry("constraint")

_EPSILON = 1e-7  # Keras' guard against dividing by a norm of 0


def _norms(w: Any, axis: int) -> Any:
    return np.sqrt(np.sum(np.square(w), axis=axis, keepdims=True))


@REGISTRY.add("nonneg")
class NonNeg(Configurable):
    """Negative entries become 0.

    Example:
        >>> NonNeg()(np.array([-1.0, 2.0]))
        array([0., 2.])
    """

    def __call__(self, w: Any) -> Any:
        """Return the entries that are allowed."""
        return np.maximum(w, 0)


@REGISTRY.add()
class MaxNorm(Configurable):
    """The norm along `axis` is at most max_value.

    Example:
        >>> MaxNorm(1.0)(np.array([[3.0], [4.0]])).round(6)
        array([[0.6],
               [0.8]])
    """

    def __init__(self, max_value: float = 2.0, axis: int = 0) -> None:
        self.max_value = max_value
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        """Return `w` scaled down where it is too long."""
        norms = _norms(w, self.axis)
        return w * (np.clip(norms, 0, self.max_value) / (norms + _EPSILON))


@REGISTRY.add()
class UnitNorm(Configurable):
    """The norm along `axis` is 1.

    Example:
        >>> UnitNorm()(np.array([[3.0], [4.0]])).round(6)
        array([[0.6],
               [0.8]])
    """

    def __init__(self, axis: int = 0) -> None:
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        """Return `w` scaled to length 1."""
        return w / (_norms(w, self.axis) + _EPSILON)


@REGISTRY.add()
class MinMaxNorm(Configurable):
    """The norm along `axis` moves towards [min_value, max_value] at the given rate.

    Example:
        >>> MinMaxNorm(0.0, 1.0)(np.array([[3.0], [4.0]])).round(6)
        array([[0.6],
               [0.8]])
    """

    def __init__(
        self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: int = 0
    ) -> None:
        self.min_value = min_value
        self.max_value = max_value
        self.rate = rate
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        """Return `w` with its norms moved."""
        norms = _norms(w, self.axis)
        clipped = np.clip(norms, self.min_value, self.max_value)
        wanted = self.rate * clipped + (1 - self.rate) * norms
        return w * (wanted / (norms + _EPSILON))


max_norm, unit_norm, min_max_norm, non_neg = MaxNorm, UnitNorm, MinMaxNorm, NonNeg
"""Keras' other names of the same classes."""


def get(identifier: Any) -> Any:
    """Return the constraint that `identifier` names, None for None.

    Example:
        >>> get("non_neg")(np.array([-1.0]))
        array([0.])
    """
    return None if identifier is None else REGISTRY.get(identifier)
