"""Figures as files: hostile names are text, and an existing file is replaced whole or not."""

import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawings import APPLES, ROOT, SVG, apples, texts
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd as ag
from autograd import Tensor
from autograd.draw.text import shown

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
    "turned \u202e round",
    "$x_1^2$ % # {}",
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


@pytest.mark.parametrize("name", HOSTILE, ids=[str(i) for i in range(len(HOSTILE))])
def test_a_hostile_name_is_written_in_every_format_level_and_explanation(
    name: str, tmp_path: Path
) -> None:
    x, w = Tensor(2.0, name=name), Tensor(np.eye(2), name=name)
    y = ag.scope(name, lambda x: x * 3, x) + (w @ np.ones(2)).sum()
    y.name = name
    y.backward()
    for level in ("modules", "operations", "scalars"):
        figure = ag.draw(y, level=level, direction="down", derivatives=True)
        for suffix in ("svg", "png", "pdf", "dot", "txt", "html"):
            figure.save(tmp_path / f"hostile.{suffix}")
        assert (tmp_path / "hostile.txt").read_text(encoding="utf-8").startswith("name ")
        page = (tmp_path / "hostile.html").read_text(encoding="utf-8")
        assert page.count("<script") == page.count("</script>") == 3
    for told in (ag.explain(x * x, x), ag.explain(y)):
        assert str(told).encode()
        latex = told.latex.encode().decode()
        assert latex.count(r"\begin{aligned}") == latex.count(r"\end{aligned}") == 1
        assert "$" not in latex.replace(r"\$", "")
    for shown_value in (x, w, y):
        assert "<script" not in shown_value._repr_html_()


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


def test_rendering_without_dot_writes_nothing_to_the_error_stream_but_passes_errors_on() -> None:
    program = APPLES + (
        "import os\n"
        "from autograd.draw import render\n"
        "with render._without_font_warnings():\n"
        "    os.write(2, b'Fontconfig warning: old\\nsomething else\\n')\n"
        "render._fonts_are_read.clear()\n"
        "assert render.render(ag.draw(price).source, 'png')\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, "PATH": ""},
    )
    assert result.stderr == "something else\n"


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
