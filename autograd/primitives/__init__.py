"""THE TABLE: one row an operation. Everything else about an operation is derived from its row.

Conventions at ties and kinks stand in the row's `note`; they hold in both modes and every order.
"""

from __future__ import annotations

from ..scalar import specialise_scalar_rules
from . import (
    activations,
    arithmetic,
    decompositions,
    exponential,
    indexing,
    joining,
    linalg,
    matrices,
    norms,
    ordering,
    padding,
    piecewise,
    products,
    reductions,
    shape,
    special,
    trigonometric,
)
from .arithmetic import positive
from .indexing import at, getitem
from .reductions import sum
from .shape import astype, reshape, transpose
from .special import SCIPY

FAMILIES = (
    arithmetic,
    exponential,
    trigonometric,
    piecewise,
    activations,
    reductions,
    ordering,
    products,
    shape,
    padding,
    joining,
    matrices,
    indexing,
    linalg,
    decompositions,
    norms,
    special,
)

__all__ = [
    "FAMILIES",
    "SCIPY",
    "astype",
    "at",
    "getitem",
    "positive",
    "reshape",
    "sum",
    "transpose",
]

specialise_scalar_rules()
