"""Transforms: containers, orders, nesting, aux, checkpoints, sparse matrices, anomalies."""

import collections
import dataclasses
import gc
import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd as ag
from autograd import AnomalyError, ArgumentError, DTypeError, GraphError, ShapeError, Tensor
from autograd.containers import leaves


@dataclasses.dataclass
class Layer:
    w: object
    b: object
    name: str = dataclasses.field(default="dense", init=False)


def energy(p: dict) -> Tensor:
    layer, scale = p["layer"], p["scale"][0]
    return np.sum(np.tanh(layer.w @ np.ones(3) + layer.b)) * scale


POINT = {"layer": Layer(np.arange(6.0).reshape(2, 3) / 7, np.array([0.1, -0.2])), "scale": (2.0,)}


def test_gradients_have_the_structure_of_their_argument() -> None:
    value, slope = ag.value_and_grad(energy)(POINT)
    assert isinstance(value, float)
    assert isinstance(slope["layer"], Layer)
    assert slope["layer"].w.shape == (2, 3)
    assert math.isclose(slope["scale"][0], value / 2)
    flat = ag.grad(lambda w, b, s: energy({"layer": Layer(w, b), "scale": (s,)}), (0, 1, -1))(
        POINT["layer"].w, POINT["layer"].b, 2.0
    )
    assert np.array_equal(flat[0], slope["layer"].w)
    assert np.array_equal(flat[1], slope["layer"].b)


def test_jvp_and_vjp_over_containers_are_dual() -> None:
    def f(p: dict) -> tuple:
        return p["a"] * p["b"][0], {"s": np.sin(p["a"])}

    point = {"a": np.array([1.0, 2.0]), "b": [np.array([3.0, -1.0])]}
    t = {"a": np.array([0.3, 0.1]), "b": [np.array([1.0, 2.0])]}
    u = (np.array([1.0, -2.0]), {"s": np.array([0.5, 4.0])})
    value, tangent = ag.jvp(f, (point,), (t,))
    again, pullback = ag.vjp(f, point)
    [cotangent] = pullback(u)
    assert np.array_equal(value[1]["s"], again[1]["s"])
    left = u[0] @ tangent[0] + u[1]["s"] @ tangent[1]["s"]
    right = cotangent["a"] @ t["a"] + cotangent["b"][0] @ t["b"][0]
    assert math.isclose(left, right, rel_tol=1e-14)


def test_jacobian_over_containers_and_in_both_modes() -> None:
    def f(p: tuple) -> dict:
        return {"y": p[0] ** 2 * p[1], "z": np.sum(p[0])}

    point = (np.array([1.0, 2.0, 3.0]), 2.0)
    by_mode = [ag.jacobian(f, mode=mode)(point) for mode in (None, "forward", "reverse")]
    for found in by_mode:
        assert np.allclose(found["y"][0], np.diag([4.0, 8.0, 12.0]))
        assert np.allclose(found["y"][1], [1.0, 4.0, 9.0])
        assert np.array_equal(found["z"][0], np.ones(3))
        assert found["z"][1] == 0


def test_hessian_over_containers() -> None:
    found = ag.hessian(lambda p: p["a"] ** 2 * p["b"])({"a": 3.0, "b": 2.0})
    assert found == {"a": {"a": 4.0, "b": 6.0}, "b": {"a": 6.0, "b": 0.0}}


def test_aux_is_given_plain() -> None:
    def f(x: Tensor) -> tuple:
        return x * x, {"twice": 2 * x, "text": "ok"}

    assert ag.value_and_grad(f, has_aux=True)(3.0) == ((9.0, {"twice": 6.0, "text": "ok"}), 6.0)
    assert ag.grad(f, has_aux=True)(3.0)[1]["twice"] == 6.0
    with pytest.raises(ArgumentError, match="has_aux"):
        ag.grad(lambda x: x * x, has_aux=True)(3.0)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 7), st.floats(-1.5, 1.5))
def test_derivative_of_any_order(n: int, x: float) -> None:
    got = ag.derivative(lambda v: np.sin(2 * v) * v, order=n)(x)
    shift = n * math.pi / 2
    want = 2**n * math.sin(2 * x + shift) * x
    if n:
        want += n * 2 ** (n - 1) * math.sin(2 * x + shift - math.pi / 2)
    # powers of two aside, a sum of at most 2**n terms
    assert math.isclose(got, want, rel_tol=1e-12, abs_tol=4**n * 1e-15)


def test_inner_derivatives_see_outer_variables_they_only_refer_to() -> None:
    # d/dx (x * d/dy (x + y)) = 1: the confusion of perturbations would give 2
    assert ag.grad(lambda x: x * ag.grad(lambda y: x + y)(1.0))(1.0) == 1.0
    assert ag.grad(lambda x: ag.grad(lambda y: x * y)(3.0))(2.0) == 1.0
    assert ag.grad(lambda x: ag.jvp(lambda y: x * y, (3.0,), (1.0,))[1])(2.0) == 1.0
    assert np.array_equal(
        ag.jacobian(lambda x: ag.jacobian(lambda y: x * y)(np.ones(2)))(np.ones(2))[0],
        [[1.0, 0.0], [0.0, 0.0]],
    )


def test_stop_gradient_over_containers() -> None:
    assert ag.grad(lambda x: x * ag.stop_gradient({"x": x})["x"])(3.0) == 3.0
    assert ag.stop_gradient([1.0, "a"]) == [1.0, "a"]


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: ag.grad(lambda x: x, argnums=2)(1.0), ArgumentError, "argnums within the 1"),
        (lambda: ag.grad(lambda x: x, argnums="a"), ArgumentError, "argnums"),
        (lambda: ag.grad(lambda x: 2 * x)(np.ones(3)), ShapeError, "np.sum"),
        (lambda: ag.grad(lambda x: 2 * x)(np.ones((1, 1))), ShapeError, r"reshape\(\(\)\)"),
        (lambda: ag.grad(lambda x: None)(1.0), DTypeError, "return statement"),
        (lambda: ag.grad(lambda x: 3.0)(1.0), GraphError, "records nothing"),
        (lambda: ag.grad(lambda x: (x, x))(1.0), DTypeError, "tuple"),
        (lambda: ag.grad(lambda x: x)("a"), DTypeError, "argument 0"),
        (lambda: ag.grad(lambda x: x["a"])({"a": 1.0, "b": "c"}), DTypeError, r"\['b'\]"),
        (lambda: ag.grad(lambda x: x)(1j), DTypeError, "argument 0"),
        (lambda: ag.jvp(lambda x: x, (1.0,), ()), ShapeError, "one tangent"),
        (lambda: ag.jvp(lambda x: x, 1.0, 1.0), ArgumentError, "tuple"),
        (lambda: ag.jvp(lambda x: x, (np.ones(2),), (np.ones(3),)), ShapeError, r"\(2,\)"),
        (lambda: ag.jvp(lambda x: x["a"], ({"a": 1.0},), ({"b": 1.0},)), ArgumentError, r"\['a'\]"),
        (lambda: ag.vjp(lambda x: (x, x), 1.0)[1]((1.0,)), ArgumentError, r"\[1\]"),
        (lambda: ag.jacobian(lambda x: x, mode="sideways"), ArgumentError, "mode="),
        (lambda: ag.jvp(lambda x: x, (1.0,), ("a",)), DTypeError, "tangent 0"),
        (lambda: ag.grad(lambda x, y: x, argnums=(0, -2))(1.0, 2.0), ArgumentError, "once"),
        (lambda: ag.grad(lambda x: x, argnums=True), ArgumentError, "argnums"),
        (lambda: ag.grad(lambda x: Layer(x, x))(1.0), DTypeError, "Layer"),
        (lambda: ag.grad(3.0)(1.0), ArgumentError, "function"),
        (lambda: ag.derivative(lambda x: x, order=-1), ArgumentError, "order="),
        (lambda: ag.derivative(lambda x: np.sum(x))(np.ones(2)), ShapeError, "number"),
    ],
)
def test_bad_input_is_named(call: object, error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        call()  # type: ignore[operator]


# ---- checkpoints ---------------------------------------------------------------------------------


def deep(x: Tensor) -> Tensor:
    for _ in range(20):
        x = np.sin(x) * 1.1
    return x


def test_checkpoint_gives_the_same_derivatives() -> None:
    w = Tensor([0.3, -0.4])
    x = np.array([1.0, 2.0])

    def plain(x: Tensor) -> Tensor:
        return np.sum(deep(x * w) ** 2)

    stored, again = plain, ag.checkpoint(plain)
    assert np.array_equal(ag.grad(again)(x), ag.grad(stored)(x))
    assert np.allclose(ag.hessian(again)(x), ag.hessian(stored)(x), rtol=1e-13)
    assert np.allclose(ag.hvp(again)(x, x), ag.hvp(stored)(x, x), rtol=1e-13)
    assert np.allclose(ag.jvp(again, (x,), (x,))[1], ag.jvp(stored, (x,), (x,))[1], rtol=1e-13)
    stored(Tensor(x)).backward()
    expected, w.grad = w.grad, None
    again(Tensor(x)).backward()
    assert np.array_equal(w.grad, expected)


def test_checkpoint_over_containers_and_captured_results() -> None:
    w = Tensor(0.5)
    inner = np.exp(w)
    f = ag.checkpoint(lambda p, k=1: p["a"] * inner * k + np.sum(p["b"]))
    a, b = Tensor(2.0), Tensor([1.0, 3.0])
    y = f({"a": a, "b": b}, k=3)
    y.backward()
    assert math.isclose(a.grad, 3 * math.exp(0.5))
    assert math.isclose(w.grad, 6 * math.exp(0.5))
    assert np.array_equal(b.grad, [1.0, 1.0])
    assert math.isclose(ag.gradients(y, inner), 6.0)


def test_checkpoint_stores_less() -> None:
    def peak(f: object) -> int:
        x = Tensor(np.ones(20_000))
        gc.collect()
        tracemalloc.start()
        y = f(x)
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert y.shape == (20_000,)
        return held

    # 40 arrays of 160 kB against two
    assert peak(ag.checkpoint(deep)) < peak(deep) / 10


# ---- sparse matrices -----------------------------------------------------------------------------


def rosenbrock(x: Tensor) -> Tensor:
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def test_a_sparse_matrix_inside_a_transform_is_refused_rather_than_taken_for_a_constant() -> None:
    x = np.ones(3)
    for f in (
        lambda t: ag.sparse_jacobian(lambda s: s * t)(x).sum(),
        lambda t: ag.sparse_hessian(lambda s: (s**3).sum())(t).sum(),
    ):
        with pytest.raises(ag.GraphError, match="jacobian or hessian"):
            ag.grad(lambda t, f=f: t.sum() + f(t))(x)
    apart = ag.grad(lambda t: t.sum() * ag.sparse_jacobian(lambda s: s * s)(x).sum())
    assert apart(x).tolist() == [6.0, 6.0, 6.0]


@settings(deadline=None, max_examples=25)
@given(st.integers(2, 12), st.integers(0, 10_000))
def test_sparse_matrices_are_the_dense_ones(n: int, seed: int) -> None:
    x = np.random.default_rng(seed).normal(size=n)
    hess = ag.sparse_hessian(rosenbrock)
    assert np.allclose(hess(x).toarray(), ag.hessian(rosenbrock)(x), rtol=1e-12, atol=1e-12)

    def f(x: Tensor) -> Tensor:
        pair = np.concatenate([x[::2], np.sin(x[::-1])])
        return np.stack([pair, np.roll(pair, 1)]).T * np.where(pair > 0, pair, 2.0)[:, None]

    jac = ag.sparse_jacobian(f)
    dense = ag.jacobian(f)(x).reshape(-1, n)
    assert np.allclose(jac(x).toarray(), dense, rtol=1e-12, atol=1e-12)


def test_sweeps_do_not_grow_with_a_band() -> None:
    hess = ag.sparse_hessian(rosenbrock)
    counts = set()
    for n in (10, 100, 10_000):
        matrix = hess(np.linspace(-1, 1, n))
        counts.add(hess.sweeps)
        assert matrix.shape == (n, n)
        assert matrix.nnz == 3 * n - 2
    assert counts == {3}


def test_sparse_patterns_hold_every_entry_of_every_row() -> None:
    from test_coverage import along_arrays

    for row, f, x in along_arrays():
        dense = ag.jacobian(f)(x).reshape(-1, x.size)
        sparse = ag.sparse_jacobian(f)(x).toarray()
        assert np.allclose(sparse, dense, rtol=1e-9, atol=1e-9), row.name


# ---- anomalies -----------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    ("program", "words"),
    [
        (lambda x: np.log(x - x), r"value of log; got -inf at .*test_transforms.py:\d+ from"),
        (lambda x: (x - x) / (x - x), "value of divide"),
        (lambda x: np.sum(np.sqrt(np.array([1.0, -1.0]) * x)), "value of sqrt.*both wheres"),
        (lambda x: np.exp(1e4 * x), "value of exp.*logsumexp"),
        (lambda x: 1e200 * x * 1e200, "value of multiply"),
        (lambda x: np.sqrt(x - x), "gradient of sqrt.*both wheres"),
        (lambda x: np.sum(np.sqrt((x - x) * np.ones(2))), r"gradient of sqrt; got .*inf at \(0,\)"),
        (lambda x: (x - x) ** 0.5, "gradient of power"),
    ],
)
def test_the_first_anomaly_is_found(program: object, words: str) -> None:
    with ag.detect_anomaly(), pytest.raises(AnomalyError, match=words):
        program(Tensor(1.0, name="x")).backward()  # type: ignore[operator]


def test_anomalies_in_forward_mode_and_names_of_operands() -> None:
    with ag.detect_anomaly():
        with pytest.raises(AnomalyError, match="tangent of sqrt"):
            ag.jvp(np.sqrt, (0.0,), (1.0,))
        with pytest.raises(AnomalyError, match=r"rate = 0\.0"):
            np.sqrt(Tensor(0.0, name="rate")).backward()
        x = Tensor(2.0)
        (x * x).backward()
        assert x.grad == 4.0


def test_after_the_hunt_everything_is_as_before() -> None:
    with pytest.raises(ZeroDivisionError), ag.detect_anomaly():
        raise ZeroDivisionError
    with np.errstate(all="ignore"):
        assert np.log(Tensor(0.0)).data == -math.inf
    assert (Tensor(2.0) * 3)._record is None, "the fast lane is open again"


def test_a_tracked_condition_has_no_tangent() -> None:
    x = np.array([1.0, 0.0, 2.0])
    tangent = ag.jvp(lambda x: np.where(x, x * x, 5 * x), (x,), (np.array([1.0, 1.0, 0.0]),))[1]
    assert np.array_equal(tangent, [2, 5, 0])


@pytest.mark.parametrize(
    ("f", "x", "expected"),
    [
        (lambda v: np.sum(np.sqrt(v)[1:]), [0.0, 1.0], [0.0, 0.5]),
        (lambda v: np.sum(np.log(v)[np.array([False, True])]), [0.0, 2.0], [0.0, 0.5]),
        (lambda v: np.sum(np.split(np.sqrt(v), 2)[1]), [0.0, 1.0], [0.0, 0.5]),
        (lambda v: np.sqrt(v)[1] * np.sqrt(v)[1], [0.0, 4.0], [0.0, 1.0]),
        (lambda v: np.sum(np.sqrt(v)), [0.0, 1.0], [math.inf, 0.5]),
        (lambda v: np.sqrt(np.sum(v * v)), [0.0, 0.0], [math.nan, math.nan]),
    ],
)
def test_what_an_index_leaves_out_contributes_an_exact_zero(
    f: object, x: list, expected: list
) -> None:
    with np.errstate(all="ignore"):
        got = ag.grad(f)(np.array(x))
        again = ag.jacobian(ag.grad(f))(np.array(x))
    np.testing.assert_array_equal(got, expected)
    assert again.shape == (2, 2)


def test_rows_of_a_jacobian_do_not_mix() -> None:
    with np.errstate(all="ignore"):
        x = np.array([0.0, 1.0])
        np.testing.assert_array_equal(ag.jacobian(np.sqrt)(x), [[math.inf, 0], [0, 0.5]])
        tall = ag.jacobian(lambda v: np.concatenate([np.sqrt(v), v]))(x)
    np.testing.assert_array_equal(tall, [[math.inf, 0], [0, 0.5], [1, 0], [0, 1]])


@pytest.mark.parametrize(
    "tree",
    [
        collections.OrderedDict(b=3.0, a=2.0),
        collections.defaultdict(float, a=2.0, b=3.0),
        {"b": 3.0, "a": 2.0},
    ],
    ids=lambda tree: type(tree).__name__,
)
def test_a_gradient_is_a_dictionary_of_the_kind_of_its_argument(tree: dict[str, float]) -> None:
    slope = ag.grad(lambda p: p["a"] * p["b"])(tree)
    assert type(slope) is type(tree)
    assert list(slope.items()) == [(key, 6.0 / value) for key, value in tree.items()]
    assert tree["a"] == 2.0


def test_a_checkpoint_keeps_what_it_refers_to_in_place_whatever_its_inputs_come_from() -> None:
    w = np.array([0.3, 0.7])

    def nested(w: object) -> object:
        return ag.checkpoint(lambda a: ag.checkpoint(lambda b: np.sum(b**3 * w[0]))(a * w) * w[1])(
            w * 2
        )

    def plain(w: object) -> object:
        return np.sum((w * 2 * w) ** 3 * w[0]) * w[1]

    assert np.allclose(ag.grad(nested)(w), ag.grad(plain)(w), rtol=1e-13)
    assert np.allclose(ag.hessian(nested)(w), ag.hessian(plain)(w), rtol=1e-13)

    def inner(w: object, x: object, around: object) -> object:
        return np.sum(around(lambda z: np.tanh(w * z) * np.sum(w))(x))

    def mixed(around: object) -> object:
        slope = ag.grad(lambda w, x: inner(w, x, around))
        return ag.jacobian(slope, 1)(w, w + 1)

    assert np.allclose(mixed(ag.checkpoint), mixed(lambda f: f), rtol=1e-13)


def test_a_checkpoint_gives_containers() -> None:
    def f(p: dict[str, object]) -> dict[str, object]:
        return {"u": np.exp(p["a"]) * p["b"], "v": [p["b"] ** 2, np.sum(p["a"])]}

    def loss(p: dict[str, object], around: object) -> object:
        y = around(f)(p)  # type: ignore[operator]
        return np.sum(y["u"] ** 2) * y["v"][0] + y["v"][1] ** 3

    point = {"a": np.array([0.3, 0.7]), "b": 0.5}
    for derived in (ag.grad, ag.hessian):
        own = [x for _, x in leaves(derived(lambda p: loss(p, ag.checkpoint))(point))]
        plain = [x for _, x in leaves(derived(lambda p: loss(p, lambda f: f))(point))]
        for got, want in zip(own, plain, strict=True):
            assert np.allclose(got, want, rtol=1e-13)
    single = ag.checkpoint(lambda x: (x, x.astype(np.float64)))(Tensor(np.ones(2, np.float32)))
    assert [x.dtype for x in single] == [np.float32, np.float64]
    for wrong, words in ((lambda x: None, "got NoneType"), (lambda x: (x, 1.0), r"float at \[1\]")):
        with pytest.raises(DTypeError, match=words):
            ag.checkpoint(wrong)(Tensor(1.0))
    with pytest.raises(DTypeError, match="got tuple"):
        ag.checkpoint(lambda x: ())(Tensor(1.0))


def test_a_checkpoint_of_a_function_that_changes_is_refused() -> None:
    held: list[Tensor] = []

    def growing(x: Tensor) -> Tensor:
        held.append(Tensor(2.0))
        return sum((x * each for each in held), x)

    with pytest.raises(GraphError, match="growing to compute the same"):
        ag.grad(ag.checkpoint(growing))(1.0)


def test_argnums_may_be_any_integer_and_nothing_else() -> None:
    def f(a: object, b: object) -> object:
        return a * b * b  # type: ignore[operator]

    assert ag.grad(f, np.int64(1))(2.0, 3.0) == 12.0
    assert ag.jacobian(f, np.int64(1))(2.0, 3.0) == 12.0
    assert ag.grad(f, [np.int64(1)])(2.0, 3.0) == (12.0,)
    for wrong in (None, 1.0, "a", (0, "a"), True, (), np.array([0, 1])):
        with pytest.raises(ag.ArgumentError, match="argnums as an int"):
            ag.grad(f, wrong)(2.0, 3.0)


def test_dicts_match_in_whatever_order_they_were_filled() -> None:
    _, t = ag.jvp(lambda p: p["a"] * p["b"] ** 2, ({"a": 2.0, "b": 3.0},), ({"b": 1.0, "a": 10.0},))
    assert t == 102.0
    pull = ag.vjp(lambda x: {"u": 2 * x, "v": 3 * x}, 1.0)[1]
    assert pull({"v": 10.0, "u": 1.0}) == (32.0,)


def test_the_pattern_of_a_conversion_does_not_pass_through_its_dtype() -> None:
    # float16 holds the integers to 2048 alone, so that positions beyond it would be rounded
    x = np.linspace(-1.0, 1.0, 3000)
    found = ag.sparse_jacobian(lambda x: 2.0 * x.astype(np.float16))(x)
    assert found.nnz == 3000
    assert np.array_equal(found.diagonal(), np.full(3000, 2.0))


def test_a_sparse_jacobian_of_a_container_is_refused() -> None:
    with pytest.raises(ag.ShapeError, match=r"one array as the result of.*2 in a tuple"):
        ag.sparse_jacobian(lambda x: (x, x))(np.ones(3))


def test_derivatives_of_what_is_not_used_have_the_dtype_of_the_others() -> None:
    x, y, s = np.ones(3, np.float32), np.ones(2, np.float32), np.float32(2)

    def both(x, y, s):
        return np.concatenate([x, y])[:3].sum()

    wanted = [np.float32] * 3
    assert [np.result_type(g) for g in ag.grad(both, (0, 1, 2))(x, y, s)] == wanted
    assert ag.grad(both, 1)(x, np.ones(2), s).dtype == np.float64
    assert ag.jvp(lambda x: (x, y), (x,), (x,))[1][1].dtype == np.float32
    assert [j.dtype for j in ag.jacobian(lambda x: (2 * x, y, x.sum()))(x)] == wanted
    assert ag.hessian(lambda x: x.sum())(x).dtype == np.float32
