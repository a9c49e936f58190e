"""`xsoftmax reproduce`."""

import json

import pytest

from .commands import run


def test_reproduce_shows_published_figures_beside_ours(mnist_dir, tmp_path):
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
