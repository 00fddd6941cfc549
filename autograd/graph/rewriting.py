"""Simplification: constant folding, common sub-expressions, identities, dead code.

Identities that hold for every double, infinities, nans and signed zeros included, are applied
always:

    x * 1 -> x          x / 1 -> x          x - 0.0 -> x        x + (-0.0) -> x
    (x + c) + 0.0 -> x + c, if c is not -0.0
    x ** 1 -> x         +x -> x             -(-x) -> x          x * -1 -> -x
    where(c, x, x) -> x                     where of a constant condition -> its branch
    where(c, where(c, x, _), y) -> where(c, x, y), and the same on the other side
    where(not c, x, y) -> where(c, y, x)    -x != 0 -> x != 0
    where(c, 1, 0) != 0 -> c                where(c, 0, 1) != 0 -> not c
    reshape, broadcast_to, astype, transpose, sum ... that change nothing -> x
    reshape of a stack of one scalar to a scalar -> that scalar

With `exact=False` also those that may change a last bit, the sign of a zero, or a nan:

    x + 0 -> x          0 - x -> -x         x * 0 -> 0          0 / x -> 0
    x - x -> 0          x / x -> 1          x ** 2 -> x * x     x ** 0.5 -> sqrt(x)
    log(exp(x)) -> x    exp(log(x)) -> x    c1 * (c2 * x) -> (c1 * c2) * x
    x * (1 / y) -> x / y
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..observers import OBSERVERS
from ..primitive import REGISTRY, ROWS, Primitive
from .equations import (
    NOTHING,
    Columns,
    Listing,
    Ref,
    Spec,
    freeze,
    map_refs,
    plain,
    refs_of,
)

FOLDED = 4096
"""A folded constant has at most so many entries: a larger one costs more kept than computed."""

ADD, SUBTRACT, MULTIPLY, DIVIDE = ARITHMETIC = tuple(
    REGISTRY[f] for f in (np.add, np.subtract, np.multiply, np.divide)
)
NEGATIVE, POSITIVE, POWER, WHERE = (
    REGISTRY[f] for f in (np.negative, np.positive, np.power, np.where)
)
NOT, NOT_EQUAL = OBSERVERS[np.logical_not], OBSERVERS[np.not_equal]
EXP, LOG, SQRT = (REGISTRY[f] for f in (np.exp, np.log, np.sqrt))

UNCHANGED = frozenset(
    {
        "reshape", "broadcast_to", "astype", "squeeze", "ravel", "positive", "transpose",
        "swapaxes", "sum", "mean", "max", "min", "any", "all",
    }
)  # fmt: skip
"""Rows that give back their input where they keep its shape and it has no axis to act on."""


SHAPERS = frozenset({"reshape", "stack", "ravel", "squeeze", "expand_dims", "transpose"})
"""Rows that only arrange entries."""

REDUCIBLE = frozenset(
    {*ARITHMETIC, NEGATIVE, POWER, WHERE, NOT_EQUAL, EXP, LOG}
    | {row for row in (*ROWS.values(), *OBSERVERS.values()) if row.name in UNCHANGED | SHAPERS}
)
"""Rows that an identity may begin with."""


class _Rewriter:
    """Builds the simplified graph equation by equation, numbering results as they come.

    Constants are numbered downwards from -1, as there may be more of them at the end.
    """

    def __init__(self, listing: Listing, exact: bool) -> None:
        self.exact = exact
        # beside float32 a NumPy double counts as an array of them, and a float does not
        self.doubles = all(spec.dtype != np.float32 for spec in set(listing.columns.specs))
        self.columns = Columns()
        for k in listing.inputs:
            self.columns.add(None, (), listing.columns.specs[k])
        self.constants: list[Any] = []
        self.known: dict[Any, int] = {}
        self.inert: set[int] = set()
        self.unsigned: set[int] = set()
        """Sums that are never -0.0, since one of their terms is not."""
        self.seen: dict[Any, int] = {}
        seen, unsigned, add = self.seen, self.unsigned, self.columns.add

        # a function of these takes two thirds of the time of a method
        def kept(
            row: Primitive,
            inputs: tuple[int, ...],
            spec: Spec,
            params: Mapping[str, Any],
            origin: Any,
        ) -> int:
            """Return the variable of an operation, the same as before if it was seen before."""
            key = (row, inputs, freeze(params)) if params else (row, inputs)
            known = seen.get(key)
            if known is not None:
                return known
            known = seen[key] = add(row, inputs, spec, params, origin)
            if row is ADD and not unsigned.isdisjoint(inputs):
                unsigned.add(known)
            return known

        self.kept = kept

    def constant(self, value: Any) -> int:
        """Return the number of a constant, the same for the same bits."""
        if type(value) is np.float64 and self.doubles:
            value = float(value)
        key = freeze(value)
        if key not in self.known:
            self.constants.append(value)
            self.known[key] = -len(self.constants)
            if self.exact and type(value) is float and value not in (0.0, 1.0, -1.0):
                self.inert.add(-len(self.constants))
            if type(value) is float and (value or not np.signbit(value)):
                self.unsigned.add(-len(self.constants))
        return self.known[key]

    def value(self, i: int) -> Any:
        """Return the value of a constant, None for what is computed."""
        return self.constants[-1 - i] if i < 0 else None

    def spec(self, i: int) -> Spec:
        """Return the spec of a variable."""
        return Spec.of(self.constants[-1 - i]) if i < 0 else self.columns.specs[i]

    def maker(self, i: int, row: Primitive) -> tuple[int, ...] | None:
        """Return the inputs of the equation that made variable `i`, if it is one of `row`."""
        return self.columns.inputs[i] if i >= 0 and self.columns.rows[i] is row else None

    def emit(
        self, row: Primitive, inputs: tuple[int, ...], spec: Spec,
        params: Mapping[str, Any] = NOTHING, origin: Any = None,
    ) -> int:  # fmt: skip
        """Return the variable of an operation: a simpler one, one seen before, or a new one."""
        found = self.reduced(row, inputs, spec, params)
        return self.kept(row, inputs, spec, params, origin) if found is None else found

    def reduced(
        self, row: Primitive, inputs: tuple[int, ...], spec: Spec, params: Mapping[str, Any]
    ) -> int | None:
        """Return what an operation is by folding or by an identity, None if it is neither."""
        found = self._fold(row, inputs, spec, params)
        if found is None and row in REDUCIBLE:
            found = self._identity(row, inputs, spec)
        return found

    def _fold(
        self, row: Primitive, inputs: tuple[int, ...], spec: Spec, params: Mapping[str, Any]
    ) -> int | None:
        if any(i >= 0 for i in inputs) or int(np.prod(spec.shape)) > FOLDED or refs_of(params):
            return None
        with np.errstate(all="ignore"):
            value = plain(row.evaluate([self.constants[-1 - i] for i in inputs], params))
        return self.constant(value) if Spec.of(value) == spec else None

    def _identity(self, row: Primitive, inputs: tuple[int, ...], spec: Spec) -> int | None:
        """Return the variable that an operation equals by an identity, None if there is none."""
        first = inputs[0]
        keeps = self.spec(first) == spec
        if row.name in SHAPERS and not spec.shape:
            entry = self._only_entry(inputs)
            if entry is not None and self.spec(entry) == spec:
                return entry
        if row.name in UNCHANGED:
            free = not spec.shape or row.name in ("reshape", "broadcast_to", "astype", "positive")
            return first if keeps and free and len(inputs) == 1 else None
        if row is NEGATIVE:
            inner = self.maker(first, NEGATIVE)
            return None if inner is None else inner[0]
        if row is WHERE:
            return self._where(inputs, spec)
        if len(inputs) == 2:
            found = self._binary(row, *inputs, spec)
            if found is not None or self.exact:
                return found
        return None if self.exact else self._inexact(row, inputs, spec)

    def _only_entry(self, inputs: tuple[int, ...]) -> int | None:
        """Return the scalar that an array of one entry was made of."""
        while len(inputs) == 1 and self.spec(inputs[0]).shape:
            row = self.columns.rows[inputs[0]] if inputs[0] >= 0 else None
            if row is None or row.name not in SHAPERS:
                return None
            inputs = self.columns.inputs[inputs[0]]
        return inputs[0] if len(inputs) == 1 else None

    def _where(self, inputs: tuple[int, ...], spec: Spec) -> int | None:
        condition, x, y = inputs
        if x == y and self.spec(x) == spec:
            return x
        opposite = self.maker(condition, NOT)
        if opposite is not None:
            return self.emit(WHERE, (opposite[0], y, x), spec)
        for branch, side in ((x, 1), (y, 2)):
            inner = self.maker(branch, WHERE)
            if inner is not None and inner[0] == condition:
                new = (condition, inner[1], y) if side == 1 else (condition, x, inner[2])
                if self.spec(new[side]).dtype == self.spec(branch).dtype:
                    return self.emit(WHERE, new, spec)
        value = self.value(condition)
        for branch, taken in ((x, np.all), (y, lambda v: not np.any(v))):
            if value is not None and np.size(value) and taken(value) and self.spec(branch) == spec:
                return branch
        return None

    def _nonzero(self, a: int, spec: Spec) -> int | None:
        """Return what `a != 0` is, where `a` was chosen between a zero and something else."""
        inner = self.maker(a, NEGATIVE)
        if inner is not None:
            return self.emit(NOT_EQUAL, (inner[0], self.constant(0)), spec)
        chosen = self.maker(a, WHERE)
        if chosen is None or self.spec(chosen[0]) != spec:
            return None
        x, y = self.value(chosen[1]), self.value(chosen[2])
        if x is None or y is None:
            return None
        if np.all(x != 0) and np.all(y == 0):
            return chosen[0]
        if np.all(x == 0) and np.all(y != 0):
            return self.emit(NOT, (chosen[0],), spec)
        return None

    def _binary(self, row: Primitive, a: int, b: int, spec: Spec) -> int | None:
        if row in (ADD, MULTIPLY) and self.value(a) is not None:
            a, b = b, a
        keeps = self.spec(a) == spec
        c = self.value(b)
        if row is NOT_EQUAL and np.shape(c) == () and c == 0:
            return self._nonzero(a, spec)
        if c is None or not keeps or spec.dtype.kind != "f" or np.shape(c) != ():
            return None
        if row in (MULTIPLY, DIVIDE, POWER) and c == 1:
            return a
        if row in (MULTIPLY, DIVIDE) and c == -1:
            return self.emit(NEGATIVE, (a,), spec)
        if row is SUBTRACT and c == 0 and not np.signbit(c):
            return a
        if row is ADD and c == 0 and (np.signbit(c) or a in self.unsigned):
            return a
        return None

    def _inexact(self, row: Primitive, inputs: tuple[int, ...], spec: Spec) -> int | None:
        a, b = inputs[0], inputs[-1]
        left, right = self.value(a), self.value(b)
        float_result = spec.dtype.kind == "f"
        if not float_result or any(c is not None and np.shape(c) for c in (left, right)):
            return None
        zero = self.constant(0.0) if not spec.shape else None
        if row is ADD:
            for x, c in ((a, right), (b, left)):
                if c is not None and c == 0 and self.spec(x) == spec:
                    return x
        if row is SUBTRACT:
            if a == b and zero is not None:
                return zero
            if left is not None and left == 0 and self.spec(b) == spec:
                return self.emit(NEGATIVE, (b,), spec)
        if row is MULTIPLY:
            if zero is not None and any(c is not None and c == 0 for c in (left, right)):
                return zero
            return self._product(a, b, spec)
        if row is DIVIDE and zero is not None:
            if left is not None and left == 0:
                return zero
            if a == b:
                return self.constant(1.0)
        if row is POWER and self.spec(a) == spec:
            if right is not None and right == 2:
                return self.emit(MULTIPLY, (a, a), spec)
            if right is not None and right == 0.5:
                return self.emit(SQRT, (a,), spec)
        for outer, inner in ((LOG, EXP), (EXP, LOG)):
            if row is outer and (made := self.maker(a, inner)) is not None:
                return made[0]
        return None

    def _product(self, a: int, b: int, spec: Spec) -> int | None:
        for x, y in ((a, b), (b, a)):
            c, made = self.value(x), self.maker(y, MULTIPLY)
            if c is not None and made is not None and isinstance(c, (int, float)):
                for u, v in (made, made[::-1]):
                    d = self.value(u)
                    if isinstance(d, (int, float)):
                        return self.emit(MULTIPLY, (self.constant(float(c * d)), v), spec)
            made = self.maker(y, DIVIDE)
            if made is not None and self.value(made[0]) is not None:
                one = self.value(made[0])
                if np.shape(one) == () and one == 1:
                    return self.emit(DIVIDE, (x, made[1]), spec)
        return None


def simplified(listing: Listing, exact: bool = True) -> Listing:
    """Return equations with the same results and none that can be had for less.

    Args:
        listing: those of any graph.
        exact: False to apply the second list of identities too.

    Returns:
        The equations; their results have the same bits if `exact`.
    """
    rewriter = _Rewriter(listing, exact)
    new = listing.places()
    for position, k in enumerate(listing.inputs):
        new[k] = position
    for k, value in listing.constants.items():
        new[k] = rewriter.constant(value)
    reduced, kept, inert = rewriter.reduced, rewriter.kept, rewriter.inert
    passed: tuple[int, int] | None = None  # the origin seen last, and what it is now
    moved: tuple[int, int] | None = None
    columns = listing.columns
    settings = columns.params
    for k, (row, inputs, spec, origin) in enumerate(
        zip(columns.rows, columns.inputs, columns.specs, columns.origins, strict=True)
    ):
        if row is None:
            continue
        params = map_refs(settings[k], lambda i: Ref(new[i])) if k in settings else NOTHING
        if origin is not passed:
            passed, moved = origin, None
            if origin is not None and new[origin[0]] >= 0:
                moved = new[origin[0]], origin[1]
        # most operations are told at little cost to wait neither for folding nor for an identity
        operands: tuple[int, ...]
        if len(inputs) == 2:
            a, b = inputs
            operands = a, b = new[a], new[b]
            if exact and row in ARITHMETIC:
                quick = (a >= 0 or a in inert) and (b >= 0 or (b in inert and a >= 0))
            else:
                quick = row not in REDUCIBLE and (a >= 0 or b >= 0)
        else:
            operands = tuple([new[i] for i in inputs])
            quick = row not in REDUCIBLE and max(operands) >= 0
        found = None if quick else reduced(row, operands, spec, params)
        new[k] = kept(row, operands, spec, params, moved) if found is None else found
    labels: dict[int, str] = {}
    for old, name in listing.labels.items():
        labels.setdefault(new[old], name)
    return replace(
        listing,
        inputs=range(len(listing.inputs)),
        constants={-1 - k: value for k, value in enumerate(rewriter.constants)},
        columns=rewriter.columns,
        outputs=[new[i] for i in listing.outputs],
        labels=labels,
    )
