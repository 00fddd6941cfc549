"""ONNX models run in onnxruntime and agree with the graph; what ONNX lacks is refused by name."""

import itertools
import re
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_coverage import draw, listed
from test_engines import REFUSED, SMOOTH, eager, leaves, programs

import autograd as ag
from autograd import ROWS, Primitive, trace
from autograd.domain import Case
from autograd.graph.equations import Spec
from autograd.graph.ir import Graph
from autograd.graph.spelling import SPELLED

onnxruntime.set_default_logger_severity(4)

LACKING = {
    *("bessel_i", "bessel_j", "i0", "i1", "j0", "j1"),
    *("beta", "betaln", "digamma", "erfc", "erfinv", "gamma", "gammaln", "ndtr", "ndtri"),
    *("polygamma", "ranks_in_partition", "exponent_of", "positions_of_quantiles"),
    *("eigh_of_symmetric", "inv", "logabsdet", "lower_cholesky", "pinv", "qr_of_tall", "solve"),
    *("thin_svd", "rank_and_singular_values"),
}
"""Rows without an operator and without a spelling in those that have one."""

SINGLE = {
    *(
        "arccos",
        "arccosh",
        "arcsin",
        "arcsinh",
        "arctan",
        "arctan2",
        "arctanh",
        "cosh",
        "sinh",
        "tan",
    ),
    *("det", "erf", "gelu", "softplus"),
}
"""Rows that onnxruntime computes in float32 only: it has no kernel for doubles."""


def loaded(graph: Graph) -> Callable[..., list[Any]]:
    """Return what onnxruntime makes of a graph."""
    model = graph.to_onnx()
    [opset] = model.opset_import
    assert opset.version == 18
    options = onnxruntime.SessionOptions()
    # its fusion of a matrix product with a factor rounds the factor to float32
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    names = [i.name for i in session.get_inputs()]
    assert names == list(graph.input_names)
    assert [o.name for o in session.get_outputs()] == list(graph.output_names)

    def run(*args: Any) -> list[Any]:
        fed = {
            name: np.asarray(x, spec.dtype)
            for name, spec, x in zip(names, graph.specs, args, strict=False)
        }
        return session.run(None, fed)  # type: ignore[no-any-return]

    return run


def assert_agrees(found: list[Any], wanted: Any, rtol: float, what: str) -> None:
    for a, b in zip(found, leaves(wanted), strict=True):
        assert np.shape(a) == np.shape(b), what
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol, err_msg=what)


@pytest.mark.parametrize(("row", "case"), listed())
def test_every_row_and_its_derivative_run_in_onnxruntime(row: Primitive, case: Case) -> None:
    if row.name == REFUSED:
        return  # no trace follows it
    kind = np.float32 if row.name in SINGLE else np.float64
    args = tuple(kind(x) for x in draw(row, case, np.random.default_rng(1)))

    def f(*xs: Any) -> Any:
        return case.apply(row, *xs)

    wanted = eager(f, args)
    functions: list[tuple[Callable[..., Any], Any]] = [(f, wanted)]
    if isinstance(wanted, ag.Tensor) and wanted.requires_grad:
        derivative = ag.value_and_grad(lambda *xs: np.sum(f(*xs) * 1.5), tuple(range(len(args))))
        functions.append((derivative, derivative(*args)))
    for function, result in functions:
        graph = trace(function, *args)
        if kind is np.float32 and any(spec == Spec((3, 3), np.dtype("f8")) for spec in graph.specs):
            assert graph.to_onnx().graph.node  # the case adds doubles, which cannot be run
            continue
        refused = ""
        try:
            run = loaded(graph)
        except ag.ArgumentError as error:
            refused = str(error)
        if refused:
            named = re.search(r"got (\w+).*, which it lacks; try ", refused)
            assert named is not None, refused
            assert named[1] in LACKING, refused
            continue
        assert row.name not in LACKING
        # an ulp of values of a few units in every operator of a rule
        rtol = 1e-13 if kind is np.float64 else 2e-5
        assert_agrees(run(*args), result, rtol, row.name)


@settings(max_examples=30, deadline=None)
@given(
    programs({k: v for k, v in SMOOTH.items() if k != "arctan"}),
    st.tuples(*[st.floats(-3, 3)] * 2),
    st.tuples(*[st.floats(-3, 3)] * 2),
)
def test_random_programs_and_their_derivatives_agree(
    f: Callable[..., Any], args: tuple[float, float], examples: tuple[float, float]
) -> None:
    if min(abs(a - b) for a, b in itertools.combinations((*args, 0.0), 2)) < 1e-6:
        return  # one ulp may choose another branch there
    derivative = ag.value_and_grad(f, (0, 1))
    for function, wanted in ((f, eager(f, args)), (derivative, derivative(*args))):
        found = loaded(trace(function, *examples))(*args)
        assert_agrees(found, wanted, 1e-12, f.__doc__ or "")


def test_a_network_exports_with_its_names_and_dtypes() -> None:
    rng = np.random.default_rng(0)
    shapes = {"w": (4, 5), "b": (5,), "v": (5, 3)}
    params = {key: rng.normal(size=shape).astype("f4") for key, shape in shapes.items()}
    x, labels = rng.normal(size=(7, 4)).astype("f4"), rng.integers(0, 3, 7)

    def logits(params: Any, x: Any) -> Any:
        return np.maximum(x @ params["w"] + params["b"], 0) @ params["v"]

    def loss(params: Any, x: Any, one_hot: Any) -> Any:
        return -np.mean(np.sum(ag.log_softmax(logits(params, x)) * one_hot, axis=1))

    one_hot = np.eye(3, dtype="f4")[labels]
    graph = trace(ag.value_and_grad(loss), params, x, one_hot)
    assert graph.input_names == ("params_w", "params_b", "params_v", "x", "one_hot")
    found = loaded(graph)(*params.values(), x, one_hot)
    value, slopes = ag.value_and_grad(loss)(params, x, one_hot)
    for got, want in zip(found, (value, *slopes.values()), strict=True):
        assert got.dtype == np.float32
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-6)


def test_computed_indices_gather() -> None:
    table, rows = np.arange(12.0).reshape(4, 3), np.array([3, 0, -1])
    graph = trace(lambda table, rows: table[rows] * 2, table, rows)
    np.testing.assert_array_equal(loaded(graph)(table, rows)[0], table[rows] * 2)


CORNERS = np.array([0.0, -0.0, 1.0, -1.0, 2.5, -3.5, 1e-3, 1e300, np.inf, -np.inf, np.nan])


@pytest.mark.parametrize("name", sorted(n for n in SPELLED if n in ROWS and not ROWS[n].cases))
def test_spelled_rows_agree_in_the_corners(name: str) -> None:
    row = ROWS[name]
    kind = np.float32 if name in SINGLE else np.float64
    with np.errstate(all="ignore"):
        args = tuple(x.astype(kind) for x in np.meshgrid(CORNERS, CORNERS)[: row.arity])
        graph = trace(row, *args)
        rtol = 1e-12 if kind is np.float64 else 1e-5
        # 1e-15: what is left of sin(pi), of which runtimes differ
        np.testing.assert_allclose(loaded(graph)(*args)[0], graph(*args), rtol=rtol, atol=1e-15)


def by_places(x: Any) -> Any:
    return np.take_along_axis(x, np.argsort(x, axis=0)[::-1], 0)


LOOKS: dict[str, Any] = {
    "isclose": lambda x: np.isclose(x, 1.0),
    "allclose": lambda x: np.allclose(x, x),
    "array_equal": lambda x: np.array_equal(x, x[::-1]),
    "array_equiv": lambda x: np.array_equiv(x, x[0]),
    "all": lambda x: np.all(x, axis=0),
    "any": lambda x: np.any(x, axis=1),
    "count_nonzero": lambda x: np.count_nonzero(x, axis=0),
    "digitize": lambda x: np.digitize(x, [0.0, 1.0, 2.0]),
    "digitize downwards": lambda x: np.digitize(x, [2.0, 1.0, 0.0], right=True),
    "searchsorted": lambda x: np.searchsorted(np.array([-1.0, 0.0, 2.0]), x, side="right"),
    "isin": lambda x: np.isin(x, [1.0, 2.0]),
    "signbit": np.signbit,
    "isneginf": np.isneginf,
    "argmax": lambda x: np.argmax(x[2:], axis=None, keepdims=True),
    "where of truth values": lambda x: np.where(x > 0, x > 1, x < -1),
    "round": lambda x: np.round(x, 1),
}


@pytest.mark.parametrize("name", LOOKS)
def test_looks_run_in_onnxruntime(name: str) -> None:
    f = LOOKS[name]
    x = np.array([[1.0, -2.06, np.inf, 0.0], [np.nan, 3.0, -np.inf, -0.0], [1.0, 1.0, 2.0, 2.0]])
    with np.errstate(all="ignore"):
        graph = trace(f, np.ones(x.shape))
        np.testing.assert_array_equal(loaded(graph)(x)[0], graph(x))


@pytest.mark.parametrize(
    "f",
    [
        by_places,
        ag.grad(lambda x: np.sum(by_places(x) * np.arange(4.0))),
        lambda x: np.sort(x, axis=None),
        ag.grad(lambda x: np.sum(np.sort(x, axis=1) ** 2 * np.arange(4.0))),
        lambda x: np.median(x, axis=0),
        lambda x: x[:, np.argmax(x[0])],
        ag.grad(lambda x: np.sum(x[:, np.argmax(x[0])] ** 2)),
        lambda x: ag.take(x, np.argmin(x, axis=0), axis=1),
        lambda x: x[np.argmax(x, axis=0), np.array([0, 1, -1, 2])],
        lambda x: np.cumprod(x, axis=1) + np.cumsum(x > 1, axis=0),
    ],
)
def test_places_that_are_computed_are_gathered_and_scattered(f: Any) -> None:
    graph = trace(f, np.arange(12.0).reshape(3, 4))
    for x in (np.random.default_rng(0).normal(size=(3, 4)), np.ones((3, 4))):
        np.testing.assert_allclose(loaded(graph)(x)[0], graph(x), rtol=1e-13)


def test_a_place_behind_a_computed_slice_is_refused_by_name() -> None:
    graph = trace(lambda x, i: x[i, :, i], np.ones((3, 4, 3)), np.array([0, 2]))
    with pytest.raises(ag.ArgumentError, match="getitem, which it lacks"):
        graph.to_onnx()


def test_without_onnx_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ag.MissingExtraError, match=r"chainrule\[onnx\]"):
        trace(lambda x: x * x, 1.0).to_onnx()
