"""The sweeps: order, fan-out, broadcasting, structural zeros, depth, targets on the way."""

import gc
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd as ag
from autograd import GraphError, ShapeError, Tensor
from autograd.kinds import Elementwise


def test_gradients_touch_no_grad_and_give_none_for_what_is_unused() -> None:
    x, y, z = Tensor(2.0), Tensor(3.0), Tensor(4.0)
    out = x * x * y
    assert ag.gradients(out, (x, y, z)) == (12.0, 4.0, None)
    assert ag.gradients(out, x) == 12.0
    assert (x.grad, y.grad, out.grad) == (None, None, None)


def test_targets_may_be_results_on_the_way_and_their_ancestors() -> None:
    x = Tensor(2.0)
    middle = x * x
    out = middle * middle
    assert ag.gradients(out, (middle, x, out)) == (8.0, 32.0, 1.0)


def test_several_outputs_add_up_also_where_one_leads_to_another() -> None:
    x = Tensor(3.0)
    first = x * x
    second = first * x
    assert ag.gradients((first, second), x) == 6.0 + 27.0
    assert ag.gradients((first, second), x, (10.0, 1.0)) == 60.0 + 27.0
    assert ag.gradients((first, first), x) == 12.0


def test_a_wrong_number_of_cotangents_is_named() -> None:
    x = Tensor(3.0)
    with pytest.raises(ShapeError, match="2 outputs"):
        ag.gradients((x * x, x * 2), x, (1.0,))
    with pytest.raises(GraphError, match="float"):
        ag.gradients(x * x, 3.0)  # type: ignore[arg-type]


def test_results_can_be_differentiated_with_respect_to_the_cotangent() -> None:
    x, seed = Tensor([1.0, 2.0]), Tensor([3.0, 5.0])
    slope = ag.gradients(x * x, x, seed, create_graph=True)
    assert slope.data.tolist() == [6.0, 20.0]
    assert ag.gradients(slope.sum(), seed).tolist() == [2.0, 4.0]
    assert ag.gradients(slope.sum(), x).tolist() == [6.0, 10.0]


def test_contributions_are_the_terms_of_the_gradients() -> None:
    x = Tensor(3.0)
    square = x * x
    y = square * x
    edges = ag.contributions(y)
    assert edges == {(y, 0): 3.0, (y, 1): 9.0, (square, 0): 9.0, (square, 1): 9.0}


@given(
    st.sampled_from([(3, 4), (1, 4), (3, 1), (4,), (1,), (), (2, 3, 4), (0, 3, 4)]),
    st.sampled_from([(3, 4), (1, 1), (4,), (), (1, 1, 1)]),
)
def test_what_was_broadcast_is_summed(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    x, y = Tensor(np.full(a, 2.0)), Tensor(np.full(b, 5.0))
    out = (x * y).sum()
    out.backward()
    full = np.broadcast_shapes(a, b)
    for t, value, shape in ((x, 5.0, a), (y, 2.0, b)):
        times = np.prod(full) / max(np.prod(shape), 1) if np.prod(full) else 0.0
        assert np.shape(t.grad) == shape
        assert np.all(np.asarray(t.grad) == value * times)


def test_a_gradient_has_the_dtype_of_its_value() -> None:
    x = Tensor(np.ones(3, np.float32))
    y = Tensor(np.ones(3))
    (x * y * np.float64(2)).sum().backward()
    assert (x.grad.dtype, y.grad.dtype) == (np.float32, np.float64)
    slope = ag.gradients((x * y).sum(), x, create_graph=True)
    assert slope.dtype == np.float32


def numpy_root(x: Tensor) -> Tensor:
    return np.where(x >= 0, x, np.sqrt(-x))  # type: ignore[no-any-return, call-overload, operator]


def test_the_branch_not_taken_contributes_an_exact_zero() -> None:
    with np.errstate(invalid="ignore"):
        x = Tensor(1.0)
        assert ag.gradients(numpy_root(x), x) == 1.0
        slope = ag.grad(numpy_root)
        assert slope(-4.0) == -0.25
        assert ag.grad(slope)(1.0) == 0.0
        assert ag.grad(slope)(-4.0) == -0.03125
        v = Tensor([1.0, -4.0, 0.0])
        assert ag.gradients(numpy_root(v).sum(), v).tolist() == [1.0, -0.25, 1.0]
        w = Tensor(-4.0)
        mixed = np.where([True, False], Tensor([1.0, 1.0]), np.sqrt(-w * np.array([-1.0, 1.0])))
        assert ag.gradients(mixed.sum(), w) == -0.25  # type: ignore[attr-defined]


def test_a_branch_not_taken_does_not_hide_another_way() -> None:
    with np.errstate(all="ignore"):
        x = Tensor([0.0, 4.0])
        root = x.sqrt()
        y = np.where([True, True], x, root) + 0 * root
        # 0 * inf is nan: the second way passes through root where its slope is infinite
        slope = ag.gradients(y.sum(), x)
    assert np.isnan(slope[0])
    assert slope[1] == 1.0


def test_a_leaf_reached_only_through_a_branch_not_taken_has_gradient_zero() -> None:
    x, y = Tensor(2.0), Tensor(3.0)
    out = np.where(True, x, y * y)
    assert ag.gradients(out, (x, y)) == (1.0, 0.0)  # type: ignore[arg-type]


def test_the_corners_of_floats_have_ieee_gradients() -> None:
    with np.errstate(all="ignore"):
        assert ag.grad(np.sqrt)(0.0) == np.inf
        assert ag.grad(np.log)(0.0) == np.inf
        assert np.isnan(ag.grad(np.log)(-1.0)) or ag.grad(np.log)(-1.0) == -1.0
        assert ag.grad(lambda x: 1 / x)(0.0) == -np.inf
        assert ag.grad(np.exp)(1000.0) == np.inf
        assert ag.grad(lambda x: x**2)(-3.0) == -6.0
        assert ag.grad(lambda x: x**0)(0.0) == 0.0
        assert ag.grad(lambda p: 0.0**p)(2.0) == 0.0


def test_a_million_operations_are_built_differentiated_walked_and_freed() -> None:
    x = Tensor(0.5)
    y = x
    for _ in range(500_000):
        y = y * 0.999
        y = y + 0.001
    y.backward()
    assert x.grad == pytest.approx(0.999**500_000)
    assert len(ag.toposort([y])) == 1_000_001
    del y
    assert x.grad is not None


def test_a_scalar_node_takes_at_most_200_bytes() -> None:
    x = Tensor(0.5)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    y = x
    for _ in range(10_000):
        y = y * x
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (after - before) / 10_000 <= 200


def test_memory_stays_flat_without_the_cycle_collector() -> None:
    def graph() -> None:
        x = Tensor(0.5)
        w = Tensor([1.0, 2.0])
        y = ((x * w).sum() * x).exp()
        y.backward()
        ag.gradients(ag.gradients(y, x, create_graph=True), w)

    gc.collect()
    gc.disable()
    try:
        tracemalloc.start()
        for _ in range(2_000):  # fills the caches that NumPy and Python keep
            graph()
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(10_000):
            graph()
        after, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    finally:
        gc.enable()
    # one float leaked by every graph would be 240 kB
    assert after - before < 5_000


def test_a_rule_that_raises_leaves_every_grad_as_it_was() -> None:
    class BrokenError(Exception):
        pass

    def fail(*_: object) -> None:
        raise BrokenError

    broken = Elementwise(np.fabs, (fail,))
    x, z = Tensor(2.0), Tensor(3.0)
    middle = x * z
    (middle * 1.0).backward()
    seen = (x.grad, z.grad, middle.grad)
    y = broken(middle) + z * 2.0
    with pytest.raises(BrokenError):
        y.backward()
    assert (x.grad, z.grad, middle.grad) == seen
    assert y.grad is None


def test_only_what_leads_to_a_target_is_visited() -> None:
    x, w = Tensor(2.0), Tensor(3.0, name="w")
    left = x * 4.0
    y = left + w * 5.0
    assert ag.gradients(y, (x, w)) == (4.0, 5.0)  # all leaves, so all is visited
    assert ag.gradients(y, (left, x, w)) == (1.0, 4.0, 5.0)
    w.assign(6.0)
    assert ag.gradients(y, (x, left)) == (4.0, 1.0)
    for targets in ((x, w), w):
        with pytest.raises(GraphError, match=r"'w'.*assigned since"):
            ag.gradients(y, targets)


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.uint8, np.int8, bool])
@pytest.mark.parametrize(
    "f",
    [np.divide, np.power, np.arctan2, np.hypot, np.logaddexp, np.multiply],
    ids=lambda f: f.__name__,
)
def test_a_slope_is_as_exact_as_the_result_whatever_the_other_operand_is(
    f: np.ufunc, dtype: type
) -> None:
    x, other = np.array([20.0, 2.7, 0.4]), np.array([0, 1, 3]).astype(dtype)
    wide = other.astype(float)
    with np.errstate(all="ignore"):
        for g in (lambda a, b: f(a, b), lambda a, b: f(b, a)):
            expected = ag.vjp(lambda x, g=g: g(x, wide), x)[1](np.ones(3))[0]
            t = Tensor(x)
            constant = g(t, other)
            forms = [
                ag.gradients(constant, t, np.ones(3)),
                ag.gradients(constant, t, np.ones(3), create_graph=True).numpy(),
                ag.jvp(lambda x, g=g: g(x, other), (x,), (np.ones(3),))[1],
            ]
            if dtype is np.float32:
                both = g(t, Tensor(other))
                forms.append(ag.gradients(both, t, np.ones(3)))
                forms.append(ag.gradients(both, t, np.ones(3), create_graph=True).numpy())
            for found in forms:
                np.testing.assert_allclose(found, expected, rtol=1e-15)


def test_an_integer_zero_divides_as_a_float_does() -> None:
    with np.errstate(all="ignore"):
        for x in (2.0, np.array([2.0, -1.0])):
            expected = ag.vjp(lambda x: x / 0.0, x)[1](np.ones(np.shape(x)) * 1.0)[0]
            found = ag.vjp(lambda x: x / 0, x)[1](np.ones(np.shape(x)) * 1.0)[0]
            np.testing.assert_array_equal(found, expected)
            np.testing.assert_array_equal(ag.jvp(lambda x: x / 0, (x,), (x,))[1], x * expected)
        t = Tensor([2.0])
        assert ag.gradients(t / 0, t, [1.0], create_graph=True).data.tolist() == [np.inf]
