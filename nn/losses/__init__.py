"""Losses by Keras' formulas.

A function of this module returns the mean over the batch, ready for `backward()`; with
`reduction=None` it returns what Keras' function of the same name returns, one loss an example.
"""

from nn.losses.classification import (
    binary_crossentropy,
    categorical_crossentropy,
    class_index,
    hinge,
    kl_divergence,
    sparse_categorical_crossentropy,
)
from nn.losses.common import EPSILON, REGISTRY, aligned, reduce
from nn.losses.objects import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    CustomLoss,
    HalfSumOfSquares,
    Hinge,
    Huber,
    KLDivergence,
    LogCosh,
    Loss,
    LossOf,
    MeanAbsoluteError,
    MeanSquaredError,
    SparseCategoricalCrossentropy,
    get,
)
from nn.losses.regression import (
    half_sum_of_squares,
    huber,
    log_cosh,
    mean_absolute_error,
    mean_squared_error,
)

__all__ = [
    "EPSILON",
    "REGISTRY",
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "CustomLoss",
    "HalfSumOfSquares",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "LossOf",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "SparseCategoricalCrossentropy",
    "aligned",
    "binary_crossentropy",
    "categorical_crossentropy",
    "class_index",
    "get",
    "half_sum_of_squares",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_squared_error",
    "reduce",
    "sparse_categorical_crossentropy",
]
