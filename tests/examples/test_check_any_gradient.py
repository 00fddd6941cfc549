"""The program that checks gradients of other libraries, where they are installed."""

import importlib.util
import shutil
from typing import Any

from examples import check_any_gradient


def test_every_library_that_is_installed_is_checked(capsys: Any) -> None:
    verdicts = check_any_gradient.main([])
    installed = {
        "plain Python": True,
        "NumPy": True,
        "C through ctypes": bool(shutil.which("cc") or shutil.which("gcc")),
        "PyTorch": importlib.util.find_spec("torch") is not None,
        "JAX": importlib.util.find_spec("jax") is not None,
    }
    for name, there in installed.items():
        assert verdicts[name] == ("right" if there else "not installed")
    assert verdicts["NumPy, with a mistake"] == "wrong"
    assert "got 0, expected 4.32" in capsys.readouterr().out
