"""Products in float32: those of the seed network by layout and call, and squares by size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.work import Goal, Run, Work

EXAMPLES, INPUTS, UNITS = 100, 784, 50
RTOL = 1e-5  # sums of 784 products in float32, in another order

FORWARD = Work(
    "forward",
    "product 100x784 by 784x50",
    rtol=RTOL,
    goals=[
        Goal("NumPy, matmul with out", 1.0),
        Goal("PyTorch", 1.0),
        Goal("PyTorch", 1.0, "NumPy, matmul with out"),
    ],
)
TRANSPOSED = Work(
    "transposed",
    "product of a 100x784 transposed by 100x50",
    rtol=RTOL,
    goals=[
        Goal("NumPy, matmul of a view", 1.0),
        Goal("PyTorch", 1.0),
        Goal("PyTorch", 1.0, "NumPy, matmul of a view"),
    ],
)
SQUARE = Work(
    "square",
    "product of two square matrices, by rows",
    sizes=(16, 32, 64, 128, 256, 512, 1024),
    quick=(64, 512),
    axis="rows",
    rtol=RTOL,
    goals=[Goal("NumPy", 1.0)],
)


def _arrays() -> tuple[Any, Any, Any]:
    draw = np.random.default_rng(0)
    return (
        draw.random((EXAMPLES, INPUTS), np.float32),
        draw.random((INPUTS, UNITS), np.float32),
        draw.random((EXAMPLES, UNITS), np.float32),
    )


def _compiled(f: Callable[[Any, Any], Any], a: Any, b: Any) -> Run:
    import autograd as ag

    multiply = ag.compile(f, backend="llvm")
    return Run(lambda: multiply(a, b), lambda: multiply(a, b))


@FORWARD.party("Chainrule")
def _(_: int) -> Run:
    x, kernel, _delta = _arrays()
    return _compiled(lambda x, kernel: x @ kernel, x, kernel)


@TRANSPOSED.party("Chainrule")
def _(_: int) -> Run:
    x, _kernel, delta = _arrays()
    return _compiled(lambda x, delta: x.T @ delta, x, delta)


def _forward(name: str, multiply: Callable[[Any, Any, Any], Any], order: Any = "C") -> None:
    @FORWARD.party(f"NumPy, {name}")
    def _(_: int) -> Run:
        x, kernel, delta = _arrays()
        kernel, out = np.asarray(kernel, order=order), np.empty_like(delta)
        return Run(lambda: multiply(x, kernel, out), lambda: multiply(x, kernel, out))


_forward("matmul with out", lambda a, b, out: np.matmul(a, b, out=out))
_forward("matmul", lambda a, b, out: np.matmul(a, b))
_forward("dot with out", lambda a, b, out: np.dot(a, b, out=out))
_forward("kernel by columns", lambda a, b, out: np.matmul(a, b, out=out), "F")


def _transposed(name: str, prepare: Callable[[Any, Any], Callable[[], Any]]) -> None:
    @TRANSPOSED.party(f"NumPy, {name}")
    def _(_: int) -> Run:
        x, _, delta = _arrays()
        call = prepare(x, delta)
        return Run(call, call)


def _of_a_view(x: Any, delta: Any) -> Callable[[], Any]:
    out = np.empty((INPUTS, UNITS), np.float32)
    return lambda: np.matmul(x.T, delta, out=out)


def _of_a_copy(x: Any, delta: Any) -> Callable[[], Any]:
    copy, out = np.empty((INPUTS, EXAMPLES), np.float32), np.empty((INPUTS, UNITS), np.float32)

    def call() -> Any:
        np.copyto(copy, x.T)
        return np.matmul(copy, delta, out=out)

    return call


def _turned_round(x: Any, delta: Any) -> Callable[[], Any]:
    out = np.empty((UNITS, INPUTS), np.float32)
    return lambda: np.matmul(delta.T, x, out=out).T


_transposed("matmul of a view", _of_a_view)
_transposed("matmul of a copy", _of_a_copy)
_transposed("turned round", _turned_round)


@FORWARD.party("PyTorch")
def _(_: int) -> Run:
    import torch

    x, kernel, _ = map(torch.from_numpy, _arrays())
    out = torch.empty(EXAMPLES, UNITS)
    return Run(lambda: torch.mm(x, kernel, out=out), lambda: torch.mm(x, kernel, out=out).numpy())


@TRANSPOSED.party("PyTorch")
def _(_: int) -> Run:
    import torch

    x, _, delta = map(torch.from_numpy, _arrays())
    out = torch.empty(INPUTS, UNITS)
    return Run(lambda: torch.mm(x.T, delta, out=out), lambda: torch.mm(x.T, delta, out=out).numpy())


def _squares(rows: int) -> tuple[Any, Any]:
    draw = np.random.default_rng(rows)
    return draw.random((rows, rows), np.float32), draw.random((rows, rows), np.float32)


SQUARE.party("Chainrule")(lambda rows: _compiled(lambda a, b: a @ b, *_squares(rows)))


@SQUARE.party("NumPy")
def _(rows: int) -> Run:
    a, b = _squares(rows)
    out = np.empty_like(a)
    return Run(lambda: np.matmul(a, b, out=out), lambda: np.matmul(a, b, out=out))


@SQUARE.party("PyTorch")
def _(rows: int) -> Run:
    import torch

    a, b = map(torch.from_numpy, _squares(rows))
    out = torch.empty(rows, rows)
    return Run(lambda: torch.mm(a, b, out=out), lambda: torch.mm(a, b, out=out).numpy())


WORKS = (FORWARD, TRANSPOSED, SQUARE)
