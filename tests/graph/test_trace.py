"""A traced function is the function, for every input: nothing of the examples is baked in."""

import copy
import functools
import math
import pickle
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

import autograd as ag
from autograd import Graph, Tensor, TraceError, trace

KINKED = {
    "where": lambda x: np.where(x > 0.5, x * x, 3 * x),
    "reflected comparison": lambda x: np.where(x > 0.5, x, -x),
    "maximum": lambda x: np.maximum(x, 0.3) * x,
    "minimum": lambda x: np.minimum(x, 1 - x),
    "relu": lambda x: ag.relu(x - 0.5) * x,
    "abs": lambda x: abs(x - 0.5) ** 3,
    "sign": lambda x: np.sign(x) * x,
    "sigmoid": lambda x: ag.sigmoid(40 * x),
    "power": lambda x: np.where(x == 0, 1.0, x) ** 2,
    "logical": lambda x: np.where((x > 0) & ~(x > 1) | (x < -1), x, 2 * x),
    "dead branch": lambda x: np.where(x >= 0, x, np.sqrt(-x)),
    "isfinite": lambda x: np.where(np.isfinite(1 / x), x * x, 0.0),
}
ULP = 2e-15
"""math.exp of the fast lane and np.exp of a graph may differ in the last bit."""
POINTS = (-2.0, -1.0, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0, 2.0)


@pytest.mark.parametrize("name", KINKED)
@pytest.mark.parametrize("example", [-0.7, 0.9])
def test_a_graph_chooses_anew_on_both_sides_of_a_kink(name: str, example: float) -> None:
    f = KINKED[name]
    with np.errstate(all="ignore"):
        value, first = trace(f, example), trace(ag.grad(f), example)
        second = trace(ag.grad(ag.grad(f)), example)
        forward = trace(lambda x: ag.jvp(f, (x,), (1.0,))[1], example)
        for x in POINTS:
            np.testing.assert_allclose(value(x), f(Tensor(x)).item(), rtol=ULP)
            np.testing.assert_allclose(first(x), ag.grad(f)(x), rtol=ULP)
            np.testing.assert_allclose(second(x), ag.grad(ag.grad(f))(x), rtol=ULP)
            np.testing.assert_allclose(forward(x), ag.jvp(f, (x,), (1.0,))[1], rtol=ULP)


@pytest.mark.parametrize("name", KINKED)
def test_masks_of_arrays_follow_the_input(name: str) -> None:
    f = KINKED[name]
    with np.errstate(all="ignore"):
        graph = trace(ag.grad(lambda x: f(x).sum()), np.array([0.9, -0.7, 0.2]))
        for shift in POINTS:
            x = np.array([0.9, -0.7, 0.2]) + shift
            np.testing.assert_array_equal(graph(x), ag.grad(lambda x: f(x).sum())(x))


def test_reductions_share_ties_of_the_present_input() -> None:
    graph = trace(ag.grad(lambda x: np.max(x) + np.min(x, axis=0)), np.array([1.0, 2.0, 3.0]))
    np.testing.assert_array_equal(graph(np.array([5.0, 5.0, 1.0])), [0.5, 0.5, 1.0])


def test_a_dead_branch_behind_a_matrix_product_stays_an_exact_zero() -> None:
    def f(x: Tensor) -> Tensor:
        inner = np.sqrt(-x) @ np.full((2, 2), np.inf)
        return np.where(x.sum() > 0, x, inner).sum()

    graph = trace(ag.grad(f), np.array([-1.0, -2.0]))
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(graph(np.array([1.0, 2.0])), [1.0, 1.0])


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x if x > 0 else -x,
        lambda x: x * float(x),
        lambda x: x * int(x),
        lambda x: x * x.item(),
        lambda x: x * x.data,
        lambda x: x * x.numpy(),
        lambda x: x * np.asarray(x),
        lambda x: x * __import__("math").sin(x),
        lambda x: x if bool(x == 1) else 2 * x,
        lambda x: max(x, 0.0),
        lambda x: (x > 0 and x) or 2 * x,
        lambda x: 1.0 if np.any(x > 0) else x,
    ],
)
def test_a_value_that_leaves_the_trace_is_refused_with_line_and_remedy(f: object) -> None:
    with pytest.raises(TraceError, match=r"test_trace\.py:\d+.*; try .*np\.|the Tensor itself"):
        trace(f, 1.0)


STEPS = [0.5, 0.25, 0.125]
TABLE = np.arange(3.0)

WHOLE: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "range": (lambda x, n: sum(x for _ in range(n)), (1.0, 3)),
    "an entry of a list": (lambda x, n: STEPS[n] * x, (1.0, 1)),
    "an entry of an array": (lambda x, n: TABLE[n] * x, (1.0, 1)),
    "an entry of a Tensor": (lambda x, n: x[n], (np.ones(3), 1)),
    "an entry at NumPy's int": (lambda x, n: x[n], (np.ones(3), np.int64(1))),
    "a slice of a list": (lambda x, n: STEPS[:n] and x, (1.0, 1)),
    "a slice of an array": (lambda x, n: TABLE[:n] * x, (1.0, 1)),
    "a slice of a Tensor": (lambda x, n: x[:n], (np.ones(3), 1)),
    "a shape": (lambda x, n: x.reshape(n, 1), (np.ones(3), 3)),
    "an axis": (lambda x, n: np.sum(x, axis=n), (np.ones(3), 0)),
    "zeros": (lambda x, n: np.zeros(n) + x, (1.0, 3)),
    "a factorial": (lambda x, n: x / math.factorial(n), (1.0, 3)),
    "int": (lambda x, n: x * int(n), (1.0, 3)),
}


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("make", [trace, lambda f, *args: ag.compile(f)(*args)])
def test_an_argument_used_as_a_whole_number_is_refused_with_line_and_remedy(
    make: Any, name: str
) -> None:
    f, examples = WHOLE[name]
    with pytest.raises(TraceError, match=r"test_trace\.py:\d+.*; try .*functools\.partial"):
        make(f, *examples)
    fixed = make(functools.partial(lambda *given: f(*reversed(given)), examples[1]), examples[0])
    if make is trace:
        fixed = fixed(examples[0])
    np.testing.assert_array_equal(fixed, f(*examples))


@pytest.mark.parametrize(
    ("f", "remedy"),
    [
        (lambda x: TABLE[np.argmax(x)] * x, r"ag\.take"),
        (lambda x: STEPS[np.argmax(x)] * x, r"ag\.take"),
        (lambda x: TABLE[x > 0], r"np\.where"),
        (lambda x: x[np.nonzero(x)], r"np\.where"),
        (lambda x: x[np.where(x > 0)], r"np\.where"),
        (lambda x: np.histogram(x)[0], r"np\.digitize"),
        (lambda x: np.array([x, x]), r"np\.stack"),
        (lambda x: copy.deepcopy(x) * 2, "the Tensor itself"),
        (lambda x: copy.copy({"x": x, "y": copy.copy(x)})["y"] * 2, "the Tensor itself"),
        (lambda x: pickle.loads(pickle.dumps(x)) * 2, "the Tensor itself"),
    ],
)
def test_what_would_bake_a_value_in_is_refused_with_line_and_remedy(f: Any, remedy: str) -> None:
    with pytest.raises(TraceError, match=rf"test_trace\.py:\d+.*; try .*{remedy}"):
        trace(f, np.array([1.0, -2.0, 3.0]))


def test_what_is_looked_up_is_looked_up_anew() -> None:
    graph = trace(lambda x: ag.take(TABLE, np.argmax(x)) * x, np.array([1.0, -2.0, 3.0]))
    np.testing.assert_array_equal(graph(np.array([1.0, 5.0, 3.0])), [1.0, 5.0, 3.0])


def test_a_mask_as_an_index_is_refused() -> None:
    with pytest.raises(TraceError, match=r"np\.where"):
        trace(lambda x: x[x > 0].sum(), np.arange(3.0))


def test_backward_and_assignment_inside_a_trace_are_refused() -> None:
    w = Tensor(2.0, name="w")
    with pytest.raises(TraceError, match="backward"):
        trace(lambda x: (x * w).backward(), 1.0)
    with pytest.raises(TraceError, match="assignment"):
        trace(lambda x: w.assign(x), 1.0)
    assert w.grad is None
    assert w.item() == 2.0
    assert float(Tensor(1.0, requires_grad=False)) == 1.0  # the tape is off again


def test_detach_and_no_grad_keep_the_value_and_stop_the_gradient() -> None:
    def f(x: Tensor) -> Tensor:
        with ag.no_grad():
            a = x * x
        return x * x.detach() * a

    graph = trace(ag.value_and_grad(f), 3.0)
    assert graph(2.0) == (16.0, 8.0)


def test_gradients_of_what_f_refers_to_follow_the_input() -> None:
    w = Tensor(3.0, name="w")
    graph = trace(lambda x: ag.gradients(w * x * x, w), 1.0)
    assert graph(5.0) == 25.0
    inner = trace(lambda x: ag.grad(lambda v: v * v * x)(3.0), 1.0)
    assert inner(5.0) == 30.0


def test_integer_arrays_are_indices() -> None:
    def loss(w: Tensor, labels: Tensor) -> Tensor:
        return -ag.log_softmax(w)[np.arange(3), labels].sum()

    w = np.arange(12.0).reshape(3, 4) / 7
    graph = trace(ag.grad(loss), w, np.array([0, 1, 2]))
    labels = np.array([3, 0, 3])
    np.testing.assert_allclose(graph(w, labels), ag.grad(lambda w: loss(w, labels))(w), rtol=1e-15)


@dataclass
class Point:
    x: float
    y: float


def test_containers_go_in_and_out() -> None:
    graph = trace(
        lambda p, q, scale, loud=True: {"sum": p.x + p.y * q[1]["k"], "list": [q[0], loud]},
        Point(1.0, 2.0),
        (3.0, {"k": np.ones(2)}),
        scale=2.0,
    )
    assert graph.input_names == ("p_x", "p_y", "q_0", "q_1_k", "scale")
    result = graph(Point(1.0, 2.0), (5.0, {"k": np.array([1.0, 3.0])}), scale=1.0)
    np.testing.assert_array_equal(result["sum"], [3.0, 7.0])
    assert result["list"] == [5.0, True]
    with pytest.raises(ag.ArgumentError, match="built like the examples"):
        graph(Point(1.0, 2.0), (5.0,), scale=1.0)


def test_other_shapes_and_dtypes_are_refused_by_name() -> None:
    graph = trace(lambda weights: weights.sum(), np.ones(3, np.float32))
    line = r" at \S*test_trace\.py:\d+; try .*tracing again"
    with pytest.raises(ag.ShapeError, match=rf"weights of shape \(3,\).*\(4,\){line}"):
        graph(np.ones(4, np.float32))
    with pytest.raises(ag.DTypeError, match=rf"weights of dtype float32.*float64{line}"):
        graph(np.ones(3))
    with pytest.raises(ag.ArgumentError, match=rf"1 values in another structure{line}"):
        graph([np.ones(3, np.float32)])


def test_a_graph_is_a_value() -> None:
    def f(x: Tensor, y: Tensor) -> Tensor:
        return np.exp(x) @ y + np.linspace(0, 1, 3)[1]

    first, second = (trace(f, np.ones(3), np.ones(3)) for _ in range(2))
    assert first == second
    assert hash(first) == hash(second)
    assert first != trace(f, np.ones(4), np.ones(4))
    assert first != trace(lambda x, y: np.exp(x) @ y, np.ones(3), np.ones(3))
    again = pickle.loads(pickle.dumps(first))
    assert again == first
    assert again(np.ones(3), np.ones(3)) == first(np.ones(3), np.ones(3))
    with pytest.raises(AttributeError):
        first.name = "g"  # type: ignore[misc]


LOOKING: dict[str, tuple[Any, Any, Any]] = {
    "frexp": (np.frexp, np.array([0.3, 5.0]), np.array([-100.0, 1e-3])),
    "interp": (lambda x: np.interp(x, [0.0, 1.0, 3.0], [5.0, 2.0, 8.0]), 0.5, 2.5),
    "interp at traced nodes": (
        lambda xp: np.interp(np.linspace(-1, 4, 9), xp, xp * xp),
        np.arange(3.0),
        np.array([0, 3, 3.5]),
    ),
    "nanmedian": (
        lambda x: np.nanmedian(x, axis=1), np.ones((2, 3)), np.array([[3.0, np.nan, 1], [9, 7, 8]])
    ),
    "nanquantile": (
        lambda x: np.nanquantile(x, [0.1, 0.7]), np.ones(4), np.array([np.nan, 3.0, np.nan, 1])
    ),
    "quantile by q": (lambda q: np.quantile(np.arange(5.0) ** 2, q), 0.1, 0.9),
    "partition": (lambda x: np.partition(x, 1), np.arange(4.0), np.array([3.0, 1, 2, 0])),
    "piecewise": (
        lambda x: np.piecewise(x, [x < 0, x > 2], [lambda v: -v, 7.0, lambda v: v * v]),
        np.ones(3),
        np.array([-1.0, 1.5, 3.0]),
    ),
    "polyfit": (
        lambda y: np.polyfit(np.arange(5.0), y, 2), np.ones(5), np.array([1.0, 3, 2, 5, 4])
    ),
    "lstsq": (
        lambda a: list(np.linalg.lstsq(a, np.arange(3.0))),
        np.array([[1.0, 0], [2, 1], [0, 3]]),
        np.array([[5.0, 1], [1, 4], [2, 2]]),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LOOKING)
def test_operations_that_look_at_values_look_anew_in_every_run(name: str) -> None:
    f, example, x = LOOKING[name]
    for make in (ag.compile, lambda f: trace(f, example), lambda f: trace(f, example).simplify()):
        fast = make(f)
        fast(example)
        results = [y if isinstance(y, (tuple, list)) else [y] for y in (fast(x), f(x))]
        for found, wanted in zip(*results, strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-13, atol=1e-13)
    again = pickle.loads(pickle.dumps(trace(f, example)))
    assert again == trace(f, example)


def test_a_result_whose_shape_depends_on_values_is_refused_with_the_line_of_the_program() -> None:
    with pytest.raises(
        TraceError, match=r"np\.trim_zeros\(t\) at .*test_trace\.py:\d+.*; try a slice"
    ):
        trace(np.trim_zeros, np.ones(3))
    with pytest.raises(TraceError, match=r"test_trace\.py:\d+"):
        trace(lambda x: np.apply_along_axis(lambda v: v * float(v[0]), 0, x), np.ones(3))


def test_nothing_of_a_graph_can_be_written() -> None:
    weights, places = np.arange(3.0), np.array([0, 2])

    def f(x: Tensor) -> Tensor:
        scaled = x * weights
        scaled.name = "scaled"
        return np.sum(scaled[places], axis=0)

    graph = trace(f, np.ones(3))
    for simpler in (graph, graph.simplify(), pickle.loads(pickle.dumps(graph))):
        weights[:], places[:] = 9.0, 1
        with pytest.raises(TypeError):
            simpler.labels[0] = "other"  # type: ignore[index]
        for equation in simpler.equations:
            with pytest.raises(TypeError):
                equation.params["axis"] = 1  # type: ignore[index]
        index = simpler.equations[1].params["index"]
        [constant] = simpler.constants
        for array in (index, constant):
            with pytest.raises(ValueError, match="read-only"):
                array[...] = 0
        assert simpler(np.ones(3)) == 2.0
        assert simpler == graph.simplify()


def test_pickled_derivatives_with_looks_and_indices_run() -> None:
    graph = trace(ag.grad(lambda x: (np.where(x > 0, x, 0.1 * x)[::-1] ** 2).sum()), np.arange(3.0))
    again = pickle.loads(pickle.dumps(graph))
    x = np.array([-1.0, 0.5, 2.0])
    np.testing.assert_array_equal(again(x), graph(x))
    np.testing.assert_allclose(again(x), [-0.02, 1.0, 4.0], rtol=1e-15)


def test_repr_reads_as_equations() -> None:
    graph = trace(lambda apple, count: apple * count + 1, 100.0, 2.0)
    assert repr(graph) == (
        "graph(apple: float64, count: float64):\n"
        "    v0 = apple * count\n"
        "    v1 = v0 + 1.0\n"
        "    return v1"
    )


def test_outputs_have_names() -> None:
    def f(x: Tensor, result: Tensor) -> Any:
        price = x * result
        price.name = "price"
        return price, [x, {"price": price}]

    assert trace(f, 1.0, 2.0).output_names == ("price", "result_1_0", "price_2")
    assert trace(lambda x: x * 2, 1.0).output_names == ("result",)
    assert trace(lambda result: result * 2, 1.0).output_names == ("result_2",)


def test_names_are_identifiers_and_different() -> None:
    def f(x: Tensor) -> Tensor:
        a = x * 2
        a.name = "lambda"
        b = a * 3
        b.name = "x"
        c = b * 5
        c.name = "print"
        return c

    graph = trace(f, 1.0)
    names = graph.names()
    assert len(set(names)) == len(names)
    scope: dict[str, object] = {}
    exec(graph.source, scope)
    assert scope["f"](1.0) == 30.0  # type: ignore[operator]


def test_check_finds_a_malformed_equation() -> None:
    graph = trace(lambda x: np.exp(x) @ x, np.ones(3))
    assert graph.check() is graph
    specs = (*graph.specs[:-1], graph.specs[0])
    with pytest.raises(ag.GraphError, match="variable 2"):
        replace(graph, specs=specs).check()
    with pytest.raises(ag.GraphError, match="made before it"):
        replace(graph, equations=graph.equations[::-1])


def test_derivatives_of_graphs_are_graphs() -> None:
    def f(x: Tensor, y: Tensor) -> Tensor:
        return np.sin(x) * y**2

    graph = trace(f, 1.0, 2.0)
    slope = ag.grad(graph)
    assert type(slope) is Graph
    assert slope.input_names == ("x", "y")
    assert slope(0.5, 3.0) == ag.grad(f)(0.5, 3.0)
    assert type(ag.value_and_grad(graph, (0, 1))) is Graph
    vector = trace(lambda v: (v**3).sum() * v[0], np.ones(3))
    v = np.array([1.0, -2.0, 3.0])
    hessian = ag.hessian(vector)
    assert type(hessian) is Graph
    np.testing.assert_allclose(hessian(v), ag.hessian(lambda v: (v**3).sum() * v[0])(v))
    product = ag.hvp(vector)
    assert type(product) is Graph
    np.testing.assert_allclose(product(v, np.ones(3)), hessian(v) @ np.ones(3), rtol=1e-14)
    assert ag.jvp(graph, (0.5, 3.0), (1.0, 0.0))[1] == slope(0.5, 3.0)
    forward = ag.jvp(graph)
    assert type(forward) is Graph
    assert forward.input_names == ("x", "y", "x_tangent", "y_tangent")
    assert forward(0.5, 3.0, 1.0, 0.0) == (graph(0.5, 3.0), slope(0.5, 3.0))
    several = trace(lambda p: {"a": p["u"] * p["v"], "b": [p["u"]]}, {"u": 2.0, "v": 3.0})
    point = {"u": 4.0, "v": 5.0}
    assert ag.jvp(several)(point, {"u": 1.0, "v": 0.0})[1] == {"a": 5.0, "b": [1.0]}
    assert type(ag.jacobian(several)) is Graph
    assert ag.jacobian(several)(point) == ag.jacobian(several.__call__)(point)


def test_a_graph_called_with_tensors_is_differentiable() -> None:
    graph = trace(lambda x: np.where(x > 1, x * x, x), 3.0)
    x = Tensor(2.0)
    y = graph(x)
    y.backward()
    assert (y.item(), x.grad) == (4.0, 4.0)


def test_graph_of_a_tensor_is_its_record() -> None:
    x = Tensor(3.0, name="x")
    y = x * x + 2.0 * x
    graph = Graph.of(y)
    assert graph.input_names == ("x",)
    assert [e.row.name for e in graph.equations] == ["multiply", "multiply", "add"]
    assert graph(5.0) == 35.0
    frozen = Graph.of(np.where(x > 0, x, -x))
    with pytest.raises(ag.GraphError, match="plain value when it was recorded"):
        frozen(-1.0)


def test_an_inner_trace_does_not_swallow_the_outer_variable() -> None:
    with pytest.raises(TraceError, match="as arguments"):
        trace(lambda x: trace(lambda y: x * y, 1.0)(2.0), 1.0)


def test_a_failed_trace_leaves_no_tape() -> None:
    with pytest.raises(ZeroDivisionError):
        trace(lambda x: 1 / 0, 1.0)
    assert bool(Tensor(1.0) > 0.5) is True
    assert (Tensor(1.0) > 0.5) is True


def test_inputs_are_given_by_position_or_by_name() -> None:
    graph = trace(lambda x, y, *, k: x - y * k, 3.0, 2.0, k=5.0)
    assert graph(3.0, 2.0, k=5.0) == graph(3.0, y=2.0, k=5.0) == graph(k=5.0, y=2.0, x=3.0) == -7.0
    for args, kwargs in (((3.0,), {"k": 5.0}), ((3.0, 2.0), {"z": 5.0}), ((3.0,), {"x": 3.0})):
        with pytest.raises(ag.ArgumentError, match="the inputs x, y, k"):
            graph(*args, **kwargs)


@pytest.mark.parametrize("make", [lambda f, a: trace(f, a), lambda f, a: ag.compile(f)])
def test_the_sign_of_a_determinant_is_looked_at_anew(make: Any) -> None:
    a = np.array([[2.0, 1.0], [0.5, 3.0]])
    derivative = ag.value_and_grad(lambda a: np.prod(np.stack(np.linalg.slogdet(a))))
    graph = make(derivative, a)
    for x in (a, a[::-1]):
        for found, wanted in zip(graph(x), derivative(x), strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-14)
    signed = trace(ag.grad(lambda a: np.linalg.slogdet(a).sign * np.linalg.slogdet(a)[1]), a)
    np.testing.assert_allclose(signed(a[::-1]), -np.linalg.inv(a[::-1]).T, rtol=1e-14)
    with pytest.raises(ag.ShapeError, match="logabsdet"):
        np.linalg.slogdet(Tensor(np.ones(3)))
