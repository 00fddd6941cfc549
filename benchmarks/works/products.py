"""The large products of the seed network's step by layout and call, in float32."""

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
    goals=[Goal("PyTorch", 1.0, "NumPy, matmul with out")],
)
TRANSPOSED = Work(
    "transposed",
    "product of a 100x784 transposed by 100x50",
    rtol=RTOL,
    goals=[Goal("PyTorch", 1.0, "NumPy, matmul of a view")],
)


def _arrays() -> tuple[Any, Any, Any]:
    draw = np.random.default_rng(0)
    return (
        draw.random((EXAMPLES, INPUTS), np.float32),
        draw.random((INPUTS, UNITS), np.float32),
        draw.random((EXAMPLES, UNITS), np.float32),
    )


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


WORKS = (FORWARD, TRANSPOSED)
