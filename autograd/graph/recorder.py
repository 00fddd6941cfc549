"""The recorder of a trace: what a function does on example values, as the parts of a Graph."""

from __future__ import annotations

import gc
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..errors import ArgumentError, DTypeError, GraphError, TraceError, message
from ..node import LEAF as MADE_BY_HAND
from ..node import Node, stored, toposort, value_of
from ..primitive import NON_DIFFERENTIABLE, Primitive
from ..primitives import astype, positive
from ..recording import enable_grad, mode, tape, taping
from ..run import differentiating
from ..tensor import Tensor
from .equations import (
    NOTHING,
    SCALAR,
    Columns,
    Listing,
    Ref,
    Spec,
    freeze,
    identifier,
    plain,
)
from .tree import LEAF, Structure, flatten, paths_of, unflatten


class Recorder:
    """The tape of one trace.

    Variables are numbered as they come, inputs and equations upwards, constants downwards from
    -1; `finish` puts them in the order of a Graph. What the fast lane of floats computes is seen
    in its records only, and written down when something looks at it.

    Args:
        lift: whether leaves that the function refers to become inputs, read at every call, and
            not constants.
    """

    def __init__(self, lift: bool = False) -> None:
        self.lift = lift
        self.outer = tape.get()
        self.number: dict[int, int] = {}
        self.nodes: dict[int, Node] = {}
        self.columns = Columns()
        self.constants: list[Any] = []
        self.known: dict[Any, int] = {}
        self.captured: list[Node] = []
        self.local: dict[int, Node] = {}
        self.interned = {SCALAR: SCALAR}
        self.origin: tuple[int, int] | None = None
        self.start = mode.tick()
        self.function: Callable[..., Any] | None = None
        self.stale = False

    # ---- what the engine calls -------------------------------------------------------------------

    def holds(self, x: Any) -> bool:
        """Whether `x` follows the inputs, or is a leaf that becomes one."""
        if id(x) in self.number:
            return True
        return isinstance(x, Node) and (self._settled(x) or (self.lift and self._is_captured(x)))

    def record(
        self, out: Any, row: Primitive, inputs: Sequence[Any], params: Mapping[str, Any]
    ) -> None:
        """Write down one operation if it follows the inputs."""
        follows = False
        for x in inputs:  # all of them, so that all are written down
            if isinstance(x, Node) and self.holds(x):
                follows = True
        if params:
            follows = any([self.holds(x) for x in _nodes_in(params)]) or follows
        if follows:
            self._write(out, row, inputs, params)
        else:
            self.local[id(out)] = out

    def _write(
        self, out: Node, row: Primitive, inputs: Sequence[Any], params: Mapping[str, Any]
    ) -> None:
        refs = tuple([self.refer(x) for x in inputs])
        if params:
            params = {key: self._with_refs(setting) for key, setting in params.items()}
        self._define(out, row, refs, params)

    def born(self, out: Any, data: Any) -> None:
        """Write down a fresh Tensor made of another."""
        if self.outer is not None:
            self.outer.born(out, data)  # it is none of the leaves that were there before
        if not self.holds(data):
            self.local[id(out)] = out
            return
        row: Primitive = positive
        params = NOTHING
        variable = self.refer(data)
        if self.columns.specs[variable].dtype != out.dtype:
            row, params = astype, {"dtype": out.dtype}
        self._define(out, row, (variable,), params)

    def explain(self, node: Any, index: int) -> None:
        """Note which step of the chain rule the next equations belong to."""
        k = self.number.get(id(node))
        if k is None and self.holds(node):
            k = self.refer(node)
        self.origin = None if k is None else (k, index)

    # ---- variables -------------------------------------------------------------------------------

    def input(self, value: Any, name: str) -> Tensor:
        """Return a traced Tensor for an example value."""
        out = Tensor(0.0, name=name)
        out._value = plain(_example(value, name))
        if np.result_type(out._value).kind != "f":
            out._op = None
        self._define(out)
        return out

    def refer(self, x: Any) -> int:
        """Return the variable of an operand."""
        if type(x) is float and x and x == x:
            k = self.known.get(x)
            if k is None:
                self.constants.append(x)
                k = self.known[x] = -len(self.constants)
            return k
        k = self.number.get(id(x))
        if k is not None:
            return k
        if isinstance(x, Node):
            if self._settled(x):
                return self.number[id(x)]
            outer = None if id(x) in self.local else self.outer
            if outer is not None and outer.holds(x):
                raise TraceError(
                    message(
                        "a traced function to be given what it needs as arguments",
                        f"{x.label}, which another trace around it follows",
                        "passing it to the inner function",
                    )
                )
            if self.lift and self._is_captured(x):
                return self._capture(x)
            elsewhere = id(x) not in self.local and x._clock < self.start
            if self.lift and elsewhere and x.requires_grad and differentiating():
                raise GraphError(
                    message(
                        "a compiled function to be given the results that a derivative follows",
                        f"{x.label}, which it refers to as a constant",
                        "passing it as an argument, or compiling the derivative instead",
                    )
                )
            x = plain(x._value)
        elif isinstance(x, np.ndarray) and not x.ndim:
            x = x[()]
        key = freeze(x) if np.shape(x) == () else id(x)
        if key not in self.known:
            self.constants.append(x)
            self.known[key] = -len(self.constants)
        return self.known[key]

    def _is_captured(self, x: Node) -> bool:
        if not x.is_leaf or id(x) in self.number or id(x) in self.local:
            return False
        return x._clock < self.start  # what the fast lane makes meanwhile is not written down

    def _capture(self, x: Node) -> int:
        self.captured.append(x)
        return self._define(x)

    def _settled(self, x: Node) -> bool:
        """Write down what the fast lane computed on the way to `x`; say if it follows the inputs.

        Every record is looked at once.
        """
        number, local, start, origin = self.number, self.local, self.start, self.origin
        waits, refer, add, nodes = self._waits, self.refer, self.columns.add, self.nodes
        waiting = [x]
        while waiting:
            node = waiting[-1]
            key = id(node)
            op = node._op
            if (
                key in number
                or key in local
                or op is None
                or op is MADE_BY_HAND
                or node._clock < start
            ):
                waiting.pop()
                continue
            entry = node._record
            if entry is not None:
                inputs = entry[0]
                before = [each for each in inputs if isinstance(each, Node) and waits(each, node)]
                if before:
                    waiting += before
                    continue
                waiting.pop()
                if self._follows(inputs):
                    self._write(node, op, inputs, entry[1])
                else:
                    local[key] = node
                continue
            left, right = node._x, node._y if op.arity == 2 else None
            # what is numbered is kept, so its id is its own
            b = number.get(id(right))
            if b is None and isinstance(right, Node) and waits(right, node):
                waiting.append(right)
                continue
            a = number.get(id(left))
            if a is None and isinstance(left, Node) and waits(left, node):
                waiting.append(left)
                continue
            waiting.pop()
            if a is None and b is None and not self._follows((left, right)):
                local[key] = node
                continue
            refs: tuple[int, ...] = (refer(left) if a is None else a,)
            if op.arity == 2:
                refs = (refs[0], refer(right) if b is None else b)
            # a scalar with a gradient, so `_define` would come to this
            k = number[key] = add(op, refs, SCALAR, NOTHING, origin)
            nodes[k] = node
        return id(x) in number

    def _waits(self, x: Node, node: Node) -> bool:
        """Whether an operand of `node` is to be written down, or found to be local, before it."""
        if id(x) in self.number or id(x) in self.local:
            return False
        if x._op is None or x._op is MADE_BY_HAND or x._clock < self.start:
            self.stale = self.stale or x._clock > node._clock
            return False
        return True

    def _follows(self, inputs: Sequence[Any]) -> bool:
        """Whether one of these operands follows the inputs, or is a leaf that becomes one."""
        return any(
            id(x) in self.number or (self.lift and self._is_captured(x))
            for x in inputs
            if isinstance(x, Node)
        )

    def _define(
        self,
        out: Node,
        row: Primitive | None = None,
        refs: tuple[int, ...] = (),
        params: Mapping[str, Any] = NOTHING,
    ) -> int:
        if type(out._value) is float:
            spec = SCALAR
            if out._op is None:
                # keeps it off the fast lane, which leaves no record of what needs no gradient
                out._value = np.float64(out._value)
        else:
            spec = Spec.of(out._value)
            spec = self.interned.setdefault(spec, spec)
        k = self.number[id(out)] = self.columns.add(row, refs, spec, params, self.origin)
        self.nodes[k] = out
        return k

    def folded(self, row: Primitive, refs: tuple[int, ...], params: Mapping[str, Any]) -> int:
        """Return the constant that an operation on constants gives."""
        return self.refer(plain(row.evaluate([self.constants[-1 - i] for i in refs], params)))

    def standing_for(self, variable: int) -> Tensor:
        """Return a Tensor that is but the name of a variable."""
        out = Tensor(0.0, requires_grad=False)
        self.number[id(out)] = variable
        return out

    def ending(self, function: Any, y: Any, variables: Sequence[Any]) -> list[Any] | None:
        """Derive nothing: `adjoint.Tracer` does."""
        return None

    def _with_refs(self, setting: Any) -> Any:
        if isinstance(setting, tuple):
            return tuple(map(self._with_refs, setting))
        return Ref(self.refer(setting)) if isinstance(setting, Node) else setting

    # ---- the result ------------------------------------------------------------------------------

    def finish(
        self, name: str, inputs: Sequence[Node], results: Sequence[int], takes: Any, gives: Any
    ) -> Listing:
        """Return what is written down as a graph from inputs to results."""
        names: list[str] = []
        for x in inputs:
            names.append(identifier(x.name or "x", names))
        labels = {k: node.name for k, node in self.nodes.items() if node.name is not None}
        return Listing(
            name=identifier(name, ()),
            input_names=tuple(names),
            inputs=[self.number[id(x)] for x in inputs],
            constants={-1 - k: value for k, value in enumerate(self.constants)},
            columns=self.columns,
            outputs=results,
            takes=takes,
            gives=gives,
            labels=labels,
        )


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


def record(
    f: Callable[..., Any], examples: Sequence[Any], named: Mapping[str, Any], recorder: Recorder
) -> tuple[Listing, list[Node]]:
    """Trace `f`; if the recorder lifts, leaves that it refers to follow its arguments as inputs.

    Returns:
        The equations of the graph, and those leaves.
    """
    require_function(f)
    recorder.function = f
    leaves, takes = flatten((tuple(examples), dict(named)))
    names = input_names(f, paths_of(takes, ""), len(examples))
    try:
        with taping(recorder), enable_grad(), np.errstate(all="ignore"):
            inputs = [recorder.input(x, name) for x, name in zip(leaves, names, strict=True)]
            args, kwargs = unflatten(takes, iter(inputs))
            result = f(*args, **kwargs)
            outputs, gives = flatten(result)
            _refuse_results(f, gives, outputs)
            name = getattr(f, "__name__", "graph")
            if not name.isidentifier():
                name = "graph"
            results = [recorder.refer(y) for y in outputs]  # which may capture what follows
            listing = recorder.finish(name, [*inputs, *recorder.captured], results, takes, gives)
    finally:
        for leaf in recorder.captured:
            leaf._value = plain(leaf._value)  # which `_define` kept off the fast lane
    return listing, recorder.captured


def require_function(f: Any) -> None:
    """Raise if `f` cannot be called."""
    if not callable(f):
        raise ArgumentError(message("a function to trace", f"{type(f).__name__} {f!r}", "lambda"))


def record_of(tensor: Node, name: str) -> dict[str, Any]:
    """Return the record of a Tensor as the parts of a graph; see `Graph.of`."""
    if not isinstance(tensor, Node):
        raise GraphError(
            message("a Tensor to read the record of", type(tensor).__name__, "autograd.trace(f, x)")
        )
    recorder = Recorder()
    order = list(reversed(toposort([tensor])))
    inputs = [node for node in order if node.is_leaf and node.requires_grad]
    for node in inputs:
        recorder._define(node)
    one_way = ""
    for node in order:
        row = node.primitive
        if row is None:
            continue
        fixed = [
            x for x, rule in zip(node.inputs, row.rules, strict=False) if rule is NON_DIFFERENTIABLE
        ]
        if any(not recorder.holds(x) for x in fixed):
            one_way = f"a condition of {row.name} that was a plain value when it was recorded"
        refs = tuple([recorder.refer(x) for x in node.inputs])
        k = recorder.columns.add(row, refs, Spec.of(node._value), node.params)
        recorder.number[id(node)] = k
        recorder.nodes[k] = node
    takes = (
        "sequence",
        tuple,
        (("sequence", tuple, (LEAF,) * len(inputs)), ("dict", (), ())),
    )
    return {
        **recorder.finish(name, inputs, [recorder.refer(tensor)], takes, LEAF).parts(),
        "one_way": one_way,
    }


def _example(value: Any, name: str) -> Any:
    value = value_of(value)
    array = np.asarray(value)
    if array.ndim and (array.dtype.kind in "iub" or array.dtype in (np.float32, np.float64)):
        return array  # which nothing in a trace writes to, and which does not outlive it
    if array.dtype.kind == "b":
        return np.bool_(value)
    held = stored(value, name)
    return np.float64(held) if type(held) is float else held


def input_names(f: Callable[..., Any], paths: Sequence[str], count: int) -> list[str]:
    """Name the leaves of the arguments after the parameters of `f`.

    Args:
        f: the function.
        paths: of the leaves in the pair of positional arguments and those by keyword.
        count: how many arguments are positional.
    """
    positional: list[str] = []
    try:
        for parameter in inspect.signature(f).parameters.values():
            if parameter.kind is parameter.VAR_POSITIONAL:
                positional += [f"{parameter.name}{i}" for i in range(count - len(positional))]
            elif parameter.kind is not parameter.VAR_KEYWORD:
                positional.append(parameter.name)
    except (TypeError, ValueError):
        pass
    positional += [f"x{i}" for i in range(len(positional), count)]
    names: list[str] = []
    for path in paths:
        # "[0][k]..." is the positional argument k, "[1]['key']..." the one by keyword
        _, rest = path[:3], path[3:]
        key, _, tail = rest[1:].partition("]")
        head = positional[int(key)] if path.startswith("[0]") else key.strip("'\"")
        names.append(identifier(head + tail, names))
    return names


def _refuse_results(f: Callable[..., Any], gives: Structure, outputs: Sequence[Any]) -> None:
    kind = gives[0]
    if not outputs and kind == "static":
        raise DTypeError(
            message(
                f"numbers or Tensors as the result of {getattr(f, '__name__', repr(f))}",
                f"{gives[1].__name__}",
                "returning the value",
            )
        )


def _nodes_in(params: Mapping[str, Any]) -> list[Node]:
    found: list[Node] = []
    for setting in params.values():
        for part in setting if isinstance(setting, tuple) else (setting,):
            if isinstance(part, Node):
                found.append(part)
    return found
