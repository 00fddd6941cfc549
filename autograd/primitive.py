"""What a row of the table is, how a call is told apart into arrays and parameters, the registry.

Names that mean the same everywhere: `g` a cotangent, `t` a tangent, `y` the output, `x, a, b` the
inputs. A rule is plain array code. It is called with raw values (first order, fast) or with Tensors
(recorded, so that it can be differentiated again).
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from .domain import Case, Domain
from .errors import ArgumentError, message
from .recording import FIXED, refuse_traced

Rule = Callable[..., Any]

NON_DIFFERENTIABLE = None
"""Stands where a rule would, for an array argument that has no derivative (a mask, an index)."""


def keepdims_shape(x: Any, axis: Any) -> tuple[int, ...]:
    """Return the shape of `x` reduced over `axis` with the reduced axes kept as ones."""
    shape = np.shape(x)
    if axis is None:
        return (1,) * len(shape)
    axes = {a % len(shape) for a in (axis if isinstance(axis, tuple) else (axis,))}
    return tuple(1 if i in axes else n for i, n in enumerate(shape))


def expand(reduced: Any, x: Any, axis: Any) -> Any:
    """Broadcast a result reduced over `axis` back to the shape of `x`."""
    return np.broadcast_to(np.reshape(reduced, keepdims_shape(x, axis)), np.shape(x))


def plain(x: Any) -> Any:
    """Return the value of a Tensor as a plain array, and anything else as it is."""
    if getattr(type(x), "__chainrule__", None) is None:
        return x
    refuse_traced(x, "an operation that depends on values", "computing it outside the trace")
    return np.asarray(x._value)


class Primitive:
    """One operation: its NumPy function, its derivative, its symbol and its test domain.

    Calling a primitive with a Tensor records it; calling it with plain values computes.

    Args:
        forward: the function of arrays; its leading parameters are the array arguments.
        rules: one rule an array argument, `NON_DIFFERENTIABLE` where there is none.
        name: what figures and messages call it; the function's own name if not given.
        symbol: the Python operator that spells it, such as "+".
        scalar: the same function of Python floats; it may raise where IEEE gives inf or nan.
        domain: the test domain of the arguments, one for all or one each.
        cases: the calls that generated tests make, where shapes are not free.
        note: the convention at ties and kinks, for the table's documentation.
        variadic: whether the one array argument is a sequence of arrays.
        numpy: the NumPy function that dispatches to this row, where it is not `forward` itself.
        arguments: a function with the signature of `numpy` that returns the inputs and the
            parameters of `forward`, where the two signatures differ.
        aliases: other functions that dispatch to this row.
        joins: the function that joins the result with `initial=`, where NumPy has it.
    """

    selects = False
    omits = False
    form = 0
    """How `pull` uses a rule, for the sweep's shortest path: 1 rule(g, ...), 2 g * rule(y, ...)."""

    def __init__(
        self,
        forward: Callable[..., Any],
        rules: Sequence[Rule | None],
        *,
        name: str | None = None,
        symbol: str | None = None,
        scalar: Callable[..., float] | None = None,
        domain: Domain | tuple[Domain, ...] | None = None,
        cases: tuple[Case, ...] = (),
        note: str = "",
        variadic: bool = False,
        numpy: Callable[..., Any] | None = None,
        arguments: Callable[..., tuple[Sequence[Any], dict[str, Any]]] | None = None,
        aliases: tuple[Callable[..., Any], ...] = (),
        joins: Callable[..., Any] | None = None,
    ) -> None:
        self.forward = forward
        self.rules = tuple(rules)
        self.arity = len(self.rules)  # 1 for a sequence of arrays
        self.name = name or forward.__name__
        self.symbol = symbol
        self.scalar = scalar
        self.domain = domain
        self.cases = cases
        self.note = note
        self.is_variadic = variadic
        self.numpy = numpy or forward
        self.arguments = arguments
        self.aliases = aliases
        self.joins = joins
        self.family = ""
        # a ufunc that dispatches to its own row: its operands are the arrays, and nothing else
        self.takes_arrays_only = isinstance(forward, np.ufunc) and not arguments
        self.compute = self._joined if variadic else forward
        self.quick: Callable[..., Any] | None = None  # the method of the fast lane
        self.scalar_rules = self.rules
        self.__doc__ = self.summary
        self.__name__ = self.name

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"

    def __reduce__(self) -> Any:
        return (_by_name, (self.name,))

    @property
    def summary(self) -> str:
        """One sentence: what the operation is and where its definition stands."""
        module = getattr(self.numpy, "__module__", None) or "numpy"
        if isinstance(self.numpy, np.ufunc) or module.startswith("numpy"):
            where = "numpy.linalg" if module == "numpy.linalg" else "numpy"
            return f"Differentiable `{where}.{self.numpy.__name__}`."
        return (self.forward.__doc__ or f"The operation {self.name}.").strip().splitlines()[0]

    # signatures are read when they are first needed: reading them all would double the import

    @functools.cached_property
    def positional(self) -> tuple[str, ...]:
        """The names of the parameters that a call may give by position."""
        if isinstance(self._signed, np.ufunc):
            return tuple(f"x{i + 1}" for i in range(self.arity))
        return tuple(
            name
            for name, parameter in _parameters(self._signed).items()
            if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
        )

    @functools.cached_property
    def defaults(self) -> dict[str, Any]:
        """The parameters of the function that calls are split by, with their defaults."""
        if isinstance(self._signed, np.ufunc):
            # every keyword of a ufunc call is refused by name, so its defaults are never compared
            return {"out": None, "where": True, "dtype": None}
        return {name: p.default for name, p in _parameters(self._signed).items()}

    @functools.cached_property
    def accepted(self) -> frozenset[str]:
        """The parameters that the derivative covers."""
        names: set[str] = set()
        for rule in self.rules:
            if rule is not None:
                names.update(list(inspect.signature(rule).parameters)[self._leading() :])
        return frozenset(names)

    @property
    def _signed(self) -> Callable[..., Any]:
        return self.numpy if self.arguments else self.forward

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Apply the operation: recorded if an argument is a Tensor, computed otherwise."""
        if kwargs:
            args, kwargs, join = self.settled(args, kwargs)
            if join is not None:
                return join(self(*args, **kwargs))
        return self.bind(*self.split(args, kwargs))

    def settled(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any], Callable[[Any], Any] | None]:
        """Spell out what NumPy gives many functions alike: `dtype=` and `initial=`.

        Returns:
            The arguments in the dtype that NumPy computes in, the other keywords, and what is to
            be done with the result.
        """
        join = None
        given = kwargs.get("dtype")
        if given is not None and "dtype" in self.defaults and "dtype" not in self.accepted:
            dtype = np.dtype(given)
            if dtype not in (np.float64, np.float32):
                raise refused(self, "dtype", given, self.accepted)
            args = tuple(_cast(x, dtype) for x in args)
            kwargs = {name: x for name, x in kwargs.items() if name != "dtype"}
        if "initial" in kwargs and self.joins is not None:
            initial = kwargs["initial"]
            kwargs = {name: x for name, x in kwargs.items() if name != "initial"}
            if initial is not self.defaults["initial"]:
                join = functools.partial(self.joins, initial)
        return args, kwargs, join

    def bind(self, inputs: Sequence[Any], params: Mapping[str, Any]) -> Any:
        """Apply the operation to arguments that are told apart already.

        Args:
            inputs: the arrays, Tensors or not.
            params: the parameters.

        Returns:
            A Tensor if an input is one, the plain value otherwise.
        """
        for x in inputs:
            record = getattr(type(x), "__chainrule__", None)
            if record is not None:
                return record(self, tuple(inputs), params)
        return self.evaluate(inputs, params)

    def evaluate(self, values: Sequence[Any], params: Mapping[str, Any]) -> Any:
        """Compute the value from raw inputs."""
        if self.is_variadic:
            return self.forward(list(values), **params)
        return self.forward(*values, **params)

    def _joined(self, *values: Any) -> Any:
        return self.forward(list(values))

    def split(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Tell the array inputs of a call from its parameters, as NumPy's own signature does.

        Returns:
            The inputs, and the parameters that differ from their defaults.

        Raises:
            ArgumentError: if a parameter is given that the derivative does not cover.
        """
        arity = self.arity
        inputs: Sequence[Any]
        if self.arguments is not None:
            inputs, params = call(self.arguments, self, args, kwargs)
        elif len(args) == arity and not self.is_variadic:
            if not kwargs:
                return args, {}
            inputs, params = args, self._covered(kwargs)
        else:
            names = self.positional
            if len(args) > len(names):
                raise ArgumentError(
                    message(
                        f"{self.name} to be called with at most {len(names)} positional arguments",
                        f"{len(args)}",
                        f"naming parameters: {', '.join(names[arity:])}",
                    )
                )
            params = dict(zip(names, args, strict=False))
            params.update(kwargs)
            missing = [name for name in names[:arity] if name not in params]
            if missing:
                raise ArgumentError(
                    message(
                        f"{self.name} to be given its argument {missing[0]!r}",
                        f"{len(args)} positional arguments and {sorted(kwargs)}",
                        f"{self.name}({', '.join(names[:arity])})",
                    )
                )
            inputs = [params.pop(name) for name in names[:arity]]
            params = self._covered(params)
            if self.is_variadic:
                inputs = inputs[0]
        for name, value in params.items():
            params[name] = _settled(self, name, value)
        return tuple(inputs), params

    def _covered(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters that differ from their defaults, and refuse what has no rule."""
        found = {}
        for name, value in params.items():
            if name in self.defaults and value is self.defaults[name]:
                continue
            if name not in self.accepted:
                raise refused(self, name, value, self.accepted)
            found[name] = value
        return found

    def pull(
        self, index: int, g: Any, y: Any, values: Sequence[Any], params: Mapping[str, Any]
    ) -> Any:
        """Return the contribution of the cotangent `g` of the output to input `index`.

        Its shape may still be that of the broadcast: the sweep sums it down.
        """
        raise NotImplementedError

    def push(
        self, tangents: Sequence[Any], y: Any, values: Sequence[Any], params: Mapping[str, Any]
    ) -> Any:
        """Return the tangent of the output; a tangent of None stands for zero."""
        raise NotImplementedError

    def live(
        self,
        index: int,
        live: Any,
        y: Any,
        values: Sequence[Any],
        params: Mapping[str, Any],
    ) -> Any:
        """Return which entries of input `index` the live entries of the output depend on.

        Args:
            index: which input.
            live: boolean array of the output's shape, or None when all entries are live.
            y: the output value.
            values: the input values.
            params: the parameters.

        Returns:
            A boolean array that broadcasts with the contribution, or None when all are live.
        """
        return None

    def push_live(
        self,
        tangents: Sequence[Any],
        lives: Sequence[Any],
        y: Any,
        values: Sequence[Any],
        params: Mapping[str, Any],
    ) -> tuple[Any, Any]:
        """Return the tangent of the output and which of its entries depend on live ones.

        Args:
            tangents: as for `push`.
            lives: for each tangent a boolean array that broadcasts with it, None if all are live.
            y: the output value.
            values: the input values.
            params: the parameters.

        Returns:
            The tangent, and a boolean array that broadcasts with it.
        """
        return self.push(tangents, y, values, params), np.ones(np.shape(y), bool)

    def scalar_slope(self, index: int) -> str:
        """Return the Python expression of the local derivative on floats `x`, `y`, `value`."""
        raise NotImplementedError

    def _leading(self) -> int:
        return 1 + (2 if self.is_variadic else self.arity)


REGISTRY: dict[Callable[..., Any], Primitive] = {}
"""Every primitive under the function it differentiates: the key of all dispatch."""


ROWS: dict[str, Primitive] = {}
"""Every primitive under its name."""


def register(primitive: Primitive) -> Primitive:
    """Enter a primitive into the registry and return it."""
    ROWS[primitive.name] = primitive
    primitive.family = _caller()
    for function in (primitive.numpy, *primitive.aliases):
        REGISTRY[function] = primitive
    return primitive


def _caller() -> str:
    """Return the module of the table that is registering a row."""
    frame = sys._getframe(2)
    while frame.f_back is not None and frame.f_globals["__name__"].endswith(".kinds"):
        frame = frame.f_back
    return str(frame.f_globals["__name__"])


def call(
    function: Callable[..., Any], row: Primitive, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Any:
    """Call a function with NumPy's signature, less what it does not cover.

    Args:
        function: what stands for the NumPy function.
        row: the row it belongs to.
        args: positional arguments.
        kwargs: keyword arguments; those equal to NumPy's default are dropped where not covered.

    Returns:
        What the function returns.

    Raises:
        ArgumentError: if an argument is not covered.
    """
    signature = _signature(function)
    known = signature.parameters
    args, kwargs = _by_name_where_signatures_part(list(known), row, args, kwargs)
    if not any(p.kind is p.VAR_KEYWORD for p in known.values()):
        for name in [name for name in kwargs if name not in known]:
            if name not in row.defaults or kwargs[name] is not row.defaults[name]:
                raise refused(row, name, kwargs[name], known)
        kwargs = {name: value for name, value in kwargs.items() if name in known}
    try:
        return function(*args, **kwargs)
    except TypeError:
        try:
            signature.bind(*args, **kwargs)
        except TypeError as error:
            raise ArgumentError(
                message(
                    f"{row.name} to be called as {row.name}{signature}",
                    f"{len(args)} positional arguments and {sorted(kwargs)} ({error})",
                    "arguments that fit",
                )
            ) from error
        raise  # what the function itself refuses


@functools.cache
def _signature(function: Callable[..., Any]) -> inspect.Signature:
    return inspect.signature(function)


def _by_name_where_signatures_part(
    known: list[str], row: Primitive, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
    """Name the positional arguments from where NumPy's signature has others than `known`."""
    names = row.positional
    most, same = min(len(args), len(known), len(names)), 0
    while same < most and known[same] == names[same]:
        same += 1
    if same == 0 or not same < len(args) <= len(names):
        return args, kwargs
    return args[:same], {**dict(zip(names[same:], args[same:], strict=False)), **kwargs}


def refused(row: Primitive, name: str, value: Any, covered: Iterable[str]) -> ArgumentError:
    """Return the error for a parameter that the derivative of a row does not cover."""
    accepted = ", ".join(sorted(covered)) or "no parameter"
    hints = {
        "out": "assigning the result to a name instead: Tensors are never written in place",
        "where": "np.where(mask, x, neutral) on the operand or np.where(mask, new, old) on the "
        "result, which are differentiable",
        "dtype": "dtype=np.float64 or np.float32: Tensors hold nothing else",
    }
    return ArgumentError(
        message(
            f"{row.name} of a Tensor without {name}=",
            f"{name}={value!r:.60}",
            hints.get(name, f"without {name}= (the derivative covers {accepted})"),
        )
    )


def _cast(x: Any, dtype: Any) -> Any:
    """Return arrays and Tensors in a dtype, also those in a list."""
    if isinstance(x, (list, tuple)):
        return type(x)(_cast(part, dtype) for part in x)
    if isinstance(x, np.ndarray) or getattr(type(x), "__chainrule__", None) is not None:
        return x if np.result_type(x) == dtype else x.astype(dtype)
    return x


def _settled(row: Primitive, name: str, value: Any) -> Any:
    """Return a parameter that later writes cannot change, and refuse a Tensor."""
    if getattr(type(value), "__chainrule__", None) is not None:
        if value.dtype.kind != "f":
            return value  # only a trace makes integer Tensors
        refuse_traced(value, f"{name}= of {row.name}", FIXED)
        raise ArgumentError(
            message(
                f"{name}= of {row.name} as a plain value, which has no derivative",
                f"{value.label}",
                "t.numpy() or t.item(), converted to int for an index",
            )
        )
    if isinstance(value, np.ndarray):
        return np.array(value)
    if isinstance(value, list):
        return [_settled(row, name, part) for part in value]
    if type(value) is tuple:
        return tuple(_settled(row, name, part) for part in value)
    return value


def _by_name(name: str) -> Primitive:
    return ROWS[name]


def _parameters(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(function).parameters
    except ValueError:  # a builtin without a signature
        return {}
