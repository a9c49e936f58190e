"""`xsoftmax sweep`."""

import json
import re

import numpy as np
import pytest

import xsoftmax

from .commands import run, write_table


def test_sweep_shows_scores_and_writes_the_best_model_and_a_picture(tmp_path):
    out, err = run("sweep", "--Cs", "1e-3:10:3", "--cv", "3", cwd=tmp_path)
    assert "9 problems and a refit in" in out
    assert "9/9 problems" in err
    best = re.search(r"best C = (\S+)", out).group(1)
    assert re.search(rf"{best} \* ", out)
    model = xsoftmax.load(tmp_path / "xsoftmax-out" / "model.safetensors")
    assert float(best) == model.C
    assert (tmp_path / "xsoftmax-out" / "sweep.png").read_bytes().startswith(b"\x89PNG")


def test_sweep_json_is_one_object(tmp_path):
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


def test_sweep_takes_a_test_file_and_keeps_names(flowers):
    folder, rows, _ = flowers
    write_table(folder / "part.csv", ["kind", "w", "v", "u"], [row[::-1] for row in rows[:30]])
    out, _ = run("sweep", "train.csv", "--test", "part.csv", "--Cs", "0.1:10:3", "--cv", "3",
                 "--no-plots", "--out", "sweep", "-q", cwd=folder)  # fmt: skip
    assert "│ train │   90 │" in out
    assert "│ test  │   30 │" in out
    model = xsoftmax.load(folder / "sweep" / "model.safetensors")
    assert model.feature_names_in_.tolist() == ["u", "v", "w"]
