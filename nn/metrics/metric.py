"""Metrics: numbers that describe predictions, accumulated over batches in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd import Tensor
from autograd.errors import ArgumentError, ShapeError, message
from nn import initializers, losses
from nn.losses.common import array_or_tensor
from nn.registry import Configurable, Registry, snake_case

REGISTRY = Registry("metric")


class Variable(np.lib.mixins.NDArrayOperatorsMixin):
    """What a metric of one's own accumulates in: an array in float64 that can be assigned.

    Args:
        value: what it starts from.
        name: what messages call it.

    Example:
        >>> total = Variable(np.zeros(2))
        >>> total.assign_add([1.0, 2.0])
        >>> total / 2
        array([0.5, 1. ])
    """

    def __init__(self, value: Any, name: str | None = None) -> None:
        self.data = np.asarray(value, float)
        self.name = name

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape, which stays."""
        return self.data.shape

    def assign(self, value: Any) -> None:
        """Replace the value.

        Raises:
            ShapeError: if the shape differs.
        """
        new = np.array(_raw(value), float)
        if new.shape != self.shape:
            raise ShapeError(
                message(
                    f"a value of shape {self.shape} for {self.name or 'the variable'}",
                    f"shape {new.shape}",
                    "add_weight(shape=...) for an array",
                )
            )
        self.data = new

    def assign_add(self, value: Any) -> None:
        """Add to the value."""
        self.assign(self.data + _raw(value))

    def assign_sub(self, value: Any) -> None:
        """Subtract from the value."""
        self.assign(self.data - _raw(value))

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.array(self.data, dtype)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        return getattr(ufunc, method)(*(_plain(x) for x in inputs), **options)

    def __float__(self) -> float:
        return float(self.data)


def _plain(x: Any) -> Any:
    return x.data if isinstance(x, Variable) else x


class Metric(Configurable):
    """A number accumulated over batches; subclasses give `update_state` and `result`.

    Args:
        name: its key in the history.

    Example:
        >>> class Largest(Metric):
        ...     def __init__(self, name="largest"):
        ...         super().__init__(name)
        ...         self.seen = self.add_weight(name="seen")
        ...     def update_state(self, y_true, y_pred, sample_weight=None):
        ...         self.seen.assign(np.maximum(self.seen, np.max(y_pred)))
        ...     def result(self):
        ...         return self.seen
        >>> metric = Largest()
        >>> metric.update_state([0, 1], [2.0, 3.0])
        >>> float(metric.result())
        3.0
        >>> metric.reset_state()
        >>> float(metric.result())
        0.0
    """

    higher_is_better: bool | None = None
    unsaved: tuple[str, ...] = ("dtype",)

    def __init__(self, name: str | None = None, dtype: Any = None) -> None:
        self.name = name or snake_case(type(self).__name__)
        self.dtype = dtype
        self.variables: list[Variable] = []

    def add_weight(
        self, shape: Any = (), initializer: Any = "zeros", dtype: Any = None, name: Any = None
    ) -> Variable:
        """Return a number or array to accumulate in, which `reset_state` sets to zero.

        Args:
            shape: its shape.
            initializer: a name or object of `nn.initializers`.
            dtype: accepted for Keras' sake: what is accumulated is float64.
            name: what messages call it.
        """
        shape = (shape,) if isinstance(shape, int) else shape
        variable = Variable(initializers.get(initializer)(shape, "float64"), name)
        self.variables.append(variable)
        return variable

    add_variable = add_weight

    def reset_state(self) -> None:
        """Forget everything: set what `add_weight` gave to zero."""
        for variable in self.variables:
            variable.assign(np.zeros(variable.shape))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take in a batch."""
        raise NotImplementedError

    def result(self) -> Any:
        """Return the metric of what came since the last reset."""
        raise NotImplementedError

    def get_state(self) -> dict[str, Any]:
        """Return what has been accumulated, as plain data."""
        kept = {k: v for k, v in vars(self).items() if isinstance(v, (float, np.ndarray))}
        return {**kept, "variables": [v.data for v in self.variables]}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what `get_state` returned."""
        numbers = dict(state)
        for variable, value in zip(self.variables, numbers.pop("variables"), strict=True):
            variable.assign(value)
        vars(self).update(numbers)

    def __call__(self, *batch: Any, **weights: Any) -> Any:
        """Take in a batch and return the result so far."""
        self.update_state(*batch, **weights)
        return self.result()


class Accumulator(Metric):
    """A metric of this library, whose `reset_state` makes what it accumulates in."""

    def __init__(self, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(name or type(self).__name__.lower(), dtype)
        self.reset_state()


@REGISTRY.add()
class Mean(Accumulator):
    """The weighted mean of values.

    Example:
        >>> Mean()([1.0, 3.0])
        2.0
        >>> Mean()([1.0, 3.0], sample_weight=[1.0, 0.0])
        1.0
    """

    def reset_state(self) -> None:
        """Start at 0 of 0."""
        self.total = 0.0
        self.count = 0.0

    def add(self, mean: float, weight: float) -> None:
        """Take in a mean of values by their weight."""
        self.total += mean * weight
        self.count += weight

    def update_state(self, values: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        """Take in values, each as heavy as its weight."""
        self.add_terms(*weighed(np.asarray(values, float), sample_weight))

    def add_terms(self, total: Any, count: Any) -> None:
        """Take in what `weighed` gave."""
        self.total += float(total)
        self.count += float(count)

    def result(self) -> float:
        """Return the mean, 0 of nothing."""
        return self.total / self.count if self.count else 0.0


def weighed(values: Any, weight: Any = None) -> tuple[Any, Any]:
    """Return the sum of values, each as heavy as its weight, and the sum of the weights.

    Args:
        values: a float64 array or Tensor.
        weight: one weight an example, or one for all; 1 if None.

    Raises:
        ShapeError: if the weights do not fit.

    Example:
        >>> total, count = weighed(np.array([1.0, 3.0]), [1.0, 0.5])
        >>> float(total), float(count)
        (2.5, 1.5)
    """
    if weight is None:
        return np.sum(values), np.size(values)
    w = array_or_tensor(weight)
    shape = np.shape(values)
    if w.ndim > len(shape) and w.shape[-1] == 1:
        w = w[..., 0]
    if w.ndim and w.shape != shape[: w.ndim]:
        raise ShapeError(
            message(f"sample_weight of shape {shape}", f"shape {w.shape}", "one weight an example")
        )
    w = np.reshape(w.astype(float), w.shape + (1,) * (len(shape) - w.ndim))
    w = np.broadcast_to(w, shape)
    return np.sum(values * w), np.sum(w)


class MeanOf(Mean):
    """The mean of a function of (y_true, y_pred) that gives one value an example.

    Args:
        function: gives one value an example.
        name: its key in the history.
        options: what the function takes besides.
    """

    def __init__(self, function: Callable[..., Any], name: str | None = None, **options: Any):
        super().__init__(name or getattr(function, "__name__", "metric"))
        self.function = function
        self.options = options

    def get_config(self) -> dict[str, Any]:
        """Return name and options."""
        return {"name": self.name, **{k: v for k, v in self.options.items() if k != "reduction"}}

    @classmethod
    def from_config(cls, config: Any) -> Any:
        """Make the metric from name and options."""
        return cls(**config)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        """Take in a batch."""
        self.add_terms(*self.terms(_raw(y_true), _raw(y_pred), sample_weight))

    def terms(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> tuple[Any, Any]:
        """Return what a batch adds to total and count; change nothing.

        Args:
            y_true: the targets, an array or a Tensor.
            y_pred: the predictions, likewise.
            sample_weight: one weight an example.
        """
        if isinstance(y_pred, Tensor) and self.function in _MEASURES:
            y_pred = y_pred.astype(float)  # as losses count with arrays
        values = self.function(losses.aligned(y_true, y_pred), y_pred, **self.options)
        return weighed(array_or_tensor(values).astype(float), sample_weight)

    @property
    def is_traceable(self) -> bool:
        """Whether a planned step may compute the terms: nothing looks at values before."""
        own = getattr(self.update_state, "__func__", None) is not MeanOf.update_state
        return self.function in _COMPARISONS | _MEASURES and not own


def _raw(x: Any) -> Any:
    return np.asarray(x.data if isinstance(x, (Tensor, Variable)) else x)


# ---- accuracies ----------------------------------------------------------------------------------


@REGISTRY.add()
def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Any:
    """Return for each example the share of outputs on the right side of the threshold.

    Example:
        >>> binary_accuracy([[1], [0]], np.array([[0.5], [0.5]]))
        array([0., 1.])
    """
    t = _same_shape(y_true, y_pred, "binary_accuracy")
    return np.mean((t == (y_pred > threshold)).astype(float), axis=-1)


@REGISTRY.add()
def categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """Return for each example whether the largest entries of both agree; the first of equals.

    Example:
        >>> categorical_accuracy([[0, 1]], np.array([[0.2, 0.8]]))
        array([1.])
    """
    t = _same_shape(y_true, y_pred, "categorical_accuracy")
    return (np.argmax(t, axis=-1) == np.argmax(y_pred, axis=-1)).astype(float)


@REGISTRY.add()
def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """Return for each example whether the largest entry stands at its label.

    Example:
        >>> sparse_categorical_accuracy([1], np.array([[0.2, 0.8]]))
        array([1.])
    """
    return (_labels(y_true, y_pred) == np.argmax(y_pred, axis=-1)).astype(float)


def _same_shape(y_true: Any, y_pred: Any, name: str) -> Any:
    t = losses.aligned(y_true, y_pred)
    shape = np.shape(y_pred)
    if t.shape != shape:
        raise ShapeError(
            message(f"y_true of shape {shape} in {name}", f"shape {t.shape}", "targets like y_pred")
        )
    return t


def _labels(y_true: Any, y_pred: Any) -> Any:
    t = array_or_tensor(y_true)
    rows = np.shape(y_pred)[:-1]
    if t.shape == (*rows, 1):
        t = t[..., 0]
    if t.shape != rows:
        raise ShapeError(
            message(
                f"labels of shape {rows}, one for each prediction",
                f"shape {t.shape}",
                "categorical_accuracy for one-hot rows",
            )
        )
    return t


def _metric_class(name: str, function: Callable[..., Any], higher: bool, **fixed: Any) -> Any:
    """Make the Metric that averages `function`, with its own options but those that are fixed."""

    def init(self: MeanOf, name: str | None = None, **options: Any) -> None:
        MeanOf.__init__(self, function, name or function.__name__, **{**options, **fixed})

    members = {
        "__init__": init,
        "__doc__": f"The mean of `{function.__name__}`.",
        "__module__": __name__,
        "higher_is_better": higher,
    }
    return REGISTRY.add()(type(name, (MeanOf,), members))


BinaryAccuracy = _metric_class("BinaryAccuracy", binary_accuracy, True)
CategoricalAccuracy = _metric_class("CategoricalAccuracy", categorical_accuracy, True)
SparseCategoricalAccuracy = _metric_class(
    "SparseCategoricalAccuracy", sparse_categorical_accuracy, True
)


def _metric_of_loss(name: str, function: Callable[..., Any]) -> Any:
    """Make the Metric that averages a loss of `nn.losses`, which gives one value an example."""
    return _metric_class(name, function, False, reduction=None)


MeanSquaredError = _metric_of_loss("MeanSquaredError", losses.mean_squared_error)
MeanAbsoluteError = _metric_of_loss("MeanAbsoluteError", losses.mean_absolute_error)
BinaryCrossentropy = _metric_of_loss("BinaryCrossentropy", losses.binary_crossentropy)
CategoricalCrossentropy = _metric_of_loss(
    "CategoricalCrossentropy", losses.categorical_crossentropy
)
SparseCategoricalCrossentropy = _metric_of_loss(
    "SparseCategoricalCrossentropy", losses.sparse_categorical_crossentropy
)
KLDivergence = _metric_of_loss("KLDivergence", losses.kl_divergence)
Hinge = _metric_of_loss("Hinge", losses.hinge)
SquaredHinge = _metric_of_loss("SquaredHinge", losses.squared_hinge)
CategoricalHinge = _metric_of_loss("CategoricalHinge", losses.categorical_hinge)
LogCoshError = _metric_of_loss("LogCoshError", losses.log_cosh)
MeanAbsolutePercentageError = _metric_of_loss(
    "MeanAbsolutePercentageError", losses.mean_absolute_percentage_error
)
MeanSquaredLogarithmicError = _metric_of_loss(
    "MeanSquaredLogarithmicError", losses.mean_squared_logarithmic_error
)
Poisson = _metric_of_loss("Poisson", losses.poisson)


@REGISTRY.add()
def accuracy(y_true: Any, y_pred: Any) -> Any:
    """Return for each entry whether both are equal, as labels are.

    Example:
        >>> accuracy(np.array([1, 2]), np.array([1, 3]))
        array([1., 0.])
    """
    return (_same_shape(y_true, y_pred, "accuracy") == y_pred).astype(float)


Accuracy = _metric_class("Accuracy", accuracy, True)


def fitting_accuracy(y_true: Any, y_pred: Any) -> Any:
    """Return for each example whether it is right: binary, by label or one-hot, as shapes tell."""
    shape, predicted = np.shape(y_true), np.shape(y_pred)
    if len(predicted) < 2 or predicted[-1] == 1:
        return binary_accuracy(y_true, y_pred)
    if len(shape) < len(predicted) or shape[-1] == 1:
        return sparse_categorical_accuracy(y_true, y_pred)
    return categorical_accuracy(y_true, y_pred)


@REGISTRY.add("accuracy", "acc")
class FittingAccuracy(MeanOf):
    """What "accuracy" means: the kind that fits the batch, binary, by label or one-hot.

    Example:
        >>> FittingAccuracy()([1, 0], np.array([[0.2, 0.8], [0.6, 0.4]]))
        1.0
    """

    higher_is_better = True

    def __init__(self, name: str | None = None) -> None:
        super().__init__(fitting_accuracy, name or "accuracy")


_COMPARISONS = frozenset(
    {
        binary_accuracy,
        categorical_accuracy,
        sparse_categorical_accuracy,
        accuracy,
        fitting_accuracy,
    }
)
_MEASURES = frozenset(
    {
        losses.mean_squared_error,
        losses.mean_absolute_error,
        losses.mean_absolute_percentage_error,
        losses.log_cosh,
    }
)
"""Functions that refuse shapes, which a trace knows, but no values, and begin with a difference."""


def get(identifier: Any) -> Metric:
    """Return the metric that `identifier` means, as a new object if it is a name.

    Args:
        identifier: a name (the key in the history is the name as given), a Metric, the name of a
            loss, or a function of (y_true, y_pred).

    Raises:
        ArgumentError: if the name is unknown.

    Example:
        >>> get("acc").name
        'acc'
    """
    if isinstance(identifier, str) and identifier.lower() not in REGISTRY.entries:
        if identifier.lower() in losses.REGISTRY.entries:
            return _of_loss(losses.get(identifier), identifier)
        REGISTRY.find(identifier)
    found = REGISTRY.get(identifier)
    if isinstance(found, losses.Loss):
        return _of_loss(found, found.name)
    if isinstance(found, Metric):
        if isinstance(identifier, str):
            found.name = identifier
        return found
    if not callable(found):
        raise ArgumentError(message("a metric", repr(identifier), "'accuracy'"))
    return MeanOf(found, identifier if isinstance(identifier, str) else None)


def _of_loss(loss: losses.Loss, name: str) -> Metric:
    if isinstance(loss, losses.LossOf):
        return MeanOf(loss.function, name, **{**loss.options, "reduction": None})
    return MeanOf(loss.call, name)
