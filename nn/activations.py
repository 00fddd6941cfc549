"""Activation functions under Keras' names and defaults, on Tensors and arrays alike."""

from __future__ import annotations

from typing import Any

import numpy as np  # noqa: F401 - the examples use it

import autograd as ag
from nn.registry import Registry

REGISTRY = Registry("activation")


@REGISTRY.add()
def linear(x: Any) -> Any:
    """Return x.

    Example:
        >>> linear(2.0)
        2.0
    """
    return x


@REGISTRY.add()
def relu(
    x: Any, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0
) -> Any:
    """Return max(x, 0), or a ramp with another slope, ceiling and threshold.

    Args:
        x: a Tensor or an array.
        negative_slope: the slope below the threshold.
        max_value: the ceiling; None for none.
        threshold: where the ramp begins.

    Example:
        >>> relu(np.array([-1.0, 2.0]))
        array([0., 2.])
    """
    if negative_slope or threshold:
        y = ag.where(x >= threshold, x, (x - threshold) * negative_slope)
    else:
        y = ag.relu(x)
    return y if max_value is None else ag.minimum(y, max_value)


@REGISTRY.add()
def sigmoid(x: Any) -> Any:
    """Return 1 / (1 + exp(-x)).

    Example:
        >>> sigmoid(np.array([0.0]))
        array([0.5])
    """
    return ag.sigmoid(x)


@REGISTRY.add()
def tanh(x: Any) -> Any:
    """Return the hyperbolic tangent.

    Example:
        >>> tanh(np.array([0.0]))
        array([0.])
    """
    return ag.tanh(x)


@REGISTRY.add()
def softmax(x: Any, axis: int = -1) -> Any:
    """Return exp(x) / sum(exp(x)) along `axis`.

    Example:
        >>> softmax(np.array([0.0, 0.0]))
        array([0.5, 0.5])
    """
    return ag.softmax(x, axis=axis)


@REGISTRY.add()
def log_softmax(x: Any, axis: int = -1) -> Any:
    """Return log(softmax(x)) along `axis`, exact where softmax underflows.

    Example:
        >>> log_softmax(np.array([0.0, -1000.0]))
        array([    0., -1000.])
    """
    return ag.log_softmax(x, axis=axis)


@REGISTRY.add()
def exponential(x: Any) -> Any:
    """Return exp(x).

    Example:
        >>> exponential(np.array([0.0]))
        array([1.])
    """
    return ag.exp(x)


@REGISTRY.add()
def softplus(x: Any) -> Any:
    """Return log(1 + exp(x)), without overflow.

    Example:
        >>> softplus(np.array([1000.0]))
        array([1000.])
    """
    return ag.softplus(x)


@REGISTRY.add()
def softsign(x: Any) -> Any:
    """Return x / (1 + |x|).

    Example:
        >>> softsign(np.array([1.0]))
        array([0.5])
    """
    return ag.softsign(x)


@REGISTRY.add("swish")
def silu(x: Any) -> Any:
    """Return x * sigmoid(x).

    Example:
        >>> silu(np.array([0.0]))
        array([0.])
    """
    return ag.silu(x)


@REGISTRY.add()
def leaky_relu(x: Any, negative_slope: float = 0.2) -> Any:
    """Return x where it is positive and negative_slope * x elsewhere.

    Example:
        >>> leaky_relu(np.array([-1.0, 2.0]))
        array([-0.2,  2. ])
    """
    return ag.where(x > 0, x, x * negative_slope)


@REGISTRY.add()
def elu(x: Any, alpha: float = 1.0) -> Any:
    """Return x where it is positive and alpha * (exp(x) - 1) elsewhere.

    Example:
        >>> elu(np.array([-1000.0, 2.0]))
        array([-1.,  2.])
    """
    # the minimum keeps exp from overflowing where x is taken
    return ag.where(x > 0, x, ag.expm1(ag.minimum(x, 0)) * alpha)


@REGISTRY.add()
def selu(x: Any) -> Any:
    """Return 1.0507... * elu(x, 1.6732...), which keeps mean 0 and variance 1.

    Source: Klambauer et al., Self-Normalizing Neural Networks, 2017.

    Example:
        >>> selu(np.array([1.0]))
        array([1.05070099])
    """
    return elu(x, 1.6732632423543772) * 1.0507009873554805


@REGISTRY.add()
def gelu(x: Any, approximate: bool = False) -> Any:
    """Return x times the probability that a unit normal is below x.

    Source: Hendrycks and Gimpel, Gaussian Error Linear Units, 2016.

    Args:
        x: a Tensor or an array.
        approximate: whether to take the formula with tanh.

    Example:
        >>> gelu(np.array([0.0, 1.0])).round(4)
        array([0.    , 0.8413])
    """
    return ag.gelu(x, approximate=approximate)


@REGISTRY.add()
def relu6(x: Any) -> Any:
    """Return min(max(x, 0), 6).

    Example:
        >>> relu6(np.array([-1.0, 7.0]))
        array([0., 6.])
    """
    return relu(x, max_value=6.0)


@REGISTRY.add()
def hard_sigmoid(x: Any) -> Any:
    """Return relu6(x + 3) / 6.

    Example:
        >>> hard_sigmoid(np.array([0.0]))
        array([0.5])
    """
    return relu6(x + 3) / 6


@REGISTRY.add("hard_swish")
def hard_silu(x: Any) -> Any:
    """Return x * hard_sigmoid(x).

    Example:
        >>> hard_silu(np.array([-4.0, 3.0]))
        array([-0.,  3.])
    """
    return x * hard_sigmoid(x)


@REGISTRY.add()
def log_sigmoid(x: Any) -> Any:
    """Return log(sigmoid(x)), without overflow.

    Example:
        >>> log_sigmoid(np.array([-1000.0]))
        array([-1000.])
    """
    return ag.log_sigmoid(x)


@REGISTRY.add()
def celu(x: Any, alpha: float = 1.0) -> Any:
    """Return max(x, 0) + min(alpha * (exp(x / alpha) - 1), 0).

    Example:
        >>> celu(np.array([-1000.0, 2.0]))
        array([-1.,  2.])
    """
    return elu(x / alpha) * alpha


@REGISTRY.add()
def hard_tanh(x: Any) -> Any:
    """Return x, kept within [-1, 1].

    Example:
        >>> hard_tanh(np.array([-3.0, 0.5]))
        array([-1. ,  0.5])
    """
    return ag.minimum(ag.maximum(x, -1.0), 1.0)


@REGISTRY.add()
def tanh_shrink(x: Any) -> Any:
    """Return x - tanh(x).

    Example:
        >>> tanh_shrink(np.array([0.0]))
        array([0.])
    """
    return x - ag.tanh(x)


@REGISTRY.add()
def hard_shrink(x: Any, threshold: float = 0.5) -> Any:
    """Return x where |x| is above the threshold, 0 elsewhere.

    Example:
        >>> hard_shrink(np.array([-3.0, 0.4]))
        array([-3.,  0.])
    """
    return ag.where(ag.absolute(x) > threshold, x, x * 0)


@REGISTRY.add()
def soft_shrink(x: Any, threshold: float = 0.5) -> Any:
    """Return x, nearer to 0 by the threshold; 0 where it is nearer already.

    Example:
        >>> soft_shrink(np.array([-3.0, 0.4]))
        array([-2.5,  0. ])
    """
    return ag.maximum(x - threshold, 0.0) - ag.maximum(-x - threshold, 0.0)


@REGISTRY.add()
def squareplus(x: Any, b: float = 4.0) -> Any:
    """Return (x + sqrt(x^2 + b)) / 2, a smooth relu.

    Example:
        >>> squareplus(np.array([0.0]))
        array([1.])
    """
    return (x + ag.sqrt(x * x + b)) / 2


@REGISTRY.add()
def mish(x: Any) -> Any:
    """Return x * tanh(softplus(x)).

    Example:
        >>> mish(np.array([0.0]))
        array([0.])
    """
    return ag.mish(x)


def get(identifier: Any) -> Any:
    """Return the activation function that `identifier` names; None means linear.

    Args:
        identifier: a name, a function, or None.

    Raises:
        ArgumentError: if the name is unknown.

    Example:
        >>> get("relu")(np.array([-1.0]))
        array([0.])
    """
    return linear if identifier is None else REGISTRY.get(identifier)
