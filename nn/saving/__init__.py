"""Files: written whole or not at all, read without running anything they hold."""

from importlib import import_module
from typing import Any

from nn.saving.custom import register_keras_serializable

__all__ = ["load_model", "register_keras_serializable", "save_model"]


def __getattr__(name: str) -> Any:
    """Return what stands above models, which themselves import rooms from here."""
    if name in __all__:
        return getattr(import_module("nn.saving.model_file"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
