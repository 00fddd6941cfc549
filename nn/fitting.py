"""The loop of `fit`: epochs, batches, validation, callbacks, and a clean stop by Ctrl-C."""

from __future__ import annotations

import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from autograd.errors import ArgumentError, message
from nn.callbacks.callback import CallbackList, History, Logs
from nn.data import Source, TrainingSource
from nn.metrics import Mean
from nn.random import drawing_from
from nn.training import NotFiniteError, test_step, train_step


class FitLoop:
    """Everything that a training is in the middle of.

    Args:
        model: a compiled and built model.
        source: where batches come from.
        epochs: the number of the last epoch.
        initial_epoch: how many are done already.
        validation: where batches for validation come from, or None.
        validation_freq: after how many epochs to validate.
        callbacks: who is told.
        history: what is returned.
    """

    def __init__(
        self,
        model: Any,
        source: TrainingSource,
        epochs: int,
        initial_epoch: int,
        validation: Source | None,
        validation_freq: int,
        callbacks: CallbackList,
        history: History,
    ) -> None:
        self.model = model
        self.source = source
        self.epochs = epochs
        self.epoch = initial_epoch
        self.batch = 0
        self.validation = validation
        self.validation_freq = validation_freq
        self.callbacks = callbacks
        self.history = history
        self.loss = Mean("loss")
        self.interrupted = False
        self.pending: dict[str, Any] | None = None

    def run(self) -> History:
        """Train, and return the history.

        Raises:
            NotFiniteError: if the loss becomes infinite or nan and no callback handles that.
        """
        model = self.model
        model.stop_training = False
        model.loop = self
        tell = self.callbacks.tell
        logs: Logs = {}
        try:
            # what overflows becomes inf or nan, and is found there
            quiet = np.errstate(all="ignore")
            with drawing_from(model.generator), self._interruptible(), quiet:
                tell("on_train_begin", {})
                tell("on_train_resume")
                while self.epoch < self.epochs and not model.stop_training:
                    logs = self._run_epoch()
                    if self.interrupted:
                        break
                    self.epoch += 1
                    self.batch = 0
                    tell("on_rest", True)
                tell("on_train_end", logs)
        finally:
            model.loop = None
        return self.history

    def logs(self) -> Logs:
        """Return loss and metrics of the epoch so far."""
        return {"loss": self.loss.result(), **self.model.recipe.results()}

    def _run_epoch(self) -> Logs:
        model, tell = self.model, self.callbacks.tell
        if self.pending and not self.batch:
            self.source.seek(self.pending["position"], model.generator)
            self._reinstate()
        tell("on_epoch_begin", self.epoch, {})
        self.loss.reset_state()
        model.recipe.reset()
        begin, end = self.callbacks.around_batches("train")
        rest = self.callbacks.teller("on_rest")
        for x, y, weight in self._batches():
            begin(self.batch)
            self.loss.add(self._step(x, y, weight), len(y))
            del x, y, weight  # the next batch may take their place
            self.batch += 1
            end(self.batch - 1, self.logs)
            if rest is not None:
                rest(False)
            if self.interrupted:
                return self.logs()
            if model.stop_training:
                break
        if not self.batch and not self.history.history:
            refuse_nothing(self.batch, "to train on")
        if self.batch < (self.source.steps or 1) and not model.stop_training:
            warnings.warn(
                message(
                    f"{self.source.steps or 'some'} batches an epoch",
                    f"{self.batch} before the data ran out, which ends the training",
                    "fewer steps_per_epoch or epochs, or an iterable that starts anew each epoch",
                ),
                stacklevel=5,
            )
            model.stop_training = True
            if not self.batch:
                return {}  # an epoch that did not take place is not measured
        logs = self.logs()
        if self.validation is not None and (self.epoch + 1) % self.validation_freq == 0:
            held_out = evaluate(model, self.validation, self.callbacks)
            logs.update({f"val_{key}": value for key, value in held_out.items()})
        tell("on_epoch_end", self.epoch, logs)
        return logs

    def _batches(self) -> Iterator[tuple[Any, Any, Any]]:
        """Return the batches of this epoch that are left."""
        rng = self.model.generator
        if self.pending:
            self.source.seek(self.pending["position"], rng)
        batches = self.source.epoch(rng, self.batch)
        if self.pending:
            self._reinstate()
        return batches

    def snapshot(self) -> dict[str, Any]:
        """Return everything that `resume` needs to go on from here with the same bits."""
        model, optimizer = self.model, self.model.optimizer
        return {
            "epoch": self.epoch,
            "batch": self.batch,
            "position": self.source.position,
            "weights": model.get_weights(),
            "slots": optimizer.state,
            "iterations": optimizer.iterations,
            "learning_rate": optimizer.learning_rate,
            "generators": [g.bit_generator.state for g in model.named_generators().values()],
            "measures": [m.get_state() for m in (self.loss, *model.recipe.metrics)],
            "callbacks": [
                {name: getattr(c, name) for name in c.state} for c in self.callbacks.callbacks
            ],
            "stop": model.stop_training,
        }

    def resume(self, state: dict[str, Any]) -> None:
        """Go on from a snapshot.

        Raises:
            ArgumentError: if it is of another training.
        """
        counts = {
            "weights": len(self.model.weights),
            "slots": len(self.model.optimizer.parameters),
            "callbacks": len(self.callbacks.callbacks),
            "measures": 1 + len(self.model.recipe.metrics),
            "generators": len(self.model.named_generators()),
        }
        for key, count in counts.items():
            if len(state[key]) != count:
                raise ArgumentError(
                    message(
                        f"a backup with {count} {key}, as this training has",
                        f"{len(state[key])}",
                        "another backup_dir, one for each training",
                    )
                )
        self.pending = state
        self.epoch, self.batch = state["epoch"], state["batch"]
        self.model.stop_training = state["stop"]
        if self.model.stop_training or self.epoch >= self.epochs:
            self._reinstate()

    def _reinstate(self) -> None:
        assert self.pending is not None
        state, self.pending = self.pending, None
        model, optimizer = self.model, self.model.optimizer
        model.set_weights(state["weights"])
        optimizer.state = state["slots"]
        optimizer.iterations = state["iterations"]
        if optimizer.learning_rate != state["learning_rate"]:
            optimizer.learning_rate = state["learning_rate"]
        for g, saved in zip(model.named_generators().values(), state["generators"], strict=True):
            g.bit_generator.state = saved
        for m, saved in zip((self.loss, *model.recipe.metrics), state["measures"], strict=True):
            m.set_state(saved)
        for c, saved in zip(self.callbacks.callbacks, state["callbacks"], strict=True):
            vars(c).update(saved)

    def _step(self, x: Any, y: Any, weight: Any) -> float:
        try:
            return train_step(self.model, self.model.recipe, x, y, weight)
        except NotFiniteError as error:
            if any(c.handles_nan for c in self.callbacks.callbacks):
                return float("nan")
            raise NotFiniteError(
                f"epoch {self.epoch + 1}, batch {self.batch + 1}: {error}"
            ) from None

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        """Let the first Ctrl-C end the training after the current batch, the second at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        previous = signal.getsignal(signal.SIGINT)

        def stop(number: int, frame: Any) -> None:
            self.interrupted = True
            signal.signal(signal.SIGINT, previous)

        if previous is not signal.default_int_handler:
            yield
            return
        signal.signal(signal.SIGINT, stop)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, previous)


def refuse_nothing(batches: Any, what: str) -> None:
    """Raise unless there was a batch.

    Raises:
        ArgumentError: if there was none.
    """
    if not batches:
        raise ArgumentError(
            message(
                f"a batch {what} at least",
                "none",
                "data that are not used up yet, such as an iterable that starts anew each time",
            )
        )


def evaluate(model: Any, source: Source, callbacks: CallbackList) -> Logs:
    """Return loss and metrics of a data set, and leave the metrics fresh.

    Raises:
        ArgumentError: if there is no batch.
    """
    tell = callbacks.tell
    loss = Mean("loss")
    model.recipe.reset()
    tell("on_test_begin", {})

    def means() -> Logs:
        return {"loss": loss.result(), **model.recipe.results()}

    begin, end = callbacks.around_batches("test")
    batches = 0
    for x, y, weight in source.epoch(model.generator):
        begin(batches)
        loss.add(test_step(model, model.recipe, x, y, weight), len(y))
        del x, y, weight
        end(batches, means)
        batches += 1
    refuse_nothing(batches, "to measure")
    logs = means()
    tell("on_test_end", logs)
    return logs
