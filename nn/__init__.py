"""Neural networks on the public interface of `autograd`, with Keras 3's names and defaults.

Example:
    >>> import numpy as np
    >>> import nn
    >>> model = nn.MLP([2, 8, 1], "tanh", seed=0)
    >>> model.compile(optimizer=nn.optimizers.Adam(0.05), loss="mse")
    >>> x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    >>> history = model.fit(x, [0, 1, 1, 0], epochs=200, verbose=0)
    >>> history.history["loss"][-1] < 0.01
    True
"""

from nn import (
    activations,
    callbacks,
    config,
    constraints,
    datasets,
    initializers,
    layers,
    losses,
    metrics,
    models,
    optimizers,
    regularizers,
    utils,
)
from nn.callbacks import Callback, History
from nn.layers import Activation, Dense, Flatten, Input, Layer, Reshape
from nn.models import MLP, Model, Sequential
from nn.module import Module
from nn.optimizers import SGD, Adam
from nn.utils import set_random_seed, to_categorical

__all__ = [
    "MLP",
    "SGD",
    "Activation",
    "Adam",
    "Callback",
    "Dense",
    "Flatten",
    "History",
    "Input",
    "Layer",
    "Model",
    "Module",
    "Reshape",
    "Sequential",
    "activations",
    "callbacks",
    "config",
    "constraints",
    "datasets",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "models",
    "optimizers",
    "regularizers",
    "set_random_seed",
    "to_categorical",
    "utils",
]
