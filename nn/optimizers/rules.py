"""The update rules, by Keras 3's formulas and defaults. w, g, rate, t: parameter, gradient,
learning rate, number of the update from 1."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.errors import ArgumentError, message
from nn.optimizers.optimizer import REGISTRY, Optimizer, Slots
from nn.tracing import number


def _fraction(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise ArgumentError(
            message(f"{name} to be a number from 0 to 1", repr(value), f"{name}=0.9")
        )
    return float(value)


@REGISTRY.add()
class SGD(Optimizer):
    """Gradient descent, with momentum and Nesterov's variant.

    w -= rate g. With momentum m: v = m v - rate g and w += v, or with nesterov w += m v - rate g.

    Args:
        learning_rate: a number or a schedule.
        momentum: from 0 to 1.
        nesterov: whether to look ahead; without momentum it makes no difference.
        settings: those of every `Optimizer`.

    Example:
        >>> SGD(momentum=0.9).learning_rate
        0.01
    """

    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **settings: Any,
    ) -> None:
        self.momentum = _fraction("momentum", momentum)
        self.nesterov = bool(nesterov)
        super().__init__(learning_rate, **settings)

    def slots(self, w: Any) -> Slots:
        """A velocity, if there is momentum."""
        return {"momentum": np.zeros_like(w)} if self.momentum else {}

    def update(self, w: Any, g: Any, slots: Slots, rate: float, step: int) -> tuple[Any, Slots]:
        """Step down the gradient."""
        change = g * -rate
        if not self.momentum:
            return w + change, slots
        v = self.momentum * slots["momentum"] + change
        return w + (self.momentum * v + change if self.nesterov else v), {"momentum": v}


@REGISTRY.add()
class Adam(Optimizer):
    """Adam: steps in the scale of the gradients' running mean and mean square.

    m += (g - m)(1 - b1); v += (g^2 - v)(1 - b2);
    w -= rate sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + epsilon).
    Source: Kingma and Ba, 2014, the form before their section 2.1 ("epsilon hat").

    Args:
        learning_rate: a number or a schedule.
        beta_1: how slowly the mean forgets.
        beta_2: how slowly the mean square forgets.
        epsilon: added to the root.
        amsgrad: whether v never shrinks.
        settings: those of every `Optimizer`.

    Example:
        >>> Adam().learning_rate
        0.001
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **settings: Any,
    ) -> None:
        self.beta_1 = _fraction("beta_1", beta_1)
        self.beta_2 = _fraction("beta_2", beta_2)
        self.epsilon = epsilon
        self.amsgrad = bool(amsgrad)
        super().__init__(learning_rate, **settings)

    def slots(self, w: Any) -> Slots:
        """Mean and mean square of the gradients."""
        names = ("momentum", "velocity", *(("velocity_hat",) if self.amsgrad else ()))
        return {name: np.zeros_like(w) for name in names}

    def update(self, w: Any, g: Any, slots: Slots, rate: float, step: int) -> tuple[Any, Slots]:
        """Step by the corrected mean over the root of the mean square."""
        b1, b2 = self.beta_1, self.beta_2
        m = slots["momentum"]
        v = slots["velocity"]
        m = m + (g - m) * (1 - b1)
        v = v + (np.square(g) - v) * (1 - b2)
        new = {"momentum": m, "velocity": v}
        if self.amsgrad:
            v = new["velocity_hat"] = np.maximum(slots["velocity_hat"], v)
        scale = rate * number(np.sqrt(1 - b2**step)) / (1 - b1**step)
        return w - (m * scale) / (np.sqrt(v) + self.epsilon), new


@REGISTRY.add()
class AdamW(Adam):
    """Adam with weight decay apart from the gradient: w -= w * weight_decay * rate, then Adam.

    Source: Loshchilov and Hutter, Decoupled Weight Decay Regularization, 2017.

    Args:
        learning_rate: a number or a schedule.
        weight_decay: what share, times the learning rate, is taken off.
        settings: those of `Adam`.

    Example:
        >>> AdamW().weight_decay
        0.004
    """

    def __init__(
        self, learning_rate: Any = 0.001, weight_decay: float = 0.004, **settings: Any
    ) -> None:
        super().__init__(learning_rate, weight_decay=weight_decay, **settings)


@REGISTRY.add()
class Nadam(Optimizer):
    """Adam with Nesterov's look ahead.

    Source: Dozat, Incorporating Nesterov Momentum into Adam, 2016, with its momentum schedule
    u_t = b1 (1 - 0.5 * 0.96^t).

    Args:
        learning_rate: a number or a schedule.
        beta_1: how slowly the mean forgets.
        beta_2: how slowly the mean square forgets.
        epsilon: added to the root.
        settings: those of every `Optimizer`.

    Example:
        >>> Nadam().learning_rate
        0.001
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **settings: Any,
    ) -> None:
        self.beta_1 = _fraction("beta_1", beta_1)
        self.beta_2 = _fraction("beta_2", beta_2)
        self.epsilon = epsilon
        super().__init__(learning_rate, **settings)

    def slots(self, w: Any) -> Slots:
        """Mean and mean square of the gradients, and the product of the u so far."""
        zero = np.zeros_like(w)
        return {"momentum": zero, "velocity": zero, "u_product": np.ones(())}

    def update(self, w: Any, g: Any, slots: Slots, rate: float, step: int) -> tuple[Any, Slots]:
        """Step by the mean that the next update would use."""
        b1, b2 = self.beta_1, self.beta_2
        now = b1 * (1 - 0.5 * 0.96**step)
        then = b1 * (1 - 0.5 * 0.96 ** (step + 1))
        product = number(slots["u_product"]) * now
        m = slots["momentum"]
        v = slots["velocity"]
        m = m + (g - m) * (1 - b1)
        v = v + (np.square(g) - v) * (1 - b2)
        ahead = m * (then / (1 - product * then)) + g * ((1 - now) / (1 - product))
        new = w - ahead * rate / (np.sqrt(v / (1 - b2**step)) + self.epsilon)
        return new, {"momentum": m, "velocity": v, "u_product": product}


@REGISTRY.add()
class Adamax(Optimizer):
    """Adam with the largest recent gradient in place of the root mean square.

    m += (g - m)(1 - b1); u = max(b2 u, |g|); w -= rate m / ((1 - b1^t)(u + epsilon)).
    Source: Kingma and Ba, 2014, section 7.1.

    Args:
        learning_rate: a number or a schedule.
        beta_1: how slowly the mean forgets.
        beta_2: how slowly the largest forgets.
        epsilon: added to the largest.
        settings: those of every `Optimizer`.

    Example:
        >>> Adamax().learning_rate
        0.001
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **settings: Any,
    ) -> None:
        self.beta_1 = _fraction("beta_1", beta_1)
        self.beta_2 = _fraction("beta_2", beta_2)
        self.epsilon = epsilon
        super().__init__(learning_rate, **settings)

    def slots(self, w: Any) -> Slots:
        """Mean and largest of the gradients."""
        return {"momentum": np.zeros_like(w), "norm": np.zeros_like(w)}

    def update(self, w: Any, g: Any, slots: Slots, rate: float, step: int) -> tuple[Any, Slots]:
        """Step by the corrected mean over the largest."""
        m = slots["momentum"]
        m = m + (g - m) * (1 - self.beta_1)
        u = np.maximum(slots["norm"] * self.beta_2, np.abs(g))
        scale = rate / (1 - self.beta_1**step)
        return w - (m * scale) / (u + self.epsilon), {"momentum": m, "norm": u}


@REGISTRY.add()
class Adagrad(Optimizer):
    """Steps that shrink with all gradients so far: a += g^2; w -= rate g / sqrt(a + epsilon).

    Source: Duchi, Hazan and Singer, 2011; epsilon stands inside the root, as in Keras.

    Args:
        learning_rate: a number or a schedule.
        initial_accumulator_value: what a starts from.
        epsilon: added within the root.
        settings: those of every `Optimizer`.

    Example:
        >>> Adagrad().initial_accumulator_value
        0.1
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **settings: Any,
    ) -> None:
        self.initial_accumulator_value = initial_accumulator_value
        self.epsilon = epsilon
        super().__init__(learning_rate, **settings)

    def slots(self, w: Any) -> Slots:
        """The sum of squares."""
        return {"accumulator": np.full_like(w, self.initial_accumulator_value)}

    def update(self, w: Any, g: Any, slots: Slots, rate: float, step: int) -> tuple[Any, Slots]:
        """Step by the gradient over the root of the sum of squares."""
        a = slots["accumulator"] + np.square(g)
        return w - g * rate / np.sqrt(a + self.epsilon), {"accumulator": a}


@REGISTRY.add()
class RMSprop(Optimizer):
    """Steps in the scale of recent gradients.

    v = rho v + (1 - rho) g^2; w -= rate g / sqrt(v + epsilon). Centered: v less the squared mean
    of the gradients. With momentum m: b = m b + the step; w -= b.
    Source: Hinton, Neural Networks for Machine Learning, lecture 6e, 2012.

    Args:
        learning_rate: a number or a schedule.
        rho: how slowly the mean square forgets.
        momentum: from 0 to 1.
        epsilon: added within the root.
        centered: whether to divide by the deviation instead of the root mean square.
        settings: those of every `Optimizer`.

    Example:
        >>> RMSprop().rho
        0.9
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **settings: Any,
    ) -> None:
        self.rho = _fraction("rho", rho)
        self.momentum = _fraction("momentum", momentum)
        self.epsilon = epsilon
        self.centered = bool(centered)
        super().__init__(learning_rate, **settings)

    def slots(self, w: Any) -> Slots:
        """The mean square, and what momentum and centering need."""
        names = ["velocity"]
        if self.momentum:
            names.append("momentum")
        if self.centered:
            names.append("average_gradient")
        return {name: np.zeros_like(w) for name in names}

    def update(self, w: Any, g: Any, slots: Slots, rate: float, step: int) -> tuple[Any, Slots]:
        """Step by the gradient over the root of the mean square."""
        rho = self.rho
        v = rho * slots["velocity"] + (1 - rho) * np.square(g)
        new = {"velocity": v}
        if self.centered:
            mean = rho * slots["average_gradient"] + (1 - rho) * g
            new["average_gradient"] = mean
            v = v - np.square(mean)
        change = g * rate / np.sqrt(v + self.epsilon)
        if self.momentum:
            change = new["momentum"] = self.momentum * slots["momentum"] + change
        return w - change, new


@REGISTRY.add()
class Lion(Optimizer):
    """Steps of one size in every entry: w -= rate sign(b1 m + (1 - b1) g); m = b2 m + (1 - b2) g.

    Source: Chen et al., Symbolic Discovery of Optimization Algorithms, 2023.

    Args:
        learning_rate: a number or a schedule.
        beta_1: how much the mean counts in the step.
        beta_2: how slowly the mean forgets.
        settings: those of every `Optimizer`.

    Example:
        >>> Lion().beta_2
        0.99
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        **settings: Any,
    ) -> None:
        self.beta_1 = _fraction("beta_1", beta_1)
        self.beta_2 = _fraction("beta_2", beta_2)
        super().__init__(learning_rate, **settings)

    def slots(self, w: Any) -> Slots:
        """The mean of the gradients."""
        return {"momentum": np.zeros_like(w)}

    def update(self, w: Any, g: Any, slots: Slots, rate: float, step: int) -> tuple[Any, Slots]:
        """Step by a sign."""
        m = slots["momentum"]
        b1, b2 = self.beta_1, self.beta_2
        return w - rate * np.sign(m * b1 + g * (1 - b1)), {"momentum": m * b2 + g * (1 - b2)}
