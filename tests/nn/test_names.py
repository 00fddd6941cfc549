"""Every name stands where a Keras user looks for it: in its submodule, and at `nn.` too."""

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
