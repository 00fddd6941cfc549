"""Callbacks that end the training: EarlyStopping, TerminateOnNaN."""

from __future__ import annotations

import math
from typing import Any

from nn.callbacks.callback import Callback, Logs
from nn.callbacks.monitor import Monitor


class EarlyStopping(Monitor):
    """Ends the training once a number has not improved for a while.

    Args:
        monitor: a key of the logs.
        min_delta: what a change must exceed to count.
        patience: how many epochs without improvement are borne; 0 acts like 1.
        verbose: 1 to say so.
        mode: "min", "max" or "auto".
        baseline: a value that must be beaten before the waiting starts anew.
        restore_best_weights: whether to go back to the weights of the best epoch at the end.
        start_from_epoch: the first epoch that counts.

    Raises:
        ArgumentError: if a setting is out of range.

    Example:
        >>> EarlyStopping(monitor="loss", patience=2).patience
        2
    """

    state = ("wait", "best", "best_epoch", "best_weights", "stopped_epoch")

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0.0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.patience = patience
        self.verbose = verbose
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Start anew, so that the callback can be used again."""
        self.wait = 0
        self.best: float | None = None
        self.best_epoch = 0
        self.best_weights: Any = None
        self.stopped_epoch = 0

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Compare, and stop when patience is at its end."""
        if epoch < self.start_from_epoch:
            return
        current = self.current(logs)
        if current is None:
            return
        if self.restore_best_weights and self.best_weights is None:
            self.best_weights = self.model.get_weights()
        self.wait += 1
        if self.is_better(current, self.best):
            self.best = current
            self.best_epoch = epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self.baseline is None or self.is_better(current, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Say when it stopped, and go back to the best weights."""
        if self.stopped_epoch and self.verbose:
            print(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.restore_best_weights and self.best_weights is not None:
            self.model.set_weights(self.best_weights)


class TerminateOnNaN(Callback):
    """Ends the training, instead of raising, when the loss is infinite or nan.

    The batch that gave it updates nothing.

    Example:
        >>> TerminateOnNaN().handles_nan
        True
    """

    handles_nan = True

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Look at the loss."""
        loss = (logs or {}).get("loss")
        if loss is not None and not math.isfinite(loss):
            print(f"Batch {batch}: the loss is {loss}, terminating training")
            self.model.stop_training = True
