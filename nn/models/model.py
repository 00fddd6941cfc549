"""`Model`: a layer that can be compiled, fitted, evaluated and asked to predict."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from autograd.errors import ArgumentError, message
from nn import data, drawing, random, training
from nn.callbacks import Callback, CallbackList, History
from nn.fitting import FitLoop, evaluate, refuse_nothing
from nn.layers import Layer
from nn.layers.symbol import Symbol
from nn.models.batches import OnBatches, as_asked
from nn.module import unchanged_on_error
from nn.planning import Planner
from nn.progress import ProgressBar
from nn.recipe import Recipe
from nn.saving import weights
from nn.summary import summary, summary_html


class Model(OnBatches):
    """A layer that can be trained. Subclasses give `call`, and make their layers in `__init__`.

    Args:
        name: what summaries and messages call it.
        dtype: "float32" or "float64".
        seed: what initial weights, dropout and the order of the data depend on; a part of the
            global one if None.
        layer: the other arguments of every layer.

    Example:
        >>> from nn.layers import Dense
        >>> class Twice(Model):
        ...     def __init__(self):
        ...         super().__init__(seed=0)
        ...         self.dense = Dense(1)
        ...     def call(self, inputs):
        ...         return self.dense(self.dense(inputs))
        >>> model = Twice()
        >>> model.compile("sgd", "mse")
        >>> history = model.fit(np.ones((8, 1)), np.ones(8), verbose=0)
        >>> list(history.history)
        ['loss']
    """

    input_count: int | None = None
    inputs: Sequence[Symbol] = ()
    """What `Input` gave for each of the inputs, where the model has a graph."""
    outputs: Sequence[Symbol] = ()
    """The end of that graph."""
    graph_class: type[Model]
    save: Callable[..., None]
    to_json: Callable[..., str]

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Give `Model(inputs, outputs)` the class that runs a graph of layers."""
        if cls is Model and (args or "inputs" in kwargs):
            return super().__new__(cls.graph_class)
        return super().__new__(cls)

    def __init__(
        self, *, name: str | None = None, dtype: Any = None, seed: Any = None, **layer: Any
    ) -> None:
        super().__init__(name=name, dtype=dtype, **layer)
        self.seed = seed if not isinstance(seed, random.Generator) else None
        self.generator = random.generator(seed)
        self.stop_training = False
        self.loop: FitLoop | None = None
        self.history: History | None = None
        self.planner = Planner()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"

    @property
    def input_shape(self) -> Any:
        """The shape of the input, batch axis first; a list of shapes for several inputs."""
        shapes = [symbol.shape for symbol in self.inputs]
        if not shapes:
            raise ArgumentError(
                message(
                    f"model {self.name!r} to know the shape of its input",
                    "one that has not seen it",
                    "an Input as its first item, or model.build((None, width))",
                )
            )
        return shapes if len(shapes) > 1 else shapes[0]

    @property
    def layers(self) -> list[Layer]:
        """The layers that are this model's own."""
        return [m for m in vars(self).values() if isinstance(m, Layer)]

    @property
    def optimizer(self) -> Any:
        """The optimizer, None before `compile`."""
        return None if self.recipe is None else self.recipe.optimizer

    def forward(self, inputs: Any, training: bool = False) -> Any:
        """Apply the model; what it has to draw comes from its own Generator."""
        with random.drawing_from(self.generator):
            if self.built:
                return super().forward(inputs, training)
            with unchanged_on_error(self):
                return super().forward(inputs, training)

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """Return a layer by name or by position.

        Raises:
            ArgumentError: if there is none.
        """
        if index is not None and -len(self.layers) <= index < len(self.layers):
            return self.layers[index]
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise ArgumentError(
            message(
                f"one of the layers {', '.join(layer.name for layer in self.layers)}",
                repr(name) if index is None else f"index {index}",
                "model.summary() to see them",
            )
        )

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        jit_compile: bool = False,
    ) -> None:
        """Choose what to train by; replaces an earlier choice.

        Args:
            optimizer: a name or object of `nn.optimizers`.
            loss: a name or object of `nn.losses`, or a function of (y_true, y_pred).
            metrics: a list of names or objects of `nn.metrics`, or of such functions; every
                example counts the same.
            weighted_metrics: the same, where examples count by sample and class weights.
            run_eagerly: whether steps run operation by operation, without a plan: slower, and for
                layers and losses that do something else in each step.
            jit_compile: whether steps run as machine code (extra `llvm`): two to three times
                faster, with sums and products of matrices that round otherwise.

        Raises:
            ArgumentError: if a name is unknown, how steps run is no truth value, or they shall be
                both eager and machine code.
            MissingExtraError: if machine code is asked for and llvmlite is not installed.
        """
        recipe = Recipe.of(optimizer, loss, metrics, weighted_metrics, run_eagerly, jit_compile)
        if self.built:
            recipe.optimizer.build(self)
        self.recipe = recipe
        self.planner = Planner()

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Callback | Iterable[Callback] | None = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Mapping[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int = 1,
        replace: bool = False,
    ) -> History:
        """Train.

        Args:
            x: inputs, one row an example, or an iterable of batches (x, y) or (x, y, weight).
            y: targets, one row an example.
            batch_size: examples a step, 32 if None; the last batch of an epoch may be smaller.
            epochs: the number of the last epoch.
            verbose: 0 for silence, 1 for a progress bar, 2 for a line an epoch; "auto" is 1.
            callbacks: who is told how it goes.
            validation_split: the share of the examples, taken from the end, to validate with.
            validation_data: (x, y) or (x, y, weight) to validate with, or an iterable of batches.
            shuffle: whether every epoch has an order of its own.
            class_weight: how much each class counts.
            sample_weight: how much each example counts.
            initial_epoch: how many epochs are done already.
            steps_per_epoch: batches an epoch; the data go on where the last epoch ended, and
                begin anew at their end.
            validation_steps: batches of a validation, always the first ones; all if None.
            validation_batch_size: examples a step of validation; batch_size if None.
            validation_freq: after how many epochs to validate.
            replace: whether batches are drawn from all examples, each time anew: sampling with
                replacement, in which an epoch is as long, but some examples are missing in it.

        Returns:
            The `History`.

        Raises:
            GraphError: if the model is not compiled.
            ShapeError: if lengths or shapes do not fit.
            ArgumentError: if a setting is out of range, or the data hold NaN or wrong labels.
            NotFiniteError: if the loss becomes infinite or nan.
        """
        training.compiled(self)
        epochs = training.positive("epochs", epochs)
        validation_freq = training.positive("validation_freq", validation_freq)
        _check_epochs(initial_epoch, epochs)
        _check_verbose(verbose)
        with unchanged_on_error(self):
            if validation_split and validation_data is None:
                (x, y, sample_weight), validation_data = training.hold_out(
                    self, x, y, sample_weight, validation_split
                )
            batches = training.batches_of(
                self, x, y, sample_weight, batch_size, shuffle, class_weight, replace, epochs
            )
            if isinstance(batches, data.ArraySource) and batch_size and batch_size > batches.size:
                raise ArgumentError(
                    message(
                        f"batch_size to be at most {batches.size}, the number of examples",
                        f"{batch_size}",
                        f"batch_size={min(32, batches.size)}",
                    )
                )
            source: data.TrainingSource = batches
            if steps_per_epoch is not None:
                steps = training.positive("steps_per_epoch", steps_per_epoch)
                source = data.SteppedSource(batches, steps)
            validation = self._validation(
                validation_data, validation_batch_size or batch_size, validation_steps, epochs
            )
            self._recipe.settle(self)
            history = self.history = History()
            heard = self._listeners(
                callbacks, verbose, history, {"epochs": epochs, "steps": source.steps}
            )
        loop = FitLoop(
            self, source, epochs, initial_epoch, validation, validation_freq, heard, history
        )
        return loop.run()

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Callback | Iterable[Callback] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """Measure loss and metrics.

        Args:
            x: inputs, one row an example, or an iterable of batches.
            y: targets, one row an example.
            batch_size: examples a step, 32 if None.
            verbose: 0 for silence, 1 for a progress bar, 2 for a line; "auto" is 1.
            sample_weight: how much each example counts.
            steps: how many batches to measure, the first ones; all if None.
            callbacks: who is told how it goes.
            return_dict: whether to return names with the numbers.

        Returns:
            The loss, or the list of loss and metrics if there are any, or a dict.

        Raises:
            GraphError: if the model is not compiled.
            ShapeError: if lengths or shapes do not fit.
            ArgumentError: if the data hold NaN or wrong labels.
        """
        training.compiled(self)
        _check_verbose(verbose)
        source = training.measured(
            training.batches_of(self, x, y, sample_weight, batch_size, shuffle=False),
            "steps",
            steps,
        )
        self._recipe.bind(self)
        heard = self._listeners(callbacks, verbose, None, {"steps": source.steps})
        logs = evaluate(self, source, heard)
        return as_asked(logs, return_dict)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Callback | Iterable[Callback] | None = None,
    ) -> Any:
        """Return the outputs for `x` as an array, in order.

        Args:
            x: inputs, one row an example, or an iterable of batches: arrays, or tuples of which
                the first item counts. One batch at a time is taken from it.
            batch_size: examples a step, 32 if None.
            verbose: 0 for silence, 1 for a progress bar, 2 for a line; "auto" is 1.
            steps: how many batches to take, the first ones; all if None.
            callbacks: who is told how it goes.

        Raises:
            ShapeError: if the shape does not fit.
            ArgumentError: if there is no batch.
        """
        _check_verbose(verbose)
        source = training.measured(training.inputs_to_predict(self, x, batch_size), "steps", steps)
        heard = self._listeners(callbacks, verbose, None, {"steps": source.steps})
        heard.tell("on_predict_begin", {})
        begin, end = heard.around_batches("predict")
        outputs: list[Any] = []
        for batch, _, _ in source.epoch(self.generator):
            begin(len(outputs))
            outputs.append(training.predict_step(self, batch))
            del batch
            end(len(outputs) - 1, dict)
        heard.tell("on_predict_end", {})
        refuse_nothing(outputs, "to predict for")
        return np.concatenate(outputs)

    def summary(self, print_fn: Callable[[str], None] = print, *, plan: bool = False) -> None:
        """Print the layers with their output shapes and numbers of parameters.

        Args:
            print_fn: what to do with the text.
            plan: whether to list the plans of steps with the buffers they keep.
        """
        print_fn(summary(self, plan))

    def _repr_html_(self) -> str:
        """Show the summary as a table in a notebook."""
        return summary_html(self)

    def draw(self, x: Any = None, *, level: Any = "modules", **style: Any) -> Any:
        """Draw how the model computes its output: each layer with its name and parameters.

        Args:
            x: what it is applied to; one example of zeros if not given.
            level: "modules", "operations" or "scalars", as in `autograd.draw`.
            style: the other arguments of `autograd.draw`: theme, direction, derivatives.

        Returns:
            The figure; its `save` writes .svg, .png, .pdf, .dot, .txt or the player as .html.

        Raises:
            ArgumentError: if the model is not built and `x` not given, or an option is unknown.

        Example:
            >>> from nn.models import MLP
            >>> [v.title for v in MLP([4, 3, 2]).draw().vertices]
            ['dense', 'dense_1', '1×4', 'mlp']
        """
        return drawing.drawn(self, x, level, style)

    def save_weights(self, path: str | os.PathLike[str]) -> None:
        """Write all parameters into a .weights.h5, .h5 or .safetensors file, whole or not at all.

        Args:
            path: the file.

        Raises:
            ArgumentError: if the model is not built, or the ending is another.
        """
        weights.save_weights(self, path)

    def load_weights(self, path: str | os.PathLike[str]) -> None:
        """Read all parameters from a file; all of them, or none if that raises.

        Args:
            path: the file.

        Raises:
            DataError: if the file is damaged.
            ShapeError: if it is of a model with other layers.
        """
        weights.load_weights(self, path)

    def _validation(
        self, given: Any, batch_size: int | None, steps: int | None, passes: int
    ) -> data.Source | None:
        if given is None:
            if steps is not None:
                raise ArgumentError(
                    message(
                        "validation_data or validation_split beside validation_steps",
                        "neither",
                        "validation_data=(x, y)",
                    )
                )
            return None
        if training.is_stream(given) and not isinstance(given, tuple):
            batches = training.batches_of(self, given, None, None, None, shuffle=False)
            return training.measured(batches, "validation_steps", steps)
        if not isinstance(given, (tuple, list)) or len(given) not in (2, 3):
            raise ArgumentError(
                message(
                    "validation_data as (x, y) or (x, y, weight)", type(given).__name__, "(x, y)"
                )
            )
        x, y, *weight = given
        batches = training.batches_of(
            self, x, y, weight[0] if weight else None, batch_size, shuffle=False, passes=passes
        )
        return training.measured(batches, "validation_steps", steps)

    def _listeners(
        self, callbacks: Any, verbose: Any, history: History | None, params: dict[str, Any]
    ) -> CallbackList:
        listeners = [callbacks] if isinstance(callbacks, Callback) else list(callbacks or ())
        for callback in listeners:
            if not isinstance(callback, Callback):
                raise ArgumentError(
                    message(
                        "callbacks made of Callback objects",
                        type(callback).__name__,
                        "nn.callbacks.LambdaCallback for a function",
                    )
                )
        level = 1 if verbose in ("auto", True) else int(verbose)
        if history is not None:
            listeners.append(history)
        if level:
            listeners.append(ProgressBar(level))
        return CallbackList(listeners, self, {**params, "verbose": level})


def _check_epochs(initial_epoch: Any, epochs: int) -> None:
    if not isinstance(initial_epoch, int) or not 0 <= initial_epoch < epochs:
        raise ArgumentError(
            message(
                f"initial_epoch from 0 to {epochs - 1}, below epochs={epochs}",
                repr(initial_epoch),
                "more epochs: they count from the very first",
            )
        )


def _check_verbose(verbose: Any) -> None:
    if verbose not in ("auto", 0, 1, 2):
        raise ArgumentError(message("verbose to be 'auto', 0, 1 or 2", repr(verbose), "verbose=1"))
