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
from autograd import Primitive, trace
from autograd.domain import Case
from autograd.graph.equations import Spec
from autograd.graph.ir import Graph

onnxruntime.set_default_logger_severity(4)

LACKING = {
    *("bessel_i", "bessel_j", "i0", "i1", "j0", "j1", "arctan2", "ldexp", "logaddexp2"),
    *("beta", "betaln", "digamma", "entr", "erfc", "erfinv", "gamma", "gammaln", "ndtr", "ndtri"),
    *("polygamma", "xlog1py", "cumprod", "convolve_full", "power_norm", "imag", "unwrap"),
    *("eigh_of_symmetric", "inv", "logabsdet", "lower_cholesky", "pinv", "qr_of_tall", "solve"),
    *("sort", "thin_svd", "ranks_in_partition", "exponent_of", "searchsorted"),
}
"""Rows without an operator and without a spelling in those that have one."""

SINGLE = {
    *("arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctanh", "cosh", "sinh", "tan"),
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


def test_without_onnx_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ag.MissingExtraError, match=r"chainrule\[onnx\]"):
        trace(lambda x: x * x, 1.0).to_onnx()
