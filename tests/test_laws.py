"""The laws every program may rely on, as properties of random expressions and of small programs."""

import asyncio
import gc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd as ag
from autograd import GraphError, Tensor

UNARY: list[Callable[[Any], Any]] = [
    np.sin, np.cos, np.tanh, np.exp, np.arctan, np.square, np.negative, ag.sigmoid,
    lambda x: x * 0.5, lambda x: 1 / (2 + x * x), lambda x: np.log(1 + x * x), lambda x: x**3,
]  # fmt: skip
BINARY: list[Callable[[Any, Any], Any]] = [
    np.add, np.subtract, np.multiply, lambda a, b: a / (1 + b * b), lambda a, b: np.sin(a + b) * b,
]  # fmt: skip

Program = list[tuple[int, int, int]]

programs = st.lists(
    st.tuples(st.integers(0, 99), st.integers(0, 99), st.integers(0, 99)), min_size=1, max_size=8
)
numbers = st.integers(-1500, 1500).map(lambda k: k / 1000)


def run(program: Program, values: list[Any]) -> Any:
    """Return the result of a random straight-line program whose values stay small."""
    values = list(values)
    for which, i, j in program:
        a, b = values[i % len(values)], values[j % len(values)]
        f = [*UNARY, *BINARY][which % (len(UNARY) + len(BINARY))]
        y = f(a) if f in UNARY else f(a, b)  # type: ignore[operator]
        values.append(np.tanh(y) if len(values) % 3 == 0 else y)
    total = values[0]
    for value in values[1:]:
        total = total + value
    return total


# ---- linearity, fan-out, symmetry, order ---------------------------------------------------------


@given(programs, st.lists(numbers, min_size=3, max_size=3), numbers, numbers)
@settings(deadline=None, max_examples=60)
def test_the_vjp_is_linear_in_its_cotangent(
    program: Program, point: list[float], a: float, b: float
) -> None:
    x = np.array(point)
    _, pullback = ag.vjp(lambda x: run(program, [x, x * 0.5]), x)
    u, v = np.cos(np.arange(3.0)), np.sin(np.arange(3.0))
    left = pullback(a * u + b * v)[0]
    right = a * pullback(u)[0] + b * pullback(v)[0]
    scale = np.abs(pullback(np.ones(3))[0]) * (abs(a) + abs(b)) + np.abs(right)
    # an elementwise program: cotangents only ever scale the same local derivatives
    assert np.all(np.abs(left - right) <= 1e-13 * scale + 1e-300)


@given(programs, programs, numbers)
@settings(deadline=None, max_examples=60)
def test_what_flows_to_a_value_used_twice_adds(first: Program, second: Program, x: float) -> None:
    f = lambda x: run(first, [x])  # noqa: E731
    g = lambda x: run(second, [x])  # noqa: E731
    both = ag.grad(lambda x: f(x) + g(x))(x)
    apart = ag.grad(f)(x), ag.grad(g)(x)
    # the terms of the two programs are added in another order
    terms = 1 + sum(abs(t) for t in apart)
    assert both == pytest.approx(sum(apart), rel=1e-10, abs=1e-12 * terms)


@given(programs, st.lists(numbers, min_size=3, max_size=3))
@settings(deadline=None, max_examples=40)
def test_hessians_are_symmetric(program: Program, point: list[float]) -> None:
    matrix = ag.hessian(lambda x: run(program, [x[0], x[1] * x[2], x[2]]))(np.array(point))
    assert np.all(np.abs(matrix - matrix.T) <= 1e-11 * (1 + np.abs(matrix).max()))


@given(programs, numbers)
@settings(deadline=None, max_examples=40)
def test_forward_and_reverse_agree_in_every_order(program: Program, x: float) -> None:
    reverse = forward = mixed = lambda x: run(program, [x])
    for _ in range(3):
        reverse, mixed = ag.grad(reverse), ag.grad(forward)
        forward = (lambda f: lambda x: ag.jvp(f, (x,), (1.0,))[1])(forward)
        values = reverse(x), mixed(x), forward(x)
        scale = 1 + max(map(abs, values))
        assert max(values) - min(values) <= 1e-9 * scale


@given(programs, st.lists(numbers, min_size=2, max_size=2))
@settings(deadline=None, max_examples=20)
def test_gradcheck_calls_no_random_expression_wrong(program: Program, point: list[float]) -> None:
    ag.gradcheck(lambda x, y: run(program, [x, y]), *point, order=2)


@given(programs, numbers)
@settings(deadline=None, max_examples=40)
def test_a_repeated_call_gives_the_same_bits(program: Program, x: float) -> None:
    f = ag.value_and_grad(lambda x: run(program, [x]))
    assert np.array(f(x)).tobytes() == np.array(f(x)).tobytes()
    v = np.full(5, x)
    g = lambda: ag.vjp(lambda x: run(program, [x]), v)[1](np.ones(5))[0]  # noqa: E731
    assert g().tobytes() == g().tobytes()


# ---- calls within calls --------------------------------------------------------------------------

INNER: list[Callable[..., Any]] = [
    lambda f, y: ag.grad(f)(y),
    lambda f, y: ag.value_and_grad(f)(y)[1],
    lambda f, y: ag.vjp(f, y)[1](1.0)[0],
    lambda f, y: ag.jvp(f, (y,), (1.0,))[1],
    lambda f, y: ag.jacobian(f)(y),
]


@pytest.mark.parametrize("inner", INNER)
@pytest.mark.parametrize("outer", INNER)
def test_an_inner_derivative_is_seen_by_the_outer_one(
    inner: Callable[..., Any], outer: Callable[..., Any]
) -> None:
    # d/dx of d/dy x y**2 at y = 3: the inner call meets x only through what its function refers to
    assert outer(lambda x: inner(lambda y: x * y * y, 3.0), 2.0) == 6.0
    # the same where the inner function is of the outer variable alone, or of its own
    assert outer(lambda x: inner(lambda y: x * x, 3.0), 2.0) == 0.0
    assert outer(lambda x: inner(lambda y: y * y, 3.0) + 0 * x, 2.0) == 0.0


@pytest.mark.parametrize("inner", INNER)
@pytest.mark.parametrize("outer", INNER)
def test_perturbations_of_different_calls_are_not_confused(
    inner: Callable[..., Any], outer: Callable[..., Any]
) -> None:
    # Siskind and Pearlmutter's example: d/dx [x * d/dy (x + y)] is 1; confusion gives 2
    assert outer(lambda x: x * inner(lambda y: x + y, 1.0), 1.0) == 1.0
    assert outer(lambda x: x * inner(lambda y: x * y, 2.0), 3.0) == 6.0


# ---- the branch not taken ------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(), (3,)], ids=["float", "array"])
def test_a_branch_not_taken_gives_an_exact_zero_also_nested_and_of_second_order(
    shape: tuple[int, ...],
) -> None:
    def root(x: Any) -> Any:
        return np.where(x >= 0, np.sqrt(np.where(x >= 0, x, 1.0)), x * np.log(-x))

    def nested(x: Any) -> Any:
        return np.where(x > 0, np.where(x > 5, np.log(x - 5), x * x), np.log(-x))

    with np.errstate(all="ignore"):
        for f, x, first, second in (
            (root, 4.0, 0.25, -0.03125),
            (root, -1.0, 1.0, -1.0),
            (nested, 2.0, 4.0, 2.0),
            (nested, 6.0, 1.0, -1.0),
            (nested, -2.0, -0.5, -0.25),
        ):
            point = np.full(shape, x) if shape else x
            total = lambda x, f=f: np.sum(f(x))  # noqa: E731
            assert np.all(ag.grad(total)(point) == first)
            assert np.all(ag.jvp(ag.grad(total), (point,), (point / point,))[1] == second)
            slope = ag.grad(lambda x, total=total: np.sum(ag.grad(total)(x)))
            assert np.all(slope(point) == second)


# ---- memory, depth -------------------------------------------------------------------------------


@pytest.fixture
def without_collector() -> Any:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("without_collector")
def test_ten_thousand_graphs_of_every_kind_are_freed_by_reference_count() -> None:
    def work() -> None:
        x = Tensor([1.0, 2.0])
        y = (np.sin(x) * x).sum() + x[0] * 2.0
        y.backward()
        ag.grad(ag.grad(lambda z: z * z * np.sin(z)))(1.5)
        ag.gradients(ag.gradients(y, x, create_graph=True).sum(), x)
        ag.jvp(np.exp, (1.0,), (1.0,))

    for _ in range(50):
        work()
    before = len(gc.get_objects())
    for _ in range(2_500):  # four graphs a piece
        work()
    # a graph that is not freed keeps its Tensors, tuples and dictionaries, at least ten objects
    assert len(gc.get_objects()) - before < 10


# ---- modes per context, all or nothing -----------------------------------------------------------


def test_no_grad_is_per_asyncio_task() -> None:
    x = Tensor(2.0)
    seen: dict[str, list[bool]] = {"paused": [], "recording": []}

    async def task(name: str, paused: bool) -> None:
        for _ in range(3):
            if paused:
                with ag.no_grad():
                    await asyncio.sleep(0)
                    seen[name].append((x * x).requires_grad)
            else:
                await asyncio.sleep(0)
                seen[name].append((x * x).requires_grad)

    async def both() -> None:
        await asyncio.gather(task("paused", True), task("recording", False))

    asyncio.run(both())
    assert seen == {"paused": [False] * 3, "recording": [True] * 3}


def test_no_grad_ends_when_its_block_raises() -> None:
    x = Tensor(2.0)
    with pytest.raises(ZeroDivisionError), ag.no_grad():
        1 / 0  # noqa: B018
    assert (x * x).requires_grad


def test_an_assigned_leaf_makes_every_sweep_refuse_by_name() -> None:
    w = Tensor([1.0, 2.0], name="weights")
    y = (w * w).sum()
    w.assign([3.0, 4.0])
    for attempt in (y.backward, lambda: ag.gradients(y, w), lambda: ag.contributions(y)):
        with pytest.raises(GraphError, match="weights"):
            attempt()
    assert w.grad is None
