"""A backward pass written by hand beside the engine's: the first wrong edge, with its numbers."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError, message
from ..node import Node, leading_to, toposort, value_of
from ..recording import enable_grad
from ..sweep import contributions, gradients
from ..tensor import Tensor
from .differences import BackwardDiff, EdgeDiff, agree, compared
from .subject import name_of


def diff_backward(
    f: Any,
    *args: Any,
    backward: Callable[..., Any] | None = None,
    layers: Sequence[Any] | Mapping[str, Any] | None = None,
    cotangent: Any = None,
) -> BackwardDiff:
    """Compare a backward pass that was written by hand with the engine's, node by node.

    Three kinds of programs can be compared: one layer; a function that calls layers, each checked
    by itself with the right gradient coming in, so that one mistake does not hide another; a
    function with a function that returns its gradients.

    Args:
        f: an object with `forward` and `backward`, or a function of numbers and arrays that works
            on Tensors.
        args: what to call it with.
        backward: for a function: called with the same arguments, as numbers and arrays, it returns
            a gradient for each of them, or a dict of gradients by name: of arguments, and of
            Tensors on the way that `f` gives a `name`.
        layers: for a function: the objects that it calls `forward` of, in a list or by name.
            `backward(gradient)` returns one gradient an input; that of an attribute `W` is looked
            for in `dW`, as is usual in textbooks. A `backward` without a parameter starts from 1.
        cotangent: the gradient of the result; 1 if not given, which needs a scalar.

    Returns:
        The comparison: print it, or draw it with `autograd.draw`.

    Raises:
        ArgumentError: if there is nothing to compare, or a name belongs to no value.
        ShapeError: if the result is not a scalar and there is no cotangent, or a layer gives more
            gradients than it has inputs.

    Example:
        >>> class Multiply:
        ...     def forward(self, x, y):
        ...         self.x, self.y = x, y
        ...         return x * y
        ...     def backward(self, dout):
        ...         return dout * self.x, dout * self.y
        >>> print(diff_backward(Multiply(), 100.0, 2.0))
        backward wrong: 2 of 2 edges
        -> wrong at x <- Multiply: expected 2, got 100; exchanged with the gradient of y
           wrong at y <- Multiply: expected 100, got 2; exchanged with the gradient of x
        >>> print(diff_backward(lambda x, y: x * y, 3.0, 2.0, backward=lambda x, y: (y, x)))
        backward right: 2 edges
          right at x <- multiply: 2
          right at y <- multiply: 3
    """
    if _is_layer(f):
        if backward is not None or layers is not None:
            raise ArgumentError(
                message("a layer alone", "backward= or layers= beside it", "a function for f")
            )
        return _of_layers(f.forward, args, {type(f).__name__: f}, cotangent, single=f)
    if (backward is None) == (layers is None):
        raise ArgumentError(
            message(
                f"either backward= or layers= beside {name_of(f)}",
                "neither" if backward is None else "both",
                "backward= for a function that returns gradients",
            )
        )
    if layers is None:
        assert backward is not None
        return _of_function(f, args, backward, cotangent)
    named = dict(layers) if isinstance(layers, Mapping) else _numbered(layers)
    for name, layer in named.items():
        if not _is_layer(layer):
            raise ArgumentError(
                message(
                    f"layer {name} to have the methods forward and backward",
                    type(layer).__name__,
                    "an object of a class with both",
                )
            )
    return _of_layers(f, args, named, cotangent)


def _of_function(
    f: Callable[..., Any], args: Sequence[Any], backward: Callable[..., Any], cotangent: Any
) -> BackwardDiff:
    inputs, result = _run(f, args, cotangent, _names_of(f, len(args)))
    found = backward(*(_copied(x) for x in args))
    nodes = {x.name: x for x in inputs}
    if isinstance(found, Mapping):
        for t in toposort([result]):
            if t.name is not None and t.requires_grad:
                nodes.setdefault(t.name, t)
        unknown = [name for name in found if name not in nodes]
        if unknown:
            raise ArgumentError(
                message(
                    f"names of values: {', '.join(map(str, nodes))}",
                    repr(unknown[0]),
                    f't.name = "{unknown[0]}" where {name_of(f)} computes it',
                )
            )
        named = dict(found)
    else:
        several = list(found) if isinstance(found, (tuple, list)) else [found]
        if len(several) != len(inputs):
            raise ShapeError(
                message(
                    f"one gradient for each of {len(inputs)} arguments from {name_of(backward)}",
                    f"{len(several)}",
                    "a tuple in the order of the arguments, or a dict by name",
                )
            )
        named = dict(zip(nodes, several, strict=True))
    order = [t for t in toposort([result]) if nodes.get(t.name) is t and t.name in named]
    reached = set(map(id, order))
    order += [x for x in inputs if x.name in named and id(x) not in reached]
    # a leaf that is used early comes before those used late, as the backward pass meets them
    place = {id(t): i for i, t in enumerate(toposort([result]))}
    order.sort(key=lambda t: (t.is_leaf, place.get(id(t), len(place))))
    right = gradients(result, order, cotangent) if order else ()
    expected = {t: np.zeros(t.shape) if g is None else g for t, g in zip(order, right, strict=True)}
    uses: dict[Node, list[tuple[Node, int]]] = {}
    for t in toposort([result]):
        for i, x in enumerate(t.inputs):
            if isinstance(x, Node):
                uses.setdefault(x, []).append((t, i))
    edges: list[EdgeDiff] = []
    marks: dict[Any, EdgeDiff] = {}
    others = {str(t.name): (expected[t], named[t.name]) for t in order}
    for t in order:
        heads = [str(u.primitive.name) for u, _ in uses.get(t, []) if u.primitive]
        head = " + ".join(heads) or "the result"
        edge = compared(str(t.name), head, expected[t], named[t.name], others)
        if edge.guess == "" and not edge.is_right and len(heads) > 1:
            edge = _with_missing_use(edge, t, uses[t], result, cotangent)
        edges.append(edge)
        marks[t] = edge
        if len(uses.get(t, [])) == 1:
            marks[uses[t][0]] = edge
    return BackwardDiff(tuple(edges), result, cotangent, marks)


def _with_missing_use(
    edge: EdgeDiff, t: Node, uses: Sequence[tuple[Node, int]], result: Node, cotangent: Any
) -> EdgeDiff:
    """Guess which of several uses was forgotten."""
    from_uses = _terms(t, uses, result, cotangent)
    for (head, _), term in zip(uses, from_uses, strict=True):
        if agree(edge.got, edge.expected - term) and head.primitive:
            guess = f"the use in {head.primitive.name} is missing from the sum"
            return EdgeDiff(edge.tail, edge.head, edge.expected, edge.got, guess)
    return edge


def _of_layers(
    f: Callable[..., Any],
    args: Sequence[Any],
    layers: Mapping[str, Any],
    cotangent: Any,
    single: Any = None,
) -> BackwardDiff:
    before = {id(layer): dict(vars(layer)) for layer in layers.values()}
    calls: list[_Call] = []
    try:
        with _recorded(layers, before, calls):
            names = _names_of(f, len(args))
            run = f if single is None else single.forward  # looked up now: the one that is watched
            _, result = _run(run, args, cotangent, names)
        if not calls:
            raise ArgumentError(
                message(
                    f"{name_of(f)} to call forward of the layers",
                    "no call",
                    "the same objects in layers= as in the function",
                )
            )
        back = gradients(result, [c.output for c in calls], cotangent)
        edges: list[EdgeDiff] = []
        marks: dict[Any, EdgeDiff] = {}
        for call, g in reversed(list(zip(calls, back, strict=True))):
            if g is not None:
                call.compare(g, before[id(call.layer)], edges, marks)
    finally:
        for layer in layers.values():
            vars(layer).clear()
            vars(layer).update(before[id(layer)])
    return BackwardDiff(tuple(edges), result, cotangent, marks)


@dataclass
class _Call:
    """One call of a layer's forward, on Tensors."""

    name: str
    layer: Any
    args: tuple[Any, ...]
    options: dict[str, Any]
    output: Any
    attributes: dict[str, Any]

    def compare(
        self, g: Any, before: dict[str, Any], edges: list[EdgeDiff], marks: dict[Any, EdgeDiff]
    ) -> None:
        """Run the layer by hand and by the engine from the same gradient."""
        layer = self.layer
        plain = [_copied(x) for x in self.args]
        vars(layer).clear()
        vars(layer).update(before)
        layer.forward(*plain, **self.options)
        if _takes_gradient(layer):
            found = layer.backward(_copied(g))
        else:
            found, g = layer.backward(), np.ones(np.shape(g))[()]
        names = _parameter_names(layer, len(plain))
        tracked = [k for k, x in enumerate(self.args) if isinstance(x, Node) and x.requires_grad]
        several = list(found) if isinstance(found, (tuple, list)) else [found]
        given = dict(zip(tracked, several, strict=False))
        if len(several) == len(plain):
            given = {k: several[k] for k in tracked}
        elif len(several) > len(tracked):
            raise ShapeError(
                message(
                    f"at most one gradient for each of {len(tracked)} inputs from backward of "
                    f"{self.name}",
                    f"{len(several)}",
                    "returning them in the order of forward's parameters",
                )
            )
        by_hand = {a: getattr(layer, f"d{a}") for a in self.attributes if hasattr(layer, f"d{a}")}

        vars(layer).clear()
        vars(layer).update(before)
        leaves = [Tensor(x) if k in tracked else x for k, x in enumerate(plain)]
        attributes = {a: Tensor(before[a], name=a) for a in by_hand}
        vars(layer).update(attributes)
        with enable_grad():
            y = layer.forward(*leaves, **self.options)
        targets = [leaves[k] for k in tracked] + list(attributes.values())
        right = gradients(y, targets, g) if targets else ()
        right = [np.zeros(t.shape) if r is None else r for t, r in zip(targets, right, strict=True)]
        labels = [_label(names[k], self.args[k]) for k in tracked] + list(attributes)
        got = [given.get(k) for k in tracked] + [by_hand[a] for a in attributes]
        others = dict(zip(labels, zip(right, got, strict=True), strict=True))
        tensors = [self.args[k] for k in tracked] + [self.attributes[a] for a in attributes]
        inside = leading_to([self.output], set(tensors)) or toposort([self.output])
        for label, expected, hand, x in zip(labels, right, got, tensors, strict=True):
            edge = compared(label, self.name, expected, hand, others)
            edges.append(edge)
            for t in inside:
                for i, u in enumerate(t.inputs):
                    if u is x and t is not x:
                        marks[t, i] = edge


@contextlib.contextmanager
def _recorded(
    layers: Mapping[str, Any], before: Mapping[int, dict[str, Any]], calls: list[_Call]
) -> Iterator[None]:
    """Let the layers run on Tensors, attributes too, and note their calls."""
    for name, layer in layers.items():
        attributes = {a: Tensor(v, name=a) for a, v in before[id(layer)].items() if _is_numbers(v)}
        vars(layer).update(attributes)

        def forward(
            *args: Any,
            _name: str = name,
            _layer: Any = layer,
            _own: Any = attributes,
            **options: Any,
        ) -> Any:
            output = type(_layer).forward(_layer, *args, **options)
            if isinstance(output, Node) and output.requires_grad:
                calls.append(_Call(_name, _layer, args, options, output, _own))
            return output

        vars(layer)["forward"] = forward
    yield


def _run(
    f: Callable[..., Any], args: Sequence[Any], cotangent: Any, names: Sequence[str]
) -> tuple[list[Node], Node]:
    """Call the function on Tensors and return those that it may be differentiated by."""
    inputs = [
        Tensor(value_of(x), name=(x.name if isinstance(x, Node) and x.name else name))
        if _is_numbers(value_of(x)) or type(x) is int
        else x
        for name, x in zip(names, args, strict=True)
    ]
    with enable_grad():
        result = f(*inputs)
    if not (isinstance(result, Node) and result.requires_grad):
        raise ArgumentError(
            message(
                f"{name_of(f)} to return a Tensor computed from its arguments",
                type(result).__name__,
                "NumPy functions and operators all the way",
            )
        )
    if cotangent is None and result.shape != ():
        raise ShapeError(
            message(
                "a scalar result, or cotangent=",
                f"a result of shape {result.shape}",
                "cotangent=np.ones(...) of that shape",
            )
        )
    return [x for x in inputs if isinstance(x, Node)], result


def _terms(t: Node, uses: Sequence[tuple[Node, int]], result: Node, cotangent: Any) -> list[Any]:
    """Return what flows back to `t` from each of its uses."""
    flows = contributions(result, cotangent)
    return [0.0 if flows.get(use) is None else flows[use] for use in uses]


def _is_layer(f: Any) -> bool:
    return callable(getattr(f, "forward", None)) and callable(getattr(f, "backward", None))


def _is_numbers(x: Any) -> bool:
    """Whether to differentiate by it: a float or an array of floats; ints and labels are not."""
    return isinstance(x, float) or (isinstance(x, np.ndarray) and x.dtype.kind == "f")


def _numbered(layers: Sequence[Any]) -> dict[str, Any]:
    """Name layers by their classes, numbered where several share one."""
    kinds = [type(layer).__name__ for layer in layers]
    return {
        kind if kinds.count(kind) == 1 else f"{kind} {kinds[:i].count(kind) + 1}": layer
        for i, (kind, layer) in enumerate(zip(kinds, layers, strict=True))
    }


def _takes_gradient(layer: Any) -> bool:
    return bool(inspect.signature(layer.backward).parameters)


def _names_of(f: Callable[..., Any], count: int) -> list[str]:
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return [names[k] if k < len(names) else f"x{k}" for k in range(count)]


def _parameter_names(layer: Any, count: int) -> list[str]:
    return _names_of(functools.partial(type(layer).forward, layer), count)


def _label(parameter: str, x: Node) -> str:
    return parameter if x.name in (None, parameter) else f"{parameter} ({x.name})"


def _copied(x: Any) -> Any:
    value = value_of(x)
    return np.array(value) if isinstance(value, np.ndarray) else value
