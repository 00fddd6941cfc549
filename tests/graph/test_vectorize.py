"""Functions of scalars over arrays: the same numbers, whatever the blocks and threads."""

import math
import os
import signal
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_engines import EXACT, programs

import autograd as ag


def surface(x: Any, y: Any, z: Any) -> Any:
    return np.log(x * y + z) * np.exp(-x / z) + np.where(x > y, np.tanh(y * z), np.sqrt(x))


BACKENDS = ("numpy", "llvm")


@pytest.mark.parametrize("backend", BACKENDS)
@settings(max_examples=40, deadline=None)
@given(programs(EXACT), st.integers(0, 2**32 - 1), st.sampled_from([1, 7, 16, 33]))
def test_exact_programs_have_the_bits_of_scalar_calls(
    backend: str, f: Any, seed: int, count: int
) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(2, count))
    x[::3] = 0
    derivative = ag.value_and_grad(f, (0, 1))
    sweep = ag.vectorize(derivative, backend=backend, block=8, threads=2)
    with np.errstate(all="ignore"):
        value, slopes = sweep(x, y)
        for k in range(count):
            wanted, parts = derivative(x[k], y[k])
            found = (value[k], slopes[0][k], slopes[1][k])
            np.testing.assert_array_equal(found, (wanted, *parts), err_msg=str(f.__doc__))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("count", [0, 1, 5, 1000, 4096, 10_001])
def test_blocks_and_threads_do_not_change_results(count: int, threads: int, backend: str) -> None:
    x, y = np.random.default_rng(count).uniform(0.5, 2.0, (2, count))
    derivative = ag.value_and_grad(surface, (0, 1, 2))
    once = ag.vectorize(derivative, backend=backend, block=1 << 14, threads=1)(x, y, 1.5)
    many = ag.vectorize(derivative, backend=backend, block=1024, threads=threads)(x, y, 1.5)
    for a, b in zip((once[0], *once[1]), (many[0], *many[1]), strict=True):
        assert a.shape == (count,)
        np.testing.assert_array_equal(a, b)
    for k in range(0, count, 997):
        value, slopes = derivative(x[k], y[k], 1.5)
        # ten calls of an ulp each
        np.testing.assert_allclose(many[0][k], value, rtol=1e-14)
        np.testing.assert_allclose([s[k] for s in many[1]], slopes, rtol=1e-13, atol=1e-15)


def test_arguments_broadcast_and_keep_float32() -> None:
    x, y = np.linspace(1, 2, 3)[:, None], np.linspace(3, 4, 5)
    value = ag.vectorize(surface, block=4)(x, y, 2.0)
    assert value.shape == (3, 5)
    np.testing.assert_allclose(value, surface(x, y, 2.0), rtol=1e-15)
    narrow = ag.vectorize(surface)(x.astype("f4"), y.astype("f4"), 2.0)
    assert narrow.dtype == np.float32
    np.testing.assert_allclose(narrow, value, rtol=1e-5)
    transposed = np.ones((40, 30)).T
    assert ag.vectorize(lambda x: 2 * x, block=64)(transposed).shape == (30, 40)


def test_memory_mapped_files_go_in_and_out(tmp_path: Path) -> None:
    x = np.memmap(tmp_path / "x", np.float64, "w+", shape=(5000,))
    x[:] = np.linspace(0, 1, 5000)
    out = np.memmap(tmp_path / "y", np.float64, "w+", shape=(5000,))
    assert ag.vectorize(lambda x: x * x, block=512)(x, out=out) is out
    np.testing.assert_array_equal(out, np.asarray(x) ** 2)


def test_chunks_stream_through() -> None:
    sweep = ag.vectorize(ag.grad(lambda x: x**3))
    chunks = (np.arange(k, k + 4.0) for k in range(3))
    results = sweep.stream(chunks)
    np.testing.assert_allclose(next(results), 3 * np.arange(4.0) ** 2)
    assert len(list(results)) == 2


def test_hessians_and_constants_and_scalars() -> None:
    second = ag.vectorize(ag.hessian(lambda x: x**3 + 0 * x))
    np.testing.assert_allclose(second(np.arange(1.0, 4.0)), 6 * np.arange(1.0, 4.0))
    value, same, one = ag.vectorize(lambda x, y: (x * y, x, 1.0))(np.arange(3.0), 2.0)
    np.testing.assert_array_equal(value, [0, 2, 4])
    np.testing.assert_array_equal(same, [0, 1, 2])
    np.testing.assert_array_equal(one, [1, 1, 1])
    assert ag.vectorize(lambda x: x * x)(3.0) == 9.0


def test_progress_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    ag.vectorize(lambda x: x + 1, block=10)(np.arange(95.0), progress=True)
    assert "10/10" in capsys.readouterr().err


def test_bad_input_is_named() -> None:
    sweep = ag.vectorize(lambda x, y: x * y)
    with pytest.raises(ag.ShapeError, match="broadcast"):
        sweep(np.ones(3), np.ones(4))
    with pytest.raises(ag.ShapeError, match=r"out made of arrays of shape \(3,\)"):
        sweep(np.ones(3), 1.0, out=np.ones(4))
    with pytest.raises(ag.DTypeError, match="real numbers"):
        sweep(np.ones(3), "a")
    with pytest.raises(ag.ArgumentError, match="got stack"):
        ag.vectorize(lambda x: np.stack([x, x]))(np.ones(3))
    with pytest.raises(ag.ArgumentError, match="got sort of an array"):
        ag.vectorize(lambda x: np.sort(np.stack([x, x])).sum())(np.ones(3))
    with pytest.raises(ag.TraceError, match=r"np\.where"):
        ag.vectorize(lambda x: x if x > 0 else -x)(np.ones(3))


def test_results_may_be_written_over_the_arguments() -> None:
    both = ag.vectorize(lambda x, y: (x * 2 + y, x - y), block=8)
    for count in (5, 8, 9, 40):  # the last block overlaps the one before it
        store = np.arange(count + 1.0)
        x, y = store[:-1].copy(), store[:-1][::-1].copy()
        out = (store[1:], np.empty(count))
        both(store[:-1], y, out=out)
        np.testing.assert_array_equal(out[0], x * 2 + y)
        np.testing.assert_array_equal(out[1], x - y)
    with pytest.raises(ag.ArgumentError, match="do not overlap"):
        both(x, y, out=(store[1:], store[1:]))


def test_captured_tensors_are_read_at_every_sweep() -> None:
    w, v = ag.Tensor(2.0), ag.Tensor([1.0, 2.0, 3.0])
    sweep = ag.vectorize(ag.value_and_grad(lambda x: x * x * w + np.sum(v) + v[1]), block=4)
    for count in (3, 4, 11):
        for dtype in (np.float64, np.float32):
            x = np.arange(count, dtype=dtype)
            for scale in (2.0, 3.0):
                w.assign(scale)
                v.assign([scale, 2.0, 3.0])
                value, slope = sweep(x)
                np.testing.assert_array_equal(value, x * x * scale + (scale + 7))
                np.testing.assert_array_equal(slope, 2 * x * scale)
                assert value.dtype == slope.dtype == dtype
    k = np.arange(4.0)
    for f in (lambda x: x * k, lambda x: x * v, lambda x: (x, v)):
        with pytest.raises(ag.ArgumentError, match="a function of scalars"):
            ag.vectorize(f, block=4)(np.arange(8.0))


def test_gradients_and_traces_pass_through_a_sweep() -> None:
    sweep = ag.vectorize(lambda x, y: np.where(x > 1, x * x, y), block=2)
    x = np.array([0.5, 1.5, 2.5])
    slope = ag.grad(lambda x: np.sum(sweep(x, 3.0)) + np.sum(x))(x)
    np.testing.assert_array_equal(slope, [1.0, 4.0, 6.0])
    fast = ag.compile(lambda x: sweep(x, 3.0))
    for args in (x, x[::-1]):
        np.testing.assert_array_equal(fast(args), sweep(args, 3.0))
    with pytest.raises(ag.ArgumentError, match="plain arrays with out="):
        sweep(ag.Tensor(x), 3.0, out=np.empty(3))


@pytest.mark.parametrize("f", [ag.gelu, np.sinc, np.round, np.nan_to_num, np.logaddexp2, np.clip])
def test_every_elementwise_row_sweeps(f: Any) -> None:
    args = np.random.default_rng(3).normal(size=(3, 9))[: {np.clip: 3, np.logaddexp2: 2}.get(f, 1)]
    np.testing.assert_allclose(ag.vectorize(f, block=4)(*args), f(*args), rtol=1e-15)


def test_lists_of_numbers_are_arrays() -> None:
    np.testing.assert_array_equal(ag.vectorize(lambda x: x * 2)([1, 2]), [2.0, 4.0])
    pair = ag.vectorize(lambda p: p[0] * p[1])
    np.testing.assert_array_equal(pair([np.arange(3.0), 2.0]), [0.0, 2.0, 4.0])
    for block, threads in ((0, 1), (8, 0), ("a", 1)):
        with pytest.raises(ag.ArgumentError, match="whole number of at least 1"):
            ag.vectorize(bump, block=block, threads=threads)  # type: ignore[arg-type]


def test_auto_takes_machine_code_for_what_is_nearly_all_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def chosen(f: Any, backend: str = "auto") -> str:
        sweep = ag.vectorize(f, backend=backend)
        sweep(np.ones(3))
        [made] = sweep.programs._entries.values()
        return type(made.blocks).__name__

    def long(x: Any) -> Any:
        for _ in range(2_001):
            x = x * 0.5 + 1.0
        return x

    assert chosen(bump) == "NativeBlocks"
    assert chosen(np.cosh) == "NumpyBlocks"
    assert chosen(long) == "NumpyBlocks"
    assert chosen(bump, "numpy") == "NumpyBlocks"
    assert chosen(np.cosh, "llvm") == "NativeBlocks"
    monkeypatch.setattr("autograd.graph.vectorizer.find_spec", lambda name: None)
    assert chosen(bump) == "NumpyBlocks"
    with pytest.raises(ag.ArgumentError, match="backend to be one of auto, numpy, llvm"):
        ag.vectorize(bump, backend="python")


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_is_not_finite_warns_nobody(backend: str) -> None:
    x = np.array([0.0, -1.0, np.inf, 1e300, np.nan] * 9)
    for f in (lambda x: np.log(x) / x, lambda x: np.sinh(x) * np.exp(x), np.log2):
        with np.errstate(all="ignore"):
            wanted = f(x)
        found = ag.vectorize(f, backend=backend, block=16)(x)  # a warning is an error here
        np.testing.assert_allclose(found, wanted, rtol=1e-15)
        with np.errstate(all="raise"):
            ag.compile(f, backend=backend)(x)


def bump(x: Any) -> Any:
    return np.exp(-x * x)


@pytest.mark.parametrize("backend", BACKENDS)
@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 5), min_size=0, max_size=3),
    st.integers(1, 9),
    st.integers(1, 3),
    st.data(),
)
def test_any_layout_goes_in_and_out(
    backend: str, shape: list[int], block: int, threads: int, data: Any
) -> None:
    both = ag.vectorize(
        lambda x, y: (x * 2 + y, x > y), backend=backend, block=block, threads=threads
    )

    def laid_out(array: Any, name: str) -> Any:
        way = data.draw(st.sampled_from("CFsrfB"), name)
        if way == "s" and array.ndim:
            spread = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), array.dtype)
            spread[..., ::2] = array
            return spread[..., ::2]
        if way == "r" and array.ndim:
            return np.ascontiguousarray(array[::-1])[::-1]
        if way in "fB" and name != "out":
            return array.astype({"f": "f4", "B": ">f8"}[way])
        return np.array(array, order="F" if way == "F" else "C")

    x = laid_out(np.arange(math.prod(shape)).reshape(shape) * 0.5, "x")
    axes = [data.draw(st.sampled_from([1, n])) if n else n for n in shape]
    y = laid_out(np.arange(math.prod(axes)).reshape(axes) - 2.0, "y")
    narrow = [a.dtype == "f4" for a in (x, y)]
    dtype = np.float32 if (all(narrow) if shape else any(narrow)) else np.float64
    out = (laid_out(np.zeros(shape, dtype), "out"), laid_out(np.zeros(shape, bool), "out"))
    wanted = (x * 2 + y, np.broadcast_to(x > y, shape))
    assert both(x, y, out=out) is not None
    for found, right in zip((*out, *both(x, y)), (*wanted, *wanted), strict=True):
        np.testing.assert_array_equal(found, right)
        assert np.shape(found) == tuple(shape)
    assert np.result_type(both(x, y)[0]) == dtype


def test_results_may_be_written_into_a_file_in_place(tmp_path: Path) -> None:
    for kind in ("f4", "i8"):
        store = np.memmap(tmp_path / kind, kind, "w+", shape=(300, 3))
        store[:] = np.arange(900).reshape(300, 3)
        out = store if kind == "f4" else store.view("f8")
        sweep = ag.vectorize(lambda x: (x * 2 + 1, x * x), block=70, threads=2)
        squares = np.empty((300, 3), out.dtype)
        assert sweep(store, out=(out, squares))[0] is out
        np.testing.assert_array_equal(out, np.arange(900.0).reshape(300, 3) * 2 + 1)
        np.testing.assert_array_equal(squares, np.arange(900.0).reshape(300, 3) ** 2)


def test_threads_share_nothing_and_are_there_after_a_fork() -> None:
    sweep = ag.vectorize(ag.value_and_grad(surface, (0, 1, 2)), block=64, threads=3)
    inputs = [np.random.default_rng(k).uniform(0.5, 2.0, (3, 2000)) for k in range(4)]
    wanted = [sweep(*xs)[0] for xs in inputs]
    wrong = []

    def work(k: int) -> None:
        for _ in range(20):
            if not np.array_equal(sweep(*inputs[k])[0], wanted[k]):
                wrong.append(k)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert not wrong
    if hasattr(os, "fork"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # newer Pythons warn of threads
            child = os.fork()
        if not child:
            signal.alarm(30)  # rather than to wait for threads that are not there
            os._exit(not np.array_equal(sweep(*inputs[0])[0], wanted[0]))
        assert os.waitpid(child, 0)[1] == 0


def test_an_exception_in_one_block_ends_the_sweep_and_leaves_it_usable() -> None:
    calls = []

    @ag.primitive(partials=lambda y, x: 1.0)
    def picky(x: Any) -> Any:
        calls.append(1)
        if np.max(x) > 100:
            raise RuntimeError(f"{np.max(x)} is too much")
        return x * 1.0

    sweep = ag.vectorize(lambda x: picky(x), block=8, threads=3)
    x = np.arange(8000.0)
    with pytest.raises(RuntimeError, match="too much"):
        sweep(x)
    assert len(calls) < 30  # nobody goes on with the other blocks
    np.testing.assert_array_equal(sweep(x[:90]), x[:90])
    results = sweep.stream([x[:9], x, x[:9]])
    np.testing.assert_array_equal(next(results), x[:9])
    with pytest.raises(RuntimeError, match="too much") as caught:
        next(results)
    assert caught.value.__notes__ == ["in chunk 1 of the stream"]
    with pytest.raises(ag.ArgumentError, match="chunks to go through; got int"):
        sweep.stream(3)  # type: ignore[arg-type]


def test_a_sweep_may_call_another_in_its_threads() -> None:
    inner = ag.vectorize(lambda x: x * x, block=4, threads=4)

    @ag.primitive(partials=lambda y, x: 1.0)
    def squared(x: Any) -> Any:
        return inner(np.asarray(x))

    outer = ag.vectorize(lambda x: squared(x) + 1, block=16, threads=4)
    np.testing.assert_array_equal(outer(np.arange(900.0)), np.arange(900.0) ** 2 + 1)


def test_programs_are_bounded_and_of_every_length() -> None:
    runs = []

    def f(x: Any, flag: Any = None) -> Any:
        runs.append(1)
        return x + 1

    sweep = ag.vectorize(f, block=16, limit=2)
    for count in (1, 5, 16, 17, 31, 100, 5):
        np.testing.assert_array_equal(sweep(np.arange(count * 1.0)), np.arange(count) + 1.0)
    assert len(runs) == 1
    for flag in ("a", "b", "c"):
        sweep(np.arange(3.0), flag)
    assert len(sweep.programs) == 2
    sweep(np.arange(3.0))
    assert len(runs) == 5
    with pytest.raises(ag.ArgumentError, match="hashable"):
        sweep(np.arange(3.0), {1})


def test_numbers_that_are_not_real_are_refused_by_name() -> None:
    sweep = ag.vectorize(lambda x, p: x * p["w"])
    for bad in (
        np.ones(2, complex),
        np.ones(2, np.longdouble),
        np.ma.array([1.0, 2.0], mask=[0, 1]),
    ):
        with pytest.raises(ag.DTypeError, match="real numbers in p_w"):
            sweep(1.0, {"w": bad})


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("length", [1, 60, 61, 62, 488, 16, 32])  # a sample's, a block's, and not
def test_a_captured_array_may_have_any_length(length: int, backend: str) -> None:
    v = ag.Tensor(np.arange(length) * 0.5)
    sweep = ag.vectorize(
        lambda x: x * np.sum(np.exp(-v) * 2 + v), backend=backend, block=16, threads=2
    )
    total = np.sum(np.exp(np.arange(length) * -0.5) * 2 + np.arange(length) * 0.5)
    for count in (3, 16, 61, 100):
        np.testing.assert_allclose(sweep(np.ones(count)), np.full(count, total), rtol=1e-14)
