"""What a graph is written as is what it computes: Python, C and LaTeX are run or read back."""

import ctypes
import functools
import itertools
import math
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special
from test_engines import EXACT, SMOOTH, ULPS, inputs_of, is_native, programs, rows

import autograd as ag
from autograd import Primitive, trace
from autograd.graph.ir import Graph
from autograd.graph.latex import symbol
from autograd.kinds import Elementwise
from autograd.primitives import SCIPY

COMPILER = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
needs_c = pytest.mark.skipif(COMPILER is None, reason="this machine has no C compiler to run")


def built(graphs: list[Graph], folder: Path) -> list[Any]:
    """Compile graphs as C and return one Python function each."""
    text = "\n".join(g.renamed(f"f{k}").to_c() for k, g in enumerate(graphs))
    (folder / "graphs.c").write_text(text)
    flags = ["-std=c99", "-Wall", "-Wno-unused-variable", "-Werror", "-O1", "-ffp-contract=off"]
    command = [COMPILER or "", *flags, "-shared", "-fPIC", "graphs.c", "-o", "graphs.so", "-lm"]
    subprocess.run(command, cwd=folder, check=True)
    library = ctypes.CDLL(str(folder / "graphs.so"))
    functions = []
    for k, graph in enumerate(graphs):
        raw = getattr(library, f"f{k}")
        raw.argtypes = [ctypes.c_double] * len(graph.input_names) + [ctypes.c_void_p]
        raw.restype = None

        def call(*args: float, raw: Any = raw, count: int = len(graph.outputs)) -> list[float]:
            out = (ctypes.c_double * count)()
            raw(*args, out)
            return list(out)

        functions.append(call)
    return functions


def outputs(result: Any) -> list[float]:
    if isinstance(result, tuple):
        return [x for part in result for x in outputs(part)]
    return [float(result)]


@needs_c
def test_c_gives_the_bits_of_the_graph_for_exact_operations(tmp_path: Path) -> None:
    graphs = []
    for _, (arity, f) in sorted(EXACT.items()):
        examples = (0.7, -0.2)[:arity]
        graphs.append(trace(ag.value_and_grad(f, tuple(range(arity))), *examples).simplify())
    points = [0.0, -0.0, 1.0, -2.5, 1e300, np.inf, -np.inf, np.nan]
    for graph, function in zip(graphs, built(graphs, tmp_path), strict=True):
        for x in points:
            for y in points:
                args = (x, y)[: len(graph.input_names)]
                np.testing.assert_array_equal(function(*args), outputs(graph(*args)), str(graph))


@needs_c
@settings(max_examples=12, deadline=None)
@given(
    st.lists(programs(EXACT), min_size=4, max_size=4),
    st.lists(programs(SMOOTH), min_size=4, max_size=4),
    st.tuples(*[st.floats(-3, 3)] * 2),
)
def test_c_of_random_programs_and_their_derivatives_agrees(
    tmp_path_factory: pytest.TempPathFactory,
    exact: list[Any],
    smooth: list[Any],
    args: tuple[float, float],
) -> None:
    if min(abs(a - b) for a, b in itertools.combinations((*args, 0.0), 2)) < 1e-6:
        return  # one ulp may choose another branch there
    functions = [*exact, *smooth]
    functions += [ag.value_and_grad(f, (0, 1)) for f in functions]
    graphs = [trace(f, 0.7, -0.2) for f in functions]
    with np.errstate(all="ignore"):
        for k, (graph, found) in enumerate(
            zip(graphs, built(graphs, tmp_path_factory.mktemp("c")), strict=True)
        ):
            wanted = outputs(graph(*args))
            if k % 8 < 4:
                np.testing.assert_array_equal(found(*args), wanted, str(graph))
            else:
                # an ulp a call, carried on by slopes of about one over a dozen steps
                np.testing.assert_allclose(found(*args), wanted, rtol=1e-12, atol=1e-12)


@needs_c
def test_c_gives_every_scalar_row_and_its_derivative(tmp_path: Path) -> None:
    graphs, calls = [], []
    for row in rows():
        if row.cases or not isinstance(row, Elementwise):
            continue
        [args, _], [examples, _] = inputs_of(row, 1)
        for function in (row, ag.value_and_grad(row, tuple(range(row.arity)))):
            if is_native(function, examples):
                graphs.append(trace(function, *examples))
                calls.append(args)
    assert len(graphs) > 110
    for graph, args, function in zip(graphs, calls, built(graphs, tmp_path), strict=True):
        np.testing.assert_allclose(
            function(*args), outputs(graph(*args)), rtol=ULPS, atol=ULPS, err_msg=str(graph)
        )


OTHER_ALGORITHMS = {"erfc": 40, "ndtr": 40, "gamma": 10, "gelu": 150, "gammaln": 1e6}
"""Units in the last place between C's library and SciPy's own algorithms; gelu cancels its erf.

SciPy's gammaln loses digits next to its zeros at 1 and 2, where C's lgamma keeps them.
"""


@needs_c
def test_every_row_of_floats_is_within_a_few_units_on_every_engine(tmp_path: Path) -> None:
    native = [
        (row, examples)
        for row in rows()
        if isinstance(row, Elementwise) and not row.cases
        for [_, (examples, _)] in [inputs_of(row, 1)]
        if is_native(row, examples)
    ]
    graphs = [trace(row, *examples) for row, examples in native]
    for (row, examples), graph, in_c in zip(native, graphs, built(graphs, tmp_path), strict=True):
        scope: dict[str, Any] = {}
        exec(graph.source, scope)
        machine = ag.compile(row, backend="llvm")
        machine(*examples)
        # up to three calls within an ulp each, and roundings around them
        limit = OTHER_ALGORITHMS.get(row.name, 4)
        assert row.name in SCIPY or "numpy" not in graph.source
        for seed in range(40):
            [args, _] = inputs_of(row, seed)[0]
            wanted = float(graph(*args))
            for found in (in_c(*args)[0], scope[graph.name](*args), machine(*args)):
                assert abs(found - wanted) <= limit * np.spacing(abs(wanted)), (row.name, args)


ROUNDING: list[tuple[Any, int]] = [
    *[(f, 1) for f in (np.floor, np.ceil, np.trunc, np.fix, np.rint)],
    *[(f, 2) for f in (np.mod, np.floor_divide, np.fmod, np.copysign, np.fmax, np.fmin)],
    (lambda x, low, high: np.clip(x, low, high), 3),
]


@needs_c
def test_rounding_and_rests_have_the_bits_of_numpy_as_text_and_machine_code(tmp_path: Path) -> None:
    points = [0.0, -0.0, 0.5, -1.5, 2.5, 7.0, -7.25, 5e-324, 4503599627370497.5, 1e300]
    points += [np.inf, -np.inf, np.nan]
    graphs = [trace(f, *(0.7, 0.2, 0.9)[:arity]) for f, arity in ROUNDING]
    for (f, arity), graph, in_c in zip(ROUNDING, graphs, built(graphs, tmp_path), strict=True):
        scope: dict[str, Any] = {}
        exec(graph.source, scope)
        engines = [in_c, scope[graph.name]]
        engines += [ag.compile(f, backend=b) for b in ("python", "llvm")]
        for args in itertools.product(points, repeat=arity):
            with np.errstate(all="ignore"):
                wanted = np.float64(f(*map(np.float64, args)))
            for engine in engines:
                [found] = outputs(engine(*args)) if engine is not in_c else engine(*args)
                np.testing.assert_array_equal(found, wanted, f"{graph} {args}")
                same_sign = math.copysign(1.0, found) == math.copysign(1.0, wanted)
                assert same_sign or found != found, f"{graph} {args}"


@needs_c
def test_names_of_c_are_no_names_of_variables(tmp_path: Path) -> None:
    def f(exp: Any, int_: Any, größe: Any) -> Any:
        double = exp * int_
        double.name = "double"
        return double + größe * np.exp(exp)

    graph = trace(f, 1.0, 2.0, 3.0)
    [function] = built([graph], tmp_path)
    assert function(1.0, 2.0, 3.0)[0] == pytest.approx(graph(1.0, 2.0, 3.0), rel=1e-15)


@needs_c
def test_names_of_steps_are_no_names_of_variables(tmp_path: Path) -> None:
    def f(x: Any, v0_gap: Any) -> Any:
        total = np.logaddexp(x, v0_gap)
        rest = x / v0_gap
        rest.name = "v0_rest"
        return total + rest

    graph = trace(f, 1.0, 2.0)
    [in_c] = built([graph], tmp_path)
    scope: dict[str, Any] = {}
    exec(graph.source, scope)
    for args in ((1.0, 2.0), (0.5, 0.0)):
        for found in (in_c(*args)[0], scope["f"](*args), ag.compile(f, backend="python")(*args)):
            assert found == graph(*args)


def test_a_variable_may_be_called_like_the_function() -> None:
    def f(f: Any) -> Any:
        return 1 / f

    def g(x: Any) -> Any:
        y = 1 / x
        y.name = "g"
        return y * 2

    for graph in (trace(f, 1.0), trace(g, 1.0)):
        scope: dict[str, Any] = {}
        exec(graph.source, scope)
        assert scope[graph.name](0.0) == np.inf


def test_text_of_arrays_is_refused_where_it_makes_no_sense() -> None:
    graph = trace(lambda x: x.sum(), np.ones(3))
    for write in (graph.to_c, graph.to_latex):
        with pytest.raises(ag.ArgumentError, match=r"graph\.source"):
            write()


def test_source_tells_the_chain_rule_and_needs_nothing() -> None:
    text = trace(ag.value_and_grad(lambda x, y: np.sin(x) * y + x, (0, 1)), 1.0, 2.0).simplify()
    lines = text.source.splitlines()
    assert "import numpy" not in text.source
    assert any("# chain rule: through v0 = sin(x) to x" in line for line in lines)
    compile(text.source, "source", "exec")


def test_source_keeps_every_bit_of_array_constants() -> None:
    small = np.array([0.1, 1 / 3, np.pi])
    large = np.random.default_rng(0).normal(size=(30, 3)).astype(np.float32)
    special = np.array([np.nan, np.inf, -0.0])
    graph = trace(lambda x: (x * small + special)[None] * large, np.ones(3))
    scope: dict[str, Any] = {}
    exec(graph.source, scope)
    np.testing.assert_array_equal(scope[graph.name](np.ones(3)), graph(np.ones(3)))


@pytest.mark.parametrize("bound", [np.inf, -np.inf, np.nan, np.float64(-np.inf), np.float64(0.5)])
def test_source_keeps_numbers_that_are_not_finite(bound: float) -> None:
    graph = trace(lambda x: np.where(x > bound, x * bound, np.minimum(x, bound)), np.ones(3))
    scope: dict[str, Any] = {}
    exec(graph.source, scope)
    np.testing.assert_array_equal(scope[graph.name](np.ones(3)), graph(np.ones(3)))


def test_source_of_an_operation_without_text_is_refused_by_name() -> None:
    row = Primitive(functools.partial(np.multiply, 2.0), (lambda g, x: 2 * g,), name="double")
    graph = trace(lambda x: row(x) + 1, np.ones(3))
    with pytest.raises(ag.ArgumentError, match="double"):
        graph.source  # noqa: B018


LARGER = 1.5


def scaled_by(factor: float) -> Any:
    weights = np.array([factor, LARGER])

    @ag.primitive(partials=lambda y, x: factor * weights)
    def scaled(x: np.ndarray[Any, Any], k: int = 2) -> Any:
        weighed: Any = np.asarray(x) * weights
        return factor * weighed if k == 2 else math.inf

    return scaled


def test_source_brings_along_what_own_operations_capture_under_names_of_their_own() -> None:
    double, triple = scaled_by(2.0), scaled_by(3.0)
    graph = trace(lambda scaled, factor: double(scaled) + triple(factor), np.ones(2), np.ones(2))
    scope: dict[str, Any] = {}
    exec(graph.source, scope)
    x, y = np.array([0.5, -1.0]), np.array([2.0, 7.0])
    np.testing.assert_array_equal(scope[graph.name](x, y), graph(x, y))
    slope = trace(ag.grad(lambda x: np.sum(double(x) ** 2)), x)
    exec(slope.source, scope)
    np.testing.assert_array_equal(scope[slope.name](y), slope(y))


@ag.primitive(partials=lambda y, x: y * (1 - y))
def logistic(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


@needs_c
def test_operations_of_ones_own_made_of_rows_become_c_and_machine_code(tmp_path: Path) -> None:
    derivative = ag.value_and_grad(lambda x: logistic(x) * x)
    graph = trace(derivative, 0.5)
    [in_c] = built([graph], tmp_path)
    machine = ag.compile(derivative, backend="llvm")
    for x in (0.5, -2.0, 800.0):
        with np.errstate(over="ignore"):
            wanted = outputs(derivative(x))
        np.testing.assert_allclose(in_c(x), wanted, rtol=1e-15)
        np.testing.assert_allclose(outputs(machine(x)), wanted, rtol=1e-15)


def test_indices_are_written_in_brackets() -> None:
    index = (slice(None, None, -1), None, np.array([0, 2]))
    x = np.arange(12.0).reshape(3, 4)
    graph = trace(lambda x: x[index] * x[1, ..., :2] + x[1, 2], x)
    assert "x[::-1, None, k]" in graph.source
    assert "x[1, ..., :2]" in graph.source
    scope: dict[str, Any] = {}
    exec(graph.source, scope)
    np.testing.assert_array_equal(scope[graph.name](x), graph(x))


@pytest.mark.parametrize("name", sorted(SMOOTH))
def test_latex_reads_back_as_the_function(name: str) -> None:
    arity, f = SMOOTH[name]
    graph = trace(f, *(0.7, 0.3)[:arity]).simplify()
    symbols = [symbol(name) for name in graph.input_names]
    for args in ((0.4, 0.9), (-1.1, -1.7)):
        found = Reader(graph.to_latex()).run(dict(zip(symbols, args, strict=False)))
        assert found == pytest.approx(graph(*args[:arity]), rel=1e-14)


def test_latex_of_a_derivative_reads_back() -> None:
    def f(x: Any, y: Any) -> Any:
        return (x - (y - 2)) ** 3 / (1 + x * y) - -y * abs(x - 3) + 2.5e-9

    graph = trace(ag.grad(f), 0.5, 0.6).simplify()
    found = Reader(graph.to_latex()).run({"x": 1.5, "y": 0.25})
    assert found == pytest.approx(graph(1.5, 0.25), rel=1e-13)


def test_latex_of_every_row_of_floats_and_its_derivative_reads_back() -> None:
    count = 0
    for row in rows():
        if row.cases or not isinstance(row, Elementwise):
            continue
        [args, _], [examples, _] = inputs_of(row, 1)
        functions = [row, ag.value_and_grad(row, tuple(range(row.arity)))]
        for graph in (trace(f, *examples).simplify() for f in functions):
            names = [symbol(name) for name in graph.input_names]
            text = graph.to_latex()
            found = Reader(text).run(dict(zip(names, args, strict=True)), len(graph.outputs))
            with np.errstate(all="ignore"):
                wanted = outputs(graph(*args))
            # the plain formulas cancel a few digits where the rows take care
            np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-13, err_msg=text)
            count += 1
    assert count > 140


@settings(max_examples=60, deadline=None)
@given(
    programs({**EXACT, **{f"smooth {k}": v for k, v in SMOOTH.items()}}), *[st.floats(-3, 3)] * 2
)
def test_latex_of_random_programs_and_their_derivatives_reads_back(
    f: Any, x: float, y: float
) -> None:
    if min(abs(a - b) for a, b in itertools.combinations((x, y, 0.0), 2)) < 1e-6:
        return  # one ulp may choose another branch there
    for function in (f, ag.value_and_grad(f, (0, 1))):
        graph = trace(function, 0.7, -0.2)
        count = len(graph.outputs)
        found = Reader(graph.to_latex()).run({"x": x, "y": y}, count)
        with np.errstate(all="ignore"):
            wanted = outputs(graph(x, y))
        # powers and squares are other roundings in print
        np.testing.assert_allclose(found if count > 1 else [found], wanted, 1e-11, 1e-11)


def test_latex_names_parameters() -> None:
    graph = trace(lambda x: np.round(x, 2) + ag.ROWS["polygamma"](3, x), 1.0)
    assert r"\operatorname{round}\left(x,\ \mathrm{decimals} = 2\right)" in graph.to_latex()
    assert r"\psi^{(3)}\left(x\right)" in graph.to_latex()


NAMED: dict[str, Any] = {
    "isnan": np.isnan, "isinf": np.isinf, "isfinite": np.isfinite, "sgn": np.sign,
    "round": np.rint, "trunc": np.trunc, "arsinh": np.arcsinh, "arcosh": np.arccosh,
    "artanh": np.arctanh, "atan2": np.arctan2, "copysign": np.copysign, "fmod": np.fmod,
    "mod": np.mod, "log1p": np.log1p, "sinc": np.sinc, "nan\\_to\\_num": np.nan_to_num,
    "sigmoid": special.expit, "erf": special.erf, "erfc": special.erfc, "max": np.maximum,
    "min": np.minimum, "B": special.beta, "Gamma": special.gamma, "Phi": special.ndtr,
    "psi": special.psi, "Phi^{-1}": special.ndtri, "erf^{-1}": special.erfinv,
    "log_{2}": np.log2, "log_{10}": np.log10, "arctan": np.arctan, "arcsin": np.arcsin,
    "arccos": np.arccos, "tanh": np.tanh, "sinh": np.sinh, "cosh": np.cosh, "exp": np.exp,
    "ln": np.log, "sin": np.sin, "cos": np.cos, "tan": np.tan,
    "psi^{(1)}": lambda x: special.polygamma(1, x),
    "I_{0}": special.i0, "I_{1}": special.i1, "I_{2}": lambda x: special.iv(2, x),
    "J_{0}": special.j0, "J_{1}": special.j1, "J_{2}": lambda x: special.jv(2, x),
}  # fmt: skip
"""What the names of functions mean in print."""

DELIMITED: dict[tuple[str, str], Any] = {
    ("(", ")"): lambda x: x,
    ("|", "|"): abs,
    ("\\lfloor", "\\rfloor"): np.floor,
    ("\\lceil", "\\rceil"): np.ceil,
}


class Reader:
    """Evaluates the LaTeX that `to_latex` writes, by the usual precedence and nothing else."""

    def __init__(self, text: str) -> None:
        inner = text.removeprefix("\\begin{aligned}\n").removesuffix("\n\\end{aligned}")
        self.lines = [line.removesuffix(" \\\\") for line in inner.split("\n")]

    def run(self, names: dict[str, float], count: int = 1) -> Any:
        self.names: dict[str, Any] = dict(names)
        with np.errstate(all="ignore"):  # as in a branch that is not taken
            for line in self.lines:
                name, _, self.rest = line.partition(" &= ")
                self.names[name] = value = self.whole()
                results = [value]
                while self.take(r",\ "):
                    results.append(self.sum())
                assert not self.rest.strip(), self.rest
        assert len(results) == count
        return list(map(float, results)) if count > 1 else float(value)

    def take(self, word: str) -> bool:
        self.rest = self.rest.lstrip()
        if self.rest.startswith(word):
            self.rest = self.rest[len(word) :]
            return True
        return False

    def expect(self, word: str) -> None:
        assert self.take(word), (word, self.rest)

    def whole(self) -> Any:
        value = self.sum()
        while True:
            if self.take("\\land"):
                value = bool(self.sum()) and bool(value)
            elif self.take("\\lor"):
                value = bool(self.sum()) or bool(value)
            else:
                return value

    def sum(self) -> Any:
        value = -self.product() if self.take("-") else self.product()
        while True:
            if self.take("+"):
                value = value + self.product()
            elif self.take("-"):
                value = value - self.product()
            else:
                return value

    def product(self) -> Any:
        value = self.power()
        while self.take("\\cdot"):
            value = value * self.power()
        return value

    def power(self) -> Any:
        value = self.atom()
        return value ** self.group() if self.take("^") else value

    def group(self) -> Any:
        self.expect("{")
        value = self.whole()
        self.expect("}")
        return value

    def atom(self) -> Any:
        if self.take("\\frac"):
            top = self.group()
            return np.float64(top) / self.group()
        if self.take("\\sqrt[3]"):
            return np.cbrt(self.group())
        if self.take("\\sqrt"):
            return np.sqrt(self.group())
        for (left, right), meaning in DELIMITED.items():
            if self.take(f"\\left{left}"):
                value = meaning(self.whole())
                self.expect(f"\\right{right}")
                return value
        if self.take("\\begin{cases}"):
            yes = self.whole()
            self.expect("&")
            test = self.whole()
            self.expect("\\\\")
            no = self.whole()
            self.expect("& \\text{else}\\end{cases}")
            return yes if test else no
        if self.take("["):
            left = self.sum()
            for word, test in (("=", 0), ("\\ne", 1), ("<", 2), ("\\le", 3), (">", 4), ("\\ge", 5)):
                if self.rest.lstrip().startswith(word + " "):
                    self.expect(word)
                    right = self.sum()
                    self.expect("]")
                    return (left == right, left != right, left < right, left <= right,
                            left > right, left >= right)[test]  # fmt: skip
        if self.take("\\infty"):
            return math.inf
        for name in sorted(NAMED, key=len, reverse=True):
            base, up, power = name.partition("^")
            for spelled in (
                f"\\{name}",
                f"\\operatorname{{{base}}}{up}{power}",
                f"\\mathrm{{{name}}}",
                name,
            ):
                if self.rest.lstrip().startswith(f"{spelled}\\left"):
                    self.expect(spelled)
                    if self.rest.startswith("\\left|"):
                        return NAMED[name](self.atom())
                    self.expect("\\left(")
                    arguments = [self.sum()]
                    while self.take(","):
                        arguments.append(self.sum())
                    self.expect("\\right)")
                    return NAMED[name](*arguments)
        self.rest = self.rest.lstrip()
        found = re.match(r"\d+(\.\d+)?", self.rest)
        if found:
            self.rest = self.rest[found.end() :]
            return float(found[0])
        for name in sorted(self.names, key=len, reverse=True):
            if self.take(name):
                return self.names[name]
        raise AssertionError(self.rest)
