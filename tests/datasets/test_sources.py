"""From what a person types to a data set."""

import numpy as np
import pytest
from safetensors.numpy import save_file

from xsoftmax import datasets
from xsoftmax.datasets import Schema


def table(folder, text, name="t.csv"):
    path = folder / name
    path.write_text(text)
    return path


def test_load_refuses_sources_that_it_does_not_know(tmp_path):
    with pytest.raises(ValueError, match="neither a file nor one of digits, mnist"):
        datasets.load("nothing")
    (tmp_path / "t.txt").write_text("1,2")
    with pytest.raises(ValueError, match=r"must end in \.npz"):
        datasets.load(tmp_path / "t.txt")


def test_load_with_a_test_file_trains_on_all_rows(tmp_path):
    rows = [f"{i},{-i},{'ab'[i % 2]}\n" for i in range(20)]
    train = table(tmp_path, "u,v,y\n" + "".join(rows), "train.csv")
    test = table(tmp_path, "y,v,u\na,5,6\nb,7,8\nnew,0,0\n", "test.csv")
    data = datasets.load(train, test=test)
    assert len(data.y_train) == 20
    np.testing.assert_array_equal(data.X_test, [[6, 5], [8, 7], [0, 0]])
    assert data.y_test.tolist() == ["a", "b", "new"]
    np.savez(tmp_path / "own.npz", X_train=np.ones((4, 2)), y_train=[0, 1, 0, 1],
             X_test=np.ones((2, 2)), y_test=[0, 1])  # fmt: skip
    with pytest.raises(ValueError, match="has a test part of its own"):
        datasets.load(tmp_path / "own.npz", test=test)
    assert datasets.has_test_part(tmp_path / "own.npz")
    assert not datasets.has_test_part(train)
    X = np.ones((6, 2))
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "y.npy", np.arange(6) % 2)
    pair = {"labels": tmp_path / "y.npy", "test_labels": tmp_path / "y.npy"}
    data = datasets.load(tmp_path / "X.npy", test=tmp_path / "X.npy", **pair)
    assert (len(data.y_train), len(data.y_test)) == (6, 6)
    with pytest.raises(ValueError, match="holds features only"):
        datasets.load(tmp_path / "X.npy", test=tmp_path / "X.npy", labels=tmp_path / "y.npy")


def test_load_rows_reads_all_rows_of_arrays_or_the_test_part(tmp_path, rng):
    X, y = rng.standard_normal((30, 2)), np.arange(30) % 3
    np.savez(tmp_path / "a.npz", X=X, y=y)
    assert len(datasets.load_rows(tmp_path / "a.npz", Schema(2), labelled=True).y) == 30
    np.savez(tmp_path / "a.npz", X_train=X, y_train=y, X_test=X[:9], y_test=y[:9])
    assert len(datasets.load_rows(tmp_path / "a.npz", Schema(2), labelled=True).y) == 9
    assert len(datasets.load_rows("digits", Schema(64), labelled=True).y) == 360
    with pytest.raises(ValueError, match="digits has 64 columns of features"):
        datasets.load_rows("digits", Schema(2))


def test_load_reads_features_of_networks_as_they_are_kept(tmp_path):
    X, y = np.arange(40.0, dtype=np.float32).reshape(20, 2), np.arange(20) % 2
    save_file({"features": X, "labels": y}, tmp_path / "one.safetensors")
    np.save(tmp_path / "two.npy", X)
    np.save(tmp_path / "two_labels.npy", y)
    (tmp_path / "shards").mkdir()
    for i in range(2):
        np.savez(tmp_path / "shards" / f"{i}.npz", X=X[i::2], y=y[i::2])
    for name in ("one.safetensors", "two.npy", "shards"):
        data = datasets.load(tmp_path / name)
        assert data.X_train.shape == (16, 2)
        assert not datasets.has_test_part(tmp_path / name)
        rows = datasets.load_rows(tmp_path / name, datasets.Schema(2, None))
        assert sorted(rows.X[:, 0].tolist()) == X[:, 0].tolist()
    (tmp_path / "two_labels.npy").unlink()
    assert datasets.load_rows(tmp_path / "two.npy", datasets.Schema(2, None)).y is None
    with pytest.raises(ValueError, match="holds features only"):
        datasets.load_rows(tmp_path / "two.npy", datasets.Schema(2, None), labelled=True)


def test_load_reads_a_folder_of_parquet_files(tmp_path):
    pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    for i in range(3):
        rows = {"u": [i + 0.5, i - 0.5, i], "kind": ["a", "b", "a"]}
        parquet.write_table(pa.table(rows), tmp_path / f"{i}.parquet")
    data = datasets.load(tmp_path, test_size=0.3)
    assert data.feature_names == ("u",)
    assert len(data.y_train) + len(data.y_test) == 9
    rows = datasets.load_rows(tmp_path, datasets.Schema(1, ("u",), "kind"), labelled=True)
    assert rows.y.tolist() == ["a", "b", "a"] * 3


def test_other_files_beside_parquet_do_not_matter_and_bad_ones_are_named(tmp_path):
    pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    parquet.write_table(pa.table({"u": [1.0, 2.0], "k": ["a", "b"]}), tmp_path / "a.parquet")
    (tmp_path / "notes.csv").write_text("x")
    assert len(datasets.load_rows(tmp_path, datasets.Schema(1, ("u",), "k"), labelled=True).y) == 2
    (tmp_path / "b.parquet").write_bytes(b"no")
    with pytest.raises(ValueError, match=r"b\.parquet is no Parquet file"):
        datasets.load(tmp_path)
    parquet.write_table(pa.table({"u": ["x"], "k": ["a"]}), tmp_path / "b.parquet")
    with pytest.raises(ValueError, match="columns that do not fit"):
        datasets.load(tmp_path)


def test_a_folder_of_text_is_refused_with_a_remedy(tmp_path):
    (tmp_path / "a.csv").write_text("a,b\n1,x\n")
    with pytest.raises(ValueError, match=r"folder of text; name one file.*\.parquet"):
        datasets.load(tmp_path)
