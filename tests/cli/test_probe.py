"""`xsoftmax probe`."""

import json

import numpy as np
import pytest

import xsoftmax

from .commands import run


@pytest.fixture
def parts(tmp_path):
    """A folder with features to train on, to choose C on and to test on, of 7 classes."""
    rng = np.random.default_rng(0)
    y = np.arange(360) % 7
    X = (rng.standard_normal((7, 12))[y] + rng.standard_normal((360, 12))).astype(np.float16)
    np.save(tmp_path / "train.npy", X[:200])
    np.save(tmp_path / "train_labels.npy", y[:200])
    np.savez(tmp_path / "val.npz", X=X[200:260], y=y[200:260])
    (tmp_path / "test").mkdir()
    for i, rows in enumerate((slice(260, 300), slice(300, 360))):
        np.savez(tmp_path / "test" / f"{i}.npz", features=X[rows], labels=y[rows])
    return tmp_path, X, y


GRID = "--Cs", "1e-3:10:4"


def test_probe_chooses_c_on_val_and_scores_with_intervals(parts):
    folder, X, y = parts
    out, err = run("probe", "train.npy", "val.npz", "test", *GRID, cwd=folder)
    assert "chosen on 60 rows by accuracy" in out
    assert "4/4 problems" in err
    for name in ("accuracy", "mean per class", "top-5 accuracy"):
        assert f"│ {name}" in out
    saved = folder / "xsoftmax-out"
    model = xsoftmax.load(saved / "model.safetensors")
    search = xsoftmax.SoftmaxRegressionCV(np.geomspace(1e-3, 10, 4), tol=1e-5)
    search.fit(X[:200], y[:200], X_val=X[200:260], y_val=y[200:260])
    assert model.C == search.C_
    np.testing.assert_allclose(model.coef_, search.coef_, atol=1e-3)
    accuracy = model.score(X[260:], y[260:])
    assert f"{accuracy:.4f}" in out
    for name in ("sweep.png", "scores.png"):
        assert (saved / name).read_bytes().startswith(b"\x89PNG")


def test_probe_without_val_chooses_by_folds(parts):
    folder, X, y = parts
    arguments = "train.npy", "test", *GRID, "--cv", 3, "--calibrate", "--refit", "one-se"
    out, err = run("probe", *arguments, "--json", "-q", "--no-plots", "--resamples", 50, cwd=folder)
    assert err == ""
    result = json.loads(out)
    assert np.shape(result["scores"]) == (3, 4)
    assert (result["n_train"], result["n_val"], result["n_test"]) == (200, 0, 100)
    search = xsoftmax.SoftmaxRegressionCV(
        np.geomspace(1e-3, 10, 4), cv=3, tol=1e-5, refit="one_se", calibration="temperature"
    ).fit(X[:200], y[:200])
    assert result["C"] == search.C_
    assert result["temperature"] == pytest.approx(search.temperature_, rel=1e-3)
    accuracy = result["test"]["accuracy"]
    assert accuracy["score"] == search.score(X[260:], y[260:])
    assert accuracy["low"] < accuracy["score"] < accuracy["high"]
    assert list(result["test"]) == ["accuracy", "mean per class", "top-5 accuracy"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["train.npy", "val.npz", "test", "test"], 2, "at most TRAIN, VAL and TEST; got 4 paths"),
        (["train.npy", "val.npz", "test", "--cv", 3], 2, "C is chosen on VAL"),
        (["train.npy", "test", "--refit", "worst"], 2, "--refit must be best or one-se"),
        (["train.npy", "test", "--Cs", "1:2"], 2, "--Cs must be FROM:TO:COUNT"),
        (["train.npy", "none.npz"], 1, "none.npz"),
        (["train.npy", "other.npz"], 1, "other has labels that train.npy does not have"),
    ],
)
def test_probe_says_what_is_wrong(parts, arguments, code, message):
    folder, X, _ = parts
    np.savez(folder / "other.npz", X=X[:20], y=np.arange(20))
    _, err = run("probe", *arguments, cwd=folder, code=code)
    assert message in " ".join(err.replace("│", " ").split())
    assert not (folder / "xsoftmax-out").exists()


def test_probe_reads_features_from_their_files(parts):
    folder, X, y = parts
    np.save(folder / "val.npy", X[200:260])
    np.save(folder / "val_labels.npy", y[200:260])
    arguments = "train.npy", "val.npy", "test", *GRID, "--stored", "--no-plots", "--json"
    out, err = run("probe", *arguments, "--checkpoint", "kept", cwd=folder)
    assert "passes" in err
    result = json.loads(out)
    assert (result["n_train"], result["n_val"], result["n_test"]) == (200, 60, 100)
    in_memory = "--in-memory", "--json", "--no-plots", "-q", "--force"
    whole, _ = run("probe", "train.npy", "val.npy", "test", *GRID, *in_memory, cwd=folder)
    assert result["C"] == json.loads(whole)["C"]
    np.testing.assert_allclose(result["scores"], json.loads(whole)["scores"], atol=0.02)
