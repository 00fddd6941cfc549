"""Counting metrics against scikit-learn, and schedules against their formulas."""

import numpy as np
import pytest
from sklearn import metrics as peer

import nn
from autograd.errors import ArgumentError, ShapeError

RNG = np.random.default_rng(0)
BITS = RNG.integers(0, 2, 200)
P = np.clip(0.5 * BITS + RNG.uniform(0, 0.6, 200), 0, 1)
LABELS = RNG.integers(0, 4, 200)
ROWS = RNG.uniform(size=(200, 4))


def in_batches(metric, y, p):
    for start in range(0, len(y), 64):
        metric.update_state(y[start : start + 64], p[start : start + 64])
    return metric.result()


def test_precision_and_recall_equal_scikit_learn():
    assert in_batches(nn.metrics.Precision(), BITS, P) == peer.precision_score(BITS, P > 0.5)
    assert in_batches(nn.metrics.Recall(), BITS, P) == peer.recall_score(BITS, P > 0.5)
    several = in_batches(nn.metrics.Recall([0.2, 0.8]), BITS, P)
    np.testing.assert_allclose(several, [peer.recall_score(BITS, t < P) for t in (0.2, 0.8)])
    one_class = nn.metrics.Precision(0.6, class_id=2)
    assert in_batches(one_class, LABELS, ROWS) == peer.precision_score(
        LABELS == 2, ROWS[:, 2] > 0.6
    )


def test_auc_is_near_the_exact_area():
    # 200 thresholds: each trapezoid is off by at most its own width
    exact = peer.roc_auc_score(BITS, P)
    assert in_batches(nn.metrics.AUC(), BITS, P) == pytest.approx(exact, abs=1 / 200)


def test_top_k_equals_scikit_learn():
    expected = peer.top_k_accuracy_score(LABELS, ROWS, k=2)
    assert in_batches(nn.metrics.SparseTopKCategoricalAccuracy(k=2), LABELS, ROWS) == expected
    hot = np.eye(4)[LABELS]
    assert in_batches(nn.metrics.TopKCategoricalAccuracy(k=2), hot, ROWS) == expected


def test_confusion_matrix_equals_scikit_learn():
    expected = peer.confusion_matrix(LABELS, ROWS.argmax(1))
    np.testing.assert_array_equal(nn.metrics.confusion_matrix(LABELS, ROWS), expected)
    np.testing.assert_array_equal(
        nn.metrics.confusion_matrix(np.eye(4)[LABELS], ROWS.argmax(1)), expected
    )
    with pytest.raises(ShapeError, match="200 labels, 1 predictions"):
        nn.metrics.confusion_matrix(LABELS, [1])


def test_metrics_by_name_in_training():
    model = nn.MLP([1, 1], None, "sigmoid", seed=0)
    model.compile("adam", "binary_crossentropy", ["accuracy", "Precision", nn.metrics.AUC()])
    history = model.fit(P[:, None], BITS, verbose=0)
    assert list(history.history) == ["loss", "accuracy", "Precision", "auc"]


def test_a_schedule_gives_the_rate_of_each_update():
    schedule = nn.optimizers.schedules.ExponentialDecay(1.0, 1, 0.5)
    w = nn.module.Tensor(0.0)
    optimizer = nn.SGD(schedule, parameters=[w])
    for expected in (-1.0, -1.5, -1.75):
        optimizer.apply([1.0])
        assert w.item() == expected
    again = nn.SGD.from_config(optimizer.get_config())
    assert again.learning_rate == 1.0
    again.iterations = 2
    assert again.learning_rate == 0.25


def test_schedules_by_formula():
    s = nn.optimizers.schedules
    assert s.ExponentialDecay(1.0, 10, 0.5, staircase=True)(19) == 0.5
    cosine = s.CosineDecay(0.1, 100, alpha=0.1)
    assert cosine(0) == 0.1
    assert cosine(50) == pytest.approx(0.055, rel=1e-15)
    assert cosine(1000) == pytest.approx(0.01, rel=1e-15)
    assert s.PolynomialDecay(1.0, 10, 0.1, power=2.0)(5) == 0.9 * 0.25 + 0.1
    assert s.InverseTimeDecay(1.0, 10, 2.0, staircase=True)(25) == 0.2
    with pytest.raises(ArgumentError, match="boundaries"):
        s.PiecewiseConstantDecay([1, 2], [1.0])
    with pytest.raises(ArgumentError, match="decay_steps"):
        s.ExponentialDecay(1.0, 0, 0.5)
