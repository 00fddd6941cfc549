"""Law 5: the same function on any engine, for every row and for random programs."""

import itertools
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_coverage import draw, listed

import autograd as ag
from autograd import ROWS, Primitive, Tensor, TraceError, trace
from autograd.domain import Case
from autograd.graph.ir import Graph
from autograd.kinds import Elementwise

Function = Callable[..., Any]


def emitted(graph: Graph) -> Function:
    """Return the function that a graph's text defines."""
    scope: dict[str, Any] = {}
    exec(graph.source, scope)
    return scope[graph.name]  # type: ignore[no-any-return]


def compiled(backend: str) -> Callable[[Function], Function]:
    return lambda f: ag.compile(f, backend=backend)


SCALAR_BACKENDS = ("python", "llvm")


def engines(
    f: Function, examples: tuple[Any, ...], backends: tuple[str, ...]
) -> dict[str, Function]:
    """Return `f` on every engine; the examples are not the values it is called with."""
    graph = trace(f, *examples)
    found = {
        "graph": graph,
        "simplified": graph.simplify(),
        "numpy": ag.compile(f, backend="numpy"),
    }
    found["source"] = emitted(graph)
    found["simplified source"] = emitted(graph.simplify())
    found.update({b: ag.compile(f, backend=b) for b in backends})
    for name in ("numpy", *backends):
        found[name](*examples)
    return found


def leaves(tree: Any) -> list[Any]:
    if isinstance(tree, (tuple, list)):
        return [x for part in tree for x in leaves(part)]
    return [tree.numpy() if isinstance(tree, Tensor) else tree]


def assert_same(found: Any, wanted: Any, rtol: float, what: str) -> None:
    for a, b in zip(leaves(found), leaves(wanted), strict=True):
        assert np.shape(a) == np.shape(b), what
        if rtol:
            np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol, err_msg=what)
        else:
            np.testing.assert_array_equal(a, b, err_msg=what)


def eager(f: Function, args: tuple[Any, ...]) -> Any:
    """Return the result of `f` on Tensors: floats there follow IEEE arithmetic."""
    return f(*map(Tensor, args))


# ---- every row -----------------------------------------------------------------------------------

# an ulp of the result, on values of a few units, in up to ten calls of a rule
ULPS = 1e-14

REFUSED = "trim_zeros"
"""The one row that no trace can follow: how many entries its result has depends on values."""


LIBRARY_LACKS = {
    *("bessel_i", "bessel_j", "i0", "i1", "j0", "j1", "digamma", "polygamma"),
    *("beta", "betaln", "erfinv", "ndtri"),
}
"""Rows of floats that neither arithmetic nor C's library gives: SciPy computes them."""


def is_native(function: Function, examples: tuple[Any, ...]) -> bool:
    """Whether C and machine code have a function of floats; which row they lack is asserted."""
    refusal = ""
    try:
        trace(function, *examples).to_c()
    except ag.ArgumentError as error:
        refusal = str(error)
    found = re.search(r"got (\w+).*, which does not say what it does to floats", refusal)
    assert not refusal or (found and found[1] in LIBRARY_LACKS), refusal
    return not refusal


def inputs_of(row: Primitive, seed: int) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
    """Return scalar arguments of an element-wise row."""
    return [
        (tuple(float(x) for x in draw(row, Case(((),) * row.arity), np.random.default_rng(k))), {})
        for k in (seed, seed + 9)
    ]


def rows() -> list[Primitive]:
    return list(ROWS.values())


@pytest.mark.parametrize(("row", "case"), listed())
def test_every_row_is_the_same_on_every_engine(row: Primitive, case: Case) -> None:
    args, examples = (
        tuple(float(x) if x.ndim == 0 else x for x in draw(row, case, np.random.default_rng(k)))
        for k in (1, 2)
    )

    def f(*xs: Any) -> Any:
        return case.apply(row, *xs)

    def total(*xs: Any) -> Any:
        return np.sum(f(*xs) * 1.5)

    wanted = eager(f, args)
    if row.name == REFUSED:
        with pytest.raises(TraceError, match="; try "):
            trace(f, *examples)
        return
    scalar = isinstance(row, Elementwise) and all(np.shape(x) == () for x in (*args, wanted))
    functions: list[tuple[Function, Any]] = [(f, wanted)]
    if isinstance(wanted, Tensor) and wanted.requires_grad:
        derivative = ag.value_and_grad(total, tuple(range(len(args))))
        functions.append((derivative, derivative(*args)))
    for function, result in functions:
        backends = SCALAR_BACKENDS if scalar and is_native(function, examples) else ()
        for name, engine in engines(function, examples, backends or ("python",) * scalar).items():
            with np.errstate(all="ignore"):  # text does not switch warnings off by itself
                assert_same(engine(*args), result, ULPS, f"{row.name} on {name}")


@pytest.mark.parametrize(("row", "case"), listed())
def test_every_row_of_float32_is_the_same_as_text(row: Primitive, case: Case) -> None:
    if row.name == REFUSED:
        return
    args, examples = (
        tuple(np.float32(x) for x in draw(row, case, np.random.default_rng(k))) for k in (1, 2)
    )

    def f(*xs: Any) -> Any:
        return case.apply(row, *xs)

    functions: list[Function] = [f]
    if isinstance(wanted := eager(f, args), Tensor) and wanted.requires_grad:
        functions.append(ag.grad(lambda *xs: np.sum(f(*xs) * 1.5), tuple(range(len(args)))))
    with np.errstate(all="ignore"):
        for function in functions:
            graph = trace(function, *examples)
            wanted = graph(*args)
            for text in (graph, graph.simplify()):
                found = emitted(text)(*args)
                assert_same(found, wanted, 0.0, row.name)
                for a, b in zip(leaves(found), leaves(wanted), strict=True):
                    assert np.result_type(a) == np.result_type(b), row.name


# ---- random programs -----------------------------------------------------------------------------

EXACT: dict[str, tuple[int, Function]] = {
    "add": (2, lambda a, b: a + b),
    "subtract": (2, lambda a, b: a - b),
    "multiply": (2, lambda a, b: a * b),
    "divide": (2, lambda a, b: a / b),
    "negative": (1, lambda a: -a),
    "absolute": (1, abs),
    "sqrt": (1, np.sqrt),
    "square": (1, np.square),
    "reciprocal": (1, np.reciprocal),
    "maximum": (2, np.maximum),
    "minimum": (2, np.minimum),
    "relu": (1, ag.relu),
    "sign": (1, np.sign),
    "where": (2, lambda a, b: np.where(a > b, a, b * 2)),
    "where not": (2, lambda a, b: np.where(a <= 0, np.sqrt(-a), b)),
    "constant": (1, lambda a: 0.75 * a),
    "power 1": (1, lambda a: a**1),
    "detach": (1, lambda a: a * a.detach()),
}
SMOOTH: dict[str, tuple[int, Function]] = {
    "add": (2, lambda a, b: 0.5 * (a + b)),
    "subtract": (2, lambda a, b: a - 0.5 * b),
    "multiply": (2, lambda a, b: a * b / 4),
    "exp": (1, lambda a: np.exp(0.1 * a)),
    "log": (1, lambda a: np.log(a * a + 1)),
    "sin": (1, np.sin),
    "cos": (1, np.cos),
    "tanh": (1, np.tanh),
    "sigmoid": (1, ag.sigmoid),
    "arctan": (1, np.arctan),
    "power": (1, lambda a: (a * a + 1) ** -1.5),
    "sqrt": (1, lambda a: np.sqrt(a * a + 1)),
    "where": (2, lambda a, b: np.where(a > b, a, 0.5 * b)),
}


@st.composite
def programs(draw: st.DrawFn, table: dict[str, tuple[int, Function]]) -> Function:
    """Draw a straight-line program of two inputs."""
    steps = []
    for k in range(draw(st.integers(1, 12))):
        name = draw(st.sampled_from(sorted(table)))
        operands = [draw(st.integers(0, k + 1)) for _ in range(table[name][0])]
        steps.append((name, operands))

    def program(x: Any, y: Any) -> Any:
        values = [x, y]
        for name, operands in steps:
            values.append(table[name][1](*(values[i] for i in operands)))
        return values[-1]

    program.__doc__ = str(steps)
    return program


SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 1e200, -1e-200, np.inf, -np.inf, np.nan, 3.7]


@settings(max_examples=120, deadline=None)
@given(
    programs(EXACT),
    st.tuples(*[st.one_of(st.sampled_from(SPECIAL), st.floats(-9, 9))] * 2),
    st.tuples(*[st.floats(-4, 4)] * 2),
)
def test_exact_scalar_programs_have_the_same_bits(
    f: Function, args: tuple[float, float], examples: tuple[float, float]
) -> None:
    with np.errstate(all="ignore"):
        derivative = ag.value_and_grad(f, (0, 1))
        for function, wanted in ((f, eager(f, args)), (derivative, derivative(*args))):
            for name, engine in engines(function, examples, SCALAR_BACKENDS).items():
                assert_same(engine(*args), wanted, 0.0, f"{name}: {f.__doc__}")


@settings(max_examples=60, deadline=None)
@given(programs(EXACT), st.integers(0, 2**32 - 1), st.sampled_from(["f4", "f8"]))
def test_exact_array_programs_have_the_same_bits(f: Function, seed: int, dtype: str) -> None:
    rng = np.random.default_rng(seed)

    def arguments() -> tuple[Any, Any]:
        x = rng.normal(size=(3, 4)).astype(dtype)
        x[rng.random((3, 4)) < 0.2] = 0
        return x, rng.normal(size=4).astype(dtype)

    args, examples = arguments(), arguments()

    with np.errstate(all="ignore"):
        derivative = ag.value_and_grad(lambda x, y: f(x, y).sum(), (0, 1))
        for function, wanted in ((f, eager(f, args)), (derivative, derivative(*args))):
            for name, engine in engines(function, examples, ()).items():
                found = engine(*args)
                assert_same(found, wanted, 0.0, f"{name}: {f.__doc__}")
                for a, b in zip(leaves(found), leaves(wanted), strict=True):
                    assert np.result_type(a) == np.result_type(b), name


@settings(max_examples=60, deadline=None)
@given(programs(SMOOTH), st.tuples(*[st.floats(-3, 3)] * 2), st.tuples(*[st.floats(-3, 3)] * 2))
def test_smooth_scalar_programs_agree(
    f: Function, args: tuple[float, float], examples: tuple[float, float]
) -> None:
    derivative = ag.value_and_grad(f, (0, 1))
    if min(abs(a - b) for a, b in itertools.combinations((*args, 0.0), 2)) < 1e-6:
        return  # one ulp may choose another branch there
    for function, wanted in ((f, eager(f, args)), (derivative, derivative(*args))):
        for name, engine in engines(function, examples, SCALAR_BACKENDS).items():
            # an ulp a call, carried on by slopes of about one over a dozen steps
            assert_same(engine(*args), wanted, 1e-12, f"{name}: {f.__doc__}")


CORNERS = [
    (lambda x, y: x / y, (1.0, 0.0)),
    (lambda x, y: x / y, (0.0, -0.0)),
    (lambda x, y: np.log(x) + y, (-1.0, 0.0)),
    (lambda x, y: np.log(x) + y, (0.0, 0.0)),
    (lambda x, y: np.log1p(x) * y, (-1.0, 2.0)),
    (lambda x, y: np.exp(x) * y, (1e4, -1.0)),
    (lambda x, y: np.expm1(x) * y, (1e4, 1.0)),
    (lambda x, y: np.sinh(x) + np.cosh(y), (-1e4, 1e4)),
    (lambda x, y: np.sqrt(x) - y, (-1.0, 0.0)),
    (lambda x, y: np.sin(x) + y, (np.inf, 0.0)),
    (lambda x, y: x**y, (0.0, -1.0)),
    (lambda x, y: x**y, (-0.0, -3.0)),
    (lambda x, y: x**y, (-2.0, 0.5)),
    (lambda x, y: x**y, (-10.0, 1001.0)),
    (lambda x, y: np.arctanh(x) + y, (-1.0, 0.0)),
    (lambda x, y: np.arctanh(x) + y, (2.0, 0.0)),
    (lambda x, y: np.arccos(x) + np.arccosh(y), (2.0, 0.0)),
    (lambda x, y: 1 / (1 / x) + y, (0.0, 1.0)),
    (lambda x, y: x * x * x * y, (1e200, 1.0)),
]


@pytest.mark.parametrize("k", range(len(CORNERS)))
def test_corners_of_ieee_arithmetic_give_what_numpy_gives(k: int) -> None:
    f, args = CORNERS[k]
    with np.errstate(all="ignore"):
        wanted = np.asarray(f(*map(np.float64, args)))
        derivative = ag.value_and_grad(f, (0, 1))
        slopes = derivative(*args)
        for name, engine in engines(f, (0.3, 0.4), SCALAR_BACKENDS).items():
            np.testing.assert_allclose(engine(*args), wanted, rtol=1e-15, err_msg=name)
        for name, engine in engines(derivative, (0.3, 0.4), SCALAR_BACKENDS).items():
            assert_same(engine(*args), slopes, 1e-14, name)


ENTRIES = st.floats(-3, 3) | st.sampled_from([0.0, -0.0, 1.0, float("inf"), 1e200])


@settings(max_examples=60, deadline=None)
@given(programs(EXACT), st.tuples(ENTRIES, ENTRIES))
def test_numbers_of_an_array_have_the_bits_of_numbers(f: Any, point: tuple[float, float]) -> None:
    def whole(p: Any) -> Any:
        return f(p[0], p[1])

    x = np.array(point)
    derived = ag.value_and_grad(whole)
    with np.errstate(all="ignore"):
        wanted, slopes = derived(x)
    for backend in ("python", "llvm", "numpy"):
        try:
            value, found = ag.compile(derived, backend=backend)(x)
        except ag.ArgumentError:  # a program that does nothing with its numbers is one of arrays
            continue
        np.testing.assert_array_equal(value, wanted, err_msg=str(f.__doc__))
        np.testing.assert_array_equal(found, slopes, err_msg=str(f.__doc__))
