"""Random programs against a brute-force reference, and the memory of a scalar program."""

import gc
import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, rule

import autograd as ag
from autograd import Tensor

SHAPES = st.sampled_from([(), (3,), (2, 3), (1, 3), (2, 1)])
SMALL = st.floats(-1.5, 1.5).map(lambda v: round(v, 3))

UNARY = {
    "sin": (np.sin, np.cos),
    "tanh": (np.tanh, lambda v: 1 / np.cosh(v) ** 2),
    "square": (np.square, lambda v: 2 * v),
    "negative": (np.negative, lambda v: -np.ones_like(v)),
    "floor": (np.floor, np.zeros_like),
}
BINARY = {
    "add": (np.add, lambda a, b: (np.ones_like(a), np.ones_like(b))),
    "subtract": (np.subtract, lambda a, b: (np.ones_like(a), -np.ones_like(b))),
    "multiply": (np.multiply, lambda a, b: (b, a)),
}


class Entry:
    """A Tensor beside its value and its dense Jacobian by every leaf: brute force."""

    def __init__(self, tensor: Tensor, value: object, slopes: dict, *parents: "Entry") -> None:
        self.tensor = tensor
        self.value = np.asarray(value, float)
        self.slopes = slopes  # leaf number -> array of shape value.shape + leaf.shape
        self.read: dict[
            int, int
        ] = {}  # leaf number -> how often it was assigned before it was read
        for parent in parents:
            for k, version in parent.read.items():
                self.read[k] = min(version, self.read.get(k, version))


def spread(slope: np.ndarray, shape: tuple, inner: int) -> np.ndarray:
    """Broadcast the leading axes of a Jacobian whose last `inner` axes belong to the leaf."""
    own = slope.shape[: slope.ndim - inner]
    tail = slope.shape[slope.ndim - inner :]
    return np.broadcast_to(slope.reshape((1,) * (len(shape) - len(own)) + own + tail), shape + tail)


class Programs(RuleBasedStateMachine):
    """Operations, views, assignments, no_grad blocks, sweeps, dropped references in any order."""

    entries = Bundle("entries")

    def __init__(self) -> None:
        super().__init__()
        self.leaves: list[Tensor] = []
        self.grads: list[object] = []
        self.sources: list[Entry] = []
        self.versions: list[int] = []

    def _leaf(self, value: np.ndarray) -> Entry:
        tensor = Tensor(value if value.ndim else float(value), name=f"leaf{len(self.leaves)}")
        eye = np.eye(value.size).reshape(value.shape + value.shape)
        entry = Entry(tensor, value, {len(self.leaves): eye})
        entry.read = {len(self.leaves): 0}
        self.leaves.append(tensor)
        self.grads.append(None)
        self.sources.append(entry)
        self.versions.append(0)
        return entry

    @initialize(target=entries, v=SMALL)
    def start(self, v: float) -> Entry:
        return self._leaf(np.array(v))

    @rule(target=entries, shape=SHAPES, seed=st.integers(0, 999))
    def leaf(self, shape: tuple, seed: int) -> Entry:
        return self._leaf(np.random.default_rng(seed).uniform(-1, 1, shape))

    @rule(target=entries, a=entries, name=st.sampled_from(sorted(UNARY)))
    def unary(self, a: Entry, name: str) -> Entry:
        function, slope = UNARY[name]
        local = slope(a.value)
        slopes = {
            k: local.reshape(local.shape + (1,) * self.leaves[k].ndim) * s
            for k, s in a.slopes.items()
        }
        return Entry(function(a.tensor), function(a.value), slopes, a)

    @rule(target=entries, a=entries, b=entries, name=st.sampled_from(sorted(BINARY)))
    def binary(self, a: Entry, b: Entry, name: str) -> Entry:
        function, slopes_of = BINARY[name]
        try:
            np.broadcast_shapes(a.value.shape, b.value.shape)
        except ValueError:
            with pytest.raises(ag.ShapeError):
                function(a.tensor, b.tensor)
            return a
        value = function(a.value, b.value)
        total: dict = {}
        full = np.broadcast_arrays(a.value, b.value)
        for entry, local in zip((a, b), slopes_of(*full), strict=True):
            for k, s in entry.slopes.items():
                inner = self.leaves[k].ndim
                local_ = np.asarray(local).reshape(value.shape + (1,) * inner)
                total[k] = total.get(k, 0) + local_ * spread(s, value.shape, inner)
        return Entry(function(a.tensor, b.tensor), value, total, a, b)

    @rule(target=entries, a=entries, v=SMALL)
    def scaled(self, a: Entry, v: float) -> Entry:
        return Entry(v * a.tensor, v * a.value, {k: v * s for k, s in a.slopes.items()}, a)

    @rule(target=entries, a=entries, how=st.sampled_from(["first", "reverse", "twice", "flat"]))
    def view(self, a: Entry, how: str) -> Entry:
        if a.value.ndim == 0:
            return a
        move = {
            "first": lambda x: x[0],
            "reverse": lambda x: x[::-1],
            "twice": lambda x: x[np.array([0, -1, 0])],
            "flat": lambda x: x.reshape((-1, *x.shape[a.value.ndim :])),
        }[how]
        tensor = a.tensor.reshape(-1) if how == "flat" else move(a.tensor)
        return Entry(tensor, move(a.value), {k: move(s) for k, s in a.slopes.items()}, a)

    @rule(target=entries, a=entries)
    def summed(self, a: Entry) -> Entry:
        axes = tuple(range(a.value.ndim))
        return Entry(
            np.sum(a.tensor), a.value.sum(), {k: s.sum(axis=axes) for k, s in a.slopes.items()}, a
        )

    @rule(target=entries, a=entries, b=entries, how=st.sampled_from(["set", "add", "multiply"]))
    def written(self, a: Entry, b: Entry, how: str) -> Entry:
        """Write the first entry of b at the first and last places of a changed copy of a."""
        if a.value.ndim == 0:
            return a
        chosen = b.value.reshape(-1)[0]
        tensor = getattr(ag.at(a.tensor)[np.array([0, -1])], how)(b.tensor.reshape(-1)[0])
        places = sorted({0, len(a.value) - 1})
        value, slopes = a.value.copy(), {k: s.copy() for k, s in a.slopes.items()}
        of_b = {k: s.reshape(b.value.size, *self.leaves[k].shape)[0] for k, s in b.slopes.items()}
        for k in of_b:
            slopes.setdefault(k, np.zeros(value.shape + self.leaves[k].shape))
        for i in places:
            # one place that is named twice is added to twice, but set or multiplied once
            times = 2 if how == "add" and len(places) == 1 else 1
            for k, s in slopes.items():
                inner = np.broadcast_to(of_b.get(k, 0.0), s[i].shape)
                if how == "set":
                    s[i] = inner
                elif how == "add":
                    s[i] = s[i] + times * inner
                else:
                    factor = value[i].reshape(value[i].shape + (1,) * self.leaves[k].ndim)
                    s[i] = s[i] * chosen + factor * inner
            new = {"set": chosen, "add": value[i] + times * chosen, "multiply": value[i] * chosen}
            value[i] = new[how]
        return Entry(tensor, value, slopes, a, b)

    @rule(k=st.integers(0, 3), seed=st.integers(0, 999), through=st.sampled_from(["data", "-="]))
    def assign(self, k: int, seed: int, through: str) -> None:
        """Give a leaf another value; what was computed from the old one is stale."""
        k %= len(self.leaves)
        leaf, source = self.leaves[k], self.sources[k]
        new = np.random.default_rng(seed).uniform(-1, 1, leaf.shape)
        if through == "data":
            leaf.data = new if leaf.ndim else float(new)
        else:
            leaf.data -= source.value - new
        self.versions[k] += 1
        source.value, source.read = np.asarray(leaf.numpy()), {k: self.versions[k]}

    @rule(a=entries)
    def writing_is_refused(self, a: Entry) -> None:
        before = a.tensor.numpy()
        for write in (a.tensor.__setitem__, getattr(a.tensor.data, "__setitem__", None)):
            if write is not None and a.value.size:
                with pytest.raises(ag.GraphError):
                    write(..., 7.0)
        assert a.tensor.numpy().tobytes() == before.tobytes()

    @rule(target=entries, a=entries)
    def without_record(self, a: Entry) -> Entry:
        with ag.no_grad():
            tensor = np.sin(a.tensor)
        assert not tensor.requires_grad
        return Entry(tensor, np.sin(a.value), {})

    @rule(a=consumes(entries))
    def forget(self, a: Entry) -> None:
        del a

    @rule(a=entries, seed=st.integers(0, 999))
    def backward(self, a: Entry, seed: int) -> None:
        np.testing.assert_allclose(a.tensor.numpy(), a.value, rtol=1e-12, atol=1e-12)
        if not a.tensor.requires_grad:
            return
        u = np.random.default_rng(seed).uniform(-1, 1, a.value.shape)
        stale = [k for k, version in a.read.items() if version < self.versions[k]]
        if stale:
            with pytest.raises(ag.GraphError, match="|".join(f"'leaf{k}'" for k in stale)):
                a.tensor.backward(u if a.value.ndim else float(u))
            return
        a.tensor.backward(u if a.value.ndim else float(u))
        for k, s in a.slopes.items():
            pulled = np.tensordot(u, s, a.value.ndim) if a.value.ndim else u * s
            old = self.grads[k]
            self.grads[k] = pulled if old is None else old + pulled
        for tensor, expected in zip(self.leaves, self.grads, strict=True):
            if expected is None:
                assert tensor.grad is None or not np.any(tensor.grad)
            else:
                # values stay below about 1e8: sums of squares of squares
                np.testing.assert_allclose(tensor.grad, expected, rtol=1e-9, atol=1e-9)


TestPrograms = Programs.TestCase
TestPrograms.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


def test_a_scalar_node_takes_at_most_200_bytes() -> None:
    n = 20_000
    gc.collect()
    tracemalloc.start()
    h = x = Tensor(0.5)
    for _ in range(n):
        h = h * x
        h = np.sin(h)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert math.isfinite(h.data)
    assert size / (2 * n) <= 200, f"{size / (2 * n)} bytes"
