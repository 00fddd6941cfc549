"""The public contract of Tensor: values, grads, operators, NumPy protocols, refusals."""

import copy
import gc
import math
import pickle
import threading
import tracemalloc
import weakref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd as ag
from autograd import DTypeError, GraphError, ShapeError, Tensor

FLOATS = st.floats(allow_nan=True, allow_infinity=True)


def same(a: object, b: object) -> bool:
    """Whether two values are equal bit for bit, any nan equal to any."""
    x, y = np.asarray(a, float), np.asarray(b, float)
    return x.shape == y.shape and bool(
        np.all((x == y) & (np.signbit(x) == np.signbit(y)) | np.isnan(x) & np.isnan(y))
    )


def test_apples_oranges_and_tax() -> None:
    apple, apples = Tensor(100, name="apple"), Tensor(2, name="apples")
    orange, oranges = Tensor(150, name="orange"), Tensor(3, name="oranges")
    tax = Tensor(1.1, name="tax")
    price = (apple * apples + orange * oranges) * tax
    price.backward()
    # 1 ulp: 650 * 1.1 is not 715 in binary
    assert math.isclose(price.data, 715, rel_tol=2e-16)
    assert apple.grad == 2.2
    assert math.isclose(apples.grad, 110, rel_tol=2e-16)
    assert orange.grad == 3.3000000000000003
    assert oranges.grad == 165
    assert tax.grad == 650


@pytest.mark.parametrize(
    ("given_", "dtype", "kind"),
    [
        (3, np.float64, float),
        (True, np.float64, float),
        (2.5, np.float64, float),
        (np.float32(2.5), np.float32, float),
        (np.array(7), np.float64, float),
        ([1, 2], np.float64, np.ndarray),
        (np.arange(3, dtype=np.float32), np.float32, np.ndarray),
        (np.arange(3, dtype=np.int8), np.float64, np.ndarray),
        (np.zeros((2, 0)), np.float64, np.ndarray),
    ],
)
def test_data_is_a_float_or_an_array(given_: object, dtype: type, kind: type) -> None:
    t = Tensor(given_)
    assert t.dtype == dtype
    assert isinstance(t.data, kind)
    assert (type(t.data) is float) == (t.shape == ())
    assert same(t.data, given_)
    assert t.grad is None


@pytest.mark.parametrize(
    ("bad", "word"),
    [(1j, "complex"), ("a", "str"), (None, "object"), ([1, "x"], "list"), (np.array([1j]), "two")],
)
def test_what_is_not_real_is_refused_by_name(bad: object, word: str) -> None:
    with pytest.raises(DTypeError, match=word):
        Tensor(bad, name="w")
    if bad is not None:
        with pytest.raises(DTypeError):
            Tensor(1.0) * bad  # type: ignore[operator]


def test_three_spellings_are_one_operation() -> None:
    t = Tensor([0.5, 1.5])
    made = [np.exp(t), ag.exp(t), t.exp()]
    assert all(type(y) is Tensor and y.primitive is ag.REGISTRY[np.exp] for y in made)
    assert all(same(y.data, np.exp(t.numpy())) for y in made)


@given(FLOATS, FLOATS)
def test_operators_on_floats_give_numpys_bits(a: float, b: float) -> None:
    x, y = np.float64(a), np.float64(b)
    with np.errstate(all="ignore"):
        for mine, numpys in [
            (Tensor(a) + Tensor(b), x + y),
            (Tensor(a) - b, x - y),
            (a - Tensor(b), x - y),
            (Tensor(a) * b, x * y),
            (Tensor(a) / Tensor(b), x / y),
            (a / Tensor(b), x / y),
            (-Tensor(a), -x),
            (abs(Tensor(a)), abs(x)),
            (Tensor(a).sqrt(), np.sqrt(x)),
        ]:
            assert type(mine.data) is float
            assert same(mine.data, numpys)


@given(FLOATS, FLOATS, FLOATS)
def test_a_float_never_raises_where_numpy_gives_inf_or_nan(a: float, b: float, c: float) -> None:
    with np.errstate(all="ignore"):
        for row in ag.REGISTRY.values():
            if row.scalar is None or row.name == "where":
                continue
            operands = (a, b, c)[: row.arity]
            mine = row(*map(Tensor, operands)).data
            theirs = float(row.forward(*map(np.float64, operands)))
            # the C library is within 2 ulp of the truth, NumPy within 1
            assert same(mine, theirs) or abs(mine - theirs) <= 3 * np.spacing(abs(theirs)), row


def test_leaves_accumulate_and_the_graph_is_kept() -> None:
    x = Tensor(3.0)
    middle = x * x
    y = middle * x
    y.backward()
    y.backward()
    assert x.grad == 54.0
    assert middle.grad == 3.0
    assert y.grad == 1.0


def test_grads_of_two_leaves_are_separate_objects() -> None:
    p, q = Tensor([1.0, 2.0]), Tensor([3.0, 4.0])
    (p + q).sum().backward()
    p.grad *= 10
    assert same(q.grad, [1, 1])


def test_comparisons_give_raw_booleans() -> None:
    t = Tensor(2.0)
    assert (t > 1) is True
    assert (t <= Tensor(1.0)) is False
    assert (t == 2.0) is True
    mask = Tensor([1.0, 3.0]) >= 2
    assert type(mask) is np.ndarray
    assert mask.dtype == bool


@pytest.mark.parametrize(
    "leave",
    [
        float,
        int,
        math.sin,
        np.asarray,
        lambda t: np.array([t, t]),
        lambda t: np.add(np.zeros(2), [t, t]),
    ],
)
def test_a_tracked_tensor_does_not_leave_its_graph_silently(leave: object) -> None:
    with pytest.raises(GraphError, match=r"'weight'.*try .*item|numpy"):
        leave(Tensor(2.0, name="weight"))  # type: ignore[operator]


@pytest.mark.parametrize(
    "use",
    [range, lambda n: [1, 2][n], lambda n: np.ones(3)[:n], lambda n: Tensor([1.0, 2.0])[:n]],
)
def test_a_tensor_is_no_whole_number(use: object) -> None:
    for tracked in (True, False):
        with pytest.raises(ag.DTypeError, match=r"Tensor 'n' of dtype float64; try int\(t\.item"):
            use(Tensor(1.0, name="n", requires_grad=tracked))  # type: ignore[operator]


def test_constants_may_leave() -> None:
    t = Tensor(2.0, requires_grad=False)
    assert float(t) == 2.0
    assert math.sin(t.detach()) == math.sin(2.0)
    assert same(np.asarray(Tensor([1.0], requires_grad=False)), [1.0])


def test_data_is_read_only_and_says_whose_it_is() -> None:
    w = Tensor([1.0, 2.0], name="w")
    with pytest.raises(GraphError, match=r"'w'.*t\.data = new"):
        w.data[0] = 5.0
    with pytest.raises(GraphError, match="'w'"):
        w.data[:1][0] = 5.0
    with pytest.raises(GraphError, match="'w'"):
        w[0] = 5.0
    with pytest.raises(ValueError, match="read-only"):
        np.asarray(w.data)[0] = 5.0
    assert same(w.data, [1, 2])
    own = w.numpy()
    own[0] = 9
    assert same(w.data, [1, 2])


def test_the_micrograd_update_works_on_floats_and_arrays() -> None:
    for start in (2.0, np.array([2.0, -1.0])):
        w = Tensor(start)
        (w * w).sum().backward()
        w.data -= 0.1 * w.grad
        assert same(w.data, np.multiply(start, 0.8))
        assert w.requires_grad


@pytest.mark.parametrize("start", [2.0, [2.0, 3.0]])
@pytest.mark.parametrize("create_graph", [False, True])
def test_a_graph_whose_leaf_was_assigned_is_refused(start: object, create_graph: bool) -> None:
    w = Tensor(start, name="weight")
    y = (w * w).sum()
    w.data = np.multiply(start, 2)
    with pytest.raises(GraphError, match=r"'weight'.*assigned since"):
        ag.gradients(y, w, create_graph=create_graph)
    with pytest.raises(GraphError, match="'weight'"):
        y.backward()
    assert w.grad is None
    (w * w).sum().backward()
    assert same(w.grad, np.multiply(start, 4))


def test_writing_to_an_operand_does_not_reach_the_graph() -> None:
    scale, start = np.array([2.0, 3.0]), np.array([1.0, 1.0])
    view = scale[:]
    view.flags.writeable = False
    w = Tensor(start)
    y = (w * scale).sum() + (w * view).sum() + w @ np.broadcast_to(scale, (2,))
    scale[:] = 100
    start[:] = 100
    y.backward()
    assert same(w.grad, [6, 9])
    assert same(w.data, [1, 1])


def test_an_operand_that_nobody_can_write_is_not_copied() -> None:
    batch = np.ones((2, 3))
    batch.flags.writeable = False
    y = Tensor(np.ones(3)) * batch
    assert y.inputs[1] is batch


def test_assign_checks_before_it_writes() -> None:
    w = Tensor(np.zeros(2, np.float32), name="w")
    with pytest.raises(ShapeError, match=r"\(2,\).*'w'.*\(3,\)"):
        w.data = np.zeros(3)
    with pytest.raises(DTypeError):
        w.data = [1j, 0]
    with pytest.raises(GraphError, match="result of multiply"):
        (w * 2).assign([0, 0])
    w.data = [1.5, 2]
    assert w.dtype == np.float32
    assert same(w.data, [1.5, 2])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda t: np.heaviside(t, 0.5), "np.heaviside"),
        (lambda t: np.linalg.eig(t), "eig"),
        (lambda t: np.add(t, t, out=np.zeros(2)), "out="),
        (lambda t: np.exp(t, where=np.array([True, False])), "where="),
        (lambda t: np.sum(t, where=[True, False]), "where="),
        (lambda t: np.sum(t, dtype=int), "dtype="),
        (lambda t: np.add.at(t, [0], 1.0), "ag.at"),
        (lambda t: np.add.reduce(t, out=np.zeros(())), "out="),
        (lambda t: np.fft.fft2(t), "np.fft.fft2"),
        (lambda t: t[Tensor(1.0)], "index"),
        (lambda t: np.sum(), "a"),
    ],
)
def test_what_has_no_derivative_is_refused_by_name(call: object, words: str) -> None:
    with pytest.raises((DTypeError, ag.ArgumentError, TypeError), match=words):
        call(Tensor([1.0, 2.0]))  # type: ignore[operator]


def test_in_place_into_an_array_is_refused() -> None:
    total = np.zeros(2)
    with pytest.raises(ag.ArgumentError, match="out="):
        total += Tensor([1.0, 2.0])
    assert same(total, [0, 0])


@pytest.mark.parametrize(
    "clash",
    [
        lambda a, b: a + b,
        lambda a, b: a @ b,
        lambda a, b: np.concatenate([a, b]),
        lambda a, b: a.reshape(4),
        lambda a, b: a.sum(axis=3),
        lambda a, b: np.where([True] * 5, a, b),
        lambda a, b: a[7],
    ],
)
def test_shapes_that_do_not_fit_are_named(clash: object) -> None:
    with pytest.raises(ShapeError, match=r"\(3, ?\)|\(3,\)"):
        clash(Tensor(np.ones(3)), Tensor(np.ones((2, 2))))  # type: ignore[operator]


def test_backward_of_an_array_needs_a_gradient() -> None:
    x = Tensor([1.0, 2.0], name="x")
    y = x * 2
    with pytest.raises(ShapeError, match=r"\(2,\).*sum"):
        y.backward()
    with pytest.raises(ShapeError, match=r"\(3,\)"):
        y.backward(np.ones(3))
    with pytest.raises(DTypeError):
        y.backward([1j, 0])
    assert x.grad is None
    y.backward([1.0, 10.0])
    assert same(x.grad, [2, 20])


def test_backward_without_a_record_says_why() -> None:
    for t in (Tensor(1.0, requires_grad=False), Tensor(1.0).detach() * 2):
        with pytest.raises(GraphError, match="requires_grad"):
            t.backward()


def test_no_grad_records_nothing_and_ends_with_its_block() -> None:
    x = Tensor(2.0)

    @ag.no_grad()
    def fail() -> None:
        assert not (x * x).requires_grad
        assert not (x * np.ones(2)).requires_grad
        assert not x.exp().requires_grad
        with ag.enable_grad():
            assert (x * x).requires_grad
        raise KeyError

    for _ in range(2):
        with pytest.raises(KeyError):
            fail()
        assert (x * x).requires_grad


def test_no_grad_copies_no_operand_and_shows_none_either() -> None:
    first = ag.primitive(vjp=lambda g, y, a, b: (g, 0 * g), name="first")(lambda a, b: a)
    large, one = np.ones(1 << 20), Tensor(1.0)
    column = Tensor(np.ones((1 << 20, 1)))
    with ag.no_grad():
        tracemalloc.start()
        total = large @ column
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        shown = first(large, one)
    assert total.data[0] == 1 << 20
    assert peak < 0.1 * large.nbytes
    large[0] = 5.0
    assert shown.data[0] == 1.0


def test_no_grad_is_per_thread() -> None:
    x = Tensor(2.0)
    seen: list[bool] = []
    with ag.no_grad():
        thread = threading.Thread(target=lambda: seen.append((x * x).requires_grad))
        thread.start()
        thread.join()
    assert seen == [True]


def test_repr_names_what_matters() -> None:
    assert repr(Tensor(2.2, name="price")) == "Tensor(2.2, name='price')"
    assert repr(Tensor(np.float32(2))) == "Tensor(2.0, dtype=float32)"
    assert repr(Tensor([1, 2], requires_grad=False)) == "Tensor([1., 2.], requires_grad=False)"


def test_copies_and_pickles_of_leaves_are_leaves_of_their_own() -> None:
    w = Tensor([1.0, 2.0], name="w")
    (w * w).sum().backward()
    for twin in (copy.copy(w), copy.deepcopy(w), pickle.loads(pickle.dumps(w))):
        assert (twin.name, twin.requires_grad) == ("w", True)
        assert same(twin.grad, w.grad)
        twin.data = [0.0, 0.0]
        assert same(w.data, [1, 2])
    with pytest.raises(GraphError, match="detach"):
        copy.deepcopy(w * 2)


def test_a_subclass_is_refused() -> None:
    with pytest.raises(TypeError, match="subclass"):
        type("Mine", (Tensor,), {})


def test_a_graph_is_freed_by_reference_count() -> None:
    gc.collect()
    gc.disable()
    try:
        x = Tensor([1.0, 2.0])
        y = ((x * x).sum() * Tensor(2.0)).exp().log()
        y.backward()
        ag.gradients(y, x, create_graph=True)
        watch = [weakref.ref(y), weakref.ref(x)]
        del x, y
        assert [ref() for ref in watch] == [None, None]
    finally:
        gc.enable()


def test_a_sequence_of_tensors_is_iterated_and_joined() -> None:
    t = Tensor([1.0, 2.0, 3.0])
    assert [x.item() for x in t] == [1.0, 2.0, 3.0]
    assert len(t) == 3
    with pytest.raises(TypeError, match="scalar"):
        len(Tensor(1.0))
    y = np.stack([x * x for x in t]).sum()
    y.backward()
    assert same(t.grad, [2, 4, 6])


def test_truth_of_a_tensor() -> None:
    assert bool(Tensor(2.0))
    assert not Tensor([0.0])
    with pytest.raises(ShapeError, match=r"np.any"):
        bool(Tensor([1.0, 2.0]))


@pytest.mark.parametrize("start", [2.0, [2.0, 3.0]])
def test_a_graph_whose_constant_was_assigned_is_refused(start: object) -> None:
    x = Tensor(start)
    rate = Tensor(start, requires_grad=False, name="rate")
    y = (x * rate).sum()
    rate.data = np.multiply(start, 2)
    with pytest.raises(GraphError, match=r"'rate'.*assigned since"):
        ag.gradients(y, x, create_graph=True)
    if np.ndim(start):
        with pytest.raises(GraphError, match=r"'rate'.*assigned since"):
            y.backward()
    else:  # a float graph has its slopes on its edges: they are those of the recorded values
        y.backward()
        assert x.grad == 2.0


def test_a_result_is_no_plain_value() -> None:
    x = Tensor(2.0)
    with pytest.raises(GraphError, match="detach"):
        Tensor(x * x)
    with pytest.raises(GraphError, match="detach"):
        Tensor(1.0).assign(x * x)
    assert Tensor((x * x).detach()).data == 4.0


@pytest.mark.parametrize("bad", [[[1], [1, 2]], 10**400, np.ma.array([1.0, 2.0], mask=[0, 1])])
def test_what_is_no_array_of_numbers_is_refused(bad: object) -> None:
    with pytest.raises(DTypeError, match="try"):
        Tensor(bad)
    with pytest.raises(DTypeError, match="try"):
        Tensor(1.0) + bad  # type: ignore[operator]


def test_an_empty_list_selects_nothing() -> None:
    x = Tensor(np.ones(3))
    assert x[[]].shape == (0,)
    x[[]].sum().backward()
    assert same(x.grad, np.zeros(3))


METHODS = [
    (np.add, [1.0, -2.0, 3.0, 0.5]),
    (np.subtract, [1.0, -2.0, 3.0, 0.5]),
    (np.multiply, [1.0, -2.0, 3.0, 0.5]),
    (np.divide, [1.0, -2.0, 3.0, 0.5]),
    (np.maximum, [1.0, -2.0, 3.0, 0.5]),
    (np.minimum, [1.0, -2.0, 3.0, 0.5]),
    (np.hypot, [1.0, -2.0, 3.0, 0.5]),
    (np.logaddexp, [1.0, -2.0, 3.0, 0.5]),
]


@pytest.mark.parametrize(("ufunc", "entries"), METHODS, ids=lambda v: getattr(v, "__name__", ""))
def test_methods_of_ufuncs_give_what_numpy_gives_with_its_derivative(
    ufunc: np.ufunc, entries: list[float]
) -> None:
    v = np.array(entries)
    m = np.stack([v, v[::-1] + 0.25, v + 0.125])
    calls = [
        (lambda x: ufunc.reduce(x), v),
        (lambda x: ufunc.reduce(x), m),
        (lambda x: ufunc.reduce(x, axis=1, keepdims=True), m),
        (lambda x: ufunc.reduce(x, initial=1.75), v),
        (lambda x: ufunc.reduce(x, axis=-1, dtype=np.float64), m),
        (lambda x: ufunc.accumulate(x), v),
        (lambda x: ufunc.accumulate(x, axis=1), m),
        (lambda x: ufunc.outer(x, x[1:] + 0.5), v),
        (lambda x: ufunc.outer(np.array([1.0, 2.0]), x), m),
        (lambda x: ufunc.reduceat(x, [0, 2, 1]), v),
        (lambda x: ufunc.reduceat(x, [1, 0], axis=1), m),
    ]
    if ufunc.nin == 2 and ufunc in (np.add, np.multiply, np.maximum, np.minimum, np.hypot):
        calls += [(lambda x: ufunc.reduce(x, axis=(0, 1)), m), (lambda x: ufunc.reduce(x, None), m)]
    for f, x in calls:
        np.testing.assert_allclose(f(Tensor(x)).data, f(x), rtol=1e-14)
        assert ag.gradcheck(f, x)


def test_a_reduction_whose_order_matters_is_refused_over_several_axes_as_numpy_does() -> None:
    with pytest.raises(ValueError, match="reorder"):
        np.subtract.reduce(Tensor(np.ones((2, 3))), axis=(0, 1))


def test_tests_that_are_ufuncs_have_their_methods_too() -> None:
    t = Tensor([[1.0, 0.0], [2.0, 3.0]])
    assert np.logical_and.reduce(t).tolist() == [True, False]
    assert np.less.outer(t, [1.5]).shape == (2, 2, 1)


@pytest.mark.parametrize("through_a_view", [False, True])
def test_a_constant_that_is_unlocked_under_a_live_graph_is_noticed(through_a_view: bool) -> None:
    owner = np.array([3.0, 4.0])
    owner.flags.writeable = False
    t = Tensor([1.0, 2.0])
    y = (t * (owner[:] if through_a_view else owner)).sum()
    y.backward()  # as long as nobody can write it
    owner.flags.writeable = True
    owner[0] = 99.0
    for sweep in (y.backward, lambda: ag.gradients(y, t), lambda: ag.gradients(y, t, 1.0)):
        with pytest.raises(ag.GraphError, match=r"constant of shape \(2,\) in .*multiply"):
            sweep()
    assert t.grad.tolist() == [3.0, 4.0]


@pytest.mark.parametrize(
    "make", [np.array, lambda v: np.array(v[0]), np.asarray], ids=["array", "number", "asarray"]
)
def test_a_constant_that_is_written_later_was_copied(make: object) -> None:
    constant = make([3.0, 4.0])  # type: ignore[operator]
    t = Tensor([1.0, 2.0])
    y = (t * constant).sum()
    first = np.atleast_1d(constant)[0]
    constant[...] = 99.0
    y.backward()
    assert t.grad[0] == first


def test_every_name_that_numpy_has_for_a_function_with_a_row_is_a_method_and_a_function() -> None:
    found = 0
    for name in np.__all__:
        function = getattr(np, name)
        row = ag.REGISTRY.get(function) if callable(function) else None
        if row is not None and name != "trace":  # ag.trace records a graph
            assert getattr(ag, name) is row
            assert hasattr(Tensor, name)  # real and imag are properties, as in NumPy
            found += 1
    assert found > 200
    t = Tensor([0.25, -0.5])
    assert ag.abs(t).data.tolist() == t.abs().data.tolist() == np.abs(t).data.tolist()
    assert t.acos().data.tolist() == np.arccos([0.25, -0.5]).tolist()
    assert t.conj().data.tolist() == t.data.tolist()


def test_a_scalar_is_formatted_as_its_value_is() -> None:
    assert f"{Tensor(2.0) / 3:.3f} {Tensor(np.float32(0.5)):8.2e}" == "0.667 5.00e-01"
    assert f"{Tensor([1.0, 2.0])}" == "Tensor([1., 2.])"
    with pytest.raises(ShapeError, match="exactly one entry"):
        format(Tensor([1.0, 2.0]), ".3f")


def test_where_of_one_argument_finds_what_is_not_zero() -> None:
    t = Tensor([0.0, 2.0, -1.0])
    assert [i.tolist() for i in np.where(t)] == [[1, 2]]


@pytest.mark.parametrize(
    ("f", "words"),
    [(np.linalg.inv, "not singular.*pinv"), (np.linalg.cholesky, "positive definite.*np.eye")],
)
def test_a_matrix_that_does_not_do_is_told_from_a_shape_that_does_not_fit(
    f: object, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        f(Tensor([[1.0, 1.0], [1.0, 1.0]]) * [[1.0, 1.0], [1.0, 1.0]] - [[0, 0], [0, 0]])  # type: ignore[operator]


def test_a_filling_is_differentiated() -> None:
    assert ag.grad(lambda x: np.sum(x * np.full_like(x, x[0])))(
        np.array([1.0, 2.0, 3.0])
    ).tolist() == [
        7.0,
        1.0,
        1.0,
    ]
    x = Tensor(np.ones(2, np.float32))
    assert np.full_like(x, Tensor(2.0)).dtype == np.float32
    assert np.full_like(x, True, dtype=bool, shape=3).tolist() == [True] * 3


def test_functions_that_look_at_values_take_sequences_and_refuse_tensors_as_settings() -> None:
    x = Tensor([2.0, 1.0, 3.0], name="x")
    assert np.lexsort((x, x)).tolist() == [1, 0, 2]
    assert np.histogram(x, 2, (0.0, 4.0))[0].tolist() == [1, 2]
    for look, name in (
        (lambda: np.isclose(x, 1.0, rtol=x[0]), "rtol"),
        (lambda: np.histogram(np.ones(3), bins=x), "bins"),
        (lambda: np.histogram(x, weights=x), "weights"),
        (lambda: np.isnan(np.ones(3), out=x), "out"),
    ):
        with pytest.raises(ag.ArgumentError, match=f"without {name}="):
            look()


def test_the_order_of_a_norm_is_no_tensor() -> None:
    x, p = Tensor(np.ones((3, 3))), Tensor(2.0, name="p")
    for norm in (np.linalg.norm, np.linalg.cond):
        with pytest.raises(ag.ArgumentError, match=r"order of a norm.*'p'"):
            norm(x, p)
    for norm in (np.linalg.vector_norm, np.linalg.matrix_norm):
        with pytest.raises(ag.ArgumentError, match=r"order of a norm.*'p'"):
            norm(x, ord=p)
