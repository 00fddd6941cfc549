"""Environments of the peers: each library in its own, with pinned versions.

    python -m benchmarks.environments            lists them
    python -m benchmarks.environments NAME...    makes them and prints their interpreters

They lie in the ignored folder .environments of the repository. Each peer has one to itself: HIPS
autograd has this project's import name, and one that cannot be installed takes no other with it.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / ".environments"

NUMPY = "numpy==2.4.6"
PINS = {
    "micrograd": ("micrograd==0.1.0", NUMPY),
    "hips": ("autograd==1.9.1", NUMPY),
    "mygrad": ("mygrad==2.5.0", NUMPY),
    "casadi": ("casadi==3.8.2", NUMPY),
    "sklearn": ("scikit-learn==1.9.1", NUMPY),
    "torch": ("torch==2.13.0", NUMPY),
    "jax": ("jax==0.10.2", NUMPY),
    "keras": ("keras==3.15.1", "jax==0.10.2", "tensorboard==2.21.0", NUMPY),
    "tensorflow": ("tensorflow-cpu==2.21.0", "keras==3.15.1", NUMPY),
}


class UnavailableError(Exception):
    """A peer cannot be installed here; the message is the installer's reason."""


def python(name: str) -> Path:
    """Return the interpreter of an environment, which is made if it is not there yet.

    Args:
        name: a key of PINS.

    Returns:
        The path of an interpreter that has exactly the pinned packages and what they need.

    Raises:
        KeyError: if there is no such environment.
        UnavailableError: if it cannot be made, with the reason.
    """
    pins = PINS[name]
    folder = FOLDER / name
    made = folder / "made-of"
    wanted = "\n".join([sys.version, *pins])
    found = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    with _alone(name):
        # written last, so that a half-made environment is made again
        if not made.exists() or made.read_text() != wanted:
            _make(folder, found, pins)
            made.write_text(wanted)
    return found


@contextlib.contextmanager
def _alone(name: str) -> Iterator[None]:
    """Wait while another process makes this environment; its lock ends with it, even if killed."""
    FOLDER.mkdir(exist_ok=True)
    lock = sqlite3.connect(FOLDER / f"{name}.lock", timeout=3600, isolation_level=None)
    try:
        lock.execute("BEGIN EXCLUSIVE")
        yield
    finally:
        lock.close()


def _make(folder: Path, found: Path, pins: tuple[str, ...]) -> None:
    try:
        venv.create(folder, clear=True, symlinks=os.name != "nt")
    except (OSError, subprocess.CalledProcessError) as error:
        raise UnavailableError(str(error)) from error
    pip = [sys.executable, "-m", "pip", "--python", str(found), "install", "--quiet", *pins]
    done = subprocess.run(pip, capture_output=True, text=True)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
        raise UnavailableError("; ".join(errors or lines[-3:]) or f"pip ended {done.returncode}")


def main(names: list[str]) -> int:
    """Make the named environments and print their interpreters, or list all."""
    for name in names or PINS:
        if not names:
            print(f"{name:<12}{'  '.join(PINS[name])}")
        elif name not in PINS:
            print(f"{name}: not one of {', '.join(PINS)}", file=sys.stderr)
            return 2
        else:
            try:
                print(python(name), flush=True)
            except UnavailableError as error:
                print(f"{name}: {error}", file=sys.stderr)
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
