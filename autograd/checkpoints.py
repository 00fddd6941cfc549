"""Recompute instead of store: a function whose inner results are not kept for the sweep back."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from . import primitives
from .containers import leaves, rebuilt
from .errors import DTypeError, GraphError, message
from .forward import pushforward
from .kinds import packed, unpacked
from .node import Node, toposort, value_of
from .primitive import Primitive
from .recording import enable_grad, recording
from .run import name_of
from .sweep import separate_gradients
from .tensor import Tensor, apply


def checkpoint(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return `f` with a graph that keeps its inputs only; derivatives compute it again.

    What `f` refers to besides its arguments is differentiated as well. `f` must give the same
    result again for the same inputs.

    Args:
        f: a function of arrays or containers of them, giving Tensors likewise.

    Returns:
        The same function, at about twice the time and less memory when differentiated.

    Raises:
        DTypeError: if something in the result is not a Tensor.

    Example:
        >>> w = Tensor(2.0)
        >>> x = Tensor(3.0)
        >>> y = checkpoint(lambda x: np.exp(w * x) - x)(x)
        >>> y.primitive.name, len(toposort([y]))
        ('checkpoint', 3)
        >>> y.backward()
        >>> bool(np.isclose(x.grad, 2 * np.exp(6) - 1)), bool(np.isclose(w.grad, 3 * np.exp(6)))
        (True, True)
    """

    @functools.wraps(f)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if not recording.get():
            return f(*args, **kwargs)
        given = (args, kwargs)
        mine = [x for _, x in leaves(given) if type(x) is Tensor and x.requires_grad]
        inner = _Recomputation(f, given)
        y, captured = inner.run(mine)
        if y.requires_grad:
            y = apply(_ROW, (*mine, *captured), {"inner": inner, "count": len(mine)})
        return inner.separated(y)

    return wrapped


class _Recomputation:
    """The function and what it was given, ready to be called on other Tensors."""

    def __init__(self, f: Callable[..., Any], given: Any) -> None:
        self.f = f
        # the values of the Tensors come from outside; only the others are kept
        self._given = rebuilt(
            given,
            (_HOLE if type(x) is Tensor and x.requires_grad else x for _, x in leaves(given)),
        )

    def run(self, inputs: Sequence[Any]) -> tuple[Any, list[Node]]:
        """Call the function on fresh results of the inputs, recorded.

        Returns:
            The result, several in one vector, and the tracked Tensors it was computed from besides
            the inputs.
        """
        with enable_grad():
            fresh = [apply(primitives.positive, (x,), {}) for x in inputs]
            holes = iter(fresh)
            args, kwargs = rebuilt(
                self._given,
                (next(holes) if x is _HOLE else x for _, x in leaves(self._given)),
            )
            y = self._joined(self.f(*args, **kwargs))
        self.fresh = fresh
        return y, _captured(y, fresh)

    def _joined(self, results: Any) -> Any:
        """Return one Tensor as it is, and those of a container in one vector."""
        found = list(leaves(results))
        for path, x in found or [("", results)]:
            if type(x) is not Tensor:
                raise DTypeError(
                    message(
                        f"Tensors as the result of {name_of(self.f)}",
                        type(x).__name__ + (f" at {path}" if path else ""),
                        "returning what was computed from the arguments, and that alone",
                    )
                )
        self._results = rebuilt(results, (_Like(x.shape, x.dtype) for _, x in found))
        return results if type(results) is Tensor else packed([x for _, x in found])

    def separated(self, y: Any) -> Any:
        """Return the results that `_joined` has joined, in their container."""
        if type(self._results) is _Like:
            return y
        likes = [like for _, like in leaves(self._results)]
        parts = unpacked(y, [like.shape for like in likes])
        return rebuilt(
            self._results,
            (
                x if x.dtype == like.dtype else x.astype(like.dtype)
                for x, like in zip(parts, likes, strict=True)
            ),
        )


class _Like:
    """The shape and dtype of a result, in its place."""

    def __init__(self, shape: tuple[int, ...], dtype: Any) -> None:
        self.shape = shape
        self.dtype = dtype


_HOLE = object()


def _captured(y: Node, fresh: Sequence[Node]) -> list[Node]:
    """Return the tracked Tensors next to what follows from `fresh`.

    Their order follows from the function alone, not from what its inputs were computed from: when
    it is computed again, the same places must hold the same Tensors.
    """
    given = set(fresh)
    follows = set(fresh)
    for node in reversed(toposort([y])):
        if not follows.isdisjoint(x for x in node.inputs if isinstance(x, Node)):
            follows.add(node)
    if y not in follows:
        return [y]
    behind: dict[Node, None] = {}
    seen, waiting = {y}, [y]
    while waiting:
        for x in waiting.pop().inputs:
            if not isinstance(x, Node) or not x.requires_grad or x in seen:
                continue
            seen.add(x)
            if x not in follows:
                behind[x] = None
            elif x not in given:
                waiting.append(x)
    return list(behind)


class _Checkpoint(Primitive):
    """The operation that a checkpointed function is recorded as."""

    def evaluate(self, values: Sequence[Any], params: Mapping[str, Any]) -> Any:
        """Compute the value."""
        y, _ = params["inner"].run([Tensor(v) for v in values[: params["count"]]])
        return value_of(y)

    def pull(
        self, index: int, g: Any, y: Any, values: Sequence[Any], params: Mapping[str, Any]
    ) -> Any:
        """Compute the function again and sweep back through it, once for all inputs."""
        memo = params["inner"].__dict__.setdefault("memo", [None, None])
        if memo[0] is not g:
            memo[:] = [g, self._all(g, values, params)]
        found = memo[1][index]
        if index == len(values) - 1:
            memo[:] = [None, None]
        return np.zeros(np.shape(values[index])) if found is None else found

    def _all(self, g: Any, values: Sequence[Any], params: Mapping[str, Any]) -> Any:
        out, sources, again = self._anew(values, params)
        # what is taken from around the function may depend on its inputs, and on each other
        return separate_gradients(out, sources, g, again)

    def _anew(
        self, values: Sequence[Any], params: Mapping[str, Any]
    ) -> tuple[Any, list[Node], bool]:
        """Compute the function again.

        Returns:
            Its result, what stands for the inputs, and whether derivatives are to be recorded.
        """
        inner, count = params["inner"], params["count"]
        given = [v if isinstance(v, Node) else Tensor(v) for v in values[:count]]
        out, captured = inner.run(given)
        sources = [*inner.fresh, *captured]
        if [s.shape for s in sources] != [np.shape(v) for v in values]:
            raise GraphError(
                message(
                    f"{name_of(inner.f)} to compute the same when a checkpoint computes it again",
                    f"{len(captured)} Tensors from around it, or their shapes, where there were "
                    f"{len(values) - count}",
                    "a function that depends on its arguments alone and changes nothing",
                )
            )
        return out, sources, any(isinstance(v, Node) for v in values)

    def push(
        self, tangents: Sequence[Any], y: Any, values: Sequence[Any], params: Mapping[str, Any]
    ) -> Any:
        """Compute the function again and sweep forward through it."""
        out, sources, again = self._anew(values, params)
        starts = {s: t for s, t in zip(sources, tangents, strict=True) if t is not None}
        [t] = pushforward([out], starts, create_graph=again)
        return np.zeros(np.shape(y)) if t is None else t

    @functools.cached_property
    def accepted(self) -> frozenset[str]:
        """What `checkpoint` gives."""
        return frozenset({"inner", "count"})


def _checkpoint(inputs: Sequence[Any], inner: Any = None, count: int = 0) -> Any:
    """A function computed again when it is differentiated."""
    # only gives the row its name and parameters: _Checkpoint.evaluate runs the function
    raise NotImplementedError


_ROW = _Checkpoint(_checkpoint, (lambda g, i, xs: g,), name="checkpoint", variadic=True)
