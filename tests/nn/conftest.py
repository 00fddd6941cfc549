"""Lets the tests of this folder share `reference`, and finds Keras in an environment of its own."""

import os
import sys
from pathlib import Path

import pytest

from benchmarks import environments

sys.path.insert(0, str(Path(__file__).parent))

collect_ignore = ["keras_habits.py", "keras_peer.py", "killed_training.py"]


@pytest.fixture(scope="session")
def keras_python():
    """An interpreter with real Keras, JAX and TensorBoard, made here unless one is named."""
    named = os.environ.get("CHAINRULE_KERAS_PYTHON")
    if named:
        return named
    try:
        return str(environments.python("keras"))
    except environments.UnavailableError as error:
        pytest.skip(f"real Keras cannot be installed here: {error}")
