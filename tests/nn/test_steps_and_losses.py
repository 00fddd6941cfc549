"""Losses that layers add, weighted metrics, single batches, streams: as Keras users expect them."""

import numpy as np
import pytest

import autograd as ag
import nn
from autograd.errors import ArgumentError, GraphError, ShapeError
from nn.data import ArraySource, SteppedSource

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3)).astype(np.float32)
Y = (X.sum(1) > 0).astype(int)
W = np.arange(40) / 20


def classifier(**first):
    model = nn.Sequential(
        [nn.Input((3,)), nn.Dense(4, "tanh", **first), nn.Dense(2, "softmax")], seed=0
    )
    model.compile("sgd", "sparse_categorical_crossentropy", ["acc"], weighted_metrics=["acc"])
    return model


# ---- losses that layers add ----------------------------------------------------------------------


def test_an_activity_regularizer_adds_its_penalty_a_row_to_the_loss():
    plain, penalized = classifier(), classifier(activity_regularizer="l2")
    hidden = penalized.layers[0](X).data
    penalty = 0.01 * np.sum(hidden**2) / len(X)
    expected = plain.evaluate(X, Y, batch_size=40, verbose=0)[0] + penalty
    # float32
    assert penalized.evaluate(X, Y, batch_size=40, verbose=0)[0] == pytest.approx(expected, 1e-6)
    model = nn.Model(x := nn.Input((3,)), nn.Dense(4, activity_regularizer=nn.regularizers.L1())(x))
    out = model(X)
    (loss,) = model.losses
    assert loss.item() == pytest.approx(0.01 * np.abs(out.data).sum() / len(X), rel=1e-6)
    before = penalized.get_weights()
    with pytest.raises(ArgumentError, match="regularizer"):
        nn.Dense(4, activity_regularizer="l3")
    penalized.fit(X, Y, verbose=0)
    plain.fit(X, Y, verbose=0)
    assert not np.array_equal(penalized.get_weights()[0], plain.get_weights()[0])
    assert not np.array_equal(penalized.get_weights()[0], before[0])


def test_add_loss_reaches_training_and_hand_written_loops():
    class Small(nn.Layer):
        def call(self, inputs):
            self.add_loss(0.5 * ag.mean(inputs**2))
            return inputs

    model = nn.Sequential([nn.Input((3,)), nn.Dense(2), Small(), Small()], seed=0)
    model.compile("sgd", "mse")
    out = model(X)
    assert len(model.losses) == 2
    assert len((model(X), model.losses)[1]) == 2
    extra = float(np.mean(out.data**2))
    y = np.zeros((40, 2))
    assert model.evaluate(X, y, batch_size=40, verbose=0) == pytest.approx(2 * extra, rel=1e-5)
    total = nn.losses.mean_squared_error(y, out) + sum(model.losses)
    gradient = ag.gradients(total, model.parameters())[0]
    before = model.get_weights()[0]
    model.fit(X, y, batch_size=40, verbose=0)
    # float32
    np.testing.assert_allclose(model.get_weights()[0], before - 0.01 * gradient, rtol=1e-4)


# ---- weights -------------------------------------------------------------------------------------


def test_only_weighted_metrics_know_of_weights():
    model = classifier()
    right = np.argmax(model.predict(X, verbose=0), axis=1) == Y
    logs = model.evaluate(X, Y, sample_weight=W, return_dict=True, verbose=0)
    assert list(logs) == ["loss", "acc", "weighted_acc"]
    assert logs["acc"] == pytest.approx(right.mean())
    assert logs["weighted_acc"] == pytest.approx(np.average(right, weights=W))
    history = model.fit(X, Y, class_weight={0: 1.0, 1: 3.0}, verbose=0).history
    assert history["acc"] != history["weighted_acc"]


# ---- one batch -----------------------------------------------------------------------------------


def test_single_batches_train_test_and_predict_like_the_loops():
    one, loop = classifier(), classifier()
    expected = loop.fit(X, Y, batch_size=40, shuffle=False, sample_weight=W, verbose=0).history
    logs = one.train_on_batch(X, Y, sample_weight=W, return_dict=True)
    assert {key: [value] for key, value in logs.items()} == expected
    for a, b in zip(one.get_weights(), loop.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert one.optimizer.iterations == 1
    assert one.test_on_batch(X, Y) == loop.evaluate(X, Y, batch_size=40, verbose=0)
    np.testing.assert_array_equal(one.predict_on_batch(X), loop.predict(X, 40, verbose=0))
    before = one.get_weights()
    with pytest.raises(ShapeError, match="same length"):
        one.train_on_batch(X, Y[:3])
    with pytest.raises(ArgumentError, match="labels that are whole numbers from 0 to 1"):
        one.train_on_batch(X, Y + 1)
    with pytest.raises(GraphError, match="compiled"):
        nn.MLP([3, 2]).train_on_batch(X, Y)
    for a, b in zip(before, one.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


# ---- streams -------------------------------------------------------------------------------------


def test_predict_takes_one_batch_at_a_time_from_a_stream():
    model = classifier()
    taken = []

    def batches():
        for i in range(0, 40, 10):
            taken.append(i)
            yield X[i : i + 10]

    class Count(nn.Callback):
        def on_predict_batch_end(self, batch, logs=None):
            assert len(taken) == batch + 1

    expected = model.predict(X, batch_size=10, verbose=0)
    np.testing.assert_array_equal(
        model.predict(batches(), callbacks=[Count()], verbose=0), expected
    )
    pairs = [(X[i : i + 10], Y[i : i + 10]) for i in range(0, 40, 10)]
    np.testing.assert_array_equal(model.predict(pairs, verbose=0), expected)
    np.testing.assert_array_equal(model.predict(iter(pairs), steps=2, verbose=0), expected[:20])
    with pytest.raises(ArgumentError, match="a batch to predict for"):
        model.predict(iter([]), verbose=0)
    with pytest.raises(ArgumentError, match="no batch_size"):
        model.predict(iter(pairs), batch_size=3, verbose=0)


def test_weights_in_a_stream_count_like_those_beside_arrays():
    stream, arrays = classifier(), classifier()
    batches = [(X[i : i + 10], Y[i : i + 10], W[i : i + 10]) for i in range(0, 40, 10)]
    one = stream.fit(batches, epochs=2, verbose=0).history
    two = arrays.fit(X, Y, 10, epochs=2, shuffle=False, sample_weight=W, verbose=0).history
    assert one == two


def test_an_epoch_without_a_batch_is_not_measured():
    with pytest.raises(ArgumentError, match="a batch to train on"):
        classifier().fit(iter([]), verbose=0)
    model = classifier()
    batches = ((X[i : i + 10], Y[i : i + 10]) for i in range(0, 40, 10))
    with pytest.warns(UserWarning, match="0 before the data ran out"):
        history = model.fit(batches, epochs=5, steps_per_epoch=2, verbose=0)
    assert history.epoch == [0, 1]
    assert len(history.history["loss"]) == 2


# ---- sampling ------------------------------------------------------------------------------------


def test_sampling_with_replacement_draws_each_row_from_all():
    x = np.arange(50)
    for replace, least, most in ((False, 50, 50), (True, 20, 45)):
        source = ArraySource(x, x, None, 20, True, replace)
        batches = [batch for batch, _, _ in source.epoch(np.random.default_rng(0))]
        assert [len(b) for b in batches] == [20, 20, 10]
        assert least <= len(np.unique(np.concatenate(batches))) <= most
    one, two = classifier(), classifier()
    kept = one.fit(X, Y, 10, epochs=2, replace=True, verbose=0).history
    assert kept != two.fit(X, Y, 10, epochs=2, verbose=0).history
    assert kept == classifier().fit(X, Y, 10, epochs=2, replace=True, verbose=0).history
    with pytest.raises(ArgumentError, match="arrays for replace=True"):
        one.fit([(X, Y)], replace=True, verbose=0)
    with pytest.raises(ArgumentError, match="replace to be True or False"):
        one.fit(X, Y, replace="yes", verbose=0)


@pytest.mark.parametrize("replace", [False, True])
def test_a_pass_in_steps_goes_on_from_a_noted_position(replace):
    x = np.arange(23)

    def draw(source, rng, epochs):
        return [[b.tolist() for b, _, _ in source.epoch(rng)] for _ in range(epochs)]

    rng = np.random.default_rng(1)
    whole = SteppedSource(ArraySource(x, x, None, 5, True, replace), 3)
    expected = draw(whole, rng, 6)
    rng = np.random.default_rng(1)
    first = SteppedSource(ArraySource(x, x, None, 5, True, replace), 3)
    assert draw(first, rng, 2) == expected[:2]
    position, now = first.position, rng.bit_generator.state
    other = SteppedSource(ArraySource(x, x, None, 5, True, replace), 3)
    later = np.random.default_rng(5)
    other.seek(position, later)
    later.bit_generator.state = now
    assert draw(other, later, 4) == expected[2:]


# ---- what is not finite --------------------------------------------------------------------------


def test_a_loss_that_is_not_finite_names_epoch_batch_and_layer_of_any_model():
    a, b = nn.Input((3,)), nn.Input((3,))
    hidden = nn.Concatenate()(
        [nn.Dense(4, name="left")(a), nn.Dense(4, name="right", kernel_initializer="ones")(b)]
    )
    model = nn.Model([a, b], nn.Dense(1)(hidden), seed=0)
    model.compile("sgd", "mse")
    x = X.copy()
    x[35] = 3e38
    before = model.get_weights()
    with pytest.raises(ArithmeticError, match=r"epoch 1, batch 4: .*'right' being the first"):
        model.fit([X, x], Y, batch_size=10, shuffle=False, verbose=0)
    model.set_weights(before)

    class Own(nn.Model):
        def __init__(self):
            super().__init__(seed=0)
            self.one = nn.Dense(3, name="one", kernel_initializer="ones")
            self.two = nn.Dense(1, name="two")

        def call(self, inputs):
            return self.two(inputs + self.one(inputs))

    own = Own()
    own.compile("sgd", "mse")
    with pytest.raises(ArithmeticError, match=r"epoch 1, batch 4: .*'one' being the first"):
        own.fit(x, Y, batch_size=10, shuffle=False, verbose=0)
