"""A second catalogue, written after the checker by an author who knew how it decides.

The first one was at hand while the checker was made. These gradients are those of programs as
people write them, each with one mistake; and right ones where differences are hard to take.
"""

from typing import Any

import numpy as np
from gradient_catalogue import Entry, changed, times

rng = np.random.default_rng(2024)
X = rng.normal(size=(6, 4))
Y = rng.normal(size=6)
SIGNS = np.where(Y > 0, 1.0, -1.0)
S = X.T @ X + np.eye(4)
T = rng.normal(size=(4, 4))
IMAGE = rng.normal(size=(6, 6))
KERNEL = rng.normal(size=(3, 3))
IDS = np.array([0, 2, 2, 1, 0, 2])
TABLE = rng.normal(size=(3, 4))
Q = rng.normal(size=(3, 2))
P = np.array([0.2, 0.5, 0.3])
W4 = rng.normal(size=4)
TIMES = np.linspace(0, 1, 5)
LONG = rng.normal(size=10_000)
LONG_WEIGHTS = rng.normal(size=10_000)
MASK = np.array([1.0, 0.0, 1.0, 1.0, 0.0, 1.0])
THOUSAND = rng.normal(size=(40, 25))


def ridge(w: Any) -> Any:
    r = X @ w - Y
    return np.mean(r * r) + 0.1 * np.sum(w * w)


def ridge_gradient(w: Any) -> Any:
    return 2 * X.T @ (X @ w - Y) / 6 + 0.2 * w


def logistic(w: Any) -> Any:
    return np.sum(np.logaddexp(0, -SIGNS * (X @ w)))


def logistic_gradient(w: Any) -> Any:
    return -X.T @ (SIGNS / (1 + np.exp(SIGNS * (X @ w))))


def attention(q: Any) -> Any:
    e = np.exp(q @ Q.T / np.sqrt(2))
    return np.sum((e / e.sum(axis=1, keepdims=True)) @ Q * WEIGHT)


WEIGHT = rng.normal(size=(3, 2))


def attention_gradient(q: Any) -> Any:
    e = np.exp(q @ Q.T / np.sqrt(2))
    a = e / e.sum(axis=1, keepdims=True)
    da = WEIGHT @ Q.T
    ds = a * (da - np.sum(da * a, axis=1, keepdims=True))
    return ds @ Q / np.sqrt(2)


def layer_norm(x: Any) -> Any:
    centred = x - x.mean()
    return np.sum(W4 * centred / np.sqrt(np.mean(centred**2) + 1e-5))


def layer_norm_gradient(x: Any) -> Any:
    n = len(x)
    centred = x - x.mean()
    s = np.sqrt(np.mean(centred**2) + 1e-5)
    h = centred / s
    return (W4 - W4.mean() - h * np.sum(W4 * h) / n) / s


def convolution(k: Any) -> Any:
    out = np.array([[np.sum(IMAGE[i : i + 3, j : j + 3] * k) for j in range(4)] for i in range(4)])
    return np.sum(out * T) + np.sum(out**2) / 2


def convolution_gradient(k: Any) -> Any:
    out = np.array([[np.sum(IMAGE[i : i + 3, j : j + 3] * k) for j in range(4)] for i in range(4)])
    d = T + out
    return np.array([[np.sum(IMAGE[i : i + 4, j : j + 4] * d) for j in range(3)] for i in range(3)])


def embedding(table: Any) -> Any:
    return np.sum(np.tanh(table[IDS] * X))


def embedding_gradient(table: Any) -> Any:
    g = np.zeros_like(table)
    np.add.at(g, IDS, X * (1 - np.tanh(table[IDS] * X) ** 2))
    return g


def embedding_overwritten(table: Any) -> Any:
    g = np.zeros_like(table)
    g[IDS] = X * (1 - np.tanh(table[IDS] * X) ** 2)
    return g


def log_det(a: Any) -> Any:
    return np.linalg.slogdet(a)[1]


def recurrent(w: Any) -> Any:
    h = 0.0
    for t in TIMES:
        h = np.tanh(w[0] * h + w[1] * t + w[2])
    return h**2


def recurrent_gradient(w: Any, through_time: bool = True) -> Any:
    h, dh = 0.0, np.zeros(3)
    for t in TIMES:
        new = np.tanh(w[0] * h + w[1] * t + w[2])
        dh = (1 - new**2) * (np.array([h, t, 1.0]) + (w[0] * dh if through_time else 0))
        h = new
    return 2 * h * dh


def log_sum_exp(x: Any) -> Any:
    m = np.max(x)
    return m + np.log(np.sum(np.exp(x - m)))


def softmax(x: Any) -> Any:
    e = np.exp(x - np.max(x))
    return e / e.sum()


def cosine(x: Any) -> Any:
    return x @ W4 / np.sqrt(x @ x)


def cosine_gradient(x: Any) -> Any:
    n = np.sqrt(x @ x)
    return W4 / n - x * (x @ W4) / n**3


def running(x: Any) -> Any:
    return np.sum(np.cumprod(x))


def running_gradient(x: Any) -> Any:
    y = np.cumprod(x)
    return np.cumsum(y[::-1])[::-1] / x


def rosenbrock(x: Any) -> Any:
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def rosenbrock_gradient(x: Any) -> Any:
    g = np.zeros_like(x)
    d = x[1:] - x[:-1] ** 2
    g[:-1] += -400 * x[:-1] * d - 2 * (1 - x[:-1])
    g[1:] += 200 * d
    return g


def long(x: Any) -> Any:
    return np.sum(LONG_WEIGHTS * np.exp(-x * x))


def long_gradient(x: Any) -> Any:
    return -2 * x * LONG_WEIGHTS * np.exp(-x * x)


def dot(x: Any) -> Any:
    return np.sum(LONG_WEIGHTS * x)


def energy(x: Any) -> Any:
    """Return a coupled energy, where a value depends on its neighbours."""
    return np.sum(np.cos(x[1:] - x[:-1])) + np.sum(x**2) / 2


def energy_gradient(x: Any) -> Any:
    g = x.copy()
    s = np.sin(x[1:] - x[:-1])
    g[1:] -= s
    g[:-1] += s
    return g


def energy_one_sided(x: Any) -> Any:
    g = x.copy()
    g[:-1] += np.sin(x[1:] - x[:-1])
    return g


def matrix_energy(x: Any) -> Any:
    return np.sum(np.tanh(x @ x.T))


def matrix_energy_gradient(x: Any) -> Any:
    d = 1 - np.tanh(x @ x.T) ** 2
    return (d + d.T) @ x


def cached(gradient: Any) -> Any:
    """Return a gradient that remembers the first point that it was called at, moved a little."""
    memory: list[Any] = []

    def wrong(x: Any) -> Any:
        memory.append(x * 1.001)
        return gradient(memory[0])

    return wrong


def shifted(gradient: Any, index: Any, by: float) -> Any:
    def wrong(x: Any) -> Any:
        g = np.array(gradient(x), float)
        g[index] += by
        return g

    return wrong


w0, q0, k0 = rng.normal(size=4), rng.normal(size=(3, 2)), rng.normal(size=(3, 3))
r0 = np.array([0.5, -0.3, 0.8])
SMALLEST = int(np.argmin(np.abs(long_gradient(LONG))))
TINY = int(np.argsort(np.abs(long_gradient(LONG)))[100])

WRONG: list[Entry] = [
    Entry("ridge without its penalty", ridge, lambda w: 2 * X.T @ (X @ w - Y) / 6, w0),
    Entry("ridge with half its penalty", ridge, lambda w: ridge_gradient(w) - 0.1 * w, w0),
    Entry("ridge by n - 1", ridge, lambda w: 2 * X.T @ (X @ w - Y) / 5 + 0.2 * w, w0),
    Entry("ridge, residual reversed", ridge, lambda w: 2 * X.T @ (Y - X @ w) / 6 + 0.2 * w, w0),
    Entry("ridge, one entry by 1e-4", ridge, changed(ridge_gradient, 2, 1 + 1e-4), w0),
    Entry("ridge, one entry by 1e-6", ridge, changed(ridge_gradient, 0, 1 - 1e-6), w0),
    Entry("ridge, stale", ridge, cached(ridge_gradient), w0),
    Entry("logistic, sign", logistic, times(logistic_gradient, -1), w0),
    Entry("logistic, probability of the other class", logistic,
          lambda w: -X.T @ (SIGNS / (1 + np.exp(-SIGNS * (X @ w)))), w0),
    Entry("logistic, labels forgotten", logistic,
          lambda w: -X.T @ (1 / (1 + np.exp(SIGNS * (X @ w)))), w0),
    Entry("logistic, mean for sum", logistic, times(logistic_gradient, 1 / 6), w0),
    Entry("attention without its scale", attention, times(attention_gradient, np.sqrt(2)), q0),
    Entry("attention, softmax taken as a sigmoid", attention,
          lambda q: ((lambda a: a * (1 - a) * (WEIGHT @ Q.T))(
              np.exp(q @ Q.T / np.sqrt(2))
              / np.exp(q @ Q.T / np.sqrt(2)).sum(axis=1, keepdims=True))) @ Q / np.sqrt(2), q0),
    Entry("attention, one entry's sign", attention, changed(attention_gradient, (2, 1), -1.0), q0),
    Entry("layer norm, mean not differentiated", layer_norm,
          lambda x: layer_norm_gradient(x) + W4.mean() / np.std(x), w0),
    Entry("layer norm, deviation not differentiated", layer_norm,
          lambda x: (W4 - W4.mean()) / np.sqrt(np.var(x) + 1e-5), w0),
    Entry("layer norm, its epsilon forgotten", layer_norm,
          lambda x: layer_norm_gradient(x) * np.sqrt(np.var(x) + 1e-5) / np.std(x), w0),
    Entry("convolution, kernel flipped", convolution,
          lambda k: convolution_gradient(k)[::-1, ::-1], k0),
    Entry("convolution, transposed", convolution, lambda k: convolution_gradient(k).T, k0),
    Entry("convolution, the quadratic term missing", convolution,
          lambda k: convolution_gradient(0 * k), k0),
    Entry("embedding, repeated rows overwritten", embedding, embedding_overwritten, TABLE),
    Entry("embedding, averaged over uses", embedding,
          lambda t: embedding_gradient(t) / np.array([[2.0], [1.0], [3.0]]), TABLE),
    Entry("logarithm of a determinant, transposed inverse missing", log_det, np.linalg.inv,
          T + 2 * np.eye(4)),
    Entry("logarithm of a determinant, as the determinant", log_det,
          lambda a: np.linalg.det(a) * np.linalg.inv(a).T, S + T / 5),
    Entry("inverse without its sign", lambda a: np.sum(np.linalg.inv(a) * T),
          lambda a: np.linalg.inv(a).T @ T @ np.linalg.inv(a).T, S),
    Entry("recurrence not followed through time", recurrent,
          lambda w: recurrent_gradient(w, False), r0),
    Entry("recurrence, twice", recurrent, times(recurrent_gradient, 2), r0),
    Entry("log-sum-exp as a maximum", log_sum_exp, lambda x: 1.0 * (x == x.max()), w0),
    Entry("log-sum-exp, not normalised", log_sum_exp, lambda x: np.exp(x - x.max()), w0),
    Entry("entropy, the one forgotten", lambda p: -np.sum(p * np.log(p)), lambda p: -np.log(p), P),
    Entry("entropy, binary logarithm", lambda p: -np.sum(p * np.log(p)),
          lambda p: -np.log2(p) - 1, P),
    Entry("divergence, the other way round", lambda q: np.sum(P * np.log(P / q)), lambda q: P / q,
          np.array([0.3, 0.3, 0.4])),
    Entry("cosine, the norm not differentiated", cosine, lambda x: W4 / np.sqrt(x @ x), w0),
    Entry("cosine, the norm squared", cosine,
          lambda x: W4 / np.sqrt(x @ x) - x * (x @ W4) / (x @ x) ** 2, w0),
    Entry("running product, from the left", running,
          lambda x: np.cumsum(np.cumprod(x)) / x, w0),
    Entry("rosenbrock, inner term only", rosenbrock,
          lambda x: np.append(-400 * x[:-1] * (x[1:] - x[:-1] ** 2) - 2 * (1 - x[:-1]), 0.0), w0),
    Entry("rosenbrock, last entry by 1e-6", rosenbrock, changed(rosenbrock_gradient, 3, 1 + 1e-6),
          w0),
    Entry("rosenbrock at its minimum, an offset", rosenbrock,
          lambda x: rosenbrock_gradient(x) + 1e-4, np.ones(4)),
    Entry("energy, one neighbour only", energy, energy_one_sided, w0),
    Entry("energy, the neighbour's sign", energy, lambda x: 2 * x - energy_gradient(x), w0),
    Entry("matrix times its transpose, one use", matrix_energy,
          lambda x: (1 - np.tanh(x @ x.T) ** 2) @ x, q0),
    Entry("power with its logarithm forgotten", lambda x: np.sum(2.0**x), lambda x: 2.0**x, w0),
    Entry("x to the x, exponent only", lambda x: np.sum(x**x), lambda x: x**x * np.log(x), P),
    Entry("variance by n - 1", np.var, lambda x: 2 * (x - x.mean()) / (len(x) - 1), w0),
    Entry("standard deviation not divided by itself", np.std, lambda x: (x - x.mean()) / len(x),
          w0),
    Entry("quotient rule with a plus", lambda x: np.sum(np.sin(x) / (2 + x * x)),
          lambda x: (np.cos(x) * (2 + x * x) + 2 * x * np.sin(x)) / (2 + x * x) ** 2, w0),
    Entry("product rule with a minus", lambda x: np.sum(x * np.exp(x)),
          lambda x: np.exp(x) - x * np.exp(x), w0),
    Entry("inner derivative forgotten", lambda x: np.sum(np.sin(3 * x)), lambda x: np.cos(3 * x),
          w0),
    Entry("leaky relu, slope applied twice", lambda x: np.sum(np.where(x > 0, x, 0.1 * x)),
          lambda x: np.where(x > 0, 1.0, 0.01), w0),
    Entry("elu, one instead of its exponential",
          lambda x: np.sum(np.where(x > 0, x, np.expm1(np.minimum(x, 0)))), np.ones_like,
          np.array([1.0, -0.5, -2.0])),
    Entry("softplus saturating early", lambda x: np.sum(np.logaddexp(0, x)),
          lambda x: np.where(x > 3, 1.0, 1 / (1 + np.exp(-x))), np.array([0.1, 2.0, 10.0])),
    Entry("hinge, also where it is satisfied", lambda w: np.sum(np.maximum(0, 1 - SIGNS * (X @ w))),
          lambda w: -X.T @ SIGNS, w0),
    Entry("dropout mask forgotten", lambda x: np.sum((x * MASK) ** 2), lambda x: 2 * x, Y),
    Entry("dropout scale forgotten", lambda x: np.sum((x * MASK / 0.5) ** 2),
          lambda x: 4 * x * MASK, Y),
    Entry("maximum pooling spread evenly", lambda x: np.sum(x.reshape(3, 2).max(axis=1)),
          lambda x: np.full(6, 0.5), Y),
    Entry("median as a mean", np.median, lambda x: np.full(5, 0.2), Y[:5]),
    Entry("periodic, off by a period's slope", lambda x: np.sum(np.sin(2 * np.pi * x)),
          lambda x: np.cos(2 * np.pi * x), np.array([0.1, 1.1])),
    Entry("absolute value without its sign", lambda x: np.sum(np.abs(x)), np.ones_like,
          np.array([1e-3, -1e-3])),
    Entry("kink, larger than both slopes", lambda x: np.sum(np.maximum(x, 0.2 * x)),
          lambda x: np.full(2, 1.5), np.zeros(2)),
    Entry("kink, below both slopes", lambda x: np.sum(np.maximum(x, 0.2 * x)),
          lambda x: np.full(2, 0.1), np.zeros(2)),
    Entry("a scale of 1e-30", lambda x: 1e-30 * np.sum(x**3), lambda x: 3.0003e-30 * x**2, w0),
    Entry("a scale of 1e100", lambda x: 1e100 * np.sum(x**3), lambda x: 2.9997e100 * x**2, w0),
    Entry("a point of 1e6", lambda x: np.sum(np.sqrt(x)), lambda x: 0.5001 / np.sqrt(x),
          np.array([1e6, 3e6])),
    Entry("a point of 1e-6", lambda x: np.sum(np.log(x)), lambda x: 1.0001 / x,
          np.array([1e-6, 3e-6])),
    Entry("an offset of 1e6 to the value", lambda x: 1e6 + np.sum(np.sin(x)),
          lambda x: 1.01 * np.cos(x), w0),
    Entry("a small entry among large ones", lambda x: 1e5 * x[0] ** 2 + 1e-3 * np.sin(x[1]),
          lambda x: np.array([2e5 * x[0], 1.01e-3 * np.cos(x[1])]), np.array([1.0, 0.5])),
    Entry("a zero for a small entry", lambda x: x[0] ** 2 + 1e-4 * x[1],
          lambda x: np.array([2 * x[0], 0.0]), np.array([1.0, 0.5])),
    Entry("a small entry for a zero", lambda x: x[0] ** 2 + 0 * x[1],
          lambda x: np.array([2 * x[0], 1e-6]), np.array([1.0, 0.5])),
    Entry("noise of 1e-10, two percent", lambda x: np.sum(np.sin(x) + 1e-10 * np.sin(1e13 * x)),
          lambda x: 1.02 * np.cos(x), w0),
    Entry("a long list, sign", long, times(long_gradient, -1), LONG),
    Entry("a long list, one in ten thousand by 1e-4", long, changed(long_gradient, 4321, 1.0001),
          LONG),
    Entry("a long list, one in ten thousand by 1e-6", long,
          changed(long_gradient, 1234, 1 - 1e-6), LONG),
    Entry("a long list, a small entry by 1e-4", long, changed(long_gradient, TINY, 1.0001), LONG),
    Entry("a long list, a small entry by 1e-6", long, changed(long_gradient, TINY, 1 + 1e-6),
          LONG),
    Entry("a long list, the smallest entry doubled", long, changed(long_gradient, SMALLEST, 2.0),
          LONG),
    Entry("a long list, one off by 1e-6", long, shifted(long_gradient, 77, 1e-6), LONG),
    Entry("a long list, two off by 1e-6, opposite", long,
          shifted(shifted(long_gradient, 77, 1e-6), 78, -1e-6), LONG),
    Entry("a long list, all off by 1e-7", long, lambda x: long_gradient(x) + 1e-7, LONG),
    Entry("a long list, neighbours exchanged", long,
          lambda x: long_gradient(x).reshape(-1, 2)[:, ::-1].ravel(), LONG),
    Entry("a long linear function, one by 1e-6", dot,
          changed(lambda x: LONG_WEIGHTS, 5000, 1 + 1e-6), LONG),
    Entry("a long linear function, one entry zero", dot,
          changed(lambda x: LONG_WEIGHTS, 9999, 0.0), LONG),
    Entry("a matrix of a thousand, one column", matrix_energy,
          lambda x: matrix_energy_gradient(x) * np.where(np.arange(25) == 3, 1.001, 1.0), THOUSAND),
    Entry("a matrix of a thousand, one use", lambda x: np.sum(x @ x.T),
          lambda x: np.ones((40, 40)) @ x, THOUSAND),
    Entry("energy of ten thousand, one neighbour", energy, energy_one_sided, LONG),
    Entry("mean of ten thousand, as a sum", np.mean, np.ones_like, LONG),
    Entry("maximum of ten thousand, the second", np.max,
          lambda x: 1.0 * (np.arange(10_000) == np.argsort(x)[-2]), LONG),
]  # fmt: skip

RIGHT: list[Entry] = [
    Entry("ridge", ridge, ridge_gradient, w0),
    Entry("logistic", logistic, logistic_gradient, w0),
    Entry("attention", attention, attention_gradient, q0),
    Entry("layer norm", layer_norm, layer_norm_gradient, w0),
    Entry("convolution", convolution, convolution_gradient, k0),
    Entry("embedding", embedding, embedding_gradient, TABLE),
    Entry("logarithm of a determinant", log_det, lambda a: np.linalg.inv(a).T, S + T / 5),
    Entry("recurrence", recurrent, recurrent_gradient, r0),
    Entry("log-sum-exp", log_sum_exp, softmax, w0),
    Entry("cosine", cosine, cosine_gradient, w0),
    Entry("running product", running, running_gradient, w0),
    Entry("rosenbrock", rosenbrock, rosenbrock_gradient, w0),
    Entry("energy", energy, energy_gradient, w0),
    Entry("matrix energy", matrix_energy, matrix_energy_gradient, q0),
    Entry("a long list", long, long_gradient, LONG),
    Entry("a long linear function", dot, lambda x: LONG_WEIGHTS, LONG),
    Entry("a matrix of a thousand", matrix_energy, matrix_energy_gradient, THOUSAND),
    Entry("energy of ten thousand", energy, energy_gradient, LONG),
    Entry("mean of ten thousand", np.mean, lambda x: np.full_like(x, 1e-4), LONG),
]

AWKWARD: list[Entry] = [
    Entry("rosenbrock at its minimum", rosenbrock, rosenbrock_gradient, np.ones(4)),
    Entry("rosenbrock, far out", rosenbrock, rosenbrock_gradient, w0 * 1e4),
    Entry("layer norm of equal values", layer_norm, layer_norm_gradient, np.full(4, 2.0)),
    Entry("layer norm of nearly equal values", layer_norm, layer_norm_gradient,
          2 + 1e-7 * np.arange(4)),
    Entry("log-sum-exp of far apart values", log_sum_exp, softmax,
          np.array([1000.0, 0.0, -1000.0])),
    Entry("log-sum-exp of equal values", log_sum_exp, softmax, np.full(4, 7.0)),
    Entry("entropy near a corner", lambda p: -np.sum(p * np.log(p)), lambda p: -np.log(p) - 1,
          np.array([1e-15, 1 - 1e-15, 1e-3])),
    Entry("x log x at 1e-300", lambda p: np.sum(p * np.log(p)), lambda p: np.log(p) + 1,
          np.array([1e-300, 0.5])),
    Entry("logistic, separated by far", lambda w: np.sum(np.logaddexp(0, -SIGNS * (X @ w))),
          logistic_gradient, 200 * w0),
    Entry("maximum of nearly tied values", np.max, lambda x: 1.0 * (x == x.max()),
          np.array([1.0, 1.0 + 1e-13, 0.5])),
    Entry("maximum of values tied but for 1e-5", np.max, lambda x: 1.0 * (x == x.max()),
          np.array([1.0, 1.0 + 1e-5, 0.5])),
    Entry("minimum and maximum of ties", lambda x: np.max(x) - np.min(x), np.zeros_like,
          np.full(4, 3.0)),
    Entry("absolute deviation of ties", lambda x: np.sum(np.abs(x - np.mean(x))), np.zeros_like,
          np.full(4, 3.0)),
    Entry("lasso at a zero weight", lambda w: np.sum((X @ w - Y) ** 2) + 3 * np.sum(np.abs(w)),
          lambda w: 2 * X.T @ (X @ w - Y) + 3 * np.sign(w), np.array([0.5, 0.0, -1.0, 0.0])),
    Entry("relu of a hidden unit at zero", lambda x: np.sum(np.maximum(T @ x, 0)),
          lambda x: T.T @ (T @ x > 0), np.linalg.solve(T, np.array([0.0, 1.0, -1.0, 0.0]))),
    Entry("two kinks that cancel", lambda x: np.sum(np.abs(x) - np.abs(x)), np.zeros_like,
          np.zeros(3)),
    Entry("relu plus relu of the opposite, an absolute value",
          lambda x: np.sum(np.maximum(x, 0) - np.maximum(-x, 0)), np.ones_like, np.zeros(3)),
    Entry("a kink 1e-3 away", lambda x: np.sum(np.abs(x)), np.sign, np.array([1e-3, 1.0])),
    Entry("a kink 1e-12 away", lambda x: np.sum(np.abs(x - 1)), lambda x: np.sign(x - 1),
          np.array([1 + 1e-12, 1 - 1e-12])),
    Entry("many kinks", lambda x: np.sum(np.abs(np.sin(50 * x))),
          lambda x: 50 * np.cos(50 * x) * np.sign(np.sin(50 * x)), w0),
    Entry("triangle wave", lambda x: np.sum(np.abs(x - np.round(x))),
          lambda x: np.sign(x - np.round(x)), np.array([0.26, 10.49, -3.001])),
    Entry("sawtooth", lambda x: np.sum(x - np.floor(x)), np.ones_like,
          np.array([0.5, 0.999999, 1e-7])),
    Entry("sign", lambda x: np.sum(np.sign(x)), np.zeros_like, np.array([0.0, 1e-9, 1.0])),
    Entry("integer part times a slope", lambda x: np.sum(np.floor(10 * x) * x),
          lambda x: np.floor(10 * x), np.array([0.55, 0.5, 0.999])),
    Entry("a quantised network", lambda x: np.sum(np.round(T @ x * 16) / 16),
          np.zeros_like, w0),
    Entry("piecewise constant interpolation", lambda x: np.sum(Y[np.clip(x, 0, 5).astype(int)]),
          np.zeros_like, np.array([0.5, 2.0, 4.9999])),
    Entry("sorted then weighted", lambda x: np.sort(x) @ W4,
          lambda x: W4[np.argsort(np.argsort(x))], np.array([3.0, 1.0, 2.0, 2.0 + 1e-10])),
    Entry("a difference of large squares", lambda x: (x[0] ** 2 - x[1] ** 2),
          lambda x: np.array([2 * x[0], -2 * x[1]]), np.array([1e8, 1e8 + 1])),
    Entry("variance by two moments", lambda x: np.mean(x * x) - np.mean(x) ** 2,
          lambda x: 2 * (x - x.mean()) / 4, 1e7 + w0),
    Entry("expm1 written badly", lambda x: np.sum((np.exp(x) - 1) / x),
          lambda x: np.exp(x) / x - (np.exp(x) - 1) / x**2, np.array([1e-5, 1e-3])),
    Entry("log1p written badly", lambda x: np.sum(np.log(1 + x)), lambda x: 1 / (1 + x),
          np.array([1e-12, 1e-16, 1.0])),
    Entry("sinc at zero", lambda x: np.sum(np.sinc(x)), np.zeros_like, np.zeros(2)),
    Entry("a plateau with an edge", lambda x: np.sum(np.clip(x, 0.0, 1.0)),
          lambda x: 1.0 * ((x > 0) & (x < 1)), np.array([-1e-9, 0.5, 1 + 1e-9])),
    Entry("a plateau", lambda x: np.sum(np.maximum(x - 10, 0)), np.zeros_like, w0),
    Entry("hard sigmoid at its corners", lambda x: np.sum(np.clip(0.2 * x + 0.5, 0, 1)),
          lambda x: 0.2 * (np.abs(x) < 2.5), np.array([2.5, -2.5, 0.0])),
    Entry("underflowed exponential", lambda x: np.sum(np.exp(-x * x)),
          lambda x: -2 * x * np.exp(-x * x), np.array([30.0, 26.0, 1.0])),
    Entry("subnormal values", lambda x: 1e-310 * np.sum(x * x), lambda x: 2e-310 * x, w0),
    Entry("values near overflow", lambda x: np.sum(x**2), lambda x: 2 * x, np.full(2, 9e153)),
    Entry("slopes beyond 1e200", lambda x: np.sum(1 / x), lambda x: -1 / x**2, np.full(2, 1e-110)),
    Entry("a point of 1e300", lambda x: np.sum(np.log(x)), lambda x: 1 / x,
          np.array([1e300, 1e-300])),
    Entry("cosine of 1e8", lambda x: np.sum(np.cos(x)), lambda x: -np.sin(x),
          np.array([1e8, 1e15])),
    Entry("a product of many", lambda x: np.prod(x), lambda x: np.prod(x) / x,
          np.linspace(0.1, 20, 60)),
    Entry("a power of forty", lambda x: np.sum(x**40), lambda x: 40 * x**39,
          np.array([0.1, 1.0, 3.0])),
    Entry("noise of 1e-6", lambda x: np.sum(np.sin(x) + 1e-6 * np.cos(1e15 * x)), np.cos, w0),
    Entry("noise of 1e-3", lambda x: np.sum(np.sin(x) + 1e-3 * np.cos(1e15 * x)), np.cos, w0),
    Entry("float32 with a large offset",
          lambda x: float(np.float32(1e4) + np.sum(np.sin(x).astype(np.float32))), np.cos, w0),
    Entry("an iteration stopped by a tolerance", lambda x: stopped(x), lambda x: root_slope(x),
          np.array([2.0, 5.0])),
    Entry("a ripple beside the point", lambda x: np.sum(x + 1e-7 * np.sin(1e5 * x)),
          lambda x: 1 + 1e-2 * np.cos(1e5 * x), w0),
    Entry("ten thousand relus at zero", lambda x: np.sum(np.maximum(x, 0) * LONG_WEIGHTS),
          lambda x: LONG_WEIGHTS * (x > 0), np.where(np.arange(10_000) % 2, LONG, 0.0)),
    Entry("ten thousand squares of all sizes", lambda x: np.sum(LONG_WEIGHTS * x * x),
          lambda x: 2 * LONG_WEIGHTS * x, LONG * 10.0 ** rng.uniform(-12, 4, 10_000)),
    Entry("ten thousand with a large sum", lambda x: 1e6 + np.sum(LONG_WEIGHTS * x),
          lambda x: LONG_WEIGHTS, LONG),
    Entry("variance of ten thousand far from zero", np.var,
          lambda x: 2 * (x - x.mean()) / x.size, 1e6 + LONG),
    Entry("softmax of a thousand", lambda x: np.log(softmax(x)[3]),
          lambda x: 1.0 * (np.arange(1000) == 3) - softmax(x), 10 * LONG[:1000]),
]  # fmt: skip


def stopped(x: Any) -> Any:
    """Return a sum of square roots by Newton's iteration, stopped at 1e-6."""
    y = np.ones_like(x)
    while np.max(np.abs(y * y - x)) > 1e-6:
        y = (y + x / y) / 2
    return np.sum(y)


def root_slope(x: Any) -> Any:
    return 0.5 / np.sqrt(x)
