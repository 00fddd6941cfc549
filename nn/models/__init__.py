"""Models: Sequential ones, perceptrons, and those of your own."""

from nn.models.functional import Functional
from nn.models.model import Model
from nn.models.sequential import MLP, Sequential

__all__ = ["MLP", "Functional", "Model", "Sequential"]
