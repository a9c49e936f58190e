"""Rows that a model is asked about: all of a file, by the names of columns."""

import json

import numpy as np

import xsoftmax
from xsoftmax import arrays
from xsoftmax.cli import reading

from .commands import run, write_table


def predicted(*arguments, cwd):
    out, err = run("predict", *arguments, "--json", cwd=cwd)
    return json.loads(out)["predictions"], err


def test_evaluate_scores_every_row_whatever_the_order_of_columns(flowers):
    folder, rows, accuracy = flowers
    write_table(folder / "reversed.csv", ["kind", "w", "v", "u"], [row[::-1] for row in rows])
    for name in ("train.csv", "reversed.csv"):
        out, err = run("evaluate", name, "--model", "xsoftmax-out", "--json", cwd=folder)
        result = json.loads(out)
        assert (result["n_samples"], result["test_accuracy"], err) == (90, accuracy, "")
    out, _ = run("evaluate", "train.csv", "--model", "xsoftmax-out", "-q", "--no-plots", cwd=folder)
    assert "│ all  │   90 │" in out


def test_predict_finds_features_by_name(flowers):
    folder, rows, _ = flowers
    expected, _ = predicted("train.csv", "--model", "xsoftmax-out", cwd=folder)
    write_table(folder / "id.csv", ["id", "w", "v", "u"],
          [[f"r{i}", *row[2::-1]] for i, row in enumerate(rows)])  # fmt: skip
    found, err = predicted("id.csv", "--model", "xsoftmax-out", cwd=folder)
    assert found == expected
    assert err == "warning: id.csv: ignoring 'id', no feature of the model.\n"
    assert predicted("id.csv", "--model", "xsoftmax-out", "-q", cwd=folder) == (expected, "")
    write_table(folder / "lacks.csv", ["u", "w"], [[1, 2]])
    _, err = run("predict", "lacks.csv", "--model", "xsoftmax-out", cwd=folder, code=1)
    assert err.startswith("error: lacks.csv lacks 'v', which the model was trained on")


def test_train_takes_a_header_of_numbers_and_an_index_as_pandas_writes_them(flowers, tmp_path):
    _, rows, accuracy = flowers
    write_table(tmp_path / "t.csv", ["", 0, 1, 2, 3], [[i, *row] for i, row in enumerate(rows)])
    out, err = run("train", "t.csv", "--test", "t.csv", "--no-plots", "--json", cwd=tmp_path)
    assert json.loads(out)["test_accuracy"] == accuracy
    assert "first column has no name and numbers the rows" in err
    model = xsoftmax.load(tmp_path / "xsoftmax-out" / "model.safetensors")
    assert model.feature_names_in_.tolist() == ["0", "1", "2"]
    assert model.label_name_ == "3"


def test_evaluate_and_predict_read_a_table_without_a_header_by_position(flowers, tmp_path):
    _, rows, accuracy = flowers
    write_table(tmp_path / "t.csv", rows[0], rows[1:])
    run("train", "t.csv", "--test", "t.csv", "--no-plots", "-q", cwd=tmp_path)
    out, err = run("evaluate", "t.csv", "--model", "xsoftmax-out", "--json", cwd=tmp_path)
    result = json.loads(out)
    assert (result["n_samples"], result["test_accuracy"], err) == (90, accuracy, "")
    write_table(tmp_path / "new.csv", rows[0][:3], [row[:3] for row in rows[1:]])
    whole, _ = predicted("t.csv", "--model", "xsoftmax-out", cwd=tmp_path)
    assert predicted("new.csv", "--model", "xsoftmax-out", cwd=tmp_path) == (whole, "")


def test_train_keeps_the_zeros_of_labels(tmp_path, rng):
    rows = [[f"{rng.normal(k):.2f}", ("00501", "501", "7")[k]] for k in (i % 3 for i in range(60))]
    write_table(tmp_path / "t.csv", ["x", "zip"], rows)
    run("train", "t.csv", "--no-plots", "-q", cwd=tmp_path)
    model = xsoftmax.load(tmp_path / "xsoftmax-out" / "model.safetensors")
    assert model.classes_.tolist() == ["00501", "501", "7"]
    # A file with numbers alone is compared with those classes as text.
    write_table(tmp_path / "some.csv", ["x", "zip"], [row for row in rows if row[1] != "00501"])
    out, _ = run("evaluate", "some.csv", "--model", "xsoftmax-out", "--json", cwd=tmp_path)
    assert json.loads(out)["test_accuracy"] > 0


def test_rows_to_test_on_of_a_stored_file_are_not_trained_on(tmp_path):
    X, y = np.arange(200.0).reshape(100, 2), np.arange(100) % 2
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "y.npy", y)
    how = {"labels": tmp_path / "y.npy", "test": None, "test_labels": None, "test_size": 0.3}
    given = reading.stored_data(str(tmp_path / "X.npy"), arrays.backend("numpy"), 0, **how)
    held = np.flatnonzero(given.weight == 0)
    assert len(held) == 30
    assert np.sum(given.weight) == 70
    np.testing.assert_array_equal(given.X_test, X[held])
    np.testing.assert_array_equal(given.dataset.y_test, y[held])
    np.testing.assert_array_equal(given.X_train, X[given.weight > 0])
    again = reading.stored_data(str(tmp_path / "X.npy"), arrays.backend("numpy"), 1, **how)
    assert not np.array_equal(again.weight, given.weight)
