"""`Tensor`: a value that remembers how it came to be, and the only place that records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from . import primitives
from .anomaly import made
from .dispatch import plain_index, row_of, ufunc_method
from .errors import ChainruleError, GraphError, ShapeError, message
from .guard import constant, evaluation_error, read_only
from .leaving import Leaving
from .node import LEAF, plain_all, stored, tell_birth, value_of
from .observers import OBSERVERS, STATIC
from .primitive import REGISTRY, Primitive
from .recording import mode, recording, refuse_lost, refuse_traced, tape
from .sweep import accumulate


class Tensor(Leaving):
    """A variable: a float or an array, with the record of the operation that made it.

    Args:
        data: a number, an array or nested lists of numbers; it is copied. float32 stays, other
            reals become float64.
        requires_grad: False for a constant.
        name: what messages and figures call it.

    Raises:
        DTypeError: if `data` holds complex numbers, objects or text.

    Example:
        >>> x = Tensor(3.0, name="x")
        >>> (x * x + 1).backward()
        >>> x.grad
        6.0
    """

    __slots__ = ()

    def __init_subclass__(cls) -> None:
        """Refuse: the fast lane tells Tensors by their exact type."""
        raise TypeError(
            message("Tensor itself", f"the subclass {cls.__name__}", "holding a Tensor")
        )

    # ---- the value -------------------------------------------------------------------------------

    @property
    def data(self) -> Any:
        """The value: a Python float for a scalar, a read-only array otherwise.

        Assigning replaces the value of a leaf; graphs recorded with the old value then refuse to
        be differentiated.
        """
        value = self._value
        if mode.whole:
            refuse_lost(self, "t.data")
        if mode.tracing:
            refuse_traced(self, "t.data", "the Tensor itself")
        if type(value) is float:
            return value
        if np.ndim(value) == 0:
            return float(value)
        return read_only(value, self.label)

    @data.setter
    def data(self, value: Any) -> None:
        self.assign(value)

    def assign(self, value: Any) -> None:
        """Replace the value of a leaf or constant, keeping its shape and dtype.

        Args:
            value: numbers of the same shape.

        Raises:
            GraphError: if this Tensor is the result of an operation.
            ShapeError: if the shape differs.
            DTypeError: if the values are not real numbers.
        """
        for t in (self, value):
            refuse_traced(t, "an assignment", "returning the new value from the function")
        if not self.is_leaf:
            raise GraphError(
                message(
                    f"{self.label} to be a leaf in order to be assigned",
                    f"the result of {self._op.name}",
                    "assigning to the leaves it was computed from, or detach()",
                )
            )
        new = stored(value, self.name)
        if np.shape(new) != np.shape(self._value):
            raise ShapeError(
                message(
                    f"a value of shape {np.shape(self._value)} for {self.label}",
                    f"shape {np.shape(new)}",
                    "making a new Tensor",
                )
            )
        if np.result_type(new) != self.dtype:
            new = np.asarray(new).astype(self.dtype)[()]
        self._value = new
        self._clock = mode.tick()

    @property
    def T(self) -> Tensor:  # noqa: N802 - NumPy's name
        """The transpose."""
        return _tensor(primitives.transpose(self))

    # ---- gradients -------------------------------------------------------------------------------

    def detach(self) -> Tensor:
        """Return a constant with the same value."""
        if mode.whole:
            refuse_lost(self, "t.detach()")
        out = _new(Tensor)
        out._value = self._value
        out._op = out._record = out.grad = None
        out._clock = 0
        out.name = self.name
        if mode.tracing:
            tell_birth(out, self)
        return out

    def backward(self, gradient: Any = None) -> None:
        """Add the gradient of this Tensor to the `.grad` of every leaf it depends on.

        Interior results keep the gradient of the latest pass in `.grad`. The graph is kept.

        Args:
            gradient: the cotangent to start from, of this Tensor's shape; 1 for a scalar.

        Raises:
            ShapeError: if this is not a scalar and no gradient is given, or its shape differs.
            GraphError: if nothing was recorded, or a leaf was assigned since.
        """
        accumulate(self, gradient)

    # ---- Python and NumPy protocols --------------------------------------------------------------

    def __repr__(self) -> str:
        value = self._value
        body = repr(float(value)) if np.ndim(value) == 0 else np.array2string(value, separator=", ")
        parts = [body.replace("\n", "\n ")]
        if self.dtype != np.float64:
            parts.append(f"dtype={self.dtype}")
        if self._op is None:
            parts.append("requires_grad=False")
        if self.name is not None:
            parts.append(f"name={self.name!r}")
        return f"Tensor({', '.join(parts)})"

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> Any:
        if mode.tracing:
            return OBSERVERS[np.equal](self, other)
        return self._value == value_of(other)

    def __ne__(self, other: object) -> Any:
        if mode.tracing:
            return OBSERVERS[np.not_equal](self, other)
        return self._value != value_of(other)

    def __lt__(self, other: Any) -> Any:
        if mode.tracing:
            return OBSERVERS[np.less](self, other)
        return self._value < value_of(other)

    def __le__(self, other: Any) -> Any:
        if mode.tracing:
            return OBSERVERS[np.less_equal](self, other)
        return self._value <= value_of(other)

    def __gt__(self, other: Any) -> Any:
        if mode.tracing:
            return OBSERVERS[np.greater](self, other)
        return self._value > value_of(other)

    def __ge__(self, other: Any) -> Any:
        if mode.tracing:
            return OBSERVERS[np.greater_equal](self, other)
        return self._value >= value_of(other)

    def __round__(self, ndigits: int = 0) -> Tensor:
        return _tensor(np.round(self, ndigits))

    def __len__(self) -> int:
        if self.ndim == 0:
            raise TypeError(message("a Tensor with an axis", f"{self.label}, a scalar", ".item()"))
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index: Any) -> Tensor:
        return _tensor(apply(primitives.getitem, (self,), {"index": plain_index(index)}))

    def __setitem__(self, index: Any, value: Any) -> NoReturn:
        raise GraphError(
            message(
                f"{self.label} to keep the value that its graph has recorded",
                f"an assignment to its entries at {index!r}",
                "ag.at(t)[index].set(values), or np.where(mask, new, t): both are differentiable",
            )
        )

    def __copy__(self) -> Tensor:
        return self._rebuilt()

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        return self._rebuilt()

    def __reduce__(self) -> Any:
        self._refuse_to_copy()
        return (_rebuild, (self._value, self._op is LEAF, self.name, self.grad))

    def _rebuilt(self) -> Tensor:
        self._refuse_to_copy()
        return _rebuild(self._value, self._op is LEAF, self.name, self.grad)

    def _refuse_to_copy(self) -> None:
        refuse_traced(self, "a copy of t", "the Tensor itself, which nothing writes to")
        if not self.is_leaf:
            raise GraphError(
                message(
                    "a leaf or a constant to copy or pickle",
                    f"{self.label}, which belongs to a graph",
                    "t.detach(), or copying the leaves and computing again",
                )
            )

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method != "__call__":
            return ufunc_method(ufunc, method, inputs, kwargs)
        row = REGISTRY.get(ufunc)
        if row is not None and not kwargs and row.takes_arrays_only:
            if row.quick is not None and type(inputs[0]) is Tensor:
                return row.quick(*inputs)
            return apply(row, inputs, {})
        return (OBSERVERS.get(ufunc) or row_of(ufunc))(*inputs, **kwargs)

    def __array_function__(
        self, function: Callable[..., Any], types: Any, args: Any, kwargs: Any
    ) -> Any:
        if function in STATIC:
            return function(*plain_all(args), **{name: plain_all(x) for name, x in kwargs.items()})
        if function is np.where and len(args) == 1:
            function = np.nonzero  # what NumPy calls it by
        return (OBSERVERS.get(function) or row_of(function))(*args, **kwargs)

    @staticmethod
    def __chainrule__(row: Primitive, inputs: tuple[Any, ...], params: dict[str, Any]) -> Tensor:
        if row.quick is not None and not params and type(inputs[0]) is Tensor:
            return _tensor(row.quick(*inputs))
        return apply(row, inputs, params)

    def reshape(self, *shape: Any, order: str = "C") -> Tensor:
        """Return the same entries in another shape, given as a tuple or as numbers."""
        return _tensor(primitives.reshape(self, shape[0] if len(shape) == 1 else shape, order))

    def flatten(self, order: str = "C") -> Tensor:
        """Return all entries in one axis."""
        return self.reshape(-1, order=order)

    def compress(self, condition: Any, axis: Any = None) -> Tensor:
        """Return the slices along `axis` where `condition` is true."""
        return _tensor(np.compress(condition, self, axis))

    @property
    def mT(self) -> Tensor:  # noqa: N802 - NumPy's name
        """Each matrix of a stack transposed."""
        return _tensor(self.swapaxes(-1, -2))

    @property
    def real(self) -> Tensor:
        """The number itself."""
        return self

    @property
    def imag(self) -> Tensor:
        """Zero, the imaginary part of a real number."""
        return self * 0.0

    def transpose(self, *axes: Any) -> Tensor:
        """Return the axes permuted, given as a tuple or as numbers; reversed if none is given."""
        order = axes[0] if len(axes) == 1 else axes or None
        return _tensor(primitives.transpose(self, order))

    if TYPE_CHECKING:
        # every row of the table with a valid name is a method as well
        def __getattr__(self, name: str) -> Callable[..., Tensor]: ...
        def __add__(self, other: Any) -> Tensor: ...
        def __radd__(self, other: Any) -> Tensor: ...
        def __sub__(self, other: Any) -> Tensor: ...
        def __rsub__(self, other: Any) -> Tensor: ...
        def __mul__(self, other: Any) -> Tensor: ...
        def __rmul__(self, other: Any) -> Tensor: ...
        def __truediv__(self, other: Any) -> Tensor: ...
        def __rtruediv__(self, other: Any) -> Tensor: ...
        def __pow__(self, other: Any) -> Tensor: ...
        def __rpow__(self, other: Any) -> Tensor: ...
        def __matmul__(self, other: Any) -> Tensor: ...
        def __rmatmul__(self, other: Any) -> Tensor: ...
        def __neg__(self) -> Tensor: ...
        def __pos__(self) -> Tensor: ...
        def __abs__(self) -> Tensor: ...


_new = object.__new__


def apply(row: Primitive, inputs: tuple[Any, ...], params: dict[str, Any]) -> Tensor:
    """Compute one operation and record it if an input is tracked.

    Args:
        row: the operation.
        inputs: Tensors and plain values, which become constants.
        params: the parameters.

    Returns:
        The result; a constant if nothing is tracked or recording is off.

    Raises:
        ShapeError: if NumPy refuses the shapes.
        DTypeError: if a constant is not made of real numbers.
    """
    tracked = False
    passing = mode.paused and not mode.tracing and not recording.get()
    values = []
    kept = inputs
    for x in inputs:
        if type(x) is Tensor:
            values.append(x._value)
            if x._op is not None:
                tracked = True
        elif type(x) is float:
            values.append(x)
        else:
            values.append(constant(x, row.name, not passing))
            kept = ()
    if kept is not inputs:
        kept = tuple([x if type(x) is Tensor else v for x, v in zip(inputs, values, strict=True)])
    settings = params
    if mode.tracing:
        # a scalar of a trace is no float, to keep it off the fast lane, but computes as one
        values = [
            float(v) if type(x) is Tensor and type(v) is np.float64 else v
            for x, v in zip(kept, values, strict=True)
        ]
        settings = {key: _untraced(setting) for key, setting in params.items()}
    try:
        value = row.evaluate(values, settings) if settings else row.compute(*values)
    except ChainruleError:
        raise  # which says already what is wrong
    except (ValueError, IndexError, TypeError, np.exceptions.AxisError) as error:
        raise evaluation_error(row.name, values, settings, error) from error
    if passing and type(value) is np.ndarray:
        value = _apart(value, inputs, values)
    return record(row, tracked, kept, params, value)


def record(
    row: Primitive, tracked: bool, inputs: tuple[Any, ...], params: dict[str, Any], value: Any
) -> Tensor:
    """Return the Tensor of an operation that has been computed.

    Args:
        row: the operation.
        tracked: whether an input is tracked.
        inputs: Tensors and constants.
        params: the parameters.
        value: what NumPy has computed.
    """
    out = _new(Tensor)
    if type(value) is np.ndarray and value.ndim:
        if value.base is not None and not (value.flags.writeable or value.flags.forc):
            value = value.copy()  # broadcast views alias entries, which later writes would show
    elif type(value) is np.float64:
        value = float(value)
    elif type(value) is np.ndarray:
        value = value[()]
        if type(value) is np.float64:
            value = float(value)
    out._value = value
    out.grad = out.name = None
    if tracked and (not mode.paused or recording.get()):
        out._op = row
        out._record = (inputs, params)
    else:
        out._op = out._record = None
    out._clock = mode.clock
    if mode.tracing:
        current = tape.get()
        if current is not None:
            current.record(out, row, inputs, params)
    if mode.anomaly:
        made(out, row, inputs)
    return out


def _apart(value: Any, inputs: tuple[Any, ...], values: list[Any]) -> Any:
    """Return a value as one that no write to an operand changes, save to those of Tensors."""
    plain = [v for x, v in zip(inputs, values, strict=True) if type(x) is not Tensor]
    return value.copy() if any(np.may_share_memory(value, v) for v in plain) else value


def _untraced(setting: Any) -> Any:
    """Return a parameter with the present values of traced indices in it."""
    if isinstance(setting, tuple):
        return tuple(map(_untraced, setting))
    return value_of(setting)


def _tensor(value: Any) -> Tensor:
    assert type(value) is Tensor
    return value


def _rebuild(value: Any, requires_grad: bool, name: str | None, grad: Any) -> Tensor:
    out = Tensor(value, requires_grad=requires_grad, name=name)
    out.grad = grad if grad is None or type(grad) is float else np.array(grad)
    return out
