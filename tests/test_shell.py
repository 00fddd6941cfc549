"""The command line: expressions are computed as Python would, and nothing else is accepted."""

import ast
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd as ag
from autograd.draw.shell import main, parse

ROOT = Path(__file__).parent.parent


def test_the_command_prints_values_gradients_and_the_lesson_and_saves_the_player(
    tmp_path: Path,
) -> None:
    page = tmp_path / "price.html"
    result = subprocess.run(
        [
            *(sys.executable, "-m", "autograd", "apple * 2 * tax", "apple=100", "tax=1.1"),
            *("--explain", "--save", str(page)),
        ],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    lines = result.stdout.splitlines()
    assert lines[:5] == [
        "name    computed as  value  gradient",
        "apple                100    2.2",
        "t1      apple × 2    200    1.1",
        "tax                  1.1    200",
        "result  t1 × tax     220    1",
    ]
    assert "  tax: 200" in lines
    assert lines[-1] == f"saved: {page}"
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_an_error_is_one_sentence_and_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["x + y", "x=1"]) == 2
    error = capsys.readouterr().err
    assert error == (
        "python -m autograd: expected a value for the name 'y'; got none; "
        "try y=1.5 after the expression\n"
    )
    with pytest.raises(SystemExit):
        main(["x", "x=one"])
    assert "expected name=number; got 'x=one'; try apple=100" in capsys.readouterr().err
    assert main(["x", "x=1", "--save", "x.gif"]) == 2
    assert "path to end in one of" in capsys.readouterr().err


NAMES = st.sampled_from(["x", "y", "pi", "e"])
NUMBERS = st.floats(0.1, 10.0).map(lambda v: f"{v:.3g}")
EXPRESSIONS = st.recursive(
    NAMES | NUMBERS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        inner.map(lambda t: f"-({t})"),
        st.tuples(st.sampled_from(["exp", "tanh", "sin", "square"]), inner).map(
            lambda t: f"{t[0]}({t[1]})"
        ),
        st.tuples(inner, inner).map(lambda t: f"maximum({t[0]}, {t[1]})"),
    ),
    max_leaves=8,
).map(lambda text: f"x + {text} - y")


@given(EXPRESSIONS)
def test_an_expression_is_computed_as_numpy_computes_it(text: str) -> None:
    values = {"x": 0.7, "y": 1.3}
    numpy = {n: getattr(np, n) for n in ("exp", "tanh", "sin", "square", "maximum", "pi", "e")}
    with np.errstate(all="ignore"):
        try:
            expected = eval(text, {**numpy, **values})
        except ZeroDivisionError:
            return  # Python's own floats refuse what NumPy answers with inf
        found = parse(text, values).item()
    # a chain of a few functions, each within an ulp of NumPy's
    assert found == pytest.approx(float(expected), rel=1e-11, abs=1e-11, nan_ok=True)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "x.__class__",
        "(lambda: x)()",
        "[x for x in (1, 2)]",
        "open('file')",
        "x if x else 1",
        "x and 1",
        "x == 1",
        "x[0]",
        "'text' * x",
        "True + x",
        "1j * x",
        "x; x",
        "x := 2",
        "(x := 2)",
        "exp(x, out=x)",
        "exp(*x)",
        "exp",
        "eval(x)",
        "f'{x}'",
        "...",
        "",
        "x +",
        "\x00",
        "await x",
    ],
)
def test_what_is_no_arithmetic_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(ag.ChainruleError, match=r"expected .*; got .*; try ") as caught:
        parse(text, {"x": 1.0})
    assert "\n" not in str(caught.value)


@given(st.text(max_size=60))
def test_any_text_gives_a_result_or_one_sentence(text: str) -> None:
    try:
        said = repr(parse(text, {"x": 1.0}))
    except ag.ChainruleError as error:
        said = str(error)
    assert "; try " in said or said.startswith("Tensor(")


def test_large_numbers_and_deep_nesting_are_no_trap() -> None:
    assert parse("9**9**9**9 + x", {"x": 1.0}).item() == np.inf
    assert parse(f"{'9' * 400} + x", {"x": 1.0}).item() == np.inf
    with pytest.raises(ag.ArgumentError):
        parse("(" * 4000 + "x" + ")" * 4000, {"x": 1.0})
    with pytest.raises(ag.ArgumentError, match="at most 10,000 characters"):
        parse("x" + "+x" * 5001, {"x": 1.0})
    deep = "x" + "+x" * 500
    assert ast.parse(deep)
    assert parse(deep, {"x": 1.0}).item() == 501.0


def test_the_operators_of_remainders_are_those_of_python() -> None:
    y = parse("x % z + 10 * (x // z)", {"x": -7.5, "z": 2.0})
    y.backward()
    assert y.item() == -7.5 % 2.0 + 10 * (-7.5 // 2.0)
    gradients = {v.name: v.gradient for v in ag.draw(y).vertices if v.kind == "leaf"}
    assert gradients == {"x": 1.0, "z": 4.0}


def test_a_name_with_two_values_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["x * z", "x=1", "z=3", "x=2"]) == 2
    assert "one value for each name; got several for x" in capsys.readouterr().err


def test_values_for_names_that_do_not_occur_are_refused() -> None:
    with pytest.raises(ag.ArgumentError, match="only values of names in the expression; got z"):
        parse("2 * x", {"x": 1.0, "z": 2.0})
    with pytest.raises(ag.ArgumentError, match="an expression that contains a name; got '2 \\+ 3'"):
        parse("2 + 3", {})
    with pytest.raises(ag.ArgumentError, match=r"2 operand\(s\) of maximum; got 1"):
        parse("maximum(x)", {"x": 1.0})
