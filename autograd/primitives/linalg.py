"""Linear algebra on matrices and stacks of them.

Sources of the formulas: M. Giles, "Collected matrix derivative results for forward and reverse mode
algorithmic differentiation" (2008); G. Golub and V. Pereyra, "The differentiation of
pseudo-inverses" (1973); J. Townsend, "Differentiating the singular value decomposition" (2016).
What NumPy reads of a symmetric matrix is one triangle: that triangle has the whole derivative.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..domain import REALS, Case
from ..kinds import composite, custom
from ..observers import look
from ..recording import traced

SINGULAR = 1e-6
"""Below this ratio of a determinant to its Hadamard bound the minors are used."""


def transposed(a: Any) -> Any:
    """Return each matrix of a stack transposed."""
    return np.swapaxes(a, -1, -2)


def diagonal_matrix(d: Any) -> Any:
    """Return matrices with the entries of the last axis on their diagonals."""
    return d[..., None] * np.eye(np.shape(d)[-1])


def _spread(f: Any, x: Any) -> Any:
    return np.reshape(f, (*np.shape(f), *(1,) * (np.ndim(x) - np.ndim(f))))


# ---- systems -------------------------------------------------------------------------------------

SQUARE = (
    Case(((3, 3),), call=lambda f, a: f(a + 9 * np.eye(3))),
    Case(((2, 3, 3),), call=lambda f, a: f(a + 9 * np.eye(3))),
)

custom(
    np.linalg.inv,
    lambda g, y, a: -transposed(y) @ g @ transposed(y),
    jvp=lambda t, y, a: -y @ t[0] @ y,
    cases=SQUARE,
    domain=REALS,
)


def _solve_vector_stack(a: Any, g: Any) -> Any:
    """Solve with a stack of vectors, which np.linalg.solve takes for matrices."""
    return np.linalg.solve(a, g[..., None])[..., 0]


def _solve_jvp(t: Any, y: Any, a: Any, b: Any) -> Any:
    ta, tb = t
    right = 0.0
    if tb is not None:
        right = tb
    if ta is not None:
        right = right - ((ta @ y[..., None])[..., 0] if np.ndim(b) == 1 else ta @ y)
    if np.ndim(b) == 1:
        spread = np.broadcast_to(right, np.shape(y)) if np.shape(right) != np.shape(y) else right
        return _solve_vector_stack(a, spread)
    return np.linalg.solve(a, right)


custom(
    np.linalg.solve,
    lambda g, y, a, b: (
        -_solve_vector_stack(transposed(a), g)[..., :, None] * y[..., None, :]
        if np.ndim(b) == 1
        else -np.linalg.solve(transposed(a), g) @ transposed(y)
    ),
    lambda g, y, a, b: (
        _solve_vector_stack(transposed(a), g)
        if np.ndim(b) == 1
        else np.linalg.solve(transposed(a), g)
    ),
    jvp=_solve_jvp,
    cases=(
        Case(((3, 3), (3,)), call=lambda f, a, b: f(a + 9 * np.eye(3), b)),
        Case(((3, 3), (3, 2)), call=lambda f, a, b: f(a + 9 * np.eye(3), b)),
        Case(((2, 3, 3), (3, 2)), call=lambda f, a, b: f(a + 9 * np.eye(3), b)),
        Case(((2, 3, 3), (3,)), call=lambda f, a, b: f(a + 9 * np.eye(3), b)),
    ),
    domain=REALS,
)


def _cofactors(y: Any, a: Any) -> Any:
    """Return d det(a) / da, exact to every order also where `a` is singular."""
    n = np.shape(a)[-1]
    if n == 0:
        return np.zeros(np.shape(a))
    if n == 1:
        return np.ones(np.shape(a))
    bound = np.prod(np.sqrt(np.sum(a * a, axis=-1)), axis=-1)
    if n > 4 and np.all(np.abs(y) > SINGULAR * bound):
        return _spread(y, a) * transposed(np.linalg.inv(a))
    rest = np.array([[k for k in range(n) if k != i] for i in range(n)])
    minors = a[..., rest[:, None, :, None], rest[None, :, None, :]]
    signs = (-1.0) ** np.add.outer(np.arange(n), np.arange(n))
    return signs * np.linalg.det(minors)


custom(
    np.linalg.det,
    lambda g, y, a: _spread(g, a) * _cofactors(y, a),
    jvp=lambda t, y, a: np.sum(t[0] * _cofactors(y, a), axis=(-2, -1)),
    cases=(Case(((3, 3),)), Case(((2, 2, 2),)), SQUARE[0]),
    domain=REALS,
    note="exact at singular matrices, in every order",
)


def _logabsdet(a: Any) -> Any:
    """Return log(|det(a)|)."""
    return np.linalg.slogdet(a)[1]


logabsdet = custom(
    _logabsdet,
    lambda g, y, a: _spread(g, a) * transposed(np.linalg.inv(a)),
    jvp=lambda t, y, a: np.sum(t[0] * transposed(np.linalg.inv(a)), axis=(-2, -1)),
    name="logabsdet",
    cases=SQUARE,
    domain=REALS,
)


@look()
def sign_of_determinant(a: Any) -> Any:
    """Return the first result of np.linalg.slogdet."""
    return np.linalg.slogdet(a)[0]


def _slogdet(a: Any) -> Any:
    result = type(np.linalg.slogdet(np.ones((1, 1))))
    magnitude = logabsdet(a)  # which refuses what is no square matrix
    return result(sign_of_determinant(a), magnitude)


composite(
    np.linalg.slogdet,
    _slogdet,
    cases=(Case(((3, 3),), call=lambda f, a: f(a + 9 * np.eye(3))[1]),),
    domain=REALS,
    note="the sign is a constant",
)


def _matrix_power(a: Any, n: int) -> Any:
    if n < 0:
        return _matrix_power(np.linalg.inv(a), -n)
    if n == 0:
        return np.eye(np.shape(a)[-1], dtype=np.result_type(a)) + 0.0 * a
    result: Any = None
    while n:
        if n % 2:
            result = a if result is None else result @ a
        n //= 2
        if n:
            a = a @ a
    return result


composite(
    np.linalg.matrix_power,
    _matrix_power,
    cases=(
        Case(((3, 3),), {"n": 3}),
        Case(((3, 3),), {"n": 0}),
        Case(((3, 3),), call=lambda f, a: f(a + 9 * np.eye(3), -2)),
    ),
    domain=REALS,
)


def _multi_dot(arrays: Sequence[Any]) -> Any:
    first, *rest = arrays
    for x in rest:
        first = np.dot(first, x)
    return first


composite(
    np.linalg.multi_dot,
    _multi_dot,
    cases=(Case(((2, 3), (3, 4), (4,)), call=lambda f, *xs: f(xs)),),
    domain=REALS,
)


def _tensorinv(a: Any, ind: int = 2) -> Any:
    shape = np.shape(a)
    rows = math.prod(shape[ind:])
    flat = np.linalg.inv(np.reshape(a, (rows, -1)))
    return np.reshape(flat, shape[ind:] + shape[:ind])


def _tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    if axes is not None:
        a = np.moveaxis(a, axes, range(np.ndim(a) - len(axes), np.ndim(a)))
    shape = np.shape(a)[np.ndim(b) :]
    x = np.linalg.solve(np.reshape(a, (np.size(b), -1)), np.reshape(b, -1))
    return np.reshape(x, shape)


composite(
    np.linalg.tensorinv,
    _tensorinv,
    cases=(Case(((4, 2, 2),), call=lambda f, a: f(a + 9 * np.eye(4).reshape(4, 2, 2), ind=1)),),
    domain=REALS,
)
composite(
    np.linalg.tensorsolve,
    _tensorsolve,
    cases=(Case(((4, 2, 2), (4,)), call=lambda f, a, b: f(a + 9 * np.eye(4).reshape(4, 2, 2), b)),),
    domain=REALS,
)

# ---- least squares -------------------------------------------------------------------------------


def _pinv_jvp(t: Any, y: Any, a: Any, rcond: Any = None, *, rtol: Any = None) -> Any:
    d = t[0]
    rows, columns = np.eye(np.shape(a)[-2]), np.eye(np.shape(a)[-1])
    return (
        -y @ d @ y
        + y @ transposed(y) @ transposed(d) @ (rows - a @ y)
        + (columns - y @ a) @ transposed(d) @ transposed(y) @ y
    )


def _pinv_vjp(g: Any, y: Any, a: Any, rcond: Any = None, *, rtol: Any = None) -> Any:
    rows, columns = np.eye(np.shape(a)[-2]), np.eye(np.shape(a)[-1])
    return (
        -transposed(y) @ g @ transposed(y)
        + (rows - a @ y) @ transposed(g) @ y @ transposed(y)
        + transposed(y) @ y @ transposed(g) @ (columns - y @ a)
    )


custom(
    np.linalg.pinv,
    _pinv_vjp,
    jvp=_pinv_jvp,
    cases=(
        Case(((4, 3),), call=lambda f, a: f(a + 9 * np.eye(4, 3))),
        Case(((2, 3, 4),), call=lambda f, a: f(a + 9 * np.eye(3, 4))),
    ),
    domain=REALS,
    note="where the rank does not change",
)


@look()
def rank_and_singular_values(a: Any, rcond: float | None = None) -> Any:
    """Return the two results of np.linalg.lstsq that depend on the matrix alone, in one array."""
    _, _, rank, values = np.linalg.lstsq(a, np.zeros(np.shape(a)[0]), rcond=rcond)
    return np.array([rank, *values])


def _lstsq(a: Any, b: Any, rcond: float | None = None) -> Any:
    x = np.linalg.pinv(a, rcond) @ b if rcond is not None and rcond >= 0 else np.linalg.pinv(a) @ b
    looked = rank_and_singular_values(a, rcond=rcond)
    rank = looked[0].astype(int)
    rows, columns = np.shape(a)
    # a trace is of a matrix of full rank, as the shape of the residuals depends on it
    if rows > columns and (traced(rank) or rank == columns):
        residuals = b - a @ x
        squares = np.reshape(np.sum(residuals * residuals, axis=0), (-1,))
    else:
        squares = np.zeros(0, np.result_type(a))
    return x, squares, rank, looked[1:]


composite(
    np.linalg.lstsq,
    _lstsq,
    cases=(
        Case(((5, 3), (5,)), call=lambda f, a, b: f(a + 9 * np.eye(5, 3), b)[0]),
        Case(((5, 3), (5, 2)), call=lambda f, a, b: f(a + 9 * np.eye(5, 3), b)[1]),
    ),
    domain=REALS,
    note="the solution and the residuals, where the rank does not change; rank and singular "
    "values are constants; a graph gives the residuals of a matrix of full rank",
)
