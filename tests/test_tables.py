"""Tables of a user's own: .npz, .npy, CSV."""

import numpy as np
import pytest

from xsoftmax import datasets


def test_npz_with_and_without_a_test_set(tmp_path, rng):
    X, y = rng.standard_normal((30, 4)), np.arange(30) % 3
    np.savez(tmp_path / "split.npz", X_train=X, y_train=y, X_test=X[:9], y_test=y[:9])
    data = datasets.load(tmp_path / "split.npz")
    assert (len(data.X_train), len(data.X_test)) == (30, 9)
    np.savez(tmp_path / "whole.npz", x=X, y=y)
    data = datasets.load(tmp_path / "whole.npz", test_size=0.4)
    assert (len(data.X_train), len(data.X_test)) == (18, 12)
    assert np.bincount(data.y_test).tolist() == [4, 4, 4]


def test_npz_of_images(tmp_path, rng):
    images = rng.integers(0, 256, (30, 5, 4), dtype=np.uint8)
    np.savez(tmp_path / "images.npz", x_train=images, y_train=np.arange(30) % 3)
    data = datasets.load(tmp_path / "images.npz")
    assert data.image_shape == (5, 4)
    assert data.X_train.shape[1] == 20
    assert data.X_train.max() <= 1


def test_a_pair_of_npy(tmp_path, rng):
    np.save(tmp_path / "X.npy", rng.standard_normal((20, 3)))
    np.save(tmp_path / "y.npy", np.asarray(["a", "b"] * 10))
    data = datasets.load(tmp_path / "X.npy", labels=tmp_path / "y.npy")
    assert set(data.y_train) == {"a", "b"}
    with pytest.raises(ValueError, match=r"name the \.npy file of labels"):
        datasets.load(tmp_path / "X.npy")


@pytest.mark.parametrize("header", ["", "width,height,species\n"])
def test_csv(tmp_path, header):
    lines = "".join(f"{i}.5,{-i},{'ab'[i % 2]}\n" for i in range(20))
    (tmp_path / "t.csv").write_text(header + lines)
    data = datasets.load(tmp_path / "t.csv")
    assert data.X_train.shape == (16, 2)
    assert set(data.y_train) == {"a", "b"}
    X = datasets.load_rows(tmp_path / "t.csv", datasets.Schema(2)).X
    np.testing.assert_array_equal(X[3], [3.5, -3])


def test_csv_with_a_named_column_of_integers_separated_by_tabs(tmp_path):
    lines = "".join(f"{i % 3}\t{i}\n" for i in range(15))
    (tmp_path / "t.tsv").write_text("label\tx\n" + lines)
    data = datasets.load(tmp_path / "t.tsv", label_column="label")
    assert data.y_train.dtype.kind == "i"
    with pytest.raises(ValueError, match="no column 'class'; its columns are"):
        datasets.load(tmp_path / "t.tsv", label_column="class")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("a,b\n1,x\n2\n", "row 3 has 1 cells; expected 2"),
        ("a,b\n1,x\n?,y\n", r"row 3 holds '\?' where a number"),
        ("a,b\n1,x\n,y\n", "row 3 holds ''"),
        ("5\n6\n", "at least one feature and a label"),
        ("1,x\n2,y\n3,x\n", "has a single row"),
        ('a,b\n1,"x\n' + "2,y\n" * 40_000, "is no table of cells"),
    ],
)
def test_bad_csv(tmp_path, text, message):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(ValueError, match=message):
        datasets.load(tmp_path / "t.csv")


def test_bad_files(tmp_path, rng):
    np.savez(tmp_path / "a.npz", data=np.zeros(3))
    with pytest.raises(ValueError, match="must hold X_train and y_train, or X and y"):
        datasets.load(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", X=np.zeros((4, 2)), y=np.zeros(3))
    with pytest.raises(ValueError, match=r"need labels of shape \(4,\); got \(3,\)"):
        datasets.load(tmp_path / "b.npz")
    np.save(tmp_path / "o.npy", np.asarray([{}], dtype=object))
    with pytest.raises(ValueError, match=r"no plain \.npy array"):
        datasets.load(tmp_path / "o.npy", labels=tmp_path / "o.npy")
    (tmp_path / "c.npz").write_bytes(b"not a zip")
    with pytest.raises(ValueError, match=r"no \.npz file"):
        datasets.load(tmp_path / "c.npz")
    np.savez_compressed(tmp_path / "d.npz", X=rng.random((40, 5)), y=np.zeros(40))
    content = bytearray((tmp_path / "d.npz").read_bytes())
    content[80:140] = bytes(byte ^ 0x5A for byte in content[80:140])
    (tmp_path / "d.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"no \.npz file"):
        datasets.load(tmp_path / "d.npz")
    with pytest.raises(ValueError, match="neither a file nor one of digits, mnist"):
        datasets.load("nothing")
    (tmp_path / "t.txt").write_text("1,2")
    with pytest.raises(ValueError, match=r"must end in \.npz"):
        datasets.load(tmp_path / "t.txt")


def test_a_single_feature_without_labels(tmp_path):
    (tmp_path / "x.csv").write_text("x\n1\n2\n")
    np.testing.assert_array_equal(
        datasets.load_rows(tmp_path / "x.csv", datasets.Schema(1)).X, [[1], [2]]
    )


def test_a_split_that_cannot_be(tmp_path):
    (tmp_path / "t.csv").write_text("1,a\n2,a\n3,b\n4,b\n")
    with pytest.raises(ValueError, match="4 rows of 2 classes cannot be split"):
        datasets.load(tmp_path / "t.csv", test_size=0.1)
    (tmp_path / "z.npz").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(ValueError, match=r"no \.npz file"):
        datasets.load(tmp_path / "z.npz")
