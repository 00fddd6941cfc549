"""Every row of the table against an oracle that knows nothing of derivatives.

Along a line through a random point an operation is a function of one number. NumPy's own values at
Chebyshev points give its derivatives of order 1, 2 and 3 by interpolation; the engine gives them in
reverse mode, in forward mode and mixed.
"""

import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.polynomial import chebyshev

import autograd as ag
from autograd.domain import REALS, Case
from autograd.kinds import Composite, Packing
from autograd.left_out import LEFT_OUT
from autograd.observers import OBSERVERS, STATIC
from autograd.primitive import REGISTRY, ROWS, Primitive
from autograd.table import ORDERS_TESTED, table

REACH = 0.06
"""Half the length of the line: no kink of the cases lies on it."""
TOLERANCE = {1: 1e-9, 2: 1e-7, 3: 1e-5}
"""Interpolation of degree 16 loses about n**2 / REACH in accuracy with every order."""

ELEMENTWISE = (
    ((3, 4), (3, 4), (3, 4)),
    ((2, 1, 3), (4, 1), (2, 4, 3)),
    ((), (), ()),
    ((3,), (), (2, 3)),
    ((0, 3), (1, 3), (0, 1)),
)


def cases_of(row: Primitive) -> list[Case]:
    if row.cases:
        return list(row.cases)
    return [Case(shapes[: row.arity]) for shapes in ELEMENTWISE]


def listed() -> list:
    return [
        pytest.param(row, case, id=f"{name}-{i}")
        for name, row in ROWS.items()
        if not isinstance(row.forward, Packing)
        for i, case in enumerate(cases_of(row))
    ]


def reference(row: Primitive) -> Callable:
    """Return the function of plain arrays that the row is to agree with."""
    own = row.numpy is row.forward and row.arguments is not None
    return row if own else row.numpy


def draw(row: Primitive, case: Case, rng: np.random.Generator) -> list[np.ndarray]:
    """Return arrays whose entries keep a distance from each other and from the kinks."""
    domains = row.domain if isinstance(row.domain, tuple) else (row.domain or REALS,) * 9
    arrays = []
    for i, (domain, shape) in enumerate(zip(domains, case.shapes, strict=False)):
        n = int(np.prod(shape))
        fine = np.linspace(domain.low, domain.high, 40 * n + 90)[1:-1]
        margin = 2 * REACH if domain.high - domain.low > 2 else 0.5 * REACH
        ok = (fine > domain.low + 0.6 * margin) & (fine < domain.high - 0.6 * margin)
        for kink in domain.kinks:
            ok &= abs(fine - kink) > margin
        pool = fine[ok]
        places = np.linspace(0, len(pool) - 1, 2 * n + 3).astype(int)[1 + i % 2 :: 2][:n]
        arrays.append(rng.permutation(pool[places]).reshape(shape))
    return arrays


def along(row: Primitive, case: Case) -> tuple[Callable, Callable]:
    """Return the operation along a line, of plain numbers and of Tensors, as functions of s."""
    rng = np.random.default_rng(zlib.crc32(f"{row.name}{case.shapes}".encode()))
    points = draw(row, case, rng)
    directions = [rng.uniform(-1, 1, p.shape) * (0.3 if p.ndim else 1) for p in points]
    inputs = list(zip(points, directions, strict=True))
    weights = rng.uniform(0.5, 1.5, np.shape(case.apply(reference(row), *points)))

    def plain(s: float) -> float:
        return float(np.sum(weights * case.apply(reference(row), *(p + s * d for p, d in inputs))))

    def recorded(s: ag.Tensor) -> ag.Tensor:
        return np.sum(weights * case.apply(row, *(p + s * d for p, d in inputs)))

    return plain, recorded


def interpolated(f: Callable[[float], float]) -> list[float]:
    nodes = np.cos(np.pi * (np.arange(17) + 0.5) / 17)
    fit = chebyshev.Chebyshev.fit(REACH * nodes, [f(REACH * s) for s in nodes], 16)
    return [float(fit.deriv(k)(0.0)) for k in (1, 2, 3)]


def slope(f: Callable) -> Callable:
    return lambda s: ag.jvp(f, (s,), (1.0,))[1]


@pytest.mark.parametrize(("row", "case"), listed())
def test_derivatives_of_order_1_2_and_3_in_both_modes(row: Primitive, case: Case) -> None:
    plain, recorded = along(row, case)
    with np.errstate(all="ignore"):
        expected = interpolated(plain)
        size = max(abs(plain(REACH)), abs(plain(-REACH)), 1.0)
        first = {"reverse": ag.grad(recorded), "forward": slope(recorded)}
        second = {"reverse": ag.grad(first["reverse"]), "forward": slope(first["forward"])}
        second["mixed"] = slope(first["reverse"])
        third = {"reverse": ag.grad(second["reverse"]), "forward": slope(second["forward"])}
        third["mixed"] = ag.grad(second["mixed"])
        for order, functions in zip(ORDERS_TESTED, (first, second, third), strict=True):
            for mode, f in functions.items():
                got, want = f(0.0), expected[order - 1]
                assert abs(got - want) <= TOLERANCE[order] * (size + abs(want) * 10), (
                    f"order {order}, {mode}: got {got}, expected {want}"
                )


@pytest.mark.parametrize(("row", "case"), listed())
def test_values_are_those_of_numpy(row: Primitive, case: Case) -> None:
    arrays = draw(row, case, np.random.default_rng(5))
    for dtype in (np.float64, np.float32):
        operands = [a.astype(dtype) for a in arrays]
        for a in operands:
            a.flags.writeable = False
        expected = np.asarray(case.apply(reference(row), *operands))
        tensors = [ag.Tensor(a) for a in operands]
        result = case.apply(row, *tensors)
        got = result.data if isinstance(result, ag.Tensor) else np.asarray(result)
        # composites may add in another order than NumPy's own loops
        rounding = (64 if isinstance(row, Composite) else 2) * np.finfo(dtype).eps
        assert np.shape(got) == expected.shape
        np.testing.assert_allclose(got, expected, rtol=rounding, atol=rounding * 60)


def dispatched(module: object) -> list[str]:
    """Return the names of the functions that NumPy hands to a Tensor among the arguments."""
    found = []
    for name in dir(module):
        function = getattr(module, name) if not name.startswith("_") else None
        if isinstance(function, np.ufunc) or type(function).__name__ == "_ArrayFunctionDispatcher":
            found.append(name)
    return found


@pytest.mark.parametrize(
    "module", [np, np.linalg, np.fft, np.lib.stride_tricks], ids=lambda m: m.__name__
)
def test_every_numpy_function_has_a_row_or_observes_or_is_left_out_for_a_reason(
    module: object,
) -> None:
    unknown = []
    for name in dispatched(module):
        function = getattr(module, name)
        known = function in REGISTRY or function in OBSERVERS or function in STATIC
        if known == (function.__name__ in LEFT_OUT):
            unknown.append(name)
    assert unknown == []


def along_arrays() -> list:
    """Return every case as a function of one flat array, with a point: for tests of patterns."""
    found = []
    for row in ROWS.values():
        if isinstance(row.forward, Packing):
            continue
        for case in cases_of(row)[:2]:
            if not case.shapes or not all(case.shapes):
                continue
            arrays = draw(row, case, np.random.default_rng(3))
            if sum(a.size for a in arrays) > 40:
                continue
            ends = np.cumsum([a.size for a in arrays])[:-1]
            shapes = [a.shape for a in arrays]

            def f(x: ag.Tensor, row=row, case=case, ends=ends, shapes=shapes) -> ag.Tensor:
                parts = np.split(x, ends)
                return case.apply(
                    row, *(np.reshape(p, s) for p, s in zip(parts, shapes, strict=True))
                )

            found.append((row, f, np.concatenate([a.ravel() for a in arrays])))
    return found


def test_the_page_of_the_table_is_what_the_program_prints() -> None:
    page = Path(__file__).parent.parent / "docs" / "table.md"
    assert page.read_text() == table(), "python -m autograd.table > docs/table.md"


NO_ENTRIES = {
    "var over no entries": (lambda x: np.var(x, axis=1), (2, 0)),
    "var with no freedom": (lambda x: np.var(x, axis=1, ddof=1), (2, 1)),
    "std with no freedom": (lambda x: np.std(x, ddof=3), (2,)),
    "mean over no entries": (lambda x: np.mean(x, axis=0), (0, 2)),
    "cov of one observation": (np.cov, (2, 1)),
    "median of no lanes": (lambda x: np.median(x, axis=1), (0, 3)),
    "quantiles of no lanes": (lambda x: np.quantile(x, [0.1, 0.5], axis=1), (0, 3)),
    "sums of no rows": (lambda x: np.sum(x, axis=0), (0, 3)),
    "products of no rows": (lambda x: np.prod(x, axis=0), (0, 3)),
    "a matrix product over nothing": (lambda x: x.T @ x, (0, 3)),
    "a running product": (lambda x: np.cumprod(x, axis=0), (0, 3)),
    "sorted": (lambda x: np.sort(x, axis=1), (0, 3)),
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", NO_ENTRIES)
def test_where_there_are_too_few_entries_the_value_is_numpys_and_sweeps_do_not_fail(
    name: str,
) -> None:
    f, shape = NO_ENTRIES[name]
    x = np.arange(1.0, 1.0 + np.prod(shape)).reshape(shape)
    y, pullback = ag.vjp(f, x)
    np.testing.assert_array_equal(y, f(x))
    (g,) = pullback(np.ones(np.shape(y)) if np.ndim(y) else 1.0)
    _, t = ag.jvp(f, (x,), (np.ones(shape),))
    assert np.shape(g) == shape
    assert np.shape(t) == np.shape(y)
