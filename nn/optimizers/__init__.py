"""Optimizers and learning-rate schedules, by Keras 3's formulas and defaults."""

from nn.optimizers import schedules
from nn.optimizers.optimizer import Optimizer, get
from nn.optimizers.rules import SGD, Adagrad, Adam, Adamax, AdamW, Lion, Nadam, RMSprop

__all__ = [
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Lion",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "get",
    "schedules",
]
