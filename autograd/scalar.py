"""The fast lane for floats: rules bound to the math module, and methods written out from templates.

A scalar program costs one method call and one object an operation, so the arithmetic, the local
derivatives and the record are straight-line code. Whatever is not two floats, and every corner that
Python's floats refuse (1/0, log(-1), overflow), goes to `apply`, where NumPy decides.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from .kinds import Elementwise
from .primitive import REGISTRY, ROWS, Primitive


class ScalarNumPy:
    """NumPy for Python floats: the namespace in which rules run on scalars.

    A name of the table answers with its `scalar` function, any other with NumPy's own.
    """

    def __getattr__(self, name: str) -> Any:
        function = getattr(np, name)
        row = REGISTRY.get(function)
        scalar = function if row is None or row.scalar is None else row.scalar
        setattr(self, name, scalar)
        return scalar


def specialise_scalar_rules() -> None:
    """Give every row with a scalar function its rules on floats, from the one rule it states.

    The same code object is bound to its module's names with `np` replaced by `ScalarNumPy` and
    every row by its scalar function.
    """
    numpy = ScalarNumPy()
    modules: dict[int, dict[str, Any]] = {}
    for row in ROWS.values():
        if row.scalar is not None and isinstance(row, Elementwise):
            row.scalar_rules = tuple(
                rule and _on_floats(rule, numpy, modules) for rule in row.rules
            )


def _on_floats(
    rule: Callable[..., Any], numpy: ScalarNumPy, modules: dict[int, dict[str, Any]]
) -> Callable[..., Any]:
    names = modules.get(id(rule.__globals__))
    if names is None:
        names = modules[id(rule.__globals__)] = {
            name: value.scalar if isinstance(value, Primitive) and value.scalar else value
            for name, value in rule.__globals__.items()
        }
        names["np"] = numpy
    return types.FunctionType(
        rule.__code__, names, rule.__name__, rule.__defaults__, rule.__closure__
    )


_UNARY = """
def method(self, **params):
    x = self._value
    if type(x) is float and not params:
        try:
            value = {expression}
            out = new(Tensor)
            if self._op is None or (mode.paused and not recording()):
                if mode.tracing:
                    raise ArithmeticError  # no record would tell the trace: apply does
                out._op = None
            else:
                out._dx = float({dx})
                out._dy = None
                out._op = op
                out._x = self
            out._value = value
            out._clock = mode.clock
            out._record = out.grad = out.name = None
            return out
        except (ArithmeticError, ValueError):
            pass
    elif type(x) is ndarray and not params:
        return record(op, self._op is not None, (self,), params, compute(x))
    return op(self, **params) if params else apply(op, (self,), params)
"""

_BINARY = """
def method(self, other):
    kind = type(other)
    {mine} = self._value
    if kind is Tensor:
        {theirs} = other._value
        if type(x) is float is type(y):
            try:
                value = {expression}
                out = new(Tensor)
                if mode.paused and not recording():
                    if mode.tracing:
                        raise ArithmeticError  # no record would tell the trace: apply does
                    out._op = None
                elif self._op is None:
                    if other._op is None:
                        if mode.tracing:
                            raise ArithmeticError
                        out._op = None
                    else:
                        out._op = op
                        out._x = {left}
                        out._y = {right}
                        out.{d_mine} = None
                        out.{d_theirs} = {slope_theirs}
                else:
                    out._op = op
                    out._x = {left}
                    out._y = {right}
                    out.{d_mine} = {slope_mine}
                    out.{d_theirs} = None if other._op is None else {slope_theirs}
                out._value = value
                out._clock = mode.clock
                out._record = out.grad = out.name = None
                return out
            except (ArithmeticError, ValueError):
                pass
        elif type(x) is ndarray is type(y):
            try:
                value = compute(x, y)
            except ValueError:
                pass
            else:
                tracked = self._op is not None or other._op is not None
                return record(op, tracked, ({left}, {right}), {{}}, value)
    elif (kind is float or kind is int or kind is float64) and type({mine}) is float:
        try:
            {theirs} = other if kind is float else float(other)
            value = {expression}
            out = new(Tensor)
            if self._op is None or (mode.paused and not recording()):
                if mode.tracing:
                    raise ArithmeticError  # no record would tell the trace: apply does
                out._op = None
            else:
                out.{d_mine} = {slope_mine}
                out.{d_theirs} = None
                out._op = op
                out.{slot_mine} = self
                out.{slot_theirs} = {theirs}
            out._value = value
            out._clock = mode.clock
            out._record = out.grad = out.name = None
            return out
        except (ArithmeticError, ValueError):
            pass
    return apply(op, ({left}, {right}), {{}})
"""


def unary_method(row: Primitive, name: str, context: dict[str, Any]) -> Callable[..., Any]:
    """Write out the method of a one-argument row.

    Args:
        row: an operation with a `scalar` function.
        name: the method's name.
        context: what the templates refer to: Tensor, ndarray, new, apply, record, mode, recording.
    """
    fields = {"expression": "f(x)", "dx": row.scalar_slope(0)}
    return _define(_UNARY, name, fields, row, context)


def binary_method(
    row: Primitive, name: str, context: dict[str, Any], reflected: bool = False
) -> Callable[..., Any]:
    """Write out an operator method of a two-argument row, `self` on the right if reflected."""
    inline = row.symbol is not None and row.symbol in "+-*/"
    slopes = [
        slope if row.scalar_rules is row.rules else f"float({slope})"
        for slope in (row.scalar_slope(0), row.scalar_slope(1))
    ]
    mine, theirs = (1, 0) if reflected else (0, 1)
    fields = {
        "expression": f"x {row.symbol} y" if inline else "f(x, y)",
        "mine": "xy"[mine],
        "theirs": "xy"[theirs],
        "left": "other" if reflected else "self",
        "right": "self" if reflected else "other",
        "d_mine": f"_d{'xy'[mine]}",
        "d_theirs": f"_d{'xy'[theirs]}",
        "slot_mine": f"_{'xy'[mine]}",
        "slot_theirs": f"_{'xy'[theirs]}",
        "slope_mine": slopes[mine],
        "slope_theirs": slopes[theirs],
    }
    return _define(_BINARY, name, fields, row, context)


def _define(
    template: str, name: str, fields: dict[str, str], row: Primitive, context: dict[str, Any]
) -> Callable[..., Any]:
    namespace = {**context, "op": row, "f": row.scalar, "compute": row.compute}
    namespace.update((f"rule{i}", rule) for i, rule in enumerate(row.scalar_rules))
    # rows share the text, not the code object: the interpreter specialises each to its own calls
    code = _compiled(template.format(**fields)).replace(co_name=name, co_qualname=name)
    method = types.FunctionType(code, namespace, name)
    method.__doc__ = row.summary
    return method


@functools.cache
def _compiled(text: str) -> types.CodeType:
    module = compile(text, "<scalar method>", "exec")
    return next(c for c in module.co_consts if isinstance(c, types.CodeType))
