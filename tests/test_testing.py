"""The public strategies, the decorator and the pytest plugin."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd as ag
from autograd import ArgumentError, GradientError, testing

pytest_plugins = ["pytester"]


@given(testing.expressions(depth=3, variables=3))
@settings(deadline=None, max_examples=30)
def test_random_expressions_have_right_gradients(e: testing.Expression) -> None:
    ag.gradcheck(e, *e.point.values(), order=2)


@given(st.data())
@settings(deadline=None, max_examples=30)
def test_axes_indices_and_broadcasts_fit_their_arrays(data: st.DataObject) -> None:
    a, b = data.draw(testing.broadcastable(2))
    assert (a + b).dtype == np.float64
    np.sum(a, axis=data.draw(testing.axes(a.ndim)))
    a[data.draw(testing.indices(a.shape))]


@given(testing.floats(-1.0, 2.0, avoid=(0.0,)), testing.floats(-1.0, 2.0, special=True))
def test_floats_stay_inside_and_away_from_kinks(x: float, y: float) -> None:
    assert -1 <= x <= 2
    assert abs(x) > 1e-3
    assert -1 <= y <= 2


def test_the_decorator_shrinks_a_wrong_gradient_to_a_program_that_repeats_it() -> None:
    def last_forgotten(x: Any) -> Any:
        g = 2 * x + 1
        g[2:] = 0
        return g

    @testing.gradient_property(testing.arrays(shapes=st.integers(1, 6)), gradient=last_forgotten)
    def wavy(x: Any) -> Any:
        return np.sum(x * x + x)

    with pytest.raises(GradientError) as caught:
        wavy()
    text = str(caught.value)
    assert "no gradient arrives" in text
    assert "x0 = array([0., 0., 0.])" in text
    program = text.split("to repeat it:\n\n")[1].split("\nFailing")[0]
    assert "@" not in program
    with pytest.raises(GradientError):
        exec(program, {})
    assert caught.value.report.verdict == "wrong"


def test_a_failure_of_two_arrays_shrinks_to_the_smallest_broadcast() -> None:
    @testing.gradient_property(
        testing.arrays(st.tuples(st.integers(1, 2), st.just(1))),
        max_examples=20,
        gradient=lambda x: np.ones(x.shape) * (x.shape[0] < 2),
    )
    def total(x: Any) -> Any:
        return np.sum(x)

    with pytest.raises(GradientError) as caught:
        total()
    assert "x0 = array([[0.],\n       [0.]])" in str(caught.value)
    assert "gradient = lambda x: np.ones(x.shape) * (x.shape[0] < 2)" in str(caught.value)


@given(testing.networks(depth=3))
@settings(deadline=None, max_examples=30)
def test_small_networks_have_right_gradients(network: testing.Expression) -> None:
    ag.gradcheck(network, *network.point.values())
    assert network.point["x"].shape[1] == network.point["W1"].shape[0]


@given(
    testing.expressions(
        operations=["np.log({})", "np.arcsin({})", "-({})", "({}) * ({})"],
        domains={"np.log({})": (0.1, np.inf), "np.arcsin({})": (-0.9, 0.9), "-({})": (-np.inf, 2)},
    )
)
@settings(deadline=None, max_examples=50)
def test_operations_stay_in_their_domains(e: testing.Expression) -> None:
    assert np.isfinite(e(*e.point.values()))
    ag.gradcheck(e, *e.point.values())


def test_every_special_value_of_an_interval_is_drawn() -> None:
    import hypothesis

    for wanted in (0.0, 5e-324, 1e300, np.inf, 2.0**-52 + 1):
        found = hypothesis.find(testing.floats(0, np.inf, special=True), lambda x, w=wanted: x == w)
        assert found == wanted
    assert np.isfinite(hypothesis.find(testing.floats(-np.inf, np.inf), lambda x: abs(x) > 1e100))


def test_the_decorator_steers_round_kinks() -> None:
    # at 0, the simplest point, any slope of relu is undecidable; beside it this one is wrong
    @testing.gradient_property(testing.floats(0.0, 1.0), gradient=lambda x: 0.5)
    def kinked(x: Any) -> Any:
        return np.maximum(x, 0.0)

    with pytest.raises(GradientError, match=r"got 0.5, expected 1 "):
        kinked()


def test_the_decorator_passes_over_kinks() -> None:
    @testing.gradient_property(testing.arrays(shapes=(2,)), order=2, max_examples=20)
    def kinked(x: Any) -> Any:
        return np.sum(abs(x))

    kinked()


def test_bad_templates_and_intervals_are_refused() -> None:
    with pytest.raises(ArgumentError, match="places"):
        testing.expressions(operations=["np.pi"])
    with pytest.raises(ArgumentError, match="low"):
        testing.floats(1.0, 1.0)
    with pytest.raises(ArgumentError, match="domains of templates"):
        testing.expressions(domains={"np.log({})": (0, 1)})
    with pytest.raises(ArgumentError, match="activations"):
        testing.networks(activations=["np.pi"])
    with pytest.raises(ArgumentError, match="width"):
        testing.networks(width=0)


def test_the_plugin_fails_with_the_report(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        def test_right(assert_gradients):
            assert_gradients(lambda x: x * x, 3.0, gradient=lambda x: 2 * x)

        def test_wrong(assert_gradients):
            assert_gradients(lambda x: x * x, 3.0, gradient=lambda x: 4 * x)
        """
    )
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*gradient wrong: 1 wrong of 1 entries",
            "*argument 0 (gradient)",
            "*- expected 6 +- *",
            "*+ got      12  ratio 2: twice too large",
        ]
    )
