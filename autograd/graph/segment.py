"""A stretch of passes as one built-in function that takes arrays and numbers as they are."""

from __future__ import annotations

import ctypes
import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import GraphError, message, require
from .equations import Spec
from .lanes import Lines
from .loops import written
from .native import TYPE_OFFSET, VALUE_OFFSET, built_in, linked
from .passes import Multiplication, Pass, Place
from .product import Products

DATA_OFFSET, COUNT_OFFSET, SHAPE_OFFSET, DTYPE_OFFSET, FLAGS_OFFSET = 16, 24, 32, 56, 64
"""Where an array keeps the address of its entries, the number of its axes, the address of its
shape, its dtype and its flags, behind the count of references."""

LONG = 20_000
"""Operations on numbers that are worth letting other threads of Python run meanwhile."""

CONTIGUOUS = 0x101
"""The flags of an array in C order with aligned entries."""


class Segment:
    """Machine code that runs passes one after another.

    Args:
        passes: what to run, in order.
        products: the functions of those that are products of matrices.
        roots: the positions, in the passes' table of addresses, of what a call gives.
        specs: what each of those is; the memory of the program comes first, at position 0.
    """

    def __init__(
        self,
        passes: Sequence[Pass | Multiplication],
        products: Products,
        roots: Sequence[int],
        specs: Sequence[Spec],
    ) -> None:
        binding = require("llvmlite.binding", "llvm", "compile to machine code")
        if not _layout_holds():
            raise GraphError(
                message(
                    "NumPy arrays that keep their address and flags where this version expects",
                    f"NumPy {np.__version__}",
                    'backend="numpy"',
                )
            )
        self.specs = list(specs)
        machine = products.machine
        text = _text(passes, roots, self.specs, machine.vector)
        called: dict[str, int] = {}
        if any(isinstance(work, Multiplication) for work in passes):
            text += products.text()
            called = products.called(binding)
        program = _program(binding, text, tuple(called.items()), machine.features)
        self._direct = built_in("machine", program["call"], (program,))

    def call(self, arena: Any, *values: Any) -> None:
        """Run on the memory of the program and what the passes' table is to point to."""
        if self._direct(arena, *values):
            return
        settled = [_settled(x, spec) for x, spec in zip(values, self.specs, strict=True)]
        if not self._direct(arena, *settled):
            raise AssertionError("machine code takes arrays that are settled")


def _settled(x: Any, spec: Spec) -> Any:
    """Return what is no array in C order, or no float, as one."""
    if np.shape(x) != spec.shape or not np.can_cast(np.result_type(x), spec.dtype, "safe"):
        raise GraphError(
            message(
                f"a value of {spec}, for which the program was made",
                f"a value of {Spec.of(x)}",
                "the shapes and dtypes of the first call",
            )
        )
    if spec.shape:
        # a result must remain the array that it is
        right = isinstance(x, np.ndarray) and x.dtype is spec.dtype
        if right and x.flags.c_contiguous and x.flags.aligned:
            return x.view(np.ndarray)
        settled = np.empty(spec.shape, spec.dtype)  # a copy would keep a dtype that is only equal
        settled[...] = x
        return settled
    return float(x) if spec.dtype == np.float64 else spec.dtype.type(x)


@functools.lru_cache(maxsize=64)
def _program(binding: Any, text: str, called: tuple[tuple[str, int], ...], features: str) -> Any:
    """Return machine code; models of the same shapes have the same."""
    return linked(binding, text, ["call"], features, called=dict(called))


@functools.cache
def _layout_holds() -> bool:
    """Whether arrays and numbers keep their parts where the machine code looks for them."""
    array, number = np.arange(6.0).reshape(2, 3), np.float32(1.5)

    def read(x: Any, offset: int, kind: Any) -> Any:
        return kind.from_address(id(x) + offset).value

    data = array.__array_interface__["data"][0]
    return bool(
        read(array, TYPE_OFFSET, ctypes.c_void_p) == id(np.ndarray)
        and read(array, DATA_OFFSET, ctypes.c_void_p) == data
        and read(array, COUNT_OFFSET, ctypes.c_int) == 2
        and (ctypes.c_int64 * 2).from_address(read(array, SHAPE_OFFSET, ctypes.c_void_p))[:]
        == [2, 3]
        and read(array, DTYPE_OFFSET, ctypes.c_void_p) == id(array.dtype)
        and read(array, FLAGS_OFFSET, ctypes.c_int) & CONTIGUOUS == CONTIGUOUS
        and not read(array.T, FLAGS_OFFSET, ctypes.c_int) & 1
        and read(number, VALUE_OFFSET, ctypes.c_float) == 1.5
        and float.__basicsize__ == VALUE_OFFSET + 8
    )


def _text(
    passes: Sequence[Pass | Multiplication],
    roots: Sequence[int],
    specs: Sequence[Spec],
    width: int,
) -> str:
    """Return the functions of the passes and one that Python calls."""
    parts = {n: written(work, width) for n, work in enumerate(passes) if isinstance(work, Pass)}
    names: dict[str, str] = {}
    for part in parts.values():
        names.setdefault(part.text, f"pass_{len(names)}")
    declared = ["declare ptr @PyBool_FromLong(i64)"]
    called = sorted(set().union(*(part.called for part in parts.values())))
    functions = [lane.declared(symbol, arity) for lane, symbol, arity in called]
    functions += [f"define internal void @{name}{text}" for text, name in names.items()]
    declared += sorted(set().union(*(part.declared for part in parts.values())))
    table = max([*roots, 0]) + 1
    lines = [
        "define ptr @call(ptr %self, ptr %args, i64 %n) {",
        "entry:",
        f"%roots = alloca [{table} x ptr]",
        f"%right = icmp eq i64 %n, {len(roots) + 1}",
        "br i1 %right, label %arg0, label %wrong",
    ]
    for k, (root, spec) in enumerate(zip([0, *roots], [None, *specs], strict=True)):
        lines += _taken(k, root, spec)
        lines.append(f"br label %{f'arg{k + 1}' if k < len(roots) else 'run'}")
    lines.append("run:")
    body = Lines()
    for n, work in enumerate(passes):
        given = [f"ptr {_address(body, place)}" for place in work.places()]
        if isinstance(work, Pass):
            name, size = names[parts[n].text], parts[n].size
            given += [] if size is None else [f"i64 {size}"]
        else:
            name = work.name
            given.append(f"ptr {_address(body, Place(0, work.workspace, (), ''))}")
        body.do(f"call void @{name}({', '.join(given)})")
    running = body.text
    if sum(map(_steps, passes)) >= LONG:
        declared += ["declare ptr @PyEval_SaveThread()", "declare void @PyEval_RestoreThread(ptr)"]
        running = [
            "%state = call ptr @PyEval_SaveThread()",
            *running,
            "call void @PyEval_RestoreThread(ptr %state)",
        ]
    lines += [
        *running,
        "%yes = call ptr @PyBool_FromLong(i64 1)",
        "ret ptr %yes",
        "wrong:",
        "%no = call ptr @PyBool_FromLong(i64 0)",
        "ret ptr %no",
        "}",
        "",
    ]
    return "\n".join([*declared, *functions, *lines])


def _address(lines: Lines, place: Place) -> str:
    """Write what finds the first entry of a place; return its name."""
    slot = lines.put(f"getelementptr ptr, ptr %roots, i64 {place.root}")
    root = lines.put(f"load ptr, ptr {slot}")
    return lines.put(f"getelementptr i8, ptr {root}, i64 {place.offset}")


def _steps(work: Pass | Multiplication) -> int:
    """Return about how many operations on numbers a pass does."""
    if isinstance(work, Multiplication):
        return work.steps
    return math.prod(work.shape) * len(work.steps)


def _taken(k: int, root: int, spec: Spec | None) -> list[str]:
    """Return lines that take an argument, or leave where it is not what it has to be.

    Args:
        k: its position.
        root: where its address goes.
        spec: what it is, None for the memory of the program.
    """
    lines = [
        f"arg{k}:",
        f"%a{k} = getelementptr ptr, ptr %args, i64 {k}",
        f"%o{k} = load ptr, ptr %a{k}",
    ]
    checks = 0

    def read(offset: int, kind: str, start: str = f"%o{k}") -> str:
        name = f"%r{k}_{len(lines)}"
        lines.append(f"{name}p = getelementptr i8, ptr {start}, i64 {offset}")
        lines.append(f"{name} = load {kind}, ptr {name}p")
        return name

    def check(kind: str, name: str, right: int) -> None:
        nonlocal checks
        checks += 1
        here = f"{k}_{checks}"
        lines.append(f"%f{here} = icmp eq {kind} {name}, {right}")
        lines.append(f"br i1 %f{here}, label %on{here}, label %wrong")
        lines.append(f"on{here}:")

    if spec is None or spec.shape:
        check("i64", read(TYPE_OFFSET, "i64"), id(np.ndarray))
    elif spec.dtype == np.float64:
        check("i64", read(TYPE_OFFSET, "i64"), id(float))
    else:
        check("i64", read(TYPE_OFFSET, "i64"), id(spec.dtype.type))
    address = f"%v{k}"
    if spec is None:
        lines.append(f"{address} = load ptr, ptr {read(DATA_OFFSET, 'ptr')}p")
    elif spec.shape:
        flags = read(FLAGS_OFFSET, "i32")
        lines.append(f"%flags{k} = and i32 {flags}, {CONTIGUOUS}")
        check("i32", f"%flags{k}", CONTIGUOUS)
        check("i64", read(DTYPE_OFFSET, "i64"), id(spec.dtype))
        check("i32", read(COUNT_OFFSET, "i32"), len(spec.shape))
        shape = read(SHAPE_OFFSET, "ptr")
        for axis, size in enumerate(spec.shape):
            check("i64", read(8 * axis, "i64", shape), size)
        lines.append(f"{address} = load ptr, ptr {read(DATA_OFFSET, 'ptr')}p")
    else:
        lines.append(f"{address} = getelementptr i8, ptr %o{k}, i64 {VALUE_OFFSET}")
    lines.append(f"%s{k} = getelementptr ptr, ptr %roots, i64 {root}")
    lines.append(f"store ptr {address}, ptr %s{k}")
    return lines
