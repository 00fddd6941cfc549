"""Hypothesis strategies and a decorator that test gradients of functions of your own.

Needs the extra `test` (`pip install "chainrule[test]"`).

Example:
    >>> @gradient_property(arrays(shapes=(3,), low=0.1, high=4.0))
    ... def entropy(p):
    ...     return -np.sum(p * np.log(p))
    >>> entropy()
"""

from __future__ import annotations

import ast
import contextlib
import inspect
import math
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .check import Report, gradcheck
from .check.judgement import JUMP, KINK
from .errors import ArgumentError, GradientError, message, require

st: Any = require("hypothesis.strategies", "test", "draw test values")
hypothesis: Any = require("hypothesis", "test", "draw test values")
hnp: Any = require("hypothesis.extra.numpy", "test", "draw test arrays")

_LIMITS = np.finfo(np.float64)
_SIZES = (1.0, 1 + _LIMITS.eps, 1 - _LIMITS.epsneg, 1e-300, 1e300, _LIMITS.tiny, 5e-324)
SPECIAL = (
    *(0.0, -0.0, *(float(sign * x) for x in _SIZES for sign in (1, -1))),
    *(float(_LIMITS.max), float(_LIMITS.min), math.inf, -math.inf),
)
"""Values at which functions of floats tend to go wrong: zeros, limits, subnormals, infinities."""

DISTANCE = 1e-3
"""How far from kinks numbers are drawn."""


def floats(
    low: float = -4.0, high: float = 4.0, *, avoid: Sequence[float] = (), special: bool = False
) -> Any:
    """Return a strategy for floats in an interval, its ends included.

    Args:
        low: the lower end; -inf for none.
        high: the upper end; inf for none.
        avoid: kinks, from which a distance of 1e-3 is kept.
        special: whether the ends, zeros of both signs, huge, tiny and subnormal values and
            infinities inside the interval come often. Infinities come only with it.

    Returns:
        A Hypothesis strategy; it shrinks towards simple values.

    Raises:
        ArgumentError: if the interval is empty.

    Example:
        >>> hypothesis.find(floats(0.5, 2.0), lambda x: x > 1)
        2.0
    """
    if not low < high:
        raise ArgumentError(message("low below high", f"low={low}, high={high}", "floats(-1, 1)"))
    if not special:
        low, high = max(low, float(_LIMITS.min)), min(high, float(_LIMITS.max))
    drawn = st.floats(low, high, allow_subnormal=special)
    if special:
        drawn = st.sampled_from([x for x in (*SPECIAL, low, high) if low <= x <= high]) | drawn
    else:
        # decimals come first when shrinking, and leave a margin for products of slopes
        drawn = drawn.map(lambda x: min(max(round(x, 3), low), high))
    return drawn.filter(lambda x: all(abs(x - kink) > DISTANCE for kink in avoid))


def arrays(shapes: Any = None, low: float = -4.0, high: float = 4.0, **options: Any) -> Any:
    """Return a strategy for float64 arrays.

    Args:
        shapes: a shape, or a strategy for shapes; small shapes of up to three axes by default.
        low: the lower end of the entries.
        high: the upper end.
        options: those of `floats`.

    Returns:
        A Hypothesis strategy; it shrinks towards the smallest shape and simple values.

    Example:
        >>> hypothesis.find(arrays((2,)), lambda x: True)
        array([0., 0.])
    """
    if shapes is None:
        shapes = hnp.array_shapes(min_dims=1, max_dims=3, max_side=4)
    return hnp.arrays(np.float64, shapes, elements=floats(low, high, **options), fill=st.nothing())


def broadcastable(count: int = 2, low: float = -4.0, high: float = 4.0, **options: Any) -> Any:
    """Return a strategy for tuples of arrays whose shapes broadcast with each other.

    Args:
        count: how many arrays.
        low: the lower end of the entries.
        high: the upper end.
        options: those of `floats`.

    Example:
        >>> [x.shape for x in hypothesis.find(broadcastable(2), lambda xs: xs[0].ndim == 2)]
        [(1, 1), ()]
    """
    shapes = hnp.mutually_broadcastable_shapes(num_shapes=count, max_dims=3, max_side=3)
    return shapes.flatmap(
        lambda found: st.tuples(
            *(arrays(shape, low, high, **options) for shape in found.input_shapes)
        )
    )


def axes(ndim: int) -> Any:
    """Return a strategy for the `axis` of a reduction: None, an int, or a tuple.

    Args:
        ndim: the number of axes of the array.

    Example:
        >>> hypothesis.find(axes(3), lambda axis: isinstance(axis, int))
        0
    """
    single = st.integers(-ndim, ndim - 1) if ndim else st.none()
    several = hnp.valid_tuple_axes(ndim)
    return st.none() | single | several


def indices(shape: tuple[int, ...]) -> Any:
    """Return a strategy for index expressions: ints, slices, new axes, masks and integer arrays.

    Args:
        shape: the shape to be indexed.

    Example:
        >>> x = np.zeros((2, 3))
        >>> hypothesis.find(indices((2, 3)), lambda index: x[index].size == 0) is not None
        True
    """
    basic = hnp.basic_indices(shape, allow_newaxis=True, allow_ellipsis=True)
    return basic | hnp.arrays(bool, shape) | hnp.integer_array_indices(shape) if shape else basic


OPERATIONS = (
    "np.sin({})", "np.tanh({})", "np.arctan({})", "-({})", "np.exp(-({})**2)",
    "np.log(1 + ({})**2)", "np.sqrt(1 + ({})**2)",
    "({}) + ({})", "({}) - ({})", "({}) * ({})", "({}) / (2 + ({})**2)",
)  # fmt: skip
"""Templates of operations that are smooth and defined everywhere."""


@dataclass(frozen=True)
class Expression:
    """A differentiable expression with a point to evaluate it at.

    Attributes:
        source: Python source in NumPy functions of the variables.
        point: the value of each variable by name.
    """

    source: str
    point: dict[str, Any]

    def __call__(self, *values: Any) -> Any:
        """Evaluate the expression at values of its variables, in order."""
        return eval(self.source, {"np": np}, dict(zip(self.point, values, strict=True)))


def expressions(
    *,
    depth: int = 4,
    variables: int = 2,
    operations: Sequence[str] = OPERATIONS,
    domains: Mapping[str, tuple[float, float]] | None = None,
    values: Any = None,
) -> Any:
    """Return a strategy for random differentiable expressions with their inputs.

    Args:
        depth: how many operations deep they may be.
        variables: how many variables.
        operations: templates with one or two places "{}".
        domains: for a template where its arguments must lie, an interval (low, high) that may be
            infinite; a smooth function brings them there.
        values: the strategy of a variable's value; `floats(-2, 2)` by default.

    Returns:
        A strategy for `Expression`s; it shrinks towards few operations.

    Raises:
        ArgumentError: if a template has no place, or more than two.

    Example:
        >>> hypothesis.find(expressions(), lambda e: "np.sin" in e.source).source
        'np.sin(x0)'
        >>> roots = expressions(operations=["np.sqrt({})"], domains={"np.sqrt({})": (0.1, np.inf)})
        >>> hypothesis.find(roots, lambda e: "sqrt" in e.source).source
        'np.sqrt(0.1 + np.logaddexp(0, x0))'
    """
    domains = domains or {}
    for template in domains:
        if template not in operations:
            raise ArgumentError(
                message("domains of templates in operations", f"{template!r}", "its exact text")
            )
    for template in operations:
        if template.count("{}") not in (1, 2):
            raise ArgumentError(
                message('operations with one or two places "{}"', f"{template!r}", '"np.sin({})"')
            )
    names = [f"x{i}" for i in range(variables)]

    def deeper(inner: Any) -> Any:
        return st.one_of(
            *(
                st.tuples(*[inner] * template.count("{}")).map(
                    lambda xs, t=template: t.format(*(_brought(x, domains.get(t)) for x in xs))
                )
                for template in operations
            )
        )

    source = st.sampled_from(names)
    for _ in range(depth):
        source = st.sampled_from(names) | deeper(source)
    point = st.fixed_dictionaries(
        dict.fromkeys(names, floats(-2.0, 2.0) if values is None else values)
    )
    return st.builds(Expression, source, point)


def _brought(source: str, domain: tuple[float, float] | None) -> str:
    """Return source for a value inside a domain that rises with the given one."""
    if domain is None:
        return source
    low, high = domain
    if not low < high:
        raise ArgumentError(message("low below high", f"low={low}, high={high}", "(0.1, np.inf)"))
    if math.isinf(low) and math.isinf(high):
        return source
    if math.isinf(high):
        return f"{low} + np.logaddexp(0, {source})"
    if math.isinf(low):
        return f"{high} - np.logaddexp(0, -({source}))"
    return f"{(low + high) / 2} + {(high - low) / 2} * np.tanh({source})"


ACTIVATIONS = ("np.tanh({})", "1 / (1 + np.exp(-({})))", "np.logaddexp(0, {})", "{}")
"""Templates of smooth activations."""


def networks(
    *,
    depth: int = 2,
    width: int = 4,
    batch: int = 3,
    activations: Sequence[str] = ACTIVATIONS,
    values: Any = None,
) -> Any:
    """Return a strategy for small networks of dense layers with their parameters and inputs.

    Args:
        depth: how many layers they may have.
        width: how many inputs and units a layer may have.
        batch: how many rows the input may have.
        activations: templates with one place "{}", such as "np.maximum({}, 0)".
        values: the strategy of an entry of parameters and input; `floats(-2, 2)` by default.

    Returns:
        A strategy for `Expression`s, the mean square of the outputs in the input `x` and the
        weights and biases `W1`, `b1`, ...; it shrinks towards one layer of one unit.

    Raises:
        ArgumentError: if an activation has not one place, or a size is not positive.

    Example:
        >>> network = hypothesis.find(networks(), lambda e: "b2" in e.point)
        >>> network.source
        'np.mean((np.tanh((np.tanh(x @ W1 + b1)) @ W2 + b2)) ** 2)'
        >>> {name: value.shape for name, value in network.point.items()}
        {'x': (1, 1), 'W1': (1, 1), 'b1': (1,), 'W2': (1, 1), 'b2': (1,)}
    """
    for template in activations:
        if template.count("{}") != 1:
            raise ArgumentError(
                message('activations with one place "{}"', f"{template!r}", '"np.tanh({})"')
            )
    for name, size in (("depth", depth), ("width", width), ("batch", batch)):
        if size < 1:
            raise ArgumentError(message(f"{name} of at least 1", f"{size}", f"{name}=2"))
    entries = floats(-2.0, 2.0) if values is None else values

    def filled(shape: tuple[int, ...]) -> Any:
        return hnp.arrays(np.float64, shape, elements=entries, fill=st.nothing())

    def of(drawn: tuple[int, list[tuple[int, str]]]) -> Any:
        rows, layers = drawn
        sizes = [units for units, _ in layers]
        source = "x"
        shapes: dict[str, tuple[int, ...]] = {"x": (rows, sizes[0])}
        # the first pair holds the number of inputs; its activation is not used
        for k, (before, (units, template)) in enumerate(
            zip(sizes, layers[1:], strict=False), start=1
        ):
            inner = source if k == 1 else f"({source})"
            source = template.format(f"{inner} @ W{k} + b{k}")
            shapes |= {f"W{k}": (before, units), f"b{k}": (units,)}
        point = st.fixed_dictionaries({name: filled(shape) for name, shape in shapes.items()})
        return st.builds(Expression, st.just(f"np.mean(({source}) ** 2)"), point)

    layer = st.tuples(st.integers(1, width), st.sampled_from(list(activations)))
    return st.tuples(
        st.integers(1, batch), st.lists(layer, min_size=2, max_size=depth + 1)
    ).flatmap(of)


def gradient_property(
    *strategies: Any,
    gradient: Callable[..., Any] | None = None,
    order: int = 1,
    modes: Sequence[str] = ("reverse", "forward"),
    max_examples: int = 50,
) -> Callable[[Callable[..., Any]], Callable[[], None]]:
    """Turn a function into a property test of its gradient.

    Hypothesis draws points and shrinks a failure to the smallest shapes and simplest values, which
    are shown as a program that can be run. A point at a kink or a jump is moved beside it, by about
    a hundredth; what is undecidable there too is no failure.

    Args:
        strategies: one an argument of the function.
        gradient: the gradient to test; the engine's own if not given.
        order: how many derivatives to test.
        modes: which sweeps to test.
        max_examples: how many points to draw.

    Returns:
        A decorator; the test takes no arguments and raises GradientError.
    """

    def decorate(f: Callable[..., Any]) -> Callable[[], None]:
        def check(point: tuple[Any, ...]) -> None:
            try:
                report = gradcheck(f, *point, gradient=gradient, order=order, modes=modes)
                if _meets_a_kink(report):
                    point = tuple(map(_moved, point))
                    with contextlib.suppress(ArgumentError):  # beside the edge of the domain
                        gradcheck(f, *point, gradient=gradient, order=order, modes=modes)
            except GradientError as error:
                program = snippet(f, point, gradient, order=order, modes=modes)
                again = GradientError(f"{error}\n\nto repeat it:\n\n{program}")
                again.report = error.report
                raise again from None

        check.__name__ = check.__qualname__ = getattr(f, "__name__", "gradient")
        check.__module__, check.__doc__ = f.__module__, f.__doc__
        drawn = hypothesis.given(st.tuples(*strategies))(check)
        test: Callable[[], None] = hypothesis.settings(max_examples=max_examples, deadline=None)(
            drawn
        )
        return test

    return decorate


def _meets_a_kink(report: Report) -> bool:
    return any(finding.reason in (KINK, JUMP) for finding in report.findings)


def _moved(x: Any) -> Any:
    """Return numbers moved by about a hundredth, each by its own amount, so that ties part."""
    steps = np.reshape((1 + np.arange(np.size(x)) * 0.618034 % 1) / 64, np.shape(x))
    moved = np.asarray(x, float) + steps
    return float(moved) if moved.ndim == 0 else moved


def snippet(
    f: Callable[..., Any],
    point: Sequence[Any],
    gradient: Callable[..., Any] | None = None,
    *,
    order: int = 1,
    modes: Sequence[str] = ("reverse", "forward"),
) -> str:
    """Return a program that repeats a gradient check.

    It holds the source of the functions where Python can find it; what they use from around them
    must be added.

    Args:
        f: the function.
        point: its arguments.
        gradient: the gradient that was checked, if not the engine's.
        order: how many derivatives were checked.
        modes: which sweeps were checked.

    Example:
        >>> print(snippet(np.sin, [0.5], order=2))
        import numpy as np
        from numpy import array
        import autograd as ag
        <BLANKLINE>
        x0 = 0.5
        ag.gradcheck(np.sin, x0, order=2)
    """
    names = [f"x{i}" for i in range(len(point))]
    lines = ["import numpy as np", "from numpy import array", "import autograd as ag", ""]
    called = []
    for function, name in ((f, "f"), (gradient, "gradient")):
        if function is not None:
            definition, known_as = _source(function, name)
            called.append(known_as)
            lines += [definition, ""] if definition else []
    with np.printoptions(threshold=10**6, floatmode="unique"):
        lines += [f"{name} = {x!r}" for name, x in zip(names, point, strict=True)]
    options = [f"gradient={called[1]}"] if gradient is not None else []
    options += [f"order={order}"] if order != 1 else []
    options += [f"modes={tuple(modes)!r}"] if len(set(modes)) < 2 else []
    return "\n".join([*lines, f"ag.gradcheck({', '.join([called[0], *names, *options])})"])


def _source(f: Callable[..., Any], name: str) -> tuple[str, str]:
    """Return the text that defines a function, without decorators, and what it is called."""
    own = str(getattr(f, "__name__", type(f).__name__))
    if getattr(np, own, None) is f:
        return "", f"np.{own}"
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(f)))
    except (OSError, TypeError, SyntaxError):
        return f"# {own} is defined where the test is", own
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == own:
            node.decorator_list, node.returns = [], None
            for each in ast.walk(node.args):
                if isinstance(each, ast.arg):
                    each.annotation = None  # its names may be unknown to the program
            return ast.unparse(node), own
    lambdas = [node for node in ast.walk(tree) if isinstance(node, ast.Lambda)]
    if own == "<lambda>" and len(lambdas) == 1:
        return f"{name} = {ast.unparse(lambdas[0])}", name
    return f"# {own} is defined where the test is", own if own.isidentifier() else name
