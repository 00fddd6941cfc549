"""How long a program takes to start: whole processes of `python -c`, with bytecode cached."""

from __future__ import annotations

import os
import subprocess
import sys

from benchmarks.work import Goal, Run, Work


def process(program: str) -> Run:
    """Return the run that starts Python with a program."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-c", program]
    return Run(lambda: subprocess.run(command, check=True, env=environment))


PROGRAMS = {
    "Chainrule": "import autograd",
    "Chainrule, a first gradient": "import autograd; autograd.Tensor(3.0).sin().backward()",
    "Chainrule, nn": "import nn",
    "NumPy": "import numpy",
    "C, the interpreter alone": "pass",
    "PyTorch": "import torch",
    "JAX": "import jax.numpy",
}

STARTUP = Work(
    "startup",
    "a process that imports",
    goals=[Goal("NumPy", 1.3), Goal("NumPy", 2.0, "Chainrule, nn")],
)
for _party, _program in PROGRAMS.items():
    STARTUP.party(_party)(lambda _, program=_program: process(program))  # type: ignore[misc]

WORKS = (STARTUP,)
