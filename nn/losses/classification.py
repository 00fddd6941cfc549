"""Losses of classes: the crossentropies, fused with the softmax or sigmoid before them."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd as ag
from autograd import Tensor, known
from autograd.errors import ArgumentError, ShapeError, message
from nn.losses.common import (
    EPSILON,
    REGISTRY,
    array_or_tensor,
    constant,
    fitted_weight,
    not_numbers,
    reduce,
    targets,
    within,
)
from nn.tracing import number


def _logits_behind(prediction: Any, row: Any, axis: int | None = None) -> Any:
    """Return the input of the softmax or sigmoid that made `prediction`, None if none did."""
    if not isinstance(prediction, Tensor) or prediction.primitive is not row:
        return None
    if axis is not None:
        rank = prediction.ndim
        if prediction.params.get("axis", -1) % rank != axis % rank:
            return None
    return prediction.inputs[0]


def _crossentropy(target: Any, y_pred: Any, from_logits: bool, axis: int) -> Any:
    """Return -sum(target * log p) along `axis`, through log_softmax where there are logits."""
    logits = y_pred if from_logits else _logits_behind(y_pred, ag.softmax, axis)
    if logits is not None:
        log_p = ag.log_softmax(logits, axis=axis)
    else:
        p = y_pred / ag.sum(y_pred, axis=axis, keepdims=True)
        log_p = ag.log(within(p, EPSILON, 1 - EPSILON))
    return -ag.sum(target * log_p, axis=axis)


@REGISTRY.add()
def categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
    *,
    sample_weight: Any = None,
    reduction: str | None = "sum_over_batch_size",
) -> Any:
    """Return the mean of -sum(y_true * log(y_pred)).

    Probabilities are divided by their sum and kept within [1e-7, 1 - 1e-7]. Where they come from
    a softmax, the loss is computed from its logits instead, exactly, and its gradient is p - t.

    Args:
        y_true: probabilities of the classes, such as one-hot rows, of the shape of `y_pred`.
        y_pred: predicted probabilities, a Tensor or an array.
        from_logits: whether `y_pred` holds logits instead.
        label_smoothing: the share of the target that is spread evenly, from 0 to 1.
        axis: along which the classes lie.
        sample_weight: one weight an example.
        reduction: as for `reduce`.

    Raises:
        ShapeError: if the shapes differ.
        ArgumentError: if `label_smoothing` is no fraction.

    Example:
        >>> p = np.array([[0.25, 0.75]])
        >>> bool(np.isclose(categorical_crossentropy([[0, 1]], p), -np.log(0.75)))
        True
    """
    t = targets(y_true, y_pred, "categorical_crossentropy")
    _check_smoothing(label_smoothing)
    if label_smoothing:
        t = t * (1 - label_smoothing) + label_smoothing / np.shape(y_pred)[axis]
    return reduce(_crossentropy(t, y_pred, from_logits, axis), sample_weight, reduction)


def _check_smoothing(label_smoothing: float) -> None:
    if not 0 <= label_smoothing <= 1:
        raise ArgumentError(
            message("label_smoothing to be a fraction", repr(label_smoothing), "0.1")
        )


@REGISTRY.add()
def sparse_categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    ignore_class: int | None = None,
    axis: int = -1,
    *,
    sample_weight: Any = None,
    reduction: str | None = "sum_over_batch_size",
) -> Any:
    """Return the mean of -log(y_pred[label]): categorical crossentropy for integer labels.

    Args:
        y_true: labels from 0, of shape (n,) or (n, 1), of any integer or float type.
        y_pred: predicted probabilities, a Tensor or an array.
        from_logits: whether `y_pred` holds logits instead.
        ignore_class: a label whose rows do not count.
        axis: along which the classes lie.
        sample_weight: one weight an example.
        reduction: as for `reduce`.

    Raises:
        ShapeError: if there is not one label a row.
        ArgumentError: if a label is out of range or no whole number.

    Example:
        >>> p = np.array([[0.25, 0.75]])
        >>> bool(np.isclose(sparse_categorical_crossentropy([1], p), -np.log(0.75)))
        True
    """
    index, valid = class_index(y_true, np.shape(y_pred), axis, ignore_class)
    entries = _crossentropy(_one_hot(index, valid, y_pred, axis), y_pred, from_logits, axis)
    if valid is not None and reduction not in (None, "none", "sum"):
        kept = valid * 1.0
        if sample_weight is not None and reduction == "mean_with_sample_weight":
            kept = kept * fitted_weight(sample_weight, kept)
        count = number(np.maximum(np.sum(kept), EPSILON))
        return reduce(entries, sample_weight, "sum") / count
    return reduce(entries, sample_weight, reduction)


def class_index(
    labels: Any, shape: tuple[int, ...], axis: int = -1, ignore_class: int | None = None
) -> tuple[Any, Any]:
    """Return labels as indices, after checking them against the shape of a prediction.

    Args:
        labels: whole numbers from 0, one a row of the prediction, or such a column.
        shape: the shape of the prediction.
        axis: along which its classes lie.
        ignore_class: a label that does not count.

    Returns:
        The indices (0 for what does not count), and which labels count (None if all do).

    Raises:
        ShapeError: if there is not one label a row.
        ArgumentError: if a label is out of range or no whole number.

    Example:
        >>> class_index([[2], [0]], (2, 3))[0]
        array([2, 0])
    """
    t = array_or_tensor(labels)
    if t.dtype.kind not in "fiub":
        raise ArgumentError(not_numbers("whole numbers from 0 as labels", t))
    rows = list(shape)
    classes = rows.pop(axis)
    if t.ndim == len(shape) and t.shape[axis] == 1:
        t = np.squeeze(t, axis)
    if list(t.shape) != rows:
        raise ShapeError(
            message(
                f"labels of shape {tuple(rows)}, one for each prediction",
                f"shape {np.shape(labels)}",
                "categorical_crossentropy, which takes one-hot rows"
                if np.shape(labels) == shape
                else "as many labels as there are predictions",
            )
        )
    valid = None
    if ignore_class is not None:
        valid = t != ignore_class
        t = np.where(valid, t, 0)
    index: Any = t
    if isinstance(t, Tensor):
        # whole numbers, as other values would not pass the check below
        wrong = (t < 0) | (t >= classes) | (np.floor(t) != t)
    else:
        with np.errstate(invalid="ignore"):
            index = t.astype(np.intp)
        wrong = (index < 0) | (index >= classes) | (index != t)
    if known(np.any(wrong)):
        raise ArgumentError(
            message(
                f"labels that are whole numbers from 0 to {classes - 1}, for a prediction with "
                f"{classes} classes",
                f"label {t[wrong].flat[0]} at position {int(np.flatnonzero(wrong)[0])}",
                "a last layer with as many units as there are classes, or labels from 0",
            )
        )
    return index, valid


def _one_hot(index: Any, valid: Any, like: Any, axis: int) -> Any:
    """Return indices as rows of zeros with a one, in shape and type of the predictions."""
    rows = np.expand_dims(index, -1) == np.arange(np.shape(like)[axis])
    if valid is not None:
        rows = rows & np.expand_dims(valid, -1)
    return constant(np.moveaxis(rows, -1, axis), like)


@REGISTRY.add("bce")
def binary_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
    *,
    sample_weight: Any = None,
    reduction: str | None = "sum_over_batch_size",
) -> Any:
    """Return the mean of -t log(p) - (1 - t) log(1 - p).

    Probabilities are kept within [1e-7, 1 - 1e-7]. Where they come from a sigmoid, the loss is
    computed from its logits instead, exactly, and its gradient is p - t.

    Args:
        y_true: 0 or 1 (or between), of the shape of `y_pred`; (n,) for (n, 1) and the reverse.
        y_pred: predicted probabilities, a Tensor or an array.
        from_logits: whether `y_pred` holds logits instead.
        label_smoothing: the share of the target that is moved to 0.5.
        axis: over which the mean of one example is taken.
        sample_weight: one weight an example.
        reduction: as for `reduce`.

    Raises:
        ShapeError: if the shapes differ.
        ArgumentError: if `label_smoothing` is no fraction.

    Example:
        >>> p = np.array([[0.75]])
        >>> bool(np.isclose(binary_crossentropy([1], p), -np.log(0.75)))
        True
    """
    t = targets(y_true, y_pred, "binary_crossentropy")
    _check_smoothing(label_smoothing)
    if label_smoothing:
        t = t * (1 - label_smoothing) + 0.5 * label_smoothing
    logits = y_pred if from_logits else _logits_behind(y_pred, ag.sigmoid)
    if logits is not None:
        # max(z, 0) - z t + log(1 + exp(-|z|)), the form that neither overflows nor cancels
        entries = ag.softplus(logits) - logits * t
    else:
        p = within(y_pred, EPSILON, 1 - EPSILON)
        entries = -(t * ag.log(p) + (1 - t) * ag.log(1 - p))
    return reduce(ag.mean(entries, axis=axis), sample_weight, reduction)


@REGISTRY.add()
def hinge(
    y_true: Any,
    y_pred: Any,
    *,
    sample_weight: Any = None,
    reduction: str | None = "sum_over_batch_size",
) -> Any:
    """Return the mean of max(1 - y_true * y_pred, 0); labels 0 and 1 count as -1 and 1.

    The arguments are those of `mean_squared_error`.

    Example:
        >>> float(hinge([[0], [1]], np.array([[-2.0], [0.5]])))
        0.25
    """
    entries = _beyond_the_margin(y_true, y_pred, "hinge")
    return reduce(ag.mean(entries, axis=-1), sample_weight, reduction)


@REGISTRY.add()
def squared_hinge(
    y_true: Any,
    y_pred: Any,
    *,
    sample_weight: Any = None,
    reduction: str | None = "sum_over_batch_size",
) -> Any:
    """Return the mean of max(1 - y_true * y_pred, 0)^2; labels 0 and 1 count as -1 and 1.

    The arguments are those of `mean_squared_error`.

    Example:
        >>> float(squared_hinge([[0], [1]], np.array([[-2.0], [0.5]])))
        0.125
    """
    entries = _beyond_the_margin(y_true, y_pred, "squared_hinge")
    return reduce(ag.mean(ag.square(entries), axis=-1), sample_weight, reduction)


def _beyond_the_margin(y_true: Any, y_pred: Any, name: str) -> Any:
    t = targets(y_true, y_pred, name)
    t = ag.where(np.all((t == 0) | (t == 1)), t * 2 - 1, t)
    return ag.maximum(1 - t * y_pred, 0)


@REGISTRY.add()
def categorical_hinge(
    y_true: Any,
    y_pred: Any,
    *,
    sample_weight: Any = None,
    reduction: str | None = "sum_over_batch_size",
) -> Any:
    """Return the mean of max(1 + the largest wrong output - the right one, 0), for one-hot rows.

    The arguments are those of `mean_squared_error`.

    Example:
        >>> float(categorical_hinge([[0, 1]], np.array([[0.5, 1.0]])))
        0.5
    """
    t = targets(y_true, y_pred, "categorical_hinge")
    right = ag.sum(t * y_pred, axis=-1)
    wrong = ag.max((1 - t) * y_pred, axis=-1)
    return reduce(ag.maximum(wrong - right + 1, 0), sample_weight, reduction)


@REGISTRY.add("kld")
def kl_divergence(
    y_true: Any,
    y_pred: Any,
    *,
    sample_weight: Any = None,
    reduction: str | None = "sum_over_batch_size",
) -> Any:
    """Return the mean of sum(y_true * log(y_true / y_pred)), both kept within [1e-7, 1].

    The arguments are those of `mean_squared_error`.

    Example:
        >>> float(kl_divergence([[0.5, 0.5]], np.array([[0.5, 0.5]])))
        0.0
    """
    t = within(targets(y_true, y_pred, "kl_divergence"), EPSILON, 1.0)
    p = within(y_pred, EPSILON, 1.0)
    return reduce(ag.sum(t * ag.log(t / p), axis=-1), sample_weight, reduction)
