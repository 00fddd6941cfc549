"""`Optimizer`: what every update rule shares. A rule itself is one pure function."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd import Tensor
from autograd.errors import ArgumentError, ShapeError, message
from nn.module import Module
from nn.optimizers.schedules import LearningRateSchedule
from nn.registry import Configurable, Registry
from nn.tracing import number

REGISTRY = Registry("optimizer")

Slots = dict[str, Any]


class Optimizer(Configurable):
    """A rule that changes parameters along their gradients.

    Subclasses give `slots`, the initial state of a parameter, and `update`, the rule.

    Args:
        learning_rate: a positive number, or a schedule of `nn.optimizers.schedules`.
        weight_decay: what share of a parameter, times the learning rate, is taken off before
            each update.
        clipnorm: the largest norm of the gradient of one parameter.
        clipvalue: the largest absolute value of an entry of a gradient.
        global_clipnorm: the largest norm of all gradients together.
        name: what messages call it.
        parameters: a Module or a list of Tensors, for `step`.

    Raises:
        ArgumentError: if a setting is out of range, or more than one kind of clipping is asked.

    Example:
        >>> from nn.optimizers import SGD
        >>> w = Tensor(1.0)
        >>> optimizer = SGD(0.5, parameters=[w])
        >>> (w * w).backward()
        >>> optimizer.step()
        >>> w.item()
        0.0
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        *,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str | None = None,
        parameters: Module | Sequence[Tensor] | None = None,
    ) -> None:
        clips = {"clipnorm": clipnorm, "clipvalue": clipvalue, "global_clipnorm": global_clipnorm}
        given = [key for key, value in clips.items() if value is not None]
        if len(given) > 1:
            raise ArgumentError(
                message("one way of clipping", " and ".join(given), f"{given[0]} alone")
            )
        for key, value in (*clips.items(), ("weight_decay", weight_decay)):
            if value is not None and not (isinstance(value, (int, float)) and value >= 0):
                raise ArgumentError(message(f"{key} to be at least 0", repr(value), f"{key}=None"))
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.clipnorm = clipnorm
        self.clipvalue = clipvalue
        self.global_clipnorm = global_clipnorm
        self.name = name or type(self).__name__
        self.iterations = 0
        self.parameters: list[Tensor] = []
        self.state: list[Slots] = []
        self.constraints: dict[Tensor, Callable[[Any], Any]] = {}
        if parameters is not None:
            self.build(parameters)

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next update."""
        rate = self._learning_rate
        return float(rate(self.iterations)) if callable(rate) else rate

    @learning_rate.setter
    def learning_rate(self, rate: Any) -> None:
        if isinstance(rate, dict):
            rate = LearningRateSchedule.from_plain(rate)
        if not callable(rate):
            if (
                not isinstance(rate, (int, float, np.number))
                or isinstance(rate, bool)
                or not 0 <= rate < np.inf
            ):
                raise ArgumentError(
                    message("learning_rate to be a number, at least 0", repr(rate), "0.001")
                )
            rate = float(rate)
        self._learning_rate = rate

    def get_config(self) -> dict[str, Any]:
        """Return the settings as plain data; neither parameters nor state."""
        config = super().get_config()
        del config["parameters"]
        rate = self._learning_rate
        config["learning_rate"] = (
            {"class_name": type(rate).__name__, "config": rate.get_config()}
            if isinstance(rate, LearningRateSchedule)
            else self.learning_rate
        )
        return config

    def slots(self, w: Any) -> Slots:
        """Return the initial state of a parameter with value `w`."""
        return {}

    def update(self, w: Any, g: Any, slots: Slots, rate: float, step: int) -> tuple[Any, Slots]:
        """Return the new value of a parameter and its new state; change nothing.

        Args:
            w: its value.
            g: its gradient.
            slots: its state.
            rate: the learning rate.
            step: the number of the update, from 1.
        """
        raise NotImplementedError

    def build(self, parameters: Module | Sequence[Tensor]) -> None:
        """Say which parameters are trained. State of those that stay is kept.

        Args:
            parameters: a Module or a list of Tensors.
        """
        tensors = parameters.parameters() if isinstance(parameters, Module) else [*parameters]
        for t in tensors:
            if not isinstance(t, Tensor) or not t.requires_grad:
                raise ArgumentError(
                    message(
                        "parameters made of Tensors that require a gradient",
                        t.label if isinstance(t, Tensor) else type(t).__name__,
                        "model.parameters()",
                    )
                )
        known = dict(zip(self.parameters, self.state, strict=True))
        fresh = [known.get(t) or self.slots(np.asarray(t.data, t.dtype)) for t in tensors]
        self.parameters, self.state = tensors, fresh
        rules: list[Any] = getattr(parameters, "all_rules", list)()
        self.constraints = {r.weight: r.constraint for r in rules if r.constraint is not None}

    def step(self) -> None:
        """Update the parameters by the gradients that `backward` left in them.

        Raises:
            ArgumentError: if there are no parameters, or none has a gradient.
        """
        if not self.parameters:
            raise ArgumentError(
                message(
                    f"{self.name} to know its parameters",
                    "none",
                    f"optimizer.build(model), or {type(self).__name__}(..., parameters=model)",
                )
            )
        self.apply([t.grad for t in self.parameters])

    def apply_gradients(self, pairs: Any) -> None:
        """Update parameters, given (gradient, parameter) pairs, as Keras does."""
        pairs = list(pairs)
        self.apply([g for g, _ in pairs], [t for _, t in pairs])

    def apply(self, gradients: Sequence[Any], parameters: Sequence[Tensor] | None = None) -> None:
        """Update the parameters by given gradients; all of them, or none if that raises.

        Args:
            gradients: one a parameter, of its shape; None for one that is left as it is.
            parameters: the parameters, if they were not given before.

        Raises:
            ShapeError: if numbers or shapes differ.
            ArgumentError: if every gradient is None.
        """
        if parameters is not None and (
            len(parameters) != len(self.parameters)
            or any(a is not b for a, b in zip(parameters, self.parameters, strict=True))
        ):
            self.build(parameters)
        used = self._checked(gradients)
        values = {i: np.asarray(self.parameters[i].data, self.parameters[i].dtype) for i in used}
        step = self.iterations + 1
        # what overflows becomes inf or nan, as in IEEE arithmetic; the loss will show it
        with np.errstate(all="ignore"):
            changes = self.changes(values, used, self.state, self.learning_rate, step)
        for i, (w, slots) in changes.items():
            self.parameters[i].assign(w)
            # a number is kept as an array, which files hold
            self.state[i] = {name: np.asarray(value) for name, value in slots.items()}
        self.iterations = step

    def changes(
        self, values: Any, gradients: dict[int, Any], state: Sequence[Slots], rate: Any, step: Any
    ) -> dict[int, tuple[Any, Slots]]:
        """Return new values and new states by the number of the parameter; change nothing.

        Args:
            values: the value of each parameter, by its number.
            gradients: the gradients that there are, by the number of their parameter.
            state: the state of every parameter.
            rate: the learning rate.
            step: the number of the update, from 1.
        """
        found = {}
        for i, g in self._clipped(gradients).items():
            w = values[i]
            if self.weight_decay:
                w = w - w * (self.weight_decay * rate)
            w, slots = self.update(w, g, state[i], rate, step)
            constraint = self.constraints.get(self.parameters[i])
            found[i] = (w if constraint is None else constraint(w), slots)
        return found

    def _checked(self, gradients: Sequence[Any]) -> dict[int, Any]:
        """Return the gradients that there are, by the number of their parameter."""
        if len(gradients) != len(self.parameters):
            raise ShapeError(
                message(
                    f"one gradient for each of {len(self.parameters)} parameters",
                    f"{len(gradients)}",
                    "ag.gradients(loss, optimizer.parameters)",
                )
            )
        used = {}
        for i, (g, t) in enumerate(zip(gradients, self.parameters, strict=True)):
            if g is None:
                continue
            if isinstance(g, Tensor):
                g = g.data
            g = np.asarray(g, t.dtype)
            if g.shape != t.shape:
                raise ShapeError(
                    message(
                        f"a gradient of shape {t.shape} for {t.label}",
                        f"shape {g.shape}",
                        "its own",
                    )
                )
            used[i] = g
        missing = [t.label for i, t in enumerate(self.parameters) if i not in used]
        if not used:
            raise ArgumentError(
                message(
                    "a gradient for at least one parameter",
                    f"none for {', '.join(missing) or 'no parameters'}",
                    "loss.backward() before optimizer.step(), with a loss that depends on them",
                )
            )
        if missing:
            warnings.warn(f"no gradient for {', '.join(missing)}: left as they are", stacklevel=4)
        return used

    def _clipped(self, gradients: dict[int, Any]) -> dict[int, Any]:
        if self.clipvalue is not None:
            limit = self.clipvalue
            return {i: np.clip(g, -limit, limit) for i, g in gradients.items()}
        if self.clipnorm is not None:
            return {i: _shortened(g, _norm([g]), self.clipnorm) for i, g in gradients.items()}
        if self.global_clipnorm is not None:
            norm = _norm(list(gradients.values()))
            return {i: _shortened(g, norm, self.global_clipnorm) for i, g in gradients.items()}
        return gradients


def _norm(arrays: list[Any]) -> Any:
    return number(np.sqrt(sum(np.sum(np.square(a)) for a in arrays)))


def _shortened(g: Any, norm: Any, limit: float) -> Any:
    return np.where(norm > limit, g * limit / norm, g)


def get(identifier: Any) -> Any:
    """Return the optimizer that `identifier` means, with default settings if it is a name.

    Raises:
        ArgumentError: if the name is unknown.

    Example:
        >>> from nn import optimizers
        >>> optimizers.get("SGD").learning_rate
        0.01
    """
    found = REGISTRY.get(identifier)
    if not isinstance(found, Optimizer):
        raise ArgumentError(
            message("an optimizer by name or as an object", repr(identifier), "'adam'")
        )
    return found
