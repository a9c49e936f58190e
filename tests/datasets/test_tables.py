"""Tables of a user's own: .npz, .npy, CSV, Parquet. The rules are those of docs/tables.md."""

import sys

import numpy as np
import pytest

from xsoftmax import datasets
from xsoftmax.datasets import TableWarning


def table(folder, text, name="t.csv"):
    path = folder / name
    path.write_text(text)
    return path


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
    data = datasets.load(table(tmp_path, header + lines))
    assert data.X_train.shape == (16, 2)
    assert set(data.y_train) == {"a", "b"}
    assert data.feature_names == (("width", "height") if header else None)
    assert data.label_name == ("species" if header else "2")


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
        ("a,b\n1,x\nz,y\n", "column 'a', row 3 holds 'z' where a number"),
        ("a,b\n1,x\n?,y\n", r"column 'a', row 3 has no value \('\?'\)"),
        ("a,b\n1,x\n,y\n", "column 'a', row 3 is empty"),
        ("a,b\n1,x\nnan,y\n", "column 'a', row 3 has no value"),
        ("a,b\n1,x\n-inf,y\n", "column 'a', row 3 holds '-inf'; features must be finite"),
        ("a,b\n1,x\n1_000,y\n", "column 'a', row 3 holds '1_000' where a number"),
        ("a,b\n1,x\n\u0661,y\n", "row 3 holds '\u0661' where a number"),
        ("a,b\n1,x\n2,\n", "column 'b', row 3 is empty, and a label is needed"),
        ("a,b\n1,x\n\n2,y\nz,y\n", "row 5 holds 'z'"),
        ("5\n6\n", "at least one feature and a label"),
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


def test_a_split_that_cannot_be(tmp_path):
    (tmp_path / "t.csv").write_text("1,a\n2,a\n3,b\n4,b\n")
    with pytest.raises(ValueError, match=r"4 rows of 2 classes cannot be split.*--test"):
        datasets.load(tmp_path / "t.csv", test_size=0.1)
    (tmp_path / "z.npz").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(ValueError, match=r"no \.npz file"):
        datasets.load(tmp_path / "z.npz")


def labels(folder, *cells):
    """What the column of labels becomes."""
    text = "x,label\n" + "".join(f"1,{cell}\n" for cell in cells)
    path = table(folder, text)
    return datasets.load_rows(path, datasets.Schema(1, ("x",), "label"), labelled=True).y.tolist()


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (("0", "1", "-2"), [0, 1, -2]),
        ((" 0", "1 ", "2"), [0, 1, 2]),
        (("0", "00", "1"), ["0", "00", "1"]),
        (("00501", "501", "7"), ["00501", "501", "7"]),
        (("1_000", "2", "3"), ["1_000", "2", "3"]),
        (("+1", "2", "3"), ["+1", "2", "3"]),
        (("-0", "0", "3"), ["-0", "0", "3"]),
        (("1.0", "2", "3"), ["1.0", "2", "3"]),
        (("9" * 30, "2", "3"), ["9" * 30, "2", "3"]),
        ((" setosa", "setosa ", '" setosa "'), ["setosa"] * 3),
        (("None", "NA", "a"), ["None", "NA", "a"]),
    ],
)
def test_labels_are_integers_only_if_each_reads_back_as_it_is_written(tmp_path, cells, expected):
    assert labels(tmp_path, *cells) == expected


def test_blanks_around_cells_do_not_count(tmp_path):
    path = table(tmp_path, 'a , "b, c" ,y\n 1 , 2 , k\n3,\t4, k \n')
    rows = datasets.load_rows(path, datasets.Schema(2, ("a", "b, c"), "y"), labelled=True)
    np.testing.assert_array_equal(rows.X, [[1, 2], [3, 4]])
    assert rows.y.tolist() == ["k", "k"]


def test_true_and_false_are_one_and_zero_as_in_pandas(tmp_path):
    rows = "".join(f"{i % 2 == 0},{str(i % 3 == 0).upper()},{'ab'[i % 2]}\n" for i in range(20))
    data = datasets.load(table(tmp_path, rows))
    assert len(data.X_train) + len(data.X_test) == 20  # none of them is a header
    assert set(data.X_train.ravel()) == {0, 1}


def test_names_are_made_to_differ_as_in_pandas(tmp_path):
    pandas = pytest.importorskip("pandas")
    path = table(tmp_path, "a,a,,a.1,a,y\n" + "1,2,3,4,5,k\n3,4,5,6,7,l\n" * 10)
    assert datasets.load(path).feature_names == tuple(pandas.read_csv(path).columns[:-1])


def test_text_in_another_encoding_is_named(tmp_path):
    (tmp_path / "t.csv").write_bytes("a,b\n1,x\n".encode("utf-16"))
    with pytest.raises(ValueError, match=r"t\.csv is no text in UTF-8"):
        datasets.load(tmp_path / "t.csv")


@pytest.mark.parametrize("numbers", [range(20), [7 * i % 20 for i in range(20)]])
@pytest.mark.parametrize("name", ["", "Unnamed: 0"])
def test_an_index_is_left_out(tmp_path, numbers, name):
    rows = "".join(f"{n},{n}.5,{'ab'[n % 2]}\n" for n in numbers)
    path = table(tmp_path, f"{name},x,y\n{rows}")
    with pytest.warns(TableWarning, match="first column has no name and numbers the rows"):
        data = datasets.load(path)
    assert data.feature_names == ("x",)


def test_a_column_without_a_name_that_is_no_index_stays(tmp_path):
    path = table(tmp_path, ",x,y\n" + "".join(f"{i % 3},{i}.5,{'ab'[i % 2]}\n" for i in range(20)))
    with pytest.warns(TableWarning, match="taken for a feature, 'Unnamed: 0'"):
        assert datasets.load(path).feature_names == ("Unnamed: 0", "x")
    with pytest.warns(TableWarning) as warned:
        datasets.load_rows(path, datasets.Schema(1, ("x",), "y"))
    assert [str(one.message) for one in warned] == [
        f"{path}: ignoring 'Unnamed: 0', no feature of the model."
    ]


def test_a_class_with_one_row_is_trained_on(tmp_path):
    rows = "".join(f"{i},{'ab'[i % 2]}\n" for i in range(20))
    with pytest.warns(UserWarning, match="of class 'rare' there is a single row"):
        data = datasets.load(table(tmp_path, f"x,y\n{rows}99,rare\n"))
    assert (len(data.y_train), len(data.y_test)) == (17, 4)
    assert "rare" in data.y_train
    assert data.X_train[data.y_train == "rare"].tolist() == [[99]]


def test_other_classes_are_split_as_they_are_without_it(tmp_path, rng):
    X, y = rng.standard_normal((30, 2)), np.arange(30) % 3
    np.savez(tmp_path / "a.npz", X=X, y=y)
    np.savez(tmp_path / "b.npz", X=np.vstack([X, [[9, 9]]]), y=np.append(y, 7))
    expected = datasets.load(tmp_path / "a.npz")
    with pytest.warns(UserWarning, match="class 7 there is a single row"):  # not np.int64(7)
        data = datasets.load(tmp_path / "b.npz")
    np.testing.assert_array_equal(data.X_test, expected.X_test)


def test_a_test_file_leaves_all_rows_to_train_on(tmp_path):
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


def test_npz_with_names(tmp_path, rng):
    X = rng.standard_normal((20, 2))
    names = {"feature_names": np.asarray(["u", "v"]), "label_name": np.asarray("kind")}
    np.savez(tmp_path / "a.npz", X=X, y=np.arange(20) % 2, **names)
    data = datasets.load(tmp_path / "a.npz")
    assert (data.feature_names, data.label_name) == (("u", "v"), "kind")
    np.savez(tmp_path / "b.npz", X=X, y=np.arange(20) % 2, feature_names=np.asarray(["u", "u"]))
    with pytest.raises(ValueError, match="feature_names must be 2 different names"):
        datasets.load(tmp_path / "b.npz")
    np.savez(tmp_path / "c.npz", X=X, y=np.arange(20) % 2, feature_names=np.array(["u", "v"], "O"))
    with pytest.raises(ValueError, match="dtype=str"):
        datasets.load(tmp_path / "c.npz")


def test_an_array_with_nan_is_refused_with_its_place(tmp_path):
    X = np.ones((6, 2))
    X[4, 1] = np.nan
    np.savez(tmp_path / "a.npz", X=X, y=np.arange(6) % 2)
    with pytest.raises(ValueError, match=r"row 4, column 1 .*features is nan"):
        datasets.load(tmp_path / "a.npz")


def test_parquet_is_the_table_that_csv_is(tmp_path, rng):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    frame = pandas.DataFrame(
        {
            "u": rng.standard_normal(20),
            "v": np.arange(20),
            "w": np.arange(20) % 3 == 0,
            "label": ["0", "00"] * 10,
        }
    )
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    a, b = (datasets.load(tmp_path / name) for name in ("t.csv", "t.parquet"))
    np.testing.assert_allclose(a.X_train, b.X_train, rtol=1e-15)
    assert a.y_test.tolist() == b.y_test.tolist()
    assert (a.feature_names, a.label_name) == (b.feature_names, b.label_name)
    frame.sample(frac=1, random_state=0).to_parquet(tmp_path / "t.parquet")  # with its index
    with pytest.warns(TableWarning, match="numbers the rows"):
        assert datasets.load(tmp_path / "t.parquet").feature_names == ("u", "v", "w")
    frame.assign(label=frame.label.astype("category")).to_parquet(tmp_path / "t.parquet")
    assert set(datasets.load(tmp_path / "t.parquet").y_train) == {"0", "00"}
    assert set(datasets.read_parquet(tmp_path / "t.parquet", label_column="w").y_train) == {0, 1}


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ([1.0, None, 2.0], "column 'u', row 2 has no value"),
        ([1, None, 2], "column 'u', row 2 has no value"),
        (["1", "x", "2"], "column 'u', row 2 holds 'x' where a number"),
        ([[1], [2], [3]], r"column 'u', row 1 holds '\[1\]' where a number"),
    ],
)
def test_bad_parquet(tmp_path, column, message):
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pa.table({"u": column, "label": ["a", "b", "a"]}), tmp_path / "t.parquet")
    with pytest.raises(ValueError, match=message):
        datasets.load(tmp_path / "t.parquet")
    (tmp_path / "t.parquet").write_bytes(b"no")
    with pytest.raises(ValueError, match="is no Parquet file"):
        datasets.load(tmp_path / "t.parquet")


def test_parquet_needs_pyarrow(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "t.parquet").write_bytes(b"")
    with pytest.raises(ImportError, match=r"needs pyarrow\. Install it"):
        datasets.load(tmp_path / "t.parquet")
