"""Backward passes written by hand beside the engine's: what is found, said and drawn."""

import importlib
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd as ag
from autograd import ArgumentError, ShapeError, diff_backward
from examples.apples import AddLayer, MulLayer
from examples.by_hand import Affine, Relu, Sigmoid, SoftmaxWithLoss

rng = np.random.default_rng(0)
X = rng.normal(size=(5, 4))
LABELS = np.array([0, 1, 2, 1, 0])


class OwnFactor(MulLayer):
    def backward(self, dout: float) -> tuple[float, float]:
        return dout * self.x, dout * self.y


def basket(first: Any, second: Any, fruit: Any, taxed: Any) -> Any:
    def price(apple: Any, apples: Any, orange: Any, oranges: Any, tax: Any) -> Any:
        total = fruit.forward(first.forward(apple, apples), second.forward(orange, oranges))
        return taxed.forward(total, tax)

    return price


BASKET = (100.0, 2.0, 150.0, 3.0, 1.1)


# ---- layers --------------------------------------------------------------------------------------


def test_the_layers_of_the_documents_are_right() -> None:
    layers = {"a": MulLayer(), "o": MulLayer(), "sum": AddLayer(), "tax": MulLayer()}
    found = diff_backward(basket(*layers.values()), *BASKET, layers=layers)
    assert found.is_right
    assert found.first is None
    # the figures of the documents, to the last digit
    expected = {edge.tail: edge.got for edge in found.edges}
    assert expected["x (apple)"] == 2.2
    assert expected["y (apples)"] == pytest.approx(110, rel=1e-15)
    assert expected["x (orange)"] == 3.3000000000000003
    assert expected["y (tax)"] == 650
    affine, last = Affine(rng.normal(size=(4, 3)), np.zeros(3)), SoftmaxWithLoss()
    for layer in (Relu(), Sigmoid()):
        network = lambda x, layer=layer: last.forward(  # noqa: E731
            layer.forward(affine.forward(x)), LABELS
        )
        found = diff_backward(network, X, layers=[affine, layer, last])
        assert found.is_right
        assert [edge.tail for edge in found.edges] == ["x", "x", "x", "W", "b"]


def test_the_first_wrong_edge_is_named_with_both_numbers_and_a_guess() -> None:
    layers = {"a": MulLayer(), "o": OwnFactor(), "sum": AddLayer(), "tax": MulLayer()}
    found = diff_backward(basket(*layers.values()), *BASKET, layers=layers)
    first = found.first
    assert first is not None
    assert (first.tail, first.head) == ("x (orange)", "o")
    assert first.expected == pytest.approx(3.3)
    assert first.got == pytest.approx(165)
    assert first.guess == "exchanged with the gradient of y (oranges)"
    # the mistake does not hide that the layers below are right
    assert [edge.is_right for edge in found.edges] == [True] * 4 + [False] * 2 + [True] * 2
    line = "-> wrong at x (orange) <- o: expected 3.3, got 165; exchanged"
    assert str(found).splitlines()[0] == "backward wrong: 2 of 8 edges"
    assert line in str(found)


def wrong(change: Any) -> Any:
    """Return an Affine whose gradients are changed before they are handed back."""

    class Changed(Affine):
        def backward(self, dout: Any) -> Any:
            self.dx = super().backward(dout)
            change(self)
            return self.dx

    return Changed(np.arange(1.0, 10.0).reshape(3, 3), np.zeros(3))


@pytest.mark.parametrize(
    ("change", "tail", "guess"),
    [
        (lambda s: setattr(s, "dx", -s.dx), "x", "sign"),
        (lambda s: setattr(s, "dx", 2 * s.dx), "x", "twice"),
        (lambda s: setattr(s, "dx", None), "x", "not returned"),
        (lambda s: setattr(s, "dW", s.dW.T), "W", "transposed"),
        (lambda s: setattr(s, "dW", s.dW / 3), "W", "3 times too small"),
        (lambda s: setattr(s, "db", s.DOUT), "b", "a missing sum over axis 0"),
        (lambda s: setattr(s, "db", s.db.sum()), "b", r"of shape \(\) instead of \(3,\)"),
        (lambda s: s.dW.__setitem__((1, 2), 7.0), "W", r"1 of 9 entries differ, most at \[1, 2\]"),
        (lambda s: s.dW.__setitem__((1, 2), np.nan), "W", "entries differ"),
    ],
)
def test_guesses(change: Any, tail: str, guess: str) -> None:
    dout = rng.normal(size=(2, 3))
    layer = wrong(change)
    type(layer).DOUT = dout
    first = diff_backward(layer, rng.normal(size=(2, 3)), cotangent=dout).first
    assert first is not None
    assert first.tail == tail
    assert re.search(guess, first.guess)


def test_a_layer_that_is_called_twice_is_compared_at_both_calls() -> None:
    layer = MulLayer()
    found = diff_backward(
        lambda x, y: layer.forward(layer.forward(x, y), y), 2.0, 3.0, layers=[layer]
    )
    assert found.is_right
    assert [edge.got for edge in found.edges] == [3.0, 6.0, 9.0, 6.0]


def test_layers_are_left_as_they_were() -> None:
    affine = Affine(rng.normal(size=(4, 3)), np.zeros(3))
    before = dict(vars(affine))
    diff_backward(affine, X, cotangent=np.ones((5, 3)))
    assert vars(affine).keys() == before.keys()
    assert all(vars(affine)[name] is value for name, value in before.items())
    with pytest.raises(ShapeError):
        diff_backward(affine, X)  # no cotangent
    assert all(vars(affine)[name] is value for name, value in before.items())


@given(st.lists(st.floats(-3, 3), min_size=2, max_size=2), st.floats(0.5, 2))
@settings(deadline=None)
def test_a_factor_at_any_point_is_found(xs: list[float], factor: float) -> None:
    class Scaled(MulLayer):
        def backward(self, dout: float) -> tuple[float, float]:
            dx, dy = super().backward(dout)
            return factor * dx, dy

    found = diff_backward(Scaled(), *xs)
    # of the smallest doubles a part rounds to the whole
    assert found.is_right == (abs(factor * xs[1] - xs[1]) <= 1e-9 * abs(xs[1]))


# ---- functions -----------------------------------------------------------------------------------


def square_of_sum(x: Any, y: Any) -> Any:
    t = x + y
    t.name = "t"
    return t**2 + x


def test_a_function_is_compared_by_argument_or_by_name() -> None:
    found = diff_backward(square_of_sum, 2.0, 3.0, backward=lambda x, y: (11.0, 10.0))
    assert found.is_right
    found = diff_backward(
        square_of_sum, 2.0, 3.0, backward=lambda x, y: {"t": 9.0, "x": 10.0, "y": 9.0}
    )
    first = found.first
    assert first is not None
    assert (first.tail, first.head) == ("t", "power")
    assert [edge.tail for edge in found.edges if not edge.is_right] == ["t", "x", "y"]


def test_a_use_that_is_not_added_up_is_named() -> None:
    found = diff_backward(
        lambda x: x * np.float64(3) + np.sin(x), 1.0, backward=lambda x: 3.0
    ).first
    assert found is not None
    assert found.guess == "the use in sin is missing from the sum"


def test_arrays_of_integers_and_unused_arguments_have_gradients() -> None:
    found = diff_backward(lambda a, b: a * 2.0, 3, 4.0, backward=lambda a, b: (2.0, 0.0))
    assert found.is_right
    assert len(found.edges) == 2


# ---- drawn ---------------------------------------------------------------------------------------


def test_the_figure_colours_right_and_wrong_edges() -> None:
    layers = {"a": MulLayer(), "o": OwnFactor(), "sum": AddLayer(), "tax": MulLayer()}
    found = diff_backward(basket(*layers.values()), *BASKET, layers=layers)
    figure = ag.draw(found)
    colours = {}
    for edge in figure.edges:
        if edge.by_hand:
            colours.setdefault(edge.by_hand, set()).add(edge.value)
    assert colours["wrong"] == {150.0, 3.0}
    assert colours["right"] == {100.0, 2.0, 200.0, 450.0, 650.0, 1.1}
    assert figure.source.count("penwidth=3") == 4  # two halves of two edges
    assert "wrong, got 165" in figure.source
    assert "by hand 165" in figure.text
    assert "right by hand" in figure.text
    dark = ag.draw(found, theme="dark").source
    assert "penwidth=3" in dark
    # without a comparison a figure has no such colours
    assert "penwidth=3" not in ag.draw(found.result).source


def test_a_wrong_sum_over_uses_is_drawn_where_it_is_added_up() -> None:
    found = diff_backward(square_of_sum, 2.0, 3.0, backward=lambda x, y: (10.0, 10.0))
    figure = ag.draw(found)
    (edge,) = [e for e in figure.edges if e.by_hand == "wrong"]
    assert (edge.value, edge.gradient, edge.got) == (2.0, 11.0, "10")


# ---- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda: diff_backward(np.sin, 1.0), ArgumentError, "either backward= or layers="),
        (
            lambda: diff_backward(np.sin, 1.0, backward=np.cos, layers=[Relu()]),
            ArgumentError,
            "both",
        ),
        (lambda: diff_backward(Relu(), X, backward=np.cos), ArgumentError, "a layer alone"),
        (lambda: diff_backward(np.sin, 1.0, layers=[3]), ArgumentError, "methods forward"),
        (lambda: diff_backward(np.sin, 1.0, layers=[Relu()]), ArgumentError, "no call"),
        (
            lambda: diff_backward(np.sin, 1.0, backward=lambda x: (1.0, 2.0)),
            ShapeError,
            "one gradient for each of 1",
        ),
        (
            lambda: diff_backward(np.sin, 1.0, backward=lambda x: {"q": 1.0}),
            ArgumentError,
            "'q'",
        ),
        (lambda: diff_backward(np.sin, X, backward=np.cos), ShapeError, "a scalar result"),
        (lambda: diff_backward(lambda x: 3, 1.0, backward=np.cos), ArgumentError, "a Tensor"),
        (
            lambda: ag.draw(diff_backward(MulLayer(), 2.0, 3.0), level="scalars"),
            ArgumentError,
            "level",
        ),
    ],
)
def test_bad_input_is_refused(call: Any, kind: type, words: str) -> None:
    with pytest.raises(kind, match=words) as caught:
        call()
    assert "; try " in str(caught.value)


def test_the_example_finds_its_three_mistakes(tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    found = importlib.import_module("examples.wrong_edges").main([])
    named = {name: (diff.first.tail, diff.first.head) for name, diff in found.items()}
    assert named == {
        "layers": ("x (orange)", "oranges"),
        "network": ("b", "SummedAway"),
        "function": ("x", "add + add"),
    }
    assert (tmp_path / "pictures" / "wrong_edges.svg").stat().st_size > 1000
