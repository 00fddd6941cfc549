"""The rules that the reference file lacks, against their formulas typed out step by step."""

import numpy as np
import pytest

import nn
from autograd import Tensor

G = np.random.default_rng(0).normal(size=(10, 3))


def run(optimizer):
    w = Tensor(np.array([1.0, -2.0, 0.5]))
    for g in G:
        optimizer.apply([g], [w])
    return w.data


def test_adamax():
    w, m, u = np.array([1.0, -2.0, 0.5]), np.zeros(3), np.zeros(3)
    for t, g in enumerate(G, 1):
        m = 0.9 * m + 0.1 * g
        u = np.maximum(0.999 * u, abs(g))
        w = w - 0.01 / (1 - 0.9**t) * m / (u + 1e-7)
    np.testing.assert_allclose(run(nn.Adamax(0.01)), w, rtol=1e-12)


def test_lion():
    w, m = np.array([1.0, -2.0, 0.5]), np.zeros(3)
    for g in G:
        w = w - 0.01 * np.sign(0.9 * m + 0.1 * g)
        m = 0.99 * m + 0.01 * g
    np.testing.assert_allclose(run(nn.Lion(0.01)), w, rtol=1e-12)


def test_nadam():
    def u(t):
        return 0.9 * (1 - 0.5 * 0.96**t)

    w, m, v, product = np.array([1.0, -2.0, 0.5]), np.zeros(3), np.zeros(3), 1.0
    for t, g in enumerate(G, 1):
        product *= u(t)
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g * g
        ahead = u(t + 1) * m / (1 - product * u(t + 1)) + (1 - u(t)) * g / (1 - product)
        w = w - 0.01 * ahead / (np.sqrt(v / (1 - 0.999**t)) + 1e-7)
    np.testing.assert_allclose(run(nn.Nadam(0.01)), w, rtol=1e-12)


@pytest.mark.parametrize("name", ["adamax", "lion", "nadam", "adamw", "rmsprop", "adagrad"])
def test_configuration_makes_an_equal_optimizer(name):
    optimizer = nn.optimizers.get(name)
    config = optimizer.get_config()
    assert type(optimizer).from_config(config).get_config() == config
