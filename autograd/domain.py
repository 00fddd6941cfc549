"""Where and how generated tests call a row: intervals, kinks, shapes and parameters."""

from __future__ import annotations

from collections.abc import Mapping
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


@dataclass(frozen=True)
class Case:
    """One way of calling a primitive that is not element-wise: input shapes and parameters."""

    shapes: tuple[tuple[int, ...], ...]
    params: Mapping[str, Any] = field(default_factory=dict)
