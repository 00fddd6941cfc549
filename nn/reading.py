"""What code from outside this package reads besides its arguments, and whether it changes any.

A plan has to know when it is no longer right. What cannot be watched is refused.
"""

from __future__ import annotations

import dis
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from nn.module import Module

_KNOWN = frozenset({"autograd", "nn", "numpy", "math", "builtins", "operator"})
_PLAIN = (type(None), bool, int, float, complex, str, bytes, slice, range, np.ndarray)
_CALLED = frozenset({"call", "__call__", "forward"})
_BEFORE = frozenset({"__init__", "build", "get_config", "from_config"})
_ASSIGN = frozenset({"assign", "set_weights"})
_SETS = frozenset({"STORE_ATTR", "DELETE_ATTR", "STORE_GLOBAL", "DELETE_GLOBAL"})


class Reading:
    """What the functions of some objects read.

    Args:
        owners: a model, its layers, loss and rules.

    Attributes:
        parts: namespaces, each with the names in it that are read.
        cells: variables of enclosing functions.
        refused: what cannot be watched, "" if there is nothing.

    Example:
        >>> __name__ = "of_my_own"  # functions from here on belong to no library
        >>> scale = [2.0]
        >>> from nn.losses import CustomLoss
        >>> loss = CustomLoss(lambda t, p: (t - p) * scale[0])
        >>> reading = Reading([loss])
        >>> reading.refused, [names for _, names in reading.parts]
        ('', [['scale']])
    """

    def __init__(self, owners: Sequence[Any]) -> None:
        self.parts: list[tuple[Mapping[str, Any], list[str]]] = []
        self.cells: list[CellType] = []
        self.refused = ""
        self._owners = list(owners)
        self._seen: set[int] = set()
        for owner in owners:
            self._read(owner)

    def _read(self, owner: Any) -> None:
        """Read an object: functions that it holds, and methods that a step may call."""
        held = vars(owner) if hasattr(owner, "__dict__") else {}
        for key, value in held.items():
            if key == "_learning_rate":  # a plan is given the rate
                continue
            if isinstance(value, (FunctionType, partial)) or _is_foreign_callable(value):
                self._value(value, "an attribute", owner)
        classes = [c for c in type(owner).__mro__ if not _known(c.__module__)]
        bases = [c for c in type(owner).__mro__ if _known(c.__module__) and c is not object]
        methods: dict[str, tuple[type, Any]] = {}
        for c in classes:
            for name, part in vars(c).items():
                methods.setdefault(name, (c, part))
        waiting = [
            k
            for k in methods
            if k in _CALLED or (k not in _BEFORE and any(hasattr(b, k) for b in bases))
        ]
        done = set(_BEFORE)
        while waiting:
            name = waiting.pop()
            if name in done:
                continue
            done.add(name)
            if name in held:
                self._named(held, name, owner)
            elif name in methods:
                c, part = methods[name]
                f = getattr(part, "fget", None) or getattr(part, "__func__", part)
                if isinstance(f, FunctionType):
                    self._function(f, owner)
                    waiting += _attributes(f)
                elif not name.startswith("__"):
                    self._named(vars(c), name, owner)

    def _named(self, where: Mapping[str, Any], name: str, owner: Any) -> None:
        """Read what stands under a name, and have it watched."""
        self.parts.append((where, [name]))
        self._value(where[name], name, owner)

    def _function(self, f: FunctionType, owner: Any) -> None:
        if id(f) in self._seen:
            return
        self._seen.add(id(f))
        codes = list(_codes(f.__code__))
        steps = [step for code in codes for step in dis.get_instructions(code)]
        for step in steps:
            outside = step.opname == "STORE_DEREF" and step.argval in f.__code__.co_freevars
            if step.opname in _SETS or outside:
                self._refuse(f"{f.__qualname__}, which sets {step.argval!r}")
            if step.opname == "IMPORT_NAME" and not _known(step.argval):
                self._refuse(f"{f.__qualname__}, which imports {step.argval!r}")
            if step.opname in ("LOAD_ATTR", "LOAD_METHOD") and step.argval in _ASSIGN:
                self._refuse(f"{f.__qualname__}, which may assign to a Tensor")
        read = {step.argval for step in steps if step.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
        # what is no identifier was put there by a test runner that rewrites assert
        names = [name for name in sorted(read) if name.isidentifier() and name in f.__globals__]
        if names:
            self.parts.append((f.__globals__, names))
        for name in names:
            value = f.__globals__[name]
            if isinstance(value, ModuleType) and not _known(value.__name__):
                for each in _attributes(f):
                    if each in vars(value):
                        self._named(vars(value), each, owner)
            else:
                self._value(value, name, owner)
        for name, cell in zip(f.__code__.co_freevars, f.__closure__ or (), strict=True):
            if cell != CellType():
                self.cells.append(cell)
                self._value(cell.cell_contents, name, owner)
        for value in (*(f.__defaults__ or ()), *(f.__kwdefaults__ or {}).values()):
            if isinstance(value, (list, dict, np.ndarray)):
                self.parts.append(({"default": value}, ["default"]))
            self._value(value, "a default", owner)

    def _value(self, value: Any, name: str, owner: Any) -> None:
        """Read a value that a function refers to."""
        if isinstance(value, _PLAIN) or any(value is each for each in self._owners):
            return
        if isinstance(value, (list, tuple)):
            for each in value:
                self._value(each, name, owner)
        elif isinstance(value, dict):
            for each in value.values():
                self._value(each, name, owner)
        elif isinstance(value, FunctionType):
            if not _known(value.__module__):
                self._function(value, owner)
        elif isinstance(value, partial):
            for each in (value.func, *value.args, *value.keywords.values()):
                self._value(each, name, owner)
        elif isinstance(value, type):
            if not (_known(value.__module__) or isinstance(owner, value)) and not issubclass(
                value, Exception
            ):
                self._refuse(f"{name!r}, the class {value.__name__}")
        elif isinstance(value, (BuiltinFunctionType, ModuleType)):
            if not _known(getattr(value, "__module__", None) or value.__name__):
                self._refuse(f"{name!r} of Python's module {value.__name__}")
        elif _is_foreign_callable(value) and hasattr(value, "__dict__"):
            if id(value) not in self._seen:
                self._seen.add(id(value))
                self.parts.append((vars(value), list(vars(value))))
                self._read(value)
        elif isinstance(value, (np.random.Generator, Module)):
            if isinstance(value, Module) or not any(
                value in o.named_generators().values()
                for o in self._owners
                if isinstance(o, Module)
            ):
                self._refuse(f"{name!r}, which the model does not own")
        elif not _known(type(value).__module__) or hasattr(value, "__next__"):
            self._refuse(f"{name!r}, an object of class {type(value).__name__}")
        elif type(value).__module__.split(".")[0] == "nn" and vars(value):
            self.parts.append((vars(value), list(vars(value))))

    def _refuse(self, what: str) -> None:
        self.refused = self.refused or f"{what}: whether that changes cannot be seen"


def _known(module: str | None) -> bool:
    return (module or "").split(".")[0] in _KNOWN


def _is_foreign_callable(value: Any) -> bool:
    known = isinstance(value, (type, FunctionType, Module, partial, BuiltinFunctionType))
    return callable(value) and not known and not _known(type(value).__module__)


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from _codes(each)


def _attributes(f: FunctionType) -> list[str]:
    """Return the names of attributes that a function may read, those given as text included."""
    codes = list(_codes(f.__code__))
    texts = [c for code in codes for c in code.co_consts if isinstance(c, str)]
    return [*(name for code in codes for name in code.co_names), *texts]
