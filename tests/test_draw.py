"""Figures: what they say, and that they say it the same on every run."""

import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from drawings import APPLES, ROOT, SVG, apples, by_title
from hypothesis import given
from hypothesis import strategies as st

import autograd as ag
from autograd import Tensor
from autograd.draw.collapse import evaluation_order
from autograd.draw.text import quantity

# ---- what a figure says --------------------------------------------------------------------------


def test_apples_and_oranges_show_the_numbers_of_the_book_on_every_edge() -> None:
    figure = ag.draw(apples())
    titles = {v.key: v.title for v in figure.vertices}
    seen = [(titles[e.tail], titles[e.head], e.value, e.gradient) for e in figure.edges]
    expected = [
        ("apple", "×", 100, 2.2),
        ("apple_num", "×", 2, 110),
        ("orange", "×", 150, 3.3),
        ("orange_num", "×", 3, 165),
        ("×", "+", 200, 1.1),
        ("×", "+", 450, 1.1),
        ("+", "×", 650, 1.1),
        ("tax", "×", 1.1, 650),
        ("×", "price", 715, 1),
    ]
    assert [s[:2] for s in seen] == [e[:2] for e in expected]
    for s, e in zip(seen, expected, strict=True):
        assert s[2:] == pytest.approx(e[2:], rel=1e-15)  # 110.00000000000001 is NumPy's value
    assert [v.kind for v in figure.vertices if v.title in "×+"] == ["operation"] * 4


def test_numbers_are_rounded_for_readers_and_gradients_stand_below() -> None:
    source = ag.draw(apples()).source
    assert "110.0000" not in source
    above, below = source.split(">100</FONT>")[1].split("</TR>")[:2]
    assert above == "</FONT></TD>"
    assert "← 2.2<" in below


def test_a_rendered_figure_has_its_numbers_above_and_below_each_other(tmp_path: Path) -> None:
    svg = ag.draw(apples()).save(tmp_path / "price.svg").read_bytes()
    place = {
        (t.text or "").replace("\xa0", " "): (float(t.attrib["x"]), float(t.attrib["y"]))
        for t in ET.fromstring(svg).iter(f"{SVG}text")
    }
    for value, gradient in (("100", "← 2.2"), ("2", "← 110"), ("3", "← 165"), ("715", "← 1")):
        (x0, y0), (x1, y1) = place[value], place[gradient]
        assert y0 < y1 < y0 + 30  # y grows downwards
        assert abs(x0 - x1) < 30


def test_before_backward_a_figure_says_so_and_shows_no_zero() -> None:
    x = Tensor(3.0, name="x")
    figure = ag.draw(x * 2)
    assert [e.gradient for e in figure.edges] == [None] * 3
    assert "no gradient yet" in figure.caption
    assert "no gradient yet" in figure.source
    assert "← 0" not in figure.source
    assert "no gradient yet" in ag.draw(x).source


def test_a_value_that_was_given_is_a_figure_of_one_box() -> None:
    lines = ag.draw(Tensor(3.0, requires_grad=False)).text.splitlines()
    assert lines[1].split() == ["result", "3", "constant"]
    assert ag.draw(Tensor(3.0, name="x")).text.splitlines()[1].split()[:2] == ["x", "3"]


def test_constants_are_shown_and_carry_no_gradient() -> None:
    x = Tensor(3.0, name="x")
    y = x**2 * Tensor(5.0, name="fixed", requires_grad=False)
    y.backward()
    figure = ag.draw(y)
    constants = {v.title: v.key for v in figure.vertices if v.kind == "constant"}
    assert set(constants) == {"2", "fixed"}
    for edge in figure.edges:
        assert edge.differentiable == (edge.tail not in constants.values())
        assert (edge.gradient is None) == (edge.tail in constants.values())


def test_where_paths_meet_the_gradients_add_up() -> None:
    x = Tensor(3.0, name="x")
    y = x * x + x
    y.backward()
    figure = ag.draw(y)
    (junction,) = [v.key for v in figure.vertices if v.kind == "junction"]
    (trunk,) = [e for e in figure.edges if e.head == junction]
    branches = [e for e in figure.edges if e.tail == junction]
    assert trunk.gradient == x.grad == 7.0
    assert trunk.terms == tuple(e.gradient for e in branches) == (3.0, 3.0, 1.0)
    assert "← 7 = 3 + 3 + 1" in figure.source


@given(st.lists(st.sampled_from("+*-e"), min_size=1, max_size=30), st.integers(0, 2**32))
def test_terms_at_every_junction_sum_to_the_gradient(steps: list[str], seed: int) -> None:
    rng = np.random.default_rng(seed)
    pool = [Tensor(float(v)) for v in rng.uniform(0.5, 1.5, 3)]
    for step in steps:
        a, b = (pool[i] for i in rng.integers(0, len(pool), 2))
        result = {"+": np.add, "*": np.multiply, "-": np.subtract}.get(step)
        pool.append(np.tanh(a) if result is None else result(a, b))
    y = pool[-1]
    y.backward()
    figure = ag.draw(y)
    for edge in figure.edges:
        if edge.terms:
            # the sweep adds in another order, so the last bits may differ
            assert edge.gradient == pytest.approx(sum(edge.terms), rel=1e-12, abs=1e-12)
    leaves = {v.key for v in figure.vertices if v.kind == "leaf"}
    shown_gradients = sorted(e.gradient for e in figure.edges if e.tail in leaves)
    held = sorted(t.grad for t in evaluation_order(y) if t.is_leaf)
    assert shown_gradients == pytest.approx(held, rel=1e-12, abs=1e-12)


def test_a_branch_that_where_did_not_take_gets_an_exact_zero() -> None:
    x = Tensor(1.0, name="x")
    with np.errstate(invalid="ignore"):
        y = np.where(x.data >= 0, x, np.sqrt(-x))
    y.backward()
    figure = ag.draw(y)
    root = by_title(figure, "sqrt")
    assert [e.gradient for e in figure.edges if e.tail == root] == [0.0]


RED = 'COLOR="#c00020"'


def test_the_first_nan_or_infinity_alone_is_red() -> None:
    x = Tensor(0.0, name="x")
    with np.errstate(all="ignore"):
        y = np.log(x) * 2.0 - np.log(x)
    y.backward()
    figure = ag.draw(y)
    assert [e.first_bad for e in figure.edges].count("value") == figure.source.count(f"{RED}>-inf<")
    assert figure.source.count(RED) == 1
    (mark,) = [v for v in figure.vertices if v.is_first_bad]
    assert mark.title == "log"
    assert 'color="#c00020" penwidth=2.5 label=<<FONT POINT-SIZE="13">log<' in figure.source
    assert "red: the first inf, from log" in figure.caption
    assert "-inf (the first)" in figure.text
    assert figure.text.count("(the first)") == 1


def test_where_all_values_are_finite_the_first_infinite_gradient_is_red() -> None:
    x = Tensor(0.0, name="x")
    y = np.sqrt(x) + x * 3
    y.backward()
    figure = ag.draw(y)
    assert figure.source.count(RED) == 1
    assert f"{RED}>← inf<" in figure.source
    assert "red: the first inf, in the gradient of sqrt" in figure.caption
    assert "inf + 3 (the first)" in figure.text


def test_a_leaf_that_is_nan_is_the_first() -> None:
    y = Tensor(np.array([1.0, np.nan]), name="x").sum()
    y.backward()
    figure = ag.draw(y)
    assert [v.is_first_bad for v in figure.vertices] == [True, False, False]
    assert "red: the first nan, given as x" in figure.caption
    assert RED not in ag.draw(Tensor(2.0) * 3).source


def test_a_leaf_box_holds_name_value_and_gradient() -> None:
    w = Tensor(np.arange(6.0).reshape(2, 3), name="W")
    y = (w * w).sum() + Tensor(2.0, name="b") + Tensor(7.0, name="fixed", requires_grad=False)
    boxes = {v.name: v for v in ag.draw(y).vertices if v.kind in ("leaf", "constant")}
    assert boxes["b"].gradient is None
    assert ">no gradient yet<" in ag.draw(y).source.split("<B>b</B>")[1].split("];")[0]
    y.backward()
    figure = ag.draw(y)
    boxes = {v.name: v for v in figure.vertices if v.value is not None}
    assert (boxes["b"].value, boxes["b"].gradient) == (2.0, 1.0)
    assert boxes["W"].gradient == quantity(w.grad)
    assert "gradient" not in figure.source.split("<B>fixed</B>")[1].split("];")[0]
    label = figure.source.split("<B>b</B>")[1].split("];")[0]
    assert label.index(">2<") < label.index(">← 1<")


def test_a_leaf_box_says_so_where_grad_holds_more_than_this_pass() -> None:
    x = Tensor(3.0, name="x")
    y = x * 2
    y.backward()
    assert ag.draw(y).vertices[0].details == ()
    y.backward()
    assert ag.draw(y).vertices[0].details == (".grad 4, of all passes",)


def test_an_array_is_summarised() -> None:
    w = Tensor(np.arange(6.0).reshape(2, 3), name="W")
    y = (w * w).sum()
    y.backward()
    figure = ag.draw(y)
    assert "2×3</FONT><BR/>" in figure.source
    assert ">0 … 2.5 … 5</FONT>" in figure.source
    assert "2×3: 0 … 2.5 … 5" in figure.text
    assert "arrays as shape: least … mean … greatest" in figure.caption


def test_a_figure_keeps_what_was_true_when_it_was_drawn() -> None:
    x = Tensor(3.0, name="x")
    y = x * x
    y.backward()
    figure = ag.draw(y)
    before = figure.source
    x.assign(5.0)
    x.grad = None
    assert figure.source == before
    with pytest.raises(ag.GraphError, match=r"'x' to hold the value .* assigned since"):
        ag.draw(y)


def test_drawing_what_is_no_tensor_is_refused() -> None:
    with pytest.raises(ag.DTypeError, match="expected y to be a Tensor or Graph; got float; try"):
        ag.draw(3.0)  # type: ignore[arg-type]


# ---- the same bytes ------------------------------------------------------------------------------


def test_the_same_expression_gives_the_same_bytes_in_every_process() -> None:
    program = APPLES + "print(ag.draw(price).source)"
    results = {
        subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            check=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"},
        ).stdout
        for seed in ("0", "1", "4242")
    }
    assert results == {(ag.draw(apples()).source + "\n").encode()}


# ---- how it looks --------------------------------------------------------------------------------


def test_a_figure_can_be_dark_run_downwards_and_show_local_derivatives() -> None:
    y = apples()
    plain = ag.draw(y).source
    assert "#ffffff" not in ag.draw(y, theme="dark").source
    down = ag.draw(y, direction="down")
    assert "rankdir=TB" in down.source
    assert "left of each edge: the value; right, with ↑: the gradient" in down.caption
    assert " local 2<" in ag.draw(y, derivatives=True).source
    assert " local " not in plain
    with pytest.raises(ag.ArgumentError, match="theme to be 'light' or 'dark'; got 'blue'; try"):
        ag.draw(y, theme="blue")
    with pytest.raises(ag.ArgumentError, match="direction to be 'right' or 'down'; got 'up'; try"):
        ag.draw(y, direction="up")
