"""Files go both ways between this library and real Keras, in an environment of its own."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

import autograd as ag
import nn
from autograd.errors import ArgumentError
from nn.datasets.idx import DataError


@pytest.fixture(scope="module")
def keras(keras_python):
    program = Path(__file__).parent / "keras_peer.py"

    def run(command, folder):
        done = subprocess.run(
            [keras_python, str(program), command, str(folder)],
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr

    return run


@nn.saving.register_keras_serializable("mine")
def cube(x):
    return x * x * x


@nn.saving.register_keras_serializable("mine")
class Scale(nn.Layer):
    def __init__(self, factor=2.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def build(self, input_shape):
        self.shift = self.add_weight(shape=(input_shape[-1],), initializer="zeros", name="shift")

    def call(self, inputs):
        return inputs * self.factor + self.shift

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


def test_files_of_keras_open_here(tmp_path, keras):
    keras("write", tmp_path)
    theirs = np.load(tmp_path / "theirs.npz")
    x = theirs["x"]
    model = nn.load_model(tmp_path / "theirs.keras")
    # float32 with other orders of addition
    np.testing.assert_allclose(model.predict(x, verbose=0), theirs["p"], rtol=1e-5)
    np.testing.assert_allclose(
        model.evaluate(x, np.arange(20) % 3, verbose=0), theirs["evaluated"], rtol=1e-5
    )
    assert model.optimizer.iterations == 2
    assert model.optimizer.learning_rate == 0.001
    np.testing.assert_array_equal(model.optimizer.state[0]["momentum"], theirs["slot"])
    other = nn.load_model(tmp_path / "theirs.keras", compile=False)
    other.set_weights([np.zeros_like(w) for w in other.get_weights()])
    other.load_weights(tmp_path / "theirs.weights.h5")
    np.testing.assert_allclose(other.predict(x, verbose=0), theirs["p"], rtol=1e-5)

    graph = nn.load_model(tmp_path / "theirs_graph.keras")
    both = [x[:, :, 0], x[:, :, 1]]
    # the cubes enlarge what float32 rounds off
    np.testing.assert_allclose(graph.predict(both, verbose=0), theirs["q"], rtol=1e-3, atol=1e-6)
    assert [layer.name for layer in graph.layers] == theirs["names"].tolist()
    slots = [np.sum(v) for s in graph.optimizer.state for v in s.values()]
    np.testing.assert_allclose(slots, theirs["slots"], rtol=1e-5)


def test_files_from_here_open_in_keras(tmp_path, keras):
    x = np.random.default_rng(0).normal(size=(20, 4, 2)).astype(np.float32)
    y = np.arange(20) % 3
    model = nn.Sequential(
        [
            nn.Input((4, 2)),
            nn.Flatten(),
            nn.Dense(6, "relu", kernel_regularizer="l2", kernel_initializer="he_normal"),
            nn.BatchNormalization(),
            nn.Dropout(0.3),
            nn.Dense(5, activity_regularizer=nn.L1L2(0.1, 0.2)),
            nn.LeakyReLU(0.1),
            nn.LayerNormalization(),
            nn.Activation("tanh"),
            nn.Dense(3, "softmax", use_bias=False),
        ],
        seed=0,
    )
    names = ["accuracy"], ["sparse_categorical_accuracy"]
    model.compile("adam", "sparse_categorical_crossentropy", *names)
    model.fit(x, y, epochs=2, verbose=0)
    model.save(tmp_path / "ours.keras")
    model.save_weights(tmp_path / "ours.weights.h5")
    np.save(tmp_path / "x.npy", x)

    a, b = nn.Input((4,)), nn.Input((4,), name="b")
    shared = nn.Dense(4, cube)
    left = nn.Add()([shared(a), a])
    right = Scale(0.5)(nn.Dense(4, "relu")(b))
    joined = nn.Concatenate()([left, right, shared(left)])
    tail = nn.MLP([12, 5, 3], "relu", name="tail")
    graph = nn.Model([a, b], nn.Softmax()(tail(joined)), seed=0)
    graph.compile(nn.SGD(nn.CosineDecay(0.001, 100), 0.9), "sparse_categorical_crossentropy")
    both = [x[:, :, 0], x[:, :, 1]]
    graph.fit(both, y, epochs=2, verbose=0)
    graph.save(tmp_path / "ours_graph.keras")

    keras("read", tmp_path)
    read = np.load(tmp_path / "read.npz")
    expected = model.predict(x, verbose=0)
    np.testing.assert_allclose(read["whole"], expected, rtol=1e-5)
    np.testing.assert_allclose(read["weights"], expected, rtol=1e-5)
    assert read["iterations"] == 2
    np.testing.assert_array_equal(read["slot"], model.optimizer.state[0]["momentum"])
    np.testing.assert_allclose(read["loss"], model.evaluate(x, y, verbose=0), rtol=1e-5)
    # the cubes enlarge what float32 rounds off
    np.testing.assert_allclose(read["graph"], graph.predict(both, verbose=0), rtol=1e-3, atol=1e-6)
    slots = [np.sum(v) for s in graph.optimizer.state for v in s.values()]
    np.testing.assert_allclose(read["slots"], slots, rtol=1e-5)


def random_graph(rng):
    """A model whose layers are called on what was made before them, sometimes twice."""
    found = [nn.Input((3,)) for _ in range(rng.integers(1, 4))]
    sources, layers = list(found), []
    for _ in range(rng.integers(2, 12)):
        kind = rng.integers(4)
        if kind == 0 and layers:
            layer = layers[rng.integers(len(layers))]
        elif kind == 1:
            picked = [found[i] for i in rng.integers(len(found), size=2)]
            found.append(nn.Add()(picked))
            continue
        else:
            layer = nn.Dense(3)
            layers.append(layer)
        found.append(layer(found[rng.integers(len(found))]))
    return nn.Model(sources, nn.Add()([*sources, *found[-3:]]), seed=0)


def test_layers_of_graphs_stand_in_the_order_of_keras(tmp_path, keras):
    rng = np.random.default_rng(0)
    expected = {}
    for number in range(40):
        model = random_graph(rng)
        path = tmp_path / f"{number}.graph.keras"
        model.save(path)
        expected[path.name] = [layer.name for layer in model.layers]
        again = nn.load_model(path)
        assert [layer.name for layer in again.layers] == expected[path.name]
        x = [np.ones((2, 3))] * model.input_count
        np.testing.assert_array_equal(again(x).data, model(x).data)
    keras("graphs", tmp_path)
    assert json.loads((tmp_path / "orders.json").read_text()) == expected


def test_what_the_program_made_known_is_found_and_nothing_else(tmp_path):
    x = nn.Input((3,))
    model = nn.Model(x, nn.Dense(1, cube)(Scale(3.0)(x)), seed=0)
    model.save(tmp_path / "m.keras")
    again = nn.load_model(tmp_path / "m.keras")
    assert again.layers[0].factor == 3.0
    assert again.layers[1].activation is cube
    np.testing.assert_array_equal(again(np.ones((2, 3))).data, model(np.ones((2, 3))).data)
    twin = nn.load_model(tmp_path / "m.keras", custom_objects={"mine>cube": ag.tanh})
    assert twin.layers[1].activation is ag.tanh

    class Stranger(Scale):
        pass

    odd = nn.Sequential([nn.Input((3,)), Stranger()])
    with pytest.raises(ArgumentError, match="register_keras_serializable"):
        odd.save(tmp_path / "odd.keras")
    assert not (tmp_path / "odd.keras").exists()


def test_an_unknown_registered_name_is_refused(tmp_path, keras):
    keras("write", tmp_path)
    known = dict(nn.saving.custom._registered)
    nn.saving.custom._registered.clear()
    try:
        with pytest.raises(DataError, match="'mine>cube', which was registered by a program"):
            nn.load_model(tmp_path / "theirs_graph.keras")
        model = nn.load_model(
            tmp_path / "theirs_graph.keras", custom_objects={"cube": cube, "Scale": Scale}
        )
        assert model.layers[-1].name.startswith("softmax")
    finally:
        nn.saving.custom._registered.update(known)
