"""What enters a graph and what it hands out: nothing it has saved is written behind its back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

from .errors import ArgumentError, DTypeError, GraphError, ShapeError, message


class ReadOnlyArray(np.ndarray):
    """A view of a Tensor's array that computes like any array and refuses to be written.

    In-place operators give a new array, so that `t.data -= step` assigns a new value to `t`.
    """

    label: str

    def __array_finalize__(self, source: Any) -> None:
        """Keep the owner's label in slices of the view."""
        self.label = getattr(source, "label", "this Tensor")

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        """Give results as plain arrays."""
        plain = np.asarray(array)
        return plain[()] if return_scalar else plain

    def __setitem__(self, index: Any, value: Any) -> NoReturn:
        """Refuse."""
        raise GraphError(
            message(
                f"the array of {self.label} to be read only, since a recorded graph may need it",
                f"an assignment to its entries at {index!r}",
                "assigning a whole new array, t.data = new, or computing with a copy, t.numpy()",
            )
        )

    def __iadd__(self, other: Any) -> Any:  # type: ignore[misc]
        """Return a new array."""
        return np.add(self, other)

    def __isub__(self, other: Any) -> Any:  # type: ignore[misc]
        """Return a new array."""
        return np.subtract(self, other)

    def __imul__(self, other: Any) -> Any:  # type: ignore[misc]
        """Return a new array."""
        return np.multiply(self, other)

    def __itruediv__(self, other: Any) -> Any:  # type: ignore[misc]
        """Return a new array."""
        return np.divide(self, other)

    def __reduce__(self) -> Any:
        """Pickle as a plain array."""
        return np.array(self).__reduce__()


def read_only(array: np.ndarray[Any, Any], label: str) -> ReadOnlyArray:
    """Return a read-only view of `array`; messages call its owner `label`."""
    view = array.view(ReadOnlyArray)
    view.flags.writeable = False
    view.label = label
    return view


def constant(x: Any, operation: str, kept: bool = True) -> Any:
    """Return a plain operand as the graph keeps it: real, and safe from later writes.

    Args:
        x: the operand.
        operation: what messages call it.
        kept: False for an operand that no graph will keep.
    """
    kind = type(x)
    if kind is bool or (kind is int and abs(x) < 1 << 1023):
        return x
    if kind is int or isinstance(x, np.ma.MaskedArray):
        raise DTypeError(
            message(
                f"real numbers or Tensors as operands of {operation}",
                "an int beyond float64" if kind is int else "a masked array",
                "a smaller number" if kind is int else "masked.filled(value)",
            )
        )
    if kind is ReadOnlyArray:
        x = np.asarray(x)  # copied below: its Tensor owns what it shows
    if isinstance(x, (np.ndarray, np.generic)):
        array: Any = x
    else:
        try:
            array = np.asarray(x)
        except ValueError as error:
            raise DTypeError(
                message(
                    f"numbers or Tensors as operands of {operation}",
                    f"a {kind.__name__} that is no rectangular array of numbers ({error})",
                    "np.stack([...]) to join Tensors",
                )
            ) from error
    if array.dtype.kind not in "fiub":
        raise DTypeError(
            message(
                f"real numbers or Tensors as operands of {operation}",
                f"{kind.__name__} of dtype {array.dtype}",
                "two Tensors, for the real and the imaginary part"
                if array.dtype.kind == "c"
                else "float(...) or array.astype(float)",
            )
        )
    if not array.ndim:
        return array[()]
    if kept and (array is not x or not is_frozen(array)):
        array = array.copy() if array is x else array
        array.flags.writeable = False
    return array


def is_frozen(array: Any) -> bool:
    """Return whether nobody can write the memory of an array, also not through what it views."""
    while isinstance(array, np.ndarray):
        if array.flags.writeable:
            return False
        array = array.base
    return array is None or isinstance(array, bytes)


def evaluation_error(
    operation: str, values: Sequence[Any], params: Mapping[str, Any], error: Exception
) -> Exception:
    """Say which shapes and parameters NumPy refused in an operation."""
    shapes = ", ".join(str(np.shape(v)) for v in values)
    settings = "".join(f", {key}={value!r:.60}" for key, value in params.items())
    kind = ShapeError if isinstance(error, (ValueError, IndexError)) else ArgumentError
    wanted, remedy = "operands that fit together", "reshape, expand_dims or a transpose"
    if isinstance(error, np.exceptions.AxisError):
        wanted, remedy = "an axis that the operand has", "an axis from -ndim to ndim - 1"
    elif isinstance(error, np.linalg.LinAlgError) and "ingular" in str(error):
        wanted, remedy = "a matrix that is not singular", "np.linalg.pinv or np.linalg.lstsq"
    elif isinstance(error, np.linalg.LinAlgError) and "positive" in str(error):
        wanted, remedy = "a positive definite matrix", "adding a multiple of np.eye(n)"
    elif isinstance(error, IndexError):
        wanted, remedy = "an index within the operand", "an index that its shape allows"
    elif any(np.size(v) == 0 for v in values):
        wanted, remedy = "entries to work on", "an array that is not empty"
    elif isinstance(error, TypeError):
        wanted, remedy = "arguments that NumPy takes", "those of NumPy's documentation"
    return kind(
        message(
            f"{wanted} in {operation}",
            f"shapes {shapes}{settings} ({str(error).strip()})",
            remedy,
        )
    )
