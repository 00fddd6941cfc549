"""Products of vectors, matrices and tensors: each linear in every operand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..domain import REALS, Case
from ..kinds import composite, multilinear
from .shape import widened

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _matmul_left(g: Any, a: Any, b: Any) -> Any:
    if b.ndim == 1:
        return _column(g) * b if a.ndim > 1 else g * b
    return g @ b.mT if a.ndim > 1 else (_row(g) @ b.mT)[..., 0, :]


def _matmul_right(g: Any, a: Any, b: Any) -> Any:
    if a.ndim == 1:
        return a[:, None] * _row(g) if b.ndim > 1 else g * a
    return a.mT @ g if b.ndim > 1 else (a.mT @ _column(g))[..., 0]


def _column(g: Any) -> Any:
    return np.reshape(g, (*np.shape(g), 1))


def _row(g: Any) -> Any:
    return np.reshape(g, (*np.shape(g)[:-1], 1, np.shape(g)[-1]))


matmul = multilinear(
    np.matmul,
    _matmul_left,
    _matmul_right,
    symbol="@",
    aliases=(np.linalg.matmul,),
    cases=(
        Case(((3, 4), (4, 2))),
        Case(((4,), (4,))),
        Case(((3, 4), (4,))),
        Case(((4,), (4, 2))),
        Case(((2, 3, 4), (4, 2))),
        Case(((3, 4), (2, 4, 2))),
        Case(((5, 1, 3, 4), (2, 4, 2))),
        Case(((4,), (2, 4, 2))),
        Case(((2, 3, 4), (4,))),
    ),
    domain=REALS,
)

# ---- contractions over chosen axes ---------------------------------------------------------------


def _contract(g: Any, x: Any, other: Any, mine: list[int], theirs: list[int], first: bool) -> Any:
    """Return the cotangent of `x` in tensordot(x, other) if `first`, else tensordot(other, x).

    Args:
        g: the cotangent of the product.
        x: the operand asked for.
        other: the other operand.
        mine: the contracted axes of `x`, paired with `theirs`.
        theirs: the contracted axes of `other`.
        first: whether `x` is the left operand.
    """
    free_x = [i for i in range(np.ndim(x)) if i not in mine]
    free_other = [i for i in range(np.ndim(other)) if i not in theirs]
    start = len(free_x) if first else 0
    open_g = list(range(start, start + len(free_other)))
    if first:
        product = np.tensordot(g, other, (open_g, free_other))
    else:
        product = np.tensordot(g, other, (open_g, free_other))
    # its axes: the free ones of x, then the contracted ones in the order they have in `other`
    contracted = [mine[theirs.index(i)] for i in sorted(theirs)]
    order = free_x + contracted
    return np.transpose(product, [order.index(i) for i in range(np.ndim(x))])


def _paired(a: Any, b: Any, axes: Any) -> tuple[list[int], list[int]]:
    if isinstance(axes, (int, np.integer)):
        n = int(axes)
        return [i % np.ndim(a) for i in range(np.ndim(a) - n, np.ndim(a))], list(range(n))
    left, right = axes
    left = [left] if isinstance(left, (int, np.integer)) else list(left)
    right = [right] if isinstance(right, (int, np.integer)) else list(right)
    return [int(i) % np.ndim(a) for i in left], [int(i) % np.ndim(b) for i in right]


def _tensordot_left(g: Any, a: Any, b: Any, axes: Any = 2) -> Any:
    mine, theirs = _paired(a, b, axes)
    return _contract(g, a, b, mine, theirs, True)


def _tensordot_right(g: Any, a: Any, b: Any, axes: Any = 2) -> Any:
    theirs, mine = _paired(a, b, axes)
    return _contract(g, b, a, mine, theirs, False)


multilinear(
    np.tensordot,
    _tensordot_left,
    _tensordot_right,
    aliases=(np.linalg.tensordot,),
    cases=(
        Case(((2, 3, 4), (3, 4, 5))),
        Case(((2, 3), (3, 4)), {"axes": 1}),
        Case(((2, 3), (4,)), {"axes": 0}),
        Case(((2, 3, 4), (4, 5, 2)), {"axes": ([0, -1], [2, 0])}),
        Case(((3, 4), (4, 3)), {"axes": ((0, 1), (1, 0))}),
    ),
    domain=REALS,
)


def _dot_axes(a: Any, b: Any) -> Any:
    return ([-1], [-2 if np.ndim(b) > 1 else 0])


def _scaled(g: Any, x: Any, y: Any) -> Any:
    """Return the cotangent of x in x * y where one of the two is a scalar."""
    return g * y if np.ndim(y) == 0 else np.sum(g * y)


multilinear(
    np.dot,
    lambda g, a, b: (
        _tensordot_left(g, a, b, _dot_axes(a, b)) if np.ndim(a) and np.ndim(b) else _scaled(g, a, b)
    ),
    lambda g, a, b: (
        _tensordot_right(g, a, b, _dot_axes(a, b))
        if np.ndim(a) and np.ndim(b)
        else _scaled(g, b, a)
    ),
    cases=(
        Case(((4,), (4,))),
        Case(((3, 4), (4,))),
        Case(((4,), (4, 2))),
        Case(((3, 4), (4, 2))),
        Case(((2, 3, 4), (5, 4, 2))),
        Case(((2, 3, 4), (4,))),
        Case(((), (3, 4))),
        Case(((3,), ())),
        Case(((), ())),
    ),
    domain=REALS,
)
multilinear(
    np.inner,
    lambda g, a, b: (
        _tensordot_left(g, a, b, ([-1], [-1])) if np.ndim(a) and np.ndim(b) else _scaled(g, a, b)
    ),
    lambda g, a, b: (
        _tensordot_right(g, a, b, ([-1], [-1])) if np.ndim(a) and np.ndim(b) else _scaled(g, b, a)
    ),
    cases=(Case(((4,), (4,))), Case(((3, 4), (2, 4))), Case(((2, 3, 4), (4,))), Case(((), (3,)))),
    domain=REALS,
)
multilinear(
    np.vdot,
    lambda g, a, b: np.reshape(g * b, np.shape(a)),
    lambda g, a, b: np.reshape(g * a, np.shape(b)),
    cases=(Case(((4,), (4,))), Case(((3, 4), (3, 4)))),
    domain=REALS,
)
multilinear(
    np.outer,
    lambda g, a, b: np.reshape(np.matmul(g, np.reshape(b, -1)), np.shape(a)),
    lambda g, a, b: np.reshape(np.matmul(np.reshape(a, -1), g), np.shape(b)),
    aliases=(np.linalg.outer,),
    cases=(Case(((3,), (4,))), Case(((2, 2), (3,))), Case(((), (3,)))),
    domain=REALS,
)


def _vecdot_arguments(a: Any, b: Any, *, axis: int = -1) -> tuple[Sequence[Any], dict[str, Any]]:
    return (np.moveaxis(a, axis, -1), np.moveaxis(b, axis, -1)), {}


multilinear(
    np.vecdot,
    lambda g, a, b: _column(g) * b,
    lambda g, a, b: _column(g) * a,
    arguments=_vecdot_arguments,
    aliases=(np.linalg.vecdot,),
    cases=(Case(((4,), (4,))), Case(((3, 4), (4,))), Case(((2, 1, 4), (3, 4)))),
    domain=REALS,
)
if hasattr(np, "matvec"):  # from NumPy 2.2 on
    multilinear(
        np.matvec,
        lambda g, a, x: _column(g) * x[..., None, :],
        lambda g, a, x: np.matmul(np.swapaxes(a, -1, -2), _column(g))[..., 0],
        cases=(Case(((3, 4), (4,))), Case(((2, 3, 4), (5, 1, 4)))),
        domain=REALS,
    )
    multilinear(
        np.vecmat,
        lambda g, x, a: np.matmul(a, _column(g))[..., 0],
        lambda g, x, a: _column(x) * g[..., None, :],
        cases=(Case(((3,), (3, 4))), Case(((5, 1, 3), (2, 3, 4)))),
        domain=REALS,
    )

# ---- einsum --------------------------------------------------------------------------------------


def _explicit(subscripts: str, ranks: Sequence[int]) -> str:
    """Return subscripts with the output written out and ellipses replaced by letters."""
    subscripts = subscripts.replace(" ", "")
    left, arrow, right = subscripts.partition("->")
    terms = left.split(",")
    spare = [c for c in _LETTERS if c not in subscripts]
    widths = [rank - len(term.replace("...", "")) for term, rank in zip(terms, ranks, strict=True)]
    widest = max((w for w, t in zip(widths, terms, strict=True) if "..." in t), default=0)
    batch = "".join(spare[:widest])
    terms = [
        term.replace("...", batch[widest - width :] if width > 0 else "")
        for term, width in zip(terms, widths, strict=True)
    ]
    if arrow:
        right = right.replace("...", batch)
    else:
        letters = left.replace("...", "").replace(",", "")
        right = batch + "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    return f"{','.join(terms)}->{right}"


def _einsum(operands: Sequence[Any], subscripts: str) -> Any:
    """Return np.einsum(subscripts, *operands) for explicit subscripts."""
    return np.einsum(subscripts, *operands)


def _einsum_arguments(
    *operands: Any, optimize: Any = False
) -> tuple[Sequence[Any], dict[str, Any]]:
    if isinstance(operands[0], str):
        subscripts, arrays = operands[0], operands[1:]
    else:  # the form op0, sublist0, op1, sublist1, ..., [sublist of the output]
        pairs = len(operands) // 2
        arrays = operands[0 : 2 * pairs : 2]
        lists = operands[1 : 2 * pairs : 2]
        subscripts = ",".join(_letters(part) for part in lists)
        if len(operands) % 2:
            subscripts += "->" + _letters(operands[-1])
    return arrays, {"subscripts": _explicit(subscripts, [np.ndim(x) for x in arrays])}


def _letters(sublist: Sequence[Any]) -> str:
    return "".join("..." if i is Ellipsis else _LETTERS[i] for i in sublist)


def _einsum_part(g: Any, i: int, operands: Sequence[Any], subscripts: str) -> Any:
    left, right = subscripts.split("->")
    terms = left.split(",")
    target, x = terms[i], operands[i]
    others = [(terms[j], operands[j]) for j in range(len(terms)) if j != i]
    spare = (c for c in _LETTERS if c not in subscripts)
    fresh = ""
    for axis, letter in enumerate(target):
        if letter in fresh:  # a diagonal: the entries off it contribute nothing
            new = next(spare)
            others.append((letter + new, np.eye(np.shape(x)[axis])))
            fresh += new
            continue
        fresh += letter
        if letter not in right and not any(letter in term for term, _ in others):
            others.append((letter, np.ones(np.shape(x)[axis])))  # summed alone
    inputs = ",".join([right, *(term for term, _ in others)])
    # an axis of one entry may have been broadcast against the others: the sweep sums it down
    return np.einsum(f"{inputs}->{fresh}", g, *(operand for _, operand in others))


multilinear(
    _einsum,
    _einsum_part,
    name="einsum",
    numpy=np.einsum,
    arguments=_einsum_arguments,
    variadic=True,
    cases=tuple(
        Case(shapes, call=lambda f, *xs, subscripts=subscripts: f(subscripts, *xs))
        for subscripts, shapes in (
            ("ij,jk->ik", ((3, 4), (4, 2))),
            ("ij,jk", ((3, 4), (4, 2))),
            ("ii->i", ((3, 3),)),
            ("ii", ((3, 3),)),
            ("ij->j", ((3, 4),)),
            ("...ij,...jk->...ik", ((2, 3, 4), (4, 2))),
            ("i,j,k->ijk", ((2,), (3,), (4,))),
            ("bij,bj,i->b", ((2, 3, 4), (2, 4), (3,))),
            ("iij,j->i", ((3, 3, 4), (4,))),
        )
    ),
    domain=REALS,
)

# ---- spelled in other rows -----------------------------------------------------------------------


def _kron(a: Any, b: Any) -> Any:
    rank = max(np.ndim(a), np.ndim(b))
    m = (1,) * (rank - np.ndim(a)) + np.shape(a)
    n = (1,) * (rank - np.ndim(b)) + np.shape(b)
    left = np.reshape(a, [k for i in range(rank) for k in (m[i], 1)])
    right = np.reshape(b, [k for i in range(rank) for k in (1, n[i])])
    return np.reshape(left * right, [p * q for p, q in zip(m, n, strict=True)])


composite(
    np.kron,
    _kron,
    cases=(Case(((2, 3), (3, 2))), Case(((2,), (2, 2))), Case(((3,), ()))),
    domain=REALS,
)


def _cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Any:
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = np.moveaxis(a, axisa, -1), np.moveaxis(b, axisb, -1)
    if np.shape(a)[-1] != 3 or np.shape(b)[-1] != 3:
        return np.cross(np.zeros(np.shape(a)), np.zeros(np.shape(b)))  # NumPy says what is wrong
    a0, a1, a2 = a[..., 0], a[..., 1], a[..., 2]
    b0, b1, b2 = b[..., 0], b[..., 1], b[..., 2]
    parts = [a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0]
    return np.moveaxis(np.stack(parts, axis=-1), -1, axisc)


composite(
    np.cross,
    _cross,
    aliases=(np.linalg.cross,),
    cases=(Case(((3,), (3,))), Case(((2, 3), (3,))), Case(((3, 4), (3, 4)), {"axis": 0})),
    domain=REALS,
)


def _convolve_full(a: Any, v: Any) -> Any:
    """Return the full discrete convolution of two vectors."""
    return np.convolve(a, v)


def _convolved_with(g: Any, x: Any, other: Any) -> Any:
    start = np.shape(other)[0] - 1
    full = convolve_full.bind((g, np.flip(other)), {})
    return full[start : start + np.shape(x)[0]]


convolve_full = multilinear(
    _convolve_full,
    lambda g, a, v: _convolved_with(g, a, v),
    lambda g, a, v: _convolved_with(g, v, a),
    name="convolve_full",
    cases=(Case(((4,), (3,))), Case(((2,), (5,)))),
    domain=REALS,
)


def _cropped(a: Any, v: Any, mode: str) -> Any:
    full = convolve_full.bind((a, v), {})
    m, n = sorted((np.size(a), np.size(v)))
    if mode == "valid":
        return full[m - 1 : n]
    if mode == "same":
        start = (m - 1) // 2
        return full[start : start + n]
    return full


composite(
    np.convolve,
    lambda a, v, mode="full": _cropped(a, v, mode),
    cases=(
        Case(((4,), (3,))),
        Case(((3,), (6,)), {"mode": "same"}),
        Case(((6,), (3,)), {"mode": "valid"}),
    ),
    domain=REALS,
)


def _correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    if np.size(v) > np.size(a):
        return np.flip(_correlate(v, a, mode))
    return _cropped(a, np.flip(v), mode)


composite(
    np.correlate,
    _correlate,
    cases=(
        Case(((4,), (3,))),
        Case(((3,), (6,)), {"mode": "same"}),
        Case(((6,), (3,)), {"mode": "full"}),
    ),
    domain=REALS,
)


def _cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: Any = None,
    aweights: Any = None,
) -> Any:
    x = widened(np.atleast_2d(m))  # as NumPy does
    if not rowvar and np.ndim(m) != 1:
        x = np.transpose(x)
    if y is not None:
        other = np.atleast_2d(y)
        if not rowvar and np.shape(other)[0] != 1:
            other = np.transpose(other)
        x = np.concatenate([x, other], axis=0)
    lost = (0 if bias else 1) if ddof is None else ddof
    if fweights is None and aweights is None:
        centred = x - np.mean(x, axis=1, keepdims=True)
        return np.squeeze(centred @ np.transpose(centred) / max(np.shape(x)[1] - lost, 0))
    w = 1.0 if fweights is None else np.asarray(fweights)
    w = w if aweights is None else w * (aweights + 0.0 * x[0])
    total = np.sum(w)
    centred = x - np.sum(x * w, axis=1, keepdims=True) / total
    used = lost if aweights is None else lost * np.sum(w * aweights) / total
    return np.squeeze(centred @ np.transpose(centred * w) / (total - used))


def _corrcoef(x: Any, y: Any = None, rowvar: bool = True) -> Any:
    c = _cov(x, y, rowvar)
    if np.ndim(c) == 0:
        return c / c
    spread = np.sqrt(np.diagonal(c))
    return np.clip(c / spread[:, None] / spread[None, :], -1, 1)


composite(
    np.cov,
    _cov,
    cases=(
        Case(((3, 5),)),
        Case(((5,), (5,))),
        Case(((5, 2),), {"rowvar": False, "bias": True}),
        Case(((3, 4),), {"fweights": np.array([1, 2, 1, 3])}),
        Case(((3, 4), (4,)), call=lambda f, x, w: f(x, aweights=5 + w)),
        Case(
            ((3, 4), (4,)),
            call=lambda f, x, w: f(x, aweights=5 + w, fweights=[1, 2, 1, 3], ddof=2),
        ),
    ),
    domain=REALS,
)
composite(np.corrcoef, _corrcoef, cases=(Case(((3, 5),)), Case(((5,), (5,)))), domain=REALS)
