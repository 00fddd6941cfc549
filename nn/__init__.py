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
    pictures,
    regularizers,
    utils,
)
from nn.callbacks import (
    BackupAndRestore,
    Callback,
    CSVLogger,
    EarlyStopping,
    History,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
    TensorBoard,
    TerminateOnNaN,
)
from nn.layers import (
    ELU,
    GELU,
    Activation,
    Add,
    Average,
    BatchNormalization,
    Concatenate,
    Dense,
    Dropout,
    Flatten,
    GaussianNoise,
    Input,
    Layer,
    LayerNormalization,
    LeakyReLU,
    Multiply,
    ReLU,
    Rescaling,
    Reshape,
    SiLU,
    Softmax,
)
from nn.models import MLP, Model, Sequential, load_model
from nn.module import Module
from nn.optimizers import SGD, Adagrad, Adam, Adamax, AdamW, Lion, Nadam, RMSprop
from nn.utils import set_random_seed, to_categorical

__all__ = [
    "ELU",
    "GELU",
    "MLP",
    "SGD",
    "Activation",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Add",
    "Average",
    "BackupAndRestore",
    "BatchNormalization",
    "CSVLogger",
    "Callback",
    "Concatenate",
    "Dense",
    "Dropout",
    "EarlyStopping",
    "Flatten",
    "GaussianNoise",
    "History",
    "Input",
    "LambdaCallback",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "LearningRateScheduler",
    "Lion",
    "Model",
    "ModelCheckpoint",
    "Module",
    "Multiply",
    "Nadam",
    "RMSprop",
    "ReLU",
    "ReduceLROnPlateau",
    "Rescaling",
    "Reshape",
    "Sequential",
    "SiLU",
    "Softmax",
    "TensorBoard",
    "TerminateOnNaN",
    "activations",
    "callbacks",
    "config",
    "constraints",
    "datasets",
    "initializers",
    "layers",
    "load_model",
    "losses",
    "metrics",
    "models",
    "optimizers",
    "pictures",
    "regularizers",
    "set_random_seed",
    "to_categorical",
    "utils",
]
