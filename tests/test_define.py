"""Operations of one's own: every transform, and no number where there is no derivative."""

import pickle

import numpy as np
import pytest

import autograd as ag
from autograd import ArgumentError, GraphError, Tensor


@ag.primitive(partials=lambda y, x: y * (1 - y))
def logistic(x):
    return 1 / (1 + np.exp(-x))


@ag.primitive(partials=(lambda y, a, b: b * np.cos(a * b), lambda y, a, b: a * np.cos(a * b)))
def sine_of_product(a, b):
    return np.sin(a * b)


@ag.primitive(
    vjp=lambda g, y, x, n=2: n * g * x ** (n - 1),
    jvp=lambda t, y, x, n=2: n * t * x ** (n - 1),
    name="to_the_n",
    symbol="^n",
)
def raised(x, n=2):
    return x**n


@ag.primitive(vjp=lambda g, y, a, b: (g @ b.T, a.T @ g), jvp=lambda t, y, a, b: t[0] @ b + a @ t[1])
def product(a, b):
    return a @ b


@pytest.mark.parametrize("x", [0.3, np.array([[0.1, -2.0], [3.0, 0.5]])])
def test_partials_serve_every_order_and_mode(x: object) -> None:
    own, built_in = (lambda v: np.sum(logistic(v) ** 2)), (lambda v: np.sum(ag.sigmoid(v) ** 2))
    assert np.allclose(ag.grad(own)(x), ag.grad(built_in)(x), rtol=1e-14)
    assert np.allclose(ag.hessian(own)(x), ag.hessian(built_in)(x), rtol=1e-13)
    v = np.ones(np.shape(x))
    assert np.allclose(ag.hvp(own)(x, v), ag.hvp(built_in)(x, v), rtol=1e-13)


def test_partials_of_two_arrays_broadcast() -> None:
    a, b = Tensor([1.0, 2.0, 3.0]), Tensor(0.5)
    y = sine_of_product(a, b)
    y.sum().backward()
    assert np.allclose(b.grad, np.sum(a.data * np.cos(a.data * 0.5)))
    assert y.primitive.name == "sine_of_product"


def test_vjp_and_jvp_take_parameters() -> None:
    x = np.array([2.0, 3.0])
    assert np.allclose(ag.grad(lambda x: np.sum(raised(x, n=3)))(x), 3 * x**2)
    assert np.allclose(ag.jvp(lambda x: raised(x, n=3), (x,), (x,))[1], 3 * x**3)
    assert np.allclose(ag.hessian(lambda x: np.sum(raised(x, 4)))(x), np.diag(12 * x**2))
    assert raised.name == "to_the_n"


def test_one_vjp_may_give_the_cotangents_of_all_arrays() -> None:
    a, b = np.arange(6.0).reshape(2, 3), np.arange(12.0).reshape(3, 4)
    own = ag.grad(lambda a, b: np.sum(np.sin(product(a, b))), (0, 1))(a, b)
    plain = ag.grad(lambda a, b: np.sum(np.sin(a @ b)), (0, 1))(a, b)
    for got, want in zip(own, plain, strict=True):
        assert np.allclose(got, want, rtol=1e-13)
    t = np.ones((2, 3))
    assert np.allclose(ag.jvp(lambda a: product(a, b), (a,), (t,))[1], t @ b)


@pytest.mark.parametrize(
    "rule",
    [
        lambda y, x: np.exp(x.data if isinstance(x, Tensor) else x),
        lambda y, x: np.exp(x.numpy() if isinstance(x, Tensor) else x),
        lambda y, x: np.exp(x.detach() if isinstance(x, Tensor) else x),
        lambda y, x: np.exp(x.item() if isinstance(x, Tensor) else x),
        lambda y, x: np.exp(float(x)),
        lambda y, x: np.exp(np.asarray(x)),
        ag.no_grad()(lambda y, x: np.exp(x)),
    ],
)
def test_a_rule_that_loses_tensors_raises_at_second_order(rule: object) -> None:
    f = ag.primitive(lambda x: np.exp(x), partials=rule, name="lossy")
    assert np.isclose(ag.grad(f)(0.5), np.exp(0.5))
    with pytest.raises(GraphError, match=r"lossy|in its graph"):
        ag.grad(ag.grad(f))(0.5)


def test_a_missing_mode_is_named() -> None:
    reverse_only = ag.primitive(lambda x: 2 * x, vjp=lambda g, y, x: 2 * g, name="doubled")
    with pytest.raises(GraphError, match="jvp"):
        ag.jvp(reverse_only, (1.0,), (1.0,))
    forward_only = ag.primitive(lambda x: 2 * x, jvp=lambda t, y, x: 2 * t, name="twice")
    assert ag.jvp(forward_only, (1.0,), (1.0,)) == (2.0, 2.0)
    with pytest.raises(GraphError, match="vjp"):
        ag.grad(forward_only)(1.0)


def test_definitions_are_checked() -> None:
    with pytest.raises(ArgumentError, match="no rule"):
        ag.primitive(lambda x: x)
    with pytest.raises(ArgumentError, match="one rule for each of a, b"):
        ag.primitive(lambda a, b: a * b, partials=lambda y, a, b: b)
    for rules in ({"partials": 2.0}, {"partials": [2.0]}, {"vjp": (2.0,)}):
        with pytest.raises(ArgumentError, match=r"of mine as a function.*float"):
            ag.primitive(lambda x: 2 * x, name="mine", **rules)


def _doubled_in_place(x: np.ndarray) -> np.ndarray:
    x *= 2
    return x


def test_what_the_graph_has_saved_is_not_written_by_an_operation_of_your_own() -> None:
    x = Tensor([1.0, 2.0], name="x")
    with pytest.raises(GraphError, match=r"mine.*read-only"):
        ag.primitive(_doubled_in_place, partials=lambda y, x: 2.0, name="mine")(x)
    operation = ag.primitive(
        lambda x: x + x, vjp=lambda g, y, x: _doubled_in_place(g), name="greedy"
    )
    y = operation(x)
    # the cotangent that the sum hands to both of its operands
    with pytest.raises(GraphError, match=r"greedy.*read-only"):
        (y + np.sin(y)).sum().backward()
    assert x.data.tolist() == [1.0, 2.0]


def test_a_whole_number_is_a_result() -> None:
    assert ag.grad(ag.primitive(lambda x: 3, partials=lambda y, x: 0.0))(2.0) == 0.0


@pytest.mark.parametrize(("tangent", "error"), [(None, ag.DTypeError), (np.ones(3), ag.ShapeError)])
def test_a_tangent_of_a_rule_is_checked_by_name(tangent: object, error: type) -> None:
    operation = ag.primitive(lambda x: 2 * x, jvp=lambda t, y, x: tangent, name="mine")
    with pytest.raises(error, match="jvp= of mine"):
        ag.jvp(operation, (np.ones(2),), (np.ones(2),))


def test_plain_values_stay_plain_and_operations_pickle() -> None:
    assert logistic(0.0) == 0.5
    assert pickle.loads(pickle.dumps(ag.sigmoid)) is ag.sigmoid
    assert pickle.loads(pickle.dumps(np.exp)) is np.exp


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: ag.primitive(lambda x: None, partials=lambda y, x: 1.0, name="mine"),
         ag.DTypeError, "result of mine.*NoneType"),
        (lambda: ag.primitive(lambda x: (x, x), partials=lambda y, x: 1.0, name="mine"),
         ag.DTypeError, "result of mine.*tuple"),
        (lambda: ag.primitive(lambda x: x * 1.0, partials=lambda y, x: np.ones(3), name="mine"),
         ag.ShapeError, r"partials= of mine.*\(2,\).*\(3,\)"),
        (lambda: ag.primitive(lambda x: x * 1.0, partials=lambda y, x: 1j, name="mine"),
         ag.DTypeError, "partials= of mine.*complex"),
        (lambda: ag.primitive(lambda x: x * 1.0, vjp=lambda g, y, x: np.ones(3), name="mine"),
         ag.ShapeError, r"vjp= of mine.*\(2,\).*\(3,\)"),
        (lambda: ag.primitive(lambda x: x * 1.0, vjp=lambda g, y, x: None, name="mine"),
         ag.DTypeError, "vjp= of mine.*NoneType"),
    ],
)  # fmt: skip
def test_what_a_rule_gives_is_checked_by_name(make: object, error: type, words: str) -> None:
    operation = make()  # type: ignore[operator]
    x = ag.Tensor([1.0, 2.0])
    with pytest.raises(error, match=words):
        operation(x).sum().backward()
    assert x.grad is None


def test_a_rule_may_give_less_or_more_than_the_shape_where_that_broadcasts() -> None:
    half = ag.primitive(lambda x: 0.5 * x, partials=lambda y, x: 0.5, name="half")
    assert ag.grad(lambda x: half(x).sum())(np.ones(3)).tolist() == [0.5] * 3
    plus = ag.primitive(lambda a, b: a + b, vjp=lambda g, y, a, b: (g, g), name="plus")
    assert ag.grad(lambda b: plus(np.ones((2, 3)), b).sum())(np.ones(3)).tolist() == [2.0] * 3
