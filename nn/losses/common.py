"""What every loss shares: targets that fit, weights, reduction."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd as ag
from autograd import Tensor
from autograd.errors import ArgumentError, ShapeError, message
from nn.registry import Registry

REGISTRY = Registry("loss")

EPSILON = 1e-7
"""Keras' distance of probabilities from 0 and 1."""

REDUCTIONS = ("sum_over_batch_size", "mean", "mean_with_sample_weight", "sum", None, "none")


def reduce(entries: Any, weight: Any = None, reduction: str | None = "sum_over_batch_size") -> Any:
    """Return the weighted mean or sum of loss entries.

    Args:
        entries: the losses of a batch, of any shape.
        weight: what to multiply them by, one number an example, or a number for all.
        reduction: "sum_over_batch_size" (or "mean") divides by the number of entries, not of
            weights; "mean_with_sample_weight" by the sum of weights; "sum" does not divide; None
            gives the entries.

    Raises:
        ArgumentError: if the reduction is unknown.
        ShapeError: if the weights do not fit.

    Example:
        >>> float(reduce(np.array([1.0, 2.0]), weight=[1.0, 0.5]))
        1.0
    """
    if reduction not in REDUCTIONS:
        raise ArgumentError(
            message(
                f"reduction to be one of {', '.join(map(repr, REDUCTIONS))}",
                repr(reduction),
                "reduction='sum_over_batch_size'",
            )
        )
    count = int(np.size(entries))
    total: Any = count
    if weight is not None:
        w = fitted_weight(weight, entries)
        entries = entries * w
        total = np.sum(np.broadcast_to(w, np.shape(entries)))
    if reduction is None or reduction == "none":
        return entries
    if reduction == "sum":
        return ag.sum(entries)
    if reduction == "mean_with_sample_weight":
        return ag.sum(entries) / total
    return ag.mean(entries) if weight is None else ag.sum(entries) / count


def array_or_tensor(x: Any) -> Any:
    """Return a Tensor as it is, anything else as an array."""
    return x if isinstance(x, Tensor) else np.asarray(x)


def fitted_weight(weight: Any, entries: Any) -> Any:
    """Return the weights in the type and rank of the entries."""
    w = array_or_tensor(weight)
    shape = np.shape(entries)
    if w.ndim > len(shape) and w.shape[-1] == 1:
        w = w[..., 0]
    if w.ndim and w.shape != shape[: w.ndim]:
        raise ShapeError(
            message(
                f"sample_weight of shape {shape[:1]}, one number an example",
                f"shape {np.shape(weight)}",
                "np.ones(len(x)) as a start",
            )
        )
    w = ag.reshape(w, w.shape + (1,) * (len(shape) - w.ndim)) if w.ndim else w
    return _of_type(w, dtype(entries))


def dtype(x: Any) -> np.dtype[Any]:
    """Return the float type of losses of `x`."""
    return x.dtype if isinstance(x, Tensor) else np.result_type(float, x)


def targets(y_true: Any, y_pred: Any, name: str) -> Any:
    """Return the targets in the type and shape of the predictions; (n,) fits (n, 1)."""
    t = array_or_tensor(y_true)
    check_targets(t, np.shape(y_pred), name)
    if np.shape(t) != np.shape(y_pred):
        t = ag.reshape(t, np.shape(y_pred))
    return _of_type(t, dtype(y_pred)) if isinstance(t, Tensor) else constant(t, y_pred)


def _of_type(x: Any, dtype: np.dtype[Any]) -> Any:
    if x.dtype == dtype:
        return x
    return x.astype(dtype=dtype) if isinstance(x, Tensor) else x.astype(dtype)


def aligned(y_true: Any, y_pred: Any) -> Any:
    """Return the targets with the rank of the predictions, where an axis of length 1 is all.

    A column less a row would be a matrix, and a loss of one's own silently another.

    Example:
        >>> aligned([1, 2], np.zeros((2, 1))).shape
        (2, 1)
    """
    t = array_or_tensor(y_true)
    given, wanted = np.shape(t), np.shape(y_pred)
    if (*given, 1) == wanted or given == (*wanted, 1):
        return ag.reshape(t, wanted)
    return t


PROBABILITIES = ("binary_crossentropy", "categorical_crossentropy")
"""Losses whose targets are probabilities; Keras takes any number, and a loss without a bottom."""


def check_targets(t: Any, shape: tuple[int, ...], name: str) -> None:
    """Raise unless the targets `t` of the loss `name` fit a prediction of that shape."""
    if isinstance(t, np.ndarray) and t.dtype.kind not in "fiub":
        raise ArgumentError(not_numbers(f"numbers as the targets of {name}", t))
    given = np.shape(t)
    if given != shape and (*given, 1) != shape and given != (*shape, 1):
        raise ShapeError(
            message(
                f"y_true of shape {shape}, that of the prediction, in {name}",
                f"shape {given}",
                "sparse_categorical_crossentropy, which takes integer labels"
                if name == "categorical_crossentropy" and len(given) <= len(shape)
                else "targets with one value for every output",
            )
        )
    if name in PROBABILITIES and not isinstance(t, Tensor):
        values = np.asarray(t)
        outside = (values < 0) | (values > 1)
        if np.any(outside):
            raise ArgumentError(
                message(
                    f"y_true between 0 and 1, probabilities, in {name}",
                    f"{values[outside][0]!s} at {[int(i) for i in np.argwhere(outside)[0]]}",
                    "nn.utils.to_categorical for class labels, or a loss for regression",
                )
            )


def not_numbers(expected: str, t: Any) -> str:
    """Return the message for targets that are no numbers."""
    return message(
        expected, f"dtype {t.dtype}", "np.unique(labels, return_inverse=True) to number text labels"
    )


def constant(t: Any, like: Any) -> Any:
    """Return `t` as a constant of the type of `like` that the graph need not copy."""
    if isinstance(t, Tensor):
        return _of_type(t, dtype(like))
    t = np.array(t, dtype(like))
    t.flags.writeable = False
    return t


def within(p: Any, low: float, high: float) -> Any:
    """Return `p` brought within the bounds."""
    return ag.minimum(ag.maximum(p, low), high)
