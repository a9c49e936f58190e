"""Models that commands have trained."""

import json

import numpy as np
import pytest

from .commands import run, write_table


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A folder where the default was trained, and what was printed."""
    folder = tmp_path_factory.mktemp("trained")
    return folder, *run("train", cwd=folder)


@pytest.fixture(scope="session")
def flowers(tmp_path_factory):
    """A folder with a table, a model that was trained on all of it, and that model's accuracy."""
    folder = tmp_path_factory.mktemp("flowers")
    rng = np.random.default_rng(0)
    rows = [
        [*(f"{rng.normal(k * (j + 1)):.3f}" for j in range(3)), "abc"[k]]
        for k in (i % 3 for i in range(90))
    ]
    write_table(folder / "train.csv", ["u", "v", "w", "kind"], rows)
    out, _ = run("train", "train.csv", "--test", "train.csv", "--no-plots", "--json", "-q",
                 cwd=folder)  # fmt: skip
    return folder, rows, json.loads(out)["test_accuracy"]
