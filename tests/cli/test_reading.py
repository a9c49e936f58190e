"""What commands read: tables by the names of columns, whole files, and options that apply."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

import xsoftmax
from xsoftmax.cli.app import app

from .test_app import run


@pytest.fixture(scope="module")
def flowers(tmp_path_factory):
    """A folder with a table, a model that was trained on all of it, and that model's accuracy."""
    folder = tmp_path_factory.mktemp("flowers")
    rng = np.random.default_rng(0)
    rows = [
        [*(f"{rng.normal(k * (j + 1)):.3f}" for j in range(3)), "abc"[k]]
        for k in (i % 3 for i in range(90))
    ]
    write(folder / "train.csv", ["u", "v", "w", "kind"], rows)
    out, _ = run("train", "train.csv", "--test", "train.csv", "--no-plots", "--json", "-q",
                 cwd=folder)  # fmt: skip
    return folder, rows, json.loads(out)["test_accuracy"]


def write(path, names, rows):
    path.write_text("\n".join(",".join(map(str, row)) for row in [names, *rows]) + "\n")


def predicted(*arguments, cwd):
    out, err = run("predict", *arguments, "--json", cwd=cwd)
    return json.loads(out)["predictions"], err


def test_every_row_of_a_file_is_scored_whatever_the_order_of_its_columns(flowers):
    folder, rows, accuracy = flowers
    write(folder / "reversed.csv", ["kind", "w", "v", "u"], [row[::-1] for row in rows])
    for name in ("train.csv", "reversed.csv"):
        out, err = run("evaluate", name, "--model", "xsoftmax-out", "--json", cwd=folder)
        result = json.loads(out)
        assert (result["n_samples"], result["test_accuracy"], err) == (90, accuracy, "")
    out, _ = run("evaluate", "train.csv", "--model", "xsoftmax-out", "-q", "--no-plots", cwd=folder)
    assert "│ all  │   90 │" in out


def test_predict_finds_features_by_name(flowers):
    folder, rows, _ = flowers
    expected, _ = predicted("train.csv", "--model", "xsoftmax-out", cwd=folder)
    write(folder / "id.csv", ["id", "w", "v", "u"],
          [[f"r{i}", *row[2::-1]] for i, row in enumerate(rows)])  # fmt: skip
    found, err = predicted("id.csv", "--model", "xsoftmax-out", cwd=folder)
    assert found == expected
    assert err == "warning: id.csv: ignoring 'id', no feature of the model.\n"
    assert predicted("id.csv", "--model", "xsoftmax-out", "-q", cwd=folder) == (expected, "")
    write(folder / "lacks.csv", ["u", "w"], [[1, 2]])
    _, err = run("predict", "lacks.csv", "--model", "xsoftmax-out", cwd=folder, code=1)
    assert err.startswith("error: lacks.csv lacks 'v', which the model was trained on")


def test_a_header_of_numbers_and_an_index_as_pandas_writes_them(flowers, tmp_path):
    _, rows, accuracy = flowers
    write(tmp_path / "t.csv", ["", 0, 1, 2, 3], [[i, *row] for i, row in enumerate(rows)])
    out, err = run("train", "t.csv", "--test", "t.csv", "--no-plots", "--json", cwd=tmp_path)
    assert json.loads(out)["test_accuracy"] == accuracy
    assert "first column has no name and numbers the rows" in err
    model = xsoftmax.load(tmp_path / "xsoftmax-out" / "model.safetensors")
    assert model.feature_names_in_.tolist() == ["0", "1", "2"]
    assert model.label_name_ == "3"


def test_a_table_without_a_header_is_read_by_position(flowers, tmp_path):
    _, rows, accuracy = flowers
    write(tmp_path / "t.csv", rows[0], rows[1:])
    run("train", "t.csv", "--test", "t.csv", "--no-plots", "-q", cwd=tmp_path)
    out, err = run("evaluate", "t.csv", "--model", "xsoftmax-out", "--json", cwd=tmp_path)
    result = json.loads(out)
    assert (result["n_samples"], result["test_accuracy"], err) == (90, accuracy, "")
    write(tmp_path / "new.csv", rows[0][:3], [row[:3] for row in rows[1:]])
    whole, _ = predicted("t.csv", "--model", "xsoftmax-out", cwd=tmp_path)
    assert predicted("new.csv", "--model", "xsoftmax-out", cwd=tmp_path) == (whole, "")


def test_labels_keep_their_zeros(tmp_path, rng):
    rows = [[f"{rng.normal(k):.2f}", ("00501", "501", "7")[k]] for k in (i % 3 for i in range(60))]
    write(tmp_path / "t.csv", ["x", "zip"], rows)
    run("train", "t.csv", "--no-plots", "-q", cwd=tmp_path)
    model = xsoftmax.load(tmp_path / "xsoftmax-out" / "model.safetensors")
    assert model.classes_.tolist() == ["00501", "501", "7"]
    # A file with numbers alone is compared with those classes as text.
    write(tmp_path / "some.csv", ["x", "zip"], [row for row in rows if row[1] != "00501"])
    out, _ = run("evaluate", "some.csv", "--model", "xsoftmax-out", "--json", cwd=tmp_path)
    assert json.loads(out)["test_accuracy"] > 0


def test_sweep_takes_a_test_file_and_keeps_names(flowers):
    folder, rows, _ = flowers
    write(folder / "part.csv", ["kind", "w", "v", "u"], [row[::-1] for row in rows[:30]])
    out, _ = run("sweep", "train.csv", "--test", "part.csv", "--Cs", "0.1:10:3", "--cv", "3",
                 "--no-plots", "--out", "sweep", "-q", cwd=folder)  # fmt: skip
    assert "│ train │   90 │" in out
    assert "│ test  │   30 │" in out
    model = xsoftmax.load(folder / "sweep" / "model.safetensors")
    assert model.feature_names_in_.tolist() == ["u", "v", "w"]


@pytest.mark.parametrize("command", ["train", "sweep"])
def test_a_class_with_one_row_stops_nothing(flowers, command):
    folder, rows, _ = flowers
    write(folder / "rare.csv", ["u", "v", "w", "kind"], [*rows, [9, 9, 9, "rare"]])
    more = ["--Cs", "0.1,1,10"] if command == "sweep" else []
    where = ["--no-plots", "--json", "--out", f"rare-{command}"]
    out, err = run(command, "rare.csv", *more, *where, cwd=folder)
    assert json.loads(out)["test_accuracy"] > 0.5
    assert "warning: rare: of class 'rare' there is a single row." in err


def test_info_describes_a_model(flowers):
    folder, *_ = flowers
    path = folder / "xsoftmax-out" / "model.safetensors"
    result = json.loads(run("info", "xsoftmax-out", "--json", cwd=folder)[0])
    assert result["settings"] == xsoftmax.load(path).get_params()
    del result["settings"], result["n_iter"]
    assert result == {
        "scalers": [],
        "class": "SoftmaxRegression",
        "classes": ["a", "b", "c"],
        "n_features": 3,
        "feature_names": ["u", "v", "w"],
        "label_column": "kind",
        "coef_shapes": [[3, 3]],
        "intercept_shapes": [[3]],
        "dtype": "float32",
        "file_bytes": path.stat().st_size,
    }
    out, _ = run("info", path, cwd=folder)
    for words in ("SoftmaxRegression", "C=1.0", "a, b, c", "u, v, w", "kind", "3 x 3", "float32"):
        assert words in out


@pytest.mark.parametrize(
    ("arguments", "flag", "reason"),
    [
        ("train --hidden 3", "--hidden", "it is for --kind mlp"),
        ("train --activation tanh", "--activation", "it is for --kind mlp"),
        ("train --alpha 1", "--alpha", "it is for --kind mlp"),
        ("train --kind mlp --C 1", "--C", "penalty of an MLP is --alpha"),
        ("train --model mlp", "--model", "what to train is --kind"),
        ("train --batch-size 10", "--batch-size", "for --solver sgd or adam"),
        ("train --solver gd --batch-size 10", "--batch-size", "for --solver sgd or adam"),
        ("train --learning-rate 1", "--learning-rate", "for --solver gd, sgd or adam"),
        ("train --kind mlp --solver lbfgs --learning-rate 1", "--learning-rate", "chooses its"),
        ("train --labels y.npy", "--labels", "only a .npy file"),
        ("sweep t.csv --labels y.npy", "--labels", "only a .npy file"),
        ("evaluate t.csv --model m --labels y.npy", "--labels", "only a .npy file"),
        ("train --label-column y", "--label-column", "only a table"),
        ("sweep t.npz --label-column y", "--label-column", "only a table"),
        ("evaluate t.npy --model m --label-column y", "--label-column", "only a table"),
        ("predict --model m --label-column y", "--label-column", "only a table"),
        ("train t.parquet --no-header", "--header/--no-header", "only a .csv or .tsv"),
        ("predict t.npz --model m --header", "--header/--no-header", "only a .csv or .tsv"),
        ("train t.csv --data-dir d", "--data-dir", "for mnist and fashion-mnist"),
        ("train t.csv --test t.csv --test-size 0.3", "--test-size", "all rows of DATA"),
        ("train mnist --test-size 0.3", "--test-size", "a test part of its own"),
        ("sweep mnist --test t.csv", "--test", "a test part of its own"),
        ("sweep mnist --seed 1", "--seed", "folds are not shuffled"),
        ("train t.csv --test t.csv --seed 1", "--seed", "nothing is drawn at random"),
        ("train t.csv --test-labels y.npy", "--test-labels", "only --test with a .npy"),
        ("train --plots p --no-plots", "--plots", "--no-plots says"),
        ("sweep --plots p --no-plots", "--plots", "--no-plots says"),
        ("evaluate --model m --plots p --no-plots", "--plots", "--no-plots says"),
        ("evaluate t.csv --model m --seed 1", "--seed", "of a file all rows are scored"),
        ("evaluate mnist --model m --test-size 0.3", "--test-size", "only digits is split"),
        ("predict t.csv --model m --json --out p.csv", "--json", "--out writes CSV"),
        ("predict t.csv --model m --force", "--force", "without --out nothing is written"),
        ("evaluate t.csv --model m --force", "--force", "without --plots nothing is written"),
    ],
)
def test_an_option_that_does_not_apply_is_an_error_with_the_reason(arguments, flag, reason):
    done = CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"}).invoke(app, arguments.split())
    assert done.exit_code == 2
    assert f"{flag} does not apply: " in done.output
    assert reason in done.output


def test_defaults_and_options_that_apply_are_no_error(tmp_path):
    run(
        "train", "--kind", "mlp", "--hidden", "4", "--batch-size", "100", "--learning-rate", "0.01",
        "--max-iter", "1", "--no-plots", "-q", "--test-size", "0.5", cwd=tmp_path,
    )  # fmt: skip
    run(
        "evaluate", "digits", "--model", "xsoftmax-out", "--seed", "0", "--test-size", "0.5",
        cwd=tmp_path,
    )  # fmt: skip


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["train", "--help"]])
def test_version_and_help_import_no_array_library(arguments):
    code = (
        "import sys; from xsoftmax.cli.app import app; app(sys.argv[1:], standalone_mode=False);"
        "print(*(m for m in ('numpy', 'sklearn', 'scipy', 'matplotlib') if m in sys.modules))"
    )
    environment = {**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(xsoftmax.__file__))}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True, text=True, check=True, env=environment,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == ""


@pytest.mark.parametrize("command", ["train", "sweep", "evaluate", "predict"])
def test_flags_stand_in_the_help_without_a_value(command):
    done = CliRunner(env={"COLUMNS": "120", "NO_COLOR": "1"}).invoke(app, [command, "--help"])
    lines = [line for line in done.output.splitlines() if "--json" in line or "--quiet" in line]
    assert len(lines) == 2
    assert not any("--no-json" in line or "<bool>" in line for line in lines)
