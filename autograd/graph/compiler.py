"""`compile`: a function that is traced once a signature and then runs as a program."""

from __future__ import annotations

import functools
import gc
import math
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np

from ..errors import ArgumentError, GraphError, message
from ..node import Node, adopt, value_of
from ..primitive import Primitive
from ..recording import mode, traced
from .definitions import Definitions
from .emit import beyond_floats, beyond_forms, is_scalar, load, scalar_body
from .equations import SCALAR, Spec, fitted
from .forms import float_text
from .ir import Graph
from .native import Native
from .plan import Plan
from .recorder import Recorder, record, require_function
from .tree import LEAF, Structure, flatten, unflatten

BACKENDS = ("auto", "python", "numpy", "llvm")


class Stats(NamedTuple):
    """What compiling a function came to.

    Args:
        backend: what runs it.
        traced: operations the function performed.
        operations: operations left after simplification.
        buffers: arrays the program keeps.
        bytes: their size.
    """

    backend: str
    traced: int
    operations: int
    buffers: int
    bytes: int


class Program:
    """A graph made ready by a backend: a function from bound inputs to outputs.

    Args:
        graph: what to run.
        traced: the same before simplification, whose derivatives have the bits of the function's.
        backend: how to run it.
        captured: Tensors that follow the arguments as inputs, read at every call.
        slow: what native code calls with arguments other than floats.
    """

    def __init__(
        self,
        graph: Graph,
        traced: Graph,
        backend: str,
        captured: Sequence[Node],
        slow: Callable[..., Any],
    ) -> None:
        self.graph = graph
        self.traced = traced
        self.captured = tuple(captured)
        self.backend = backend
        self.plans: list[Plan] = []
        self.text = ""
        self.direct: Callable[..., Any] | None = None
        buffers = size = 0
        if backend == "numpy":
            self.plans.append(plan := Plan(graph))
            self.run: Callable[[Sequence[Any]], list[Any]] = self._planned
            self.text, buffers, size = plan.source, len(plan.buffers), plan.bytes
        elif backend == "python":
            self.run = _careful(graph)
        else:
            native = Native(graph, slow)
            self.run, self.direct = native, native.direct
        self.stats = Stats(backend, len(traced), len(graph), buffers, size)

    def __call__(self, leaves: Sequence[Any]) -> list[Any]:
        """Return the leaves of the result for the leaves of the arguments, unchecked."""
        return self.run([*leaves, *[t._value for t in self.captured]])

    def _planned(self, values: Sequence[Any]) -> list[Any]:
        """Run a plan that no other thread is running."""
        try:
            plan = self.plans.pop()
        except IndexError:
            plan = Plan(self.graph)
        try:
            return plan(values)
        finally:
            self.plans.append(plan)


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep the cycle collector from walking, again and again, the many objects that a graph is."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def _careful(graph: Graph) -> Callable[[Sequence[Any]], list[Any]]:
    """Return the straight line on floats, with the graph itself where floats raise."""

    @functools.cache  # most calls go to the program with its guards inside: made when it is needed
    def straight() -> Callable[..., list[Any]]:
        names = graph.names(float_text)
        scope = Bound(names)
        lines = scalar_body(graph, names, scope)
        head = f"def run({', '.join(graph.input_names)}):"
        results = ", ".join(names[i] for i in graph.outputs)
        text = "\n".join([head, *(f"    {line}" for line in [*lines, f"return [{results}]"])])
        return load(text, "run", scope.values)

    def run(values: Sequence[Any]) -> list[Any]:
        try:
            return straight()(*values)
        except (ArithmeticError, ValueError):
            return graph.run(values)

    return run


class Bound(Definitions):
    """What a program refers to, as values: it is run where it is made."""

    def __init__(self, taken: Collection[str]) -> None:
        super().__init__(taken)
        self.values: dict[str, Any] = {"math": math, "np": np}

    def row(self, row: Primitive) -> str:
        """Return what the program calls the function of a row."""
        return self._named(row, row.name, lambda name: self.values.update({name: row.forward}))

    def constant(self, value: Any, base: str = "k") -> str:
        """Return what the program calls a constant."""
        return self._named(value, base, lambda name: self.values.update({name: value}))


class Compiled:
    """A function that runs as programs, one for each signature it was called with.

    Args:
        f: the function.
        backend: "auto", "python", "numpy" or "llvm".
        updates: how many leading results are new values of the leading arguments.
        limit: how many programs to keep; the one not used for longest goes first.
    """

    def __init__(self, f: Callable[..., Any], backend: str, updates: int, limit: int) -> None:
        if backend not in BACKENDS:
            raise ArgumentError(
                message(f"backend to be one of {', '.join(BACKENDS)}", repr(backend), '"auto"')
            )
        require_function(f)
        for name, number, least in (("updates", updates, 0), ("limit", limit, 1)):
            if not isinstance(number, (int, np.integer)) or number < least:
                raise ArgumentError(
                    message(f"{name} to be a whole number of at least {least}", repr(number), "1")
                )
        self.function = f
        self.backend = backend
        self.updates = updates
        self.limit = limit
        self.programs: OrderedDict[Any, Program] = OrderedDict()
        self._latest: Program | None = None
        self._fast: Callable[..., Any] | None = None
        self._arity = 0
        functools.update_wrapper(self, f, updated=())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the program for these arguments; make it at the first call of their signature."""
        fast = self._fast
        if fast is not None and not kwargs and len(args) == self._arity:
            return fast(*args)
        return self._call(args, kwargs)

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        leaves, takes, specs = self._signature(args, kwargs)
        nested = not self.updates and any(
            isinstance(x, Node) and (x.requires_grad or traced(x)) for x in leaves
        )
        before = self._fast
        program = self._found(args, kwargs, takes, specs)
        if self._fast is not before and self._fast is not None and not nested:
            return self._fast(*args)
        graph = program.graph
        values: list[Any] = [
            fitted(x if nested else value_of(x), spec, name)
            for x, spec, name in zip(leaves, graph.specs, graph.input_names, strict=False)
        ]
        values += program.captured if nested else [value_of(t) for t in program.captured]
        if nested or (mode.tracing and any(map(traced, program.captured))):
            return unflatten(graph.gives, iter(program.traced.run(values)))
        results = program.run(values)
        if not self.updates:
            return unflatten(graph.gives, iter(results))
        return self._updated(args, unflatten(graph.gives, iter(results)))

    def program(self, *args: Any, **kwargs: Any) -> Program:
        """Return the program for such arguments without running it.

        It takes their leaves as a flat list of plain values and checks none, which is for callers
        that run one program many times.
        """
        _, takes, specs = self._signature(args, kwargs)
        return self._found(args, kwargs, takes, specs)

    def traced(self, *args: Any, **kwargs: Any) -> Graph:
        """Return a new trace of such arguments, to compare with a program's."""
        with uncollected():
            return Graph(**record(self.function, args, kwargs, Recorder(lift=True))[0])

    def _signature(self, args: Any, kwargs: Any) -> tuple[list[Any], Structure, tuple[Spec, ...]]:
        leaves, _, takes = flatten((args, kwargs))
        return leaves, takes, tuple([_spec(x) for x in leaves])

    def _found(self, args: Any, kwargs: Any, takes: Structure, specs: Any) -> Program:
        try:
            program = self.programs.get((takes, specs))
        except TypeError as error:
            raise ArgumentError(
                message(
                    "arguments that are numbers, arrays, containers of them, or hashable",
                    str(error),
                    "functools.partial to fix the others",
                )
            ) from error
        if program is None:
            program = self._made(args, kwargs, takes, specs)
        else:
            self.programs.move_to_end((takes, specs))
        self._latest = program
        return program

    def _made(self, args: Any, kwargs: Any, takes: Structure, specs: Any) -> Program:
        with uncollected():
            return self._built(args, kwargs, takes, specs)

    def _built(self, args: Any, kwargs: Any, takes: Structure, specs: Any) -> Program:
        parts, captured = record(self.function, args, kwargs, Recorder(lift=True))
        raw = Graph(**parts)
        graph = raw.scalarised().simplify()
        backend = self._chosen(graph)
        program = Program(graph, raw, backend, captured, lambda *given: self._call(given, {}))
        self.programs[takes, specs] = program
        while len(self.programs) > self.limit:
            self.programs.popitem(last=False)
        self._fast = None
        plain = takes[2][0][2] == (LEAF,) * len(args) and not kwargs
        if len(self.programs) == 1 and plain and not captured and not self.updates:
            self._fast = program.direct
            self._arity = len(args)
            if backend == "python":
                self._fast = _direct(graph, self._call)
        return program

    def _chosen(self, graph: Graph) -> str:
        scalar = is_scalar(graph)
        if self.backend == "auto":
            if not scalar:
                return "numpy"
            # native code takes rows that say what they do to floats; NumPy has the others
            native = find_spec("llvmlite") and not beyond_forms(graph)
            return "llvm" if native else "python"
        found = "" if self.backend == "numpy" else beyond_floats(graph)
        if self.backend == "llvm":
            found = found or beyond_forms(graph)
        if found:
            raise ArgumentError(
                message(
                    f'a function of floats for backend="{self.backend}"',
                    f"{found} in {graph.name}",
                    'backend="numpy", or "auto", which chooses',
                )
            )
        return self.backend

    def _updated(self, args: tuple[Any, ...], results: Any) -> Any:
        """Assign the leading results to the Tensors of the leading arguments; return the rest."""
        found = results if isinstance(results, tuple) else (results,)
        pairs: list[tuple[Node, Any]] = []
        for k in range(self.updates):
            old, _, given = flatten(args[k])
            new, _, made = flatten(found[k] if k < len(found) else None)
            fits = given == made and all(
                isinstance(t, Node) and t.is_leaf and _spec(t) == _spec(v)
                for t, v in zip(old, new, strict=True)
            )
            if not fits:
                raise GraphError(
                    message(
                        f"result {k} to be new values for the leaf Tensors of argument {k}",
                        "another structure, shape, dtype, or plain values to update",
                        "returning new values in the structure of the argument",
                    )
                )
            pairs += zip(old, new, strict=True)
        adopt([t for t, _ in pairs], [value for _, value in pairs])
        rest = found[self.updates :]
        return rest[0] if len(rest) == 1 else rest

    # ---- reading ---------------------------------------------------------------------------------

    def _program(self) -> Program:
        if self._latest is None:
            raise GraphError(
                message(
                    f"{self.__name__} to have been compiled",  # type: ignore[attr-defined]
                    "no call so far",
                    "calling it once: the arguments tell shapes and dtypes",
                )
            )
        return self._latest

    @property
    def graph(self) -> Graph:
        """The simplified graph of the latest call; captured Tensors are its last inputs."""
        return self._program().graph

    @property
    def source(self) -> str:
        """The program of the latest call as text."""
        program = self._program()
        return program.text or program.graph.source

    @property
    def stats(self) -> Stats:
        """What the latest program consists of."""
        return self._program().stats


def _spec(x: Any) -> Spec:
    """Return the spec of an argument; whole numbers alone are floats."""
    value = value_of(x)
    return SCALAR if type(value) is float or type(value) is int else Spec.of(value)


def _direct(graph: Graph, slow: Callable[..., Any]) -> Callable[..., Any] | None:
    """Return the program of a scalar graph with its guards inside, None if it gives containers."""
    if not graph.input_names:
        return None
    names = graph.names(float_text)
    scope = Bound(names)
    lines = scalar_body(graph, names, scope)
    arguments = ", ".join(graph.input_names)
    result = _result_text(graph.gives, iter(names[i] for i in graph.outputs))
    if result is None:
        return None
    guard = " is ".join(f"type({name})" for name in graph.input_names) + " is float"
    text = [f"def run({arguments}):", f"    if {guard}:", "        try:"]
    text += [f"            {line}" for line in [*lines, f"return {result}"]]
    text += ["        except (ArithmeticError, ValueError):", "            pass"]
    text += [f"    return slow(({arguments},), {{}})", ""]
    return load("\n".join(text), "run", {**scope.values, "slow": slow})


def _result_text(structure: Structure, leaves: Any) -> str | None:
    if structure == LEAF:
        return str(next(leaves))
    if structure[0] != "sequence" or structure[1] not in (tuple, list):
        return None
    parts = [_result_text(part, leaves) for part in structure[2]]
    if None in parts:
        return None
    listed = ", ".join(str(part) for part in parts)
    if structure[1] is list:
        return f"[{listed}]"
    return f"({listed},)" if len(parts) == 1 else f"({listed})"


def compile(
    f: Callable[..., Any], *, backend: str = "auto", updates: int = 0, limit: int = 64
) -> Compiled:
    """Return a function with the results of `f` that runs at the speed of straight-line code.

    It is traced at the first call with arguments of some structure, shapes and dtypes; Tensors it
    refers to are read at every call. Called with Tensors that need a gradient, or inside another
    transform, it runs its graph so that it can be differentiated.

    Args:
        f: a function of numbers, arrays, Tensors and containers of them.
        backend: "python" runs floats in a straight line; "numpy" runs arrays with planned
            buffers; "llvm" runs floats as machine code (extra `llvm`); "auto" takes "numpy" for
            functions of arrays, for others "llvm" where it is installed and "python" where not.
        updates: so many leading results are new values of the leaf Tensors in so many leading
            arguments: they are assigned, and the remaining results are returned.
        limit: how many programs are kept, one a signature.

    Returns:
        The function, with `source`, `graph` and `stats` of the program that ran last.

    Raises:
        TraceError: at the first call, if `f` branches on values.
        ArgumentError: if the backend is unknown or cannot run `f`.

    Example:
        >>> from autograd import value_and_grad
        >>> fast = compile(value_and_grad(lambda x, y: x * y + x, (0, 1)))
        >>> fast(3.0, 2.0)
        (9.0, (3.0, 3.0))
        >>> fast.stats.operations
        3
    """
    return Compiled(f, backend, updates, limit)
