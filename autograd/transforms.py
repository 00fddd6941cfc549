"""Functions of functions: value_and_grad, grad, vjp, jvp, jacobian, hessian, hvp."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import primitives
from .errors import ArgumentError, DTypeError, ShapeError, message
from .node import value_of
from .recording import enable_grad, traced
from .sweep import gradients, pushforward
from .tensor import Tensor, apply


def value_and_grad(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """Return a function that gives the value of `f` and its gradient.

    Args:
        f: a function with a scalar result.
        argnums: the position of the argument to differentiate, or several.

    Returns:
        A function of the same arguments giving (value, gradient); the gradient is a tuple if
        `argnums` is a sequence. Plain values give plain results, Tensors give Tensors, so that
        calls nest to any order.

    Raises:
        ArgumentError: if a position is out of range.
        ShapeError: if the result is not a scalar.
        DTypeError: if the result is no number.

    Example:
        >>> value_and_grad(lambda x, y: x * y)(3.0, 2.0)
        (6.0, 2.0)
    """
    positions = _positions(argnums)

    @functools.wraps(f)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        nested, variables, y = _record(f, positions, args, kwargs)
        if np.shape(y) != ():
            raise ShapeError(
                message(
                    f"a scalar result of {_name(f)} to differentiate",
                    f"shape {np.shape(y)}",
                    "np.sum or np.mean of it, or jacobian",
                )
            )
        slopes = _gradients_or_zeros(y, variables, nested)
        return (
            y if nested else value_of(y),
            slopes[0] if isinstance(argnums, int) else tuple(slopes),
        )

    return wrapped


def grad(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """Return the gradient function of `f`; see `value_and_grad`.

    Args:
        f: a function with a scalar result.
        argnums: the position of the argument to differentiate, or several.

    Returns:
        A function of the same arguments giving the gradient.

    Raises:
        ArgumentError: if a position is out of range.
        ShapeError: if the result is not a scalar.

    Example:
        >>> cube = lambda x: x**3
        >>> grad(cube)(2.0), grad(grad(cube))(2.0), grad(grad(grad(cube)))(2.0)
        (12.0, 12.0, 6.0)
    """
    both = value_and_grad(f, argnums)

    @functools.wraps(f)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return both(*args, **kwargs)[1]

    return wrapped


def vjp(f: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """Return f(*primals) and the function that pulls a cotangent back to the primals.

    Args:
        f: a function of numbers or arrays.
        primals: its arguments.

    Returns:
        The value, and a function of a cotangent of the value's shape giving one gradient each.

    Example:
        >>> value, pullback = vjp(lambda x, y: x * y, 3.0, 2.0)
        >>> value, pullback(10.0)
        (6.0, (20.0, 30.0))
    """
    nested, variables, y = _record(f, range(len(primals)), primals, {})

    def pullback(cotangent: Any) -> tuple[Any, ...]:
        again = nested or type(cotangent) is Tensor
        return tuple(_gradients_or_zeros(y, variables, again, cotangent))

    return (y if nested else value_of(y)), pullback


def jvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """Return f(*primals) and its derivative along the tangents, by the forward sweep.

    Args:
        f: a function of numbers or arrays.
        primals: its arguments.
        tangents: a direction for each, of the same shapes.

    Returns:
        The value and its tangent, of the same shape.

    Raises:
        ShapeError: if numbers or shapes of primals and tangents differ.

    Example:
        >>> jvp(lambda x, y: x * y, (3.0, 2.0), (1.0, 10.0))
        (6.0, 32.0)
    """
    if len(primals) != len(tangents):
        raise ShapeError(
            message(
                f"one tangent for each of {len(primals)} primals", f"{len(tangents)}", "a tuple"
            )
        )
    for i, (x, t) in enumerate(zip(primals, tangents, strict=True)):
        if np.shape(x) != np.shape(t):
            raise ShapeError(
                message(
                    f"tangent {i} of shape {np.shape(x)}, that of its primal",
                    f"shape {np.shape(t)}",
                    "np.broadcast_to(tangent, x.shape)",
                )
            )
    nested, variables, y = _record(f, range(len(primals)), primals, {})
    nested = nested or any(type(t) is Tensor for t in tangents)
    starts = {
        x: t if type(t) is Tensor or not nested else Tensor(t, requires_grad=False)
        for x, t in zip(variables, tangents, strict=True)
    }
    tangent = None
    if type(y) is Tensor:
        [tangent] = pushforward([y], starts, create_graph=nested)
    if tangent is None:
        tangent = _zeros(y)
    if nested:
        return y, tangent
    return value_of(y), value_of(Tensor(tangent, requires_grad=False))


def jacobian(f: Callable[..., Any], argnum: int = 0) -> Callable[..., Any]:
    """Return the function that gives all partial derivatives of an array-valued `f`.

    The sweep is chosen by shape: forward if there are fewer inputs than outputs, else reverse.

    Args:
        f: a function of numbers or arrays.
        argnum: the position of the argument to differentiate.

    Returns:
        A function of the same arguments giving an array of shape (*output, *input).

    Raises:
        ArgumentError: if the position is out of range.

    Example:
        >>> jacobian(lambda x: x * x)(np.array([1.0, 2.0]))
        array([[2., 0.],
               [0., 4.]])
    """
    positions = _positions(argnum)

    @functools.wraps(f)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        nested, [x], y = _record(f, positions, args, kwargs)
        shape = np.shape(y) + x.shape
        if type(y) is not Tensor or y._op is None:
            return _as_result(np.zeros(shape), nested)
        if x.size < y.size:
            columns = [
                pushforward([y], {x: _basis(x, i, nested)}, create_graph=nested)[0]
                for i in range(x.size)
            ]
            rows = [_zeros(y) if c is None else c for c in columns]
            flat = np.reshape(_stacked(rows, y.shape), (x.size, y.size))
            return np.reshape(np.transpose(flat), shape)
        rows = [_gradients_or_zeros(y, [x], nested, _basis(y, i, nested))[0] for i in range(y.size)]
        return np.reshape(_stacked(rows, x.shape), shape)

    return wrapped


def hessian(f: Callable[..., Any], argnum: int = 0) -> Callable[..., Any]:
    """Return the function that gives all second partial derivatives of a scalar-valued `f`.

    Args:
        f: a function with a scalar result.
        argnum: the position of the argument to differentiate.

    Returns:
        A function of the same arguments giving an array of shape (*input, *input).

    Raises:
        ArgumentError: if the position is out of range.
        ShapeError: if the result is not a scalar.

    Example:
        >>> hessian(lambda x: x[0] * x[0] * x[1])(np.array([3.0, 2.0]))
        array([[4., 6.],
               [6., 0.]])
    """
    return jacobian(grad(f, argnum), argnum)


def hvp(f: Callable[..., Any]) -> Callable[[Any, Any], Any]:
    """Return the function (x, v) -> H(x) v for a scalar-valued `f`: forward over reverse.

    Args:
        f: a function of one argument with a scalar result.

    Returns:
        A function of a point and a direction of its shape, giving an array of that shape.

    Raises:
        ShapeError: if the shapes differ or the result is not a scalar.

    Example:
        >>> hvp(lambda x: (x**3).sum())(np.array([1.0, 2.0]), np.array([1.0, 10.0]))
        array([  6., 120.])
    """
    slope = grad(f)

    def product(x: Any, v: Any) -> Any:
        return jvp(slope, (x,), (v,))[1]

    return product


def _positions(argnums: int | Sequence[int]) -> tuple[int, ...]:
    positions = (argnums,) if isinstance(argnums, int) else tuple(argnums)
    if not positions or not all(isinstance(i, int) for i in positions):
        raise ArgumentError(
            message("argnums as an int or a sequence of ints", f"{argnums!r}", "argnums=0")
        )
    return positions


def _record(
    f: Callable[..., Any], positions: Sequence[int], args: Sequence[Any], kwargs: dict[str, Any]
) -> tuple[bool, list[Tensor], Any]:
    """Call `f` on fresh variables and return whether this is nested, the variables, the result.

    A fresh variable per call keeps derivatives of different calls apart. Where the argument is a
    Tensor already, the variable stays connected to it, so that an outer derivative sees through.
    """
    variables: list[Tensor] = []
    call = list(args)
    nested = False
    with enable_grad():
        for i in positions:
            if not -len(args) <= i < len(args):
                raise ArgumentError(
                    message(
                        f"argnums within the {len(args)} positional arguments of {_name(f)}",
                        f"{i}",
                        f"0 to {len(args) - 1}" if args else "passing the argument by position",
                    )
                )
            x = args[i]
            if type(x) is Tensor:
                nested = True
                # an interior result of its own, differentiable with respect to x
                variable = apply(primitives.positive, (x,), {}) if x._op else Tensor(x)
            else:
                variable = Tensor(x)
            call[i] = variable
            variables.append(variable)
        y = f(*call, **kwargs)
    if type(y) is not Tensor and np.asarray(y).dtype.kind not in "fiub":
        raise DTypeError(
            message(
                f"a Tensor or a number as the result of {_name(f)}",
                f"{type(y).__name__}",
                "returning the value" if y is None else "returning one of them",
            )
        )
    # a result of a trace may follow its inputs through what f refers to
    return nested or traced(y), variables, y


def _gradients_or_zeros(
    y: Any, variables: Sequence[Tensor], nested: bool, cotangent: Any = None
) -> list[Any]:
    if type(y) is not Tensor or y._op is None:
        return [_as_result(_zeros(x), nested) for x in variables]
    found = gradients(y, variables, cotangent, create_graph=nested)
    return [
        _as_result(_zeros(x), nested) if g is None else g
        for x, g in zip(variables, found, strict=True)
    ]


def _as_result(value: Any, nested: bool) -> Any:
    return Tensor(value, requires_grad=False) if nested else value


def _zeros(x: Any) -> Any:
    return 0.0 if np.shape(x) == () else np.zeros(np.shape(x))


def _basis(x: Tensor, i: int, nested: bool) -> Any:
    if x.shape == ():
        return _as_result(1.0, nested)
    unit = np.zeros(x.size)
    unit[i] = 1.0
    return _as_result(unit.reshape(x.shape), nested)


def _stacked(rows: Sequence[Any], shape: tuple[int, ...]) -> Any:
    return np.stack(rows) if rows else np.zeros((0, *shape))


def _name(f: Callable[..., Any]) -> str:
    return getattr(f, "__name__", repr(f))
