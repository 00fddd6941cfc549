"""Figures of frozen graphs: structure with types, no invented values."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawings import by_title

import autograd as ag
from autograd import Tensor


def f(x: Any, y: Any) -> Any:
    return np.where(x > y, np.log(x * y), np.sin(x))


def test_a_frozen_graph_is_drawn_with_types_instead_of_values() -> None:
    figure = ag.draw(ag.trace(f, 3.0, 2.0))
    assert [line.split() for line in figure.text.splitlines()[1:8]] == [
        ["x", "float64"],
        ["y", "float64"],
        ["v0", "[x", ">", "y]", "bool"],
        ["v1", "x", "×", "y", "float64"],
        ["v2", "log(v1)", "float64"],
        ["v3", "sin(x)", "float64"],
        ["v4", "where(v0,", "v2,", "v3)", "float64"],
    ]
    assert "gradient yet" not in figure.source
    assert "draw what the graph returns for Tensors" in figure.caption
    assert figure == ag.draw(ag.trace(f, 1.0, 7.0))


def test_on_tensors_the_same_graph_has_values_and_gradients() -> None:
    y = ag.trace(f, 3.0, 2.0)(Tensor(3.0, name="x"), Tensor(2.0, name="y"))
    y.backward()
    last = ag.draw(y).edges[-1]
    assert (last.value, last.gradient) == (pytest.approx(np.log(6.0)), 1.0)


def test_every_output_constant_and_computed_index_is_drawn(tmp_path: Path) -> None:
    def g(p: Any, x: Any, i: Any) -> Any:
        z = np.tanh(x @ p["w"])
        return {"z": z, "some": z[i], "two": 2.0, "given": x}

    example = ({"w": np.ones((3, 2), np.float32)}, np.ones((5, 3), np.float32), np.array([0, 4]))
    figure = ag.draw(ag.trace(g, *example))
    ends = [v.title for v in figure.vertices if v.kind == "result"]
    assert sorted(ends) == ["result", "v1", "v2", "x"]
    assert "getitem(v1, i)" in figure.text
    assert "5×2: float32" in figure.text
    index = by_title(figure, "i")
    (edge,) = [e for e in figure.edges if e.tail == index]
    assert edge.head == by_title(figure, "getitem")
    for suffix in (".svg", ".html", ".txt"):
        assert figure.save(tmp_path / f"graph{suffix}").stat().st_size


def test_a_large_graph_is_collapsed_and_unused_work_left_out() -> None:
    def chain(x: Any) -> Any:
        np.exp(x)
        for _ in range(5000):
            x = np.sin(x) * 1.01 + x
        return x

    figure = ag.draw(ag.trace(chain, 1.0))
    assert len(figure.vertices) < 40
    assert "of 15,000 operations are collapsed" in figure.caption


def test_what_passes_through_unchanged_is_a_box() -> None:
    figure = ag.draw(ag.trace(lambda x: x, 1.0))
    assert [(v.kind, v.title) for v in figure.vertices] == [("leaf", "x")]
    assert figure.caption.startswith("above each edge: shape and dtype")


def test_a_level_for_a_graph_is_refused() -> None:
    with pytest.raises(ag.errors.ArgumentError, match="level='operations' for a Graph"):
        ag.draw(ag.trace(f, 3.0, 2.0), level="scalars")
