"""Files: whole or not at all, the same bits back, and nothing believed that a damaged file says."""

import io
import json
import os
import sys
import zipfile

import h5py
import numpy as np
import pytest

import nn
from autograd import write_whole
from autograd.errors import ArgumentError, ChainruleError, ShapeError
from nn.datasets.idx import DataError
from nn.saving import state as backup

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 4)).astype(np.float32)
Y = RNG.integers(0, 3, 30)


def trained(optimizer="adam", seed=0, dtype=None):
    model = nn.Sequential(
        [
            nn.Input((4,), dtype=dtype),
            nn.Dense(8, "relu", kernel_regularizer="l2", kernel_initializer="he_normal"),
            nn.BatchNormalization(),
            nn.Dropout(0.3, seed=1),
            nn.Dense(8),
            nn.LayerNormalization(),
            nn.Activation("tanh"),
            nn.LeakyReLU(0.1),
            nn.Reshape((2, 4)),
            nn.Flatten(),
            nn.Dense(3, "softmax", use_bias=False, name="out"),
        ],
        seed=seed,
        name="everything",
    )
    model.compile(optimizer, "sparse_categorical_crossentropy", ["accuracy"])
    model.fit(X, Y, epochs=2, verbose=0)
    return model


def state(model):
    slots = [slots[name] for slots in model.optimizer.state for name in sorted(slots)]
    return [*model.get_weights(), *slots]


def assert_same(a, b):
    assert len(a) == len(b)
    for one, other in zip(a, b, strict=True):
        assert np.asarray(one).dtype == np.asarray(other).dtype
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("how", [{}, {"run_eagerly": True}, {"jit_compile": True}])
def test_a_model_comes_back_with_the_way_its_steps_run(tmp_path, monkeypatch, how):
    model = nn.Sequential([nn.Input((4,)), nn.Dense(3)], seed=0)
    model.compile("sgd", "mse", **how)
    path = tmp_path / "model.keras"
    model.save(path)
    recipe = nn.load_model(path).recipe
    assert recipe.run_eagerly == how.get("run_eagerly", False)
    assert recipe.jit_compile == how.get("jit_compile", False)
    monkeypatch.setitem(sys.modules, "llvmlite", None)
    assert not nn.load_model(path).recipe.jit_compile


@pytest.mark.parametrize("ending", [".keras", ".h5"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_model_comes_back_whole_and_trains_on(tmp_path, ending, dtype):
    model = trained(dtype=dtype)
    model.save(tmp_path / f"m{ending}")
    again = nn.load_model(tmp_path / f"m{ending}")
    assert_same(state(model), state(again))
    assert again.optimizer.iterations == model.optimizer.iterations
    assert [layer.get_config() for layer in again.layers] == [
        {**layer.get_config(), "dtype": dtype} for layer in model.layers
    ]
    np.testing.assert_array_equal(model.predict(X, verbose=0), again.predict(X, verbose=0))
    assert model.evaluate(X, Y, verbose=0) == again.evaluate(X, Y, verbose=0)
    assert again.name == "everything"
    for each in (model, again):
        each.fit(X, Y, shuffle=False, verbose=0)


@pytest.mark.parametrize(
    "optimizer",
    [
        nn.SGD(0.1, momentum=0.9),
        nn.RMSprop(centered=True, momentum=0.5),
        nn.Adam(amsgrad=True, clipnorm=1.0),
        nn.Nadam(),
        nn.Adamax(),
        nn.Lion(),
        nn.Adagrad(),
        nn.AdamW(nn.optimizers.schedules.CosineDecay(0.01, 100)),
    ],
    ids=lambda o: o.name,
)
def test_optimizers_come_back_with_their_state(tmp_path, optimizer):
    model = trained(optimizer)
    model.save(tmp_path / "m.keras")
    again = nn.load_model(tmp_path / "m.keras")
    assert again.optimizer.get_config() == model.optimizer.get_config()
    assert_same(state(model), state(again))


@pytest.mark.parametrize("ending", [".weights.h5", ".h5", ".safetensors"])
def test_weights_come_back_to_the_bit(tmp_path, ending):
    model, other = trained(), trained(seed=5)
    model.save_weights(tmp_path / f"w{ending}")
    other.load_weights(tmp_path / f"w{ending}")
    assert_same(model.get_weights(), other.get_weights())


def test_models_of_ones_own_save_their_weights(tmp_path):
    class Own(nn.Model):
        def __init__(self):
            super().__init__(seed=0)
            self.parts = [nn.Dense(3), nn.Dense(3)]
            self.out = nn.Dense(1)

        def call(self, inputs):
            return self.out(self.parts[1](self.parts[0](inputs)))

    one, two = Own(), Own()
    two.generator.random()
    expected = one(X).data
    two(X)
    for ending in (".weights.h5", ".safetensors"):
        one.save_weights(tmp_path / f"w{ending}")
        two.load_weights(tmp_path / f"w{ending}")
        np.testing.assert_array_equal(two(X).data, expected)
    with pytest.raises(ArgumentError, match="Sequential"):
        one.save(tmp_path / "m.keras")


def test_loading_keeps_dropout_off_at_evaluation(tmp_path):
    model = trained()
    model.save(tmp_path / "m.keras")
    again = nn.load_model(tmp_path / "m.keras", compile=False)
    assert again.recipe is None
    np.testing.assert_array_equal(again(X).data, again(X).data)


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "f"
    write_whole(path, b"old")

    def fail(*a):
        raise OSError("the disk is full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="full"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_keeps_its_permissions_and_a_link_its_target(tmp_path):
    target, link = tmp_path / "f", tmp_path / "link"
    target.write_bytes(b"old")
    target.chmod(0o640)
    link.symlink_to(target)
    write_whole(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert target.stat().st_mode & 0o777 == 0o640


def rewritten(path, change):
    """Rewrite the configuration of a .keras file."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(parts["config.json"])
    change(config)
    parts["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def layer_of(config, number):
    return config["config"]["layers"][number]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda c: layer_of(c, 1).update(class_name="Lambda"), "Lambda"),
        (lambda c: layer_of(c, 1)["config"].update(activation="os.system"), "os.system"),
        (lambda c: layer_of(c, 1).update(registered_name="my>Thing"), "registered by a program"),
        (lambda c: layer_of(c, 1)["config"].update(units=-3), "units"),
        (lambda c: layer_of(c, 1)["config"].update(units=9), "shape"),
        (lambda c: layer_of(c, 1)["config"].update(surprise=1), "surprise"),
        (lambda c: layer_of(c, 2)["config"].update(renorm=True), "renorm"),
        (lambda c: c.update(class_name="MyModel"), "MyModel"),
        (lambda c: c.pop("config"), "KeyError"),
        (lambda c: c["compile_config"].update(loss="exec"), "known loss"),
    ],
)
def test_a_file_can_name_nothing_that_is_not_known(tmp_path, change, why):
    path = tmp_path / "m.keras"
    trained().save(path)
    rewritten(path, change)
    with pytest.raises(ChainruleError, match=why):
        nn.load_model(path)


@pytest.mark.parametrize("ending", [".keras", ".weights.h5", ".safetensors"])
def test_truncated_files_are_refused(tmp_path, ending):
    model = trained()
    path = tmp_path / f"m{ending}"
    (model.save if ending == ".keras" else model.save_weights)(path)
    content = path.read_bytes()
    before = model.get_weights()
    for length in (0, 7, 100, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(DataError):
            nn.load_model(path) if ending == ".keras" else model.load_weights(path)
        assert_same(before, model.get_weights())


@pytest.mark.parametrize("ending", [".keras", ".weights.h5", ".safetensors"])
def test_a_flipped_bit_is_found_or_harmless(tmp_path, ending):
    model = trained()
    expected = model.get_weights()
    path = tmp_path / f"m{ending}"
    (model.save if ending == ".keras" else model.save_weights)(path)
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    found = 0
    for position in rng.integers(0, len(content), 60):
        flipped = bytearray(content)
        flipped[position] ^= 1 << int(rng.integers(8))
        path.write_bytes(flipped)
        other = trained()
        untouched = other.get_weights()
        try:
            if ending == ".keras":
                loaded = nn.load_model(path).get_weights()
            else:
                other.load_weights(path)
                loaded = other.get_weights()
        except ChainruleError:
            found += 1
            assert_same(untouched, other.get_weights())
        else:
            # padding and unused parts of the container hold nothing
            for a, b in zip(expected, loaded, strict=True):
                np.testing.assert_array_equal(a, b)
    assert found


def test_oversized_headers_are_refused(tmp_path):
    path = tmp_path / "m.safetensors"
    model = trained()
    model.save_weights(path)
    content = path.read_bytes()
    path.write_bytes((1 << 60).to_bytes(8, "little") + content[8:])
    with pytest.raises(DataError, match="header"):
        model.load_weights(path)
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", b" " * (1 << 25))
        archive.writestr("model.weights.h5", b"")
    (tmp_path / "bomb.keras").write_bytes(bomb.getvalue())
    with pytest.raises(DataError, match="no larger than its file can hold"):
        nn.load_model(tmp_path / "bomb.keras")


def test_links_out_of_a_file_are_not_followed(tmp_path):
    model = trained()
    secret, path = tmp_path / "secret.weights.h5", tmp_path / "w.weights.h5"
    model.save_weights(secret)
    model.save_weights(path)
    with h5py.File(path, "r+") as file:
        del file["layers/dense/vars/0"]
        file["layers/dense/vars/0"] = h5py.ExternalLink(str(secret), "layers/dense/vars/0")
    with pytest.raises(DataError, match="link"):
        model.load_weights(path)


def test_other_shapes_are_named(tmp_path):
    path = tmp_path / "w.weights.h5"
    trained().save_weights(path)
    other = nn.Sequential([nn.Input((4,)), nn.Dense(9)])
    before = other.get_weights()
    with pytest.raises(ShapeError, match=r"shape \(4, 9\) for Tensor 'dense/kernel'"):
        other.load_weights(path)
    assert_same(before, other.get_weights())


def test_what_cannot_be_saved_is_said(tmp_path):
    model = nn.Sequential([nn.Dense(2)])
    for save in (model.save, model.save_weights):
        with pytest.raises(ArgumentError, match="build"):
            save(tmp_path / "m.h5")
    model.build((None, 3))
    with pytest.raises(ArgumentError, match="build"):
        nn.Sequential([nn.Dense(2)]).load_weights(_saved(model, tmp_path))
    with pytest.raises(ArgumentError, match=r"\.keras"):
        model.save(tmp_path / "m.pickle")
    with pytest.raises(ArgumentError, match=r"\.safetensors"):
        model.save_weights(tmp_path / "m.npz")
    odd = nn.Sequential([nn.Input((3,)), nn.Dense(2, activation=lambda x: x)])
    with pytest.raises(ArgumentError, match="activation"):
        odd.save(tmp_path / "odd.keras")
    model.compile("sgd", lambda t, p: p)
    with pytest.raises(ArgumentError, match="loss"):
        model.save(tmp_path / "m.keras")


def _saved(model, folder):
    model.save_weights(folder / "w.weights.h5")
    return folder / "w.weights.h5"


def test_a_backup_of_another_version_is_named(tmp_path):
    path = tmp_path / "b.npz"
    tree = json.dumps({"version": 1, "data": {}}).encode()
    np.savez(path, tree=np.frombuffer(tree, np.uint8))
    before = path.read_bytes()
    with pytest.raises(DataError, match="of version 2; got version 1; try removing it"):
        backup.read(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("ending", [".keras", ".h5", ".weights.h5", ".safetensors"])
def test_damage_leaves_the_model_and_the_file_as_they_are(tmp_path, ending):
    path = tmp_path / f"m{ending}"
    whole = ending in (".keras", ".h5")
    (trained().save if whole else trained().save_weights)(path)
    content = path.read_bytes()
    other = nn.Sequential([nn.Input((4,)), nn.Dense(9)], seed=0)
    before = other.get_weights()
    for damaged in (content[:50], content[: len(content) // 2], b"", b"\xff" * 1000, content):
        path.write_bytes(damaged)
        if whole and damaged is content:
            continue  # a whole model has its own shapes
        with pytest.raises(ChainruleError):
            nn.load_model(path) if whole else other.load_weights(path)
        assert path.read_bytes() == damaged
        assert_same(before, other.get_weights())
