"""A process in which one library works, and the handle by which the runner speaks to it.

Both sides exchange pickles: requests on the worker's standard input, answers on what was its
standard output. What a library prints goes elsewhere.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import importlib.metadata
import importlib.util
import itertools
import os
import pickle
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, BinaryIO

HERE = Path(__file__).resolve().parent
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
STACK = 1 << 29  # peers that recurse once an operation need it


class PeerError(Exception):
    """A party could not do its work; the message is its reason."""


class Worker:
    """A process for one library.

    Args:
        python: the interpreter to run.
        threads: how many threads, and where the system can say so, processors it may use.
        home: whether it imports this project; elsewhere `autograd` is what is installed there.
    """

    def __init__(self, python: str | Path, threads: int, home: bool) -> None:
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        environment.update(dict.fromkeys(THREADS, str(threads)))
        environment["NPROC"] = str(threads)  # JAX
        environment["TF_NUM_INTRAOP_THREADS"] = environment["TF_NUM_INTEROP_THREADS"] = str(threads)
        environment["TF_CPP_MIN_LOG_LEVEL"] = "2"
        environment["JAX_PLATFORMS"] = "cpu"
        environment["CUDA_VISIBLE_DEVICES"] = ""
        if home:
            environment["PYTHONPATH"] = str(HERE.parent)
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - closed in close()
        self._process = subprocess.Popen(
            [str(python), "-P", str(HERE / "worker.py"), str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            env=environment,
        )

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def ask(self, action: str, *arguments: Any) -> Any:
        """Have the worker do something and return its answer.

        Raises:
            PeerError: if it raised there, or the process ended.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            pickle.dump((action, arguments), self._process.stdin)
            self._process.stdin.flush()
            fine, answer = pickle.load(self._process.stdout)
        except (EOFError, BrokenPipeError) as error:
            code = self._process.wait()
            self._complaints.seek(0)
            last = self._complaints.read().decode(errors="replace").strip().splitlines()[-1:]
            raise PeerError(f"its process ended with {code}: {''.join(last)}") from error
        if not fine:
            raise PeerError(answer)
        return answer

    def close(self) -> None:
        """End the process."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        self._process.wait()
        self._complaints.close()


# ---- the other side ------------------------------------------------------------------------------


class Prepared:
    """What the worker holds: the parties of one work at one size, ready to be called."""

    def __init__(self) -> None:
        self.case: tuple[str, int] | None = None
        self.runs: dict[str, Any] = {}

    def versions(self, names: list[str]) -> dict[str, str]:
        """Return the installed versions of distributions."""
        return {name: importlib.metadata.version(name) for name in names}

    def check(self, work: str, party: str, size: int) -> Any:
        """Prepare a work, do it as often as it says, and return its result."""
        from benchmarks.works import WORKS

        gc.unfreeze()
        if self.case != (work, size):
            self.case = (work, size)
            self.runs.clear()  # what the last one holds is freed before the next is made
        gc.collect()
        declared = WORKS[work]
        run = declared.parties[party](size)
        for _ in range(declared.checks):
            run.call()
        result = run.result() if run.result else None
        self.runs[party] = run
        gc.collect()
        gc.freeze()  # what a library keeps must not slow its collector down in every round
        return result

    def time(self, party: str, calls: int) -> float:
        """Return the seconds of one call, the mean of so many, after one that does not count."""
        gc.collect()
        call = self.runs[party].call
        if calls > 1:
            call()
        start = time.perf_counter()
        for _ in itertools.repeat(None, calls):
            call()
        return (time.perf_counter() - start) / calls

    def grow(self, work: str, party: str, size: int) -> int:
        """Return by how many bytes this process grows at its peak while a work is done."""
        from benchmarks.works import WORKS

        declared = WORKS[work]
        run = declared.parties[party](size)
        gc.collect()
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
        before = peak_bytes()
        for _ in range(declared.checks):
            run.call()
        return peak_bytes() - before


def peak_bytes() -> int:
    """Return the most memory that this process has held.

    Linux counts what the parent held before exec into `ru_maxrss`, so its own figure is read there.
    """
    with contextlib.suppress(OSError):
        found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
        if found:
            return int(found[1]) * 1024
    resource = importlib.import_module("resource")
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * (
        1 if sys.platform == "darwin" else 1024
    )


def _load_package() -> None:
    """Make this folder importable without the project's root, where `autograd` is ours."""
    spec = importlib.util.spec_from_file_location(
        "benchmarks", HERE / "__init__.py", submodule_search_locations=[str(HERE)]
    )
    assert spec is not None
    assert spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules["benchmarks"] = package
    spec.loader.exec_module(package)


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer requests until there are no more."""
    prepared = Prepared()
    while True:
        try:
            action, arguments = pickle.load(requests)
        except EOFError:
            return
        try:
            answer = True, getattr(prepared, action)(*arguments)
        except Exception as error:  # whatever a library raises is its reason
            answer = False, f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        pickle.dump(answer, answers)
        answers.flush()


def main(threads: int) -> None:
    """Work in this process until the runner hangs up."""
    if hasattr(os, "sched_setaffinity"):
        allowed = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, allowed[-threads:])
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _load_package()
    sys.setrecursionlimit(10_000_000)
    threading.stack_size(STACK)
    thread = threading.Thread(target=serve, args=(sys.stdin.buffer, answers))
    thread.start()
    thread.join()


if __name__ == "__main__":
    main(int(sys.argv[1]))
