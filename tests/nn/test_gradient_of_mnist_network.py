"""Backpropagation of a 784-50-10 network against central differences of its loss, every entry."""

import numpy as np
import pytest

import autograd as ag
import nn

H = 1e-4
LIMITS = {"W1": 4.4e-10, "b1": 2.5e-9, "W2": 5.5e-9, "b2": 1.4e-7}
"""The average absolute differences that the source document reports."""


def images():
    if nn.datasets.mnist.available():
        (x, y), _ = nn.datasets.mnist.load_data()
        return x[:3].reshape(3, 784) / 255, y[:3]
    (x, y), _ = nn.datasets.digits.load_data()
    padded = np.zeros((3, 784))
    padded[:, :64] = x[:3].reshape(3, 64) / 16
    return padded, y[:3]


def losses_of(scores, labels):
    """Return the crossentropy of rows of scores, plainly, for any leading axes."""
    shifted = scores - scores.max(axis=-1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return -np.take_along_axis(log_p, labels[..., None], axis=-1)[..., 0].mean(axis=-1)


def test_average_differences_are_within_the_documents():
    x, labels = images()
    model = nn.MLP([784, 50, 10], "sigmoid", "softmax", seed=0, dtype="float64")
    rng = np.random.default_rng(0)
    # the document's initial values: 0.01 times a unit normal, and zero biases
    w1, w2 = (0.01 * rng.normal(size=size) for size in ((784, 50), (50, 10)))
    model.set_weights([w1, np.zeros(50), w2, np.zeros(10)])
    W1, b1, W2, b2 = model.get_weights()
    loss = nn.losses.sparse_categorical_crossentropy(labels, model(x))
    exact = dict(zip(LIMITS, ag.gradients(loss, model.parameters()), strict=True))

    def of_hidden(z):
        """Return losses for pre-activations of shape (..., 3, 50)."""
        return losses_of(1 / (1 + np.exp(-z)) @ W2 + b2, np.broadcast_to(labels, z.shape[:-1]))

    def of_scores(scores):
        return losses_of(scores, np.broadcast_to(labels, scores.shape[:-1]))

    z = x @ W1 + b1
    hidden = 1 / (1 + np.exp(-z))
    scores = hidden @ W2 + b2
    assert loss.item() == pytest.approx(float(of_scores(scores)), rel=1e-14)

    # moving one weight moves one column: all of a row of weights are moved at once, on an axis
    def difference(f, base, moves):
        return (f(base + H * moves) - f(base - H * moves)) / (2 * H)

    numeric = {
        "b1": difference(of_hidden, z, np.eye(50)[:, None, :]),
        "b2": difference(of_scores, scores, np.eye(10)[:, None, :]),
        "W1": np.stack(
            [difference(of_hidden, z, x[:, i, None] * np.eye(50)[:, None, :]) for i in range(784)]
        ),
        "W2": np.stack(
            [
                difference(of_scores, scores, hidden[:, i, None] * np.eye(10)[:, None, :])
                for i in range(50)
            ]
        ),
    }
    for name, limit in LIMITS.items():
        assert numeric[name].shape == exact[name].shape
        average = np.abs(numeric[name] - exact[name]).mean()
        assert average <= limit, (name, average)
