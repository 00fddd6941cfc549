"""Models: Sequential ones, perceptrons, and those of your own."""

from nn.models.functional import Functional
from nn.models.model import Model
from nn.models.sequential import MLP, Sequential
from nn.saving.model_file import load_model, save_model
from nn.saving.structure import (
    clone_model,
    model_config,
    model_from_config,
    model_from_json,
    model_to_json,
)

Model.save = save_model
Model.to_json = model_to_json
Model.get_config = model_config  # type: ignore[method-assign, assignment]
Model.from_config = classmethod(model_from_config)  # type: ignore[method-assign, assignment]

__all__ = [
    "MLP",
    "Functional",
    "Model",
    "Sequential",
    "clone_model",
    "load_model",
    "model_from_json",
    "save_model",
]
