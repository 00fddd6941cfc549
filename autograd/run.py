"""One call of a differentiated function on fresh variables: what every transform begins with."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from . import primitives
from .containers import leaves, mapped, rebuilt
from .errors import ArgumentError, DTypeError, GraphError, ShapeError, message
from .node import stored, toposort, value_of
from .recording import enable_grad, mode, tape, traced
from .sweep import gradients
from .tensor import Tensor, apply

_variables: ContextVar[tuple[Tensor, ...]] = ContextVar("variables", default=())
"""The variables of the transforms that are running around the present one."""


class Run:
    """One call of a function on fresh variables.

    A fresh variable a call keeps derivatives of different calls apart. Where an argument is a
    Tensor already, the variable stays connected to it, so that an outer derivative sees through.

    Attributes:
        variables: the leaves of the arguments to differentiate, in order.
        y: what the function returned.
        aux: what it returned besides.
        nested: whether results must be recorded, since an outer derivative may look at them.
        enclosed: whether the result depends on a variable of a transform around this one.
    """

    def __init__(
        self,
        f: Callable[..., Any],
        positions: Sequence[int],
        args: Sequence[Any],
        kwargs: dict[str, Any],
        has_aux: bool = False,
    ) -> None:
        if not callable(f):
            raise ArgumentError(
                message("a function to differentiate", f"{type(f).__name__}", "f, not f(x)")
            )
        self.f = f
        self.variables: list[Tensor] = []
        self.nested = self.enclosed = False
        self.aux: Any = None
        call = list(args)
        self._given: list[Any] = []
        if len({i % (len(args) or 1) for i in positions}) < len(positions):
            raise ArgumentError(
                message(
                    "argnums that name every argument once", f"{tuple(positions)}", "one of them"
                )
            )
        with enable_grad():
            for i in positions:
                if not -len(args) <= i < len(args):
                    raise ArgumentError(
                        message(
                            f"argnums within the {len(args)} positional arguments of {name_of(f)}",
                            f"{i}",
                            f"0 to {len(args) - 1}" if args else "passing the argument by position",
                        )
                    )
                variables = [self._variable(i, path, x) for path, x in leaves(args[i])]
                self.variables += variables
                self._given.append(args[i])
                call[i] = rebuilt(args[i], iter(variables))
            with _around(self.variables):
                y = f(*call, **kwargs)
        if has_aux:
            if not isinstance(y, tuple) or len(y) != 2:
                raise ArgumentError(
                    message(
                        f"{name_of(f)} to return (result, aux), as has_aux=True says",
                        f"{type(y).__name__}",
                        "a pair, or has_aux=False",
                    )
                )
            y, self.aux = y
        self.y = y
        outer = _variables.get()
        if outer:
            # an outer variable may come in through what f refers to
            found = toposort(y for _, y in leaves(y) if type(y) is Tensor)
            self.enclosed = not set(outer).isdisjoint(found)
        # a result of a trace may follow its inputs through what f refers to
        self.nested = self.nested or self.enclosed or any(traced(y) for _, y in leaves(y))

    def _variable(self, i: int, path: str, x: Any) -> Tensor:
        if type(x) is Tensor:
            self.nested = True
            # an interior result of its own, differentiable with respect to x
            return apply(primitives.positive, (x,), {}) if x._op else Tensor(x)
        try:
            return Tensor(x)
        except DTypeError as error:
            raise DTypeError(
                message(
                    f"numbers or arrays of them in argument {i} of {name_of(self.f)}",
                    f"{type(x).__name__}" + (f" at {path}" if path else ""),
                    "argnums= naming the arguments to differentiate, or a plain Tensor or array",
                )
            ) from error

    def results(self) -> list[Any]:
        """Return what the function returned, checked: Tensors or plain numbers."""
        found = list(leaves(self.y))
        for path, y in found:
            if type(y) is not Tensor and (y is None or np.asarray(y).dtype.kind not in "fiub"):
                raise DTypeError(
                    message(
                        f"Tensors or numbers as the result of {name_of(self.f)}",
                        f"{type(y).__name__}" + (f" at {path}" if path else ""),
                        "a return statement" if y is None else "has_aux=True for what is no number",
                    )
                )
        return [y for _, y in found]

    def scalar(self) -> Any:
        """Return the result, checked to be one number."""
        found = list(leaves(self.y))
        if len(found) != 1 or found[0][1] is not self.y:
            raise DTypeError(
                message(
                    f"one scalar as the result of {name_of(self.f)}",
                    f"a {type(self.y).__name__}",
                    "returning one of them, has_aux=True for the rest, or jacobian",
                )
            )
        [y] = self.results()
        shape = np.shape(y)
        if shape != ():
            one = "y.reshape(())" if np.size(y) == 1 else "np.sum or np.mean of it, or jacobian"
            raise ShapeError(
                message(
                    f"a scalar result of {name_of(self.f)} to differentiate", f"shape {shape}", one
                )
            )
        if type(y) is not Tensor:
            raise GraphError(
                message(
                    f"{name_of(self.f)} to return a Tensor computed from its arguments",
                    f"{y!r:.60}, a plain {type(y).__name__} that records nothing",
                    "np functions instead of math's, no float(), .item() or .data on the way; "
                    "0 * x + c for a constant c",
                )
            )
        return y

    def gradients(self, y: Tensor, caller: Callable[..., Any]) -> list[Any]:
        """Return the gradients of the scalar result with respect to the variables.

        Args:
            y: the result.
            caller: the function that returns them and does nothing else with them.
        """
        current = tape.get() if mode.tracing and not _variables.get() else None
        found = None if current is None else current.ending(caller, y, self.variables)
        if found is None:
            return gradients_or_zeros(y, self.variables, self.nested)
        return [_or_zeros(g, x, self.nested) for x, g in zip(self.variables, found, strict=True)]

    def structured(self, found: Sequence[Any]) -> list[Any]:
        """Return one container an argument, holding what was found for its leaves."""
        values = iter(found)
        return [rebuilt(given, values) for given in self._given]

    def plain(self, tree: Any) -> Any:
        """Return a result as the caller expects it: plain unless this call is nested."""
        return tree if self.nested else mapped(value_of, tree)


@contextmanager
def _around(variables: Sequence[Tensor]) -> Iterator[None]:
    token = _variables.set((*_variables.get(), *variables))
    try:
        yield
    finally:
        _variables.reset(token)


def differentiating() -> bool:
    """Return whether a transform runs around the caller."""
    return bool(_variables.get())


def positions_of(argnums: int | Sequence[int]) -> tuple[int, ...]:
    """Return argnums as a tuple of ints."""
    given = tuple(argnums) if isinstance(argnums, Sequence) else (argnums,)
    try:
        positions = tuple(operator.index(i) for i in given)
    except TypeError:
        positions = ()
    if not positions or any(isinstance(i, bool) for i in given):
        raise ArgumentError(
            message("argnums as an int or a sequence of ints", f"{argnums!r}", "argnums=0")
        )
    return positions


def is_tracked(y: Any) -> bool:
    """Return whether a gradient can flow from `y`."""
    return type(y) is Tensor and y._op is not None


def gradients_or_zeros(
    y: Any, variables: Sequence[Tensor], nested: bool, cotangents: Any = None
) -> list[Any]:
    """Return the gradients of one result or a list of them, zeros where there is no path."""
    outputs = y if isinstance(y, list) else [y]
    seeds = cotangents if cotangents is not None else [None] * len(outputs)
    live = [(y, _seed(y, s)) for y, s in zip(outputs, seeds, strict=True) if is_tracked(y)]
    found: Sequence[Any] = [None] * len(variables)
    if live:
        found = gradients(
            [y for y, _ in live], variables, [s for _, s in live], create_graph=nested
        )
    return [_or_zeros(g, x, nested) for x, g in zip(variables, found, strict=True)]


def _or_zeros(g: Any, x: Tensor, nested: bool) -> Any:
    return as_result(zeros_like(x), nested) if g is None else g


def _seed(y: Tensor, seed: Any) -> Any:
    return seed if seed is None or type(seed) is Tensor else stored(seed, None)


def as_result(value: Any, nested: bool) -> Any:
    """Return a plain value as a constant Tensor where Tensors are expected."""
    return Tensor(value, requires_grad=False) if nested and type(value) is not Tensor else value


def zeros_like(x: Any, shape: tuple[int, ...] | None = None) -> Any:
    """Return the zero of the shape of `x`, or another, a float for a scalar; float32 if `x` is."""
    narrow = getattr(x, "dtype", None) == np.float32
    zero = np.zeros(np.shape(x) if shape is None else shape, np.float32 if narrow else np.float64)
    return zero if zero.ndim else zero[()] if narrow else 0.0


def basis(x: Tensor, i: int, nested: bool) -> Any:
    """Return the unit direction of entry `i` of `x`."""
    if x.shape == ():
        return as_result(1.0, nested)
    unit = np.zeros(x.size)
    unit[i] = 1.0
    return as_result(unit.reshape(x.shape), nested)


def name_of(f: Callable[..., Any]) -> str:
    """Return what messages call a function."""
    return getattr(f, "__name__", repr(f))
