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

from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import methods
from .anomaly import detect_anomaly, detecting_anomaly
from .checkpoints import checkpoint
from .define import primitive
from .errors import (
    AnomalyError,
    ArgumentError,
    ChainruleError,
    DTypeError,
    GradientError,
    GraphError,
    MissingExtraError,
    ShapeError,
    TraceError,
)
from .html import html_table
from .lazy import lazily
from .node import adopt, toposort
from .primitive import REGISTRY, ROWS, Primitive
from .primitives import at
from .recording import enable_grad, known, no_grad
from .scope import scope
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

methods.install()

__version__ = "0.1.0"

if TYPE_CHECKING:
    from .check.backward import diff_backward
    from .check.gradcheck import gradcheck
    from .check.numerical import numerical_gradient
    from .draw.build import draw
    from .draw.explain import explain
    from .files import write_whole
    from .graph import Graph, compile, trace, vectorize
    from .sparse import sparse_hessian, sparse_jacobian

    def __getattr__(name: str) -> Any: ...
else:
    import_module(f"{__name__}.draw")  # now, so that no later import binds the room in place of
    del draw  # the function of its name
    __getattr__, __dir__ = lazily(
        __name__,
        {
            "check.backward": ("diff_backward",),
            "check.gradcheck": ("gradcheck",),
            "check.numerical": ("numerical_gradient",),
            "draw.build": ("draw",),
            "draw.explain": ("explain",),
            "files": ("write_whole",),
            "graph": ("Graph", "compile", "trace", "vectorize"),
            "sparse": ("sparse_hessian", "sparse_jacobian"),
        },
    )

__all__ = [
    "REGISTRY",
    "AnomalyError",
    "ArgumentError",
    "ChainruleError",
    "DTypeError",
    "GradientError",
    "Graph",
    "GraphError",
    "MissingExtraError",
    "Primitive",
    "ShapeError",
    "Tensor",
    "TraceError",
    "adopt",
    "at",
    "checkpoint",
    "compile",
    "contributions",
    "derivative",
    "detect_anomaly",
    "detecting_anomaly",
    "diff_backward",
    "draw",
    "enable_grad",
    "explain",
    "grad",
    "gradcheck",
    "gradients",
    "hessian",
    "html_table",
    "hvp",
    "jacobian",
    "jvp",
    "known",
    "no_grad",
    "numerical_gradient",
    "primitive",
    "scope",
    "sparse_hessian",
    "sparse_jacobian",
    "stop_gradient",
    "toposort",
    "trace",
    "value_and_grad",
    "vectorize",
    "vjp",
    "write_whole",
]

# every row of the table is a function of this package under its own name; np.trace is NumPy's
globals().update(
    (name, row) for name, row in {**methods.ALIASES, **ROWS}.items() if name not in __all__
)
