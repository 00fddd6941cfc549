"""The llvm backend on arrays: the same function as eager operations, whatever the program."""

import functools
import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_product import MACHINES

import autograd as ag
from autograd.errors import GraphError
from autograd.graph import arrays as planning
from autograd.graph.arrays import ArrayPlan
from autograd.graph.lanes import OF_DOUBLES, OF_FLOATS
from autograd.graph.vectors import Machine

EXACT = (
    lambda x, y: x + y,
    lambda x, y: x - y,
    lambda x, y: x * y,
    lambda x, y: x / (np.abs(y) + 1),
    lambda x, y: np.sqrt(np.abs(x)) - y,
    lambda x, y: np.maximum(x, y),
    lambda x, y: np.where(x > y, x, 2.0 * y),
    lambda x, y: x * (y > 0.5),
    lambda x, y: np.minimum(x, 0.3) + y**2,
)
"""Steps of two values that have one right answer in IEEE arithmetic."""

VIEWS = (
    lambda x: x.T,
    lambda x: x[::-1],
    lambda x: x[..., :1],
    lambda x: x.reshape(-1),
    lambda x: np.expand_dims(x, 0),
    lambda x: x[..., None] if x.ndim < 3 else x,
    lambda x: x.reshape(-1, 1),
)

ROUNDED = (
    lambda x, y: x.sum(axis=0) if x.ndim else x,
    lambda x, y: x.mean(axis=-1, keepdims=True) if x.ndim else x,
    lambda x, y: np.max(x) + y,
    lambda x, y: np.tanh(x) + np.exp(-np.abs(y)),
    lambda x, y: np.log1p(np.abs(x)) * y,
    lambda x, y: x @ x.T if x.ndim == 2 else x,
    lambda x, y: np.cumsum(x) if x.ndim == 1 else np.sin(x),
    lambda x, y: np.sum(x * y, axis=tuple(range(np.ndim(x * y)))),
)


@st.composite
def programs(draw: st.DrawFn, exact: bool) -> tuple[Any, list[Any]]:
    """Return a function of arrays, and arguments for it."""
    kind = draw(st.sampled_from([np.float32, np.float64]))
    shape = tuple(draw(st.lists(st.integers(1, 20), min_size=1, max_size=3)))
    random = np.random.default_rng(draw(st.integers(0, 99)))
    arrays = [random.normal(size=shape).astype(kind) for _ in range(2)]
    arrays.append(random.normal(size=shape[-1:]).astype(kind))
    steps = []
    for _ in range(draw(st.integers(1, 24))):
        which = draw(st.integers(0, 2 if exact else 3))
        choices: Any = (EXACT, EXACT, VIEWS, ROUNDED)[which]
        steps.append((which, draw(st.sampled_from(choices)), draw(st.integers(0, 99)),
                      draw(st.integers(0, 99))))  # fmt: skip
    kept = draw(st.lists(st.integers(0, 99), min_size=1, max_size=4))

    def function(*given: Any) -> list[Any]:
        values = list(given)
        for which, step, i, j in steps:
            x, y = values[i % len(values)], values[j % len(values)]
            try:
                np.broadcast_shapes(np.shape(x), np.shape(y))
            except ValueError:
                y = x
            if which == 2 and not np.ndim(x):
                continue
            new = step(x) if which == 2 else step(x, y)
            if np.size(new) < 5000:
                values.append(new)
        return [values[-1 - k % len(values)] for k in kept]

    return function, arrays


def agree(found: Any, right: Any, tolerance: float) -> None:
    """Compare two lists of values: shapes, dtypes and entries."""
    for one, other in zip(found, right, strict=True):
        assert np.shape(one) == np.shape(other)
        assert np.result_type(one) == np.result_type(other)
        if tolerance:
            size = np.max(np.abs(other), initial=1.0)
            np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance * size)
        else:
            np.testing.assert_array_equal(one, other)


@settings(deadline=None)  # building takes its time on a busy machine
@given(programs(exact=True))
def test_element_wise_arithmetic_has_the_bits_of_eager_operations(case: Any) -> None:
    f, arrays = case
    fast = ag.compile(f, backend="llvm")
    agree(fast(*arrays), f(*arrays), 0.0)
    agree(fast(*arrays), f(*arrays), 0.0)


@settings(deadline=None)
@given(programs(exact=False))
def test_programs_of_all_kinds_agree_with_eager_operations(case: Any) -> None:
    f, arrays = case
    # sums of some hundred terms, and what follows from them, in another order
    tolerance = 2e-4 if arrays[0].dtype == np.float32 else 1e-11
    agree(ag.compile(f, backend="llvm")(*arrays), f(*arrays), tolerance)


SPECIAL = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    np.inf,
    -np.inf,
    np.nan,
    5e-324,
    1e-310,
    709.7,
    -745.1,
    88.7,
    -103.9,
]


@pytest.mark.parametrize(
    ("name", "kind"),
    [(name, np.float32) for name in sorted(OF_FLOATS)]
    + [(name, np.float64) for name in sorted(OF_DOUBLES)],
)
def test_functions_of_vectors_are_within_one_unit_in_the_last_place(name: str, kind: Any) -> None:
    f = getattr(np, name)
    random = np.random.default_rng(0)
    parts = [random.normal(size=3000) * scale for scale in (1e-5, 1e-2, 1.0, 30.0, 300.0)]
    if name == "log":
        parts.append(np.exp(random.normal(size=3000) * 1e-3))
    with np.errstate(all="ignore"):
        x = np.concatenate([*parts, SPECIAL]).astype(kind)
        found = ag.compile(lambda x: f(x) * 1.0, backend="llvm")(x)
        # an oracle of 64 bits of mantissa
        right = f(x.astype(np.longdouble))
        rounded = right.astype(kind)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(rounded))
    finite = np.isfinite(rounded)
    np.testing.assert_array_equal(found[~finite & ~np.isnan(x)], rounded[~finite & ~np.isnan(x)])
    off = np.abs(found[finite] - right[finite]) / np.spacing(np.abs(rounded[finite]))
    assert off.max() < 1.0
    zeros = found[x == 0]
    np.testing.assert_array_equal(np.signbit(zeros), np.signbit(rounded[x == 0]))


def test_compiled_arrays_are_machine_code() -> None:
    fast = ag.compile(lambda x, w: np.exp(x @ w).sum(), backend="llvm")
    fast(np.ones((3, 2)), np.ones(2))
    assert fast.stats.backend == "llvm"
    assert fast.source.count("machine_") == 1
    assert "matmul" not in fast.source


@pytest.mark.parametrize("axis", [0, 1, 2, (0, 1), (1, 2), (0, 2), None])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["sum", "mean", "max", "min", "prod"])
def test_reductions_along_any_axes(name: str, kind: Any, axis: Any) -> None:
    x = np.random.default_rng(0).normal(size=(5, 33, 150)).astype(kind)
    x = np.abs(x) ** 0.002 if name == "prod" else x
    f = getattr(np, name)
    kept = ag.compile(lambda x: f(x, axis=axis, keepdims=True) * 1.0, backend="llvm")(x)
    gone = ag.compile(lambda x: f(x, axis=axis) * 1.0, backend="llvm")(x)
    right = f(x.astype(np.longdouble), axis=axis, keepdims=True)
    # sums and products of floats are kept in doubles, of doubles in some 32 parts
    np.testing.assert_allclose(kept, right, rtol=1e-12 if kind is np.float64 else 1e-6)
    np.testing.assert_array_equal(np.squeeze(kept), np.squeeze(gone))


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int64, bool])
@pytest.mark.parametrize("f", [np.argmax, np.argmin])
def test_places_of_extremes(f: Any, kind: Any) -> None:
    x = np.random.default_rng(0).integers(-3, 3, (4, 7, 3)).astype(kind)
    if np.dtype(kind).kind == "f":
        x[2, 3, 1] = x[3, 3, 1] = np.nan
    for axis in (None, 0, 1, -1):
        for keepdims in (False, True):
            options = {"axis": axis, "keepdims": keepdims}
            fast = ag.compile(functools.partial(f, **options), backend="llvm")
            agree([fast(x)], [f(x, **options)], 0.0)
            if np.dtype(kind).kind == "f":
                assert "arg" not in fast.source


def test_nan_goes_through_maxima_and_comparisons() -> None:
    x = np.linspace(-1, 1, 40)
    x[17] = np.nan
    fast = ag.compile(
        lambda x: (np.max(x), np.maximum(x, 0.0), x > 0, np.any(x > 2)), backend="llvm"
    )
    agree(fast(x), (np.nan, np.maximum(x, 0.0), x > 0, np.False_), 0.0)


def test_whole_numbers_and_truths_compare_as_numpy_compares_them() -> None:
    truths, numbers = np.array([True, False, True]), np.array([1, 2, -3])
    close = np.array([0.1, np.nextafter(np.float32(0.1), np.float32(1)), 0.5], np.float32)
    for f in (np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal):
        fast = ag.compile(f, backend="llvm")
        for x, y in (
            (truths, numbers),
            (numbers, truths),
            (truths, truths[::-1]),
            (numbers.astype(np.uint8), np.True_),
            (np.array([2**53, 2**53 + 1, 5]), np.array([2**53 + 1, 2**53, 5])),
        ):
            np.testing.assert_array_equal(fast(x, y), f(x, y))
        # a double of NumPy's is no number that yields to float32, one of Python's is
        for limit in (0.1, np.float64(0.1), np.float32(0.1), True):
            found = ag.compile(lambda x, f=f, y=limit: f(x, y), backend="llvm")(close)
            np.testing.assert_array_equal(found, f(close, limit))


def test_conditions_are_not_rounded() -> None:
    x, y = np.array([5e-324, 1e-60, 0.0, -0.0, np.nan]), np.ones(5, np.float32)
    fast = ag.compile(lambda x, y: np.where(x, y, 2.0), backend="llvm")
    np.testing.assert_array_equal(fast(x, y), [1, 1, 2, 2, 1])
    equal = ag.compile(lambda c, s: c == s, backend="llvm")
    np.testing.assert_array_equal(equal(x > 1, 5e-324), np.zeros(5, bool))


def test_arguments_of_any_layout() -> None:
    fast = ag.compile(lambda x, s: x * s + 1, backend="llvm")
    x = np.arange(24.0).reshape(4, 6)
    read_only = x.copy()
    read_only.flags.writeable = False
    for array in (
        x,
        np.asfortranarray(x),
        x[::-1, ::-1],
        read_only,
        np.broadcast_to(x[:1], (4, 6)),
        x.astype(np.dtype("f8", metadata={"unit": "m"})),
        x.astype(">f8"),
    ):
        for s in (2.0, 2, np.float64(2)):
            np.testing.assert_array_equal(fast(array, s), array * 2 + 1)
    for empty in (np.ones((0, 3)), np.ones((2, 0))):
        assert fast(empty, 2.0).shape == empty.shape
    assert fast(np.float32(3), np.float32(2)) == 7


def test_results_are_the_callers_own() -> None:
    fast = ag.compile(lambda x: (x * 2, x, x.T, x + 1, np.float64(3.0)), backend="llvm")
    x = np.arange(6.0).reshape(2, 3)
    first = fast(x)
    kept = [np.copy(y) for y in first]
    x += 1
    second = fast(x)
    agree(first, kept, 0.0)
    agree(second, (x * 2, x, x.T, x + 1, 3.0), 0.0)
    for y in (*first[:4], *second[:4]):
        y[...] = -1.0
    np.testing.assert_array_equal(x, np.arange(6.0).reshape(2, 3) + 1)
    agree(fast(x), (x * 2, x, x.T, x + 1, 3.0), 0.0)


def test_calls_of_numpy_between_machine_code() -> None:
    def f(x: Any) -> Any:
        y = np.sort(x * 2.0, axis=0) + 1.0
        return np.cumsum(y.T, axis=0) * x.sum(), np.linalg.inv(x @ x.T + 1.0 * np.eye(4))

    x = np.random.default_rng(0).normal(size=(4, 7))
    agree(ag.compile(f, backend="llvm")(x), f(x), 1e-12)
    # without a warning, as machine code has none
    quiet = ag.compile(lambda x: np.sqrt(x) + np.log2(x), backend="llvm")
    assert np.isnan(quiet(-np.ones(3))).all()


def test_gradients_of_a_network() -> None:
    random = np.random.default_rng(0)
    x, w, v = (random.normal(size=s) for s in ((9, 5), (5, 4), (4, 3)))

    def loss(w: Any, v: Any) -> Any:
        return (ag.log_softmax(ag.sigmoid(x @ w) @ v)[:, 0]).mean()

    f = ag.value_and_grad(loss, (0, 1))
    (value, grads), (right, exact) = ag.compile(f, backend="llvm")(w, v), f(w, v)
    assert value == pytest.approx(right, rel=1e-14)
    agree(grads, exact, 1e-14)


def test_threads_do_not_share_memory() -> None:
    fast = ag.compile(lambda x: np.exp(np.sin(x) * 2).sum(axis=0), backend="llvm")
    inputs = [np.full((300, 300), float(k)) for k in range(4)]
    right = [fast(x) for x in inputs]
    wrong: list[int] = []

    def work(k: int) -> None:
        wrong.extend(k for _ in range(50) if not np.array_equal(fast(inputs[k]), right[k]))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert not wrong


@pytest.mark.parametrize("wrong", [np.ones((2, 3)), np.ones(4), 1.0, np.ones((2, 2), complex)])
def test_a_program_refuses_values_that_it_was_not_made_for(wrong: Any) -> None:
    plan = ArrayPlan(ag.trace(lambda x: x + 1, np.ones((2, 2))))
    with pytest.raises(GraphError, match=r"float64\[2, 2\]"):
        plan([wrong])
    np.testing.assert_array_equal(plan([np.ones((2, 2), np.float32)])[0], np.full((2, 2), 2.0))


OVER_ALL = (
    lambda x: x * 2.0 + 1.0,
    lambda x: x[::-1] > 0.5,
    lambda x: np.where(x, x[..., ::-1], 2.0),
    lambda x: x[..., ::2].T * 1.0 + x[..., ::2].T,
    lambda x: np.expand_dims(x, -1) * x[..., -1:, None],
    lambda x: (x * 1.0).sum(axis=0),
    lambda x: np.max(x[..., ::-1] * 1.0, axis=-1),
    lambda x: (x * 1.0).mean(axis=-1, keepdims=True),
    lambda x: x.astype(np.float32) - x[:1],
    lambda x: np.exp(x * 0.25),
)
"""Passes that read and write whole vectors, parts of them, and entries far apart."""


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("dtype", ["f4", "f8", "?", "i1", "i2", "i4", "i8", "u1", "u2", "u4"])
def test_passes_touch_nothing_outside_of_the_arrays(
    machine: Machine,
    dtype: str,
    fenced: Callable[[Any, bool], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(planning, "host", lambda _: machine)
    ends = itertools.cycle((True, False))
    monkeypatch.setattr(
        planning, "maker_of", lambda like: lambda: fenced(np.zeros_like(like), next(ends))
    )
    random = np.random.default_rng(0)

    def f(x: Any) -> list[Any]:
        return [g(x) for g in OVER_ALL]

    for shape in ((1,), (7,), (17,), (67,), (3, 1), (5, 9), (2, 3, 16), (4, 1, 5)):
        x = (random.random(shape) * 3).astype(dtype)
        plan = ArrayPlan(ag.trace(f, x))
        # results that are held are not written again, so that new ones are made
        kept = [plan([fenced(x, side)]) for side in (True, False, True)]
        for found in kept:
            # exponentials are off by a unit, sums of few float32 entries by some
            agree(found, f(x), 1e-6 if x.dtype.itemsize < 8 else 1e-14)
