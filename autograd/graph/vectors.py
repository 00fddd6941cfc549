"""LLVM text of functions with loops and vectors.

Every vector is written out, so that choosing instructions is all that a compiler has left to do.
"""

from __future__ import annotations

import operator
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

BYTES = {"float": 4, "double": 8}
WHOLE = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "and": operator.and_,
    "udiv": operator.floordiv,
    "urem": operator.mod,
}
"""Arithmetic that is done while writing where the numbers are known; none divides negative ones."""


AHEAD = 256
"""The bytes by which memory is asked for before it is used, where it comes from far."""

ATTRIBUTES = 'nounwind "min-legal-vector-width"="512"'
"""Vectors as wide as the processor has them may be in registers."""


class Machine(NamedTuple):
    """What a processor has for vectors.

    Args:
        vector: the bytes of a vector.
        registers: the number of vector registers.
        masks: whether loads and stores of a part of a vector cost no more than those of a whole.
        features: what the compiler must be told that the processor has, as LLVM spells it.
    """

    vector: int
    registers: int
    masks: bool
    features: str = ""

    def width(self, element: str) -> int:
        """Return the numbers in a vector."""
        return self.vector // BYTES[element]


def processors() -> int:
    """Return how many processors this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        return os.cpu_count() or 1


class Loop:
    """A loop being written: its counter, and the values that go from round to round."""

    def __init__(self, counter: str, values: list[str]) -> None:
        self.counter = counter
        self.values = values
        self.following = values


class Function:
    """A function being written in LLVM text.

    Args:
        name: what it is called.
        arguments: types and names, as they stand in the text.
    """

    def __init__(self, name: str, arguments: str) -> None:
        self.lines = [f"define void @{name}({arguments}) {ATTRIBUTES} {{", "entry:"]
        self.block = "entry"
        self._names = 0

    def put(self, text: str) -> str:
        """Write an instruction; return the name of its result."""
        self._names += 1
        self.lines.append(f"  %v{self._names} = {text}")
        return f"%v{self._names}"

    def do(self, text: str) -> None:
        """Write an instruction without a result."""
        self.lines.append(f"  {text}")

    def begin(self, label: str) -> None:
        """Start a basic block."""
        self.lines.append(f"{label}:")
        self.block = label

    def label(self) -> str:
        """Return the name of a block to come."""
        self._names += 1
        return f"b{self._names}"

    def at(self, element: str, pointer: str, offset: str) -> str:
        """Return the address that lies some elements behind another."""
        if offset == "0":
            return pointer
        return self.put(f"getelementptr {element}, ptr {pointer}, i64 {offset}")

    def whole(self, word: str, left: str, right: str) -> str:
        """Return a result of arithmetic on whole numbers, written only if it is not known."""
        if left.lstrip("-").isdigit() and right.lstrip("-").isdigit():
            a, b = int(left), int(right)
            return str(WHOLE[word](a, b))
        if word == "mul" and "0" in (left, right):
            return "0"
        if (word == "mul" and right == "1") or (word in ("add", "sub") and right == "0"):
            return left
        if word == "add" and left == "0":
            return right
        return self.put(f"{word} i64 {left}, {right}")

    def least(self, left: str, right: str) -> str:
        """Return the smaller of two whole numbers."""
        below = self.put(f"icmp slt i64 {left}, {right}")
        return self.put(f"select i1 {below}, i64 {left}, i64 {right}")

    def along(self, length: str, width: int, masks: bool) -> list[tuple[str, str, bool]]:
        """Return the loops by vectors along a row: start, stop, and whether lanes may be missing.

        Args:
            length: of the row.
            width: the numbers in a vector.
            masks: whether one loop does, since masks cost nothing.
        """
        if masks:
            return [("0", length, True)]
        whole = self.put(f"and i64 {length}, -{width}")
        return [("0", whole, False), (whole, length, True)]

    @contextmanager
    def loop(
        self, stop: str, step: str = "1", start: str = "0", carried: Sequence[tuple[str, str]] = ()
    ) -> Iterator[Loop]:
        """Write a loop around what the body of the `with` writes."""
        head, body, exit = self.label(), self.label(), self.label()
        before = self.block
        self.do(f"br label %{head}")
        self.begin(head)
        place = len(self.lines)
        loop = Loop(f"%{head}_i", [f"%{head}_{k}" for k in range(len(carried))])
        more = self.put(f"icmp slt i64 {loop.counter}, {stop}")
        self.do(f"br i1 {more}, label %{body}, label %{exit}")
        self.begin(body)
        yield loop
        following = self.whole("add", loop.counter, step)
        self.do(f"br label %{head}")
        names = [("i64", loop.counter, start, following)]
        names += [
            (kind, name, first, then)
            for (kind, first), name, then in zip(carried, loop.values, loop.following, strict=True)
        ]
        self.lines[place:place] = [
            f"  {name} = phi {kind} [ {first}, %{before} ], [ {then}, %{self.block} ]"
            for kind, name, first, then in names
        ]
        self.begin(exit)

    def end(self) -> str:
        """Return the text of the whole function."""
        return "\n".join([*self.lines, "  ret void", "}", ""])


def vector(width: int, element: str) -> str:
    """Return the type of a vector."""
    return f"<{width} x {element}>"


def mask(f: Function, width: int, lanes: str) -> str:
    """Write the mask of the first lanes of a vector; all of them where there are fewer."""
    kind = f"<{width} x i32>"
    count = f.put(f"trunc i64 {f.least(lanes, str(width))} to i32")
    one = f.put(f"insertelement {kind} poison, i32 {count}, i64 0")
    counts = f.put(f"shufflevector {kind} {one}, {kind} poison, {kind} zeroinitializer")
    numbers = ", ".join(f"i32 {k}" for k in range(width))
    return f.put(f"icmp slt {kind} <{numbers}>, {counts}")


def mangled(width: int, element: str) -> str:
    """Return how the names of intrinsic functions spell a vector."""
    return f"v{width}f{8 * BYTES[element]}"


def load(f: Function, width: int, element: str, pointer: str, mask: str = "") -> str:
    """Write the load of a vector; where a mask has no lane, memory is not read and zero comes."""
    kind, align = vector(width, element), BYTES[element]
    if not mask:
        return f.put(f"load {kind}, ptr {pointer}, align {align}")
    name = f"llvm.masked.load.{mangled(width, element)}.p0"
    return f.put(
        f"call {kind} @{name}(ptr {pointer}, i32 {align}, <{width} x i1> {mask}, "
        f"{kind} zeroinitializer)"
    )


def store(f: Function, width: int, element: str, value: str, pointer: str, mask: str = "") -> None:
    """Write the store of a vector, or of the lanes of a mask."""
    kind, align = vector(width, element), BYTES[element]
    if not mask:
        f.do(f"store {kind} {value}, ptr {pointer}, align {align}")
        return
    name = f"llvm.masked.store.{mangled(width, element)}.p0"
    f.do(f"call void @{name}({kind} {value}, ptr {pointer}, i32 {align}, <{width} x i1> {mask})")


def prefetch(f: Function, pointer: str) -> None:
    """Write the request for what lies AHEAD of an address, which may be no memory at all."""
    place = f.at("i8", pointer, str(AHEAD))
    f.do(f"call void @llvm.prefetch.p0(ptr {place}, i32 0, i32 3, i32 1)")


def broadcast(f: Function, width: int, element: str, pointer: str) -> str:
    """Write the load of a number into all lanes of a vector."""
    kind = vector(width, element)
    number = f.put(f"load {element}, ptr {pointer}, align {BYTES[element]}")
    one = f.put(f"insertelement {kind} poison, {element} {number}, i64 0")
    return f.put(f"shufflevector {kind} {one}, {kind} poison, <{width} x i32> zeroinitializer")


def fused(f: Function, width: int, element: str, a: str, b: str, total: str) -> str:
    """Write total + a * b."""
    kind = vector(width, element)
    name = f"llvm.fmuladd.{mangled(width, element)}"
    return f.put(f"call {kind} @{name}({kind} {a}, {kind} {b}, {kind} {total})")
