"""Hypothesis strategies and a decorator that test gradients of functions of your own.

Needs the extra `test` (`pip install "chainrule[test]"`).

Example:
    >>> @gradient_property(arrays(shapes=(3,), low=0.1, high=4.0))
    ... def entropy(p):
    ...     return -np.sum(p * np.log(p))
    >>> entropy()
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .check import gradcheck
from .errors import ArgumentError, GradientError, message, require

st: Any = require("hypothesis.strategies", "test", "draw test values")
hypothesis: Any = require("hypothesis", "test", "draw test values")
hnp: Any = require("hypothesis.extra.numpy", "test", "draw test arrays")

SPECIAL = (0.0, -0.0, 1.0, -1.0, 1e-300, -1e-300, 1e300, -1e300, 5e-324)
"""Values at which functions of floats tend to go wrong."""

DISTANCE = 1e-3
"""How far from kinks numbers are drawn."""


def floats(
    low: float = -4.0, high: float = 4.0, *, avoid: Sequence[float] = (), special: bool = False
) -> Any:
    """Return a strategy for floats in an interval, its ends included.

    Args:
        low: the lower end.
        high: the upper end.
        avoid: kinks, from which a distance of 1e-3 is kept.
        special: whether zeros of both signs, huge, tiny and subnormal values inside the interval
            come often.

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
    values: Any = None,
) -> Any:
    """Return a strategy for random differentiable expressions with their inputs.

    Args:
        depth: how many operations deep they may be.
        variables: how many variables.
        operations: templates with one or two places "{}".
        values: the strategy of a variable's value; `floats(-2, 2)` by default.

    Returns:
        A strategy for `Expression`s; it shrinks towards few operations.

    Raises:
        ArgumentError: if a template has no place, or more than two.

    Example:
        >>> hypothesis.find(expressions(), lambda e: "np.sin" in e.source).source
        'np.sin(x0)'
    """
    for template in operations:
        if template.count("{}") not in (1, 2):
            raise ArgumentError(
                message('operations with one or two places "{}"', f"{template!r}", '"np.sin({})"')
            )
    names = [f"x{i}" for i in range(variables)]

    def deeper(inner: Any) -> Any:
        return st.one_of(
            *(
                st.tuples(*[inner] * template.count("{}")).map(lambda xs, t=template: t.format(*xs))
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


def gradient_property(
    *strategies: Any,
    gradient: Callable[..., Any] | None = None,
    order: int = 1,
    modes: Sequence[str] = ("reverse", "forward"),
    max_examples: int = 50,
) -> Callable[[Callable[..., Any]], Callable[[], None]]:
    """Turn a function into a property test of its gradient.

    Hypothesis draws points and shrinks a failure to the smallest shapes and simplest values, which
    are shown as a program that can be run. At kinks the verdict is "undecidable", which is no
    failure.

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
                gradcheck(f, *point, gradient=gradient, order=order, modes=modes)
            except GradientError as error:
                raise GradientError(
                    f"{error}\n\nto repeat it:\n\n{snippet(f, point, gradient)}"
                ) from None

        check.__name__ = check.__qualname__ = getattr(f, "__name__", "gradient")
        check.__module__, check.__doc__ = f.__module__, f.__doc__
        drawn = hypothesis.given(st.tuples(*strategies))(check)
        test: Callable[[], None] = hypothesis.settings(max_examples=max_examples, deadline=None)(
            drawn
        )
        return test

    return decorate


def snippet(
    f: Callable[..., Any], point: Sequence[Any], gradient: Callable[..., Any] | None = None
) -> str:
    """Return a program that repeats a gradient check.

    Args:
        f: the function.
        point: its arguments.
        gradient: the gradient that was checked, if not the engine's.

    Example:
        >>> print(snippet(np.sin, [0.5]))
        import numpy as np
        from numpy import array
        import autograd as ag
        <BLANKLINE>
        x0 = 0.5
        ag.gradcheck(sin, x0)
    """
    names = [f"x{i}" for i in range(len(point))]
    lines = ["import numpy as np", "from numpy import array", "import autograd as ag", ""]
    with np.printoptions(threshold=10**6, floatmode="unique"):
        lines += [f"{name} = {x!r}" for name, x in zip(names, point, strict=True)]
    given = f", gradient={_name(gradient)}" if gradient is not None else ""
    return "\n".join([*lines, f"ag.gradcheck({_name(f)}, {', '.join(names)}{given})"])


def _name(f: Callable[..., Any]) -> str:
    return str(getattr(f, "__name__", type(f).__name__))
