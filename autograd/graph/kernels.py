"""What a matrix product consists of, as LLVM text: tiles in registers, sums along rows, packing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from .vectors import BYTES, Function, broadcast, fused, load, mangled, store, vector

# ---- a tile of the product in registers ----------------------------------------------------------


class Tile(NamedTuple):
    """A kernel whose results stay in registers: rows of a times vectors of b.

    Args:
        element: float or double.
        width: the numbers in a vector.
        rows: of the tile.
        vectors: of a row of the tile.
        lanes: of the last vector that are there.
        padded: whether b has all lanes of the last vector nevertheless.
        turned: whether the tile is stored transposed.
    """

    element: str
    width: int
    rows: int
    vectors: int
    lanes: int
    padded: bool = False
    turned: bool = False

    @property
    def name(self) -> str:
        """The name of the function."""
        kind = "padded" * self.padded + "turned" * self.turned
        return f"tile_{self.element}_{self.rows}x{self.vectors}_{self.lanes}{kind}"

    def text(self) -> str:
        """Return the function: c = a b, or c += a b unless fresh."""
        element, width = self.element, self.width
        f = Function(
            self.name,
            "i64 %k, ptr %a, i64 %a_row, i64 %a_col, ptr %b, i64 %b_row, "
            "ptr %c, i64 %c_row, i64 %c_lane, i1 %fresh",
        )
        kind = vector(width, element)
        cells = [(r, v) for r in range(self.rows) for v in range(self.vectors)]
        lanes = [width] * (self.vectors - 1) + [self.lanes]
        rows = [f.put(f"mul i64 %a_row, {r}") for r in range(self.rows)]
        start = ["zeroinitializer"] * len(cells)
        if not self.turned:
            out = [f.at(element, "%c", f.put(f"mul i64 %c_row, {r}")) for r in range(self.rows)]
            places = [f.at(element, out[r], str(v * width)) for r, v in cells]
            old, begin = f.label(), f.label()
            f.do(f"br i1 %fresh, label %{begin}, label %{old}")
            f.begin(old)
            found = [
                load(f, width, element, place, lanes[v])
                for place, (_, v) in zip(places, cells, strict=True)
            ]
            f.do(f"br label %{begin}")
            f.begin(begin)
            start = [
                f.put(f"phi {kind} [ zeroinitializer, %entry ], [ {x}, %{old} ]") for x in found
            ]
        carried = [("ptr", "%a"), ("ptr", "%b"), *((kind, x) for x in start)]
        with f.loop("%k", carried=carried) as loop:
            a, b, *totals = loop.values
            columns = [
                load(f, width, element, f.at(element, b, str(v * width)), there)
                for v, there in enumerate([width] * self.vectors if self.padded else lanes)
            ]
            new = []
            for r in range(self.rows):
                number = broadcast(f, width, element, f.at(element, a, rows[r]))
                for v in range(self.vectors):
                    total = totals[r * self.vectors + v]
                    new.append(fused(f, width, element, number, columns[v], total))
            loop.following = [f.at(element, a, "%a_col"), f.at(element, b, "%b_row"), *new]
        totals = loop.values[2:]
        if not self.turned:
            for total, place, (_, v) in zip(totals, places, cells, strict=True):
                store(f, width, element, total, place, lanes[v])
        else:
            self._turn(f, totals)
        return f.end()

    def _turn(self, f: Function, totals: list[str]) -> None:
        """Write the transposed store, number by number, from a copy of the tile in memory."""
        element, length = self.element, self.width * self.vectors
        there = length - self.width + self.lanes
        f.lines.insert(2, f"  %copy = alloca [{self.rows * length} x {element}], align 64")
        for k, total in enumerate(totals):
            store(
                f,
                self.width,
                element,
                total,
                f.at(element, "%copy", str(k * self.width)),
                self.width,
            )
        with f.loop(str(self.rows)) as row:
            target = f.at(element, "%c", f.whole("mul", "%c_row", row.counter))
            source = f.at(element, "%copy", f.put(f"mul i64 {row.counter}, {length}"))
            with f.loop(str(there)) as lane:
                place = f.at(element, target, f.put(f"mul i64 %c_lane, {lane.counter}"))
                value = f.put(f"load {element}, ptr {f.at(element, source, lane.counter)}")
                put_number(f, element, value, place)


def put_number(f: Function, element: str, value: str, place: str) -> None:
    """Write the store of a number of the product, added to what is there unless fresh."""
    align = BYTES[element]
    fresh, old, done = f.label(), f.label(), f.label()
    f.do(f"br i1 %fresh, label %{fresh}, label %{old}")
    f.begin(old)
    there = f.put(f"load {element}, ptr {place}, align {align}")
    total = f.put(f"fadd {element} {there}, {value}")
    f.do(f"store {element} {total}, ptr {place}, align {align}")
    f.do(f"br label %{done}")
    f.begin(fresh)
    f.do(f"store {element} {value}, ptr {place}, align {align}")
    f.do(f"br label %{done}")
    f.begin(done)


# ---- sums along rows -----------------------------------------------------------------------------


class Dots(NamedTuple):
    """A kernel for few columns: vectors along the rows of a, and along the columns of b.

    Args:
        element: float or double.
        width: the numbers in a vector.
        rows: of a.
        columns: of b.
    """

    element: str
    width: int
    rows: int
    columns: int

    @property
    def name(self) -> str:
        """The name of the function."""
        return f"dots_{self.element}_{self.rows}x{self.columns}"

    def text(self) -> str:
        """Return the function: c = a b, where rows of a and columns of b are contiguous."""
        element, width = self.element, self.width
        f = Function(
            self.name,
            "i64 %k, ptr %a, i64 %a_row, ptr %b, i64 %b_col, ptr %c, i64 %c_row, i64 %c_col",
        )
        kind = vector(width, element)
        cells = [(r, j) for r in range(self.rows) for j in range(self.columns)]
        rows = [f.at(element, "%a", f.put(f"mul i64 %a_row, {r}")) for r in range(self.rows)]
        columns = [f.at(element, "%b", f.put(f"mul i64 %b_col, {j}")) for j in range(self.columns)]
        whole = f.put(f"and i64 %k, -{width}")

        def step(i: str, fetch: Callable[[str], str], totals: Sequence[str]) -> list[str]:
            right = [fetch(f.at(element, p, i)) for p in columns]
            new = []
            for r in range(self.rows):
                left = fetch(f.at(element, rows[r], i))
                for j in range(self.columns):
                    total = totals[r * self.columns + j]
                    new.append(fused(f, width, element, left, right[j], total))
            return new

        carried = [(kind, "zeroinitializer")] * len(cells)
        with f.loop(whole, str(width), carried=carried) as loop:
            loop.following = step(
                loop.counter, lambda p: load(f, width, element, p, width), loop.values
            )
        totals = loop.values
        rest, done = f.label(), f.label()
        before = f.block
        more = f.put(f"icmp slt i64 {whole}, %k")
        f.do(f"br i1 {more}, label %{rest}, label %{done}")
        f.begin(rest)
        left = f.put(f"sub i64 %k, {whole}")
        first = f.put(f"insertelement <{width} x i64> poison, i64 {left}, i64 0")
        counts = f.put(
            f"shufflevector <{width} x i64> {first}, <{width} x i64> poison, "
            f"<{width} x i32> zeroinitializer"
        )
        numbers = ", ".join(f"i64 {k}" for k in range(width))
        there = f.put(f"icmp slt <{width} x i64> <{numbers}>, {counts}")

        def part(p: str) -> str:
            return f.put(
                f"call {kind} @llvm.masked.load.{mangled(width, element)}.p0(ptr {p}, "
                f"i32 {BYTES[element]}, <{width} x i1> {there}, {kind} zeroinitializer)"
            )

        new = step(whole, part, totals)
        f.do(f"br label %{done}")
        f.begin(done)
        totals = [
            f.put(f"phi {kind} [ {x}, %{before} ], [ {y}, %{rest} ]")
            for x, y in zip(totals, new, strict=True)
        ]
        f.lines.insert(2, f"  %sums = alloca [{len(cells)} x {kind}], align 64")
        for k, total in enumerate(totals):
            store(f, width, element, total, f.at(kind, "%sums", str(k)), width)
        # one sum after another, since the code for all of them is long
        with f.loop(str(self.rows)) as row:
            target = f.at(element, "%c", f.put(f"mul i64 %c_row, {row.counter}"))
            source = f.at(kind, "%sums", f.put(f"mul i64 {row.counter}, {self.columns}"))
            with f.loop(str(self.columns)) as column:
                total = load(f, width, element, f.at(kind, source, column.counter), width)
                name = f"llvm.vector.reduce.fadd.{mangled(width, element)}"
                value = f.put(f"call reassoc {element} @{name}({element} -0.0, {kind} {total})")
                place = f.at(element, target, f.put(f"mul i64 %c_col, {column.counter}"))
                f.do(f"store {element} {value}, ptr {place}, align {BYTES[element]}")
        return f.end()


# ---- packing -------------------------------------------------------------------------------------


class Copy(NamedTuple):
    """A kernel that copies rows into one block without gaps, padded with zeros.

    Args:
        element: float or double.
        width: the numbers in a vector.
        length: the numbers of a row that are there.
        padded: the numbers of a row of the block.
    """

    element: str
    width: int
    length: int
    padded: int

    @property
    def name(self) -> str:
        """The name of the function."""
        return f"copy_{self.element}_{self.width}_{self.length}_{self.padded}"

    def text(self) -> str:
        """Return the function."""
        element, width = self.element, self.width
        f = Function(self.name, "i64 %k, ptr %from, i64 %row, ptr %to")
        carried = [("ptr", "%from"), ("ptr", "%to")]
        with f.loop("%k", carried=carried) as loop:
            source, target = loop.values
            for first in range(0, self.padded, width):
                lanes = min(width, self.length - first)
                value = "zeroinitializer"
                if lanes > 0:
                    value = load(f, width, element, f.at(element, source, str(first)), lanes)
                store(f, width, element, value, f.at(element, target, str(first)), width)
            loop.following = [
                f.at(element, source, "%row"),
                f.at(element, target, str(self.padded)),
            ]
        return f.end()


class Gather(NamedTuple):
    """A kernel that copies a block number by number, whatever its strides, padded with zeros.

    Args:
        element: float or double.
    """

    element: str

    @property
    def name(self) -> str:
        """The name of the function."""
        return f"gather_{self.element}"

    def text(self) -> str:
        """Return the function."""
        element = self.element
        f = Function(
            self.name,
            "i64 %k, ptr %from, i64 %row, i64 %col, i64 %length, i64 %filled, ptr %to, i64 %step",
        )
        with f.loop("%k") as row:
            source = f.at(element, "%from", f.put(f"mul i64 %row, {row.counter}"))
            target = f.at(element, "%to", f.put(f"mul i64 %step, {row.counter}"))
            with f.loop("%length", carried=[("ptr", source)]) as column:
                value = f.put(f"load {element}, ptr {column.values[0]}, align {BYTES[element]}")
                place = f.at(element, target, column.counter)
                f.do(f"store {element} {value}, ptr {place}, align {BYTES[element]}")
                column.following = [f.at(element, column.values[0], "%col")]
            with f.loop("%filled", start="%length") as column:
                place = f.at(element, target, column.counter)
                f.do(f"store {element} 0.0, ptr {place}, align {BYTES[element]}")
        return f.end()


class Turn(NamedTuple):
    """A kernel that transposes squares: columns of the source are contiguous.

    Args:
        element: float or double.
        side: the rows and columns of a square, a power of 2.
    """

    element: str
    side: int

    @property
    def name(self) -> str:
        """The name of the function."""
        return f"turn_{self.element}_{self.side}"

    def text(self) -> str:
        """Return the function: `squares` squares below one another in the block."""
        element, side = self.element, self.side
        kind = vector(side, element)
        f = Function(self.name, "i64 %squares, ptr %from, i64 %col, ptr %to, i64 %padded")
        columns = [f.put(f"mul i64 %col, {j}") for j in range(side)]
        rows = [f.put(f"mul i64 %padded, {j}") for j in range(side)]
        down = f.put(f"mul i64 %padded, {side}")
        with f.loop("%squares", carried=[("ptr", "%from"), ("ptr", "%to")]) as loop:
            source, target = loop.values
            values = [load(f, side, element, f.at(element, source, j), side) for j in columns]
            half = side // 2
            # log2(side) times: row k of the result interleaves rows k and k + half
            while half:
                values = _exchanged(f, kind, side, values, half)
                half //= 2
            for row, value in zip(rows, values, strict=True):
                store(f, side, element, value, f.at(element, target, row), side)
            loop.following = [f.at(element, source, str(side)), f.at(element, target, down)]
        return f.end()


def _exchanged(f: Function, kind: str, side: int, values: list[str], half: int) -> list[str]:
    """Write the exchange of the off-diagonal quarters of every square of 2 half rows."""
    new = list(values)
    for j in range(side):
        if j & half:
            continue
        low = [i if not i & half else side + i - half for i in range(side)]
        high = [i + half if not i & half else side + i for i in range(side)]
        for target, indices in ((j, low), (j + half, high)):
            text = ", ".join(f"i32 {i}" for i in indices)
            new[target] = f.put(
                f"shufflevector {kind} {values[j]}, {kind} {values[j + half]}, "
                f"<{side} x i32> <{text}>"
            )
    return new


Kernel = Tile | Dots | Copy | Gather | Turn
