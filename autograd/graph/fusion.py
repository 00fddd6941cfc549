"""Fusion: which equations of a graph run in one pass over arrays, and in what order.

Element-wise operations of one shape join the earliest pass that has what they need; views take no
step at all, as they lie in the memory of what they show.
"""

from __future__ import annotations

import functools
import math
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ArgumentError
from ..primitive import REGISTRY, Primitive
from .equations import Equation, refs_of
from .lanes import Lane
from .llvm import block_of
from .passes import MEMORY, WHOLE, Constant, Operation
from .plan import REDUCERS
from .product import native_product_pays
from .vectors import Machine

if TYPE_CHECKING:
    from .ir import Graph

VIEWS = frozenset({
    "reshape", "ravel", "squeeze", "expand_dims", "transpose", "swapaxes", "moveaxis", "rollaxis",
    "matrix_transpose", "broadcast_to", "getitem", "flip", "fliplr", "flipud", "rot90", "diagonal",
    "atleast_1d", "atleast_2d", "atleast_3d", "real", "sliding_window_view", "positive",
})  # fmt: skip
"""Rows whose result may lie in the memory of their operand."""

LONGEST = 200
"""Operations of a pass: choosing registers costs more than linearly in its length."""


def _place_of(extreme: Callable[..., Any]) -> Callable[..., Any]:
    """Return where the first of the largest, or smallest, entries stands, without a look."""

    def place(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        flat = np.ravel(x) if axis is None else np.moveaxis(x, axis, -1)
        count = flat.shape[-1]
        # nan is the extreme where there is one
        found = (flat == extreme(flat, axis=-1, keepdims=True)) | (flat != flat)
        # positions as floats: exact, as there are fewer than 2 ** 53
        first = np.min(np.where(found, np.arange(float(count)), float(count)), axis=-1)
        if keepdims:
            first = np.reshape(first, (1,) * np.ndim(x)) if axis is None else first[..., None]
            first = first if axis is None else np.moveaxis(first, -1, axis)
        return first.astype(np.int64)

    return place


SPELLED: Mapping[str, Callable[..., Any]] = {
    "argmax": _place_of(np.max),
    "argmin": _place_of(np.min),
}
"""Rows without machine code that are made of such as have it."""

POWERS = {2.0: np.square, 0.5: np.sqrt, 1.0: np.positive, -1.0: np.reciprocal}
"""Powers that NumPy computes as other functions."""


@dataclass
class Item:
    """A step of a program.

    Args:
        form: "pass" over entries, "fold" of one value along axes, "product" of matrices, or "call"
            of NumPy.
        shape: of what is gone through.
        reads: the variables whose memory it reads, its own included.
        members: the variables that it computes.
    """

    form: str
    shape: tuple[int, ...]
    reads: set[int]
    members: list[int] = field(default_factory=list)

    @property
    def is_native(self) -> bool:
        """Whether it is machine code."""
        return self.form != "call"


class Fusion:
    """The steps of a graph.

    Args:
        graph: any graph, its composite rows opened.
        machine: what the processor has.
    """

    def __init__(self, graph: Graph, machine: Machine) -> None:
        self.graph = graph
        self.machine = machine
        self.items: list[Item] = []
        self.home: dict[int, int] = {}
        """The item that computes a variable."""
        self.base: dict[int, int] = {}
        """The variable in whose memory a view lies."""
        self.protos: list[Any] = []
        """Arrays with the shape, dtype and strides of every variable, which hold nothing."""
        self.passes: dict[tuple[int, ...], list[int]] = {}
        """The items that are passes, by their shape."""
        self.itemise()
        self.order()

    # ---- items -----------------------------------------------------------------------------------

    def itemise(self) -> None:
        """Go through the equations, and join those that can run in one pass."""
        graph = self.graph
        for k, spec in enumerate(graph.specs[: graph.first]):
            if k < len(graph.input_names):
                self.protos.append(np.empty(spec.shape, spec.dtype))
            else:
                value = np.asarray(graph.constants[k - len(graph.input_names)])
                self.protos.append(np.ascontiguousarray(value).reshape(value.shape))
        self.protos += [None] * len(graph.equations)
        # what depends on numbers alone comes first, so that passes over arrays need not wait for it
        numbers = {i for i in range(graph.first) if not graph.specs[i].shape}
        later = []
        for variable, equation in graph.numbered():
            used = (*equation.inputs, *refs_of(equation.params))
            if numbers.issuperset(used) and not graph.specs[variable].shape:
                numbers.add(variable)
                self.step(variable, equation)
            else:
                later.append((variable, equation))
        for variable, equation in later:
            self.step(variable, equation)

    def step(self, variable: int, equation: Equation) -> None:
        """Take an equation in."""
        view = self.view(equation)
        if view is not None:
            self.protos[variable], self.base[variable] = view
            return
        spec = self.graph.specs[variable]
        self.protos[variable] = np.empty(spec.shape, spec.dtype)
        item = self.joined(variable, equation)
        self.home[variable] = item
        self.items[item].members.append(variable)

    def view(self, equation: Equation) -> tuple[Any, int] | None:
        """Return the array of a view and the variable in whose memory it lies, None for no view."""
        if equation.row.name not in VIEWS or refs_of(equation.params):
            return None
        operands = [self.protos[i] for i in equation.inputs]
        if not isinstance(operands[0], np.ndarray) or len(operands) != 1:
            return None
        params = dict(equation.params)
        value = equation.row.evaluate(operands, params)
        if not isinstance(value, np.ndarray) or not np.may_share_memory(value, operands[0]):
            return None
        i = equation.inputs[0]
        if self.graph.is_constant(i):
            return None
        return value, self.base.get(i, i)

    def joined(self, variable: int, equation: Equation) -> int:
        """Return the position of the item that computes an equation."""
        reads = {self.base.get(i, i) for i in (*equation.inputs, *refs_of(equation.params))}
        reads = {i for i in reads if not self.graph.is_constant(i)}
        form, shape = self.form(variable, equation), self.graph.specs[variable].shape
        if form == "fold":
            shape = self.graph.specs[equation.inputs[0]].shape
        if form == "pass":
            earliest = max((self.home.get(i, 0) for i in reads), default=0)
            same = self.passes.setdefault(shape, [])
            for k in same[bisect_left(same, earliest) :]:
                item = self.items[k]
                # what a pass computes itself, it has entry by entry only
                seen = (i for i in equation.inputs if self.home.get(self.base.get(i, i)) == k)
                if len(item.members) < LONGEST and self.base.keys().isdisjoint(seen):
                    item.reads |= reads
                    return k
            same.append(len(self.items))
        self.items.append(Item(form, shape, reads))
        return len(self.items) - 1

    def form(self, variable: int, equation: Equation) -> str:
        """Return how an equation is computed."""
        if self.folds(variable, equation):
            return "fold"
        if self.multiplies(variable, equation):
            return "product"
        return "pass" if self.entrywise(variable, equation) else "call"

    def kind(self, variable: int) -> str:
        """Return the kind of a variable's dtype, as passes name it."""
        dtype = self.graph.specs[variable].dtype
        return f"{dtype.kind}{dtype.itemsize}" if dtype.isnative else "other"

    def taken(self, variables: Sequence[int]) -> bool:
        """Whether passes know the dtypes of variables, and there are entries."""
        return all(
            self.kind(i) in MEMORY and math.prod(self.graph.specs[i].shape) for i in variables
        )

    def folds(self, variable: int, equation: Equation) -> bool:
        """Whether an equation is a reduction that a pass can do."""
        row = equation.row
        if row.forward not in REDUCERS and row.name != "mean":
            return False
        if set(equation.params) - {"axis", "keepdims"} or not self.taken(equation.inputs):
            return False
        kinds = self.kind(equation.inputs[0]), self.kind(variable)
        if REDUCERS.get(row.forward) in (np.logical_or, np.logical_and):
            return kinds == ("b1", "b1")
        return kinds[0] == kinds[1] and kinds[0] in ("f4", "f8")

    def multiplies(self, variable: int, equation: Equation) -> bool:
        """Whether an equation is a product of two matrices or vectors, and ours the faster one."""
        if equation.row.forward not in (np.matmul, np.dot) or equation.params:
            return False
        shapes = [self.graph.specs[i].shape for i in equation.inputs]
        kinds = {self.kind(i) for i in (*equation.inputs, variable)}
        if not {len(shape) for shape in shapes} <= {1, 2} or kinds not in ({"f4"}, {"f8"}):
            return False
        *rows, terms = shapes[0]
        return native_product_pays(math.prod(rows), math.prod(shapes[1][1:]), terms, self.machine)

    def entrywise(self, variable: int, equation: Equation) -> bool:
        """Whether an equation is an element-wise operation that a pass can do."""
        if not self.taken((*equation.inputs, variable)):
            return False
        return self.operation(variable, equation, lambda i: i) is not None

    def operation(
        self, variable: int, equation: Equation, value: Callable[[int], int | Constant]
    ) -> Operation | None:
        """Return an element-wise equation as passes take it, None if they do not.

        Args:
            variable: what it computes.
            equation: any equation.
            value: gives what an input is in the pass.
        """
        row, inputs, kind = equation.row, equation.inputs, self.kind(variable)
        if row.name in ("astype", "broadcast_to", "copy", "reshape", "ravel", "positive"):
            if row.name in ("reshape", "ravel") and self.graph.specs[inputs[0]].shape:
                return None
            source = self.kind(inputs[0])
            # of whole numbers, registers hold those of 64 bits only
            narrowed = kind[0] in "iu" and (kind != "i8" or source not in ("i8", "f4", "f8"))
            return None if narrowed else Operation(None, (value(inputs[0]),), source, kind)
        if equation.params or kind[0] not in "fb":
            return None
        if row.forward is np.power:
            exponent = self.graph.constant(inputs[1])
            if isinstance(exponent, (int, float)) and float(exponent) in POWERS:
                row, inputs = REGISTRY[POWERS[float(exponent)]], inputs[:1]
        computed = kind if kind[0] == "f" else self.common(inputs)
        if computed[0] in "iu":
            if row.name not in WHOLE:
                return None
            return Operation(row, tuple(map(value, inputs)), "i8", kind)
        if computed == "b1":
            computed = "f4"
        width = 1 if not self.graph.specs[variable].shape else 2
        lane = Lane("float" if computed == "f4" else "double", width)
        kinds = "".join("b" if self.kind(i) == "b1" else "d" for i in inputs)
        if not _lowers(row, kinds, lane):
            return None
        return Operation(row, tuple(map(value, inputs)), computed, kind)

    def common(self, inputs: Sequence[int]) -> str:
        """Return the kind of number in which operands are compared; Python's own numbers yield."""
        strong = []
        for i in inputs:
            shape, dtype = self.graph.specs[i]
            own = dtype == np.float64
            if self.graph.is_constant(i):
                own = type(self.graph.constant(i)) in (bool, int, float)
            if shape or not own:
                strong.append(dtype)
        if not strong:
            strong = [self.graph.specs[i].dtype for i in inputs]
        dtype = np.result_type(*strong)
        if dtype.kind in "biu" and any(self.kind(i)[0] == "f" for i in inputs):
            dtype = np.dtype(np.float64)
        return f"{dtype.kind}{dtype.itemsize}"

    # ---- order -----------------------------------------------------------------------------------

    def order(self) -> None:
        """Order the items such that calls of NumPy interrupt machine code as rarely as possible."""
        missing: list[int] = []
        followers: list[list[int]] = [[] for _ in self.items]
        ready: dict[bool, list[int]] = {True: [], False: []}
        for k, item in enumerate(self.items):
            needs = {self.home[i] for i in item.reads if i in self.home} - {k}
            missing.append(len(needs))
            for need in needs:
                followers[need].append(k)
            if not needs:
                ready[item.is_native].append(k)
        position: dict[int, int] = {}
        native = True
        while len(position) < len(self.items):
            while ready[native]:
                k = heappop(ready[native])
                position[k] = len(position)
                for follower in followers[k]:
                    missing[follower] -= 1
                    if not missing[follower]:
                        heappush(ready[self.items[follower].is_native], follower)
            native = not native
        self.items = [self.items[k] for k in position]
        self.home = {variable: position[k] for variable, k in self.home.items()}


@functools.cache  # a refusal costs more than a block
def _lowers(row: Primitive, kinds: str, lane: Lane) -> bool:
    """Whether a row is LLVM text on values of a type."""
    try:
        block_of(row, kinds, lane)
    except (ArgumentError, KeyError, ValueError):
        return False
    return True


def native_names() -> frozenset[str]:
    """Return the names of element-wise rows that are machine code as they are."""
    lane = Lane("float", 2)
    return frozenset(
        row.name
        for row in REGISTRY.values()
        if row.scalar is not None and _lowers(row, "d" * row.arity, lane)
    )
