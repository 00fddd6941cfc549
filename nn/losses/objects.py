"""Losses as objects that carry their options."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np  # noqa: F401 - the examples use it

from autograd import scope
from autograd.errors import ArgumentError, message
from nn.losses import classification as c
from nn.losses import regression as r
from nn.losses.common import REGISTRY, aligned, check_targets, constant, reduce
from nn.registry import Configurable, snake_case


class Loss(Configurable):
    """What training makes small; subclasses give `call`.

    Args:
        name: what messages call it; the class name in snake_case if not given.
        reduction: as for `nn.losses.reduce`.

    Example:
        >>> class Doubled(Loss):
        ...     def call(self, y_true, y_pred):
        ...         return 2 * (y_true - y_pred) ** 2
        >>> float(Doubled()([1.0, 2.0], np.array([1.0, 4.0])))
        4.0
    """

    options: dict[str, Any] = {}  # noqa: RUF012 - none, and nobody writes to it
    name: str

    def __init__(self, name: str | None = None, reduction: str | None = "sum_over_batch_size"):
        self.name = name or snake_case(type(self).__name__)
        self.reduction = reduction

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return one loss an example, or a scalar; y_true has the rank and type of y_pred."""
        raise NotImplementedError

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Return the loss of a batch."""
        entries = self.call(constant(aligned(y_true, y_pred), y_pred), y_pred)
        return reduce(entries, sample_weight, self.reduction)

    def check(self, y_true: Any, shape: tuple[int, ...]) -> None:
        """Raise if targets do not fit predictions of that shape, where that can be known."""


class LossOf(Loss):
    """A loss function of this library with its options.

    Args:
        options: those of the function, by name or in its order, and `reduction` and `name`.

    Raises:
        ArgumentError: if the function has no such option.

    Example:
        >>> import autograd as ag
        >>> loss = SparseCategoricalCrossentropy(from_logits=True)
        >>> loss([1], ag.Tensor([[0.0, 0.0]])).item()
        0.6931471805599453
    """

    function: Callable[..., Any]

    def __init__(self, *positional: Any, **options: Any) -> None:
        known = [p for p in inspect.signature(self.function).parameters if p not in _NOT_OPTIONS]
        options.update(zip(known, positional, strict=False))
        self.name = options.pop("name", None) or self.function.__name__
        unknown = [name for name in options if name not in (*known, "reduction")]
        if unknown or len(positional) > len(known):
            raise ArgumentError(
                message(
                    f"options of {type(self).__name__} among {[*known, 'reduction', 'name']}",
                    f"{unknown or len(positional)}",
                    "without it",
                )
            )
        self.options = options

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Return the loss of a batch."""
        weight = {"sample_weight": sample_weight, **self.options}
        return scope(self, self.function, y_true, y_pred, **weight)

    def check(self, y_true: Any, shape: tuple[int, ...]) -> None:
        """Raise if targets do not fit predictions of that shape: before training, all at once."""
        if self.function is c.sparse_categorical_crossentropy:
            options = {k: v for k, v in self.options.items() if k in ("axis", "ignore_class")}
            c.class_index(y_true, shape, **options)
        else:
            check_targets(y_true, shape, self.name)

    def get_config(self) -> dict[str, Any]:
        """Return the options."""
        return dict(self.options)

    @classmethod
    def from_config(cls, config: Any) -> Any:
        """Make the loss from its options."""
        return cls(**config)


_NOT_OPTIONS = ("y_true", "y_pred", "sample_weight", "reduction")


def _as_class(name: str, function: Callable[..., Any]) -> type[LossOf]:
    members = {
        "function": staticmethod(function),
        "__doc__": f"`{function.__name__}` as an object with options.",
        "__module__": __name__,
    }
    # under the function's name too: "hinge" means the class, whichever way it is written
    made: type[LossOf] = REGISTRY.add(function.__name__)(type(name, (LossOf,), members))
    return made


MeanSquaredError = _as_class("MeanSquaredError", r.mean_squared_error)
CategoricalCrossentropy = _as_class("CategoricalCrossentropy", c.categorical_crossentropy)
SparseCategoricalCrossentropy = _as_class(
    "SparseCategoricalCrossentropy", c.sparse_categorical_crossentropy
)
BinaryCrossentropy = _as_class("BinaryCrossentropy", c.binary_crossentropy)
MeanAbsoluteError = _as_class("MeanAbsoluteError", r.mean_absolute_error)
HalfSumOfSquares = _as_class("HalfSumOfSquares", r.half_sum_of_squares)
Huber = _as_class("Huber", r.huber)
LogCosh = _as_class("LogCosh", r.log_cosh)
Hinge = _as_class("Hinge", c.hinge)
KLDivergence = _as_class("KLDivergence", c.kl_divergence)
SquaredHinge = _as_class("SquaredHinge", c.squared_hinge)
CategoricalHinge = _as_class("CategoricalHinge", c.categorical_hinge)
MeanAbsolutePercentageError = _as_class(
    "MeanAbsolutePercentageError", r.mean_absolute_percentage_error
)
MeanSquaredLogarithmicError = _as_class(
    "MeanSquaredLogarithmicError", r.mean_squared_logarithmic_error
)
CosineSimilarity = _as_class("CosineSimilarity", r.cosine_similarity)
Poisson = _as_class("Poisson", r.poisson)


class CustomLoss(Loss):
    """A function of (y_true, y_pred) that gives one loss an example, or a scalar."""

    def __init__(self, function: Callable[[Any, Any], Any]) -> None:
        super().__init__(getattr(function, "__name__", "loss"))
        self.function = function

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return what the function gives."""
        return self.function(y_true, y_pred)


def get(identifier: Any) -> Loss:
    """Return the loss that `identifier` means, as an object.

    Args:
        identifier: a name, a Loss, a function of this module, or one of your own of
            (y_true, y_pred).

    Raises:
        ArgumentError: if the name is unknown.

    Example:
        >>> get("mse").name
        'mean_squared_error'
    """
    found = REGISTRY.get(identifier)
    if isinstance(found, Loss):
        return found
    for entry in REGISTRY.entries.values():
        if getattr(entry, "function", None) is found:
            made: Loss = entry()
            return made
    return CustomLoss(found)
