"""Operations of your own, made the way the built-in ones are."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .errors import ArgumentError, DTypeError, GraphError, ShapeError, message
from .kinds import Custom, Elementwise
from .node import Node
from .primitive import REGISTRY, Primitive, Rule
from .recording import keeping_whole


def primitive(
    function: Callable[..., Any] | None = None,
    *,
    partials: Rule | Sequence[Rule] | None = None,
    vjp: Rule | Sequence[Rule] | None = None,
    jvp: Rule | None = None,
    name: str | None = None,
    symbol: str | None = None,
) -> Any:
    """Make a function of plain numbers and arrays an operation with a derivative.

    A rule written with NumPy functions and operators serves every order. One that takes plain
    values out of Tensors raises when it is differentiated again.

    Args:
        function: the function; its leading parameters are the arrays, one a rule.
        partials: for y[i] = f(a[i], b[i], ...), the local derivative d(y, a, b, ...) of each array.
        vjp: for anything else, d(g, y, a, b, ...) of each array: the cotangent of that array for a
            cotangent g of the output. One function of several arrays may return a tuple.
        jvp: the tangent f(t, y, a, b, ...) of the output for a tangent t of the array, a tuple of
            tangents if there are several arrays. Needed for forward mode only.
        name: what figures and messages call it; the function's name if not given.
        symbol: a short sign for figures.

    Returns:
        The operation, to be called like the function; a decorator if `function` is not given.

    Raises:
        ArgumentError: if there is no rule, or not one an array.

    Example:
        >>> from autograd import grad
        >>> @primitive(partials=lambda y, x: y * (1 - y))
        ... def logistic(x):
        ...     return 1 / (1 + np.exp(-x))
        >>> grad(logistic)(0.0), grad(grad(logistic))(0.0)
        (0.25, 0.0)
    """
    if function is None:
        return functools.partial(
            primitive, partials=partials, vjp=vjp, jvp=jvp, name=name, symbol=symbol
        )
    label = str(name or getattr(function, "__name__", "primitive"))
    if (partials is None) == (vjp is None and jvp is None):
        raise ArgumentError(
            message(
                f"either partials=, or vjp= with or without jvp=, for {label}",
                "both" if partials is not None else "no rule",
                "partials=lambda y, x: ... for an element-wise function",
            )
        )
    if partials is not None:
        rules = _one_each(partials, label, "partials")
        _check_arity(function, label, rules, "partials")
        row: Primitive = Elementwise(
            _numeric(function, label),
            [_partial(_whole(rule, label), label) for rule in rules],
            name=label,
            symbol=symbol,
        )
    else:
        given = () if vjp is None else _one_each(vjp, label, "vjp")
        arity = len(_arrays(function)) if vjp is None or callable(vjp) else len(given)
        vjps = _vjps(given, arity, label)
        _check_arity(function, label, vjps, "vjp")
        forward = None if jvp is None else _jvp(jvp, arity, label)
        vjps = [_cotangent(rule, label, i) for i, rule in enumerate(vjps)]
        row = Custom(_numeric(function, label), vjps, forward, name=label, symbol=symbol)
    row.__module__ = function.__module__
    row.__dict__["__qualname__"] = getattr(function, "__qualname__", label)
    row.__doc__ = function.__doc__ or f"The operation {label}."
    REGISTRY[function] = row
    return row


def _one_each(rules: Rule | Sequence[Rule], label: str, what: str) -> tuple[Rule, ...]:
    found = tuple(rules) if isinstance(rules, (tuple, list)) else (rules,)
    for rule in found:
        if not callable(rule):
            raise ArgumentError(
                message(
                    f"{what}= of {label} as a function, or a tuple of them",
                    f"{type(rule).__name__}",
                    "lambda y, x: 2.0 for a slope that is constant",
                )
            )
    return found


def _arrays(function: Callable[..., Any]) -> list[str]:
    """Return the parameters that must be given: the arrays of a function with one rule for all."""
    if isinstance(function, np.ufunc):
        return [f"x{i}" for i in range(function.nin)]
    return [
        name
        for name, p in inspect.signature(function).parameters.items()
        if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]


def _check_arity(function: Any, label: str, rules: Sequence[Any], what: str) -> None:
    needed = _arrays(function)
    if len(rules) < len(needed):
        raise ArgumentError(
            message(
                f"{what}= of {label} with one rule for each of {', '.join(needed)}",
                f"{len(rules)}",
                f"{what}=(rule, rule, ...), or a default for a parameter that is no array",
            )
        )


def _vjps(rules: tuple[Rule, ...], arity: int, label: str) -> list[Rule]:
    if not rules:

        def missing(*args: Any, **params: Any) -> Any:
            raise GraphError(
                message(
                    f"{label} to have a vjp for reverse mode",
                    "a jvp only",
                    "ag.jvp or jacobian(mode='forward'), or giving vjp= where it is defined",
                )
            )

        return [missing] * arity
    if len(rules) == 1 and arity > 1:
        return [_whole(_entry(rules[0], i), label) for i in range(arity)]
    return [_whole(rule, label) for rule in rules]


def _entry(rule: Rule, i: int) -> Rule:
    @functools.wraps(rule)
    def entry(*args: Any, **params: Any) -> Any:
        return rule(*args, **params)[i]

    return entry


def _jvp(jvp: Rule, arity: int, label: str) -> Rule:
    rule = _whole(jvp, label)

    @functools.wraps(jvp)
    def tangent(tangents: Sequence[Any], y: Any, *values: Any, **params: Any) -> Any:
        filled = tuple(
            np.zeros(np.shape(x)) if t is None else t
            for t, x in zip(tangents, values, strict=False)
        )
        t = rule(filled[0] if arity == 1 else filled, y, *values, **params)
        _check_slope(label, "jvp=", t, np.shape(y), broadcasts=True)
        return t

    return tangent


def _numeric(function: Callable[..., Any], label: str) -> Callable[..., Any]:
    """Return the function, checked to give numbers."""
    if isinstance(function, np.ufunc):
        return function

    @functools.wraps(function)
    def numeric(*args: Any, **params: Any) -> Any:
        y = _untouched(function, label, args, params)
        if not isinstance(y, (np.ndarray, np.generic, float, int)) or np.iscomplexobj(y):
            raise DTypeError(
                message(
                    f"one real number or array as the result of {label}",
                    type(y).__name__,
                    "an operation for each of several results, or one array that holds them",
                )
            )
        return float(y) if isinstance(y, int) else y

    return numeric


def _untouched(
    function: Callable[..., Any], label: str, args: Sequence[Any], params: dict[str, Any]
) -> Any:
    """Call a function of the user's with arrays that it cannot write: the graph has saved them."""
    try:
        return function(*map(_view, args), **params)
    except ValueError as error:
        if "read-only" not in str(error):
            raise
        raise GraphError(
            message(
                f"{label} and its rules to leave the arrays they are given as they are",
                f"a write into one ({error})",
                "x = x * 2 in place of x *= 2, or x.copy()",
            )
        ) from error


def _view(x: Any) -> Any:
    if isinstance(x, tuple):
        return tuple(map(_view, x))
    if type(x) is np.ndarray:
        x = x.view()
        x.flags.writeable = False
    return x


def _partial(rule: Rule, label: str) -> Rule:
    """Return the rule of a partial, checked to give one for every entry of the result."""

    @functools.wraps(rule)
    def partial(y: Any, *values: Any, **params: Any) -> Any:
        d = rule(y, *values, **params)
        _check_slope(label, "partials=", d, np.shape(y), broadcasts=True)
        return d

    return partial


def _cotangent(rule: Rule, label: str, i: int) -> Rule:
    """Return the rule of a vjp, checked to give a cotangent of its array."""

    @functools.wraps(rule)
    def cotangent(g: Any, y: Any, *values: Any, **params: Any) -> Any:
        c = rule(g, y, *values, **params)
        _check_slope(label, "vjp=", c, np.shape(values[i]), broadcasts=False)
        return c

    return cotangent


_FITTING = {
    "partials=": "one slope an entry",
    "vjp=": "a cotangent of the shape of its array",
    "jvp=": "a tangent of the shape of the result",
}


def _check_slope(
    label: str, what: str, slope: Any, shape: tuple[int, ...], broadcasts: bool
) -> None:
    """Raise unless what a rule gives is real and fits the shape it belongs to."""
    found = np.shape(slope)
    try:
        # a cotangent may still have the shape of the broadcast, which the sweep sums down
        fits = np.broadcast_shapes(found, shape) in ((shape,) if broadcasts else (shape, found))
    except ValueError:
        fits = False
    kind = slope.dtype.kind if hasattr(slope, "dtype") else np.asarray(slope).dtype.kind
    if not fits or kind not in "fiub":
        raise (DTypeError if fits else ShapeError)(
            message(
                f"{what} of {label} to give real numbers that fit shape {shape}",
                f"shape {found}" if not fits else type(slope).__name__,
                _FITTING[what],
            )
        )


def _whole(rule: Rule, label: str) -> Rule:
    """Return the rule, refusing to lose Tensors where it is to be differentiated again."""

    @functools.wraps(rule)
    def whole(*args: Any, **params: Any) -> Any:
        if not any(isinstance(x, Node) for x in args):
            return _untouched(rule, label, args, params)
        with keeping_whole(
            f"the rule of {label} to be differentiated again, which needs NumPy functions of the "
            "Tensors it is given"
        ):
            return rule(*args, **params)

    return whole
