"""The llvm backend: a scalar graph as machine code, called by Python like a built-in function.

Code is generated without optimisation passes, since a straight line of float operations gains
nothing from them and building is what costs. Needs the extra `llvm`.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import functools
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import require
from .forms import C_NAMES
from .llvm import ir_of
from .tree import LEAF, Structure

if TYPE_CHECKING:
    from .ir import Graph

METH_FASTCALL = 0x80
TYPE_OFFSET, VALUE_OFFSET = 8, 16
"""Where a float object keeps its type and its value, behind the count of references."""

CALLED_OF_PYTHON = (
    "PyFloat_FromDouble", "PyObject_Vectorcall", "PyTuple_New", "PyTuple_SetItem",
    "PyList_New", "PyList_SetItem", "PyBool_FromLong",
    "PyEval_SaveThread", "PyEval_RestoreThread",
)  # fmt: skip


class _MethodDef(ctypes.Structure):
    _fields_ = (
        ("ml_name", ctypes.c_char_p),
        ("ml_meth", ctypes.c_void_p),
        ("ml_flags", ctypes.c_int),
        ("ml_doc", ctypes.c_char_p),
    )


def wrapper_of(graph: Graph, gives: Structure, slow: int) -> str:
    """Return LLVM text of a function with Python's fast calling convention around `run`.

    It takes floats and NumPy's doubles; anything else goes to the Python function at the address
    `slow`. The result is made of tuples and lists.
    """
    count, results = len(graph.input_names), len(graph.outputs)
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
            f"  %e{k} = icmp eq i64 %t{k}, {id(float)}",
            f"  %d{k} = icmp eq i64 %t{k}, {id(np.float64)}",
            f"  %f{k} = or i1 %e{k}, %d{k}",
            f"  br i1 %f{k}, label %take{k}, label %slow",
            f"take{k}:",
            f"  %v{k} = load double, double* %vq{k}",
            f"  store double %v{k}, double* %s{k}",
            f"  br label %{following}",
        ]
    lines += ["fast:", "  call void @run(double* %in, double* %out)"]
    names = iter(range(results))
    made = _made(gives, names, lines)
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


def _made(structure: Structure, numbers: Any, lines: list[str]) -> str:
    """Write the lines that build a result; return the name of the object."""
    if structure == LEAF:
        k = next(numbers)
        lines += [
            f"  %rp{k} = getelementptr double, double* %out, i64 {k}",
            f"  %rv{k} = load double, double* %rp{k}",
            f"  %ro{k} = call i8* @PyFloat_FromDouble(double %rv{k})",
        ]
        return f"%ro{k}"
    kind = "Tuple" if structure[1] is tuple else "List"
    parts = [_made(part, numbers, lines) for part in structure[2]]
    name = f"%c{len(lines)}"
    lines.append(f"  {name} = call i8* @Py{kind}_New(i64 {len(parts)})")
    for k, part in enumerate(parts):
        lines.append(f"  {name}_{k} = call i32 @Py{kind}_SetItem(i8* {name}, i64 {k}, i8* {part})")
    return name


class Native:
    """A scalar graph as machine code.

    Args:
        graph: a scalar graph.
        gives: the tuples and lists that `direct` makes of its outputs.
        slow: what a call of `direct` with anything but floats goes to.

    Raises:
        MissingExtraError: if llvmlite is not installed.
    """

    def __init__(self, graph: Graph, gives: Structure, slow: Callable[..., Any]) -> None:
        binding = require("llvmlite.binding", "llvm", "compile to machine code")
        self.text = ir_of(graph)
        truths = [graph.specs[i].dtype.kind == "b" for i in graph.outputs]
        wrapper = None
        if float.__basicsize__ == VALUE_OFFSET + 8 and not any(truths):
            wrapper = wrapper_of(graph, gives, id(slow))
        names = ["run"] if wrapper is None else ["run", "call"]
        self._program = linked(binding, self.text + (wrapper or ""), names)
        self._inputs = ctypes.c_double * max(len(graph.input_names), 1)
        self._outputs = ctypes.c_double * max(len(graph.outputs), 1)
        self._truths = truths
        pointer = ctypes.c_void_p
        self._run = ctypes.CFUNCTYPE(None, pointer, pointer)(self._program["run"])
        self.direct: Callable[..., Any] | None = None
        if wrapper is not None:
            self.direct = built_in(graph.name, self._program["call"], (self._program, slow))

    def __call__(self, values: Sequence[Any]) -> list[Any]:
        """Return the outputs for bound inputs."""
        outputs = self._outputs()
        self._run(self._inputs(*values), outputs)
        return [bool(y) if truth else y for y, truth in zip(outputs, self._truths, strict=False)]


def built_in(name: str, address: int, owned: tuple[Any, ...]) -> Callable[..., Any]:
    """Return machine code with Python's fast calling convention as a function.

    Args:
        name: what it is called.
        address: where it starts.
        owned: what must live as long as it.
    """
    definition = _MethodDef(name.encode(), address, METH_FASTCALL, None)
    make = ctypes.pythonapi.PyCFunction_NewEx
    make.restype = ctypes.py_object
    make.argtypes = (ctypes.POINTER(_MethodDef), ctypes.py_object, ctypes.c_void_p)
    # the function reads its definition until it is freed, so it must own it, as its self
    function: Callable[..., Any] = make(ctypes.byref(definition), (definition, *owned), None)
    return function


RUNTIME = "runtime"
"""The library of what machine code may call."""

_programs = itertools.count()


@functools.cache
def _linker(binding: Any, features: str, level: int) -> Any:
    """Return what links programs, with the functions that they may call."""
    for step in ("initialize_native_target", "initialize_native_asmprinter"):
        getattr(binding, step)()
    # a program lies in one piece, anywhere: what is read in it is found from where the code is,
    # without addresses of 64 bits
    machine = binding.Target.from_default_triple().create_target_machine(
        opt=level, codemodel="small", reloc="pic", features=features
    )
    linker = binding.create_lljit_compiler(machine)
    library = binding.JITLibraryBuilder()
    machine_library = ctypes.CDLL(ctypes.util.find_library("m") or None)
    called = {name: machine_library for name in (*dir(math), *C_NAMES.values(), "malloc", "free")}
    called |= dict.fromkeys(CALLED_OF_PYTHON, ctypes.pythonapi)
    for name, home in called.items():
        function = getattr(home, name, None)
        if function is not None:
            library.import_symbol(name, ctypes.cast(function, ctypes.c_void_p).value)
    return linker, library.link(linker, RUNTIME)


@functools.cache
def _avx(binding: Any) -> str:
    return "+avx" if binding.get_host_cpu_features().get("avx") else ""


def linked(
    binding: Any,
    text: str,
    names: Sequence[str],
    features: str | None = None,
    level: int = 0,
    called: Mapping[str, int] = MappingProxyType({}),
) -> Any:
    """Return a program from LLVM text, which has the addresses of its functions by name.

    Args:
        binding: the module `llvmlite.binding`.
        text: functions, optimised as far as they shall be.
        names: the functions whose addresses are wanted.
        features: what the processor has, as LLVM spells it; AVX if it has that.
        level: how much care instructions are chosen with, 0 to 3; loops need 1.
        called: addresses of other functions that it calls.
    """
    if features is None:
        # choosing between two numbers is a branch without AVX
        features = _avx(binding)
    linker, _ = _linker(binding, features, level)
    library = binding.JITLibraryBuilder().add_ir(text).add_jit_library(RUNTIME)
    for name, address in called.items():
        library.import_symbol(name, address)
    for name in names:
        library.export_symbol(name)
    return library.link(linker, f"program{next(_programs)}")
