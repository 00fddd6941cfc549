"""Layers: values, shapes, types, parameters, and what they refuse."""

import numpy as np
import pytest

import autograd as ag
import nn
from autograd import Tensor
from autograd.errors import ArgumentError, ShapeError

RNG = np.random.default_rng(0)


def test_dense_is_activation_of_x_kernel_plus_bias_on_any_leading_axes():
    layer = nn.Dense(3, "tanh", bias_initializer="ones", dtype="float64")
    x = RNG.normal(size=(2, 5, 4))
    y = layer(x)
    kernel, bias = layer.get_weights()
    np.testing.assert_array_equal(y.data, np.tanh(x @ kernel + bias))
    assert [t.name for t in layer.weights] == ["dense/kernel", "dense/bias"]


def test_dense_without_bias_has_one_parameter():
    layer = nn.Dense(3, use_bias=False)
    layer.build((None, 4))
    assert [w.shape for w in layer.weights] == [(4, 3)]


def test_float_types_are_those_asked_for():
    x = np.zeros((1, 2), np.float64)
    assert nn.Dense(1)(x).dtype == np.float32
    assert nn.Dense(1, dtype="float64")(x.astype(np.float32)).dtype == np.float64
    assert nn.Dense(1)(Tensor(x)).dtype == np.float32
    nn.config.set_floatx("float64")
    try:
        assert nn.Dense(1)(x).dtype == np.float64
    finally:
        nn.config.set_floatx("float32")
    with pytest.raises(ArgumentError, match="float16"):
        nn.Dense(1, dtype="float16")


def test_gradients_flow_through_a_layer_to_its_input():
    layer = nn.Dense(1, kernel_initializer="ones", dtype="float64")
    x = Tensor([[1.0, 2.0]])
    layer(x).sum().backward()
    np.testing.assert_array_equal(x.grad, [[1.0, 1.0]])
    np.testing.assert_array_equal(layer.kernel.grad, [[1.0], [2.0]])


def test_flatten_and_reshape():
    assert nn.Flatten()(np.zeros((2, 3, 4))).shape == (2, 12)
    assert nn.Flatten()(np.zeros(5)).shape == (5, 1)
    assert nn.Reshape((-1, 2))(np.zeros((5, 6))).shape == (5, 3, 2)
    with pytest.raises(ShapeError, match="'reshape'"):
        nn.Reshape((4,))(np.zeros((5, 6)))


@pytest.mark.parametrize("units", [0, -1, 2.5, "10", True, None])
def test_units_must_be_a_positive_integer(units):
    with pytest.raises(ArgumentError, match="units"):
        nn.Dense(units)


def test_an_input_of_another_width_names_the_layer():
    layer = nn.Dense(3, name="hidden")
    layer.build((None, 4))
    with pytest.raises(ShapeError, match="'hidden' to have 4 columns"):
        layer(np.zeros((2, 5)))
    with pytest.raises(ShapeError, match="batch axis"):
        nn.Dense(3)(np.zeros(4))


def test_a_build_that_raises_leaves_nothing_behind():
    layer = nn.Dense(3, bias_initializer=lambda shape, dtype: 1 / 0)
    before = dict(vars(layer))
    with pytest.raises(ZeroDivisionError):
        layer.build((None, 4))
    assert vars(layer) == before


def test_regularizers_and_constraints_are_collected():
    layer = nn.Dense(
        2, kernel_initializer="ones", kernel_regularizer="l2", bias_constraint="non_neg"
    )
    layer.build((None, 3))
    assert [float(t.item()) for t in layer.losses] == [pytest.approx(0.06)]
    optimizer = nn.SGD(1.0, parameters=layer)
    optimizer.apply([np.zeros((3, 2)), np.array([1.0, -1.0])])
    np.testing.assert_array_equal(layer.bias.data, [0.0, 1.0])


def test_configuration_makes_an_equal_layer():
    layer = nn.Dense(
        3, "relu", kernel_initializer=nn.initializers.HeNormal(seed=3), kernel_regularizer="l1"
    )
    again = nn.layers.layer.get({"class_name": "Dense", "config": layer.get_config()})
    assert again.get_config() == layer.get_config()
    layer.build((None, 4))
    again.build((None, 4))
    np.testing.assert_array_equal(layer.kernel.data, again.kernel.data)
    with pytest.raises(ArgumentError, match="unitz"):
        nn.Dense.from_config({"units": 3, "unitz": 4})


REFERENCE = {
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "tanh": np.tanh,
    "softmax": lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True),
    "log_softmax": lambda x: np.log(np.exp(x) / np.exp(x).sum(-1, keepdims=True)),
    "exponential": np.exp,
    "softplus": lambda x: np.log(1 + np.exp(x)),
    "softsign": lambda x: x / (1 + abs(x)),
    "silu": lambda x: x / (1 + np.exp(-x)),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.2 * x),
    "elu": lambda x: np.where(x > 0, x, np.exp(x) - 1),
    "selu": lambda x: 1.05070098 * np.where(x > 0, x, 1.67326324 * (np.exp(x) - 1)),
    "relu6": lambda x: np.clip(x, 0, 6),
    "hard_sigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1),
    "mish": lambda x: x * np.tanh(np.log(1 + np.exp(x))),
}


@pytest.mark.parametrize("name", REFERENCE)
def test_activations_by_formula_and_gradient(name):
    function = nn.activations.get(name)
    x = RNG.uniform(0.1, 4.0, (3, 4)) * RNG.choice([-1, 1], (3, 4))  # away from the kinks at 0
    np.testing.assert_allclose(function(x), REFERENCE[name](x), rtol=1e-7)  # the 9 digits of selu
    t = Tensor(x)
    slope = ag.gradients(ag.sum(function(t) * np.arange(4.0)), t)
    h = 1e-6
    for i in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[i] = h
        difference = ((function(x + step) - function(x - step)) * np.arange(4.0)).sum() / (2 * h)
        # central differences: truncation h^2, rounding 1e-16 / h
        assert slope[i] == pytest.approx(difference, rel=1e-7, abs=1e-8)


@pytest.mark.parametrize("name", REFERENCE)
def test_activations_stay_finite_and_in_their_type(name):
    x = np.array([[-200.0, -1.0, 0.0, 1.0, 80.0]], np.float32)
    t = Tensor(x)
    y = nn.activations.get(name)(t)
    assert np.all(np.isfinite(y.data))
    assert y.dtype == np.float32
    assert np.all(np.isfinite(ag.gradients(y.sum(), t)))


@pytest.mark.parametrize(
    ("name", "bound", "deviation"),
    [
        ("glorot_uniform", np.sqrt(6 / 500), np.sqrt(2 / 500)),
        ("glorot_normal", 2 * np.sqrt(2 / 500) / 0.87962566103423978, np.sqrt(2 / 500)),
        ("he_uniform", np.sqrt(6 / 300), np.sqrt(2 / 300)),
        ("he_normal", 2 * np.sqrt(2 / 300) / 0.87962566103423978, np.sqrt(2 / 300)),
        ("lecun_uniform", np.sqrt(3 / 300), np.sqrt(1 / 300)),
        ("lecun_normal", 2 * np.sqrt(1 / 300) / 0.87962566103423978, np.sqrt(1 / 300)),
        ("random_uniform", 0.05, 0.1 / np.sqrt(12)),
        ("random_normal", np.inf, 0.05),
        ("zeros", 0.0, 0.0),
    ],
)
def test_initializers_have_the_spread_that_keras_gives_them(name, bound, deviation):
    values = nn.initializers.get(name)((300, 200), np.float64, np.random.default_rng(0))
    assert np.abs(values).max() <= bound
    # 60,000 draws: the deviation is known to 1/sqrt(2 * 60000), taken five times
    assert values.std() == pytest.approx(deviation, rel=0.015)
    assert abs(values.mean()) <= 5 * deviation / np.sqrt(values.size)
