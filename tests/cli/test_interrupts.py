"""Ctrl-C and SIGTERM on the command line: one line, exit code, no traceback, whole files."""

import json
import os
import re
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


#: Does as `act` does when {name} of {module}, where it is defined, is called for the n-th time.
WHEN_CALLED = """
import os, signal, sys, time
def act():
    os.kill(os.getpid(), signal.SIGINT)
def watch(frame, event, function, calls=[]):
    if event == "c_call":
        called = function.__module__, function.__qualname__
    else:
        called = frame.f_globals.get("__name__"), frame.f_code.co_qualname
    if event in ("call", "c_call") and called == ({module!r}, {name!r}):
        calls.append(called)
        if len(calls) == {n}:
            sys.setprofile(None)
            act()
sys.setprofile(watch)
"""


def when_called(module, name, n=1):
    return WHEN_CALLED.format(module=module, name=name, n=n)


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
def test_an_interrupt_while_importing_is_one_line_and_130(name, tmp_path):
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
        ("train", "xsoftmax.arrays.backends", "backend"),
        ("train", "xsoftmax.datasets.sources", "load"),
        ("train", "xsoftmax.serialization.files", "write_whole"),
        ("train", "posix", "fsync"),
        ("train", "xsoftmax.cli.evaluation", "evaluate"),
        ("train", "xsoftmax.cli.pictures", "model_pictures"),
        ("train", "xsoftmax.plots.images", "plot_weights"),
        ("train", "xsoftmax.cli.console", "print_scores"),
        ("sweep", "xsoftmax.serialization.model_file", "save"),
        ("sweep", "xsoftmax.cli.console", "print_table"),
        ("evaluate", "xsoftmax.serialization.model_file", "load"),
        ("evaluate", "xsoftmax.cli.evaluation", "evaluate"),
        ("predict", "xsoftmax.serialization.model_file", "load"),
        ("predict", "xsoftmax.serialization.files", "write_whole"),
        ("reproduce", "xsoftmax.datasets.published", "mnist"),
        ("info", "xsoftmax.arrays.backends", "report"),
    ],
)
def test_an_interrupt_while_a_command_works_is_one_line_and_130(
    command, module, name, tmp_path, model
):
    arguments = {
        "train": ["--quiet"],
        "sweep": ["--quiet", "--cv", 2, "--Cs", 1],
        "evaluate": ["--model", model],
        "predict": ["--model", model, "--out", "p.csv"],
        "reproduce": ["neural-network"],
        "info": [],
    }[command]
    code = when_called(module, name)
    done = run(code, command, *arguments, cwd=tmp_path)
    assert done.returncode == 130, done.stderr
    assert done.stderr == "interrupted\n"
    assert not list(tmp_path.rglob(".xsoftmax-*"))
    for path in tmp_path.rglob("*.safetensors"):
        xsoftmax.load(path)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("xsoftmax.datasets.sources", "load"),
        ("posix", "fsync"),
        ("xsoftmax.plots.images", "plot_weights"),
    ],
)
def test_a_termination_is_one_line_and_143(module, name, tmp_path):
    code = when_called(module, name).replace("SIGINT", "SIGTERM")
    done = run(code, "train", "--quiet", cwd=tmp_path)
    assert done.returncode == 143, done.stderr
    assert done.stderr == "terminated\n"
    assert not list(tmp_path.rglob(".xsoftmax-*"))
    for path in tmp_path.rglob("*.safetensors"):
        xsoftmax.load(path)


def test_a_terminated_fit_keeps_the_model_of_its_last_iteration(tmp_path):
    monitor = "training_progress.<locals>.monitor"
    code = when_called("xsoftmax.cli.console", monitor, n=3).replace("SIGINT", "SIGTERM")
    done = run(code, "train", "--kind", "mlp", "--json", "--quiet", cwd=tmp_path)
    assert done.returncode == 143
    result = json.loads(done.stdout)
    assert result["interrupted"]
    assert xsoftmax.load(tmp_path / result["model"]).n_iter_ == result["n_iter"] > 0


@pytest.mark.parametrize("delay", [0.0, 0.2, 1.0])
@pytest.mark.parametrize("command", ["train", "info"])
def test_an_interrupt_after_a_while_is_one_line_and_130(command, delay, tmp_path):
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


def test_an_interrupt_before_the_first_iteration_writes_nothing(tmp_path):
    code = when_called("xsoftmax.classifiers.validation", "check_y")
    done = run(code, "train", "--quiet", cwd=tmp_path)
    assert done.returncode == 130
    assert done.stderr == ("interrupted before the first iteration finished; nothing was written\n")
    assert not list(tmp_path.iterdir())


def test_an_interrupted_fit_replaces_no_finished_model(tmp_path, model):
    there = tmp_path / "run" / "model.safetensors"
    there.parent.mkdir()
    there.write_bytes(model.read_bytes())
    monitor = "training_progress.<locals>.monitor"
    code = when_called("xsoftmax.cli.console", monitor, n=3)  # after the third iteration
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


def test_a_process_that_ignores_interrupts_works_on(tmp_path):
    code = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); "
    code += when_called("xsoftmax.datasets.sources", "load")
    done = run(code, "train", "--quiet", "--no-plots", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_an_interrupt_that_python_would_drop_is_asked_again(tmp_path):
    code = when_called("xsoftmax.datasets.sources", "load")
    code += """
class Dropped:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(1000):
            pass
def act():
    Dropped()
    time.sleep(20)
"""
    start = time.perf_counter()
    done = run(code, "train", cwd=tmp_path)
    assert done.returncode == 130
    assert done.stderr == "interrupted\n"
    assert time.perf_counter() - start < 15


def test_is_interrupt_knows_an_error_that_an_interrupt_became():
    error = ImportError("numpy failed to import")
    assert not interrupts.is_interrupt(error)
    error.__context__ = KeyboardInterrupt()
    assert interrupts.is_interrupt(error)


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for another process on Windows")
def test_an_interrupted_fit_leaves_a_usable_model(tmp_path):
    # A shell lets what it runs in the background ignore the signal, and that is inherited.
    listen = "import runpy, signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    process = subprocess.Popen(
        [
            sys.executable, "-c", listen + "runpy.run_module('xsoftmax', run_name='__main__')",
            "train", "--kind", "mlp", "--max-iter", "1000000", "--tol", "0", "--json",
            "--no-plots",
        ],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**ENVIRONMENT, "FORCE_COLOR": "1", "TTY_INTERACTIVE": "1"},
    )  # fmt: skip
    try:
        seen = ""
        while "objective 0." not in seen:
            seen += process.stderr.read(1)
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    result = json.loads(out)
    assert result["interrupted"]
    assert f"keeping the model of iteration {result['n_iter']}" in re.sub(
        r"\x1b\[[0-9;]*m", "", err
    )
    model = xsoftmax.load(tmp_path / result["model"])
    assert model.n_iter_ == result["n_iter"] > 0
