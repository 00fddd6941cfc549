"""Frozen graphs beside CasADi, JAX and micrograd: the same results first, then the times.

    python -m benchmarks.compiled

runs in an environment that has the peers (pip install casadi "jax[cpu]" micrograd llvmlite); a peer
that is missing is said to be. The rounds are interleaved and the medians are shown.
"""

from __future__ import annotations

import functools
import gc
import importlib
import importlib.util
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import autograd as ag

ROUNDS = 7
POINTS = 1_000_000

Work = Callable[[], Any]


def chain(x: Any, y: Any, relu: Callable[[Any], Any], steps: int = 400) -> Any:
    """Return the result of 2,000 operations on two numbers, of those that micrograd has too."""
    for _ in range(steps):
        x = relu(x * y) + 0.1
        y = y * 0.5 + x
    return x


def surface(x: Any, y: Any, z: Any, m: Any) -> Any:
    """Return the sweep's function, in the functions of module `m`."""
    return m.log(x * y + z) * m.exp(-x / z) + m.tanh(y * z) * m.sqrt(x)


def timed(works: dict[str, Work], repeat: int) -> dict[str, float]:
    """Return the median seconds of one call of each, measured in turns."""
    found: dict[str, list[float]] = {name: [] for name in works}
    for work in works.values():
        work()
    gc.collect()
    gc.freeze()  # what one library keeps must not slow the collector down for another
    for _ in range(ROUNDS):
        for name, work in works.items():
            start = time.perf_counter()
            for _ in range(repeat):
                work()
            found[name].append((time.perf_counter() - start) / repeat)
    return {name: statistics.median(times) for name, times in found.items()}


def agree(name: str, got: Any, wanted: Any) -> None:
    """Stop if a result is another one."""
    np.testing.assert_allclose(np.array(got, float), wanted, rtol=1e-9, err_msg=name)


def show(title: str, times: dict[str, float], unit: float, name: str) -> None:
    """Print a table of times, and of ratios to the best of ours."""
    best = min(t for key, t in times.items() if key.startswith("autograd"))
    print(f"\n{title}")
    for key, t in times.items():
        print(f"  {key:32} {t / unit:12.3f} {name}   {t / best:8.1f} x")


def chains() -> None:
    """Measure value and gradient of the chain: build and evaluation."""
    point = (0.3, 0.4)
    derived = ag.value_and_grad(lambda x, y: chain(x, y, ag.relu), (0, 1))
    value, slopes = derived(*point)
    wanted = [value, *slopes]
    works: dict[str, Work] = {}
    builds: dict[str, float] = {}
    for backend in ("python", "llvm"):
        fast = ag.compile(derived, backend=backend)
        start = time.perf_counter()
        value, slopes = fast(*point)
        builds[f"autograd {backend}"] = time.perf_counter() - start
        agree(backend, [value, *slopes], wanted)
        works[f"autograd {backend}"] = functools.partial(fast, *point)
    if installed("casadi"):
        ca = importlib.import_module("casadi")
        start = time.perf_counter()
        x, y = ca.SX.sym("x"), ca.SX.sym("y")
        z = chain(x, y, lambda v: ca.fmax(v, 0))
        function = ca.Function("f", [x, y], [z, ca.gradient(z, ca.vertcat(x, y))])
        function(*point)
        builds["CasADi"] = time.perf_counter() - start
        value, slope = function(*point)
        agree("CasADi", [float(value), *np.ravel(slope)], wanted)
        buffer, evaluate = function.buffer()
        arrays = [np.array([v]) for v in point], [np.zeros(1), np.zeros(2)]
        for k, array in enumerate(arrays[0]):
            buffer.set_arg(k, memoryview(array.data))
        for k, array in enumerate(arrays[1]):
            buffer.set_res(k, memoryview(array.data))
        works["CasADi (buffered)"] = evaluate
    if "--all" not in sys.argv:
        print("  (JAX builds the chain for long: it is compared there with --all)")
    elif installed("jax"):
        jax = importlib.import_module("jax")
        f = jax.jit(
            jax.value_and_grad(lambda x, y: chain(x, y, lambda v: jax.numpy.maximum(v, 0)), (0, 1))
        )
        start = time.perf_counter()
        value, slopes = f(*point)
        builds["JAX jit"] = time.perf_counter() - start
        agree("JAX", [value, *slopes], wanted)
        works["JAX jit"] = lambda: jax.block_until_ready(f(*point))
    if installed("micrograd"):
        value_type = importlib.import_module("micrograd.engine").Value

        def eager() -> list[float]:
            sys.setrecursionlimit(20_000)  # its walk is recursive
            x, y = value_type(point[0]), value_type(point[1])
            z = chain(x, y, lambda v: v.relu())
            z.backward()
            return [z.data, x.grad, y.grad]

        agree("micrograd", eager(), wanted)
        works["micrograd, eager"] = eager
    show("2,000 operations, value and gradient: evaluation", timed(works, 10), 1e-6, "us")
    print("\nbuilding it (trace, simplify, generate, first call)")
    for name, seconds in builds.items():
        print(f"  {name:32} {seconds * 1e3:12.1f} ms")


def small() -> None:
    """Measure one call of a function of ten operations, all overhead included."""
    point = (0.7, 0.8, 1.5)
    derived = ag.value_and_grad(lambda x, y, z: surface(x, y, z, np), (0, 1, 2))
    value, slopes = derived(*point)
    works: dict[str, Work] = {}
    for backend in ("python", "llvm"):
        fast = ag.compile(derived, backend=backend)
        got, others = fast(*point)
        agree(backend, [got, *others], [value, *slopes])
        works[f"autograd {backend}"] = functools.partial(fast, *point)
    if installed("jax"):
        jax = importlib.import_module("jax")
        m = jax.numpy
        f = jax.jit(jax.value_and_grad(lambda x, y, z: surface(x, y, z, m), (0, 1, 2)))
        got, others = f(*point)
        agree("JAX", [got, *others], [value, *slopes])
        works["JAX jit"] = lambda: jax.block_until_ready(f(*point))
    works["autograd eager"] = lambda: derived(*point)
    show("10 operations, value and 3 partials: one call", timed(works, 300), 1e-6, "us")


def sweep() -> None:
    """Measure value and three partials over a million points."""
    rng = np.random.default_rng(0)
    x, y, z = (rng.uniform(0.5, 2.0, POINTS) for _ in range(3))
    fast = ag.vectorize(ag.value_and_grad(lambda x, y, z: surface(x, y, z, np), (0, 1, 2)))
    value, slopes = fast(x, y, z)
    out = (value, slopes)
    works: dict[str, Work] = {"autograd vectorize": lambda: fast(x, y, z, out=out)}
    one = ag.vectorize(fast.function, threads=1)
    works["autograd vectorize, 1 thread"] = lambda: one(x, y, z, out=out)
    if installed("jax"):
        jax = importlib.import_module("jax")
        m = jax.numpy
        f = jax.jit(jax.vmap(jax.value_and_grad(lambda x, y, z: surface(x, y, z, m), (0, 1, 2))))
        arrays = [jax.numpy.asarray(a) for a in (x, y, z)]
        got, others = f(*arrays)
        for a, b in zip((got, *others), (value, *slopes), strict=True):
            agree("JAX", a, b)
        works["JAX jit(vmap)"] = lambda: jax.block_until_ready(f(*arrays))
    show(f"value and 3 partials at {POINTS:,} points", timed(works, 1), 1e-3, "ms")


def installed(module: str) -> bool:
    """Say whether a peer is here, and tell the reader if it is not."""
    if importlib.util.find_spec(module) is None:
        print(f"  ({module} is not installed here: not compared)")
        return False
    return True


def main() -> None:
    """Run all comparisons."""
    print(f"NumPy {np.__version__}, {ROUNDS} rounds in turns, medians")
    if installed("jax"):
        importlib.import_module("jax").config.update("jax_enable_x64", True)
    chains()
    small()
    sweep()


if __name__ == "__main__":
    main()
