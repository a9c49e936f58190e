"""Data that is piped in."""

import gzip
import io
import json
import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import save

from .commands import ENVIRONMENT


def pipe(content, *arguments, cwd, code=0):
    """stdout and stderr of a command with `content` on its standard input."""
    done = subprocess.run(
        [sys.executable, "-m", "xsoftmax", *arguments],
        cwd=cwd,
        input=content,
        capture_output=True,
        env=ENVIRONMENT,
        timeout=300,
    )
    assert done.returncode == code, done.stderr.decode()
    return done.stdout.decode(), done.stderr.decode()


def test_a_table_goes_in_and_labels_come_out(flowers, tmp_path):
    folder, rows, _ = flowers
    table = (folder / "train.csv").read_bytes()
    model = "--model", str(folder / "xsoftmax-out")
    out, _ = pipe(table, "predict", "-", *model, "--out", "-", "--quiet", cwd=tmp_path)
    assert out.splitlines()[0] == "prediction"
    assert len(out.splitlines()) == len(rows) + 1
    result = json.loads(pipe(table, "evaluate", "-", *model, "--json", cwd=tmp_path)[0])
    assert result["n_samples"] == len(rows)
    assert list(tmp_path.iterdir()) == []


def test_arrays_are_told_from_text(tmp_path):
    X = np.random.default_rng(0).standard_normal((60, 3))
    content = io.BytesIO()
    np.savez(content, X=X, y=(X[:, 0] > 0).astype(int))
    out, _ = pipe(content.getvalue(), "train", "-", "--json", "--no-plots", "--quiet", cwd=tmp_path)
    assert json.loads(out)["test_accuracy"] > 0.8


def test_what_is_no_table_says_so(tmp_path):
    _, err = pipe(b"\x00\x01", "train", "-", cwd=tmp_path, code=1)
    assert "stdin.csv" in err
    assert "Traceback" not in err


@pytest.mark.skipif(sys.platform == "win32", reason="needs a terminal")
def test_a_terminal_is_no_data(tmp_path):
    import pty

    _, terminal = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "xsoftmax", "train", "-"],
        cwd=tmp_path,
        stdin=terminal,
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        timeout=60,
    )
    assert done.returncode == 2
    assert "reads what is piped in" in done.stderr


def test_compressed_and_empty_pipes_are_told_and_safetensors_are_read(tmp_path):
    _, err = pipe(gzip.compress(b"a,b\n"), "train", "-", cwd=tmp_path, code=2)
    assert "pipe it through gunzip" in " ".join(err.split())
    _, err = pipe(b"", "train", "-", cwd=tmp_path, code=2)
    assert "that is empty" in " ".join(err.split())
    X = np.random.default_rng(0).standard_normal((60, 3))
    content = save({"X": X, "y": (X[:, 0] > 0).astype(int)})
    arguments = "--json", "--no-plots", "--quiet"
    assert json.loads(pipe(content, "train", "-", *arguments, cwd=tmp_path)[0])["model"]


def test_rows_to_test_on_may_be_piped_in(flowers, tmp_path):
    folder, _, accuracy = flowers
    table = folder / "train.csv"
    arguments = "--test", "-", "--json", "--no-plots", "--quiet"
    out, _ = pipe(table.read_bytes(), "train", str(table), *arguments, cwd=tmp_path)
    assert json.loads(out)["test_accuracy"] == accuracy
