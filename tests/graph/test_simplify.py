"""Simplification changes no bit by default, and says which identities change one."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_engines import EXACT, SPECIAL, programs

import autograd as ag
from autograd import trace


def operations(f: Any, *examples: Any, exact: bool = True) -> list[str]:
    return [e.row.name for e in trace(f, *examples).simplify(exact).equations]


KEPT = {
    "x * 1": (lambda x: x * 1, []),
    "1 * x": (lambda x: 1.0 * x, []),
    "x / 1": (lambda x: x / 1, []),
    "x - 0": (lambda x: x - 0.0, []),
    "x + -0": (lambda x: x + -0.0, []),
    "x ** 1": (lambda x: x**1, []),
    "--x": (lambda x: np.negative(-x), []),
    "+x": (lambda x: +x, []),
    "x * -1": (lambda x: x * -1, ["negative"]),
    "where(c, x, x)": (lambda x: np.where(x > 0, x, x), []),
    "where in where": (
        lambda x: np.where(x > 0, np.where(x > 0, x, 3.0), 2.0),
        ["greater", "where"],
    ),
    "mask": (
        lambda x: np.where(np.where(x > 0, 0.0, 2.0) != 0, x, 1.0),
        ["greater", "where"],
    ),
    "common": (lambda x: np.sin(x) * np.sin(x), ["sin", "multiply"]),
    "folded": (lambda x: x + np.exp(ag.Tensor(1.0)) * 2, ["add"]),
    "dead": (lambda x: [np.sin(x), np.cos(x)][1], ["cos"]),
    "x + 0 may be -0": (lambda x: x + 0.0, ["add"]),
    "0 * x may be nan": (lambda x: 0.0 * x, ["multiply"]),
    "x - x may be nan": (lambda x: x - x, ["subtract"]),
    "x / x may be nan": (lambda x: x / x, ["divide"]),
    "0 - x may be 0": (lambda x: 0.0 - x, ["subtract"]),
    "x ** 2 may round": (lambda x: x**2, ["power"]),
}


@pytest.mark.parametrize("name", KEPT)
def test_identities_keep_every_bit(name: str) -> None:
    f, wanted = KEPT[name]
    assert operations(f, 0.7) == wanted
    before = trace(f, 0.7)
    after = before.simplify()
    for x in SPECIAL:
        a, b = before(x), after(x)
        np.testing.assert_array_equal(a, b)
        assert np.isnan(a) or np.signbit(a) == np.signbit(b)


ALLOWED = {
    "x + 0": (lambda x: x + 0.0, []),
    "0 - x": (lambda x: 0.0 - x, ["negative"]),
    "x * 0": (lambda x: x * 0.0, []),
    "0 / x": (lambda x: 0.0 / x, []),
    "x - x": (lambda x: x - x, []),
    "x / x": (lambda x: x / x, []),
    "x ** 2": (lambda x: x**2, ["multiply"]),
    "x ** 0.5": (lambda x: x**0.5, ["sqrt"]),
    "log exp": (lambda x: np.log(np.exp(x)), []),
    "exp log": (lambda x: np.exp(np.log(x)), []),
    "c (d x)": (lambda x: 3.0 * (2.0 * x), ["multiply"]),
    "x (1 / y)": (lambda x: (x + 1) * (1 / x), ["add", "divide"]),
}


@pytest.mark.parametrize("name", ALLOWED)
def test_further_identities_are_applied_when_asked_for(name: str) -> None:
    f, wanted = ALLOWED[name]
    graph = trace(f, 0.7)
    assert [e.row.name for e in graph.simplify(exact=False).equations] == wanted
    assert len(graph.simplify()) > len(wanted) or graph.simplify() != graph.simplify(exact=False)
    for x in (0.3, 1.7, 4.0):
        np.testing.assert_allclose(graph.simplify(exact=False)(x), graph(x), rtol=1e-15)


@settings(max_examples=80, deadline=None)
@given(programs(EXACT), st.lists(st.sampled_from(SPECIAL), min_size=2, max_size=2))
def test_random_derivatives_keep_every_bit_and_shrink(f: Any, args: list[float]) -> None:
    graph = trace(ag.value_and_grad(f, (0, 1)), 0.3, -0.4)
    small = graph.simplify()
    assert len(small) <= len(graph)
    assert small.simplify() == small or len(small.simplify()) <= len(small)
    assert small.check() is small
    (value, slopes), (again, others) = graph(*args), small(*args)
    np.testing.assert_array_equal((value, *slopes), (again, *others))


def test_arrays_keep_their_shape_and_dtype() -> None:
    x = np.ones((2, 3), np.float32)
    graph = trace(lambda x: x * np.ones((4, 2, 3)) + np.float64(0.0), x).simplify()
    assert graph(x).shape == (4, 2, 3)
    assert graph(x).dtype == np.float64
    same = trace(lambda x: x.reshape(2, 3).astype(np.float32) * 1, x).simplify()
    assert len(same) == 0
    wider = trace(lambda x: x * np.float64(1.0), x).simplify()
    assert wider(x).dtype == np.float64


def test_names_given_to_results_survive() -> None:
    def f(x: Any) -> Any:
        y = np.sin(x)
        y.name = "height"
        return y * 1.0 + 2

    assert "height = sin(x)" in repr(trace(f, 1.0).simplify())


def test_further_identities_pass_constants_that_are_arrays_by() -> None:
    x, c = np.array([0.5, -2.0]), np.array([0.0, 1.0])
    for f in (lambda x: x * c + c, lambda x: c / x - c, lambda x: (2.0 * x) * c, lambda x: x**c):
        graph = trace(f, x)
        np.testing.assert_array_equal(graph.simplify(exact=False)(x), graph(x))
