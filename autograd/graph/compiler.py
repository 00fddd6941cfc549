"""`compile`: a function that is traced once a signature and then runs as a program."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Collection, Sequence
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np

from ..errors import ArgumentError, GraphError, message
from ..node import Node, adopt, value_of
from ..primitive import Primitive
from ..recording import mode, traced
from ..run import differentiating, name_of
from .adjoint import Tracer
from .arrays import ArrayPlan
from .cache import Recent
from .calling import MISSED, flat, is_nest, nest_text, put_together, taken_apart, way_in
from .definitions import Definitions
from .emit import beyond_floats, beyond_forms, is_scalar, load, scalar_body
from .equations import SCALAR, Listing, Spec, fitted
from .forms import float_text
from .ir import Graph
from .native import Native
from .plan import Plan
from .recorder import record, uncollected
from .rewriting import simplified
from .tree import LEAF, Structure, flatten, leaves_of, unflatten
from .unrolling import of_entries, unrolled
from .wrapping import Wrapping, require_backend, require_count

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
        recorded: the same before simplification.
        backend: how to run it.
        captured: Tensors that follow the arguments as inputs, read at every call.
        slow: what a call with arguments other than floats goes to, where there is a way in that
            takes the arguments as they come.
        entries: a graph of numbers to run instead, those that arrays consist of.
    """

    def __init__(
        self,
        graph: Graph,
        recorded: Listing,
        backend: str,
        captured: Sequence[Node],
        slow: Callable[..., Any] | None,
        entries: Graph | None = None,
    ) -> None:
        self.graph = graph
        self.run_of = graph if entries is None else entries
        self._results = None if entries is None else [graph.specs[i] for i in graph.outputs]
        self._recorded = recorded
        self.captured = tuple(captured)
        self.backend = backend
        self.plans: list[Plan | ArrayPlan] = []
        self.text = ""
        self.gives = graph.gives if is_nest(graph.gives) else flat(graph.gives)
        if entries is not None:
            self.gives = entries.gives
        self.direct: Callable[..., Any] | None = None
        at_once = slow is not None and self.gives == graph.gives and entries is None
        other = slow if slow is not None and at_once else _missed
        self._buffers = self._bytes = 0
        if backend == "numpy" or (backend == "llvm" and not is_scalar(self.run_of)):
            self.plan: type[Plan] | type[ArrayPlan] = Plan if backend == "numpy" else ArrayPlan
            self.plans.append(plan := self.plan(graph))
            self.run: Callable[[Sequence[Any]], list[Any]] = self._planned
            self.text, self._buffers, self._bytes = plan.source, len(plan.buffers), plan.bytes
        elif backend == "python":
            self.direct = _straight(self.run_of, self.gives, self._corner, other)
            self.run = self._flatly
        else:
            native = Native(self.run_of, self.gives, other)
            self.run, self.direct = native, native.direct
        self._numbers = self.run
        if entries is not None:
            self.run = self._by_entry
        self.way_in = self.direct if at_once and self.direct else self._way_in()

    @functools.cached_property
    def traced(self) -> Graph:
        """The graph before simplification, whose derivatives have the bits of the function's."""
        return Graph(**self._recorded.parts())

    @property
    def stats(self) -> Stats:
        """What the program consists of."""
        sizes = len(self.traced), len(self.run_of)
        return Stats(self.backend, *sizes, self._buffers, self._bytes)

    def __call__(self, leaves: Sequence[Any]) -> list[Any]:
        """Return the leaves of the result for the leaves of the arguments, unchecked."""
        return self.run([*leaves, *[t._value for t in self.captured]])

    def result(self, values: Sequence[Any]) -> Any:
        """Return the result for bound inputs."""
        gives = self.graph.gives
        if self.direct is None or self._results is not None:
            return unflatten(gives, iter(self.run(values)))
        found = self.direct(*values)
        return found if self.gives == gives else unflatten(gives, iter(found))

    def _way_in(self) -> Callable[..., Any] | None:
        graph = self.graph
        specs = None
        run: Callable[..., Any] = self.run
        if self.direct is None and self._results is not None:
            return None
        if self.direct is not None:
            run = self.direct
        if self.direct is None or self._results is not None:
            specs = graph.specs[: len(graph.input_names) - len(self.captured)]
        whole = self.direct is not None and self._results is None and self.gives == graph.gives
        gives = None if whole else graph.gives
        return way_in(graph.takes, specs, self.captured, run, gives, self._results)

    def _corner(self, *values: Any) -> Any:
        """Return what `direct` does where floats raise."""
        return unflatten(self.gives, iter(self.run_of.run(values)))

    def _by_entry(self, values: Sequence[Any]) -> list[Any]:
        """Run a program of the entries of arrays on the arrays."""
        assert self._results is not None
        return put_together(self._numbers(taken_apart(values)), self._results)

    def _flatly(self, values: Sequence[Any]) -> list[Any]:
        assert self.direct is not None
        return list(leaves_of(self.gives, self.direct(*values)))

    def _planned(self, values: Sequence[Any]) -> list[Any]:
        """Run a plan that no other thread is running."""
        try:
            plan = self.plans.pop()
        except IndexError:
            plan = self.plan(self.graph)
        try:
            return plan(values)
        finally:
            self.plans.append(plan)


def _missed(*_: Any) -> Any:
    return MISSED


def _straight(
    graph: Graph, gives: Structure, corner: Callable[..., Any], slow: Callable[..., Any]
) -> Callable[..., Any]:
    """Return a scalar graph as a straight line on floats, with its guards inside.

    Args:
        graph: a scalar graph.
        gives: the tuples and lists that the result is made of.
        corner: takes over where floats raise.
        slow: takes over where an input is no float.
    """
    names = graph.names(float_text)
    scope = Bound(names)
    lines = scalar_body(graph, names, scope)
    arguments = ", ".join(graph.input_names)
    result = nest_text(gives, iter(names[i] for i in graph.outputs))
    guard = " is ".join([*(f"type({name})" for name in graph.input_names), "float"])
    text = [f"def run({arguments}):", f"    if {guard}:", "        try:"]
    text += [f"            {line}" for line in [*lines, f"return {result}"]]
    text += ["        except (ArithmeticError, ValueError):"]
    text += [f"            return _corner({arguments})", f"    return _slow({arguments})", ""]
    # no input has a name that begins so
    return load("\n".join(text), "run", {**scope.values, "_corner": corner, "_slow": slow})


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


class Compiled(Wrapping):
    """A function that runs as programs, one for each signature it was called with.

    Args:
        f: the function.
        backend: "auto", "python", "numpy" or "llvm".
        updates: how many leading results are new values of the leading arguments.
        limit: how many programs to keep; the one not used for longest goes first.
    """

    def __init__(self, f: Callable[..., Any], backend: str, updates: int, limit: int) -> None:
        require_backend(backend, BACKENDS)
        require_count("updates", updates, 0, "0")
        require_count("limit", limit, 1, "64")
        super().__init__(f, backend, updates, limit)
        self.backend = backend
        self.updates = updates
        self.programs: Recent[Program] = Recent(limit)
        self._latest: Program | None = None
        # the latest program's way in, and the number of arguments by position that it takes
        self._way_in: tuple[Callable[..., Any], int] = (_missed, 0)
        # the same for a program that takes arguments by keyword, and their names
        self._named_way_in: tuple[Callable[..., Any], int, tuple[str, ...]] = (_missed, 0, ())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the program for these arguments; make it at the first call of their signature."""
        if not kwargs:
            way_in, arity = self._way_in
            if len(args) == arity:
                result = way_in(*args)
                if result is not MISSED:
                    return result
        else:
            way_in, arity, names = self._named_way_in
            if len(args) == arity and tuple(kwargs) == names:
                result = way_in(*args, *kwargs.values())
                if result is not MISSED:
                    return result
        return self._call(args, kwargs)

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if self.updates > len(args):
            raise ArgumentError(
                message(
                    f"{self.updates} positional arguments whose Tensors are updated",
                    f"{len(args)}",
                    f"passing them by position, or updates={len(args)}",
                )
            )
        leaves, takes, specs = self._signature(args, kwargs)
        program = self._found(args, kwargs, takes, specs)
        graph, captured = program.graph, program.captured
        nested = not self.updates and (
            any(isinstance(x, Node) and (x.requires_grad or traced(x)) for x in leaves)
            or (captured and differentiating())
        )
        values: list[Any] = [
            fitted(x if nested else value_of(x), spec, name)
            for x, spec, name in zip(leaves, graph.specs, graph.input_names, strict=False)
        ]
        if nested or (mode.tracing and any(map(traced, captured))):
            return unflatten(graph.gives, iter(program.traced.run([*values, *captured])))
        result = program.result([*values, *map(_held, captured)])
        return self._updated(args, result) if self.updates else result

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
            return Graph(**record(self.function, args, kwargs, Tracer(lift=True))[0].parts())

    def _signature(self, args: Any, kwargs: Any) -> tuple[list[Any], Structure, tuple[Spec, ...]]:
        leaves, takes = flatten((args, kwargs))
        return leaves, takes, tuple([_spec(x) for x in leaves])

    def _found(self, args: Any, kwargs: Any, takes: Structure, specs: Any) -> Program:
        program = self.programs.get((takes, specs))
        if program is None:
            with uncollected():
                program = self.programs.add((takes, specs), self._built(args, kwargs, takes))
        way_in = _missed if program.way_in is None or self.updates else program.way_in
        # one of both, so that a call of another program comes here and makes it the latest
        self._latest = program
        self._way_in = (_missed, 0) if kwargs else (way_in, len(args))
        self._named_way_in = way_in if kwargs else _missed, len(args), tuple(kwargs)
        return program

    def _built(self, args: Any, kwargs: Any, takes: Structure) -> Program:
        listing, captured = record(self.function, args, kwargs, Tracer(lift=True))
        graph, kept = Graph(**simplified(listing).parts()), ""
        if self.backend != "numpy":
            graph, kept = unrolled(graph)
        graph = graph.scalarised()
        entries = None if self.backend == "numpy" else of_entries(graph)
        if entries is not None:
            entries = entries.scalarised()
            beyond = beyond_floats(entries)
            if beyond or (self.backend != "python" and beyond_forms(entries)):
                entries = None
        chosen = self._chosen(graph if entries is None else entries, kept)
        plain = not captured and not kwargs and takes[2][0][2] == (LEAF,) * len(args)
        slow = (lambda *given: self._call(given, {})) if plain and not self.updates else None
        return Program(graph, listing, chosen, captured, slow, entries)

    def _chosen(self, graph: Graph, kept: str) -> str:
        if self.backend == "auto":
            if not is_scalar(graph):
                return "numpy"
            # native code takes rows that say what they do to floats; NumPy has the others
            native = find_spec("llvmlite") and not beyond_forms(graph)
            return "llvm" if native else "python"
        found = ""
        if self.backend == "python":
            found = kept or beyond_floats(graph)
        elif self.backend == "llvm" and is_scalar(graph):
            found = beyond_forms(graph)
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
            old, given = flatten(args[k])
            new, made = flatten(found[k] if k < len(found) else None)
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
                    f"{name_of(self.function)} to have been compiled",
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
        return program.text or program.run_of.source

    @property
    def stats(self) -> Stats:
        """What the latest program consists of."""
        return self._program().stats


def _spec(x: Any) -> Spec:
    """Return the spec of an argument; whole numbers alone are floats."""
    value = value_of(x)
    return SCALAR if type(value) is float or type(value) is int else Spec.of(value)


def _held(t: Node) -> Any:
    """Return the value of a captured Tensor; a trace elsewhere may have set its float aside."""
    value = t._value
    return float(value) if type(value) is np.float64 else value


def compile(
    f: Callable[..., Any], *, backend: str = "auto", updates: int = 0, limit: int = 64
) -> Compiled:
    """Return a function with the results of `f` that runs at the speed of straight-line code.

    It is traced at the first call with arguments of some structure, shapes and dtypes; Tensors it
    refers to are read at every call. Called with Tensors that need a gradient, or inside another
    transform, it runs its graph so that it can be differentiated; results are plain otherwise.

    Args:
        f: a function of numbers, arrays, Tensors and containers of them.
        backend: "python" runs floats in a straight line; "numpy" runs arrays with planned
            buffers, with the bits of `f`; "llvm" runs machine code (extra `llvm`), on arrays with
            sums and products of matrices that round otherwise; "auto" takes "numpy" for functions
            of arrays, for others, and those that take numbers out of arrays one by one, "llvm"
            where it is installed and "python" where not.
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
