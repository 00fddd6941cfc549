"""Graphs as ONNX models, for the runtimes of other languages and machines.

An equation becomes the operator of the same meaning. Rows that only arrange entries become what
they do to positions, since a graph fixes its shapes. A few rows are spelled in rows that ONNX has;
what then remains without an operator is refused by name. Needs the extra `onnx`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ArgumentError, message, require
from ..observers import Observer
from ..primitive import ROWS
from .equations import Equation, Ref, Spec, identifier, refs_of
from .lowering import ARRANGING, PERMUTING, SPREADS, opened

if TYPE_CHECKING:
    from .ir import Graph

OPSET = 18
"""The version of ONNX's operators: the first with axes as inputs of all reductions."""

IR_VERSION = 8
"""The version of the file format that goes with it."""

OPERATORS = {
    "add": "Add", "subtract": "Sub", "multiply": "Mul", "divide": "Div", "negative": "Neg",
    "power": "Pow", "float_power": "Pow", "reciprocal": "Reciprocal", "sqrt": "Sqrt",
    "absolute": "Abs", "fabs": "Abs", "exp": "Exp", "log": "Log", "sin": "Sin", "cos": "Cos",
    "tan": "Tan", "arcsin": "Asin", "arccos": "Acos", "arctan": "Atan", "sinh": "Sinh",
    "cosh": "Cosh", "tanh": "Tanh", "arcsinh": "Asinh", "arccosh": "Acosh", "arctanh": "Atanh",
    "erf": "Erf", "sign": "Sign", "floor": "Floor", "ceil": "Ceil", "rint": "Round",
    "round": "Round", "maximum": "Max", "minimum": "Min", "matmul": "MatMul",
    "sigmoid": "Sigmoid", "relu": "Relu",
    "softplus": "Softplus", "softmax": "Softmax", "log_softmax": "LogSoftmax", "det": "Det",
    "equal": "Equal", "less": "Less", "less_equal": "LessOrEqual", "greater": "Greater",
    "greater_equal": "GreaterOrEqual", "logical_and": "And", "logical_or": "Or",
    "logical_xor": "Xor", "logical_not": "Not", "bitwise_and": "And", "bitwise_or": "Or",
    "bitwise_xor": "Xor", "invert": "Not", "isnan": "IsNaN", "isinf": "IsInf",
}  # fmt: skip
"""Rows that are one operator with the same operands."""

LOGICAL = frozenset({"And", "Or", "Xor", "Not"})
REDUCTIONS = {
    "sum": "ReduceSum", "mean": "ReduceMean", "max": "ReduceMax", "min": "ReduceMin",
    "prod": "ReduceProd", "any": "ReduceMax", "all": "ReduceMin",
}  # fmt: skip


def _kahan_log1p(x: Any) -> Any:
    """Return log(1 + x) to within a few ulps; Kahan's correction of what 1 + x rounds off."""
    u = 1 + x
    plain = np.log(u)
    return np.where(u == 1, x, np.where(np.abs(u) == np.inf, plain, plain * (x / (u - 1))))


def _kahan_expm1(x: Any) -> Any:
    """Return exp(x) - 1 to within a few ulps; Kahan's correction as in log1p."""
    u = np.exp(x)
    near = (u - 1) * (x / np.log(u))
    return np.where(u == 1, x, np.where((u - 1 == -1) | (u == np.inf), u - 1, near))


def _trunc(x: Any) -> Any:
    return np.where(x < 0, np.ceil(x), np.floor(x))


def _mod(a: Any, b: Any) -> Any:
    rest = np.fmod(a, b)
    return np.where((rest != 0) & ((rest < 0) != (b < 0)), rest + b, rest)


def _floor_divide(a: Any, b: Any) -> Any:
    quotient = (a - _mod(a, b)) / b
    below = np.floor(quotient)
    return np.where(quotient - below > 0.5, below + 1, below)


def _hypot(a: Any, b: Any) -> Any:
    large = np.maximum(np.abs(a), np.abs(b))
    ratio = np.minimum(np.abs(a), np.abs(b)) / large
    return np.where((large == 0) | (large == np.inf), large, large * np.sqrt(1 + ratio * ratio))


def _copysign(a: Any, b: Any) -> Any:
    size = np.abs(a)
    return np.where((b < 0) | (1 / b < 0), -size, size)


def _xlogy(x: Any, y: Any) -> Any:
    return np.where(x == 0, 0.0, x * np.log(np.where(x == 0, 1.0, y)))


def _nan_to_num(x: Any, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    most = float(np.finfo(x.dtype).max)
    high, low = most if posinf is None else posinf, -most if neginf is None else neginf
    return np.where(np.isnan(x), nan, np.where(x == np.inf, high, np.where(x == -np.inf, low, x)))


def _sinc(x: Any, n: int = 0) -> Any:
    if n:
        return ROWS["sinc"].forward(x, n)
    z = np.pi * np.where(x == 0, 1.0, x)
    return np.where(x == 0, 1.0, np.sin(z) / z)


def _dot(a: Any, b: Any) -> Any:
    if not (a.ndim and b.ndim):
        return a * b
    return np.matmul(a, b) if b.ndim <= 2 else np.tensordot(a, b, (-1, -2))


SPELLED: Mapping[str, Callable[..., Any]] = {
    "square": lambda x: x * x,
    "cbrt": lambda x: np.sign(x) * np.abs(x) ** (1 / 3),
    "exp2": lambda x: 2.0**x,
    "log2": lambda x: np.log(x) / np.log(2.0),
    "log10": lambda x: np.log(x) / np.log(10.0),
    "log1p": _kahan_log1p,
    "expm1": _kahan_expm1,
    "logaddexp": lambda a, b: np.maximum(a, b) + np.log1p(np.exp(-np.abs(a - b))),
    "xlogy": _xlogy,
    "sinc": _sinc,
    "logit": lambda x: np.log(x / (1 - x)),
    "deg2rad": lambda x: x * (np.pi / 180),
    "radians": lambda x: x * (np.pi / 180),
    "rad2deg": lambda x: x * (180 / np.pi),
    "degrees": lambda x: x * (180 / np.pi),
    "hypot": _hypot,
    "copysign": _copysign,
    "mod": _mod,
    "floor_divide": _floor_divide,
    "clip": lambda x, low, high: np.minimum(np.maximum(x, low), high),
    "fmax": lambda a, b: np.where(np.isnan(b) | (a >= b), a, b),
    "fmin": lambda a, b: np.where(np.isnan(b) | (a <= b), a, b),
    "nan_to_num": _nan_to_num,
    "not_equal": lambda a, b: np.logical_not(a == b),
    "isfinite": lambda x: np.abs(x) < np.inf,
    "trunc": _trunc,
    "fix": _trunc,
    **SPREADS,
    "outer": lambda a, b: np.reshape(a, (-1, 1)) * np.reshape(b, (1, -1)),
    "vdot": lambda a, b: np.sum(np.reshape(a, (-1,)) * np.reshape(b, (-1,))),
    "vecdot": lambda a, b: np.sum(a * b, axis=-1),
    "matvec": lambda a, b: np.sum(a * b[..., None, :], axis=-1),
    "vecmat": lambda a, b: np.sum(a[..., :, None] * b, axis=-2),
    "inner": lambda a, b: np.tensordot(a, b, (-1, -1)) if a.ndim and b.ndim else a * b,
    "dot": _dot,
}
"""Rows that ONNX has no operator for, in rows that it has."""


def onnx_of(graph: Graph) -> Any:
    """Return a graph as an ONNX model of opset 18, with the names of its inputs.

    Args:
        graph: any graph.

    Returns:
        An `onnx.ModelProto` with static shapes: `.SerializeToString()` is the file.

    Raises:
        MissingExtraError: if onnx is not installed.
        ArgumentError: if ONNX lacks an operation; it is named.
    """
    onnx = require("onnx", "onnx", "export graphs as ONNX")
    kept = frozenset([*OPERATORS, *REDUCTIONS, *ARRANGING])
    graph = graph.simplify()
    while (further := opened(graph, kept, SPELLED)) is not graph:
        graph = further.simplify()
    return _Writer(onnx, graph).model()


class _Writer:
    """Writes the nodes of a model equation by equation."""

    def __init__(self, onnx: Any, graph: Graph) -> None:
        self.onnx = onnx
        self.graph = graph
        self.nodes: list[Any] = []
        self.initializers: dict[Any, tuple[str, Any]] = {}
        self.names = list(graph.input_names)
        self.specs: list[Spec] = []
        self.taken = set(graph.input_names)
        self.cast: dict[tuple[str, str], str] = {}

    def model(self) -> Any:
        """Return the whole model, checked."""
        graph, helper = self.graph, self.onnx.helper
        for k, c in enumerate(graph.constants, len(graph.input_names)):
            self.names.append(self.array(np.asarray(c, graph.specs[k].dtype)))
        for variable, equation in graph.numbered():
            name = self.fresh(graph.labels.get(variable) or f"v{variable - graph.first}")
            self.names.append(name)
            self.write(equation, graph.specs[variable], name)
        results = []
        for k, i in enumerate(graph.outputs):
            name = self.fresh("result" if len(graph.outputs) == 1 else f"result_{k}")
            self.node("Identity", [self.names[i]], name)
            results.append(self.info(name, graph.specs[i]))
        inputs = [
            self.info(name, spec)
            for name, spec in zip(graph.input_names, graph.specs, strict=False)
        ]
        body = helper.make_graph(
            self.nodes, graph.name, inputs, results, [t for _, t in self.initializers.values()]
        )
        model = helper.make_model(
            body,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="chainrule",
        )
        self.onnx.checker.check_model(model, full_check=True)
        return model

    # ---- one equation ----------------------------------------------------------------------------

    def write(self, equation: Equation, spec: Spec, out: str) -> None:
        """Write the nodes of one equation, the last of which defines `out`."""
        row, params = equation.row, equation.params
        name = row.name
        operands = [self.names[i] for i in equation.inputs]
        specs = [self.graph.specs[i] for i in equation.inputs]
        if name in OPERATORS and not refs_of(params):
            operator = OPERATORS[name]
            if name in ("softmax", "log_softmax"):
                self.node(operator, operands, out, axis=params.get("axis", -1))
            elif not params:
                kind = np.dtype(bool) if operator in LOGICAL else self.common(equation, spec)
                self.node(operator, self.all_as(operands, specs, kind), out)
            else:
                raise self.lacking(equation)
        elif name in REDUCTIONS:
            self.reduction(equation, spec, operands[0], specs[0], out)
        elif name in ("argmax", "argmin"):
            self.position(equation, operands[0], specs[0], out)
        elif name == "where":
            condition = self.as_kind(operands[0], specs[0].dtype, np.dtype(bool))
            branches = self.all_as(operands[1:], specs[1:], spec.dtype)
            self.node("Where", [condition, *branches], out)
        elif name == "astype":
            self.node("Cast", operands, out, to=self.kind(spec.dtype))
        elif name == "fmod" and not params:
            self.node("Mod", self.all_as(operands, specs, spec.dtype), out, fmod=1)
        elif name in ("concatenate", "stack"):
            self.joined(equation, spec, self.all_as(operands, specs, spec.dtype), specs, out)
        elif name == "cumsum":
            axis, operand = params.get("axis"), operands[0]
            if axis is None:
                operand, axis = self.reshaped(operand, (-1,)), 0
            self.node("CumSum", [operand, self.array(np.array(axis))], out)
        elif name in ("tril", "triu"):
            k = self.array(np.array(params.get("k", 0)))
            self.node("Trilu", [operands[0], k], out, upper=int(name == "triu"))
        elif name == "einsum" and isinstance(params.get("subscripts"), str):
            text = params["subscripts"]
            self.node("Einsum", self.all_as(operands, specs, spec.dtype), out, equation=text)
        elif name == "tensordot":
            text = _subscripts(specs, params.get("axes", 2))
            self.node("Einsum", self.all_as(operands, specs, spec.dtype), out, equation=text)
        elif name == "scatter" and not refs_of(params):
            self.scattered(equation, spec, operands[0], out)
        elif name == "getitem" and isinstance(params["index"], Ref):
            self.node("Gather", [operands[0], self.names[params["index"].variable]], out, axis=0)
        elif name in ARRANGING and not refs_of(params):
            self.arranged(equation, spec, operands[0], specs[0], out)
        else:
            raise self.lacking(equation)

    def common(self, equation: Equation, spec: Spec) -> np.dtype[Any]:
        """Return the dtype that the operands are brought to, as NumPy does."""
        if not isinstance(equation.row, Observer):
            return spec.dtype
        kinds: list[Any] = []
        for i in equation.inputs:
            value = self.graph.constant(i)
            kinds.append(value if type(value) in (int, float) else self.graph.specs[i].dtype)
        return np.result_type(*kinds)

    def reduction(
        self, equation: Equation, spec: Spec, operand: str, given: Spec, out: str
    ) -> None:
        operator, params = REDUCTIONS[equation.row.name], equation.params
        axis = params.get("axis")
        axes = range(len(given.shape)) if axis is None else np.atleast_1d(axis)
        if not given.shape:
            self.node("Identity", [self.as_kind(operand, given.dtype, spec.dtype)], out)
            return
        kind = np.dtype("i4") if spec.dtype.kind == "b" else spec.dtype
        operands = [
            self.as_kind(operand, given.dtype, kind), self.array(np.array(axes, np.int64))
        ]  # fmt: skip
        keep = int(params.get("keepdims", False))
        if kind == spec.dtype:
            self.node(operator, operands, out, keepdims=keep)
            return
        number = self.fresh(f"{out}_number")
        self.node(operator, operands, number, keepdims=keep)
        self.node("Cast", [number], out, to=self.kind(spec.dtype))

    def position(self, equation: Equation, operand: str, given: Spec, out: str) -> None:
        operator = "ArgMax" if equation.row.name == "argmax" else "ArgMin"
        axis = equation.params.get("axis")
        keep = equation.params.get("keepdims", False)
        if axis is None and keep:
            raise self.lacking(equation)
        if axis is None:
            operand, axis = self.reshaped(operand, (-1,)), 0
        self.node(operator, [operand], out, axis=int(axis), keepdims=int(keep))

    def joined(
        self, equation: Equation, spec: Spec, operands: list[str], specs: list[Spec], out: str
    ) -> None:
        axis = equation.params.get("axis", 0)
        if axis is None:
            operands, axis = [self.reshaped(x, (-1,)) for x in operands], 0
        elif equation.row.name == "stack":
            axis %= len(spec.shape)
            shape = (*specs[0].shape[:axis], 1, *specs[0].shape[axis:])
            operands = [self.reshaped(x, shape) for x in operands]
        self.node("Concat", operands, out, axis=axis)

    def scattered(self, equation: Equation, spec: Spec, operand: str, out: str) -> None:
        """Write entries put, and added up, where an index points."""
        size = int(np.prod(spec.shape))
        where = np.arange(size).reshape(spec.shape)[equation.params["index"]]
        given = self.graph.specs[equation.inputs[0]]
        flat = self.fresh(f"{out}_flat")
        zeros = self.array(np.zeros(size, spec.dtype))
        places = self.array(np.broadcast_to(where, given.shape).reshape(-1))
        self.node(
            "ScatterElements", [zeros, places, self.reshaped(operand, (-1,))], flat, reduction="add"
        )
        self.reshaped(flat, spec.shape, out)

    def arranged(self, equation: Equation, spec: Spec, operand: str, given: Spec, out: str) -> None:
        """Write a row as what it does to the positions of entries."""
        row, params = equation.row, equation.params
        if row.name == "broadcast_to":
            self.node("Expand", [operand, self.array(np.array(spec.shape, np.int64))], out)
            return
        if row.name in PERMUTING:
            marked = np.empty(tuple(range(1, 1 + len(given.shape))))
            shape = np.shape(row.evaluate([marked], params))
            self.node("Transpose", [operand], out, perm=[n - 1 for n in shape])
            return
        positions = np.arange(1, 1 + int(np.prod(given.shape))).reshape(given.shape)
        found = np.reshape(row.evaluate([positions], params), -1)
        if np.array_equal(found, positions.reshape(-1)):
            self.reshaped(operand, spec.shape, out)
            return
        entries = self.reshaped(operand, (-1,))
        if np.all(found):
            found = found - 1
        else:  # a zero in front, for the entries that are none of the operand's
            zero = self.array(np.zeros(1, spec.dtype))
            entries = self.node("Concat", [zero, entries], self.fresh(f"{out}_entries"), axis=0)
        flat = self.node("Gather", [entries, self.array(found)], self.fresh(f"{out}_flat"), axis=0)
        self.reshaped(flat, spec.shape, out)

    # ---- parts -----------------------------------------------------------------------------------

    def node(self, operator: str, operands: list[str], out: str, **attributes: Any) -> str:
        self.nodes.append(self.onnx.helper.make_node(operator, operands, [out], **attributes))
        return out

    def fresh(self, base: str) -> str:
        name = identifier(base, self.taken)
        self.taken.add(name)
        return name

    def array(self, value: np.ndarray[Any, Any]) -> str:
        """Return the name of a constant, the same for the same bits."""
        key = (str(value.dtype), value.shape, value.tobytes())
        if key not in self.initializers:
            name = self.fresh(f"c{len(self.initializers)}")
            tensor = self.onnx.numpy_helper.from_array(np.ascontiguousarray(value), name)
            if not value.ndim:  # ascontiguousarray gives it an axis
                tensor = self.onnx.numpy_helper.from_array(value, name)
            self.initializers[key] = (name, tensor)
        return self.initializers[key][0]

    def kind(self, dtype: np.dtype[Any]) -> int:
        return int(self.onnx.helper.np_dtype_to_tensor_dtype(dtype))

    def info(self, name: str, spec: Spec) -> Any:
        return self.onnx.helper.make_tensor_value_info(name, self.kind(spec.dtype), spec.shape)

    def as_kind(self, name: str, have: np.dtype[Any], want: np.dtype[Any]) -> str:
        """Return an operand in another dtype."""
        if have == want:
            return name
        key = (name, str(want))
        if key not in self.cast:
            self.cast[key] = self.node("Cast", [name], self.fresh(name), to=self.kind(want))
        return self.cast[key]

    def all_as(self, names: list[str], specs: list[Spec], want: np.dtype[Any]) -> list[str]:
        return [self.as_kind(n, s.dtype, want) for n, s in zip(names, specs, strict=True)]

    def reshaped(self, name: str, shape: tuple[int, ...], out: str | None = None) -> str:
        wanted = self.array(np.array(shape, np.int64))
        return self.node("Reshape", [name, wanted], out or self.fresh(f"{name}_flat"), allowzero=1)

    def lacking(self, equation: Equation) -> ArgumentError:
        """Return the error for an operation without an operator."""
        row = equation.row
        how = f" with {', '.join(equation.params)}" if row.name in OPERATORS | REDUCTIONS else ""
        return ArgumentError(
            message(
                f"operations that ONNX has (opset {OPSET}) in {self.graph.name}",
                f"{row.name}{how}, which it lacks",
                "spelling it in other operations, or graph.source",
            )
        )


def _subscripts(specs: list[Spec], axes: Any) -> str:
    """Return a tensordot as the subscripts of einsum."""
    a, b = (len(spec.shape) for spec in specs)
    if isinstance(axes, int):
        left, right = list(range(a - axes, a)), list(range(axes))
    else:
        left, right = (list(np.atleast_1d(part)) for part in axes)
    letters = iter("abcdefghijklmnopqrstuvwxyz")
    first = [next(letters) for _ in range(a)]
    second = ["" for _ in range(b)]
    for i, j in zip(left, right, strict=True):
        second[j % b] = first[i % a]
    second = [letter or next(letters) for letter in second]
    summed = {first[i % a] for i in left}
    rest = [c for c in (*first, *second) if c not in summed]
    return f"{''.join(first)},{''.join(second)}->{''.join(rest)}"
