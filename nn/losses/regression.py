"""Losses of numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np  # noqa: F401 - the examples use it

import autograd as ag
from nn.activations import softplus
from nn.losses.common import REGISTRY, reduce, targets


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
