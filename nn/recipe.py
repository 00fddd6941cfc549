"""`Recipe`: what `compile` settles, and what it makes of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd.errors import ArgumentError, GraphError, message, require
from nn import losses, metrics, optimizers
from nn.layers.calling import calling
from nn.layers.layer import WeightRule
from nn.metrics import MeanOf, Metric
from nn.tracing import plain as plain_value


@dataclass
class Recipe:
    """What `compile` settles.

    Args:
        optimizer: what changes the parameters.
        loss: what is made small.
        metrics: what is measured besides.
        weighted: the names of those metrics in which examples count by their weights.
        penalties: the regularized parameters.
        run_eagerly: whether steps run operation by operation.
        jit_compile: whether steps run as machine code.
    """

    optimizer: optimizers.Optimizer
    loss: losses.Loss
    metrics: list[metrics.Metric]
    weighted: frozenset[str] = frozenset()
    penalties: list[WeightRule] = field(default_factory=list)
    run_eagerly: bool = False
    jit_compile: bool = False

    def bind(self, model: Any) -> None:
        """Take note of the model's regularized parameters."""
        self.penalties = [rule for rule in model.all_rules() if rule.regularizer is not None]

    def settle(self, model: Any) -> None:
        """Take note of the parameters that training changes now.

        Raises:
            GraphError: if there are none.
        """
        self.bind(model)
        self.optimizer.build(model)
        if model.built and not self.optimizer.parameters:
            raise GraphError(
                message(
                    f"model {model.name!r} to have parameters to train",
                    "none",
                    "adding a Dense layer, or trainable=True",
                )
            )

    def keep_up(self, model: Any) -> None:
        """Do so if they are others than before, as after a layer was frozen."""
        known, now = self.optimizer.parameters, model.trainable_weights
        if len(known) != len(now) or any(a is not b for a, b in zip(known, now, strict=True)):
            self.settle(model)

    def outcome(
        self, model: Any, x: Any, y: Any, weight: Any, training: bool = False
    ) -> tuple[Any, Any]:
        """Return loss and outputs for a batch; regularizers and layers add to the loss."""
        with calling() as call:
            prediction = model.forward(x, training)
        loss = self.loss(y, prediction, weight)
        for rule in self.penalties:
            assert rule.regularizer is not None
            loss = loss + rule.regularizer(rule.weight)
        return sum(call.losses, loss), prediction

    @property
    def means(self) -> list[MeanOf]:
        """The metrics whose terms a planned step computes."""
        return [m for m in self.metrics if isinstance(m, MeanOf) and m.is_traceable]

    def terms(self, y: Any, prediction: Any, weight: Any) -> list[Any]:
        """Return what a batch adds to totals and counts of `means`, one after the other."""
        found: list[Any] = []
        for mean in self.means:
            found += mean.terms(y, prediction, self._weight(mean, weight))
        return found

    def measure(
        self,
        y: Any,
        prediction: Any,
        weight: Any,
        means: Sequence[MeanOf] = (),
        terms: Sequence[Any] = (),
    ) -> None:
        """Let the metrics take in a batch.

        Args:
            y: its targets.
            prediction: the outputs.
            weight: one weight an example, or None.
            means: the metrics whose terms are known; the others look at the outputs.
            terms: what `terms` gave for those.
        """
        if len(means) < len(self.metrics):
            p = np.asarray(plain_value(prediction))
            for metric in self.metrics:
                if metric not in means:
                    metric.update_state(y, p, self._weight(metric, weight))
        numbers = iter(terms)
        for mean in means:
            mean.add_terms(next(numbers), next(numbers))

    def reset(self) -> None:
        """Let the metrics start from nothing."""
        for metric in self.metrics:
            metric.reset_state()

    def results(self) -> dict[str, Any]:
        """Return what the metrics have found, by their names."""
        return {m.name: _plain(m.result()) for m in self.metrics}

    def _weight(self, metric: Metric, weight: Any) -> Any:
        return weight if metric.name in self.weighted else None

    @staticmethod
    def of(
        optimizer: Any,
        loss: Any,
        plain: Any,
        weighted: Any = None,
        run_eagerly: bool = False,
        jit_compile: bool = False,
    ) -> Recipe:
        """Resolve names.

        Args:
            optimizer: a name or object.
            loss: a name, object or function.
            plain: the metrics in which every example counts the same.
            weighted: the metrics in which examples count by their weights.
            run_eagerly: whether steps run operation by operation.
            jit_compile: whether steps run as machine code.

        Raises:
            ArgumentError: if a name is unknown, a metric's name is given twice, how steps run is
                no truth value, or they shall be both eager and machine code.
            MissingExtraError: if machine code is asked for and llvmlite is not installed.
        """
        for name, value in (("run_eagerly", run_eagerly), ("jit_compile", jit_compile)):
            if value is not None and not isinstance(value, (bool, np.bool_)):
                raise ArgumentError(
                    message(f"{name} to be True or False", repr(value), f"{name}=True")
                )
        if jit_compile and run_eagerly:
            raise ArgumentError(
                message(
                    "steps without a plan or as machine code",
                    "run_eagerly=True and jit_compile=True",
                    "one of them",
                )
            )
        if jit_compile:
            require("llvmlite", "llvm", "run steps of training as machine code")
        found = _metrics(plain)
        heavy = _metrics(weighted)
        for m in heavy:
            if m.name in {each.name for each in found}:
                m.name = f"weighted_{m.name}"
        found += heavy
        names = [m.name for m in found]
        for name in names:
            if names.count(name) > 1 or name == "loss":
                raise ArgumentError(
                    message("metrics with names of their own", f"{names}", "name='...' for one")
                )
        if loss is None:
            raise ArgumentError(
                message("a loss to make small", "loss=None", "loss='mse' or another of nn.losses")
            )
        weights_of = frozenset(m.name for m in heavy)
        return Recipe(
            optimizers.get(optimizer),
            losses.get(loss),
            found,
            weights_of,
            run_eagerly=bool(run_eagerly),
            jit_compile=bool(jit_compile),
        )


def _plain(result: Any) -> Any:
    """Return what a metric of one's own gives as a float, if it is a single number."""
    if type(result) is float:
        return result
    value = np.asarray(plain_value(result))
    return float(value) if value.ndim == 0 else value


def _metrics(wanted: Any) -> list[metrics.Metric]:
    one = isinstance(wanted, (str, metrics.Metric)) or callable(wanted)
    return [metrics.get(m) for m in ([wanted] if one else wanted or ())]
