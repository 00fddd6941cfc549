"""Graphs of floats as LLVM text, made from the rows' own scalar functions."""

from __future__ import annotations

import ast
import functools
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from ..errors import ArgumentError, message
from ..observers import Observer
from ..primitive import Primitive
from .forms import C_NAMES, native_form_of
from .lanes import DOUBLE, Lane, literal, rounded

if TYPE_CHECKING:
    from .ir import Graph

STRETCH = 200
"""Equations of a basic block: allocating registers costs more than linearly in its length."""

LONG = 100 * STRETCH
"""Equations beyond which a graph is several functions, with memory of its own."""

PREDICATES = {
    ast.Eq: "oeq", ast.NotEq: "une", ast.Lt: "olt", ast.LtE: "ole", ast.Gt: "ogt", ast.GtE: "oge",
}  # fmt: skip
ARITHMETIC = {ast.Add: "fadd", ast.Sub: "fsub", ast.Mult: "fmul", ast.Div: "fdiv"}


class Block(NamedTuple):
    """A row in LLVM text, where results without a name are numbered as they come.

    Args:
        write: gives the lines, for the number of the first one's result and the operands.
        width: how many lines there are, each with a result.
        result: gives the result, for the same; None if it is that of the last line.
        is_truth: whether the result is a truth value.
        called: the functions called, with the number of their arguments.
    """

    write: Callable[..., str]
    width: int
    result: Callable[..., str] | None
    is_truth: bool
    called: frozenset[tuple[str, int]]


class _Lowering:
    """Turns the syntax tree of a scalar function into LLVM text; kinds are d(ouble) and b(ool)."""

    def __init__(self, row: Primitive, lane: Lane) -> None:
        self.row = row
        self.lane = lane
        self.real, self.bit = lane.real, lane.bit
        self.lines: list[str] = []
        self.called: set[tuple[str, int]] = set()

    def put(self, text: str) -> str:
        self.lines.append(text)
        return f"%{{n + {len(self.lines) - 1}}}"

    def double(self, value: tuple[str, str]) -> str:
        text, kind = value
        if kind == "d":
            return text
        # half the code that uitofp becomes
        one, zero = self.lane.number(1.0), self.lane.number(0.0)
        return self.put(f"select {self.bit} {text}, {self.real} {one}, {self.real} {zero}")

    def truth(self, value: tuple[str, str]) -> str:
        text, kind = value
        if kind == "b":
            return text
        return self.put(f"fcmp une {self.real} {text}, {self.lane.number(0.0)}")

    def lower(self, node: ast.expr, names: dict[str, tuple[str, str]]) -> tuple[str, str]:
        """Return the name and kind of the value of an expression."""
        if isinstance(node, ast.Name):
            return names[node.id]
        if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
            number = float(node.value)
            if self.lane.size == "float" and math.isinf(rounded(number)) and math.isfinite(number):
                raise self.refused("a number beyond float32")
            return self.lane.number(number), "d"
        if isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC:
            left = self.double(self.lower(node.left, names))
            right = self.double(self.lower(node.right, names))
            return self.put(f"{ARITHMETIC[type(node.op)]} {self.real} {left}, {right}"), "d"
        if isinstance(node, ast.UnaryOp):
            value = self.lower(node.operand, names)
            if isinstance(node.op, ast.Not):
                true = self.lane.all("i1", "true")
                return self.put(f"xor {self.bit} {self.truth(value)}, {true}"), "b"
            if isinstance(node.op, ast.USub):
                return self.put(f"fneg {self.real} {self.double(value)}"), "d"
            return self.double(value), "d"
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            left = self.double(self.lower(node.left, names))
            right = self.double(self.lower(node.comparators[0], names))
            predicate = PREDICATES[type(node.ops[0])]
            return self.put(f"fcmp {predicate} {self.real} {left}, {right}"), "b"
        if isinstance(node, ast.BoolOp):
            word = "and" if isinstance(node.op, ast.And) else "or"
            found = [self.truth(self.lower(value, names)) for value in node.values]
            total = found[0]
            for other in found[1:]:
                total = self.put(f"{word} {self.bit} {total}, {other}")
            return total, "b"
        if isinstance(node, ast.IfExp):
            test = self.truth(self.lower(node.test, names))
            yes = self.double(self.lower(node.body, names))
            no = self.double(self.lower(node.orelse, names))
            return self.put(f"select {self.bit} {test}, {self.real} {yes}, {self.real} {no}"), "d"
        if isinstance(node, ast.Call):
            return self.call(node, names)
        raise self.refused(ast.unparse(node))

    def call(self, node: ast.Call, names: dict[str, tuple[str, str]]) -> tuple[str, str]:
        values = [self.lower(argument, names) for argument in node.args]
        if isinstance(node.func, ast.Name) and node.func.id == "bool":
            return self.truth(values[0]), "b"
        if isinstance(node.func, ast.Name) and node.func.id in ("abs", "float"):
            if node.func.id == "float":
                return self.double(values[0]), "d"
            name = "fabs"
        elif isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) == "math":
            name = C_NAMES.get(node.func.attr, node.func.attr)
        else:
            raise self.refused(ast.unparse(node))
        symbol = self.lane.symbol(name)
        if symbol is None:
            raise self.refused(ast.unparse(node))
        self.called.add((symbol, len(values)))
        arguments = ", ".join(f"{self.real} {self.double(value)}" for value in values)
        return self.put(f"call {self.real} @{symbol}({arguments})"), "d"

    def refused(self, what: str) -> ArgumentError:
        return ArgumentError(
            message(
                f"a scalar function of {self.row.name} made of arithmetic and the math module",
                what,
                'backend="python"',
            )
        )


@functools.cache
def block_of(row: Primitive, kinds: str, lane: Lane = DOUBLE) -> Block:
    """Return what a row is in LLVM text.

    Args:
        row: an operation with a scalar function.
        kinds: d or b for each operand.
        lane: the type of the operands that are not b.
    """
    form = native_form_of(row)
    lowering = _Lowering(row, lane)
    if form is None:
        raise lowering.refused("no scalar function")
    operands = [f"a{i}" for i in range(len(kinds))]
    names = {
        name: (f"{{{operand}}}", kind)
        for name, operand, kind in zip(form.arguments, operands, kinds, strict=True)
    }
    for name, value in form.steps:
        names[name] = lowering.lower(value, names)
    text, kind = lowering.lower(form.result, names)
    if isinstance(row, Observer):
        text, kind = lowering.truth((text, kind)), "b"
    lines = lowering.lines

    def writer(template: str) -> Callable[..., str]:
        # an f-string is filled in a third of the time that str.format takes
        return cast(Callable[..., str], eval(f"lambda n, {', '.join(operands)}: f{template!r}", {}))

    last = f"%{{n + {len(lines) - 1}}}"
    return Block(
        writer("\n".join(lines)),
        len(lines),
        None if text == last else writer(text),
        kind == "b",
        frozenset(lowering.called),
    )


class _Frame:
    """Where the values of a long graph lie between its parts: in memory of its own.

    Each part is a function. In one function all values would lie on the stack, which a thread has
    little of. A place is used again after the last part that reads it.
    """

    def __init__(self, graph: Graph) -> None:
        self.inputs = len(graph.input_names)
        self.first = graph.first
        self.last: dict[int, int] = {}
        for k, equation in enumerate(graph.equations):
            self._used(equation.inputs, k // STRETCH)
        self._used(graph.outputs, len(graph) // STRETCH)
        self.ends: dict[int, list[int]] = {}
        for variable, stretch in self.last.items():
            self.ends.setdefault(stretch, []).append(variable)
        self.places: dict[int, int] = {}
        self.free: list[int] = []
        self.size = 0

    def _used(self, variables: Sequence[int], stretch: int) -> None:
        for i in variables:
            if i >= self.first and (i - self.first) // STRETCH < stretch:
                self.last[i] = stretch

    def store(self, i: int, name: str, is_truth: bool, lines: list[str]) -> None:
        """Write the lines that keep a value which later parts read."""
        if i not in self.last:
            return
        if self.free:
            place = self.free.pop()
        else:
            place, self.size = self.size, self.size + 1
        self.places[i] = place
        if is_truth:
            one, zero = literal(1.0), literal(0.0)
            lines.append(f"%k{i} = select i1 {name}, double {one}, double {zero}")
            name = f"%k{i}"
        lines.append(f"%s{i} = getelementptr double, double* %work, i64 {place}")
        lines.append(f"store double {name}, double* %s{i}")

    def load(self, i: int, name: str, is_truth: bool, lines: list[str]) -> str:
        """Write the lines that fetch a variable that another part made; return the last's name."""
        array, place = ("in", i) if i < self.inputs else ("work", self.places[i])
        lines.append(f"%g{name} = getelementptr double, double* %{array}, i64 {place}")
        lines.append(f"%l{name} = load double, double* %g{name}")
        if not is_truth:
            return f"%l{name}"
        lines.append(f"%c{name} = fcmp une double %l{name}, {literal(0.0)}")
        return f"%c{name}"

    def leave(self, stretch: int) -> None:
        """Start another part."""
        self.free += [self.places[i] for i in self.ends.get(stretch, ())]


class _Names:
    """What variables are called; in a stretch, something else than in the next.

    A constant is one instruction a stretch, not one a use. A long graph, which has a frame, fetches
    from there what the stretches before have left.
    """

    def __init__(self, graph: Graph, frame: _Frame | None, lines: list[str]) -> None:
        self.known: list[str] = [""] * len(graph.specs)
        self.truths: set[int] = set()
        self.frame = frame
        self.lines = lines
        self.stretch = 0
        self._constants = graph.constants
        self._inputs = len(graph.input_names)
        self._first = graph.first
        self._passing: list[int] = []
        for i, c in enumerate(graph.constants, self._inputs):
            if graph_bool(c):
                self.truths.add(i)
                self.known[i] = "true" if c else "false"
        if frame is None:
            for k in range(self._inputs):
                lines.append(f"%p{k} = getelementptr double, double* %in, i64 {k}")
                lines.append(f"%x{k} = load double, double* %p{k}")
                self.known[k] = f"%x{k}"

    def fetch(self, i: int) -> str:
        """Name a variable that has no name in this stretch."""
        name = f"{self.stretch}_{i}"
        if self._inputs <= i < self._first:
            value = literal(float(self._constants[i - self._inputs]))
            self.lines.append(f"%k{name} = bitcast double {value} to double")
            name = f"%k{name}"
        else:
            assert self.frame is not None
            name = self.frame.load(i, name, i in self.truths, self.lines)
        self.known[i] = name
        self._passing.append(i)
        return name

    def leave(self, made: range) -> None:
        """Start another stretch; `made` are the variables that this one has made."""
        for i in self._passing:
            self.known[i] = ""
        self._passing.clear()
        self.stretch += 1
        if self.frame is not None:
            self.frame.leave(self.stretch - 1)
            self.known[made.start : made.stop] = [""] * len(made)


def ir_of(graph: Graph) -> str:
    """Return a scalar graph as LLVM text: `run` reads inputs from one array and fills another."""
    frame = _Frame(graph) if len(graph) > LONG else None
    lines: list[str] = []
    names = _Names(graph, frame, lines)
    known, fetch, truths = names.known, names.fetch, names.truths
    plain: dict[Primitive, Block] = {}
    used: set[Block] = set()
    number = 0
    full = graph.first + STRETCH
    for k, (row, inputs, _, _) in enumerate(graph.equations, graph.first):
        if k == full:
            names.leave(range(full - STRETCH, full))
            full += STRETCH
            if frame is None:
                lines += [f"br label %s{names.stretch}", f"s{names.stretch}:"]
            else:
                number = 0
                lines += ["ret void", "}", _part(names.stretch)]
        block = plain.get(row) if truths.isdisjoint(inputs) else None
        if block is None:
            block = block_of(row, "".join(["b" if i in truths else "d" for i in inputs]))
            used.add(block)
            if truths.isdisjoint(inputs):
                plain[row] = block
        operands: Sequence[str]
        if len(inputs) == 2:  # most have
            a, b = inputs
            operands = known[a] or fetch(a), known[b] or fetch(b)
        else:
            operands = [known[i] or fetch(i) for i in inputs]
        write, width, result, is_truth, _ = block
        if width:
            lines.append(write(number, *operands))
        known[k] = f"%{number + width - 1}" if result is None else result(number, *operands)
        number += width
        if is_truth:
            truths.add(k)
        if frame is not None:
            frame.store(k, known[k], is_truth, lines)
    for k, i in enumerate(graph.outputs):
        value = known[i] or fetch(i)
        if i in truths:
            lines.append(f"%b{k} = select i1 {value}, double {literal(1.0)}, double {literal(0.0)}")
            value = f"%b{k}"
        lines.append(f"%q{k} = getelementptr double, double* %out, i64 {k}")
        lines.append(f"store double {value}, double* %q{k}")
    lines += ["ret void", "}"]
    head = "define void @run(double* noalias %in, double* noalias %out) {\nentry:"
    called = set().union(*(block.called for block in used))
    declared = [
        f"declare double @{name}({', '.join(['double'] * count)})" for name, count in sorted(called)
    ]
    if frame is None:
        return "\n".join([*declared, head, *lines, ""])
    declared += ["declare i8* @malloc(i64)", "declare void @free(i8*)"]
    arrays = "double* %in, double* %out, double* %work"
    calls = [f"call void @part{k}({arrays})" for k in range(names.stretch + 1)]
    room = f"%room = call i8* @malloc(i64 {8 * max(frame.size, 1)})"
    work = "%work = bitcast i8* %room to double*"
    tail = ["call void @free(i8* %room)", "ret void", "}", ""]
    return "\n".join([*declared, _part(0), *lines, head, room, work, *calls, *tail])


def _part(stretch: int) -> str:
    arrays = "double* noalias %in, double* noalias %out, double* noalias %work"
    return f"define void @part{stretch}({arrays}) {{\nentry:"


def graph_bool(value: Any) -> bool:
    """Whether a constant is a truth value."""
    return type(value).__name__ in ("bool", "bool_")
