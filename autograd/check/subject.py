"""What is under test: a function of flat vectors, and what its gradient claims."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError, DTypeError, ShapeError, message
from ..forward import pushforward
from ..node import value_of
from ..recording import enable_grad
from ..sweep import gradients
from ..tensor import Tensor
from .richardson import Array, scales_of


class NotFiniteError(ArgumentError):
    """The function is inf or nan at the point."""


class Arguments:
    """The arguments as one flat vector and back.

    Args:
        args: numbers and arrays.

    Raises:
        ArgumentError: if there are none.
        DTypeError: if one is not real.
    """

    def __init__(self, args: Sequence[Any]) -> None:
        arrays = [np.asarray(value_of(x)) for x in args]
        if not arrays:
            raise ArgumentError(
                message("a point to check the gradient at", "no arguments", "gradcheck(f, x)")
            )
        for i, x in enumerate(arrays):
            if x.dtype.kind not in "fiub":
                raise DTypeError(
                    message(
                        f"real numbers for argument {i}",
                        f"dtype {x.dtype}",
                        "a closure over what is not differentiated: lambda x: f(x, option)",
                    )
                )
        self.shapes = [x.shape for x in arrays]
        self.sizes = [x.size for x in arrays]
        self.starts = np.cumsum([0, *self.sizes])
        self.vector = np.concatenate([x.astype(np.float64).ravel() for x in arrays])
        if not np.all(np.isfinite(self.vector)):
            bad = int(np.flatnonzero(~np.isfinite(self.vector))[0])
            where, entry = self.place(bad)
            raise ArgumentError(
                message(
                    "finite numbers to check the gradient at",
                    f"{self.vector[bad]} in argument {where} at {entry}",
                    "another point",
                )
            )

    def scales(self) -> Array:
        """Return the sizes in which to measure steps, each argument by itself."""
        return np.concatenate([scales_of(x.ravel()) for x in self.split(self.vector)])

    def nudged(self, rng: np.random.Generator, width: float) -> Arguments:
        """Return the point with every entry moved by about a part of itself, 0 for its last bit."""
        other = copy.copy(self)
        units = rng.choice([-2.0, -1.0, 1.0, 2.0], self.vector.size)
        step = np.abs(self.vector) * width if width else np.spacing(self.vector)
        other.vector = self.vector + np.where(self.vector, units * step, 0.0)
        return other

    def unpack(self, vector: Array) -> list[Any]:
        """Return the arguments: a Python scalar for shape (), an array of its own otherwise."""
        return [
            np.array(vector[a:b]).reshape(shape) if shape else vector[a].item()
            for a, b, shape in zip(self.starts, self.starts[1:], self.shapes, strict=False)
        ]

    def place(self, i: int) -> tuple[int, tuple[int, ...]]:
        """Return which argument and which of its entries number `i` of the vector is."""
        k = int(np.searchsorted(self.starts, i, side="right")) - 1
        entry = np.unravel_index(i - self.starts[k], self.shapes[k]) if self.shapes[k] else ()
        return k, tuple(int(j) for j in entry)

    def split(self, vector: Any) -> list[Any]:
        """Return a vector of one number an entry as arrays of the arguments' shapes."""
        return [
            np.reshape(vector[a:b], shape)
            for a, b, shape in zip(self.starts, self.starts[1:], self.shapes, strict=False)
        ]


class Subject:
    """A function of a vector to a vector, counted and watched.

    Attributes:
        shapes: the shapes of the results.
        here: the values at the point.
        precision: the relative precision of the values' dtype.
    """

    def __init__(self, f: Callable[..., Any], arguments: Arguments) -> None:
        self.f = f
        self.arguments = arguments
        self.evaluations = 0
        self.shapes: list[tuple[int, ...]] = []
        self.precision = 0.0
        self.here = self(arguments.vector)
        if not self.here.size:
            raise ShapeError(
                message(
                    f"{name_of(f)} to return at least one number",
                    f"results of shapes {self.shapes}",
                    "returning the value",
                )
            )
        if not np.all(np.isfinite(self.here)):
            raise NotFiniteError(
                message(
                    f"{name_of(f)} to be finite at the point",
                    f"{self.here[~np.isfinite(self.here)][0]}",
                    "a point inside the domain of the function",
                )
            )
        again = self(arguments.vector)
        if not np.array_equal(self.here, again):
            k = int(np.flatnonzero(self.here != again)[0])
            raise ArgumentError(
                message(
                    f"{name_of(f)} to give the same bits when called again",
                    f"{self.here[k]} and then {again[k]}",
                    "a fixed seed inside the function (np.random.default_rng(0))",
                )
            )

    def call(self, args: list[Any]) -> Any:
        """Return what the function gives for plain arguments."""
        return self.f(*args)

    def __call__(self, vector: Array) -> Array:
        """Return the values as one vector, nan where `f` refuses a point beside the first."""
        self.evaluations += 1
        args = self.arguments.unpack(vector)
        try:
            result = self.call(args)
        except (ArithmeticError, ValueError):  # as math.log(-1.0) and 10.0**400 do
            if self.evaluations == 1:
                raise
            return np.full_like(self.here, np.nan)
        values = self._flat(result)
        for i, (x, part) in enumerate(zip(args, self.arguments.split(vector), strict=True)):
            if isinstance(x, np.ndarray) and not (x == part).all():
                raise ArgumentError(
                    message(
                        f"{name_of(self.f)} to leave its arguments as they are",
                        f"a function that writes into argument {i}",
                        "x = x.copy() as its first line",
                    )
                )
        return values

    def _flat(self, result: Any) -> Array:
        results = result if isinstance(result, (tuple, list)) else (result,)
        arrays = [np.asarray(value_of(y)) for y in results]
        for y, array in zip(results, arrays, strict=True):
            if array.dtype.kind != "f":
                what = f"{type(y).__name__} of dtype {array.dtype}"
                raise DTypeError(
                    message(
                        f"floats as the result of {name_of(self.f)}",
                        "None" if y is None else what,
                        "returning the value" if y is None else "a result of dtype float64",
                    )
                )
        if not arrays:
            raise ShapeError(
                message(f"{name_of(self.f)} to have results", "none", "returning the value")
            )
        shapes = [a.shape for a in arrays]
        if not self.shapes:
            self.shapes = shapes
            self.precision = max(float(np.finfo(a.dtype).eps) for a in arrays)
        elif shapes != self.shapes:
            raise ShapeError(
                message(
                    f"{name_of(self.f)} to keep the shapes of its results beside the point",
                    f"{self.shapes} and then {shapes}",
                    "a result whose shape does not depend on the values",
                )
            )
        if len(arrays) == 1:
            return arrays[0].astype(np.float64).ravel()
        return np.concatenate([a.astype(np.float64).ravel() for a in arrays])

    def complex_slope(self, v: Array) -> Array | None:
        """Return the derivative along `v` by a complex step, None where f takes none."""
        step = 1e-30
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of imaginary parts that f drops
                result = self.f(*self.arguments.unpack(self.arguments.vector + 1j * step * v))
            results = result if isinstance(result, (tuple, list)) else (result,)
            arrays = [np.asarray(y) for y in results]
            if any(a.dtype.kind != "c" for a in arrays):
                return None
            flat = np.concatenate([a.ravel() for a in arrays])
        except Exception:  # whatever a function raises that takes no complex numbers
            return None
        same = np.abs(flat.real - self.here) <= 1e-12 * np.abs(self.here)
        return np.where(same, flat.imag / step, np.nan)

    def output(self, j: int) -> tuple[int, ...]:
        """Return the index of entry `j`, led by the position of its result if there are several."""
        for k, shape in enumerate(self.shapes):
            size = int(np.prod(shape))
            if j < size:
                entry = tuple(int(i) for i in np.unravel_index(j, shape)) if shape else ()
                return entry if len(self.shapes) == 1 else (k, *entry)
            j -= size
        raise IndexError(j)


class Recorded(Subject):
    """A function of Tensors: the engine's own sweeps are its claims.

    Args:
        f: the function.
        arguments: the point.
        plain: whether to call it on numbers and arrays, which is quicker, where these give the
            same bits; not for a function that looks at what was recorded.
    """

    def __init__(self, f: Callable[..., Any], arguments: Arguments, plain: bool = False) -> None:
        self.plain = False
        super().__init__(f, arguments)
        self.plain = plain and self._takes_arrays()

    def call(self, args: list[Any]) -> Any:
        """Call the function on Tensors, as the sweeps do, or on plain numbers for its values."""
        if self.plain:
            return self.f(*args)
        with enable_grad():
            return self.f(*map(Tensor, args))

    def _takes_arrays(self) -> bool:
        """Tell whether plain arrays give the same bits as Tensors, at the point and beside it."""
        rng = np.random.default_rng(0)
        for width in (0.0, 2.0**-20, 2.0**-5):
            point = self.arguments.nudged(rng, width).vector
            args = self.arguments.unpack(point)
            try:
                found = self._flat(self.f(*args))
            except Exception:  # whatever a function raises that takes Tensors only
                return False
            if not np.array_equal(np.concatenate([np.ravel(x) for x in args]), point):
                return False
            if not np.array_equal(found, self(point), equal_nan=True):
                return False
        return True

    def record(self) -> None:
        """Record the function once, for all sweeps."""
        with enable_grad():
            self.leaves = [Tensor(x) for x in self.arguments.unpack(self.arguments.vector)]
            result = self.f(*self.leaves)
        self.outputs = list(result) if isinstance(result, (tuple, list)) else [result]

    def pull(self, u: Array) -> Array:
        """Return the gradient of <u, f> by the reverse sweep."""
        return _joined(self._cut(u, gradients), self.leaves)

    def push(self, v: Array) -> Array:
        """Return the derivative along `v` by the forward sweep."""
        tangents = dict(zip(self.leaves, self.arguments.unpack(v), strict=True))
        outputs = [y for y in self.outputs if _is_recorded(y)]
        found = dict(zip(map(id, outputs), pushforward(outputs, tangents), strict=True))
        return _joined([found.get(id(y)) for y in self.outputs], self.outputs)

    def _cut(self, u: Array, sweep: Callable[..., Any]) -> Any:
        pairs, start = [], 0
        for y, shape in zip(self.outputs, self.shapes, strict=True):
            size = int(np.prod(shape))
            if _is_recorded(y):
                part = u[start : start + size]
                pairs.append((y, part.reshape(shape) if shape else float(part[0])))
            start += size
        if not pairs:
            return [None] * len(self.leaves)
        return sweep([y for y, _ in pairs], self.leaves, [g for _, g in pairs])


def slope_function(
    f: Callable[..., Any], reverse: bool, rng: np.random.Generator
) -> Callable[..., Any]:
    """Return a derivative of `f` as a function of Tensors, along one fixed random direction.

    Args:
        f: a function of Tensors.
        reverse: whether the reverse sweep gives it, J'u; otherwise the forward sweep, J v.
        rng: draws the direction.
    """
    seed = int(rng.integers(2**31))

    def slope(*xs: Tensor) -> tuple[Any, ...]:
        result = f(*xs)
        outputs = list(result) if isinstance(result, (tuple, list)) else [result]
        ends = [y for y in outputs if _is_recorded(y)]
        draw = np.random.default_rng(seed)
        if reverse:
            us = [signed(draw, y.shape) for y in ends]
            found = gradients(ends, xs, us, create_graph=True) if ends else [None] * len(xs)
            return tuple(
                np.zeros(x.shape) if g is None else g for x, g in zip(xs, found, strict=True)
            )
        tangents = {x: signed(draw, x.shape) for x in xs}
        found = pushforward(ends, tangents, create_graph=True)
        return tuple(
            np.zeros(y.shape) if t is None else t for y, t in zip(ends, found, strict=True)
        ) or (np.zeros(()),)

    slope.__name__ = f"the derivative of {name_of(f)}"
    return slope


def weighted(f: Callable[..., Any], u: Array) -> Callable[..., Any]:
    """Return <u, f> as a function of Tensors."""

    def total(*xs: Tensor) -> Any:
        result = f(*xs)
        outputs = list(result) if isinstance(result, (tuple, list)) else [result]
        start, terms = 0, []
        for y in outputs:
            size = int(np.size(value_of(y)))
            terms.append(np.sum(y * u[start : start + size].reshape(np.shape(value_of(y)))))
            start += size
        return sum(terms)

    return total


def slope_along(f: Callable[..., Any], v: Sequence[Any], reverse: bool) -> Callable[..., Any]:
    """Return the derivative of a scalar function along `v` as a function of Tensors.

    Args:
        f: a function of Tensors.
        v: the direction, an array an argument.
        reverse: whether the reverse sweep gives it, otherwise the forward sweep.
    """

    def slope(*xs: Tensor) -> Any:
        y = f(*xs)
        if not _is_recorded(y):
            return 0.0
        if reverse:
            found = gradients(y, xs, create_graph=True)
            return sum(np.sum(g * d) for g, d in zip(found, v, strict=True) if g is not None)
        [tangent] = pushforward([y], dict(zip(xs, v, strict=True)), create_graph=True)
        return 0.0 if tangent is None else tangent

    return slope


class Plain(Subject):
    """Any function of floats and arrays, with a gradient that somebody wrote.

    Raises:
        GradientError: if what the gradient gives is no array of the right shape.
    """

    def claim(self, gradient: Callable[..., Any], at: Arguments | None = None) -> Array:
        """Return the claimed derivative as a matrix, a row an output, a column an input.

        Args:
            gradient: what claims it.
            at: where, the point of the check if not given.
        """
        arguments = at or self.arguments
        args = arguments.unpack(arguments.vector)
        found = gradient(*args)
        if any(
            isinstance(x, np.ndarray) and not np.array_equal(x, part)
            for x, part in zip(args, arguments.split(arguments.vector), strict=True)
        ):
            raise ArgumentError(
                message(
                    f"{name_of(gradient)} to leave its arguments as they are",
                    "a gradient that writes into them",
                    "x = x.copy() as its first line",
                )
            )
        parts = found if isinstance(found, (tuple, list)) else (found,)
        if len(arguments.shapes) == 1 and not isinstance(found, tuple):
            parts = (found,)
        if len(parts) != len(arguments.shapes):
            raise ShapeError(
                message(
                    f"one gradient for each of {len(arguments.shapes)} arguments "
                    f"from {name_of(gradient)}",
                    f"{len(parts)}",
                    "a tuple in the order of the arguments",
                )
            )
        if len(self.shapes) != 1:
            raise ShapeError(
                message(
                    f"one result of {name_of(self.f)} for gradient=",
                    f"{len(self.shapes)}",
                    "np.concatenate of its results",
                )
            )
        blocks = []
        for i, (part, shape) in enumerate(zip(parts, arguments.shapes, strict=True)):
            array = _array_of(part)
            wanted = (*self.shapes[0], *shape)
            if array.dtype.kind not in "fiub":
                raise DTypeError(
                    message(
                        f"real numbers as the gradient of argument {i}",
                        "None" if part is None else f"{type(part).__name__}, {array.dtype}",
                        "an array of floats",
                    )
                )
            if array.shape != wanted:
                raise ShapeError(
                    message(
                        f"a gradient of shape {wanted} for argument {i}",
                        f"shape {array.shape}",
                        "summing over what was broadcast"
                        if array.ndim > len(wanted)
                        else "the shape of the argument",
                    )
                )
            blocks.append(array.astype(np.float64).reshape(self.here.size, -1))
        return np.concatenate(blocks, axis=1)


def _array_of(x: Any) -> Array:
    try:
        return np.asarray(value_of(x))
    except ValueError:  # rows of different lengths
        return np.asarray(None)


def signed(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Draw numbers of random sign with sizes in [0.5, 1), of 8 bits so that steps are exact."""
    sizes = rng.integers(128, 256, shape) / 256
    return sizes * rng.choice([-1.0, 1.0], shape)


def name_of(f: Callable[..., Any]) -> str:
    """Return what messages call a function."""
    return getattr(f, "__name__", type(f).__name__).replace("<lambda>", "f")


def _is_recorded(y: Any) -> bool:
    return isinstance(y, Tensor) and y.requires_grad


def _joined(parts: Sequence[Any], like: Sequence[Any]) -> Array:
    return np.concatenate(
        [
            np.zeros(np.size(value_of(x))) if g is None else np.ravel(np.asarray(value_of(g)))
            for g, x in zip(parts, like, strict=True)
        ]
    ).astype(np.float64)
