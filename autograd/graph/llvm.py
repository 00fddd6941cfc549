"""The llvm backend: a scalar graph as machine code, called by Python like a built-in function.

The text handed to LLVM is made from the rows' own scalar functions; code is generated without
optimisation passes, since a straight line of float operations gains nothing from them and building
is what costs. Needs the extra `llvm`.
"""

from __future__ import annotations

import ast
import ctypes
import ctypes.util
import functools
import math
import struct
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import ArgumentError, message, require
from ..observers import Observer
from ..primitive import Primitive
from .forms import C_NAMES, form_of
from .tree import LEAF, Structure

if TYPE_CHECKING:
    from .ir import Graph

INTRINSICS = {"sqrt": "llvm.sqrt.f64", "fabs": "llvm.fabs.f64", "copysign": "llvm.copysign.f64"}
STRETCH = 200
"""Equations of a basic block: allocating registers costs more than linearly in its length."""

LONG = 100 * STRETCH
"""Equations beyond which a graph is several functions, with memory of its own."""

PREDICATES = {
    ast.Eq: "oeq", ast.NotEq: "une", ast.Lt: "olt", ast.LtE: "ole", ast.Gt: "ogt", ast.GtE: "oge",
}  # fmt: skip
ARITHMETIC = {ast.Add: "fadd", ast.Sub: "fsub", ast.Mult: "fmul", ast.Div: "fdiv"}

METH_FASTCALL = 0x80
TYPE_OFFSET, VALUE_OFFSET = 8, 16
"""Where a float object keeps its type and its value, behind the count of references."""


class Block(NamedTuple):
    """A row as lines of LLVM text with places for operands, results and temporary names."""

    text: str
    result: str
    kind: str
    called: frozenset[tuple[str, int]]


class _Lowering:
    """Turns the syntax tree of a scalar function into LLVM text; kinds are d(ouble) and b(ool)."""

    def __init__(self, row: Primitive) -> None:
        self.row = row
        self.lines: list[str] = []
        self.called: set[tuple[str, int]] = set()

    def name(self) -> str:
        return f"{{t}}{len(self.lines)}"

    def put(self, text: str) -> str:
        name = self.name()
        self.lines.append(f"{name} = {text}")
        return name

    def double(self, value: tuple[str, str]) -> str:
        text, kind = value
        if kind == "d":
            return text
        # half the code that uitofp becomes
        return self.put(f"select i1 {text}, double {literal(1.0)}, double {literal(0.0)}")

    def truth(self, value: tuple[str, str]) -> str:
        text, kind = value
        return text if kind == "b" else self.put(f"fcmp une double {text}, {literal(0.0)}")

    def lower(self, node: ast.expr, names: dict[str, tuple[str, str]]) -> tuple[str, str]:
        """Return the name and kind of the value of an expression."""
        if isinstance(node, ast.Name):
            return names[node.id]
        if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
            return literal(float(node.value)), "d"
        if isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC:
            left = self.double(self.lower(node.left, names))
            right = self.double(self.lower(node.right, names))
            return self.put(f"{ARITHMETIC[type(node.op)]} double {left}, {right}"), "d"
        if isinstance(node, ast.UnaryOp):
            value = self.lower(node.operand, names)
            if isinstance(node.op, ast.Not):
                return self.put(f"xor i1 {self.truth(value)}, true"), "b"
            if isinstance(node.op, ast.USub):
                return self.put(f"fneg double {self.double(value)}"), "d"
            return self.double(value), "d"
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            left = self.double(self.lower(node.left, names))
            right = self.double(self.lower(node.comparators[0], names))
            predicate = PREDICATES[type(node.ops[0])]
            return self.put(f"fcmp {predicate} double {left}, {right}"), "b"
        if isinstance(node, ast.BoolOp):
            word = "and" if isinstance(node.op, ast.And) else "or"
            found = [self.truth(self.lower(value, names)) for value in node.values]
            total = found[0]
            for other in found[1:]:
                total = self.put(f"{word} i1 {total}, {other}")
            return total, "b"
        if isinstance(node, ast.IfExp):
            test = self.truth(self.lower(node.test, names))
            yes = self.double(self.lower(node.body, names))
            no = self.double(self.lower(node.orelse, names))
            return self.put(f"select i1 {test}, double {yes}, double {no}"), "d"
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
        symbol = INTRINSICS.get(name, name)
        self.called.add((symbol, len(values)))
        arguments = ", ".join(f"double {self.double(value)}" for value in values)
        return self.put(f"call double @{symbol}({arguments})"), "d"

    def refused(self, what: str) -> ArgumentError:
        return ArgumentError(
            message(
                f"a scalar function of {self.row.name} made of arithmetic and the math module",
                what,
                'backend="python"',
            )
        )


@functools.cache
def block_of(row: Primitive, kinds: tuple[str, ...]) -> Block:
    """Return what a row is in LLVM text.

    Args:
        row: an operation with a scalar function.
        kinds: d or b for each operand.
    """
    form = form_of(row)
    lowering = _Lowering(row)
    if form is None:
        raise lowering.refused("no scalar function")
    pairs = zip(form.arguments, kinds, strict=True)
    names = {name: (f"{{{i}}}", kind) for i, (name, kind) in enumerate(pairs)}
    for name, value in form.steps:
        names[name] = lowering.lower(value, names)
    text, kind = lowering.lower(form.result, names)
    if isinstance(row, Observer):
        text, kind = lowering.truth((text, kind)), "b"
    return Block("\n".join(lowering.lines), text, kind, frozenset(lowering.called))


def literal(value: float) -> str:
    """Return a double as LLVM writes its bits.

    Example:
        >>> literal(1.0)
        '0x3FF0000000000000'
    """
    return f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"


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
        self.loaded: dict[int, str] = {}

    def _used(self, variables: Sequence[int], stretch: int) -> None:
        for i in variables:
            if i >= self.first and (i - self.first) // STRETCH < stretch:
                self.last[i] = stretch

    def store(self, i: int, name: str, kind: str, lines: list[str]) -> None:
        """Write the lines that keep a value which later parts read."""
        if i not in self.last:
            return
        if self.free:
            place = self.free.pop()
        else:
            place, self.size = self.size, self.size + 1
        self.places[i] = place
        if kind == "b":
            one, zero = literal(1.0), literal(0.0)
            lines.append(f"  %k{i} = select i1 {name}, double {one}, double {zero}")
            name = f"%k{i}"
        lines.append(f"  %s{i} = getelementptr double, double* %work, i64 {place}")
        lines.append(f"  store double {name}, double* %s{i}")

    def load(self, i: int, stretch: int, name: str, kind: str, lines: list[str]) -> str:
        """Return the name of a variable in the present part; write lines that fetch it."""
        if self.inputs <= i < self.first or (i - self.first) // STRETCH == stretch:
            return name
        if i not in self.loaded:
            array, place = ("in", i) if i < self.inputs else ("work", self.places[i])
            new = f"{stretch}_{i}"
            lines.append(f"  %g{new} = getelementptr double, double* %{array}, i64 {place}")
            lines.append(f"  %l{new} = load double, double* %g{new}")
            if kind == "b":
                lines.append(f"  %c{new} = fcmp une double %l{new}, {literal(0.0)}")
            self.loaded[i] = f"%{'c' if kind == 'b' else 'l'}{new}"
        return self.loaded[i]

    def leave(self, stretch: int) -> None:
        """Start another part."""
        self.loaded.clear()
        self.free += [self.places[i] for i in self.ends.get(stretch, ())]


def ir_of(graph: Graph) -> str:
    """Return a scalar graph as LLVM text: `run` reads inputs from one array and fills another."""
    names: list[str] = []
    kinds: list[str] = []
    frame = _Frame(graph) if len(graph) > LONG else None
    lines = []
    for k in range(len(graph.input_names)):
        if frame is None:
            lines.append(f"  %p{k} = getelementptr double, double* %in, i64 {k}")
            lines.append(f"  %x{k} = load double, double* %p{k}")
        names.append(f"%x{k}")
        kinds.append("d")
    for c in graph.constants:
        truth = graph_bool(c)
        names.append(("true" if c else "false") if truth else literal(float(c)))
        kinds.append("b" if truth else "d")
    called: set[tuple[str, int]] = set()
    first = graph.first
    for variable, (row, inputs, _, _) in graph.numbered():
        block = block_of(row, tuple([kinds[i] for i in inputs]))
        stretch = (variable - first) // STRETCH
        if frame is None:
            operands = [names[i] for i in inputs]
        else:
            operands = [frame.load(i, stretch, names[i], kinds[i], lines) for i in inputs]
        prefix = f"%v{variable}_"
        if block.text:
            lines.append(block.text.format(*operands, t=prefix))
        names.append(block.result.format(*operands, t=prefix))
        kinds.append(block.kind)
        called |= block.called
        if frame is not None:
            frame.store(variable, names[-1], block.kind, lines)
        if not (variable - first + 1) % STRETCH:
            if frame is None:
                lines += [f"  br label %stretch{variable}", f"stretch{variable}:"]
            else:
                frame.leave(stretch)
                lines += ["  ret void", "}", _part(stretch + 1)]
    for k, i in enumerate(graph.outputs):
        value = names[i]
        if frame is not None:
            value = frame.load(i, len(graph) // STRETCH, value, kinds[i], lines)
        if kinds[i] == "b":
            lines.append(
                f"  %b{k} = select i1 {value}, double {literal(1.0)}, double {literal(0.0)}"
            )
            value = f"%b{k}"
        lines.append(f"  %q{k} = getelementptr double, double* %out, i64 {k}")
        lines.append(f"  store double {value}, double* %q{k}")
    lines += ["  ret void", "}"]
    head = "define void @run(double* noalias %in, double* noalias %out) {"
    declared = [
        f"declare double @{name}({', '.join(['double'] * count)})" for name, count in sorted(called)
    ]
    if frame is None:
        return "\n".join([*declared, head, *lines, ""])
    declared += ["declare i8* @malloc(i64)", "declare void @free(i8*)"]
    arrays = "double* %in, double* %out, double* %work"
    calls = [f"  call void @part{k}({arrays})" for k in range(len(graph) // STRETCH + 1)]
    room = f"  %room = call i8* @malloc(i64 {8 * max(frame.size, 1)})"
    work = "  %work = bitcast i8* %room to double*"
    tail = ["  call void @free(i8* %room)", "  ret void", "}", ""]
    return "\n".join([*declared, _part(0), *lines, head, room, work, *calls, *tail])


def _part(stretch: int) -> str:
    arrays = "double* noalias %in, double* noalias %out, double* noalias %work"
    return f"define void @part{stretch}({arrays}) {{"


def graph_bool(value: Any) -> bool:
    """Whether a constant is a truth value."""
    return type(value).__name__ in ("bool", "bool_")


# ---- a built-in function around it ---------------------------------------------------------------


class _MethodDef(ctypes.Structure):
    _fields_ = (
        ("ml_name", ctypes.c_char_p),
        ("ml_meth", ctypes.c_void_p),
        ("ml_flags", ctypes.c_int),
        ("ml_doc", ctypes.c_char_p),
    )


def wrapper_of(graph: Graph, gives: Structure, slow: int) -> str | None:
    """Return LLVM text of a function with Python's fast calling convention around `run`.

    It takes exact floats only; anything else goes to the Python function at the address `slow`.

    Returns:
        The text, None if the result is no nesting of tuples and lists.
    """
    count, results = len(graph.input_names), len(graph.outputs)
    float_type = id(float)
    lines = [
        "define i8* @call(i8* %self, i8** %args, i64 %n) {",
        "entry:",
        f"  %in = alloca double, i64 {max(count, 1)}",
        f"  %out = alloca double, i64 {max(results, 1)}",
        f"  %right = icmp eq i64 %n, {count}",
        f"  br i1 %right, label %{'arg0' if count else 'fast'}, label %slow",
    ]
    for k in range(count):
        following = f"arg{k + 1}" if k + 1 < count else "fast"
        lines += [
            f"arg{k}:",
            f"  %a{k} = getelementptr i8*, i8** %args, i64 {k}",
            f"  %o{k} = load i8*, i8** %a{k}",
            f"  %tp{k} = getelementptr i8, i8* %o{k}, i64 {TYPE_OFFSET}",
            f"  %tq{k} = bitcast i8* %tp{k} to i64*",
            f"  %t{k} = load i64, i64* %tq{k}",
            f"  %vp{k} = getelementptr i8, i8* %o{k}, i64 {VALUE_OFFSET}",
            f"  %vq{k} = bitcast i8* %vp{k} to double*",
            f"  %s{k} = getelementptr double, double* %in, i64 {k}",
            f"  %f{k} = icmp eq i64 %t{k}, {float_type}",
            f"  br i1 %f{k}, label %take{k}, label %slow",
            f"take{k}:",
            f"  %v{k} = load double, double* %vq{k}",
            f"  store double %v{k}, double* %s{k}",
            f"  br label %{following}",
        ]
    lines += ["fast:", "  call void @run(double* %in, double* %out)"]
    names = iter(range(results))
    made = _made(gives, names, lines)
    if made is None:
        return None
    lines += [
        f"  ret i8* {made}",
        "slow:",
        f"  %f = inttoptr i64 {slow} to i8*",
        "  %r = call i8* @PyObject_Vectorcall(i8* %f, i8** %args, i64 %n, i8* null)",
        "  ret i8* %r",
        "}",
    ]
    declared = [
        "declare i8* @PyFloat_FromDouble(double)",
        "declare i8* @PyObject_Vectorcall(i8*, i8**, i64, i8*)",
        *(
            line
            for kind in ("Tuple", "List")
            for line in (
                f"declare i8* @Py{kind}_New(i64)",
                f"declare i32 @Py{kind}_SetItem(i8*, i64, i8*)",
            )
        ),
    ]
    return "\n".join([*declared, *lines, ""])


def _made(structure: Structure, numbers: Any, lines: list[str]) -> str | None:
    """Write the lines that build a result; return the name of the object."""
    if structure == LEAF:
        k = next(numbers)
        lines += [
            f"  %rp{k} = getelementptr double, double* %out, i64 {k}",
            f"  %rv{k} = load double, double* %rp{k}",
            f"  %ro{k} = call i8* @PyFloat_FromDouble(double %rv{k})",
        ]
        return f"%ro{k}"
    if structure[0] != "sequence" or structure[1] not in (tuple, list):
        return None
    kind = "Tuple" if structure[1] is tuple else "List"
    parts = [_made(part, numbers, lines) for part in structure[2]]
    if None in parts:
        return None
    name = f"%c{len(lines)}"
    lines.append(f"  {name} = call i8* @Py{kind}_New(i64 {len(parts)})")
    for k, part in enumerate(parts):
        lines.append(f"  {name}_{k} = call i32 @Py{kind}_SetItem(i8* {name}, i64 {k}, i8* {part})")
    return name


class Native:
    """A scalar graph as machine code.

    Args:
        graph: a scalar graph.
        slow: what a call with anything but exact floats goes to.

    Raises:
        MissingExtraError: if llvmlite is not installed.
    """

    def __init__(self, graph: Graph, slow: Callable[..., Any]) -> None:
        binding = require("llvmlite.binding", "llvm", "compile to machine code")
        self.text = ir_of(graph)
        truths = [graph.specs[i].dtype.kind == "b" for i in graph.outputs]
        wrapper = None
        if float.__basicsize__ == VALUE_OFFSET + 8 and not any(truths):
            wrapper = wrapper_of(graph, graph.gives, id(slow))
        self._engine = _engine(binding, self.text + (wrapper or ""))
        self._inputs = ctypes.c_double * max(len(graph.input_names), 1)
        self._outputs = ctypes.c_double * max(len(graph.outputs), 1)
        self._truths = truths
        pointer = ctypes.c_void_p
        address = self._engine.get_function_address("run")
        self._run = ctypes.CFUNCTYPE(None, pointer, pointer)(address)
        self.direct: Callable[..., Any] | None = None
        if wrapper is not None:
            definition = _MethodDef(
                graph.name.encode(), self._engine.get_function_address("call"), METH_FASTCALL, None
            )
            make = ctypes.pythonapi.PyCFunction_NewEx
            make.restype = ctypes.py_object
            make.argtypes = (ctypes.POINTER(_MethodDef), ctypes.py_object, ctypes.c_void_p)
            # the function reads its definition until it is freed, so it must own it, as its self
            owned = (definition, self._engine, slow)
            self.direct = make(ctypes.byref(definition), owned, None)

    def __call__(self, values: Sequence[Any]) -> list[Any]:
        """Return the outputs for bound inputs."""
        outputs = self._outputs()
        self._run(self._inputs(*values), outputs)
        return [bool(y) if truth else y for y, truth in zip(outputs, self._truths, strict=False)]


@functools.cache
def _machine(binding: Any) -> Any:
    for step in ("initialize_native_target", "initialize_native_asmprinter"):
        getattr(binding, step)()
    library = ctypes.CDLL(ctypes.util.find_library("m") or None)
    for name in (*dir(math), *C_NAMES.values()):
        symbol = getattr(library, name, None)
        if symbol is not None:
            binding.add_symbol(name, ctypes.cast(symbol, ctypes.c_void_p).value)
    for name in ("malloc", "free"):
        address = ctypes.cast(getattr(library, name), ctypes.c_void_p).value
        binding.add_symbol(name, address)
    for name in ("PyFloat_FromDouble", "PyObject_Vectorcall", "PyTuple_New", "PyTuple_SetItem",
                 "PyList_New", "PyList_SetItem"):  # fmt: skip
        address = ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value
        binding.add_symbol(name, address)
    return binding.Target.from_default_triple()


def _engine(binding: Any, text: str) -> Any:
    target = _machine(binding)
    module = binding.parse_assembly(text)
    # choosing between two numbers is a branch without AVX
    features = "+avx" if binding.get_host_cpu_features().get("avx") else ""
    machine = target.create_target_machine(opt=0, features=features)
    engine = binding.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    return engine
