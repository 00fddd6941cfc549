"""Models: Sequential ones, perceptrons, and those of your own."""

from nn.models.functional import Functional
from nn.models.model import Model
from nn.models.sequential import MLP, Sequential
from nn.saving.model_file import load_model, save_model

Model.save = save_model

__all__ = ["MLP", "Functional", "Model", "Sequential", "load_model", "save_model"]
