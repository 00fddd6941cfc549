"""Small helpers under Keras' names."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.errors import ArgumentError, message
from nn.losses import class_index
from nn.random import set_random_seed

__all__ = ["plot_model", "set_random_seed", "to_categorical"]

_DIRECTIONS = {"TB": "down", "LR": "right"}


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


def plot_model(model: Any, to_file: Any = "model.png", rankdir: str = "TB") -> Any:
    """Draw a model's layers with their names and numbers of parameters, and save the picture.

    Args:
        model: a built model; `model.draw(x)` also shows the values and gradients of examples.
        to_file: where to, in any format of `Figure.save`; None not to save it.
        rankdir: "TB", from top to bottom, or "LR", from left to right.

    Returns:
        The figure.

    Raises:
        ArgumentError: if the model is not built, or the file name or `rankdir` is not known.

    Example:
        >>> import nn
        >>> plot_model(nn.MLP([4, 3, 2]), to_file=None)
        <Figure of 4 vertices and 3 edges>
    """
    if rankdir not in _DIRECTIONS:
        raise ArgumentError(message("rankdir to be 'TB' or 'LR'", repr(rankdir), "rankdir='TB'"))
    figure = model.draw(direction=_DIRECTIONS[rankdir])
    if to_file is not None:
        figure.save(to_file)
    return figure
