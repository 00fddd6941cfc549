"""Matrix decompositions: Cholesky, QR, symmetric eigenvalues and singular values."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..domain import REALS, Case
from ..errors import ArgumentError, message
from ..kinds import composite, custom, several
from ..recording import known
from .linalg import diagonal_matrix, transposed
from .ordering import shared

# ---- factorisations ------------------------------------------------------------------------------

POSITIVE_DEFINITE = (
    Case(((3, 3),), call=lambda f, a: f(a @ transposed(a) + 9 * np.eye(3))),
    Case(((2, 3, 3),), call=lambda f, a: f(a @ transposed(a) + 9 * np.eye(3))),
)


def symmetric(a: Any, upper: bool = False) -> Any:
    """Return the symmetric matrix of which NumPy reads one triangle."""
    half, rest = (np.triu(a), np.triu(a, 1)) if upper else (np.tril(a), np.tril(a, -1))
    return half + transposed(rest)


def _half(a: Any) -> Any:
    """Return the lower triangle with half the diagonal."""
    return np.tril(a) - 0.5 * diagonal_matrix(np.diagonal(a, 0, -2, -1))


def _cholesky(a: Any) -> Any:
    """Return the lower Cholesky factor of a symmetric matrix."""
    return np.linalg.cholesky(a)


def _cholesky_vjp(g: Any, y: Any, a: Any) -> Any:
    middle = _half(transposed(y) @ g)
    inverse = np.linalg.inv(y)
    s = transposed(inverse) @ middle @ inverse
    return 0.5 * (s + transposed(s))


def _cholesky_jvp(t: Any, y: Any, a: Any) -> Any:
    inverse = np.linalg.inv(y)
    return y @ _half(inverse @ t[0] @ transposed(inverse))


lower_cholesky = custom(
    _cholesky,
    _cholesky_vjp,
    jvp=_cholesky_jvp,
    name="lower_cholesky",
    cases=POSITIVE_DEFINITE,
    domain=REALS,
)


def _cholesky_of(a: Any, /, *, upper: bool = False) -> Any:
    factor = lower_cholesky(symmetric(a, upper))
    return transposed(factor) if upper else factor


composite(
    np.linalg.cholesky,
    _cholesky_of,
    cases=POSITIVE_DEFINITE,
    domain=REALS,
    note="a function of the triangle that NumPy reads",
)


# functions of their own: written graphs bring them along


def _qr_of_tall(a: Any) -> Any:
    return np.linalg.qr(a)


def _eigh_of_symmetric(a: Any) -> Any:
    return np.linalg.eigh(a)


def _svd_of_any(a: Any) -> Any:
    return np.linalg.svd(a, full_matrices=False)


def _qr_shapes(a: Any) -> list[tuple[int, ...]]:
    *batch, m, n = np.shape(a)
    k = min(m, n)
    return [(*batch, m, k), (*batch, k, n)]


def _lower_to_symmetric(m: Any) -> Any:
    return np.tril(m) + transposed(np.tril(m, -1))


def _qr_vjp(gs: Any, ys: Any, a: Any) -> Any:
    (gq, gr), (q, r) = gs, ys
    m = r @ transposed(gr) - transposed(gq) @ q
    return transposed(np.linalg.solve(r, transposed(gq + q @ _lower_to_symmetric(m))))


def _qr_jvp(t: Any, ys: Any, a: Any) -> Any:
    q, r = ys
    scaled = transposed(np.linalg.solve(transposed(r), transposed(t)))
    c = transposed(q) @ scaled
    below = np.tril(c, -1)
    dr = c - (below - transposed(below))
    return [scaled - q @ dr, dr @ r]


_tall_qr = several(_qr_of_tall, _qr_shapes, _qr_vjp, _qr_jvp, "qr_of_tall")


def _qr(a: Any, mode: str = "reduced") -> Any:
    m, n = np.shape(a)[-2:]
    if mode not in ("reduced", "r") and not (mode == "complete" and m <= n):
        raise ArgumentError(
            message(
                "mode= of qr to be 'reduced' or 'r'",
                f"mode={mode!r} for a matrix of shape {(m, n)}, whose further columns of q are "
                "not determined",
                "mode='reduced'",
            )
        )
    # a wide matrix: the square part decides q, and the rest follows
    q, r = _tall_qr(a[..., :, :m] if m < n else a)
    if m < n:
        r = np.concatenate([r, transposed(q) @ a[..., :, m:]], axis=-1)
    return r if mode == "r" else type(np.linalg.qr(np.eye(1)))(q, r)


composite(
    np.linalg.qr,
    _qr,
    cases=(
        Case(((4, 3),), call=lambda f, a: f(a + 9 * np.eye(4, 3))[0]),
        Case(((2, 3, 3),), call=lambda f, a: f(a + 9 * np.eye(3))[1]),
        Case(((3, 5),), call=lambda f, a: f(a + 9 * np.eye(3, 5))[1]),
    ),
    domain=REALS,
    note="where the first columns are independent",
)

# ---- eigenvalues and singular values -------------------------------------------------------------


def _over(x: Any, gap: Any) -> Any:
    """Return x / gap: 0 on the diagonal and where both are 0, nan where only the gap is."""
    closed = gap == 0
    undefined = closed & (x != 0) & ~np.eye(np.shape(gap)[-1], dtype=bool)
    quotient = np.where(closed, 0.0, x / np.where(closed, 1.0, gap))
    if known(np.logical_not(np.any(undefined))):
        return quotient
    return np.where(undefined, np.nan, quotient)


def _gaps(w: Any) -> Any:
    return w[..., None, :] - w[..., :, None]


def _eigh_vjp(gs: Any, ys: Any, a: Any) -> Any:
    (gw, gv), (w, v) = gs, ys
    inner = diagonal_matrix(shared(gw, w)) + _over(transposed(v) @ gv, _gaps(w))
    full = v @ inner @ transposed(v)
    return 0.5 * (full + transposed(full))


def _eigh_jvp(t: Any, ys: Any, a: Any) -> Any:
    w, v = ys
    p = transposed(v) @ t @ v
    return [shared(np.diagonal(p, 0, -2, -1), w), v @ _over(p, _gaps(w))]


_symmetric_eigh = several(
    _eigh_of_symmetric,
    lambda a: [np.shape(a)[:-1], np.shape(a)],
    _eigh_vjp,
    _eigh_jvp,
    "eigh_of_symmetric",
)
SPREAD = 9 * np.diag([1.0, 3.0, 6.0])
DEGENERATE = (
    "a function of the triangle that NumPy reads; equal eigenvalues share evenly, and their "
    "eigenvectors have none (nan, where one is asked for)"
)


def _eigh(a: Any, UPLO: str = "L") -> Any:
    w, v = _symmetric_eigh(symmetric(a, UPLO.upper() == "U"))
    return type(np.linalg.eigh(np.eye(1)))(w, v)


composite(
    np.linalg.eigh,
    _eigh,
    cases=(
        Case(((3, 3),), call=lambda f, a: f(a + SPREAD)[0]),
        Case(((2, 3, 3),), call=lambda f, a: f(a + SPREAD)[1] ** 2),
    ),
    domain=REALS,
    note=DEGENERATE,
)
composite(
    np.linalg.eigvalsh,
    lambda a, UPLO="L": _eigh(a, UPLO)[0],
    cases=(Case(((3, 3),), call=lambda f, a: f(a + SPREAD)),),
    domain=REALS,
    note=DEGENERATE,
)


def _svd_vjp(gs: Any, ys: Any, a: Any) -> Any:
    (gu, gs_, gvh), (u, s, vh) = gs, ys
    gv, v = transposed(gvh), transposed(vh)
    gaps = _gaps(s * s)
    inner = diagonal_matrix(shared(gs_[..., ::-1], s[..., ::-1])[..., ::-1])
    ju, jv = _over(transposed(u) @ gu, gaps), _over(transposed(v) @ gv, gaps)
    inner = (
        inner + (ju + transposed(ju)) * s[..., None, :] + s[..., :, None] * (jv + transposed(jv))
    )
    full = u @ inner @ vh
    m, n = np.shape(a)[-2:]
    k = min(m, n)
    inverse = _over_zero(s)
    if m > k:
        full = full + (gu - u @ (transposed(u) @ gu)) * inverse[..., None, :] @ vh
    if n > k:
        full = full + u * inverse[..., None, :] @ transposed(gv - v @ (transposed(v) @ gv))
    return full


def _over_zero(s: Any) -> Any:
    return np.where(s == 0, 0.0, 1 / np.where(s == 0, 1.0, s))


def _svd_jvp(t: Any, ys: Any, a: Any) -> Any:
    u, s, vh = ys
    v = transposed(vh)
    p = transposed(u) @ t @ v
    gaps = _gaps(s * s)
    row, column = s[..., None, :], s[..., :, None]
    du = u @ _over(p * row + column * transposed(p), gaps)
    dv = v @ _over(column * p + transposed(p) * row, gaps)
    m, n = np.shape(a)[-2:]
    k = min(m, n)
    inverse = _over_zero(s)
    if m > k:
        tv = t @ v
        du = du + (tv - u @ (transposed(u) @ tv)) * inverse[..., None, :]
    if n > k:
        tu = transposed(t) @ u
        dv = dv + (tu - v @ (transposed(v) @ tu)) * inverse[..., None, :]
    ds = shared(np.diagonal(p, 0, -2, -1)[..., ::-1], s[..., ::-1])[..., ::-1]
    return [du, ds, transposed(dv)]


def _svd_shapes(a: Any) -> list[tuple[int, ...]]:
    *batch, m, n = np.shape(a)
    k = min(m, n)
    return [(*batch, m, k), (*batch, k), (*batch, k, n)]


_thin_svd = several(_svd_of_any, _svd_shapes, _svd_vjp, _svd_jvp, "thin_svd")


def _svd(a: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    m, n = np.shape(a)[-2:]
    if compute_uv and full_matrices and m != n:
        raise ArgumentError(
            message(
                "svd of a Tensor with full_matrices=False",
                f"full_matrices=True and shape {(m, n)}, where further vectors are not determined",
                "full_matrices=False, or compute_uv=False for the values alone",
            )
        )
    u, s, vh = _thin_svd(a)
    if not compute_uv:
        return s
    return type(np.linalg.svd(np.eye(1)))(u, s, vh)


APART = 9 * np.eye(4, 3) * np.array([1.0, 3.0, 6.0])

composite(
    np.linalg.svd,
    _svd,
    cases=(
        Case(((4, 3),), call=lambda f, a: f(a + APART, compute_uv=False)),
        Case(((4, 3),), call=lambda f, a: f(a + APART, False)[0] ** 2),
        Case(((3, 4),), call=lambda f, a: f(a + APART.T, full_matrices=False)[2] ** 2),
    ),
    domain=REALS,
    note="equal singular values share evenly, and their vectors have none (nan)",
)
composite(
    np.linalg.svdvals,
    lambda x, /: _svd(x, compute_uv=False),
    cases=(Case(((4, 3),), call=lambda f, a: f(a + APART)),),
    domain=REALS,
    note="equal singular values share evenly",
)


def singular_values(a: Any) -> Any:
    """Return the singular values of a matrix or of each in a stack."""
    return np.linalg.svd(a, compute_uv=False)
