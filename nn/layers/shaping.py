"""Layers that only rearrange: Flatten, Reshape."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

import autograd as ag
from autograd.errors import ShapeError, message
from nn.layers.layer import REGISTRY, Layer


@REGISTRY.add()
class Flatten(Layer):
    """Every example as one row: (n, ...) becomes (n, product), (n,) becomes (n, 1).

    Example:
        >>> Flatten()(np.zeros((2, 28, 28))).shape
        (2, 784)
    """

    def call(self, inputs: Any) -> Any:
        """Return the inputs as rows."""
        shape = np.shape(inputs)
        if not shape:
            raise ShapeError(
                message(f"the input of layer {self.name!r} to have a batch axis", "()", "x[None]")
            )
        return ag.reshape(inputs, (shape[0], math.prod(shape[1:])))


@REGISTRY.add()
class Reshape(Layer):
    """Every example in another shape.

    Args:
        target_shape: the shape of one example; one entry may be -1.
        layer: the arguments of every layer.

    Example:
        >>> Reshape((2, -1))(np.zeros((5, 6))).shape
        (5, 2, 3)
    """

    def __init__(self, target_shape: Sequence[int], **layer: Any) -> None:
        super().__init__(**layer)
        self.target_shape = tuple(target_shape)

    def call(self, inputs: Any) -> Any:
        """Return the inputs reshaped."""
        shape = np.shape(inputs)
        size = math.prod(shape[1:])
        known = math.prod(n for n in self.target_shape if n != -1)
        if -1 in self.target_shape:
            known *= size // known if known else 0
        if known != size:
            raise ShapeError(
                message(
                    f"the input of layer {self.name!r} to have examples of the size of "
                    f"{self.target_shape}",
                    f"shape {shape}",
                    "a target_shape with the same number of entries",
                )
            )
        return ag.reshape(inputs, (shape[0], *self.target_shape))
