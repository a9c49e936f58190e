"""The command line, as a person runs it: in a process of its own."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import xsoftmax
from xsoftmax import __main__
from xsoftmax.cli.console import print_json

ENVIRONMENT = {**os.environ, "COLUMNS": "120", "NO_COLOR": "1", "PYTHONWARNINGS": "default"}


def run(*arguments, cwd, code=0):
    """stdout and stderr of a command that must exit with `code`."""
    done = subprocess.run(
        [sys.executable, "-m", "xsoftmax", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        timeout=300,
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout, done.stderr


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder where the default was trained, and what was printed."""
    folder = tmp_path_factory.mktemp("trained")
    return folder, *run("train", cwd=folder)


def test_train_shows_scores_and_writes_model_and_pictures(trained):
    folder, out, err = trained
    assert re.search(r"train .* 0\.9\d+ .* test .* 0\.9\d+", out, re.DOTALL)
    shown = re.search(r"(\d+) iterations in .* objective \(loss \+ penalty\) (\S+)", out)
    assert f"objective {shown.group(2)}" in err  # the same number
    assert f"{shown.group(1)}/{shown.group(1)}" in err  # the bar of a fit that converged is full
    assert "cross-entropy loss" in out
    names = sorted(path.name for path in (folder / "xsoftmax-out").iterdir())
    assert names == [
        "confusion_matrix.png", "loss_curve.png", "model.safetensors", "predictions.png",
        "samples.png", "weights.png",
    ]  # fmt: skip
    assert all(f"wrote xsoftmax-out/{name}" in out for name in names)
    assert "softmax-regression on digits" in err  # progress
    png = (folder / "xsoftmax-out" / "samples.png").read_bytes()
    assert png.startswith(b"\x89PNG")


def test_train_json_is_one_object(tmp_path):
    out, err = run(
        "train", "--json", "--quiet", "--no-plots", "--out", "m.safetensors", cwd=tmp_path
    )
    result = json.loads(out)
    assert err == ""
    assert result["test_accuracy"] > 0.95
    assert 0 < result["train_loss"] < result["test_loss"]
    model = xsoftmax.load(tmp_path / "m.safetensors")
    penalty = np.sum(model.coef_.astype("float64") ** 2) / (2 * 1437)
    assert result["objective"] == pytest.approx(result["train_loss"] + penalty, rel=1e-5)
    assert result["objective"] == model.loss_curve_[-1]
    assert result["n_iter"] > 0
    assert result["seconds"] > 0
    assert result["model"] == "m.safetensors"
    assert not result["interrupted"]
    data = xsoftmax.datasets.digits().astype("float32")
    assert model.score(data.X_test, data.y_test) == result["test_accuracy"]


def test_evaluate_gives_what_train_gave(trained):
    folder, *_ = trained
    model = "xsoftmax-out/model.safetensors"
    result = json.loads(run("evaluate", "--model", model, "--json", cwd=folder)[0])
    assert result["n_samples"] == 360
    out, _ = run("evaluate", "--model", model, "--plots", "more", cwd=folder)
    assert f"{result['test_accuracy']:.4f}" in out
    assert (folder / "more" / "confusion_matrix.png").exists()


def test_predict(trained):
    folder, *_ = trained
    model = "xsoftmax-out/model.safetensors"
    out, _ = run("predict", "--model", model, cwd=folder)
    lines = out.splitlines()
    assert lines[0] == "prediction"
    accuracy = np.mean(np.asarray(lines[1:], dtype=int) == xsoftmax.datasets.digits().y_test)
    assert accuracy > 0.95
    run("predict", "--model", model, "--proba", "--out", "p.csv", cwd=folder)
    with open(folder / "p.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 360
    assert sum(float(rows[0][f"p({c})"]) for c in range(10)) == pytest.approx(1)
    result = json.loads(run("predict", "--model", model, "--proba", "--json", cwd=folder)[0])
    assert [str(label) for label in result["predictions"]] == lines[1:]
    assert result["classes"] == list(range(10))


def test_names_may_look_like_markup(trained, tmp_path):
    folder = tmp_path / "runs[/b][bold]"
    folder.mkdir(parents=True)
    model = trained[0] / "xsoftmax-out" / "model.safetensors"
    (folder / "[a].safetensors").write_bytes(model.read_bytes())
    out, _ = run("evaluate", "--model", folder / "[a].safetensors", cwd=tmp_path)
    assert "runs[/b][bold]/[a].safetensors" in out
    out, err = run("train", "--max-iter", "1", "--no-plots", "--out", folder, cwd=tmp_path)
    assert f"wrote {folder}/model.safetensors" in out
    assert "warning: SoftmaxRegression did not converge" in err


def test_a_table_with_labels_that_are_strings(tmp_path):
    rng = np.random.default_rng(0)
    lines = ["width,height,species"]
    for i in range(60):
        shift = 5 * (i % 3)
        lines.append(f"{rng.normal(shift):.3f},{rng.normal(-shift):.3f},{'abc'[i % 3]}")
    (tmp_path / "t.csv").write_text("\n".join(lines))
    out, _ = run(
        "train", "t.csv", "--kind", "mlp", "--hidden", "8,4", "--activation", "tanh", "--solver",
        "lbfgs", "--alpha", "0.1", "--json", "--quiet", cwd=tmp_path,
    )  # fmt: skip
    result = json.loads(out)
    assert result["test_accuracy"] > 0.9
    pictures = ["projection.png", "loss_curve.png", "recall.png", "confusion_matrix.png"]
    assert [Path(path).name for path in result["plots"]] == pictures  # of rows that are no images
    (tmp_path / "new.csv").write_text("width,height\n0,0\n10,-10\n")
    out, _ = run("predict", "new.csv", "--model", result["model"], cwd=tmp_path)
    assert out.split() == ["prediction", "a", "c"]


def test_backends_on_the_command_line(xp, tmp_path):
    if xp.name.startswith("strict"):
        pytest.skip("array-api-strict is for tests, not for the command line")
    out, _ = run(
        "train", "--backend", xp.name, "--max-iter", "5", "--tol", "0", "--no-plots", "--json",
        "--quiet", cwd=tmp_path,
    )  # fmt: skip
    result = json.loads(out)
    out, _ = run(
        "evaluate", "--model", result["model"], "--backend", xp.name, "--json", cwd=tmp_path
    )
    assert json.loads(out)["test_accuracy"] == result["test_accuracy"] > 0.7


def test_a_pipeline_on_the_command_line(xp, tmp_path):
    if xp.name.startswith("strict"):
        pytest.skip("array-api-strict is for tests, not for the command line")
    data = xsoftmax.datasets.digits()
    head = make_pipeline(StandardScaler(), xsoftmax.SoftmaxRegression())
    head.fit(data.X_train, data.y_train)
    xsoftmax.save(head, tmp_path / "m.safetensors")
    arguments = ["--model", "m.safetensors", "--backend", xp.name, "--json"]
    result = json.loads(run("evaluate", *arguments, cwd=tmp_path)[0])
    assert result["test_accuracy"] == pytest.approx(head.score(data.X_test, data.y_test), abs=3e-3)
    result = json.loads(run("predict", *arguments, "--proba", cwd=tmp_path)[0])
    expected = head.predict_proba(data.X_test)
    np.testing.assert_allclose(result["probabilities"], expected, atol=1e-4)


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
def test_errors_are_one_sentence_and_a_code(tmp_path, arguments, code, message):
    out, err = run(*arguments, cwd=tmp_path, code=code)
    assert out == ""
    assert message in err
    assert not list(tmp_path.glob("xsoftmax-out/*"))


def test_so_is_a_lack_of_memory(monkeypatch, capsys):
    def command(**_):
        raise MemoryError("Out of memory with X (60000, 784).")

    monkeypatch.setattr("xsoftmax.cli.app.app", command)
    monkeypatch.setattr("xsoftmax.cli.interrupts.listen", lambda: None)
    with pytest.raises(SystemExit) as ended:
        __main__.main()
    assert ended.value.code == 1
    assert capsys.readouterr().err == "error: Out of memory with X (60000, 784).\n"


def test_a_fit_that_did_not_converge_warns_on_stderr(tmp_path):
    out, err = run("train", "--max-iter", "2", "--no-plots", "--json", cwd=tmp_path)
    assert json.loads(out)["n_iter"] == 2
    assert err.count("did not converge") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for another process on Windows")
def test_an_interrupt_leaves_a_usable_model(tmp_path):
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


def test_info(tmp_path):
    out, _ = run("info", cwd=tmp_path)
    for name in ("numpy", "cupy", "torch", "jax", "array_api_strict"):
        assert name in out
    libraries = json.loads(run("info", "--json", cwd=tmp_path)[0])["libraries"]
    numpy = next(row for row in libraries if row["name"] == "numpy")
    assert numpy["version"] == np.__version__


def test_reproduce(mnist_dir, tmp_path):
    arguments = ["reproduce", "neural-network", "--data-dir", mnist_dir, "--max-iter", "1"]
    out, _ = run(*arguments, "--json", cwd=tmp_path)
    result = json.loads(out)
    assert set(result) == {"rows", "train_accuracy", "test_accuracy"}
    assert result["rows"] == [
        {
            "iteration": 0,
            "published_loss": 0.24014291022543646,
            "loss": pytest.approx(0.24014291022543646, rel=1e-12),
            "published_accuracy": 5036 / 60000,
            "accuracy": 5036 / 60000,
        }
    ]
    out, _ = run(*arguments, cwd=tmp_path)
    assert "0.240142910225436" in out
    assert "0.083933" in out
    out, _ = run(
        "reproduce", "softmax-regression", "--data-dir", mnist_dir, "--max-iter", "1", "--json",
        "--dtype", "float32", "--quiet", cwd=tmp_path,
    )  # fmt: skip
    assert json.loads(out)["rows"][0]["published_accuracy"] is None


def test_version_and_help(tmp_path):
    assert run("--version", cwd=tmp_path)[0] == f"xsoftmax {xsoftmax.__version__}\n"
    assert "--early-stopping" in run("train", "--help", cwd=tmp_path)[0]
    assert "reproduce" in run("-h", cwd=tmp_path)[0]


def test_json_has_no_nan(capsys):
    print_json({"a": float("nan"), "b": [float("inf"), 1.5]})
    assert json.loads(capsys.readouterr().out) == {"a": None, "b": [None, 1.5]}


def test_sweep_shows_scores_and_writes_the_best_model_and_a_picture(tmp_path):
    out, err = run("sweep", "--Cs", "1e-3:10:3", "--cv", "3", cwd=tmp_path)
    assert "9 problems and a refit in" in out
    assert "9/9 problems" in err
    best = re.search(r"best C = (\S+)", out).group(1)
    assert re.search(rf"{best} \* ", out)
    model = xsoftmax.load(tmp_path / "xsoftmax-out" / "model.safetensors")
    assert float(best) == model.C
    assert (tmp_path / "xsoftmax-out" / "sweep.png").read_bytes().startswith(b"\x89PNG")


def test_sweep_json(tmp_path):
    arguments = "--Cs", "10,0.1", "--cv", "2", "--json", "--quiet", "--no-plots"
    out, err = run("sweep", *arguments, "--out", "best.safetensors", cwd=tmp_path)
    assert err == ""
    result = json.loads(out)
    assert result["Cs"] == [10, 0.1]
    assert np.shape(result["scores"]) == np.shape(result["n_iter"]) == (2, 2)
    assert result["C"] in result["Cs"]
    assert result["plots"] == []
    assert result["C"] == xsoftmax.load(tmp_path / "best.safetensors").C


@pytest.mark.parametrize(
    "grid", ["1:2", "a:b:3", "0:1:3", "1e-3,-1", "nan", "1:10:0", "1:10:100000000000"]
)
def test_sweep_refuses_a_grid_that_it_cannot_read(grid, tmp_path):
    _, err = run("sweep", "--Cs", grid, cwd=tmp_path, code=2)
    assert "--Cs must be FROM:TO:COUNT" in err
