"""Every name stands where a Keras user looks for it: in its submodule, and at `nn.` too."""

import pickle
import random

import numpy as np
import pytest

import nn

APART = {
    # the resolvers are one a submodule
    "get",
    # parts of the machinery
    "REGISTRY",
    "EPSILON",
    "CallbackList",
    "class_index",
    "reduce",
    "schedules",
}


@pytest.mark.parametrize(
    "module",
    [
        nn.callbacks,
        nn.layers,
        nn.losses,
        nn.metrics,
        nn.models,
        nn.optimizers,
        nn.utils,
    ],
    ids=lambda m: m.__name__,
)
def test_everything_is_at_the_top_too(module):
    for name in set(module.__all__) - APART:
        top = getattr(nn, name)
        assert name in nn.__all__
        if top is not getattr(module, name):
            # a loss of the same name comes first, and serves as a metric as well
            assert module is nn.metrics
            assert top is getattr(nn.losses, name)
            y = [0] if name.startswith("Sparse") else [[1.0, 0.0]]
            twin = nn.metrics.get(top())
            sign = -1 if name == "CosineSimilarity" else 1  # Keras' loss falls as the metric grows
            assert twin(y, [[0.5, 0.5]]) == sign * getattr(module, name)()(y, [[0.5, 0.5]])


@pytest.mark.parametrize(
    "registry",
    [
        nn.activations.REGISTRY,
        nn.constraints.REGISTRY,
        nn.initializers.REGISTRY,
        nn.layers.layer.REGISTRY,
        nn.losses.REGISTRY,
        nn.optimizers.optimizer.REGISTRY,
        nn.optimizers.schedules.REGISTRY,
        nn.regularizers.REGISTRY,
    ],
    ids=lambda r: r.kind,
)
def test_what_a_file_may_name_is_at_the_top(registry):
    for entry in registry.entries.values():
        assert getattr(nn, entry.__name__) is entry


def test_the_small_names_of_keras():
    assert nn.regularizers.l2(0.1).l2 == nn.L2(0.1).l2
    assert nn.regularizers.l1_l2(0.1, 0.2).get_config() == {"l1": 0.1, "l2": 0.2}
    assert nn.initializers.he_normal is nn.HeNormal
    assert nn.constraints.max_norm is nn.MaxNorm
    assert nn.Dense(2, activation=nn.relu).activation is nn.activations.relu


def test_habits_of_keras_users_that_are_no_layer_or_loss():
    x = np.arange(6.0).reshape(3, 2)
    assert nn.saving.load_model is nn.load_model
    assert nn.saving.save_model is nn.save_model
    with pytest.raises(AttributeError, match="lode_model"):
        nn.saving.lode_model  # noqa: B018 - the look-up is what is tested
    model = nn.MLP([2, 1], seed=0)
    model.compile("sgd", "mse")
    assert model.history is None
    assert model.fit(x, x[:, 0], epochs=2, verbose=0) is model.history
    assert len(pickle.loads(pickle.dumps(model)).history.history["loss"]) == 2
    before = np.random.get_state(), random.getstate()
    drawn = []
    for _ in range(2):
        nn.utils.set_random_seed(4)
        drawn.append((np.random.random(), random.random(), nn.random.generator().random()))
    np.random.set_state(before[0])
    random.setstate(before[1])
    assert drawn[0] == drawn[1]
