"""Passes over arrays as LLVM text, made of the rows' own scalar functions.

A pass becomes a function of a table of addresses; shapes and strides are fixed in its text. The
innermost axis is gone through in vectors, the last of them masked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from ..primitive import Primitive
from .lanes import Lane, Lines
from .llvm import block_of
from .passes import (
    MEMORY,
    WHOLE,
    Constant,
    Dim,
    Fold,
    Multiplication,
    Operation,
    Pass,
    Place,
    collapsed,
)

UNROLLED = 4
"""Sums side by side in a reduction, so that none waits for the one before."""


class Written(NamedTuple):
    """The text of a pass, and the functions that it calls as (lane, symbol, arity)."""

    text: str
    called: frozenset[tuple[Lane, str, int]]
    declared: frozenset[str]


def written(work: Pass, name: str, width: int) -> Written:
    """Return a pass as LLVM text.

    Args:
        work: the pass.
        name: what the function is called.
        width: bytes of a vector register.
    """
    return _Writer(work, name, width).written()


def multiplied(work: Multiplication, name: str) -> Written:
    """Return the call of a product of matrices as LLVM text.

    Args:
        work: the product.
        name: what the function is called.
    """
    lines = Lines()
    addresses = [address(lines, place) for place in work.places()]
    addresses.append(address(lines, Place(0, work.workspace, (), "")))
    lines.do(f"call void @{work.name}({', '.join(f'ptr {a}' for a in addresses)})")
    return Written(function(name, lines), frozenset(), frozenset())


def address(lines: Lines, place: Place) -> str:
    """Write what finds the first entry of a place; return its name."""
    slot = lines.put(f"getelementptr ptr, ptr %roots, i64 {place.root}")
    root = lines.put(f"load ptr, ptr {slot}")
    return lines.put(f"getelementptr i8, ptr {root}, i64 {place.offset}")


def function(name: str, lines: Lines) -> str:
    """Return lines as a function of the table of addresses."""
    return "\n".join(
        [f"define internal void @{name}(ptr %roots) {{\nentry:", *lines.text, "ret void", "}"]
    )


class _Writer(Lines):
    def __init__(self, work: Pass, name: str, width: int) -> None:
        super().__init__()
        self.work = work
        self.name = name
        self.called: set[tuple[Lane, str, int]] = set()
        self.declared: set[str] = set()
        self.here = "entry"
        self.loops = 0
        self.places = work.places()
        gone = frozenset[int]() if work.fold is None else work.fold.axes
        self.dims = collapsed(work.shape, self.places, gone)
        inner = self.dims[-1].size if self.dims else 1
        kinds = {s.computed if isinstance(s, Operation) else s.kind for s in work.steps}
        if self.summed is not None:
            kinds.add(self.summed)
        widest = 4 if "f8" not in kinds else 8
        self.count = min(max(width // widest, 1), 1 << (inner - 1).bit_length())

    @property
    def summed(self) -> str | None:
        """The kind that the reduction computes with: sums of floats are kept in doubles."""
        fold = self.work.fold
        if fold is None:
            return None
        return "f8" if fold.kind == "f4" and fold.combine.name in ("add", "multiply") else fold.kind

    # ---- text ------------------------------------------------------------------------------------

    def written(self) -> Written:
        """Return the function."""
        bases = [address(self, place) for place in self.places]
        if self.work.fold is None:
            self.outer(self.dims[:-1], bases, self.across)
        elif self.dims and self.dims[-1].goes:
            kept = [d for d in self.dims if not d.goes]
            self.outer(kept, bases, self.along_rows)
        else:
            kept = [d for d in self.dims[:-1] if not d.goes]
            self.outer(kept, bases, self.along_columns)
        return Written(function(self.name, self), frozenset(self.called), frozenset(self.declared))

    def loop(
        self,
        count: int,
        step: int,
        carried: Sequence[tuple[str, str]],
        body: Callable[[str, list[str]], list[str]],
    ) -> list[str]:
        """Write a loop; return the names of the carried values after it.

        Args:
            count: where the index ends, a multiple of the step.
            step: what it grows by.
            carried: type and first value of what goes from round to round.
            body: writes one round for index and carried values, and returns the next ones.
        """
        if count == step:
            return body("0", [first for _, first in carried])
        k, before = self.loops, self.here
        self.loops += 1
        self.do(f"br label %L{k}")
        self.do(f"L{k}:")
        self.here = f"L{k}"
        place = len(self.text)
        self.do("")
        names = [f"%c{k}_{j}" for j in range(len(carried))]
        following = body(f"%i{k}", names)
        self.do(f"%n{k} = add i64 %i{k}, {step}")
        self.do(f"%t{k} = icmp ult i64 %n{k}, {count}")
        self.do(f"br i1 %t{k}, label %L{k}, label %X{k}")
        phis = [f"%i{k} = phi i64 [0, %{before}], [%n{k}, %{self.here}]"]
        for name, (kind, first), value in zip(names, carried, following, strict=True):
            phis.append(f"{name} = phi {kind} [{first}, %{before}], [{value}, %{self.here}]")
        self.text[place] = "\n".join(phis)
        self.do(f"X{k}:")
        self.here = f"X{k}"
        return following

    def outer(
        self, dims: Sequence[Dim], bases: list[str], inside: Callable[[list[str]], None]
    ) -> None:
        """Write loops over some axes around what `inside` writes for the addresses there."""
        if not dims:
            inside(bases)
            return
        dim = dims[0]

        def body(index: str, _: list[str]) -> list[str]:
            self.outer(dims[1:], self.moved(bases, dim, index), inside)
            return []

        self.loop(dim.size, 1, [], body)

    def moved(self, bases: Sequence[str], dim: Dim, index: str) -> list[str]:
        """Return addresses further along an axis."""
        found = []
        for base, stride in zip(bases, dim.strides, strict=True):
            if stride and index != "0":
                bytes_ = self.put(f"mul i64 {index}, {stride}")
                base = self.put(f"getelementptr i8, ptr {base}, i64 {bytes_}")
            found.append(base)
        return found

    def blocks(
        self,
        carried: Sequence[tuple[str, str]],
        body: Callable[[str, str | None, list[str]], list[str]],
        ahead: int = 1,
    ) -> list[str]:
        """Go along the innermost axis in vectors; the last one may be partly masked."""
        size = self.dims[-1].size if self.dims else 1
        values = [first for _, first in carried]
        whole = size // (self.count * ahead) * self.count * ahead
        if whole:

            def several(index: str, given: list[str]) -> list[str]:
                for j in range(ahead):
                    at = index if not j else self.put(f"add i64 {index}, {j * self.count}")
                    given = body(at, None, given)
                return given

            values = self.loop(whole, self.count * ahead, carried, several)
        for start in range(whole, size, self.count):
            mask = None
            if size - start < self.count:
                bits = ["true"] * (size - start) + ["false"] * (self.count - size + start)
                mask = f"<{', '.join(f'i1 {bit}' for bit in bits)}>"
            values = body(str(start), mask, values)
        return values

    # ---- the three forms -------------------------------------------------------------------------

    def across(self, bases: list[str]) -> None:
        """Write the innermost loop of a pass without a reduction."""
        still = self.still(bases)

        def body(index: str, mask: str | None, _: list[str]) -> list[str]:
            values = self.computed(bases, still, index, mask)
            for (value, place), base in zip(
                self.work.stores, bases[-len(self.work.stores) :], strict=True
            ):
                self.store(values[value], self.work.kind(value), place.kind, base, index, mask)
            return []

        self.blocks([], body)

    def along_rows(self, bases: list[str]) -> None:
        """Write a reduction whose innermost axis goes."""
        fold = self.fold
        kind = self.lane_of(self.summed)
        gone = [d for d in self.dims[:-1] if d.goes]
        single = not gone and self.dims[-1].size >= 2 * UNROLLED * self.count
        ahead = UNROLLED if single else 1
        start = self.constant(fold.start, self.summed)
        first = [(kind, start)] * ahead

        def inner(bases: list[str], given: list[str]) -> list[str]:
            still = self.still(bases)
            turn = 0

            def body(index: str, mask: str | None, sums: list[str]) -> list[str]:
                nonlocal turn
                value = self.last(bases, still, index, mask)
                if mask is not None:
                    value = self.put(
                        f"select {self.lane.bit} {mask}, {kind} {value}, {kind} {start}"
                    )
                j = turn % ahead
                turn += 1
                return [*sums[:j], self.combined(sums[j], value), *sums[j + 1 :]]

            pairs = [(kind, g) for g in given]
            return self.blocks(pairs, body, ahead)

        sums = self.reduced(gone, bases, first, inner)
        while len(sums) > 1:
            sums = [self.combined(*sums[j : j + 2]) for j in range(0, len(sums), 2)]
        total = sums[0]
        half = self.count // 2
        while half:
            order = [f"i32 {half + j if j < half else j}" for j in range(self.count)]
            other = self.put(
                f"shufflevector {kind} {total}, {kind} poison, "
                f"<{self.count} x i32> <{', '.join(order)}>"
            )
            total = self.combined(total, other)
            half //= 2
        count, self.count = self.count, 1
        if count > 1:
            total = self.put(f"extractelement {kind} {total}, i64 0")
        self.finish(total, bases[-1], "0", None)
        self.count = count

    def along_columns(self, bases: list[str]) -> None:
        """Write a reduction whose innermost axis stays."""
        kind = self.lane_of(self.summed)
        gone = [d for d in self.dims if d.goes]

        def body(index: str, mask: str | None, _: list[str]) -> list[str]:
            def inner(bases: list[str], given: list[str]) -> list[str]:
                value = self.last(bases, self.still(bases), index, mask)
                return [self.combined(given[0], value)]

            first = [(kind, self.constant(self.fold.start, self.summed))]
            (total,) = self.reduced(gone, bases, first, inner)
            self.finish(total, bases[-1], index, mask)
            return []

        self.blocks([], body)

    def reduced(
        self,
        dims: Sequence[Dim],
        bases: list[str],
        carried: Sequence[tuple[str, str]],
        inner: Callable[[list[str], list[str]], list[str]],
    ) -> list[str]:
        """Write loops over axes that go, with what has been added up so far."""
        if not dims:
            return inner(bases, [first for _, first in carried])

        def body(index: str, given: list[str]) -> list[str]:
            pairs = [(kind, g) for (kind, _), g in zip(carried, given, strict=True)]
            return self.reduced(dims[1:], self.moved(bases, dims[0], index), pairs, inner)

        return self.loop(dims[0].size, 1, carried, body)

    @property
    def fold(self) -> Fold:
        assert self.work.fold is not None
        return self.work.fold

    def last(self, bases: list[str], still: dict[int, str], index: str, mask: str | None) -> str:
        """Write the pass for a vector; return what is reduced."""
        values = self.computed(bases, still, index, mask)
        return self.converted(values[-1], self.work.kind(len(values) - 1), str(self.summed))

    def combined(self, x: str, y: str) -> str:
        assert self.summed is not None
        name, _ = self.run(self.fold.combine, [(x, self.summed), (y, self.summed)], self.summed)
        return name

    def finish(self, total: str, base: str, index: str, mask: str | None) -> None:
        fold, kind = self.fold, str(self.summed)
        if fold.divisor != 1:
            real = self.lane_of(kind)
            divisor = self.constant(float(fold.divisor), kind)
            total = self.put(f"fdiv {real} {total}, {divisor}")
        self.store(total, kind, fold.place.kind, base, index, mask)

    # ---- values ----------------------------------------------------------------------------------

    @property
    def lane(self) -> Lane:
        return Lane("double", self.count)

    def lane_of(self, kind: str | None) -> str:
        """Return the type of values of a kind in registers."""
        return self.lane.of({"f4": "float", "f8": "double", "b1": "i1"}.get(str(kind), "i64"))

    def constant(self, value: float | bool, kind: str | None) -> str:
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
        return [s for s in self.work.steps if isinstance(s, Place)]

    def spread(self, place: Place, base: str) -> str:
        memory = MEMORY[place.kind]
        one = self.put(f"load {memory}, ptr {base}")
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
        memory = MEMORY[place.kind]
        kind, size = self.lane.of(memory), int(place.kind[1])
        if stride == size or self.count == 1:
            at = base
            if index != "0":
                moved = self.put(f"mul i64 {index}, {stride}")
                at = self.put(f"getelementptr i8, ptr {base}, i64 {moved}")
            if mask is None:
                return self.raised(self.put(f"load {kind}, ptr {at}, align {size}"), place.kind)
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
        short = {"float": "f32", "double": "f64"}.get(memory, memory)
        return f"v{self.count}{short}"

    def store(
        self, value: str, kind: str, into: str, base: str, index: str, mask: str | None
    ) -> None:
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
        operands = []
        for given in step.inputs:
            if isinstance(given, Constant):
                kind = "b1" if isinstance(given.value, bool) else step.computed
                operands.append((self.constant(given.value, kind), kind))
            else:
                operands.append((values[given], self.work.kind(given)))
        if step.row is None:
            name, kind = operands[0]
        elif step.computed[0] == "i":
            (x, _), (y, _) = operands
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
        word = "fpext" if into == "f8" else "fptrunc"
        return self.put(f"{word} {here} {value} to {there}")
