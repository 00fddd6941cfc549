"""What emitted text brings along: imports, constants, and the functions of rows in Python."""

from __future__ import annotations

import ast
import base64
import inspect
import math
import sys
import types
from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError, message, require
from ..kinds import Packing, packed
from ..primitive import Primitive
from ..primitives.special import SCIPY
from .equations import Ref
from .forms import definition_of, float_text

LISTED = 64
"""An array constant of at most so many entries is written out, a larger one as base64 text."""

SPACES = {"np": np, "np.linalg": np.linalg, "math": math}


class Definitions:
    """Collects what the text of equations refers to, under names that mean one thing each.

    Args:
        taken: names that the text uses already.
    """

    def __init__(self, taken: Collection[str]) -> None:
        self.taken = set(taken)
        self.imports: set[str] = set()
        self.texts: list[str] = []
        self.constants: list[str] = []
        self._names: dict[int, tuple[str, Any]] = {}

    def head(self) -> list[str]:
        """Return the lines that come before the function which uses the definitions."""
        spaced = [line for text in self.texts for line in ("", "", text)]
        return [*spaced, "", "", *self.constants] if self.constants else spaced

    def row(self, row: Primitive) -> str:
        """Return what text calls the function of a row: NumPy's name, or a definition's.

        Raises:
            ArgumentError: if it is a function that text cannot bring along.
        """
        if known := self._known(row.forward):
            return known
        function = inspect.unwrap(row.forward)  # of an operation of one's own: without the checks
        special = sys.modules.get("scipy.special")
        theirs = special is not None and function in vars(special).values()
        if theirs or (row.name in SCIPY and getattr(function, "__closure__", None)):
            return f"{self.module('scipy.special')}.{SCIPY.get(row.name, function.__name__)}"
        if row.name in ("erf", "erfc"):
            return f"{self.module('scipy.special')}.{row.name}"
        if isinstance(function, Packing):
            return self._packing(function, row.name)
        return self._function(function, row.name)

    def module(self, name: str) -> str:
        """Import a module; return what text calls it."""
        if name == "numpy" or name.startswith("numpy."):
            return f"np{name.removeprefix('numpy')}"
        self.imports.add(f"import {name}")
        return name

    def constant(self, value: Any, base: str = "k") -> str:
        """Return the name of a constant of the text."""
        name = self._free(base)
        self.constants.append(f"{name} = {array_text(value)}")
        return name

    def _known(self, function: Any) -> str:
        """Return the name of a function that NumPy or the math module has, else nothing."""
        name = getattr(function, "__name__", "")
        for prefix, space in SPACES.items():
            if name and getattr(space, name, None) is function:
                return f"{self.module('math') if space is math else prefix}.{name}"
        return ""

    def _free(self, base: str) -> str:
        name, k = base, 1
        while name in self.taken:
            k += 1
            name = f"{base}_{k}"
        self.taken.add(name)
        return name

    def _named(self, value: Any, base: str, write: Callable[[str], None]) -> str:
        """Return the name under which a value is defined; define it once."""
        if id(value) not in self._names:
            name = self._free(base)
            self._names[id(value)] = (name, value)  # which keeps its id from another
            write(name)
        return self._names[id(value)][0]

    def _packing(self, packing: Packing, operation: str) -> str:
        inner = self._known(packing.function) or self._function(packing.function, operation)
        join = self._function(packed, operation)

        def write(name: str) -> None:
            self.texts.append(
                f"def {name}(*args):\n    {packing.__doc__!r}\n    return {join}({inner}(*args))"
            )

        return self._named(packing, packing.__name__, write)

    def _function(self, function: Any, operation: str) -> str:
        if not isinstance(function, types.FunctionType):
            raise unprintable(operation, f"{type(function).__name__} {function!r:.40}")

        def write(name: str) -> None:
            tree = definition_of(function)
            if tree is None:
                raise unprintable(operation, "a function whose source is not at hand")
            self.texts.append(_Brought(self, function, operation).text(tree, name))

        base = function.__name__
        return self._named(function, base if base.isidentifier() else operation, write)

    def referred(self, name: str, value: Any, operation: str) -> str:
        """Return what text calls a global or captured value of a function."""
        if isinstance(value, Primitive):
            return self.row(value)
        if isinstance(value, types.ModuleType):
            return self.module(value.__name__)
        if value is None or isinstance(value, (int, float, str, tuple, list, dict, np.ndarray)):
            whole = isinstance(value, np.ndarray)
            text = array_text(value) if whole else literal(value, (), self)
            # written where the functions are, which come after what they need
            return self._named(value, name, lambda new: self.texts.append(f"{new} = {text}"))
        return self._known(value) or self._function(value, operation)


class _Brought(ast.NodeTransformer):
    """Rewrites a function for text: without annotations, its globals under their names there."""

    def __init__(
        self, definitions: Definitions, function: types.FunctionType, operation: str
    ) -> None:
        self.definitions = definitions
        self.operation = operation
        cells = [cell.cell_contents for cell in function.__closure__ or ()]
        captured = dict(zip(function.__code__.co_freevars, cells, strict=True))
        own = {*function.__code__.co_varnames, *function.__code__.co_cellvars}
        values = {**function.__globals__, **captured}
        self.values = {name: value for name, value in values.items() if name not in own}

    def text(self, tree: ast.FunctionDef | ast.Lambda, name: str) -> str:
        """Return the text of the function under another name."""
        if isinstance(tree, ast.Lambda):
            arguments, result = ast.unparse(tree.args), ast.unparse(tree.body)
            text = f"def {name}({arguments}):\n    return {result}"
        else:
            text = ast.unparse(tree)
        [copy] = ast.parse(text).body  # the tree itself is kept for the next text
        assert isinstance(copy, ast.FunctionDef)
        copy.name, copy.returns, copy.decorator_list = name, None, []
        for argument in ast.walk(copy.args):
            if isinstance(argument, ast.arg):
                argument.annotation = None
        return ast.unparse(ast.fix_missing_locations(self.visit(copy)))

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        if node.value is None:
            return None
        return self.visit(ast.Assign([node.target], node.value))

    def visit_Call(self, node: ast.Call) -> Any:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name and self.values.get(name) is require:
            module = node.args[0]
            assert isinstance(module, ast.Constant)
            return _parsed(self.definitions.module(str(module.value)))
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> Any:
        if node.id not in self.values or not isinstance(node.ctx, ast.Load):
            return node
        value = self.values[node.id]
        return _parsed(self.definitions.referred(node.id, value, self.operation))


def _parsed(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def unprintable(operation: str, what: str) -> ArgumentError:
    """Return the error for an operation whose function text cannot bring along."""
    return ArgumentError(
        message(
            f"{operation} to be made of functions that text can bring along",
            what,
            "defining it in a module's file, from NumPy, numbers and other such functions",
        )
    )


def literal(setting: Any, names: Sequence[str], definitions: Definitions) -> str:
    """Return a parameter as text; arrays become constants of their own."""
    if type(setting) is Ref:
        return names[setting.variable]
    if isinstance(setting, np.ndarray):
        return definitions.constant(setting)
    if isinstance(setting, (tuple, list)):
        parts = ", ".join(literal(part, names, definitions) for part in setting)
        if isinstance(setting, list):
            return f"[{parts}]"
        return f"({parts},)" if len(setting) == 1 else f"({parts})"
    if isinstance(setting, dict):
        pairs = (f"{key!r}: {literal(part, names, definitions)}" for key, part in setting.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(setting, slice):
        ends = (setting.start, setting.stop, setting.step)
        return f"slice({', '.join(literal(end, names, definitions) for end in ends)})"
    if isinstance(setting, np.dtype):
        return f"np.dtype({str(setting)!r})"
    if isinstance(setting, type):
        return setting.__name__ if setting.__module__ == "builtins" else f"np.{setting.__name__}"
    if isinstance(setting, np.generic):
        return literal(setting.item(), names, definitions)
    if isinstance(setting, float):
        return float_text(setting).replace("math.", "np.")
    return "..." if setting is ... else repr(setting)


def array_text(value: Any) -> str:
    """Return text that gives exactly this array or NumPy scalar."""
    dtype = str(np.result_type(value))
    if np.shape(value) == ():
        item = np.asarray(value).item()
        text = float_text(item).replace("math.", "np.") if type(item) is float else repr(item)
        return f"np.{dtype}({text})"
    if not value.size:
        return f"np.empty({value.shape}, {dtype!r})"
    if value.size <= LISTED and np.all(np.isfinite(value)):
        return f"np.array({value.tolist()!r}, {dtype!r})"
    packed_bytes = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
    return (
        f"np.frombuffer(__import__('base64').b64decode({packed_bytes!r}), {dtype!r})"
        f".reshape({value.shape})"
    )
