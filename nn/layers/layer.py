"""`Layer`: a Module that makes its parameters when it first sees the shape of its input."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd import Tensor, no_grad, scope
from autograd.errors import ArgumentError, ShapeError, message
from nn import config, constraints, initializers, random, regularizers
from nn.layers import calling
from nn.layers.symbol import Symbol
from nn.module import Module
from nn.registry import Configurable, Registry, snake_case

REGISTRY: Registry = Registry("layer")

Shape = tuple[int | None, ...]


@dataclass(frozen=True)
class WeightRule:
    """What a parameter adds to the loss, and what it is brought back to after an update."""

    weight: Tensor
    regularizer: Callable[[Any], Any] | None
    constraint: Callable[[Any], Any] | None


class _End:
    """An attribute that looks a Symbol up, and gives way to one that a subclass sets itself."""

    def __init__(self, look: Callable[[Any], Any]) -> None:
        self.look = look

    def __get__(self, layer: Any, owner: type | None = None) -> Any:
        return self if layer is None else self.look(layer)


def _input_symbol(layer: Layer) -> Any:
    inputs = layer._symbol().inputs
    return inputs[0] if len(inputs) == 1 else [*inputs]


class Layer(Module, Configurable):
    """A function with parameters; subclasses give `build` and `call`.

    Args:
        name: what summaries and messages call it; the class name in snake_case if not given.
        dtype: "float32" or "float64"; the default of `nn.config` if not given.
        trainable: False to keep its parameters as they are.
        activity_regularizer: a penalty on the output, divided by the number of examples.
        input_shape: the shape of one example, for the first layer of a model.
        input_dim: the width of one example, for the first layer of a model.

    Example:
        >>> class Scale(Layer):
        ...     def build(self, input_shape):
        ...         self.factor = self.add_weight(name="factor", initializer="ones")
        ...     def call(self, inputs):
        ...         return inputs * self.factor
        >>> Scale()(np.array([1.0, 2.0])).shape
        (2,)
    """

    _takes_training = False
    unsaved = ("input_shape", "input_dim")
    last_call: calling.Call | None = None
    input: Any = _End(_input_symbol)
    """What the layer was called on last in a model of Symbols."""
    output: Any = _End(lambda layer: layer._symbol())
    """What came of it: the end of a smaller model, as in Model(model.input, layer.output)."""

    def __init__(
        self,
        *,
        name: str | None = None,
        dtype: Any = None,
        trainable: bool = True,
        activity_regularizer: Any = None,
        input_shape: Sequence[int | None] | None = None,
        input_dim: int | None = None,
    ) -> None:
        if name is not None and (not isinstance(name, str) or not name or "/" in name):
            raise ArgumentError(
                message("name to be a text without '/'", repr(name), f"{type(self).__name__!r}")
            )
        self.name = name or snake_case(type(self).__name__)
        self.is_auto_named = name is None
        self.dtype = None if dtype is None else config.float_dtype(dtype)
        self._trainable = bool(trainable)
        self.activity_regularizer = regularizers.get(activity_regularizer)
        if input_dim is not None:
            input_shape = (input_dim,)
        self.example_shape = None if input_shape is None else tuple(input_shape)
        self.built = False
        self.build_shape: Any = None
        self.output_shape: Shape | None = None
        self.rules: list[WeightRule] = []
        self.symbol: Symbol | None = None

    def __init_subclass__(cls) -> None:
        """Note whether `call` takes `training`, and make `build` all or nothing."""
        super().__init_subclass__()
        if "call" in cls.__dict__:
            cls._takes_training = "training" in inspect.signature(cls.call).parameters
        if "build" in cls.__dict__:
            cls.build = _whole(cls.build)  # type: ignore[method-assign]

    @property
    def trainable(self) -> bool:
        """Whether training changes its parameters; setting it sets all layers within, too."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        for module in self.modules():
            if isinstance(module, Layer):
                module._trainable = bool(value)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        return {
            k: v
            for k, v in super().get_config().items()
            if v is not None and (k, v) != ("trainable", True)
        }

    def build(self, input_shape: Any) -> None:
        """Make the parameters for inputs of `input_shape`, batch axis first (None: any size)."""

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the output."""
        raise NotImplementedError

    def __call__(self, inputs: Any, training: bool = False) -> Any:
        """Apply the layer.

        Args:
            inputs: a Tensor or array with the batch axis first, a list of them where the layer
                takes several, or what `Input` gave.
            training: whether to behave as in training (dropout, batch normalization).

        Returns:
            A Tensor; something symbolic for symbolic inputs.

        Raises:
            ShapeError: if the input does not fit the parameters.
        """
        if _is_symbolic(inputs):
            return self._connect(inputs)
        if calling.current.get() is not None:
            return self._as_tensor(self.forward(inputs, training))
        with calling.calling() as call:
            out = self._as_tensor(self.forward(inputs, training))
        self.last_call = call
        return out

    def forward(self, inputs: Any, training: bool = False) -> Any:
        """Apply the layer without wrapping a result that no parameter took part in."""
        x = self.cast(inputs)
        if not self.built:
            self.build(shape_of(x))
        given = {"training": training} if self._takes_training else {}
        out = scope(self, self.call, x, **given)
        if self.activity_regularizer is not None:
            self.add_loss(self.activity_regularizer(out) / max(len(out), 1))
        call = calling.current.get()
        if call is not None and call.watch is not None:
            call.watch(self, out)
        return out

    def add_loss(self, loss: Any) -> None:
        """Add to the loss of the call under way; for use in `call`.

        Args:
            loss: a scalar, which depends on the inputs or parameters.

        Example:
            >>> class Small(Layer):
            ...     def call(self, inputs):
            ...         self.add_loss((inputs**2).sum())
            ...         return inputs
            >>> layer = Small()
            >>> out = layer(Tensor([1.0, 2.0]))
            >>> [loss.item() for loss in layer.losses]
            [5.0]
        """
        call = calling.current.get()
        if call is not None:
            call.losses.append(loss)

    @property
    def compute_dtype(self) -> np.dtype[Any]:
        """The float type of the parameters and outputs."""
        return self.dtype if self.dtype is not None else config.float_dtype(None)

    def cast(self, inputs: Any) -> Any:
        """Return the inputs in the layer's float type."""
        if isinstance(inputs, (list, tuple)) and any(
            isinstance(x, (Tensor, np.ndarray)) for x in inputs
        ):
            return [self.cast(x) for x in inputs]
        dtype = self.compute_dtype
        if isinstance(inputs, Tensor):
            return inputs if inputs.dtype == dtype else inputs.astype(dtype=dtype)
        x = np.asarray(inputs)
        if x.dtype == dtype:
            return x
        if x.dtype.kind not in "fiub":
            raise ArgumentError(
                message(
                    f"real numbers as the input of layer {self.name!r}",
                    f"{type(inputs).__name__} of dtype {x.dtype}",
                    "x.astype('float32'), or encoding text as numbers first",
                )
            )
        x = x.astype(dtype)
        x.flags.writeable = False  # it is ours: the graph need not copy it
        return x

    def add_weight(
        self,
        shape: Sequence[int] = (),
        initializer: Any = "glorot_uniform",
        dtype: Any = None,
        trainable: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        name: str | None = None,
    ) -> Tensor:
        """Make a parameter, to be kept as an attribute.

        Args:
            shape: its shape.
            initializer: a name or object of `nn.initializers`.
            dtype: its float type; that of the layer if None.
            trainable: False for state that training leaves alone.
            regularizer: a name or object of `nn.regularizers`.
            constraint: a name or object of `nn.constraints`.
            name: what messages call it.
        """
        kind = self.compute_dtype if dtype is None else config.float_dtype(dtype)
        make = initializers.get(initializer)
        values = (
            make(shape, kind, random.generator())
            if isinstance(make, initializers.Initializer)
            else make(shape, kind)
        )
        weight = Tensor(np.asarray(values, kind), requires_grad=trainable)
        weight.name = f"{self.name}/{name}" if name else None
        regularizer = regularizers.get(regularizer)
        constraint = constraints.get(constraint)
        if regularizer is not None or constraint is not None:
            self.rules.append(WeightRule(weight, regularizer, constraint))
        return weight

    def all_rules(self) -> list[WeightRule]:
        """Return the rules of this layer and of all within it."""
        layers = (m for m in self.modules() if isinstance(m, Layer))
        return [rule for layer in layers for rule in layer.rules]

    @property
    def losses(self) -> list[Any]:
        """What regularizers, and layers in the last call of this one, add to the loss."""
        penalties = [r.regularizer(r.weight) for r in self.all_rules() if r.regularizer is not None]
        return penalties + (self.last_call.losses if self.last_call is not None else [])

    def probe(self, *shapes: Shape) -> Shape:
        """Build the layer and return its output shape, by one run on zeros.

        Args:
            shapes: the shape of each input, batch axis first.
        """
        zeros = [np.zeros([1 if n is None else n for n in s], self.compute_dtype) for s in shapes]
        if not self.built:
            self.build(shapes[0] if len(shapes) == 1 else list(shapes))
        with no_grad():
            out = self.forward(zeros[0] if len(zeros) == 1 else zeros)
        self.output_shape = (None, *np.shape(out)[1:])
        return self.output_shape

    def _as_tensor(self, out: Any) -> Any:
        if isinstance(out, (Tensor, list, tuple)):
            return out
        return Tensor(out, requires_grad=False)

    def _connect(self, inputs: Any) -> Symbol:
        sources = tuple(inputs) if isinstance(inputs, (list, tuple)) else (inputs,)
        shape = self.probe(*(s.shape for s in sources))
        self.symbol = Symbol(shape, layer=self, inputs=sources)
        return self.symbol

    def _symbol(self) -> Symbol:
        if self.symbol is None:
            raise ArgumentError(
                message(
                    f"layer {self.name!r} to stand in a model whose input shape is known",
                    "one that does not",
                    "an Input as the first item of the model",
                )
            )
        return self.symbol

    def _refuse_width(self, width: int, inputs: Any) -> None:
        """Raise unless the last axis of the input has `width` entries."""
        shape = np.shape(inputs)
        if not shape or shape[-1] != width:
            raise ShapeError(
                message(
                    f"the input of layer {self.name!r} to have {width} columns",
                    f"shape {shape}",
                    f"Flatten() before it, or x.reshape(-1, {width})"
                    if len(shape) > 2 and np.prod(shape[1:]) == width
                    else f"x of shape (n, {width}), or a layer built for this width",
                )
            )


def _whole(build: Callable[..., None]) -> Callable[..., None]:
    """Mark the layer as built after `build`, or leave it as it was if that raises."""

    @functools.wraps(build)
    def wrapped(self: Any, input_shape: Any = None) -> None:
        before = dict(vars(self))
        rules = list(self.rules)
        try:
            build(self, input_shape)
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
            self.rules[:] = rules
            raise
        self.built = True
        self.build_shape = input_shape

    return wrapped


Layer.build = _whole(Layer.build)  # type: ignore[method-assign]


def shape_of(inputs: Any) -> Any:
    """Return the shape of an input with the batch axis open, a list of shapes for several.

    Example:
        >>> shape_of(np.zeros((5, 3)))
        (None, 3)
    """
    if isinstance(inputs, list):
        return [shape_of(x) for x in inputs]
    shape = np.shape(inputs)
    return (None, *shape[1:]) if shape else ()


def _is_symbolic(inputs: Any) -> bool:
    return isinstance(inputs, Symbol) or (
        isinstance(inputs, (list, tuple))
        and bool(inputs)
        and all(isinstance(x, Symbol) for x in inputs)
    )


def get(identifier: Any) -> Any:
    """Return the layer that a name or configuration describes.

    Raises:
        ArgumentError: if the name is unknown.
    """
    return REGISTRY.get(identifier)
