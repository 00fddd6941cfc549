"""The documents are true: their programs run, and what they name exists."""

import re
from pathlib import Path

import pytest

import autograd

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
FENCE = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def programs() -> list[tuple[str, str]]:
    """Return the Python blocks that stand on their own, which is where they import something."""
    found = []
    for path in DOCUMENTS:
        for i, block in enumerate(FENCE.findall(path.read_text())):
            if re.match(r"(import|from) ", block):
                found.append((f"{path.name}-{i}", block))
    return found


@pytest.mark.parametrize("block", [b for _, b in programs()], ids=[n for n, _ in programs()])
def test_programs_run(block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(block, "<document>", "exec"), {"__name__": "document"})


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: p.name)
def test_links_and_pictures_exist(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text()):
        if "://" not in target:
            assert (path.parent / target).exists(), f"{path.name} links to {target}"


def test_the_map_names_every_room() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    for path in (ROOT / "autograd").iterdir():
        if path.name.startswith("_") or path.name == "py.typed":
            continue
        name = f"autograd/{path.name}" + ("/" if path.is_dir() else "")
        assert f"`{name}`" in text, f"docs/architecture.md does not name {name}"


def test_everything_public_has_a_docstring_and_exists() -> None:
    for name in autograd.__all__:
        thing = getattr(autograd, name)
        assert getattr(thing, "__doc__", None), name


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: p.name)
def test_no_figure_is_still_to_come(path: Path) -> None:
    assert not re.search(r"^[A-Z]{5,}$", path.read_text(), re.MULTILINE)
