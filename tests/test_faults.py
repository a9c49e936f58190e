"""Faults of the machine: processes that are killed, memory that is refused, clocks that jump."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import xsoftmax
from xsoftmax import SoftmaxRegression, StoredRows

from .cli.test_interrupts import run, when_called
from .killed import FITS, bits
from .problems import blobs

posix = pytest.mark.skipif(os.name != "posix", reason="Windows has no fork and no such limits")


@posix
@pytest.mark.parametrize("name", FITS)
def test_a_fit_that_is_killed_anywhere_goes_on_to_the_same_bits(name):
    """In a process without the threads of other tests, because it forks."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.killed", "--points", "12", name]
    root = Path(xsoftmax.__file__).parents[1]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    n_killed = int(done.stdout.split("killed at ")[1].split()[0])
    assert n_killed >= 5


@posix
@pytest.mark.parametrize("command", ["train", "sweep", "evaluate"])
def test_memory_that_is_refused_is_one_line_and_1(command, tmp_path):
    data = xsoftmax.datasets.digits()
    model = SoftmaxRegression().fit(data.X_train, data.y_train)
    xsoftmax.save(model, tmp_path / "m.safetensors")
    X = np.tile(data.X_train, (60, 2))[:, :64].astype("float64")
    np.savez(tmp_path / "big.npz", X=X, y=np.tile(data.y_train, 60))
    code = when_called("xsoftmax.datasets.numpy_files", "npz_arrays")
    code += """
def act():
    import resource
    with open("/proc/self/statm") as file:
        size = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + (16 << 20), resource.RLIM_INFINITY))
"""
    if not Path("/proc/self/statm").exists():
        pytest.skip("only Linux says how large a process is")
    options = ["--model", "m.safetensors"] if command == "evaluate" else ["--quiet"]
    before = sorted(tmp_path.iterdir())
    done = run(code, command, "big.npz", *options, cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr
    assert sorted(tmp_path.iterdir()) == before


def test_a_clock_that_jumps_changes_no_fit(monkeypatch, tmp_path):
    X, y = blobs(300, 9, 4, spread=3.0)
    expected = bits(SoftmaxRegression(C=1e3).fit(X, y, checkpoint=tmp_path / "fit"))
    jumps = iter(np.random.default_rng(0).uniform(0, 2e9, 100_000))
    for clock in ("time", "perf_counter", "monotonic"):
        monkeypatch.setattr(time, clock, lambda: next(jumps))
    found = SoftmaxRegression(C=1e3).fit(X, y, checkpoint=tmp_path / "fit", checkpoint_every=60)
    assert bits(found) == expected
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_cut_short_while_it_is_read_is_named(tmp_path):
    X, y = blobs(3000, 12, 4, spread=3.0)
    np.save(tmp_path / "X.npy", X)
    rows = StoredRows(tmp_path / "X.npy")

    def cut(*_):
        os.truncate(tmp_path / "X.npy", 1000)

    with pytest.raises(ValueError, match=r"X\.npy (ends at row|has changed)"):
        SoftmaxRegression(solver="gd", max_iter=5, tol=0).fit(rows, y, monitor=cut)
