"""What a graph is made of: specs, equations, and the few functions that walk them."""

from __future__ import annotations

import builtins
import functools
import keyword
import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from ..errors import DTypeError, ShapeError, message
from ..guard import is_frozen
from ..node import Node, value_of
from ..primitive import Primitive
from ..recording import user_line

NATIVE = {
    np.dtype(name): np.dtype(name)
    for name in (
        "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
        "float16", "float32", "float64",
    )
}  # fmt: skip
"""One object a dtype: those of swapped bytes, and of some files, are equal but not the same."""


class Spec(NamedTuple):
    """What a graph fixes about a variable: its shape and dtype."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @staticmethod
    def of(value: Any) -> Spec:
        """Return the spec of a value."""
        dtype = np.result_type(value)
        return Spec(np.shape(value), NATIVE.get(dtype, dtype))

    def __str__(self) -> str:
        return f"{self.dtype}{list(self.shape)}" if self.shape else str(self.dtype)


SCALAR = Spec.of(0.0)


class Ref(NamedTuple):
    """Stands in a parameter for a variable: an index that is computed."""

    variable: int


class Equation(NamedTuple):
    """One operation: its result is the variable of the equation's position.

    Args:
        row: the operation.
        inputs: the variables it takes.
        params: its parameters; read-only in a Graph.
        origin: in a derivative, the variable and the position of its input that the chain rule
            goes through here.
    """

    row: Primitive
    inputs: tuple[int, ...]
    params: Mapping[str, Any]
    origin: tuple[int, int] | None = None

    @property
    def reads(self) -> tuple[int, ...]:
        """The variables it needs: its inputs, then those that stand in its parameters."""
        return (*self.inputs, *refs_of(self.params))

    def settings(self, names: Sequence[str]) -> Mapping[str, Any]:
        """Return its parameters with the names of the variables that stand in them."""
        return map_refs(self.params, lambda i: Name(names[i]))

    def __reduce__(self) -> Any:
        row, inputs, params, origin = self
        return Equation, (row, inputs, dict(params), origin)


NOTHING: Mapping[str, Any] = MappingProxyType({})

new_equation: Callable[[tuple[Any, ...]], Equation] = functools.partial(tuple.__new__, Equation)
"""Makes an equation of a tuple, in a third of the time that naming its fields takes."""


def settled(equation: Equation) -> Equation:
    """Return an equation whose parameters nobody can change."""
    params = {key: locked(setting) for key, setting in equation.params.items()}
    return equation._replace(params=MappingProxyType(params) if params else NOTHING)


def locked(value: Any) -> Any:
    """Return a value with its arrays as copies that nobody can write, where they are not yet."""
    if isinstance(value, np.ndarray) and not is_frozen(value):
        value = np.array(value)
        value.flags.writeable = False
    return tuple(map(locked, value)) if type(value) is tuple else value


def refs_of(params: Mapping[str, Any]) -> list[int]:
    """Return the variables that stand in parameters."""
    if not params:
        return []
    found: list[int] = []
    for setting in params.values():
        for part in setting if type(setting) is tuple else (setting,):
            if type(part) is Ref:
                found.append(part.variable)
    return found


def map_refs(params: Mapping[str, Any], fill: Callable[[int], Any]) -> Mapping[str, Any]:
    """Return the parameters with `fill(variable)` for every Ref."""
    if not params:
        return params
    return {key: _filled(setting, fill) for key, setting in params.items()}


def _filled(setting: Any, fill: Callable[[int], Any]) -> Any:
    if type(setting) is Ref:
        return fill(setting.variable)
    if type(setting) is tuple:
        return tuple(_filled(part, fill) for part in setting)
    return setting


class Columns:
    """Equations in the making, a list a field: quicker to write than objects, and to walk.

    The variable of a position is an input where there is no row. Parameters are few.
    """

    __slots__ = ("add", "inputs", "origins", "params", "rows", "specs")

    def __init__(self) -> None:
        self.rows: list[Primitive | None] = []
        self.inputs: list[tuple[int, ...]] = []
        self.params: dict[int, Mapping[str, Any]] = {}
        self.origins: list[tuple[int, int] | None] = []
        self.specs: list[Spec] = []
        rows, settings = self.rows, self.params
        push_row, push_inputs = self.rows.append, self.inputs.append
        push_spec, push_origin = self.specs.append, self.origins.append

        # a function of these lists takes half the time of a method, which looks each of them up
        def add(
            row: Primitive | None,
            inputs: tuple[int, ...],
            spec: Spec,
            params: Mapping[str, Any] = NOTHING,
            origin: tuple[int, int] | None = None,
        ) -> int:
            """Add an equation, or an input without a row; return its variable."""
            k = len(rows)
            push_row(row)
            push_inputs(inputs)
            push_spec(spec)
            push_origin(origin)
            if params:
                settings[k] = params
            return k

        self.add = add


@dataclass(frozen=True, eq=False)
class Listing:
    """A graph whose variables are numbered as they came, with some that nobody needs.

    Args:
        name: what the graph is called.
        input_names: one an input, valid Python names.
        inputs: the variables that are inputs.
        constants: their values, by number; numbers may be negative.
        columns: the equations, each after those it depends on.
        outputs: the variables that are results.
        takes: the structure of the arguments.
        gives: the structure of the result.
        labels: names that the program gave to results.
    """

    name: str
    input_names: tuple[str, ...]
    inputs: Sequence[int]
    constants: Mapping[int, Any]
    columns: Columns
    outputs: Sequence[int]
    takes: Any
    gives: Any
    labels: Mapping[int, str]

    def places(self) -> list[int]:
        """Return room for one number a variable, where those of the negative lie at the end."""
        return [-1] * (len(self.columns.rows) + len(self.constants))

    def parts(self) -> dict[str, Any]:
        """Return the parts of a Graph: inputs first, then constants, and no more than is needed."""
        columns = self.columns
        inputs, settings, specs = columns.inputs, columns.params, columns.specs
        new = self.places()  # 0 for what is needed, then its number
        for i in self.outputs:
            new[i] = 0
        for k in range(len(inputs) - 1, -1, -1):
            if not new[k]:
                for i in inputs[k]:
                    new[i] = 0
                if k in settings:
                    for i in refs_of(settings[k]):
                        new[i] = 0
        used = [k for k in self.constants if not new[k]]
        for position, k in enumerate((*self.inputs, *used)):
            new[k] = position
        number = first = len(self.inputs) + len(used)
        kept: list[tuple[Any, ...]] = []
        kept_specs: list[Spec] = []
        passed: tuple[int, int] | None = None  # the origin seen last, and what it is now
        moved: tuple[int, int] | None = None
        for k, (row, operands, origin) in enumerate(
            zip(columns.rows, inputs, columns.origins, strict=True)
        ):
            if row is None or new[k] < 0:
                continue
            if origin is not passed:
                passed, moved = origin, None
                if origin is not None and new[origin[0]] >= 0:
                    moved = new[origin[0]], origin[1]
            params = NOTHING
            if k in settings:
                params = map_refs(settings[k], lambda i: Ref(new[i]))
            if len(operands) == 2:  # most have
                a, b = operands
                kept.append((row, (new[a], new[b]), params, moved))
            else:
                kept.append((row, tuple([new[i] for i in operands]), params, moved))
            kept_specs.append(specs[k])
            new[k] = number
            number += 1
        values = [self.constants[k] for k in used]
        return {
            "name": self.name,
            "input_names": self.input_names,
            "constants": tuple(values),
            "equations": tuple(map(new_equation, kept)),
            "outputs": tuple([new[i] for i in self.outputs]),
            "specs": (*[specs[k] for k in self.inputs], *map(Spec.of, values), *kept_specs),
            "takes": self.takes,
            "gives": self.gives,
            "labels": {new[k]: name for k, name in self.labels.items() if new[k] >= first},
        }


def plain(value: Any) -> Any:
    """Return a value as Tensors hold it: a double alone is a Python float."""
    kind = type(value)
    if kind is np.float64:
        return float(value)
    if kind is np.ndarray and value.ndim == 0:
        return plain(value[()])
    return value


def freeze(x: Any) -> Any:
    """Return a hashable stand-in that is equal for values of the same bits only."""
    if isinstance(x, (np.ndarray, np.generic)):
        return ("array", str(x.dtype), x.shape, x.tobytes())
    if type(x) is float:
        return ("float", x.hex())
    if isinstance(x, (tuple, list)):
        return (type(x), *map(freeze, x))
    if isinstance(x, slice):
        return ("slice", freeze(x.start), freeze(x.stop), freeze(x.step))
    if isinstance(x, Mapping):
        return ("map", *((key, freeze(x[key])) for key in sorted(x)))
    return (type(x), x)


def describe(equation: Equation, names: Sequence[str]) -> str:
    """Return the right-hand side of an equation for people.

    Args:
        equation: an equation.
        names: one name a variable.
    """
    row = equation.row
    operands = [names[i] for i in equation.inputs]
    symbol = row.symbol
    if symbol is not None and not equation.params:
        if len(operands) == 2:
            return f"{operands[0]} {symbol} {operands[1]}"
        if symbol == "neg":
            return f"-{operands[0]}"
    if row.is_variadic:
        operands = [f"[{', '.join(operands)}]"]
    settings = (f"{k}={_short(v)}" for k, v in equation.settings(names).items())
    return f"{row.name}({', '.join([*operands, *settings])})"


class Name(str):
    """The name of a variable where a parameter stands; it is written without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _short(setting: Any) -> str:
    if isinstance(setting, np.ndarray) and setting.size > 6:
        return f"<{Spec.of(setting)}>"
    return " ".join(repr(setting).split())


def identifier(name: str, taken: Collection[str]) -> str:
    """Return a valid Python name like `name`, different from those taken."""
    base = re.sub(r"\W+", "_", name).strip("_") or "x"
    if base[0].isdigit() or keyword.iskeyword(base) or base in _RESERVED:
        base = f"{base}_" if not base[0].isdigit() else f"x{base}"
    found, k = base, 1
    while found in taken:
        k += 1
        found = f"{base}_{k}"
    return found


_RESERVED = frozenset(dir(builtins)) | {"np", "math", "scipy", "out", "self"}


LARGE = 1 << 20
"""Entries from which a sample is mostly zeros."""


def sample(spec: Spec) -> Any:
    """Return a value that most operations accept: positive, and regular where it is a matrix."""
    shape, dtype = spec
    if dtype.kind in "iu":
        return np.zeros(shape, dtype)[()]
    if not shape:
        return 0.5 if dtype == np.float64 else dtype.type(0.5)
    # in place, and of zeros that take no memory until they are written: the input of a large batch
    # is not to take several times its size
    if math.prod(shape) > LARGE:
        value = np.zeros(shape, dtype)
        if len(shape) > 1 and shape[-2] == shape[-1]:
            diagonal = np.arange(shape[-1])
            value[..., diagonal, diagonal] = 1
        return value
    value = np.arange(math.prod(shape), dtype=dtype if dtype.kind == "f" else float)
    value *= 0.1 / max(value.size, 1)
    value += 0.3
    value = value.reshape(shape)
    if len(shape) > 1:
        diagonal = np.arange(min(shape[-2:]))
        value[..., diagonal, diagonal] += 1
    return value.astype(dtype, copy=False)


def fitted(x: Any, spec: Spec, name: str) -> Any:
    """Return an argument as the input of a graph: checked, and a float if it is one double."""
    if type(x) is float and not spec.shape and spec.dtype == np.float64:
        return x
    value = value_of(x)
    if isinstance(value, np.ndarray) and type(value) is not np.ndarray:
        if isinstance(value, np.ma.MaskedArray):
            raise DTypeError(message(f"numbers for {name}", "a masked array", "x.filled(value)"))
        value = np.asarray(value)  # which computes as arrays do
    if np.shape(value) != spec.shape:
        raise ShapeError(
            message(
                f"{name} of shape {spec.shape}, as when the graph was traced",
                f"shape {np.shape(value)} at {user_line()}",
                "tracing again with an example of that shape, or autograd.compile, which does",
            )
        )
    dtype = np.result_type(value)
    if isinstance(value, np.ndarray) and not value.dtype.isnative:
        value = value.astype(NATIVE.get(dtype, dtype))
    if dtype != spec.dtype:
        widens = dtype.kind in "iub" and spec.dtype == np.float64
        widens = widens or (dtype == np.float16 and spec.dtype == np.float32)
        if not widens or isinstance(x, Node):
            raise DTypeError(
                message(
                    f"{name} of dtype {spec.dtype}, as when the graph was traced",
                    f"dtype {dtype} at {user_line()}",
                    f"x.astype({spec.dtype}), or tracing again",
                )
            )
        value = np.asarray(value).astype(spec.dtype)[()]
    return x if isinstance(x, Node) else plain(value)
