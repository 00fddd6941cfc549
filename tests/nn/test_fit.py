"""Training: reproducible to the bit, equal to the plain loop, and all or nothing."""

import itertools
import os
import signal

import numpy as np
import pytest

import autograd as ag
import nn
from autograd.errors import ArgumentError, ChainruleError, ShapeError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 4)).astype(np.float32)
Y = (X[:, 0] + X[:, 1] > 0).astype(int) + (X[:, 2] > 1)


def compiled(seed=0, dtype=None, optimizer="adam"):
    model = nn.MLP([4, 8, 3], "tanh", "softmax", seed=seed, dtype=dtype)
    model.compile(optimizer, "sparse_categorical_crossentropy", ["accuracy"])
    return model


def state(model):
    optimizer = model.optimizer
    return [
        *model.get_weights(),
        *(value for slots in optimizer.state for value in slots.values()),
        np.array(optimizer.iterations),
    ]


def assert_same(a, b):
    for one, other in zip(a, b, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("kind", ["float64", "int64", "uint8", "float32"])
def test_wide_inputs_are_made_narrow_once_and_give_the_same_bits(kind, tmp_path, monkeypatch):
    x = (X * 20 + 90).astype(kind)
    mapped = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", kind, x.shape)
    mapped[...] = x
    seen, found = [], []
    step = nn.fitting.train_step
    monkeypatch.setattr(
        nn.fitting, "train_step", lambda *a: (seen.append(a[2].dtype.name), step(*a))[1]
    )
    for given in (x, mapped, x.astype("float32")):
        model = compiled(seed=2)
        history = model.fit(
            given, Y, batch_size=20, epochs=2, validation_split=0.2, verbose=0
        ).history
        found.append([*model.get_weights(), *history.values()])
    assert_same(found[0], found[2])
    assert_same(found[1], found[2])
    narrow = kind if kind == "uint8" else "float32"
    assert seen == [*[narrow] * 4, *[kind] * 4, *["float32"] * 4]


def test_same_seed_same_bits():
    runs = []
    for _ in range(2):
        model = compiled(seed=5)
        history = model.fit(X, Y, batch_size=7, epochs=3, verbose=0)
        runs.append((state(model), history.history))
    assert_same(runs[0][0], runs[1][0])
    assert runs[0][1] == runs[1][1]
    other = compiled(seed=6)
    assert not np.array_equal(other.get_weights()[0], compiled(seed=5).get_weights()[0])


def test_the_global_seed_determines_everything_too():
    weights = []
    for _ in range(2):
        nn.set_random_seed(3)
        model = nn.Sequential([nn.Dense(8, "relu"), nn.Dense(3, "softmax")])
        model.compile("sgd", "sparse_categorical_crossentropy")
        model.fit(X, Y, epochs=2, verbose=0)
        weights.append(model.get_weights())
    assert_same(*weights)


def test_fit_is_the_plain_loop_step_for_step():
    fitted, plain = compiled(dtype="float64"), compiled(dtype="float64")
    fitted.fit(X, Y, batch_size=16, epochs=2, shuffle=False, verbose=0)
    optimizer = nn.optimizers.Adam(parameters=plain)
    for _ in range(2):
        for start in range(0, len(X), 16):
            x, t = X[start : start + 16], Y[start : start + 16]
            loss = nn.losses.sparse_categorical_crossentropy(t, plain(x))
            loss.backward()
            optimizer.step()
            plain.zero_grad()
    assert_same(fitted.get_weights(), plain.get_weights())


def test_shuffled_batches_are_those_of_the_models_generator():
    model = compiled()
    order = nn.random.generator(0)
    twin = compiled()
    order.bit_generator.state = twin.generator.bit_generator.state
    seen = []
    model.compile(
        "sgd", lambda t, p: (seen.extend(np.ravel(t)), ag.sum(p, axis=-1))[1], run_eagerly=True
    )
    model.fit(X, np.arange(50), batch_size=20, verbose=0)
    np.testing.assert_array_equal(seen, order.permutation(50))


def test_history_holds_the_means_before_each_update():
    model = compiled(optimizer=nn.SGD(0.0))
    history = model.fit(X, Y, batch_size=16, epochs=2, verbose=0, validation_data=(X[:9], Y[:9]))
    loss, accuracy = model.evaluate(X, Y, batch_size=50, verbose=0)
    assert history.epoch == [0, 1]
    assert list(history.history) == ["loss", "accuracy", "val_loss", "val_accuracy"]
    # batches of 16, 16, 16, 2 weigh as many examples as they hold; float32 rounds each loss
    assert history.history["loss"] == pytest.approx([loss, loss], rel=1e-6)
    assert history.history["accuracy"] == [accuracy, accuracy]
    measured = model.evaluate(X[:9], Y[:9], verbose=0, return_dict=True)
    assert history.history["val_accuracy"][-1] == measured["accuracy"]
    assert history.history["val_loss"][-1] == measured["loss"]


def test_digits_are_learned():
    (x, y), (x_test, y_test) = nn.datasets.digits.load_data()
    x, x_test = x.reshape(-1, 64) / 16, x_test.reshape(-1, 64) / 16
    model = nn.MLP([64, 64, 10], "relu", "softmax", seed=0)
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    model.fit(x, y, epochs=20, verbose=0)
    assert model.evaluate(x_test, y_test, verbose=0)[1] > 0.95


def test_evaluate_returns_the_loss_or_all_of_them():
    model = nn.MLP([4, 1], seed=0)
    model.compile("sgd", "mse")
    assert isinstance(model.evaluate(X, Y, verbose=0), float)
    model.compile("sgd", "mse", ["mae"])
    loss, mae = model.evaluate(X, Y, verbose=0)
    assert model.evaluate(X, Y, verbose=0, return_dict=True) == {"loss": loss, "mae": mae}
    p = model.predict(X, verbose=0)[:, 0].astype(float)
    assert loss == pytest.approx(np.mean((p - Y) ** 2), rel=1e-6)  # float32 sums
    assert mae == pytest.approx(np.mean(np.abs(p - Y)), rel=1e-6)


def test_predict_keeps_the_order_and_records_nothing():
    model = compiled()
    whole = model.predict(X, batch_size=50, verbose=0)
    assert type(whole) is np.ndarray
    # a batch of another size may be multiplied in another order of additions
    np.testing.assert_allclose(model.predict(X, batch_size=7, verbose=0), whole, rtol=1e-5)


def test_progress_is_plain_lines_where_there_is_no_terminal(capsys):
    model = compiled()
    model.fit(X, Y, epochs=2)
    model.fit(X, Y, epochs=1, verbose=2)
    model.evaluate(X, Y)
    model.predict(X, verbose=1)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" - ")[0] for line in lines] == [
        "Epoch 1/2",
        "Epoch 2/2",
        "Epoch 1/1",
        "Evaluate",
        "Predict",
    ]
    assert "loss: " in lines[0]
    assert "accuracy: " in lines[0]
    model.fit(X, Y, verbose=0)
    assert capsys.readouterr().out == ""


def test_in_a_terminal_there_is_a_bar(monkeypatch, capsys):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    compiled().fit(X, Y, batch_size=5)
    out = capsys.readouterr().out
    assert "Epoch 1/1" in out
    assert "batch/s" in out


def test_the_bar_counts_every_batch_and_is_looked_at_now_and_then(monkeypatch, capsys):
    moved = []

    class Bar:
        def __init__(self, **settings):
            moved.append(settings["total"])

        def update(self, batches):
            moved.append(batches)

        def set_postfix_str(self, text, refresh):
            moved.append(text)

        def close(self):
            pass

    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setattr("tqdm.tqdm", Bar)
    seconds = itertools.count(0.0, 0.03)  # four looks at the clock are past a tenth of a second
    monkeypatch.setattr("time.perf_counter", lambda: next(seconds))
    compiled().fit(X, Y, batch_size=5)
    total, *rest = moved
    assert total == 10
    assert rest[1::2] == [4, 4]
    assert all(text.startswith("loss: ") and "accuracy: " in text for text in rest[::2])
    capsys.readouterr()


@pytest.mark.parametrize("event", ["on_train_batch_end", "on_batch_end"])
@pytest.mark.parametrize("how", ["subclass", "function", "attribute"])
def test_whoever_hears_the_end_of_batches_is_told_the_means_so_far(event, how):
    heard = []

    def hear(batch, logs=None):
        heard.append(logs)

    if how == "function":
        callback = nn.callbacks.LambdaCallback(**{event: hear})
    elif how == "attribute":
        callback = nn.Callback()
        setattr(callback, event, hear)
    else:
        callback = type("Own", (nn.Callback,), {event: lambda self, *told: hear(*told)})()
    history = compiled().fit(X, Y, batch_size=10, verbose=0, callbacks=[callback]).history
    assert len(heard) == 5
    assert {key: [value] for key, value in heard[-1].items()} == history
    assert len({logs["loss"] for logs in heard}) == 5


def test_means_are_not_worked_out_for_nobody():
    class Asked(nn.metrics.Mean):
        results = 0

        def update_state(self, y_true, y_pred, sample_weight=None):
            super().update_state(y_pred)

        def result(self):
            self.results += 1
            return super().result()

    metric = Asked("asked")
    model = nn.MLP([4, 8, 3], "tanh", "softmax", seed=0)
    model.compile("adam", "sparse_categorical_crossentropy", [metric])
    model.fit(X, Y, batch_size=5, epochs=3, verbose=0)
    assert metric.results == 3
    model.evaluate(X, Y, batch_size=5, verbose=0)
    assert metric.results == 4


def test_callbacks_hear_everything_in_order():
    heard = []

    class Listener(nn.Callback):
        def __getattribute__(self, name):
            found = super().__getattribute__(name)
            if name.startswith("on_") and "_batch_" in name.replace("on_batch", "on"):
                return lambda *a: (heard.append((name, *map(keys, a))), found(*a))
            return (
                (lambda *a: (heard.append((name, *map(keys, a))), found(*a)))
                if name.startswith("on_") and not name.startswith("on_batch")
                else found
            )

    def keys(value):
        return sorted(value) if isinstance(value, dict) else value

    compiled().fit(X, Y, batch_size=30, validation_data=(X, Y), callbacks=[Listener()], verbose=0)
    logs = ["accuracy", "loss"]
    everything = ["accuracy", "loss", "val_accuracy", "val_loss"]
    own = ("on_train_resume", "on_rest", "on_progress")  # ours alone, for backups and bars
    assert [event for event in heard if event[0] not in own] == [
        ("on_train_begin", []),
        ("on_epoch_begin", 0, []),
        ("on_train_batch_begin", 0, []),
        ("on_train_batch_end", 0, logs),
        ("on_train_batch_begin", 1, []),
        ("on_train_batch_end", 1, logs),
        ("on_test_begin", []),
        ("on_test_batch_begin", 0, []),
        ("on_test_batch_end", 0, logs),
        ("on_test_batch_begin", 1, []),
        ("on_test_batch_end", 1, logs),
        ("on_test_end", logs),
        ("on_epoch_end", 0, everything),
        ("on_train_end", everything),
    ]


def test_the_last_rows_validate():
    model = compiled(optimizer=nn.SGD(0.0))
    history = model.fit(X, Y, validation_split=0.2, verbose=0)
    expected = model.evaluate(X[40:], Y[40:], verbose=0, return_dict=True)
    assert history.history["val_loss"] == [expected["loss"]]


def test_validation_frequency_and_initial_epoch():
    model = compiled()
    history = model.fit(
        X, Y, epochs=6, initial_epoch=2, validation_data=(X, Y), validation_freq=2, verbose=0
    )
    assert history.epoch == [2, 3, 4, 5]
    assert len(history.history["loss"]) == 4
    assert len(history.history["val_loss"]) == 2


def test_iterables_of_batches_train_like_arrays():
    arrays, stream = compiled(), compiled()
    arrays.fit(X, Y, batch_size=25, epochs=2, shuffle=False, verbose=0)
    stream.fit([(X[:25], Y[:25]), (X[25:], Y[25:])], epochs=2, verbose=0)
    assert_same(state(arrays), state(stream))


def test_steps_per_epoch_goes_on_through_the_data_and_begins_anew_at_its_end():
    whole, steps = compiled(), compiled()
    whole.fit(X, Y, batch_size=10, epochs=2, shuffle=False, verbose=0)
    history = steps.fit(X, Y, batch_size=10, epochs=5, steps_per_epoch=2, shuffle=False, verbose=0)
    assert history.epoch == [0, 1, 2, 3, 4]
    assert_same(state(whole), state(steps))


def test_a_stream_that_is_used_up_ends_the_training_with_a_warning():
    model = compiled()
    batches = ((X[i : i + 10], Y[i : i + 10]) for i in range(0, 30, 10))
    with pytest.warns(UserWarning, match="before the data ran out"):
        history = model.fit(batches, epochs=5, steps_per_epoch=2, verbose=0)
    assert history.epoch == [0, 1]


def test_steps_measure_the_first_batches_each_time():
    model = compiled()
    expected = model.evaluate(X[:20], Y[:20], verbose=0)
    # the mean of two means of ten is the mean of twenty, up to the order of the sums
    assert model.evaluate(X, Y, batch_size=10, steps=2, verbose=0) == pytest.approx(expected)
    endless = ((X[:10] + i, Y[:10]) for i in itertools.count())
    expected = model.evaluate(X[:10], Y[:10], batch_size=10, verbose=0)
    assert model.evaluate(endless, steps=1, verbose=0) == expected
    for held_out in ((X, Y), [(X[i : i + 10], Y[i : i + 10]) for i in range(0, 50, 10)]):
        some, few = compiled(), compiled()
        kept = some.fit(
            X, Y, 10, epochs=2, verbose=0, validation_data=held_out, validation_steps=2
        ).history
        same = few.fit(X, Y, 10, epochs=2, verbose=0, validation_data=(X[:20], Y[:20])).history
        assert kept == same


def test_steps_that_there_are_not_are_refused():
    model = compiled()
    with pytest.raises(ArgumentError, match="steps to be at most 5, the batches there are; got 6"):
        model.evaluate(X, Y, batch_size=10, steps=6, verbose=0)
    with pytest.raises(ArgumentError, match="steps to be a positive integer"):
        model.evaluate(X, Y, steps=0, verbose=0)
    with pytest.raises(ArgumentError, match="3 batches to measure; got 2 before the data ran out"):
        model.evaluate(((X, Y) for _ in range(2)), steps=3, verbose=0)
    with pytest.raises(ArgumentError, match="a batch to measure at least; got none"):
        model.evaluate(iter([]), verbose=0)
    before = state(model)
    with pytest.raises(ArgumentError, match="validation_steps to be at most 2"):
        model.fit(X, Y, validation_data=(X, Y), validation_steps=3, verbose=0)
    with pytest.raises(ArgumentError, match="beside validation_steps; got neither"):
        model.fit(X, Y, validation_steps=1, verbose=0)
    assert_same(state(model), before)


def test_a_generator_that_is_used_up_ends_the_training():
    batches = ((X[i : i + 10], Y[i : i + 10]) for i in range(0, 50, 10))
    with pytest.warns(UserWarning, match="starts anew each epoch"):
        compiled().fit(batches, epochs=2, verbose=0)


def test_weights_count_examples_and_classes():
    by_class, by_sample = compiled(), compiled()
    weights = {0: 1.0, 1: 2.0, 2: 0.5}
    by_class.fit(X, Y, class_weight=weights, verbose=0)
    by_sample.fit(X, Y, sample_weight=[weights[int(t)] for t in Y], verbose=0)
    assert_same(state(by_class), state(by_sample))
    with pytest.raises(ArgumentError, match=r"no weight for \[2\]"):
        by_class.fit(X, Y, class_weight={0: 1.0, 1: 1.0}, verbose=0)


def test_an_interrupt_ends_after_the_batch_with_the_history_so_far():
    class Interrupt(nn.Callback):
        def on_batch_end(self, batch, logs=None):
            if self.model.optimizer.iterations == 8:
                os.kill(os.getpid(), signal.SIGINT)

    model = compiled()
    before = signal.getsignal(signal.SIGINT)
    history = model.fit(X, Y, batch_size=10, epochs=9, callbacks=[Interrupt()], verbose=0)
    assert history.epoch == [0]
    assert model.optimizer.iterations == 8
    assert signal.getsignal(signal.SIGINT) is before


def test_a_loss_that_is_not_finite_says_where_and_updates_nothing():
    model = nn.MLP([4, 8, 3], "exponential", seed=0)
    model.compile(nn.SGD(0.0), "mse")
    x = X.copy()
    x[30] = 1e4
    with pytest.raises(ArithmeticError, match=r"epoch 1, batch 4: .*layer 'dense'"):
        model.fit(x, np.eye(3)[Y], batch_size=10, shuffle=False, verbose=0)
    assert model.optimizer.iterations == 3


def test_a_gradient_that_is_not_finite_updates_nothing():
    model = nn.MLP([1, 1], seed=0, dtype="float64")
    model.compile("sgd", lambda t, p: ag.sqrt(ag.square(p)))
    model.set_weights([[[0.0]], [0.0]])
    with pytest.raises(ArithmeticError, match="gradient"):
        model.fit([[1.0]], [[1.0]], verbose=0)
    np.testing.assert_array_equal(model.get_weights()[0], 0.0)


BAD = {
    "x of another width": (lambda: (np.zeros((5, 3)), np.zeros(5, int)), {}, "'dense' to have 4"),
    "different lengths": (lambda: (X, Y[:-1]), {}, "50 rows in x, 49 rows in y"),
    "no data": (lambda: (X[:0], Y[:0]), {}, "at least one example"),
    "nan in x": (lambda: (np.where(X[3, 1] == X, np.nan, X), Y), {}, "first at row 3"),
    "infinity in x": (lambda: (np.where(X[3, 1] == X, np.inf, X), Y), {}, "infinity in 1 of 50"),
    "nan in y": (lambda: (X, np.where(Y == 2, np.nan, Y)), {}, "y without NaN"),
    "label too large": (lambda: (X, Y + 1), {}, "label 3"),
    "label negative": (lambda: (X, Y - 1), {}, "label -1"),
    "text labels": (lambda: (X, Y.astype(str)), {}, "np.unique"),
    "fractional labels": (lambda: (X, Y + 0.5), {}, "whole numbers"),
    "one-hot labels": (lambda: (X, np.eye(3)[Y]), {}, "one-hot"),
    "complex x": (lambda: (X + 0j, Y), {}, "complex"),
    "no targets": (lambda: (X, None), {}, "y, the targets"),
    "zero epochs": (lambda: (X, Y), {"epochs": 0}, "epochs"),
    "batch of nothing": (lambda: (X, Y), {"batch_size": 0}, "batch_size"),
    "batch too large": (lambda: (X, Y), {"batch_size": 51}, "at most 50"),
    "fractional batch": (lambda: (X, Y), {"batch_size": 2.5}, "batch_size"),
    "split of all": (lambda: (X, Y), {"validation_split": 1.0}, "validation_split"),
    "empty split": (lambda: (X[:1], Y[:1]), {"validation_split": 0.5}, "both sides"),
    "initial epoch": (lambda: (X, Y), {"initial_epoch": 3}, "initial_epoch"),
    "verbosity": (lambda: (X, Y), {"verbose": 3}, "verbose"),
    "weights": (lambda: (X, Y), {"sample_weight": [1.0]}, "sample_weight"),
    "no callback": (lambda: (X, Y), {"callbacks": [print]}, "Callback"),
    "validation": (lambda: (X, Y), {"validation_data": (X, Y + 7)}, "label 7"),
    "validation alone": (lambda: (X, Y), {"validation_data": (X,)}, "validation_data"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named_and_changes_nothing(case):
    data, settings, why = BAD[case]
    model = compiled()
    model.fit(X, Y, verbose=0)
    before, random = state(model), model.generator.bit_generator.state
    with pytest.raises((ArgumentError, ShapeError), match=why):
        model.fit(*data(), **{"verbose": 0, **settings})
    assert_same(before, state(model))
    assert model.generator.bit_generator.state == random


@pytest.mark.parametrize("case", ["different lengths", "nan in x", "label too large", "no data"])
def test_bad_input_leaves_an_unbuilt_model_unbuilt(case):
    data, _, why = BAD[case]
    model = nn.Sequential([nn.Dense(4), nn.Dense(3, "softmax")], seed=0)
    model.compile("adam", "sparse_categorical_crossentropy")
    random = model.generator.bit_generator.state
    with pytest.raises(ArgumentError, match=why):
        model.fit(*data(), verbose=0)
    assert model.weights == []
    assert not model.built
    assert model.generator.bit_generator.state == random


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"callbacks": ["x"]}, "callback"),
        ({"sample_weight": np.full(12, np.nan)}, "sample_weight"),
        ({"class_weight": [1, 1, 1]}, "class_weight"),
        ({"class_weight": {0: 1, 1: "a", 2: 2}}, "class_weight"),
        ({"validation_split": "a"}, "validation_split"),
        ({"x": [[1.0, 2.0], [1.0]]}, "rectangular"),
    ],
)
def test_a_refused_fit_leaves_an_unbuilt_model_unbuilt(changed: dict, words: str) -> None:
    rng = np.random.default_rng(0)
    model = nn.Sequential([nn.Dense(3, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    call = {"x": rng.normal(size=(12, 4)), "y": np.arange(12) % 3, "verbose": 0} | changed
    with pytest.raises(ChainruleError, match=words):
        model.fit(**call)
    model.fit(rng.normal(size=(12, 2)), np.arange(12) % 3, verbose=0)
    assert model.layers[0].kernel.shape == (2, 3)


@pytest.mark.parametrize(
    ("loss", "y"),
    [
        ("binary_crossentropy", np.arange(12.0)[:, None]),
        ("categorical_crossentropy", np.tile([-2.0, 5.0, -2.0], (12, 1))),
    ],
)
def test_targets_that_are_no_probabilities_are_refused(loss: str, y: np.ndarray) -> None:
    units = y.shape[1]
    model = nn.Sequential([nn.Dense(units, activation="sigmoid" if units == 1 else "softmax")])
    model.compile("sgd", loss)
    with pytest.raises(ChainruleError, match=r"between 0 and 1.*got"):
        model.fit(np.ones((12, 4)), y, verbose=0)
