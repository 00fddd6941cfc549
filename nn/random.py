"""Where randomness comes from: NumPy Generators, all from one seed if you set it."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from numbers import Integral
from typing import Any

import numpy as np

from autograd.errors import ArgumentError, message

Generator = np.random.Generator

_lock = threading.Lock()
_root = np.random.default_rng()
_source: ContextVar[Generator | None] = ContextVar("source", default=None)


def set_random_seed(seed: int) -> None:
    """Make every later choice reproducible: initial weights, order of the data, dropout.

    Python's `random` and NumPy's own numbers start from the seed too, as with Keras.

    Args:
        seed: a non-negative integer.

    Raises:
        ArgumentError: if it is something else.

    Example:
        >>> set_random_seed(1)
        >>> first = generator().random()
        >>> set_random_seed(1)
        >>> first == generator().random()
        True
    """
    global _root
    with _lock:
        _root = np.random.default_rng(_checked(seed))
    random.seed(seed)
    np.random.seed(seed % 2**32)


def generator(seed: Any = None) -> Generator:
    """Return the Generator to draw from.

    Args:
        seed: a non-negative integer for a reproducible one, a Generator to use it as it is, None
            for that of the model at work, or else the next one that `set_random_seed` determines.

    Raises:
        ArgumentError: if the seed is something else.

    Example:
        >>> bool(generator(7).random() == np.random.default_rng(7).random())
        True
    """
    if isinstance(seed, Generator):
        return seed
    if seed is not None:
        return np.random.default_rng(_checked(seed))
    current = _source.get()
    if current is not None:
        return current
    with _lock:
        return _root.spawn(1)[0]


@contextmanager
def drawing_from(source: Generator) -> Iterator[None]:
    """Make `generator()` return `source` within a block: layers draw from their model's.

    Example:
        >>> mine = generator(1)
        >>> with drawing_from(mine):
        ...     generator() is mine
        True
    """
    token = _source.set(source)
    try:
        yield
    finally:
        _source.reset(token)


def _checked(seed: Any) -> int:
    if isinstance(seed, bool) or not isinstance(seed, Integral) or seed < 0:
        raise ArgumentError(message("seed to be a non-negative integer", repr(seed), "seed=0"))
    return int(seed)
