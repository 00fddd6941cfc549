"""Compiled functions: programs by signature, captured Tensors, updates, threads, refusals."""

import gc
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import autograd as ag
from autograd import Tensor

BACKENDS = ("python", "llvm", "numpy")


def bowl(x: Any, y: Any) -> Any:
    return np.where(x > y, x * x + y, y / x) + np.sqrt(x * x + 1)


@pytest.mark.parametrize("backend", BACKENDS)
def test_derivatives_of_all_kinds_compile(backend: str) -> None:
    for derived in (
        ag.value_and_grad(bowl, (0, 1)),
        ag.grad(ag.grad(bowl)),
        lambda x, y: ag.jvp(bowl, (x, y), (1.0, 2.0)),
        lambda x, y: [ag.grad(bowl)(x, y), {"y": y}][0],
        ag.hessian(bowl),
    ):
        fast = ag.compile(derived, backend=backend)
        for point in ((3.0, 1.0), (1.0, 3.0), (-2.0, 0.5), (2.0, 2.0)):
            # at second order a dead branch of `where` leaves no terms in the eager record, so
            # that sums there may be associated otherwise: a few ulps
            np.testing.assert_allclose(_flat(fast(*point)), _flat(derived(*point)), rtol=1e-15)


def _flat(tree: Any) -> list[float]:
    if isinstance(tree, (tuple, list)):
        return [x for part in tree for x in _flat(part)]
    return [float(tree)]


@pytest.mark.parametrize("backend", BACKENDS)
def test_arguments_of_other_kinds_take_the_slow_way_to_the_same_result(backend: str) -> None:
    fast = ag.compile(bowl, backend=backend)
    wanted = fast(3.0, 1.0)
    for args in ((3, 1), (np.float64(3.0), 1), (np.array(3.0), Tensor(1.0, requires_grad=False))):
        assert fast(*args) == wanted
    assert fast(x=3.0, y=1.0) == wanted
    x = Tensor(3.0)
    y = fast(x, 1.0)
    y.backward()
    assert x.grad == ag.grad(bowl)(3.0, 1.0)
    assert ag.grad(fast)(3.0, 1.0) == x.grad
    inner = ag.compile(lambda x: fast(x, 1.0) * 2)
    assert inner(3.0) == 2 * wanted


def test_programs_are_cached_by_signature_and_bounded() -> None:
    runs = []

    def f(x: Any, flag: bool = True) -> Any:
        runs.append(1)
        return x.sum() if flag else x.sum() * 2

    fast = ag.compile(f, limit=3)
    for _ in range(3):
        assert fast(np.ones(3)) == 3.0
    assert len(runs) == 1
    assert fast(np.ones(3), False) == 6.0
    assert fast(np.ones(4)) == 4.0
    assert fast(np.ones(4, np.float32)) == np.float32(4)
    assert len(runs) == 4
    assert len(fast.programs) == 3
    assert fast(np.ones(3)) == 3.0
    assert len(runs) == 5


def test_source_graph_and_stats_tell_about_the_latest_program() -> None:
    fast = ag.compile(lambda x: np.exp(x) * np.exp(x) + 0 * x.sum())
    with pytest.raises(ag.GraphError, match="no call so far"):
        fast.source  # noqa: B018
    fast(np.ones(5))
    assert fast.stats.backend == "numpy"
    assert fast.stats.operations < fast.stats.traced
    assert fast.stats.bytes == fast.stats.buffers * 40
    assert "exp(" in fast.source
    assert fast.graph.input_names == ("x",)


def test_captured_tensors_are_read_at_every_call() -> None:
    w, v = Tensor([1.0, 2.0]), Tensor(3.0)
    fast = ag.compile(lambda x: (w * x).sum() * (v * v))
    assert fast(np.ones(2)) == 27.0
    w.assign([2.0, 2.0])
    assert fast(np.ones(2)) == 36.0
    v.assign(1.0)
    assert fast(np.ones(2)) == 4.0
    scalar = ag.compile(lambda x: x * v)
    assert scalar(2.0) == 2.0
    v.assign(5.0)
    assert scalar(2.0) == 10.0


@pytest.mark.parametrize("needs", [True, False], ids=["variable", "constant"])
@pytest.mark.parametrize("shape", [(), (3,)], ids=["number", "array"])
def test_what_is_computed_from_captured_tensors_alone_is_computed_anew(
    needs: bool, shape: tuple[int, ...]
) -> None:
    looks: list[Callable[[Any, Any], Any]] = [
        lambda w, v: w * w,
        lambda w, v: (w + v) * (v - w) / (w * v),
        lambda w, v: -w + abs(v) + w**2 + 2 * w + w / 2 + 2 / w + 2 - w + 2**w,
        lambda w, v: np.exp(w) + np.sqrt(v * v) + np.maximum(w, v) + np.where(w > v, w, v),
        lambda w, v: np.sum(w) + np.mean(w * v) + ag.relu(w - v) + w.reshape(-1)[0],
        lambda w, v: Tensor(2.0, requires_grad=False) * w * v + Tensor(1.0) * (v * v),
    ]
    for look in looks:
        w, v = (Tensor(np.full(shape, k), requires_grad=needs) for k in (1.5, 2.5))
        for backend in ("numpy", "auto"):
            fast = ag.compile(lambda x, f=look, w=w, v=v: x * f(w, v) + f(w, v), backend=backend)
            for a, b in ((1.5, 2.5), (0.5, 0.25), (3.0, 0.1)):
                w.assign(np.full(shape, a))
                v.assign(np.full(shape, b))
                wanted = 2.0 * look(w, v).numpy() + look(w, v).numpy()
                # a few transcendental calls of an ulp each
                np.testing.assert_allclose(fast(2.0), wanted, rtol=1e-14)


def test_looking_at_a_captured_tensor_is_recorded_or_refused() -> None:
    w = Tensor(2.0, name="w", requires_grad=False)
    looks: list[Callable[[Any], Any]] = [
        lambda x: x * w if w > 0 else x,
        lambda x: x if w else -x,
        lambda x: x * w.item(),
        lambda x: x * w.data,
        lambda x: x * float(w),
    ]
    for look in looks:
        with pytest.raises(ag.TraceError, match=r"test_compile\.py:\d+"):
            ag.compile(look)(3.0)
    fast = ag.compile(lambda x: np.where(w > 0, x * w, x))
    assert fast(3.0) == 6.0
    assert type(w._value) is float  # as before: what is eager stays on its fast lane
    w.assign(-2.0)
    assert fast(3.0) == 3.0


def test_updates_assign_leading_results_and_make_old_records_stale() -> None:
    w = Tensor([1.0, 2.0], name="w")
    x = np.array([1.0, -1.0])

    def step(p: Any, x: Any, rate: Any) -> Any:
        loss = ((p * x) ** 2).sum()
        return p - rate * ag.gradients(loss, p, create_graph=True), loss

    fast = ag.compile(step, updates=1)
    old = (w * w).sum()
    before = w.detach()
    wanted = np.array([1.0, 2.0])
    for _ in range(4):
        loss = fast(w, x, 0.1)
        assert loss == ((wanted * x) ** 2).sum()
        wanted = wanted - 0.1 * (2 * (wanted * x) * x)
        np.testing.assert_allclose(w.numpy(), wanted, rtol=1e-15)
    np.testing.assert_array_equal(before.numpy(), [1.0, 2.0])
    with pytest.raises(ag.GraphError, match="'w'"):
        old.backward()
    kept = w.numpy()
    with pytest.raises(ag.GraphError, match="new values for the leaf Tensors"):
        ag.compile(lambda p: p.sum(), updates=1)(w)
    np.testing.assert_array_equal(w.numpy(), kept)


def test_results_that_somebody_holds_are_never_written_again() -> None:
    fast = ag.compile(lambda x: (x * 2, (x + 1)[::2]))
    held = [fast(np.full(4, float(k))) for k in range(5)]
    for k, (double, part) in enumerate(held):
        np.testing.assert_array_equal(double, np.full(4, 2.0 * k))
        np.testing.assert_array_equal(part, np.full(2, k + 1.0))
    view = fast(np.zeros(4))[0][1:]
    fast(np.ones(4))
    np.testing.assert_array_equal(view, np.zeros(3))


def test_results_and_inputs_never_share_memory() -> None:
    x = np.arange(6.0)
    fast = ag.compile(lambda x: (x, x.reshape(2, 3), x[1:], x * 1))
    for result in fast(x):
        assert not np.shares_memory(result, x)
        result[...] = -1
    np.testing.assert_array_equal(x, np.arange(6.0))


def test_no_array_is_made_after_the_first_call() -> None:
    w, x = np.ones((50, 30)), np.ones((20, 50))
    fast = ag.compile(ag.value_and_grad(lambda w, x: np.tanh(x @ w).sum() + (w * w).sum()))
    fast(w, x)
    first = fast(w, x)[1]
    address = first.ctypes.data
    del first
    assert fast(w, x)[1].ctypes.data == address
    # a view a call is all there is: no buffer of the size of a result
    import tracemalloc

    tracemalloc.start()
    fast(w, x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * 30 * 8


CHOSEN = np.arange(0, 400, 3)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.tanh(x) * x + np.where(x > 0, x, 0.1 * x),
        lambda x: ag.softmax(np.clip(x, -1.0, 1.0), axis=-1) - np.mean(x, axis=0),
        lambda x: (x, x.T, x[::2], np.reshape(x.T, (-1, 10)), np.ravel(x.T)),
        lambda x: np.concatenate([x, x @ x])[1:] * 2,
        ag.grad(lambda x: np.sum(x[1:] * x[:-1])),
        ag.grad(lambda x: np.sum(x[CHOSEN] ** 2)),
        lambda x: ag.jvp(np.sin, (x,), (x,)),
    ],
)
def test_arrays_are_made_by_the_first_calls_only(f: Any) -> None:
    import tracemalloc

    x = np.random.default_rng(0).normal(size=(400, 400))
    fast = ag.compile(f, backend="numpy")
    for _ in range(3):
        fast(x)
    tracemalloc.start()
    fast(x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # NumPy itself walks through operands of different layouts by 8192 numbers at a time
    assert peak < 3 * 8192 * 8 < x.nbytes / 6


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
def test_the_layout_of_an_argument_decides_nothing(backend: str) -> None:
    def f(x: Any) -> Any:
        turned = x.T.reshape(-1)
        return turned, np.ravel(x.T), turned.reshape(2, 6) * 2, x.reshape(4, 3), x[:, ::2], x

    x = np.arange(12.0).reshape(3, 4)
    layouts = [x, np.asfortranarray(x), np.repeat(x, 2, 1)[:, ::2], x[::-1]]
    for first in layouts:
        fast = ag.compile(f, backend=backend)
        fast(first)
        held = [fast(a) for a in layouts]
        for a, results in zip(layouts, held, strict=True):
            for found, wanted in zip(results, f(a), strict=True):
                np.testing.assert_array_equal(found, wanted)
                assert not any(np.shares_memory(found, other) for other in layouts)


def test_threads_do_not_share_buffers() -> None:
    fast = ag.compile(lambda x: np.exp(np.sin(x) * 2).sum())
    inputs = [np.full(20_000, float(k)) for k in range(4)]
    wanted = [fast(x) for x in inputs]
    wrong = []

    def work(k: int) -> None:
        for _ in range(30):
            if fast(inputs[k]) != wanted[k]:
                wrong.append(k)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert not wrong


def test_float32_programs_stay_float32() -> None:
    fast = ag.compile(ag.value_and_grad(lambda w, x: (ag.sigmoid(x @ w) * 0.5).mean()))
    value, slope = fast(np.ones((3, 2), "f4"), np.ones((4, 3), "f4"))
    assert value.dtype == slope.dtype == np.float32
    graph = fast.graph
    kinds = {str(graph.specs[v].dtype) for v, _ in graph.numbered()}
    assert kinds <= {"float32", "bool"}


def test_auto_takes_what_the_function_is_made_of(monkeypatch: pytest.MonkeyPatch) -> None:
    def chosen(f: Any, *args: Any) -> str:
        fast = ag.compile(f)
        fast(*args)
        return fast.stats.backend

    assert chosen(bowl, 3.0, 1.0) == "llvm"
    assert chosen(lambda x: np.sum(x * x), np.ones(3)) == "numpy"
    assert chosen(lambda x: x * x, np.float32(2.0)) == "numpy"
    # a row that does not say what it does to floats
    assert chosen(lambda x: np.i0(x) * x, 2.0) == "python"
    monkeypatch.setattr("autograd.graph.compiler.find_spec", lambda name: None)
    assert chosen(bowl, 3.0, 1.0) == "python"


def test_bad_settings_are_refused_before_the_first_call() -> None:
    for settings in ({"limit": 0}, {"limit": 2.5}, {"updates": -1}, {"backend": "gpu"}):
        with pytest.raises(ag.ArgumentError, match=f"{next(iter(settings))} to be"):
            ag.compile(bowl, **settings)  # type: ignore[arg-type]
    for make in (ag.trace, ag.compile, ag.vectorize):
        with pytest.raises(ag.ArgumentError, match="a function to trace; got int 3"):
            make(3)  # type: ignore[arg-type]


def test_the_row_that_does_not_say_what_it_does_to_floats_is_named() -> None:
    refusal = r"got i0, which does not say what it does to floats, in .*; try .*numpy|source"
    with pytest.raises(ag.ArgumentError, match=refusal):
        ag.compile(lambda x: np.i0(x) + 1, backend="llvm")(1.0)
    with pytest.raises(ag.ArgumentError, match=refusal):
        ag.trace(np.i0, 1.0).to_c()
    with pytest.raises(ag.ArgumentError, match="got round with decimals, which does not say"):
        ag.trace(lambda x: np.round(x, 2), 1.0).to_c()
    python = ag.compile(lambda x: np.i0(x) + np.round(x, 1), backend="python")
    assert python(1.26) == np.i0(1.26) + 1.3


def test_refusals_are_one_sentence() -> None:
    w = Tensor(1.0)
    for args, named in (((w,), {}), ((), {"a": w, "b": w})):
        with pytest.raises(ag.ArgumentError, match="2 positional arguments whose Tensors"):
            ag.compile(lambda a, b=0.0: (a, b), updates=2)(*args, **named)
    with pytest.raises(ag.TraceError, match=r"functools\.partial to fix n"):
        ag.compile(lambda x, i: x[i])(np.ones(3), 1)
    with pytest.raises(ag.ArgumentError, match="backend to be one of"):
        ag.compile(bowl, backend="numba")
    with pytest.raises(ag.ArgumentError, match=r"an array of float64\[3\].*numpy"):
        ag.compile(bowl, backend="python")(np.ones(3), np.ones(3))
    with pytest.raises(ag.ArgumentError, match=r"a value of float32.*numpy"):
        ag.compile(bowl, backend="python")(np.float32(1), np.float32(2))
    with pytest.raises(ag.TraceError, match=r"np\.where"):
        ag.compile(lambda x: x if x > 0 else -x)(1.0)
    with pytest.raises(ag.ArgumentError, match=r"functools\.partial"):
        ag.compile(lambda x, s: x)(1.0, {1, 2})


def test_a_compiled_function_is_freed_with_what_it_captured() -> None:
    def make() -> weakref.ref[Tensor]:
        w = Tensor([1.0])
        ag.compile(lambda x: w * x)(np.ones(1))
        return weakref.ref(w)

    gone = make()
    gc.collect()
    assert gone() is None


def test_large_graphs_compile_without_recursion() -> None:
    def chain(x: Any) -> Any:
        for _ in range(20_000):
            x = x * 0.999 + 0.001
        return x

    for backend in ("python", "llvm"):
        fast = ag.compile(ag.value_and_grad(chain), backend=backend)
        value, slope = fast(0.5)
        assert value == chain(0.5)
        assert fast.stats.operations == 40_000
        np.testing.assert_allclose(slope, 0.999**20_000, rtol=1e-9)


def test_machine_code_of_a_long_graph_needs_little_stack() -> None:
    def mixed(x: Any, y: Any) -> Any:
        values = [x, y]
        for _ in range(2_000):  # values and truth values that are used long after they were made
            old = values[len(values) // 2]
            values.append(np.where(old > 0.5, values[-1] * 0.5, values[-2]) + 0.25 * old)
        return values[-1]

    derivative = ag.value_and_grad(mixed, (0, 1))
    fast = ag.compile(derivative, backend="llvm")
    wanted = ag.compile(derivative, backend="python")(0.3, 0.8)
    fast(0.1, 0.2)
    found = []
    before = threading.stack_size(128 * 1024)
    try:
        thread = threading.Thread(target=lambda: found.append(fast(0.3, 0.8)))
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)
    assert found == [wanted]
