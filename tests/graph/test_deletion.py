"""The eager engine needs nothing of the graph folder: its tests are green without it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# an editable install would find the deleted folder in the place it was copied from
RUN = """
import sys
sys.meta_path[:] = [f for f in sys.meta_path if "Editable" not in repr(f)]
import pytest
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", *sys.argv[1:]]))
"""

QUICK = ("test_tensor.py", "test_transforms.py", "test_zeros.py", "test_explain.py")
WHOLE = (
    *("test_check.py", "test_coverage.py", "test_define.py", "test_draw.py", "test_explain.py"),
    *("test_laws.py", "test_primitives.py", "test_programs.py", "test_sweep.py", "test_testing.py"),
)


@pytest.mark.parametrize(
    "names", [QUICK, pytest.param(WHOLE, marks=pytest.mark.full)], ids=["quick", "whole"]
)
def test_eager_tests_are_green_without_the_graph_folder(
    names: tuple[str, ...], tmp_path: Path
) -> None:
    ignored = shutil.ignore_patterns("graph", "__pycache__")
    for folder in ("autograd", "nn", "tests", "docs"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    assert not (tmp_path / "autograd" / "graph").exists()
    tests = [f"tests/{name}" for name in names]
    done = subprocess.run(
        [sys.executable, "-c", RUN, *tests], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    there = "import autograd; assert autograd.__file__.startswith(sys.argv[1]); autograd.trace"
    found = subprocess.run(
        [sys.executable, "-c", RUN.split("import pytest")[0] + there, str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert "AttributeError" in found.stderr
    assert "autograd.graph is not there" in found.stderr
