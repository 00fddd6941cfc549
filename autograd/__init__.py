"""Scalar-first automatic differentiation with computation graphs.

Example:
    >>> import autograd as ag
    >>> x = ag.Tensor(3.0, name="x")
    >>> y = x * x + ag.exp(x - 3)
    >>> y.backward()
    >>> x.grad
    7.0
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .check import gradcheck, numerical_gradient
from .define import primitive
from .draw import draw
from .errors import (
    ArgumentError,
    ChainruleError,
    DTypeError,
    GradientError,
    GraphError,
    MissingExtraError,
    ShapeError,
)
from .node import toposort
from .primitive import REGISTRY, ROWS, Primitive
from .primitives import at
from .recording import enable_grad, no_grad
from .sweep import contributions, gradients
from .tensor import Tensor
from .transforms import (
    derivative,
    grad,
    hessian,
    hvp,
    jacobian,
    jvp,
    stop_gradient,
    value_and_grad,
    vjp,
)

__version__ = "0.1.0"

# every row of the table is a function of this package under its own name
globals().update(ROWS)

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...


__all__ = [
    "REGISTRY",
    "ArgumentError",
    "ChainruleError",
    "DTypeError",
    "GradientError",
    "GraphError",
    "MissingExtraError",
    "Primitive",
    "ShapeError",
    "Tensor",
    "at",
    "contributions",
    "derivative",
    "draw",
    "enable_grad",
    "grad",
    "gradcheck",
    "gradients",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "no_grad",
    "numerical_gradient",
    "primitive",
    "stop_gradient",
    "toposort",
    "value_and_grad",
    "vjp",
]
