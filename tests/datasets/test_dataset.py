"""Rows that are split into those to train on and those to test on."""

import numpy as np
import pytest

from xsoftmax import datasets


def table(folder, text, name="t.csv"):
    path = folder / name
    path.write_text(text)
    return path


def test_split_refuses_a_test_part_without_every_class(tmp_path):
    (tmp_path / "t.csv").write_text("1,a\n2,a\n3,b\n4,b\n")
    with pytest.raises(ValueError, match=r"4 rows of 2 classes cannot be split.*--test"):
        datasets.load(tmp_path / "t.csv", test_size=0.1)


def test_split_trains_on_a_class_of_one_row(tmp_path):
    rows = "".join(f"{i},{'ab'[i % 2]}\n" for i in range(20))
    with pytest.warns(UserWarning, match="of class 'rare' there is a single row"):
        data = datasets.load(table(tmp_path, f"x,y\n{rows}99,rare\n"))
    assert (len(data.y_train), len(data.y_test)) == (17, 4)
    assert "rare" in data.y_train
    assert data.X_train[data.y_train == "rare"].tolist() == [[99]]


def test_split_of_other_classes_is_as_without_a_class_of_one_row(tmp_path, rng):
    X, y = rng.standard_normal((30, 2)), np.arange(30) % 3
    np.savez(tmp_path / "a.npz", X=X, y=y)
    np.savez(tmp_path / "b.npz", X=np.vstack([X, [[9, 9]]]), y=np.append(y, 7))
    expected = datasets.load(tmp_path / "a.npz")
    with pytest.warns(UserWarning, match="class 7 there is a single row"):  # not np.int64(7)
        data = datasets.load(tmp_path / "b.npz")
    np.testing.assert_array_equal(data.X_test, expected.X_test)
