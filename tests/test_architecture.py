"""The floors of the house: imports point down only, and one module knows array libraries."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import xsoftmax

ROOT = Path(xsoftmax.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))

#: From the ground up. A module may import its own floor and those below.
FLOORS = [
    ("arrays",),
    ("model",),
    ("functional",),
    ("objective", "curvature"),
    ("solvers",),
    ("classifiers",),
    ("datasets", "plots", "serialization"),
    ("cli",),
    ("__main__",),
]
LIBRARIES = {"numpy", "cupy", "cupyx", "torch", "jax", "array_api_compat", "array_api_strict"}


def module_name(path):
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def floor(name):
    return next((i for i, names in enumerate(FLOORS) if name in names), None)


def imports(path, text=None):
    """Each import of the module at `path` as the parts of an absolute name."""
    package = ["xsoftmax", *path.relative_to(ROOT).parts[:-1]]
    for node in ast.walk(ast.parse(text or path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            parts = [*base, *(node.module or "").split(".")]
            yield from ([*filter(None, parts), alias.name] for alias in node.names)


def violations(path, text=None):
    """What the module imports from above its floor, or names of an array library."""
    name = module_name(path)
    own = floor(name)
    if name == "__init__":
        return []
    assert own is not None, f"{name} has no floor"
    libraries = (
        set()
        if name == "arrays"
        else LIBRARIES - ({"numpy"} if own >= floor("classifiers") else set())
    )
    found = []
    for parts in imports(path, text):
        above = parts[0] == "xsoftmax" and (floor(parts[1]) or 0) > own
        if above or parts[0] in libraries:
            found.append(".".join(parts))
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down_and_name_no_array_library(path):
    assert violations(path) == []


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("from ..classifiers import MLPClassifier", ["xsoftmax.classifiers.MLPClassifier"]),
        ("from .. import cli", ["xsoftmax.cli"]),
        ("import numpy as np", ["numpy"]),
        ("def f():\n    from cupy.linalg import solve", ["cupy.linalg.solve"]),
        ("from ..objective import Objective\nfrom .sgd import SGD", []),
    ],
)
def test_violations_finds_imports_that_point_up_and_array_libraries(text, wrong):
    assert violations(ROOT / "solvers" / "example.py", text) == wrong


def run(code):
    environment = {**os.environ, "PYTHONPATH": str(ROOT.parent)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    return done.stdout.split()


def test_import_of_xsoftmax_brings_nothing_heavy():
    heavy = ["sklearn", "scipy", "matplotlib", "torch", "jax", "cupy", "typer", "rich", "pooch"]
    code = f"import sys, xsoftmax; print(*(m for m in {heavy} if m in sys.modules))"
    assert run(code) == []
    assert run(code.replace("import sys, xsoftmax", "import sys, xsoftmax.functional")) == []


def test_all_names_what_the_package_offers():
    for name in xsoftmax.__all__:
        assert getattr(xsoftmax, name) is not None
    assert set(xsoftmax.__all__) <= set(dir(xsoftmax))
    with pytest.raises(AttributeError, match="no attribute 'SoftmaxRegresion'"):
        xsoftmax.SoftmaxRegresion  # noqa: B018
