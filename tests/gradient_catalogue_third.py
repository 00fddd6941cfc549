"""A third catalogue, whose author had not read the checker.

Layers and models written by hand, most with a `mistake` that can be put in by name, and right
gradients where a difference is a poor judge. When it was first run, of 97 wrong gradients 96 were
called wrong and one undecidable, and all 31 right ones right; of 55 awkward ones two were called
wrong, and one ended in an OverflowError of its function. Since then entries among much larger ones
are judged by their own size, slopes beside a kink of several inputs count, and what a function
raises beside the point is no value; a wrong gradient beside overflow was found to be called right
then, and its entry added. One is still called wrong: `INEXACT`.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from gradient_catalogue import Entry

rng = np.random.default_rng(31)
SIGNAL = rng.normal(size=12)
TAPS = rng.normal(size=3)
PICTURE = rng.normal(size=(5, 5))
FILTER = rng.normal(size=(2, 2))
OUT16 = rng.normal(size=(4, 4))
BATCH = rng.normal(size=(5, 3))
BATCH_OUT = rng.normal(size=(5, 3))
QUERIES = rng.normal(size=(4, 3))
KEYS = rng.normal(size=(4, 3))
VALUES = rng.normal(size=(4, 2))
ATTENDED = rng.normal(size=(4, 2))
GATES = rng.normal(size=(8, 5)) / 2
STATE = rng.normal(size=2)
HIDDEN = np.r_[rng.normal(size=3), rng.normal(size=2)]
CELL_OUT = rng.normal(size=2)
LOWER = rng.normal(size=(4, 4))
SPD = LOWER @ LOWER.T + 2 * np.eye(4)
SYMMETRIC = (LOWER + LOWER.T) / 2
RIGHT_SIDE = rng.normal(size=4)
WEIGHT4 = rng.normal(size=(4, 4))
POINTS = rng.normal(size=(5, 2))
LOGITS = rng.normal(size=(5, 3))
CLASSES = np.array([2, 0, 1, 1, 2])
CHAIN = rng.dirichlet(np.ones(3), size=3)
SEEN = np.array([0, 1, 1, 0, 1, 0])
FOUR = np.array([0.7, -1.3, 0.4, 2.1])
POSITIVE = np.array([0.7, 1.3, 0.4, 2.1])
LARGE = rng.normal(size=10_000)
FACTORS = rng.uniform(0.5, 2, 10_000)
COUNTS = np.array([3.0, 0.0, 1.0, 7.0])


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def normalised(x: Any) -> Any:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


# ---- convolution and pooling ---------------------------------------------------------------------


def signal_loss(x: Any, stride: int = 1) -> Any:
    y = np.array([x[i : i + 3] @ TAPS for i in range(0, len(x) - 2, stride)])
    return np.sum(y**2) / 2


def signal_gradient(x: Any, stride: int = 1, mistake: str = "") -> Any:
    dx = np.zeros_like(x)
    taps = TAPS[::-1] if mistake == "flipped" else TAPS
    for i in range(0, len(x) - 2, stride):
        y = x[i : i + 3] @ TAPS
        if mistake == "overwritten":
            dx[i : i + 3] = y * taps
        elif mistake == "shifted":
            dx[i : i + 3] += np.roll(y * taps, 1)
        elif not (mistake == "last" and i + 3 == len(x)):
            dx[i : i + 3] += y * taps
    return dx


def taps_loss(k: Any) -> Any:
    return np.sum(np.tanh(np.correlate(SIGNAL, k)))


def taps_gradient(k: Any, mistake: str = "") -> Any:
    dy = 1 - np.tanh(np.correlate(SIGNAL, k)) ** 2
    return np.convolve(SIGNAL, dy if mistake == "convolved" else dy[::-1], "valid")


def picture_loss(x: Any) -> Any:
    y = sum(FILTER[i, j] * x[i : i + 4, j : j + 4] for i in range(2) for j in range(2))
    return np.sum(OUT16 * np.maximum(y, 0))


def picture_gradient(x: Any, mistake: str = "") -> Any:
    y = sum(FILTER[i, j] * x[i : i + 4, j : j + 4] for i in range(2) for j in range(2))
    dy = OUT16 if mistake == "no mask" else OUT16 * (y > 0)
    dx = np.zeros_like(x)
    for i in range(2):
        for j in range(2):
            tap = FILTER[j, i] if mistake == "transposed" else FILTER[i, j]
            if mistake == "corner" and i == j == 1:
                tap = tap * 1.001
            dx[i : i + 4, j : j + 4] += tap * dy
    return dx


def pooled(x: Any) -> Any:
    return np.sum(x.reshape(2, 2, 2, 2).max(axis=(1, 3)) ** 2)


def pooled_gradient(x: Any, mistake: str = "") -> Any:
    tiles = x.reshape(2, 2, 2, 2)
    top = tiles.max(axis=(1, 3), keepdims=True)
    if mistake == "averaged":
        return np.broadcast_to(top / 2, tiles.shape).reshape(4, 4)
    if mistake == "value":
        return ((tiles == top) * 1.0).reshape(4, 4)
    return ((tiles == top) * 2 * top).reshape(4, 4)


# ---- normalisation -------------------------------------------------------------------------------


def batch_norm(x: Any) -> Any:
    m, v = x.mean(axis=0), x.var(axis=0)
    return np.sum(BATCH_OUT * (x - m) / np.sqrt(v + 1e-3))


def batch_norm_gradient(x: Any, mistake: str = "") -> Any:
    n = len(x)
    s = np.sqrt(x.var(axis=0) + 1e-3)
    if mistake == "inference":
        return BATCH_OUT / s
    h = (x - x.mean(axis=0)) / s
    if mistake == "no variance":
        return (BATCH_OUT - BATCH_OUT.mean(axis=0)) / s
    if mistake == "no mean":
        return (BATCH_OUT - h * (BATCH_OUT * h).mean(axis=0)) / s
    if mistake == "n - 1":
        return (BATCH_OUT - BATCH_OUT.mean(0) - h * (BATCH_OUT * h).sum(0) / (n - 1)) / s
    if mistake == "axis":
        return (BATCH_OUT - BATCH_OUT.mean(0) - h * (BATCH_OUT * h).mean()) / s
    if mistake == "epsilon":
        s = np.sqrt(x.var(axis=0) + 1.01e-3)
    return (BATCH_OUT - BATCH_OUT.mean(0) - h * (BATCH_OUT * h).mean(0)) / s


def rms_norm(x: Any) -> Any:
    return np.sum(RIGHT_SIDE * x / np.sqrt(np.mean(x * x)))


def rms_norm_gradient(x: Any, mistake: str = "") -> Any:
    r = np.sqrt(np.mean(x * x))
    inner = x * np.sum(RIGHT_SIDE * x) / (len(x) * r**3)
    return RIGHT_SIDE / r + (inner if mistake == "sign" else -inner)


# ---- attention and recurrent cells ---------------------------------------------------------------


def attend(k: Any) -> Any:
    return np.sum(ATTENDED * (normalised(QUERIES @ k.T / np.sqrt(3)) @ VALUES))


def attend_gradient(k: Any, mistake: str = "") -> Any:
    a = normalised(QUERIES @ k.T / np.sqrt(3))
    da = ATTENDED @ VALUES.T
    if mistake == "diagonal":
        ds = a * (1 - a) * da
    elif mistake == "axis":
        ds = a * (da - np.sum(da * a, axis=0, keepdims=True))
    else:
        ds = a * (da - np.sum(da * a, axis=1, keepdims=True))
    scale = 1.0 if mistake == "scale" else np.sqrt(3)
    return (ds if mistake == "transposed" else ds.T) @ QUERIES / scale


def lstm(z: Any, steps: int = 1) -> Any:
    h, c = z[3:], STATE
    for _ in range(steps):
        i, f, o, g = (GATES @ np.r_[z[:3], h]).reshape(4, 2)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
    return CELL_OUT @ h


def lstm_gradient(z: Any, mistake: str = "") -> Any:
    i, f, o, g = (GATES @ z).reshape(4, 2)
    i, f, o, g = sigmoid(i), sigmoid(f), sigmoid(o), np.tanh(g)
    c = f * STATE + i * g
    t = np.tanh(c)
    do = CELL_OUT * t * o * (1 - o)
    dc = CELL_OUT * o * (1 - (c if mistake == "tanh of c" else t) ** 2)
    di, dg = dc * g * i * (1 - i), dc * i * (1 - g * g)
    df = dc * (c if mistake == "new state" else STATE) * f * (1 - f)
    if mistake == "forget slope":
        df = dc * STATE * f
    gates = [di, df, do, dg]
    if mistake == "order":
        gates = [di, do, df, dg]
    return GATES.T @ np.concatenate(gates)


def rolled(w: Any) -> Any:
    h = 0.3
    for x in SIGNAL:
        h = np.tanh(w[0] * h + w[1] * x)
    return h


def rolled_gradient(w: Any, mistake: str = "") -> Any:
    hs = [0.3]
    for x in SIGNAL:
        hs.append(np.tanh(w[0] * hs[-1] + w[1] * x))
    dw, dh = np.zeros(2), 1.0
    for step in reversed(range(len(SIGNAL))):
        da = dh * (1 - hs[step + 1] ** 2)
        dw += da * np.array([hs[step + 1 if mistake == "stale" else step], SIGNAL[step]])
        dh = da * w[0]
        if mistake == "truncated" and len(SIGNAL) - step >= 8:
            break
    return dw


def gru(h: Any) -> Any:
    z, r = sigmoid(WEIGHT4[:2, :2] @ h), sigmoid(WEIGHT4[2:, :2] @ h)
    return CELL_OUT @ ((1 - z) * h + z * np.tanh(WEIGHT4[:2, 2:] @ (r * h)))


def gru_gradient(h: Any, mistake: str = "") -> Any:
    z, r = sigmoid(WEIGHT4[:2, :2] @ h), sigmoid(WEIGHT4[2:, :2] @ h)
    n = np.tanh(WEIGHT4[:2, 2:] @ (r * h))
    dn = CELL_OUT * z * (1 - n * n)
    drh = WEIGHT4[:2, 2:].T @ dn
    dz = CELL_OUT * (n if mistake == "state" else n - h) * z * (1 - z)
    dr = drh * h * r * (1 - r)
    direct = 0 if mistake == "direct" else CELL_OUT * (1 - z)
    gate = WEIGHT4[2:, :2] if mistake == "untransposed" else WEIGHT4[2:, :2].T
    return direct + WEIGHT4[:2, :2].T @ dz + gate @ dr + drh * r


# ---- linear algebra ------------------------------------------------------------------------------


def symmetric(a: Any) -> Any:
    return (a + a.T) / 2


def cholesky(a: Any) -> Any:
    return np.sum(WEIGHT4 * np.linalg.cholesky(symmetric(a)))


def cholesky_gradient(a: Any, mistake: str = "") -> Any:
    lower = np.linalg.cholesky(symmetric(a))
    inner = np.tril(lower.T @ np.tril(WEIGHT4))
    if mistake != "diagonal":
        inner[np.diag_indices(4)] /= 2
    inverse = np.linalg.inv(lower)
    full = inverse.T @ inner @ inverse
    return full if mistake == "one triangle" else symmetric(full)


def eigenvalues(a: Any) -> Any:
    return np.sum(RIGHT_SIDE * np.linalg.eigvalsh(symmetric(a)))


def eigenvalues_gradient(a: Any, mistake: str = "") -> Any:
    _, v = np.linalg.eigh(symmetric(a))
    return v.T * RIGHT_SIDE @ v if mistake == "transposed" else v * RIGHT_SIDE @ v.T


def eigenvector(a: Any) -> Any:
    _, v = np.linalg.eigh(symmetric(a))
    return (RIGHT_SIDE @ v[:, 0]) ** 2


def eigenvector_gradient(a: Any, mistake: str = "") -> Any:
    w, v = np.linalg.eigh(symmetric(a))
    p = RIGHT_SIDE @ v
    gaps = w[0] - w[1:]
    if mistake == "gap":
        gaps = -gaps
    change = v[:, 1:] @ (p[1:] / gaps)
    return 2 * p[0] * symmetric(np.outer(change, v[:, 0]))


def nuclear(a: Any) -> Any:
    return np.sum(np.linalg.svd(a, compute_uv=False))


def nuclear_gradient(a: Any, mistake: str = "") -> Any:
    u, _, vt = np.linalg.svd(a)
    return u @ (vt.T if mistake == "not transposed" else vt)


def solved(a: Any) -> Any:
    return RIGHT_SIDE @ np.linalg.solve(a, np.ones(4))


def solved_gradient(a: Any, mistake: str = "") -> Any:
    x = np.linalg.solve(a, np.ones(4))
    adjoint = np.linalg.solve(a if mistake == "untransposed" else a.T, RIGHT_SIDE)
    return np.outer(x, adjoint) * -1 if mistake == "swapped" else -np.outer(adjoint, x)


def log_det(a: Any) -> Any:
    return np.linalg.slogdet(a)[1]


def exponential(a: Any) -> Any:
    term, total = np.eye(4), np.eye(4)
    for n in range(1, 30):
        term = term @ a / n
        total = total + term
    return np.trace(total @ WEIGHT4)


def exponential_gradient(a: Any, mistake: str = "") -> Any:
    if mistake == "commuting":
        term, total = np.eye(4), np.eye(4)
        for n in range(1, 30):
            term = term @ a / n
            total = total + term
        return (total @ WEIGHT4).T
    block = np.block([[a, WEIGHT4], [np.zeros((4, 4)), a]])
    term, total = np.eye(8), np.eye(8)
    for n in range(1, 40):
        term = term @ block / n
        total = total + term
    return total[:4, 4:].T


# ---- losses and models ---------------------------------------------------------------------------


def gaussian_kl(z: Any) -> Any:
    m, s = z[:2], z[2:]
    return 0.5 * np.sum(np.exp(s) + m * m - 1 - s)


def mixture(m: Any) -> Any:
    d = POINTS[:, :1] - m
    return -np.sum(np.log(np.sum(np.exp(-d * d / 2), axis=1)))


def mixture_gradient(m: Any, mistake: str = "") -> Any:
    d = POINTS[:, :1] - m
    share = normalised(-d * d / 2)
    if mistake == "hard":
        share = (share == share.max(axis=1, keepdims=True)) * 1.0
    return -np.sum(share * d, axis=0)


def distances(p: Any) -> Any:
    d = p[:, None] - p[None]
    return np.sum(np.exp(-np.sum(d * d, axis=-1)) * WEIGHT5)


WEIGHT5 = rng.normal(size=(5, 5))


def distances_gradient(p: Any, mistake: str = "") -> Any:
    d = p[:, None] - p[None]
    pairs = (-2 * WEIGHT5 * np.exp(-np.sum(d * d, axis=-1)))[..., None] * d
    if mistake == "one side":
        return pairs.sum(axis=1)
    return pairs.sum(axis=1) - pairs.sum(axis=0)


def hidden_markov(e: Any) -> Any:
    b = sigmoid(e)
    a = np.full(3, 1 / 3)
    for seen in SEEN:
        a = (CHAIN.T @ a) * (b if seen else 1 - b)
    return np.log(a.sum())


def hidden_markov_gradient(e: Any, mistake: str = "") -> Any:
    b = sigmoid(e)
    a, beside = np.full(3, 1 / 3), []
    for seen in SEEN:
        before = CHAIN.T @ a
        a = before * (b if seen else 1 - b)
        beside.append(before)
    db, da = np.zeros(3), np.full(3, 1 / a.sum())
    for step in reversed(range(len(SEEN))):
        seen = SEEN[step]
        db += da * beside[step] * (1 if seen or mistake == "sign of zeros" else -1)
        da = CHAIN @ (da * (b if seen else 1 - b))
    return db if mistake == "no sigmoid" else db * b * (1 - b)


def runge_kutta(x: Any) -> Any:
    for _ in range(20):
        k1 = np.sin(x)
        k2 = np.sin(x + 0.05 * k1)
        k3 = np.sin(x + 0.05 * k2)
        x = x + 0.1 / 6 * (k1 + 2 * k2 + 2 * k3 + np.sin(x + 0.1 * k3))
    return np.sum(x)


def exact_flow_gradient(x: Any) -> Any:
    """Return the gradient of the differential equation, not of its steps (differs by 1e-6)."""
    y = 2 * np.arctan(np.exp(2.0) * np.tan(x / 2))
    return np.sin(y) / np.sin(x)


def bilinear(p: Any) -> Any:
    i, j = int(p[0]), int(p[1])
    u, v = p[0] - i, p[1] - j
    top = (1 - v) * PICTURE[i, j] + v * PICTURE[i, j + 1]
    return (1 - u) * top + u * ((1 - v) * PICTURE[i + 1, j] + v * PICTURE[i + 1, j + 1])


def bilinear_gradient(p: Any, mistake: str = "") -> Any:
    i, j = int(p[0]), int(p[1])
    u, v = p[0] - i, p[1] - j
    (a, b), (c, d) = PICTURE[i : i + 2, j : j + 2]
    dv = (1 - u) * (b - a) + u * (d - c)
    du = (1 - v) * (c - a) + v * (d - b)
    return np.array([dv, du]) if mistake == "exchanged" else np.array([du, dv])


def spectrum(x: Any) -> Any:
    return np.sum(np.arange(7) * np.abs(np.fft.rfft(x)) ** 2)


def spectrum_gradient(x: Any, mistake: str = "") -> Any:
    z = 2 * np.arange(7) * np.fft.rfft(x)
    if mistake == "ends":
        return 12 * np.fft.irfft(z, 12) / 2
    full = np.zeros(12, complex)
    full[:7] = z
    back = np.fft.ifft(full).real * 12
    return back / 12 if mistake == "unscaled" else back


def newton_root(c: Any) -> Any:
    y = 1.0 + 0 * c
    for _ in range(50):
        y = y - (y**3 + y - c) / (3 * y * y + 1)
    return np.sum(y * c)


def newton_root_gradient(c: Any, mistake: str = "") -> Any:
    y = 1.0 + 0 * c
    for _ in range(50):
        y = y - (y**3 + y - c) / (3 * y * y + 1)
    if mistake == "root held":
        return y
    return y + c / (3 * y * y + (0 if mistake == "last term" else 1))


def rotation(q: Any) -> Any:
    w, x, y, z = q / np.sqrt(q @ q)
    return 1 - 2 * (y * y + z * z) + 2 * (x * y - w * z)


def rotation_gradient(q: Any, mistake: str = "") -> Any:
    n = np.sqrt(q @ q)
    w, x, y, z = u = q / n
    inner = np.array([-2 * z, 2 * y, -4 * y + 2 * x, -4 * z - 2 * w])
    return inner / n if mistake == "not projected" else (inner - u * (u @ inner)) / n


def cross_entropy(z: Any) -> Any:
    p = normalised(z)
    return -np.mean(np.log(p[np.arange(5), CLASSES]))


def cross_entropy_gradient(z: Any, mistake: str = "") -> Any:
    p = normalised(z) / 5
    p[np.arange(5), CLASSES] -= 1.0 if mistake == "scale" else 0.2
    if mistake == "first row":
        p[0] = normalised(z)[0] / 5
    return p


def poisson(x: Any) -> Any:
    return np.sum(np.exp(x) - COUNTS * x)


def at(place: int, amount: float) -> Any:
    e = np.zeros(10_000)
    e[place] = amount
    return e


def deep(x: Any) -> Any:
    for _ in range(4):
        x = x + 0.1 * np.sin(x)
    return np.sum(x)


def deep_gradient(x: Any) -> Any:
    slope = 1.0 + 0 * x
    for _ in range(4):
        slope = slope * (1 + 0.1 * np.cos(x))
        x = x + 0.1 * np.sin(x)
    return slope


def coupled(x: Any) -> Any:
    return np.sum(FACTORS * x * x) + np.sum(x) ** 2 / 100


def coupled_gradient(x: Any) -> Any:
    return 2 * FACTORS * x + np.sum(x) / 50


def tall(x: Any) -> Any:
    return np.stack([x[0] * x[1], x[1] ** 2, np.sin(x[0]), x[0]])


def tall_gradient(x: Any, mistake: str = "") -> Any:
    j = np.array([[x[1], x[0]], [0, 2 * x[1]], [np.cos(x[0]), 0], [1, 0]])
    if mistake == "row":
        j[[0, 1]] = j[[1, 0]]
    if mistake == "entry":
        j[2, 1] = 1e-5
    return j


LAYERS: list[tuple[str, Callable[..., Any], Callable[..., Any], Any, list[str]]] = [
    ("signal", signal_loss, signal_gradient, SIGNAL,
     ["flipped", "overwritten", "shifted", "last"]),
    ("signal with stride", partial(signal_loss, stride=2), partial(signal_gradient, stride=2),
     SIGNAL, ["flipped", "shifted"]),
    ("picture", picture_loss, picture_gradient, PICTURE, ["no mask", "transposed", "corner"]),
    ("max pool", pooled, pooled_gradient, OUT16, ["averaged", "value"]),
    ("batch norm", batch_norm, batch_norm_gradient, BATCH,
     ["inference", "no variance", "no mean", "n - 1", "axis", "epsilon"]),
    ("rms norm", rms_norm, rms_norm_gradient, FOUR, ["sign"]),
    ("keys of attention", attend, attend_gradient, KEYS,
     ["diagonal", "axis", "scale", "transposed"]),
    ("lstm", lstm, lstm_gradient, HIDDEN, ["tanh of c", "new state", "forget slope", "order"]),
    ("recurrence", rolled, rolled_gradient, np.array([0.8, 0.5]), ["stale", "truncated"]),
    ("gru", gru, gru_gradient, np.array([0.6, -0.4]), ["state", "direct", "untransposed"]),
    ("cholesky", cholesky, cholesky_gradient, SPD, ["diagonal", "one triangle"]),
    ("eigenvalues", eigenvalues, eigenvalues_gradient, SYMMETRIC, ["transposed"]),
    ("eigenvector", eigenvector, eigenvector_gradient, SYMMETRIC, ["gap"]),
    ("nuclear norm", nuclear, nuclear_gradient, WEIGHT4, ["not transposed"]),
    ("solve", solved, solved_gradient, LOWER, ["untransposed", "swapped"]),
    ("matrix exponential", exponential, exponential_gradient, SYMMETRIC + np.triu(LOWER) / 4,
     ["commuting"]),
    ("mixture", mixture, mixture_gradient, np.array([-0.5, 0.8]), ["hard"]),
    ("distances", distances, distances_gradient, POINTS, ["one side"]),
    ("hidden Markov", hidden_markov, hidden_markov_gradient, np.array([0.3, -1.0, 0.5]),
     ["sign of zeros", "no sigmoid"]),
    ("bilinear", bilinear, bilinear_gradient, np.array([1.3, 2.6]), ["exchanged"]),
    ("spectrum", spectrum, spectrum_gradient, SIGNAL, ["ends", "unscaled"]),
    ("implicit root", newton_root, newton_root_gradient, np.array([1.0, 3.0]),
     ["root held", "last term"]),
    ("rotation", rotation, rotation_gradient, FOUR, ["not projected"]),
    ("cross entropy", cross_entropy, cross_entropy_gradient, LOGITS, ["scale", "first row"]),
    ("tall", tall, tall_gradient, np.array([0.4, 1.7]), ["row", "entry"]),
]  # fmt: skip

WRONG = [
    Entry(f"{name}: {mistake}", f, partial(gradient, mistake=mistake), x)
    for name, f, gradient, x, mistakes in LAYERS
    for mistake in mistakes
] + [
    Entry("taps convolved", taps_loss, partial(taps_gradient, mistake="convolved"), TAPS),
    Entry("log det untransposed", log_det, np.linalg.inv, LOWER),
    Entry("the equation's gradient for its steps", runge_kutta, exact_flow_gradient,
          np.array([0.5, 1.0])),
    Entry("kl with the variance for its log", gaussian_kl,
          lambda z: np.r_[z[:2], 0.5 * (z[2:] - 1)], FOUR),
    Entry("kl of opposite mean", gaussian_kl,
          lambda z: np.r_[-z[:2], 0.5 * (np.exp(z[2:]) - 1)], FOUR),
    Entry("poisson without its exponential", poisson, lambda x: 1 - COUNTS, FOUR),
    Entry("residuals without the skip", deep, lambda x: deep_gradient(x) - 1, FOUR),
    Entry("coupled, its mean forgotten at one of 10,000 by 1e-4", coupled,
          lambda x: coupled_gradient(x) + at(7777, 1e-4), LARGE),
    Entry("coupled, one of 10,000 off by 1e-6", coupled,
          lambda x: coupled_gradient(x) + at(3, 1e-6), LARGE),
    Entry("coupled, one of 10,000 off by a ten-thousandth of itself", coupled,
          lambda x: coupled_gradient(x) * (1 + at(9999, 1e-4)), LARGE),
    Entry("coupled, the common term forgotten", coupled, lambda x: 2 * FACTORS * x, LARGE),
    Entry("deep, one of 10,000 zero", deep, lambda x: deep_gradient(x) * (1 - at(17, 1.0)), LARGE),
    Entry("deep, two of 10,000 exchanged", deep,
          lambda x: deep_gradient(x)[np.r_[1, 0, 2:10_000]], LARGE),
    Entry("deep, wrong for negative inputs of 10,000 by 1e-6", deep,
          lambda x: deep_gradient(x) * (1 + 1e-6 * (x < 0)), LARGE),
    Entry("deep, wrong for the largest of 10,000 by 1e-6", deep,
          lambda x: deep_gradient(x) * (1 + 1e-6 * (x == x.max())), LARGE),
    Entry("deep, negated for ten of 10,000", deep,
          lambda x: deep_gradient(x) * np.where(np.arange(10_000) % 1000 == 7, -1, 1), LARGE),
    Entry("wrong above ten only", lambda x: np.sum(np.cosh(x)),
          lambda x: np.where(x > 10, np.cosh(x), np.sinh(x)) * (1 + 1e-7 * (x > 10)),
          np.array([1.0, 12.0])),
    Entry("wrong below zero only", lambda x: np.sum(np.exp(x)),
          lambda x: np.exp(np.abs(x)), FOUR),
    Entry("stale by one step of 1e-5", lambda x: np.sum(np.exp(np.sin(x))),
          lambda x: np.cos(x - 1e-5) * np.exp(np.sin(x - 1e-5)), FOUR),
    Entry("rounded to float32", lambda x: np.sum(np.sin(x) * x),
          lambda x: (np.sin(x) + x * np.cos(x)).astype(np.float32).astype(float), FOUR),
    Entry("a forward difference with 1e-5", lambda x: np.sum(np.sin(x)),
          lambda x: (np.sin(x + 1e-5) - np.sin(x)) / 1e-5, FOUR),
    Entry("a forward difference with 1e-7", lambda x: np.sum(np.exp(x)),
          lambda x: (np.exp(x + 1e-7) - np.exp(x)) / 1e-7, FOUR + 1),
    Entry("a relu that leaks by 1e-6", lambda x: np.sum(np.maximum(x, 0)),
          lambda x: np.where(x > 0, 1.0, 1e-6), FOUR),
    Entry("a kink passed on the other side", lambda x: np.sum(np.abs(x - 0.4)),
          lambda x: np.sign(x - 0.41), np.array([0.4 + 1e-4, 1.0])),
    Entry("outside both slopes at a kink", lambda x: np.sum(np.maximum(x, 0.2 * x)),
          lambda x: np.where(x > 0, 1.0, 0.1), np.array([0.0, 1.0])),
    Entry("a loss of 1e-20", lambda x: 1e-20 * np.sum(x**4), lambda x: 4.004e-20 * x**3, FOUR),
    Entry("a loss of 1e200", lambda x: 1e200 * np.sum(x**4), lambda x: 4.0001e200 * x**3, FOUR),
    Entry("one small entry beside large ones", lambda x: 1e8 * x[0] ** 2 + np.sin(x[1]),
          lambda x: np.array([2e8 * x[0], 1.01 * np.cos(x[1])]), np.array([1.0, 0.5])),
    Entry("inputs of very unlike sizes", lambda x: x[0] * x[1] * x[2],
          lambda x: np.array([x[1] * x[2], x[0] * x[2], 1.001 * x[0] * x[1]]),
          np.array([1e-9, 1.0, 1e9])),
    Entry("an offset hidden by a large constant", lambda x: 1e7 + np.sum(np.sin(x)),
          lambda x: np.cos(x) + 1e-3, FOUR),
    Entry("transposed and square", lambda x: np.sum(np.tanh(WEIGHT4 @ x)),
          lambda x: WEIGHT4 @ (1 - np.tanh(WEIGHT4 @ x) ** 2), FOUR),
    Entry("a broadcast column filled with its mean", lambda b: np.sum((BATCH + b) ** 2),
          lambda b: np.mean(2 * (BATCH + b), axis=0), np.array([1.0, 2.0, 3.0])),
    Entry("a broadcast column from one row", lambda b: np.sum((BATCH + b) ** 2),
          lambda b: 2 * (BATCH + b)[0], np.array([1.0, 2.0, 3.0])),
    Entry("digits missing", lambda x: np.sum(np.arctan(x)),
          lambda x: np.round(1 / (1 + x * x), 6), FOUR),
    Entry("pi of school", lambda x: np.sum(np.sin(np.pi * x)),
          lambda x: 3.1416 * np.cos(np.pi * x), FOUR),
    Entry("beside overflow, by a hundredth", lambda x: x**x,
          lambda x: 1.01 * x**x * (1 + np.log(x)), np.float64(140.0)),
    Entry("degrees", lambda x: np.sum(np.sin(np.radians(x))), lambda x: np.cos(np.radians(x)),
          np.array([10.0, 80.0])),
    Entry("a weight twice", lambda w: np.sum((w * SIGNAL[:4] + w**2) ** 2),
          lambda w: 2 * (w * SIGNAL[:4] + w**2) * 2 * w, FOUR),
    Entry("zero for a plateau that slopes by 1e-5", lambda x: np.sum(np.tanh(x) + 1e-5 * x),
          lambda x: 1 - np.tanh(x) ** 2, np.array([19.0, 25.0])),
    Entry("one entry not a number of 10,000", coupled,
          lambda x: coupled_gradient(x) + at(5, np.nan), LARGE),
    Entry("infinite at one", poisson, lambda x: np.exp(x) - COUNTS + np.array([0, np.inf, 0, 0]),
          FOUR),
    Entry("a claim of slope inside a plateau", lambda x: np.sum(np.floor(x)),
          lambda x: 1e-4 + 0 * x, FOUR),
    Entry("straight through a rounding", lambda x: np.sum(np.round(x) ** 2),
          lambda x: 2 * np.round(x), np.array([0.3, 1.8, 2.2])),
    Entry("detached half", lambda x: np.sum(x * np.exp(x)), np.exp, FOUR),
    Entry("conjugate mixed up", lambda z: np.abs((z[0] + 1j * z[1]) ** 2 + 1) ** 2,
          lambda z: 2 * np.array([((z[0] + 1j * z[1]) ** 3).real, ((z[0] + 1j * z[1]) ** 3).imag]),
          np.array([0.4, 0.9])),
]  # fmt: skip

HILBERT = 1 / (np.arange(8)[:, None] + np.arange(8) + 1)

INEXACT = Entry("a solve of condition 1e10", lambda b: np.sum(np.linalg.solve(HILBERT, b)),
                lambda b: np.linalg.solve(HILBERT, np.ones(8)), np.ones(8))  # fmt: skip
"""The right formula, of which rounding leaves eight digits whatever the point is."""

RIGHT = [Entry(name, f, gradient, x) for name, f, gradient, x, _ in LAYERS] + [
    Entry("taps", taps_loss, taps_gradient, TAPS),
    Entry("log det", log_det, lambda a: np.linalg.inv(a).T, LOWER),
    Entry("kl", gaussian_kl, lambda z: np.r_[z[:2], 0.5 * (np.exp(z[2:]) - 1)], FOUR),
    Entry("poisson", poisson, lambda x: np.exp(x) - COUNTS, FOUR),
    Entry("residuals", deep, deep_gradient, LARGE),
    Entry("coupled", coupled, coupled_gradient, LARGE),
]


def bits(x: Any) -> Any:
    """Return a noise of the last bits of x, the same for the same x."""
    return np.modf(np.sin(x * 12.9898e9) * 43758.5453)[0]


AWKWARD = [
    Entry("l1 at zeros", lambda x: np.sum(np.abs(x)), np.sign, np.array([0.0, 0.0, 1.0])),
    Entry("l1 of 10,000 half zero", lambda x: np.sum(np.abs(x)), np.sign,
          LARGE * (np.arange(10_000) % 2)),
    Entry("norm at zero", lambda x: np.sqrt(np.sum(x * x)), np.zeros_like, np.zeros(3)),
    Entry("norm beside zero", lambda x: np.sqrt(np.sum(x * x)), lambda x: x / np.sqrt(x @ x),
          np.array([1e-150, 2e-150])),
    Entry("hinge at its corner", lambda x: np.sum(np.maximum(0, 1 - x)), lambda x: -1.0 * (x < 1),
          np.array([1.0, 1 + 1e-12, 0.5])),
    Entry("relu of relu at zero", lambda x: np.sum(np.maximum(np.maximum(x, 0) - 0.0, 0) ** 2),
          lambda x: 2 * np.maximum(x, 0), np.zeros(2)),
    Entry("many ties of a maximum", np.max, lambda x: (x == x.max()) / np.sum(x == x.max()),
          np.ones(50)),
    Entry("a pool with ties", pooled, lambda x: pooled_gradient(x) * (x > 0) / 4, np.ones((4, 4))),
    Entry("median with a tie", np.median, lambda x: np.array([0.5, 0.5, 0.0]),
          np.array([1.0, 1.0, 2.0])),
    Entry("sorted with ties", lambda x: np.sort(x) @ FOUR, lambda x: np.full(4, FOUR.mean()),
          np.ones(4)),
    Entry("a triangle wave at its tip", lambda x: np.abs(np.modf(x)[0] - 0.5), lambda x: 0.0, 0.5),
    Entry("a kink one spacing away", np.abs, np.sign, np.nextafter(0, 1) * 2**60),
    Entry("kinks on both sides", lambda x: np.abs(x - 1e-5) + np.abs(x + 1e-5), lambda x: 0.0, 0.0),
    Entry("a corner of a thousandth", lambda x: np.sin(x) + 1e-3 * np.abs(x),
          lambda x: np.cos(x), 0.0),
    Entry("a corner of 1e-9", lambda x: np.sin(x) + 1e-9 * np.abs(x), lambda x: np.cos(x), 0.0),
    Entry("curvature jumps", lambda x: np.sum(np.where(x > 0, x * x, -x * x)),
          lambda x: 2 * np.abs(x), np.array([0.0, 1e-8, -1e-4])),
    Entry("third derivative jumps", lambda x: np.abs(x) ** 3, lambda x: 3 * x * np.abs(x), 1e-6),
    Entry("a spline at a knot", lambda x: np.maximum(x, 0) ** 3 + x * x,
          lambda x: 3 * np.maximum(x, 0) ** 2 + 2 * x, 0.0),
    Entry("power of 1.1 near zero", lambda x: np.sum(np.abs(x) ** 1.1),
          lambda x: 1.1 * np.sign(x) * np.abs(x) ** 0.1, np.array([1e-6, 1e-12, -1e-3])),
    Entry("square root beside zero", np.sqrt, lambda x: 0.5 / np.sqrt(x), 1e-300),
    Entry("x log x", lambda x: np.sum(x * np.log(x)), lambda x: np.log(x) + 1,
          np.array([1e-300, 1e-8, 1.0])),
    Entry("arccos at its edge", np.arccos, lambda x: -1 / np.sqrt((1 - x) * (1 + x)), 1 - 2**-50),
    Entry("tan beside its pole", np.tan, lambda x: 1 + np.tan(x) ** 2, np.pi / 2 - 1e-6),
    Entry("a pole at 1e-9", lambda x: 1 / (x - 1), lambda x: -1 / (x - 1) ** 2, 1 + 1e-9),
    Entry("gamma-like growth", lambda x: x**x, lambda x: x**x * (1 + np.log(x)), 140.0),
    Entry("softmax saturated", lambda x: normalised(x)[0],
          lambda x: normalised(x)[0] * (np.eye(3)[0] - normalised(x)),
          np.array([0.0, 50.0, -50.0])),
    Entry("log of a softmax at -800", lambda x: np.log(np.sum(np.exp(x - x.max()))) + x.max(),
          normalised, np.array([0.0, -800.0, 1.0])),
    Entry("sigmoid at 800", lambda x: 1 / (1 + np.exp(-x)), lambda x: 0.0, 700.0),
    Entry("a plateau between cliffs", lambda x: np.sum(np.round(1e4 * x)), np.zeros_like,
          np.array([0.3, 0.7001])),
    Entry("a step at the point", np.sign, lambda x: 0.0, 0.0),
    Entry("a step 1e-12 away", lambda x: x + (x > 1), lambda x: 1.0, 1 - 1e-12),
    Entry("quantised to 1/256", lambda x: np.sum(np.round(256 * x) / 256), np.ones_like, FOUR),
    Entry("float16", lambda x: float(np.sum(np.sin(x).astype(np.float16))), np.cos, FOUR),
    Entry("noise of 1e-8", lambda x: np.sum(x**3 + 1e-8 * bits(x)), lambda x: 3 * x**2, FOUR),
    Entry("noise of 1e-12 of 10,000", lambda x: np.sum(x**2) + 1e-12 * bits(np.sum(x)),
          lambda x: 2 * x, LARGE),
    Entry("noise growing with size", lambda x: np.sum(x**2 * (1 + 1e-9 * bits(x))),
          lambda x: 2 * x, FOUR * 1e3),
    Entry("a cancelling difference", lambda x: (x + 1e12) ** 2 - 1e24 - 2e12 * x,
          lambda x: 2 * x, 1.0),
    Entry("a trace by cancelling", lambda x: np.sum((x + 1e8) - 1e8), np.ones_like, FOUR),
    Entry("sums of huge opposite terms", lambda x: np.sum(1e15 * x) - np.sum(1e15 * x) + x[0],
          lambda x: np.array([1.0, 0.0, 0.0, 0.0]), FOUR),
    Entry("nearly equal eigenvalues", lambda d: np.linalg.eigvalsh(np.diag(d))[0],
          lambda d: np.array([1.0, 0.0, 0.0]), np.array([1.0, 1 + 1e-7, 2.0])),
    Entry("equal eigenvalues", lambda a: np.linalg.eigvalsh(symmetric(a))[0],
          lambda a: np.diag([1.0, 0.0]), np.eye(2)),
    Entry("a determinant of nearly dependent rows", np.linalg.det,
          lambda a: np.array([[a[1, 1], -a[1, 0]], [-a[0, 1], a[0, 0]]]),
          np.array([[1.0, 2.0], [2.0, 4 + 1e-9]])),
    Entry("chaos", lambda x: chaotic(x), lambda x: chaotic_slope(x), 0.37),
    Entry("a fast and a slow wave", lambda x: np.sin(x) + 1e-6 * np.sin(1e6 * x),
          lambda x: np.cos(x) + np.cos(1e6 * x), 0.4),
    Entry("a wave of 1e9", lambda x: np.sin(1e9 * x), lambda x: 1e9 * np.cos(1e9 * x), 0.25),
    Entry("a needle beside the point", lambda x: x + np.exp(-((1e6 * (x - 0.5)) ** 2)),
          lambda x: 1.0 - 2e12 * (x - 0.5) * np.exp(-((1e6 * (x - 0.5)) ** 2)), 0.5 + 1e-3),
    Entry("sizes from 1e-100 to 1e100", lambda x: np.sum(np.log(x) ** 2),
          lambda x: 2 * np.log(x) / x, np.array([1e-100, 1e-10, 3.0, 1e10, 1e100])),
    Entry("weights from 1e-100 to 1e100", lambda x: np.sum(np.geomspace(1e-100, 1e100, 4) * x**2),
          lambda x: 2 * np.geomspace(1e-100, 1e100, 4) * x, FOUR),
    Entry("the largest float", lambda x: x / 2, lambda x: 0.5, 1.7e308),
    Entry("the smallest float", lambda x: 3 * x, lambda x: 3.0, 5e-324),
    Entry("zero of a high power", lambda x: np.sum(x**9), lambda x: 9 * x**8, np.zeros(3)),
    Entry("an input that is not used", lambda x: x[0] ** 2, lambda x: np.array([2 * x[0], 0.0]),
          np.array([2.0, 1e200])),
    Entry("an even function at zero", lambda x: np.cos(x) + np.cosh(x), lambda x: 0.0, 0.0),
    Entry("nan beside the point", lambda x: np.sqrt(x * (1 - x)),
          lambda x: (1 - 2 * x) / (2 * np.sqrt(x * (1 - x))), 1 - 1e-12),
]  # fmt: skip


def chaotic(x: Any) -> Any:
    for _ in range(25):
        x = 3.9 * x * (1 - x)
    return x


def chaotic_slope(x: Any) -> Any:
    slope = 1.0
    for _ in range(25):
        slope, x = slope * 3.9 * (1 - 2 * x), 3.9 * x * (1 - x)
    return slope
