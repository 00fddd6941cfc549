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


@REGISTRY.add()
class ReLU(Layer):
    """max(x, 0) with an optional ceiling, slope and threshold.

    Args:
        max_value: the ceiling; None for none.
        negative_slope: the slope below the threshold.
        threshold: where the ramp begins.
        layer: the arguments of every layer.

    Example:
        >>> ReLU(max_value=6.0)([[-1.0, 7.0]]).data.tolist()
        [[0.0, 6.0]]
    """

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **layer: Any,
    ) -> None:
        super().__init__(**layer)
        self.max_value = max_value
        self.negative_slope = negative_slope
        self.threshold = threshold

    def call(self, inputs: Any) -> Any:
        """Apply the function."""
        return activations.relu(inputs, self.negative_slope, self.max_value, self.threshold)


@REGISTRY.add()
class LeakyReLU(Layer):
    """x where it is positive and negative_slope * x elsewhere.

    Args:
        negative_slope: 0.3, unlike the function's 0.2.
        layer: the arguments of every layer.

    Example:
        >>> LeakyReLU(0.5)([[-1.0, 2.0]]).data.tolist()
        [[-0.5, 2.0]]
    """

    def __init__(self, negative_slope: float = 0.3, **layer: Any) -> None:
        super().__init__(**layer)
        self.negative_slope = negative_slope

    def call(self, inputs: Any) -> Any:
        """Apply the function."""
        return activations.leaky_relu(inputs, self.negative_slope)


@REGISTRY.add()
class ELU(Layer):
    """x where it is positive and alpha * (exp(x) - 1) elsewhere.

    Args:
        alpha: the limit at minus infinity, negated.
        layer: the arguments of every layer.

    Example:
        >>> ELU()([[0.0, 2.0]]).data.tolist()
        [[0.0, 2.0]]
    """

    def __init__(self, alpha: float = 1.0, **layer: Any) -> None:
        super().__init__(**layer)
        self.alpha = alpha

    def call(self, inputs: Any) -> Any:
        """Apply the function."""
        return activations.elu(inputs, self.alpha)


@REGISTRY.add()
class Softmax(Layer):
    """exp(x) / sum(exp(x)) along `axis`.

    Args:
        axis: along which the outputs sum to 1.
        layer: the arguments of every layer.

    Example:
        >>> Softmax()([[0.0, 0.0]]).data.tolist()
        [[0.5, 0.5]]
    """

    def __init__(self, axis: int = -1, **layer: Any) -> None:
        super().__init__(**layer)
        self.axis = axis

    def call(self, inputs: Any) -> Any:
        """Apply the function."""
        return activations.softmax(inputs, self.axis)


@REGISTRY.add()
class SiLU(Layer):
    """x * sigmoid(x).

    Example:
        >>> SiLU()([[0.0]]).data.tolist()
        [[0.0]]
    """

    def call(self, inputs: Any) -> Any:
        """Apply the function."""
        return activations.silu(inputs)


@REGISTRY.add()
class GELU(Layer):
    """x times the probability that a unit normal is below x.

    Args:
        approximate: whether to take the formula with tanh.
        layer: the arguments of every layer.

    Example:
        >>> GELU(approximate=True)([[0.0]]).data.tolist()
        [[0.0]]
    """

    def __init__(self, approximate: bool = False, **layer: Any) -> None:
        super().__init__(**layer)
        self.approximate = approximate

    def call(self, inputs: Any) -> Any:
        """Apply the function."""
        return activations.gelu(inputs, self.approximate)
