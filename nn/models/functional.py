"""`Functional`: a model that is a graph of layers, drawn by calling them on `Input`s."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autograd.errors import ArgumentError, ShapeError, message
from nn.layers.layer import Layer
from nn.layers.symbol import Symbol
from nn.models.model import Model


class Functional(Model):
    """Layers between inputs and outputs, in any arrangement without loops.

    Args:
        inputs: what `Input` gave, or a list of such.
        outputs: what layers made of them.
        model: the arguments of every `Model`: name, dtype, seed.

    Raises:
        ArgumentError: if an output depends on an input that is not given.

    Example:
        >>> import numpy as np
        >>> from nn.layers import Add, Dense, Input
        >>> x = Input((4,))
        >>> model = Functional(x, Dense(1)(Add()([x, Dense(4, "relu")(x)])))
        >>> model(np.ones((2, 4))).shape, [layer.name for layer in model.layers]
        ((2, 1), ['dense', 'add', 'dense_1'])
    """

    layers: Any = ()

    def __init__(self, inputs: Any, outputs: Any, **model: Any) -> None:
        super().__init__(**model)
        sources = [inputs] if isinstance(inputs, Symbol) else [*inputs]
        if isinstance(outputs, (list, tuple)) and len(outputs) == 1:
            outputs = outputs[0]
        if not isinstance(outputs, Symbol) or not all(isinstance(s, Symbol) for s in sources):
            raise ArgumentError(
                message(
                    "inputs made by Input() and one output made by calling layers on them",
                    f"{type(outputs).__name__}",
                    "y = nn.Dense(1)(x); nn.Model(x, y)",
                )
            )
        self.input_count = len(sources)
        self.symbols = _Plan(sources, outputs)
        self.inputs, self.outputs = sources, [outputs]
        self.input = sources if len(sources) > 1 else sources[0]
        self.output = outputs
        self.layers = self.symbols.layers()
        _name_apart(self.layers)
        self.output_shape = outputs.shape
        shapes = [s.shape for s in sources]
        self.build_shape = shapes[0] if len(shapes) == 1 else shapes
        self.built = True

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Run the layers in order."""
        given = inputs if isinstance(inputs, (list, tuple)) else [inputs]
        if len(given) != self.input_count:
            raise ShapeError(
                message(f"{self.input_count} inputs", f"{len(given)}", "a list, one for each Input")
            )
        values = dict(zip(self.symbols.sources, given, strict=True))
        for step in self.symbols.steps:
            xs = [values[s] for s in step.inputs]
            values[step] = step.layer.forward(xs[0] if len(xs) == 1 else xs, training)
        return values[self.symbols.output]


Model.graph_class = Functional


class _Plan:
    """The Symbols of a model in an order in which they can be computed."""

    def __init__(self, sources: Sequence[Symbol], output: Symbol) -> None:
        self.sources = [*sources]
        self.output = output
        self.steps: list[Symbol] = []
        self.met: dict[Layer, int] = {}
        done = set(sources)
        waiting = [output]
        while waiting:
            symbol = waiting[-1]
            if symbol in done:
                waiting.pop()
                continue
            if symbol.layer is None:
                raise ArgumentError(
                    message(
                        "every Input that the output depends on among the inputs",
                        f"{symbol!r}, which is not",
                        "adding it",
                    )
                )
            self.met.setdefault(symbol.layer, len(self.met))
            missing = next((s for s in symbol.inputs if s not in done), None)
            if missing is not None:
                waiting.append(missing)
                continue
            waiting.pop()
            done.add(symbol)
            self.steps.append(symbol)

    def layers(self) -> list[Layer]:
        """Return the layers as Keras orders them: the farthest from the output first.

        Among layers equally far, the one that is met first on the way back from the output.
        """
        distance: dict[Symbol, int] = {}
        of_layer: dict[Layer, int] = {}
        for step in reversed(self.steps):
            far = max(distance.get(step, 0), of_layer.get(step.layer, 0))
            distance[step] = of_layer[step.layer] = far
            for source in step.inputs:
                distance[source] = max(far + 1, distance.get(source, 0))
        return sorted(of_layer, key=lambda layer: (-of_layer[layer], self.met[layer]))


def _name_apart(layers: Sequence[Layer]) -> None:
    taken: set[str] = set()
    for layer in layers:
        if layer.name in taken and not layer.is_auto_named:
            raise ArgumentError(
                message("layers with names of their own", f"{layer.name!r} twice", "another name=")
            )
        base, number = layer.name, 0
        while layer.name in taken:
            number += 1
            layer.name = f"{base}_{number}"
        taken.add(layer.name)
        for weight in layer.weights:
            if weight.name:
                weight.name = f"{layer.name}/{weight.name.split('/')[-1]}"
