"""Layers with several inputs: Add, Subtract, Multiply, Average, Maximum, Minimum, Concatenate."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any

import autograd as ag
from autograd.errors import ArgumentError, message
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
class Subtract(Layer):
    """The first of two inputs less the second.

    Raises:
        ArgumentError: if there are not two.

    Example:
        >>> import numpy as np
        >>> Subtract()([np.full((1, 2), 3.0), np.full((1, 2), 1.0)]).data.tolist()
        [[2.0, 2.0]]
    """

    def call(self, inputs: Any) -> Any:
        """Subtract the second input from the first."""
        if len(inputs) != 2:
            raise ArgumentError(
                message(f"two inputs of layer {self.name!r}", f"{len(inputs)}", "[first, second]")
            )
        return inputs[0] - inputs[1]


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
class Maximum(Layer):
    """The larger of the inputs, entry by entry.

    Example:
        >>> import numpy as np
        >>> Maximum()([np.full((1, 2), 3.0), np.full((1, 2), 1.0)]).data.tolist()
        [[3.0, 3.0]]
    """

    def call(self, inputs: Any) -> Any:
        """Take the largest."""
        return functools.reduce(ag.maximum, inputs)


@REGISTRY.add()
class Minimum(Layer):
    """The smaller of the inputs, entry by entry.

    Example:
        >>> import numpy as np
        >>> Minimum()([np.full((1, 2), 3.0), np.full((1, 2), 1.0)]).data.tolist()
        [[1.0, 1.0]]
    """

    def call(self, inputs: Any) -> Any:
        """Take the smallest."""
        return functools.reduce(ag.minimum, inputs)


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


def _as_function(kind: type[Layer]) -> Callable[..., Any]:
    def apply(inputs: Any, **options: Any) -> Any:
        return kind(**options)(inputs)

    apply.__name__ = apply.__qualname__ = kind.__name__.lower()
    apply.__doc__ = f"Apply a new layer `{kind.__name__}` with these options to the inputs."
    return apply


add = _as_function(Add)
subtract = _as_function(Subtract)
multiply = _as_function(Multiply)
average = _as_function(Average)
maximum = _as_function(Maximum)
minimum = _as_function(Minimum)
concatenate = _as_function(Concatenate)
"""The same in one step, as Keras has them beside the layers."""
