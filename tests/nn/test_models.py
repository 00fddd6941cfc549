"""Models: structure, parameters by path, building, summaries, and what is refused."""

import numpy as np
import pytest

import nn
from autograd import Tensor
from autograd.errors import ArgumentError, GraphError, ShapeError


def test_parameters_are_named_by_path_and_ordered():
    model = nn.MLP([4, 3, 2], "relu", "softmax", seed=0)
    assert [(p, t.shape) for p, t in model.named_parameters().items()] == [
        ("layers.0.kernel", (4, 3)),
        ("layers.0.bias", (3,)),
        ("layers.1.kernel", (3, 2)),
        ("layers.1.bias", (2,)),
    ]
    assert [t.name for t in model.parameters()] == [
        "dense/kernel",
        "dense/bias",
        "dense_1/kernel",
        "dense_1/bias",
    ]


def test_a_shared_layer_is_counted_once():
    class Twice(nn.Module):
        def __init__(self):
            self.first = nn.Dense(2)
            self.again = [self.first, {"owner": self}]

        def __call__(self, x):
            return self.again[0](self.first(x))

    model = Twice()
    model(np.zeros((1, 2)))
    assert list(model.named_parameters()) == ["first.kernel", "first.bias"]


def test_layers_and_models_take_tensors_arrays_and_lists():
    model = nn.MLP([2, 3, 1], "tanh", seed=0, dtype="float64")
    x = np.array([[0.5, -1.0]])
    expected = model(x).data
    for same in (x.tolist(), x.astype(np.float32), Tensor(x)):
        np.testing.assert_array_equal(model(same).data, expected)
    (w1, b1, w2, b2) = model.get_weights()
    np.testing.assert_array_equal(expected, np.tanh(x @ w1 + b1) @ w2 + b2)


@pytest.mark.parametrize(
    "build",
    [
        lambda: nn.Sequential([nn.Input((4,)), nn.Dense(3), nn.Dense(2)], seed=1),
        lambda: nn.Sequential([nn.Dense(3, input_shape=(4,)), nn.Dense(2)], seed=1),
        lambda: nn.Sequential([nn.Dense(3, input_dim=4), nn.Dense(2)], seed=1),
        lambda: nn.MLP([4, 3, 2], None, seed=1),
    ],
)
def test_a_known_input_shape_builds_at_once_and_the_ways_agree(build):
    later = nn.Sequential([nn.Dense(3), nn.Dense(2)], seed=1)
    assert later.weights == []
    later.build((None, 4))
    for a, b in zip(build().get_weights(), later.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_deferred_model_is_built_by_its_first_call():
    model = nn.Sequential(seed=0)
    model.add(nn.Flatten())
    model.add(nn.Dense(2))
    assert model(np.zeros((3, 2, 2))).shape == (3, 2)
    assert model.output_shape == (None, 2)
    assert model.layers[1].kernel.shape == (4, 2)


def test_add_and_pop():
    model = nn.Sequential([nn.Input((4,)), nn.Dense(3), nn.Dense(2)])
    kernel = model.layers[0].kernel
    assert model.pop().units == 2
    assert model.output_shape == (None, 3)
    model.add(nn.Dense(5))
    assert model.layers[0].kernel is kernel
    assert model(np.zeros((1, 4))).shape == (1, 5)


def test_a_layer_that_does_not_fit_is_not_added():
    model = nn.Sequential([nn.Input((4,)), nn.Dense(3)], seed=0)
    before = model.generator.bit_generator.state
    misfit = nn.Dense(2)
    misfit.build((None, 9))
    name = misfit.name
    with pytest.raises(ShapeError, match="9 columns"):
        model.add(misfit)
    assert len(model.layers) == 1
    assert misfit.name == name
    assert model.generator.bit_generator.state == before


def test_a_failed_build_leaves_every_layer_unbuilt():
    model = nn.Sequential([nn.Dense(3), nn.Reshape((5,)), nn.Dense(2)], seed=0)
    before = model.generator.bit_generator.state
    with pytest.raises(ShapeError, match="'reshape'"):
        model(np.zeros((2, 4)))
    assert model.weights == []
    assert not any(layer.built for layer in model.layers)
    assert model.generator.bit_generator.state == before


def test_names_are_unique():
    model = nn.Sequential([nn.Dense(1), nn.Dense(1), nn.Dense(1, name="dense_2"), nn.Dense(1)])
    assert [layer.name for layer in model.layers] == ["dense", "dense_1", "dense_2", "dense_3"]
    with pytest.raises(ArgumentError, match="'dense_2' twice"):
        model.add(nn.Dense(1, name="dense_2"))
    with pytest.raises(ArgumentError, match="twice"):
        model.add(model.layers[0])
    assert model.get_layer("dense_1") is model.layers[1]
    assert model.get_layer(index=-1) is model.layers[3]
    with pytest.raises(ArgumentError, match="'dense_9'"):
        model.get_layer("dense_9")


def test_weights_go_in_and_out():
    one, two = (nn.MLP([3, 2], seed=seed) for seed in (1, 2))
    two.set_weights(one.get_weights())
    x = np.ones((1, 3))
    np.testing.assert_array_equal(one(x).data, two(x).data)
    kept = two.get_weights()
    for wrong in ([np.zeros((3, 2))], [np.zeros((3, 2)), np.zeros(3)]):
        with pytest.raises(ShapeError, match=r"layers\.0\.bias"):
            two.set_weights(wrong)
    for a, b in zip(kept, two.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_summary_shows_the_parameters_of_fashion_mnist(capsys):
    model = nn.Sequential(
        [
            nn.Input((784,)),
            nn.Dense(100, activation="sigmoid", name="hidden"),
            nn.Dense(10, activation="softmax", name="output"),
        ],
        name="fashion",
    )
    model.summary()
    text = capsys.readouterr().out
    for part in ("78,500", "1,010", "79,510", "hidden (Dense)", "(None, 100)"):
        assert part in text


def test_frozen_layers_are_not_trained():
    model = nn.MLP([2, 3, 1], seed=0)
    model.layers[0].trainable = False
    assert [t.shape for t in model.parameters()] == [(3, 1), (1,)]
    model.compile("sgd", "mse")
    before = model.get_weights()
    model.fit(np.ones((4, 2)), np.zeros(4), verbose=0)
    after = model.get_weights()
    np.testing.assert_array_equal(before[0], after[0])
    assert not np.array_equal(before[2], after[2])


def test_what_is_no_model_is_said():
    with pytest.raises(ArgumentError, match="no layers"):
        nn.Sequential()(np.zeros((1, 2)))
    with pytest.raises(ArgumentError, match="layers in model"):
        nn.Sequential([len])
    with pytest.raises(ArgumentError, match="sizes"):
        nn.MLP([3])
    with pytest.raises(GraphError, match="compile"):
        nn.MLP([3, 1]).fit(np.zeros((1, 3)), [0.0])
    with pytest.raises(GraphError, match="compile"):
        nn.MLP([3, 1]).evaluate(np.zeros((1, 3)), [0.0])
    with pytest.raises(ArgumentError, match="a loss to make small"):
        nn.MLP([3, 1]).compile("adam")
    with pytest.raises(ShapeError, match="batch axis first"):
        nn.Sequential([nn.Dense(1)]).build()


def test_trainable_reaches_the_layers_within():
    model = nn.Sequential([nn.Input((4,)), nn.Dense(3), nn.Dense(2)], seed=0)
    model.layers[0].trainable = False
    assert len(model.trainable_variables) == 2
    model.trainable = True
    assert len(model.trainable_variables) == 4
    model.trainable = False
    assert model.trainable_weights == []
    assert len(model.non_trainable_variables) == len(model.variables) == 4
    assert not model.layers[1].trainable


def test_symbols_add_up_and_models_end_in_the_middle():
    x = nn.Input((4,), name="x")
    hidden = nn.Dense(4, "tanh", name="hidden")(x)
    y = nn.Dense(1)(2.0 * (hidden + x) / 4 - 1.0 - (3 - hidden) * x)
    model = nn.Model(inputs=x, outputs=y)
    data = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    h = model.get_layer("hidden")(data).data
    before = 2 * (h + data) / 4 - 1 - (3 - h) * data
    last = model.layers[-1]
    # float32
    np.testing.assert_allclose(model(data).data, last(before).data, rtol=1e-5, atol=1e-6)
    for end in (model.get_layer("hidden").output, hidden):
        middle = nn.Model(model.input, end)
        np.testing.assert_array_equal(middle.predict(data, verbose=0), h)
    np.testing.assert_array_equal(
        model.predict({"x": data}, verbose=0), model.predict(data, verbose=0)
    )
    with pytest.raises(ArgumentError, match="inputs x"):
        model.predict({"z": data}, verbose=0)
    assert (model.input_shape, model.output_shape) == ((None, 4), (None, 1))
    chain = nn.Sequential([nn.Input((4,)), nn.Dense(3), nn.Dense(2)], seed=0)
    front = nn.Model(chain.inputs, chain.layers[0].output)
    np.testing.assert_array_equal(front(data).data, chain.layers[0](data).data)
    with pytest.raises(ArgumentError, match="input shape is known"):
        _ = nn.Dense(2).output
    with pytest.raises(TypeError):
        _ = x + "1"


def test_configurations_json_and_clones_have_the_structure_and_new_weights():
    x = nn.Input((4,))
    graph = nn.Model(x, nn.Add()([x, nn.Dense(4, "relu", kernel_regularizer="l2")(x)]), name="g")
    chain = nn.Sequential([nn.Input((4,)), nn.Dense(8, nn.relu), nn.Dropout(0.5)], name="c")
    late = nn.Sequential([nn.Dense(3)], name="late")
    for model in (graph, chain, late):
        for other in (
            type(model).from_config(model.get_config()),
            nn.models.model_from_json(model.to_json()),
            nn.models.clone_model(model),
        ):
            assert type(other) is type(model)
            assert other.name == model.name
            assert other.get_config() == model.get_config()
            assert other.count_params() == model.count_params()
            if model.built:
                assert not np.array_equal(other.get_weights()[0], model.get_weights()[0])
    assert nn.Model.from_config(graph.get_config()).count_params() == graph.count_params()
    own = nn.Dense(3, "tanh", name="d")
    assert nn.Dense.from_config(own.get_config()).get_config() == own.get_config()
