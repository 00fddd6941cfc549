"""Functions that look at values: comparisons, tests, positions. No gradient flows through them.

They give raw results, except on values that are being traced: there the look itself is recorded,
so that a graph chooses anew for every input.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from .node import Node, plain_all, value_of
from .primitive import NON_DIFFERENTIABLE, Primitive, refused
from .recording import mode, refuse_traced, traced


class Observer(Primitive):
    """A function of arrays with a plain result.

    Args:
        forward: the function.
        arity: how many array arguments it has.
        symbol: the Python operator that spells it.
        scalar: the same function of Python floats.
    """

    def __init__(
        self,
        forward: Callable[..., Any],
        arity: int,
        symbol: str | None = None,
        scalar: Callable[..., Any] | None = None,
    ) -> None:
        rules = (NON_DIFFERENTIABLE,) * arity
        super().__init__(forward, rules, symbol=symbol, scalar=scalar)

    def __reduce__(self) -> Any:
        key = self.forward if self.forward in OBSERVERS else self.name
        return (_observer_of, (key,))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Look at the values of Tensors; record the look where one is traced."""
        if mode.tracing:
            inputs, params = self.split(args, kwargs)
            for x in inputs:
                if isinstance(x, Node) and traced(x):
                    if self.forward in SHAPED_BY_VALUES:
                        refuse_traced(x, f"np.{self.name}(t)", SHAPED_BY_VALUES[self.forward])
                    seen = type(x).__chainrule__(self, inputs, params)  # type: ignore[attr-defined]
                    seen._op = seen._record = None
                    if type(seen._value) is float:
                        # off the fast lane, which leaves no record of what needs no gradient
                        seen._value = np.float64(seen._value)
                    return seen
        if kwargs or len(args) > self.arity:
            self._refuse_settings(args, kwargs)
            kwargs = {name: value_of(x) for name, x in kwargs.items()}
        return self.forward(*map(plain_all, args), **kwargs)

    def _refuse_settings(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Raise if a Tensor is given for what is no array to look at."""
        names = self.positional
        given = {**dict(zip(names, args, strict=False)), **kwargs}
        for name in given.keys() - set(names[: self.arity]):
            x = given[name]
            # NumPy hands out= over in a tuple
            if any(isinstance(part, Node) for part in (x if isinstance(x, tuple) else (x,))):
                raise refused(self, name, x, self.accepted - {name})

    @functools.cached_property
    def accepted(self) -> frozenset[str]:
        """Every parameter but out."""
        return frozenset(self.positional[self.arity :]) - {"out"} | {"keepdims"}


OBSERVERS: dict[Callable[..., Any], Observer] = {
    row.forward: row
    for row in (
        Observer(np.equal, 2, "==", operator.eq),
        Observer(np.not_equal, 2, "!=", operator.ne),
        Observer(np.less, 2, "<", operator.lt),
        Observer(np.less_equal, 2, "<=", operator.le),
        Observer(np.greater, 2, ">", operator.gt),
        Observer(np.greater_equal, 2, ">=", operator.ge),
        Observer(np.bitwise_and, 2, "&", lambda a, b: bool(a) and bool(b)),
        Observer(np.bitwise_or, 2, "|", lambda a, b: bool(a) or bool(b)),
        Observer(np.bitwise_xor, 2, "^", lambda a, b: bool(a) != bool(b)),
        Observer(np.invert, 1, "~", lambda a: not a),
        Observer(np.logical_and, 2, scalar=lambda a, b: bool(a) and bool(b)),
        Observer(np.logical_or, 2, scalar=lambda a, b: bool(a) or bool(b)),
        Observer(np.logical_xor, 2, scalar=lambda a, b: bool(a) != bool(b)),
        Observer(np.logical_not, 1, scalar=lambda a: not a),
        Observer(np.isnan, 1, scalar=lambda a: a != a),
        Observer(np.isinf, 1, scalar=lambda a: a - a != a - a and a == a),
        Observer(np.isfinite, 1, scalar=lambda a: a - a == a - a),
        Observer(np.signbit, 1),
        Observer(np.any, 1, scalar=lambda a: bool(a)),
        Observer(np.all, 1, scalar=lambda a: bool(a)),
        Observer(np.argmax, 1),
        Observer(np.argmin, 1),
        Observer(np.argsort, 1),
        Observer(np.isclose, 2),
        Observer(np.allclose, 2),
        Observer(np.array_equal, 2),
        Observer(np.array_equiv, 2),
        Observer(np.argpartition, 1),
        Observer(np.argwhere, 1),
        Observer(np.count_nonzero, 1),
        Observer(np.digitize, 2),
        Observer(np.flatnonzero, 1),
        Observer(np.histogram, 1),
        Observer(np.isin, 2),
        Observer(np.isneginf, 1),
        Observer(np.isposinf, 1),
        Observer(np.lexsort, 1),
        Observer(np.linalg.matrix_rank, 1),
        Observer(np.nanargmax, 1),
        Observer(np.nanargmin, 1),
        Observer(np.nonzero, 1),
        Observer(np.searchsorted, 2),
    )
}
"""Every function that looks at values, under itself."""

SHAPED_BY_VALUES = {
    np.nonzero: "np.where(condition, x, y): where entries lie decides how many there are",
    np.flatnonzero: "np.where(condition, x, y): where entries lie decides how many there are",
    np.argwhere: "np.where(condition, x, y): where entries lie decides how many there are",
    np.histogram: "np.digitize, or sums of comparisons, which are arrays",
}
"""Looks that no trace takes, since the shape or the number of results depends on values."""

STATIC = frozenset(
    {
        np.shape,
        np.ndim,
        np.size,
        np.result_type,
        np.zeros_like,
        np.ones_like,
        np.array2string,
        np.array_repr,
        np.array_str,
        np.can_cast,
        np.common_type,
        np.diag_indices_from,
        np.empty_like,
        np.iscomplex,
        np.iscomplexobj,
        np.isreal,
        np.isrealobj,
        np.may_share_memory,
        np.shares_memory,
        np.tril_indices_from,
        np.triu_indices_from,
    }
)
"""Functions of the shape and dtype, which a trace has fixed, and pictures of the present value."""


_LOOKS: dict[str, Observer] = {}


def look(arity: int = 1) -> Callable[[Callable[..., Any]], Observer]:
    """Make a function of plain arrays a look at values, which rows of the table take.

    Args:
        arity: how many array arguments it has.

    Returns:
        A decorator; what it gives is called like the function, and looks anew in every run of a
        graph.
    """

    def made(function: Callable[..., Any]) -> Observer:
        _LOOKS[function.__name__] = Observer(function, arity)
        return _LOOKS[function.__name__]

    return made


def _observer_of(forward: Any) -> Observer:
    return OBSERVERS[forward] if forward in OBSERVERS else _LOOKS[forward]
