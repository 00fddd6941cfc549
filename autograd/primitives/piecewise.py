"""Signs, roundings, choices: functions with kinks and jumps."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..domain import KINK_AT_0, REALS, STEPS, Case
from ..kinds import composite, elementwise, holds_tensor, linear
from ..primitive import NON_DIFFERENTIABLE
from .indexing import take

CONSTANT = "0 everywhere: it is constant between its jumps"
SHARED = "a tie is shared: 0.5 each"

sign = elementwise(
    np.sign,
    lambda y, x: 0.0,
    scalar=lambda x: 1.0 if x > 0 else -1.0 if x < 0 else 0.0 if x == 0 else x,
    domain=KINK_AT_0,
    note="0 everywhere",
)


def _rint_of_float(x: float) -> float:
    """Return the nearest whole number, of two the even one; infinities and nan as they are."""
    return x if x - x != 0.0 else math.copysign(x - math.remainder(x, 1.0), x)


for rounding, of_float in (
    (np.floor, lambda x: math.copysign(float(math.floor(x)), x)),
    (np.ceil, lambda x: math.copysign(float(math.ceil(x)), x)),
    (np.trunc, lambda x: math.copysign(float(math.trunc(x)), x)),
    (np.fix, lambda x: math.copysign(float(math.trunc(x)), x)),
    (np.rint, _rint_of_float),
):
    elementwise(rounding, lambda y, x: 0.0, scalar=of_float, domain=STEPS, note=CONSTANT)
elementwise(
    np.round,
    lambda y, x, decimals=0: 0.0,
    aliases=(np.around,),
    scalar=_rint_of_float,
    domain=STEPS,
    note=CONSTANT,
)
maximum = elementwise(
    np.maximum,
    lambda y, a, b: (a > b) + 0.5 * (a == b),
    lambda y, a, b: (b > a) + 0.5 * (a == b),
    scalar=lambda a, b: b if b >= a or b != b else a,  # of +0 and -0 the second, as NumPy
    domain=REALS,
    note=SHARED,
)
minimum = elementwise(
    np.minimum,
    lambda y, a, b: (a < b) + 0.5 * (a == b),
    lambda y, a, b: (b < a) + 0.5 * (a == b),
    scalar=lambda a, b: b if b <= a or b != b else a,
    domain=REALS,
    note=SHARED,
)
elementwise(
    np.fmax,
    lambda y, a, b: ((a > b) | np.isnan(b)) + 0.5 * (a == b),
    lambda y, a, b: ((b > a) | np.isnan(a)) + 0.5 * (a == b),
    scalar=lambda a, b: a if a >= b or b != b else b,
    domain=REALS,
    note=SHARED + "; a nan has derivative 0 beside a number",
)
elementwise(
    np.fmin,
    lambda y, a, b: ((a < b) | np.isnan(b)) + 0.5 * (a == b),
    lambda y, a, b: ((b < a) | np.isnan(a)) + 0.5 * (a == b),
    scalar=lambda a, b: a if a <= b or b != b else b,
    domain=REALS,
    note=SHARED + "; a nan has derivative 0 beside a number",
)


def _clip(x: Any, low: Any, high: Any) -> Any:
    """Return min(max(x, low), high)."""
    return np.clip(x, low, high)


def _clip_of_floats(x: float, low: float, high: float) -> float:
    """Return min(max(x, low), high), nan if one of them is."""
    raised = low if x < low or low != low else x
    return high if raised > high or high != high else raised


_MISSING: Any = object()


def _clip_arguments(
    a: Any, a_min: Any = _MISSING, a_max: Any = _MISSING, *, min: Any = None, max: Any = None
) -> tuple[Sequence[Any], dict[str, Any]]:
    low = min if a_min is _MISSING else a_min
    high = max if a_max is _MISSING else a_max
    return (a, -math.inf if low is None else low, math.inf if high is None else high), {}


elementwise(
    _clip,
    lambda y, x, low, high: (low <= x) & (x <= high),
    lambda y, x, low, high: (x < low) & (low <= high),
    lambda y, x, low, high: (high < x) | (high < low),
    name="clip",
    scalar=_clip_of_floats,
    numpy=np.clip,
    arguments=_clip_arguments,
    cases=(Case(((3, 4),), call=lambda f, x: f(x, -1.0, 1.5)), Case(((3, 4), (4,), ()))),
    domain=REALS,
    note="1 at the bounds, which themselves have 0 there",
)


def _finite_float(x: float) -> float:
    """Return 0 for nan and the largest numbers for infinities."""
    bounded = 1.7976931348623157e308 if x > 0 else -1.7976931348623157e308
    return 0.0 if x != x else x if x - x == 0 else bounded


elementwise(
    np.nan_to_num,
    lambda y, x, nan=0.0, posinf=None, neginf=None: np.isfinite(x),
    scalar=_finite_float,
    domain=REALS,
    note="0 where a value is replaced",
)


def _kept(g: Any, condition: Any) -> Any:
    return np.where(condition, g, 0.0)


def _dropped(g: Any, condition: Any) -> Any:
    return np.where(condition, 0.0, g)


where = linear(
    np.where,
    NON_DIFFERENTIABLE,
    lambda g, condition, x, y: _kept(g, condition),
    lambda g, condition, x, y: _dropped(g, condition),
    selects=True,
    scalar=lambda condition, x, y: x if condition else y,
    cases=(Case(((3, 4), (3, 4), (3, 4))), Case(((4,), (3, 4), (3, 1))), Case(((), (), ()))),
    domain=REALS,
    note="the branch not taken contributes an exact zero",
)


def _select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Any:
    pairs = zip(condlist[::-1], choicelist[::-1], strict=True)
    return functools.reduce(lambda rest, pair: np.where(pair[0], pair[1], rest), pairs, default)


composite(
    np.select,
    _select,
    cases=(
        Case(
            ((3, 4), (3, 4)),
            call=lambda f, a, b: f([a > 1, a < -1], [a * b, b], 7.0),
        ),
    ),
    domain=REALS,
    note="the branches not taken contribute exact zeros",
)


def _choose(a: Any, choices: Sequence[Any], *, mode: str = "raise") -> Any:
    # NumPy checks and folds the indices, choosing among the positions of the choices
    chosen = np.choose(a, list(range(len(choices))), mode=mode)  # type: ignore[call-overload]
    result = choices[0]
    for i, choice in enumerate(choices[1:], 1):
        result = np.where(chosen == i, choice, result)
    return result


composite(
    np.choose,
    _choose,
    cases=(Case(((4,), (4,)), call=lambda f, a, b: f([0, 1, 1, 0], [a, b])),),
    domain=REALS,
    note="the choices not taken contribute exact zeros",
)


def _interp(
    x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Any:
    if period is not None:  # NumPy's own steps: fold, sort, and repeat the ends
        x, xp, left, right = x % abs(period), np.mod(xp, abs(period)), None, None
        order = np.argsort(xp)
        xp, fp = take(xp, order), take(fp, order)
        xp = np.concatenate([xp[-1:] - abs(period), xp, xp[:1] + abs(period)])
        fp = np.concatenate([fp[-1:], fp, fp[:1]])
    i = np.clip(np.searchsorted(xp, x, side="right") - 1, 0, np.shape(xp)[0] - 2)
    x0, y0 = take(xp, i), take(fp, i)
    slope = (take(fp, i + 1) - y0) / (take(xp, i + 1) - x0)
    inside = slope * (x - x0) + y0
    inside = np.where(x < xp[0], fp[0] if left is None else left, inside)
    return np.where(x > xp[-1], fp[-1] if right is None else right, inside)


composite(
    np.interp,
    _interp,
    cases=(
        Case(((5,), (4,)), call=lambda f, x, y: f(x, np.array([-3.0, -1.0, 0.5, 3.0]), y)),
        Case(
            ((5,), (4,)),
            call=lambda f, x, y: f(
                0.01 * x + np.array([0.2, 4.4, -1.6, 1.4, 2.7]),
                [0.5, 4.0, 2.0, 3.2],
                y,
                period=-4.5,
            ),
        ),
    ),
    domain=REALS,
    note="at a node the slope of the piece to its right",
)


def _piecewise(x: Any, condlist: Any, funclist: Sequence[Any], *args: Any, **kw: Any) -> Any:
    # one condition alone, or a list of them; a list of Tensors is no array
    alone = not isinstance(condlist, (list, tuple)) and np.ndim(condlist) == np.ndim(x)
    if isinstance(condlist, (list, tuple)) and not holds_tensor(condlist):
        alone = np.ndim(condlist) == np.ndim(x)
    conditions = [condlist] if alone else list(condlist)
    functions = list(funclist)
    result: Any = 0.0 * x
    if len(functions) == len(conditions) + 1:
        result = _piece(functions[-1], x, *args, **kw)
    for condition, function in zip(conditions, functions, strict=False):
        result = np.where(condition, _piece(function, x, *args, **kw), result)
    return result


def _piece(function: Any, x: Any, *args: Any, **kw: Any) -> Any:
    return function(x, *args, **kw) if callable(function) else function


composite(
    np.piecewise,
    _piecewise,
    cases=(
        Case(((4,),), call=lambda f, x: f(x, [x < 0, x >= 0], [lambda v: v * v, lambda v: -v])),
    ),
    domain=KINK_AT_0,
    note="the pieces not taken contribute exact zeros",
)
