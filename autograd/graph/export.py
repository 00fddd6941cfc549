"""Graphs as ONNX models, for the runtimes of other languages and machines.

An equation becomes the operator of the same meaning. Rows that only arrange entries become what
they do to positions, since a graph fixes its shapes. A few rows are spelled in rows that ONNX has;
what then remains without an operator is refused by name. Needs the extra `onnx`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ArgumentError, message, require
from ..observers import Observer
from .equations import Equation, Ref, Spec, identifier, refs_of
from .lowering import ARRANGING, PERMUTING, opened
from .spelling import SPELLED

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


def onnx_of(graph: Graph) -> Any:
    """Return a graph as an ONNX model of opset 18, with the names of its inputs and outputs.

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
        self.taken = {*graph.input_names, *graph.output_names}
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
        for name, i in zip(graph.output_names, graph.outputs, strict=True):
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
            elif name == "round" and params:
                tens = self.array(np.array(10.0 ** params["decimals"], spec.dtype))
                scaled = self.node("Mul", [operands[0], tens], self.fresh(f"{out}_scaled"))
                whole = self.node("Round", [scaled], self.fresh(f"{out}_whole"))
                self.node("Div", [whole, tens], out)
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
            if spec.dtype.kind == "b":  # which onnxruntime chooses among no truth values
                yes = self.node("And", [condition, branches[0]], self.fresh(f"{out}_yes"))
                other = self.node("Not", [condition], self.fresh(f"{out}_not"))
                no = self.node("And", [other, branches[1]], self.fresh(f"{out}_no"))
                self.node("Or", [yes, no], out)
            else:
                self.node("Where", [condition, *branches], out)
        elif name == "astype":
            self.node("Cast", operands, out, to=self.kind(spec.dtype))
        elif name == "fmod" and not params:
            self.node("Mod", self.all_as(operands, specs, spec.dtype), out, fmod=1)
        elif name in ("concatenate", "stack"):
            self.joined(equation, spec, self.all_as(operands, specs, spec.dtype), specs, out)
        elif name == "cumsum":
            axis, operand = (
                params.get("axis"),
                self.as_kind(operands[0], specs[0].dtype, spec.dtype),
            )
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
        elif name in ("sort", "argsort"):
            self.sorted(equation, spec, operands[0], out)
        elif name == "tie_mean":
            self.averaged(equation, spec, operands[0], out)
        elif name == "scatter":
            self.scattered(equation, spec, operands[0], specs[0], out)
        elif name == "getitem" and refs_of(params):
            entries = self.reshaped(operands[0], (-1,))
            places, _ = self.places(equation, specs[0].shape)
            self.node("Gather", [entries, places], out, axis=0)
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
        kind, have = spec.dtype, given.dtype
        if kind.kind == "b":  # the least or largest of zeros and ones
            operand, have = self.as_kind(operand, have, kind), kind
            kind = np.dtype("i4")
        operands = [self.as_kind(operand, have, kind), self.array(np.array(axes, np.int64))]
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
        if axis is not None:
            self.node(operator, [operand], out, axis=int(axis), keepdims=int(keep))
            return
        flat = self.reshaped(operand, (-1,))
        found = self.node(operator, [flat], self.fresh(f"{out}_flat"), axis=0, keepdims=0)
        self.reshaped(found, (1,) * len(given.shape) if keep else (), out)

    def sorted(self, equation: Equation, spec: Spec, operand: str, out: str) -> None:
        """Write what puts entries in order: of equal ones, the first stays first."""
        axis = equation.params.get("axis", -1)
        if axis is None:
            operand, axis = self.reshaped(operand, (-1,)), 0
        if not spec.shape:
            raise self.lacking(equation)
        count = self.array(np.array([spec.shape[axis]], np.int64))
        names = [out, self.fresh(f"{out}_places")]
        if equation.row.name == "argsort":
            names.reverse()
        make = self.onnx.helper.make_node
        self.nodes.append(make("TopK", [operand, count], names, axis=axis, largest=0, sorted=1))

    def averaged(self, equation: Equation, spec: Spec, operand: str, out: str) -> None:
        """Write the means of groups of entries."""
        groups = equation.params["groups"]
        given = self.names[groups.variable] if type(groups) is Ref else self.array(groups)
        places = self.reshaped(given, (-1,))
        size = int(np.prod(spec.shape))
        zeros, ones = (self.array(np.full(size, x, spec.dtype)) for x in (0, 1))
        totals, counts = (
            self.node(
                "ScatterElements", [zeros, places, x], self.fresh(f"{out}_{what}"), reduction="add"
            )
            for what, x in (("totals", self.reshaped(operand, (-1,))), ("sizes", ones))
        )
        sizes = self.node("Max", [counts, ones], self.fresh(f"{out}_sizes"))
        means = self.node("Div", [totals, sizes], self.fresh(f"{out}_means"))
        self.node("Gather", [means, given], out, axis=0)

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

    def scattered(
        self, equation: Equation, spec: Spec, operand: str, given: Spec, out: str
    ) -> None:
        """Write entries put, and added up, where an index points."""
        size = int(np.prod(spec.shape))
        if refs_of(equation.params):
            name, shape = self.places(equation, spec.shape)
            places = self.reshaped(name, (-1,))
        else:
            where = np.arange(size).reshape(spec.shape)[equation.params["index"]]
            shape = given.shape
            places = self.array(np.broadcast_to(where, shape).reshape(-1))
        if shape != given.shape:
            wanted = self.array(np.array(shape, np.int64))
            operand = self.node("Expand", [operand, wanted], self.fresh(f"{out}_spread"))
        flat = self.fresh(f"{out}_flat")
        zeros = self.array(np.zeros(size, spec.dtype))
        self.node(
            "ScatterElements", [zeros, places, self.reshaped(operand, (-1,))], flat, reduction="add"
        )
        self.reshaped(flat, spec.shape, out)

    def places(self, equation: Equation, shape: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
        """Write which entries, counted through, a computed index names; return their shape too."""
        index = equation.params["index"]
        parts = list(index) if type(index) is tuple else [index]
        before = 0
        while isinstance(parts[before], slice) and parts[before] == slice(None):
            before += 1
        chosen = parts[before:]
        if any(isinstance(part, (slice, type(None), type(...))) for part in chosen):
            raise self.lacking(equation)
        shapes = [
            self.graph.specs[part.variable].shape if type(part) is Ref else np.shape(part)
            for part in chosen
        ]
        block = np.broadcast_shapes(*shapes)
        after = shape[before + len(chosen) :]
        whole = (*shape[:before], *block, *after)
        strides = [int(np.prod(shape[k + 1 :])) for k in range(len(shape))]
        # what does not depend on the index
        rest = np.zeros(whole, np.int64)
        for k, n in [*enumerate(shape[:before]), *enumerate(after, before + len(chosen))]:
            axis = k if k < before else k - len(chosen) + len(block)
            one = [n if j == axis else 1 for j in range(len(whole))]
            rest += np.arange(n).reshape(one) * strides[k]
        total = self.array(rest)
        for k, (part, own) in enumerate(zip(chosen, shapes, strict=True), before):
            laid = (*(1,) * (before + len(block) - len(own)), *own, *(1,) * len(after))
            length, stride = (self.array(np.array(x, np.int64)) for x in (shape[k], strides[k]))
            if type(part) is not Ref:
                name = self.array(np.reshape(part, laid).astype(np.int64))
            else:
                dtype = self.graph.specs[part.variable].dtype
                name = self.as_kind(self.names[part.variable], dtype, np.dtype(np.int64))
                name = self.reshaped(name, laid)
            name = self.node("Mod", [name, length], self.fresh("place"))  # -1 is the last
            name = self.node("Mul", [name, stride], self.fresh("place"))
            total = self.node("Add", [total, name], self.fresh("place"))
        return total, whole

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
