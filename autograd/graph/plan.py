"""The numpy backend: straight-line calls with `out=` into buffers planned once.

Every array result gets its place before the first run: a view of what is there already, the buffer
of an operand that ends here, a buffer that is free, or a new one. A run makes no array but those
results that the caller still holds from the run before.
"""

from __future__ import annotations

import functools
import inspect
import math
import re
from collections.abc import Callable, Sequence
from sys import getrefcount
from typing import TYPE_CHECKING, Any

import numpy as np

from ..observers import Observer
from ..primitive import Primitive
from .emit import load
from .equations import Equation, Ref, map_refs, plain, refs_of, sample
from .into import into_of
from .lowering import opened

if TYPE_CHECKING:
    from .ir import Graph

REDUCERS = {
    np.sum: np.add,
    np.max: np.maximum,
    np.min: np.minimum,
    np.prod: np.multiply,
    np.any: np.logical_or,
    np.all: np.logical_and,
}
"""The ufunc behind a reduction: its `reduce` costs a microsecond less a call."""


def _held() -> int:
    results = [object()]
    name = results[0]
    found = getrefcount(name)
    return found if name is results[0] else 0


HELD = _held()
"""The references to a result that nobody else holds: the list, the local name, and in some versions
of Python the count itself."""

OWN = re.compile(r"(v|c|k|r|out_)\d+|\w+_reduce|results|getrefcount")
"""The names that a program gives to what is not an argument, beside those of functions."""


class Plan:
    """A graph ready to run on arrays.

    Args:
        graph: any graph.
        into: whether the results are written into arrays that follow the inputs at every call.

    Example:
        >>> from autograd import trace
        >>> plan = Plan(trace(lambda x, w: np.exp(x @ w).sum(), np.ones((2, 3)), np.ones(3)))
        >>> plan([np.zeros((2, 3)), np.ones(3)])
        [2.0]
    """

    def __init__(self, graph: Graph, into: bool = False) -> None:
        self.graph = opened(graph).simplify()
        self.buffers: list[np.ndarray[Any, Any]] = []
        self.results: list[Any] = []
        writer = _Writer(self.graph, self.buffers, self.results, into)
        self.source, scope = writer.written()
        self.function = load(self.source, "run", scope)

    @property
    def bytes(self) -> int:
        """The size of all buffers."""
        return sum(buffer.nbytes for buffer in self.buffers)

    def __call__(self, values: Sequence[Any]) -> list[Any]:
        """Return the outputs for bound inputs."""
        result: list[Any] = self.function(*values)
        return result


class _Writer:
    """Writes the text of a plan, equation by equation.

    `values` holds what every variable is on sample inputs, so that views and layouts are seen and
    not reasoned about; `text` what the program calls it; `storage` the buffer it lies in.
    """

    def __init__(self, graph: Graph, buffers: list[Any], results: list[Any], into: bool) -> None:
        self.into = into
        self.graph = graph
        self.buffers = buffers
        self.results = results
        self.free: dict[int, list[int]] = {}
        self.values: list[Any] = []
        self.text: list[str] = []
        self.storage: list[Any] = []
        self.fixed: list[bool] = []
        self.lines: list[str] = []
        self.scope: dict[str, Any] = {"np": np, "getrefcount": getrefcount, "results": results}
        self.arguments: list[str] = []
        for name in graph.input_names:
            while OWN.fullmatch(name) or name in self.arguments:
                name += "_"
            self.arguments.append(name)
        self.last = self._last_uses()
        self.ends: dict[Any, int] = {}

    def _last_uses(self) -> list[int]:
        graph = self.graph
        last = [-1] * len(graph.specs)
        for variable, equation in graph.numbered():
            for i in (*equation.inputs, *refs_of(equation.params)):
                last[i] = variable
        for i in graph.outputs:
            last[i] = len(graph.specs)
        return last

    def written(self) -> tuple[str, dict[str, Any]]:
        """Return the program and what its names stand for."""
        graph = self.graph
        inputs = len(graph.input_names)
        for k, spec in enumerate(graph.specs[: graph.first]):
            given = k < inputs
            value = sample(spec) if given else graph.constants[k - inputs]
            name = self.arguments[k] if given else f"c{k}"
            if not given:
                if isinstance(value, np.ndarray) or not isinstance(value, (int, float)):
                    self.scope[name] = value
                elif math.isfinite(value) and type(value) in (int, float, bool):
                    name = f"({value!r})"
                else:
                    self.scope[name] = value
            self._add(value, name, ("outside", k), not given)
        for variable, equation in graph.numbered():
            with np.errstate(all="ignore"):
                self._write(variable, equation)
            self._release(variable, equation)
        names = list(self.arguments)
        if self.into:
            names += [f"out_{k}" for k in range(len(graph.outputs))]
            copy = self._bind("copyto", np.copyto)
            for k, i in enumerate(graph.outputs):
                if self.text[i] != f"out_{k}":
                    self.lines.append(f"{copy}(out_{k}, {self.text[i]})")
            returned = ""
        else:
            returned = ", ".join(self._returned(i, k) for k, i in enumerate(graph.outputs))
        head = f"def run({', '.join(names)}):"
        body = [f"    {line}" for line in [*self.lines, f"return [{returned}]"]]
        if any(spec.dtype.kind == "f" for spec in graph.specs[graph.first :]):
            body = ['    with np.errstate(all="ignore"):', *(f"    {line}" for line in body)]
        return "\n".join([head, *body, ""]), self.scope

    # ---- one equation ----------------------------------------------------------------------------

    def _write(self, variable: int, equation: Equation) -> None:
        row, params = equation.row, equation.params
        operands = [self.values[i] for i in equation.inputs]
        value = plain(row.evaluate(operands, map_refs(params, self.values.__getitem__)))
        name = f"v{variable - self.graph.first}"
        if not isinstance(value, np.ndarray):
            self.lines.append(f"{name} = {self._scalar_call(equation, value)}")
            self._add(value, name, None, False)
            return
        base = self._viewed(value, equation)
        if base is not None:
            if self.fixed[base]:
                self.scope[name] = value
            else:
                self.lines.append(f"{name} = {self._plain_call(equation)}")
            self._add(value, name, self.storage[base], self.fixed[base])
            return
        if not self._writes_out(equation, value):
            self.lines.append(f"{name} = {self._plain_call(equation)}")
            self._add(value, name, None, False)
            return
        if variable in self.graph.outputs and self.into:
            name = f"out_{self.graph.outputs.index(variable)}"
            self._add(value, name, ("result", name), False)
        elif variable in self.graph.outputs:
            self._result(name, value)
            self._add(value, name, ("result", len(self.results)), False)
        else:
            slot = self._reusable(variable, equation, value)
            if slot is None:
                slot = self._buffer(value.nbytes)
            value = self._shaped(slot, value)
            self.scope[name] = value
            self._add(value, name, slot, True)
        self._call_into(equation, name, value)

    def _add(self, value: Any, text: str, storage: Any, fixed: bool) -> None:
        variable = len(self.values)
        self.values.append(value)
        self.text.append(text)
        self.storage.append(storage)
        self.fixed.append(fixed)
        if storage is not None:
            self.ends[storage] = max(self.ends.get(storage, -1), self.last[variable])

    def _viewed(self, value: np.ndarray[Any, Any], equation: Equation) -> int | None:
        """Return the operand that a value is a view of."""
        for i in equation.inputs:
            operand = self.values[i]
            if isinstance(operand, np.ndarray) and np.may_share_memory(operand, value):
                return i
        return None

    def _writes_out(self, equation: Equation, value: Any) -> bool:
        forward = equation.row.forward
        if refs_of(equation.params):
            return False
        if isinstance(forward, np.ufunc) or forward in REDUCERS:
            return True
        if forward is np.where:
            return np.result_type(self.values[equation.inputs[0]]).kind == "b"
        if equation.row.name in ("astype", "broadcast_to"):
            return True
        if equation.row.name == "mean":
            return bool(self.values[equation.inputs[0]].dtype == value.dtype)
        if into_of(equation) is not None:
            return bool(value.size)
        try:
            return "out" in inspect.signature(forward).parameters and value.size > 0
        except (TypeError, ValueError):
            return False

    def _call_into(self, equation: Equation, name: str, value: Any) -> None:
        row, params = equation.row, equation.params
        forward = row.forward
        operands = [self.text[i] for i in equation.inputs]
        if isinstance(forward, np.ufunc):
            self.lines.append(f"{self._function(forward)}({', '.join(operands)}, out={name})")
        elif forward in REDUCERS or row.name == "mean":
            ufunc = REDUCERS.get(forward, np.add)
            axis, keep = params.get("axis"), params.get("keepdims", False)
            reduce = self._reduce(ufunc)
            self.lines.append(f"{reduce}({operands[0]}, {axis!r}, None, {name}, {keep!r})")
            if row.name == "mean":
                count = self.values[equation.inputs[0]].size // max(value.size, 1)
                self.lines.append(f"{self._function(np.divide)}({name}, {count}, out={name})")
        elif forward is np.where:
            copy = self._bind("copyto", np.copyto)
            condition, x, y = operands
            self.lines.append(f"{copy}({name}, {y})")
            self.lines.append(f"{copy}({name}, {x}, where={condition})")
        elif row.name in ("astype", "broadcast_to"):
            copy = self._bind("copyto", np.copyto)
            self.lines.append(f'{copy}({name}, {operands[0]}, casting="unsafe")')
        else:
            listed = f"[{', '.join(operands)}]" if row.is_variadic else ", ".join(operands)
            settings = "".join(f", {k}={self._constant(v)}" for k, v in params.items())
            function = self._function(into_of(equation) or forward)
            self.lines.append(f"{function}({listed}{settings}, out={name})")

    def _plain_call(self, equation: Equation) -> str:
        forward = self._function(equation.row.forward)
        return call_text(equation, forward, self.text.__getitem__, self._constant)

    def _scalar_call(self, equation: Equation, value: Any) -> str:
        """Write a scalar result: of floats as eager operations compute it, else NumPy's."""
        row = equation.row
        floats = type(value) is float
        if floats and row.symbol in ("+", "-", "*") and not equation.params:
            kinds = [type(self.values[i]) for i in equation.inputs]
            if set(kinds) <= {float, int}:
                left, right = (self.text[i] for i in equation.inputs)
                return f"{left} {row.symbol} {right}"
        alone = all(type(self.values[i]) in (float, int) for i in equation.inputs)
        if floats and alone and row.scalar is not None and not equation.params:
            operands = ", ".join(self.text[i] for i in equation.inputs)
            return f"{self._bind(f'{row.name}_of_floats', _on_floats(row))}({operands})"
        forward = row.forward
        if forward in REDUCERS and isinstance(self.values[equation.inputs[0]], np.ndarray):
            ufunc = REDUCERS[forward]
            reduce = self._reduce(ufunc)
            axis, keep = equation.params.get("axis"), equation.params.get("keepdims", False)
            call = f"{reduce}({self.text[equation.inputs[0]]}, {axis!r}, None, None, {keep!r})"
        elif row.name == "mean" and np.size(self.values[equation.inputs[0]]):
            operand = equation.inputs[0]
            reduce, count = self._reduce(np.add), np.size(self.values[operand])
            total = f"{reduce}({self.text[operand]}, None)"
            if floats:
                return f"float({total}) / {count}"
            if self.values[operand].dtype == value.dtype:
                kind = self._bind(value.dtype.name, value.dtype.type)
                return f"{kind}({total} / {count})"
            call = self._plain_call(equation)
        else:
            call = self._plain_call(equation)
        if floats:
            return f"float({call})"
        # a row may give an array of no axes where it gave a scalar on the sample
        return call if isinstance(row, Observer) else f"np.asarray({call})[()]"

    def _function(self, forward: Any) -> str:
        return self._bind(forward.__name__.strip("_") or "function", forward)

    def _reduce(self, ufunc: np.ufunc) -> str:
        name = f"{ufunc.__name__}_reduce"
        if name not in self.scope:
            self.scope[name] = ufunc.reduce
        return name

    def _bind(self, name: str, function: Any) -> str:
        base, k = name, 1
        while name in self.arguments or self.scope.get(name, function) is not function:
            k += 1
            name = f"{base}_{k}"
        self.scope[name] = function
        return name

    def _constant(self, setting: Any) -> str:
        if setting is None or isinstance(setting, (bool, int)):
            return repr(setting)
        name = f"k{len(self.scope)}"
        self.scope[name] = setting
        return name

    # ---- places ----------------------------------------------------------------------------------

    def _buffer(self, size: int) -> int:
        waiting = self.free.get(size)
        if waiting:
            return waiting.pop()
        self.buffers.append(np.empty(size, np.uint8))
        return len(self.buffers) - 1

    def _shaped(self, slot: int, like: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        fortran = like.flags.f_contiguous and not like.flags.c_contiguous
        flat = self.buffers[slot].view(like.dtype)
        view: np.ndarray[Any, Any] = flat.reshape(like.shape, order="F" if fortran else "C")
        # what is computed from it while planning needs regular values
        np.copyto(view, like)
        return view

    def _reusable(self, variable: int, equation: Equation, value: Any) -> int | None:
        """Return the buffer of an operand that ends here, if the result may be written over it."""
        forward = equation.row.forward
        if not isinstance(forward, np.ufunc) or forward.signature is not None:
            return None
        for i in equation.inputs:
            slot, operand = self.storage[i], self.values[i]
            if (
                isinstance(slot, int)
                and self.ends[slot] == variable
                and isinstance(operand, np.ndarray)
                and operand.strides == value.strides
                and operand.nbytes == value.nbytes == self.buffers[slot].nbytes
            ):
                return slot
        return None

    def _release(self, variable: int, equation: Equation) -> None:
        for i in (*equation.inputs, *refs_of(equation.params), variable):
            if self.last[i] <= variable:
                self.values[i] = None  # a plan takes no more memory to make than to run
        for slot in {self.storage[i] for i in (*equation.inputs, variable)}:
            if isinstance(slot, int) and self.ends[slot] <= variable:
                waiting = self.free.setdefault(self.buffers[slot].nbytes, [])
                if slot not in waiting:
                    waiting.append(slot)

    def _result(self, name: str, value: np.ndarray[Any, Any]) -> None:
        make = self._bind(f"new_{len(self.results)}", maker_of(value))
        self.lines += chosen(name, len(self.results), make)
        self.results += [np.empty_like(value), None]

    def _returned(self, i: int, position: int) -> str:
        """Return the text of an output: a copy of what the plan or the caller keeps."""
        value, text = self.values[i], self.text[i]
        if not isinstance(value, np.ndarray):
            return text
        storage = self.storage[i]
        first = self.graph.outputs.index(i) == position
        own = storage is None or (isinstance(storage, tuple) and storage[0] == "result")
        if own and first and text.startswith("v"):
            return text
        name = f"r{position}"
        self._result(name, value)
        self.lines.append(f"{self._bind('copyto', np.copyto)}({name}, {text})")
        return name


@functools.cache
def _on_floats(row: Primitive) -> Callable[..., float]:
    """Return what a row does to floats, by NumPy where Python raises."""
    scalar, forward = row.scalar, row.forward
    assert scalar is not None

    def call(*values: Any) -> float:
        try:
            return float(scalar(*values))
        except (ArithmeticError, ValueError):
            return float(forward(*values))

    return call


def call_text(
    equation: Equation, forward: str, text: Callable[[int], str], constant: Callable[[Any], str]
) -> str:
    """Return the call of a row's function as text.

    Args:
        equation: what to call.
        forward: the name of the function.
        text: gives the name of a variable.
        constant: gives the text of a setting.
    """

    def setting(value: Any) -> str:
        if type(value) is Ref:
            return text(value.variable)
        if type(value) is tuple and refs_of({"": value}):
            return f"({''.join(f'{setting(part)}, ' for part in value)})"
        return constant(value)

    operands = [text(i) for i in equation.inputs]
    listed = f"[{', '.join(operands)}]" if equation.row.is_variadic else ", ".join(operands)
    settings = "".join(f", {key}={setting(v)}" for key, v in equation.params.items())
    return f"{forward}({listed}{settings})"


def chosen(name: str, k: int, make: str) -> list[str]:
    """Return lines that choose between the two arrays returned before and a new one.

    Two, because a parameter holds the one of the last run while the next is computed.

    Args:
        name: what the array is to be called.
        k: the place of the two in the list of results.
        make: the name of what makes a new one.
    """
    return [
        f"{name} = results[{k}]",
        f"if getrefcount({name}) > {HELD}:",
        f"    results[{k}], results[{k + 1}] = results[{k + 1}], {name}",
        f"    {name} = results[{k}]",
        f"    if {name} is None or getrefcount({name}) > {HELD}:",
        f"        {name} = results[{k}] = {make}()",
    ]


def maker_of(like: np.ndarray[Any, Any]) -> Any:
    """Return what makes empty arrays of the shape, dtype and order of another."""
    shape, dtype = like.shape, like.dtype
    if like.flags.f_contiguous and not like.flags.c_contiguous:
        return lambda: np.empty(shape, dtype, order="F")
    return lambda: np.empty(shape, dtype)
