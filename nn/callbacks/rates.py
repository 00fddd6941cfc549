"""Callbacks that change the learning rate: by epoch, or when progress stalls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd.errors import ArgumentError, message
from nn.callbacks.callback import Callback, Logs
from nn.callbacks.monitor import Monitor


class LearningRateScheduler(Callback):
    """Sets the learning rate at the beginning of every epoch.

    Args:
        schedule: gives the rate from (epoch, rate so far).
        verbose: 1 to say so.

    Example:
        >>> LearningRateScheduler(lambda epoch, rate: rate * 0.5).verbose
        0
    """

    def __init__(self, schedule: Callable[[int, float], float], verbose: int = 0) -> None:
        self.schedule = schedule
        self.verbose = verbose

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Set the rate."""
        rate: Any = self.schedule(epoch, self.model.optimizer.learning_rate)
        if isinstance(rate, bool) or not isinstance(rate, (int, float)):
            raise ArgumentError(
                message("the schedule to return a number", f"{rate!r}", "return float(rate)")
            )
        self.model.optimizer.learning_rate = rate
        if self.verbose:
            print(f"Epoch {epoch + 1}: learning rate {rate}")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Log the rate."""
        if logs is not None:
            logs["learning_rate"] = self.model.optimizer.learning_rate


class ReduceLROnPlateau(Monitor):
    """Lowers the learning rate when a number has not improved for a while.

    Args:
        monitor: a key of the logs.
        factor: what the rate is multiplied by, below 1.
        patience: how many epochs without improvement are borne.
        verbose: 1 to say so.
        mode: "min", "max" or "auto".
        min_delta: what a change must exceed to count.
        cooldown: how many epochs to wait after lowering.
        min_lr: the lowest rate.

    Raises:
        ArgumentError: if `factor` is not below 1.

    Example:
        >>> ReduceLROnPlateau(factor=0.5).patience
        10
    """

    state = ("wait", "best", "cooldown_counter")

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        if not 0 < factor < 1:
            raise ArgumentError(message("factor between 0 and 1", repr(factor), "factor=0.1"))
        self.factor = factor
        self.patience = patience
        self.verbose = verbose
        self.cooldown = cooldown
        self.min_lr = min_lr

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Start anew."""
        self.wait = 0
        self.best: float | None = None
        self.cooldown_counter = 0

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Compare, and lower the rate when patience is at its end."""
        optimizer = self.model.optimizer
        if logs is not None:
            logs["learning_rate"] = optimizer.learning_rate
        current = self.current(logs)
        if current is None:
            return
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.wait = 0
        if self.is_better(current, self.best):
            self.best = current
            self.wait = 0
        elif self.cooldown_counter <= 0:
            self.wait += 1
            if self.wait >= self.patience and optimizer.learning_rate > self.min_lr:
                optimizer.learning_rate = max(optimizer.learning_rate * self.factor, self.min_lr)
                self.cooldown_counter = self.cooldown
                self.wait = 0
                if self.verbose:
                    print(f"Epoch {epoch + 1}: learning rate {optimizer.learning_rate}")
