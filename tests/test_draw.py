"""Figures: what they say, that they say it the same on every run, and that they are saved whole."""

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd as ag
from autograd import Tensor
from autograd.draw import Figure
from autograd.draw.collapse import collapsed, evaluation_order
from autograd.draw.text import quantity, shown

ROOT = Path(__file__).parent.parent
SVG = "{http://www.w3.org/2000/svg}"

APPLES = """
from autograd import Tensor
import autograd as ag
apple, apple_num = Tensor(100, name="apple"), Tensor(2, name="apple_num")
orange, orange_num = Tensor(150, name="orange"), Tensor(3, name="orange_num")
tax = Tensor(1.1, name="tax")
price = (apple * apple_num + orange * orange_num) * tax
price.name = "price"
price.backward()
"""


def apples() -> Tensor:
    scope: dict[str, Any] = {}
    exec(APPLES, scope)
    price = scope["price"]
    assert isinstance(price, Tensor)
    return price


def texts(svg: bytes) -> list[str]:
    """Return every text of an SVG, with Graphviz's no-break spaces as spaces."""
    return [(t.text or "").replace("\xa0", " ") for t in ET.fromstring(svg).iter(f"{SVG}text")]


def by_title(figure: Figure, title: str) -> str:
    (key,) = [v.key for v in figure.vertices if v.title == title]
    return key


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
    above, below = source.partition(">100</FONT>")[2].split("</TR>")[:2]
    assert above == "</TD>"
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


def test_nan_and_infinity_are_marked() -> None:
    x = Tensor(0.0, name="x")
    with np.errstate(all="ignore"):
        y = np.log(x)
    y.backward()
    source = ag.draw(y).source
    assert 'COLOR="#c00020">-inf<' in source
    assert 'COLOR="#c00020">← inf<' in source


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
    with pytest.raises(ag.DTypeError, match="expected y to be a Tensor; got float; try"):
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


# ---- hostile names -------------------------------------------------------------------------------

HOSTILE = [
    'a "quoted" name',
    "<script>alert(1)</script>",
    "</TD></TR></TABLE>>]; evil [label=<x",
    "a & b &amp; c &lt;",
    "first\nsecond\r\nthird",
    "back\\slash\\N\\G",
    "<B>bold</B>",
    "🍎 × 🍊",
    "سعر التفاح",
    "\x00\x07\ud800\ufffe",
    "",
    "   ",
    "]]>",
    "n" * 500,
]


def assert_shows(name: str) -> None:
    x = Tensor(2.0, name=name)
    y = x * 3
    plain = Tensor(2.0, name="plain")
    svg = ag.draw(y)._repr_mimebundle_()["image/svg+xml"].encode()
    usual = ag.draw(plain * 3)._repr_mimebundle_()["image/svg+xml"].encode()
    if shown(name).strip():
        assert " ".join(shown(name).split()) in [" ".join(t.split()) for t in texts(svg)]
    tags = [e.tag for e in ET.fromstring(svg).iter() if e.tag != f"{SVG}text"]
    assert tags == [e.tag for e in ET.fromstring(usual).iter() if e.tag != f"{SVG}text"]


@pytest.mark.parametrize("name", HOSTILE, ids=[str(i) for i in range(len(HOSTILE))])
def test_a_hostile_name_is_shown_as_text(name: str) -> None:
    assert_shows(name)


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(), max_size=30))
def test_any_name_is_shown_as_text(name: str) -> None:
    assert_shows(name)


# ---- files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("suffix", "start"),
    [(".svg", b"<?xml"), (".png", b"\x89PNG"), (".pdf", b"%PDF"), (".dot", b"digraph")],
)
def test_every_format_is_written_where_no_dot_program_is_on_path(
    suffix: str, start: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    path = ag.draw(apples()).save(tmp_path / f"price{suffix}")
    assert path.read_bytes().startswith(start)
    assert os.listdir(tmp_path) == [f"price{suffix}"]


def test_the_dot_program_on_path_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "dot"
    program.write_text("#!/bin/sh\ncat >/dev/null\nprintf '<svg>by dot %s</svg>' \"$1\"\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    path = ag.draw(apples()).save(tmp_path / "price.svg")
    assert path.read_text() == "<svg>by dot -Kdot</svg>"


def test_without_a_renderer_the_dot_text_is_written_and_one_sentence_says_what_to_install(
    tmp_path: Path,
) -> None:
    program = APPLES + (
        "import sys\n"
        "sys.modules['pygraphviz'] = None\n"  # what Python itself puts where an import is barred
        "figure = ag.draw(price)\n"
        "assert 'digraph' in figure._repr_mimebundle_()['text/plain']\n"
        f"figure.save({str(tmp_path / 'price.png')!r})\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PATH": ""},
    )
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith(
        "autograd.errors.MissingExtraError: expected Graphviz, as the program dot"
    )
    assert last.endswith('try pip install "chainrule[render]"')
    assert os.listdir(tmp_path) == ["price.dot"]
    assert (tmp_path / "price.dot").read_text() == ag.draw(apples()).source


def test_an_existing_file_is_replaced_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "price.dot"
    path.write_text("old")
    figure = ag.draw(apples())
    reader = path.open()
    figure.save(path)
    assert reader.read() == "old"  # a new file under the name, not a write into the old one
    reader.close()
    assert path.read_text() == figure.source

    path.write_text("old")

    def broken(*_: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OSError, match="disk full"):
        figure.save(path)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["price.dot"]


@pytest.mark.parametrize("name", ["price.gif", "price", ".svg"])
def test_an_unknown_suffix_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ag.ArgumentError, match=r"expected path to end in one of \.svg, .*; try"):
        ag.draw(apples()).save(tmp_path / name)
    assert os.listdir(tmp_path) == []


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ag.ArgumentError, match=r"a folder that exists; got .*/nowhere/price\.svg"):
        ag.draw(apples()).save(tmp_path / "nowhere" / "price.svg")
    assert os.listdir(tmp_path) == []


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
    blocks = set(collapsed(operations, 60).values())
    figure = ag.draw(y)
    drawn = sum(v.kind == "operation" for v in figure.vertices)
    assert drawn + sum(b.size for b in blocks) == len(operations)
    order = {v.key: i for i, v in enumerate(figure.vertices)}
    waiting = dict.fromkeys(order, 0)
    for edge in figure.edges:
        waiting[edge.head] += 1
    ready = [key for key, n in waiting.items() if not n]
    for key in ready:
        for edge in figure.edges:
            if edge.tail == key:
                waiting[edge.head] -= 1
                if not waiting[edge.head]:
                    ready.append(edge.head)
    assert len(ready) == len(order)


# ---- the example ---------------------------------------------------------------------------------


def test_the_example_prints_the_figures_of_the_book(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "examples.apple_orange_tax"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert result.stdout.splitlines() == [
        "price: 715",
        "dApple: 2.2",
        "dApple_num: 110",
        "dOrange: 3.3000000000000003",
        "dOrange_num: 165",
        "dTax: 650",
        f"figure: {Path('pictures') / 'apple_orange_tax.svg'}",
        f"figure: {Path('pictures') / 'apple_orange_tax.png'}",
    ]
    assert (tmp_path / "pictures" / "apple_orange_tax.png").read_bytes().startswith(b"\x89PNG")


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
