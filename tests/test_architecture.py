"""The rooms of the house: imports point one way only, and one room knows array libraries."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import xsoftmax

ROOT = Path(xsoftmax.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))

TABLE = (ROOT.parent / "docs" / "design.md").read_text().partition("<!-- rooms -->")[2]
TABLE = TABLE.partition("<!-- rooms end -->")[0]
#: Each with its sentence, from the ground up. A module may import its own room and those before it.
SENTENCES = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", TABLE, flags=re.MULTILINE))
ROOMS = [*SENTENCES, "__main__"]
LIBRARIES = {"numpy", "cupy", "cupyx", "torch", "jax", "array_api_compat", "array_api_strict"}


def module_name(path):
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def place(room):
    return ROOMS.index(room) if room in ROOMS else None


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
    """What the module imports from later rooms, or names of an array library."""
    name = module_name(path)
    own = place(name)
    if name == "__init__":
        return []
    assert own is not None, f"{name} is no room of docs/design.md"
    knows_numpy = own >= place("classifiers") or name == "sources"
    libraries = LIBRARIES - ({"numpy"} if knows_numpy else set())
    libraries -= {"arrays": LIBRARIES, "conversion": {"torch"}}.get(name, set())
    found = []
    for parts in imports(path, text):
        above = parts[0] == "xsoftmax" and (place(parts[1]) or 0) > own
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


def test_the_root_holds_rooms_and_what_users_import():
    there = {path.stem for path in [*ROOT.glob("*.py"), *ROOT.glob("[a-z]*/")]}
    assert there - {"__init__"} == set(ROOMS)


@pytest.mark.parametrize("room", SENTENCES)
def test_every_room_says_what_it_is_as_the_design_does(room):
    path = ROOT / room / "__init__.py" if (ROOT / room).is_dir() else ROOT / f"{room}.py"
    assert ast.get_docstring(ast.parse(path.read_text())).splitlines()[0] == SENTENCES[room]


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
