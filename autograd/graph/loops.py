"""Passes over arrays as LLVM text, made of the rows' own scalar functions.

A pass becomes a function of a table of addresses; shapes and strides are fixed in its text. The
innermost axis is gone through in vectors, the last of them masked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from .entries import Entries
from .lanes import Lane
from .passes import (
    Dim,
    Fold,
    Pass,
)

UNROLLED = 4
"""Sums side by side in a reduction, so that none waits for the one before."""


class Written(NamedTuple):
    """A pass in LLVM text.

    Args:
        text: the function behind its name; passes of the same text are one function.
        size: how many entries there are, for a function that takes them as its last argument.
        called: the functions that it calls, as (lane, symbol, arity).
        declared: the lines that make others known.
    """

    text: str
    size: int | None
    called: frozenset[tuple[Lane, str, int]]
    declared: frozenset[str]


def written(work: Pass, width: int) -> Written:
    """Return a pass as LLVM text: a function of the addresses of its places, in order.

    Args:
        work: the pass.
        width: bytes of a vector register.
    """
    return _Writer(work, width).written()


class _Writer(Entries):
    def __init__(self, work: Pass, width: int) -> None:
        super().__init__(work, width)
        self.here = "entry"
        self.loops = 0

    # ---- text ------------------------------------------------------------------------------------

    def written(self) -> Written:
        """Return the function."""
        bases = [f"%p{k}" for k in range(len(self.places))]
        if self.work.fold is None:
            self.outer(self.dims[:-1], bases, self.across)
        elif self.dims and self.dims[-1].goes:
            kept = [d for d in self.dims if not d.goes]
            self.outer(kept, bases, self.along_rows)
        else:
            kept = [d for d in self.dims[:-1] if not d.goes]
            self.outer(kept, bases, self.along_columns)
        given = [f"ptr {base}" for base in bases] + ["i64 %size"] * self.sized
        text = "\n".join([f"({', '.join(given)}) {{", "entry:", *self.text, "ret void", "}"])
        size = self.dims[0].size if self.sized else None
        return Written(text, size, frozenset(self.called), frozenset(self.declared))

    def loop(
        self,
        count: int | str,
        step: int,
        carried: Sequence[tuple[str, str]],
        body: Callable[[str, list[str]], list[str]],
    ) -> list[str]:
        """Write a loop; return the names of the carried values after it.

        Args:
            count: where the index ends, a positive multiple of the step.
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

    def sized_blocks(self, body: Callable[[str, str | None, list[str]], list[str]]) -> None:
        """Go along an axis whose size is an argument, in vectors."""
        whole = self.put(f"and i64 %size, {-self.count}")
        self.do(f"%many = icmp ne i64 {whole}, 0")
        self.do("br i1 %many, label %whole, label %rest")
        self.do("whole:")
        self.here = "whole"

        self.loop(whole, self.count, [], lambda index, given: body(index, None, given))
        self.do("br label %rest")
        self.do("rest:")
        left = self.put(f"and i64 %size, {self.count - 1}")
        self.do(f"%some = icmp ne i64 {left}, 0")
        self.do("br i1 %some, label %last, label %end")
        self.do("last:")
        kind = self.lane.of("i32")
        narrow = self.put(f"trunc i64 {left} to i32")
        first = self.put(f"insertelement {kind} poison, i32 {narrow}, i64 0")
        zeros = f"{kind} zeroinitializer"
        bound = self.put(f"shufflevector {kind} {first}, {kind} poison, {zeros}")
        numbers = ", ".join(f"i32 {j}" for j in range(self.count))
        body(whole, self.put(f"icmp ult {kind} <{numbers}>, {bound}"), [])
        self.do("br label %end")
        self.do("end:")

    # ---- the three forms -------------------------------------------------------------------------

    def across(self, bases: list[str]) -> None:
        """Write the innermost loop of a pass without a reduction."""
        still = self.still(bases)

        def body(index: str, mask: str | None, given: list[str]) -> list[str]:
            values = self.computed(bases, still, index, mask)
            for (value, place), base in zip(
                self.work.stores, bases[-len(self.work.stores) :], strict=True
            ):
                self.store(values[value], self.work.kind(value), place.kind, base, index, mask)
            return given

        if self.sized:
            self.sized_blocks(body)
        else:
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
