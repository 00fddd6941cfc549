"""Losses and metrics of one's own: classes and functions, in training, backups and files."""

import numpy as np
import pytest

import autograd as ag
import nn
from autograd.errors import ArgumentError, ShapeError
from nn.saving.custom import _registered

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3)).astype(np.float32)
Y = (X.sum(1) > 0).astype(int)


class Scaled(nn.Loss):
    def __init__(self, factor=2.0, name="scaled"):
        super().__init__(name=name)
        self.factor = factor

    def call(self, y_true, y_pred):
        return ag.mean(ag.square(y_true - y_pred), axis=-1) * self.factor


class Positives(nn.Metric):
    def __init__(self, name="positives", **kwargs):
        super().__init__(name=name, **kwargs)
        self.found = self.add_weight(name="found", initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.found.assign_add(np.sum(y_pred > 0.5))

    def result(self):
        return self.found


def model_with(loss, metrics=()):
    model = nn.Sequential([nn.Input((3,)), nn.Dense(1)], seed=0)
    model.compile("sgd", loss, metrics)
    return model


def test_a_loss_class_trains_like_the_formula_it_states():
    own, plain = model_with(Scaled(3.0)), model_with("mse")
    assert own.recipe.loss.name == "scaled"
    ours = own.evaluate(X, Y, verbose=0)
    # float32
    assert ours == pytest.approx(3 * plain.evaluate(X, Y, verbose=0), rel=1e-6)
    weights = np.arange(40) / 20
    assert own.evaluate(X, Y, sample_weight=weights, verbose=0) == pytest.approx(
        3 * plain.evaluate(X, Y, sample_weight=weights, verbose=0), rel=1e-6
    )
    assert Scaled(3.0).get_config() == {"factor": 3.0, "name": "scaled"}


def test_a_row_of_targets_never_meets_a_column_of_outputs():
    def squared(y_true, y_pred):
        assert np.shape(y_true) == np.shape(y_pred)
        return ag.mean(ag.square(y_true - y_pred), axis=-1)

    one, two = model_with(squared, [squared]), model_with("mse", ["mse"])
    for y in (Y, Y[:, None]):
        np.testing.assert_allclose(
            one.evaluate(X, y, verbose=0), two.evaluate(X, y, verbose=0), rtol=1e-6
        )
    one.fit(X, Y, shuffle=False, verbose=0)
    two.fit(X, Y, shuffle=False, verbose=0)
    for a, b in zip(one.get_weights(), two.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)
    # a kept dtype shows that no float64 came in
    assert one.layers[0].kernel.dtype == np.float32


def test_a_metric_class_counts_from_zero_in_every_epoch():
    model = model_with("mse", [Positives()])
    history = model.fit(X, Y, epochs=3, verbose=0).history
    assert len(history["positives"]) == 3
    expected = float(np.sum(model.predict(X, verbose=0) > 0.5))
    assert model.evaluate(X, Y, verbose=0)[1] == expected
    metric = Positives()
    with pytest.raises(ShapeError, match=r"a value of shape \(\) for found"):
        metric.found.assign([1.0, 2.0])
    assert float(metric.found - 1) == -1.0


def test_a_backup_holds_what_a_metric_of_ones_own_counted(tmp_path):
    class Cut(nn.Callback):
        def on_rest(self, epoch_ended):
            self.seen = getattr(self, "seen", 0) + 1
            if self.seen == 3:
                raise KeyboardInterrupt

    def train(folder, *more):
        model = model_with("mse", [Positives()])
        backup = nn.BackupAndRestore(folder, save_freq=1)
        return model.fit(X, Y, 8, epochs=2, callbacks=[backup, *more], verbose=0).history

    whole = train(tmp_path / "a", nn.Callback())
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "b", Cut())
    assert train(tmp_path / "b", nn.Callback()) == whole


def test_options_of_metrics_and_registered_classes_come_back_from_files(tmp_path):
    model = nn.Sequential([nn.Input((3,)), nn.Dense(4, "softmax")], seed=0)
    model.compile(
        "sgd",
        "sparse_categorical_crossentropy",
        [
            nn.SparseTopKCategoricalAccuracy(k=2),
            nn.Precision(thresholds=0.3, name="p"),
            nn.AUC(num_thresholds=50),
            nn.SparseCategoricalAccuracy(name="share"),
            "acc",
        ],
    )
    y = np.arange(40) % 4
    model.save(tmp_path / "m.keras")
    again = nn.load_model(tmp_path / "m.keras")
    assert again.evaluate(X, y, return_dict=True, verbose=0) == model.evaluate(
        X, y, return_dict=True, verbose=0
    )
    own = model_with(Scaled(3.0), [Positives()])
    with pytest.raises(ArgumentError, match="register_keras_serializable"):
        own.save(tmp_path / "own.keras")
    try:
        for kind in (Scaled, Positives):
            nn.saving.register_keras_serializable("test")(kind)
        own.save(tmp_path / "own.keras")
        loaded = nn.load_model(tmp_path / "own.keras")
    finally:
        for kind in (Scaled, Positives):
            _registered.pop(f"test>{kind.__name__}", None)
    assert loaded.recipe.loss.factor == 3.0
    assert loaded.evaluate(X, Y, verbose=0) == own.evaluate(X, Y, verbose=0)


def test_an_argument_that_is_not_kept_is_named():
    class Hidden(nn.Layer):
        def __init__(self, size, **kwargs):
            super().__init__(**kwargs)
            self._size = size

    with pytest.raises(ArgumentError, match="nothing under size"):
        Hidden(3).get_config()

    class Told(Hidden):
        def get_config(self):
            return {**super().get_config(), "size": self._size}

    assert Told.from_config(Told(3, name="told").get_config())._size == 3
