"""Learning rates that depend on the number of updates made, by Keras 3's formulas."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

from autograd.errors import ArgumentError, message
from nn.registry import Configurable, Registry

REGISTRY = Registry("learning rate schedule")


class LearningRateSchedule(Configurable):
    """A function of the number of updates made; subclasses give `__call__`."""

    def __call__(self, step: int) -> float:
        """Return the learning rate after `step` updates."""
        raise NotImplementedError

    @staticmethod
    def from_plain(config: dict[str, Any]) -> Any:
        """Make a schedule from its class name and configuration."""
        return REGISTRY.get(config)


def _positive(name: str, value: float) -> float:
    if not value > 0:
        raise ArgumentError(message(f"{name} to be positive", repr(value), f"{name}=1000"))
    return value


@REGISTRY.add()
class ExponentialDecay(LearningRateSchedule):
    """initial_learning_rate * decay_rate ^ (step / decay_steps).

    Args:
        initial_learning_rate: the rate at step 0.
        decay_steps: after how many steps it has been multiplied by decay_rate.
        decay_rate: the factor.
        staircase: whether the exponent is rounded down.
        name: what messages call it.

    Example:
        >>> ExponentialDecay(0.5, 10, 0.5)(20)
        0.125
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "ExponentialDecay",
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = _positive("decay_steps", decay_steps)
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def __call__(self, step: int) -> float:
        """Return the learning rate after `step` updates."""
        exponent = step / self.decay_steps
        exponent = math.floor(exponent) if self.staircase else exponent
        return float(self.initial_learning_rate * self.decay_rate**exponent)


@REGISTRY.add()
class CosineDecay(LearningRateSchedule):
    """Half a cosine from the initial rate down to alpha times it, after a straight warm-up.

    Source: Loshchilov and Hutter, SGDR, 2016.

    Args:
        initial_learning_rate: the rate at step 0.
        decay_steps: the length of the cosine.
        alpha: the last rate, as a share of the highest.
        name: what messages call it.
        warmup_target: the highest rate, reached by the warm-up; None for no warm-up.
        warmup_steps: the length of the warm-up.

    Example:
        >>> schedule = CosineDecay(0.0, 10, warmup_target=1.0, warmup_steps=10)
        >>> [round(schedule(step), 12) for step in (0, 5, 10, 15, 20)]
        [0.0, 0.5, 1.0, 0.5, 0.0]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: int = 0,
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = _positive("decay_steps", decay_steps)
        self.alpha = alpha
        self.name = name
        self.warmup_target = warmup_target
        self.warmup_steps = warmup_steps

    def __call__(self, step: int) -> float:
        """Return the learning rate after `step` updates."""
        start, top = self.initial_learning_rate, self.warmup_target
        if top is None:
            top = start
        else:
            if step < self.warmup_steps:
                return start + (top - start) * step / self.warmup_steps
            step -= self.warmup_steps
        cosine = 0.5 * (1 + math.cos(math.pi * min(step, self.decay_steps) / self.decay_steps))
        return top * ((1 - self.alpha) * cosine + self.alpha)


@REGISTRY.add()
class CosineDecayRestarts(LearningRateSchedule):
    """Half a cosine from the rate down to alpha times it, again and again.

    Source: Loshchilov and Hutter, SGDR, 2016.

    Args:
        initial_learning_rate: the rate at step 0.
        first_decay_steps: the length of the first cosine.
        t_mul: how much longer each cosine is than the one before.
        m_mul: how much higher it starts.
        alpha: its last rate, as a share of the initial one.
        name: what messages call it.

    Example:
        >>> schedule = CosineDecayRestarts(1.0, 10)
        >>> [round(schedule(step), 12) for step in (0, 5, 10, 20, 30)]
        [1.0, 0.5, 1.0, 0.5, 1.0]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: float,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps = _positive("first_decay_steps", first_decay_steps)
        if t_mul < 1:
            raise ArgumentError(message("t_mul >= 1", repr(t_mul), "t_mul=2.0"))
        self.t_mul = t_mul
        self.m_mul = m_mul
        self.alpha = alpha
        self.name = name

    def __call__(self, step: int) -> float:
        """Return the learning rate after `step` updates."""
        time, restarts = step / self.first_decay_steps, 0
        if self.t_mul == 1:
            restarts = math.floor(time)
            time -= restarts
        while time >= 1:
            time = (time - 1) / self.t_mul
            restarts += 1
        top = self.m_mul**restarts * 0.5 * (1 + math.cos(math.pi * time))
        return self.initial_learning_rate * ((1 - self.alpha) * top + self.alpha)


@REGISTRY.add()
class PiecewiseConstantDecay(LearningRateSchedule):
    """values[0] up to and including boundaries[0], then values[1], and so on.

    Args:
        boundaries: step numbers, increasing.
        values: one rate more than boundaries.
        name: what messages call it.

    Raises:
        ArgumentError: if their numbers do not fit.

    Example:
        >>> schedule = PiecewiseConstantDecay([100, 200], [1.0, 0.5, 0.1])
        >>> schedule(100), schedule(101), schedule(500)
        (1.0, 0.5, 0.1)
    """

    def __init__(
        self,
        boundaries: Sequence[int],
        values: Sequence[float],
        name: str = "PiecewiseConstantDecay",
    ) -> None:
        if len(values) != len(boundaries) + 1 or list(boundaries) != sorted(boundaries):
            raise ArgumentError(
                message(
                    "increasing boundaries and one value more",
                    f"{list(boundaries)} and {list(values)}",
                    "boundaries=[1000], values=[0.01, 0.001]",
                )
            )
        self.boundaries = [*boundaries]
        self.values = [*values]
        self.name = name

    def __call__(self, step: int) -> float:
        """Return the learning rate after `step` updates."""
        return float(self.values[bisect_left(self.boundaries, step)])


@REGISTRY.add()
class PolynomialDecay(LearningRateSchedule):
    """(initial - end) * (1 - step / decay_steps) ^ power + end, and end afterwards.

    Args:
        initial_learning_rate: the rate at step 0.
        decay_steps: when the end is reached.
        end_learning_rate: the last rate.
        power: 1 for a straight line.
        cycle: whether to start anew, each time for a longer while.
        name: what messages call it.

    Example:
        >>> PolynomialDecay(1.0, 10, 0.0)(5)
        0.5
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = _positive("decay_steps", decay_steps)
        self.end_learning_rate = end_learning_rate
        self.power = power
        self.cycle = cycle
        self.name = name

    def __call__(self, step: int) -> float:
        """Return the learning rate after `step` updates."""
        length = self.decay_steps * (
            max(1, math.ceil(step / self.decay_steps)) if self.cycle else 1
        )
        left = 1 - min(step, length) / length
        span = self.initial_learning_rate - self.end_learning_rate
        return float(span * left**self.power + self.end_learning_rate)


@REGISTRY.add()
class InverseTimeDecay(LearningRateSchedule):
    """initial_learning_rate / (1 + decay_rate * step / decay_steps).

    Args:
        initial_learning_rate: the rate at step 0.
        decay_steps: the unit of time.
        decay_rate: how fast it falls.
        staircase: whether time is rounded down.
        name: what messages call it.

    Example:
        >>> InverseTimeDecay(1.0, 10, 1.0)(10)
        0.5
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "InverseTimeDecay",
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = _positive("decay_steps", decay_steps)
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def __call__(self, step: int) -> float:
        """Return the learning rate after `step` updates."""
        time = step / self.decay_steps
        time = math.floor(time) if self.staircase else time
        return self.initial_learning_rate / (1 + self.decay_rate * time)
