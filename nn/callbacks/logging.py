"""Callbacks that write down what happens: CSVLogger, TensorBoard, LambdaCallback."""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from autograd.errors import ArgumentError, message, require
from nn.callbacks.callback import Callback, Logs


class CSVLogger(Callback):
    """Writes a line an epoch into a CSV file.

    Args:
        filename: the file.
        separator: between values.
        append: whether to go on with a file that is there.

    Example:
        >>> CSVLogger("log.csv").separator
        ','
    """

    def __init__(
        self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False
    ) -> None:
        self.filename = filename
        self.separator = separator
        self.append = append
        self.file: Any = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Open the file."""
        path = Path(self.filename)
        self.is_new = not (self.append and path.is_file() and path.stat().st_size)
        self.file = path.open("a" if self.append else "w", newline="", encoding="utf-8")
        self.writer: Any = None
        self.keys: list[str] = []

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write a line; what this epoch lacks is NA."""
        logs = logs or {}
        if self.writer is None:
            self.keys = sorted(logs)
            self.writer = csv.writer(self.file, delimiter=self.separator)
            if self.is_new:
                self.writer.writerow(["epoch", *self.keys])
        self.writer.writerow([epoch, *(logs.get(key, "NA") for key in self.keys)])
        self.file.flush()

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Close the file."""
        self.file.close()


class TensorBoard(Callback):
    """Writes loss and metrics for TensorBoard, which must be installed.

    Args:
        log_dir: the folder; training goes to train/ in it, validation to validation/.

    Raises:
        MissingExtraError: if tensorboard is not installed.
    """

    def __init__(self, log_dir: str | os.PathLike[str] = "logs") -> None:
        self.log_dir = Path(log_dir)
        name = "tensorboard.summary.writer.event_file_writer"
        self.writer_module = require(name, "nn", "write logs for TensorBoard (tensorboard)")
        self.event = require("tensorboard.compat.proto.event_pb2", "nn", "write its events")
        self.writers: dict[str, Any] = {}

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write one number a key."""
        for key, value in (logs or {}).items():
            side = "validation" if key.startswith("val_") else "train"
            if side not in self.writers:
                self.writers[side] = self.writer_module.EventFileWriter(str(self.log_dir / side))
            event = self.event.Event(step=epoch, wall_time=time.time())
            event.summary.value.add(
                tag=f"epoch_{key.removeprefix('val_')}", simple_value=float(value)
            )
            self.writers[side].add_event(event)

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Close the files."""
        for writer in self.writers.values():
            writer.close()
        self.writers = {}


class LambdaCallback(Callback):
    """Calls functions of your own.

    Args:
        functions: by the name of the event, such as on_epoch_end=lambda epoch, logs: ...

    Raises:
        ArgumentError: if there is no such event.

    Example:
        >>> LambdaCallback(on_train_begin=lambda logs: print("off we go")).on_train_begin(None)
        off we go
    """

    def __init__(self, **functions: Callable[..., Any]) -> None:
        for name, function in functions.items():
            if not name.startswith("on_") or not hasattr(Callback, name):
                raise ArgumentError(message("an event's name", name, "on_epoch_end"))
            setattr(self, name, function)
