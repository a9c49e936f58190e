"""Fail where an installed version is above its lower bound in pyproject.toml: see ``oldest.sh``."""

from __future__ import annotations

import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[1]


def main() -> int:
    """Print every dependency that is newer than its bound; 1 if there is one."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wrong = 0
    for text in project["dependencies"] + project["optional-dependencies"]["test"]:
        needed = Requirement(text)
        (bound,) = [each.version for each in needed.specifier if each.operator == ">="]
        found = Version(version(needed.name))
        if found.release[: len(Version(bound).release)] != Version(bound).release:
            print(f"{needed} is met by {found} at least; raise the bound")
            wrong = 1
    return wrong


if __name__ == "__main__":
    sys.exit(main())
