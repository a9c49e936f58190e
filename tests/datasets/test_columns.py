"""Columns of new data are matched with a model's by name."""

import warnings

import numpy as np
import pytest

from xsoftmax import datasets
from xsoftmax.datasets import Schema, TableWarning

NAMED = Schema(2, ("u", "v"), "kind")
UNNAMED = Schema(2, None, "2")  # trained on a table without a header, the labels last


def rows(folder, text, schema, **how):
    (folder / "t.csv").write_text(text)
    return datasets.load_rows(folder / "t.csv", schema, **how)


@pytest.mark.parametrize("text", ["u,v,kind\n1,2,a\n", "kind,v,u\na,2,1\n", "v,kind,u\n2,a,1\n"])
def test_load_rows_takes_columns_in_any_order(tmp_path, text):
    found = rows(tmp_path, text, NAMED, labelled=True)
    assert (found.X.tolist(), found.y.tolist()) == ([[1, 2]], ["a"])


def test_load_rows_needs_no_labels_to_predict(tmp_path):
    found = rows(tmp_path, "v,u\n2,1\n", NAMED)
    assert (found.X.tolist(), found.y) == ([[1, 2]], None)


def test_load_rows_ignores_an_extra_column_with_a_warning(tmp_path):
    with pytest.warns(TableWarning, match="ignoring 'id', no feature of the model"):
        found = rows(tmp_path, "id,v,u\nrow one,2,1\n", NAMED)
    assert found.X.tolist() == [[1, 2]]


def test_load_rows_names_a_missing_column(tmp_path):
    with pytest.raises(ValueError, match="lacks 'v', which the model was trained on; its columns"):
        rows(tmp_path, "u,w,kind\n1,2,a\n", NAMED)
    with pytest.raises(ValueError, match="has no column 'kind' to score on"):
        rows(tmp_path, "u,v\n1,2\n", NAMED, labelled=True)


def test_load_rows_takes_a_label_of_another_name(tmp_path):
    found = rows(tmp_path, "u,v,truth\n1,2,a\n", NAMED, labelled=True, label_column="truth")
    assert found.y.tolist() == ["a"]
    with pytest.raises(ValueError, match="no column 'kind'; its columns are 'u', 'v', 'truth'"):
        rows(tmp_path, "u,v,truth\n1,2,a\n", NAMED, label_column="kind")
    with pytest.raises(ValueError, match="'u' is a feature of the model"):
        rows(tmp_path, "u,v,truth\n1,2,a\n", NAMED, label_column="u")


def test_load_rows_takes_the_last_column_for_a_label_without_a_name(tmp_path):
    found = rows(tmp_path, "v,u,kind\n2,1,a\n", Schema(2, ("u", "v")), labelled=True)
    assert (found.X.tolist(), found.y.tolist()) == ([[1, 2]], ["a"])


def test_load_rows_goes_by_position_without_names(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # neither side has names: nothing to tell
        for text in ("1,2\n3,4\n", "1,2,a\n3,4,b\n"):
            assert rows(tmp_path, text, UNNAMED).X.tolist() == [[1, 2], [3, 4]]
        found = rows(tmp_path, "a,1,2\nb,3,4\n", Schema(2, None, "0"), labelled=True)
    assert (found.X.tolist(), found.y.tolist()) == ([[1, 2], [3, 4]], ["a", "b"])
    with pytest.warns(TableWarning, match="its columns have no names"):
        assert rows(tmp_path, "1,2\n3,4\n", NAMED).X.tolist() == [[1, 2], [3, 4]]
    with pytest.warns(TableWarning, match="the model's features have no names"):
        assert rows(tmp_path, "v,u\n1,2\n", UNNAMED).X.tolist() == [[1, 2]]
    with pytest.raises(ValueError, match="has 4 columns of features; the model was trained on 2"):
        rows(tmp_path, "1,2,3,4\n", UNNAMED)


def test_load_rows_knows_a_header_of_numbers_by_the_models_names(tmp_path):
    numbers = "0,1\n5,8\n7,9\n"
    assert rows(tmp_path, numbers, UNNAMED).X.tolist() == [[0, 1], [5, 8], [7, 9]]
    schema = Schema(2, ("7", "3"), "kind")
    assert rows(tmp_path, "3,7\n5,6\n", schema).X.tolist() == [[6, 5]]


@pytest.mark.parametrize(
    ("text", "label"), [("k,u,v\na,1,2\n", "0"), ("u,k,v\n1,a,2\n", "k"), ("u,v,k\n1,2,a\n", None)]
)
def test_load_rows_by_position_finds_the_label_where_it_was_in_training(tmp_path, text, label):
    with pytest.warns(TableWarning, match="features have no names"):
        found = rows(tmp_path, text, Schema(2, None, label), labelled=True)
    assert (found.X.tolist(), found.y.tolist()) == ([[1, 2]], ["a"])


def test_load_rows_keeps_an_index_that_the_model_was_trained_on(tmp_path):
    schema = Schema(2, ("Unnamed: 0", "u"), "kind")
    assert rows(tmp_path, ",u\n0,5\n1,6\n", schema).X.tolist() == [[0, 5], [1, 6]]


def test_load_rows_puts_arrays_with_names_in_order(tmp_path):
    X = np.asarray([[2.0, 9, 1]])
    np.savez(tmp_path / "a.npz", X=X, y=["a"], feature_names=["v", "id", "u"])
    with pytest.warns(TableWarning, match="ignoring 'id'"):
        found = datasets.load_rows(tmp_path / "a.npz", NAMED, labelled=True)
    assert found.X.tolist() == [[1, 2]]
    np.savez(tmp_path / "a.npz", X=X, y=["a"], feature_names=["v", "id", "w"])
    with pytest.raises(ValueError, match="lacks 'u'"):
        datasets.load_rows(tmp_path / "a.npz", NAMED)
    np.savez(tmp_path / "a.npz", X=X)
    with pytest.raises(ValueError, match="3 columns of features; the model was trained on 2"):
        datasets.load_rows(tmp_path / "a.npz", NAMED)
    with pytest.raises(ValueError, match=r"holds features only; it needs labels too \(y\)"):
        datasets.load_rows(tmp_path / "a.npz", Schema(3), labelled=True)
