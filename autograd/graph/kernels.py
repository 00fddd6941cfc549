"""What a matrix product consists of, as LLVM text: tiles in registers, sums along rows, packing."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import NamedTuple

from .vectors import (
    BYTES,
    Function,
    Machine,
    broadcast,
    fused,
    load,
    mangled,
    mask,
    prefetch,
    store,
    vector,
)

# ---- a tile of the product in registers ----------------------------------------------------------


class Tile(NamedTuple):
    """A kernel whose results stay in registers: rows of a times vectors of b.

    Args:
        element: float or double.
        width: the numbers in a vector.
        rows: of the tile.
        vectors: of a row of the tile.
        masked: what heeds that lanes of the last vector may be missing: "all", "stores" or "".
        adds: whether the product may be added to what is there.
    """

    element: str
    width: int
    rows: int
    vectors: int
    masked: str
    adds: bool = False

    @property
    def name(self) -> str:
        """The name of the function."""
        kind = f"{self.masked}{'_adds' * self.adds}"
        return f"tile_{self.element}_{self.rows}x{self.vectors}_{kind}"

    def text(self) -> str:
        """Return the function: c = a b, or c += a b unless fresh.

        With fewer than all rows, the last one is computed again and again: its results are
        stored several times, all the same.
        """
        element, width, vectors = self.element, self.width, range(self.vectors)
        f = Function(
            self.name,
            "i64 %k, ptr %a, i64 %a_row, i64 %a_col, ptr %b, i64 %b_row, "
            "ptr %c, i64 %c_row, i64 %rows, i64 %lanes, i1 %fresh",
        )
        kind = vector(width, element)
        masks = [""] * self.vectors
        if self.masked:
            masks[-1] = mask(f, width, "%lanes")
        last = f.put("sub i64 %rows, 1")
        rows = ["0", *(f.least(str(r), last) for r in range(1, self.rows))]
        offsets = [f.whole("mul", row, "%a_row") for row in rows]
        start = ["zeroinitializer"] * (self.rows * self.vectors)
        out = [f.at(element, "%c", f.whole("mul", row, "%c_row")) for row in rows]
        cells = [(f.at(element, p, str(v * width)), masks[v]) for p in out for v in vectors]
        if self.adds:
            old, begin = f.label(), f.label()
            f.do(f"br i1 %fresh, label %{begin}, label %{old}")
            f.begin(old)
            found = [load(f, width, element, place, there) for place, there in cells]
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
                for v, there in enumerate(masks if self.masked == "all" else [""] * self.vectors)
            ]
            new = []
            for r, offset in enumerate(offsets):
                number = broadcast(f, width, element, f.at(element, a, offset))
                for v in vectors:
                    total = totals[r * self.vectors + v]
                    new.append(fused(f, width, element, number, columns[v], total))
            loop.following = [f.at(element, a, "%a_col"), f.at(element, b, "%b_row"), *new]
        for total, (place, there) in zip(loop.values[2:], cells, strict=True):
            store(f, width, element, total, place, there)
        return f.end()


# ---- few columns, or few rows --------------------------------------------------------------------


class Dots(NamedTuple):
    """A product with few columns: vectors along the rows of a, and along the columns of b.

    Args:
        element: float or double.
        width: the numbers in a vector.
        rows: of a at a time.
        columns: of b.
        masks: whether lanes may be missing at no cost.
        far: whether a is large.
    """

    element: str
    width: int
    rows: int
    columns: int
    masks: bool
    far: bool

    @property
    def name(self) -> str:
        """The name of the function."""
        return f"dots_{self.element}_{self.rows}x{self.columns}{'_far' * self.far}"

    def text(self) -> str:
        """Return the function: c = a b, where rows of a and columns of b are contiguous.

        The last rows are as many as the others, so that some may be computed twice.
        """
        element, width = self.element, self.width
        f = Function(
            self.name,
            "i64 %m, i64 %k, ptr %a, i64 %a_row, ptr %b, i64 %b_col, ptr %c, i64 %c_row, "
            "i64 %c_col",
        )
        kind = vector(width, element)
        cells = [(r, j) for r in range(self.rows) for j in range(self.columns)]
        f.do(f"%sums = alloca [{len(cells)} x {kind}], align 64")
        columns = [
            f.at(element, "%b", f.whole("mul", "%b_col", str(j))) for j in range(self.columns)
        ]
        last = f.put(f"sub i64 %m, {self.rows}")
        with f.loop("%m", str(self.rows)) as block:
            first = f.least(block.counter, last)
            top = f.at(element, "%a", f.whole("mul", "%a_row", first))
            rows = [f.at(element, top, f.whole("mul", "%a_row", str(r))) for r in range(self.rows)]
            totals = ["zeroinitializer"] * len(cells)
            for start, stop, partial in f.along("%k", width, self.masks):
                carried = [(kind, x) for x in totals]
                with f.loop(stop, str(width), start=start, carried=carried) as loop:
                    chosen = mask(f, width, f.whole("sub", "%k", loop.counter)) if partial else ""
                    right = [
                        load(f, width, element, f.at(element, p, loop.counter), chosen)
                        for p in columns
                    ]
                    loop.following = []
                    for r, row in enumerate(rows):
                        place = f.at(element, row, loop.counter)
                        if self.far:
                            prefetch(f, place)
                        left = load(f, width, element, place, chosen)
                        for j in range(self.columns):
                            total = loop.values[r * self.columns + j]
                            loop.following.append(fused(f, width, element, left, right[j], total))
                totals = loop.values
            for k, total in enumerate(totals):
                store(f, width, element, total, f.at(kind, "%sums", str(k)))
            # one sum after another, since the code for all of them is long
            with f.loop(str(self.rows)) as down:
                source = f.at(kind, "%sums", f.whole("mul", down.counter, str(self.columns)))
                below = f.whole("add", first, down.counter)
                target = f.at(element, "%c", f.whole("mul", "%c_row", below))
                with f.loop(str(self.columns)) as column:
                    total = load(f, width, element, f.at(kind, source, column.counter))
                    name = f"llvm.vector.reduce.fadd.{mangled(width, element)}"
                    value = f.put(f"call reassoc {element} @{name}({element} -0.0, {kind} {total})")
                    place = f.at(element, target, f.whole("mul", "%c_col", column.counter))
                    f.do(f"store {element} {value}, ptr {place}, align {BYTES[element]}")
        return f.end()


class Rows(NamedTuple):
    """A product with few rows: vectors along the rows of b, and along those of c.

    Args:
        element: float or double.
        width: the numbers in a vector.
        rows: of a.
        depth: the rows of b at a time.
        masks: whether lanes may be missing at no cost.
        far: whether b is large.
    """

    element: str
    width: int
    rows: int
    depth: int
    masks: bool
    far: bool

    @property
    def name(self) -> str:
        """The name of the function."""
        return f"rows_{self.element}_{self.rows}x{self.depth}{'_far' * self.far}"

    def text(self) -> str:
        """Return the function: c = a b, where rows of b and c are contiguous."""
        f = Function(
            self.name,
            "i64 %n, i64 %k, ptr %a, i64 %a_row, i64 %a_col, ptr %b, i64 %b_row, "
            "ptr %c, i64 %c_row",
        )
        out = [f.at(self.element, "%c", f.whole("mul", "%c_row", str(r))) for r in range(self.rows)]
        whole = f.whole("sub", "%k", f.put(f"urem i64 %k, {self.depth}"))
        for start, stop, depth in (("0", whole, self.depth), (whole, "%k", 1)):
            with f.loop(stop, str(depth), start=start) as block:
                self._add(f, block.counter, depth, out)
        return f.end()

    def _add(self, f: Function, first: str, depth: int, out: list[str]) -> None:
        """Write what adds the product of some columns of a and rows of b."""
        element, width = self.element, self.width
        kind = vector(width, element)
        left = f.at(element, "%a", f.whole("mul", first, "%a_col"))
        across = [f.at(element, left, f.whole("mul", "%a_col", str(d))) for d in range(depth)]
        numbers = [
            broadcast(f, width, element, f.at(element, p, f.whole("mul", "%a_row", str(r))))
            for p in across
            for r in range(self.rows)
        ]
        top = f.at(element, "%b", f.whole("mul", first, "%b_row"))
        rows = [f.at(element, top, f.whole("mul", "%b_row", str(d))) for d in range(depth)]
        fresh = f.put(f"icmp eq i64 {first}, 0")
        for start, stop, partial in f.along("%n", width, self.masks):
            with f.loop(stop, str(width), start=start) as loop:
                chosen = mask(f, width, f.whole("sub", "%n", loop.counter)) if partial else ""
                places = [f.at(element, p, loop.counter) for p in out]
                totals = [load(f, width, element, place, chosen) for place in places]
                totals = [
                    f.put(f"select i1 {fresh}, {kind} zeroinitializer, {kind} {x}") for x in totals
                ]
                for d, row in enumerate(rows):
                    place = f.at(element, row, loop.counter)
                    if self.far:
                        prefetch(f, place)
                    right = load(f, width, element, place, chosen)
                    for r in range(self.rows):
                        number = numbers[d * self.rows + r]
                        totals[r] = fused(f, width, element, number, right, totals[r])
                for total, place in zip(totals, places, strict=True):
                    store(f, width, element, total, place, chosen)


# ---- packing -------------------------------------------------------------------------------------

PACKS = "i64 %k, ptr %from, i64 %row, i64 %col, i64 %length, ptr %to, i64 %padded, i64 %step"
"""What every function takes that packs `k` rows: the strides and the length of rows of the source;
how long rows of the block shall be, with zeros behind, and how far apart."""


class Gather(NamedTuple):
    """Packs anything, number by number.

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
        f = Function(self.name, PACKS)
        with f.loop("%k", carried=[("ptr", "%from"), ("ptr", "%to")]) as row:
            source, target = row.values
            with f.loop("%length", carried=[("ptr", source)]) as column:
                value = f.put(f"load {element}, ptr {column.values[0]}, align {BYTES[element]}")
                place = f.at(element, target, column.counter)
                f.do(f"store {element} {value}, ptr {place}, align {BYTES[element]}")
                column.following = [f.at(element, column.values[0], "%col")]
            with f.loop("%padded", start="%length") as column:
                place = f.at(element, target, column.counter)
                f.do(f"store {element} 0.0, ptr {place}, align {BYTES[element]}")
            row.following = [f.at(element, source, "%row"), f.at(element, target, "%step")]
        return f.end()


class Turn(NamedTuple):
    """Packs contiguous columns: squares are transposed in registers.

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
        """Return the function; what lies beside the squares goes to the one that packs anything."""
        element, side = self.element, self.side
        kind = vector(side, element)
        f = Function(self.name, PACKS)
        deep, wide = f.put(f"and i64 %k, -{side}"), f.put(f"and i64 %length, -{side}")
        with f.loop(wide, str(side)) as right, f.loop(deep, str(side)) as down:
            start = f.at(element, "%from", f.whole("mul", "%col", right.counter))
            source = f.at(element, start, down.counter)
            start = f.at(element, "%to", f.whole("mul", "%step", down.counter))
            target = f.at(element, start, right.counter)
            values = [
                load(f, side, element, f.at(element, source, f.whole("mul", "%col", str(j))))
                for j in range(side)
            ]
            half = side // 2
            while half:
                values = _exchanged(f, kind, side, values, half)
                half //= 2
            for j, value in enumerate(values):
                place = f.at(element, target, f.whole("mul", "%step", str(j)))
                store(f, side, element, value, place)
        packs = f"call void @{Gather(element).name}("
        source = f.at(element, "%from", f.whole("mul", "%col", wide))
        f.do(
            f"{packs}i64 {deep}, ptr {source}, i64 %row, i64 %col, "
            f"i64 {f.whole('sub', '%length', wide)}, ptr {f.at(element, '%to', wide)}, "
            f"i64 {f.whole('sub', '%padded', wide)}, i64 %step)"
        )
        target = f.at(element, "%to", f.whole("mul", "%step", deep))
        f.do(
            f"{packs}i64 {f.whole('sub', '%k', deep)}, ptr {f.at(element, '%from', deep)}, "
            f"i64 %row, i64 %col, i64 %length, ptr {target}, i64 %padded, i64 %step)"
        )
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


# ---- the loops around tiles ----------------------------------------------------------------------


class Tiles(NamedTuple):
    """A product in tiles: blocks along k and along the rows, panels along the columns.

    Args:
        element: float or double.
        width: the numbers in a vector.
    """

    element: str
    width: int

    @property
    def name(self) -> str:
        """The name of the function."""
        return f"tiles_{self.element}"

    def text(self) -> str:
        """Return the function.

        It takes, besides the matrices: memory for a packed panel of b; the depth of blocks and
        their rows; the rows and the padded columns of a tile; the tile; what packs b, or null.
        """
        element = self.element
        f = Function(
            self.name,
            "i64 %m, i64 %n, i64 %k, ptr %a, i64 %a_row, i64 %a_col, ptr %b, i64 %b_row, "
            "i64 %b_col, ptr %c, i64 %c_row, ptr %panel, i64 %deep, i64 %high, i64 %rows, "
            "i64 %padded, ptr %tile, ptr %pack",
        )
        copied = f.put("icmp ne ptr %pack, null")
        panels = f.put(f"select i1 {copied}, i64 1, i64 0")
        right_row = f.put(f"select i1 {copied}, i64 %padded, i64 %b_row")
        missing = f.put(f"sub i64 %padded, {self.width}")
        with (
            f.loop("%k", "%deep") as depth,
            f.loop("%m", "%high") as place,
            f.loop("%n", "%padded") as column,
        ):
            kc = f.least("%deep", f.whole("sub", "%k", depth.counter))
            mc = f.least("%high", f.whole("sub", "%m", place.counter))
            fresh = f.put(f"icmp eq i64 {depth.counter}, 0")
            there = f.least("%padded", f.whole("sub", "%n", column.counter))
            lanes = f.whole("sub", there, missing)
            left = f.at(element, "%a", f.whole("mul", depth.counter, "%a_col"))
            start = f.at(element, "%b", f.whole("mul", depth.counter, "%b_row"))
            corner = f.at(element, start, f.whole("mul", column.counter, "%b_col"))
            with f.loop(panels):
                f.do(
                    f"call void %pack(i64 {kc}, ptr {corner}, i64 %b_row, i64 %b_col, "
                    f"i64 {there}, ptr %panel, i64 %padded, i64 %padded)"
                )
            right = f.put(f"select i1 {copied}, ptr %panel, ptr {corner}")
            out = f.at(element, "%c", column.counter)
            with f.loop(mc, "%rows") as row:
                count = f.least("%rows", f.whole("sub", mc, row.counter))
                below = f.whole("add", place.counter, row.counter)
                source = f.at(element, left, f.whole("mul", below, "%a_row"))
                target = f.at(element, out, f.whole("mul", below, "%c_row"))
                f.do(
                    f"call void %tile(i64 {kc}, ptr {source}, i64 %a_row, i64 %a_col, "
                    f"ptr {right}, i64 {right_row}, ptr {target}, i64 %c_row, "
                    f"i64 {count}, i64 {lanes}, i1 {fresh})"
                )
        return f.end()


Kernel = Tile | Dots | Rows | Gather | Turn | Tiles


def text_of(kernels: Sequence[Kernel], machine: Machine, known: Container[str] = ()) -> str:
    """Return kernels as LLVM text.

    Args:
        kernels: some that call no others but these and the known ones.
        machine: what they are written for.
        known: the names of those that are elsewhere.
    """
    declared = ["declare void @llvm.prefetch.p0(ptr, i32, i32, i32)"]
    for element in BYTES:
        width = machine.width(element)
        kind, name, masks = vector(width, element), mangled(width, element), f"<{width} x i1>"
        declared += [
            f"declare {kind} @llvm.fmuladd.{name}({kind}, {kind}, {kind})",
            f"declare {kind} @llvm.masked.load.{name}.p0(ptr, i32, {masks}, {kind})",
            f"declare void @llvm.masked.store.{name}.p0({kind}, ptr, i32, {masks})",
            f"declare {element} @llvm.vector.reduce.fadd.{name}({element}, {kind})",
        ]
        gather = Gather(element).name
        if gather in known:
            declared.append(f"declare void @{gather}({PACKS})")
    return "\n".join([*declared, *(kernel.text() for kernel in kernels)])
