"""Frozen graphs: value and gradients of scalar functions, built once and evaluated often."""

from __future__ import annotations

import ctypes
import functools
import random
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.work import Goal, Prepare, Run, Work

POINT = (0.3, 0.4)
LLVM = "Chainrule, llvm"
PYTHON = "Chainrule, python"
JAX_LIMIT = {"JAX": 200}  # it builds 2,000 operations for minutes, which one work asks for


def chain(x: Any, y: Any, relu: Callable[[Any], Any], operations: int) -> Any:
    """Return the result of so many operations on two numbers, of those that micrograd has too."""
    for _ in range(operations // 5):
        x = relu(x * y) + 0.1
        y = y * 0.5 + x
    return x


def in_c(operations: int) -> str:
    """Return the chain's value and derivative as one writes them in C by hand, unrolled."""
    forward: list[str] = []
    backward: list[str] = []
    for k in range(operations // 5):
        forward += [
            f"double p{k} = x{k} * y{k};",
            f"double x{k + 1} = (p{k} > 0 ? p{k} : 0) + 0.1;",
            f"double y{k + 1} = y{k} * 0.5 + x{k + 1};",
        ]
        backward[:0] = [
            "gx += gy;",
            f"gp = p{k} > 0 ? gx : 0;",
            f"gx = gp * y{k};",
            f"gy = gy * 0.5 + gp * x{k};",
        ]
    body = "\n    ".join(
        ["double x0 = x, y0 = y;", *forward, "double gx = 1, gy = 0, gp;", *backward]
    )
    return f"""void f(double x, double y, double *out) {{
    {body}
    out[0] = x{operations // 5}; out[1] = gx; out[2] = gy;
}}
"""


def built_by_c(operations: int) -> Run:
    """Compile the chain with the machine's compiler and call it through ctypes."""
    compiler = shutil.which("gcc") or shutil.which(sysconfig.get_config_var("CC") or "cc")
    if compiler is None:
        raise RuntimeError("there is no C compiler on this machine")
    folder = tempfile.mkdtemp()
    source = Path(folder, "chain.c")
    source.write_text(in_c(operations))
    shared = Path(folder, "chain.so")
    subprocess.run([compiler, "-O2", "-shared", "-fPIC", source, "-o", shared], check=True)
    function = ctypes.CDLL(str(shared)).f
    shutil.rmtree(folder)
    function.argtypes = [ctypes.c_double, ctypes.c_double, ctypes.c_void_p]
    function.restype = None
    out = np.zeros(3)
    return Run(
        functools.partial(function, *POINT, out.ctypes.data), lambda: flat((out[0], out[1:]))
    )


def ours(operations: int, backend: str) -> Any:
    """Return our compiled chain, not yet called."""
    import autograd as ag

    derived = ag.value_and_grad(lambda x, y: chain(x, y, ag.relu, operations), (0, 1))
    return ag.compile(derived, backend=backend)


def casadi_function(operations: int) -> Any:
    """Return CasADi's chain."""
    import casadi

    x, y = casadi.SX.sym("x"), casadi.SX.sym("y")
    z = chain(x, y, lambda v: casadi.fmax(v, 0), operations)
    return casadi.Function("f", [x, y], [z, casadi.gradient(z, casadi.vertcat(x, y))])


def jax_function(operations: int) -> Any:
    """Return JAX's chain, not yet called."""
    import jax

    jax.config.update("jax_enable_x64", True)
    return jax.jit(
        jax.value_and_grad(
            lambda x, y: chain(x, y, lambda v: jax.numpy.maximum(v, 0), operations), (0, 1)
        )
    )


def returning(call: Callable[[], Any]) -> Run:
    """Return the run of a function that returns its result."""
    return Run(call, lambda: flat(call()))


def building(call: Callable[[], Any]) -> Run:
    """Return the run of a function that is built, compiled and called every time."""
    found: list[Any] = []

    def run() -> None:
        found[:] = [call()]

    return Run(run, lambda: flat(found[0]))


def flat(result: Any) -> list[Any]:
    """Return values and their gradients as two arrays, so that gradients have one scale."""
    value, slopes = result
    return [np.ravel(value), np.ravel(slopes)]


CHAIN = Work(
    "chain",
    "frozen scalar chain, value and gradient, operations",
    sizes=(200, 2_000),
    quick=(2_000,),
    rtol=1e-9,  # the same operations in float64; the gradient is a product of 400 factors
    up_to=JAX_LIMIT,
    goals=[
        Goal("CasADi", 0.5, LLVM, 2_000),
        Goal("C", 1.5, LLVM, 2_000),
        Goal("micrograd", 1 / 20, PYTHON, 2_000),
    ],
)
BUILD = Work(
    "build",
    "frozen scalar chain, traced, derived, compiled and called once, operations",
    sizes=(200, 2_000),
    rtol=1e-9,
    quick_up_to=JAX_LIMIT,
    goals=[
        Goal("CasADi", 1.0, LLVM, 2_000),
        *(Goal("JAX", 1 / 50, ours, size) for size in (200, 2_000) for ours in (LLVM, PYTHON)),
    ],
)


def backend(name: str) -> tuple[Prepare, Prepare]:
    """Return how one of our backends evaluates the chain, and how it builds it."""
    return (
        lambda n: returning(functools.partial(ours(n, name), *POINT)),
        lambda n: building(lambda: ours(n, name)(*POINT)),
    )


for party, name in ((LLVM, "llvm"), (PYTHON, "python")):
    evaluate, build = backend(name)
    CHAIN.party(party)(evaluate)
    BUILD.party(party)(build)
CHAIN.party("C")(built_by_c)
BUILD.party("CasADi")(lambda n: building(lambda: casadi_function(n)(*POINT)))
BUILD.party("JAX")(lambda n: building(lambda: jax_function(n)(*POINT)))
CHAIN.party("JAX")(lambda n: jitted(jax_function(n), *POINT))


def jitted(function: Any, *arguments: Any) -> Run:
    """Return the run of a jitted function, which waits for its result."""
    import jax

    return Run(
        lambda: jax.block_until_ready(function(*arguments)),
        lambda: flat(function(*arguments)),
    )


@CHAIN.party("CasADi")
def _(operations: int) -> Run:
    function = casadi_function(operations)
    buffer, evaluate = function.buffer()
    arrays = [np.array([v]) for v in POINT], [np.zeros(1), np.zeros(2)]
    for k, array in enumerate(arrays[0]):
        buffer.set_arg(k, memoryview(array.data))
    for k, array in enumerate(arrays[1]):
        buffer.set_res(k, memoryview(array.data))
    kept = function, buffer, arrays  # CasADi has their addresses only
    return Run(evaluate, lambda: flat(kept[2][1]))


@CHAIN.party("micrograd")
def _(operations: int) -> Run:
    from micrograd.engine import Value

    def call() -> Any:
        x, y = (Value(v) for v in POINT)
        z = chain(x, y, lambda v: v.relu(), operations)
        z.backward()
        return z.data, (x.grad, y.grad)

    return returning(call)


def surface(x: Any, y: Any, z: Any, m: Any) -> Any:
    """Return a function of ten operations, in the functions of module `m`."""
    return m.log(x * y + z) * m.exp(-x / z) + m.tanh(y * z) * m.sqrt(x)


SMALL_POINT = (0.7, 0.8, 1.5)
SMALL = Work(
    "small",
    "frozen function of 10 operations, value and 3 partials, one call",
    rtol=1e-12,  # a dozen roundings
    goals=[Goal("", 1e-6, LLVM), Goal("JAX", 1 / 10, LLVM)],
)


def small(backend: str) -> Prepare:
    """Return how one of our backends calls the small function."""

    def prepare(_: int) -> Run:
        import autograd as ag

        derived = ag.value_and_grad(lambda x, y, z: surface(x, y, z, np), (0, 1, 2))
        fast = derived if backend == "eager" else ag.compile(derived, backend=backend)
        return returning(functools.partial(fast, *SMALL_POINT))

    return prepare


SMALL.party(LLVM)(small("llvm"))
SMALL.party(PYTHON)(small("python"))
SMALL.party("Chainrule, eager")(small("eager"))


@SMALL.party("JAX")
def _(_: int) -> Run:
    import jax

    jax.config.update("jax_enable_x64", True)
    derived = jax.value_and_grad(lambda x, y, z: surface(x, y, z, jax.numpy), (0, 1, 2))
    return jitted(jax.jit(derived), *SMALL_POINT)


@SMALL.party("C, nothing through ctypes")
def _(_: int) -> Run:
    # what a call from Python to native code costs at least
    function = ctypes.CDLL(None).abs
    function.argtypes, function.restype = [ctypes.c_int], ctypes.c_int
    return Run(functools.partial(function, 1))


SWEEP = Work(
    "sweep",
    "frozen function of 10 operations, value and 3 partials at 1,000,000 points",
    sizes=(1_000_000,),
    rtol=1e-12,  # a dozen roundings
    goals=[Goal("JAX", 2 / 3)],
)


def points(n: int) -> list[Any]:
    """Return n points."""
    draw = np.random.default_rng(0)
    return [draw.uniform(0.5, 2.0, n) for _ in range(3)]


@SWEEP.party("Chainrule")
def _(n: int) -> Run:
    import autograd as ag

    fast = ag.vectorize(ag.value_and_grad(lambda x, y, z: surface(x, y, z, np), (0, 1, 2)))
    x, y, z = points(n)
    out = fast(x, y, z)
    return Run(lambda: fast(x, y, z, out=out), lambda: flat(out))


@SWEEP.party("JAX")
def _(n: int) -> Run:
    import jax

    jax.config.update("jax_enable_x64", True)
    derived = jax.value_and_grad(lambda x, y, z: surface(x, y, z, jax.numpy), (0, 1, 2))
    return jitted(jax.jit(jax.vmap(derived)), *(jax.numpy.asarray(a) for a in points(n)))


MOONS = Work(
    "moons",
    "frozen scalar network 2-16-16-1, loss and gradient, two-moons points",
    sizes=(20, 100),
    quick=(20,),
    rtol=1e-9,  # float64 sums of 100 terms in another order
    goals=[Goal("micrograd", 1 / 500)],
)


def moons(n: int) -> list[tuple[float, float, float]]:
    """Return n points of two interleaved half circles, with noise, and their sides, -1 and 1."""
    draw = random.Random(0)
    found = []
    for k in range(n):
        angle = np.pi * draw.random()
        x, y = float(np.cos(angle)), float(np.sin(angle))
        if k % 2:
            x, y = 1 - x, 0.5 - y
        found.append((x + draw.gauss(0, 0.1), y + draw.gauss(0, 0.1), float(2 * (k % 2) - 1)))
    return found


PARAMETERS = 2 * 16 + 16 + 16 * 16 + 16 + 16 + 1


def moons_loss(w: Any, data: Any, relu: Callable[[Any], Any]) -> Any:
    """Return the mean hinge loss of the network, every number by itself."""
    total = 0.0
    for x, y, side in data:
        values, at = [x, y], 0
        for width in (16, 16, 1):
            outputs = []
            for _ in range(width):
                h = w[at + len(values)]
                for k, v in enumerate(values):
                    h = h + w[at + k] * v
                at += len(values) + 1
                outputs.append(relu(h) if width > 1 else h)
            values = outputs
        total = total + relu(1 - values[0] * side)
    return total * (1 / len(data))


def moons_start() -> list[float]:
    """Return the parameters to start from."""
    draw = random.Random(1)
    return [draw.uniform(-1, 1) for _ in range(PARAMETERS)]


@MOONS.party("Chainrule")
def _(n: int) -> Run:
    import autograd as ag

    def loss(*w: Any) -> Any:
        return moons_loss(w, moons(n), ag.relu)

    fast = ag.compile(ag.value_and_grad(loss, tuple(range(PARAMETERS))))
    return returning(functools.partial(fast, *moons_start()))


@MOONS.party("micrograd")
def _(n: int) -> Run:
    from micrograd.engine import Value

    data, start = moons(n), moons_start()

    def call() -> Any:
        w = [Value(v) for v in start]
        loss = moons_loss(w, data, lambda v: v.relu())
        loss.backward()
        return loss.data, [v.grad for v in w]

    return returning(call)


WORKS = (CHAIN, BUILD, SMALL, SWEEP, MOONS)
