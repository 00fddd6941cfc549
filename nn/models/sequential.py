"""`Sequential`: layers one after another, and `MLP`: Dense layers of given sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd.errors import ArgumentError, ShapeError, message
from nn import random
from nn.layers import Dense, Layer
from nn.layers.symbol import Symbol
from nn.models.model import Model
from nn.module import unchanged_on_error


class Sequential(Model):
    """Layers one after another. They are built when the shape of the input is known.

    Args:
        layers: in order; the first may be an `Input`.
        model: the arguments of every `Model`: name, dtype, seed.

    Raises:
        ArgumentError: if two layers have the same name.

    Example:
        >>> from nn.layers import Dense, Input
        >>> model = Sequential([Input((4,)), Dense(8, activation="relu"), Dense(3)], seed=0)
        >>> [path for path in model.named_parameters()]
        ['layers.0.kernel', 'layers.0.bias', 'layers.1.kernel', 'layers.1.bias']
        >>> model(np.ones((2, 4))).shape
        (2, 3)
    """

    layers: Any = ()
    input_count = 1
    saved_as = "Sequential"

    def __init__(self, layers: Sequence[Any] | None = None, **model: Any) -> None:
        super().__init__(**model)
        self.layers = []
        for layer in layers or ():
            self.add(layer)

    def add(self, layer: Any) -> None:
        """Append a layer; the model is built as far as the input shape is known.

        Args:
            layer: a Layer, or an `Input` in the first place.

        Raises:
            ArgumentError: if it is no layer, or its name is taken.
            ShapeError: if it does not take what the layer before it gives.
        """
        if isinstance(layer, Symbol) and layer.layer is None and not self.layers:
            self.example_shape = layer.shape[1:]
            if self.dtype is None and layer.dtype is not None:
                self.dtype = np.dtype(layer.dtype)
            return
        if not isinstance(layer, Layer):
            raise ArgumentError(
                message(
                    f"layers in model {self.name!r}",
                    f"{type(layer).__name__}",
                    "nn.layers.Activation(function) for a function",
                )
            )
        taken = {other.name for other in self.layers}
        if layer.name in taken and (not layer.is_auto_named or layer in self.layers):
            raise ArgumentError(
                message(
                    f"layers with names of their own in model {self.name!r}",
                    f"{layer.name!r} twice",
                    "another name=, or a new layer",
                )
            )
        before = vars(layer).copy()
        base, number = layer.name, 0
        while layer.name in taken:
            number += 1
            layer.name = f"{base}_{number}"
        if layer.dtype is None:
            layer.dtype = self.dtype
        if not self.layers and layer.example_shape is not None and self.example_shape is None:
            self.example_shape = layer.example_shape
        try:
            with unchanged_on_error(self):
                self.layers.append(layer)
                if self.example_shape is not None:
                    self.build((None, *self.example_shape))
        except BaseException:
            vars(layer).clear()
            vars(layer).update(before)
            raise

    def pop(self) -> Layer:
        """Remove the last layer and return it.

        Raises:
            ArgumentError: if there is none.
        """
        self._refuse_empty()
        layer: Layer = self.layers.pop()
        last = self.layers[-1] if self.layers else None
        self.output_shape = None if last is None else last.output_shape
        if last is not None and last.symbol is not None:
            self.output, self.outputs = last.symbol, [last.symbol]
        return layer

    def build(self, input_shape: Any = None) -> None:
        """Make the parameters of all layers.

        Args:
            input_shape: of the input, batch axis first; not needed after an `Input`.

        Raises:
            ShapeError: if no shape is known, or a layer does not take what the one before gives.
            ArgumentError: if there are no layers.
        """
        self._refuse_empty()
        if input_shape is None and self.example_shape is not None:
            input_shape = (None, *self.example_shape)
        if input_shape is None or not isinstance(input_shape, (tuple, list)):
            raise ShapeError(
                message(
                    "the input shape, with the batch axis first", repr(input_shape), "(None, 784)"
                )
            )
        with unchanged_on_error(self), random.drawing_from(self.generator):
            symbol = self.input = Symbol(input_shape, name="input", dtype=self.dtype)
            for layer in self.layers:
                shape = layer.probe(symbol.shape)
                symbol = layer.symbol = Symbol(shape, layer=layer, inputs=(symbol,))
            self.inputs, self.outputs = [self.input], [symbol]
            self.output, self.output_shape = symbol, symbol.shape
            self.example_shape = self.input.shape[1:]

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Apply the layers in order."""
        for layer in self.layers:
            inputs = layer.forward(inputs, training)
        return inputs

    def _refuse_empty(self) -> None:
        if not self.layers:
            raise ArgumentError(
                message(f"layers in model {self.name!r}", "no layers", "model.add(Dense(10))")
            )


class MLP(Sequential):
    """A multilayer perceptron: Dense layers of given sizes.

    Args:
        sizes: the width of the input and of every layer.
        activation: of the hidden layers.
        output_activation: of the last layer; None for none.
        model: the arguments of every `Model`: name, dtype, seed.

    Raises:
        ArgumentError: if there are fewer than two sizes.

    Example:
        >>> MLP([784, 50, 10], "sigmoid", "softmax").count_params()
        39760
    """

    def __init__(
        self,
        sizes: Sequence[int],
        activation: Any = "relu",
        output_activation: Any = None,
        **model: Any,
    ) -> None:
        if not isinstance(sizes, Sequence) or len(sizes) < 2:
            raise ArgumentError(
                message("sizes of input and output at least", f"{sizes!r}", "[784, 50, 10]")
            )
        self.sizes = [*sizes]
        self.activation = activation
        self.output_activation = output_activation
        super().__init__(**model)
        self.example_shape = (sizes[0],)
        *hidden, last = sizes[1:]
        for size in hidden:
            self.add(Dense(size, activation))
        self.add(Dense(last, output_activation))
