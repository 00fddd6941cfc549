"""What makes every row of the table a method of Tensor, and an operator where it has a symbol."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .anomaly import hunting
from .kinds import Elementwise
from .observers import OBSERVERS
from .primitive import REGISTRY, ROWS, Primitive
from .recording import mode, recording
from .scalar import binary_method, unary_method
from .tensor import Tensor, apply, record

_OPERATORS = {
    "+": "add",
    "-": "sub",
    "*": "mul",
    "/": "truediv",
    "//": "floordiv",
    "%": "mod",
    "divmod": "divmod",
    "**": "pow",
    "@": "matmul",
    "neg": "neg",
    "pos": "pos",
    "abs": "abs",
    "&": "and",
    "|": "or",
    "^": "xor",
    "~": "invert",
}
"""How Python names the methods behind the symbols of the table."""
_UNARY = ("neg", "pos", "abs")


ALIASES: dict[str, Primitive] = {
    name: REGISTRY[function]
    # getattr would import numpy.testing and others
    for name, function in ((name, vars(np).get(name)) for name in np.__all__)
    if name not in ROWS and callable(function) and function in REGISTRY
}
"""The other names that NumPy has for functions with a row, such as abs and acos."""


class _GiveWayError(ArithmeticError):
    """Sends the fast lane to `apply`."""


def _recording_floats() -> bool:
    """Tell the fast lane whether to record; while anomalies are hunted, to give way."""
    if mode.anomaly and hunting():
        raise _GiveWayError
    return recording.get()


def _general_method(row: Primitive, name: str, reflected: bool = False) -> Callable[..., Any]:
    if row.takes_arrays_only and row.symbol is not None and row.arity == 2:

        def method(self: Tensor, other: Any) -> Any:
            return apply(row, (other, self) if reflected else (self, other), {})

    else:

        def method(self: Tensor, *args: Any, **kwargs: Any) -> Any:  # type: ignore[misc]
            return row(*args[:1], self, *args[1:]) if reflected else row(self, *args, **kwargs)

    method.__name__ = name
    method.__doc__ = row.summary
    return method


def install() -> None:
    """Make every row a method, and an operator where it has a symbol."""
    context = {
        "float64": np.float64,
        "Tensor": Tensor,
        "ndarray": np.ndarray,
        "new": object.__new__,
        "apply": apply,
        "record": record,
        "mode": mode,
        "recording": _recording_floats,
    }
    for row in ROWS.values():
        fast = row.scalar is not None and (row.symbol is not None or isinstance(row, Elementwise))
        if row.symbol is not None:
            for reflected in (False,) if row.symbol in _UNARY else (False, True):
                name = f"__{'r' if reflected else ''}{_OPERATORS[row.symbol]}__"
                if fast and row.arity == 2:
                    method = _written_when_called(row, name, context, reflected)
                else:
                    method = _method(row, name, context, fast, reflected)
                setattr(Tensor, name, method)
                if fast and not reflected:
                    row.quick = method
        if not hasattr(Tensor, row.name):
            method = _method(row, row.name, context, fast and row.arity == 1)
            setattr(Tensor, row.name, method)
            if fast and row.arity == 1:
                row.quick = method
    for name, row in ALIASES.items():
        if not hasattr(Tensor, name):
            setattr(Tensor, name, getattr(Tensor, row.name))
    for look in OBSERVERS.values():
        operator = _OPERATORS.get(look.symbol or "")
        name = f"__{operator}__" if operator else look.name
        setattr(Tensor, name, _general_method(look, name))
        if operator in ("and", "or", "xor"):
            name = f"__r{operator}__"
            setattr(Tensor, name, _general_method(look, name, reflected=True))


def _written_when_called(
    row: Primitive, name: str, context: dict[str, Any], reflected: bool
) -> Callable[..., Any]:
    """Return a method that puts the one written out for it in its place: few programs call all."""

    def method(self: Tensor, other: Any) -> Any:
        written = _method(row, name, context, fast=True, reflected=reflected)
        setattr(Tensor, name, written)
        if row.quick is method:
            row.quick = written
        return written(self, other)

    method.__name__ = name
    method.__doc__ = row.summary
    return method


def _method(
    row: Primitive, name: str, context: dict[str, Any], fast: bool, reflected: bool = False
) -> Callable[..., Any]:
    if not fast:
        return _general_method(row, name, reflected)
    if row.arity == 1:
        return unary_method(row, name, context)
    return binary_method(row, name, context, reflected)
