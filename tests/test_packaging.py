"""What is said in several files about the package is said alike."""

import re
import tomllib
from pathlib import Path

import xsoftmax

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_the_version_is_that_of_the_citation_and_the_recipe():
    for name in ("CITATION.cff", "ci/conda/recipe.yaml"):
        found = re.search(r'^\s*version: "?([\d.]+)', (ROOT / name).read_text(), re.MULTILINE)
        assert found[1] == xsoftmax.__version__, name
    assert xsoftmax.__version__ in (ROOT / "CHANGELOG.md").read_text()


def test_the_recipe_needs_what_the_package_needs():
    recipe = (ROOT / "ci" / "conda" / "recipe.yaml").read_text().partition("  run:")[2]
    needed = set(re.findall(r"^    - ([\w-]+) >=([\d.]+)$", recipe, re.MULTILINE))
    needed = {(name.removesuffix("-base"), version) for name, version in needed}
    declared = {tuple(each.split(">=")) for each in PROJECT["dependencies"]}
    declared.add(("python", PROJECT["requires-python"].removeprefix(">=")))
    assert needed == declared
