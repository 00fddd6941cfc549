"""The map of the house: what may import what, and how large a room may be."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# a module may import only from modules that stand before it
FLOORS = [
    "errors",
    "files",
    "html",
    "lazy",
    "containers",
    "domain",
    "left_out",
    "recording",
    "guard",
    "primitive",
    "kinds",
    "scalar",
    "node",
    "observers",
    "leaving",
    "primitives",
    "scope",
    "dispatch",
    "anomaly",
    "fitting",
    "zeros",
    "sweep",
    "forward",
    "tensor",
    "methods",
    "define",
    "run",
    "transforms",
    "checkpoints",
    "sparse",
    "graph",
    "check",
    "testing",
    "pytest_plugin",
    "draw",
    "table",
    "",
]
LINES = 500


def _package(name: str) -> list[Path]:
    return sorted((ROOT / name).rglob("*.py"))


def _imports(path: Path) -> list[tuple[str, ast.stmt]]:
    """Return the modules of this project that a file imports, as dotted names from the root."""
    here = list(path.relative_to(ROOT).with_suffix("").parts)
    package = here[:-1]
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [(alias.name, node) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            names = (
                [f"{module}.{alias.name}" for alias in node.names] if not node.module else [module]
            )
            found += [(name, node) for name in names]
    return [(name, node) for name, node in found if name.split(".")[0] in ("autograd", "nn")]


def _floor(module: str) -> int:
    parts = module.split(".")
    name = parts[1] if len(parts) > 1 else ""
    return FLOORS.index(name if name in FLOORS else "")


@pytest.mark.parametrize("path", _package("autograd"), ids=lambda p: str(p.relative_to(ROOT)))
def test_autograd_imports_point_one_way(path: Path) -> None:
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for name, node in _imports(path):
        assert not name.startswith("nn"), f"{module} line {node.lineno} imports {name}"
        same_room = name.split(".")[:2] == module.split(".")[:2]
        assert same_room or _floor(name) < _floor(module), (
            f"{module} line {node.lineno} imports {name}, which stands above it"
        )


@pytest.mark.parametrize("path", _package("nn"), ids=lambda p: str(p.relative_to(ROOT)))
def test_nn_imports_only_the_public_autograd(path: Path) -> None:
    for name, node in _imports(path):
        if name.startswith("autograd"):
            assert name in ("autograd", "autograd.errors"), f"{path} line {node.lineno}: {name}"


@pytest.mark.parametrize("path", _package("autograd") + _package("nn"), ids=str)
def test_no_room_is_too_large(path: Path) -> None:
    count = len(path.read_text().splitlines())
    assert count <= LINES, f"{path.relative_to(ROOT)} has {count} lines: split it"


def test_every_floor_is_named() -> None:
    rooms = {
        path.relative_to(ROOT / "autograd").parts[0].removesuffix(".py")
        for path in _package("autograd")
    }
    assert rooms - {"__init__", "__main__"} <= set(FLOORS)
