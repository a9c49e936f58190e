"""The examples: a title and few lines; `ci/examples.sh` runs them all."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPTS = sorted((ROOT / "examples").glob("*.py"))


def test_examples_are_at_least_twelve():
    assert len(SCRIPTS) >= 12


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_an_example_is_short_and_titled(script):
    lines = script.read_text().splitlines()
    assert len(lines) < 90
    assert lines[0] == '"""'
    assert lines[2] == "=" * len(lines[1])


def test_the_example_of_soft_labels_runs(tmp_path):
    path = os.pathsep.join([str(ROOT), *sys.path])
    environment = {**os.environ, "PYTHONPATH": path, "MPLBACKEND": "agg"}
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / "plot_soft_labels.py"],
        cwd=tmp_path, env=environment, check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert "learnt from votes: accuracy" in done.stdout
    assert (tmp_path / "soft_labels.png").stat().st_size > 10_000
