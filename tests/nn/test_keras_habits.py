"""Snippets as Keras' users write them give Keras' numbers (data/keras_habits.json: 3.15.1, JAX)."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
GOLDEN = HERE / "data" / "keras_habits.json"


def run(python, library, folder):
    out = folder / f"{library}.json"
    done = subprocess.run(
        [python, str(HERE / "keras_habits.py"), library, str(out)],
        capture_output=True,
        text=True,
        timeout=1200,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(out.read_text())


def differences(one, other, path=""):
    """Yield where two nested results are not the same, numbers to what float32 leaves of them."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        for key, value in one.items():
            yield from differences(value, other[key], f"{path}/{key}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for i, value in enumerate(one):
            yield from differences(value, other[i], f"{path}/{i}")
    elif isinstance(one, float) or isinstance(other, float):
        # a few epochs of float32 with other orders of addition
        if other != pytest.approx(one, rel=2e-5, abs=2e-5):
            yield f"{path}: {one} and {other}"
    elif one != other:
        yield f"{path}: {one!r} and {other!r}"


def test_the_snippets_give_the_numbers_of_keras(tmp_path):
    ours = run(sys.executable, "nn", tmp_path)
    assert not list(differences(json.loads(GOLDEN.read_text()), ours))


@pytest.mark.full
def test_the_numbers_are_those_of_keras(tmp_path, keras_python):
    theirs = run(keras_python, "keras", tmp_path)
    assert not list(differences(json.loads(GOLDEN.read_text()), theirs))
