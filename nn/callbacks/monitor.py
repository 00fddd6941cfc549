"""What callbacks that watch a number have in common."""

from __future__ import annotations

import warnings
from typing import Any

from autograd.errors import ArgumentError, message
from nn.callbacks.callback import Callback, Logs


class Monitor(Callback):
    """Watches a number of the logs, which improves by falling or by rising.

    Args:
        monitor: a key of the logs.
        mode: "min", "max", or "auto": losses fall, metrics do what is good for them.
        min_delta: what a change must exceed to count.
    """

    def __init__(self, monitor: str, mode: str, min_delta: float = 0.0) -> None:
        if mode not in ("auto", "min", "max"):
            raise ArgumentError(
                message("mode to be 'auto', 'min' or 'max'", repr(mode), "mode='min'")
            )
        self.monitor = monitor
        self.mode = mode
        self.min_delta = abs(min_delta)

    def current(self, logs: Logs | None) -> float | None:
        """Return the number, or None with a warning if it is not there."""
        logs = logs or {}
        if self.monitor not in logs:
            warnings.warn(
                message(
                    f"{self.monitor!r} in the logs for {type(self).__name__}",
                    ", ".join(logs) or "nothing",
                    "validation_data=..., or monitor='loss'",
                ),
                stacklevel=2,
            )
            return None
        return float(logs[self.monitor])

    def is_better(self, current: float, reference: float | None) -> bool:
        """Tell whether `current` improves on `reference` by more than min_delta."""
        if reference is None:
            return True
        if self.rises():
            return current > reference + self.min_delta
        return current < reference - self.min_delta

    def rises(self) -> bool:
        """Tell whether more is better.

        Raises:
            ArgumentError: if that cannot be known.
        """
        if self.mode != "auto":
            return self.mode == "max"
        name = self.monitor.removeprefix("val_")
        if name == "loss":
            return False
        found: Any = None
        for metric in self.model.recipe.metrics:
            if metric.name == name:
                found = metric.higher_is_better
        if found is None:
            raise ArgumentError(
                message(
                    f"mode='min' or 'max' for {self.monitor!r}",
                    "mode='auto', which does not know it",
                    "mode='min' if less is better",
                )
            )
        return bool(found)
