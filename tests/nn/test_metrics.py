"""Metrics against Keras' values, and how `accuracy` chooses its kind."""

import numpy as np
import pytest
from reference import DATA

import nn
from autograd.errors import ArgumentError, ShapeError

KNOWN = [case for case in DATA["metrics"] if hasattr(nn.metrics, case["metric"])]


@pytest.mark.parametrize("case", KNOWN, ids=[f"{c['metric']}-{c['note']}" for c in KNOWN])
def test_value_equals_keras_however_the_data_are_batched(case):
    y_true = np.array(case["y_true"], case["y_true_dtype"])
    y_pred = np.array(case["y_pred"])
    weight = case["sample_weight"] and np.array(case["sample_weight"])
    whole, parts = (getattr(nn.metrics, case["metric"])() for _ in range(2))
    assert whole(y_true, y_pred, sample_weight=weight) == pytest.approx(case["value"], rel=1e-15)
    for i in range(len(y_true)):
        row = slice(i, i + 1)
        parts.update_state(y_true[row], y_pred[row], None if weight is None else weight[row])
    assert parts.result() == pytest.approx(case["value"], rel=1e-15)
    parts.reset_state()
    assert parts.result() == 0.0


@pytest.mark.parametrize(
    ("y_true", "y_pred", "expected"),
    [
        ([1, 0], [[0.9], [0.8]], 0.5),
        ([1, 0], [[0.1, 0.9], [0.2, 0.8]], 0.5),
        ([[1], [0]], [[0.1, 0.9], [0.2, 0.8]], 0.5),
        ([[0, 1], [1, 0]], [[0.1, 0.9], [0.2, 0.8]], 0.5),
    ],
)
def test_accuracy_takes_the_kind_that_fits(y_true, y_pred, expected):
    metric = nn.metrics.get("acc")
    assert metric.name == "acc"
    assert metric(np.array(y_true), np.array(y_pred)) == expected


def test_a_loss_or_a_function_is_a_metric():
    y, p = np.array([[1.0], [3.0]]), np.array([[2.0], [5.0]])
    assert nn.metrics.get("mse")(y, p) == 2.5
    assert nn.metrics.get(lambda t, q: np.abs(t - q))(y, p) == 1.5
    with pytest.raises(ArgumentError, match="'accuracy'"):
        nn.metrics.get("acuracy")


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ShapeError, match="one for each prediction"):
        nn.metrics.SparseCategoricalAccuracy()([0, 1, 2], np.zeros((2, 3)))
    with pytest.raises(ShapeError, match="sample_weight"):
        nn.metrics.Mean()([1.0, 2.0], sample_weight=[1.0, 2.0, 3.0])


@pytest.mark.parametrize("name", ["hinge", "huber", "mse", "log_cosh", "kl_divergence"])
def test_a_loss_as_a_metric_weighs_examples_and_not_batches(name: str) -> None:
    """Of two batches of different length the mean is that of all examples."""
    rng = np.random.default_rng(0)
    t, p = rng.integers(0, 2, (8, 1)), rng.uniform(0.1, 0.9, (8, 1))
    metric, whole = nn.metrics.get(name), nn.metrics.get(name)
    metric.update_state(t[:7], p[:7])
    metric.update_state(t[7:], p[7:])
    whole.update_state(t, p)
    assert metric.result() == pytest.approx(whole.result(), rel=1e-14)  # the order of one sum
    weighted = nn.metrics.get(name)
    weighted.update_state(t, p, np.arange(8) == 7)
    alone = nn.metrics.get(name)
    alone.update_state(t[7:], p[7:])
    assert weighted.result() == pytest.approx(alone.result(), rel=1e-14)


def test_accuracy_compares_labels_and_its_name_fits_the_shapes():
    metric = nn.metrics.Accuracy()
    metric.update_state([1, 2, 3, 4], [0, 2, 3, 4], sample_weight=[1, 1, 0, 0])
    assert metric.result() == 0.5
    fitting = nn.metrics.get("accuracy")
    fitting.update_state([1, 0], np.array([[0.2, 0.8], [0.4, 0.6]]))
    assert (fitting.name, fitting.result()) == ("accuracy", 0.5)


def test_counts_of_both_kinds_of_hits_and_misses():
    t, p = np.array([0, 1, 1, 0, 1]), np.array([0.9, 0.8, 0.2, 0.1, 0.6])
    weights = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    expected = {"TruePositives": 7, "FalsePositives": 1, "TrueNegatives": 4, "FalseNegatives": 3}
    for name, count in expected.items():
        metric = getattr(nn.metrics, name)()
        metric.update_state(t[:2], p[:2], sample_weight=weights[:2])
        metric.update_state(t[2:], p[2:], sample_weight=weights[2:])
        assert metric.result() == count
    several = nn.TruePositives(thresholds=[0.1, 0.7])(t, p)
    np.testing.assert_array_equal(several, [3, 1])
