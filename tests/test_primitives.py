"""Every row of the table, tested from what the row says of itself.

The tests are generated from the registry: a new row is tested as soon as it is entered, and a row
that does not say where (its domain) and how (its cases) fails here.
"""

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import autograd as ag
from autograd import Primitive, Tensor
from autograd.check.richardson import EPS, derivative, noise_of
from autograd.dispatch import spelled
from autograd.domain import REALS, Case, Domain
from autograd.kinds import Composite, Elementwise, Linear, Multilinear, Packing
from autograd.primitive import NON_DIFFERENTIABLE, ROWS

# a packing is how another row calls functions of several outputs; it is tested through that row
TABLE = [row for row in ROWS.values() if not isinstance(row.forward, Packing)]
ENTERED = [row for row in TABLE if not isinstance(row, Composite)]
SCALAR = [row for row in TABLE if row.scalar is not None]

every_row = pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
every_entered_row = pytest.mark.parametrize("row", ENTERED, ids=lambda row: row.name)
every_scalar_row = pytest.mark.parametrize("row", SCALAR, ids=lambda row: row.name)
few = settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))

# IEEE 754 prescribes these to the bit; the C library's other functions may differ by an ulp
EXACT = {
    np.add, np.subtract, np.multiply, np.divide, np.negative, np.positive, np.absolute, np.sqrt,
    np.square, np.reciprocal, np.sign, np.where, np.maximum, np.minimum,
}  # fmt: skip

OPERATORS: dict[str, Callable[..., Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": operator.pow,
    "@": operator.matmul,
    "neg": operator.neg,
    "pos": operator.pos,
    "abs": operator.abs,
}

# complex ufuncs continue the real ones analytically, with these exceptions
NOT_ANALYTIC = {np.sign, np.absolute, np.fabs, np.vecdot, np.vecmat}

TIE = 0.05
"""Entries keep this distance from kinks and from each other, more than any difference step."""


# ---- how a row is called -------------------------------------------------------------------------


def cases_of(row: Primitive) -> tuple[Case, ...]:
    """Return the calls to make: what the row says, or shapes that broadcast."""
    if row.cases:
        return tuple(row.cases)
    if not is_free(row):
        raise AssertionError(f"{row.name} takes no free shapes and states no cases")
    shapes: list[tuple[tuple[int, ...], ...]] = [((3, 4),) * row.arity, ((),) * row.arity]
    if row.arity == 2:
        shapes += [((3, 4), (4,)), ((3, 1), (1, 4)), ((), (2, 3)), ((2, 1, 3), (4, 1))]
    return tuple(Case(s) for s in shapes)


def is_free(row: Primitive) -> bool:
    """Whether the row works entry by entry, so that any shapes that broadcast will do."""
    ufunc = isinstance(row.forward, np.ufunc) and row.forward.signature is None
    return not row.cases and (isinstance(row, Elementwise) or ufunc)


def domains_of(row: Primitive, count: int) -> tuple[Domain, ...]:
    if row.domain is None:
        raise AssertionError(f"{row.name} states no test domain")
    return row.domain if isinstance(row.domain, tuple) else (row.domain,) * count


def values_in(domain: Domain, shape: tuple[int, ...]) -> st.SearchStrategy[Any]:
    """Draw arrays inside the open interval, away from its kinks; scalars as floats."""
    thousandths = st.integers(math.ceil(1000 * domain.low) + 1, math.floor(1000 * domain.high) - 1)
    numbers = thousandths.map(lambda k: k / 1000).filter(
        lambda x: all(abs(x - kink) > TIE for kink in domain.kinks)
    )
    return hnp.arrays(np.float64, shape, elements=numbers, fill=st.nothing()) if shape else numbers


def draw_call(data: st.DataObject, row: Primitive) -> tuple[Case, list[Any]]:
    case = data.draw(st.sampled_from(cases_of(row)), label="case")
    domains = domains_of(row, len(case.shapes))
    if isinstance(row, Elementwise) and row.arity == 1:
        return case, [data.draw(values_in(domains[0], case.shapes[0]))]
    seed = data.draw(st.integers(0, 999), label="seed")
    return case, spaced(case, domains, np.random.default_rng(seed))


def spaced(case: Case, domains: Any, rng: np.random.Generator) -> list[Any]:
    """Return arrays whose entries keep apart, for their order or equality may matter."""
    values = []
    for i, (shape, domain) in enumerate(zip(case.shapes, domains, strict=False)):
        count, k = math.prod(shape), len(case.shapes)
        total = 4 * max(math.prod(s) for s in case.shapes) + 40
        parts = (np.arange(total) * k + i + 0.37) / (total * k)
        grid = domain.low + (domain.high - domain.low) * parts
        for kink in domain.kinks:
            grid = grid[np.abs(grid - kink) > TIE]
        x = rng.permutation(grid)[:count].reshape(shape)
        values.append(x if shape else float(x))
    return values


def reference(row: Primitive) -> Callable[..., Any]:
    """Return the function of plain arrays that the row is to agree with."""
    return row if row.numpy is row.forward and row.arguments is not None else row.numpy


def plain(row: Primitive, case: Case, values: Any) -> Any:
    with np.errstate(all="ignore"):
        return case.apply(reference(row), *values)


def differentiable(row: Primitive, case: Case) -> list[int]:
    """Return which arrays of the case have a derivative."""
    count = range(len(case.shapes))
    if case.call is not None or row.is_variadic or isinstance(row, Composite):
        return list(count)
    return [i for i in count if row.rules[i] is not NON_DIFFERENTIABLE]


def function_of(
    row: Primitive, case: Case, values: list[Any]
) -> tuple[Callable[..., Any], list[Any]]:
    """Return the row as a function of its differentiable arrays, and their values."""
    active = differentiable(row, case)

    def f(*xs: Any) -> Any:
        full = list(values)
        for i, x in zip(active, xs, strict=True):
            full[i] = x
        return case.apply(row, *full)

    return f, [values[i] for i in active]


def test_a_row_without_a_domain_or_cases_fails() -> None:
    bare = Primitive(np.exp, [lambda y, x: y])
    with pytest.raises(AssertionError, match="no test domain"):
        domains_of(bare, 1)
    shaped = Primitive(np.trace, [lambda g, x: g], domain=REALS)
    with pytest.raises(AssertionError, match="no cases"):
        cases_of(shaped)


@every_row
def test_every_row_says_where_and_how_it_is_tested(row: Primitive) -> None:
    for case in cases_of(row):
        domains = domains_of(row, len(case.shapes))
        assert len(domains) >= len(case.shapes)
        assert all(domain.low < domain.high for domain in domains)


# ---- value ---------------------------------------------------------------------------------------


@every_entered_row
@given(data=st.data())
@few
def test_the_value_is_numpys(row: Primitive, data: st.DataObject) -> None:
    case, values = draw_call(data, row)
    frozen = [np.array(v) for v in values]
    for v in frozen:
        v.flags.writeable = False
    expected = plain(row, case, [v if v.ndim else v[()] for v in frozen])
    y = case.apply(row, *map(Tensor, frozen))
    assert y.shape == np.shape(expected)
    assert y.dtype == np.float64
    if row.joins is not None and len(values) == 2:
        # initial= is joined last, where NumPy begins with it: up to five terms round once more
        size = np.abs(plain(row, case, [abs(v) for v in frozen]))
        assert np.all(np.abs(y.data - expected) <= 5 * EPS * size)
    elif row.name in ULPS:
        pairs = zip(np.ravel(y.data), np.ravel(expected), strict=True)
        assert all(within_ulps(row, float(a), float(b)) for a, b in pairs)
    elif y.shape or row.forward in EXACT:
        assert np.asarray(y.data).tobytes() == np.asarray(expected, np.float64).tobytes()
    else:
        assert within_ulps(row, y.data, float(expected))
    assert [v.tobytes() for v in frozen] == [np.asarray(v).tobytes() for v in values]


# i0 is SciPy's, NumPy's is another; the array functions of erf and erfc are our own without SciPy;
# a float takes the C library's functions, within 2 ulp of the truth, where NumPy's are within 1
ULPS = {"i0": 4, "erf": 16, "erfc": 16}
TWO_LIBRARIES = 3


def within_ulps(row: Primitive, a: float, b: float) -> bool:
    if a == b or (math.isnan(a) and math.isnan(b)):
        return True
    return bool(abs(a - b) <= ULPS.get(row.name, TWO_LIBRARIES) * np.spacing(max(abs(a), abs(b))))


SPECIAL = [
    0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -3.0, math.inf, -math.inf, math.nan,
    1e308, -1e308, 5e-324, -5e-324, 1e-300, 709.8, -745.2, 1e16,
]  # fmt: skip


@every_scalar_row
@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_floats_give_numpys_scalars_also_where_python_raises(
    row: Primitive, data: st.DataObject
) -> None:
    numbers = st.sampled_from(SPECIAL) | st.floats()
    xs = [data.draw(numbers) for _ in range(row.arity)]
    # np.power takes the square root for a scalar 0.5, np.float64 ** 0.5 does not: they differ here
    assume(row.name != "power" or xs[1] != 0.5 or xs[0] not in (-math.inf, 0.0))
    with np.errstate(all="ignore"):
        expected = float(row.forward(*[np.float64(x) for x in xs]))
        for tracked in (True, False):
            tensors = [
                Tensor(x, requires_grad=tracked) if row.rules[i] is not NON_DIFFERENTIABLE else x
                for i, x in enumerate(xs)
            ]
            y = row(*tensors)
            method = getattr(tensors[0], row.name, None) if type(tensors[0]) is Tensor else None
            for got in (y.data, method(*tensors[1:]).data if method else y.data):
                assert type(got) is float
                if row.forward in EXACT:
                    same = np.float64(got).tobytes() == np.float64(expected).tobytes()
                    assert same or (math.isnan(got) and math.isnan(expected)), (xs, got, expected)
                else:
                    assert within_ulps(row, got, expected), (xs, got, expected)
                    if expected == 0:
                        assert math.copysign(1, got) == math.copysign(1, expected), (xs, got)


@every_row
@given(data=st.data())
@few
def test_all_spellings_are_one_operation(row: Primitive, data: st.DataObject) -> None:
    case, values = draw_call(data, row)
    tensors = [Tensor(v) for v in values]
    value = np.asarray(case.apply(row, *tensors).data)
    spellings = []
    if spelled(row).startswith("np."):
        spellings += [case.apply(f, *tensors) for f in (row.numpy, *row.aliases)]
    if getattr(ag, row.name, None) is row:
        spellings.append(case.apply(getattr(ag, row.name), *tensors))
    if is_free(row):
        spellings.append(getattr(tensors[0], row.name)(*tensors[1:]))
    if row.symbol in OPERATORS:
        spellings.append(OPERATORS[row.symbol](*tensors))
        if row.arity == 2:
            spellings.append(OPERATORS[row.symbol](tensors[0], values[1]))
            # an array on the left would ask NumPy first, which asks the Tensor
            spellings.append(OPERATORS[row.symbol](values[0], tensors[1]))
    ones = np.ones(value.shape)
    slopes = ag.gradients(case.apply(row, *tensors), tensors, ones)
    for y in spellings:
        for g, slope in zip(ag.gradients(y, tensors, ones), slopes, strict=True):
            if g is not None:  # not a plain operand of this spelling
                np.testing.assert_allclose(g, slope, rtol=1e-11)
        if value.shape or row.forward in EXACT:
            assert np.asarray(y.data).tobytes() == value.tobytes()
        else:  # a method of a float calls the math module, np.f calls NumPy
            assert within_ulps(row, y.data, float(value))


# ---- derivatives ---------------------------------------------------------------------------------


def jacobians(row: Primitive, case: Case, values: list[Any]) -> list[Any]:
    """Return (exact, value, error) for each differentiable input: an independent derivative.

    Complex steps where the forward function is analytic and takes complex numbers, exact to
    rounding; otherwise extrapolated differences with their own error bar.
    """
    found = []
    analytic = isinstance(row.numpy, np.ufunc) and row.numpy not in NOT_ANALYTIC
    here = np.ravel(plain(row, case, values)).astype(float)
    for i in differentiable(row, case):
        columns, errors, exact = [], [], True
        for k in range(np.size(values[i])):

            def moved(step: Any, i: int = i, k: int = k) -> Any:
                x = np.array(values[i], np.result_type(np.float64, step))
                x.reshape(-1)[k] += step
                full = [*values[:i], x if x.ndim else x[()], *values[i + 1 :]]
                return np.ravel(plain(row, case, full))

            slope = None
            try:
                result = moved(1e-30j)
                if result.dtype.kind == "c" and analytic:
                    slope = result.imag / 1e-30
            except (TypeError, np.exceptions.ComplexWarning):
                pass  # the function takes no complex numbers
            if slope is None:
                exact = False
                path = lambda t: moved(0.5 * t)  # noqa: E731
                estimate = derivative(path, here, np.maximum(noise_of(path, here), EPS))
                slope, error = estimate.value / 0.5, estimate.error / 0.5
            else:
                error = np.zeros_like(slope)
            columns.append(slope)
            errors.append(error)
        shape = (here.size, np.size(values[i]))
        found.append(
            (
                exact,
                np.reshape(np.transpose(columns), shape),
                np.reshape(np.transpose(errors), shape),
            )
        )
    return found


def directions(data: st.DataObject, shape: tuple[int, ...]) -> Any:
    return data.draw(values_in(REALS, shape), label="direction")


@every_row
@given(data=st.data())
@few
def test_vjp_and_jvp_agree_with_an_independent_derivative_and_each_other(
    row: Primitive, data: st.DataObject
) -> None:
    case, values = draw_call(data, row)
    f, xs = function_of(row, case, values)
    before = [np.asarray(x).tobytes() for x in xs]
    y, pullback = ag.vjp(f, *xs)
    u = directions(data, np.shape(y))
    vs = [directions(data, np.shape(x)) for x in xs]
    gs = pullback(u)
    _, t = ag.jvp(f, xs, vs)
    assert [np.asarray(x).tobytes() for x in xs] == before
    assert np.shape(t) == np.shape(y)
    push, size = np.zeros(np.size(y)), np.zeros(np.size(y))
    bar = np.zeros(np.size(y))
    for x, v, g, (exact, jacobian, error) in zip(
        xs, vs, gs, jacobians(row, case, values), strict=True
    ):
        assert np.shape(g) == np.shape(x)
        weights = np.ravel(u)
        scale = np.abs(weights) @ np.abs(jacobian)
        # 1e-12 of the sum of the terms for complex steps; differences know their own error
        allowed = 1e-12 * scale + np.abs(weights) @ error * (0 if exact else 4)
        assert np.all(np.abs(np.ravel(g) - weights @ jacobian) <= allowed + 1e-300)
        push += jacobian @ np.ravel(v)
        size += np.abs(jacobian) @ np.abs(np.ravel(v))
        bar += error @ np.abs(np.ravel(v)) * 4
    assert np.all(np.abs(np.ravel(t) - push) <= 1e-12 * size + bar + 1e-300)
    # duality <u, J v> = <J'u, v>; the two sums round differently, each term once or twice
    terms = [np.sum(np.asarray(g) * v) for g, v in zip(gs, vs, strict=True)]
    bound = sum(np.sum(np.abs(np.asarray(g) * v)) for g, v in zip(gs, vs, strict=True))
    bound += np.sum(np.abs(u) * np.reshape(size, np.shape(u)))
    assert abs(np.sum(u * t) - sum(terms)) <= 1e-13 * bound + 1e-300


@every_row
def test_gradcheck_of_higher_order_calls_no_row_wrong(row: Primitive) -> None:
    rng = np.random.default_rng(5)
    case = min(cases_of(row), key=lambda c: sum(math.prod(s) for s in c.shapes))
    values = spaced(case, domains_of(row, len(case.shapes)), rng)
    f, xs = function_of(row, case, values)
    assert ag.gradcheck(f, *xs, order=3 if sum(np.size(x) for x in xs) <= 6 else 2)


@every_row
def test_float32_gives_what_numpy_gives_and_gradients_of_float32(row: Primitive) -> None:
    for case in cases_of(row):
        rng = np.random.default_rng(1)
        values = spaced(case, domains_of(row, len(case.shapes)), rng)
        f, xs = function_of(row, case, values)
        tensors = [Tensor(np.float32(x)) for x in xs]
        y = f(*tensors)
        assert y.dtype == np.result_type(plain(row, case, [np.float32(v) for v in values]))
        for create_graph in (False, True):
            seed = np.ones(y.shape, y.dtype)
            gs = ag.gradients(y, tensors, seed, create_graph=create_graph)
            for t, g in zip(tensors, gs, strict=True):
                if g is not None:
                    assert np.result_type(g) == np.float32
                    assert np.shape(g) == t.shape
        _, tangent = ag.jvp(f, tensors, [np.float32(x) for x in xs])
        assert tangent.dtype == y.dtype


@pytest.mark.parametrize("row", [r for r in ENTERED if is_free(r)], ids=lambda row: row.name)
@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 2, 1)], ids=str)
def test_empty_arrays(row: Primitive, shape: tuple[int, ...]) -> None:
    tensors = [Tensor(np.ones(shape)) for _ in range(row.arity)]
    y = row(*tensors)
    assert y.shape == shape
    y.sum().backward()
    assert all(t.grad.shape == shape for t in tensors)
    if row.arity == 2:
        tensors = [Tensor(np.ones(shape)), Tensor(2.0)]
        row(*tensors).sum().backward()
        assert tensors[1].grad == 0.0
    _, t = ag.jvp(row, [np.ones(shape)] * row.arity, [np.ones(shape)] * row.arity)
    assert np.shape(t) == shape


@every_scalar_row
@given(data=st.data())
@settings(max_examples=10, deadline=None)
def test_the_fast_lane_of_floats_agrees_with_the_path_of_arrays(
    row: Primitive, data: st.DataObject
) -> None:
    active = [i for i in range(row.arity) if row.rules[i] is not NON_DIFFERENTIABLE]
    xs: list[Any] = [
        data.draw(values_in(domain, ())) if i in active else data.draw(st.booleans())
        for i, domain in enumerate(domains_of(row, row.arity))
    ]
    floats = [Tensor(x) if i in active else x for i, x in enumerate(xs)]
    arrays = [Tensor(np.array([x])) if i in active else np.array([x]) for i, x in enumerate(xs)]
    y, z = row(*floats), row(*arrays)
    assert within_ulps(row, y.data, float(z.data[0]))
    y.backward()
    z.backward(np.ones(1))
    for i in active:
        assert type(floats[i].grad) is float
        # an ulp of the value grows by y / (1 - y * y), 1.5e3 for tanh at the end of its domain
        assert floats[i].grad == pytest.approx(arrays[i].grad[0], rel=1e-12, abs=1e-300)


# ---- conventions at ties and kinks ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "x", "slope"),
    [
        (abs, 0.0, 0.0),
        (np.sign, 0.0, 0.0),
        (ag.relu, 0.0, 0.0),
        (lambda x: x**0, 0.0, 0.0),
        (lambda x: x**0.0, 0.0, 0.0),
        (lambda x: 0.0**x, 0.0, 0.0),
        (lambda x: np.maximum(x, 1.0), 1.0, 0.5),
        (lambda x: np.minimum(1.0, x), 1.0, 0.5),
        (lambda x: np.maximum(x, x), 1.0, 1.0),
        (lambda x: np.max(np.stack([x, x * 1, 0.0 * x])), 2.0, 1.0),
    ],
)
def test_conventions_at_kinks_hold_in_both_modes_and_for_arrays(
    f: Callable[..., Any], x: float, slope: float
) -> None:
    assert ag.grad(f)(x) == slope
    assert ag.jvp(f, (x,), (1.0,))[1] == slope
    assert ag.grad(ag.grad(f))(x) == 0.0
    if f not in (abs, np.sign, ag.relu):
        return
    assert ag.grad(lambda v: np.sum(f(v)))(np.full(3, x)).tolist() == [slope] * 3
    assert ag.jvp(f, (np.full(3, x),), (np.ones(3),))[1].tolist() == [slope] * 3


@pytest.mark.parametrize("row", [ag.max, ag.min], ids=["max", "min"])
def test_extrema_share_a_tie_evenly(row: Primitive) -> None:
    x = np.array([[1.0, 1.0, 1.0], [0.0, 5.0, 5.0]])
    expected = {"max": [[1 / 3] * 3, [0, 0.5, 0.5]], "min": [[1 / 3] * 3, [1, 0, 0]]}[row.name]
    f = lambda x: row(x, axis=1)  # noqa: E731
    gradient = ag.vjp(f, x)[1](np.ones(2))[0]
    assert gradient.tolist() == expected
    assert ag.jvp(f, (x,), (np.ones((2, 3)),))[1].tolist() == [1.0, 1.0]


def test_multilinear_rows_are_linear_in_each_argument() -> None:
    rng = np.random.default_rng(0)
    for row in TABLE:
        if not isinstance(row, Multilinear):
            continue
        for case in cases_of(row):
            if case.call is not None or len(case.shapes) != 2:
                continue
            a, b = (rng.integers(-8, 8, s).astype(float) for s in case.shapes)
            # small integers: sums and products are exact
            y = plain(row, case, [a, b])
            assert np.array_equal(plain(row, case, [3 * a, b]), 3 * y)
            assert np.array_equal(plain(row, case, [a, 3 * b]), 3 * y)


@pytest.mark.parametrize("x", [0.7, np.array([0.7, 2.0])], ids=["float", "array"])
def test_the_convention_for_zero_to_the_zero_stays_at_zero(x: Any) -> None:
    # d2(x**p) / dx dp at p = 0 is 1 / x; guarding p == 0 at every x gave x
    assert ag.gradcheck(lambda x, p: x**p, x, 0.0 * x, order=3).verdict == "right"
    mixed = ag.jvp(lambda p: ag.vjp(lambda x: x**p, x)[1](np.ones(np.shape(x)))[0], (0 * x,), (x,))
    np.testing.assert_allclose(mixed[1], np.ones(np.shape(x)), rtol=1e-15)


def test_the_sign_of_a_float_that_is_nan_is_nan() -> None:
    assert math.isnan(np.sign(Tensor(math.nan)).data)
    assert math.isnan(Tensor(math.nan).sign().data)


# ---- rows that say too little --------------------------------------------------------------------


def test_a_row_that_states_no_domain_or_no_cases_fails_here() -> None:
    untold = Elementwise(lambda x: x, (lambda y, x: 1.0,), name="untold")
    with pytest.raises(AssertionError, match="untold states no test domain"):
        domains_of(untold, 1)
    shapeless = Linear(lambda x: x, (lambda g, x: g,), name="shapeless", domain=REALS)
    with pytest.raises(AssertionError, match="shapeless takes no free shapes and states no cases"):
        cases_of(shapeless)


@pytest.mark.parametrize(
    "name",
    ["sigmoid", "softplus", "log_sigmoid", "silu", "mish", "softmax", "log_softmax", "logsumexp"],
)
@pytest.mark.parametrize("kind", ["u1", "i8", "?"])
def test_activations_of_whole_numbers_are_those_of_floats(name: str, kind: str) -> None:
    x = np.array([1, 0, 3, 1]).astype(kind)
    f = getattr(ag, name)
    np.testing.assert_array_equal(f(x), f(x.astype(float)))
