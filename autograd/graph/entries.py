"""Entries of a pass, a vector at a time, as LLVM text: loaded, computed and stored."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..primitive import Primitive
from .lanes import Lane, Lines
from .llvm import block_of
from .passes import MEMORY, WHOLE, Constant, Operation, Pass, Place, collapsed


class Entries(Lines):
    """Writes what a pass does to one vector of entries.

    Args:
        work: the pass.
        width: bytes of a vector register.
    """

    def __init__(self, work: Pass, width: int) -> None:
        super().__init__()
        self.work = work
        self.called: set[tuple[Lane, str, int]] = set()
        self.declared: set[str] = set()
        self.places = work.places()
        gone = frozenset[int]() if work.fold is None else work.fold.axes
        self.dims = collapsed(work.shape, self.places, gone)
        inner = self.dims[-1].size if self.dims else 1
        kinds = {s.computed if isinstance(s, Operation) else s.kind for s in work.steps}
        if self.summed is not None:
            kinds.add(self.summed)
        widest = 4 if "f8" not in kinds else 8
        self.sized = work.fold is None and len(self.dims) == 1
        """Whether the number of entries is an argument, so that passes of all sizes are one."""
        self.count = width // widest
        if not self.sized:
            self.count = min(self.count, 1 << (inner - 1).bit_length())

    @property
    def summed(self) -> str | None:
        """The kind that the reduction computes with: sums of floats are kept in doubles."""
        fold = self.work.fold
        if fold is None:
            return None
        kind = fold.place.kind
        return "f8" if kind == "f4" and fold.combine.name in ("add", "multiply") else kind

    @property
    def lane(self) -> Lane:
        """As many doubles as there are entries in a vector."""
        return Lane("double", self.count)

    def lane_of(self, kind: str | None) -> str:
        """Return the type of values of a kind in registers."""
        return self.lane.of({"f4": "float", "f8": "double", "b1": "i1"}.get(str(kind), "i64"))

    def constant(self, value: float | bool, kind: str | None) -> str:
        """Return a number in every entry, as registers hold values of a kind."""
        if kind in ("f4", "f8"):
            return Lane("float" if kind == "f4" else "double", self.count).number(float(value))
        if kind == "b1":
            return self.lane.all("i1", "true" if value else "false")
        return self.lane.all("i64", str(int(value)))

    def still(self, bases: list[str]) -> dict[int, str]:
        """Load what does not change along the innermost axis, once."""
        found = {}
        if self.dims:
            for k, (place, base) in enumerate(zip(self.loads, bases, strict=False)):
                if not self.dims[-1].strides[k]:
                    found[k] = self.spread(place, base)
        return found

    @property
    def loads(self) -> list[Place]:
        """The places that are read."""
        return [s for s in self.work.steps if isinstance(s, Place)]

    def spread(self, place: Place, base: str) -> str:
        """Write what loads one entry into a whole vector."""
        memory = MEMORY[place.kind]
        one = self.put(f"load volatile {memory}, ptr {base}")  # as in `load`
        if self.count > 1:
            kind = self.lane.of(memory)
            first = self.put(f"insertelement {kind} poison, {memory} {one}, i64 0")
            zero = self.lane.of("i32")
            one = self.put(f"shufflevector {kind} {first}, {kind} poison, {zero} zeroinitializer")
        return self.raised(one, place.kind)

    def raised(self, value: str, kind: str) -> str:
        """Return a loaded value as registers hold it: truth as bits, whole numbers of 64 bits."""
        memory = self.lane.of(MEMORY[kind])
        if kind == "b1":
            return self.put(f"icmp ne {memory} {value}, {self.lane.all('i8', '0')}")
        if kind[0] in "iu" and kind != "i8":
            word = "sext" if kind[0] == "i" else "zext"
            return self.put(f"{word} {memory} {value} to {self.lane.of('i64')}")
        return value

    def load(self, place: Place, stride: int, base: str, index: str, mask: str | None) -> str:
        """Write what loads a vector.

        Args:
            place: whose entries.
            stride: bytes from entry to entry.
            base: the address of the first one on this axis.
            index: the number of the first one of the vector.
            mask: which to load; all if None.
        """
        memory = MEMORY[place.kind]
        kind, size = self.lane.of(memory), int(place.kind[1])
        if stride == size or self.count == 1:
            at = base
            if index != "0":
                moved = self.put(f"mul i64 {index}, {stride}")
                at = self.put(f"getelementptr i8, ptr {base}, i64 {moved}")
            if mask is None:
                # with AVX alone, LLVM makes a choice between two numbers one between vectors, and
                # reads beyond those that it has not loaded before: hence volatile
                word = "load volatile" if self.count == 1 else "load"
                return self.raised(self.put(f"{word} {kind}, ptr {at}, align {size}"), place.kind)
            name = f"llvm.masked.load.{self.vector(memory)}.p0"
            self.declared.add(f"declare {kind} @{name}(ptr, i32, {self.lane.bit}, {kind})")
            given = f"ptr {at}, i32 {size}, {self.lane.bit} {mask}, {kind} zeroinitializer"
            return self.raised(self.put(f"call {kind} @{name}({given})"), place.kind)
        moved = self.put(f"mul i64 {index}, {stride}")
        at = self.put(f"getelementptr i8, ptr {base}, i64 {moved}")
        offsets = ", ".join(f"i64 {j * stride}" for j in range(self.count))
        pointers = self.put(f"getelementptr i8, ptr {at}, {self.lane.of('i64')} <{offsets}>")
        name = f"llvm.masked.gather.{self.vector(memory)}.v{self.count}p0"
        many = self.lane.of("ptr")
        self.declared.add(f"declare {kind} @{name}({many}, i32, {self.lane.bit}, {kind})")
        bits = mask or self.lane.all("i1", "true")
        given = f"{many} {pointers}, i32 {size}, {self.lane.bit} {bits}, {kind} zeroinitializer"
        return self.raised(self.put(f"call {kind} @{name}({given})"), place.kind)

    def vector(self, memory: str) -> str:
        """Return how the names of intrinsics spell a vector of a type."""
        short = {"float": "f32", "double": "f64"}.get(memory, memory)
        return f"v{self.count}{short}"

    def store(
        self, value: str, kind: str, into: str, base: str, index: str, mask: str | None
    ) -> None:
        """Write what stores a vector of neighbours.

        Args:
            value: the vector.
            kind: its kind.
            into: the kind that lies in memory.
            base: the address of the first entry on this axis.
            index: the number of the first one of the vector.
            mask: which to store; all if None.
        """
        memory = MEMORY[into]
        value = self.converted(value, kind, into)
        if into == "b1":
            value = self.put(f"zext {self.lane.bit} {value} to {self.lane.of('i8')}")
        many = self.lane.of(memory)
        at = base
        if index != "0":
            at = self.put(f"getelementptr {memory}, ptr {base}, i64 {index}")
        if mask is None:
            self.do(f"store {many} {value}, ptr {at}, align {int(into[1])}")
            return
        name = f"llvm.masked.store.{self.vector(memory)}.p0"
        self.declared.add(f"declare void @{name}({many}, ptr, i32, {self.lane.bit})")
        given = f"{many} {value}, ptr {at}, i32 {int(into[1])}, {self.lane.bit} {mask}"
        self.do(f"call void @{name}({given})")

    def computed(
        self, bases: list[str], still: dict[int, str], index: str, mask: str | None
    ) -> list[str]:
        """Write all steps for a vector; return the names of their values."""
        values: list[str] = []
        loaded = 0
        for step in self.work.steps:
            if isinstance(step, Place):
                name = still.get(loaded)
                if name is None:
                    stride = self.dims[-1].strides[loaded] if self.dims else 0
                    name = self.load(step, stride, bases[loaded], index, mask)
                loaded += 1
            else:
                name = self.operation(step, values)
            values.append(name)
        return values

    def operation(self, step: Operation, values: list[str]) -> str:
        """Write an operation on the values so far; return the name of its result."""
        operands = []
        for given in step.inputs:
            if isinstance(given, Constant):
                kind = "b1" if isinstance(given.value, bool) else step.computed
                operands.append((self.constant(given.value, kind), kind))
            else:
                operands.append((values[given], self.work.kind(given)))
        if step.row is not None and step.row.forward is np.where:
            # a condition is no number of the result's kind, in which it might round to 0
            operands[0] = self.converted(*operands[0], "b1"), "b1"
        if step.row is None:
            name, kind = operands[0]
        elif step.computed[0] == "i":
            x, y = (self.converted(name, kind, "i8") for name, kind in operands)
            word = WHOLE[step.row.name]
            name, kind = self.put(f"icmp {word} {self.lane.of('i64')} {x}, {y}"), "b1"
        else:
            name, kind = self.run(step.row, operands, step.computed)
        return self.converted(name, kind, step.kind)

    def run(
        self, row: Primitive, operands: Sequence[tuple[str, str]], kind: str
    ) -> tuple[str, str]:
        """Write a row; return the name and kind of its result."""
        lane = Lane("float" if kind == "f4" else "double", self.count)
        names = [x if k == "b1" else self.converted(x, k, kind) for x, k in operands]
        kinds = "".join("b" if k == "b1" else "d" for _, k in operands)
        block = block_of(row, kinds, lane)
        self.called.update((lane, *c) for c in block.called)
        first = self.number
        if block.width:
            self.put(block.write(first, *names), block.width)
        name = f"%{self.number - 1}" if block.result is None else block.result(first, *names)
        return name, "b1" if block.is_truth else kind

    def converted(self, value: str, kind: str, into: str) -> str:
        """Return a value of one kind as another."""
        if kind == into or (kind[0] in "iu" and into[0] in "iu"):
            return value
        here, there = self.lane_of(kind), self.lane_of(into)
        if into == "b1":
            if kind[0] == "f":
                return self.put(f"fcmp une {here} {value}, {self.constant(0.0, kind)}")
            return self.put(f"icmp ne {here} {value}, {self.constant(0, kind)}")
        if kind == "b1":
            one, zero = self.constant(1, into), self.constant(0, into)
            return self.put(f"select {here} {value}, {there} {one}, {there} {zero}")
        if kind[0] in "iu":
            return self.put(f"sitofp {here} {value} to {there}")
        if into[0] in "iu":
            return self.put(f"fptosi {here} {value} to {there}")
        word = "fpext" if into == "f8" else "fptrunc"
        return self.put(f"{word} {here} {value} to {there}")
