"""Graphs as Python text: straight-line floats where every value is one, NumPy otherwise."""

from __future__ import annotations

import ast
import base64
import inspect
import sys
import textwrap
import types
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ArgumentError, message
from ..observers import Observer
from ..primitive import Primitive
from ..primitives.special import SCIPY
from .equations import Equation, Ref, describe
from .forms import float_text, keeps_kind, may_raise, python_lines
from .tree import Structure

if TYPE_CHECKING:
    from .ir import Graph

LISTED = 64
"""An array constant of at most so many entries is written out, a larger one as base64 text."""

IEEE = '''

class _Double(float):
    """A float with the arithmetic of IEEE 754: 1/0 is inf where Python raises."""

    def __truediv__(self, other):
        a, b = float(self), float(other)
        if b:
            return _Double(a / b)
        return _Double(math.nan if a != a or not a else a * math.copysign(math.inf, b))

    def __rtruediv__(self, other):
        return _Double(other) / self


for _name in ("add", "sub", "mul", "radd", "rsub", "rmul", "neg", "pos", "abs"):
    _name = f"__{_name}__"
    setattr(_Double, _name, lambda *a, f=getattr(float, _name): _Double(f(*a)))


class _IeeeMath:
    """The math module with poles and overflows where it raises."""

    inf, nan = math.inf, math.nan

    def __getattr__(self, name):
        def function(*a):
            odd = name in ("sinh", "atanh", "floor", "ceil", "trunc")
            odd = odd or (name == "pow" and a[1] % 2 == 1)
            infinity = math.copysign(math.inf, a[0]) if odd else math.inf
            try:
                return _Double(getattr(math, name)(*a))
            except OverflowError:
                return _Double(infinity)
            except ValueError:
                if a[0] == {"log": 0, "log2": 0, "log10": 0, "log1p": -1}.get(name):
                    return _Double(-math.inf)
                if (name == "atanh" and abs(a[0]) == 1) or (name == "pow" and a[0] == 0):
                    return _Double(infinity)
                return _Double(math.nan)

        return function


def _plain(tree):
    if isinstance(tree, dict):
        return {key: _plain(part) for key, part in tree.items()}
    if isinstance(tree, (tuple, list)):
        return type(tree)(map(_plain, tree))
    return float(tree) if isinstance(tree, float) else tree
'''


def is_scalar(graph: Graph) -> bool:
    """Whether every value of a graph is a float or a truth value that floats alone give."""
    return not beyond_floats(graph)


def beyond_floats(graph: Graph) -> str:
    """Return what keeps a graph from being one of floats alone, nothing if it is."""
    for k, spec in enumerate(graph.specs):
        if spec.shape:
            return f"an array of {spec}"
        if spec.dtype == np.float32 or (k < len(graph.input_names) and spec.dtype != np.float64):
            return f"a value of {spec}"
        if graph.is_constant(k) and not isinstance(graph.constant(k), (int, float, np.bool_)):
            return f"a constant of {spec}"
    for variable, (row, _, params, _) in graph.numbered():
        known = row.scalar is not None or getattr(np, row.forward.__name__, None) is row.forward
        if not known or params or row.is_variadic:
            return f"{row.name}{' with parameters' if params else ''}, which floats do not know,"
        if graph.specs[variable].dtype.kind != ("b" if isinstance(row, Observer) else "f"):
            return f"{graph.specs[variable]} from {row.name}"
    return ""


def source_of(graph: Graph) -> str:
    """Return a graph as a Python module with one public function of its inputs.

    Args:
        graph: any graph.

    Returns:
        The text. It needs nothing for a scalar graph of rows with a scalar function, else NumPy.
    """
    graph = graph.scalarised()
    if not is_scalar(graph):
        return numpy_source(graph)
    names = graph.names(float_text)
    lines, helpers = scalar_body(graph, names, comments=True)
    arguments = ", ".join(graph.input_names)
    result = tree_text(graph.gives, iter(names[i] for i in graph.outputs))
    careful = any(may_raise(e.row) for e in graph.equations)
    text = [f'"""{title(graph)}"""', "", "import math"]
    text += ["", "import numpy as np"] if helpers else []
    if careful:
        # a second run with _Double for float and IEEE functions for math's where Python raises
        text.append(IEEE)
        doubles = ", ".join(f"_Double({name})" for name in graph.input_names)
        text += ["", f"def {graph.name}({arguments}, math=math, float=float):"]
        text += [f'    """{title(graph)}"""', "    try:"]
        text += [f"        {line}" for line in lines]
        text += [f"        return {result}", "    except (ArithmeticError, ValueError):"]
        text += ["        if type(math) is _IeeeMath:", "            raise"]
        text += [f"        return _plain({graph.name}({doubles}, _IeeeMath(), _Double))"]
    else:
        text += ["", "", f"def {graph.name}({arguments}):", f'    """{title(graph)}"""']
        text += [f"    {line}" for line in lines]
        text += [f"    return {result}"]
    return "\n".join(text).replace("(, ", "(") + "\n"


def title(graph: Graph) -> str:
    """Return one sentence on what a graph takes."""
    taken = ", ".join(
        f"{name}: {spec}" for name, spec in zip(graph.input_names, graph.specs, strict=False)
    )
    return f"{graph.name}({taken}), a frozen graph of {len(graph)} operations."


def scalar_body(
    graph: Graph, names: Sequence[str], comments: bool = False
) -> tuple[list[str], bool]:
    """Return the assignments of a scalar graph on floats, and whether one of them needs NumPy.

    Args:
        graph: a scalar graph.
        names: one name a variable.
        comments: whether the text is to be read, and run again on floats of another type.
    """
    lines: list[str] = []
    needs_numpy = False
    origin = None
    for variable, equation in graph.numbered():
        row = equation.row
        if comments and equation.origin != origin:
            origin = equation.origin
            lines += chain_rule_comment(graph, equation, names)
        templates = python_lines(row)
        operands = [names[i] for i in equation.inputs]
        if templates is None:
            needs_numpy = True
            kind = "bool" if isinstance(row, Observer) else "float"
            call = f"{qualified(row)}({', '.join(operands)})"
            lines.append(f"{names[variable]} = {kind}({call})")
            continue
        prefix = f"{names[variable]}_"
        lines += [t.format(*operands, out=names[variable], s=prefix) for t in templates]
        if comments and not isinstance(row, Observer):
            floats = tuple(
                not graph.is_constant(i) and graph.specs[i].dtype.kind == "f"
                for i in equation.inputs
            )
            if not keeps_kind(row, floats):  # a literal would not divide as a _Double does
                left, _, right = lines[-1].partition(" = ")
                lines[-1] = f"{left} = float({right})"
    return lines, needs_numpy


def chain_rule_comment(graph: Graph, equation: Equation, names: Sequence[str]) -> list[str]:
    """Return the comment that tells which step of the chain rule follows."""
    if equation.origin is None:
        return []
    through, position = equation.origin
    k = through - graph.first
    if k < 0 or position >= len(graph.equations[k].inputs):
        return []
    step = graph.equations[k]
    return [
        f"# chain rule: through {names[through]} = {describe(step, names)} "
        f"to {names[step.inputs[position]]}"
    ]


def numpy_source(graph: Graph) -> str:
    """Return a graph as a module of NumPy calls, one an equation."""
    names = graph.names()
    definitions: dict[str, str] = {}
    constants: list[str] = []
    for k, c in enumerate(graph.constants, len(graph.input_names)):
        if not isinstance(c, (int, float)):
            constants.append(f"{names[k]} = {array_text(c)}")
        elif isinstance(c, float):
            plain = type(c) is float
            names[k] = float_text(c).replace("math.", "np.") if plain else array_text(c)
    body: list[str] = []
    origin = None
    mixed = any(spec.dtype == np.float32 for spec in graph.specs)
    for variable, equation in graph.numbered():
        if equation.origin != origin:
            origin = equation.origin
            body += chain_rule_comment(graph, equation, names)
        call = call_text(equation, names, definitions, constants)
        spec = graph.specs[variable]
        if mixed and not spec.shape and spec.dtype == np.float64:
            call = f"float({call})"  # a NumPy double would make float32 arrays double
        body.append(f"{names[variable]} = {call}")
    result = tree_text(graph.gives, iter(names[i] for i in graph.outputs))
    text = [f'"""{title(graph)}"""', "", *_imports(definitions), "import numpy as np"]
    text += [line for name, definition in definitions.items() for line in ("", "", definition)
             if not name.startswith("import ")]  # fmt: skip
    text += ["", "", *constants] if constants else []
    text += ["", "", f"def {graph.name}({', '.join(graph.input_names)}):"]
    text += [f'    """{title(graph)}"""', *(f"    {line}" for line in body)]
    return "\n".join([*text, f"    return {result}", ""])


def _imports(definitions: dict[str, str]) -> list[str]:
    return sorted(name for name in definitions if name.startswith("import "))


def call_text(
    equation: Equation, names: Sequence[str], definitions: dict[str, str], constants: list[str]
) -> str:
    """Return the NumPy call of an equation; what it refers to goes to the other two.

    Args:
        equation: the equation.
        names: one name a variable.
        definitions: functions and imports the text needs, by name; added to.
        constants: assignments of array parameters; added to.
    """
    row, params = equation.row, equation.params
    operands = [names[i] for i in equation.inputs]
    symbol = row.symbol
    if symbol is not None and not params:
        if len(operands) == 2:
            return f"{operands[0]} {symbol} {operands[1]}"
        if symbol in ("neg", "~"):
            return f"{'-' if symbol == 'neg' else '~'}{operands[0]}"
    if row.is_variadic:
        operands = [f"[{', '.join(operands)}]"]
    settings = [f"{k}={literal(v, names, constants)}" for k, v in params.items()]
    return f"{qualified(row, definitions)}({', '.join([*operands, *settings])})"


def qualified(row: Primitive, definitions: dict[str, str] | None = None) -> str:
    """Return what text calls the function of a row: NumPy's name, or a definition it brings."""
    function = row.forward
    name = function.__name__
    for prefix, space in (("np", np), ("np.linalg", np.linalg)):
        if getattr(space, name, None) is function:
            return f"{prefix}.{name}"
    special = sys.modules.get("scipy.special")
    own = row.name in SCIPY and getattr(function, "__closure__", None)
    if own or (special is not None and getattr(special, name, None) is function):
        if definitions is not None:
            definitions["import scipy.special"] = ""
        return f"scipy.special.{SCIPY.get(row.name, name)}"
    if definitions is None or not isinstance(function, types.FunctionType):
        raise _unprintable(row.name)
    _define(function, definitions, row.name)
    return name


def _define(function: types.FunctionType, definitions: dict[str, str], operation: str) -> None:
    """Add the source of a function, with what it refers to, to the definitions."""
    name = function.__name__
    if name in definitions:
        return
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    except (OSError, SyntaxError, TypeError) as error:
        raise _unprintable(operation) from error
    if not isinstance(tree, ast.FunctionDef) or function.__closure__:
        raise _unprintable(operation)
    definitions[name] = ""
    for used in sorted({n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}):
        value = function.__globals__.get(used)
        if isinstance(value, Primitive):
            called = qualified(value, definitions)
            if called != used:
                definitions[f"{used} ="] = f"{used} = {called}"
            continue
        if isinstance(value, (int, float, str)) and not isinstance(value, bool):
            definitions[f"{used} ="] = f"{used} = {value!r}"
        if isinstance(value, types.ModuleType):
            if value is not np:
                line = f"import {value.__name__}"
                definitions[line if value.__name__ == used else f"{line} as {used}"] = ""
        elif isinstance(value, types.FunctionType):
            _define(value, definitions, operation)
    tree.returns = None
    tree.decorator_list = []
    for argument in (*tree.args.args, *tree.args.kwonlyargs):
        argument.annotation = None
    # dependencies come first
    del definitions[name]
    definitions[name] = ast.unparse(tree)


def _unprintable(operation: str) -> ArgumentError:
    return ArgumentError(
        message(
            f"a function of {operation} that text can bring along",
            "one without a source of its own, or a closure",
            "defining it at the top of a module's file",
        )
    )


def literal(setting: Any, names: Sequence[str], constants: list[str]) -> str:
    """Return a parameter as text; arrays become constants of their own."""
    if type(setting) is Ref:
        return names[setting.variable]
    if isinstance(setting, np.ndarray):
        name = f"k{len(constants)}"
        constants.append(f"{name} = {array_text(setting)}")
        return name
    if isinstance(setting, (tuple, list)):
        parts = ", ".join(literal(part, names, constants) for part in setting)
        if isinstance(setting, list):
            return f"[{parts}]"
        return f"({parts},)" if len(setting) == 1 else f"({parts})"
    if isinstance(setting, slice):
        ends = (setting.start, setting.stop, setting.step)
        return f"slice({', '.join(literal(end, names, constants) for end in ends)})"
    if isinstance(setting, np.dtype):
        return f"np.dtype({str(setting)!r})"
    if isinstance(setting, type):
        return setting.__name__ if setting.__module__ == "builtins" else f"np.{setting.__name__}"
    if isinstance(setting, float):
        return float_text(setting).replace("math.", "np.")
    if isinstance(setting, np.generic):
        return repr(setting.item())
    return "..." if setting is ... else repr(setting)


def array_text(value: Any) -> str:
    """Return text that gives exactly this array or NumPy scalar."""
    dtype = str(np.result_type(value))
    if np.shape(value) == ():
        return f"np.{dtype}({literal(np.asarray(value).item(), (), [])})"
    if not value.size:
        return f"np.empty({value.shape}, {dtype!r})"
    if value.size <= LISTED and np.all(np.isfinite(value)):
        return f"np.array({value.tolist()!r}, {dtype!r})"
    packed = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
    return (
        f"np.frombuffer(__import__('base64').b64decode({packed!r}), {dtype!r})"
        f".reshape({value.shape})"
    )


def tree_text(structure: Structure, leaves: Any) -> str:
    """Return a result's structure as text around the names of its leaves."""
    kind = structure[0]
    if kind == "leaf":
        return str(next(leaves))
    if kind == "static":
        return repr(structure[2])
    parts = [tree_text(part, leaves) for part in structure[-1]]
    if kind == "sequence":
        if structure[1] is list:
            return f"[{', '.join(parts)}]"
        return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"
    keys = structure[1] if kind == "dict" else structure[2]
    return "{" + ", ".join(f"{k!r}: {p}" for k, p in zip(keys, parts, strict=True)) + "}"


def load(text: str, name: str, namespace: dict[str, Any] | None = None) -> Callable[..., Any]:
    """Run emitted text and return its function."""
    scope: dict[str, Any] = namespace if namespace is not None else {}
    exec(compile(text, f"<graph {name}>", "exec"), scope)
    function: Callable[..., Any] = scope[name]
    return function
