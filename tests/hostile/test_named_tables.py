"""Hostile tables of text, Parquet files and folders that have a name."""

import os
import tracemalloc
import warnings

import numpy as np
import pytest

from xsoftmax import StoredRows, datasets
from xsoftmax.datasets import Schema, idx_folder, load_rows, read_csv, read_features
from xsoftmax.datasets.tables import read_table

from .formats import X, Y
from .named import idx, refused, written
from .rules import ROOM

# --- tables of text ------------------------------------------------------------------------------


CSV = {
    "NUL": (b"a,b\n1,\0x\n", "holds NUL"),
    "UTF-16": ("a,b\n1,x\n".encode("utf-16"), "UTF-8"),
    "invalid UTF-8": (b"a,b\n1,\xff\n", "UTF-8"),
    "surrogates": (b"a,b\n1,\xed\xa0\x80\n", "UTF-8"),
    "a quote never closed": (b'a,b\n1,x\n2,"y\n3,z\n', "opened in row 3 and never closed"),
    "a quote never closed at the end": (b'a,b\n1,x\n2,"y', "opened in row 3 and never closed"),
    "a gigantic line": (b"1," * 100_000, "holds ''|is empty"),
    "a gigantic cell": (b"a,b\n1," + b"x" * 10_000_000, "field larger"),
    "a giant integer": (b"a,b\n" + b"9" * 100_000 + b",x\n1,y\n", "holds '999"),
    "1e999999": (b"a,b\n1e999999,x\n1,y\n", "holds '1e999999'"),
    "0x10": (b"a,b\n0x10,x\n1,y\n", "holds '0x10'"),
    "1_000": (b"a,b\n1_000,x\n1,y\n", "holds '1_000'"),
    "digits of another script": ("a,b\n٣,x\n1,y\n".encode(), "holds '٣'"),
    "rows of other lengths": (b"a,b\n1,x\n1,2,3\n", "row 3 has 3 cells"),
    "nothing": (b"", "is empty"),
    "line ends alone": (b"\r\n\r\n\n\r", "is empty"),
    "one long label of many": (
        b"a,b\n" + b"1,x\n" * 50_000 + b"1," + b"y" * 100_000 + b"\n", "cell of 100000 characters"
    ),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::xsoftmax.datasets.TableWarning")
@pytest.mark.parametrize("name", CSV)
def test_tables_of_text(tmp_path, name):
    content, message = CSV[name]
    path = written(tmp_path, "x.csv", content)
    refused(read_csv, path, message, room=ROOM + TEXT_ROOM * len(content))


def test_mixed_line_ends_part_rows(tmp_path):
    table = read_table(written(tmp_path, "x.csv", b"a,b\r\n1,x\r2,y\n\n3,z"))
    assert table.columns == (("1", "2", "3"), ("x", "y", "z"))


#: Bytes of memory for each byte of a table of text: a cell is an object of Python.
TEXT_ROOM = 60


@pytest.mark.parametrize("text", [b"7,", b"-7,", b"3.25,", b"0.123456789,"])
def test_the_memory_of_a_table_of_text_is_a_multiple_of_its_size(tmp_path, text):
    row = text * 20 + b"1\n"
    path = written(tmp_path, "x.csv", row * (500_000 // len(row)) + text * 20 + b"0\n")
    tracemalloc.start()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read_csv(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < TEXT_ROOM * path.stat().st_size


def test_many_columns_take_a_time_that_grows_as_they_do(tmp_path):
    n_columns = 30_000
    header = ",".join(["a"] * n_columns)  # and all of one name
    rows = "\n".join(",".join([str(i)] * n_columns) for i in (0, 1, 0, 1))
    path = written(tmp_path, "x.csv", f"{header}\n{rows}\n".encode())
    table = read_table(path)
    assert table.names[:3] == ("a", "a.1", "a.2")
    assert table.features(table.names).shape == (4, n_columns)


@pytest.mark.parametrize("label", ["99", "²", "9" * 5000, "-1"])
def test_a_model_whose_label_is_at_no_column(tmp_path, label):
    path = written(tmp_path, "x.csv", b"u,v\n1,2\n3,4\n")
    with pytest.warns(datasets.TableWarning):
        rows = load_rows(path, Schema(1, None, label), header=True, labelled=True)
    assert rows.y.tolist() == [2, 4]


# --- Parquet -------------------------------------------------------------------------------------


@pytest.fixture
def parquet(tmp_path):
    pq = pytest.importorskip("pyarrow.parquet")
    pa = pytest.importorskip("pyarrow")

    def write(table, **how):
        pq.write_table(pa.table(table), tmp_path / "x.parquet", **how)
        return tmp_path / "x.parquet"

    return write


@pytest.mark.parametrize("where", ["footer", "length", "pages", "cut", "magic"])
def test_parquet_that_is_damaged(parquet, where):
    path = parquet({"a": np.arange(1000.0), "b": np.arange(1000) % 2}, compression="none")
    content = bytearray(path.read_bytes())
    length = int.from_bytes(content[-8:-4], "little")
    if where == "footer":
        content[-8 - length : -8] = b"\xff" * length
    elif where == "length":
        content[-8:-4] = b"\xff" * 4
    elif where == "pages":
        content[4:400] = b"\xff" * 396
    elif where == "cut":
        del content[100:]
    else:
        content[-4:] = b"PAR2"
    path.write_bytes(content)
    for read in (datasets.read_parquet, StoredRows):
        refused(read, path, "no Parquet file")


def test_parquet_of_a_few_bytes_that_holds_a_billion_values(parquet):
    path = parquet({"a": np.zeros(20_000_000, np.int8), "b": np.zeros(20_000_000, np.int8)})
    for read in (datasets.read_parquet, StoredRows):
        refused(read, path, "more than 100 times as many")


def test_parquet_of_one_long_text_many_times(parquet):
    pa = pytest.importorskip("pyarrow")
    words = pa.DictionaryArray.from_arrays(np.zeros(10_000, np.int32), ["x" * 100_000])
    path = parquet({"a": np.zeros(10_000), "b": words}, store_schema=False, compression="none")
    refused(datasets.read_parquet, path, "cell of 100000 characters")


@pytest.mark.parametrize("lists", [[[1.0], [2.0, 3.0, 4.0]], [None, [1.0, 2.0]], [[], []]])
def test_parquet_lists_of_other_lengths(parquet, lists):
    refused(StoredRows, parquet({"x": lists}), "lists of as many numbers|at least one row")


def test_parquet_groups_whose_lists_have_other_lengths(parquet):
    path = parquet({"x": [[1.0, 2.0], [3.0, 4.0], [5.0]]}, row_group_size=2)
    refused(lambda path: StoredRows(path).take(np.asarray([0, 2])), path, "numbers, and others 2")


def test_parquet_without_rows(parquet):
    path = parquet({"a": np.zeros(0)})
    refused(StoredRows, path, "no rows")
    refused(datasets.read_parquet, path, "no rows")


# --- folders -------------------------------------------------------------------------------------


@pytest.fixture
def shards(tmp_path):
    folder, outside = tmp_path / "shards", tmp_path / "outside.npz"
    folder.mkdir()
    np.savez(folder / "0.npz", X=X, y=Y)
    np.savez(outside, X=X, y=Y)
    return folder, outside


def test_a_link_that_leads_out_of_a_folder_of_shards(shards):
    folder, outside = shards
    (folder / "1.npz").symlink_to(outside)
    refused(read_features, folder, "leads out of its folder. Copy the file there, or name")
    refused(lambda folder: datasets.load(folder), folder, "leads out of its folder")
    assert len(read_features(folder / "1.npz").X) == len(X)  # which is named


def test_a_link_within_a_folder_and_a_link_to_a_folder_are_followed(shards):
    folder, _ = shards
    (folder / "1.npz").symlink_to("0.npz")
    assert len(read_features(folder).X) == 2 * len(X)
    (folder.parent / "link").symlink_to(folder)
    assert len(read_features(folder.parent / "link").X) == 2 * len(X)


def test_labels_that_are_a_link_out_of_the_folder(shards):
    folder, outside = shards
    (folder / "0.npz").unlink()
    np.save(folder / "a.npy", X)
    np.save(outside.with_suffix(".npy"), Y)
    for name in ("a_labels.npy", "labels.npy"):
        (folder / name).symlink_to(outside.with_suffix(".npy"))
        refused(read_features, folder, "leads out of its folder")
        refused(lambda folder: read_features(folder, stored=True), folder, "leads out of its")
        (folder / name).unlink()


def test_idx_files_that_are_links_out_of_the_folder(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for part in ("train", "t10k"):
        (folder / f"{part}-images-idx3-ubyte").write_bytes(idx(2, 1, 1, values=b"ab"))
        labels = written(tmp_path, part, idx(2, values=b"\0\1"))
        (folder / f"{part}-labels-idx1-ubyte").symlink_to(labels)
    refused(idx_folder, folder, "leads out of its folder")


def test_parquet_files_that_are_links_out_of_the_folder(parquet, tmp_path):
    path = parquet({"a": X[:, 0], "b": Y})
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "x.parquet").symlink_to(path)
    refused(read_table, tmp_path / "in", "leads out of its folder")


def test_a_pipe_among_shards_is_no_shard(shards):
    folder, _ = shards
    os.mkfifo(folder / "1.npz")
    assert len(read_features(folder).X) == len(X)
