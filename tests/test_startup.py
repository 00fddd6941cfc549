"""What importing costs: nothing heavy comes before it is used, and everything comes when it is."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import autograd as ag
from autograd.lazy import lazily

ROOT = Path(__file__).parent.parent
HEAVY = {
    "graphviz",
    "h5py",
    "hypothesis",
    "llvmlite",
    "matplotlib",
    "mpmath",
    "onnx",
    "pooch",
    "pygraphviz",
    "pytest",
    "safetensors",
    "scipy",
    "sklearn",
    "tqdm",
}
LATE = {"check", "draw.build", "draw.explain", "graph", "sparse", "testing"}


def output(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return done.stdout.strip()


def modules_after(program: str) -> set[str]:
    return set(
        json.loads(output(f"{program}\nimport json, sys; print(json.dumps([*sys.modules]))"))
    )


@pytest.mark.parametrize("package", ["autograd", "nn"])
def test_nothing_heavy_is_imported_before_it_is_used(package: str) -> None:
    loaded = modules_after(f"import {package}")
    assert "numpy" in loaded
    assert not loaded & HEAVY
    assert not loaded & {"numpy.f2py", "numpy.testing", "unittest"}
    assert not loaded & {f"autograd.{room}" for room in LATE}


def test_the_engine_loads_nothing_that_it_can_do_without() -> None:
    needed = modules_after("import autograd") - modules_after("import numpy")
    own = {name for name in needed if name.split(".")[0] == "autograd"}
    assert not (needed - own) & {"dataclasses", "json", "logging", "random", "threading", "zipfile"}


def test_a_method_written_at_its_first_call_is_the_same_ever_after() -> None:
    program = """
import autograd as ag, numpy as np
x = ag.Tensor(2.0)
first, second = 3.0 - x, 3.0 - x
product = np.multiply(x, x)
print(type(x).__rsub__.__code__.co_filename)
print(ag.multiply.quick.__code__.co_filename, type(x).__mul__ is ag.multiply.quick)
(second * product).backward()
assert first.item() == second.item() == 1.0 and x.grad == 0.0
"""
    assert output(program).split() == ["<scalar", "method>", "<scalar", "method>", "True"]


def test_a_gradient_needs_no_late_room() -> None:
    program = "import autograd as ag; assert ag.grad(lambda x: ag.sin(x) * x)(0.0) == 0.0"
    assert not modules_after(program) & {f"autograd.{room}" for room in LATE}


def test_training_without_a_terminal_needs_no_progress_bar() -> None:
    program = """
import numpy as np, nn
model = nn.MLP([1, 1])
model.compile(optimizer="sgd", loss="mse")
model.fit(np.ones((4, 1)), np.ones((4, 1)), epochs=1, verbose=0)
"""
    assert "tqdm" not in modules_after(program)


@pytest.mark.parametrize("name", sorted(ag.__all__))
def test_every_public_name_is_there(name: str) -> None:
    assert name in dir(ag)
    assert getattr(ag, name) is vars(ag)[name]


@pytest.mark.parametrize("room", ["draw", "draw.build", "draw.explain", "graph", "check", "sparse"])
def test_importing_a_room_hides_no_function(room: str) -> None:
    program = (
        f"import autograd.{room}, autograd as ag, types;"
        "print([n for n in ag.__all__ if isinstance(getattr(ag, n), types.ModuleType)])"
    )
    assert output(program) == "[]"


def test_a_star_import_gives_every_name() -> None:
    program = (
        "import autograd\nfrom autograd import *\nprint(set(autograd.__all__) - set(globals()))"
    )
    assert output(program) == "set()"


def test_an_unknown_name_is_refused_as_by_any_module() -> None:
    with pytest.raises(AttributeError, match="module 'autograd' has no attribute 'nonsense'"):
        ag.nonsense  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'nonsense'"):
        exec("from autograd import nonsense", {})


def test_a_lazy_name_is_looked_up_once() -> None:
    get, names = lazily("json", {"scanner": ["make_scanner"]})
    assert "make_scanner" in names()
    assert get("make_scanner") is json.make_scanner  # type: ignore[attr-defined]
    del json.make_scanner  # type: ignore[attr-defined]
