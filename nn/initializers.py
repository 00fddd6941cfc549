"""Initial values of parameters, drawn from a NumPy Generator, by Keras' names and formulas."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd.errors import ArgumentError, ShapeError, message
from nn import random
from nn.registry import Configurable, Registry, one_of

REGISTRY = Registry("initializer")

# the standard deviation of a unit normal that is cut off at two sigma
_CUT_SIGMA = 0.87962566103423978


def fans(shape: Sequence[int]) -> tuple[float, float]:
    """Return how many inputs and outputs each unit of a kernel of that shape has.

    Example:
        >>> fans((784, 50)), fans((3, 3, 8, 16))
        ((784.0, 50.0), (72.0, 144.0))
    """
    if not shape:
        return 1.0, 1.0
    if len(shape) == 1:
        return float(shape[0]), float(shape[0])
    field = math.prod(shape[:-2])
    return float(shape[-2] * field), float(shape[-1] * field)


class Initializer(Configurable):
    """A rule for initial values; subclasses give `draw`.

    Args:
        seed: a seed of its own; None to draw from the Generator it is called with.

    Example:
        >>> GlorotUniform(seed=1)((2, 3)).shape
        (2, 3)
    """

    def __init__(self, seed: int | None = None) -> None:
        self.seed = seed

    def __call__(self, shape: Sequence[int], dtype: Any = None, generator: Any = None) -> Any:
        """Return an array of initial values.

        Args:
            shape: its shape.
            dtype: its type; float64 if None.
            generator: where to draw from if there is no seed; a new Generator if None.
        """
        rng = random.generator(generator if self.seed is None else self.seed)
        return np.asarray(self.draw(tuple(shape), rng), dtype)

    def draw(self, shape: tuple[int, ...], rng: random.Generator) -> Any:
        """Return float64 values of that shape."""
        raise NotImplementedError


@REGISTRY.add()
class Constant(Initializer):
    """One value everywhere.

    Example:
        >>> Constant(0.5)((2,))
        array([0.5, 0.5])
    """

    def __init__(self, value: float = 0.0) -> None:
        super().__init__()
        self.value = value

    def draw(self, shape: tuple[int, ...], rng: random.Generator) -> Any:
        """Return the value everywhere."""
        return np.full(shape, self.value, float)


@REGISTRY.add()
class Zeros(Initializer):
    """0 everywhere.

    Example:
        >>> Zeros()((2,))
        array([0., 0.])
    """

    def __init__(self) -> None:
        super().__init__()

    def draw(self, shape: tuple[int, ...], rng: random.Generator) -> Any:
        """Return zeros."""
        return np.zeros(shape)


@REGISTRY.add()
class Ones(Initializer):
    """1 everywhere.

    Example:
        >>> Ones()((2,))
        array([1., 1.])
    """

    def __init__(self) -> None:
        super().__init__()

    def draw(self, shape: tuple[int, ...], rng: random.Generator) -> Any:
        """Return ones."""
        return np.ones(shape)


@REGISTRY.add()
class RandomUniform(Initializer):
    """Uniform in [minval, maxval).

    Example:
        >>> bool(abs(RandomUniform(seed=1)((100,))).max() < 0.05)
        True
    """

    def __init__(
        self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None
    ) -> None:
        super().__init__(seed)
        self.minval = minval
        self.maxval = maxval

    def draw(self, shape: tuple[int, ...], rng: random.Generator) -> Any:
        """Draw uniformly."""
        return rng.uniform(self.minval, self.maxval, shape)


@REGISTRY.add()
class RandomNormal(Initializer):
    """Normal with the given mean and standard deviation.

    Example:
        >>> RandomNormal(seed=1)((2, 2)).shape
        (2, 2)
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.mean = mean
        self.stddev = stddev

    def draw(self, shape: tuple[int, ...], rng: random.Generator) -> Any:
        """Draw from the normal distribution."""
        return rng.normal(self.mean, self.stddev, shape)


@REGISTRY.add()
class TruncatedNormal(RandomNormal):
    """Normal, drawn again wherever it falls two standard deviations off the mean.

    Example:
        >>> bool(abs(TruncatedNormal(seed=1)((1000,))).max() <= 0.1)
        True
    """

    def draw(self, shape: tuple[int, ...], rng: random.Generator) -> Any:
        """Draw from the truncated normal distribution."""
        return self.mean + self.stddev * truncated(shape, rng)


def truncated(shape: tuple[int, ...], rng: random.Generator) -> Any:
    """Draw unit normals, again and again where they fall outside two sigma."""
    values = rng.standard_normal(shape)
    while np.any(outside := np.abs(values) > 2):
        values = np.where(outside, rng.standard_normal(shape), values)
    return values


@REGISTRY.add()
class VarianceScaling(Initializer):
    """Mean 0 and variance scale / fan, so that signals keep their size from layer to layer.

    Args:
        scale: the factor.
        mode: "fan_in", "fan_out" or "fan_avg".
        distribution: "truncated_normal", "untruncated_normal" or "uniform".
        seed: a seed of its own.

    Example:
        >>> values = VarianceScaling(2.0, "fan_in", "uniform", seed=1)((600, 10))
        >>> bool(abs(values).max() <= 0.1)
        True
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
    ) -> None:
        super().__init__(seed)
        if not scale > 0:
            raise ArgumentError(message("scale to be positive", repr(scale), "scale=1.0"))
        one_of("mode", mode, ("fan_in", "fan_out", "fan_avg"))
        one_of("distribution", distribution, ("truncated_normal", "untruncated_normal", "uniform"))
        self.scale = scale
        self.mode = mode
        self.distribution = distribution

    def draw(self, shape: tuple[int, ...], rng: random.Generator) -> Any:
        """Draw with the variance that the fans of `shape` ask for."""
        fan_in, fan_out = fans(shape)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(1.0, fan)
        if self.distribution == "uniform":
            limit = math.sqrt(3 * variance)
            return rng.uniform(-limit, limit, shape)
        if self.distribution == "untruncated_normal":
            return rng.normal(0.0, math.sqrt(variance), shape)
        return math.sqrt(variance) / _CUT_SIGMA * truncated(shape, rng)


@REGISTRY.add("orthogonal")
class OrthogonalInitializer(Initializer):
    """A matrix with orthonormal columns, or rows if these are fewer; leading axes count as rows.

    Source: Saxe, McClelland and Ganguli, Exact solutions to the nonlinear dynamics of learning in
    deep linear neural networks, 2014.

    Args:
        gain: the factor.
        seed: a seed of its own.

    Example:
        >>> w = OrthogonalInitializer(seed=1)((5, 3))
        >>> (w.T @ w).round(12).tolist() == np.eye(3).tolist()
        True
    """

    def __init__(self, gain: float = 1.0, seed: int | None = None) -> None:
        super().__init__(seed)
        self.gain = gain

    def draw(self, shape: tuple[int, ...], rng: random.Generator) -> Any:
        """Draw from all such matrices alike."""
        _at_least_a_matrix(self, shape)
        rows, columns = math.prod(shape[:-1]), shape[-1]
        q, r = np.linalg.qr(rng.standard_normal((max(rows, columns), min(rows, columns))))
        q = q * np.sign(np.diag(r))  # which makes the distribution uniform
        return self.gain * (q.T if rows < columns else q).reshape(shape)


@REGISTRY.add("identity")
class IdentityInitializer(Initializer):
    """Ones on the diagonal of a matrix, 0 elsewhere.

    Args:
        gain: what stands on the diagonal.

    Example:
        >>> IdentityInitializer()((2, 2)).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """

    def __init__(self, gain: float = 1.0) -> None:
        super().__init__()
        self.gain = gain

    def draw(self, shape: tuple[int, ...], rng: random.Generator) -> Any:
        """Return the matrix."""
        _at_least_a_matrix(self, shape)
        return self.gain * np.eye(shape[0], shape[1])


def _at_least_a_matrix(initializer: Initializer, shape: tuple[int, ...]) -> None:
    most = 2 if isinstance(initializer, IdentityInitializer) else math.inf
    if not 2 <= len(shape) <= most:
        raise ShapeError(
            message(
                f"the shape of a matrix for {type(initializer).__name__}",
                str(shape),
                "glorot_uniform for other shapes",
            )
        )


_NAMED = {
    "GlorotUniform": (1.0, "fan_avg", "uniform", "Uniform with limit sqrt(6 / (in + out))."),
    "GlorotNormal": (1.0, "fan_avg", "truncated_normal", "Normal with std sqrt(2 / (in + out))."),
    "HeUniform": (2.0, "fan_in", "uniform", "Uniform with limit sqrt(6 / in)."),
    "HeNormal": (2.0, "fan_in", "truncated_normal", "Normal with std sqrt(2 / in)."),
    "LecunUniform": (1.0, "fan_in", "uniform", "Uniform with limit sqrt(3 / in)."),
    "LecunNormal": (1.0, "fan_in", "truncated_normal", "Normal with std sqrt(1 / in)."),
}
"""Scale, mode, distribution and description of the schemes that have a name of their own."""


class _NamedScaling(VarianceScaling):
    settings: tuple[float, str, str]

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(*self.settings, seed=seed)


def _named(name: str) -> Any:
    *settings, text = _NAMED[name]
    members = {"settings": tuple(settings), "__doc__": text, "__module__": __name__}
    return REGISTRY.add()(type(name, (_NamedScaling,), members))


GlorotUniform = _named("GlorotUniform")
GlorotNormal = _named("GlorotNormal")
HeUniform = _named("HeUniform")
HeNormal = _named("HeNormal")
LecunUniform = _named("LecunUniform")
LecunNormal = _named("LecunNormal")

constant, zeros, ones = Constant, Zeros, Ones
random_uniform, random_normal, truncated_normal = RandomUniform, RandomNormal, TruncatedNormal
variance_scaling = VarianceScaling
Orthogonal = orthogonal = OrthogonalInitializer
Identity = identity = IdentityInitializer
glorot_uniform, glorot_normal = GlorotUniform, GlorotNormal
he_uniform, he_normal = HeUniform, HeNormal
lecun_uniform, lecun_normal = LecunUniform, LecunNormal
"""Keras' other names of the same classes."""


def get(identifier: Any) -> Any:
    """Return the initializer that `identifier` names.

    Args:
        identifier: a name, a configuration, an Initializer, or a function of (shape, dtype).

    Raises:
        ArgumentError: if the name is unknown.

    Example:
        >>> get("zeros")((2,))
        array([0., 0.])
    """
    return REGISTRY.get(identifier)
