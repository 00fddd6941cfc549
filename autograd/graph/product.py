"""The matrix product as machine code, for shapes and strides that are known: LLVM text.

A product is a tile in registers, carried along k: rows of `a`, number by number, times vectors of
`b`. What lies around the tile follows Goto and van de Geijn, Anatomy of High-Performance Matrix
Multiplication (2008): k is cut so that a panel of `b` stays in the nearest cache, the rows so that
their block of `a` stays in the next one, and both are copied into the order in which they are read
where that pays. Columns left over, too few for a vector, become sums along k or vectors along m.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from .kernels import Copy, Dots, Gather, Kernel, Tile, Turn
from .vectors import BYTES, Function, Machine, mangled, vector

ELEMENTS = {"float32": "float", "float64": "double"}

FEATURES = ("avx", "avx2", "fma", "avx512f", "avx512vl", "avx512dq", "avx512bw")
"""What of an x86 processor products make use of."""

NEAR = 32 * 1024
"""Bytes of a panel of b, which stays in the nearest cache."""

BLOCK = 384 * 1024
"""Bytes of a block of a, which stays in the next cache."""


def host(binding: Any) -> Machine:
    """Return what this processor has for vectors.

    Args:
        binding: the module `llvmlite.binding`.
    """
    found = binding.get_host_cpu_features()
    features = tuple(f"+{name}" for name in FEATURES if found.get(name))
    if len(features) == len(FEATURES):
        return Machine(64, 32, True, ",".join(features))
    if {"+avx2", "+fma"} <= set(features):
        return Machine(32, 16, True, "+avx2,+fma")
    return Machine(16, 32 if found.get("neon") else 16, False)


class Operand(NamedTuple):
    """A matrix in memory.

    Args:
        pointer: the name of its address.
        row: the elements from row to row.
        col: the elements from column to column.
        tiled: whether it is a packed block instead, its tiles one behind another.
    """

    pointer: str
    row: int
    col: int
    tiled: bool = False

    @property
    def turned(self) -> Operand:
        """The transpose."""
        return Operand(self.pointer, self.col, self.row)


class Product(NamedTuple):
    """A product that has been written.

    Args:
        name: of the function: void (ptr a, ptr b, ptr c, ptr workspace).
        workspace: the bytes it needs there.
    """

    name: str
    workspace: int


class Products:
    """The products of one module, and the kernels that they share.

    Args:
        machine: what it is written for.

    Example:
        >>> products = Products(Machine(vector=64, registers=32, masks=True))
        >>> products.of(100, 50, 784, (784, 1), (50, 1), 50, "float32").name
        'product_0'
    """

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._written: dict[Any, Product] = {}
        self._kernels: dict[Kernel, str] = {}
        self._drivers: list[str] = []

    def of(
        self,
        m: int,
        n: int,
        k: int,
        a: tuple[int, int],
        b: tuple[int, int],
        c_row: int,
        dtype: str,
    ) -> Product:
        """Write the function c = a b, once.

        Args:
            m: rows of a and c.
            n: columns of b and c.
            k: columns of a, rows of b.
            a: its strides in elements, of any sign.
            b: its strides in elements, of any sign.
            c_row: the elements from row to row of c; along a row they are neighbours.
            dtype: float32 or float64.

        Returns:
            The name of the function, and the workspace that it needs.
        """
        key = (m, n, k, a, b, c_row, dtype)
        if key not in self._written:
            name = f"product_{len(self._written)}"
            driver = _Driver(self, name, ELEMENTS[dtype])
            driver.write(m, n, k, Operand("%a", *a), Operand("%b", *b), Operand("%c", c_row, 1))
            self._drivers.append(driver.function.end())
            self._written[key] = Product(name, driver.workspace)
        return self._written[key]

    def kernel(self, kernel: Kernel) -> str:
        """Return the name of a kernel, which is written once."""
        if kernel not in self._kernels:
            self._kernels[kernel] = kernel.text()
        return kernel.name

    def text(self) -> str:
        """Return the functions as LLVM text."""
        declared = []
        for element in sorted({kernel.element for kernel in self._kernels}):
            width = self.machine.width(element)
            kind, name, masks = vector(width, element), mangled(width, element), f"<{width} x i1>"
            declared += [
                f"declare {kind} @llvm.fmuladd.{name}({kind}, {kind}, {kind})",
                f"declare {kind} @llvm.masked.load.{name}.p0(ptr, i32, {masks}, {kind})",
                f"declare void @llvm.masked.store.{name}.p0({kind}, ptr, i32, {masks})",
                f"declare {element} @llvm.vector.reduce.fadd.{name}({element}, {kind})",
            ]
        bits = 8 * self.machine.vector
        tail = f'attributes #0 = {{ nounwind "min-legal-vector-width"="{bits}" }}\n'
        return "\n".join([*declared, *self._kernels.values(), *self._drivers, tail])


class _Driver:
    """Writes the loops around the kernels of one product."""

    def __init__(self, products: Products, name: str, element: str) -> None:
        self.products = products
        self.element = element
        self.bytes = BYTES[element]
        self.width = products.machine.width(element)
        self.accumulators = 24 if products.machine.registers >= 32 else 12
        self.function = Function(name, "ptr %a, ptr %b, ptr %c, ptr %workspace", "external")
        self.workspace = 0

    def room(self, count: int) -> str:
        """Return a pointer to some elements of workspace."""
        start = self.workspace
        self.workspace = start + -(-count * self.bytes // 64) * 64
        return self.function.at("i8", "%workspace", str(start))

    def call(self, kernel: Kernel, *arguments: tuple[str, str]) -> None:
        """Write the call of a kernel."""
        name = self.products.kernel(kernel)
        text = ", ".join(f"{kind} {value}" for kind, value in arguments)
        self.function.do(f"call void @{name}({text})")

    def at(self, operand: Operand, row: str, col: str) -> str:
        """Return the address of an entry of a matrix."""
        f = self.function
        offset = f.whole(
            "add", f.whole("mul", row, str(operand.row)), f.whole("mul", col, str(operand.col))
        )
        return f.at(self.element, operand.pointer, offset)

    # ---- which way -------------------------------------------------------------------------------

    def write(self, m: int, n: int, k: int, a: Operand, b: Operand, c: Operand) -> None:
        """Write c = a b."""
        if not m * n:
            return
        if not k:
            self._zeros(m, n, c)
            return
        if k == 1:
            a, b = a._replace(col=1), b._replace(row=1)
        if m == 1:
            a = a._replace(row=k)
        if n == 1:
            b = b._replace(col=1 if b.row != 1 else k)
        few = self.width // 2
        if m <= few and n > m and b.row == 1 and b.col != 1:
            self._dots(n, m, k, b.turned, a.turned, c.turned)
            return
        rest = n % self.width
        if rest <= few and a.col == 1 and (k >= 4 * self.width or n < self.width):
            tail = self._dots
        elif rest <= few and a.row == 1 and k >= 2 * self.width and m >= self.width:
            tail = self._columns
        else:
            rest = 0
        if n > rest:
            self._tiles(m, n - rest, k, a, b, c)
        if rest:
            n -= rest
            b, c = Operand("%b_rest", *b[1:]), Operand("%c_rest", *c[1:])
            self.function.do(f"%b_rest = getelementptr {self.element}, ptr %b, i64 {n * b.col}")
            self.function.do(f"%c_rest = getelementptr {self.element}, ptr %c, i64 {n * c.col}")
            tail(m, rest, k, a, b, c)

    def _zeros(self, m: int, n: int, c: Operand) -> None:
        f = self.function
        with f.loop(str(m)) as row, f.loop(str(n)) as col:
            place = self.at(c, row.counter, col.counter)
            f.do(f"store {self.element} 0.0, ptr {place}, align {self.bytes}")

    # ---- few columns -----------------------------------------------------------------------------

    def _dots(self, m: int, n: int, k: int, a: Operand, b: Operand, c: Operand) -> None:
        """Write sums along k: rows of a are contiguous."""
        if b.row != 1:
            block = self.room(n * k)
            self._gather(str(n), b.turned, "0", "0", k, k, block, k)
            b = Operand(block, 1, k)
        rows = min(m, 8, self.accumulators // n)
        kernel = Dots(self.element, self.width, rows, n)
        with self._overlapping(m, rows) as row:
            self.call(
                kernel,
                ("i64", str(k)),
                ("ptr", self.at(a, row, "0")),
                ("i64", str(a.row)),
                ("ptr", b.pointer),
                ("i64", str(b.col)),
                ("ptr", self.at(c, row, "0")),
                ("i64", str(c.row)),
                ("i64", str(c.col)),
            )

    def _columns(self, m: int, n: int, k: int, a: Operand, b: Operand, c: Operand) -> None:
        """Write vectors along m: columns of a are contiguous."""
        vectors = min(8, self.accumulators // n, m // self.width)
        kernel = Tile(self.element, self.width, n, vectors, self.width, turned=True)
        with self._overlapping(m, vectors * self.width) as row:
            self._tile(
                kernel, str(k), b.pointer, (str(b.col), str(b.row)), self.at(a, row, "0"),
                str(a.col), self.at(c, row, "0"), c.turned, "true",
            )  # fmt: skip

    @contextmanager
    def _overlapping(self, count: int, step: int) -> Iterator[str]:
        """Write a loop in steps, whose last ends where all ends, and so may repeat results."""
        f = self.function
        with f.loop(str(count), str(step)) as loop:
            yield loop.counter if count % step == 0 else self._least(loop.counter, count - step)

    def _least(self, value: str, bound: int) -> str:
        below = self.function.put(f"icmp slt i64 {value}, {bound}")
        return self.function.put(f"select i1 {below}, i64 {value}, i64 {bound}")

    # ---- tiles -----------------------------------------------------------------------------------

    def _tiles(self, m: int, n: int, k: int, a: Operand, b: Operand, c: Operand) -> None:
        """Write the product as tiles of rows times vectors along n."""
        f, width = self.function, self.width
        vectors, rest = self._panels(n)
        panel = vectors * width
        deep = -(-k // -(-k * panel * self.bytes // NEAR))
        rows = self._rows(vectors, m)
        blocked = n > 2 * panel and m >= 2 * rows and k > 8
        high = m
        if blocked:
            high = max(BLOCK // (deep * self.bytes) // rows, 1) * rows
        room_b = self.room(deep * panel)
        room_a = self.room(deep * min(high, m)) if blocked else ""
        with f.loop(str(k), str(deep)) as depth:
            kc = self._count(depth.counter, deep, k)
            fresh = f.put(f"icmp eq i64 {depth.counter}, 0")
            with f.loop(str(m), str(high)) as block:
                mc = self._count(block.counter, high, m)
                corner = a._replace(pointer=self.at(a, block.counter, depth.counter))
                if blocked:
                    self._pack_rows(corner, mc, m, kc, rows, room_a)
                    corner = Operand(room_a, 1, rows, tiled=True)

                def across(first: str, vectors: int, lanes: int) -> None:
                    there = (vectors - 1) * width + lanes
                    source = b._replace(pointer=self.at(b, depth.counter, first))
                    padded = self._is_packed(m, source, rows, there, vectors * width)
                    if padded:
                        self._pack(source, kc, there, vectors * width, room_b)
                        source = Operand(room_b, vectors * width, 1)
                    target = c._replace(pointer=self.at(c, block.counter, first))
                    kernel = Tile(self.element, width, rows, vectors, lanes, padded)
                    self._down(kernel, mc, m, kc, corner, source, target, fresh)

                with f.loop(str(n // panel * panel), str(panel)) as column:
                    if n >= panel:
                        across(column.counter, vectors, width)
                if rest:
                    across(str(n - n % panel), -(-rest // width), (rest - 1) % width + 1)

    def _count(self, start: str, step: int, end: int) -> str:
        """Return how many there are of a block that starts there."""
        if step >= end:
            return str(end)
        if end % step == 0:
            return str(step)
        return self._least(self.function.put(f"sub i64 {end}, {start}"), step)

    def _panels(self, n: int) -> tuple[int, int]:
        """Return the vectors of a panel, and the columns of one that is narrower."""
        needed = -(-n // self.width)
        most = 4 if self.accumulators == 24 else 3
        vectors = needed if needed <= most else 3
        return vectors, n % (vectors * self.width)

    def _rows(self, vectors: int, m: int) -> int:
        return min(m, 12, self.accumulators // vectors)

    def _is_packed(self, m: int, b: Operand, rows: int, there: int, padded: int) -> bool:
        """Whether a panel of b is copied first."""
        if b.col != 1 or (there % self.width and not self.products.machine.masks):
            return True
        return m > 4 * rows and b.row != padded

    def _down(
        self, kernel: Tile, mc: str, m: int, kc: str, a: Operand, b: Operand, c: Operand, fresh: str
    ) -> None:
        """Write the tiles below one another in a block."""
        f, rows = self.function, kernel.rows

        def tile(kernel: Tile, row: str) -> None:
            if a.tiled:
                place = f.at(self.element, a.pointer, f.whole("mul", row, kc))
                strides = ("1", str(kernel.rows))
            else:
                place = self.at(a, row, "0")
                strides = (str(a.row), str(a.col))
            self._tile(
                kernel, kc, place, strides, b.pointer, str(b.row), self.at(c, row, "0"), c, fresh
            )

        for start, stop, count in self._steps(mc, m, rows):
            with f.loop(stop, str(rows), start=start) as loop:
                tile(kernel._replace(rows=count), loop.counter)

    def _steps(self, mc: str, m: int, rows: int) -> list[tuple[str, str, int]]:
        """Return where steps down a block start and stop, and their rows: whole ones, the last."""
        if not m % rows:
            return [("0", mc, rows)]
        whole = self.function.whole("sub", mc, self.function.whole("urem", mc, str(rows)))
        return [("0", whole, rows), (whole, mc, m % rows)]

    def _tile(
        self, kernel: Tile, k: str, a: str, a_strides: tuple[str, str], b: str, b_row: str,
        place: str, c: Operand, fresh: str,
    ) -> None:  # fmt: skip
        self.call(
            kernel,
            ("i64", k),
            ("ptr", a),
            ("i64", a_strides[0]),
            ("i64", a_strides[1]),
            ("ptr", b),
            ("i64", b_row),
            ("ptr", place),
            ("i64", str(c.row)),
            ("i64", str(c.col)),
            ("i1", fresh),
        )

    # ---- packing ---------------------------------------------------------------------------------

    def _pack_rows(self, a: Operand, mc: str, m: int, kc: str, rows: int, room: str) -> None:
        """Write the copy of a block of a: for each tile, one column of it after another."""
        f = self.function
        for start, stop, count in self._steps(mc, m, rows):
            with f.loop(stop, str(rows), start=start) as loop:
                source = a.turned._replace(pointer=self.at(a, loop.counter, "0"))
                target = f.at(self.element, room, f.whole("mul", loop.counter, kc))
                self._pack(source, kc, count, count, target)

    def _pack(self, b: Operand, kc: str, there: int, padded: int, room: str) -> None:
        """Write the copy of a panel without gaps from row to row, padded with zeros."""
        f = self.function
        wide = min(self.width, padded & -padded)
        if b.col == 1 and wide > 1:
            kernel = Copy(self.element, wide, there, padded)
            self.call(kernel, ("i64", kc), ("ptr", b.pointer), ("i64", str(b.row)), ("ptr", room))
            return
        side = min(8, self.accumulators // 3)
        whole = there // side * side
        if b.row != 1 or not whole:
            self._gather(kc, b, "0", "0", there, padded, room, padded)
            return
        deep = f.whole("and", kc, str(-side))
        with f.loop(str(whole), str(side)) as loop:
            self.call(
                Turn(self.element, side),
                ("i64", f.whole("udiv", deep, str(side))),
                ("ptr", self.at(b, "0", loop.counter)),
                ("i64", str(b.col)),
                ("ptr", f.at(self.element, room, loop.counter)),
                ("i64", str(padded)),
            )
        if padded > whole:
            self._gather(deep, b, "0", str(whole), there - whole, padded - whole, room, padded)
        if not kc.isdigit() or int(kc) % side:
            self._gather(f.whole("sub", kc, deep), b, deep, "0", there, padded, room, padded)

    def _gather(
        self, k: str, b: Operand, row: str, col: str, there: int, filled: int, room: str, step: int
    ) -> None:
        f = self.function
        offset = f.whole("add", f.whole("mul", row, str(step)), col)
        self.call(
            Gather(self.element),
            ("i64", k),
            ("ptr", self.at(b, row, col)),
            ("i64", str(b.row)),
            ("i64", str(b.col)),
            ("i64", str(there)),
            ("i64", str(filled)),
            ("ptr", f.at(self.element, room, offset)),
            ("i64", str(step)),
        )
