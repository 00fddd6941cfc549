"""Composite rows, such as softmax, opened into the NumPy functions that they are made of."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ChainruleError
from ..primitive import Primitive
from .equations import Equation, Ref, Spec, freeze, map_refs, refs_of, sample
from .recorder import Recorder, record

if TYPE_CHECKING:
    from .ir import Graph

PERMUTING = frozenset({"transpose", "matrix_transpose", "swapaxes", "moveaxis"})
ARRANGING = PERMUTING | {
    "reshape", "ravel", "squeeze", "expand_dims", "flip", "fliplr", "flipud", "roll", "rot90",
    "tile", "repeat", "diagonal", "getitem", "broadcast_to", "copy", "real", "real_if_close",
    "positive", "diag",
}  # fmt: skip
"""Rows of one operand whose every entry is an entry of the operand, or zero."""


def _var(x: Any, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> Any:
    gap = x - np.mean(x, axis=axis, keepdims=True)
    total = np.sum(gap * gap, axis=axis, keepdims=keepdims)
    return total / (np.size(x) / max(np.size(total), 1) - ddof)


def _std(x: Any, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> Any:
    return np.sqrt(_var(x, axis, ddof, keepdims))


def _euclidean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.sqrt(np.sum(x * x, axis=axis, keepdims=keepdims))


SPREADS: Mapping[str, Callable[..., Any]] = {"var": _var, "std": _std, "euclidean": _euclidean}
"""Rows that are one function of NumPy, in rows that are less."""

Parts = tuple[tuple[Any, ...], tuple[Equation, ...], int, tuple[Spec, ...]]


def opened(
    graph: Graph,
    kept: Collection[str] = (),
    spelled: Mapping[str, Callable[..., Any]] = MappingProxyType({}),
) -> Graph:
    """Return a graph in which every row whose function is array code in Python is written out.

    The function is traced like any other. A row that cannot be traced stays as it is.

    Args:
        graph: any graph.
        kept: names of rows that stay as they are.
        spelled: functions that stand for the rows of their names, in other rows.

    Returns:
        A graph with the same results.
    """
    cache: dict[Any, Parts | None] = {}
    found = []
    for _, equation in graph.numbered():
        key = None
        row = equation.row
        function = spelled.get(row.name, row.forward)
        opens = isinstance(function, types.FunctionType) and row.name not in kept
        if opens and not refs_of(equation.params):
            specs = tuple(graph.specs[i] for i in equation.inputs)
            key = (row, specs, freeze(equation.params))
            if key not in cache:
                cache[key] = _traced(row, function, specs, equation.params)
        found.append(None if key is None else cache[key])
    if not any(found):
        return graph
    inputs = len(graph.input_names)
    constants = list(graph.constants)
    places = []
    for parts in found:
        places.append(inputs + len(constants))
        if parts is not None:
            constants += parts[0]
    new = list(range(graph.first))
    equations: list[Equation] = []
    specs_of: list[Spec] = []
    labels = {}
    first = inputs + len(constants)
    for (variable, equation), parts, place in zip(graph.numbered(), found, places, strict=True):
        refs = [new[i] for i in equation.inputs]
        origin = equation.origin and (new[equation.origin[0]], equation.origin[1])
        if parts is None:
            params = map_refs(equation.params, lambda i: Ref(new[i]))
            equations.append(Equation(equation.row, tuple(refs), params, origin))
            specs_of.append(graph.specs[variable])
            new.append(first + len(equations) - 1)
        else:
            own_constants, own_equations, result, own_specs = parts
            local = refs + [place + k for k in range(len(own_constants))]
            for part, spec in zip(own_equations, own_specs, strict=True):
                operands = tuple([local[i] for i in part.inputs])
                equations.append(Equation(part.row, operands, part.params, origin))
                specs_of.append(spec)
                local.append(first + len(equations) - 1)
            new.append(local[result])
        if variable in graph.labels:
            labels[new[variable]] = graph.labels[variable]
    return replace(
        graph,
        constants=tuple(constants),
        equations=tuple(equations),
        outputs=tuple(new[i] for i in graph.outputs),
        specs=(*graph.specs[:inputs], *map(Spec.of, constants), *specs_of),
        labels=labels,
    )


def _traced(
    row: Primitive,
    function: Callable[..., Any],
    specs: Sequence[Spec],
    params: Mapping[str, Any],
) -> Parts | None:
    """Trace the function of a row; None if it is no array code of rows."""

    function = inspect.unwrap(function)  # of an operation of one's own: without the checks

    def call(*values: Any) -> Any:
        return function(list(values), **params) if row.is_variadic else function(*values, **params)

    try:
        parts = record(call, [sample(spec) for spec in specs], {}, Recorder())[0].parts()
    except (ChainruleError, TypeError, ValueError, AttributeError):
        return None
    if any(e.row is row or refs_of(e.params) for e in parts["equations"]):
        return None
    first = len(specs) + len(parts["constants"])
    return parts["constants"], parts["equations"], parts["outputs"][0], parts["specs"][first:]
