"""The two catalogues of gradients through the checkers of peers, and through this one.

    python -m benchmarks.checkers --python PEERS [--python OTHERS] [--rows]

Each peer lives in an environment of its own, since HIPS autograd has this project's import name:

    python -m venv peers && peers/bin/pip install autograd torch==2.13.0
    python -m venv others && others/bin/pip install jax

A gradient is handed to a peer in the way that it takes hand-written ones: HIPS autograd by
`defvjp`, JAX by `custom_vjp`, PyTorch by `autograd.Function`. MyGrad has no checker. HIPS draws its
random direction anew in each call, so it is run five times; the worst answer counts: of a wrong
gradient that it is called right, of a right one that it is called wrong. A checker that raises
anything but its own error has not told. JAX runs with 64 bits.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

RUNS = {"HIPS check_grads": 5}
TESTS = Path(__file__).parent.parent / "tests"

RIGHT, WRONG, UNDECIDABLE, ERROR = "right", "wrong", "undecidable", "error"


def entries() -> tuple[list[tuple[str, Any]], list[tuple[str, Any]]]:
    """Return the wrong and the right entries of both catalogues, with names."""
    sys.path.insert(0, str(TESTS))
    import gradient_catalogue as first  # type: ignore[import-not-found]
    import gradient_catalogue_second as second  # type: ignore[import-not-found]

    wrong = [(e.name, e) for e in [*first.WRONG, *second.WRONG]]
    right = [(e.name, e) for e in [*first.AWKWARD, *second.AWKWARD, *second.RIGHT]]
    return wrong, right


def hips(entry: Any) -> str:
    """Ask HIPS autograd's `check_grads`."""
    from autograd.extend import defvjp, primitive  # type: ignore[import-not-found]
    from autograd.test_util import check_grads  # type: ignore[import-not-found]

    f = primitive(entry.f)
    defvjp(f, lambda y, x: lambda g: g * np.asarray(entry.gradient(x)))
    return _asked(lambda: check_grads(f, modes=["rev"], order=1)(entry.x))


def jax_check(entry: Any) -> str:
    """Ask `jax.test_util.check_grads`."""
    import jax
    from jax.test_util import check_grads

    jax.config.update("jax_enable_x64", True)
    x = np.asarray(entry.x, float)
    shape = jax.ShapeDtypeStruct((), np.float64)
    inputs = jax.ShapeDtypeStruct(x.shape, np.float64)

    def value(x: Any) -> Any:
        numbers = lambda v: np.float64(entry.f(np.asarray(v)))  # noqa: E731
        return jax.pure_callback(numbers, shape, x)

    def back(x: Any, g: Any) -> Any:
        numbers = lambda v: np.asarray(entry.gradient(np.asarray(v)), float)  # noqa: E731
        return (g * jax.pure_callback(numbers, inputs, x),)

    f = jax.custom_vjp(value)
    f.defvjp(lambda x: (value(x), x), back)
    return _asked(lambda: check_grads(f, (x,), order=1, modes=["rev"]))


def torch_check(entry: Any, fast: bool) -> str:
    """Ask `torch.autograd.gradcheck`."""
    import torch

    class Written(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return torch.tensor(np.float64(entry.f(x.detach().numpy().copy())))

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            (x,) = ctx.saved_tensors
            return g * torch.from_numpy(np.array(entry.gradient(x.numpy().copy()), float))

    t = torch.from_numpy(np.array(entry.x, float)).requires_grad_()
    return _asked(lambda: torch.autograd.gradcheck(Written.apply, (t,), fast_mode=fast))


PEERS: dict[str, tuple[str, Callable[[Any], str]]] = {
    "HIPS check_grads": ("autograd.test_util", hips),
    "JAX check_grads": ("jax", jax_check),
    "PyTorch gradcheck, slow": ("torch", lambda entry: torch_check(entry, fast=False)),
    "PyTorch gradcheck, fast": ("torch", lambda entry: torch_check(entry, fast=True)),
}


def _asked(check: Callable[[], Any]) -> str:
    """Return the answer of a checker that raises where a gradient is wrong."""
    try:
        check()
    except AssertionError:
        return WRONG
    except Exception as error:
        # PyTorch's error for a wrong gradient, and anything else: shapes, overflow, its own limits
        return WRONG if type(error).__name__ == "GradcheckError" else ERROR
    return RIGHT


def ours(entry: Any) -> str:
    """Ask this project's `gradcheck`."""
    import autograd as ag

    try:
        return ag.gradcheck(entry.f, entry.x, gradient=entry.gradient).verdict
    except ag.GradientError:
        return WRONG


def serve() -> None:
    """Run every checker of this environment over the catalogues and print the answers as JSON."""
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    answers: dict[str, list[list[str]]] = {}
    wrong, right = entries()
    for name, (module, check) in PEERS.items():
        package = module.split(".")[0]
        if importlib.util.find_spec(package) is None:
            continue
        if "." in module and importlib.util.find_spec(module) is None:
            continue  # this project under the name of HIPS autograd
        answers[name] = []
        for _, entry in [*wrong, *right]:
            answers[name].append([check(entry) for _ in range(RUNS.get(name, 1))])
    print(json.dumps(answers))


def counted(answers: list[list[str]], is_wrong: bool) -> Counter[str]:
    """Count answers, the worst of several runs: what a wrong gradient must not be called, first."""
    order = [RIGHT, UNDECIDABLE, ERROR, WRONG] if is_wrong else [WRONG, ERROR, UNDECIDABLE, RIGHT]
    return Counter(min(several, key=order.index) for several in answers)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--python", action="append", default=[], help="a peers' interpreter")
    parser.add_argument("--rows", action="store_true", help="print what each checker got wrong")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    wrong, right = entries()
    with np.errstate(all="ignore"):
        answers = {"this project": [[ours(entry)] for _, entry in [*wrong, *right]]}
    for python in given.python:
        # started as a file outside this directory, so that `autograd` is the peers'
        command = [python, "-P", str(Path(__file__).resolve()), "--serve"]
        own = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        done = subprocess.run(
            command, stdout=subprocess.PIPE, check=True, cwd="/", text=True, env=own
        )
        answers.update(json.loads(done.stdout.splitlines()[-1]))
    n, m = len(wrong), len(right)
    print(f"| checker | {n} wrong: called wrong | called right | not told |", end="")
    print(f" {m} right: called right | called wrong | not told |")
    print("| --- |" + " --- |" * 6)
    for name, found in answers.items():
        bad, good = counted(found[:n], True), counted(found[n:], False)
        cells = [bad[WRONG], bad[RIGHT], bad[UNDECIDABLE] + bad[ERROR]]
        cells += [good[RIGHT], good[WRONG], good[UNDECIDABLE] + good[ERROR]]
        print(f"| {name} | " + " | ".join(map(str, cells)) + " |")
    if given.rows:
        for name, found in answers.items():
            for (entry, _), several in zip(wrong, found[:n], strict=True):
                if RIGHT in several:
                    print(f"{name}: called right though wrong: {entry}")
            for (entry, _), several in zip(right, found[n:], strict=True):
                if WRONG in several:
                    print(f"{name}: called wrong though right: {entry}")


if __name__ == "__main__":
    if "--serve" in sys.argv:
        serve()
    else:
        main()
