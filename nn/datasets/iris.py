"""Iris: the sizes of 150 flowers of three species, by Edgar Anderson and Ronald Fisher."""

from __future__ import annotations

import numpy as np

from autograd.errors import require
from nn.datasets.sources import Split
from nn.datasets.splitting import shuffle_split

CLASS_NAMES = ("setosa", "versicolor", "virginica")
FEATURE_NAMES = (
    "sepal length (cm)",
    "sepal width (cm)",
    "petal length (cm)",
    "petal width (cm)",
)


def load_data(test_split: float = 0.2, seed: int = 113) -> Split:
    """Load the irises that come with scikit-learn and need no download.

    Args:
        test_split: the fraction of the 150 flowers to hold out, from 0 to less than 1.
        seed: what the shuffled order depends on; the same seed gives the same split.

    Returns:
        ((x_train, y_train), (x_test, y_test)): float64 measurements of shape (n, 4), columns
        as in `FEATURE_NAMES`, and uint8 labels of shape (n,), indices into `CLASS_NAMES`.

    Raises:
        ArgumentError: if `test_split` is not such a fraction, or `seed` no non-negative integer.
        MissingExtraError: if scikit-learn is not installed.

    Example:
        >>> from nn.datasets import iris
        >>> (x_train, y_train), (x_test, y_test) = iris.load_data()
        >>> x_train.shape, y_train.shape, x_test.shape, y_test.shape
        ((120, 4), (120,), (30, 4), (30,))
    """
    data = require("sklearn.datasets", "nn", "load the irises").load_iris()
    return shuffle_split(data.data, data.target.astype(np.uint8), test_split, seed)
