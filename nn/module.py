"""`Module`: what holds parameters, in a fixed order and under paths such as `layers.0.kernel`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from autograd import Tensor
from autograd.errors import ShapeError, message


class Module:
    """A callable that owns Tensors: as attributes, in lists or dicts, or through other Modules.

    Order and paths follow the order in which attributes were first assigned. A Tensor with
    `requires_grad=False` is state that is kept but not trained.

    Example:
        >>> class Line(Module):
        ...     def __init__(self):
        ...         self.slope, self.offset = Tensor(2.0), Tensor(1.0)
        ...     def __call__(self, x):
        ...         return x * self.slope + self.offset
        >>> line = Line()
        >>> line(3.0).backward()
        >>> {path: t.grad for path, t in line.named_parameters().items()}
        {'slope': 3.0, 'offset': 1.0}
    """

    trainable = True

    def named_parameters(self) -> dict[str, Tensor]:
        """Return every Tensor owned, trained or not, by path and in order; a shared one once."""
        found: dict[Tensor, str] = {}
        for path, item in walk(self):
            if isinstance(item, Tensor):
                found.setdefault(item, path)
        return {path: t for t, path in found.items()}

    def named_generators(self) -> dict[str, np.random.Generator]:
        """Return the random Generators owned, by path: the state of dropout and noise."""
        return {p: item for p, item in walk(self) if isinstance(item, np.random.Generator)}

    def modules(self) -> list[Module]:
        """Return this Module and all within it, outer before inner, each once."""
        return list(dict.fromkeys(item for _, item in walk(self) if isinstance(item, Module)))

    @property
    def weights(self) -> list[Tensor]:
        """Every Tensor owned, in order."""
        return list(self.named_parameters().values())

    @property
    def trainable_weights(self) -> list[Tensor]:
        """The Tensors that training changes: none of a Module whose `trainable` is False."""
        found: dict[Tensor, None] = {}
        frozen: set[Tensor] = set()
        for _, item in walk(self):
            if isinstance(item, Tensor):
                found[item] = None
            elif isinstance(item, Module) and not item.trainable:
                frozen.update(item.weights)
        return [t for t in found if t.requires_grad and t not in frozen]

    @property
    def non_trainable_weights(self) -> list[Tensor]:
        """The Tensors that training leaves alone."""
        trained = set(self.trainable_weights)
        return [t for t in self.weights if t not in trained]

    @property
    def variables(self) -> list[Tensor]:
        """Keras' name of `weights`."""
        return self.weights

    @property
    def trainable_variables(self) -> list[Tensor]:
        """Keras' name of `trainable_weights`."""
        return self.trainable_weights

    @property
    def non_trainable_variables(self) -> list[Tensor]:
        """Keras' name of `non_trainable_weights`."""
        return self.non_trainable_weights

    def parameters(self) -> list[Tensor]:
        """Return the Tensors that training changes, in order; for optimizers."""
        return self.trainable_weights

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for t in self.weights:
            t.grad = None

    def count_params(self) -> int:
        """Return how many numbers the parameters hold."""
        return sum(t.size for t in self.weights)

    def get_weights(self) -> list[Any]:
        """Return copies of all parameters as arrays, in order."""
        return [t.numpy() for t in self.weights]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Replace the values of all parameters.

        Args:
            weights: one array a parameter, in the order and shapes of `get_weights`.

        Raises:
            ShapeError: if their number or a shape differs; then nothing is changed.
        """
        named = self.named_parameters()
        arrays = [np.asarray(w) for w in weights]
        if len(arrays) != len(named):
            raise ShapeError(
                message(
                    f"{len(named)} arrays for the parameters {', '.join(named) or '(none)'}",
                    f"{len(arrays)}",
                    "the list that get_weights() of the same kind of model gives"
                    if named
                    else "building the model first: model.build((None, width))",
                )
            )
        for (path, t), w in zip(named.items(), arrays, strict=True):
            if t.shape != w.shape:
                raise ShapeError(
                    message(
                        f"an array of shape {t.shape} for {path}",
                        f"shape {w.shape}",
                        "weights of a model with the same layer sizes",
                    )
                )
        checked = [Tensor(w, requires_grad=False) for w in arrays]
        for t, new in zip(named.values(), checked, strict=True):
            t.assign(new.data)


def walk(item: Any, path: str = "", seen: set[int] | None = None) -> Iterator[tuple[str, Any]]:
    """Yield the Modules, Tensors and Generators within `item`, outer first, with their paths.

    Args:
        item: a Module, or a list, tuple or dict of such things; anything else yields nothing.
        path: where it stands.
        seen: the Modules on the way, so that a reference to an owner ends the walk.
    """
    inside: Any
    if isinstance(item, (Tensor, np.random.Generator)):
        yield path, item
        return
    if isinstance(item, Module):
        seen = set() if seen is None else seen
        if id(item) in seen:
            return
        seen.add(id(item))
        yield path, item
        inside = vars(item).items()
    elif isinstance(item, dict):
        inside = item.items()
    elif isinstance(item, (list, tuple)):
        inside = enumerate(item)
    else:
        return
    for name, each in inside:
        if isinstance(each, _HOLDING):  # most attributes are numbers and names
            yield from walk(each, f"{path}.{name}" if path else str(name), seen)


_HOLDING = (Tensor, np.random.Generator, Module, dict, list, tuple)


@contextmanager
def unchanged_on_error(module: Module) -> Iterator[None]:
    """Leave a Module, all within it and its random state as they were if the block raises.

    Example:
        >>> module = Module()
        >>> try:
        ...     with unchanged_on_error(module):
        ...         module.size = 1 / 0
        ... except ZeroDivisionError:
        ...     vars(module)
        {}
    """
    before = [
        (m, {k: list(v) if isinstance(v, list) else v for k, v in vars(m).items()}, dict(vars(m)))
        for m in module.modules()
    ]
    states = [(g, g.bit_generator.state) for g in module.named_generators().values()]
    try:
        yield
    except BaseException:
        for m, copies, attributes in before:
            for name, value in copies.items():
                if isinstance(value, list):
                    attributes[name][:] = value
            vars(m).clear()
            vars(m).update(attributes)
        for g, state in states:
            g.bit_generator.state = state
        raise
