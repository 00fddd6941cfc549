"""The recorder of a trace: what a function does on example values, as the parts of a Graph."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError, DTypeError, GraphError, TraceError, message
from ..node import LEAF as MADE_BY_HAND
from ..node import Node, stored, toposort, value_of
from ..primitive import NON_DIFFERENTIABLE, Primitive
from ..primitives import astype, positive
from ..recording import enable_grad, mode, tape, taping
from ..tensor import Tensor
from .equations import Equation, Ref, Spec, freeze, identifier, map_refs, plain, refs_of
from .tree import LEAF, Structure, flatten, unflatten

SCALAR = Spec.of(0.0)


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
        self.nodes: list[Node | None] = []
        self.equations: list[Equation | None] = []
        self.specs: list[Spec] = []
        self.constants: list[Any] = []
        self.known: dict[Any, int] = {}
        self.captured: list[Node] = []
        self.local: dict[int, Node] = {}
        self.interned: dict[Spec, Spec] = {}
        self.origin: tuple[int, int] | None = None
        self.start = mode.tick()

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
        nodes = [x for x in inputs if isinstance(x, Node)]
        if params:
            nodes += _nodes_in(params)
        follows = [self.holds(x) for x in nodes]  # all of them, so that all are written down
        if any(follows):
            self._write(out, row, inputs, params)
        else:
            self.local[id(out)] = out

    def _write(
        self, out: Node, row: Primitive, inputs: Sequence[Any], params: Mapping[str, Any]
    ) -> None:
        known = self.number.get
        refs = []
        for x in inputs:
            k = known(id(x))
            refs.append(self.refer(x) if k is None else k)
        if params:
            params = {key: self._with_refs(setting) for key, setting in params.items()}
        self._define(out, Equation(row, tuple(refs), params, self.origin))

    def born(self, out: Any, data: Any) -> None:
        """Write down a fresh Tensor made of another."""
        if not self.holds(data):
            self.local[id(out)] = out
            return
        row: Primitive = positive
        params: dict[str, Any] = {}
        variable = self.refer(data)
        if self.specs[variable].dtype != out.dtype:
            row, params = astype, {"dtype": out.dtype}
        self._define(out, Equation(row, (variable,), params, self.origin))

    def explain(self, node: Any, index: int) -> None:
        """Note which step of the chain rule the next equations belong to."""
        self.origin = (self.refer(node), index) if self.holds(node) else None

    # ---- variables -------------------------------------------------------------------------------

    def input(self, value: Any, name: str) -> Tensor:
        """Return a traced Tensor for an example value."""
        out = Tensor(0.0, name=name)
        out._value = plain(_example(value, name))
        if np.result_type(out._value).kind != "f":
            out._op = None
        self._define(out, None)
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
            outer = self.outer
            if outer is not None and outer.holds(x):
                raise TraceError(
                    message(
                        "a traced function to be given what it needs as arguments",
                        f"{x.label}, which another trace around it follows",
                        "passing it to the inner function",
                    )
                )
            if self._settled(x):
                return self.number[id(x)]
            if self.lift and self._is_captured(x):
                return self._capture(x)
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
        return self._define(x, None)

    def _settled(self, x: Node) -> bool:
        """Write down what the fast lane computed on the way to `x`; say if it follows the inputs.

        Every record is looked at once.
        """
        number, local, start = self.number, self.local, self.start
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
            inputs = entry[0] if (entry := node._record) is not None else node.inputs
            first = len(waiting)
            follows = False
            for each in inputs:
                if isinstance(each, Node):
                    key = id(each)
                    if key in number:
                        follows = True
                    elif key in local:
                        continue
                    elif each._op is None or each._op is MADE_BY_HAND or each._clock < start:
                        follows = follows or (self.lift and self._is_captured(each))
                    else:
                        waiting.append(each)
            if len(waiting) > first:
                continue
            waiting.pop()
            if follows:
                self._write(node, op, inputs, {} if entry is None else entry[1])
            else:
                local[id(node)] = node
        return id(x) in number

    def _define(self, out: Node, equation: Equation | None) -> int:
        if type(out._value) is float:
            spec = SCALAR
            if out._op is None:
                # keeps it off the fast lane, which leaves no record of what needs no gradient
                out._value = np.float64(out._value)
        else:
            spec = Spec.of(out._value)
            spec = self.interned.setdefault(spec, spec)
        k = len(self.nodes)
        self.nodes.append(out)
        self.equations.append(equation)
        self.specs.append(spec)
        self.number[id(out)] = k
        return k

    def _with_refs(self, setting: Any) -> Any:
        if isinstance(setting, tuple):
            return tuple(map(self._with_refs, setting))
        return Ref(self.refer(setting)) if isinstance(setting, Node) else setting

    # ---- the result ------------------------------------------------------------------------------

    def finish(
        self, name: str, inputs: Sequence[Node], results: Sequence[int], takes: Any, gives: Any
    ) -> dict[str, Any]:
        """Return the parts of the graph from inputs to results, without what these do not need."""
        taken = [self.number[id(x)] for x in inputs]
        live = set(results)
        for k in range(len(self.equations) - 1, -1, -1):
            equation = self.equations[k]
            if k in live and equation is not None:
                live.update(equation.inputs)
                if equation.params:
                    live.update(refs_of(equation.params))
        new = {k: i for i, k in enumerate(taken)}
        constants = [k for k in range(-1, -len(self.constants) - 1, -1) if k in live]
        for k in constants:
            new[k] = len(new)
        kept = [k for k, e in enumerate(self.equations) if e is not None and k in live]
        for k in kept:
            new[k] = len(new)
        equations = []
        labels = {}
        for k in kept:
            row, refs, params, origin = self.equations[k]  # type: ignore[misc]
            if origin is not None:
                origin = (new[origin[0]], origin[1]) if origin[0] in new else None
            if params:
                params = map_refs(params, lambda i: Ref(new[i]))
            equations.append(Equation(row, tuple([new[i] for i in refs]), params, origin))
            node = self.nodes[k]
            if node is not None and node.name is not None:
                labels[new[k]] = node.name
        values = [self.constants[-1 - k] for k in constants]
        names: list[str] = []
        for x in inputs:
            names.append(identifier(x.name or "x", names))
        specs = [self.specs[k] for k in taken] + [Spec.of(v) for v in values]
        return {
            "name": identifier(name, ()),
            "input_names": tuple(names),
            "constants": tuple(values),
            "equations": tuple(equations),
            "outputs": tuple([new[k] for k in results]),
            "specs": tuple(specs + [self.specs[k] for k in kept]),
            "takes": takes,
            "gives": gives,
            "labels": labels,
        }


def record(
    f: Callable[..., Any], examples: Sequence[Any], named: Mapping[str, Any], recorder: Recorder
) -> tuple[dict[str, Any], list[Node]]:
    """Trace `f`; if the recorder lifts, leaves that it refers to follow its arguments as inputs.

    Returns:
        The parts of the graph, and those leaves.
    """
    require_function(f)
    leaves, paths, takes = flatten((tuple(examples), dict(named)))
    names = _input_names(f, paths, len(examples))
    try:
        with taping(recorder), enable_grad(), np.errstate(all="ignore"):
            inputs = [recorder.input(x, name) for x, name in zip(leaves, names, strict=True)]
            args, kwargs = unflatten(takes, iter(inputs))
            result = f(*args, **kwargs)
            outputs, _, gives = flatten(result)
            _refuse_results(f, gives, outputs)
            name = getattr(f, "__name__", "graph")
            if not name.isidentifier():
                name = "graph"
            results = [recorder.refer(y) for y in outputs]  # which may capture what follows
            graph = recorder.finish(name, [*inputs, *recorder.captured], results, takes, gives)
    finally:
        for leaf in recorder.captured:
            leaf._value = plain(leaf._value)  # which `_define` kept off the fast lane
    return graph, recorder.captured


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
        recorder._define(node, None)
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
        spec = Spec.of(node._value)
        recorder.nodes.append(node)
        recorder.equations.append(Equation(row, refs, node.params))
        recorder.specs.append(spec)
        recorder.number[id(node)] = len(recorder.nodes) - 1
    takes = (
        "sequence",
        tuple,
        (("sequence", tuple, (LEAF,) * len(inputs)), ("dict", (), ())),
    )
    return {
        **recorder.finish(name, inputs, [recorder.refer(tensor)], takes, LEAF),
        "one_way": one_way,
    }


def _example(value: Any, name: str) -> Any:
    value = value_of(value)
    array = np.asarray(value)
    if array.dtype.kind in "iub" and array.ndim:
        return np.array(array)
    if array.dtype.kind == "b":
        return np.bool_(value)
    held = stored(value, name)
    return np.float64(held) if type(held) is float else held


def _input_names(f: Callable[..., Any], paths: Sequence[str], count: int) -> list[str]:
    """Name the leaves of the arguments after the parameters of `f`."""
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
