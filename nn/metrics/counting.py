"""Metrics that count hits and misses: top-k, precision, recall, AUC, confusion matrix."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd import Tensor
from autograd.errors import ArgumentError, ShapeError, message
from nn.losses import class_index
from nn.metrics.metric import REGISTRY, Accumulator, MeanOf


def _raw(x: Any) -> Any:
    return np.asarray(x.data if isinstance(x, Tensor) else x)


def in_top_k(y_true: Any, y_pred: Any, k: int = 5) -> Any:
    """Return for each example whether fewer than k classes have a larger output than its label.

    Args:
        y_true: labels, or one-hot rows.
        y_pred: one row of outputs an example.
        k: how many classes count as right.

    Example:
        >>> in_top_k([2], np.array([[0.5, 0.3, 0.2]]), k=2)
        array([0.])
    """
    p = _raw(y_pred)
    t = _raw(y_true)
    if t.shape == p.shape:
        t = np.argmax(t, axis=-1)
    index, _ = class_index(t, p.shape)
    own = np.take_along_axis(p, index[..., None], axis=-1)
    return (np.sum(p > own, axis=-1) < k).astype(float)


@REGISTRY.add()
class TopKCategoricalAccuracy(MeanOf):
    """The share of examples whose class is among the k largest outputs; one-hot targets.

    Args:
        k: how many classes count as right.
        name: its key in the history.

    Example:
        >>> TopKCategoricalAccuracy(k=2)([[0, 1, 0]], np.array([[0.5, 0.3, 0.2]]))
        1.0
    """

    higher_is_better = True

    def __init__(self, k: int = 5, name: str = "top_k_categorical_accuracy") -> None:
        super().__init__(in_top_k, name, k=k)


@REGISTRY.add()
class SparseTopKCategoricalAccuracy(TopKCategoricalAccuracy):
    """The share of examples whose label is among the k largest outputs.

    Args:
        k: how many classes count as right.
        name: its key in the history.

    Example:
        >>> SparseTopKCategoricalAccuracy(k=2)([1], np.array([[0.5, 0.3, 0.2]]))
        1.0
    """

    def __init__(self, k: int = 5, name: str = "sparse_top_k_categorical_accuracy") -> None:
        super().__init__(k, name)


class _Thresholded(Accumulator):
    """Counts of true and false positives and negatives, at each of some thresholds.

    Args:
        thresholds: a number, or several.
        class_id: the only class to look at; None for all.
        name: its key in the history.
    """

    higher_is_better = True

    def __init__(self, thresholds: Any = 0.5, class_id: int | None = None, name: str | None = None):
        self.thresholds = thresholds
        self.class_id = class_id
        self.levels = np.atleast_1d(np.asarray(0.5 if thresholds is None else thresholds, float))
        super().__init__(name)

    def reset_state(self) -> None:
        """Forget everything."""
        self.positives = np.zeros((2, len(self.levels)))  # right and wrong ones
        self.negatives = np.zeros((2, len(self.levels)))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take in a batch of 0 and 1, or of labels for several outputs."""
        t, p = _raw(y_true), _raw(y_pred)
        if t.shape != p.shape and t.size == p.size:
            t = t.reshape(p.shape)
        elif t.shape != p.shape:
            index, _ = class_index(t, p.shape)
            t = np.arange(p.shape[-1]) == index[..., None]
        w = np.ones(t.shape)
        if sample_weight is not None:
            given = np.asarray(sample_weight, float)
            w = w * given.reshape(given.shape + (1,) * (t.ndim - given.ndim))
        if self.class_id is not None:
            t, p, w = (a[..., self.class_id] for a in (t, p, w))
        t, p, w = (np.ravel(a) for a in (t, p, w))
        order = np.argsort(p, kind="stable")
        above = np.searchsorted(p[order], self.levels, side="right")
        for i, counted in enumerate((t > 0, t <= 0)):
            sums = np.concatenate([[0.0], np.cumsum((counted * w)[order])])
            self.positives[i] += sums[-1] - sums[above]
            self.negatives[1 - i] += sums[above]

    def _ratio(self, part: Any, whole: Any) -> Any:
        return self._each(np.divide(part, whole, out=np.zeros_like(part), where=whole > 0))

    def _each(self, values: Any) -> Any:
        return float(values[0]) if np.ndim(self.thresholds) == 0 else values.copy()


@REGISTRY.add()
class Precision(_Thresholded):
    """Of what was called positive, the share that is.

    Args:
        thresholds: from where an output counts as positive; 0.5 if None.
        class_id: the only class to look at; None for all.
        name: its key in the history.

    Example:
        >>> Precision()([0, 1, 1], np.array([0.9, 0.8, 0.2]))
        0.5
    """

    def result(self) -> Any:
        """Return true positives / all that was called positive."""
        return self._ratio(self.positives[0], self.positives.sum(axis=0))


@REGISTRY.add()
class Recall(_Thresholded):
    """Of what is positive, the share that was called so.

    Args:
        thresholds: from where an output counts as positive; 0.5 if None.
        class_id: the only class to look at; None for all.
        name: its key in the history.

    Example:
        >>> Recall()([0, 1, 1, 1], np.array([0.9, 0.8, 0.2, 0.7])) == 2 / 3
        True
    """

    def result(self) -> Any:
        """Return true positives / all that is positive."""
        return self._ratio(self.positives[0], self.positives[0] + self.negatives[1])


@REGISTRY.add()
class TruePositives(_Thresholded):
    """The number, or weight, of what was called positive and is; arguments as for `Precision`.

    Example:
        >>> TruePositives()([0, 1, 1], np.array([0.9, 0.8, 0.2]))
        1.0
    """

    def result(self) -> Any:
        """Return the count, one a threshold if there are several."""
        return self._each(self.positives[0])


@REGISTRY.add()
class FalsePositives(_Thresholded):
    """The number, or weight, of what was called positive and is not; arguments as for `Precision`.

    Example:
        >>> FalsePositives()([0, 1, 1], np.array([0.9, 0.8, 0.2]))
        1.0
    """

    def result(self) -> Any:
        """Return the count, one a threshold if there are several."""
        return self._each(self.positives[1])


@REGISTRY.add()
class TrueNegatives(_Thresholded):
    """The number, or weight, of what was called negative and is; arguments as for `Precision`.

    Example:
        >>> TrueNegatives()([0, 1, 1], np.array([0.9, 0.8, 0.2]))
        0.0
    """

    def result(self) -> Any:
        """Return the count, one a threshold if there are several."""
        return self._each(self.negatives[0])


@REGISTRY.add()
class FalseNegatives(_Thresholded):
    """The number, or weight, of what was called negative and is not; arguments as for `Precision`.

    Example:
        >>> FalseNegatives()([0, 1, 1], np.array([0.9, 0.8, 0.2]))
        1.0
    """

    def result(self) -> Any:
        """Return the count, one a threshold if there are several."""
        return self._each(self.negatives[1])


@REGISTRY.add()
class AUC(_Thresholded):
    """The area under the curve of the true over the false positive rate, by trapezoids.

    Args:
        num_thresholds: how many points the curve has.
        name: its key in the history.

    Example:
        >>> round(AUC()([0, 0, 1, 1], np.array([0.0, 0.5, 0.3, 0.9])), 6)
        0.75
    """

    def __init__(self, num_thresholds: int = 200, name: str = "auc") -> None:
        if num_thresholds < 2:
            raise ArgumentError(message("num_thresholds >= 2", repr(num_thresholds), "200"))
        self.num_thresholds = num_thresholds
        inner = np.linspace(0, 1, num_thresholds)[1:-1]
        super().__init__([-1e-7, *inner, 1 + 1e-7], name=name)

    def result(self) -> float:
        """Return the area."""
        right = self._ratio(self.positives[0], self.positives[0] + self.negatives[1])
        wrong = self._ratio(self.positives[1], self.positives[1] + self.negatives[0])
        return float(np.sum((wrong[:-1] - wrong[1:]) * (right[:-1] + right[1:]) / 2))


def confusion_matrix(y_true: Any, y_pred: Any, num_classes: int | None = None) -> Any:
    """Count how often each class (row) was taken for each class (column).

    Args:
        y_true: labels, or one-hot rows.
        y_pred: labels, or one row of outputs an example.
        num_classes: the number of classes; found from the data if not given.

    Returns:
        An integer array of shape (classes, classes).

    Raises:
        ShapeError: if the numbers of examples differ.
        ArgumentError: if a label is out of range.

    Example:
        >>> confusion_matrix([0, 1, 1], [0, 1, 0])
        array([[1, 0],
               [1, 1]])
    """
    sides = [_raw(y_true), _raw(y_pred)]
    widths = [s.shape[-1] for s in sides if s.ndim > 1 and s.shape[-1] > 1]
    labels = [
        np.argmax(s, axis=-1) if s.ndim > 1 and s.shape[-1] > 1 else np.ravel(s) for s in sides
    ]
    if labels[0].shape != labels[1].shape:
        raise ShapeError(
            message(
                "as many predictions as labels",
                f"{len(labels[0])} labels, {len(labels[1])} predictions",
                "the predictions for the same examples",
            )
        )
    size = num_classes or max([*widths, *(int(np.max(s, initial=0)) + 1 for s in labels)])
    t, p = (class_index(s, (len(s), size))[0] for s in labels)
    counts = np.zeros((size, size), int)
    np.add.at(counts, (t, p), 1)
    return counts
