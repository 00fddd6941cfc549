"""One batch at a time: what `fit`, `evaluate` and `predict` do, without their loops."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from nn import planning, random, training
from nn.layers import Layer
from nn.module import unchanged_on_error
from nn.recipe import Recipe


class OnBatches(Layer):
    """The part of a model that trains, tests and predicts on single batches."""

    recipe: Recipe | None = None
    planner: planning.Planner
    generator: random.Generator

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Mapping[int, float] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """Do one step of training on one batch; `model.optimizer` goes on from step to step.

        Args:
            x: inputs, one row an example.
            y: targets.
            sample_weight: how much each example counts.
            class_weight: how much each class counts.
            return_dict: whether to return names with the numbers.

        Returns:
            As `evaluate`: the loss before the step, and the metrics of the batch.

        Raises:
            As `fit`.
        """
        training.compiled(self)
        given = x, y, sample_weight, class_weight
        if self.planner.holds():
            batch = training.examples(self, *given)
            if self.planner.replays_alone("train", planning.flat(*batch)):
                return self._on_batch(training.train_step, batch, return_dict)
        with unchanged_on_error(self):
            batch = training.examples(self, *given)
            self._recipe.settle(self)
            return self._on_batch(training.train_step, batch, return_dict)

    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """Return loss and metrics of one batch, and change nothing; arguments as `train_on_batch`.

        Raises:
            As `evaluate`.
        """
        training.compiled(self)
        batch = training.examples(self, x, y, sample_weight)
        self._recipe.bind(self)
        return self._on_batch(training.test_step, batch, return_dict)

    def predict_on_batch(self, x: Any) -> Any:
        """Return the outputs for one batch as an array.

        Raises:
            ShapeError: if the shape does not fit.
        """
        return training.predict_step(self, training.inputs_of(self, x))

    def _on_batch(self, step: Callable[..., float], batch: Any, return_dict: bool) -> Any:
        recipe = self._recipe
        recipe.reset()
        with np.errstate(all="ignore"), random.drawing_from(self.generator):
            loss = step(self, recipe, *batch)
        return as_asked({"loss": loss, **recipe.results()}, return_dict)

    @property
    def _recipe(self) -> Recipe:
        assert self.recipe is not None
        return self.recipe


def as_asked(logs: dict[str, Any], return_dict: bool) -> Any:
    """Return logs as they are, or as a list of their values, or the loss if there is no more."""
    if return_dict:
        return logs
    return list(logs.values()) if len(logs) > 1 else logs["loss"]
