"""Sparse Jacobians and Hessians: the pattern read off the graph, coloured, and swept compressed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .errors import GraphError, ShapeError, message, require
from .forward import pushforward
from .kinds import Elementwise, Reduction
from .node import Node, toposort, value_of
from .run import Run, name_of, positions_of
from .sweep import gradients

MOVES = frozenset(
    {
        "broadcast_to",
        "copy",
        "diag",
        "diagonal",
        "expand_dims",
        "flip",
        "fliplr",
        "flipud",
        "getitem",
        "matrix_transpose",
        "moveaxis",
        "negative",
        "positive",
        "ravel",
        "repeat",
        "reshape",
        "roll",
        "rot90",
        "squeeze",
        "swapaxes",
        "tile",
        "transpose",
        "tril",
        "triu",
    }
)
"""Rows whose every output entry is one input entry, or a zero: their values can be positions."""
JOINS = frozenset({"concatenate", "stack"})
"""The same for several operands."""
BROADCASTS = frozenset({"add", "astype", "subtract", "multiply", "where", "ldexp"})
"""Rows that work entry by entry without being of the kind `Elementwise`."""
LANES = frozenset({"sum", "mean"})
"""Rows that reduce axes without being of the kind `Reduction`."""


class SparseDerivative:
    """A function that gives a sparse matrix of derivatives.

    Attributes:
        sweeps: how many compressed sweeps the latest call took.
        colours: the colour of every column of the latest matrix.
    """

    def __init__(self, f: Callable[..., Any], argnum: int, second: bool) -> None:
        self._f = f
        self._positions = positions_of(argnum)
        self._second = second
        self.sweeps = 0
        self.colours: Any = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return the matrix at the given arguments, as scipy.sparse.csr_array."""
        sparse = require("scipy.sparse", "nn", "hold a sparse matrix")
        run = Run(self._f, self._positions, args, kwargs)
        if len(run.variables) != 1:
            raise ShapeError(
                message(
                    f"one array to differentiate {name_of(self._f)} by",
                    f"{len(run.variables)}",
                    "np.concatenate in the function, of one long argument",
                )
            )
        if run.enclosed:
            raise GraphError(
                message(
                    f"{name_of(self._f)} not to depend on variables of a transform around it, as a "
                    "sparse matrix records nothing",
                    "one that does",
                    "jacobian or hessian, whose results can be differentiated again",
                )
            )
        [x] = run.variables
        if self._second:
            y: Any = gradients(run.scalar(), x, create_graph=True)
        else:
            found = run.results()
            if len(found) != 1:
                raise ShapeError(
                    message(
                        f"one array as the result of {name_of(self._f)}",
                        f"{len(found)} in a {type(run.y).__name__}",
                        "np.concatenate of them, or jacobian",
                    )
                )
            [y] = found
        shape = (int(np.size(value_of(y))), x.size)
        if not isinstance(y, Node) or not y.requires_grad:
            self.sweeps, self.colours = 0, np.zeros(x.size, int)
            return sparse.csr_array(shape)
        entangled = pattern(y, x)
        self.colours = coloured(entangled)
        self.sweeps = int(self.colours.max(initial=-1)) + 1
        rows, columns = entangled.nonzero()
        entries = np.zeros(len(rows))
        for colour in range(self.sweeps):
            seed = (self.colours == colour).astype(float).reshape(x.shape)
            [t] = pushforward([y], {x: seed if x.shape else float(seed)})
            chosen = self.colours[columns] == colour
            flat = np.zeros(shape[0]) if t is None else np.ravel(t)
            entries[chosen] = flat[rows[chosen]]
        return sparse.csr_array((entries, (rows, columns)), shape=shape)


def sparse_jacobian(f: Callable[..., Any], argnum: int = 0) -> SparseDerivative:
    """Return the function that gives the Jacobian of `f` as a sparse matrix.

    Entries that cannot depend on each other are found in the recorded graph; columns that share no
    row are swept together.

    Args:
        f: a function of an array with an array as its result.
        argnum: the position of the argument to differentiate.

    Returns:
        A function of the same arguments giving a scipy.sparse.csr_array of shape (result size,
        argument size); its attribute `sweeps` says how many sweeps the latest call took.

    Example:
        >>> jac = sparse_jacobian(lambda x: np.diff(x * x))
        >>> jac(np.array([1.0, 2.0, 3.0])).toarray()
        array([[-2.,  4.,  0.],
               [ 0., -4.,  6.]])
        >>> jac.sweeps
        2
    """
    return SparseDerivative(f, argnum, second=False)


def sparse_hessian(f: Callable[..., Any], argnum: int = 0) -> SparseDerivative:
    """Return the function that gives the Hessian of a scalar-valued `f` as a sparse matrix.

    Args:
        f: a function of an array with a scalar result.
        argnum: the position of the argument to differentiate.

    Returns:
        A function like that of `sparse_jacobian`.

    Example:
        >>> hess = sparse_hessian(lambda x: np.sum(np.diff(x) ** 2))
        >>> hess(np.zeros(4)).toarray()
        array([[ 2., -2.,  0.,  0.],
               [-2.,  4., -2.,  0.],
               [ 0., -2.,  4., -2.],
               [ 0.,  0., -2.,  2.]])
        >>> hess.sweeps
        3
    """
    return SparseDerivative(f, argnum, second=True)


def pattern(y: Node, x: Node) -> Any:
    """Return which entries of `y` may depend on which of `x`, as a sparse boolean matrix.

    Args:
        y: a recorded Tensor.
        x: one it was computed from.

    Returns:
        A scipy.sparse.csr_array of shape (y.size, x.size); it may hold more than the truth.
    """
    sparse = require("scipy.sparse", "nn", "hold a sparse matrix")
    known: dict[Node, Any] = {x: sparse.identity(x.size, dtype=bool, format="csr")}
    for node in reversed(toposort([y])):
        if node in known or node.is_leaf:
            continue
        total = None
        for i, operand in enumerate(node.inputs):
            if isinstance(operand, Node) and operand in known:
                part = _local(sparse, node, i) @ known[operand]
                total = part if total is None else total + part
        if total is not None:
            known[node] = total.tocsr()
    found = known.get(y)
    return sparse.csr_array((y.size, x.size), dtype=bool) if found is None else found


def _local(sparse: Any, node: Node, i: int) -> Any:
    """Return which entries of an operation's result may depend on which of operand `i`."""
    row: Any = node.primitive
    values = [value_of(v) for v in node.inputs]
    params = node.params
    shape, size = np.shape(values[i]), int(np.size(values[i]))
    numbers = np.arange(1.0, size + 1).reshape(shape)
    sources: Any = None
    if row.name in MOVES:
        sources = np.abs(row.evaluate([numbers], params))
    elif row.name in JOINS:
        blank = [numbers if k == i else np.zeros(np.shape(v)) for k, v in enumerate(values)]
        sources = row.evaluate(blank, params)
    elif row.name in BROADCASTS or type(row) is Elementwise:
        sources = np.broadcast_to(numbers, node.shape)
    if sources is not None:
        flat = np.ravel(sources).astype(int)
        targets = np.flatnonzero(flat)
        return _matrix(sparse, targets, flat[targets] - 1, (node.size, size))
    if row.name == "scatter":
        targets = np.arange(node.size).reshape(node.shape)[params["index"]]
        return _matrix(
            sparse,
            np.ravel(targets),
            np.ravel(np.broadcast_to(numbers, targets.shape)) - 1,
            (node.size, size),
        )
    if row.name in LANES or type(row) is Reduction:
        kept = np.sum(numbers, axis=params.get("axis"), keepdims=True).shape
        targets = np.broadcast_to(np.arange(node.size).reshape(kept), shape)
        return _matrix(sparse, np.ravel(targets), np.arange(size), (node.size, size))
    return sparse.csr_array(np.ones((node.size, size), bool))


def _matrix(sparse: Any, rows: Any, columns: Any, shape: tuple[int, int]) -> Any:
    ones = np.ones(len(rows), bool)
    return sparse.csr_array((ones, (rows, np.asarray(columns, int))), shape=shape)


def coloured(found: Any) -> Any:
    """Return a colour a column such that columns of one colour share no row.

    Args:
        found: a sparse boolean matrix.

    Returns:
        An integer array; colours are 0, 1, 2, ... in the order of their first column.
    """
    by_row, by_column = found.tocsr(), found.tocsc()
    colours = np.full(found.shape[1], -1)
    for column in range(found.shape[1]):
        taken = set(_neighbours(by_row, by_column, column, colours))
        colour = 0
        while colour in taken:
            colour += 1
        colours[column] = colour
    return colours


def _neighbours(by_row: Any, by_column: Any, column: int, colours: Any) -> Iterator[int]:
    for row in by_column.indices[by_column.indptr[column] : by_column.indptr[column + 1]]:
        yield from colours[by_row.indices[by_row.indptr[row] : by_row.indptr[row + 1]]].tolist()
