"""`Input` and what layers make of it: the plan of a model before there are any data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

    layers: Mapping[str, Any]
    """The layers that stand for operators: those of two Symbols, and of one and a number."""

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

    def __add__(self, other: Any) -> Any:
        return self.combine("Add", self, other, offset=other)

    def __sub__(self, other: Any) -> Any:
        return self.combine("Subtract", self, other, offset=_negative(other))

    def __rsub__(self, other: Any) -> Any:
        return self.combine("Subtract", other, self, scale=-1.0, offset=other)

    def __mul__(self, other: Any) -> Any:
        return self.combine("Multiply", self, other, scale=other)

    def __truediv__(self, other: Any) -> Any:
        if isinstance(other, Symbol):
            return NotImplemented
        return self.combine("", self, other, scale=1 / other)

    def __neg__(self) -> Any:
        return self * -1.0

    __radd__ = __add__
    __rmul__ = __mul__

    def combine(self, merging: str, a: Any, b: Any, scale: Any = 1.0, offset: Any = 0.0) -> Any:
        """Return what a layer makes of a and b, one of which is this Symbol.

        Args:
            merging: the layer that takes both, if both are Symbols.
            a: the first.
            b: the second.
            scale: what this one is multiplied by, if the other is a number.
            offset: what is added then.
        """
        if isinstance(a, Symbol) and isinstance(b, Symbol):
            return self.layers[merging]()([a, b])
        other = b if a is self else a
        if isinstance(other, bool) or not isinstance(other, (int, float)):
            return NotImplemented
        return self.layers["Rescaling"](float(scale), float(offset))(self)


def _negative(x: Any) -> Any:
    return -x if isinstance(x, (int, float)) else x


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
