"""`xsoftmax predict`."""

import csv
import json

import numpy as np
import pytest

import xsoftmax

from .commands import run


def test_predict_writes_labels_and_probabilities(trained):
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
