"""The llvm backend for arrays: a graph as passes of machine code over planned memory.

Element-wise operations of one shape that follow each other are one pass; reductions and products
are passes of their own; views cost nothing. What has no machine code is called as NumPy has it,
between stretches of passes. All intermediate values lie in one block of memory.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from sys import getrefcount
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import require
from ..observers import OBSERVERS
from ..primitive import REGISTRY, Primitive
from .emit import load
from .equations import Equation
from .fusion import SPELLED, Fusion, native_names
from .lowering import opened
from .passes import Constant, Fold, Multiplication, Pass, Place, broadcast
from .plan import REDUCERS, call_text, chosen, maker_of
from .product import Product, Products, host
from .segment import Segment

if TYPE_CHECKING:
    from .ir import Graph

START = {np.add: 0.0, np.multiply: 1.0, np.maximum: -math.inf, np.minimum: math.inf,
         np.logical_or: False, np.logical_and: True}  # fmt: skip
"""What a reduction by an operation begins with."""

ALIGNMENT = 64
"""Bytes of a line of cache; every value starts one."""


class ArrayPlan:
    """A graph as machine code on arrays.

    Args:
        graph: any graph.
        into: whether the results are written into arrays that follow the inputs at every call.

    Raises:
        MissingExtraError: if llvmlite is not installed.

    Example:
        >>> from autograd import trace
        >>> plan = ArrayPlan(trace(lambda x, w: np.exp(x @ w).sum(), np.ones((2, 3)), np.ones(3)))
        >>> plan([np.zeros((2, 3)), np.ones(3)])
        [2.0]
    """

    def __init__(self, graph: Graph, into: bool = False) -> None:
        binding = require("llvmlite.binding", "llvm", "compile to machine code")
        self.graph = opened(graph, kept=native_names(), spelled=SPELLED).simplify()
        layout = _Layout(self.graph, Products(host(binding)))
        self.arena = layout.memory()
        writer = _Text(layout, self.arena, into)
        self.source = writer.written()
        self.function = load(self.source, "run", writer.scope)

    @property
    def buffers(self) -> list[np.ndarray[Any, Any]]:
        """The memory of intermediate values, which is one block."""
        return [self.arena]

    @property
    def bytes(self) -> int:
        """The size of that memory."""
        return self.arena.nbytes

    def __call__(self, values: Sequence[Any]) -> list[Any]:
        """Return the outputs for bound inputs."""
        result: list[Any] = self.function(*values)
        return result


class _Layout:
    """Gives every variable that is kept in memory its place.

    Args:
        graph: any graph, its composite rows opened.
        products: where products of matrices are written.
    """

    def __init__(self, graph: Graph, products: Products) -> None:
        self.graph = graph
        self.products = products
        self.room: dict[int, tuple[str, int]] = {}
        """The function and the workspace of every item that is a product."""
        self.fusion = fusion = Fusion(graph, products.machine)
        self.items, self.home, self.base = fusion.items, fusion.home, fusion.base
        self.protos = fusion.protos
        self.places: dict[int, Place] = {}
        self.until: dict[int, int] = {}
        """The last item that reads a variable; one more than there are for an output."""
        for n, item in enumerate(self.items):
            for i in item.reads - set(item.members):
                self.until[i] = n
        for i in graph.outputs:
            self.until[self.base.get(i, i)] = len(self.items)
        self.own: dict[int, int] = {}
        """The outputs that are written into arrays of their own, with their positions."""
        for position, i in enumerate(graph.outputs):
            if i in self.home and graph.specs[i].shape and self.items[self.home[i]].is_native:
                self.own.setdefault(i, position)
        self.roots = {i: k for k, i in enumerate([*range(len(graph.input_names)), *self.own], 1)}
        """What a call gives, with its position in the table of addresses."""

    def memory(self) -> np.ndarray[Any, Any]:
        """Return the memory of everything else, constants in it."""
        graph, pool = self.graph, _Pool()
        for i, root in self.roots.items():
            self.places[i] = self.place(i, root, 0)
        for i in range(len(graph.input_names), graph.first):
            if graph.specs[i].shape:
                self.places[i] = self.place(i, 0, pool.take(self.protos[i].nbytes))
        for n, item in enumerate(self.items):
            for i in item.members:
                if i in self.until and i not in self.own:
                    self.places[i] = self.place(i, 0, pool.take(self.protos[i].nbytes))
            if item.form == "product":
                product = self.product_of(n)
                offset = pool.take(product.workspace)
                self.room[n] = product.name, offset
                pool.give_back(offset, product.workspace)
            for i in {*item.reads, *item.members} & self.home.keys() - self.own.keys():
                if self.until.get(i) == n:
                    pool.give_back(self.places[i].offset, self.protos[i].nbytes)
        for i, base in self.base.items():
            under = self.places[base]
            here, start = (self.protos[j].__array_interface__["data"][0] for j in (i, base))
            strides = self.protos[i].strides
            self.places[i] = Place(under.root, under.offset + here - start, strides, under.kind)
        room = np.empty(pool.size + ALIGNMENT, np.uint8)
        skip = -room.__array_interface__["data"][0] % ALIGNMENT
        arena = room[skip : skip + pool.size]
        for i in range(len(graph.input_names), graph.first):
            if graph.specs[i].shape:
                value, offset = self.protos[i], self.places[i].offset
                arena[offset : offset + value.nbytes] = value.reshape(-1).view(np.uint8)
        return arena

    def place(self, variable: int, root: int, offset: int) -> Place:
        strides = self.protos[variable].strides
        return Place(root, offset, strides, self.fusion.kind(variable))

    # ---- machine code ----------------------------------------------------------------------------

    def pass_of(self, n: int) -> Pass:
        """Return what an item does, with the places of what it reads and writes."""
        item, graph = self.items[n], self.graph
        found = Pass(item.shape)
        known: dict[int, int] = {}

        def value(i: int) -> int | Constant:
            if i not in known:
                constant = graph.constant(i)
                if constant is not None and not graph.specs[i].shape:
                    return Constant(constant.item() if hasattr(constant, "item") else constant)
                found.steps.append(self.within(i, found))
                known[i] = len(found.steps) - 1
            return known[i]

        for i in item.members:
            equation = graph.equations[i - graph.first]
            if item.form == "fold":
                value(equation.inputs[0])
                found.fold = self.fold(i, equation)
                continue
            operation = self.fusion.operation(i, equation, value)
            assert operation is not None
            found.steps.append(operation)
            known[i] = len(found.steps) - 1
            if i in self.places:
                found.stores.append((known[i], self.within(i, found)))
        return found

    def product_of(self, n: int) -> Product:
        """Return the product that an item is, written for its shapes and strides."""
        (variable,) = self.items[n].members
        a, b = self.graph.equations[variable - self.graph.first].inputs
        (m, k), a_strides = self.matrix(a, 0)
        (_, n_), b_strides = self.matrix(b, 1)
        dtype = self.graph.specs[variable].dtype
        return self.products.of(m, n_, k, a_strides, b_strides, n_, dtype.name)

    def matrix(self, i: int, axis: int) -> tuple[tuple[int, ...], tuple[int, int]]:
        """Return shape and strides, in entries, of a matrix, or a vector as one.

        Args:
            i: the variable.
            axis: where a vector has one entry only.
        """
        proto = self.protos[i]
        view = np.expand_dims(proto, axis) if proto.ndim == 1 else proto
        rows, columns = (stride // view.itemsize for stride in view.strides)
        return view.shape, (rows, columns)

    def multiplication(self, n: int) -> Multiplication:
        """Return the product that an item is, with its places."""
        (variable,) = self.items[n].members
        a, b = self.graph.equations[variable - self.graph.first].inputs
        name, workspace = self.room[n]
        steps = math.prod(self.graph.specs[a].shape) * math.prod(self.graph.specs[b].shape[1:])
        left, right, result = (self.places[i] for i in (a, b, variable))
        return Multiplication(left, right, result, name, workspace, steps)

    def within(self, i: int, work: Pass) -> Place:
        """Return the place of a variable with strides along the axes of a pass."""
        place = self.places[i]
        strides = broadcast(place.strides, self.graph.specs[i].shape, len(work.shape))
        return place._replace(strides=strides)

    def fold(self, variable: int, equation: Equation) -> Fold:
        shape = self.graph.specs[equation.inputs[0]].shape
        axis = equation.params.get("axis")
        if axis is None:
            axes = frozenset(range(len(shape)))
        else:
            given = axis if isinstance(axis, tuple) else (axis,)
            axes = frozenset(a % len(shape) for a in given)
        ufunc = REDUCERS.get(equation.row.forward, np.add)
        divisor = 1
        if equation.row.name == "mean":
            divisor = math.prod(shape[a] for a in axes)
        place = self.places[variable]
        own = iter(place.strides)
        kept = len(place.strides) == len(shape)
        strides = []
        for a in range(len(shape)):
            stride = next(own) if kept or a not in axes else 0
            strides.append(0 if a in axes else stride)
        combine = _row_of(ufunc)
        target = place._replace(strides=tuple(strides))
        return Fold(combine, START[ufunc], axes, divisor, target)


class _Text:
    """Writes the program in Python around the machine code.

    Args:
        layout: the places of all variables.
        arena: the memory that they lie in.
        into: whether the results are written into arrays that the caller gives.
    """

    def __init__(self, layout: _Layout, arena: np.ndarray[Any, Any], into: bool) -> None:
        self.layout = layout
        self.into = into
        self.graph = layout.graph
        self.arena = arena
        self.lines: list[str] = []
        self.results: list[Any] = []
        self.scope = {"np": np, "arena": arena, "results": self.results, "getrefcount": getrefcount}
        self.names = {k: f"x{k}" for k in range(len(self.graph.input_names))}

    def written(self) -> str:
        """Return the program."""
        outputs = [f"out_{k}" for k in range(len(self.graph.outputs))] if self.into else []
        head = f"def run({', '.join([*self.names.values(), *outputs])}):"
        for i, position in self.layout.own.items():
            if self.into:
                self.names[i] = outputs[position]
                continue
            like, k = self.layout.protos[i], len(self.results)
            self.scope[f"new_{k}"] = maker_of(like)
            self.lines += chosen(f"v{i}", k, f"new_{k}")
            self.results += [np.empty_like(like), None]
            self.names[i] = f"v{i}"
        items = range(len(self.layout.items))
        for is_native, group in itertools.groupby(items, lambda n: self.layout.items[n].is_native):
            if is_native:
                self.segment(list(group))
            else:
                for n in group:
                    self.call(n)
        for k, (i, name) in enumerate(zip(self.graph.outputs, outputs, strict=False)):
            if self.layout.own.get(i) != k:
                text = self.text(i)
                self.lines.append(f"{name}[...] = {text}")
        returned = [self.returned(i, k) for k, i in enumerate(self.graph.outputs) if not self.into]
        body = [*self.lines, f"return [{', '.join(returned)}]"]
        if not all(item.is_native for item in self.layout.items):
            # as silent as machine code
            body = ['with np.errstate(all="ignore"):', *(f"    {line}" for line in body)]
        return "\n    ".join([head, *body]) + "\n"

    def segment(self, items: Sequence[int]) -> None:
        """Write the call of a stretch of machine code."""
        layout = self.layout
        passes = [
            layout.multiplication(n) if n in layout.room else layout.pass_of(n) for n in items
        ]
        used = {place.root for work in passes for place in work.places()}
        given = {root: i for i, root in layout.roots.items() if root in used}
        specs = [self.graph.specs[i] for i in given.values()]
        name = f"machine_{items[0]}"
        self.scope[name] = Segment(passes, layout.products, list(given), specs).call
        self.lines.append(f"{name}({', '.join(['arena', *map(self.text, given.values())])})")

    def call(self, n: int) -> None:
        """Write a call of NumPy, whose result goes to its place."""
        (variable,) = self.layout.items[n].members
        equation = self.graph.equations[variable - self.graph.first]
        if variable not in self.layout.places:
            self.called(equation)
            return
        target = self.text(variable, whole=True)
        forward = equation.row.forward
        if isinstance(forward, np.ufunc) and not equation.params:
            operands = ", ".join(map(self.text, equation.inputs))
            self.lines.append(f"{self.bound(forward)}({operands}, out={target})")
        else:
            self.lines.append(f"{target}[...] = {self.called(equation)}")

    def called(self, equation: Equation) -> str:
        """Return a call of a row's function."""
        return call_text(equation, self.bound(equation.row.forward), self.text, self.bound)

    def bound(self, thing: Any) -> str:
        """Return a name for a function or a setting."""
        if thing is None or isinstance(thing, (bool, int)):
            return repr(thing)
        name = f"{getattr(thing, '__name__', 'setting').strip('_<>')}_{len(self.scope)}"
        self.scope[name] = thing
        return name

    def text(self, i: int, whole: bool = False) -> str:
        """Return the name of a variable where Python reads it, after writing what makes it.

        Args:
            i: the variable.
            whole: whether a scalar is to be the array that it lies in.
        """
        layout = self.layout
        if i in self.names:
            return self.names[i]
        graph = self.graph
        if graph.is_constant(i):
            self.scope[f"c{i}"] = graph.constant(i)
            return f"c{i}"
        base = layout.base.get(i, i)
        if base in layout.home and base not in layout.own:
            proto, place = layout.protos[i], layout.places[i]
            name = f"m{i}"
            if name not in self.scope:
                self.scope[name] = np.ndarray(
                    proto.shape, proto.dtype, self.arena, place.offset, proto.strides
                )
            if whole or proto.shape:
                return name
            return f"{name}.item()" if proto.dtype == np.float64 else f"{name}[()]"
        equation = graph.equations[i - graph.first]
        self.lines.append(f"v{i} = {self.called(equation)}")
        self.names[i] = f"v{i}"
        return self.names[i]

    def returned(self, i: int, position: int) -> str:
        """Return the text of an output: a copy of what the plan or the caller keeps."""
        text = self.text(i)
        if not self.graph.specs[i].shape:
            return text
        return text if self.layout.own.get(i) == position else f"np.array({text})"


class _Pool:
    """Hands out stretches of one block of memory, and takes them back."""

    def __init__(self) -> None:
        self.size = 0
        self.free: list[tuple[int, int]] = []

    def take(self, size: int) -> int:
        """Return where a stretch of so many bytes begins."""
        size = max(-(-size // ALIGNMENT), 1) * ALIGNMENT
        fitting = [(room, start) for start, room in self.free if room >= size]
        if not fitting:
            start, self.size = self.size, self.size + size
            return start
        room, start = min(fitting)
        self.free.remove((start, room))
        if room > size:
            self.free.append((start + size, room - size))
        return start

    def give_back(self, start: int, size: int) -> None:
        """Let a stretch be used again."""
        size = max(-(-size // ALIGNMENT), 1) * ALIGNMENT
        for other, room in list(self.free):
            if other + room == start or start + size == other:
                self.free.remove((other, room))
                start, size = min(start, other), size + room
        self.free.append((start, size))


def _row_of(ufunc: Any) -> Primitive:
    return REGISTRY[ufunc] if ufunc in REGISTRY else OBSERVERS[ufunc]
