"""Functions of functions: value_and_grad, grad, vjp, jvp, jacobian, hessian, hvp, derivative."""

from __future__ import annotations

import functools
import inspect
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .containers import leaves, mapped, matched, rebuilt
from .errors import ArgumentError, DTypeError, ShapeError, message
from .forward import pushforward
from .node import value_of
from .run import (
    Run,
    as_result,
    basis,
    gradients_or_zeros,
    is_tracked,
    name_of,
    positions_of,
    zeros_like,
)
from .tensor import Tensor


def value_and_grad(
    f: Callable[..., Any], argnums: int | Sequence[int] = 0, *, has_aux: bool = False
) -> Callable[..., Any]:
    """Return a function that gives the value of `f` and its gradient.

    Args:
        f: a function with a scalar result.
        argnums: the position of the argument to differentiate, or several; negative ones count
            from the end. An argument may be a container of arrays.
        has_aux: whether `f` returns (result, anything else), of which only the result is
            differentiated.

    Returns:
        A function of the same arguments giving (value, gradient); the value is (value, aux) with
        `has_aux`. The gradient is a tuple if `argnums` is a sequence, and each has the structure
        of its argument. Plain values give plain results, Tensors give Tensors, so that calls nest
        to any order.

    Raises:
        ArgumentError: if a position is out of range.
        ShapeError: if the result is not a scalar.
        DTypeError: if the result is no number.
        GraphError: if the result is a plain number, which records nothing.

    Example:
        >>> value_and_grad(lambda x, y: x * y)(3.0, 2.0)
        (6.0, 2.0)
        >>> value_and_grad(lambda p: p["a"] * p["b"])({"a": 3.0, "b": 2.0})
        (6.0, {'a': 2.0, 'b': 3.0})
    """
    return _with_gradient(f, argnums, has_aux, value_too=True)


def grad(
    f: Callable[..., Any], argnums: int | Sequence[int] = 0, *, has_aux: bool = False
) -> Callable[..., Any]:
    """Return the gradient function of `f`; see `value_and_grad`.

    Args:
        f: a function with a scalar result.
        argnums: the position of the argument to differentiate, or several.
        has_aux: whether `f` returns (result, anything else).

    Returns:
        A function of the same arguments giving the gradient, or (gradient, aux).

    Raises:
        ArgumentError: if a position is out of range.
        ShapeError: if the result is not a scalar.

    Example:
        >>> cube = lambda x: x**3
        >>> grad(cube)(2.0), grad(grad(cube))(2.0), grad(grad(grad(cube)))(2.0)
        (12.0, 12.0, 6.0)
    """
    return _with_gradient(f, argnums, has_aux, value_too=False)


def _with_gradient(
    f: Callable[..., Any], argnums: int | Sequence[int], has_aux: bool, value_too: bool
) -> Callable[..., Any]:
    positions = positions_of(argnums)

    @functools.wraps(f)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        run = Run(f, positions, args, kwargs, has_aux)
        y = run.scalar()
        slopes = run.structured(run.gradients(y, itself()))
        slope = tuple(slopes) if isinstance(argnums, Sequence) else slopes[0]
        if not value_too:
            return (slope, run.plain(run.aux)) if has_aux else slope
        value = y if run.nested else value_of(y)
        return (value, run.plain(run.aux)) if has_aux else value, slope

    itself: Callable[[], Any] = weakref.ref(
        wrapped
    )  # by its name it would refer to itself and never be freed
    return _again(f, wrapped)


def vjp(f: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """Return f(*primals) and the function that pulls a cotangent back to the primals.

    Args:
        f: a function of numbers, arrays or containers of them.
        primals: its arguments.

    Returns:
        The value, and a function of a cotangent of the value's structure and shapes giving one
        gradient each.

    Example:
        >>> value, pullback = vjp(lambda x, y: x * y, 3.0, 2.0)
        >>> value, pullback(10.0)
        (6.0, (20.0, 30.0))
    """
    run = Run(f, range(len(primals)), primals, {})
    results = run.results()

    def pullback(cotangent: Any) -> tuple[Any, ...]:
        seeds = matched("the cotangent", cotangent, run.y)
        again = run.nested or any(type(seed) is Tensor for seed in seeds)
        found = gradients_or_zeros(results, run.variables, again, seeds)
        return tuple(run.structured(found))

    return run.plain(run.y), pullback


def jvp(
    f: Callable[..., Any],
    primals: Sequence[Any] | None = None,
    tangents: Sequence[Any] | None = None,
) -> Any:
    """Return f(*primals) and its derivative along the tangents, by the forward sweep.

    Args:
        f: a function of numbers, arrays or containers of them.
        primals: its arguments; None for the function of arguments and then their tangents, a
            Graph if `f` is one.
        tangents: a direction for each, of the same structure and shapes.

    Returns:
        The value and its tangent, of the same structure and shapes.

    Raises:
        ShapeError: if numbers or shapes of primals and tangents differ.
        ArgumentError: if their structures differ.

    Example:
        >>> jvp(lambda x, y: x * y, (3.0, 2.0), (1.0, 10.0))
        (6.0, 32.0)
        >>> jvp(lambda x, y: x * y)(3.0, 2.0, 1.0, 10.0)
        (6.0, 32.0)
    """
    if primals is None and tangents is None:
        return _again(f, _along(f), 2)
    for name, group in (("primals", primals), ("tangents", tangents)):
        if not isinstance(group, (tuple, list)):
            raise ArgumentError(
                message(
                    f"{name} as a tuple, an entry an argument",
                    f"{type(group).__name__}",
                    f"({name},)",
                )
            )
    assert primals is not None
    assert tangents is not None
    if len(primals) != len(tangents):
        raise ShapeError(
            message(
                f"one tangent for each of {len(primals)} primals", f"{len(tangents)}", "a tuple"
            )
        )
    directions: list[Any] = []
    for i, (x, t) in enumerate(zip(primals, tangents, strict=True)):
        parts = matched(f"tangent {i}", t, x)
        for (path, leaf), part in zip(leaves(x), parts, strict=True):
            if np.shape(leaf) != np.shape(part):
                raise ShapeError(
                    message(
                        f"tangent {i}{path} of shape {np.shape(leaf)}, that of its primal",
                        f"shape {np.shape(part)}",
                        "np.broadcast_to(tangent, x.shape)",
                    )
                )
            if (part if type(part) is Tensor else np.asarray(part)).dtype.kind not in "fiub":
                raise DTypeError(
                    message(
                        f"real numbers in tangent {i}{path}", type(part).__name__, "a direction"
                    )
                )
        directions += parts
    run = Run(f, range(len(primals)), primals, {})
    nested = run.nested or any(type(t) is Tensor for t in directions)
    starts = {
        x: t if type(t) is Tensor or not nested else Tensor(t, requires_grad=False)
        for x, t in zip(run.variables, directions, strict=True)
    }
    results = run.results()
    recorded = [y for y in results if type(y) is Tensor]
    flowing = dict(zip(recorded, pushforward(recorded, starts, create_graph=nested), strict=True))
    found = (flowing.get(y) if type(y) is Tensor else None for y in results)
    tangent = [zeros_like(y) if t is None else t for y, t in zip(results, found, strict=True)]
    if nested:
        return run.y, rebuilt(run.y, iter([as_result(t, True) for t in tangent]))
    plain = (value_of(Tensor(t, requires_grad=False)) for t in tangent)
    return run.plain(run.y), rebuilt(run.y, plain)


def jacobian(
    f: Callable[..., Any], argnum: int = 0, *, mode: str | None = None, has_aux: bool = False
) -> Callable[..., Any]:
    """Return the function that gives all partial derivatives of an array-valued `f`.

    Args:
        f: a function of numbers, arrays or containers of them.
        argnum: the position of the argument to differentiate.
        mode: "forward", a sweep for every entry of the argument; "reverse", a sweep for every
            entry of the result; the smaller number of the two if None.
        has_aux: whether `f` returns (result, anything else).

    Returns:
        A function of the same arguments giving an array of shape (*output, *input), or (that, aux);
        for containers, in the structure of the result, each in the structure of the argument.

    Raises:
        ArgumentError: if the position is out of range or the mode is unknown.

    Example:
        >>> jacobian(lambda x: x * x)(np.array([1.0, 2.0]))
        array([[2., 0.],
               [0., 4.]])
    """
    if mode not in (None, "forward", "reverse"):
        raise ArgumentError(message("mode= 'forward', 'reverse' or None", f"{mode!r}", "mode=None"))
    if isinstance(argnum, (tuple, list)):
        raise ArgumentError(message("argnum as one int", f"{argnum!r}", "argnum=0"))
    positions = positions_of(argnum)

    @functools.wraps(f)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        run = Run(f, positions, args, kwargs, has_aux)
        results = run.results()
        entries = sum(x.size for x in run.variables)
        forward = entries < sum(np.size(y) for y in results) if mode is None else mode == "forward"
        blocks = (_forward_blocks if forward else _reverse_blocks)(run, results)
        result = rebuilt(run.y, (run.structured(row)[0] for row in blocks))
        return (result, run.plain(run.aux)) if has_aux else result

    return _again(f, wrapped)


def _forward_blocks(run: Run, results: list[Any]) -> list[list[Any]]:
    """Return the blocks of the Jacobian, a row of blocks a result, by columns."""
    columns = []
    recorded = [y for y in results if is_tracked(y)]
    for x in run.variables:
        swept = [
            pushforward(recorded, {x: basis(x, i, run.nested)}, create_graph=run.nested)
            for i in range(x.size)
        ]
        columns.append([dict(zip(recorded, tangents, strict=True)) for tangents in swept])
    blocks = []
    for y in results:
        row = []
        for x, found in zip(run.variables, columns, strict=True):
            shape = np.shape(y) + x.shape
            slices = [tangents.get(y) for tangents in found] if is_tracked(y) else []
            if all(s is None for s in slices):
                row.append(as_result(zeros_like(y, shape), run.nested))
                continue
            filled = [zeros_like(y) if s is None else s for s in slices]
            flat = np.reshape(np.stack(filled), (x.size, -1))
            row.append(np.reshape(np.transpose(flat), shape))
        blocks.append(row)
    return blocks


def _reverse_blocks(run: Run, results: list[Any]) -> list[list[Any]]:
    """Return the blocks of the Jacobian, a row of blocks a result, by rows."""
    blocks = []
    for y in results:
        shapes = [np.shape(y) + x.shape for x in run.variables]
        if not is_tracked(y) or not y.size:
            blocks.append([as_result(zeros_like(y, shape), run.nested) for shape in shapes])
            continue
        rows = [
            gradients_or_zeros([y], run.variables, run.nested, [basis(y, i, run.nested)])
            for i in range(y.size)
        ]
        blocks.append(
            [
                np.reshape(np.stack(part), shape)
                for part, shape in zip(zip(*rows, strict=True), shapes, strict=True)
            ]
        )
    return blocks


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
        A function of a point and a direction of its structure and shape, giving the same.

    Raises:
        ShapeError: if the shapes differ or the result is not a scalar.

    Example:
        >>> hvp(lambda x: (x**3).sum())(np.array([1.0, 2.0]), np.array([1.0, 10.0]))
        array([  6., 120.])
    """
    slope = grad(f)

    def product(x: Any, v: Any) -> Any:
        return jvp(slope, (x,), (v,))[1]

    return _again(f, product, 2)


def derivative(f: Callable[..., Any], order: int = 1, argnum: int = 0) -> Callable[..., Any]:
    """Return the derivative of any order of a function of one number.

    Args:
        f: a function with a scalar result.
        order: how often to differentiate; 0 gives the function itself.
        argnum: the position of the argument, a number.

    Returns:
        A function of the same arguments giving a number.

    Raises:
        ArgumentError: if the order is negative or no integer.
        ShapeError: if the argument or the result is not a scalar.

    Example:
        >>> derivative(lambda x: x**5, order=3)(2.0)
        240.0
    """
    if not isinstance(order, int) or order < 0:
        raise ArgumentError(message("order= a number of 0, 1, 2, ...", f"{order!r}", "order=2"))
    positions = positions_of(argnum)

    @functools.wraps(f)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        run = Run(f, positions, args, kwargs)
        y: Any = run.scalar()
        if len(run.variables) != 1 or run.variables[0].shape != ():
            raise ShapeError(
                message(
                    f"a number as argument {argnum} of {name_of(f)}",
                    f"shape {run.variables[0].shape}" if run.variables else "no array",
                    "jacobian or hessian",
                )
            )
        for k in range(order):
            record = run.nested or k + 1 < order
            [y] = gradients_or_zeros(y, run.variables, record)
        return y if run.nested else value_of(y)

    return _again(f, wrapped)


def stop_gradient(x: Any) -> Any:
    """Return the same values as constants: no derivative flows through them.

    Args:
        x: a Tensor, anything else, or a container of them.

    Returns:
        Constants in the same structure.

    Example:
        >>> grad(lambda x: x * stop_gradient(x))(3.0)
        3.0
    """
    return mapped(lambda leaf: leaf.detach() if type(leaf) is Tensor else leaf, x)


def _along(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return the jvp of `f` as a function of its arguments and then their tangents."""

    def along(*both: Any) -> Any:
        half = len(both) // 2
        return jvp(f, both[:half], both[half:])

    names = list(inspect.signature(f).parameters) if hasattr(f, "__signature__") else []
    along.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter(name, inspect.Parameter.POSITIONAL_ONLY)
            for name in (*names, *(f"{name}_tangent" for name in names))
        ]
        or [inspect.Parameter("both", inspect.Parameter.VAR_POSITIONAL)]
    )
    return along


def _again(
    f: Callable[..., Any], derived: Callable[..., Any], times: int = 1
) -> Callable[..., Any]:
    """Return what was derived from `f`, as a Graph if `f` is one.

    Args:
        f: what it was derived from.
        derived: a function of the arguments of `f`, or of `times` copies of them.
        times: how many copies.
    """
    retrace = getattr(type(f), "__chainrule_retrace__", None)
    if retrace is None:
        return derived
    graph: Callable[..., Any] = retrace(f, derived, times)
    return graph
