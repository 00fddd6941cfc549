"""A network 784-50-10 in plain NumPy, forward and backward by hand, against the engine.

The classes below are the layers of the documents: Relu, Sigmoid, Affine, SoftmaxWithLoss.

Run `python -m examples.by_hand`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd as ag
import nn
from autograd import Tensor
from examples.mnist import load


class Relu:
    """max(x, 0)."""

    def forward(self, x: Any) -> Any:
        """Remember where x was positive."""
        self.mask = x > 0
        return x * self.mask

    def backward(self, dout: Any) -> Any:
        """Let through what came from there."""
        return dout * self.mask


class Sigmoid:
    """1 / (1 + exp(-x))."""

    def forward(self, x: Any) -> Any:
        """Remember the output."""
        self.out = 1 / (1 + np.exp(-x))
        return self.out

    def backward(self, dout: Any) -> Any:
        """Multiply by y (1 - y)."""
        return dout * self.out * (1 - self.out)


class Affine:
    """x W + b, for one example or a batch."""

    def __init__(self, W: Any, b: Any) -> None:
        self.W, self.b = W, b

    def forward(self, x: Any) -> Any:
        """Remember the input."""
        self.x = np.atleast_2d(x)
        return x @ self.W + self.b

    def backward(self, dout: Any) -> Any:
        """Gradients of W and b are sums over the batch: over rows, not over everything."""
        dout = np.atleast_2d(dout)
        self.dW = self.x.T @ dout
        self.db = dout.sum(axis=0)
        return dout @ self.W.T


class SoftmaxWithLoss:
    """The crossentropy of a softmax, whose gradient is y - t."""

    def forward(self, x: Any, t: Any) -> Any:
        """Return the mean loss for labels t."""
        e = np.exp(x - x.max(axis=1, keepdims=True))
        self.y = e / e.sum(axis=1, keepdims=True)
        self.t = t
        return -np.log(self.y[np.arange(len(t)), t]).mean()

    def backward(self) -> Any:
        """Return (y - t) / n."""
        d = self.y.copy()
        d[np.arange(len(d)), self.t] -= 1
        return d / len(d)


def main(arguments: list[str] | None = None) -> dict[str, float]:
    """Print and return the largest differences between the hand-made layers and the engine."""
    del arguments  # there is nothing to shorten
    name, x, t, _, _ = load()
    x, t = x[:100].astype(float), t[:100].astype(int)
    rng = np.random.default_rng(0)
    weights = [
        0.01 * rng.normal(size=(x.shape[1], 50)),
        np.zeros(50),
        0.01 * rng.normal(size=(50, 10)),
        np.zeros(10),
    ]
    found: dict[str, float] = {}
    print(f"data: {name}, {len(x)} images")

    for activation, layer in (("sigmoid", Sigmoid()), ("relu", Relu())):
        one, two, last = Affine(*weights[:2]), Affine(*weights[2:]), SoftmaxWithLoss()
        loss = last.forward(two.forward(layer.forward(one.forward(x))), t)
        one.backward(layer.backward(two.backward(last.backward())))
        model = nn.MLP([x.shape[1], 50, 10], activation, "softmax", dtype="float64")
        model.set_weights(weights)
        ours = nn.losses.sparse_categorical_crossentropy(t, model(x))
        ours.backward()
        pairs = zip((one.dW, one.db, two.dW, two.db), model.parameters(), strict=True)
        found[activation] = max(float(abs(a - p.grad).max()) for a, p in pairs)
        found["softmax rows"] = float(abs(last.y.sum(axis=1) - 1).max())
        print(
            f"{activation}: loss {loss:.6f} by hand, {ours.item():.6f} by the engine; "
            f"gradients differ by at most {found[activation]:.1e}"
        )

    # one example is a batch of one: the bias gets the sum over the batch axis alone
    single = Affine(weights[0], weights[1])
    single.forward(x[0])
    single.backward(np.ones(50))
    found["single"] = float(abs(single.db - 1).max())

    a, b = Tensor(2.0, name="x"), Tensor(3.0, name="y")
    z = (a + b) ** 2
    z.backward()
    found["dz/dx"] = a.grad
    print(f"z = (x + y)^2 at (2, 3): dz/dx = {a.grad}, 2 (x + y) = {2 * 5.0}")
    print(f"the same as a function: {ag.grad(lambda x, y: (x + y) ** 2)(2.0, 3.0)}")
    return found


if __name__ == "__main__":
    main()
