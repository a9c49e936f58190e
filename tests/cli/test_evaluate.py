"""`xsoftmax evaluate`."""

import json

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import xsoftmax

from .commands import run


def test_evaluate_gives_what_train_gave(trained):
    folder, *_ = trained
    model = "xsoftmax-out/model.safetensors"
    result = json.loads(run("evaluate", "--model", model, "--json", cwd=folder)[0])
    assert result["n_samples"] == 360
    out, _ = run("evaluate", "--model", model, "--plots", "more", cwd=folder)
    assert f"{result['test_accuracy']:.4f}" in out
    assert (folder / "more" / "confusion_matrix.png").exists()


def test_evaluate_and_predict_take_a_pipeline_on_every_backend(xp, tmp_path):
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
