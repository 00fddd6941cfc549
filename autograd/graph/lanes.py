"""Lanes: how many numbers of one type LLVM text computes at a time, and how it writes them.

One double is a lane of its own; a vector has as many as a register of the machine. Functions of
vectors that no processor has are written here from those that it has, on doubles.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import NamedTuple

INTRINSICS = frozenset({"sqrt", "fabs", "copysign", "floor", "ceil", "trunc"})
"""Functions that are an instruction or two, of one number and of vectors."""

OF_DOUBLES = frozenset({"exp", "log"})
OF_FLOATS = OF_DOUBLES | {"expm1", "log1p", "tanh"}
"""Functions of vectors written below, each within one unit in the last place of its type."""

LOG2_HIGH, LOG2_LOW = float.fromhex("0x1.62e42fee00000p-1"), float.fromhex("0x1.a39ef35793c76p-33")
"""The logarithm of 2 in two parts; the first has 32 bits, so that its multiples are exact."""

SHIFT = 1.5 * 2.0**52
"""Added to a small number, it leaves that number rounded in the lowest bits."""


class Lane(NamedTuple):
    """Numbers computed side by side.

    Args:
        size: "double" or "float".
        width: how many; one is no vector.
    """

    size: str
    width: int = 1

    @property
    def real(self) -> str:
        """The type of the numbers."""
        return self.of(self.size)

    @property
    def bit(self) -> str:
        """The type of truth values."""
        return self.of("i1")

    def of(self, kind: str) -> str:
        """Return the type of as many values of another kind."""
        return kind if self.width == 1 else f"<{self.width} x {kind}>"

    @property
    def suffix(self) -> str:
        """How the names of functions of this type end."""
        vector = "" if self.width == 1 else f"v{self.width}"
        return f"{vector}f{64 if self.size == 'double' else 32}"

    def number(self, value: float) -> str:
        """Return a number in every lane, as LLVM writes its bits."""
        if self.size == "float":
            value = rounded(value)
        return self.all(self.size, literal(value))

    def all(self, kind: str, text: str) -> str:
        """Return a constant of some kind in every lane."""
        return text if self.width == 1 else f"<{', '.join([f'{kind} {text}'] * self.width)}>"

    def symbol(self, name: str) -> str | None:
        """Return what a function of the math module is called on this type, None if there is none.

        Args:
            name: what C calls it.
        """
        if name in INTRINSICS:
            return f"llvm.{name}.{self.suffix}"
        if self == DOUBLE:
            return name
        spelled = OF_DOUBLES if self.size == "double" else OF_FLOATS
        return f"{name}.{self.suffix}" if name in spelled else None

    def declared(self, symbol: str, arity: int) -> str:
        """Return the text that makes a function known: its body, if it is written here."""
        name = symbol.partition(".")[0]
        if symbol != name and name in OF_FLOATS:
            return spelled(name, self)
        return f"declare {self.real} @{symbol}({', '.join([self.real] * arity)})"


DOUBLE = Lane("double")


class Lines:
    """Writes instructions one after another; their results have no names but numbers."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.number = 0

    def put(self, text: str, results: int = 1) -> str:
        """Write instructions with results; return the name of the last one."""
        self.text.append(text)
        self.number += results
        return f"%{self.number - 1}"

    def do(self, text: str) -> None:
        """Write what has no result without a name."""
        self.text.append(text)


class _Doubles(Lines):
    """Arithmetic on doubles side by side.

    Args:
        count: how many.
        narrow: whether the result is rounded to float32, so that short series will do.
    """

    def __init__(self, count: int, narrow: bool) -> None:
        super().__init__()
        self.narrow = narrow
        self.lane = Lane("double", count)
        self.real, self.whole = self.lane.real, self.lane.of("i64")

    def c(self, value: float) -> str:
        return self.lane.number(value)

    def i(self, value: int) -> str:
        return self.lane.all("i64", str(value))

    def op(self, name: str, x: str, y: str) -> str:
        return self.put(f"{name} {self.real} {x}, {y}")

    def on_bits(self, name: str, x: str, y: int | str) -> str:
        return self.put(f"{name} {self.whole} {x}, {y if isinstance(y, str) else self.i(y)}")

    def fma(self, x: str, y: str, z: str) -> str:
        arguments = ", ".join(f"{self.real} {v}" for v in (x, y, z))
        return self.put(f"call {self.real} @llvm.fma.{self.lane.suffix}({arguments})")

    def call(self, name: str, *values: str) -> str:
        arguments = ", ".join(f"{self.real} {v}" for v in values)
        return self.put(f"call {self.real} @llvm.{name}.{self.lane.suffix}({arguments})")

    def where(self, predicate: str, x: str, y: float, yes: str, no: str) -> str:
        test = self.put(f"fcmp {predicate} {self.real} {x}, {self.c(y)}")
        return self.put(f"select {self.lane.bit} {test}, {self.real} {yes}, {self.real} {no}")

    def bits(self, x: str) -> str:
        return self.put(f"bitcast {self.real} {x} to {self.whole}")

    def of_bits(self, x: str) -> str:
        return self.put(f"bitcast {self.whole} {x} to {self.real}")

    def series(self, x: str, coefficients: Sequence[float]) -> str:
        """Return c0 + c1 x + c2 x^2 + ..."""
        total = self.c(coefficients[-1])
        for c in reversed(coefficients[:-1]):
            total = self.fma(total, x, self.c(c))
        return total

    def clamped(self, x: str, low: float, high: float) -> str:
        """Return x within bounds, nan as it is."""
        x = self.where("ogt", x, high, self.c(high), x)
        return self.where("olt", x, low, self.c(low), x)

    def power_of_two(self, n: str) -> str:
        return self.of_bits(self.on_bits("shl", self.on_bits("add", n, 1023), 52))

    def halved(self, x: str) -> tuple[str, str]:
        """Return n and exp(r) - 1 for x = n log(2) + r with the smallest r; n is whole, in bits."""
        shifted = self.fma(x, self.c(1 / math.log(2)), self.c(SHIFT))
        n = self.op("fsub", shifted, self.c(SHIFT))
        r = self.fma(n, self.c(-LOG2_HIGH), x)
        r = self.fma(n, self.c(-LOG2_LOW), r)
        # |r| < 0.35: what follows the last term is less than a hundredth of a unit
        last = 9 if self.narrow else 14
        rest = self.series(r, [1 / math.factorial(k) for k in range(2, last + 1)])
        whole = struct.unpack("<q", struct.pack("<d", SHIFT))[0]
        return (
            self.on_bits("sub", self.bits(shifted), whole),
            self.fma(self.op("fmul", r, r), rest, r),
        )

    def exp(self, x: str) -> str:
        n, less = self.halved(self.clamped(x, -746.0, 710.0))
        value = self.op("fadd", less, self.c(1.0))
        # in two steps, as the power of two alone may overflow, or lose what rounding needs
        half = self.on_bits("ashr", n, 1)
        value = self.op("fmul", value, self.power_of_two(half))
        return self.op("fmul", value, self.power_of_two(self.on_bits("sub", n, half)))

    def expm1(self, x: str) -> str:
        n, less = self.halved(self.clamped(x, -50.0, 100.0))
        scale = self.power_of_two(n)
        value = self.fma(scale, less, self.op("fsub", scale, self.c(1.0)))
        return self.call("copysign", value, x)

    def log(self, x: str) -> str:
        small = self.op("fmul", x, self.c(2.0**54))
        normal = self.where("olt", x, 2.0**-1022, small, x)
        less = self.where("olt", x, 2.0**-1022, self.c(-54.0 - 1023), self.c(-1023.0))
        bits = self.bits(normal)
        power = self.on_bits("lshr", bits, 52)
        k = self.op("fadd", self.put(f"sitofp {self.whole} {power} to {self.real}"), less)
        mantissa = self.on_bits("and", bits, (1 << 52) - 1)
        m = self.of_bits(self.on_bits("or", mantissa, 1023 << 52))
        root = math.sqrt(2.0)
        k = self.where("ogt", m, root, self.op("fadd", k, self.c(1.0)), k)
        m = self.where("ogt", m, root, self.op("fmul", m, self.c(0.5)), m)
        # log(1 + f) = 2 artanh(s) = f - (f^2 / 2 - s (f^2 / 2 + s^2 (2/3 + 2/5 s^2 + ...)))
        f = self.op("fsub", m, self.c(1.0))
        s = self.op("fdiv", f, self.op("fadd", f, self.c(2.0)))
        z = self.op("fmul", s, s)
        # z < 0.03
        terms = 6 if self.narrow else 11
        rest = self.op("fmul", z, self.series(z, [2 / (2 * j + 3) for j in range(terms)]))
        square = self.op("fmul", self.op("fmul", f, f), self.c(0.5))
        low = self.op("fmul", k, self.c(LOG2_LOW))
        inner = self.fma(s, self.op("fadd", square, rest), low)
        inner = self.op("fsub", self.op("fsub", square, inner), f)
        value = self.fma(k, self.c(LOG2_HIGH), self.put(f"fneg {self.real} {inner}"))
        value = self.where("oeq", x, 0.0, self.c(-math.inf), value)
        value = self.where("ult", x, 0.0, self.c(math.nan), value)
        return self.where("oeq", x, math.inf, x, value)

    def log1p(self, x: str) -> str:
        u = self.op("fadd", x, self.c(1.0))
        # what rounding 1 + x has lost, to first order
        lost = self.op("fsub", self.op("fsub", u, self.c(1.0)), x)
        value = self.op("fsub", self.log(u), self.op("fdiv", lost, u))
        value = self.where("oeq", u, 0.0, self.c(-math.inf), value)
        value = self.where("oeq", x, math.inf, x, value)
        return self.call("copysign", value, x)

    def tanh(self, x: str) -> str:
        t = self.expm1(self.clamped(self.op("fmul", self.call("fabs", x), self.c(2.0)), 0.0, 50.0))
        return self.call("copysign", self.op("fdiv", t, self.op("fadd", t, self.c(2.0))), x)


def spelled(name: str, lane: Lane) -> str:
    """Return the definition of a function of vectors as LLVM text.

    Args:
        name: one of those above.
        lane: the type that it takes and gives; it computes on doubles.
    """
    narrow = lane.size == "float"
    w = _Doubles(lane.width, narrow)
    x = w.put(f"fpext {lane.real} %x to {w.real}") if narrow else "%x"
    y = getattr(w, name)(x)
    if narrow:
        y = w.put(f"fptrunc {w.real} {y} to {lane.real}")
    head = f"define internal {lane.real} @{name}.{lane.suffix}({lane.real} %x) {{\nentry:"
    return "\n".join([head, *w.text, f"ret {lane.real} {y}", "}"])


def rounded(value: float) -> float:
    """Return the float32 nearest to a double, as a double."""
    try:
        found: float = struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        found = math.copysign(math.inf, value)
    return found


def literal(value: float) -> str:
    """Return a double as LLVM writes its bits.

    Example:
        >>> literal(1.0)
        '0x3FF0000000000000'
    """
    return f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"
