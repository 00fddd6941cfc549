"""Losses of numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np  # noqa: F401 - the examples use it

import autograd as ag
from nn.activations import softplus
from nn.losses.common import EPSILON, REGISTRY, reduce, targets


@REGISTRY.add("mse")
def mean_squared_error(
    y_true: Any,
    y_pred: Any,
    *,
    sample_weight: Any = None,
    reduction: str | None = "sum_over_batch_size",
) -> Any:
    """Return the mean of (y_true - y_pred)^2.

    Args:
        y_true: the targets, of the shape of `y_pred`; (n,) for (n, 1) and the reverse.
        y_pred: the predictions, a Tensor or an array.
        sample_weight: one weight an example.
        reduction: as for `reduce`.

    Raises:
        ShapeError: if the shapes differ.

    Example:
        >>> float(mean_squared_error([[1.0], [2.0]], np.array([[0.0], [4.0]])))
        2.5
    """
    difference = y_pred - targets(y_true, y_pred, "mean_squared_error")
    return reduce(ag.mean(ag.square(difference), axis=-1), sample_weight, reduction)


@REGISTRY.add("mae")
def mean_absolute_error(
    y_true: Any,
    y_pred: Any,
    *,
    sample_weight: Any = None,
    reduction: str | None = "sum_over_batch_size",
) -> Any:
    """Return the mean of |y_true - y_pred|; the arguments are those of `mean_squared_error`.

    Example:
        >>> float(mean_absolute_error([[1.0], [2.0]], np.array([[0.0], [4.0]])))
        1.5
    """
    difference = y_pred - targets(y_true, y_pred, "mean_absolute_error")
    return reduce(ag.mean(ag.absolute(difference), axis=-1), sample_weight, reduction)


@REGISTRY.add()
def half_sum_of_squares(
    y_true: Any,
    y_pred: Any,
    *,
    sample_weight: Any = None,
    reduction: str | None = "sum_over_batch_size",
) -> Any:
    """Return the mean over the batch of sum((y_true - y_pred)^2) / 2.

    The arguments are those of `mean_squared_error`. The gradient is the difference itself.

    Example:
        >>> float(half_sum_of_squares([[1.0, 2.0]], np.array([[0.0, 4.0]])))
        2.5
    """
    difference = y_pred - targets(y_true, y_pred, "half_sum_of_squares")
    return reduce(ag.sum(ag.square(difference), axis=-1) / 2, sample_weight, reduction)


@REGISTRY.add()
def huber(
    y_true: Any,
    y_pred: Any,
    delta: float = 1.0,
    *,
    sample_weight: Any = None,
    reduction: str | None = "sum_over_batch_size",
) -> Any:
    """Return the mean of e^2 / 2 where |e| <= delta, and of delta |e| - delta^2 / 2 elsewhere.

    Args:
        y_true: the targets.
        y_pred: the predictions; e is their difference.
        delta: where the square gives way to the straight line.
        sample_weight: one weight an example.
        reduction: as for `reduce`.

    Example:
        >>> float(huber([[0.0, 0.0]], np.array([[1.0, 3.0]])))
        1.5
    """
    size = ag.absolute(y_pred - targets(y_true, y_pred, "huber"))
    straight = size * delta - delta * delta / 2
    entries = ag.where(size <= delta, ag.square(size) / 2, straight)
    return reduce(ag.mean(entries, axis=-1), sample_weight, reduction)


@REGISTRY.add("logcosh")
def log_cosh(
    y_true: Any,
    y_pred: Any,
    *,
    sample_weight: Any = None,
    reduction: str | None = "sum_over_batch_size",
) -> Any:
    """Return the mean of log(cosh(y_pred - y_true)), without overflow.

    The arguments are those of `mean_squared_error`.

    Example:
        >>> float(log_cosh([[0.0]], np.array([[1000.0]])))
        999.3068528194401
    """
    difference = y_pred - targets(y_true, y_pred, "log_cosh")
    entries = difference + softplus(difference * -2) - math.log(2.0)
    return reduce(ag.mean(entries, axis=-1), sample_weight, reduction)


@REGISTRY.add("mape")
def mean_absolute_percentage_error(
    y_true: Any,
    y_pred: Any,
    *,
    sample_weight: Any = None,
    reduction: str | None = "sum_over_batch_size",
) -> Any:
    """Return the mean of 100 |y_true - y_pred| / |y_true|, where |y_true| counts as 1e-7 at least.

    The arguments are those of `mean_squared_error`.

    Example:
        >>> float(mean_absolute_percentage_error([[2.0]], np.array([[3.0]])))
        50.0
    """
    t = targets(y_true, y_pred, "mean_absolute_percentage_error")
    entries = ag.absolute((y_pred - t) / ag.maximum(ag.absolute(t), EPSILON))
    return reduce(ag.mean(entries, axis=-1) * 100, sample_weight, reduction)


@REGISTRY.add("msle")
def mean_squared_logarithmic_error(
    y_true: Any,
    y_pred: Any,
    *,
    sample_weight: Any = None,
    reduction: str | None = "sum_over_batch_size",
) -> Any:
    """Return the mean of (log(1 + y_true) - log(1 + y_pred))^2, both counting as 1e-7 at least.

    The arguments are those of `mean_squared_error`.

    Example:
        >>> float(mean_squared_logarithmic_error([[0.0]], np.array([[np.e - 1]])).round(6))
        1.0
    """
    t = targets(y_true, y_pred, "mean_squared_logarithmic_error")
    difference = ag.log1p(ag.maximum(y_pred, EPSILON)) - ag.log1p(ag.maximum(t, EPSILON))
    return reduce(ag.mean(ag.square(difference), axis=-1), sample_weight, reduction)


@REGISTRY.add()
def cosine_similarity(
    y_true: Any,
    y_pred: Any,
    axis: int = -1,
    *,
    sample_weight: Any = None,
    reduction: str | None = "sum_over_batch_size",
) -> Any:
    """Return the mean of -cos of the angle between y_true and y_pred, -1 where they point alike.

    Args:
        y_true: the targets.
        y_pred: the predictions; a row of zeros is at right angles to all.
        axis: along which a vector lies.
        sample_weight: one weight an example.
        reduction: as for `reduce`.

    Example:
        >>> float(cosine_similarity([[0.0, 2.0]], np.array([[0.0, 5.0]])))
        -1.0
    """
    t = targets(y_true, y_pred, "cosine_similarity")
    along = {"axis": axis, "keepdims": True}
    size = ag.sqrt(ag.maximum(ag.sum(ag.square(y_pred), **along), _SQUARE))
    of_t = ag.sqrt(ag.maximum(ag.sum(ag.square(t), **along), _SQUARE))
    return reduce(-ag.sum((t / of_t) * (y_pred / size), axis=axis), sample_weight, reduction)


_SQUARE = 1e-12  # Keras' least square of a length


@REGISTRY.add()
def poisson(
    y_true: Any,
    y_pred: Any,
    *,
    sample_weight: Any = None,
    reduction: str | None = "sum_over_batch_size",
) -> Any:
    """Return the mean of y_pred - y_true * log(y_pred + 1e-7), for counts.

    The arguments are those of `mean_squared_error`.

    Example:
        >>> float(poisson([[0.0]], np.array([[2.0]])))
        2.0
    """
    t = targets(y_true, y_pred, "poisson")
    entries = y_pred - t * ag.log(y_pred + EPSILON)
    return reduce(ag.mean(entries, axis=-1), sample_weight, reduction)
