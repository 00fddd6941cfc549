"""Gradients with known verdicts: deliberately wrong ones, and right ones at awkward places.

Each entry is a function of one array or number, its gradient as somebody might have written it, and
the point. The tests ask `gradcheck` for its verdicts, the benchmark asks the checkers of peers too.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Entry(NamedTuple):
    """A function, a gradient written for it, and where to compare them."""

    name: str
    f: Callable[[Any], Any]
    gradient: Callable[[Any], Any]
    x: Any


rng = np.random.default_rng(7)
A = rng.normal(size=(4, 4))
B = rng.normal(size=(4, 3))
V = rng.normal(size=6)
W = np.linspace(0.5, 2.0, 6)
M = rng.normal(size=(4, 4))
K = rng.normal(size=(5, 3))
ROWS = rng.normal(size=(5, 4))
LABELS = np.array([0, 2, 1, 1, 0])
LARGE = rng.normal(size=10_000)
SIZES = np.array([1e-12, 1.0, 1e12])
RISING = np.arange(1, 10_001) / 10_000


def softmax(z: Any) -> Any:
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def quadratic(x: Any) -> Any:
    return np.sum(W * x * x)


def quadratic_gradient(x: Any) -> Any:
    return 2 * W * x


def product(x: Any) -> Any:
    return np.sum((A @ x) * M)


def product_gradient(x: Any) -> Any:
    return A.T @ M


def crossentropy(w: Any) -> Any:
    p = softmax(ROWS @ w)
    return -np.mean(np.log(p[np.arange(5), LABELS]))


def crossentropy_gradient(w: Any) -> Any:
    p = softmax(ROWS @ w)
    p[np.arange(5), LABELS] -= 1
    return ROWS.T @ p / 5


def bias(b: Any) -> Any:
    return np.sum(np.tanh(K + b) ** 2)


def bias_terms(b: Any) -> Any:
    y = np.tanh(K + b)
    return 2 * y * (1 - y * y)


def bias_gradient(b: Any) -> Any:
    return bias_terms(b).sum(axis=0)


def large(x: Any) -> Any:
    return np.sum(np.sin(x) * RISING)


def large_gradient(x: Any) -> Any:
    return np.cos(x) * RISING


def changed(gradient: Callable[[Any], Any], index: Any, factor: float) -> Callable[[Any], Any]:
    """Return a gradient that is wrong at one entry only."""

    def wrong(x: Any) -> Any:
        g = np.array(gradient(x), float)
        g[index] *= factor
        return g

    return wrong


def times(gradient: Callable[[Any], Any], factor: float) -> Callable[[Any], Any]:
    return lambda x: factor * gradient(x)


def stale(gradient: Callable[[Any], Any], old: Any) -> Callable[[Any], Any]:
    """Return a gradient that uses a value saved earlier."""
    return lambda x: gradient(old)


vector, square, weights, offset = V.copy(), M.copy(), B.copy(), np.array([0.1, -0.2, 0.3])

WRONG: list[Entry] = []
for name, f, g, x in (
    ("quadratic", quadratic, quadratic_gradient, vector),
    ("matrix product", product, product_gradient, square),
    ("crossentropy", crossentropy, crossentropy_gradient, weights),
    ("bias", bias, bias_gradient, offset),
    ("10,000 sines", large, large_gradient, LARGE),
):
    some = (x.size // 2,) if x.ndim == 1 else (1, 1)
    WRONG += [
        Entry(f"{name}: sign", f, times(g, -1.0), x),
        Entry(f"{name}: twice", f, times(g, 2.0), x),
        Entry(f"{name}: half", f, times(g, 0.5), x),
        Entry(f"{name}: 1.0001", f, times(g, 1.0001), x),
        Entry(f"{name}: zero", f, times(g, 0.0), x),
        Entry(f"{name}: one entry by 1e-4", f, changed(g, some, 1.0001), x),
        Entry(f"{name}: one entry by 1e-6", f, changed(g, some, 1 + 1e-6), x),
        Entry(f"{name}: one sign", f, changed(g, some, -1.0), x),
    ]
    if np.ndim(x) < 2:
        WRONG.append(Entry(f"{name}: reversed", f, lambda x, g=g: g(x)[::-1], x))
        WRONG.append(Entry(f"{name}: stale value", f, stale(g, x * 1.01), x))
WRONG += [
    Entry("10,000: entry 7777 by 1e-4", large, changed(large_gradient, 7777, 1.0001), LARGE),
    Entry("10,000: entry 7777 by 1e-6", large, changed(large_gradient, 7777, 1 + 1e-6), LARGE),
    # at some of these the error times a step is as large as the bend over it
    *(
        Entry(f"tanh plus 100 at {x0}, by 1e-6", lambda x: 100 + np.tanh(x),
              lambda x: 1 - np.tanh(x) ** 2 + 1e-6, x0)
        for x0 in (-1.1, -1.0, -0.4, -0.2, 0.7)
    ),
    Entry("10,000: the smallest entry", large, changed(large_gradient, 0, 3.0), LARGE),
    Entry("10,000: two errors that cancel", large,
          lambda x: large_gradient(x) + 1e-3 * (np.arange(10_000) == 5)
          - 1e-3 * (np.arange(10_000) == 6), LARGE),
    Entry("10,000: constant offset", large, lambda x: large_gradient(x) + 1e-5, LARGE),
    Entry("transposed", product, lambda x: product_gradient(x).T, square),
    Entry("A instead of its transpose", product, lambda x: A @ M, square),
    Entry("transposed gradient of a quadratic form", lambda x: np.sum(x * (A @ x)),
          lambda x: 2 * A @ x, square),
    Entry("sum over the wrong axis", lambda b: np.sum(np.tanh(A + b) ** 2),
          lambda b: (2 * np.tanh(A + b) * (1 - np.tanh(A + b) ** 2)).sum(axis=1), V[:4]),
    Entry("missing broadcast sum: first row", bias, lambda b: bias_terms(b)[0], offset),
    Entry("mean instead of sum", bias, lambda b: bias_terms(b).mean(axis=0), offset),
    Entry("batch size forgotten", crossentropy, lambda w: 5 * crossentropy_gradient(w), weights),
    Entry("softmax without its label", crossentropy,
          lambda w: ROWS.T @ softmax(ROWS @ w) / 5, weights),
    Entry("one of two uses", lambda x: np.sum(x * np.sin(x)), np.sin, vector),
    Entry("sigmoid of the output", lambda x: np.sum(sigmoid(x)), lambda x: x * (1 - x), vector),
    Entry("tanh without its square", lambda x: np.sum(np.tanh(x)), lambda x: 1 - np.tanh(x),
          vector),
    Entry("relu that lets everything pass", lambda x: np.sum(np.maximum(x, 0)), np.ones_like,
          np.array([1.0, -1.0, 2.0])),
    Entry("leaky where it is not", lambda x: np.sum(np.maximum(x, 0)),
          lambda x: np.where(x > 0, 1.0, 0.01), np.array([1.0, -1.0, 2.0])),
    Entry("wrong only for negative inputs", lambda x: np.sum(np.abs(x) ** 3),
          lambda x: 3 * x * x, np.array([1.0, 2.0, -1.5])),
    Entry("wrong only for large inputs", lambda x: np.sum(np.log1p(np.exp(x))),
          lambda x: np.where(x > 5, 1.0, sigmoid(x)), np.array([0.0, 1.0, 6.0])),
    Entry("degrees for radians", lambda x: np.sum(np.sin(x)),
          lambda x: np.cos(x) * np.pi / 180, vector),
    Entry("natural for binary logarithm", lambda x: np.sum(np.log2(x)), lambda x: 1 / x, W),
    Entry("the derivative of the reciprocal without its sign", lambda x: np.sum(1 / x),
          lambda x: 1 / x**2, W),
    Entry("slope times value", lambda x: np.sum(np.exp(2 * x)), lambda x: np.exp(2 * x), vector),
    Entry("power rule off by one", lambda x: np.sum(x**4), lambda x: 4 * x**4, W),
    Entry("norm without its root", lambda x: np.sqrt(np.sum(x * x)), lambda x: x, vector),
    Entry("maximum to the wrong entry", np.max, lambda x: 1.0 * (np.arange(6) == np.argmin(x)),
          vector),
    Entry("cumulative sum from the wrong end", lambda x: np.sum(np.cumsum(x) * W),
          lambda x: np.cumsum(W), vector),
    Entry("off by a tiny constant at a root", lambda x: np.sum(x * x), lambda x: 2 * x + 1e-6,
          np.zeros(3)),
    Entry("abs beyond every slope", lambda x: np.sum(np.abs(x)), lambda x: np.full(2, 5.0),
          np.zeros(2)),
    Entry("huge scale", lambda x: 1e200 * np.sum(x * x), lambda x: 2.02e200 * x, V),
    Entry("tiny scale", lambda x: 1e-200 * np.sum(x * x), lambda x: 2.02e-200 * x, V),
    Entry("nan", quadratic, lambda x: np.full(6, np.nan), vector),
    Entry("one nan", quadratic, changed(quadratic_gradient, 3, np.nan), vector),
    Entry("infinite", quadratic, lambda x: np.full(6, np.inf), vector),
    Entry("float32 by one percent", lambda x: float(np.sum(np.sin(x.astype(np.float32)))),
          lambda x: 1.01 * np.cos(x), vector),
]  # fmt: skip


def rounded(x: Any) -> Any:
    """Return x as a function that is computed with six digits."""
    return np.round(x, 6)


def noisy(x: Any) -> Any:
    """Return a sine with noise of 1e-9 that is the same at every call."""
    return np.sin(x) + 1e-9 * np.sin(1e12 * x)


ONE = np.array([0.3, -1.2, 2.5])
ZERO = np.zeros(3)
AWKWARD: list[Entry] = [
    Entry("relu at 0", lambda x: np.sum(np.maximum(x, 0)), lambda x: 1.0 * (x > 0), ZERO),
    Entry("relu at 0, the other convention", lambda x: np.sum(np.maximum(x, 0)),
          lambda x: 1.0 * (x >= 0), ZERO),
    Entry("relu a hair from 0", lambda x: np.sum(np.maximum(x, 0)), lambda x: 1.0 * (x > 0),
          np.array([1e-7, -1e-7, 1e-3])),
    Entry("abs at 0", lambda x: np.sum(np.abs(x)), np.sign, ZERO),
    Entry("abs of a difference, tied", lambda x: abs(x[0] - x[1]),
          lambda x: np.sign(x[0] - x[1]) * np.array([1.0, -1.0]), np.array([2.0, 2.0])),
    Entry("max of ties, shared", np.max, lambda x: (x == x.max()) / np.sum(x == x.max()),
          np.array([1.0, 1.0, 0.0])),
    Entry("max of ties, to the first", np.max, lambda x: 1.0 * (np.arange(3) == np.argmax(x)),
          np.array([1.0, 1.0, 0.0])),
    Entry("median of two", np.median, lambda x: np.array([0.5, 0.5]), np.array([1.0, 1.0])),
    Entry("sort with ties", lambda x: np.sum(np.sort(x) * [1, 2, 3]),
          lambda x: np.array([1.5, 1.5, 3.0]), np.array([1.0, 1.0, 2.0])),
    Entry("clip at its bound", lambda x: np.sum(np.clip(x, -1, 1)),
          lambda x: 1.0 * (np.abs(x) <= 1), np.array([1.0, -1.0, 0.5])),
    Entry("hinge at its corner", lambda x: np.sum(np.maximum(0, 1 - x)),
          lambda x: np.where(x < 1, -1.0, 0.0), np.array([1.0, 0.0, 2.0])),
    Entry("huber at its seam", lambda x: np.sum(np.where(abs(x) < 1, x * x / 2, abs(x) - 0.5)),
          lambda x: np.clip(x, -1, 1), np.array([1.0, -1.0, 0.2])),
    Entry("norm at 0", lambda x: np.sqrt(np.sum(x * x)), np.zeros_like, ZERO),
    Entry("square root at 0", lambda x: np.sum(np.sqrt(np.abs(x))), np.zeros_like, ZERO),
    Entry("cube root at 0", lambda x: np.sum(np.cbrt(x)), np.zeros_like, ZERO),
    Entry("x |x| at 0", lambda x: np.sum(x * np.abs(x)), lambda x: 2 * np.abs(x), ZERO),
    Entry("x squared at 0", lambda x: np.sum(x * x), lambda x: 2 * x, ZERO),
    Entry("x to the tenth at 0", lambda x: np.sum(x**10), lambda x: 10 * x**9, ZERO),
    Entry("a flat exponential", lambda x: np.sum(np.exp(-1 / (x * x + 1e-9))),
          np.zeros_like, ZERO),
    Entry("step beside its jump", lambda x: np.sum(np.floor(x)), np.zeros_like, ONE),
    Entry("step at its jump", lambda x: np.sum(np.floor(x)), np.zeros_like, np.ones(3)),
    Entry("slope and step at a jump", lambda x: np.sum(np.floor(x) + x), np.ones_like,
          np.ones(3)),
    Entry("jump a hair away", lambda x: np.sum(np.where(x > 1, x + 10, x)), np.ones_like,
          np.array([1 - 1e-9, 1 + 1e-5, 1.001])),
    Entry("staircase of six digits", lambda x: np.sum(rounded(x)), np.ones_like, ONE),
    Entry("saturated sigmoid", lambda x: np.sum(sigmoid(x)),
          lambda x: sigmoid(x) * sigmoid(-x), np.array([40.0, -40.0, 0.0])),
    Entry("saturated tanh", lambda x: np.sum(np.tanh(x)),
          lambda x: 1 / np.cosh(x) ** 2, np.array([30.0, -30.0, 0.1])),
    Entry("cancellation of 1e10", lambda x: np.sum((1e10 + x) - 1e10), np.ones_like, ONE),
    Entry("a small slope on a large value", lambda x: 1e8 + 1e-6 * np.sum(np.sin(x)),
          lambda x: 1e-6 * np.cos(x), ONE),
    Entry("a slope below the last digit", lambda x: float(1e16 + 1e-9 * np.sum(abs(x))),
          lambda x: 1e-9 * np.sign(x), ONE),
    Entry("1 - cos near 0", lambda x: np.sum(1 - np.cos(x)), np.sin, np.full(3, 1e-6)),
    Entry("huge argument", lambda x: np.sum(x**3), lambda x: 3 * x * x, ONE * 1e90),
    Entry("tiny argument", lambda x: np.sum(np.sin(x)), np.cos, ONE * 1e-200),
    Entry("mixed sizes", lambda x: np.sum(x * x), lambda x: 2 * x, np.array([1e8, 1.0, 1e-8])),
    Entry("huge slope", lambda x: np.sum(np.exp(200 * x)), lambda x: 200 * np.exp(200 * x), ONE),
    Entry("overflow beside the point", lambda x: np.sum(np.exp(x)), np.exp,
          np.array([709.7, 1.0, 2.0])),
    Entry("the edge of a domain", lambda x: np.sum(np.log(x)), lambda x: 1 / x,
          np.array([1e-12, 1.0, 1e12])),
    Entry("arcsin near 1", lambda x: np.sum(np.arcsin(x)), lambda x: 1 / np.sqrt(1 - x * x),
          np.array([1 - 1e-9, -1 + 1e-6, 0.0])),
    Entry("fast oscillation", lambda x: np.sum(np.sin(1e5 * x)), lambda x: 1e5 * np.cos(1e5 * x),
          ONE),
    Entry("an oscillation that looks like noise", lambda x: np.sum(np.sin(1e7 * x)),
          lambda x: 1e7 * np.cos(1e7 * x), np.full(1, 0.3)),
    Entry("oscillations of all sizes", lambda x: np.sum(np.sin(x / SIZES)),
          lambda x: np.cos(x / SIZES) / SIZES, SIZES),
    Entry("float32 inside", lambda x: float(np.sum(np.sin(x.astype(np.float32)))), np.cos, ONE),
    Entry("float16 inside", lambda x: float(np.sum(np.sin(x.astype(np.float16)))), np.cos, ONE),
    Entry("noise of 1e-9", lambda x: np.sum(noisy(x)), np.cos, ONE),
    Entry("an input without influence", lambda x: x[0] * 2.0, lambda x: np.array([2.0, 0.0, 0.0]),
          ONE),
    Entry("a constant", lambda x: 3.0, np.zeros_like, ONE),
    Entry("a network of relus", lambda x: np.sum(np.maximum(np.outer(V, x), 0)),
          lambda x: (V[:, None] * (np.outer(V, x) > 0)).sum(axis=0), ONE),
    Entry("10,000 relus", lambda x: np.sum(np.maximum(x, 0) * RISING),
          lambda x: (x > 0) * RISING, LARGE),
    Entry("10,000 sines", large, large_gradient, LARGE),
    Entry("10,000 numbers of all sizes", lambda x: np.sum(x * x), lambda x: 2 * x,
          LARGE * 10.0 ** np.linspace(-8, 8, 10_000)),
]  # fmt: skip
