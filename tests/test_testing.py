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
    with pytest.raises(GradientError):
        exec(program, {"wavy": lambda x: np.sum(x * x + x), "last_forgotten": last_forgotten})


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
    result.stdout.fnmatch_lines(["*got 12, expected 6*twice too large*"])
