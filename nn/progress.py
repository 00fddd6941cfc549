"""The progress of training in words: a bar in a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

from nn.callbacks.callback import Callback, Logs


def in_words(logs: Logs | None) -> str:
    """Return logs as one line.

    Example:
        >>> in_words({"loss": 0.123456, "accuracy": 1.0})
        'loss: 0.1235 - accuracy: 1.0000'
    """
    parts = []
    for key, value in (logs or {}).items():
        if isinstance(value, float):
            small = value != 0 and abs(value) < 1e-3
            parts.append(f"{key}: {value:.4e}" if small else f"{key}: {value:.4f}")
    return " - ".join(parts)


INTERVAL = 0.1
"""So many seconds pass between two looks of the bar."""


class ProgressBar(Callback):
    """Shows how training, evaluation or prediction goes.

    Args:
        verbose: 1 for a bar (in a terminal) and a line an epoch, 2 for the line alone.
    """

    def __init__(self, verbose: int) -> None:
        self.show_bar = verbose == 1 and sys.stdout.isatty()
        self.bar: Any = None
        self.training = self.validating = False
        self.waiting = 0
        self.due = 0.0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Remember that evaluations are part of training."""
        self.training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Leave the terminal clean."""
        self.training = self.validating = False
        self._close()

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Start a bar."""
        self._start(f"Epoch {epoch + 1}/{self.params['epochs']}")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Print the line of the epoch."""
        self._finish(logs)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Start a bar, unless this is the validation of an epoch."""
        self.validating = self.training
        if not self.training:
            self._start("Evaluate")

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Print the result."""
        self.validating = False
        if not self.training:
            self._finish(logs)

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Start a bar."""
        self._start("Predict")

    def on_progress(self, logs: Callable[[], Logs]) -> None:
        """Move the bar, and let it be seen now and then."""
        if self.bar is None or self.validating:
            return
        self.waiting += 1
        now = time.perf_counter()
        if now >= self.due:
            self.due = now + INTERVAL
            self.bar.set_postfix_str(in_words(logs()), refresh=False)
            self.bar.update(self.waiting)
            self.waiting = 0

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """Print how long it took."""
        self._finish(logs)

    def _start(self, title: str) -> None:
        self.title = title
        self.started = time.perf_counter()
        self.due = self.started + INTERVAL
        self.waiting = 0
        if self.show_bar:
            from tqdm import tqdm  # only a terminal needs it, and it is slow to import

            self.bar = tqdm(
                total=self.params.get("steps"),
                desc=title,
                unit="batch",
                file=sys.stdout,
                leave=False,
                dynamic_ncols=True,
                mininterval=0,
                miniters=1,
            )

    def _finish(self, logs: Logs | None) -> None:
        self._close()
        seconds = f"{time.perf_counter() - self.started:.1f}s"
        print(" - ".join(filter(None, (self.title, seconds, in_words(logs)))), flush=True)

    def _close(self) -> None:
        if self.bar is not None:
            self.bar.close()
            self.bar = None
