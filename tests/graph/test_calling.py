"""The way into compiled functions: all kinds of arguments, exact guards, methods, pickles."""

import copy
import dataclasses
import functools
import pickle
import sys
import threading
from collections import OrderedDict, namedtuple
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd as ag
from autograd import Tensor

BACKENDS = ("python", "llvm", "numpy", "auto")
Pair = namedtuple("Pair", "a b")


@dataclasses.dataclass(frozen=True)
class Line:
    slope: Any
    offset: Any
    kind: str = "line"
    twice: Any = dataclasses.field(init=False, default=None)

    def __post_init__(self) -> None:
        object.__setattr__(self, "twice", self.slope * 2)


def total(*parts: Any, **named: Any) -> Any:
    """Return the sum of squares of all numbers in containers, weighted by their position."""
    found = 0.0
    for k, part in enumerate([*parts, *named.values()], 1):
        if isinstance(part, dict):
            part = total(*part.values())
        elif isinstance(part, Line):
            part = part.twice + part.offset
        elif isinstance(part, (list, tuple)):
            part = total(*part)
        elif part is None or isinstance(part, (str, bool)):
            part = float(len(str(part)))
        found = found + k * part * part
    return found


LEAVES = st.floats(-2, 2) | st.integers(-3, 3) | st.floats(-2, 2).map(np.float64)
FIXED = st.sampled_from([None, True, False, "a", "b"])
TREES = st.recursive(
    LEAVES | FIXED,
    lambda parts: (
        st.lists(parts, max_size=3)
        | st.lists(parts, max_size=3).map(tuple)
        | st.dictionaries(st.sampled_from(["x", "y", 1]), parts, max_size=2)
        | st.tuples(parts, parts).map(lambda p: Pair(*p))
        | st.tuples(LEAVES, LEAVES).map(lambda p: Line(*p))
    ),
    max_leaves=6,
)


@pytest.mark.parametrize("backend", BACKENDS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_containers_in_any_order_give_what_the_function_gives(backend: str, data: Any) -> None:
    fast = ag.compile(lambda *args, **kw: {"of": (total(*args, **kw), 7.0)}, backend=backend)
    calls = data.draw(
        st.lists(st.tuples(st.lists(TREES, max_size=2), st.dictionaries(st.just("k"), TREES)),
                 min_size=2, max_size=3)
    )  # fmt: skip
    for args, kwargs in [*calls, *calls, *reversed(calls)]:
        # a few operations, each of the same bits
        assert fast(*args, **kwargs) == {"of": (total(*args, **kwargs), 7.0)}


@pytest.mark.parametrize("backend", BACKENDS)
def test_containers_of_one_structure_are_traced_once_and_others_anew(backend: str) -> None:
    runs: list[Any] = []

    def f(p: Any, flag: Any = None) -> Any:
        runs.append(1)
        return total(p, flag)

    fast = ag.compile(f, backend=backend)

    def traces(*args: Any, **kwargs: Any) -> int:
        before = len(runs)
        for _ in range(3):
            assert fast(*args, **kwargs) == total(args[0], *args[1:], *kwargs.values(), *[None] * (
                2 - len(args) - len(kwargs)
            ))  # fmt: skip
        return len(runs) - before

    weights = {"w": [0.5] * 16, "b": (1.0, [2.0])}
    assert traces(weights) == 1
    assert traces({"w": [0.25] * 16, "b": (3.0, [4.0])}) == 0
    assert traces({"w": list(range(16)), "b": (np.float64(3.0), [np.array(4.0)])}) == 0
    assert traces(OrderedDict(weights)) == 0
    assert traces({"w": [0.5] * 15, "b": (1.0, [2.0])}) == 1
    assert traces({"w": (0.5,) * 16, "b": (1.0, [2.0])}) == 1
    assert traces({"b": (1.0, [2.0]), "w": [0.5] * 16}) == 1
    assert traces({"w": [0.5] * 16, "c": (1.0, [2.0])}) == 1
    assert traces({"w": [0.5] * 16, "b": (1.0, [True])}) == 1
    assert traces({"w": [0.5] * 16, "b": (1.0, [1])}) == 0
    assert traces(Pair(1.0, 2.0)) == 1
    assert traces((1.0, 2.0)) == 1
    assert traces(weights, True) == 1
    assert traces(weights, flag=True) == 1
    assert traces(weights, flag="a") == 1
    assert traces(weights, flag="b") == 1
    assert traces(weights, flag="a") == 0


def test_lists_of_floats_come_in_without_a_walk_through_them() -> None:
    fast = ag.compile(lambda p, q: sum(p) * q["s"][0])
    args = [float(k) for k in range(50)], {"s": (2.0,)}
    assert fast(*args) == 2450.0
    assert fast.__dict__["_way_in"][0](*args) == 2450.0  # the generated text takes them
    fast(*args)
    with pytest.raises(TypeError):
        fast(*args, 1.0)


@pytest.mark.parametrize("backend", BACKENDS)
def test_results_of_every_structure(backend: str) -> None:
    def f(x: Any, y: Any) -> Any:
        return {
            "pair": Pair(x * y, [x, x]),
            "line": Line(y, 3.5),
            "fixed": (None, True, "text", ()),
            "test": x > y,
            "constant": 2.5,
            "deep": [[[[x - y]]]],
        }

    fast = ag.compile(f, backend=backend)
    for point in ((3.0, 2.0), (3.0, 2.0), (2, 3.0), (np.float64(2.0), 2.0)):
        found = fast(*point)
        assert found == f(*map(float, point))
        assert type(found["pair"]) is Pair
        assert type(found["line"]) is Line
        assert type(found["pair"].a) is float
    deep: Any = 1.0
    for _ in range(150):
        deep = [deep]
    same = ag.compile(lambda x: x, backend=backend)
    assert same(deep) == same(deep) == deep


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
def test_arrays_are_told_apart_by_shape_and_dtype(backend: str) -> None:
    runs: list[Any] = []

    def f(x: Any) -> Any:
        runs.append(1)
        return np.sum(x * 2.0, axis=0)

    fast = ag.compile(f, backend=backend)
    swapped = ag.compile(lambda x: (x * 2.0, x), backend=backend)(np.ones(3, ">f8"))
    np.testing.assert_array_equal(swapped, [[2.0] * 3, [1.0] * 3])
    runs.clear()
    a = np.arange(12.0).reshape(3, 4)
    frozen = a.copy()
    frozen.flags.writeable = False
    alike = [a, np.asfortranarray(a), np.arange(24.0)[::2].reshape(3, 4), a[::-1], frozen]
    alike += [np.broadcast_to(1.0, (3, 4)), a.view(np.memmap), a.astype(">f8")]
    alike += [Tensor(a, requires_grad=False)]
    for x in (*alike, *reversed(alike)):
        plain = x.numpy() if isinstance(x, Tensor) else np.asarray(x)
        np.testing.assert_array_equal(fast(x), np.sum(plain * 2.0, axis=0))
    assert len(runs) == 1
    kinds = (a.T, a.astype("f4"), a.astype(int), a > 3, a[:, :1], a[:0], a[None])
    for x in (*kinds, *kinds):
        found = fast(x)
        wanted = np.sum(x * 2.0, axis=0)
        np.testing.assert_array_equal(found, wanted)
        assert (found.shape, found.dtype) == (wanted.shape, wanted.dtype)
    assert len(runs) == 1 + len(kinds)
    half = fast(a.astype("f2"))  # as a Tensor of it: float32
    assert half.dtype == np.float32
    for other in (np.ma.array(a, mask=a > 3), np.ma.array(a.astype("f4"), mask=a > 3)):
        with pytest.raises(ag.DTypeError, match="masked"):
            fast(other)


@pytest.mark.parametrize("backend", BACKENDS)
def test_captured_tensors_reach_the_way_in(backend: str) -> None:
    w, v = Tensor(3.0), Tensor(2.0, requires_grad=False)
    fast = ag.compile(lambda x, p: [x * w + p["a"] * v], backend=backend)
    for k in range(3):
        w.assign(float(k))
        assert fast(2.0, {"a": 1.0}) == [2.0 * k + 2.0]
        assert ag.compile(lambda: w * v, backend=backend)() == 2.0 * k
        assert fast.__dict__["_way_in"][0](2.0, {"a": 1.0}) == [2.0 * k + 2.0]


def test_a_derivative_follows_what_a_compiled_function_captured() -> None:
    def outer(x: Any) -> Any:
        inner = ag.compile(lambda y: x * y)
        sweep = ag.vectorize(lambda y: x * y)
        return inner(2.0) + inner(3.0) + x * x + np.sum(sweep(np.arange(3.0)))

    assert ag.grad(outer)(3.0) == 2 + 3 + 2 * 3 + 3
    assert ag.jvp(outer, (3.0,), (1.0,)) == (33.0, 14.0)
    for refused in (ag.compile(outer), ag.hessian(outer), ag.grad(lambda x: outer(x * 2))):
        with pytest.raises((ag.TraceError, ag.GraphError), match=r"as an argument|passing it"):
            refused(3.0)


def test_compiled_and_vectorized_functions_nest_before_their_first_call() -> None:
    def fresh() -> Callable[..., Any]:
        inner = ag.compile(lambda x, y: x * y + Tensor(1.0))
        sweep = ag.vectorize(lambda x, y: x * y)
        return lambda x: sweep(inner(x, 2.0), 3.0) + 1

    assert ag.compile(fresh())(3.0) == 22.0
    assert ag.compile(ag.grad(fresh()))(3.0) == 6.0
    assert ag.trace(fresh(), 3.0)(4.0) == 28.0
    np.testing.assert_array_equal(ag.vectorize(ag.grad(fresh()))(np.arange(3.0)), [6.0] * 3)
    assert ag.compile(ag.compile(total))(2.0, 3.0) == 22.0


class Scale:
    def __init__(self, by: float) -> None:
        self.by = Tensor(by)

    @ag.compile
    def apply(self, x: Any) -> Any:
        """Scale a number."""
        return x * self.by

    @ag.vectorize
    def sweep(self, x: Any) -> Any:
        return x * self.by


@ag.compile
def decorated(x: Any) -> Any:
    return x * x


def test_methods_and_other_callables() -> None:
    two, three = Scale(2.0), Scale(3.0)
    for _ in range(2):
        assert (two.apply(4.0), three.apply(4.0)) == (8.0, 12.0)
        np.testing.assert_array_equal(three.sweep(np.arange(2.0)), [0.0, 3.0])
    two.by.assign(5.0)
    assert two.apply(4.0) == 20.0
    assert Scale.apply.__doc__ == "Scale a number."
    assert "apply" in repr(Scale.apply)
    for f in (functools.partial(total, 2.0), functools.partial(total, k=2.0), two.apply, np.sin,
              functools.partial(np.multiply, 2.0)):  # fmt: skip
        assert ag.compile(f)(3.0) == f(3.0)
    unnamed = ag.compile(functools.partial(total, 2.0))
    with pytest.raises(ag.GraphError, match=r"partial.*to have been compiled"):
        unnamed.stats  # noqa: B018


def test_pickles_and_copies_are_made_of_the_function() -> None:
    for f in (ag.compile(total, backend="python", limit=3), ag.vectorize(np.sin, block=8)):
        for used in (False, True):
            if used:
                f(1.0)
            for twin in (pickle.loads(pickle.dumps(f)), copy.copy(f), copy.deepcopy(f)):
                assert twin is not f
                assert twin(2.0) == f(2.0)
                assert twin._settings == f._settings
    decorated(2.0)
    assert pickle.loads(pickle.dumps(decorated)) is decorated
    assert copy.deepcopy(decorated) is decorated


OWN_NAMES = [
    "results",
    "getrefcount",
    "copyto",
    "multiply",
    "exp",
    "add_reduce",
    "new_0",
    "run",
    "slow",
    "missed",
    "corner",
    "way_in",
    "inside",
    "mode",
    "ndarray",
    "n0",
    "v0",
    "v1",
    "c0",
    "k0",
    "out_0",
    "np_",
    "float_",
    "type_",
    "in",
    "call",
    "entry",
    "class",
    "1",
]


@pytest.mark.parametrize("backend", BACKENDS)
def test_parameters_may_have_the_names_that_programs_use(backend: str) -> None:
    x = np.arange(3.0) if backend in ("numpy", "auto") else 2.0
    named = {name: x + k for k, name in enumerate(OWN_NAMES)}

    def f(**values: Any) -> Any:
        return sum(np.exp(0.1 * v) * v + np.sum(v) for v in values.values())

    np.testing.assert_allclose(ag.compile(f, backend=backend)(**named), f(**named), rtol=1e-14)
    if isinstance(x, np.ndarray):
        g = ag.vectorize(lambda **values: sum(np.exp(0.1 * v) * v for v in values.values()))
        np.testing.assert_allclose(g(**named), g.function(**named), rtol=1e-14)


def test_a_function_that_raises_leaves_nothing_behind() -> None:
    fails = [True]

    def f(x: Any) -> Any:
        if fails[0]:
            raise RuntimeError("not yet")
        return x * x

    fast = ag.compile(f)
    for args in ((2.0,), (np.ones(2),)):
        with pytest.raises(RuntimeError, match="not yet"):
            fast(*args)
    assert len(fast.programs) == 0
    fails[0] = False
    assert fast(2.0) == 4.0
    with pytest.raises(TypeError):
        fast(2.0, 3.0)
    with pytest.raises(TypeError):
        fast(y=3.0)
    assert fast(x=3.0) == 9.0
    assert fast(2.0) == 4.0
    assert fast.stats.operations == 1


@pytest.mark.parametrize("backend", BACKENDS)
def test_threads_may_make_and_drop_programs_at_once(backend: str) -> None:
    fast = ag.compile(lambda p: total(*p), backend=backend, limit=2)
    wrong: list[Any] = []

    def work(seed: int) -> None:
        try:
            for k in range(40):
                p = [float(seed)] * (1 + (k + seed) % 4)
                if fast(p) != total(*p):
                    wrong.append(p)
        except Exception as error:
            wrong.append(error)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert not wrong
    assert len(fast.programs) == 2


def picked(p: Any, q: Any) -> Any:
    """Take numbers out of arrays, one by one."""
    found = 0.0
    for k in range(6):
        found = found + p[k % 3] * q["m"][k % 2, k % 3] - np.log(p[k % 3]) / q["s"]
    return found * found + np.where(p[0] > p[1], -p[2], p[2] * 0.0)


@pytest.mark.parametrize("backend", ["python", "llvm", "auto"])
def test_numbers_taken_out_of_arrays_run_as_numbers(backend: str) -> None:
    derived = ag.value_and_grad(picked, (0, 1))
    fast = ag.compile(derived, backend=backend)
    rng = np.random.default_rng(0)
    for k in range(12):
        p, m, s = rng.normal(size=3) ** 2, rng.normal(size=(2, 3)), float(rng.normal())
        p[k % 4 :: 3] = [0.0, 0.0, -0.0, 2.0][k % 4]
        if k % 3:
            p, m = np.repeat(p, 2)[::2], np.asfortranarray(m)
        p.flags.writeable = bool(k % 2)
        with np.errstate(all="ignore"):
            wanted = derived(p, {"m": m, "s": s})
        found = fast(p, {"m": m, "s": s})
        for a, b in zip(_leaves(found), _leaves(wanted), strict=True):
            # a logarithm that is off by an ulp is divided, multiplied and squared
            np.testing.assert_allclose(a, b, rtol=1e-14)
            np.testing.assert_array_equal(np.signbit(a), np.signbit(b))
            assert (np.shape(a), type(a)) == (np.shape(b), type(b))
    assert fast.stats.backend == ("python" if backend == "python" else "llvm")
    assert fast.__dict__["_way_in"][0](p, {"m": m, "s": s})[0] == found[0]
    found[1][0][:] = 7.0
    assert fast(p, {"m": m, "s": s})[1][0][0] != 7.0
    with pytest.raises(ag.ShapeError, match="index within"):
        fast(p[:2], {"m": m, "s": s})


def _leaves(tree: Any) -> list[Any]:
    if isinstance(tree, dict):
        tree = tuple(tree.values())
    return [x for part in tree for x in _leaves(part)] if isinstance(tree, tuple) else [tree]


def test_numbers_come_out_of_captured_and_updated_arrays_too() -> None:
    w = Tensor([1.0, 2.0, 3.0])
    fast = ag.compile(lambda x: (w[0] * x[0] + w[1] * x[1] * w[2], x))
    for scale in (1.0, 2.0):
        w.assign([scale, 2.0, 3.0])
        value, same = fast(np.array([5.0, 7.0]))
        assert value == 5.0 * scale + 42.0
        np.testing.assert_array_equal(same, [5.0, 7.0])
    assert fast.stats.backend == "llvm"

    def step(p: Any, x: Any) -> Any:
        loss = (p[0] * x[0] - 1.0) * (p[1] * x[1] + 2.0) * p[2]
        return p - 0.5 * ag.gradients(loss, p, create_graph=True), loss

    twin = w.detach()
    updates = [ag.compile(step, updates=1, backend=b) for b in ("llvm", "numpy")]
    for _ in range(3):
        losses = [f(t, np.array([1.0, 0.5])) for f, t in zip(updates, (w, twin), strict=True)]
        assert losses[0] == losses[1]
        np.testing.assert_array_equal(w.numpy(), twin.numpy())


def test_functions_of_whole_arrays_stay_whole() -> None:
    def chosen(f: Any, *args: Any) -> str:
        fast = ag.compile(f)
        np.testing.assert_allclose(_leaves(fast(*args))[0], _leaves(f(*args))[0], rtol=1e-14)
        return fast.stats.backend

    x = np.arange(1.0, 5.0)
    assert chosen(lambda x: x[0] * x[1], x) == "llvm"
    assert chosen(ag.value_and_grad(lambda x: np.sum(x[1:] * x[:-1])), x) == "numpy"
    assert chosen(lambda x: np.exp(x) * x, x) == "numpy"
    assert chosen(lambda x: x[0] * x[1] + x[2] * np.dot(x, x), x) == "numpy"
    assert chosen(lambda x: x[0] * x[1], x.astype("f4")) == "numpy"
    assert chosen(lambda x: x[0] * x[1] * x[-1], np.arange(200.0)) == "numpy"
    assert chosen(lambda x, k: x[0] * x[1] * x[k][0], x, np.array([2])) == "numpy"


def test_threads_may_trace_what_captures_the_same_tensor() -> None:
    def f(x: Any, w: Tensor) -> Any:
        for _ in range(15):
            x = x * w + (w * w) * 0.01
        return x

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(10):
            w = Tensor(2.0, requires_grad=False)
            fast = [ag.compile(lambda x, w=w: f(x, w), backend="python") for _ in range(4)]
            threads = [threading.Thread(target=g, args=(1.0,)) for g in fast]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
            w.assign(0.5)
            assert [g(1.0) for g in fast] == [f(1.0, w).item()] * 4
    finally:
        sys.setswitchinterval(interval)
