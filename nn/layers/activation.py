"""Activation functions as layers."""

from __future__ import annotations

from typing import Any

from nn import activations
from nn.layers.layer import REGISTRY, Layer


@REGISTRY.add()
class Activation(Layer):
    """Any activation function as a layer.

    Args:
        activation: a name or function of `nn.activations`.
        layer: the arguments of every layer.

    Example:
        >>> Activation("relu")([[-1.0, 2.0]]).data.tolist()
        [[0.0, 2.0]]
    """

    def __init__(self, activation: Any, **layer: Any) -> None:
        super().__init__(**layer)
        self.activation = activations.get(activation)

    def call(self, inputs: Any) -> Any:
        """Apply the function."""
        return self.activation(inputs)
