"""Functions of numbers with small arrays inside run where only numbers do, with the same bits."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_engines import leaves
from test_text import built, needs_c, outputs

import autograd as ag
from autograd import Tensor, trace
from autograd.graph.unrolling import UNROLLED, unrolled

W = np.array([[1.0, 2.0], [3.0, -1.0]])


def pair(x: Any, y: Any) -> Any:
    return np.stack([x, y])


EXACT: dict[str, Any] = {
    "mean of a stack": lambda x, y: np.mean(np.stack([x, y, x * y])),
    "a long sum": lambda x, y: np.sum(np.stack([x * k + y for k in range(30)])),
    "variance": lambda x, y: np.var(np.stack([x, y, x * y, x - y])),
    "deviation": lambda x, y: np.std(np.stack([x, y, x * y]), ddof=1),
    "1-norm": lambda x, y: np.linalg.norm(pair(x, y), 1),
    "entries of a constant": lambda x, y: W[1, 0] * x + pair(x, y)[::-1][0] * W[0, 1],
    "taken": lambda x, y: np.take(pair(x, y), [1, 1, 0]).prod(),
    "maximum": lambda x, y: np.max(np.stack([x, y, 0.1])) - np.min(pair(x, y)),
    "running": lambda x, y: np.sum(np.cumsum(np.stack([pair(x, y), pair(y, 2.0)]), axis=1)),
    "running product": lambda x, y: np.cumprod(np.stack([x, y, x]))[-1],
    "outer": lambda x, y: np.sum(np.outer(pair(x, y), pair(y, x)), axis=0)[1],
    "any": lambda x, y: np.where(np.any(pair(x, y) > 0.5), x, y),
    "all": lambda x, y: np.where(np.all(pair(x, y) > 0.5), x, y),
    "a constant mask": lambda x, y: np.sum(np.where(np.array([True, False]), pair(x, y), 0.0)),
    "close": lambda x, y: np.where(np.any(np.isclose(pair(x, y), 0.7)), x, y * 2),
    "interp": lambda x, y: np.interp(x, [-1.0, 0.0, 1.0, 3.0], [3.0, 1.0, 2.0, 5.0]) * y,
    "looked up": lambda x, y: pair(x, y)[np.argmax(pair(x, y))],
    "a row looked up": lambda x, y: np.sum(ag.take(W * x, np.argmin(pair(x, y)), axis=0)),
    "several looked up": lambda x, y: np.prod(
        ag.take(pair(x, y), np.argmax(pair(x, y)) - np.array([[1], [0]]))
    ),
    "digitize": lambda x, y: np.where(np.digitize(x, [0.0, 1.0]) == 1, x, y * 2),
    "signs": lambda x, y: np.where(np.signbit(y), x, y) * np.where(np.isneginf(x), 2.0, 3.0),
    "clip": lambda x, y: np.clip(pair(x, y), 0, 0.4).sum(),
    "differences": lambda x, y: np.diff(np.stack([x, y, x * x])).sum(),
    "whole numbers": lambda x, y: np.sum(np.arange(5) * x) + y,
    "a diagonal": lambda x, y: np.trace(np.outer(pair(x, y), pair(x, y))),
    "padded": lambda x, y: np.pad(pair(x, y), 1, "edge").reshape(2, 2)[:, 1] @ np.ones(2),
}
CLOSE: dict[str, Any] = {
    "norm": lambda x, y: np.linalg.norm(pair(x, y)),
    "quadratic form": lambda x, y: pair(x, y) @ (W @ pair(x, y)),
    "einsum": lambda x, y: np.einsum("i,ij,j->", pair(x, y), W, pair(y, x)),
    "3-norm": lambda x, y: np.linalg.norm(pair(x, y), 3),
    "convolution": lambda x, y: np.convolve(np.stack([x, y, 1.0]), pair(y, x))[2],
    "dot of matrices": lambda x, y: np.vdot(pair(x, y), np.inner(W, pair(y, 2.0))),
    "products of numbers": lambda x, y: np.dot(x, y) + np.inner(x, y) * np.outer(x, y)[0, 0],
    "softmax": lambda x, y: ag.softmax(np.stack([x, y, 1.0]))[0],
    "logsumexp": lambda x, y: ag.logsumexp(np.stack([x, y, 1.0])),
    "network": lambda x, y: np.tanh(W @ np.tanh(W @ pair(x, y) + 1.0)).sum(),
    "polynomial": lambda x, y: np.polyval(np.array([1.0, 2.0, 3.0]), x) * y,
    "hessian": ag.hessian(lambda x, y: np.sum(pair(x, y) ** 3) * x),
}
POINTS = [(0.7, -0.3), (2.0, 2.0), (-0.25, 0.5)]
"""The second has ties."""


@pytest.mark.parametrize("name", [*EXACT, *CLOSE])
@pytest.mark.parametrize("backend", ["python", "llvm", "auto"])
def test_small_arrays_inside_become_numbers(name: str, backend: str) -> None:
    f = {**EXACT, **CLOSE}[name]
    functions = [f] if name == "hessian" else [f, ag.value_and_grad(f, (0, 1))]
    for function in functions:
        fast = ag.compile(function, backend=backend)
        fast(1.5, 0.25)
        for x, y in POINTS:
            plainly = name == "hessian" or function is not f
            wanted = leaves(function(x, y) if plainly else function(Tensor(x), Tensor(y)))
            found = leaves(fast(x, y))
            if name in EXACT:
                np.testing.assert_array_equal(found, wanted)
            else:
                # BLAS may round a product and a sum at once; powers and exponentials, an ulp a call
                np.testing.assert_allclose(found, wanted, rtol=1e-14)
        assert fast.stats.backend != "numpy"
        assert not any(spec.shape for spec in fast.graph.specs)


@pytest.mark.parametrize("name", EXACT)
def test_small_arrays_inside_become_numbers_at_every_point(name: str) -> None:
    f = EXACT[name]
    x, y = np.array(POINTS).T
    for function in (f, ag.value_and_grad(f, (0, 1))):
        found = ag.vectorize(function)(x, y)
        wanted = [leaves(trace(function, 1.5, 0.25)(*point)) for point in POINTS]
        np.testing.assert_array_equal(np.transpose(leaves(found)), wanted, name)


@needs_c
def test_c_of_small_arrays_gives_the_bits_of_the_graph(tmp_path: Path) -> None:
    graphs = [trace(ag.value_and_grad(f, (0, 1)), 1.5, 0.25) for f in EXACT.values()]
    for graph, function in zip(graphs, built(graphs, tmp_path), strict=True):
        for x, y in POINTS:
            np.testing.assert_array_equal(function(x, y), outputs(graph(x, y)), str(graph))


SHAPES = [(n,) for n in range(1, 28)] + [(3, 9), (2, 3, 4), (9, 2), (4, 1, 5), (8, 8)]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(SHAPES), st.integers(0, 2**32 - 1), st.booleans())
def test_sums_over_any_axes_have_the_bits_of_numpy(
    shape: tuple[int, ...], seed: int, keepdims: bool
) -> None:
    entries = np.random.default_rng(seed).normal(size=shape) * 1e3
    choices = [
        c for k in range(1, len(shape) + 1) for c in itertools.combinations(range(len(shape)), k)
    ]
    weights = np.arange(1.0, 1.0 + entries.size).reshape(shape)
    for axis in (None, -1, *choices):
        for function in (np.sum, np.mean, np.prod, np.max, np.min):

            def f(x: Any, function: Any = function, axis: Any = axis) -> Any:
                parts = function(weights * 0.001 + entries * x, axis=axis, keepdims=keepdims)
                return np.reshape(parts, -1)[0]

            found = ag.compile(f, backend="python")
            assert found(0.7) == f(0.7), (function, axis)


OPERATIONS: dict[str, Any] = {
    "add": lambda a, b: a + b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
    "maximum": np.maximum,
    "where": lambda a, b: np.where(a > b, a, b * 2),
    "flip": lambda a, b: np.flip(a) - b,
    "sum": lambda a, b: a + np.sum(b),
    "mean": lambda a, b: np.mean(a) * b,
    "cumsum": lambda a, b: np.cumsum(a) - b,
    "entry": lambda a, b: a[1] * b,
    "joined": lambda a, b: np.concatenate([a[1:], b[:1]]),
    "matrix": lambda a, b: np.sum(np.reshape(a, (1, -1)) * np.reshape(b, (-1, 1)), axis=0),
    "at": lambda a, b: ag.at(a)[1:].add(b[:-1]),
}


@st.composite
def programs(draw: st.DrawFn) -> Any:
    """Draw a straight-line program of two numbers on arrays of three entries."""
    steps = [
        (
            draw(st.sampled_from(sorted(OPERATIONS))),
            draw(st.integers(0, k + 1)),
            draw(st.integers(0, k + 1)),
        )
        for k in range(draw(st.integers(1, 6)))
    ]

    def program(x: Any, y: Any) -> Any:
        values = [np.stack([x, y, x - y]), np.array([1.5, -2.0, 0.25]) * y]
        for name, i, j in steps:
            values.append(OPERATIONS[name](values[i], values[j]))
        return np.sum(values[-1])

    program.__doc__ = str(steps)
    return program


SPECIAL = [0.0, -0.0, 1.0, -2.5, 1e200, np.inf, np.nan]


@settings(max_examples=60, deadline=None)
@given(programs(), *[st.one_of(st.sampled_from(SPECIAL), st.floats(-9, 9))] * 2)
def test_random_programs_on_small_arrays_have_the_same_bits(f: Any, x: float, y: float) -> None:
    with np.errstate(all="ignore"):
        derivative = ag.value_and_grad(f, (0, 1))
        for function, wanted in ((f, f(Tensor(x), Tensor(y))), (derivative, derivative(x, y))):
            for backend in ("python", "llvm"):
                fast = ag.compile(function, backend=backend)
                fast(0.5, -0.7)
                np.testing.assert_array_equal(leaves(fast(x, y)), leaves(wanted), f.__doc__)


def test_the_first_nan_is_the_largest_and_no_entry_is_nan() -> None:
    def f(x: Any, y: Any) -> Any:
        return np.stack([10.0 * x, 10.0 * y, 30.0])[np.argmax(np.stack([x, y, 0.0])) + 1]

    machine = ag.compile(f, backend="llvm")
    for x, y in ((1.0, np.nan), (np.nan, np.nan), (0.5, 0.5)):
        np.testing.assert_array_equal(machine(x, y), f(Tensor(x), Tensor(y)).data)
    assert np.isnan(machine(-1.0, -2.0))


def test_what_is_not_unrolled_is_named() -> None:
    for f, refusal in (
        (lambda x: np.sort(np.stack([x, 1.0]))[0], "sort of an array, which is not unrolled"),
        (lambda x: np.linalg.det(np.stack([pair(x, 1.0), pair(2.0, x)])), "det of an array"),
        (lambda x: np.sum(np.arange(UNROLLED + 1.0) * x), r"float64\[65\], beyond the 64 entries"),
        (lambda x: np.stack([x, x]), r"an array of float64\[2\]"),
    ):
        with pytest.raises(ag.ArgumentError, match=refusal):
            ag.compile(f, backend="python")(2.0)
        for write in (trace(f, 2.0).to_c, trace(f, 2.0).to_latex):
            with pytest.raises(ag.ArgumentError, match=refusal):
                write()
        automatic = ag.compile(f)
        automatic(2.0)
        assert automatic.stats.backend == "numpy"
    graph = trace(lambda x: x.sum(), np.ones(3))
    assert unrolled(graph) == (graph, "")


def test_names_are_kept() -> None:
    def f(apple: Any, count: Any) -> Any:
        price = np.sum(np.stack([apple, apple]) * count)
        price.name = "price"
        return price * 1.1

    fast = ag.compile(f, backend="python")
    assert fast(3.0, 2.0) == 13.200000000000001
    assert "price = v0 + v0" in fast.source
    assert fast.source.count("apple") > 1


@pytest.mark.parametrize("backend", ["auto", "numpy", "llvm"])
def test_a_function_of_entries_that_is_none_of_floats_stays_one_of_arrays(backend: str) -> None:
    def f(x: Any) -> Any:
        inside = (x[0] > 1.0) * (x[0] < 2.0)  # a product of truths, which NumPy makes a truth
        return inside * inside * 1.0 + x[0]

    assert ag.compile(f, backend=backend)(np.array([1.5, 7.0])) == 2.5
