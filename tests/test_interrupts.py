"""Ctrl-C on the command line: one line, exit code 130, no traceback, whole files."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

import xsoftmax
from xsoftmax.cli import interrupts

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="no SIGINT for another process on Windows"
)

ENVIRONMENT = {**os.environ, "COLUMNS": "120", "NO_COLOR": "1"}
#: A shell lets what it runs in the background ignore the signal, and that is inherited.
LISTEN = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
MAIN = "from xsoftmax.__main__ import main; main()"  # what the script `xsoftmax` runs

#: Interrupts the process when it looks for the module {name!r}.
WHILE_IMPORTING = """
import os, signal, sys
class Interrupt:
    def find_spec(name, *_):
        if name == {name!r}:
            sys.meta_path.remove(Interrupt)
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupt)
"""

#: Interrupts the process when {module}.{name} is called.
WHEN_CALLED = """
import importlib, os, signal, time
from functools import wraps
module = importlib.import_module({module!r})
called = getattr(module, {name!r})
@wraps(called)
def interrupted(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGINT)
    return called(*args, **kwargs)
setattr(module, {name!r}, interrupted)
"""


def run(code, *arguments, cwd):
    return subprocess.run(
        [sys.executable, "-c", LISTEN + code + MAIN, *map(str, arguments)],
        cwd=cwd, capture_output=True, text=True, env=ENVIRONMENT, timeout=120,
    )  # fmt: skip


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "m.safetensors"
    data = xsoftmax.datasets.digits()
    return xsoftmax.save(xsoftmax.SoftmaxRegression().fit(data.X_train, data.y_train), path)


@pytest.mark.parametrize(
    "name",
    [
        "xsoftmax.cli.interrupts", "signal", "xsoftmax.cli.app", "numpy", "numpy._core._exceptions",
        "sklearn", "rich.progress", "matplotlib.pyplot", "PIL.PngImagePlugin",
    ],
)  # fmt: skip
def test_while_importing(name, tmp_path):
    code = WHILE_IMPORTING.format(name=name)
    if name == "signal":  # as where nothing else brought it
        code += "del sys.modules['signal']\n"
    done = run(code, "train", "--quiet", cwd=tmp_path)
    assert done.returncode == 130, done.stderr
    assert done.stderr == "interrupted\n"
    assert not list(tmp_path.rglob("*.tmp"))


@pytest.mark.parametrize(
    ("command", "module", "name"),
    [
        ("train", "xsoftmax.arrays", "backend"),
        ("train", "xsoftmax.datasets", "load"),
        ("train", "xsoftmax.serialization.model_file", "write_whole"),
        ("train", "os", "fsync"),
        ("train", "xsoftmax.cli.evaluation", "evaluate"),
        ("train", "xsoftmax.cli.pictures", "model_pictures"),
        ("train", "xsoftmax.plots", "plot_weights"),
        ("train", "xsoftmax.cli.train", "print_scores"),
        ("sweep", "xsoftmax.serialization.model_file", "save"),
        ("sweep", "xsoftmax.cli.sweep", "print_table"),
        ("evaluate", "xsoftmax.serialization.model_file", "load"),
        ("evaluate", "xsoftmax.cli.evaluation", "evaluate"),
        ("predict", "xsoftmax.serialization.model_file", "load"),
        ("predict", "xsoftmax.serialization.files", "write_whole"),
        ("reproduce", "xsoftmax.datasets", "mnist"),
        ("info", "xsoftmax.arrays", "report"),
    ],
)
def test_while_a_command_works(command, module, name, tmp_path, model):
    arguments = {
        "train": ["--quiet"],
        "sweep": ["--quiet", "--cv", 2, "--Cs", 1],
        "evaluate": ["--model", model],
        "predict": ["--model", model, "--out", "p.csv"],
        "reproduce": ["neural-network"],
        "info": [],
    }[command]
    code = WHEN_CALLED.format(module=module, name=name)
    done = run(code, command, *arguments, cwd=tmp_path)
    assert done.returncode == 130, done.stderr
    assert done.stderr == "interrupted\n"
    assert not list(tmp_path.rglob(".xsoftmax-*"))
    for path in tmp_path.rglob("*.safetensors"):
        xsoftmax.load(path)


@pytest.mark.parametrize("delay", [0.0, 0.2, 1.0])
@pytest.mark.parametrize("command", ["train", "info"])
def test_after_a_while(command, delay, tmp_path):
    code = (
        "import sys, xsoftmax.cli.interrupts; print('started', flush=True); xsoftmax.cli.interrupts"
    )
    code += ".listen(); "
    process = subprocess.Popen(
        [sys.executable, "-c", LISTEN + code + MAIN, command],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=ENVIRONMENT,
    )  # fmt: skip
    process.stdout.readline()
    time.sleep(delay + 0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode in (130, 0)  # it may have been done
    assert "Traceback" not in err
    assert err.endswith("interrupted\n") == (process.returncode == 130)


def test_before_the_first_iteration_nothing_is_written(tmp_path):
    code = WHEN_CALLED.format(module="xsoftmax.classifiers.base", name="solve")
    done = run(code, "train", "--quiet", cwd=tmp_path)
    assert done.returncode == 130
    assert done.stderr == ("interrupted before the first iteration finished; nothing was written\n")
    assert not list(tmp_path.iterdir())


def test_an_interrupted_fit_leaves_a_finished_model_as_it_is(tmp_path, model):
    there = tmp_path / "run" / "model.safetensors"
    there.parent.mkdir()
    there.write_bytes(model.read_bytes())
    # The third iteration is interrupted.
    code = """
import os, signal
from xsoftmax.classifiers.watch import Watch
plain = Watch.__call__
def call(self, iteration, *args):
    if iteration == 3:
        os.kill(os.getpid(), signal.SIGINT)
    return plain(self, iteration, *args)
Watch.__call__ = call
"""
    done = run(
        code, "train", "--kind", "mlp", "--out", "run", "--force", "--json", "--quiet",
        cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 130
    result = json.loads(done.stdout)
    assert result["interrupted"]
    assert result["model"] == "run/model-interrupted.safetensors"
    assert result["plots"] == []
    assert xsoftmax.load(tmp_path / result["model"]).n_iter_ == result["n_iter"] > 0
    assert there.read_bytes() == model.read_bytes()


def test_a_process_that_is_deaf_to_it_works_on(tmp_path):
    code = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); "
    code += WHEN_CALLED.format(module="xsoftmax.datasets", name="load")
    done = run(code, "train", "--quiet", "--no-plots", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_an_interrupt_that_python_would_drop_is_asked_again(tmp_path):
    code = """
import os, signal
from xsoftmax import datasets
class Dropped:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(1000):
            pass
def load(*_, **__):
    import time
    Dropped()
    time.sleep(20)
datasets.load = load
"""
    start = time.perf_counter()
    done = run(code, "train", cwd=tmp_path)
    assert done.returncode == 130
    assert done.stderr == "interrupted\n"
    assert time.perf_counter() - start < 15


def test_an_error_that_an_interrupt_became():
    error = ImportError("numpy failed to import")
    assert not interrupts.is_interrupt(error)
    error.__context__ = KeyboardInterrupt()
    assert interrupts.is_interrupt(error)


def test_stdout_that_is_full_is_an_error_in_one_line(tmp_path):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "xsoftmax", "info", "--json"],
            cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == "error: cannot write to stdout: No space left on device.\n"
