"""Check gradients of any library: plain Python, NumPy, C through ctypes, PyTorch and JAX.

`ag.gradcheck(f, x, gradient=g)` calls both with floats and float64 arrays; what they do inside is
their own business. Each check here is run where its library is installed.

Run `python -m examples.check_any_gradient`.
"""

from __future__ import annotations

import ctypes
import importlib.util
import math
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import autograd as ag

X = np.array([0.5, -1.2, 2.0])
W = np.array([1.0, 2.0, 3.0])

C_SOURCE = """
#include <math.h>
double value(const double *x, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++) sum += (i + 1) * sin(x[i]) * exp(-x[i]);
    return sum;
}
void gradient(const double *x, int n, double *g) {
    for (int i = 0; i < n; i++) g[i] = (i + 1) * (cos(x[i]) - sin(x[i])) * exp(-x[i]);
}
"""


def plain_python() -> ag.check.Report:
    """Check a function of two floats."""

    def pendulum(angle: float, length: float) -> float:
        return 9.81 * length * (1 - math.cos(angle))

    def gradient(angle: float, length: float) -> tuple[float, float]:
        return 9.81 * length * math.sin(angle), 9.81 * (1 - math.cos(angle))

    return ag.gradcheck(pendulum, 0.7, 2.0, gradient=gradient)


def numpy_arrays() -> ag.check.Report:
    """Check the softmax with crossentropy."""
    labels = np.array([2, 0])

    def softmax(z: Any) -> Any:
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def loss(z: Any) -> Any:
        return -np.mean(np.log(softmax(z)[np.arange(2), labels]))

    def gradient(z: Any) -> Any:
        return (softmax(z) - np.eye(3)[labels]) / 2

    return ag.gradcheck(loss, np.array([[0.1, 0.2, 0.7], [1.0, -1.0, 0.5]]), gradient=gradient)


def c_library() -> ag.check.Report | None:
    """Check a function of C, compiled with the compiler of this machine."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        source, library = Path(folder) / "f.c", Path(folder) / "f.so"
        source.write_text(C_SOURCE)
        subprocess.run(
            [compiler, "-O2", "-shared", "-fPIC", "-o", library, source, "-lm"], check=True
        )
        c = ctypes.CDLL(str(library))
    pointer = ctypes.POINTER(ctypes.c_double)
    c.value.restype = ctypes.c_double

    def value(x: Any) -> float:
        return float(c.value(x.ctypes.data_as(pointer), len(x)))

    def gradient(x: Any) -> Any:
        g = np.empty_like(x)
        c.gradient(x.ctypes.data_as(pointer), len(x), g.ctypes.data_as(pointer))
        return g

    return ag.gradcheck(value, X, gradient=gradient)


def pytorch() -> ag.check.Report | None:
    """Check what PyTorch's autograd says, in float64."""
    if importlib.util.find_spec("torch") is None:
        return None
    import torch

    def loss(x: Any) -> Any:
        return torch.sum(torch.tanh(x) * torch.from_numpy(W))

    def value(x: Any) -> Any:
        return loss(torch.from_numpy(x)).numpy()

    def gradient(x: Any) -> Any:
        t = torch.from_numpy(x.copy()).requires_grad_()
        loss(t).backward()
        return t.grad.numpy()

    return ag.gradcheck(value, X, gradient=gradient)


def jax_arrays() -> ag.check.Report | None:
    """Check what JAX's grad says, with its 64 bits enabled: in float32 little can be told."""
    if importlib.util.find_spec("jax") is None:
        return None
    import jax

    jax.config.update("jax_enable_x64", True)

    def loss(x: Any) -> Any:
        return jax.numpy.sum(jax.numpy.tanh(x) * W)

    return ag.gradcheck(jax.jit(loss), X, gradient=lambda x: np.asarray(jax.jit(jax.grad(loss))(x)))


def wrong() -> ag.check.Report:
    """Check a gradient with a mistake: the report says where, what and why."""
    try:
        return ag.gradcheck(lambda x: np.sum(x**3), X, gradient=lambda x: 3 * x**2 * (x > 0))
    except ag.GradientError as error:
        report: ag.check.Report = error.report
        return report


CHECKS: dict[str, Callable[[], ag.check.Report | None]] = {
    "plain Python": plain_python,
    "NumPy": numpy_arrays,
    "C through ctypes": c_library,
    "PyTorch": pytorch,
    "JAX": jax_arrays,
    "NumPy, with a mistake": wrong,
}


def main(arguments: list[str] | None = None) -> dict[str, str]:
    """Print the reports and return the verdicts, "not installed" where a library is missing."""
    del arguments  # there is nothing to shorten
    verdicts = {}
    for name, check in CHECKS.items():
        report = check()
        verdicts[name] = "not installed" if report is None else report.verdict
        print(f"{name}: {'not installed' if report is None else report}\n")
    return verdicts


if __name__ == "__main__":
    main()
