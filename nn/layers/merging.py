"""Layers with several inputs: Add, Multiply, Average, Concatenate."""

from __future__ import annotations

import functools
import operator
from typing import Any

import autograd as ag
from nn.layers.layer import REGISTRY, Layer


@REGISTRY.add()
class Add(Layer):
    """The sum of the inputs.

    Example:
        >>> import numpy as np
        >>> Add()([np.ones((1, 2)), np.ones((1, 2))]).data.tolist()
        [[2.0, 2.0]]
    """

    def call(self, inputs: Any) -> Any:
        """Add the inputs."""
        return functools.reduce(operator.add, inputs)


@REGISTRY.add()
class Multiply(Layer):
    """The product of the inputs, entry by entry.

    Example:
        >>> import numpy as np
        >>> Multiply()([np.full((1, 2), 3.0), np.full((1, 2), 2.0)]).data.tolist()
        [[6.0, 6.0]]
    """

    def call(self, inputs: Any) -> Any:
        """Multiply the inputs."""
        return functools.reduce(operator.mul, inputs)


@REGISTRY.add()
class Average(Layer):
    """The mean of the inputs.

    Example:
        >>> import numpy as np
        >>> Average()([np.full((1, 2), 3.0), np.full((1, 2), 1.0)]).data.tolist()
        [[2.0, 2.0]]
    """

    def call(self, inputs: Any) -> Any:
        """Average the inputs."""
        return functools.reduce(operator.add, inputs) / len(inputs)


@REGISTRY.add()
class Concatenate(Layer):
    """The inputs side by side.

    Args:
        axis: along which.
        layer: the arguments of every layer.

    Example:
        >>> import numpy as np
        >>> Concatenate()([np.ones((1, 2)), np.ones((1, 3))]).shape
        (1, 5)
    """

    def __init__(self, axis: int = -1, **layer: Any) -> None:
        super().__init__(**layer)
        self.axis = axis

    def call(self, inputs: Any) -> Any:
        """Join the inputs."""
        return ag.concatenate(inputs, axis=self.axis)
