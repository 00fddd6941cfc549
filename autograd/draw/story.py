"""The computation told step by step: forwards, then backwards, one operation at a time.

A sentence is a sequence of words and of slots for numbers, so that the same sentence can be told
with the numbers of the figure or, in the player, with those of the moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from .formula import Operand, Printer, result_formula, slope_formula
from .parts import Edge, Vertex
from .text import Form, written


@dataclass(frozen=True)
class Slot:
    """A place for a number: a quantity of an edge.

    Args:
        what: which quantity.
        edge: the index of the edge.
    """

    what: Literal["value", "gradient", "slope"]
    edge: int


Sentence = tuple[str | Slot, ...]

OPERATORS = ("+ ", "- ", "× ", "/ ", "^")
"""What a negative number may follow only in parentheses."""


@dataclass(frozen=True)
class Step:
    """One step of the story.

    Args:
        direction: forward or backward.
        edges: the indices of the edges in turn, whose numbers this step brings.
        vertex: the key of the vertex in turn.
        sentence: what happens.
    """

    direction: Literal["forward", "backward"]
    edges: tuple[int, ...]
    vertex: str
    sentence: Sentence


def told(sentence: Sentence, edges: Sequence[Edge]) -> str:
    """Return a sentence with the numbers of a figure, negative operands in parentheses."""
    text = ""
    for part in sentence:
        if isinstance(part, str):
            text += part
            continue
        edge = edges[part.edge]
        found = {"value": edge.value, "gradient": edge.gradient, "slope": edge.slope}[part.what]
        numeral = "?" if found is None else written(found)
        is_operand = text.endswith(OPERATORS) and numeral.startswith("-")
        text += f"({numeral})" if is_operand else numeral
    return text


class Story:
    """The steps of a figure.

    Args:
        vertices: those of the figure.
        edges: those of the figure.
    """

    def __init__(self, vertices: Sequence[Vertex], edges: Sequence[Edge]) -> None:
        self.edges = edges
        self.vertices = {v.key: v for v in vertices}
        self.into: dict[str, list[int]] = {key: [] for key in self.vertices}
        self.out: dict[str, list[int]] = {key: [] for key in self.vertices}
        for i, edge in enumerate(edges):
            self.into[edge.head].append(i)
            self.out[edge.tail].append(i)

    def forward(self) -> list[Step]:
        """Return one step an operation, each after its operands."""
        return [
            Step("forward", tuple(self._shown_after(v)), v.key, self._computed(v))
            for v in self.vertices.values()
            if v.kind in ("operation", "block", "module")
        ]

    def backward(self) -> list[Step]:
        """Return the steps of the backward pass: one an edge, and one a sum."""
        steps: list[Step] = []
        for v in reversed(self.vertices.values()):
            if v.kind in ("result", "junction"):
                continue
            for e in self.out[v.key]:
                end = self.vertices[self.edges[e].head]
                if end.kind == "result":
                    words = (
                        f"The gradient of {end.title} with respect to itself is ",
                        Slot("gradient", e),
                        ".",
                    )
                    steps.append(Step("backward", (e,), v.key, words))
                elif end.kind == "junction" and self.edges[e].differentiable:
                    steps.append(Step("backward", (e,), end.key, self._summed(v, e)))
            for index, e in enumerate(self.into[v.key]):
                if self.edges[e].differentiable:
                    steps.append(Step("backward", (e,), v.key, self._passed_back(v, index, e)))
        return steps

    def source(self, e: int) -> Vertex:
        """Return the vertex that made the value of an edge, behind its junction."""
        v = self.vertices[self.edges[e].tail]
        while v.kind == "junction":
            v = self.vertices[self.edges[self.into[v.key][0]].tail]
        return v

    def operands(self, v: Vertex) -> list[Operand]:
        """Return what formulas call the operands of an operation."""
        found: list[Operand] = []
        for e in self.into[v.key]:
            tail, value = self.source(e), self.edges[e].value
            plain = tail.kind == "constant" and tail.value is None
            found.append(value if plain and isinstance(value, float) else tail.name)
        return found

    def result_text(self, v: Vertex) -> str:
        """Return an operation by name, such as `apple × apple_num`."""
        assert v.primitive is not None
        return Printer().formula(result_formula(v.primitive, self.operands(v)))

    def slope_text(self, v: Vertex, index: int) -> str:
        """Return a local derivative by name, empty where it has no formula."""
        if v.primitive is None or self.edges[self.into[v.key][index]].slope is None:
            return ""
        return Printer().formula(slope_formula(v.primitive, index, self.operands(v), v.name))

    def _shown_after(self, v: Vertex) -> list[int]:
        """Return the edges that carry the value once it is computed, branches included."""
        found = list(self.out[v.key])
        for e in found:
            head = self.vertices[self.edges[e].head]
            if head.kind == "junction":
                found += self.out[head.key]
        return found

    def _computed(self, v: Vertex) -> Sentence:
        if v.primitive is None:
            return (f"{v.title} {'are' if v.kind == 'block' else 'is'} computed.",)
        by_name = self.result_text(v)
        into = self.into[v.key]
        marks = [f"\0{e}\0" for e in into]
        by_value = Printer().formula(result_formula(v.primitive, marks))
        if isinstance(self.edges[self.out[v.key][0]].value, Form):
            return (f"{v.name} = {by_name}, ", Slot("value", self.out[v.key][0]))
        words: list[str | Slot] = [f"{v.name} = {by_name} = "]
        if all(isinstance(self.edges[e].value, float) for e in into):
            for i, part in enumerate(by_value.split("\0")):
                words.append(Slot("value", int(part)) if i % 2 else part)
            words.append(" = ")
        return (*words, Slot("value", self.out[v.key][0]))

    def _summed(self, v: Vertex, trunk: int) -> Sentence:
        branches = self.out[self.edges[trunk].head]
        words: list[str | Slot] = [
            f"{v.name} is used {len(branches)} times; its gradient is the sum "
        ]
        for i, e in enumerate(branches):
            words += [" + " if i else "", Slot("gradient", e)]
        return (*words, " = ", Slot("gradient", trunk), ".")

    def _passed_back(self, v: Vertex, index: int, e: int) -> Sentence:
        target = self.source(e).name
        upstream = Slot("gradient", self.out[v.key][0])
        given = Slot("gradient", e)
        if v.primitive is None:
            return (f"Back through {v.title}: ", given, f" arrives at {target}.")
        if self.edges[e].slope is None:
            return (
                f"Back through {v.title}: its rule turns the upstream gradient (",
                upstream,
                ") into the contribution (",
                given,
                f") to {target}.",
            )
        formula = self.slope_text(v, index)
        named = f" (∂{v.name}/∂{target} = {formula})" if formula else f" (∂{v.name}/∂{target})"
        return (
            f"Back through {v.title}: upstream ",
            upstream,
            " × local derivative ",
            Slot("slope", e),
            f"{named} = contribution ",
            given,
            f" to {target}.",
        )
