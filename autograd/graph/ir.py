"""`Graph`: a computation as a value, a list of equations over the rows of the table.

A variable is a number: first the inputs, then the constants, then one an equation. A graph adds no
operation, rule or shape rule to those of the table: it is run by calling its rows.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from operator import itemgetter
from types import MappingProxyType
from typing import Any

import numpy as np

from ..errors import ArgumentError, GraphError, message
from ..html import html_table
from ..node import Node
from ..observers import Observer
from ..primitive import Primitive
from ..recording import user_line
from ..tensor import apply
from .adjoint import Tracer
from .c import c_of
from .emit import source_of
from .equations import (
    Columns,
    Equation,
    Listing,
    Spec,
    describe,
    fitted,
    freeze,
    identifier,
    locked,
    map_refs,
    plain,
    refs_of,
    sample,
    settled,
)
from .export import onnx_of
from .latex import latex_of
from .lowering import opened
from .recorder import record, record_of, uncollected
from .rewriting import simplified
from .spelling import OF_NUMBERS
from .tree import LEAF, Structure, flatten, leaf_count, paths_of, unflatten

SHOWN = 200


@dataclass(frozen=True, eq=False, repr=False)
class Graph:
    """An immutable computation with named inputs and outputs; made by `trace` or `Graph.of`.

    Args:
        name: what it is called.
        input_names: one an input, valid Python names.
        constants: plain values: numbers and arrays.
        equations: the operations, each after those it depends on.
        outputs: the variables that are results.
        specs: shape and dtype of every variable.
        takes: the structure of the arguments, positional and by name.
        gives: the structure of the result.
        labels: names that the program gave to results; kept as a read-only mapping.
        one_way: why it must not be called, if it must not.
    """

    name: str
    input_names: tuple[str, ...]
    constants: tuple[Any, ...]
    equations: tuple[Equation, ...]
    outputs: tuple[int, ...]
    specs: tuple[Spec, ...]
    takes: Structure
    gives: Structure
    labels: Mapping[int, str] = field(default_factory=dict)
    one_way: str = ""

    def __post_init__(self) -> None:
        known = self.first
        if len(self.specs) != known + len(self.equations):
            raise GraphError(
                message(
                    f"one spec for each of {known + len(self.equations)} variables of {self.name}",
                    f"{len(self.specs)}",
                    "autograd.trace, which makes them",
                )
            )
        equations = tuple(self.equations)
        if any(type(e.params) is not MappingProxyType for e in equations):
            equations = tuple(map(settled, equations))
        for k, (row, inputs, params, _) in enumerate(equations, known):
            for i in (*inputs, *refs_of(params)) if params else inputs:
                if not 0 <= i < k:
                    raise GraphError(
                        message(
                            f"equation {k - known} of {self.name} to use variables made before it",
                            f"variable {i} in {row.name}",
                            "ordering the equations",
                        )
                    )
        object.__setattr__(self, "labels", MappingProxyType(dict(self.labels)))
        object.__setattr__(self, "constants", tuple(map(locked, self.constants)))
        object.__setattr__(self, "equations", equations)

    def __reduce__(self) -> Any:
        given = {f.name: getattr(self, f.name) for f in fields(self)}
        return _rebuilt, ({**given, "labels": dict(self.labels)},)

    # ---- reading ---------------------------------------------------------------------------------

    @property
    def first(self) -> int:
        """The variable of the first equation."""
        return len(self.input_names) + len(self.constants)

    @property
    def output_names(self) -> tuple[str, ...]:
        """One an output: what the program called it, or where it stands in the result.

        Example:
            >>> trace(lambda x: {"double": 2 * x, "parts": (x, -x)}, 1.0).output_names
            ('result_double', 'result_parts_0', 'result_parts_1')
        """
        names = list(self.input_names)
        for i, path in zip(self.outputs, paths_of(self.gives, "result"), strict=True):
            names.append(identifier(self.labels.get(i) or path, names))
        return tuple(names[len(self.input_names) :])

    def constant(self, variable: int) -> Any:
        """Return the value of a constant variable, None for any other."""
        k = variable - len(self.input_names)
        return self.constants[k] if 0 <= k < len(self.constants) else None

    def is_constant(self, variable: int) -> bool:
        """Whether a variable is a constant."""
        return len(self.input_names) <= variable < self.first

    @functools.cached_property
    def kinds(self) -> list[tuple[Primitive, Spec]]:
        """The different operations, with the specs of their results."""
        rows = map(itemgetter(0), self.equations)
        return list(dict.fromkeys(zip(rows, self.specs[self.first :], strict=True)))

    @functools.cached_property
    def parametrised(self) -> list[Equation]:
        """The equations with parameters."""
        return list(filter(itemgetter(2), self.equations))

    def numbered(self) -> Iterator[tuple[int, Equation]]:
        """Go through the equations with the variables they define."""
        return enumerate(self.equations, self.first)

    @property
    def __name__(self) -> str:
        """What functions derived from this one are called."""
        return self.name

    @property
    def __signature__(self) -> inspect.Signature:
        """The parameters: the inputs where the arguments are plain, made-up names otherwise."""
        names = iter(self.input_names)
        kinds = inspect.Parameter
        found = []
        for k, part in enumerate(self.takes[2][0][2]):
            leaves = [next(names) for _ in range(leaf_count(part))]
            name = leaves[0] if part == LEAF else f"x{k}"
            found.append(kinds(name, kinds.POSITIONAL_OR_KEYWORD))
        found += [kinds(key, kinds.KEYWORD_ONLY) for key in self.takes[2][1][1]]
        return inspect.Signature(found)

    def __len__(self) -> int:
        return len(self.equations)

    def __repr__(self) -> str:
        names = self.names()
        head = ", ".join(f"{n}: {s}" for n, s in zip(self.input_names, self.specs, strict=False))
        lines = [f"{self.name}({head}):"]
        for variable, equation in self.numbered():
            if variable - self.first == SHOWN and len(self) > SHOWN + 1:
                lines.append(f"    ... {len(self) - SHOWN} more equations")
                break
            lines.append(f"    {names[variable]} = {describe(equation, names)}")
        results = ", ".join(names[i] for i in self.outputs)
        return "\n".join([*lines, f"    return {results}"])

    def _repr_html_(self) -> str:
        """Show the equations as a table in a notebook."""
        names = self.names()
        rows = [(n, "input", str(s)) for n, s in zip(self.input_names, self.specs, strict=False)]
        for variable, equation in list(self.numbered())[:SHOWN]:
            rows.append((names[variable], describe(equation, names), str(self.specs[variable])))
        results = ", ".join(names[i] for i in self.outputs)
        left_out = len(self) - SHOWN
        if left_out > 0:
            rows.append(("...", f"{left_out:,} more equations", ""))
        caption = f"{self.name} returns {results}"
        return html_table(["variable", "computed as", "type"], rows, caption)

    def names(self, number: Callable[[float], str] | None = None) -> list[str]:
        """Return one readable name a variable; numbers are called by their value.

        Args:
            number: how a number is written if every constant is a float.
        """
        found = list(self.input_names)
        taken = set(found)
        hoisted = 0
        for c in self.constants:
            if number is not None:
                found.append(repr(bool(c)) if isinstance(c, (bool, np.bool_)) else number(float(c)))
            elif np.shape(c) == () and isinstance(c, (int, float)):
                found.append(f"({c!r})" if c < 0 else repr(c))
            else:
                found.append(_free(f"c{hoisted}", taken))
                hoisted += 1
        for variable, _ in self.numbered():
            label = self.labels.get(variable, "")
            base = identifier(label, ()) if label else f"v{variable - self.first}"
            found.append(_free(base, taken))
        return found

    def __eq__(self, other: object) -> bool:
        return type(other) is Graph and self._key() == other._key()

    def __hash__(self) -> int:
        return hash((self.name, self.input_names, len(self.equations), self.outputs))

    def _key(self) -> Any:
        return (
            self.name,
            self.input_names,
            freeze(self.constants),
            [(e.row, e.inputs, freeze(e.params)) for e in self.equations],
            self.outputs,
            self.specs,
            self.takes,
            self.gives,
            dict(self.labels),
        )

    # ---- running ---------------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the graph: on plain values plainly, on Tensors so that it can be differentiated.

        Raises:
            ArgumentError: if the arguments have another structure than the examples had.
            ShapeError: if a shape differs.
            DTypeError: if a dtype differs.
        """
        if self.one_way:
            raise GraphError(
                message(
                    f"a graph that follows its inputs to call {self.name}",
                    self.one_way,
                    "autograd.trace of the function instead of Graph.of its result",
                )
            )
        results = self.run(self.bind(args, kwargs))
        return unflatten(self.gives, iter(results))

    def bind(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
        """Return the inputs that arguments stand for, checked against the specs."""
        leaves, structure = flatten((tuple(args), dict(kwargs)))
        if structure != self.takes and kwargs:
            # an input that was positional in the trace may be given by its name
            with contextlib.suppress(TypeError, ValueError):
                named = self.__signature__.bind(*args, **kwargs)
                leaves, structure = flatten((named.args, named.kwargs))
        if structure != self.takes:
            raise ArgumentError(
                message(
                    f"arguments of {self.name} built like the examples it was traced with",
                    f"{len(leaves)} values in another structure at {user_line()}",
                    f"the inputs {', '.join(self.input_names)}, or tracing again",
                )
            )
        return [
            fitted(x, spec, name)
            for x, spec, name in zip(leaves, self.specs, self.input_names, strict=False)
        ]

    def run(self, inputs: Sequence[Any]) -> list[Any]:
        """Return the outputs for bound inputs: each row is called once."""
        memory = [*inputs, *self.constants]
        recorded = any(isinstance(x, Node) for x in inputs)
        with np.errstate(all="ignore"):
            for row, operands, params, _ in self.equations:
                values = [memory[i] for i in operands]
                settings = map_refs(params, memory.__getitem__)
                if recorded:
                    memory.append(_recorded(row, values, settings))
                else:
                    memory.append(plain(row.evaluate(values, settings)))
        return [memory[i] for i in self.outputs]

    def check(self) -> Graph:
        """Run every equation on sample values and compare with its spec.

        Returns:
            This graph.

        Raises:
            GraphError: naming the first equation that is not well-formed.
        """
        with np.errstate(all="ignore"):
            for variable, (row, operands, params, _) in self.numbered():
                values = [
                    self.constant(i) if self.is_constant(i) else sample(self.specs[i])
                    for i in operands
                ]
                settings = map_refs(params, lambda i: sample(self.specs[i]))
                try:
                    found: Any = Spec.of(row.evaluate(values, settings))
                except Exception as error:
                    found = f"{type(error).__name__}: {error}"
                if found != self.specs[variable]:
                    raise GraphError(
                        message(
                            f"variable {variable} of {self.name} to be {self.specs[variable]}",
                            f"{found} from {row.name}",
                            "autograd.trace, which makes well-formed graphs",
                        )
                    )
        return self

    # ---- deriving --------------------------------------------------------------------------------

    @staticmethod
    def of(tensor: Node, name: str = "graph") -> Graph:
        """Return the record of a Tensor: its leaves are the inputs.

        Comparisons gave plain values when the record was made, so conditions are constants.

        Args:
            tensor: the result of operations.
            name: what the graph is called.

        Example:
            >>> from autograd import Tensor
            >>> x = Tensor(3.0, name="x")
            >>> Graph.of(x * x + 1.0)
            graph(x: float64):
                v0 = x * x
                v1 = v0 + 1.0
                return v1
        """
        return Graph(**record_of(tensor, name))

    def simplify(self, exact: bool = True) -> Graph:
        """Return a smaller graph with the same results; see `autograd.graph.rewriting`.

        Args:
            exact: False to allow identities that may change a last bit, a signed zero or a nan.
        """
        with uncollected():
            return replace(self, **simplified(self._listing(), exact).parts())

    @property
    def source(self) -> str:
        """The graph as Python text that needs NumPy only, or nothing if it is scalar."""
        return source_of(self)

    def to_c(self) -> str:
        """Return a graph of floats as one C99 function; see `autograd.graph.c`.

        Raises:
            ArgumentError: if a value is an array.
        """
        return c_of(self)

    def to_latex(self) -> str:
        """Return a graph of floats as LaTeX; see `autograd.graph.latex`.

        Raises:
            ArgumentError: if a value is an array.
        """
        return latex_of(self)

    def to_onnx(self) -> Any:
        """Return the graph as an ONNX model of opset 18; see `autograd.graph.export`.

        Returns:
            An `onnx.ModelProto`, checked by ONNX; its inputs have the names of the graph's.

        Raises:
            MissingExtraError: if the extra `onnx` is not installed.
            ArgumentError: naming the operation, if ONNX lacks one.
        """
        return onnx_of(self)

    def scalarised(self) -> Graph:
        """Return the graph on rows that say what they do to floats, where that is possible."""
        if any(spec.shape for spec in set(self.specs)):
            return self
        if any(row.scalar is None for row, _ in self.kinds) or any(
            e.params for e in self.equations
        ):
            return opened(self, (), OF_NUMBERS).simplify()
        return self

    def _listing(self) -> Listing:
        columns = Columns()
        for spec in self.specs[: self.first]:
            columns.add(None, (), spec)
        for (row, inputs, params, origin), spec in zip(
            self.equations, self.specs[self.first :], strict=True
        ):
            columns.add(row, inputs, spec, params, origin)
        return Listing(
            name=self.name,
            input_names=self.input_names,
            inputs=range(len(self.input_names)),
            constants=dict(enumerate(self.constants, len(self.input_names))),
            columns=columns,
            outputs=self.outputs,
            takes=self.takes,
            gives=self.gives,
            labels=self.labels,
        )

    def renamed(self, name: str) -> Graph:
        """Return the same graph under another name."""
        return replace(self, name=name)

    def __chainrule_retrace__(self, derived: Callable[..., Any], times: int) -> Graph:
        """Return a function derived from this graph as a graph."""
        args, kwargs = unflatten(self.takes, (sample(spec) for spec in self.specs))
        if self.one_way:
            self(*args, **kwargs)
        return trace(derived, *(args * times), **kwargs)


def _rebuilt(given: dict[str, Any]) -> Graph:
    return Graph(**given)


def _free(base: str, taken: set[str]) -> str:
    name, k = base, 1
    while name in taken:
        k += 1
        name = f"{base}_{k}"
    taken.add(name)
    return name


def _recorded(row: Primitive, values: list[Any], settings: Mapping[str, Any]) -> Any:
    if isinstance(row, Observer):
        return row(*values, **settings)
    if any(isinstance(x, Node) for x in values):
        return apply(row, tuple(values), dict(settings))
    return plain(row.evaluate(values, settings))


def trace(f: Callable[..., Any], *examples: Any, **named: Any) -> Graph:
    """Return what `f` computes as a Graph, by running it once on example values.

    The graph holds for other values of the same shapes and dtypes: comparisons are recorded, so
    np.where chooses anew at every call. Tensors and arrays that `f` refers to without being
    given them are frozen at their present values.

    Args:
        f: a function of numbers, arrays, Tensors and containers of them.
        examples: arguments whose structure, shapes and dtypes the graph will have; bools,
            strings and None are fixed.
        named: the same, by keyword.

    Returns:
        The graph.

    Raises:
        TraceError: if `f` branches on a traced value or takes it out of the trace.
        DTypeError: if an example or a result is no number.

    Example:
        >>> import numpy as np
        >>> trace(lambda x, y: np.where(x > y, x * y, 0.0), 3.0, 2.0)
        graph(x: float64, y: float64):
            v0 = x > y
            v1 = x * y
            v2 = where(v0, v1, 0.0)
            return v2
    """
    with uncollected():
        return Graph(**record(f, examples, named, Tracer())[0].parts())
