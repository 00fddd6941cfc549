"""BatchNormalization and LayerNormalization, by Keras' formulas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import autograd as ag
from autograd import Tensor, no_grad
from autograd.errors import ArgumentError, message
from nn import constraints, initializers, regularizers
from nn.layers.layer import REGISTRY, Layer
from nn.tracing import move, state


def _standardized(x: Any, mean: Any, variance: Any, epsilon: float) -> Any:
    return (x - mean) / ag.sqrt(variance + epsilon)


def _moments(x: Any, axes: tuple[int, ...]) -> tuple[Any, Any]:
    mean = ag.mean(x, axis=axes, keepdims=True)
    return mean, ag.mean(ag.square(x - mean), axis=axes, keepdims=True)


@REGISTRY.add()
class BatchNormalization(Layer):
    """Each feature with mean 0 and variance 1 over the batch, then scaled and shifted.

    In training the moments are those of the batch, and their moving averages are kept: moving =
    moving * momentum + batch * (1 - momentum). Otherwise the moving averages are taken.
    Source: Ioffe and Szegedy, Batch Normalization, 2015.

    Args:
        axis: the axis of the features.
        momentum: how slowly the moving averages follow.
        epsilon: added to the variance.
        center: whether beta is added.
        scale: whether to multiply by gamma.
        beta_initializer: of beta, and so on for gamma and the moving averages.
        gamma_initializer: see beta.
        moving_mean_initializer: see beta.
        moving_variance_initializer: see beta.
        beta_regularizer: a penalty on beta, and so on.
        gamma_regularizer: see beta.
        beta_constraint: a condition on beta, and so on.
        gamma_constraint: see beta.
        layer: the arguments of every layer.

    Example:
        >>> layer = BatchNormalization(epsilon=0.0)
        >>> layer(np.array([[1.0], [3.0]]), training=True).data.tolist()
        [[-1.0], [1.0]]
        >>> round(layer.moving_mean.item(), 6)
        0.02
    """

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **layer: Any,
    ) -> None:
        super().__init__(**layer)
        if not 0 <= momentum <= 1:
            raise ArgumentError(message("momentum from 0 to 1", repr(momentum), "0.99"))
        self.axis = axis
        self.momentum = momentum
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)

    def build(self, input_shape: Any) -> None:
        """Make gamma, beta and the moving averages, in Keras' order."""
        size = (input_shape[self.axis],)
        if self.scale:
            self.gamma = self.add_weight(
                size,
                self.gamma_initializer,
                regularizer=self.gamma_regularizer,
                constraint=self.gamma_constraint,
                name="gamma",
            )
        if self.center:
            self.beta = self.add_weight(
                size,
                self.beta_initializer,
                regularizer=self.beta_regularizer,
                constraint=self.beta_constraint,
                name="beta",
            )
        self.moving_mean = self.add_weight(
            size, self.moving_mean_initializer, trainable=False, name="moving_mean"
        )
        self.moving_variance = self.add_weight(
            size, self.moving_variance_initializer, trainable=False, name="moving_variance"
        )

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Normalize by the moments of the batch in training, by the moving ones otherwise."""
        rank = np.ndim(inputs)
        feature = self.axis % rank
        shape = tuple(-1 if i == feature else 1 for i in range(rank))
        self._refuse_features(np.shape(inputs), feature)
        if training and self.trainable:
            axes = tuple(i for i in range(rank) if i != feature)
            mean, variance = _moments(inputs, axes)
            self._follow(self.moving_mean, mean)
            self._follow(self.moving_variance, variance)
        else:
            mean = ag.reshape(state(self.moving_mean), shape)
            variance = ag.reshape(state(self.moving_variance), shape)
        out = _standardized(inputs, mean, variance, self.epsilon)
        if self.scale:
            out = out * ag.reshape(self.gamma, shape)
        return out + ag.reshape(self.beta, shape) if self.center else out

    def _follow(self, moving: Tensor, batch: Any) -> None:
        with no_grad():
            new = ag.reshape(batch, moving.shape)
            move(moving, state(moving) * self.momentum + new * (1 - self.momentum))

    def _refuse_features(self, shape: tuple[int, ...], feature: int) -> None:
        if self.axis in (-1, len(shape) - 1):
            self._refuse_width(self.moving_mean.size, np.empty(shape, bool))


@REGISTRY.add()
class LayerNormalization(Layer):
    """Each example with mean 0 and variance 1 over its features, then scaled and shifted.

    Source: Ba, Kiros and Hinton, Layer Normalization, 2016.

    Args:
        axis: the axis or axes of the features.
        epsilon: added to the variance.
        center: whether beta is added.
        scale: whether to multiply by gamma.
        beta_initializer: of beta.
        gamma_initializer: of gamma.
        beta_regularizer: a penalty on beta.
        gamma_regularizer: a penalty on gamma.
        beta_constraint: a condition on beta.
        gamma_constraint: a condition on gamma.
        layer: the arguments of every layer.

    Example:
        >>> LayerNormalization(epsilon=0.0)(np.array([[1.0, 3.0]])).data.tolist()
        [[-1.0, 1.0]]
    """

    def __init__(
        self,
        axis: int | Sequence[int] = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **layer: Any,
    ) -> None:
        super().__init__(**layer)
        self.axis = axis
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)

    def build(self, input_shape: Any) -> None:
        """Make gamma and beta."""
        given = [self.axis] if isinstance(self.axis, int) else [*self.axis]
        self.axes = tuple(sorted(a % len(input_shape) for a in given))
        size = tuple(input_shape[a] for a in self.axes)
        if self.scale:
            self.gamma = self.add_weight(
                size,
                self.gamma_initializer,
                regularizer=self.gamma_regularizer,
                constraint=self.gamma_constraint,
                name="gamma",
            )
        if self.center:
            self.beta = self.add_weight(
                size,
                self.beta_initializer,
                regularizer=self.beta_regularizer,
                constraint=self.beta_constraint,
                name="beta",
            )

    def call(self, inputs: Any) -> Any:
        """Normalize by the moments of each example."""
        shape = tuple(n if i in self.axes else 1 for i, n in enumerate(np.shape(inputs)))
        mean, variance = _moments(inputs, self.axes)
        out = _standardized(inputs, mean, variance, self.epsilon)
        if self.scale:
            out = out * ag.reshape(self.gamma, shape)
        return out + ag.reshape(self.beta, shape) if self.center else out


@REGISTRY.add()
class UnitNormalization(Layer):
    """Each example divided by its length along the axes.

    Args:
        axis: the axis or axes.
        layer: the arguments of every layer.

    Example:
        >>> UnitNormalization(dtype="float64")(np.array([[3.0, 4.0]])).data.tolist()
        [[0.6, 0.8]]
    """

    def __init__(self, axis: int | Sequence[int] = -1, **layer: Any) -> None:
        super().__init__(**layer)
        self.axis = axis

    def call(self, inputs: Any) -> Any:
        """Divide by the length."""
        axis = self.axis if isinstance(self.axis, int) else tuple(self.axis)
        squares = ag.sum(ag.square(inputs), axis=axis, keepdims=True)
        return inputs / ag.sqrt(ag.maximum(squares, 1e-12))
