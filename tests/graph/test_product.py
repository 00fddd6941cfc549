"""Matrix products as machine code, against longer arithmetic and the ends of memory."""

import ctypes
from collections.abc import Callable
from typing import Any

import llvmlite.binding as binding
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograd import trace
from autograd.graph.arrays import ArrayPlan
from autograd.graph.kernels import text_of
from autograd.graph.native import linked
from autograd.graph.product import ELEMENTS, THREADS, Products, host, native_product_pays
from autograd.graph.vectors import Machine

HERE = host(binding)
MACHINES = [HERE]
if HERE.vector == 64:
    MACHINES.append(Machine(32, 16, True, "+avx2,+fma"))
if HERE.vector > 16:
    MACHINES.append(Machine(16, 16, False))

Product = Callable[[Any, Any, Any], None]


def strides(x: Any) -> tuple[int, int]:
    return x.strides[0] // x.itemsize, x.strides[1] // x.itemsize


def product_of(a: Any, b: Any, c_row: int, machine: Machine = HERE) -> Product:
    """Compile the product of two matrices of these shapes, strides and dtypes."""
    products = Products(machine)
    name, workspace = products.of(
        a.shape[0], b.shape[1], a.shape[1], strides(a), strides(b), c_row, str(a.dtype)
    )
    run = (
        "define void @run(ptr %a, ptr %b, ptr %c, ptr %w) {\n"
        f"  call void @{name}(ptr %a, ptr %b, ptr %c, ptr %w)\n  ret void\n}}\n"
    )
    called = products.called(binding)
    program = linked(binding, products.text() + run, ["run"], machine.features, called=called)
    pointer = ctypes.c_void_p
    function = ctypes.CFUNCTYPE(None, pointer, pointer, pointer, pointer)(program["run"])
    # its end is the end of the workspace: what lies behind must not be touched
    room = np.full(workspace + 64, 0xFF, np.uint8)

    def call(a: Any, b: Any, c: Any) -> None:
        function(a.ctypes.data, b.ctypes.data, c.ctypes.data, room.ctypes.data)
        assert program["run"]
        assert (room[workspace:] == 0xFF).all()

    return call


def multiplied(a: Any, b: Any, machine: Machine = HERE) -> Any:
    c = np.full((a.shape[0], b.shape[1]), np.nan, a.dtype)
    product_of(a, b, c.shape[1], machine)(a, b, c)
    return c


def assert_product(c: Any, a: Any, b: Any) -> None:
    """A sum of k products is off by at most k units of its last place, in any order."""
    exact = a.astype(np.longdouble) @ b.astype(np.longdouble)
    scale = np.abs(a).astype(np.longdouble) @ np.abs(b).astype(np.longdouble)
    info = np.finfo(a.dtype)
    bound = a.shape[1] * (info.eps * scale + info.smallest_subnormal)
    assert (np.abs(c - exact) <= bound).all()


@st.composite
def matrices(draw: Any, rows: int, columns: int, dtype: str) -> Any:
    """A matrix whose entries lie in memory in any of the ways that views can have."""
    source = np.random.default_rng(draw(st.integers(0, 99)))
    layout = draw(st.sampled_from(["rows", "columns", "steps", "row repeated", "column repeated"]))
    if layout == "columns":
        return source.standard_normal((columns, rows)).astype(dtype).T
    if layout == "steps":
        return source.standard_normal((2 * rows, 3 * columns)).astype(dtype)[::-2, ::3]
    if layout == "row repeated":
        return np.broadcast_to(source.standard_normal((1, columns)).astype(dtype), (rows, columns))
    if layout == "column repeated":
        return np.broadcast_to(source.standard_normal((rows, 1)).astype(dtype), (rows, columns))
    return source.standard_normal((rows, columns)).astype(dtype)


# widths of vectors and tiles, and what lies beside them
SIZES = st.one_of(st.integers(0, 20), st.sampled_from([24, 31, 32, 33, 48, 50, 64, 100, 129, 200]))


@settings(max_examples=100, deadline=None)
@given(
    st.data(),
    st.tuples(SIZES, SIZES, SIZES),
    st.sampled_from([*ELEMENTS]),
    st.sampled_from(MACHINES),
)
def test_any_product_is_right(
    data: Any, shape: tuple[int, int, int], dtype: str, machine: Machine
) -> None:
    m, n, k = shape
    a, b = data.draw(matrices(m, k, dtype)), data.draw(matrices(k, n, dtype))
    assert_product(multiplied(a, b, machine), a, b)


# large enough for every level of blocks: along k, along the rows, several panels
@pytest.mark.parametrize(
    "shape", [(300, 210, 1100), (1030, 150, 300), (3, 700, 2100), (700, 1, 900)]
)
@pytest.mark.parametrize("turned", [(False, False), (True, False), (False, True), (True, True)])
@pytest.mark.parametrize("dtype", ELEMENTS)
def test_large_products_are_right(
    shape: tuple[int, int, int], turned: tuple[bool, bool], dtype: str
) -> None:
    m, n, k = shape
    draw = np.random.default_rng(1)
    a = draw.standard_normal((k, m)).T if turned[0] else draw.standard_normal((m, k))
    b = draw.standard_normal((n, k)).T if turned[1] else draw.standard_normal((k, n))
    a, b = a.astype(dtype), b.astype(dtype)
    c = multiplied(a, b)
    # longer arithmetic has no BLAS: a part of the rows is enough
    chosen = draw.integers(0, m, 12)
    assert_product(c[chosen], a[chosen], b)


@settings(max_examples=40, deadline=None)
@given(st.data(), st.sampled_from(MACHINES))
def test_nan_and_inf_pass_as_in_a_sum(data: Any, machine: Machine) -> None:
    m, n, k = (data.draw(st.integers(1, 40)) for _ in range(3))
    a, b = data.draw(matrices(m, k, "float32")).copy(), data.draw(matrices(k, n, "float32")).copy()
    for x in (a, b):
        for value in (np.nan, np.inf, -np.inf, 0.0):
            if data.draw(st.booleans()):
                x.flat[data.draw(st.integers(0, x.size - 1))] = value
    with np.errstate(invalid="ignore"):
        exact = a.astype(np.longdouble) @ b.astype(np.longdouble)
        found = multiplied(a, b, machine)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(exact))
    np.testing.assert_array_equal(found[np.isinf(exact)], exact[np.isinf(exact)])
    assert np.isfinite(found[np.isfinite(exact)]).all()


def test_an_empty_sum_is_zero() -> None:
    assert not multiplied(np.empty((3, 0)), np.empty((0, 4))).any()


def test_rows_of_the_result_may_lie_apart() -> None:
    a, b, c = np.ones((30, 40)), np.ones((40, 21)), np.full((30, 25), np.nan)
    product_of(a, b, 25)(a, b, c)
    assert (c[:, :21] == 40).all()
    assert np.isnan(c[:, 21:]).all()


def test_bits_do_not_depend_on_where_the_arrays_lie() -> None:
    draw = np.random.default_rng(2)
    a, b = draw.random((45, 300), np.float32), draw.random((300, 50), np.float32)
    product = product_of(a, b, 50)
    found = set()
    for offset in range(0, 64, 4):
        room = [np.empty(x.nbytes + 64, np.uint8) for x in (a, b, np.empty((45, 50), np.float32))]
        moved = [x[offset : x.size - 64 + offset].view(np.float32) for x in room]
        left, right, c = moved[0].reshape(a.shape), moved[1].reshape(b.shape), moved[2]
        left[...], right[...] = a, b
        product(left, right, c)
        found.add(c.tobytes())
    assert len(found) == 1


@pytest.mark.parametrize(
    "shape", [(100, 50, 784), (50, 10, 100), (7, 130, 33), (131, 77, 65), (65, 1, 70)]
)
@pytest.mark.parametrize("machine", MACHINES)
def test_nothing_outside_the_arrays_is_touched(
    shape: tuple[int, int, int], machine: Machine, fenced: Callable[[Any, bool], Any]
) -> None:
    m, n, k = shape
    draw = np.random.default_rng(3)
    for turned in range(4):
        a = fenced(draw.standard_normal((k, m) if turned & 1 else (m, k)).astype(np.float32), True)
        b = fenced(draw.standard_normal((n, k) if turned & 2 else (k, n)).astype(np.float32), True)
        a, b = a.T if turned & 1 else a, b.T if turned & 2 else b
        c = fenced(np.zeros((m, n), np.float32), True)
        product_of(a, b, n, machine)(a, b, c)
        assert_product(c, a, b)
        # backwards, so that the first entry is the last of what may be read
        for x in (a, b):
            x[...] = x[::-1, ::-1].copy()
        product_of(a[::-1, ::-1], b[::-1, ::-1], n, machine)(a[-1:, -1:], b[-1:, -1:], c)
        assert_product(c, a[::-1, ::-1], b[::-1, ::-1])
        left, right = fenced(a.copy(), False), fenced(b.copy(), False)
        product_of(left, right, n, machine)(left, right, c)
        assert_product(c, left, right)


def test_products_share_what_they_are_made_of() -> None:
    products = Products(HERE)
    first = products.of(96, 48, 784, (784, 1), (48, 1), 48, "float32")
    assert products.of(96, 48, 784, (784, 1), (48, 1), 48, "float32") is first
    before = [name for name in products.kernels if name.startswith("tile_")]
    assert products.of(192, 48, 100, (1, 192), (48, 1), 48, "float32") is not first
    assert [name for name in products.kernels if name.startswith("tile_")] == before
    addresses = products.called(binding)
    again = Products(HERE)
    again.of(96, 48, 784, (784, 1), (48, 1), 48, "float32")
    assert again.called(binding).items() <= addresses.items()


# the second processor is another family: what has no vectors of its own would show as calls
@pytest.mark.parametrize(
    ("triple", "machine", "instruction"),
    [
        (
            "x86_64-linux-gnu",
            Machine(64, 32, True, "+avx512f,+avx512vl"),
            "zmm",
        ),
        ("aarch64-linux-gnu", Machine(16, 32, False, "+neon"), "fmla"),
    ],
)
def test_other_processors_get_vectors(triple: str, machine: Machine, instruction: str) -> None:
    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()
    products = Products(machine)
    products.of(100, 50, 784, (784, 1), (50, 1), 50, "float32")
    module = binding.parse_assembly(text_of([*products.kernels.values()], machine))
    target = binding.Target.from_triple(triple).create_target_machine(
        features=machine.features, opt=1
    )
    text = target.emit_assembly(module)
    assert text.count(instruction) > 24
    assert "fmaf" not in text


def test_large_products_stay_with_numpy_where_it_is_faster(monkeypatch: Any) -> None:
    narrow, wide = Machine(32, 16, True), Machine(64, 32, True)
    for name in THREADS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    assert native_product_pays(2048, 2048, 2048, wide)
    assert native_product_pays(100, 50, 784, narrow)
    assert not native_product_pays(2048, 2048, 2048, narrow)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "8")
    assert native_product_pays(100, 50, 784, wide)
    assert not native_product_pays(2048, 2048, 2048, wide)


def test_programs_call_numpy_where_its_products_are_faster(monkeypatch: Any) -> None:
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "8")
    draw = np.random.default_rng(4)
    a, b = draw.standard_normal((200, 210)), draw.standard_normal((210, 220))
    plan = ArrayPlan(trace(lambda a, b: (a @ b, 2 * (a[:5] @ b)), a, b))
    assert plan.source.count("matmul") == 1
    large, small = plan([a, b])
    np.testing.assert_array_equal(large, a @ b)
    assert_product(small / 2, a[:5], b)
