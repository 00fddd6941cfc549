"""How numbers, arrays and names are written in every picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

MOST_TERMS = 4
"""A sum of more contributions than this is given by their number."""

LONGEST = 40
"""Names are cut to this many characters."""

SYMBOLS = {"*": "×", "-": "−", "neg": "−x", "**": "^", "abs": "|x|"}
"""How a figure writes the operators of the table; any other symbol stands as it is."""


@dataclass(frozen=True)
class Summary:
    """What a figure says of an array: its shape and the range of its entries."""

    shape: tuple[int, ...]
    least: float
    mean: float
    greatest: float
    finite: bool


@dataclass(frozen=True)
class Form:
    """What a figure says of a value that is not computed yet: its shape and dtype."""

    shape: tuple[int, ...]
    dtype: str


Quantity = float | Summary | Form


def quantity(value: Any) -> Quantity:
    """Return what a figure keeps of a value: the float itself, or a summary of an array.

    Args:
        value: a float or an array.

    Example:
        >>> quantity(2.0), quantity(np.array([1.0, 3.0])).mean
        (2.0, 2.0)
    """
    if isinstance(value, Form):
        return value
    array = np.asarray(value)
    if array.ndim == 0:
        return float(array)
    if not array.size:
        return Summary(array.shape, math.nan, math.nan, math.nan, True)
    with np.errstate(all="ignore"):
        numbers = (float(np.min(array)), float(np.mean(array)), float(np.max(array)))
    return Summary(array.shape, *numbers, bool(np.all(np.isfinite(array))))


def bad_name(x: Any) -> str:
    """Return "nan" or "inf", whichever of them a value holds, nan before inf; empty for neither.

    Args:
        x: a float or an array.

    Example:
        >>> bad_name(np.array([1.0, np.inf])), bad_name(2.0)
        ('inf', '')
    """
    if isinstance(x, Form):
        return ""
    if math.isfinite(x) if type(x) is float else np.all(np.isfinite(x)):
        return ""
    return "nan" if np.any(np.isnan(x)) else "inf"


def number(x: float) -> str:
    """Return a number to six digits: what a reader wants to see.

    Example:
        >>> number(110.00000000000001), number(-0.5), number(float("nan"))
        ('110', '-0.5', 'nan')
    """
    return f"{x + 0.0:.6g}"  # -0.0 + 0.0 is 0.0


def written(x: Quantity) -> str:
    """Return a quantity in one line.

    Example:
        >>> written(715.0), written(quantity(np.arange(6.0).reshape(2, 3)))
        ('715', '2×3: 0 … 2.5 … 5')
    """
    if isinstance(x, float):
        return number(x)
    shape = "×".join(map(str, x.shape))
    if len(x.shape) == 1:
        shape += " entry" if x.shape == (1,) else " entries"
    if isinstance(x, Form):
        return f"{shape}: {x.dtype}" if shape else x.dtype
    if 0 in x.shape:
        return shape
    least, mean, greatest = (f"{v + 0.0:.3g}" for v in (x.least, x.mean, x.greatest))
    if x.least == x.greatest:
        return f"{shape}: {'' if set(x.shape) == {1} else 'all '}{least}"
    return f"{shape}: {least} … {mean} … {greatest}"


def sum_text(terms: Sequence[float]) -> str:
    """Return numbers joined by plus signs, negative ones in parentheses.

    Example:
        >>> sum_text([-1.0, 2.0, -3.0])
        '-1 + 2 + (-3)'
    """
    texts = [number(t) for t in terms]
    return " + ".join(f"({t})" if i and t.startswith("-") else t for i, t in enumerate(texts))


def gradient_text(gradient: Quantity, terms: Sequence[Quantity]) -> str:
    """Return a gradient, with the sum it is where a value is used several times."""
    total = written(gradient)
    if len(terms) < 2:
        return total
    numbers = [term for term in terms if isinstance(term, float)]
    if len(numbers) < len(terms) or len(terms) > MOST_TERMS:
        return f"{total} = sum of {len(terms):,} paths"
    return f"{total} = {sum_text(numbers)}"


def shown(name: str) -> str:
    """Return a name as one line of printable text, cut where it is too long.

    Line breaks become ↵; other control characters, lone surrogates, and marks that turn the
    direction of the text around them become �.

    Example:
        >>> shown("first\\nsecond")
        'first↵second'
    """
    text = "".join(_printable(c) for c in name.replace("\r\n", "\n"))
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _printable(c: str) -> str:
    if c in "\n\r\u2028\u2029":
        return "↵"
    if c == "\t":
        return " "
    code = ord(c)
    unprintable = code < 0x20 or 0x7F <= code < 0xA0 or 0xD800 <= code < 0xE000
    unprintable |= 0x202A <= code <= 0x202E or 0x2066 <= code <= 0x2069
    return "\ufffd" if unprintable or code & 0xFFFE == 0xFFFE else c
