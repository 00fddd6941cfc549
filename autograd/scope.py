"""Named stretches of a computation: what figures draw as one box at the level of modules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .containers import leaves
from .node import Node


class Scope:
    """What was computed in one call, from its arguments to its result.

    Args:
        module: a name, or an object with the attribute `name`.
        arguments: what it was called with.
    """

    __slots__ = ("arguments", "module")

    def __init__(self, module: Any, arguments: tuple[Any, ...]) -> None:
        self.module = module
        self.arguments = arguments

    @property
    def inputs(self) -> list[Any]:
        """The Tensors and arrays among the arguments, also in lists."""
        return [x for _, x in leaves(self.arguments) if isinstance(x, (Node, np.ndarray))]

    @property
    def name(self) -> str:
        """What figures call it."""
        return self.module if isinstance(self.module, str) else str(self.module.name)


def scope(module: Any, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a function, and remember its result as that of a module, for figures.

    Nothing is computed for it until a figure is drawn.

    Args:
        module: a name; or an object with a `name`, and with a `count_params()` if it has
            parameters, which figures show.
        function: what computes.
        args: its arguments; the Tensors and arrays among them, also in lists, are its inputs.
        kwargs: its arguments by name.

    Returns:
        What the function returns.

    Example:
        >>> import autograd as ag
        >>> x = ag.Tensor([1.0, -2.0], name="x")
        >>> y = ag.scope("norm", lambda x: np.sqrt((x * x).sum()), x)
        >>> [v.title for v in ag.draw(y, level="modules").vertices]
        ['x', 'norm', 'result']
    """
    out = function(*args, **kwargs)
    for result in out if isinstance(out, (list, tuple)) else (out,):
        if isinstance(result, Node) and not result.is_leaf:
            mine = Scope(module, (args, kwargs))
            result._scopes = (*scopes_of(result), mine)
    return out


def scopes_of(t: Node) -> tuple[Scope, ...]:
    """Return the scopes that a Tensor is the result of, inner before outer."""
    return getattr(t, "_scopes", ())
