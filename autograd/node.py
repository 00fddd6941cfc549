"""`Node`: what a graph is made of, a value and the record of the operation that made it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .errors import DTypeError, GraphError, message
from .guard import is_frozen
from .html import html_table
from .primitive import Primitive
from .recording import mode, tape


class Leaf:
    """What made a leaf: nothing but its creator."""

    name = "leaf"

    def __reduce__(self) -> str:
        return "LEAF"


LEAF = Leaf()


class Node:
    """A value with its record; `Tensor` adds to it what Python and NumPy call.

    A scalar operation keeps its two edges flat: operands in `_x`, `_y` and local derivatives in
    `_dx`, `_dy`, None where the operand is not tracked. Any other operation keeps `_record`, its
    inputs and parameters. `_op` is None for what needs no gradient and LEAF for a leaf. `_scopes`
    is set only on what a `scope` returned.

    Args:
        data: a number, an array or nested lists of numbers; it is copied. float32 stays, other
            reals become float64.
        requires_grad: False for a constant.
        name: what messages and figures call it.

    Raises:
        DTypeError: if `data` holds complex numbers, objects or text.
    """

    __slots__ = (
        "__weakref__",
        "_clock",
        "_dx",
        "_dy",
        "_op",
        "_record",
        "_scopes",
        "_value",
        "_x",
        "_y",
        "grad",
        "name",
    )

    _value: Any
    _op: Any
    _x: Any
    _y: Any
    _dx: float | None
    _dy: float | None
    _clock: int
    _record: tuple[tuple[Any, ...], dict[str, Any]] | None
    _scopes: tuple[Any, ...]
    grad: Any
    name: str | None

    def __init__(self, data: Any, *, requires_grad: bool = True, name: str | None = None) -> None:
        self._value = data if type(data) is float else stored(data, name)
        self._op = LEAF if requires_grad else None
        self._record = self.grad = None
        self._clock = 0
        self.name = name
        if mode.tracing:
            tell_birth(self, data)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape, () for a scalar."""
        return np.shape(self._value)

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return np.ndim(self._value)

    @property
    def size(self) -> int:
        """The number of entries."""
        return int(np.size(self._value))

    @property
    def dtype(self) -> np.dtype[Any]:
        """The NumPy dtype: float64 or float32."""
        return np.result_type(self._value)

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow to this Tensor."""
        return self._op is not None

    @property
    def is_leaf(self) -> bool:
        """Whether no operation made it."""
        return self._op is None or self._op is LEAF

    @property
    def primitive(self) -> Primitive | None:
        """The row of the table that made it, None for a leaf or constant."""
        return None if self.is_leaf else self._op

    @property
    def inputs(self) -> tuple[Any, ...]:
        """The operands: Tensors, and constants as plain values."""
        if self._record is not None:
            return self._record[0]
        if self.is_leaf:
            return ()
        return (self._x,) if self._op.arity == 1 else (self._x, self._y)

    @property
    def params(self) -> dict[str, Any]:
        """The parameters of the operation, such as axis."""
        return {} if self._record is None else dict(self._record[1])

    def _repr_html_(self) -> str:
        """Show the value beside its gradient in a notebook."""
        if self.requires_grad:
            gradient = "no gradient yet" if self.grad is None else _short(value_of(self.grad))
        else:
            gradient = "constant"
        head = ["name", "value", "gradient", "shape", "computed by"]
        made_by = "leaf" if self.primitive is None else self.primitive.name
        cells = [self.name or "", _short(self._value), gradient, str(self.shape), made_by]
        return html_table(head, [cells])

    @property
    def label(self) -> str:
        """What messages call this Tensor."""
        if self.name is not None:
            return f"Tensor {self.name!r}"
        return "an unnamed Tensor" if self.is_leaf else f"the result of {self._op.name}"


def _short(value: Any) -> str:
    """Return a number to six digits, an array in a few lines."""
    with np.printoptions(precision=6, threshold=50, edgeitems=3):
        return f"{value:.6g}" if np.ndim(value) == 0 else str(value)


def adopt(leaves: Sequence[Node], values: Sequence[Any]) -> None:
    """Give leaves new values without copying them: arrays that nobody writes to any more.

    Args:
        leaves: leaves or constants.
        values: one each, of its shape and dtype; a float for a single double.

    Raises:
        GraphError: if one is the result of an operation, or a value has another shape or dtype.
    """
    for leaf, value in zip(leaves, values, strict=True):
        held = leaf._value
        fits = type(value) is type(held) and (
            type(value) is float
            or (
                value.shape == held.shape
                and (value.dtype is held.dtype or value.dtype == held.dtype)
            )
        )
        if not fits or not leaf.is_leaf:
            raise GraphError(
                message(
                    f"{leaf.label} to be a leaf, and a value of its shape and dtype",
                    f"a value of shape {np.shape(value)}",
                    "t.assign(value), which converts and copies",
                )
            )
    clock = mode.tick()
    for leaf, value in zip(leaves, values, strict=True):
        leaf._value = value
        leaf._clock = clock


def tell_birth(out: Node, data: Any) -> None:
    """Let a trace know that `out` was made of `data`, with a record of its own."""
    current = tape.get()
    if current is not None:
        current.born(out, data)


def value_of(x: Any) -> Any:
    """Return the raw value of a Tensor, and anything else as it is.

    Args:
        x: a Tensor or a plain value.

    Returns:
        A float or an array.

    Example:
        >>> value_of(Node(2.0)), value_of(3)
        (2.0, 3)
    """
    return x._value if isinstance(x, Node) else x


def plain_all(x: Any) -> Any:
    """Return the raw value of a Tensor, also of those in a list or tuple."""
    if isinstance(x, Node):
        return x._value
    if type(x) in (list, tuple):
        return type(x)(plain_all(part) for part in x)
    return x


def stored(data: Any, name: str | None) -> Any:
    """Return what a leaf holds: a float, a float32 scalar or an array of its own."""
    label = "a Tensor" if name is None else f"Tensor {name!r}"
    if isinstance(data, Node):
        if data._op is not None and data._op is not LEAF:
            raise GraphError(
                message(
                    f"plain values for {label}",
                    f"{data.label}, which would lose the graph it was computed in",
                    "that Tensor itself, or t.detach() for its value alone",
                )
            )
        data = data._value
    if isinstance(data, np.ma.MaskedArray):
        raise DTypeError(message(f"numbers for {label}", "a masked array", "masked.filled(value)"))
    try:
        if isinstance(data, (bool, int, float)):
            return float(data)
        array = np.asarray(data)
    except (ValueError, OverflowError) as error:
        raise DTypeError(
            message(
                f"a number or a rectangular array of numbers for {label}",
                f"{type(data).__name__} ({error})",
                "rows of equal length, and numbers below 1.8e308",
            )
        ) from error
    if array.dtype.kind not in "fiub" or array.dtype == np.longdouble:
        raise DTypeError(
            message(
                f"real numbers for {label}",
                f"{type(data).__name__} of dtype {array.dtype}",
                "float(...) or array.astype(float)"
                if array.dtype.kind != "c"
                else "two Tensors, for the real and the imaginary part",
            )
        )
    dtype = np.float32 if array.dtype in (np.float32, np.float16) else np.float64
    if array.ndim == 0:
        return np.float32(array[()]) if dtype is np.float32 else float(array[()])
    return np.array(array, dtype)


def tensors_of(argument: str, given: Any) -> list[Node]:
    """Return one Tensor or a sequence of them as a list."""
    listed = list(given) if isinstance(given, (list, tuple)) else [given]
    for t in listed:
        if not isinstance(t, Node):
            raise GraphError(
                message(
                    f"{argument} to be a Tensor or a sequence of them",
                    f"{type(t).__name__}",
                    "the Tensor that the result was computed from",
                )
            )
    return listed


def toposort(roots: Iterable[Node]) -> list[Node]:
    """Return every Tensor that `roots` were computed from, each before its inputs.

    Args:
        roots: any Tensors.

    Returns:
        The roots and their ancestors, constants included; the order depends on the graph alone.

    Example:
        >>> from autograd import Tensor
        >>> x = Tensor(2.0, name="x")
        >>> [t.label for t in toposort([x * x])]
        ['the result of multiply', "Tensor 'x'"]
    """
    roots = list(dict.fromkeys(roots))
    uses: dict[Node, int] = dict.fromkeys(roots, 1)
    found = list(roots)
    for node in found:  # grows while it is walked
        for x in node.inputs:
            if isinstance(x, Node):
                if x in uses:
                    uses[x] += 1
                else:
                    uses[x] = 1
                    found.append(x)
    order: list[Node] = []
    for root in roots:
        uses[root] -= 1
        if not uses[root]:
            order.append(root)
    for node in order:
        for x in node.inputs:
            if isinstance(x, Node):
                uses[x] -= 1
                if not uses[x]:
                    order.append(x)
    return order


def leading_to(roots: Sequence[Node], targets: set[Node]) -> set[Node] | None:
    """Return the Tensors between the roots and the targets, ends included; None if all are."""
    if _leaves_are_in(targets, roots):
        return None
    relevant = set(targets)
    for node in reversed(toposort(roots)):
        if node in relevant or node.is_leaf:
            continue
        if node._record is None:
            leads = (node._dx is not None and node._x in relevant) or (
                node._dy is not None and node._y in relevant
            )
        else:
            leads = any(isinstance(x, Node) and x in relevant for x in node._record[0])
        if leads:
            relevant.add(node)
    return relevant


def _leaves_are_in(targets: set[Node], roots: Sequence[Node]) -> bool:
    """Say whether all leaves that the roots depend on are among the targets."""
    found = list(dict.fromkeys(roots))
    seen = set(found)
    for node in found:  # grows while it is walked
        if node._op is LEAF:
            if node not in targets:
                return False
        elif node._record is not None:
            for x in node._record[0]:
                if isinstance(x, Node) and x not in seen and x._op is not None:
                    seen.add(x)
                    found.append(x)
        else:
            if node._dx is not None and node._x not in seen:
                seen.add(node._x)
                found.append(node._x)
            if node._dy is not None and node._y not in seen:
                seen.add(node._y)
                found.append(node._y)
    return True


def refuse_stale(node: Node, inputs: Iterable[Any]) -> None:
    """Raise if an input is not what `node` was computed from: assigned since, or unlocked.

    Raises:
        GraphError: naming the leaf, or the operation whose constant may have been written.
    """
    for x in inputs:
        if type(x) is np.ndarray and not is_frozen(x):
            raise GraphError(
                message(
                    f"the constant of shape {x.shape} in {node.label} to stay read only",
                    "an array that was made writeable since, so that its entries may have changed",
                    "handing over a writeable array, which is copied, or computing again",
                )
            )
        if isinstance(x, Node) and x.is_leaf and x._clock > node._clock:
            raise GraphError(
                message(
                    f"{x.label} to hold the value that {node.label} was computed with",
                    "a value assigned since",
                    "computing the result again before differentiating it",
                )
            )
