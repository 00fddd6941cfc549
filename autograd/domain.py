"""Where and how generated tests call a row: intervals, kinks, shapes and parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any


class Domain:
    """The open interval that generated tests draw an argument from.

    Args:
        low: the lower end.
        high: the upper end.
        kinks: points inside where the derivative jumps; tests keep a distance.
    """

    __slots__ = ("high", "kinks", "low")

    def __init__(self, low: float, high: float, kinks: tuple[float, ...] = ()) -> None:
        self.low = low
        self.high = high
        self.kinks = kinks


REALS = Domain(-4.0, 4.0)
KINK_AT_0 = Domain(-4.0, 4.0, (0.0,))
NONZERO = Domain(0.2, 4.0)
POSITIVE = Domain(0.05, 5.0)
ABOVE_1 = Domain(1.05, 5.0)
UNIT = Domain(-0.95, 0.95)
ABOVE_MINUS_1 = Domain(-0.9, 5.0)
STEPS = Domain(-4.0, 4.0, tuple(i / 2 for i in range(-8, 9)))


class Case:
    """One way of calling an operation that is not element-wise.

    Args:
        shapes: the shapes of the arrays to draw.
        params: keyword parameters.
        call: how to call the function f on the arrays, f(*arrays, **params) if not given; it may
            prepare them (symmetric, positive definite) and choose among several outputs.
    """

    __slots__ = ("call", "params", "shapes")

    def __init__(
        self,
        shapes: tuple[tuple[int, ...], ...],
        params: Mapping[str, Any] = MappingProxyType({}),
        call: Callable[..., Any] | None = None,
    ) -> None:
        self.shapes = shapes
        self.params = params
        self.call = call

    def __repr__(self) -> str:
        return f"Case({self.shapes}, {dict(self.params)})"

    def apply(self, function: Callable[..., Any], *arrays: Any) -> Any:
        """Call `function` on arrays of the case's shapes."""
        if self.call is not None:
            return self.call(function, *arrays)
        return function(*arrays, **self.params)
