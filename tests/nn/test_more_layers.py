"""Normalization, dropout, noise, activation layers, merging layers and models made of graphs."""

import math

import numpy as np
import pytest

import autograd as ag
import nn
from autograd import Tensor
from autograd.errors import ArgumentError, ShapeError

RNG = np.random.default_rng(0)
X = RNG.normal(2.0, 3.0, size=(6, 4))


def test_batch_normalization_by_formula():
    layer = nn.BatchNormalization(momentum=0.9, dtype="float64")
    y = layer(X, training=True)
    mean, variance = X.mean(0), X.var(0)
    # the mean is taken in one pass here and as a product there: a few roundings apart
    np.testing.assert_allclose(
        y.data, (X - mean) / np.sqrt(variance + 1e-3), rtol=1e-12, atol=1e-13
    )
    np.testing.assert_allclose(layer.moving_mean.data, 0.1 * mean, rtol=1e-12)
    np.testing.assert_allclose(layer.moving_variance.data, 0.9 + 0.1 * variance, rtol=1e-12)
    moving, spread = layer.get_weights()[2:]
    np.testing.assert_allclose(
        layer(X).data, (X - moving) / np.sqrt(spread + 1e-3), rtol=1e-12, atol=1e-13
    )
    assert [t.name.split("/")[1] for t in layer.trainable_weights] == ["gamma", "beta"]
    with pytest.raises(ShapeError, match="'batch_normalization' to have 4 columns"):
        layer(X[:, :3])


def test_layer_normalization_by_formula():
    layer = nn.LayerNormalization(dtype="float64")
    mean, variance = X.mean(1, keepdims=True), X.var(1, keepdims=True)
    expected = (X - mean) / np.sqrt(variance + 1e-3)
    np.testing.assert_allclose(layer(X).data, expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("make", [nn.BatchNormalization, nn.LayerNormalization])
def test_gradients_through_normalization(make):
    layer = make(dtype="float64")
    weight = np.arange(24.0).reshape(6, 4)

    def f(x):
        return float(np.sum(layer(x, training=True).data * weight))

    t = Tensor(X)
    slope = ag.gradients((layer(t, training=True) * weight).sum(), t)
    h = 1e-5
    for i in np.ndindex(X.shape):
        step = np.zeros_like(X)
        step[i] = h
        # truncation h^2 and rounding 1e-14 / h of a sum of about 100
        assert slope[i] == pytest.approx((f(X + step) - f(X - step)) / (2 * h), rel=1e-6, abs=1e-7)


def test_moving_averages_go_back_with_a_step_that_fails():
    model = nn.Sequential([nn.BatchNormalization(), nn.Dense(1, "exponential")], seed=0)
    model.compile(nn.SGD(0.0), "mse")
    model.fit(X, np.ones(6), verbose=0)
    before = model.get_weights()
    model.layers[1].kernel.assign(np.full((4, 1), 1e4))
    with pytest.raises(ArithmeticError):
        model.fit(X, np.ones(6), verbose=0)
    for a, b in zip(before[:4], model.get_weights()[:4], strict=True):
        np.testing.assert_array_equal(a, b)


def test_dropout_drops_its_share_in_training_only():
    layer = nn.Dropout(0.3, seed=0)
    x = np.ones((200, 100), np.float32)
    np.testing.assert_array_equal(layer(x).data, 1.0)
    y = layer(x, training=True).data
    kept = y > 0
    assert np.unique(y[kept]).tolist() == [np.float32(1 / 0.7)]
    # 20,000 draws: five standard deviations of the share
    assert kept.mean() == pytest.approx(0.7, abs=5 * math.sqrt(0.21 / 20000))
    assert not np.array_equal(y, layer(x, training=True).data)
    np.testing.assert_array_equal(nn.Dropout(0.0)(x, training=True).data, 1.0)
    np.testing.assert_array_equal(nn.Dropout(1.0)(x, training=True).data, 0.0)


def test_dropout_sends_gradients_where_it_sent_values():
    t = Tensor(np.ones((5, 5)))
    y = nn.Dropout(0.5, seed=1, dtype="float64")(t, training=True)
    np.testing.assert_array_equal(ag.gradients(y.sum(), t), y.data)


@pytest.mark.parametrize("rate", [-0.1, 1.5, "half", None])
def test_rates_out_of_range_are_refused(rate):
    with pytest.raises(ArgumentError, match="rate"):
        nn.Dropout(rate)


def test_dropout_follows_the_seed_of_the_model():
    weights = []
    for _ in range(2):
        model = nn.Sequential([nn.Dense(8), nn.Dropout(0.5), nn.Dense(1)], seed=4)
        model.compile("sgd", "mse")
        model.fit(X, np.ones(6), epochs=3, verbose=0)
        weights.append(model.get_weights())
    for a, b in zip(*weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_gaussian_noise_has_its_deviation_in_training_only():
    layer = nn.GaussianNoise(0.5, seed=0)
    x = np.zeros((100, 100))
    assert not layer(x).data.any()
    assert layer(x, training=True).data.std() == pytest.approx(0.5, rel=5 / math.sqrt(2 * 10000))


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (nn.ReLU(), [0.0, 0.0, 2.0]),
        (nn.ReLU(max_value=1.0, negative_slope=0.5, threshold=0.5), [-1.25, -0.25, 1.0]),
        (nn.LeakyReLU(), [-0.6, 0.0, 2.0]),
        (nn.ELU(), [math.exp(-2) - 1, 0.0, 2.0]),
        (nn.SiLU(), [-2 / (1 + math.exp(2)), 0.0, 2 / (1 + math.exp(-2))]),
        (nn.GELU(), [-(1 + math.erf(-math.sqrt(2))), 0.0, 1 + math.erf(math.sqrt(2))]),
        (nn.GELU(approximate=True), [-0.0454023, 0.0, 1.9545977]),
        (nn.Softmax(), np.exp([-2, 0, 2]) / np.exp([-2, 0, 2]).sum()),
    ],
)
def test_activation_layers_by_formula(layer, expected):
    out = layer(np.array([[-2.0, 0.0, 2.0]])).data[0]
    np.testing.assert_allclose(out, expected, rtol=1e-6, atol=1e-7)  # float32


def test_a_residual_model_with_two_inputs():
    a, b = nn.Input((4,), name="a"), nn.Input((3,), name="b")
    hidden = nn.Dense(4, "tanh", dtype="float64")(a)
    joined = nn.layers.Concatenate(dtype="float64")([nn.Add(dtype="float64")([a, hidden]), b])
    model = nn.Model([a, b], nn.Dense(2, dtype="float64")(joined), dtype="float64")
    assert [layer.name for layer in model.layers] == ["dense", "add", "concatenate", "dense_1"]
    z = RNG.normal(size=(6, 3))
    w1, b1, w2, b2 = model.get_weights()
    expected = np.concatenate([X + np.tanh(X @ w1 + b1), z], axis=1) @ w2 + b2
    np.testing.assert_allclose(model([X, z]).data, expected, rtol=1e-13)
    model.compile("adam", "mse")
    first = model.fit([X, z], np.zeros((6, 2)), epochs=30, verbose=0).history["loss"]
    assert first[-1] < first[0]
    assert model.predict([X, z], verbose=0).shape == (6, 2)
    with pytest.raises(ShapeError, match="2 arrays"):
        model.fit([X], np.zeros((6, 2)), verbose=0)


def test_a_layer_used_twice_is_one_layer():
    x = nn.Input((4,))
    dense = nn.Dense(4)
    model = nn.Model(x, dense(dense(x)))
    assert len(model.weights) == 2
    np.testing.assert_allclose(model(X).data, dense(dense(X)).data, rtol=1e-6)


def test_an_input_that_is_missing_is_named():
    a, b = nn.Input((2,)), nn.Input((2,), name="forgotten")
    with pytest.raises(ArgumentError, match="forgotten"):
        nn.Model(a, nn.Add()([a, b]))


def test_a_subclass_trains():
    class Residual(nn.Model):
        def __init__(self):
            super().__init__(seed=0)
            self.inner, self.out = nn.Dense(4, "relu"), nn.Dense(1)
            self.dropout = nn.Dropout(0.1)

        def call(self, inputs, training=False):
            return self.out(inputs + self.dropout(self.inner(inputs), training=training))

    model = Residual()
    model.compile(nn.Adam(0.05), "mse")
    losses = model.fit(X, X.sum(1), epochs=40, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert list(model.named_parameters()) == [
        "inner.kernel",
        "inner.bias",
        "out.kernel",
        "out.bias",
    ]
    model.summary(print_fn=lambda text: None)
