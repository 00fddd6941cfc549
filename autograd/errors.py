"""The exceptions of this project: each message says what was expected, what came, what to try."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any


class ChainruleError(Exception):
    """The base of every exception raised by `autograd` and `nn`."""


class ArgumentError(ChainruleError, ValueError):
    """An argument has a value that the function cannot take."""


class ShapeError(ArgumentError):
    """Shapes do not fit together."""


class DTypeError(ChainruleError, TypeError):
    """A value has a type that cannot be differentiated or used here."""


class GraphError(ChainruleError, RuntimeError):
    """A recorded graph would be lost, or has been made invalid."""


class TraceError(GraphError):
    """A function being traced wants a value, which only a call of the graph has."""


class AnomalyError(ChainruleError, ArithmeticError):
    """An operation made a nan or inf inside `detect_anomaly`."""


class GradientError(ChainruleError, AssertionError):
    """A gradient is wrong.

    Attributes:
        report: what `gradcheck` found, an `autograd.check.Report`; None from elsewhere.
    """

    report: Any = None


class MissingExtraError(ChainruleError, ImportError):
    """An optional dependency is not installed."""


def message(expected: str, got: str, hint: str) -> str:
    """Return the one form that every error message of the project takes.

    Args:
        expected: what the callee needs, naming the argument.
        got: what came, with names, shapes and types.
        hint: what to try, a phrase that follows "try".

    Returns:
        The sentence "expected ...; got ...; try ...".

    Example:
        >>> message("x to be an array of rank 2", "rank 1", "x[None, :]")
        'expected x to be an array of rank 2; got rank 1; try x[None, :]'
    """
    return f"expected {expected}; got {got}; try {hint}"


def require(module: str, extra: str, purpose: str) -> ModuleType:
    """Import an optional dependency, or say which extra brings it.

    Args:
        module: the module to import.
        extra: the extra of the distribution that installs it.
        purpose: what it is needed for, a phrase that follows "to".

    Returns:
        The imported module.

    Raises:
        MissingExtraError: if the module cannot be imported.

    Example:
        >>> require("math", "nn", "compute").pi > 3
        True
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.split(".")[0]
        raise MissingExtraError(
            message(
                f"{package!r} to be installed in order to {purpose}",
                f"{type(error).__name__}: {error}",
                f'pip install "chainrule[{extra}]"',
            )
        ) from error
