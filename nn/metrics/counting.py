"""Metrics that count hits and misses: top-k, precision, recall, AUC, confusion matrix."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd import Tensor
from autograd.errors import ArgumentError, ShapeError, message
from nn.activations import sigmoid
from nn.losses import class_index
from nn.metrics.metric import REGISTRY, Accumulator, MeanOf
from nn.registry import one_of


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
        thresholds: a number, or several; 0.5 if None.
        top_k: how many of the outputs of an example can count as positive, the largest; these all
            do if there are no thresholds.
        class_id: the only class to look at; None for all.
        name: its key in the history.
    """

    higher_is_better = True
    by_column = False

    def __init__(
        self,
        thresholds: Any = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
    ):
        if top_k is not None and (not isinstance(top_k, int) or top_k < 1):
            raise ArgumentError(message("top_k >= 1", repr(top_k), "top_k=1"))
        self.thresholds = thresholds
        self.top_k = top_k
        self.class_id = class_id
        least = 0.5 if top_k is None else np.finfo(float).min
        self.levels = np.atleast_1d(np.asarray(least if thresholds is None else thresholds, float))
        super().__init__(name)

    def reset_state(self) -> None:
        """Forget everything."""
        self.positives = np.zeros((2, len(self.levels), 1))  # right and wrong ones
        self.negatives = np.zeros((2, len(self.levels), 1))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take in a batch of 0 and 1, or of labels for several outputs."""
        t, p, w = _like_outputs(y_true, y_pred, sample_weight)
        if self.top_k is not None:
            least = np.sort(p, axis=-1)[..., -min(self.top_k, p.shape[-1]), None]
            # of equals the first ones count, as many as there is room for
            room = self.top_k - np.sum(p > least, axis=-1, keepdims=True)
            among = (p > least) | ((p == least) & (np.cumsum(p == least, axis=-1) <= room))
            p = np.where(among, p, -np.inf)
        if self.class_id is not None:
            t, p, w = (a[..., self.class_id] for a in (t, p, w))
        columns = [a.reshape(-1, p.shape[-1] if self.by_column else 1).T for a in (t, p, w)]
        found = np.array([self._counts(*column) for column in zip(*columns, strict=True)])
        self.positives = self.positives + np.moveaxis(found[:, 0], 0, -1)
        self.negatives = self.negatives + np.moveaxis(found[:, 1], 0, -1)

    def _counts(self, t: Any, p: Any, w: Any) -> Any:
        """Return the positives and the negatives of a column, right and wrong at each level."""
        order = np.argsort(p, kind="stable")
        above = np.searchsorted(p[order], self.levels, side="right")
        counts = np.zeros((2, 2, len(self.levels)))
        for i, counted in enumerate((t > 0, t <= 0)):
            sums = np.concatenate([[0.0], np.cumsum((counted * w)[order])])
            counts[0, i] = sums[-1] - sums[above]
            counts[1, 1 - i] = sums[above]
        return counts

    def _ratio(self, part: Any, whole: Any) -> Any:
        return self._each(_divided(part, whole))

    def _each(self, values: Any) -> Any:
        return float(values[0, 0]) if np.ndim(self.thresholds) == 0 else values[:, 0].copy()


def _divided(part: Any, whole: Any) -> Any:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def _like_outputs(y_true: Any, y_pred: Any, sample_weight: Any) -> tuple[Any, Any, Any]:
    """Return targets and weights of the shape of the outputs, and these; labels as rows of 0, 1."""
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
    return t, p, w


@REGISTRY.add()
class Precision(_Thresholded):
    """Of what was called positive, the share that is.

    Args:
        thresholds: from where an output counts as positive; 0.5 if None.
        top_k: how many outputs of an example can count as positive, the largest; None for all.
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
        top_k: how many outputs of an example can count as positive, the largest; None for all.
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

    With curve="PR" it is that of precision over recall, interpolated as by Davis and Goadrich,
    The relationship between precision-recall and ROC curves, 2006.

    Args:
        num_thresholds: how many points the curve has.
        curve: "ROC" or "PR".
        summation_method: "interpolation"; "minoring" or "majoring" for steps under or over it.
        name: its key in the history.
        thresholds: the points between 0 and 1 to use instead.
        multi_label: whether the mean of the areas of all columns is meant.
        num_labels: how many columns there are; found from the data if None.
        from_logits: whether the outputs are logits.

    Example:
        >>> round(AUC()([0, 0, 1, 1], np.array([0.0, 0.5, 0.3, 0.9])), 6)
        0.75
    """

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str = "auc",
        thresholds: Any = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        from_logits: bool = False,
    ) -> None:
        if thresholds is None:
            if num_thresholds < 2:
                raise ArgumentError(message("num_thresholds >= 2", repr(num_thresholds), "200"))
            inner = np.linspace(0, 1, num_thresholds)[1:-1]
        else:
            inner = np.sort(np.asarray(thresholds, float))
            if not np.all((inner >= 0) & (inner <= 1)):
                raise ArgumentError(
                    message("thresholds from 0 to 1", repr(thresholds), "thresholds=[0.3, 0.7]")
                )
        self.curve = one_of("curve", curve, ("ROC", "PR"))
        self.summation_method = one_of(
            "summation_method", summation_method, ("interpolation", "minoring", "majoring")
        )
        super().__init__([-1e-7, *inner, 1 + 1e-7], name=name)
        self.num_thresholds = len(self.levels)
        self.thresholds = None if thresholds is None else [*inner]
        self.multi_label = self.by_column = multi_label
        self.num_labels = num_labels
        self.from_logits = from_logits

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take in a batch of 0 and 1, or of labels for several outputs."""
        p = _raw(y_pred)
        super().update_state(y_true, sigmoid(p) if self.from_logits else p, sample_weight)

    def result(self) -> float:
        """Return the area."""
        (right, wrong), (_, missed) = self.positives, self.negatives
        recall = _divided(right, right + missed)
        if self.curve == "PR" and self.summation_method == "interpolation":
            called = right + wrong
            slope = _divided(right[:-1] - right[1:], called[:-1] - called[1:])
            ratio = np.divide(
                called[:-1],
                called[1:],
                out=np.ones_like(slope),
                where=(called[:-1] > 0) & (called[1:] > 0),
            )
            parts = right[:-1] - right[1:] + (right[1:] - slope * called[1:]) * np.log(ratio)
            areas = _divided(slope * parts, (right + missed)[1:])
        else:
            x, y = (
                (recall, _divided(right, right + wrong))
                if self.curve == "PR"
                else (_divided(wrong, wrong + self.negatives[0]), recall)
            )
            heights = {
                "interpolation": (y[:-1] + y[1:]) / 2,
                "minoring": np.minimum(y[:-1], y[1:]),
                "majoring": np.maximum(y[:-1], y[1:]),
            }[self.summation_method]
            areas = (x[:-1] - x[1:]) * heights
        return float(np.mean(np.sum(areas, axis=0)))


@REGISTRY.add("fbeta_score")
class FBetaScore(Accumulator):
    """(1 + beta^2) * precision * recall / (beta^2 * precision + recall), for every class.

    Args:
        average: None for one score a class, "micro", "macro" or "weighted" by the classes' sizes.
        beta: how much more recall counts than precision.
        threshold: from where an output counts as positive; None: only the largest does.
        name: its key in the history.

    Example:
        >>> FBetaScore()([[1, 0], [0, 1]], np.array([[0.6, 0.4], [0.7, 0.3]]))
        array([0.66666667, 0.        ])
    """

    higher_is_better = True

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str = "fbeta_score",
    ) -> None:
        if not beta > 0:
            raise ArgumentError(message("beta to be positive", repr(beta), "beta=1.0"))
        self.average = one_of("average", average, (None, "micro", "macro", "weighted"))
        self.beta = beta
        self.threshold = threshold
        super().__init__(name)

    def reset_state(self) -> None:
        """Forget everything."""
        self.counts = np.zeros((3, 1))  # what is both, called so, and is so

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take in a batch of one-hot rows, or of labels."""
        t, p, w = _like_outputs(y_true, y_pred, sample_weight)
        if self.threshold is None:
            called = p >= np.max(p, axis=-1, keepdims=True)
        else:
            called = p > self.threshold
        each = np.stack([t * called * w, called * w, t * w])
        counts = np.sum(each.reshape(3, -1, each.shape[-1]), axis=1)
        self.counts = self.counts + counts

    def result(self) -> Any:
        """Return the score, or one for every class."""
        counts = self.counts
        if self.average == "micro":
            counts = np.sum(counts, axis=1, keepdims=True)
        both, called, real = counts
        square = self.beta**2
        scores = _divided((1 + square) * both, square * real + called)
        if self.average is None:
            return scores
        if self.average == "weighted":
            return float(_divided(np.sum(scores * real), np.sum(real)))
        return float(np.mean(scores))


@REGISTRY.add("f1_score")
class F1Score(FBetaScore):
    """The harmonic mean of precision and recall: `FBetaScore` with beta=1, and its arguments.

    Example:
        >>> F1Score("macro")([[1, 0], [0, 1]], np.array([[0.6, 0.4], [0.7, 0.3]])).__round__(6)
        0.333333
    """

    unsaved = ("dtype", "beta")

    def __init__(
        self, average: str | None = None, threshold: float | None = None, name: str = "f1_score"
    ) -> None:
        super().__init__(average, 1.0, threshold, name)


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
