"""Metrics of numbers that are no plain mean of a loss."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nn import losses
from nn.metrics.metric import REGISTRY, MeanOf, MeanSquaredError, Metric
from nn.registry import one_of


@REGISTRY.add("root_mean_squared_error", "rmse")
class RootMeanSquaredError(MeanSquaredError):  # type: ignore[misc, valid-type]
    """The square root of the mean of (y_true - y_pred)^2 over all examples.

    Args:
        name: its key in the history.

    Example:
        >>> RootMeanSquaredError()([[0.0], [0.0]], np.array([[1.0], [7.0]]))
        5.0
    """

    def __init__(self, name: str = "root_mean_squared_error") -> None:
        super().__init__(name)

    def result(self) -> float:
        """Return the root of the mean."""
        return math.sqrt(super().result())


@REGISTRY.add("cosine_similarity")
class CosineSimilarity(MeanOf):
    """The mean cosine of the angle between y_true and y_pred, 1 where they point alike.

    Args:
        name: its key in the history.
        axis: along which a vector lies.

    Example:
        >>> CosineSimilarity()([[0.0, 2.0]], np.array([[0.0, 5.0]]))
        1.0
    """

    higher_is_better = True

    def __init__(self, name: str = "cosine_similarity", axis: int = -1) -> None:
        super().__init__(_cosine, name, axis=axis)


def _cosine(y_true: Any, y_pred: Any, axis: int) -> Any:
    return -losses.cosine_similarity(y_true, y_pred, axis, reduction=None)


@REGISTRY.add("r2_score")
class R2Score(Metric):
    """1 - the sum of squared errors / that of the deviations from the mean, a mean over columns.

    Args:
        class_aggregation: "uniform_average" over columns, or "variance_weighted_average".
        name: its key in the history.

    Example:
        >>> R2Score()([[1.0], [2.0], [3.0]], np.array([[1.0], [2.0], [2.0]]))
        0.5
    """

    higher_is_better = True

    def __init__(self, class_aggregation: str = "uniform_average", name: str = "r2_score") -> None:
        super().__init__(name)
        self.class_aggregation = one_of(
            "class_aggregation",
            class_aggregation,
            ("uniform_average", "variance_weighted_average"),
        )
        self.reset_state()

    def reset_state(self) -> None:
        """Forget everything."""
        self.sums: Any = np.zeros((4, 1))  # of weights, targets, their squares, squared errors

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take in a batch."""
        p: Any = np.asarray(y_pred, float)
        t: Any = np.asarray(losses.aligned(y_true, p), float).reshape(p.shape)
        weights = np.ones(len(p)) if sample_weight is None else np.asarray(sample_weight, float)
        w: Any = weights.reshape(-1, 1)
        t, p = t.reshape(len(t), -1), p.reshape(len(p), -1)
        each = (w + 0 * t, w * t, w * t**2, w * (t - p) ** 2)
        self.sums = self.sums + np.array([np.sum(e, axis=0) for e in each])

    def result(self) -> float:
        """Return the score, 0 of nothing and where nothing varies."""
        count, total, squares, errors = self.sums
        count = np.where(count, count, 1)
        spread = squares - total**2 / count
        scores = 1 - np.divide(errors, spread, out=np.ones_like(errors), where=spread != 0)
        if self.class_aggregation == "uniform_average" or not np.any(spread):
            return float(np.mean(scores))
        return float(np.sum(scores * spread) / np.sum(spread))
