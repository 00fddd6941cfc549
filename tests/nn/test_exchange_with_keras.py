"""Files go both ways between this library and real Keras, in an interpreter of its own.

The variable CHAINRULE_KERAS_PYTHON names an interpreter with keras and a backend; without it the
current one is used if it has keras.
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import nn

PYTHON = os.environ.get("CHAINRULE_KERAS_PYTHON") or (
    sys.executable if importlib.util.find_spec("keras") else None
)

pytestmark = pytest.mark.skipif(
    PYTHON is None, reason="no keras here: CHAINRULE_KERAS_PYTHON names no interpreter that has it"
)


def keras(command, folder):
    program = Path(__file__).parent / "keras_peer.py"
    subprocess.run([PYTHON, str(program), command, str(folder)], check=True, timeout=300)


def test_files_of_keras_open_here(tmp_path):
    keras("write", tmp_path)
    theirs = np.load(tmp_path / "theirs.npz")
    model = nn.load_model(tmp_path / "theirs.keras")
    # float32 with other orders of addition
    np.testing.assert_allclose(model.predict(theirs["x"], verbose=0), theirs["p"], rtol=1e-5)
    assert model.optimizer.iterations == 2
    assert model.optimizer.learning_rate == 0.001
    np.testing.assert_array_equal(model.optimizer.state[0]["momentum"], theirs["slot"])
    other = nn.load_model(tmp_path / "theirs.keras", compile=False)
    other.set_weights([np.zeros_like(w) for w in other.get_weights()])
    other.load_weights(tmp_path / "theirs.weights.h5")
    np.testing.assert_allclose(other.predict(theirs["x"], verbose=0), theirs["p"], rtol=1e-5)


def test_files_from_here_open_in_keras(tmp_path):
    x = np.random.default_rng(0).normal(size=(20, 4, 2)).astype(np.float32)
    model = nn.Sequential(
        [
            nn.Input((4, 2)),
            nn.Flatten(),
            nn.Dense(6, "relu", kernel_regularizer="l2", kernel_initializer="he_normal"),
            nn.BatchNormalization(),
            nn.Dropout(0.3),
            nn.Dense(5),
            nn.LeakyReLU(0.1),
            nn.LayerNormalization(),
            nn.Activation("tanh"),
            nn.Dense(3, "softmax", use_bias=False),
        ],
        seed=0,
    )
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    model.fit(x, np.arange(20) % 3, epochs=2, verbose=0)
    model.save(tmp_path / "ours.keras")
    model.save_weights(tmp_path / "ours.weights.h5")
    np.save(tmp_path / "x.npy", x)
    keras("read", tmp_path)
    read = np.load(tmp_path / "read.npz")
    expected = model.predict(x, verbose=0)
    np.testing.assert_allclose(read["whole"], expected, rtol=1e-5)
    np.testing.assert_allclose(read["weights"], expected, rtol=1e-5)
    assert read["iterations"] == 2
    np.testing.assert_array_equal(read["slot"], model.optimizer.state[0]["momentum"])
    loss = model.evaluate(x, np.arange(20) % 3, verbose=0)
    np.testing.assert_allclose(read["loss"], loss, rtol=1e-5)
