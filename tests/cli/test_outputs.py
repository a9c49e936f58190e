"""Where a command's files go, what is refused before the work, and what a failure costs."""

import json
import re
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from typer.testing import CliRunner

import xsoftmax
from xsoftmax.classifiers import SoftmaxRegression
from xsoftmax.cli import outputs
from xsoftmax.cli.app import app

from ..disk import files_of_at_most
from .commands import run as run_alone

PICTURES = [
    "confusion_matrix.png", "loss_curve.png", "predictions.png", "samples.png", "weights.png",
]  # fmt: skip


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def run(*arguments, error=None):
    """The result of a command, which must end well, or with an `error` that matches."""
    done = CliRunner().invoke(app, [*map(str, arguments)])
    if error is None:
        assert done.exit_code == 0, done.output
    else:
        assert isinstance(done.exception, (OSError, ValueError)), done.output
        assert re.search(error, str(done.exception))
        assert "\n" not in str(done.exception)
    return done


def names(folder="."):
    return sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*"))


#: A table and a model that are not there: work that began would end in another error.
NO_DATA, NO_MODEL = "no-data.csv", "no-model.safetensors"


@pytest.mark.parametrize("command", ["train", "sweep"])
@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("file", "--out file is a file, and not a model file"),
        ("file/run", "cannot write file/run/model.safetensors: a part of its path is a file"),
        ("file/m.safetensors", "a part of its path is a file"),
        ("folder.safetensors", "cannot write folder.safetensors: it is a folder"),
        ("model.bin", "neither the name of a model file, .* Try --out model.safetensors"),
        ("model.pkl", "neither the name of a model file"),
        ("x" * 300, "its name is too long"),
    ],
)
def test_an_out_that_cannot_be_written_is_refused_before_the_work(command, out, message):
    Path("file").write_text("")
    Path("folder.safetensors").mkdir()
    run(command, NO_DATA, "--out", out, error=message)
    assert names() == ["file", "folder.safetensors"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["train", NO_DATA, "--plots", "file"],
            "cannot write file/predictions.png: a part of its path",
        ),
        (["sweep", NO_DATA, "--plots", "file/more"], "a part of its path is a file"),
        (["evaluate", "--model", NO_MODEL, "--plots", "file"], "a part of its path is a file"),
        (["predict", "--model", NO_MODEL, "--out", "."], "it is a folder"),
        (["predict", "--model", NO_MODEL, "--out", "file/p.csv"], "a part of its path is a file"),
        (["predict", "--model", NO_MODEL, "--out", "file"], "file is there already.*--force"),
    ],
)
def test_other_files_that_cannot_be_written_are_refused_before_the_work(arguments, message):
    Path("file").write_text("")
    run(*arguments, error=message)
    assert names() == ["file"]


@pytest.mark.parametrize("command", ["train", "sweep"])
def test_a_disk_that_is_full_is_refused_before_the_work(command):
    with files_of_at_most(1000):
        run(command, NO_DATA, error="cannot write xsoftmax-out/model.safetensors: the file would")
    assert names() == []


def test_a_model_that_has_no_room_is_refused_before_training():
    # Memory for the start alone would end in a MemoryError.
    run("train", "--kind", "mlp", "--hidden", 10**14, "--quiet", error="no room is left")


def test_destination_gives_the_default_folder_a_new_name():
    first = run("train", "--max-iter", 3, "--quiet", "--tol", 0)
    assert names("xsoftmax-out") == sorted([*PICTURES, "model.safetensors"])
    before = Path("xsoftmax-out/model.safetensors").read_bytes()
    second = run("train", "--max-iter", 2, "--quiet", "--tol", 0)
    third = run("sweep", "--Cs", 1, "--cv", 2, "--quiet", "--json", "--no-plots")
    assert Path("xsoftmax-out/model.safetensors").read_bytes() == before
    assert names("xsoftmax-out-2") == sorted([*PICTURES, "model.safetensors"])
    assert json.loads(third.stdout)["model"] == "xsoftmax-out-3/model.safetensors"
    assert first.stderr == ""
    assert second.stderr == (
        "xsoftmax-out is there already, so this run's files go to xsoftmax-out-2\n"
    )
    run("train", "--max-iter", 1, "--quiet", "--tol", 0, "--force")
    assert xsoftmax.load("xsoftmax-out/model.safetensors").n_iter_ == 1
    assert sorted(path.name for path in Path().iterdir()) == [
        "xsoftmax-out", "xsoftmax-out-2", "xsoftmax-out-3",
    ]  # fmt: skip


@pytest.mark.parametrize("command", ["train", "sweep"])
@pytest.mark.parametrize("out", ["run", "run/model.safetensors"])
def test_a_model_that_is_there_is_not_replaced(command, out):
    Path("run").mkdir()
    Path("run/model.safetensors").write_text("another run's")
    run(command, NO_DATA, "--out", out, error="run/model.safetensors is there already.* --force")
    assert Path("run/model.safetensors").read_text() == "another run's"


@pytest.mark.parametrize("options", [[], ["--no-plots"]])
def test_pictures_of_another_run_are_not_mixed_with_a_model(options):
    Path("run").mkdir()
    Path("run/weights.png").write_text("another run's")
    there = r"run/weights\.png is there already.* --force"
    run("train", NO_DATA, "--out", "run", *options, error=there)
    if not options:
        run("train", NO_DATA, "--plots", "run", error=there)
    assert names() == ["run", "run/weights.png"]


def test_force_takes_the_old_pictures_away():
    Path("run").mkdir()
    for name in ("weights.png", "sweep.png", "model.safetensors", "notes.png"):
        Path("run", name).write_text("another run's")
    run("train", "--out", "run", "--force", "--no-plots", "--quiet", "--max-iter", 1, "--tol", 0)
    assert names("run") == ["model.safetensors", "notes.png"]
    assert xsoftmax.load("run/model.safetensors").n_iter_ == 1


def test_pictures_of_a_model_file_have_a_folder_of_their_own():
    for name in ("a", "b"):
        run("train", "--out", f"{name}.safetensors", "--quiet", "--max-iter", 1, "--tol", 0)
    assert sorted(path.name for path in Path().iterdir()) == [
        "a-pictures", "a.safetensors", "b-pictures", "b.safetensors",
    ]  # fmt: skip
    assert names("a-pictures") == PICTURES


def test_evaluate_and_predict_replace_nothing_unasked():
    run("train", "--out", "m.safetensors", "--no-plots", "--quiet")
    evaluate = ["evaluate", "--model", "m.safetensors", "--plots", "p"]
    run(*evaluate)
    assert names("p") == ["confusion_matrix.png", "predictions.png"]
    run(*evaluate, error=r"p/predictions\.png is there already.* --force")
    run(*evaluate, "--force")
    predict = ["predict", "--model", "m.safetensors", "--out", "p.csv"]
    run(*predict)
    run(*predict, error=r"p\.csv is there already.* --force")
    run(*predict, "--force")


def test_destination_may_be_a_folder_with_a_dot_in_its_name():
    where = outputs.destination(Path("v1.2"), None, no_plots=True, force=False)
    assert where.model == Path("v1.2/model.safetensors")
    Path("run.final").mkdir()
    where = outputs.destination(Path("run.final"), None, no_plots=False, force=False)
    assert where.pictures == Path("run.final")


def fitted():
    X = np.random.default_rng(0).random((20, 4))
    return SoftmaxRegression(max_iter=2, tol=0).fit(X, np.arange(20) % 2)


def test_two_runs_at_once_do_not_share_the_default_folder():
    one, other = (outputs.destination(None, None, no_plots=False, force=False) for _ in range(2))
    model = fitted()
    assert outputs.save_model(one, model).model == Path("xsoftmax-out/model.safetensors")
    where = outputs.save_model(other, model)
    assert where.model == Path("xsoftmax-out-2/model.safetensors")
    assert where.pictures == Path("xsoftmax-out-2")


def test_an_interrupted_run_replaces_no_model(capsys):
    Path("run").mkdir()
    for name in ("model.safetensors", "weights.png"):
        Path("run", name).write_text("finished")
    where = outputs.destination(Path("run"), None, no_plots=False, force=True)
    where = outputs.save_model(where, fitted(), interrupted=True)
    assert where.pictures is None
    assert where.model == Path("run/model-interrupted.safetensors")
    assert Path("run/model.safetensors").read_text() == "finished"
    assert names("run") == ["model-interrupted.safetensors", "model.safetensors", "weights.png"]
    assert "run/model.safetensors stays" in capsys.readouterr().err


def test_pictures_that_fail_cost_warnings():
    n_open = len(plt.get_fignums())
    with (
        mpl.rc_context({"savefig.bbox": "tight", "savefig.pad_inches": 1e6}),  # too large to draw
        pytest.warns(UserWarning, match="was not drawn: ") as caught,
    ):
        done = run("train", "--json", "--quiet")
    named = [re.search(r"picture xsoftmax-out/(\S+) was", str(one.message))[1] for one in caught]
    assert sorted(named) == PICTURES
    result = json.loads(done.stdout)
    assert result["test_accuracy"] > 0.9
    assert result["plots"] == []
    assert xsoftmax.load(result["model"]).n_iter_ == result["n_iter"]
    assert len(plt.get_fignums()) == n_open


def test_a_matplotlib_that_cannot_be_imported_costs_a_warning(tmp_path):
    (tmp_path / "matplotlib.py").write_text("raise ImportError('no fonts')")
    out, err = run_alone("train", "--json", "--quiet", cwd=tmp_path)
    assert json.loads(out)["plots"] == []
    assert err == "warning: pictures were not drawn: no fonts\n"


def test_every_picture_has_a_name_that_is_known():
    run("train", "--plots", "p", "--quiet")
    run("sweep", "--Cs", "1", "--cv", "2", "--plots", "q", "--quiet")
    rows = "".join(f"{i},{i % 3},{i % 2}\n" for i in range(30))
    Path("t.csv").write_text(f"a,b,label\n{rows}")
    run("train", "t.csv", "--plots", "r", "--quiet")
    np.savez("f.npz", X=np.arange(60.0).reshape(30, 2), y=np.arange(30) % 2)
    run("probe", "f.npz", "f.npz", "--Cs", "1", "--cv", "2", "--plots", "s", "--quiet")
    drawn = {*names("p"), *names("q"), *names("r"), *names("s")}
    assert drawn == set(outputs.PICTURES)


def test_a_model_that_cannot_be_saved_is_an_error():
    arguments = "--kind", "mlp", "--hidden", 500, "--max-iter", 1, "--tol", 0, "--quiet"
    with files_of_at_most(100_000):  # room for what is written before the work, to see if it can be
        run("train", *arguments, error="model.safetensors: the file would be larger than")
