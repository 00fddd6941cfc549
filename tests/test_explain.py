"""Explanations: the paths add up, what is left out is said, and the lesson tells every step."""

import math
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd as ag
from autograd import Tensor
from autograd.draw.formula import Printer, result_formula, slope_formula
from autograd.draw.local import local_derivatives
from autograd.kinds import Elementwise, elementwise
from autograd.primitive import REGISTRY


def apples() -> dict[str, Tensor]:
    t = {n: Tensor(v, name=n) for n, v in [("apple", 100), ("apple_num", 2), ("tax", 1.1)]}
    t["price"] = t["apple"] * t["apple_num"] * t["tax"]
    t["price"].name = "price"
    return t


def expression(steps: list[str], seed: int) -> tuple[Tensor, list[Tensor]]:
    """Return a random result and the leaves it may depend on."""
    rng = np.random.default_rng(seed)
    leaves = [Tensor(float(v), name=f"leaf{i}") for i, v in enumerate(rng.uniform(0.5, 1.5, 3))]
    pool = list(leaves)
    functions = {"t": np.tanh, "e": np.exp, "q": np.square, "s": ag.sigmoid}
    for step in steps:
        a, b = (pool[i] for i in rng.integers(0, len(pool), 2))
        if step in functions:
            pool.append(functions[step](a * 0.3))
        else:
            operation = {"+": np.add, "*": np.multiply, "/": np.divide, "-": np.subtract}[step]
            pool.append(operation(a, b * b + 1.0 if step == "/" else b))
    return pool[-1] * 1.0, leaves


EXPRESSIONS = st.tuples(
    st.lists(st.sampled_from("+*-/teqs"), min_size=1, max_size=8), st.integers(0, 2**32)
)


def test_why_is_this_gradient_2_2() -> None:
    t = apples()
    explanation = ag.explain(t["price"], t["apple"])
    assert explanation.gradient == 2.2
    (path,) = explanation.paths
    assert [(f.operand, f.value, f.formula) for f in path.factors] == [
        ("t1", 1.1, "tax"),
        ("apple", 2.0, "apple_num"),
    ]
    assert explanation.definitions == (("t1", "apple × apple_num", 200.0),)
    assert "tax × apple_num = 1.1 × 2 = 2.2" in str(explanation)
    assert r"\mathrm{tax} \cdot \mathrm{apple\_num}" in explanation.latex
    assert t["apple"].grad is None  # nothing was touched


@given(EXPRESSIONS)
def test_the_products_of_all_paths_add_up_to_the_gradient(drawn: tuple[list[str], int]) -> None:
    y, leaves = expression(*drawn)
    for x in leaves:
        explanation = ag.explain(y, x, most_paths=10_000)
        expected = ag.gradients(y, x) or 0.0
        assert explanation.omitted == 0
        scale = sum(abs(path.product) for path in explanation.paths)
        # each product and the sum round differently from the sweep
        total = math.fsum(path.product for path in explanation.paths)
        assert total == pytest.approx(expected, abs=1e-12 * (1 + scale))


@given(EXPRESSIONS, st.integers(1, 5))
def test_what_is_left_out_is_counted_and_its_sum_given(
    drawn: tuple[list[str], int], most: int
) -> None:
    y, leaves = expression(*drawn)
    for x in leaves:
        few = ag.explain(y, x, most_paths=most)
        everything = ag.explain(y, x, most_paths=10_000)
        assert len(few.paths) + few.omitted == len(everything.paths)
        assert few.paths == everything.paths[: len(few.paths)]
        assert math.fsum(few.terms) == pytest.approx(few.gradient, rel=1e-9, abs=1e-9)
        if few.omitted:
            assert f"{few.omitted:,} more paths are left out" in few.text


def test_paths_beyond_counting_are_bounded() -> None:
    x = Tensor(0.5, name="x")
    y = x
    for _ in range(80):
        y = (y + y) * 0.5
    explanation = ag.explain(y, x)
    assert len(explanation.paths) == 10
    assert "more than 1,000,000,000,000,000 paths" in explanation.text
    assert explanation.gradient == 1.0


def test_a_long_path_is_abridged_and_says_so() -> None:
    x = Tensor(1.0, name="x")
    y = x
    for _ in range(20_000):
        y = y * 1.0001
    text = ag.explain(y, x).text
    assert "... stands for 19,988 factors" in text
    assert len(text) < 3_000


def test_a_branch_that_where_did_not_take_contributes_nothing() -> None:
    x = Tensor(1.0, name="x")
    with np.errstate(invalid="ignore"):
        y = np.where(x.data >= 0, x, np.sqrt(-x))
    explanation = ag.explain(y, x)
    assert explanation.terms == (1.0, 0.0)
    assert explanation.gradient == 1.0


def test_no_path_is_said() -> None:
    x, other = Tensor(1.0, name="x"), Tensor(2.0, name="other")
    explanation = ag.explain(x * 2, other)
    assert explanation.gradient == 0.0
    assert explanation.text == "dresult/dother = 0: there is no path from result back to other"


def test_the_lesson_tells_every_step_and_every_sum() -> None:
    x, y = Tensor(2.0, name="x"), Tensor(3.0, name="y")
    t = x + y
    z = t**2
    z.name = "z"
    lesson = ag.explain(z)
    told = str(lesson)
    assert "t1 = x + y = 2 + 3 = 5" in told
    assert "z = t1^2 = 5^2 = 25" in told
    assert "upstream 1 × local derivative 10 (∂z/∂t1 = 2 × t1) = contribution 10 to t1." in told
    assert "upstream 10 × local derivative 1 (∂t1/∂x = 1) = contribution 10 to x." in told
    assert re.search(r"Gradients:\n  x: 10\n  y: 10$", told)
    assert (
        r"\frac{\partial \mathrm{z}}{\partial \mathrm{x}} &\mathrel{+}= 10 \cdot 1 = 10"
        in lesson.latex
    )
    assert x.grad is None


def test_the_lesson_tells_of_arrays_by_their_shapes() -> None:
    w = Tensor(np.ones((3, 2)), name="W")
    lesson = ag.explain((w @ np.ones(2)).sum())
    assert "its rule turns the upstream gradient" in str(lesson)
    assert "W: 3×2: all 1" in str(lesson)
    with pytest.raises(
        ag.ArgumentError, match=r"every value from x to y to be a scalar; got W, shape"
    ):
        ag.explain((w @ np.ones(2)).sum(), w)
    with pytest.raises(ag.ArgumentError, match="y to be a scalar or to have been differentiated"):
        ag.explain(w * 2)


@pytest.mark.parametrize("bad", [3.0, None, "x"])
def test_explaining_what_is_no_tensor_is_refused(bad: Any) -> None:
    with pytest.raises(ag.DTypeError, match="expected y to be a Tensor"):
        ag.explain(bad)
    if bad is not None:
        with pytest.raises(ag.DTypeError, match="expected x to be a Tensor"):
            ag.explain(apples()["price"], bad)


def test_a_leaf_and_no_paths_are_refused() -> None:
    x = Tensor(1.0, name="x")
    with pytest.raises(ag.GraphError, match="y to be the result of an operation; got Tensor 'x'"):
        ag.explain(x)
    for bad in (0, 2.5, True, "all", 10**9):
        with pytest.raises(ag.ArgumentError, match="most_paths to be a whole number from 1 to"):
            ag.explain(x * 2, x, most_paths=bad)  # type: ignore[arg-type]


# ---- formulas ------------------------------------------------------------------------------------

ROWS = {row.name: row for row in REGISTRY.values()}
SCALAR_ROWS = [
    row
    for row in ROWS.values()
    if isinstance(row, Elementwise) and row.domain is not None and row.name != "polygamma"
]
"""Those that a number alone is an operand of; polygamma wants its order first."""

READABLE = [
    "divide",
    "power",
    "square",
    "reciprocal",
    "sqrt",
    "exp",
    "expm1",
    "log",
    "log1p",
    "log2",
    "log10",
    "sin",
    "cos",
    "tan",
    "arcsin",
    "arccos",
    "arctan",
    "arctan2",
    "sinh",
    "cosh",
    "tanh",
    "arcsinh",
    "arccosh",
    "arctanh",
    "absolute",
    "sign",
    "maximum",
    "minimum",
    "sigmoid",
    "relu",
]


@pytest.mark.parametrize("row", SCALAR_ROWS, ids=lambda row: row.name)
def test_the_formula_of_a_derivative_evaluates_to_the_derivative(row: ag.Primitive) -> None:
    domains = row.domain if isinstance(row.domain, tuple) else (row.domain,) * row.arity
    points = [
        d.low + share * (d.high - d.low) for d, share in zip(domains, (0.6, 0.7, 0.8), strict=False)
    ]
    operands = [Tensor(v, name=n) for n, v in zip("abc", points, strict=False)]
    y = row(*operands)
    names = {"y": y.item()} | {x.name: x.item() for x in operands}
    for i, slope in enumerate(local_derivatives(y)):
        text = Printer().formula(slope_formula(row, i, list("abc"[: row.arity]), "y"))
        assert text or row.name not in READABLE
        if text:
            # the text read back as Python, Iverson's brackets as truth values
            code = text.replace("×", "*").replace("^", "**").replace(" = ", " == ")
            code = code.replace("≤", "<=").replace("≥", ">=").replace("≠", "!=")
            code = re.sub(r"\[([^]]*)\]", r"float(\1)", code)
            value = eval(code, {**ROWS, **names, "float": float})
            # constants are written to six digits
            assert value == pytest.approx(slope, rel=1e-5, abs=1e-12), text


def test_a_formula_is_simplified_where_constants_allow() -> None:
    rows = {row.name: row for row in ag.REGISTRY.values()}
    power = rows["power"]
    assert Printer().formula(slope_formula(power, 0, ["x", 2.0], "y")) == "2 × x"
    assert Printer().formula(slope_formula(power, 0, ["x", 3.0], "y")) == "3 × x^2"
    assert Printer().formula(slope_formula(rows["multiply"], 0, ["x", -3.0], "y")) == "-3"
    assert Printer().formula(slope_formula(rows["divide"], 1, ["a", "b"], "y")) == "-y / b"
    assert Printer().formula(result_formula(rows["negative"], ["x"])) == "-x"
    nested = result_formula(rows["subtract"], ["a", -2.0])
    assert Printer().formula(nested) == "a - (-2)"


def test_an_own_operation_is_explained_by_its_number_if_its_rule_has_no_formula() -> None:
    def doubled(x: Any) -> Any:
        return 2 * x

    row = elementwise(doubled, lambda y, x: np.add(*[1.0, 1.0]))
    try:
        x = Tensor(3.0, name="x")
        explanation = ag.explain(row(x) * 1.0, x)
        assert explanation.gradient == 2.0
        assert [f.formula for f in explanation.paths[0].factors] == ["1", ""]
        assert "1 × 2 = 2" in explanation.text
    finally:
        del REGISTRY[doubled]
