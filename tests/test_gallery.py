"""The gallery: its page shows exactly the pictures that its program makes."""

import re
from pathlib import Path

import pytest

import autograd as ag
from examples import gallery

PAGE = (Path(__file__).parent.parent / "docs" / "gallery.md").read_text(encoding="utf-8")


def test_the_page_shows_every_picture_that_the_program_makes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gallery, "FOLDER", tmp_path / "gallery")
    gallery.main()
    made = {path.name for path in (tmp_path / "gallery").iterdir()}
    assert set(re.findall(r"\(gallery/([^)]+)\)", PAGE)) == made


def test_the_explanation_on_the_page_is_what_this_version_says() -> None:
    z = gallery.square_of_a_sum()
    x = z.inputs[0].inputs[0]
    assert f"```\n{ag.explain(z, x)}\n```" in PAGE
