"""The matrix product as machine code, for shapes and strides that are known: LLVM text.

A product is a tile in registers, carried along k: rows of `a`, number by number, times vectors of
`b`. The loops around it are those of Goto and van de Geijn, Anatomy of High-Performance Matrix
Multiplication (2008): k is cut so that a panel of `b` stays near, the rows so that their part of
`a` does. Nothing is copied but columns of `b` that lie across memory: copies of more were measured,
and never paid. Columns left over, too few for a vector, become sums along k or vectors along m.
"""

from __future__ import annotations

import functools
import math
import os
import threading
from typing import Any, NamedTuple

from .kernels import Dots, Gather, Kernel, Rows, Tile, Tiles, Turn, text_of
from .native import linked
from .vectors import BYTES, Function, Machine, processors

ELEMENTS = {"float32": "float", "float64": "double"}

FEATURES = ("avx", "avx2", "fma", "avx512f", "avx512vl", "avx512dq", "avx512bw")
"""What of an x86 processor products make use of."""

WHOLE, DEEP = 1000, 400
"""The rows of b that are gone through at once, and what they are cut into if there are more."""

BLOCK = 512 * 1024
"""Bytes of the part of a that is gone through for one panel of b after another: it stays near."""

NEAR = 1024 * 1024
"""Bytes of a matrix that still lies in the second cache, perhaps."""

ENOUGH = 8
"""Sums at a time that keep a processor busy: each waits four cycles, and two may begin in one."""

FEW = 1024
"""Numbers that are packed one by one rather than in squares, whose code takes time to make."""

LIMITS = {64: math.inf, 32: 2.0**23, 16: 2.0**15}
"""Multiplications up to which our product is as fast as that of NumPy, by bytes of a vector."""

SHARED = 2.0**22
"""The same where NumPy shares the work among more than two threads; ours has one."""

THREADS = ("OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "OMP_NUM_THREADS")
"""Where OpenBLAS, the library in NumPy's wheels, looks for the number of its threads."""


def native_product_pays(m: int, n: int, k: int, machine: Machine) -> bool:
    """Whether a product is computed no slower here than by NumPy.

    Args:
        m: rows of the result.
        n: columns of the result.
        k: terms of every sum.
        machine: what the processor has.

    Example:
        >>> native_product_pays(100, 50, 784, Machine(vector=32, registers=16, masks=True))
        True
    """
    said = next((os.environ[name] for name in THREADS if name in os.environ), "")
    threads = int(said) if said.isdecimal() and int(said) else processors()
    limit = LIMITS[machine.vector]
    return m * n * k <= (limit if threads <= 2 else min(limit, SHARED))


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
    """

    pointer: str
    row: int
    col: int

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
        self.kernels: dict[str, Kernel] = {}
        """What the functions are made of, by name."""
        self._declared: dict[str, str] = {}
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

    def kernel(self, kernel: Kernel, types: str = "") -> str:
        """Return the name of a kernel that is used, and called with arguments of some types."""
        self.kernels[kernel.name] = kernel
        self._declared[kernel.name] = types or self._declared.get(kernel.name, "")
        return kernel.name

    def text(self) -> str:
        """Return the functions as LLVM text; there is nothing in them to optimise."""
        declared = [f"declare void @{name}({types})" for name, types in self._declared.items()]
        return "\n".join([*declared, *self._drivers])

    def called(self, binding: Any) -> dict[str, int]:
        """Return the addresses of what the functions call, compiled unless a process has it.

        Args:
            binding: the module `llvmlite.binding`.
        """
        with _compiling:
            known, programs = _library(self.machine)
            missing = [x for name, x in self.kernels.items() if name not in known]
            loops = [x for x in missing if isinstance(x, Tiles)]
            tiles = [x for x in missing if not isinstance(x, Tiles)]
            # the loops around tiles gain nothing from care, tiles need their registers chosen well
            for kernels, level in (tiles, 1), (loops, 0):
                if kernels:
                    names = [kernel.name for kernel in kernels]
                    text = text_of(kernels, self.machine, known)
                    program = linked(binding, text, names, self.machine.features, level, known)
                    programs.append(program)
                    known |= {name: program[name] for name in names}
            return {name: known[name] for name in self.kernels}


@functools.cache
def _library(machine: Machine) -> tuple[dict[str, int], list[Any]]:
    """Return the addresses of the kernels that this process has, and the programs they are in."""
    return {}, []


_compiling = threading.Lock()


class _Driver:
    """Writes the calls that make up one product."""

    def __init__(self, products: Products, name: str, element: str) -> None:
        self.products = products
        self.element = element
        self.bytes = BYTES[element]
        self.width = products.machine.width(element)
        self.accumulators = 24 if products.machine.registers >= 32 else 12
        self.function = Function(name, "ptr %a, ptr %b, ptr %c, ptr %workspace")
        self.workspace = 0

    def room(self, count: int) -> str:
        """Return a pointer to some elements of workspace."""
        start = self.workspace
        self.workspace = start + -(-count * self.bytes // 64) * 64
        return self.function.at("i8", "%workspace", str(start))

    def call(self, kernel: Kernel, *arguments: int | str) -> None:
        """Write the call of a kernel: whole numbers are given as such, addresses by their names."""
        types = ["i64" if isinstance(x, int) else "ptr" for x in arguments]
        name = self.products.kernel(kernel, ", ".join(types))
        text = ", ".join(f"{kind} {x}" for kind, x in zip(types, arguments, strict=True))
        self.function.do(f"call void @{name}({text})")

    def behind(self, operand: Operand, rows: int, cols: int) -> Operand:
        """Return what is left of a matrix behind some rows and columns."""
        offset = rows * operand.row + cols * operand.col
        return operand._replace(
            pointer=self.function.at(self.element, operand.pointer, str(offset))
        )

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
        if m <= self.width // 2 and n > m and b.row == 1 and b.col != 1:
            self._dots(n, m, k, b.turned, a.turned, c.turned)
            return
        if m <= self.width // 2 and b.col == 1:
            self._rows(m, n, k, a, b, c)
            return
        rest = n % self.width
        few = rest <= self.width // 4
        if few and a.col == 1 and (k >= 4 * self.width or n < self.width):
            tail = self._dots
        elif few and a.row == 1 and k >= 2 * self.width and m >= self.width:
            tail = self._columns
        else:
            rest = 0
        if n > rest:
            self._panels(m, n - rest, k, a, b, c)
        if rest:
            n -= rest
            tail(m, rest, k, a, self.behind(b, 0, n), self.behind(c, 0, n))

    def _zeros(self, m: int, n: int, c: Operand) -> None:
        """Write the product of nothing: packing rows of no numbers pads them with zeros."""
        self.call(Gather(self.element), m, "%a", 0, 0, 0, c.pointer, n, c.row)

    def _dots(self, m: int, n: int, k: int, a: Operand, b: Operand, c: Operand) -> None:
        """Write sums along k: rows of a are contiguous."""
        if b.row != 1:
            block = self.room(n * k)
            self.call(Gather(self.element), n, b.pointer, b.col, b.row, k, block, k, k)
            b = Operand(block, 1, k)
        rows = min(m, max(ENOUGH // n, 4), self.accumulators // n)
        masks = self.products.machine.masks
        kernel = Dots(self.element, self.width, rows, n, masks, m * k * self.bytes > NEAR)
        self.call(kernel, m, k, a.pointer, a.row, b.pointer, b.col, c.pointer, c.row, c.col)

    def _rows(self, m: int, n: int, k: int, a: Operand, b: Operand, c: Operand) -> None:
        """Write sums of rows of b, which are contiguous."""
        # with more rows of a than four there is room for too few of b
        group = -(-m // -(-m // 4))
        masks, far = self.products.machine.masks, n * k * self.bytes > NEAR
        depth = min(8 if far else max(ENOUGH // group, 4), self.accumulators // group)
        kernel = Rows(self.element, self.width, group, depth, masks, far)
        for row in range(0, m, group):
            top, out = (self.behind(x, min(row, m - group), 0) for x in (a, c))
            self.call(
                kernel, n, k, top.pointer, a.row, a.col, b.pointer, b.row, out.pointer, c.row
            )  # fmt: skip

    def _columns(self, m: int, n: int, k: int, a: Operand, b: Operand, c: Operand) -> None:
        """Write sums of columns of a, which are contiguous."""
        room = self.room(n * m)
        self._rows(n, m, k, b.turned, a.turned, Operand(room, m, 1))
        self.call(Gather(self.element), m, room, 1, m, n, c.pointer, n, c.row)

    def _panels(self, m: int, n: int, k: int, a: Operand, b: Operand, c: Operand) -> None:
        """Write the product in panels, the last of them perhaps narrower."""
        vectors = self._vectors(n)
        panel = vectors * self.width
        deep = k if k <= WHOLE else -(-k // -(-k // DEEP))
        masks = self.products.machine.masks
        rest = n % panel
        whole = n if masks and rest > panel - self.width else n - rest
        for first, last, wide, masked in (
            (0, whole, vectors, "all" if masks else ""),
            (whole, n, -(-rest // self.width), "all" if masks else "stores"),
        ):
            if first < last:
                # ten would not fill the registers, but divides the sizes of most batches
                rows = min(10, self.accumulators // wide)
                tile = Tile(self.element, self.width, rows, wide, masked, deep < k)
                right, out = self.behind(b, 0, first), self.behind(c, 0, first)
                self._tiles(m, last - first, k, a, right, out, tile, deep)

    def _tiles(
        self, m: int, n: int, k: int, a: Operand, b: Operand, c: Operand, tile: Tile, deep: int
    ) -> None:
        """Write the product in tiles of one kind."""
        panel, high = tile.vectors * self.width, m
        pack = room = "null"
        if b.col != 1 or tile.masked == "stores":
            pack = f"@{self.products.kernel(self._packing(n, k, b))}"
            room = self.room(deep * panel)
        else:
            high = max(BLOCK // (deep * self.bytes) // tile.rows, 1) * tile.rows
        self.call(
            Tiles(self.element, self.width), m, n, k, *a, *b, c.pointer, c.row, room, deep, high,
            tile.rows, panel, f"@{self.products.kernel(tile)}", pack,
        )  # fmt: skip

    def _vectors(self, n: int) -> int:
        """Return the vectors of a panel: three fill the registers best."""
        needed = -(-n // self.width)
        if needed <= 2 or n == 4 * self.width:
            return min(needed, 2)
        return 3

    def _packing(self, n: int, k: int, b: Operand) -> Kernel:
        """Return what packs panels of b."""
        gather = Gather(self.element)
        self.products.kernel(gather)
        if b.row == 1 and n * k > FEW:
            return Turn(self.element, min(8, self.accumulators // 3))
        return gather
