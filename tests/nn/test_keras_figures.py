"""Losses, metrics, activations and schedules against the figures of real Keras.

keras_figures.py has written them down.
"""

import json
from pathlib import Path

import keras_figures
import numpy as np
import pytest

import nn
from autograd.errors import ArgumentError, ShapeError

THEIRS = json.loads((Path(__file__).parent / "data" / "keras_figures.json").read_text())
OURS = keras_figures.figures(nn)


@pytest.mark.parametrize("number", range(len(THEIRS)), ids=[name for name, _ in THEIRS])
def test_a_figure_is_that_of_keras(number):
    name, value = OURS[number]
    assert name == THEIRS[number][0]
    # metrics and schedules of Keras compute in float32, whose eps is 1.2e-7
    np.testing.assert_allclose(value, THEIRS[number][1], rtol=1e-6, atol=1e-8)


def test_metrics_of_numbers_by_name():
    model = nn.MLP([4, 4], seed=0)
    names = ["mape", "msle", "root_mean_squared_error", "cosine_similarity", "r2_score"]
    model.compile("sgd", "mse", names)
    x, y = keras_figures.ARRAYS["numbers"], keras_figures.ARRAYS["sizes"]
    found = model.evaluate(x, y, verbose=0, return_dict=True)
    assert list(found) == ["loss", *names]
    assert found["root_mean_squared_error"] == pytest.approx(found["loss"] ** 0.5)
    p = model.predict(x, verbose=0)
    cosines = np.sum(y * p, axis=1) / np.linalg.norm(y, axis=1) / np.linalg.norm(p, axis=1)
    assert found["cosine_similarity"] == pytest.approx(cosines.mean(), rel=1e-5)  # float32


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.metrics.AUC(curve="PRC"),
        lambda: nn.metrics.AUC(thresholds=[0.5, 1.5]),
        lambda: nn.metrics.Precision(top_k=0),
        lambda: nn.metrics.F1Score("mean"),
        lambda: nn.metrics.FBetaScore(beta=0),
        lambda: nn.metrics.R2Score("sum"),
    ],
)
def test_an_unknown_option_is_refused(make):
    with pytest.raises(ArgumentError, match="expected"):
        make()


def test_an_orthogonal_kernel_keeps_lengths_whatever_its_shape():
    for shape in ((6, 3), (3, 6), (2, 3, 4)):
        w = nn.initializers.get("orthogonal")(shape).reshape(-1, shape[-1])
        gram = w.T @ w if len(w) >= shape[-1] else w @ w.T
        np.testing.assert_allclose(gram, np.eye(min(w.shape)), atol=1e-14)  # rounding of a QR
    layer = nn.Dense(3, kernel_initializer="identity")
    np.testing.assert_array_equal(layer(np.eye(3)).numpy(), np.eye(3))
    for initializer, shape in (("orthogonal", (3,)), ("identity", (2, 2, 2))):
        with pytest.raises(ShapeError, match="a matrix"):
            nn.initializers.get(initializer)(shape)
