"""`python -m xsoftmax`: errors in words, and exit codes."""

import os
import subprocess
import sys

import pytest

from .cli.commands import run


def test_a_lack_of_memory_is_an_error_in_one_line(tmp_path):
    (tmp_path / "m.safetensors").symlink_to("/dev/null")  # which has room for any model
    arguments = "--kind", "mlp", "--hidden", 10**14, "--out", "m.safetensors", "--no-plots"
    out, err = run("train", *arguments, "--quiet", cwd=tmp_path, code=1)
    assert out == ""
    assert err.startswith("error: Unable to allocate")
    assert err.count("\n") == 1


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has /dev/full")
def test_stdout_that_is_full_is_an_error_in_one_line(tmp_path):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "xsoftmax", "info", "--json"],
            cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "COLUMNS": "120", "NO_COLOR": "1"},
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == "error: cannot write to stdout: No space left on device.\n"
