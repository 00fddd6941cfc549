"""Where and how generated tests call a row: intervals, kinks, shapes and parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Domain:
    """The open interval that generated tests draw an argument from.

    Args:
        low: the lower end.
        high: the upper end.
        kinks: points inside where the derivative jumps; tests keep a distance.
    """

    low: float
    high: float
    kinks: tuple[float, ...] = ()


REALS = Domain(-4.0, 4.0)
KINK_AT_0 = Domain(-4.0, 4.0, (0.0,))
NONZERO = Domain(0.2, 4.0)
POSITIVE = Domain(0.05, 5.0)
ABOVE_1 = Domain(1.05, 5.0)
UNIT = Domain(-0.95, 0.95)
ABOVE_MINUS_1 = Domain(-0.9, 5.0)
STEPS = Domain(-4.0, 4.0, tuple(i / 2 for i in range(-8, 9)))


@dataclass(frozen=True)
class Case:
    """One way of calling an operation that is not element-wise.

    Args:
        shapes: the shapes of the arrays to draw.
        params: keyword parameters.
        call: how to call the function f on the arrays, f(*arrays, **params) if not given; it may
            prepare them (symmetric, positive definite) and choose among several outputs.
    """

    shapes: tuple[tuple[int, ...], ...]
    params: Mapping[str, Any] = field(default_factory=dict)
    call: Callable[..., Any] | None = None

    def apply(self, function: Callable[..., Any], *arrays: Any) -> Any:
        """Call `function` on arrays of the case's shapes."""
        if self.call is not None:
            return self.call(function, *arrays)
        return function(*arrays, **self.params)
