"""`Dense`: every output a weighted sum of all inputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd import scope
from autograd.errors import ArgumentError, ShapeError, message
from nn import activations, constraints, initializers, regularizers
from nn.layers.layer import REGISTRY, Layer


@REGISTRY.add()
class Dense(Layer):
    """activation(x @ kernel + bias), over the last axis of x.

    Args:
        units: the width of the output.
        activation: a name or function of `nn.activations`; None for none.
        use_bias: whether a bias is added.
        kernel_initializer: of the kernel, shape (in, units).
        bias_initializer: of the bias, shape (units,).
        kernel_regularizer: a penalty on the kernel.
        bias_regularizer: a penalty on the bias.
        kernel_constraint: a condition on the kernel.
        bias_constraint: a condition on the bias.
        layer: the arguments of every layer: name, dtype, trainable, input_shape, input_dim.

    Raises:
        ArgumentError: if `units` is not a positive integer, or a name is unknown.

    Example:
        >>> layer = Dense(2, activation="relu", kernel_initializer="ones")
        >>> layer([[1.0, 2.0, 3.0]]).shape, [w.shape for w in layer.weights]
        ((1, 2), [(3, 2), (2,)])
    """

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **layer: Any,
    ) -> None:
        super().__init__(**layer)
        if isinstance(units, bool) or not isinstance(units, (int, np.integer)) or units < 1:
            raise ArgumentError(message("units to be a positive integer", repr(units), "Dense(10)"))
        self.units = int(units)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)

    def build(self, input_shape: Any) -> None:
        """Make kernel and bias."""
        if len(input_shape) < 2 or input_shape[-1] is None:
            raise ShapeError(
                message(
                    f"the input of layer {self.name!r} to have a batch axis and a known width",
                    f"shape {input_shape}",
                    "x.reshape(-1, width), or x[None] for a single example",
                )
            )
        self.kernel = self.add_weight(
            (input_shape[-1], self.units),
            self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        if self.use_bias:
            self.bias = self.add_weight(
                (self.units,),
                self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                name="bias",
            )

    def call(self, inputs: Any) -> Any:
        """Return activation(inputs @ kernel + bias)."""
        self._refuse_width(self.kernel.shape[0], inputs)
        # losses look behind softmax and sigmoid: figures then end this layer at the logits
        return self.activation(scope(self, self._logits, inputs))

    def _logits(self, inputs: Any) -> Any:
        z = inputs @ self.kernel
        return z + self.bias if self.use_bias else z
