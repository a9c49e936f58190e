"""The command line as a whole: errors, versions, help."""

import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

import xsoftmax
from xsoftmax.cli.app import app

from .commands import run


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["train", "nothing.csv"], 1, "nothing.csv is neither a file nor one of digits"),
        (["train", "--C", "-1"], 1, "C=...) must be a number above 0"),
        (["train", "--hidden", "a,b", "--kind", "mlp"], 2, "must be sizes with commas"),
        (["train", "--kind", "forest"], 2, "--kind"),
        (["train", "--device", "cuda:0"], 1, "NumPy computes on the cpu only"),
        (["evaluate", "--model", "none.safetensors"], 1, "error: none.safetensors: No such file"),
        (["evaluate", "--model", "."], 1, "error: model.safetensors: No such file"),
        (["predict"], 2, "--model"),
        (["reproduce", "neural-network", "--data-dir", "t.csv"], 1, "t.csv"),
        (["fly"], 2, "No such command"),
    ],
)
def test_errors_are_one_sentence_and_an_exit_code(tmp_path, arguments, code, message):
    out, err = run(*arguments, cwd=tmp_path, code=code)
    assert out == ""
    assert message in err
    assert not list(tmp_path.glob("xsoftmax-out/*"))


def test_version_and_help_are_printed(tmp_path):
    assert run("--version", cwd=tmp_path)[0] == f"xsoftmax {xsoftmax.__version__}\n"
    assert "--early-stopping" in run("train", "--help", cwd=tmp_path)[0]
    assert "reproduce" in run("-h", cwd=tmp_path)[0]


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["train", "--help"]])
def test_version_and_help_import_no_array_library(arguments):
    code = (
        "import sys; from xsoftmax.cli.app import app; app(sys.argv[1:], standalone_mode=False);"
        "print(*(m for m in ('numpy', 'sklearn', 'scipy', 'matplotlib') if m in sys.modules))"
    )
    environment = {**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(xsoftmax.__file__))}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True, text=True, check=True, env=environment,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == ""


@pytest.mark.parametrize("command", ["train", "sweep", "evaluate", "predict"])
def test_help_shows_flags_without_a_value(command):
    done = CliRunner(env={"COLUMNS": "120", "NO_COLOR": "1"}).invoke(app, [command, "--help"])
    lines = [line for line in done.output.splitlines() if "--json" in line or "--quiet" in line]
    assert len(lines) == 2
    assert not any("--no-json" in line or "<bool>" in line for line in lines)
