"""The verdicts of `gradcheck` on gradients that are known to be wrong, and right but awkward."""

import math
from collections.abc import Callable
from typing import Any

import gradient_catalogue_second as second
import gradient_catalogue_third as third
import numpy as np
import pytest
from gradient_catalogue import AWKWARD, WRONG, Entry

import autograd as ag
from autograd import GradientError
from autograd.check import Report


def verdict(entry: Entry) -> str:
    try:
        return ag.gradcheck(entry.f, entry.x, gradient=entry.gradient).verdict
    except GradientError:
        return "wrong"


def test_the_catalogue_is_large_enough() -> None:
    for entries in (WRONG, second.WRONG, third.WRONG):
        assert len(entries) + len(OPERATIONS) >= 60
    for entries in (AWKWARD, second.AWKWARD, third.AWKWARD):
        assert len(entries) >= 40
    later = [part for c in (second, third) for part in (c.WRONG, c.RIGHT, c.AWKWARD)]
    for entries in (WRONG, AWKWARD, *later):
        assert len({entry.name for entry in entries}) == len(entries)


@pytest.mark.parametrize("entry", WRONG + second.WRONG + third.WRONG, ids=lambda e: e.name)
def test_a_wrong_gradient_is_called_wrong(entry: Entry) -> None:
    assert verdict(entry) == "wrong"


@pytest.mark.parametrize("entry", AWKWARD + second.AWKWARD + third.AWKWARD, ids=lambda e: e.name)
def test_a_right_gradient_at_an_awkward_place_is_not_called_wrong(entry: Entry) -> None:
    assert verdict(entry) in ("right", "undecidable")


@pytest.mark.parametrize("entry", second.RIGHT + third.RIGHT, ids=lambda e: e.name)
def test_a_right_gradient_at_an_ordinary_place_is_called_right(entry: Entry) -> None:
    assert verdict(entry) == "right"


def test_what_rounding_leaves_of_a_gradient_is_called_wrong_with_that_guess() -> None:
    with pytest.raises(GradientError, match="rounding in a badly conditioned gradient") as caught:
        ag.gradcheck(third.INEXACT.f, third.INEXACT.x, gradient=third.INEXACT.gradient)
    wrong = [f for f in caught.value.report.findings if f.verdict == "wrong"]
    assert all(abs(f.ratio - 1) < 1e-7 for f in wrong)  # condition 1e10 times the rounding


def test_a_middle_slope_at_a_kink_of_several_inputs_is_not_called_wrong() -> None:
    weights = np.array([0.0, 5.0, 1.0])  # of three equal entries the middle one has the largest
    report = ag.gradcheck(lambda x: np.sum(np.sort(x) * weights), np.ones(3))
    assert report.verdict == "undecidable"
    assert all(f.reason.startswith("kink") for f in report.findings)


def test_an_entry_among_much_larger_ones_is_judged_by_its_own_size() -> None:
    x = np.array([2.0, 1e200])
    assert ag.gradcheck(lambda x: x[0] ** 3, x, gradient=lambda x: [3 * x[0] ** 2, 0.0])
    with pytest.raises(GradientError, match=r"entry \[0\]"):
        ag.gradcheck(lambda x: x[0] ** 3, x, gradient=lambda x: [3.001 * x[0] ** 2, 0.0])


@pytest.mark.parametrize(
    ("f", "slope", "x"),
    [
        (lambda x: x**x, lambda x: x**x * (1 + math.log(x)), 140.0),  # OverflowError beside it
        (math.log, lambda x: 1 / x, 1e-9),  # ValueError
        (lambda x: x + 0 / (x > 1), lambda x: 1.0, 1.01),  # ZeroDivisionError
    ],
)
def test_what_a_function_raises_beside_the_point_is_no_value(f: Any, slope: Any, x: float) -> None:
    assert ag.gradcheck(f, x, gradient=slope).verdict in ("right", "undecidable")
    with pytest.raises(GradientError):
        ag.gradcheck(f, x, gradient=lambda x: 1.01 * slope(x))


def test_a_result_that_changes_its_shape_beside_the_point_is_refused() -> None:
    with pytest.raises(ag.ShapeError, match="keep the shapes of its results"):
        ag.gradcheck(lambda x: x[x > 0], np.array([1e-9, 1.0]), gradient=lambda x: np.eye(2))


def test_the_values_are_those_of_plain_arrays_only_where_these_give_the_same_bits() -> None:
    kinds: list[type] = []

    def watched(x: Any) -> Any:
        kinds.append(type(x))
        return np.sum(np.sin(x) * x)

    ag.gradcheck(watched, np.ones(5))
    assert kinds.count(np.ndarray) > 10 * kinds.count(ag.Tensor)

    def other_on_arrays(x: Any) -> Any:
        return np.sum(np.sin(x)) if isinstance(x, ag.Tensor) else np.sum(np.cos(x))

    assert ag.gradcheck(other_on_arrays, np.ones(5)).verdict == "right"
    assert ag.gradcheck(lambda x: x.sum() * 2 + np.sum(x.detach() * 0), np.ones(3), order=2)


# ---- operations of the engine that are wrong in one mode or in one order -------------------------

sine_wrong_forward = ag.primitive(
    lambda x: np.sin(x),
    vjp=lambda g, y, x: g * np.cos(x),
    jvp=lambda t, y, x: -t * np.cos(x),
    name="sine",
)
sine_wrong_reverse = ag.primitive(
    lambda x: np.sin(x),
    vjp=lambda g, y, x: g * np.sin(x),
    jvp=lambda t, y, x: t * np.cos(x),
    name="sine",
)
# at 1 the second term of the slope is zero, but not its derivative
cube_wrong_in_second_order = ag.primitive(
    lambda x: x**3, partials=lambda y, x: 3 * x * x + np.sin(np.pi * x), name="cube"
)
# at 1 the second term of the slope is zero with its first derivative, but not with its second
cube_wrong_in_third_order = ag.primitive(
    lambda x: x**3, partials=lambda y, x: 3 * x * x + np.sin(np.pi * x) ** 2, name="cube"
)
barely = ag.primitive(
    lambda x: x**3, partials=lambda y, x: 3 * x * x + 1e-3 * np.sin(np.pi * x), name="cube"
)

OPERATIONS: list[tuple[str, Callable[..., Any], float, set[str], int]] = [
    ("wrong in forward mode only", sine_wrong_forward, 0.7, {"forward"}, 1),
    ("wrong in reverse mode only", sine_wrong_reverse, 0.7, {"reverse"}, 1),
    ("wrong in second order only", cube_wrong_in_second_order, 1.0, {"reverse", "forward"}, 2),
    ("wrong in second order only, by 1e-3", barely, 1.0, {"reverse", "forward"}, 2),
    ("wrong in third order only", cube_wrong_in_third_order, 1.0, {"reverse", "forward"}, 3),
]


@pytest.mark.parametrize(
    ("name", "f", "x", "modes", "order"), OPERATIONS, ids=[each[0] for each in OPERATIONS]
)
def test_an_operation_wrong_in_one_mode_or_order_is_found_there(
    name: str, f: Callable[..., Any], x: float, modes: set[str], order: int
) -> None:
    for below in range(1, order):
        ag.gradcheck(f, x, order=below)
    with pytest.raises(GradientError) as caught:
        ag.gradcheck(f, x, order=order)
    report: Report = caught.value.report
    wrong = [finding for finding in report.findings if finding.verdict == "wrong"]
    assert {finding.mode for finding in wrong} == modes
    assert {finding.order for finding in wrong} == {order}


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize(
    ("f", "x"),
    [
        (np.abs, 0.0),
        (ag.relu, 0.0),
        (lambda x: ag.relu(x) ** 2, 0.0),
        (lambda x: x * np.abs(x), 0.0),
        (np.max, np.array([1.0, 1.0, 0.0])),
        (np.sqrt, 0.0),
        (np.std, np.ones(3)),
        (lambda x: np.sort(x) * np.arange(3.0), np.array([1.0, 1.0, 0.0])),
        (lambda x: np.clip(x, -1, 1), np.array([-1.0, 1.0, 0.5])),
        (np.prod, np.array([0.0, 0.0, 2.0])),
        (ag.softmax, np.array([1.0, 2.0, 300.0])),
        (lambda x: np.where(abs(x) < 1, x * x / 2, abs(x) - 0.5), np.array([1.0, -1.0, 0.3])),
        (lambda x: np.sin(300 * x), 0.3),
        (lambda x: 1e100 * x**3, 1.5),
        (np.log, 1e-9),
    ],
)
def test_the_engines_own_gradients_are_never_called_wrong(f: Any, x: Any, order: int) -> None:
    ag.gradcheck(f, x, order=order)
