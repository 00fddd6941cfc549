"""What a step does besides giving a value: numbers that it draws, state that it moves.

Layers say so here instead of doing it themselves. A step that is planned then draws anew each time
it is replayed, and state moves only when the whole step has succeeded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np  # noqa: F401 - the examples use it

from autograd import Tensor
from autograd.errors import GraphError, message


class Effects:
    """The effects of one step.

    Args:
        given: what drawing gives, in order; None to draw.
    """

    def __init__(self, given: Sequence[Any] | None = None) -> None:
        self.given = given
        self.makers: list[Callable[[], Any]] = []
        self.drawn: list[Any] = []
        self.moved: dict[Tensor, Any] = {}

    def draw(self, make: Callable[[], Any]) -> Any:
        """Return what `make` draws, or what was given in its place."""
        k = len(self.makers)
        self.makers.append(make)
        if self.given is None:
            self.drawn.append(make())
        elif k < len(self.given):
            self.drawn.append(self.given[k])
        else:
            raise GraphError(
                message(
                    f"{len(self.given)} random arrays a step, as when it was planned",
                    "more of them",
                    "compile(..., run_eagerly=True)",
                )
            )
        return self.drawn[k]

    def commit(self) -> None:
        """Move the state."""
        for t, value in self.moved.items():
            t.assign(plain(value))


_effects: ContextVar[Effects | None] = ContextVar("effects", default=None)


@contextmanager
def gathering(effects: Effects) -> Iterator[Effects]:
    """Gather the effects of a block instead of having them at once.

    Example:
        >>> t = Tensor(1.0, requires_grad=False)
        >>> with gathering(Effects()) as effects:
        ...     move(t, state(t) + 1.0)
        >>> t.item()
        1.0
        >>> effects.commit()
        >>> t.item()
        2.0
    """
    token = _effects.set(effects)
    try:
        yield effects
    finally:
        _effects.reset(token)


def draw(make: Callable[[], Any]) -> Any:
    """Return what `make` draws from a Generator: a random layer calls it in `call`.

    Args:
        make: gives an array of the same shape and dtype at every call.

    Example:
        >>> draw(lambda: 1.0)
        1.0
    """
    effects = _effects.get()
    return make() if effects is None else effects.draw(make)


def state(t: Tensor) -> Tensor:
    """Return the state that `t` has after what the step has done so far.

    Example:
        >>> t = Tensor(1.0)
        >>> state(t) is t
        True
    """
    effects = _effects.get()
    return t if effects is None else effects.moved.get(t, t)


def move(t: Tensor, value: Any) -> None:
    """Give a state, such as a moving average, a new value: now, or when the step has succeeded.

    Args:
        t: a Tensor that is not trained.
        value: an array or a Tensor of its shape.

    Example:
        >>> t = Tensor(1.0, requires_grad=False)
        >>> move(t, 2.0)
        >>> t.item()
        2.0
    """
    effects = _effects.get()
    if effects is None:
        t.assign(plain(value))
    else:
        effects.moved[t] = value


def plain(value: Any) -> Any:
    """Return the value of a Tensor, anything else as it is.

    Example:
        >>> plain(Tensor(1.0))
        1.0
    """
    return value.data if isinstance(value, Tensor) else value


def number(x: Any) -> Any:
    """Return a scalar as a float, which widens no float32 array; a Tensor stays one.

    Example:
        >>> number(Tensor(1.0)), type(number(np.float64(1.0)))
        (Tensor(1.0), <class 'float'>)
    """
    return x if isinstance(x, Tensor) else float(x)
