"""`draw`: from a recorded Tensor to the description of its picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, cast

from ..check.differences import BackwardDiff, EdgeDiff
from ..errors import ArgumentError, DTypeError, GraphError, message
from ..node import Node
from .assemble import Assembly
from .collapse import evaluation_order
from .dot import Style
from .figure import Figure
from .scalars import opened
from .structure import structure

if TYPE_CHECKING:  # alone: figures of Tensors need no graphs
    from ..graph.ir import Graph

LEVELS = ("modules", "operations", "scalars")


def draw(
    y: Node | BackwardDiff | Graph,
    *,
    level: Literal["modules", "operations", "scalars"] = "operations",
    theme: Literal["light", "dark"] = "light",
    direction: Literal["right", "down"] = "right",
    derivatives: bool = False,
) -> Figure:
    """Draw the computation of `y`: operations as circles, every edge with two numbers.

    The value stands above each edge and the gradient of `y` below it, as `backward()` has left
    them. Large computations are collapsed, and the picture says what stands for how much.

    Args:
        y: a Tensor; or what `diff_backward` found, whose edges are then green where the
            hand-written gradient is right, red and thick where it is wrong; or a frozen Graph,
            whose edges show shape and dtype. Called on Tensors, it returns what has values.
        level: how closely to look. "modules": each layer, or call of `autograd.scope`, is one box;
            "operations"; "scalars": small arrays are opened into the arithmetic of their entries.
        theme: "light" or "dark".
        direction: "right" or "down".
        derivatives: whether edges show their local derivative as well.

    Returns:
        The figure, as of now.

    Raises:
        DTypeError: if `y` is no Tensor.
        ArgumentError: if `level`, `theme` or `direction` is unknown.
        GraphError: if a leaf was assigned since `y` was computed.

    Example:
        >>> from autograd import Tensor
        >>> apple, count = Tensor(100, name="apple"), Tensor(2, name="count")
        >>> price = apple * count
        >>> price.backward()
        >>> [(e.value, e.gradient) for e in draw(price).edges]
        [(100.0, 2.0), (2.0, 100.0), (200.0, 1.0)]
    """
    by_hand: Mapping[Any, EdgeDiff] = {}
    style = Style(theme, direction, derivatives)
    frozen = hasattr(y, "__chainrule_retrace__")
    if (frozen or isinstance(y, BackwardDiff)) and level != "operations":
        kind = type(y).__name__
        raise ArgumentError(
            message(f"level='operations' for a {kind}", repr(level), "leaving level out")
        )
    if frozen:
        order, results = structure(cast("Graph", y))
        return described(order, None, style, results=results)
    if isinstance(y, BackwardDiff):
        seed = 1.0 if y.cotangent is None else y.cotangent
        by_hand = y.marks
        y = y.result
    elif isinstance(y, Node):
        seed = y.grad
    else:
        raise DTypeError(
            message("y to be a Tensor or Graph", f"{type(y).__name__}", "a result of Tensors")
        )
    if level not in LEVELS:
        raise ArgumentError(
            message(
                f"level to be {', '.join(map(repr, LEVELS[:-1]))} or {LEVELS[-1]!r}",
                repr(level),
                "level='operations'",
            )
        )
    order = recorded(y)
    note = ""
    if level == "scalars":
        y, note = opened(order)
        order = evaluation_order(y)
    by_module = level == "modules"
    return described(order, seed, style, by_module=by_module, note=note, by_hand=by_hand)


def described(
    order: list[Node],
    seed: Any,
    style: Style | None = None,
    *,
    by_module: bool = False,
    note: str = "",
    by_hand: Mapping[Any, EdgeDiff] | None = None,
    results: Sequence[Node] = (),
) -> Figure:
    """Describe a computation.

    Args:
        order: its Tensors in evaluation order.
        seed: the gradient of the last one, None for a figure without gradients.
        style: how the figure looks.
        by_module: whether each module is one box.
        note: what the caption says besides.
        by_hand: comparisons with hand-written gradients.
        results: what is computed, if it is more than the last Tensor.
    """
    parts = Assembly(
        order,
        seed,
        style or Style(),
        by_module=by_module,
        note=note,
        by_hand=by_hand or {},
        results=results,
    )
    return Figure(*parts.described())


def recorded(y: Any) -> list[Node]:
    """Return the computation of `y` in evaluation order, refused where it is no longer true."""
    if not isinstance(y, Node):
        raise DTypeError(message("y to be a Tensor", type(y).__name__, "a result of Tensors"))
    order = evaluation_order(y)
    for t in order:
        for x in t.inputs:
            if isinstance(x, Node) and x.is_leaf and x._clock > t._clock:
                raise GraphError(
                    message(
                        f"{x.label} to hold the value that {t.label} was computed with",
                        "a value assigned since",
                        "computing the result again first",
                    )
                )
    return order
