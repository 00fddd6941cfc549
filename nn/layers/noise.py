"""Layers that act in training only: Dropout, GaussianNoise."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd as ag
from autograd.errors import ArgumentError, message
from nn import random
from nn.layers.layer import REGISTRY, Layer
from nn.tracing import draw


class _Random(Layer):
    """A layer that draws numbers in training.

    Args:
        seed: a seed of its own; None to draw from the model's Generator.
        layer: the arguments of every layer.
    """

    def __init__(self, seed: int | None = None, **layer: Any) -> None:
        super().__init__(**layer)
        self.seed = seed
        if seed is not None:
            self.generator = random.generator(seed)

    def build(self, input_shape: Any) -> None:
        """Take the Generator of the model, if there is no seed."""
        if self.seed is None:
            self.generator = random.generator()


@REGISTRY.add()
class Dropout(_Random):
    """In training, each entry is 0 with probability `rate` and scaled by 1 / (1 - rate) otherwise.

    Args:
        rate: from 0 to 1.
        layer: seed, and the arguments of every layer.

    Raises:
        ArgumentError: if `rate` is out of range.

    Example:
        >>> Dropout(0.5)([[1.0, 2.0]]).data.tolist()
        [[1.0, 2.0]]
        >>> Dropout(0.5, seed=0)(np.ones((2, 2)), training=True).data.tolist()
        [[2.0, 0.0], [0.0, 0.0]]
    """

    def __init__(self, rate: float, **layer: Any) -> None:
        super().__init__(**layer)
        if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 0 <= rate <= 1:
            raise ArgumentError(message("rate to be a number from 0 to 1", repr(rate), "0.5"))
        self.rate = rate

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Drop entries, in training."""
        if not training or not self.rate:
            return inputs
        if self.rate == 1:
            return inputs * np.zeros((), self.compute_dtype)
        shape, scale = np.shape(inputs), self.compute_dtype.type(1 / (1 - self.rate))

        def mask() -> Any:
            drawn = (self.generator.random(shape) >= self.rate) * scale
            drawn.flags.writeable = False
            return drawn

        return inputs * draw(mask)


@REGISTRY.add()
class GaussianNoise(_Random):
    """In training, normal noise of the given standard deviation is added.

    Args:
        stddev: the standard deviation, at least 0.
        layer: seed, and the arguments of every layer.

    Raises:
        ArgumentError: if `stddev` is negative.

    Example:
        >>> GaussianNoise(0.5)([[1.0, 2.0]]).data.tolist()
        [[1.0, 2.0]]
    """

    def __init__(self, stddev: float, **layer: Any) -> None:
        super().__init__(**layer)
        if not isinstance(stddev, (int, float)) or not stddev >= 0:
            raise ArgumentError(message("stddev to be at least 0", repr(stddev), "0.1"))
        self.stddev = stddev

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Add noise, in training."""
        if not training or not self.stddev:
            return inputs
        shape, dtype = np.shape(inputs), self.compute_dtype
        return inputs + draw(lambda: self.generator.normal(0.0, self.stddev, shape).astype(dtype))


@REGISTRY.add()
class Rescaling(Layer):
    """x * scale + offset.

    Args:
        scale: a factor, such as 1 / 255.
        offset: what is added.
        layer: the arguments of every layer.

    Example:
        >>> Rescaling(0.5)([[1.0, 2.0]]).data.tolist()
        [[0.5, 1.0]]
    """

    def __init__(self, scale: float, offset: float = 0.0, **layer: Any) -> None:
        super().__init__(**layer)
        self.scale = scale
        self.offset = offset

    def call(self, inputs: Any) -> Any:
        """Scale and shift."""
        kind = self.compute_dtype.type
        return ag.multiply(inputs, kind(self.scale)) + kind(self.offset)
