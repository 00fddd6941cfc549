"""What a row of the table is: five kinds of primitive, each asking for what cannot be derived.

Names that mean the same everywhere: `g` a cotangent, `t` a tangent, `y` the output, `x, a, b` the
inputs. A rule is plain array code. It is called with raw values (first order, fast) or with Tensors
(recorded, so that it can be differentiated again).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from .domain import Case, Domain
from .errors import ArgumentError, GraphError, message

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
    """

    selects = False

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
    ) -> None:
        self.forward = forward
        self.rules = tuple(rules)
        self.name = name or forward.__name__
        self.symbol = symbol
        self.scalar = scalar
        self.domain = domain
        self.cases = cases
        self.note = note
        self.is_variadic = variadic
        self.scalar_rules = self.rules
        self.__doc__ = self.summary
        self.__name__ = self.name
        self._parameters, self._defaults = _parameters(forward, len(self.rules))
        self._accepted = self._accepted_parameters()

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"

    def __reduce__(self) -> Any:
        return (_by_forward, (self.forward,))

    @property
    def summary(self) -> str:
        """One sentence: what the operation is and where its definition stands."""
        if getattr(np, self.forward.__name__, None) is self.forward:
            return f"Differentiable `numpy.{self.name}`."
        return (self.forward.__doc__ or f"The operation {self.name}.").strip().splitlines()[0]

    @property
    def arity(self) -> int:
        """The number of array arguments (1 for a sequence of arrays)."""
        return len(self.rules)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Apply the operation: recorded if an argument is a Tensor, computed otherwise."""
        inputs, params = self.split(args, kwargs)
        for x in inputs:
            record = getattr(type(x), "__chainrule__", None)
            if record is not None:
                return record(self, inputs, params)
        return self.evaluate(inputs, params)

    def evaluate(self, values: Sequence[Any], params: Mapping[str, Any]) -> Any:
        """Compute the value from raw inputs."""
        if self.is_variadic:
            return self.forward(list(values), **params)
        return self.forward(*values, **params)

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
        names = self._parameters
        if len(args) == arity and not kwargs and not self.is_variadic:
            return args, {}
        params = dict(zip(names, args, strict=False))
        if len(args) > len(names):
            raise ArgumentError(
                message(
                    f"{self.name} to be called with at most {len(names)} positional arguments",
                    f"{len(args)}",
                    f"naming parameters: {', '.join(names[arity:])}",
                )
            )
        params.update(kwargs)
        inputs = []
        for name in names[:arity]:
            if name not in params:
                raise ArgumentError(
                    message(
                        f"{self.name} to be given its argument {name!r}",
                        f"{len(args)} positional arguments and {sorted(kwargs)}",
                        f"{self.name}({', '.join(names[:arity])})",
                    )
                )
            inputs.append(params.pop(name))
        for name in list(params):
            if name in self._defaults and params[name] is self._defaults[name]:
                del params[name]
            elif name not in self._accepted:
                accepted = ", ".join(sorted(self._accepted)) or "no parameter"
                hint = (
                    "assigning the result to a name instead: Tensors are never written in place"
                    if name == "out"
                    else f"without {name}= (the derivative covers {accepted})"
                )
                raise ArgumentError(
                    message(
                        f"{self.name} of a Tensor without {name}=",
                        f"{name}={params[name]!r:.60}",
                        hint,
                    )
                )
        if self.is_variadic:
            return tuple(inputs[0]), params
        return tuple(inputs), params

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

    def scalar_slope(self, index: int) -> str:
        """Return the Python expression of the local derivative on floats `x`, `y`, `value`."""
        raise NotImplementedError

    def _rule_parameters(self) -> Iterable[Rule]:
        return (rule for rule in self.rules if rule is not None)

    def _leading(self) -> int:
        return 1 + (2 if self.is_variadic else self.arity)

    def _accepted_parameters(self) -> frozenset[str]:
        accepted: set[str] = set()
        for rule in self._rule_parameters():
            names = list(inspect.signature(rule).parameters)
            accepted.update(names[self._leading() :])
        return frozenset(accepted)


class Elementwise(Primitive):
    """y[i] = f(a[i], b[i], ...): the rules are local partials d(y, a, b, ...)."""

    def pull(
        self, index: int, g: Any, y: Any, values: Sequence[Any], params: Mapping[str, Any]
    ) -> Any:
        """Multiply the cotangent by the local partial."""
        rule = self.rules[index]
        assert rule is not None
        return g * rule(y, *values, **params)

    def push(
        self, tangents: Sequence[Any], y: Any, values: Sequence[Any], params: Mapping[str, Any]
    ) -> Any:
        """Multiply each tangent by its local partial and add."""
        terms = [
            t * rule(y, *values, **params)
            for t, rule in zip(tangents, self.rules, strict=True)
            if t is not None and rule is not None
        ]
        return _total(terms)

    def live(
        self, index: int, live: Any, y: Any, values: Sequence[Any], params: Mapping[str, Any]
    ) -> Any:
        """Entries stay with entries."""
        return live

    def scalar_slope(self, index: int) -> str:
        """Call the partial with the output and the inputs."""
        return f"rule{index}(value, {'x' if self.arity == 1 else 'x, y'})"


class Linear(Primitive):
    """y = A(x): the rules are transposes d(g, a, b, ...); the jvp is the operation itself.

    Args:
        selects: True if parts of the input are left out according to a mask (`where`), so that
            what was left out must contribute an exact zero whatever lies behind it.
    """

    def __init__(
        self,
        forward: Callable[..., Any],
        rules: Sequence[Rule | None],
        *,
        selects: bool = False,
        **row: Any,
    ) -> None:
        self.selects = selects
        super().__init__(forward, rules, **row)

    def pull(
        self, index: int, g: Any, y: Any, values: Sequence[Any], params: Mapping[str, Any]
    ) -> Any:
        """Apply the transpose."""
        if self.is_variadic:
            return self.rules[0](g, index, values, **params)  # type: ignore[misc]
        rule = self.rules[index]
        assert rule is not None
        return rule(g, *values, **params)

    def push(
        self, tangents: Sequence[Any], y: Any, values: Sequence[Any], params: Mapping[str, Any]
    ) -> Any:
        """Apply the operation to the tangents, zeros where there is none."""
        return self.evaluate_or_record(
            [
                t
                if t is not None
                else x
                if not self.is_variadic and self.rules[i] is NON_DIFFERENTIABLE
                else np.zeros(np.shape(x))
                for i, (t, x) in enumerate(zip(tangents, values, strict=True))
            ],
            params,
        )

    def evaluate_or_record(self, inputs: Sequence[Any], params: Mapping[str, Any]) -> Any:
        """Call the primitive on inputs that are already told from parameters."""
        return self(list(inputs), **params) if self.is_variadic else self(*inputs, **params)

    def live(
        self, index: int, live: Any, y: Any, values: Sequence[Any], params: Mapping[str, Any]
    ) -> Any:
        """Transport the mask as a cotangent of zeros and ones."""
        if live is None:
            if not self.selects:
                return None
            live = np.ones(np.shape(y), bool)
        return self.pull(index, np.where(live, 1.0, 0.0), y, values, params) != 0

    def scalar_slope(self, index: int) -> str:
        """The derivative of a linear function of floats is a constant."""
        rule = self.rules[index]
        assert rule is not None
        return repr(float(rule(1.0, *[1.0] * self.arity)))


class Multilinear(Linear):
    """Linear in each input while the others are held; rules as for `Linear`."""

    def push(
        self, tangents: Sequence[Any], y: Any, values: Sequence[Any], params: Mapping[str, Any]
    ) -> Any:
        """Replace one input at a time by its tangent and add."""
        terms = [
            self.evaluate_or_record([*values[:i], t, *values[i + 1 :]], params)
            for i, t in enumerate(tangents)
            if t is not None
        ]
        return _total(terms)

    def live(
        self, index: int, live: Any, y: Any, values: Sequence[Any], params: Mapping[str, Any]
    ) -> Any:
        """A product mixes entries only where it is not element-wise."""
        return (
            live if isinstance(self.forward, np.ufunc) and self.forward.signature is None else None
        )

    def scalar_slope(self, index: int) -> str:
        """A bilinear function of two floats is their product: the slope is the other one."""
        return "yx"[index]


class Reduction(Primitive):
    """A function of the entries along `axis`: the rule gives the weights dy/dx.

    The rule is called as w(y, x, axis=...) with `y` kept broadcastable against `x`.
    """

    def _weights(self, y: Any, x: Any, params: Mapping[str, Any]) -> Any:
        axis = params.get("axis")
        rule = self.rules[0]
        assert rule is not None
        return rule(np.reshape(y, keepdims_shape(x, axis)), x, axis=axis)

    def _accepted_parameters(self) -> frozenset[str]:
        return frozenset({"axis", "keepdims"})

    def pull(
        self, index: int, g: Any, y: Any, values: Sequence[Any], params: Mapping[str, Any]
    ) -> Any:
        """Spread the cotangent over the reduced entries by their weights."""
        x = values[0]
        g = np.reshape(g, keepdims_shape(x, params.get("axis")))
        return g * self._weights(y, x, params)

    def push(
        self, tangents: Sequence[Any], y: Any, values: Sequence[Any], params: Mapping[str, Any]
    ) -> Any:
        """Add the tangents by their weights."""
        return np.sum(tangents[0] * self._weights(y, values[0], params), **params)

    def live(
        self, index: int, live: Any, y: Any, values: Sequence[Any], params: Mapping[str, Any]
    ) -> Any:
        """What enters a live result is live."""
        return None if live is None else expand(live, values[0], params.get("axis"))


class Custom(Primitive):
    """Anything else: a vjp d(g, y, a, b, ...) an argument and a jvp f(tangents, y, a, b, ...).

    Args:
        forward: the function of arrays.
        vjps: one vjp an array argument.
        jvp: the tangent of the output; None where only reverse mode is known.
    """

    def __init__(
        self,
        forward: Callable[..., Any],
        vjps: Sequence[Rule | None],
        jvp: Rule | None,
        **row: Any,
    ) -> None:
        self.jvp = jvp
        super().__init__(forward, vjps, **row)

    def _leading(self) -> int:
        return 2 + self.arity

    def pull(
        self, index: int, g: Any, y: Any, values: Sequence[Any], params: Mapping[str, Any]
    ) -> Any:
        """Call the vjp of the argument."""
        rule = self.rules[index]
        assert rule is not None
        return rule(g, y, *values, **params)

    def push(
        self, tangents: Sequence[Any], y: Any, values: Sequence[Any], params: Mapping[str, Any]
    ) -> Any:
        """Call the jvp."""
        if self.jvp is None:
            raise GraphError(
                message(
                    f"{self.name} to have a jvp for forward mode",
                    "a vjp only",
                    "reverse mode, or giving jvp= where the operation is defined",
                )
            )
        return self.jvp(tangents, y, *values, **params)


REGISTRY: dict[Callable[..., Any], Primitive] = {}
"""Every primitive under the function it differentiates: the key of all dispatch."""


def register(primitive: Primitive) -> Primitive:
    """Enter a primitive into the registry and return it."""
    REGISTRY[primitive.forward] = primitive
    return primitive


def elementwise(forward: Callable[..., Any], *partials: Rule, **row: Any) -> Primitive:
    """Register y[i] = f(a[i], ...) by its local partials d(y, a, ...)."""
    return register(Elementwise(forward, partials, **row))


def linear(forward: Callable[..., Any], *transposes: Rule | None, **row: Any) -> Primitive:
    """Register a function linear in all inputs together by its transposes d(g, a, ...)."""
    return register(Linear(forward, transposes, **row))


def multilinear(forward: Callable[..., Any], *transposes: Rule, **row: Any) -> Primitive:
    """Register a function linear in each input by its transposes d(g, a, ...)."""
    return register(Multilinear(forward, transposes, **row))


def reduction(forward: Callable[..., Any], weights: Rule, **row: Any) -> Primitive:
    """Register a reduction along `axis` by its weights w(y, x, axis)."""
    return register(Reduction(forward, (weights,), **row))


def custom(
    forward: Callable[..., Any], *vjps: Rule | None, jvp: Rule | None, **row: Any
) -> Primitive:
    """Register a function by a typed vjp and jvp: the escape hatch."""
    return register(Custom(forward, vjps, jvp, **row))


def _total(terms: Sequence[Any]) -> Any:
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def _by_forward(forward: Callable[..., Any]) -> Primitive:
    return REGISTRY[forward]


def _parameters(forward: Callable[..., Any], arity: int) -> tuple[tuple[str, ...], dict[str, Any]]:
    if isinstance(forward, np.ufunc):
        # every keyword of a ufunc call is refused by name, so its defaults are never compared
        return tuple(f"x{i + 1}" for i in range(arity)), {"out": None, "where": True, "dtype": None}
    parameters = inspect.signature(forward).parameters
    positional = [
        name
        for name, parameter in parameters.items()
        if parameter.kind is not parameter.KEYWORD_ONLY
    ]
    return tuple(positional), {name: p.default for name, p in parameters.items()}
