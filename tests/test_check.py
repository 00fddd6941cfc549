"""Numerical gradients and gradcheck: golden figures, reports, guarantees, bad input."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd as ag
from autograd import ArgumentError, DTypeError, GradientError, ShapeError, gradcheck
from autograd import numerical_gradient as slope
from autograd.check.richardson import EPS, derivative, noise_of

METHODS = ("forward", "central", "complex", "richardson")


# ---- numerical_gradient --------------------------------------------------------------------------


def test_figures_of_the_lecture_notes_to_the_last_digit() -> None:
    parabola = lambda x: 2 * x**2 + 2  # noqa: E731
    assert slope(parabola, 4, method="forward", h=1e-50) == 0
    # the notes print the program with h = 1e-4, but their figure is that of 1e-3
    assert slope(parabola, 4, method="forward", h=1e-3) == 16.0020000000074
    assert slope(parabola, 4, method="forward", h=1e-4) == 16.00019999997926
    assert slope(parabola, 4) == 15.999999999998238
    assert slope(lambda x: 3 * x**2 + 2 * x + 7, 6, "forward", 1e-4) == 38.00030000007837
    assert slope(lambda x: x**2 + 4**2, 3) == 6.00000000000378
    assert slope(lambda x: 3**2 + x**2, 4) == 7.999999999999119
    gradient = slope(lambda x: x[0] ** 2 + x[1] ** 2, np.array([3.0, 4.0]))
    assert gradient.tolist() == [6.00000000000378, 7.999999999999119]
    assert str(gradient) == "[6. 8.]"


@pytest.mark.parametrize(
    ("method", "error"),
    [("forward", 1e-4), ("central", 1e-8), ("complex", 1e-15), ("richardson", 1e-11)],
)
@pytest.mark.parametrize("batched", [False, True])
def test_methods_are_as_accurate_as_their_formulas(
    method: str, error: float, batched: bool
) -> None:
    x = np.linspace(-1, 1, 12).reshape(3, 4)
    axes = (-1, -2) if batched else None
    f = lambda x: np.sum(np.sin(x) * x, axes)  # noqa: E731
    before = x.copy()
    found = slope(f, x, method, batched=batched)
    assert found.shape == x.shape
    assert np.max(np.abs(found - (np.sin(x) + x * np.cos(x)))) < error
    assert x.tobytes() == before.tobytes()


@given(st.integers(-1000, 1000).map(lambda k: k / 100), st.sampled_from(METHODS))
@settings(deadline=None)
def test_a_number_gives_a_float_whatever_it_is(x: float, method: str) -> None:
    found = slope(lambda x: x**3, x, method)
    assert type(found) is float
    assert found == pytest.approx(3 * x * x, rel=1e-4, abs=1e-2)


def test_blocks_cover_every_entry_once() -> None:
    x = np.arange(3000.0)
    found = slope(lambda x: np.sum(x * x, -1), x, "complex", batched=True)
    np.testing.assert_allclose(found, 2 * x, rtol=1e-15)


def test_a_bar_appears_only_when_it_takes_long(capsys: Any, monkeypatch: Any) -> None:
    slope(np.sum, np.ones(10))
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("autograd.check.numerical.SHOWN_AFTER", 0.0)
    slope(np.sum, np.ones(10))
    assert "10/10" in capsys.readouterr().err


def writes(x: Any) -> Any:
    x += 1
    return np.sum(x)


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda: slope(np.sum, [1.0], "newton"), ArgumentError, "'newton'"),
        (lambda: slope(np.sum, [1.0], h=0.0), ArgumentError, "positive"),
        (lambda: slope(np.sum, [1.0], h=math.nan), ArgumentError, "positive"),
        (lambda: slope(np.sum, ["a"]), DTypeError, "dtype"),
        (lambda: slope(np.sum, [1j]), DTypeError, "complex"),
        (lambda: slope(lambda x: x, [1.0, 2.0]), ShapeError, r"\(2,\)"),
        (lambda: slope(lambda x: None, [1.0, 2.0]), DTypeError, "NoneType"),
        (lambda: slope(writes, [1.0, 2.0]), ArgumentError, "writes into"),
        (lambda: slope(np.sum, np.ones((2, 2)), batched=True), ShapeError, "one number a point"),
    ],
)
def test_numerical_gradient_refuses(call: Any, kind: type, words: str) -> None:
    with pytest.raises(kind, match=words):
        call()


# ---- error bars ----------------------------------------------------------------------------------


@given(
    st.sampled_from(["sin", "exp", "log", "sqrt", "tanh", "arctan"]),
    st.integers(1, 4000).map(lambda k: k / 1000),
)
@settings(deadline=None, max_examples=150)
def test_the_bar_of_an_estimate_holds_the_truth(name: str, x: float) -> None:
    f = getattr(np, name)
    exact = ag.grad(f)(x)
    path = lambda t: np.array([f(x + x * t)])  # noqa: E731
    found = derivative(path, path(0.0), noise_of(path, path(0.0)))
    # twice the bar is what gradcheck allows
    assert abs(found.value[0] - x * exact) <= 2 * found.error[0] + 4 * EPS * abs(x * exact)
    assert found.error[0] <= 1e-8 * abs(x * exact)


# ---- gradcheck: what it reports ------------------------------------------------------------------


def failure(f: Any, *args: Any, **options: Any) -> Any:
    with pytest.raises(GradientError) as caught:
        gradcheck(f, *args, **options)
    return caught.value.report


def test_the_report_names_argument_entry_numbers_ratio_and_guess() -> None:
    x, y = np.ones((2, 3)), np.full(3, 2.0)

    def gradient(x: Any, y: Any) -> Any:
        return np.tile(y, (2, 1)), np.array([2.0, 4.0, 2.0])

    report = failure(lambda x, y: np.sum(x * y), x, y, gradient=gradient)
    assert report.verdict == "wrong"
    [finding] = report.findings
    assert (finding.argument, finding.entry, finding.mode) == (1, (1,), "gradient")
    assert (finding.got, finding.expected) == (4.0, pytest.approx(2.0))
    assert finding.ratio == pytest.approx(2.0)
    assert 0 < finding.error < 1e-10
    assert report.verdicts[0].tolist() == [["right"] * 3] * 2
    assert report.verdicts[1].tolist() == ["right", "wrong", "right"]
    text = str(report)
    for words in ("1 wrong of 9", "argument 1 entry [1]", "got 4", "ratio 2", "twice too large"):
        assert words in text


@pytest.mark.parametrize(
    ("gradient", "words"),
    [
        (lambda x: -2 * x, "sign"),
        (lambda x: 4 * x, "twice"),
        (lambda x: x, "half"),
        (lambda x: 0 * x, "no gradient arrives"),
        (lambda x: 2 * x / 5, "missing sum over an axis of length 5"),
        (lambda x: 10 * x, "mean over 5"),
    ],
)
def test_guesses(gradient: Any, words: str) -> None:
    report = failure(lambda x: np.sum(x * x), np.arange(1.0, 6.0), gradient=gradient)
    assert all(words in finding.guess for finding in report.findings)


def test_a_transposed_matrix_is_recognised() -> None:
    m = np.arange(9.0).reshape(3, 3)
    report = failure(lambda x: np.sum(x * m), np.ones((3, 3)), gradient=lambda x: m.T)
    assert {finding.guess for finding in report.findings} == {"the matrix is transposed"}


@pytest.mark.parametrize(
    ("f", "x", "words"),
    [
        (ag.relu, 0.0, "kink"),
        (np.sqrt, 0.0, "edge of the domain"),
        (lambda x: np.exp(x), 709.7, "overflow"),
    ],
)
def test_undecidable_says_why_and_does_not_raise(f: Any, x: float, words: str) -> None:
    report = gradcheck(f, x)
    assert report.verdict == "undecidable"
    assert all(words in finding.reason for finding in report.findings)


@pytest.mark.parametrize("directions", ["auto", "all", 1, 3])
def test_one_wrong_entry_of_many_never_hides(directions: Any) -> None:
    n = 10_000 if directions != "all" else 150
    x = np.random.default_rng(3).normal(size=n)
    w = np.linspace(0.5, 1.5, n)
    for seed in range(10 if directions != "all" else 1):
        entry = 37 * seed + 11

        def gradient(x: Any, entry: int = entry) -> Any:
            g = np.cos(x) * w
            g[entry] *= 1.0001
            return g

        report = failure(
            lambda x: np.sum(np.sin(x) * w), x, gradient=gradient, directions=directions, seed=seed
        )
        wrong = [f.entry for f in report.findings if f.verdict == "wrong"]
        assert wrong == [(entry,)]
        assert report.count("right") >= n - 3


def test_all_modes_orders_and_outputs_of_a_function_of_two_arrays() -> None:
    rng = np.random.default_rng(0)
    report = gradcheck(
        lambda a, b: (np.tanh(a @ b), np.sum(a) * b),
        rng.normal(size=(2, 3)),
        rng.normal(size=(3, 2)),
        order=2,
    )
    assert report.verdict == "right"
    assert [v.shape for v in report.verdicts] == [(2, 3), (3, 2)]


@pytest.mark.parametrize("x", [6e-5, 1e-5, 1e-9])
def test_a_function_that_rounding_makes_constant_does_not_condemn_its_gradient(x: float) -> None:
    # close to x**4, but 1 + log(1 + x**2)**2 is 1 in floats: differences see a constant
    f = lambda x: np.log(1 + np.log(1 + x**2) ** 2)  # noqa: E731
    assert gradcheck(f, x, gradient=lambda x: 4 * x**3).verdict != "wrong"


def test_a_jacobian_may_be_given_for_an_array() -> None:
    x = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    assert gradcheck(lambda x: x * x, x, gradient=lambda x: np.diag(2 * x)).verdict == "right"
    report = failure(lambda x: x * x, x, gradient=lambda x: np.diag(2 * x) + np.eye(5)[::-1])
    assert report.findings[0].output is not None


# ---- gradcheck: bad input ------------------------------------------------------------------------

_random = np.random.default_rng(0)
square = lambda x: np.sum(x * x)  # noqa: E731


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda: gradcheck(square), ArgumentError, "no arguments"),
        (lambda: gradcheck(square, "text"), DTypeError, "argument 0"),
        (lambda: gradcheck(square, 1.0, math.nan), ArgumentError, "nan in argument 1"),
        (lambda: gradcheck(np.log, -1.0), ArgumentError, "finite at the point"),
        (
            lambda: gradcheck(lambda x: x * _random.random(), 1.0),
            ArgumentError,
            r"the same bits when called again; got 0\.\d+ and then 0\.\d+;",
        ),
        (lambda: gradcheck(writes, np.ones(2), gradient=np.ones_like), ArgumentError, "writes"),
        (lambda: gradcheck(lambda x: 3, 1.0, gradient=square), DTypeError, "int"),
        (lambda: gradcheck(lambda x: None, 1.0, gradient=square), DTypeError, "None"),
        (lambda: gradcheck(lambda x: (), 1.0, gradient=square), ShapeError, "none"),
        (lambda: gradcheck(lambda x: x[:0], np.ones(2)), ShapeError, "at least one number"),
        (lambda: gradcheck(square, np.ones(2), gradient=np.sum), ShapeError, r"shape \(2,\)"),
        (lambda: gradcheck(square, 1.0, gradient=lambda x: None), DTypeError, "None"),
        (lambda: gradcheck(square, np.ones(2), gradient=lambda x: {"x": x}), DTypeError, "dict"),
        (
            lambda: gradcheck(square, np.ones(2), gradient=lambda x: [[1.0], [1.0, 2.0]]),
            DTypeError,
            "list",
        ),
        (
            lambda: gradcheck(square, np.ones(2), gradient=lambda x: x * 1j),
            DTypeError,
            "complex",
        ),
        (
            lambda: gradcheck(
                lambda x, b: np.sum(x * b),
                np.ones((2, 3)),
                np.ones(3),
                gradient=lambda x, b: (np.tile(b, (2, 1)), x),
            ),
            ShapeError,
            "summing over what was broadcast",
        ),
        (
            lambda: gradcheck(square, np.ones(2), gradient=lambda x: x * _random.random()),
            ArgumentError,
            r"the same bits when called again; got \S+ and then \S+;",
        ),
        (
            lambda: gradcheck(square, np.ones(2), gradient=lambda x: x.__imul__(2)),
            ArgumentError,
            "a gradient that writes into them",
        ),
        (lambda: gradcheck(lambda x: x * np.nan, 1.0, gradient=square), ArgumentError, "got nan"),
        (lambda: gradcheck(lambda x: {"a": x}, 1.0), DTypeError, "dict"),
        (lambda: gradcheck(3, 1.0), ArgumentError, "f to be a function"),
        (lambda: gradcheck(square, 1.0, gradient=lambda x: (x, x)), ShapeError, "one gradient"),
        (lambda: gradcheck(square, 1.0, gradient=3.0), ArgumentError, "a function"),
        (lambda: gradcheck(square, 1.0, order=0), ArgumentError, "order"),
        (lambda: gradcheck(square, 1.0, modes=("backward",)), ArgumentError, "modes"),
        (lambda: gradcheck(square, 1.0, directions=0), ArgumentError, "directions"),
        (lambda: gradcheck(lambda x: x.item() ** 2, 2.0), GradientError, "taken out of the graph"),
    ],
)
def test_gradcheck_refuses_in_a_sentence_of_its_own(call: Any, kind: type, words: str) -> None:
    with pytest.raises(kind, match=words) as caught:
        call()
    assert "; try " in str(caught.value) or kind is GradientError
