"""Digits: 1,797 small handwritten digits that come with scikit-learn, by Alpaydin and Kaynak."""

from __future__ import annotations

import numpy as np

from autograd.errors import require
from nn.datasets.sources import Split
from nn.datasets.splitting import shuffle_split


def load_data(test_split: float = 0.2, seed: int = 113) -> Split:
    """Load scikit-learn's digits, which need no download.

    Args:
        test_split: the fraction of the 1,797 digits to hold out, from 0 to less than 1.
        seed: what the shuffled order depends on; the same seed gives the same split.

    Returns:
        ((x_train, y_train), (x_test, y_test)): uint8 images of shape (n, 8, 8), from 0 for
        paper to 16 (not 255) for ink, and their uint8 labels of shape (n,), 0 to 9.

    Raises:
        ArgumentError: if `test_split` is not such a fraction, or `seed` no non-negative integer.
        MissingExtraError: if scikit-learn is not installed.

    Example:
        >>> from nn.datasets import digits
        >>> (x_train, y_train), (x_test, y_test) = digits.load_data()
        >>> x_train.shape, y_train.shape, x_test.shape, y_test.shape
        ((1438, 8, 8), (1438,), (359, 8, 8), (359,))
    """
    data = require("sklearn.datasets", "nn", "load the digits").load_digits()
    return shuffle_split(
        data.images.astype(np.uint8), data.target.astype(np.uint8), test_split, seed
    )
