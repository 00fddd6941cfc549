"""Environments hold what is pinned, are made again if half-made, and say why they cannot be."""

import subprocess
import zipfile
from pathlib import Path

import pytest

from benchmarks import environments


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that needs no network, pinned as the environment "tiny"."""
    path = tmp_path / "tiny-1.5-py3-none-any.whl"
    info = "tiny-1.5.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny.py", "answer = 42\n")
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.5\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    monkeypatch.setattr(environments, "FOLDER", tmp_path / "made")
    monkeypatch.setitem(environments.PINS, "tiny", (f"tiny @ {path.as_uri()}",))
    return path


def answer(python: Path) -> str:
    command = [str(python), "-P", "-c", "import tiny; print(tiny.answer)"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_an_environment_is_made_once_and_has_what_is_pinned(wheel: Path) -> None:
    python = environments.python("tiny")
    assert answer(python) == "42"
    wheel.unlink()  # a second installation would fail
    assert environments.python("tiny") == python


def test_a_half_made_or_outdated_environment_is_made_again(wheel: Path) -> None:
    python = environments.python("tiny")
    (python.parent.parent / "made-of").write_text("other pins")
    python.unlink()
    assert answer(environments.python("tiny")) == "42"


def test_what_cannot_be_installed_says_why(wheel: Path) -> None:
    wheel.unlink()
    with pytest.raises(environments.UnavailableError, match=r"tiny-1\.5"):
        environments.python("tiny")
    assert not (environments.FOLDER / "tiny" / "made-of").exists()


def test_the_command_names_what_it_has(capsys: pytest.CaptureFixture[str], wheel: Path) -> None:
    assert environments.main(["nonsense"]) == 2
    assert "torch" in capsys.readouterr().err
    assert environments.main(["tiny"]) == 0
    assert Path(capsys.readouterr().out.strip()).exists()
    assert environments.main([]) == 0
    assert "torch==2.13.0" in capsys.readouterr().out


def test_every_pin_names_one_version() -> None:
    for name, pins in environments.PINS.items():
        assert all("==" in pin for pin in pins), name
