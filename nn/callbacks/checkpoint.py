"""Callbacks that save: ModelCheckpoint, and BackupAndRestore, which resumes with the same bits."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from autograd.errors import ArgumentError, message
from nn.callbacks.callback import Callback, Logs
from nn.callbacks.monitor import Monitor
from nn.saving import state


class ModelCheckpoint(Monitor):
    """Saves the model, or its weights, after epochs or every few batches.

    Args:
        filepath: where; {epoch}, {batch} and keys of the logs are filled in. The ending says
            how: .keras, .weights.h5, .h5 or .safetensors.
        monitor: the key of the logs that says which is best.
        verbose: 1 to say so.
        save_best_only: whether to save only what improves.
        save_weights_only: whether to leave out structure and optimizer.
        mode: "min", "max" or "auto".
        save_freq: "epoch", or after how many batches.
        initial_value_threshold: what must be beaten at first.

    Raises:
        ArgumentError: if a setting is out of range.

    Example:
        >>> ModelCheckpoint("best.keras", save_best_only=True).monitor
        'val_loss'
    """

    state = ("best", "batches")

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(monitor, mode)
        self.save_freq = _frequency(save_freq)
        self.filepath = os.fspath(filepath)
        if not self.filepath.endswith((".keras", ".h5", ".safetensors")):
            raise ArgumentError(
                message(
                    "filepath to end in .keras, .weights.h5, .h5 or .safetensors",
                    repr(self.filepath),
                    f"{self.filepath}.weights.h5"
                    if save_weights_only
                    else f"{self.filepath}.keras",
                )
            )
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.best = initial_value_threshold
        self.batches = 0
        self.epoch = 0

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Remember the epoch, for the name of the file."""
        self.epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Save every few batches."""
        self.batches += 1
        if self.save_freq != "epoch" and self.batches >= int(self.save_freq):
            self.batches = 0
            self._save(logs, batch)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Save after the epoch."""
        if self.save_freq == "epoch":
            self._save(logs, None)

    def _save(self, logs: Logs | None, batch: int | None) -> None:
        if self.save_best_only:
            current = self.current(logs)
            if current is not None:
                if current != current or not self.is_better(current, self.best):
                    return
                self.best = current
        known = {**(logs or {}), "epoch": self.epoch + 1, "batch": (batch or 0) + 1}
        try:
            path = Path(self.filepath.format(**known))
        except (KeyError, IndexError) as error:
            raise ArgumentError(
                message(
                    "names in filepath among the logs", f"{error} in {self.filepath!r}", "{epoch}"
                )
            ) from error
        path.parent.mkdir(parents=True, exist_ok=True)
        if self.save_weights_only:
            self.model.save_weights(path)
        else:
            self.model.save(path)
        if self.verbose:
            print(f"Epoch {self.epoch + 1}: saved {path}")


def _frequency(save_freq: Any) -> Any:
    whole = isinstance(save_freq, int) and not isinstance(save_freq, bool) and save_freq > 0
    if save_freq != "epoch" and not whole:
        raise ArgumentError(
            message("save_freq to be 'epoch' or a positive integer", repr(save_freq), "'epoch'")
        )
    return save_freq


class BackupAndRestore(Callback):
    """Saves everything the training is in the middle of, and resumes there with the same bits.

    Weights, optimizer, random states, position in the data, history and the other callbacks: a
    process that is killed at any moment and started again ends with the weights and history that
    it would have ended with.

    Args:
        backup_dir: a folder for this training alone.
        save_freq: "epoch", or after how many batches.
        delete_checkpoint: whether to remove the backup after the training has ended.

    Raises:
        ArgumentError: if a setting is out of range.

    Example:
        >>> BackupAndRestore("backup").save_freq
        'epoch'
    """

    def __init__(
        self,
        backup_dir: str | os.PathLike[str],
        save_freq: str | int = "epoch",
        delete_checkpoint: bool = True,
    ) -> None:
        self.path = Path(backup_dir) / "training.npz"
        self.save_freq = _frequency(save_freq)
        self.delete_checkpoint = delete_checkpoint
        self.batches = 0

    def on_train_resume(self) -> None:
        """Go to where the backup was made, if there is one."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        for unfinished in self.path.parent.glob(f".{self.path.name}.*"):
            unfinished.unlink()
        self.batches = 0
        if self.path.is_file():
            self.model.loop.resume(state.read(self.path))

    def on_rest(self, epoch_ended: bool) -> None:
        """Save, if it is time."""
        self.batches += 1
        if epoch_ended if self.save_freq == "epoch" else self.batches >= int(self.save_freq):
            self.batches = 0
            state.write(self.path, self.model.loop.snapshot())

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Remove the backup: the training is complete."""
        if self.delete_checkpoint and not self.model.loop.interrupted:
            self.path.unlink(missing_ok=True)
