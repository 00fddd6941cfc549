"""Structural zeros: what cannot matter contributes 0, also through an infinite slope."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd as ag

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

ROOT = np.array([0.0, 1.0, 4.0])
"""The slope of the root at these points is inf, 1/2, 1/4."""


def row(*entries: float) -> list[float]:
    return list(entries)


# the Jacobian by hand: 0 wherever moving an entry does not move the result, at 0 as elsewhere
JACOBIANS: list[tuple[str, Callable[..., Any], list[list[float]]]] = [
    ("an index", lambda x: np.sqrt(x)[1:], [row(0, 0.5, 0), row(0, 0, 0.25)]),
    ("an index of numbers", lambda x: np.sqrt(x)[np.array([2, 2])], [row(0, 0, 0.25)] * 2),
    ("a root of an index", lambda x: np.sqrt(x[1:]), [row(0, 0.5, 0), row(0, 0, 0.25)]),
    ("a branch", lambda x: np.where(x > 0, np.sqrt(x), x),
     [row(1, 0, 0), row(0, 0.5, 0), row(0, 0, 0.25)]),
    ("a root of a branch", lambda x: np.sqrt(np.where(x > 1, x, 0.0)),
     [row(0, 0, 0), row(0, 0, 0), row(0, 0, 0.25)]),
    ("constants beside", lambda x: np.sqrt(np.concatenate([np.zeros(1), x[1:]])),
     [row(0, 0, 0), row(0, 0.5, 0), row(0, 0, 0.25)]),
    ("what is written over", lambda x: np.sqrt(ag.at(x)[0].set(0.0)),
     [row(0, 0, 0), row(0, 0.5, 0), row(0, 0, 0.25)]),
    ("what is written in", lambda x: np.sqrt(ag.at(np.zeros(2))[0].set(x[2])),
     [row(0, 0, 0.25), row(0, 0, 0)]),
]  # fmt: skip


@pytest.mark.parametrize("mode", ["forward", "reverse"])
@pytest.mark.parametrize(("name", "f", "expected"), JACOBIANS, ids=[j[0] for j in JACOBIANS])
def test_what_cannot_matter_has_derivative_zero_in_both_modes(
    name: str, f: Callable[..., Any], expected: list[list[float]], mode: str
) -> None:
    np.testing.assert_array_equal(ag.jacobian(f, mode=mode)(ROOT), expected)
    # once more as an inner function, whose derivative is recorded
    total = ag.grad(lambda x: np.sum(ag.jacobian(f, mode=mode)(x) * 0.0))(ROOT)
    np.testing.assert_array_equal(total, np.zeros(3))


@pytest.mark.parametrize(
    ("f", "primals", "tangents", "expected"),
    [
        (np.divide, (1.0, 0.0), (1.0, 0.0), np.inf),
        (np.sqrt, (0.0,), (0.0,), 0.0),
        (np.log, (0.0,), (0.0,), 0.0),
        (np.power, (0.0, 0.5), (0.0, 1.0), 0.0),
        (np.multiply, (np.inf, 2.0), (1.0, 0.0), 2.0),
        (np.arctan2, (0.0, 0.0), (0.0, 0.0), 0.0),
        (np.hypot, (0.0, 0.0), (0.0, 0.0), 0.0),
        (np.arccos, (1.0,), (0.0,), 0.0),
    ],
    ids=lambda v: getattr(v, "__name__", None),
)
@pytest.mark.parametrize("shape", [(), (2,), (2, 0)], ids=str)
def test_a_direction_of_zero_gives_zero(
    f: Callable[..., Any], primals: Any, tangents: Any, expected: float, shape: tuple[int, ...]
) -> None:
    def spread(values: Any) -> Any:
        return [np.full(shape, v) if shape else v for v in values]

    _, t = ag.jvp(f, spread(primals), spread(tangents))
    np.testing.assert_array_equal(t, np.full(shape, expected))
    if not any(tangents):
        pulled = ag.vjp(f, *spread(primals))[1](np.zeros(shape) if shape else 0.0)
        for g in pulled:
            np.testing.assert_array_equal(g, np.zeros(shape))


SECOND: list[tuple[str, Callable[..., Any], list[float]]] = [
    # the second derivative of x**1.5 is 0.75 / sqrt(x), infinite at 0, where no index looks
    ("an index", lambda x: (x**1.5)[1] * 1.0, [0.0, 0.75, 0.0]),
    ("an index, then more", lambda x: (x**1.5)[1] ** 2, [0.0, 6.0, 0.0]),
    ("a branch", lambda x: np.sum(np.where(x > 1, x**1.5, 2 * x)), [0.0, 0.0, 0.375]),
    ("concatenated", lambda x: np.sum(np.concatenate([x[1:], np.zeros(2)]) ** 1.5),
     [0.0, 0.75, 0.375]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "f", "expected"), SECOND, ids=[s[0] for s in SECOND])
def test_what_cannot_matter_has_second_derivative_zero(
    name: str, f: Callable[..., Any], expected: list[float]
) -> None:
    forward = ag.jacobian(ag.jacobian(f, mode="forward"), mode="forward")(ROOT)
    reverse = ag.jacobian(ag.jacobian(f, mode="reverse"), mode="reverse")(ROOT)
    for matrix in (ag.hessian(f)(ROOT), forward, reverse):
        np.testing.assert_allclose(matrix, np.diag(expected), rtol=1e-14, atol=0)
    np.testing.assert_allclose(ag.hvp(f)(ROOT, np.ones(3)), expected, rtol=1e-14)


def test_a_zero_that_may_become_another_number_is_no_structural_zero() -> None:
    # d/dv of v * inf is inf at v = 0, though the product of the zero v is taken for 0
    slope = ag.jacobian(lambda v: ag.jvp(np.sqrt, (np.zeros(2),), (v,))[1])(np.zeros(2))
    assert np.isinf(np.diag(slope)).all()
    pulled = ag.jacobian(lambda u: ag.vjp(np.sqrt, np.zeros(2))[1](u)[0])(np.zeros(2))
    assert np.isinf(np.diag(pulled)).all()
    # a value that happens to be 0 is no constant: the slope of x * sqrt(x) at 0 stays undecided
    assert np.isnan(ag.grad(lambda x: x * np.sqrt(x))(0.0))


def test_hunting_for_anomalies_knows_structural_zeros() -> None:
    with ag.detect_anomaly():
        assert ag.grad(lambda x: np.sqrt(x)[1])(ROOT).tolist() == [0.0, 0.5, 0.0]
        assert ag.jvp(np.sqrt, (ROOT,), (np.array([0.0, 1.0, 0.0]),))[1].tolist() == [0.0, 0.5, 0.0]
        with pytest.raises(ag.AnomalyError):
            ag.grad(lambda x: np.sqrt(x)[0])(ROOT)
