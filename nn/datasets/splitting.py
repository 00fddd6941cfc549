"""Dividing examples into some to learn from and others to be tested on."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd.errors import ArgumentError, message
from nn.datasets.sources import Split


def shuffle_split(x: NDArray[Any], y: NDArray[Any], test_split: float, seed: int) -> Split:
    """Shuffle examples and hold some of them out for testing.

    Args:
        x: the examples, of shape (n, ...) and any dtype.
        y: their targets, of shape (n, ...) and any dtype.
        test_split: the fraction to hold out, from 0 to less than 1; n times it is rounded.
        seed: what the order depends on; the same seed gives the same split.

    Returns:
        ((x_train, y_train), (x_test, y_test)), copies of the given dtypes.

    Raises:
        ArgumentError: if `test_split` leaves nothing to train on or is no fraction, or
            `seed` is not a non-negative integer.

    Example:
        >>> x = np.arange(5)
        >>> (x_train, y_train), (x_test, y_test) = shuffle_split(x, -x, test_split=0.4, seed=1)
        >>> len(x_train), len(x_test), bool(np.all(x_test == -y_test))
        (3, 2, True)
    """
    if not (isinstance(test_split, Real) and 0 <= test_split < 1):
        raise ArgumentError(
            message("test_split to be a fraction, 0 <= test_split < 1", repr(test_split), "0.2")
        )
    if not (isinstance(seed, Integral) and seed >= 0):
        raise ArgumentError(message("seed to be a non-negative integer", repr(seed), "113"))
    held_out = round(len(x) * float(test_split))
    if held_out == len(x):
        raise ArgumentError(
            message(
                f"test_split to leave some of {len(x)} examples to train on",
                repr(test_split),
                "a smaller fraction",
            )
        )
    order = np.random.default_rng(seed).permutation(len(x))
    test, train = order[:held_out], order[held_out:]
    return (x[train], y[train]), (x[test], y[test])
