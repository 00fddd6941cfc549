"""How a plain value leaves a Tensor, and when it may not: in its graph, in a trace, in a rule."""

from __future__ import annotations

from typing import Any

import numpy as np

from .errors import DTypeError, GraphError, ShapeError, message
from .node import Node
from .recording import FIXED, mode, refuse_lost, refuse_traced

SAME_NAME = "the NumPy function of the same name, np.sin(t) for math.sin(t)"

FROM_ARRAYS = {
    "f": "np functions of the Tensor itself, np.stack([...]) to join Tensors, or functools.partial "
    "to fix a whole number",
    "i": "ag.take(array, t) for array[t]",
    "b": "np.where(t, array, other) for array[t]",
}
"""What to do in a trace where an array is wanted, by the kind of the Tensor."""


class Leaving(Node):
    """A value that Python and NumPy may ask for as a plain number or array."""

    __slots__ = ()

    def numpy(self) -> Any:
        """Return the value as an array of its own, which may be written."""
        refuse_traced(self, "t.numpy()", "the Tensor itself")
        if mode.whole:
            refuse_lost(self, "t.numpy()")
        return np.array(self._value)

    def item(self) -> float:
        """Return the only entry as a Python float.

        Raises:
            ShapeError: if there is not exactly one entry.
        """
        refuse_traced(self, "t.item()", "the Tensor itself")
        if mode.whole:
            refuse_lost(self, "t.item()")
        if np.size(self._value) != 1:
            raise ShapeError(
                message(
                    "a Tensor with exactly one entry",
                    f"{self.label}, shape {self.shape}",
                    ".numpy()",
                )
            )
        return float(np.reshape(self._value, ()))

    def tolist(self) -> Any:
        """Return the value as nested lists of Python floats."""
        return self.numpy().tolist()

    def __bool__(self) -> bool:
        refuse_traced(
            self,
            "a branch, `if`, `while`, `and`, `or`, `not`, max or min",
            "np.where, np.maximum, np.logical_and",
        )
        if self.size != 1:
            raise ShapeError(
                message(
                    "one entry for the truth of a Tensor",
                    f"{self.label}, shape {self.shape}",
                    "np.any(t.data) or np.all(t.data)",
                )
            )
        return bool(self.item())

    def __float__(self) -> float:
        self._refuse_to_leave("float(t) or a function of the math module", "t.item()", SAME_NAME)
        return self.item()

    def __int__(self) -> int:
        self._refuse_to_leave("int(t)", "int(t.item())", f"np.trunc(t), or {FIXED}")
        return int(self.item())

    def __index__(self) -> int:
        refuse_traced(
            self,
            "a whole number, as range(n), sequence[n] and lengths need it,",
            FIXED if self.dtype.kind == "f" else "ag.take(sequence, t), which looks it up anew",
        )
        raise DTypeError(
            message(
                "a whole number for an index, a length or a range",
                f"{self.label} of dtype {self.dtype}",
                "int(t.item())",
            )
        )

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        remedy = FROM_ARRAYS[self.dtype.kind if self.dtype.kind in "bf" else "i"]
        self._refuse_to_leave("np.asarray(t), np.array(t) or array[t]", "t.numpy()", remedy)
        return np.array(self._value, dtype=dtype)

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else str(self)

    def _refuse_to_leave(self, what: str, remedy: str, traced_remedy: str) -> None:
        refuse_traced(self, what, traced_remedy)
        if self._op is not None:
            raise GraphError(
                message(
                    f"{self.label} to stay in its graph, from which gradients come",
                    f"{what}, which would lose it",
                    f"{remedy} if you want a plain value, np.stack([...]) to join Tensors, "
                    "or the NumPy function of the same name (np.sin(t))",
                )
            )
