"""Losses and metrics against the figures of real Keras, which keras_figures.py has written down."""

import json
from pathlib import Path

import keras_figures
import numpy as np
import pytest

import nn
from autograd.errors import ArgumentError

THEIRS = json.loads((Path(__file__).parent / "data" / "keras_figures.json").read_text())
OURS = keras_figures.figures(nn)


@pytest.mark.parametrize("number", range(len(THEIRS)), ids=[name for name, _ in THEIRS])
def test_a_figure_is_that_of_keras(number):
    name, value = OURS[number]
    assert name == THEIRS[number][0]
    # metrics of Keras accumulate in float32, whose eps is 1.2e-7
    np.testing.assert_allclose(value, THEIRS[number][1], rtol=1e-6)


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
