"""Files: written whole or not at all, read without running anything they hold."""

from nn.saving.custom import register_keras_serializable

__all__ = ["register_keras_serializable"]
