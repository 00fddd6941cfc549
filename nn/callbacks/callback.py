"""What is told how training goes: `Callback`, the list of them, and `History`."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from autograd.errors import ArgumentError, MissingExtraError, message, require

Logs = dict[str, Any]


class Callback:
    """Told what happens in training; subclasses override what they want to hear.

    `self.model` is the model, `self.params` says epochs, steps and verbosity. Setting
    `self.model.stop_training` ends the training after the current batch or epoch.

    Example:
        >>> class Shout(Callback):
        ...     def on_epoch_end(self, epoch, logs=None):
        ...         print(epoch, logs)
        >>> Shout().on_epoch_end(0, {"loss": 1.0})
        0 {'loss': 1.0}
    """

    handles_nan = False
    """Whether a loss that is not finite is this callback's business: then `fit` does not raise."""

    state: tuple[str, ...] = ()
    """The attributes that a backup of the training keeps."""

    model: Any = None
    params: Logs

    def set_model(self, model: Any) -> None:
        """Take note of the model."""
        self.model = model

    def set_params(self, params: Logs) -> None:
        """Take note of epochs, steps and verbosity."""
        self.params = params

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Training begins."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Training has ended, for whatever reason."""

    def on_train_resume(self) -> None:
        """All callbacks have begun; the training may go to another position."""

    def on_rest(self, epoch_ended: bool) -> None:
        """All callbacks have heard of a batch or epoch; everything may be saved."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """An epoch begins, the first is 0."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """An epoch has ended; `logs` holds loss, metrics and those of the validation."""

    def on_progress(self, logs: Callable[[], Logs]) -> None:
        """A batch of a training, evaluation or prediction has ended.

        Args:
            logs: gives what the end of the batch tells, for those who do not always read it.
        """

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Another name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Another name of `on_train_batch_end`."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """A training batch begins, the first of an epoch is 0."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """A training batch has ended; `logs` holds the means of the epoch so far."""
        self.on_batch_end(batch, logs)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """An evaluation begins."""

    def on_test_end(self, logs: Logs | None = None) -> None:
        """An evaluation has ended."""

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """A batch of an evaluation begins."""

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """A batch of an evaluation has ended."""

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """A prediction begins."""

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """A prediction has ended."""

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """A batch of a prediction begins."""

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """A batch of a prediction has ended."""


class CallbackList:
    """Several callbacks told one after another.

    Args:
        callbacks: in order.
        model: the model they are told about.
        params: epochs, steps and verbosity.
    """

    def __init__(self, callbacks: Iterable[Callback], model: Any, params: Logs) -> None:
        self.callbacks = list(callbacks)
        for callback in self.callbacks:
            callback.set_model(model)
            callback.set_params(params)

    def tell(self, event: str, *args: Any) -> None:
        """Call the method `event` of each with the same arguments."""
        for callback in self.callbacks:
            getattr(callback, event)(*args)

    def teller(self, event: str) -> Callable[..., None] | None:
        """Return what tells an event of every batch to those who hear it, None if nobody does."""
        hearing = [callback for callback in self.callbacks if _hears(callback, event)]
        if not hearing:
            return None

        def tell(*args: Any) -> None:
            for callback in hearing:
                getattr(callback, event)(*args)

        return tell

    def around_batches(
        self, kind: str
    ) -> tuple[Callable[[int], None], Callable[[int, Callable[[], Logs]], None]]:
        """Return what to call before and after each batch.

        Args:
            kind: "train", "test" or "predict".

        Returns:
            A function of the batch's number, and one of the number and what gives the logs, which
            are gathered only for somebody who reads them.
        """
        began = self.teller(f"on_{kind}_batch_begin")
        ended = self.teller(f"on_{kind}_batch_end")
        moved = self.teller("on_progress")

        def begin(batch: int) -> None:
            if began is not None:
                began(batch, {})

        def end(batch: int, gather: Callable[[], Logs]) -> None:
            if ended is not None:
                logs = gather()
                ended(batch, logs)
                gather = lambda: logs  # noqa: E731 - what callbacks have heard, and may have changed
            if moved is not None:
                moved(gather)

        return begin, end


_OTHER_NAMES = {
    "on_train_batch_begin": ("on_batch_begin",),
    "on_train_batch_end": ("on_batch_end",),
}


def _hears(callback: Callback, event: str) -> bool:
    """Whether a callback does anything at an event."""
    return any(
        getattr(getattr(callback, name), "__func__", None) is not getattr(Callback, name)
        for name in (event, *_OTHER_NAMES.get(event, ()))
    )


class History(Callback):
    """What `fit` returns: loss and metrics, epoch by epoch.

    Attributes:
        history: a list a key, such as "loss" and "val_accuracy".
        epoch: the numbers of the epochs, from 0.
        measured: for each key the epochs of its values, fewer where `validation_freq` skips some.

    Example:
        >>> history = History()
        >>> history.on_train_begin()
        >>> history.on_epoch_end(0, {"loss": 0.5})
        >>> history.history, history.epoch
        ({'loss': [0.5]}, [0])
    """

    def __init__(self) -> None:
        self.history: dict[str, list[Any]] = {}
        self.epoch: list[int] = []
        self.measured: dict[str, list[int]] = {}

    state = ("history", "epoch", "measured")

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Count epochs afresh; the history itself goes on."""
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Append what was measured."""
        self.epoch.append(epoch)
        for key, value in (logs or {}).items():
            self.history.setdefault(key, []).append(value)
            self.measured.setdefault(key, []).append(epoch)

    def __repr__(self) -> str:
        last = ", ".join(f"{key} {values[-1]:.4g}" for key, values in self.history.items())
        epochs = max(map(len, self.history.values()), default=0)
        return f"<History of {epochs} {'epoch' if epochs == 1 else 'epochs'}: {last or 'nothing'}>"

    def _repr_png_(self) -> bytes | None:
        """Show the curves in a notebook, where matplotlib is installed."""
        buffer = io.BytesIO()
        try:
            self.plot().savefig(buffer, format="png", dpi=110)
        except (ArgumentError, MissingExtraError):
            return None
        return buffer.getvalue()

    def plot(self, path: str | os.PathLike[str] | None = None) -> Any:
        """Draw loss and metrics over the epochs, training and validation together.

        The best epoch is marked: that of the lowest loss, of the validation where there is one.

        Args:
            path: where to save the picture, with an ending such as .png or .svg; None not to.

        Returns:
            The figure of matplotlib.

        Raises:
            ArgumentError: if there is nothing to draw.
            MissingExtraError: if matplotlib is not installed.
        """
        keys = [key for key in self.history if not key.startswith("val_")]
        if not keys:
            raise ArgumentError(message("a history of at least one epoch", "none", "fit first"))
        figures = require("matplotlib.figure", "nn", "draw the history")
        figure = figures.Figure(figsize=(4.8 * len(keys), 3.6), layout="constrained")
        judge = "val_loss" if "val_loss" in self.history else keys[0]
        losses = dict(zip(self.measured[judge], self.history[judge], strict=True))
        best = min(losses, key=lambda e: (np.isnan(losses[e]), losses[e])) + 1
        for axes, key in zip(figure.subplots(1, len(keys), squeeze=False)[0], keys, strict=True):
            for name, label in ((key, "training"), (f"val_{key}", "validation")):
                values = self.history.get(name)
                if values:
                    epochs = [e + 1 for e in self.measured[name]]
                    axes.plot(epochs, values, marker="o" if len(values) < 20 else None, label=label)
            axes.axvline(best, color="gray", linestyle="--", label=f"best epoch, {best}")
            axes.set(xlabel="epoch", ylabel=key)
            axes.xaxis.get_major_locator().set_params(integer=True)
            axes.legend()
        if path is not None:
            figure.savefig(path)
        return figure
