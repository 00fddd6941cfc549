"""How long a program takes to start: python -m benchmarks.startup

Whole processes of `python -c ...` take turns; figures are medians, and what the interpreter itself
takes is in every one of them. Bytecode is cached, as after any first import.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time

PROGRAMS = (
    "pass",
    "import numpy",
    "import autograd",
    "import autograd; autograd.Tensor(3.0).sin().backward()",
    "import nn",
)
YARDSTICK = "import numpy"


def seconds(program: str) -> float:
    """Return how long a Python process takes to run a program."""
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)
    return time.perf_counter() - start


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--repeats", type=int, default=21, help="processes a program")
    given = parser.parse_args()
    for program in PROGRAMS:
        seconds(program)
    times: dict[str, list[float]] = {program: [] for program in PROGRAMS}
    for _ in range(given.repeats):
        for program in PROGRAMS:
            times[program].append(seconds(program))
    yardstick = statistics.median(times[YARDSTICK])
    print(f"| program | milliseconds | times `{YARDSTICK}` |")
    print("| --- | --- | --- |")
    for program in PROGRAMS:
        median = statistics.median(times[program])
        print(f"| `{program}` | {1e3 * median:.0f} | {median / yardstick:.2f} |")


if __name__ == "__main__":
    main()
