"""Functions of scalars over arrays: the same numbers, whatever the blocks and threads."""

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


@settings(max_examples=40, deadline=None)
@given(programs(EXACT), st.integers(0, 2**32 - 1), st.sampled_from([1, 7, 16, 33]))
def test_exact_programs_have_the_bits_of_scalar_calls(f: Any, seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(2, count))
    x[::3] = 0
    derivative = ag.value_and_grad(f, (0, 1))
    sweep = ag.vectorize(derivative, block=8, threads=2)
    with np.errstate(all="ignore"):
        value, slopes = sweep(x, y)
        for k in range(count):
            wanted, parts = derivative(x[k], y[k])
            found = (value[k], slopes[0][k], slopes[1][k])
            np.testing.assert_array_equal(found, (wanted, *parts), err_msg=str(f.__doc__))


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("count", [0, 1, 5, 1000, 4096, 10_001])
def test_blocks_and_threads_do_not_change_results(count: int, threads: int) -> None:
    x, y = np.random.default_rng(count).uniform(0.5, 2.0, (2, count))
    derivative = ag.value_and_grad(surface, (0, 1, 2))
    once = ag.vectorize(derivative, block=1 << 20, threads=1)(x, y, 1.5)
    many = ag.vectorize(derivative, block=1024, threads=threads)(x, y, 1.5)
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
        ag.vectorize(lambda x: np.stack([x, x]).sum())(np.ones(3))
    with pytest.raises(ag.TraceError, match=r"np\.where"):
        ag.vectorize(lambda x: x if x > 0 else -x)(np.ones(3))
