"""The command line: an expression and the values of its names, for people who only want to see.

The expression is read as syntax and computed node by node: numbers, names that were given, the
operators of the table and calls of its functions. Nothing else is accepted and nothing is evaluated
as code.
"""

from __future__ import annotations

import argparse
import ast
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError, ChainruleError, message
from ..primitive import REGISTRY
from ..tensor import Tensor
from .build import draw
from .explain import explain
from .formula import OPERATORS

CONSTANTS = {"pi": math.pi, "e": math.e}

ARITHMETIC = {**OPERATORS, "%": ast.Mod, "//": ast.FloorDiv}
"""The operators of the table and their syntax."""

LONGEST = 10_000
"""Expressions are refused beyond this many characters."""


def parse(expression: str, values: Mapping[str, float]) -> Tensor:
    """Compute an expression from the values of its names.

    Args:
        expression: arithmetic with + - * / // % ** and the table's functions of numbers.
        values: the numbers that names stand for; each becomes a leaf of that name.

    Returns:
        The result.

    Raises:
        ArgumentError: if the expression is anything else.

    Example:
        >>> parse("apple * 2 * tax", {"apple": 100.0, "tax": 1.1}).item()
        220.00000000000003
    """
    if len(expression) > LONGEST:
        raise ArgumentError(
            message(
                f"an expression of at most {LONGEST:,} characters",
                f"{len(expression):,}",
                "writing the program in Python",
            )
        )
    try:
        tree = ast.parse(expression.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ArgumentError(
            message("an expression", f"{expression!r:.80} ({error})", '"apple * 2 * tax"')
        ) from error
    reader = _Reader(values)
    with np.errstate(all="ignore"):
        result = reader.read(tree)
    if not isinstance(result, Tensor):
        raise ArgumentError(
            message(
                "an expression that contains a name",
                f"{expression!r:.80}",
                'a name for what gradients are wanted of, as in "2 * x" x=3',
            )
        )
    unused = sorted(set(values) - set(reader.leaves))
    if unused:
        raise ArgumentError(
            message(
                "only values of names in the expression",
                f"{', '.join(unused)}",
                f"one of {', '.join(sorted(reader.leaves))}",
            )
        )
    return result


class _Reader:
    def __init__(self, values: Mapping[str, float]) -> None:
        self.values = values
        self.leaves: dict[str, Tensor] = {}
        self.operators = {
            ARITHMETIC[row.symbol]: row for row in REGISTRY.values() if row.symbol in ARITHMETIC
        }
        self.functions = {row.name: row for row in REGISTRY.values() if not row.is_variadic}

    def read(self, tree: ast.expr) -> Any:
        """Compute a syntax tree without recursion: operands first."""
        todo: list[ast.expr | tuple[Callable[..., Any], int]] = [tree]
        done: list[Any] = []
        while todo:
            item = todo.pop()
            if isinstance(item, tuple):
                operation, count = item
                operands = [done.pop() for _ in range(count)]
                done.append(operation(*reversed(operands)))
                continue
            match item:
                case ast.Constant(int() | float() as value) if type(value) is not bool:
                    done.append(self._number(value))
                case ast.Name(name):
                    done.append(self._name(name))
                case ast.BinOp(left, operator, right) if type(operator) in self.operators:
                    todo += [(self.operators[type(operator)], 2), right, left]
                case ast.UnaryOp(ast.USub(), operand):
                    todo += [(self.functions["negative"], 1), operand]
                case ast.UnaryOp(ast.UAdd(), operand):
                    todo.append(operand)
                case ast.Call(ast.Name(name), arguments, []) if name in self.functions:
                    todo += [(self._function(name, len(arguments)), len(arguments))]
                    todo += reversed(arguments)
                case _:
                    self._refuse(item)
        return done.pop()

    def _number(self, value: float) -> float:
        try:
            return float(value)
        except OverflowError:
            return math.inf

    def _name(self, name: str) -> Any:
        if name in self.values:
            if name not in self.leaves:
                self.leaves[name] = Tensor(self.values[name], name=name)
            return self.leaves[name]
        if name in CONSTANTS:
            return CONSTANTS[name]
        raise ArgumentError(
            message(f"a value for the name {name!r}", "none", f"{name}=1.5 after the expression")
        )

    def _function(self, name: str, given: int) -> Callable[..., Any]:
        row = self.functions[name]
        if given != row.arity:
            raise ArgumentError(
                message(f"{row.arity} operand(s) of {name}", f"{given}", f"{name} with {row.arity}")
            )
        return row

    def _refuse(self, item: ast.expr) -> None:
        what = (
            ast.unparse(item)
            if not isinstance(item, ast.Call)
            else f"a call of {ast.unparse(item.func)}"
        )
        raise ArgumentError(
            message(
                "numbers, names, + - * / // % ** and functions of the table",
                f"{what!r:.80}",
                "sin, exp, log, sqrt, tanh, sigmoid, maximum and the like",
            )
        )


def assignment(text: str) -> tuple[str, float]:
    """Read `name=value` from the command line."""
    name, sign, number = text.partition("=")
    try:
        if not sign or not name.isidentifier():
            raise ValueError(text)
        return name, float(number)
    except ValueError:
        raise argparse.ArgumentTypeError(message("name=number", repr(text), "apple=100")) from None


def _once(values: Sequence[tuple[str, float]]) -> dict[str, float]:
    """Return values by name, refused where a name has two."""
    found = dict(values)
    if len(found) < len(values):
        names = [name for name, _ in values]
        twice = ", ".join(name for name in found if names.count(name) > 1)
        raise ArgumentError(message("one value for each name", f"several for {twice}", "one each"))
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: those of the program.

    Returns:
        The exit status: 0, or 2 after an error, which is printed as one sentence.
    """
    parser = argparse.ArgumentParser(
        prog="python -m autograd",
        description="Compute an expression, its gradients and its picture.",
        epilog='example: python -m autograd "apple * 2 * tax" apple=100 tax=1.1 --explain',
    )
    parser.add_argument("expression", help="arithmetic on numbers and names")
    parser.add_argument("values", nargs="*", type=assignment, metavar="name=value")
    parser.add_argument("--explain", action="store_true", help="tell every step of both passes")
    parser.add_argument("--save", metavar="FILE", help=".html .svg .png .pdf .dot or .txt")
    options = parser.parse_intermixed_args(arguments)
    try:
        y = parse(options.expression, _once(options.values))
        y.backward()
        figure = draw(y)
        print(figure.text, end="")
        if options.explain:
            print(f"\n{explain(y)}")
        if options.save:
            print(f"\nsaved: {figure.save(options.save)}")
    except ChainruleError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    return 0
