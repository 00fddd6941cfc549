"""Small helpers under Keras' names."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.errors import ArgumentError, message
from nn.losses import class_index
from nn.random import set_random_seed

__all__ = ["set_random_seed", "to_categorical"]


def to_categorical(x: Any, num_classes: int | None = None) -> Any:
    """Return integer labels as one-hot rows.

    Args:
        x: labels from 0, of any shape; a last axis of length 1 is dropped.
        num_classes: the number of classes; the largest label and one if not given.

    Returns:
        A float64 array with one more axis.

    Raises:
        ArgumentError: if a label is out of range or no whole number.

    Example:
        >>> to_categorical([0, 2])
        array([[1., 0., 0.],
               [0., 0., 1.]])
    """
    labels = np.asarray(x)
    if labels.size == 0 and num_classes is None:
        raise ArgumentError(message("at least one label", "none", "giving num_classes"))
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    if num_classes is None:
        index, _ = class_index(labels, (*labels.shape, np.iinfo(np.int64).max))
        num_classes = int(np.max(index)) + 1
    index, _ = class_index(labels, (*labels.shape, num_classes))
    return np.eye(num_classes)[index]
