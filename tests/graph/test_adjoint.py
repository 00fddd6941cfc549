"""A gradient that ends a trace is derived on equations, to the bits of the sweep over Tensors."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_engines import EXACT, SPECIAL, assert_same, programs

import autograd as ag
from autograd import ROWS, GraphError, Primitive, Tensor, TraceError, trace
from autograd.graph.adjoint import rule_of

POINTS = [0.0, -0.0, 0.3, -0.7, 1.0, 2.5, np.inf, np.nan]


def is_derived(row: Primitive) -> bool:
    return all(rule_of(row, i) for i in range(row.arity))


DERIVED = [
    row
    for row in ROWS.values()
    if row.arity in (1, 2) and row.name != "polygamma" and is_derived(row)
]


def through_tensors(derivative: Any) -> Any:
    """Return the same function to trace, which does not end with its own gradient."""
    return lambda *args: derivative(*args)


def test_most_rows_of_floats_are_derived() -> None:
    floats = [row for row in ROWS.values() if row.scalar is not None]
    assert {row.name for row in floats if not is_derived(row)} == {"where"}
    assert len(DERIVED) > 60


@pytest.mark.parametrize("row", DERIVED, ids=lambda row: row.name)
def test_rows_give_the_bits_of_the_sweep(row: Primitive) -> None:
    def f(*args: Any) -> Any:
        y = row(*[a * 1.5 for a in args])
        return y * y + y  # two contributions to y

    both = ag.value_and_grad(f, tuple(range(row.arity)))
    fixed = ag.grad(lambda x: f(x, *[0.25] * (row.arity - 1)))  # constants among the operands
    with np.errstate(all="ignore"):
        for derivative, count in ((both, row.arity), (fixed, 1)):
            derived = trace(derivative, *[0.4] * count)
            swept = trace(through_tensors(derivative), *[0.4] * count)
            assert len(derived.simplify()) <= len(swept.simplify())
            for x in POINTS:
                point = [x, 0.6][:count]
                assert_same(derived(*point), swept(*point), 0.0, f"{row.name} at {point}")


@settings(max_examples=60, deadline=None)
@given(programs(EXACT), st.lists(st.sampled_from(SPECIAL), min_size=2, max_size=2))
def test_random_programs_give_the_bits_of_the_sweep(f: Any, args: list[float]) -> None:
    derivative = ag.value_and_grad(f, (0, 1))
    derived = trace(derivative, 0.3, -0.4).simplify()
    swept = trace(through_tensors(derivative), 0.3, -0.4).simplify()
    assert len(derived) <= len(swept)
    assert_same(derived(*args), swept(*args), 0.0, str(f.__doc__))


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.maximum(x, 0) * np.power(x, 3),
        lambda x: np.arctan2(x, 2) + np.hypot(1, x),
        lambda x: np.maximum(x, np.float64(0.25)) * 3,
    ],
)
def test_whole_numbers_among_the_operands_are_doubles(f: Any) -> None:
    derivative = ag.value_and_grad(f)
    derived, swept = trace(derivative, 0.4), trace(through_tensors(derivative), 0.4)
    assert not any(e.origin is None for e in derived.equations[-3:])
    for x in (-1.5, 0.0, 0.25, 2.0):
        assert_same(derived(x), swept(x), 0.0, str(x))
    assert len(derived.simplify()) <= len(swept.simplify())


def test_containers_unused_arguments_and_aux_are_as_ever() -> None:
    def f(p: Any, unused: Any, x: Any) -> Any:
        return np.sin(p["a"]) * p["b"] + x, x * 2

    args = ({"a": 0.3, "b": 2.0}, 1.0, 0.5)
    for derivative in (
        ag.value_and_grad(f, (0, 1, 2), has_aux=True),
        ag.grad(f, (0, 1), has_aux=True),
    ):
        assert trace(derivative, *args)(*args) == derivative(*args)
    constant = ag.value_and_grad(lambda x, y: x * 1.0, (0, 1))
    assert trace(constant, 3.0, 2.0)(4.0, 2.0) == (4.0, (1.0, 0.0))


def test_gradients_that_are_computed_with_keep_their_own_derivative() -> None:
    cube = ag.grad(lambda x: x * x * x)
    assert trace(ag.grad(lambda x: cube(x) * x), 0.5)(2.0) == 36.0  # of 3 x ** 3
    assert trace(ag.grad(cube), 0.5)(2.0) == 12.0

    def inside(x: Any) -> Any:
        return ag.gradients(cube(x), x, create_graph=True)

    assert trace(inside, 0.5)(2.0) == 12.0

    def again(x: Any, once_more: bool) -> Any:
        # the function being traced is called inside itself, where more follows
        return itself(x, False) * x if once_more else x * x

    itself = ag.grad(again)
    assert trace(itself, 0.5, True)(3.0, True) == 12.0  # of 2 x ** 2


def test_what_is_more_than_scalars_goes_over_tensors() -> None:
    x = np.array([0.5, -0.5])
    for f, at in (
        (lambda x: np.where(x > 0, x * x, np.sqrt(-x)), 0.4),
        (lambda x: (x * x).sum(), x),
        (lambda x: np.clip(x * 2, -1.0, 1.0) * ag.stop_gradient(x), 0.3),
        (lambda x: np.stack([x, x * x]).max() * np.float32(2.0), 3.0),
    ):
        derivative = ag.value_and_grad(f)
        with np.errstate(invalid="ignore"):
            assert_same(trace(derivative, at)(at), derivative(at), 0.0, "")


def test_a_leaf_assigned_during_the_trace_is_refused() -> None:
    w = Tensor(2.0, name="w")

    def f(x: Any) -> Any:
        y = x * w
        w.assign(3.0)
        return y * x

    with pytest.raises(GraphError, match="'w' to hold the value"):
        trace(ag.grad(f), 1.0)


def test_a_rule_that_branches_is_refused_as_ever() -> None:
    @ag.primitive(partials=lambda y, x: 1.0 if x > 0 else 0.0)
    def ramp(x: Any) -> Any:
        return np.maximum(x, 0)

    assert ag.grad(ramp)(2.0) == 1.0
    with pytest.raises(TraceError, match=r"np\.where"):
        trace(ag.grad(ramp), 2.0)


def test_a_rule_of_ones_own_is_read_anew() -> None:
    factor = 2.0

    @ag.primitive(partials=lambda y, x: factor + 0 * x)
    def scaled(x: Any) -> Any:
        return 2.0 * x

    assert trace(ag.grad(scaled), 1.0)(3.0) == 2.0
    factor = 5.0
    assert trace(ag.grad(scaled), 1.0)(3.0) == 5.0


def test_a_trace_inside_a_compiled_function_is_its_own() -> None:
    w = Tensor(2.0)
    fast = ag.compile(lambda x: w * trace(lambda t: t * t * Tensor(2.0) + 1.0, 1.0)(x))
    assert fast(3.0) == 38.0


def test_derivatives_of_what_is_not_used_have_the_dtype_of_the_others() -> None:
    def both(x: Any, y: Any, s: Any) -> Any:
        return np.concatenate([x, y])[:3].sum()

    args = np.ones(3, np.float32), np.ones(2, np.float32), np.float32(2)
    derivative = ag.grad(both, (0, 1, 2))
    for f in (ag.compile(derivative), trace(derivative, *args)):
        assert [np.result_type(g) for g in f(*args)] == [np.float32] * 3
