"""The six kinds of rows, each asking for what cannot be derived from the rest.

| kind | what the row states |
| --- | --- |
| elementwise | the local partials d(y, a, b, ...) |
| linear | the transposes d(g, a, b, ...); the jvp is the operation itself |
| multilinear | the same, for a function linear in each input while the others are held |
| reduction | the weights w(y, x, axis, ...) = dy/dx |
| custom | a vjp d(g, y, a, b, ...) an input and a jvp f(tangents, y, a, b, ...) |
| composite | the function spelled in other rows, which differentiate it |
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .errors import GraphError, message
from .primitive import NON_DIFFERENTIABLE, Primitive, Rule, call, expand, keepdims_shape, register


class Elementwise(Primitive):
    """y[i] = f(a[i], b[i], ...): the rules are local partials d(y, a, b, ...)."""

    form = 2

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

    def push_live(
        self,
        tangents: Sequence[Any],
        lives: Sequence[Any],
        y: Any,
        values: Sequence[Any],
        params: Mapping[str, Any],
    ) -> tuple[Any, Any]:
        """Add the terms of the live entries of each input."""
        return _live_terms(self, tangents, lives, y, values, params)

    def scalar_slope(self, index: int) -> str:
        """Call the partial with the output and the inputs."""
        return f"rule{index}(value, {'x' if self.arity == 1 else 'x, y'})"


class Linear(Primitive):
    """y = A(x): the rules are transposes d(g, a, b, ...); the jvp is the operation itself.

    Args:
        selects: True if parts of the input are left out according to a mask (`where`), so that
            what was left out must contribute an exact zero whatever lies behind it.
        omits: True if parts of the input are left out by parameters (an index), likewise.
    """

    def __init__(
        self,
        forward: Callable[..., Any],
        rules: Sequence[Rule | None],
        *,
        selects: bool = False,
        omits: bool = False,
        **row: Any,
    ) -> None:
        self.selects = selects
        self.omits = omits
        super().__init__(forward, rules, **row)
        if not self.is_variadic and NON_DIFFERENTIABLE not in self.rules:
            self.form = 1

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
        return self.bind(
            [
                x
                if not self.is_variadic and self.rules[i] is NON_DIFFERENTIABLE
                else np.zeros(np.shape(x))
                if t is None
                else t
                for i, (t, x) in enumerate(zip(tangents, values, strict=True))
            ],
            params,
        )

    def live(
        self, index: int, live: Any, y: Any, values: Sequence[Any], params: Mapping[str, Any]
    ) -> Any:
        """Transport the mask as a cotangent of zeros and ones."""
        if live is None:
            if not self.selects:
                return None
            live = np.ones(np.shape(y), bool)
        return self.pull(index, np.where(live, 1.0, 0.0), y, values, params) != 0

    def push_live(
        self,
        tangents: Sequence[Any],
        lives: Sequence[Any],
        y: Any,
        values: Sequence[Any],
        params: Mapping[str, Any],
    ) -> tuple[Any, Any]:
        """Transport the masks as tangents of zeros and ones, unlike ones for unlike inputs."""
        masks = [
            None if t is None else _ones(live, t, 1.0 + i / math.pi)
            for i, (t, live) in enumerate(zip(tangents, lives, strict=True))
        ]
        return self.push(tangents, y, values, params), self.push(masks, y, values, params) != 0

    def scalar_slope(self, index: int) -> str:
        """The derivative of a linear function of floats is a constant."""
        rule = self.rules[index]
        assert rule is not None
        return repr(float(rule(1.0, *[1.0] * self.arity)))


class Multilinear(Linear):
    """Linear in each input while the others are held; rules as for `Linear`."""

    @property
    def is_product(self) -> bool:
        """Whether it works entry by entry."""
        return isinstance(self.forward, np.ufunc) and self.forward.signature is None

    def push(
        self, tangents: Sequence[Any], y: Any, values: Sequence[Any], params: Mapping[str, Any]
    ) -> Any:
        """Replace one input at a time by its tangent and add."""
        terms = [
            self.bind([*values[:i], t, *values[i + 1 :]], params)
            for i, t in enumerate(tangents)
            if t is not None
        ]
        return _total(terms)

    def live(
        self, index: int, live: Any, y: Any, values: Sequence[Any], params: Mapping[str, Any]
    ) -> Any:
        """A product mixes entries only where it is not element-wise."""
        return live if self.is_product else None

    def push_live(
        self,
        tangents: Sequence[Any],
        lives: Sequence[Any],
        y: Any,
        values: Sequence[Any],
        params: Mapping[str, Any],
    ) -> tuple[Any, Any]:
        """Add the terms of the live entries of each input, where entries stay with entries."""
        if self.is_product:
            return _live_terms(self, tangents, lives, y, values, params)
        return Primitive.push_live(self, tangents, lives, y, values, params)

    def scalar_slope(self, index: int) -> str:
        """A bilinear function of two floats is their product: the slope is the other one."""
        return "yx"[index]


class Reduction(Primitive):
    """A function of the entries along `axis`: the rule gives the weights dy/dx.

    The rule is called as w(y, x, axis=...) with `y` kept broadcastable against `x`.
    """

    def _weights(self, y: Any, x: Any, params: Mapping[str, Any]) -> Any:
        settings = {name: value for name, value in params.items() if name != "keepdims"}
        axis = settings.setdefault("axis", None)
        rule = self.rules[0]
        assert rule is not None
        return rule(np.reshape(y, keepdims_shape(x, axis)), x, **settings)

    @functools.cached_property
    def accepted(self) -> frozenset[str]:
        """What the weights take besides y and x, and NumPy's two."""
        rule = self.rules[0]
        assert rule is not None
        return frozenset({"axis", "keepdims", *list(inspect.signature(rule).parameters)[2:]})

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
        return self._added(tangents[0] * self._weights(y, values[0], params), params)

    def _added(self, terms: Any, params: Mapping[str, Any]) -> Any:
        return np.sum(terms, axis=params.get("axis"), keepdims=params.get("keepdims", False))

    def push_live(
        self,
        tangents: Sequence[Any],
        lives: Sequence[Any],
        y: Any,
        values: Sequence[Any],
        params: Mapping[str, Any],
    ) -> tuple[Any, Any]:
        """Add the tangents of the live entries by their weights."""
        weights = self._weights(y, values[0], params)
        terms = tangents[0] * weights
        if lives[0] is None:
            return self._added(terms, params), np.ones(np.shape(y), bool)
        reached = self._added(np.where(lives[0], 1.0, 0.0), params) != 0
        return self._added(np.where(lives[0], terms, 0.0), params), reached

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


class Composite(Primitive):
    """A function of any number of outputs, spelled in other rows, which differentiate it.

    It leaves no record of its own: graphs show what it is made of.

    Args:
        forward: the NumPy function.
        expansion: a function with its signature, in terms of functions that have rows.
    """

    def __init__(
        self, forward: Callable[..., Any], expansion: Callable[..., Any], **row: Any
    ) -> None:
        self.expansion = expansion
        super().__init__(forward, (), **row)
        self.takes_arrays_only = False

    @functools.cached_property
    def accepted(self) -> frozenset[str]:
        """What the expansion takes."""
        return frozenset(inspect.signature(self.expansion).parameters)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the expansion if there is a Tensor among the arguments, else the function."""
        if not holds_tensor(args) and not holds_tensor(kwargs.values()):
            return self.numpy(*args, **kwargs)
        args, kwargs, _ = self.settled(args, kwargs)
        return call(self.expansion, self, args, kwargs)


def holds_tensor(values: Any) -> bool:
    """Return whether there is a Tensor among the values or in their lists and tuples."""
    return any(
        getattr(type(x), "__chainrule__", None) is not None
        or (isinstance(x, (list, tuple)) and holds_tensor(x))
        for x in values
    )


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


def composite(forward: Callable[..., Any], expansion: Callable[..., Any], **row: Any) -> Primitive:
    """Register a function by its expansion into other rows."""
    return register(Composite(forward, expansion, **row))


class Packing:
    """A function of several outputs as a function of one flat vector that holds them all."""

    def __init__(self, function: Callable[..., Sequence[Any]], name: str) -> None:
        self.function = function
        self.__name__ = name
        self.__doc__ = f"All outputs of {name} in one flat vector."

    @property
    def __signature__(self) -> inspect.Signature:
        """The parameters of the function."""
        return inspect.signature(self.function)

    def __call__(self, *args: Any, **params: Any) -> Any:
        """Call the function and join its outputs."""
        return packed(self.function(*args, **params))


def packed(parts: Sequence[Any]) -> Any:
    """Return the entries of all parts in one flat vector."""
    return np.concatenate([np.reshape(part, -1) for part in parts])


def unpacked(flat: Any, shapes: Sequence[tuple[int, ...]]) -> list[Any]:
    """Return the parts of the given shapes that `flat` holds."""
    parts, start = [], 0
    for shape in shapes:
        stop = start + math.prod(shape)
        parts.append(np.reshape(flat[start:stop], shape))
        start = stop
    return parts


def several(
    function: Callable[..., Sequence[Any]],
    shapes: Callable[..., Sequence[tuple[int, ...]]],
    vjp: Rule,
    jvp: Rule,
    name: str,
) -> Callable[..., list[Any]]:
    """Register a function of one array with several outputs.

    Its row has one output, a flat vector; the outputs are slices of it. So neither the sweeps nor
    anything above them ever meet an operation of more than one output.

    Args:
        function: f(x, **params) giving the outputs.
        shapes: their shapes, shapes(x, **params).
        vjp: d(gs, ys, x, **params) for a list of cotangents and the list of outputs.
        jvp: f(t, ys, x, **params) giving the list of tangents.
        name: the row's name.

    Returns:
        The function that gives the list of outputs, recorded if x is a Tensor.
    """
    row = custom(
        Packing(function, name),
        lambda g, y, x, **params: vjp(
            unpacked(g, shapes(x, **params)), unpacked(y, shapes(x, **params)), x, **params
        ),
        jvp=lambda t, y, x, **params: packed(
            jvp(t[0], unpacked(y, shapes(x, **params)), x, **params)
        ),
        name=name,
    )

    def outputs(x: Any, **params: Any) -> list[Any]:
        return unpacked(row.bind((x,), params), shapes(x, **params))

    return outputs


def _ones(live: Any, t: Any, one: float) -> Any:
    """Return a mask as zeros and ones; no mask means that all entries are live."""
    return np.full(np.shape(t), one) if live is None else np.where(live, one, 0.0)


def _live_terms(
    row: Primitive,
    tangents: Sequence[Any],
    lives: Sequence[Any],
    y: Any,
    values: Sequence[Any],
    params: Mapping[str, Any],
) -> tuple[Any, Any]:
    """Return the sum of the terms of each input, exact zeros where they are not live; and where."""
    total: Any = None
    reached: Any = False
    for i, t in enumerate(tangents):
        if t is None or row.rules[i] is NON_DIFFERENTIABLE:
            continue
        alone = [t if j == i else None for j in range(row.arity)]
        term = row.push(alone, y, values, params)
        if lives[i] is not None:
            term = np.where(lives[i], term, 0.0)
        total = term if total is None else total + term
        reached = np.logical_or(reached, True if lives[i] is None else lives[i])
    return total, reached


def _total(terms: Sequence[Any]) -> Any:
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total
