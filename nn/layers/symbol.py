"""`Input` and what layers make of it: the plan of a model before there are any data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autograd.errors import ArgumentError, message


class Symbol:
    """The output of a layer that has not been computed: its shape, and where it comes from.

    Args:
        shape: batch axis (None) first.
        layer: what computes it; None for an input.
        inputs: the Symbols it is computed from.
        name: what messages call it.
        dtype: the float type, for an input.
    """

    def __init__(
        self,
        shape: Sequence[int | None],
        layer: Any = None,
        inputs: tuple[Symbol, ...] = (),
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        self.shape = tuple(shape)
        self.layer = layer
        self.inputs = inputs
        self.name = name or (layer.name if layer is not None else "input")
        self.dtype = dtype

    def __repr__(self) -> str:
        return f"<Symbol {self.name} {self.shape}>"


def Input(  # noqa: N802 - Keras' name
    shape: Sequence[int | None], *, dtype: Any = None, name: str | None = None
) -> Symbol:
    """Say what shape the examples of a model have.

    Args:
        shape: the shape of one example, without the batch axis.
        dtype: their float type.
        name: what messages call it.

    Returns:
        The first item of a `Sequential`, or what layers can be called on.

    Raises:
        ArgumentError: if `shape` is not a tuple of positive integers.

    Example:
        >>> Input((784,)).shape
        (None, 784)
    """
    if isinstance(shape, int) or not all(
        n is None or (isinstance(n, int) and n > 0) for n in shape
    ):
        raise ArgumentError(
            message("shape to be a tuple of positive integers", repr(shape), "shape=(784,)")
        )
    return Symbol((None, *shape), name=name, dtype=dtype)
