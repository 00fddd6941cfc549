"""Callbacks on given logs, and backups that resume at any batch with the same bits."""

import csv
import sys
import time

import numpy as np
import pytest
from tensorboard.backend.event_processing import event_accumulator

import nn
from autograd.errors import ArgumentError, MissingExtraError
from nn.datasets.idx import DataError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 4)).astype(np.float32)
Y = (X.sum(1) > 0).astype(int)


def model_with(dropout=0.0, seed=0, shuffle_seed=None):
    model = nn.Sequential(
        [
            nn.Input((4,)),
            nn.Dense(6, "tanh"),
            nn.BatchNormalization(),
            nn.Dropout(dropout),
            nn.Dense(2, "softmax"),
        ],
        seed=seed,
    )
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    return model


def stops_at(callback, values):
    """Return the epoch at which a callback stops a model that shows it the given values."""
    model = nn.MLP([1, 1], seed=0)
    model.compile("sgd", "mse")
    callback.set_model(model)
    callback.on_train_begin()
    model.stop_training = False
    for epoch, value in enumerate(values):
        callback.on_epoch_end(epoch, {"loss": value})
        if model.stop_training:
            return epoch
    return None


@pytest.mark.parametrize("patience", [0, 1, 2, 3])
def test_patience(patience):
    callback = nn.EarlyStopping("loss", patience=patience)
    stopped = stops_at(callback, [10, 9, 8, 9, 8.9, 8.8, 8.7, 8.6])
    assert stopped == max(patience, 1) + 2
    assert callback.stopped_epoch == stopped
    assert stops_at(callback, [10, 9, 8, 7]) is None  # it starts anew


def test_what_counts_as_an_improvement():
    assert stops_at(nn.EarlyStopping("loss", min_delta=0.5, patience=1), [10, 9.6, 9.0]) == 1
    assert stops_at(nn.EarlyStopping("loss", mode="max", patience=1), [1, 2, 2]) == 2
    assert stops_at(nn.EarlyStopping("loss", baseline=5, patience=2), [10, 9, 9.5, 9.6]) == 2
    assert stops_at(nn.EarlyStopping("loss", baseline=9, patience=2), [10, 8, 9, 9]) == 3
    assert stops_at(nn.EarlyStopping("loss", patience=1, start_from_epoch=2), [1, 2, 3, 4]) == 3


def test_the_best_weights_come_back():
    class Worse(nn.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["val_loss"] = abs(epoch - 2)
            self.seen = [*getattr(self, "seen", []), self.model.get_weights()]

    model = model_with()
    worse = Worse()
    stop = nn.EarlyStopping(patience=2, restore_best_weights=True)
    history = model.fit(X, Y, epochs=9, callbacks=[worse, stop], verbose=0)
    assert history.epoch == [0, 1, 2, 3, 4]
    assert stop.best_epoch == 2
    for a, b in zip(worse.seen[2], model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_missing_monitor_warns_and_an_unknown_direction_raises():
    with pytest.warns(UserWarning, match="'val_loss' in the logs"):
        assert stops_at(nn.EarlyStopping(), [1]) is None
    callback = nn.EarlyStopping("something")
    callback.set_model(model_with())
    callback.on_train_begin()
    callback.on_epoch_end(0, {"something": 1.0})
    with pytest.raises(ArgumentError, match="mode="):
        callback.on_epoch_end(1, {"something": 1.0})


def test_the_rate_falls_on_a_plateau():
    model = model_with()
    model.optimizer.learning_rate = 1.0
    callback = nn.ReduceLROnPlateau("loss", factor=0.5, patience=2, cooldown=1, min_lr=0.3)
    callback.set_model(model)
    callback.on_train_begin()
    rates = []
    for epoch, loss in enumerate([5, 5, 5, 5, 5, 5, 5, 5]):
        callback.on_epoch_end(epoch, logs := {"loss": loss})
        rates.append(model.optimizer.learning_rate)
        assert "learning_rate" in logs
    assert rates == [1.0, 1.0, 0.5, 0.5, 0.3, 0.3, 0.3, 0.3]
    with pytest.raises(ArgumentError, match="factor"):
        nn.ReduceLROnPlateau(factor=1.0)


def test_a_scheduler_sets_and_logs_the_rate():
    model = model_with()
    history = model.fit(
        X,
        Y,
        epochs=3,
        verbose=0,
        callbacks=[nn.LearningRateScheduler(lambda epoch, rate: 0.1 / (epoch + 1))],
    )
    assert history.history["learning_rate"] == [0.1, 0.05, 0.1 / 3]
    with pytest.raises(ArgumentError, match="number"):
        model.fit(X, Y, verbose=0, callbacks=[nn.LearningRateScheduler(lambda e, r: None)])


def test_a_csv_log(tmp_path):
    path = tmp_path / "log.csv"
    history = model_with().fit(X, Y, epochs=2, callbacks=[nn.CSVLogger(path)], verbose=0)
    rows = list(csv.reader(path.read_text().splitlines()))
    assert rows[0] == ["epoch", "accuracy", "loss"]
    assert [float(row[2]) for row in rows[1:]] == history.history["loss"]
    model_with().fit(X, Y, callbacks=[nn.CSVLogger(path, append=True)], verbose=0)
    assert len(path.read_text().splitlines()) == 4


def test_functions_are_called():
    heard = []
    callback = nn.LambdaCallback(on_epoch_end=lambda epoch, logs: heard.append(epoch))
    model_with().fit(X, Y, epochs=2, callbacks=callback, verbose=0)
    assert heard == [0, 1]
    with pytest.raises(ArgumentError, match="on_epoch_ends"):
        nn.LambdaCallback(on_epoch_ends=print)


def test_nan_terminates_instead_of_raising(capsys):
    model = nn.MLP([4, 1], "relu", "exponential", seed=0)
    model.compile(nn.SGD(0.0), "mse")
    x = X.copy()
    x[20] = 1e4 * np.sign(model.get_weights()[0][:, 0])
    history = model.fit(
        x, Y, epochs=3, batch_size=10, shuffle=False, callbacks=[nn.TerminateOnNaN()], verbose=0
    )
    assert history.epoch == [0]
    assert model.optimizer.iterations == 2
    assert "Batch 2: the loss is nan" in capsys.readouterr().out


def test_the_best_model_is_saved(tmp_path):
    model = model_with()
    path = tmp_path / "deep" / "best-{epoch:02d}.weights.h5"
    callback = nn.ModelCheckpoint(path, "loss", save_best_only=True, save_weights_only=True)
    model.fit(X, Y, epochs=2, callbacks=[callback], verbose=0)
    assert sorted(p.name for p in path.parent.iterdir()) == [
        "best-01.weights.h5",
        "best-02.weights.h5",
    ]
    other = model_with(seed=9)
    other.load_weights(path.parent / "best-02.weights.h5")
    np.testing.assert_array_equal(model.predict(X, verbose=0), other.predict(X, verbose=0))
    callback.best = -1.0
    model.fit(X, Y, epochs=3, initial_epoch=2, callbacks=[callback], verbose=0)
    assert len(list(path.parent.iterdir())) == 2


def test_checkpoints_count_batches_across_epochs(tmp_path):
    path = str(tmp_path / "{epoch}-{batch}.keras")
    model_with().fit(
        X, Y, batch_size=10, epochs=2, callbacks=[nn.ModelCheckpoint(path, save_freq=3)], verbose=0
    )
    assert sorted(p.name for p in tmp_path.iterdir()) == ["1-3.keras", "2-2.keras"]
    for wrong in ("batch", 0, 2.5):
        with pytest.raises(ArgumentError, match="save_freq"):
            nn.ModelCheckpoint(path, save_freq=wrong)
    with pytest.raises(ArgumentError, match="filepath"):
        nn.ModelCheckpoint("model")


class PowerCut(nn.Callback):
    """Ends the process, as far as the training can tell, after some batches."""

    def __init__(self, after):
        self.after = after

    def on_rest(self, epoch_ended):
        self.after -= not epoch_ended
        if not self.after:
            raise KeyboardInterrupt


def everything(model, history):
    optimizer = model.optimizer
    slots = [value for slots in optimizer.state for value in slots.values()]
    return [*model.get_weights(), *slots], history.history, history.epoch


def train(folder, cut=None, frequency=1, **how):
    model = model_with(dropout=0.3)
    callbacks = [
        nn.BackupAndRestore(folder, save_freq=frequency, delete_checkpoint=False),
        nn.EarlyStopping("loss", patience=3, restore_best_weights=True),
        nn.LearningRateScheduler(lambda epoch, rate: rate * 0.9),
        PowerCut(cut or -1),
    ]
    how = {"batch_size": 9, "epochs": 3, **how}
    history = model.fit(X, Y, callbacks=callbacks, validation_data=(X, Y), verbose=0, **how)
    return everything(model, history)


@pytest.mark.parametrize("frequency", ["epoch", 1, 2])
@pytest.mark.parametrize("cut", [1, 4, 5, 6, 9, 15])
def test_a_training_that_was_cut_ends_with_the_same_bits(tmp_path, cut, frequency):
    expected = train(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "cut", cut, frequency)
    weights, history, epochs = train(tmp_path / "cut", None, frequency)
    for a, b in zip(expected[0], weights, strict=True):
        np.testing.assert_array_equal(a, b)
    assert history == expected[1]
    assert epochs == expected[2] == [0, 1, 2]


@pytest.mark.parametrize("frequency", ["epoch", 1, 2])
@pytest.mark.parametrize("cut", range(1, 12, 2))
@pytest.mark.parametrize("how", [{"steps_per_epoch": 3, "epochs": 4}, {"replace": True}])
def test_steps_and_replacement_resume_too(tmp_path, cut, frequency, how):
    expected = train(tmp_path / "whole", **how)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "cut", cut, frequency, **how)
    weights, history, _ = train(tmp_path / "cut", None, frequency, **how)
    for a, b in zip(expected[0], weights, strict=True):
        np.testing.assert_array_equal(a, b)
    assert history == expected[1]


def test_a_damaged_backup_is_named(tmp_path):
    train(tmp_path)
    path = tmp_path / "training.npz"
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match="backup of a training"):
        train(tmp_path)
    path.write_bytes(content[:100])
    with pytest.raises(DataError, match="removing it"):
        train(tmp_path)


def test_a_backup_of_another_training_is_refused(tmp_path):
    train(tmp_path)
    other = nn.MLP([4, 2], seed=0)
    other.compile("sgd", "mse")
    with pytest.raises(ArgumentError, match="another backup_dir"):
        other.fit(X, np.eye(2)[Y], callbacks=[nn.BackupAndRestore(tmp_path)], verbose=0)


def test_tensorboard_reads_its_logs(tmp_path):
    begin = time.time()
    history = model_with().fit(
        X, Y, epochs=3, validation_data=(X, Y), callbacks=[nn.TensorBoard(tmp_path)], verbose=0
    )
    for side, prefix in (("train", ""), ("validation", "val_")):
        found = event_accumulator.EventAccumulator(str(tmp_path / side)).Reload()
        assert sorted(found.Tags()["scalars"]) == ["epoch_accuracy", "epoch_loss"]
        for key in ("loss", "accuracy"):
            events = found.Scalars(f"epoch_{key}")
            assert [e.step for e in events] == history.epoch
            # the file holds float32
            expected = np.float32(history.history[prefix + key]).tolist()
            assert [e.value for e in events] == expected
            assert all(begin <= e.wall_time <= time.time() for e in events)


def test_tensorboard_is_named_where_it_is_missing(monkeypatch):
    # what an import finds where a package is not installed
    for name in [n for n in sys.modules if n.split(".")[0] == "tensorboard"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(MissingExtraError, match="tensorboard"):
        nn.TensorBoard()


def test_the_curves_are_drawn(tmp_path):
    history = model_with().fit(X, Y, epochs=4, validation_data=(X, Y), validation_freq=2, verbose=0)
    figure = history.plot(tmp_path / "curves.png")
    lines = [line for axes in figure.axes for line in axes.lines]
    best = 2 * int(np.argmin(history.history["val_loss"])) + 2
    assert [list(line.get_xdata()) for line in lines] == [[1, 2, 3, 4], [2, 4], [best, best]] * 2
    assert lines[2].get_label() == f"best epoch, {best}"
    assert (tmp_path / "curves.png").stat().st_size > 1000
    with pytest.raises(ArgumentError, match="at least one epoch"):
        nn.History().plot()


def test_curves_stand_at_the_epochs_that_were_measured_and_nan_is_not_the_best():
    history = nn.History()
    for epoch, loss in enumerate([float("nan"), 3.0, 2.0]):
        history.on_epoch_end(epoch, {"loss": loss} | ({"val_mae": 1.0} if epoch == 1 else {}))
    axes = history.plot().axes[0]
    assert [line.get_label() for line in axes.lines] == ["training", "best epoch, 3"]
    assert history.measured == {"loss": [0, 1, 2], "val_mae": [1]}
