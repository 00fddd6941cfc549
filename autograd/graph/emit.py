"""Graphs as Python text: straight-line floats where every value is one, NumPy otherwise."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..observers import Observer
from ..primitive import Primitive
from .definitions import Definitions, array_text, literal
from .equations import SCALAR, Equation, describe
from .forms import Form, float_text, form_of, keeps_kind, may_raise, native_form_of, python_lines
from .tree import Structure

if TYPE_CHECKING:
    from .ir import Graph

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
    """Whether every value of a graph is a float or a truth value."""
    return not beyond_floats(graph)


def beyond_floats(graph: Graph) -> str:
    """Return what keeps a graph from being one of floats alone, nothing if it is."""
    for k, spec in enumerate(graph.specs[: graph.first]):
        if spec.shape:
            return f"an array of {spec}"
        given = not graph.is_constant(k)
        if spec.dtype == np.float32 or (given and spec != SCALAR):
            return f"a value of {spec}"
        if not given and not isinstance(graph.constant(k), (int, float, np.bool_)):
            return f"a constant of {spec}"
    for row, spec in graph.kinds:
        if spec.shape:
            return f"an array of {spec}"
        if spec.dtype == np.float32:
            return f"a value of {spec}"
        if spec.dtype.kind != ("b" if isinstance(row, Observer) else "f"):
            return f"{spec} from {row.name}"
    return ""


def beyond_forms(graph: Graph, form: Callable[[Primitive], Form | None] = native_form_of) -> str:
    """Return what a graph of floats computes that no form tells, nothing if all is told.

    Args:
        graph: a graph of floats.
        form: where the forms come from: C and machine code have more than Python.
    """
    for row, _, params, _ in graph.parametrised:
        settings = ", ".join(params)
        return f"{row.name} with {settings}, which does not say what it does to floats,"
    for row, _ in graph.kinds:
        if form(row) is None:
            return f"{row.name}, which does not say what it does to floats,"
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
    definitions = Definitions([graph.name, *names])
    lines = scalar_body(graph, names, definitions, comments=True)
    arguments = ", ".join(graph.input_names)
    result = tree_text(graph.gives, iter(names[i] for i in graph.outputs))
    careful = any(may_raise(e.row) for e in graph.equations)
    imports = definitions.imports | {"import math"}
    text = [f'"""{title(graph)}"""', "", *sorted(imports)]
    text += ["", "import numpy as np"] if beyond_forms(graph, form_of) else []
    text += definitions.head()
    if careful:
        # a second run with _Double for float and IEEE functions for math's where Python raises
        text.append(IEEE)
        doubles = ", ".join(f"_Double({name})" for name in graph.input_names)
        text += ["", f"def {graph.name}({arguments}, math=math, float=float):"]
        text += [f'    """{title(graph)}"""', "    try:"]
        text += [f"        {line}" for line in lines]
        text += [f"        return {result}", "    except (ArithmeticError, ValueError):"]
        text += ["        if type(math) is _IeeeMath:", "            raise"]
        again = "_again" if graph.name in names else graph.name
        text += [f"        return _plain({again}({doubles}, _IeeeMath(), _Double))"]
        text += [] if again == graph.name else ["", "", f"_again = {graph.name}"]
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
    graph: Graph, names: Sequence[str], definitions: Definitions, comments: bool = False
) -> list[str]:
    """Return the assignments of a scalar graph on floats.

    Args:
        graph: a scalar graph.
        names: one name a variable.
        definitions: where the text finds the rows that do not say what they do to floats.
        comments: whether the text is to be read, and run again on floats of another type.
    """
    lines: list[str] = []
    origin = None
    between = step_mark(names)
    for variable, equation in graph.numbered():
        row = equation.row
        if comments and equation.origin != origin:
            origin = equation.origin
            lines += chain_rule_comment(graph, equation, names)
        templates = None if equation.params else python_lines(row)
        if templates is None:
            kind = "bool" if isinstance(row, Observer) else "float"
            lines.append(f"{names[variable]} = {kind}({call_text(equation, names, definitions)})")
            continue
        operands = [names[i] for i in equation.inputs]
        prefix = f"{names[variable]}{between}"
        lines += [t.format(*operands, out=names[variable], s=prefix) for t in templates]
        if comments and not isinstance(row, Observer):
            floats = tuple(
                not graph.is_constant(i) and graph.specs[i].dtype.kind == "f"
                for i in equation.inputs
            )
            if not keeps_kind(row, floats):  # a literal would not divide as a _Double does
                left, _, right = lines[-1].partition(" = ")
                lines[-1] = f"{left} = float({right})"
    return lines


def step_mark(names: Sequence[str]) -> str:
    """Return what stands between the name of a variable and that of a step on the way to it.

    Example:
        >>> step_mark(["x", "v0"]), step_mark(["x", "v0_rest"])
        ('_', '__')
    """
    return "_" * (1 + max(map(len, re.findall("_+", " ".join(names))), default=0))


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
    definitions = Definitions([graph.name, *names])
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
        if equation.row.name == "getitem" and graph.specs[equation.inputs[0]].shape:
            index = index_text(equation.params["index"], names, definitions)
            call = f"{names[equation.inputs[0]]}[{index}]"
        else:
            call = call_text(equation, names, definitions)
        spec = graph.specs[variable]
        if mixed and not spec.shape and spec.dtype == np.float64:
            call = f"float({call})"  # a NumPy double would make float32 arrays double
        body.append(f"{names[variable]} = {call}")
    definitions.constants[:0] = constants
    result = tree_text(graph.gives, iter(names[i] for i in graph.outputs))
    text = [f'"""{title(graph)}"""', "", *_imports(definitions), "import numpy as np"]
    text += definitions.head()
    text += ["", "", f"def {graph.name}({', '.join(graph.input_names)}):"]
    text += [f'    """{title(graph)}"""', *(f"    {line}" for line in body)]
    return "\n".join([*text, f"    return {result}", ""])


def call_text(equation: Equation, names: Sequence[str], definitions: Definitions) -> str:
    """Return the NumPy call of an equation; what it refers to is added to the definitions."""
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
    settings = [f"{k}={literal(v, names, definitions)}" for k, v in params.items()]
    return f"{definitions.row(row)}({', '.join([*operands, *settings])})"


def _imports(definitions: Definitions) -> list[str]:
    return [*sorted(definitions.imports), ""] if definitions.imports else []


def index_text(index: Any, names: Sequence[str], definitions: Definitions) -> str:
    """Return an index as it stands in brackets.

    Example:
        >>> index_text((slice(None, 3), None, -1), (), Definitions(()))
        ':3, None, -1'
    """
    if type(index) is tuple and index:
        parts = [index_text(part, names, definitions) for part in index]
        return f"{parts[0]}," if len(parts) == 1 else ", ".join(parts)
    if isinstance(index, slice):
        ends = (index.start, index.stop, index.step)
        texts = ["" if end is None else literal(end, names, definitions) for end in ends]
        return ":".join(texts if texts[2] else texts[:2])
    return literal(index, names, definitions)


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
