"""Learning rates that depend on the number of updates made."""

from __future__ import annotations

from typing import Any

from nn.registry import Configurable, Registry

REGISTRY = Registry("learning rate schedule")


class LearningRateSchedule(Configurable):
    """A function of the number of updates made; subclasses give `__call__`."""

    def __call__(self, step: int) -> float:
        """Return the learning rate after `step` updates."""
        raise NotImplementedError

    @staticmethod
    def from_plain(config: dict[str, Any]) -> Any:
        """Make a schedule from its class name and configuration."""
        return REGISTRY.get(config)
