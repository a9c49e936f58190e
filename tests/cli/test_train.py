"""`xsoftmax train`."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

import xsoftmax
from xsoftmax import MLPClassifier, SoftmaxRegression, load
from xsoftmax.cli.train import _objective

from ..problems import blobs
from .commands import run, write_table


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


def test_train_and_evaluate_take_names_that_look_like_markup(trained, tmp_path):
    folder = tmp_path / "runs[/b][bold]"
    folder.mkdir(parents=True)
    model = trained[0] / "xsoftmax-out" / "model.safetensors"
    (folder / "[a].safetensors").write_bytes(model.read_bytes())
    out, _ = run("evaluate", "--model", folder / "[a].safetensors", cwd=tmp_path)
    assert "runs[/b][bold]/[a].safetensors" in out
    out, err = run("train", "--max-iter", "1", "--no-plots", "--out", folder, cwd=tmp_path)
    assert f"wrote {folder}/model.safetensors" in out
    assert "warning: SoftmaxRegression did not converge" in err


def test_train_takes_a_table_with_labels_that_are_strings(tmp_path):
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


def test_train_and_evaluate_on_every_backend(xp, tmp_path):
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


def test_train_warns_on_stderr_of_a_fit_that_did_not_converge(tmp_path):
    out, err = run("train", "--max-iter", "2", "--no-plots", "--json", cwd=tmp_path)
    assert json.loads(out)["n_iter"] == 2
    assert err.count("did not converge") == 1


@pytest.mark.parametrize("command", ["train", "sweep"])
def test_train_and_sweep_take_a_class_of_one_row(flowers, command):
    folder, rows, _ = flowers
    write_table(folder / "rare.csv", ["u", "v", "w", "kind"], [*rows, [9, 9, 9, "rare"]])
    more = ["--Cs", "0.1,1,10"] if command == "sweep" else []
    where = ["--no-plots", "--json", "--out", f"rare-{command}"]
    out, err = run(command, "rare.csv", *more, *where, cwd=folder)
    assert json.loads(out)["test_accuracy"] > 0.5
    assert "warning: rare: of class 'rare' there is a single row." in err


X, Y = blobs()


def test_objective_is_that_of_the_parameters_that_were_kept():
    model = MLPClassifier((3,), solver="gd", max_iter=5, tol=0, random_state=0).fit(X, Y)
    assert _objective(model) == model.loss_curve_[-1]
    model.set_params(early_stopping=True, n_iter_no_change=2, max_iter=50).fit(X, Y)
    best = model.validation_scores_.index(max(model.validation_scores_))
    assert best < len(model.loss_curve_) - 1
    assert _objective(model) == model.loss_curve_[best]


@pytest.mark.parametrize("test", [(), ("--test", "test.npy", "--test-labels", "test_labels.npy")])
def test_features_in_files_are_read_at_each_pass(tmp_path, test):
    X, y = blobs(900, 8, 3, spread=2.0)
    names = np.asarray(["one", "two", "three"])[y]
    np.save(tmp_path / "rows.npy", X[:700].astype(np.float16))
    np.save(tmp_path / "names.npy", names[:700])
    np.save(tmp_path / "test.npy", X[700:].astype(np.float16))
    np.save(tmp_path / "test_labels.npy", names[700:])
    given = "rows.npy", "--labels", "names.npy", "--stored", "--no-plots", *test
    out, err = run("train", *given, "--checkpoint", "kept", cwd=tmp_path)
    for words in ("passes", "rows/s", "MB/s"):
        assert words in err
    assert "softmax-regression on rows" in out
    assert not (tmp_path / "kept").exists()
    model = load(tmp_path / "xsoftmax-out" / "model.safetensors")
    whole = SoftmaxRegression().fit(X[:700], names[:700])
    assert model.score(X[700:], names[700:]) > whole.score(X[700:], names[700:]) - 0.03
    if test:
        np.testing.assert_allclose(model.coef_, whole.coef_, atol=0.05)
    out, err = run("sweep", *given, "--Cs", "0.1,1", "--cv", 3, "--force", cwd=tmp_path)
    assert "6/6" in err
    assert "passes" in err


def test_a_table_is_not_read_at_each_pass(tmp_path):
    (tmp_path / "rows.csv").write_text("a,b\n1,x\n2,y\n")
    _, err = run("train", "rows.csv", "--stored", cwd=tmp_path, code=2)
    assert "only features of .npy and .safetensors files" in " ".join(err.split())
