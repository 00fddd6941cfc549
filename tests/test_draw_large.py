"""Large computations: what is collapsed, and the text form that says so."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawings import apples, by_title, kind_of, reaches_every_vertex_once, results_used
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd as ag
from autograd import Tensor
from autograd.draw.collapse import collapsed, evaluation_order
from autograd.draw.text import quantity

# ---- large computations --------------------------------------------------------------------------


def test_a_chain_of_a_million_operations_is_drawn_collapsed() -> None:
    x = Tensor(1.0, name="x")
    y = x
    for _ in range(500_000):
        y = y * 1.0000001 + 0.000001
    y.backward()
    figure = ag.draw(y)
    (block,) = [v for v in figure.vertices if v.kind == "block"]
    assert block.title == "999,992 operations"
    assert block.details == ("499,996 times", "multiply, add")
    assert "999,992 of 1,000,000 operations are collapsed into 1 box" in figure.caption
    (edge,) = [e for e in figure.edges if e.tail == by_title(figure, "x")]
    assert edge.gradient == x.grad


@given(st.integers(80, 400), st.integers(0, 2**32))
@settings(max_examples=25, deadline=None)
def test_blocks_never_form_a_cycle_and_lose_no_operation(size: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    pool = [Tensor(float(v)) for v in rng.uniform(0.9, 1.1, 5)]
    for _ in range(size):
        i, j = rng.integers(max(0, len(pool) - 9), len(pool), 2)
        pool.append(np.tanh(pool[i] + pool[j] * 0.5))
    y = pool[-1]
    operations = [t for t in evaluation_order(y) if not t.is_leaf]
    blocks = set(collapsed(operations, 60, kind_of, results_used).values())
    figure = ag.draw(y)
    drawn = sum(v.kind == "operation" for v in figure.vertices)
    assert drawn + sum(b.size for b in blocks) == len(operations)
    assert reaches_every_vertex_once(figure)


# ---- the text form -------------------------------------------------------------------------------


def test_the_text_form_has_one_line_a_value(tmp_path: Path) -> None:
    path = ag.draw(apples()).save(tmp_path / "price.txt")
    assert path.read_text(encoding="utf-8").splitlines() == [
        "name        computed as          value  gradient",
        "apple                            100    2.2",
        "apple_num                        2      110",
        "t1          apple × apple_num    200    1.1",
        "orange                           150    3.3",
        "orange_num                       3      165",
        "t2          orange × orange_num  450    1.1",
        "t3          t1 + t2              650    1.1",
        "tax                              1.1    650",
        "price       t3 × tax             715    1",
        "",
        "above each edge: the value; below, with ←: the gradient of price",
    ]
    assert "no gradient yet" in ag.draw(Tensor(2.0, name="x") * 3).text


def test_the_text_form_of_a_collapsed_figure_says_what_was_collapsed() -> None:
    x = Tensor(1.0, name="x")
    y = x
    for _ in range(150):
        y = y * 1.01
    assert re.search(r"\[142 operations\] +142 times, multiply +4\.\d+ ", ag.draw(y).text)


def test_neurons_alike_are_drawn_as_one_box_that_says_how_many() -> None:
    rng = np.random.default_rng(0)

    def neuron(inputs: list[Any], name: str) -> Tensor:
        total = Tensor(0.1, name=f"b_{name}")
        for x in inputs:
            total = total + x * Tensor(float(rng.normal()), name=f"w_{name}")
        return np.tanh(total)  # type: ignore[no-any-return]

    pixels = [float(v) for v in rng.normal(size=20)]
    hidden = [neuron(pixels, f"h{i}") for i in range(8)]
    outputs = [neuron(hidden, f"o{i}") for i in range(3)]
    loss = np.log(sum(np.exp(o) for o in outputs)) - outputs[1]
    loss.backward()
    figure = ag.draw(loss)
    layer = next(v for v in figure.vertices if v.kind == "block")
    assert layer.title == "328 operations"
    assert layer.details[:3] == ("8 alike, each 20 add", "20 multiply", "1 tanh")
    handed_on = {e.value for e in figure.edges if e.tail == layer.key}
    assert quantity(np.array([h.item() for h in hidden])) in handed_on
    total = sum(not t.is_leaf for t in evaluation_order(loss))
    drawn = sum(v.kind == "operation" for v in figure.vertices)
    assert f"{total - drawn:,} of {total:,} operations are collapsed" in figure.caption


def test_a_recurrent_network_is_drawn_as_one_step_and_how_often_it_repeats() -> None:
    h, w, u = (Tensor(v, name=n) for n, v in (("h", 0.1), ("w", 0.5), ("u", 0.3)))
    state = h
    for k in range(300):
        state = np.tanh(w * state + u * float(k % 3))
    state.backward()
    figure = ag.draw(state)
    (block,) = [v for v in figure.vertices if v.kind == "block"]
    assert block.title == "1,192 operations"
    assert block.details == ("298 times", "multiply, multiply, add, tanh")
    (trunk,) = [e for e in figure.edges if e.tail == by_title(figure, "w")]
    assert trunk.gradient == pytest.approx(w.grad, rel=1e-12)  # the sum of every repeat
