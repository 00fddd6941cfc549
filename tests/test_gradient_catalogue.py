"""The verdicts of `gradcheck` on gradients that are known to be wrong, and right but awkward."""

from collections.abc import Callable
from typing import Any

import gradient_catalogue_second as second
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
    for entries in (WRONG, second.WRONG):
        assert len(entries) + len(OPERATIONS) >= 60
    for entries in (AWKWARD, second.AWKWARD):
        assert len(entries) >= 40
    for entries in (WRONG, AWKWARD, second.WRONG, second.RIGHT, second.AWKWARD):
        assert len({entry.name for entry in entries}) == len(entries)


@pytest.mark.parametrize("entry", WRONG + second.WRONG, ids=lambda entry: entry.name)
def test_a_wrong_gradient_is_called_wrong(entry: Entry) -> None:
    assert verdict(entry) == "wrong"


@pytest.mark.parametrize("entry", AWKWARD + second.AWKWARD, ids=lambda entry: entry.name)
def test_a_right_gradient_at_an_awkward_place_is_not_called_wrong(entry: Entry) -> None:
    assert verdict(entry) in ("right", "undecidable")


@pytest.mark.parametrize("entry", second.RIGHT, ids=lambda entry: entry.name)
def test_a_right_gradient_at_an_ordinary_place_is_called_right(entry: Entry) -> None:
    assert verdict(entry) == "right"


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
