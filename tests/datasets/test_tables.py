"""Tables of a user's own: CSV, Parquet. The rules are those of docs/tables.md."""

from importlib.util import find_spec

import numpy as np
import pytest

from xsoftmax import datasets
from xsoftmax.datasets import TableWarning
from xsoftmax.datasets.tables import read_table


def table(folder, text, name="t.csv"):
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.parametrize("header", ["", "width,height,species\n"])
def test_load_reads_csv_with_and_without_a_header(tmp_path, header):
    lines = "".join(f"{i}.5,{-i},{'ab'[i % 2]}\n" for i in range(20))
    data = datasets.load(table(tmp_path, header + lines))
    assert data.X_train.shape == (16, 2)
    assert set(data.y_train) == {"a", "b"}
    assert data.feature_names == (("width", "height") if header else None)
    assert data.label_name == ("species" if header else "2")


def test_load_reads_tsv_with_a_label_column_of_integers(tmp_path):
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
def test_load_refuses_bad_csv_with_the_place(tmp_path, text, message):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(ValueError, match=message):
        datasets.load(tmp_path / "t.csv")


def test_load_rows_ignores_blanks_around_cells(tmp_path):
    path = table(tmp_path, 'a , "b, c" ,y\n 1 , 2 , k\n3,\t4, k \n')
    rows = datasets.load_rows(path, datasets.Schema(2, ("a", "b, c"), "y"), labelled=True)
    np.testing.assert_array_equal(rows.X, [[1, 2], [3, 4]])
    assert rows.y.tolist() == ["k", "k"]


def test_names_of_columns_are_made_to_differ_as_in_pandas(tmp_path):
    pandas = pytest.importorskip("pandas")
    path = table(tmp_path, "a,a,,a.1,a,y\n" + "1,2,3,4,5,k\n3,4,5,6,7,l\n" * 10)
    assert datasets.load(path).feature_names == tuple(pandas.read_csv(path).columns[:-1])


def test_load_refuses_text_in_another_encoding(tmp_path):
    (tmp_path / "t.csv").write_bytes("a,b\n1,x\n".encode("utf-16"))
    with pytest.raises(ValueError, match=r"t\.csv is no text in UTF-8"):
        datasets.load(tmp_path / "t.csv")


@pytest.mark.parametrize("numbers", [range(20), [7 * i % 20 for i in range(20)]])
@pytest.mark.parametrize("name", ["", "Unnamed: 0"])
def test_load_leaves_out_an_index(tmp_path, numbers, name):
    rows = "".join(f"{n},{n}.5,{'ab'[n % 2]}\n" for n in numbers)
    path = table(tmp_path, f"{name},x,y\n{rows}")
    with pytest.warns(TableWarning, match="first column has no name and numbers the rows"):
        data = datasets.load(path)
    assert data.feature_names == ("x",)


def test_load_keeps_a_column_without_a_name_that_is_no_index(tmp_path):
    path = table(tmp_path, ",x,y\n" + "".join(f"{i % 3},{i}.5,{'ab'[i % 2]}\n" for i in range(20)))
    with pytest.warns(TableWarning, match="taken for a feature, 'Unnamed: 0'"):
        assert datasets.load(path).feature_names == ("Unnamed: 0", "x")
    with pytest.warns(TableWarning) as warned:
        datasets.load_rows(path, datasets.Schema(1, ("x",), "y"))
    assert [str(one.message) for one in warned] == [
        f"{path}: ignoring 'Unnamed: 0', no feature of the model."
    ]


def test_load_reads_parquet_as_the_same_table_in_csv(tmp_path, rng):
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
def test_load_refuses_bad_parquet_with_the_place(tmp_path, column, message):
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pa.table({"u": column, "label": ["a", "b", "a"]}), tmp_path / "t.parquet")
    with pytest.raises(ValueError, match=message):
        datasets.load(tmp_path / "t.parquet")
    (tmp_path / "t.parquet").write_bytes(b"no")
    with pytest.raises(ValueError, match="is no Parquet file"):
        datasets.load(tmp_path / "t.parquet")


@pytest.mark.skipif(find_spec("pyarrow") is not None, reason="pyarrow is installed")
def test_load_explains_that_parquet_needs_pyarrow(tmp_path):
    (tmp_path / "t.parquet").write_bytes(b"")
    with pytest.raises(ImportError, match=r"needs pyarrow\. Install it"):
        datasets.load(tmp_path / "t.parquet")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
def test_the_delimiter_is_found_out(tmp_path, delimiter, suffix):
    lines = [["width", "a, b; c", "kind"], ["1.5", "2", '"x;y"'], ["2.5", "3", '"u,v|w"']]
    text = "\n".join(
        delimiter.join(f'"{cell}"' if " " in cell else cell for cell in line) for line in lines
    )
    path = tmp_path / f"t{suffix}"
    path.write_text(text + "\n")
    table = read_table(path)
    assert table.names == ("width", "a, b; c", "kind")
    np.testing.assert_array_equal(table.features(["width", "a, b; c"]), [[1.5, 2], [2.5, 3]])
    assert table.labels("kind").tolist() == ["x;y", "u,v|w"]


def test_a_byte_order_mark_and_decimal_commas(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("\ufeffa;b;kind\n1,5;2;x\n2,5;3;y\n", encoding="utf-8")
    table = read_table(path)
    assert table.names == ("a", "b", "kind")
    with pytest.raises(ValueError, match="column 'a', row 2 holds '1,5', a decimal comma"):
        table.features(["a"])


def test_a_row_is_named_by_the_line_that_it_begins_in(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('a,b,label\n1,2,"x\ny"\n3,4,z\n\n1,,"x\ny"\n')
    with pytest.raises(ValueError, match="column 'b', row 6 is empty"):
        read_table(path).features(["a", "b"])
