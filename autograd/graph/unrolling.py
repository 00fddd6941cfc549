"""Small arrays inside a function of numbers, unrolled: each entry becomes a number of its own.

An array is held as an array of objects, its entries being numbers and traced Tensors. NumPy itself
then arranges the entries and writes out products; element-wise rows go entry by entry; reductions
add up in NumPy's order, so that sums have its bits. What is traced is the graph of numbers.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ChainruleError
from ..kinds import Elementwise
from ..node import Node
from ..observers import OBSERVERS, Observer
from ..primitive import ROWS, Primitive
from .equations import Equation, Ref, identifier, plain, refs_of, sample
from .lowering import ARRANGING, opened
from .recorder import Recorder, record
from .spelling import OF_NUMBERS

if TYPE_CHECKING:
    from .ir import Graph

ADD, WHERE = ROWS["add"], ROWS["where"]

UNROLLED = 64
"""Entries of the largest array that is unrolled."""

TOGETHER = 10_000
"""Entries of all arrays of a graph that is unrolled."""

WIDEST, ENTRIES = 1_024, 1_000_000
"""The same for a function that takes numbers out of arrays, most of whose entries stay zeros."""

FREE = 16
"""Entries of its arguments and results that it may have, beside two an operation."""

PRODUCTS = frozenset({"matmul", "tensordot", "einsum"})
ROUNDED = PRODUCTS | {"inner", "vecdot", "dot", "vdot", "multi_dot", "matrix_power", "convolve"}
"""Rows of arrays that round otherwise than a sum of products does."""
JOINING = frozenset({"concatenate", "stack", "scatter", "tril", "triu"})
STEPS: Mapping[str, Primitive] = {
    "sum": ROWS["add"],
    "mean": ROWS["add"],
    "cumsum": ROWS["add"],
    "prod": ROWS["multiply"],
    "cumprod": ROWS["multiply"],
    "max": ROWS["maximum"],
    "min": ROWS["minimum"],
    "any": OBSERVERS[np.logical_or],
    "all": OBSERVERS[np.logical_and],
}
"""Reductions and running reductions, by what they do to two entries."""

POSITIONS = {"argmax": OBSERVERS[np.greater], "argmin": OBSERVERS[np.less]}
"""Looks at where an entry stands, by what is better about it."""

KEPT = PRODUCTS | JOINING | ARRANGING | STEPS.keys() | POSITIONS.keys()


def unrolled(graph: Graph) -> tuple[Graph, str]:
    """Return a graph of numbers with the same results, where its arrays are small and simple.

    Args:
        graph: any graph.

    Returns:
        The graph, or the given one and what keeps it from being unrolled.
    """
    outside = (*range(len(graph.input_names)), *graph.outputs)
    different = set(graph.specs)
    arrays = any(spec.shape for spec in different)
    if not arrays or any(graph.specs[i].shape for i in outside):
        return graph, ""
    whole = any(graph.specs[i].dtype.kind in "iu" for i in graph.outputs)
    if whole or any(spec.dtype == np.float32 for spec in different):
        return graph, ""  # numbers between are doubles
    smaller = opened(graph, KEPT, OF_NUMBERS)
    sizes = [math.prod(spec.shape) for spec in smaller.specs]
    if max(sizes) > UNROLLED or sum(sizes) > TOGETHER:
        largest = max(smaller.specs, key=lambda spec: math.prod(spec.shape))
        return graph, f"an array of {largest}, beyond the {UNROLLED} entries that are unrolled,"
    refused: list[str] = []
    examples = [sample(spec) for spec in smaller.specs[: len(smaller.input_names)]]
    parts = _recorded(lambda *inputs: tuple(_outputs(smaller, inputs, refused)), examples)
    if parts is None:
        return graph, f"{refused[0]}, which is not unrolled,"
    own = ("name", "input_names", "takes", "gives")
    found = replace(graph, **{k: v for k, v in parts.items() if k not in own})
    return found.simplify(), ""


def of_entries(graph: Graph) -> Graph | None:
    """Return a graph of the entries of arrays, where one takes numbers out of arguments.

    That is a graph more than half of whose operations give a number or put one into an array. The
    entries of arrays among its inputs and results follow each other in C order.

    Args:
        graph: any graph.

    Returns:
        A graph of numbers, None for any other function or one of too many entries.
    """
    outside = [graph.specs[i] for i in (*range(len(graph.input_names)), *graph.outputs)]
    if not any(spec.shape for spec in outside) or any(s.dtype != np.float64 for s in outside):
        return None
    if sum(math.prod(spec.shape) for spec in outside) > FREE + 2 * len(graph):
        return None  # taking apart and putting together would cost more than it saves
    specs = graph.specs
    if any(e.row.name in ROUNDED and specs[e.inputs[0]].shape for _, e in graph.numbered()):
        return None
    on_numbers = sum(
        # a derivative puts back what was taken out
        not specs[i if e.row.name != "scatter" else e.inputs[0]].shape
        for i, e in graph.numbered()
    )
    if 2 * on_numbers <= len(graph):
        return None
    smaller = opened(graph, KEPT, OF_NUMBERS)
    sizes = [math.prod(spec.shape) for spec in smaller.specs]
    narrow = any(spec.dtype == np.float32 for spec in set(smaller.specs))
    if narrow or min(sizes) < 1 or max(sizes) > WIDEST or sum(sizes) > ENTRIES:
        return None
    inputs = smaller.specs[: len(smaller.input_names)]

    def numbers(*entries: Any) -> Any:
        rest = iter(entries)
        found = _outputs(smaller, [_shaped(spec.shape, rest) for spec in inputs], [])
        return tuple(itertools.chain.from_iterable(_array(y).reshape(-1).tolist() for y in found))

    examples = [float(x) for spec in inputs for x in np.broadcast_to(sample(spec), spec.shape).flat]
    parts = _recorded(numbers, examples)
    if parts is None:
        return None
    names: list[str] = []
    for name, spec in zip(graph.input_names, inputs, strict=True):
        for k in range(math.prod(spec.shape)):
            names.append(identifier(f"{name}_{k}" if spec.shape else name, names))
    own = {"name": graph.name, "input_names": tuple(names)}
    return replace(graph, **{**parts, **own}).simplify()


def _outputs(graph: Graph, inputs: Sequence[Any], refused: list[str]) -> list[Any]:
    """Return the results of a graph on numbers and arrays of them."""
    memory: list[Any] = [*inputs, *map(_entries, graph.constants)]
    for variable, equation in graph.numbered():
        refused[:] = [f"{equation.row.name} of an array"]
        values = [memory[i] for i in equation.inputs]
        if refs_of(equation.params):
            if graph.specs[equation.inputs[0]].dtype != np.float64:
                raise _WholeError
            memory.append(_at_computed(equation, values[0], memory))
        else:
            memory.append(_computed(equation, values, graph))
        label = graph.labels.get(variable)
        if label and isinstance(memory[-1], Node) and memory[-1].name is None:
            memory[-1].name = label
    return [memory[i] for i in graph.outputs]


def _recorded(numbers: Callable[..., Any], examples: Sequence[Any]) -> dict[str, Any] | None:
    """Return the parts of a function of numbers, None if a row takes no array apart."""
    try:
        return record(numbers, examples, {}, Recorder())[0].parts()
    except (ChainruleError, TypeError, ValueError, IndexError, AttributeError):
        return None


def _shaped(shape: tuple[int, ...], entries: Iterator[Any]) -> Any:
    """Return the next numbers as an array of some shape, one as it is."""
    if not shape:
        return next(entries)
    out = np.empty(math.prod(shape), object)
    for k in range(out.size):
        out[k] = next(entries)
    return out.reshape(shape)


class _WholeError(ChainruleError):
    """A row that takes no array apart."""


def _entries(value: Any) -> Any:
    """Return a constant as numbers: a float, or an array of floats and truth values."""
    if np.ndim(value) == 0:
        number = plain(value)
        return float(number) if np.result_type(number).kind in "iu" else number
    kind = bool if np.result_type(value).kind == "b" else float
    out = np.empty(np.shape(value), object)
    for index in np.ndindex(out.shape):
        out[index] = kind(value[index])
    return out


def _computed(equation: Equation, values: list[Any], graph: Graph) -> Any:
    """Return what an equation gives for numbers and arrays of them."""
    row, params = equation.row, equation.params
    arrays = any(isinstance(x, np.ndarray) for x in values)
    name = row.name
    if name == "astype" and np.dtype(params["dtype"]) == np.float64:
        is_float = graph.specs[equation.inputs[0]].dtype == np.float64
        return values[0] if is_float else _each(ROWS["multiply"], [values[0], 1.0], {})
    if _is_elementwise(row) or (not arrays and row.arity and not row.is_variadic and row.scalar):
        return _each(row, values, params)
    held = [_array(x) for x in values]
    if name in ("cumsum", "cumprod"):
        return _running(STEPS[name], held[0], params.get("axis"))
    if name in POSITIONS:
        return _position(name, held[0], params.get("axis"), params.get("keepdims", False))
    if name in STEPS:
        return _reduced(name, held[0], params.get("axis"), params.get("keepdims", False))
    if name in KEPT:
        return _tidy(row.evaluate(held, params))
    raise _WholeError


def _is_elementwise(row: Primitive) -> bool:
    if isinstance(row.forward, np.ufunc):
        return row.forward.signature is None
    return isinstance(row, Elementwise) or row.name == "where"


def _array(x: Any) -> np.ndarray[Any, Any]:
    if isinstance(x, np.ndarray):
        return x
    out = np.empty((), object)
    out[()] = x
    return out


def _tidy(value: Any) -> Any:
    """Return a result without what NumPy puts among objects: whole zeros, arrays of one entry."""
    if not isinstance(value, np.ndarray):
        return float(value) if type(value) is int else value
    return _each_entry(_tidy, value) if value.ndim else _tidy(value[()])


def _each_entry(function: Callable[..., Any], *values: Any) -> Any:
    return np.frompyfunc(function, len(values), 1)(*map(_array, values))


def _each(row: Primitive, values: Sequence[Any], params: Any) -> Any:
    return _each_entry(lambda *xs: _applied(row, xs, params), *values)


def _applied(row: Primitive, xs: Sequence[Any], params: Any) -> Any:
    # most entries of the derivatives of single entries
    if row is ADD:
        a, b = xs
        if type(a) is type(b) is float:
            return a + b
        if _is_zero(b) and _has_taken_zero(a):
            return a
        if _is_zero(a) and _has_taken_zero(b):
            return b
    if row is WHERE and type(xs[0]) is bool:
        return xs[1] if xs[0] else xs[2]
    if not any(isinstance(x, Node) for x in xs):
        return plain(row.evaluate(xs, params))
    return row(*xs, **params) if isinstance(row, Observer) else row.bind(xs, params)


def _has_taken_zero(x: Any) -> bool:
    """Return whether a number is a sum with 0.0, which another 0.0 does not change."""
    return isinstance(x, Node) and x.primitive is ADD and any(map(_is_zero, x.inputs))


def _is_zero(x: Any) -> bool:
    return type(x) is float and x == 0 and math.copysign(1, x) > 0


def _lanes(x: np.ndarray[Any, Any], axis: Any) -> tuple[Any, tuple[int, ...], tuple[int, ...]]:
    """Return `x` with the reduced axes last, how many entries lie side by side, and the shapes."""
    axes = range(x.ndim) if axis is None else np.atleast_1d(axis)
    reduced = sorted(int(k) % x.ndim for k in axes)
    kept = [k for k in range(x.ndim) if k not in reduced]
    beside = 1
    for k in range(x.ndim - 1, -1, -1):  # NumPy reduces what lies side by side at once
        if k in reduced:
            beside *= x.shape[k]
        elif x.shape[k] != 1:
            break
    rest = tuple(x.shape[k] for k in kept)
    with_ones = tuple(1 if k in reduced else n for k, n in enumerate(x.shape))
    lanes = x.transpose([*kept, *reduced]).reshape((*rest, -1, beside))
    return lanes, rest, with_ones


def _reduced(name: str, x: np.ndarray[Any, Any], axis: Any, keepdims: bool) -> Any:
    step = STEPS[name]
    lanes, rest, with_ones = _lanes(x, axis)
    if not lanes.shape[-1] * lanes.shape[-2]:
        raise _WholeError
    pair = functools.partial(_pair, step)
    out = np.empty(rest, object)
    for index in np.ndindex(rest):
        parts = lanes[index].reshape(-1)
        if name in ("sum", "mean"):
            parts = [_pairwise(pair, list(part)) for part in lanes[index]]
        total = functools.reduce(pair, parts)
        if name == "mean":
            total = _applied(ROWS["divide"], (total, float(lanes[index].size)), {})
        out[index] = total
    return _tidy(out.reshape(with_ones) if keepdims else out)


def _pair(row: Primitive, a: Any, b: Any) -> Any:
    return _applied(row, (a, b), {})


def _pairwise(pair: Callable[[Any, Any], Any], terms: list[Any]) -> Any:
    """Add up as NumPy does what lies side by side: eight sums at a time."""
    if len(terms) < 8:
        return functools.reduce(pair, terms)
    sums = terms[:8]
    whole = len(terms) - len(terms) % 8
    for start in range(8, whole, 8):
        sums = [pair(a, b) for a, b in zip(sums, terms[start : start + 8], strict=True)]
    while len(sums) > 1:
        sums = [pair(a, b) for a, b in zip(sums[::2], sums[1::2], strict=True)]
    return functools.reduce(pair, [sums[0], *terms[whole:]])


def _running(step: Primitive, x: np.ndarray[Any, Any], axis: Any) -> Any:
    out = x.reshape(-1).copy() if axis is None else np.moveaxis(x, axis, -1).copy()
    pair = functools.partial(_pair, step)
    for index in np.ndindex(out.shape[:-1]):
        for k, total in enumerate(itertools.accumulate(out[index], pair)):
            out[(*index, k)] = total
    return out if axis is None else np.moveaxis(out, -1, axis)


def _position(name: str, x: np.ndarray[Any, Any], axis: Any, keepdims: bool) -> Any:
    """Return where the first of the best entries stands; nan is better than all."""
    either, both = OBSERVERS[np.logical_or], OBSERVERS[np.logical_and]
    equal, unequal = OBSERVERS[np.equal], OBSERVERS[np.not_equal]
    lanes = x.reshape(-1) if axis is None else np.moveaxis(x, axis, -1)
    out = np.empty(lanes.shape[:-1], object)
    for index in np.ndindex(out.shape):
        first, *others = lanes[index]
        best, place = first, 0.0
        for k, entry in enumerate(others, 1):
            fresh = _pair(both, _pair(unequal, entry, entry), _pair(equal, best, best))
            better = _pair(either, _pair(POSITIONS[name], entry, best), fresh)
            best = _applied(WHERE, (better, entry, best), {})
            place = _applied(WHERE, (better, float(k), place), {})
        out[index] = place
    ones = (
        (1,) * x.ndim
        if axis is None
        else tuple(1 if k == axis % x.ndim else n for k, n in enumerate(x.shape))
    )
    return _tidy(out.reshape(ones) if keepdims else out)


def _at_computed(equation: Equation, x: Any, memory: Sequence[Any]) -> Any:
    """Return entries chosen along the first axis, or put there, by comparing with every place."""
    name, params = equation.row.name, equation.params
    index = params["index"] if name in ("getitem", "scatter") else None
    chosen = index if type(index) is tuple else (index,)
    if len(chosen) != 1 or type(chosen[0]) is not Ref:
        raise _WholeError
    entries = _array(x)
    shape = entries.shape if name == "getitem" else params["shape"]
    place = _array(memory[chosen[0].variable])
    rest = shape[1:]
    place = place.reshape(place.shape + (1,) * len(rest))
    below = _each(OBSERVERS[np.less], [place, 0.0], {})
    place = _each(WHERE, [below, _each(ADD, [place, float(shape[0])], {}), place], {})
    here = [_each(OBSERVERS[np.equal], [place, float(k)], {}) for k in range(shape[0])]
    if name == "getitem":
        found: Any = math.nan  # where NumPy would say that there is no such entry
        for hit, entry in zip(here, entries, strict=True):
            found = _each(WHERE, [hit, entry, found], {})
        return _tidy(found)
    out = np.empty(shape, object)
    for k, hit in enumerate(here):
        terms = _array(_each(WHERE, [hit, entries, 0.0], {}))
        terms = terms.reshape((-1, *rest))
        total = functools.reduce(lambda a, b: _each(ADD, [a, b], {}), terms)
        if rest:
            out[k] = total
        else:
            out[(k,)] = total
    return _tidy(out)
