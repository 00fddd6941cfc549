"""The closest look: arrays opened into their entries, and operations into the arithmetic on them.

A matrix product becomes its multiplications and additions. The opened computation is made of
Tensors and rows like any other, so that its values and gradients are the engine's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..kinds import Elementwise, Linear, Multilinear
from ..node import LEAF, Node
from ..primitive import REGISTRY, Primitive
from ..recording import enable_grad
from ..tensor import Tensor

MOST_EACH = 400
"""An operation of more scalar operations than this stays as it is."""

MOST = 20_000
"""So do all further ones from this many scalar operations on."""

PRODUCTS = frozenset({"matmul", "dot", "inner", "outer", "vdot"})
"""Rows that NumPy computes on arrays of objects by multiplications and additions."""


def opened(order: Sequence[Node]) -> tuple[Node, str]:
    """Return the same computation with arrays opened into scalars, where they are small.

    Args:
        order: a computation in evaluation order, the result last.

    Returns:
        The new result, whose leaves hold the gradients of the old ones; what stayed closed.
    """
    with enable_grad(), np.errstate(all="ignore"):
        return _Opening(order).result()


class _Opening:
    def __init__(self, order: Sequence[Node]) -> None:
        self.order = order
        self.rows = {row.name: row for row in REGISTRY.values()}
        budget = MOST
        self.closed: set[Node] = set()
        leaves: set[Node] = set()
        for t in order:
            if t.is_leaf:
                continue
            cost = _cost(t)
            if cost is None or cost > min(MOST_EACH, budget):
                self.closed.add(t)
                leaves.update(x for x in t.inputs if isinstance(x, Node) and x.is_leaf)
            else:
                budget -= cost
        # a leaf that is needed whole is taken apart by reading its entries
        self.closed |= leaves
        self.whole: dict[Node, Any] = {}
        self.parts: dict[Node, Any] = {}

    def result(self) -> tuple[Node, str]:
        for t in self.order:
            if t.is_leaf:
                if t in self.closed or t.shape == ():
                    self.whole[t] = t
                else:
                    self.parts[t] = _leaf_entries(t)
            elif t in self.closed:
                self.whole[t] = self._called(t)
            else:
                self.parts[t] = self._opened(t)
        y = self.order[-1]
        out = self._whole(y)
        if out is not y and isinstance(out, Node):
            out.grad = y.grad
            out.name = y.name
        return out if isinstance(out, Node) else y, self._note()

    def _note(self) -> str:
        kept = [t for t in self.order if t in self.closed and t.shape + _shapes(t) != ()]
        names = dict.fromkeys(t.primitive.name for t in kept if t.primitive is not None)
        if not names:
            return ""
        return f"left whole, for its size or its kind: {', '.join(names)}"

    # ---- the two forms of a value ----------------------------------------------------------------

    def _whole(self, x: Any) -> Any:
        """Return a value as one Tensor or plain value."""
        if not isinstance(x, Node):
            return x
        if x not in self.whole:
            entries = self.parts[x]
            if entries.shape == ():
                self.whole[x] = entries.item()
            else:
                flat = np.stack(list(entries.ravel()))
                self.whole[x] = flat if entries.ndim == 1 else flat.reshape(entries.shape)
        return self.whole[x]

    def _parts(self, x: Any) -> Any:
        """Return the entries of a value, as an array of Tensors and numbers."""
        if not isinstance(x, Node):
            return _objects(np.asarray(x, float))
        if x not in self.parts:
            whole = self.whole[x]
            entries = np.empty(x.shape, object)
            for i in np.ndindex(x.shape):
                entries[i] = whole if x.shape == () else whole[i]
            self.parts[x] = entries
        return self.parts[x]

    # ---- operations ------------------------------------------------------------------------------

    def _called(self, t: Node) -> Any:
        """Compute an operation as it is, on whole values."""
        row = t.primitive
        assert row is not None
        operands = [self._whole(x) for x in t.inputs]
        out = row.bind(operands, t.params)
        if isinstance(out, Node):
            out.name = t.name
        return out

    def _opened(self, t: Node) -> Any:
        """Compute an operation entry by entry."""
        row = t.primitive
        assert row is not None
        operands = [self._parts(x) for x in t.inputs]
        if _is_entrywise(row):
            found = np.empty(t.shape, object)
            spread = [np.broadcast_to(x, t.shape) for x in operands]
            for i in np.ndindex(t.shape):
                found[i] = row(*(x[i] for x in spread), **t.params)
        elif row.name in PRODUCTS:
            found = _objects(row.evaluate(operands, t.params))
        else:
            found = self._combined(t, operands)
        _name_entries(t, found, operands)
        return found

    def _combined(self, t: Node, operands: Sequence[Any]) -> Any:
        """Compute a linear operation as sums of its operands' entries."""
        entries = [e for x in operands for e in x.ravel()]
        matrix = _coefficients(t)
        found = np.empty(t.size, object)
        for k, weights in enumerate(matrix):
            used = np.flatnonzero(weights)
            total: Any = 0.0
            scale = weights[used[0]] if len(used) else 1.0
            is_even = bool(np.all(weights[used] == scale))
            for n, j in enumerate(used):
                term = entries[j] if is_even or weights[j] == 1.0 else entries[j] * weights[j]
                total = total + term if n else term
            if is_even and scale != 1.0:
                share = round(1.0 / scale)
                exact = share > 1 and abs(1.0 / share - scale) <= 1e-6 * scale
                total = total / float(share) if exact else total * float(scale)
            found[k] = total
        return found.reshape(t.shape)


def _cost(t: Node) -> int | None:
    """Return how many scalar operations an operation is, None if it cannot be opened."""
    row = t.primitive
    assert row is not None
    shapes = [np.shape(x._value if isinstance(x, Node) else x) for x in t.inputs]
    if t.shape == () and not any(shapes):
        return 1 if _is_entrywise(row) and not _has_arrays(t) else None
    if _is_entrywise(row):
        fits = not _has_arrays(t) and np.broadcast_shapes(*shapes) == t.shape
        return t.size if fits else None
    if row.name in PRODUCTS:
        inner = shapes[0][-1] if shapes[0] and row.name != "outer" else 1
        return t.size * max(2 * inner - 1, 1)
    if isinstance(row, Linear) and not isinstance(row, Multilinear) and not row.selects:
        size = sum(int(np.prod(s)) for s in shapes)
        if size > MOST_EACH or t.size > MOST_EACH:
            return None
        return int(np.count_nonzero(_coefficients(t))) if row.name not in ("astype",) else t.size
    return None


def _coefficients(t: Node) -> Any:
    """Return the matrix of a linear operation: one row an entry of the result."""
    row = t.primitive
    assert row is not None
    shapes = [np.shape(x._value if isinstance(x, Node) else x) for x in t.inputs]
    columns = []
    for index, shape in enumerate(shapes):
        for i in range(int(np.prod(shape))):
            values = [np.zeros(s) for s in shapes]
            values[index].reshape(-1)[i] = 1.0
            columns.append(np.ravel(row.evaluate(values, t.params)))
    return np.array(columns, float).T.reshape(t.size, len(columns))


def _is_entrywise(row: Primitive) -> bool:
    is_ufunc = isinstance(row.forward, np.ufunc) and row.forward.signature is None
    return isinstance(row, Elementwise) or is_ufunc


def _has_arrays(t: Node) -> bool:
    return any(np.ndim(value) for value in t.params.values())


def _shapes(t: Node) -> tuple[int, ...]:
    return tuple(n for x in t.inputs if isinstance(x, Node) for n in x.shape)


def _objects(array: Any) -> Any:
    """Return an array of objects, numbers as Python floats."""
    found = np.empty(np.shape(array), object)
    for i in np.ndindex(found.shape):
        entry = array[i] if found.shape else array
        found[i] = entry if isinstance(entry, Node) else float(entry)
    return found


def _leaf_entries(t: Node) -> Any:
    found = np.empty(t.shape, object)
    label = t.name or ""
    for i in np.ndindex(t.shape):
        name = f"{label}[{', '.join(map(str, i))}]" if label else None
        entry = Tensor(t._value[i], requires_grad=t._op is LEAF, name=name)
        if t.grad is not None:
            entry.grad = float(np.broadcast_to(t.grad, t.shape)[i])
        found[i] = entry
    return found


def _name_entries(t: Node, found: Any, operands: Sequence[Any]) -> None:
    """Name the entries of a named result, unless they are entries of an operand passed on."""
    if t.name is None:
        return
    passed = {id(e) for x in operands for e in x.ravel()}
    for i in np.ndindex(found.shape):
        entry = found[i]
        if isinstance(entry, Node) and id(entry) not in passed:
            entry.name = f"{t.name}[{', '.join(map(str, i))}]" if found.shape else t.name
