"""Rows in files: every kind of file, what is damaged, and how they are read."""

import json
import os
import threading

import numpy as np
import pytest

from xsoftmax import StoredRows
from xsoftmax.sources import is_array_like, windows
from xsoftmax.sources.stored import AHEAD


@pytest.fixture
def X(rng):
    return rng.standard_normal((50, 3)).astype(np.float16)


def saved(path, X):
    np.save(path, X)
    return path


def save_tensor(path, X, kind, **others):
    """A safetensors file with a tensor X, of a dtype that NumPy may not have."""
    header, data = {}, b""
    for name, x in {"X": X, **others}.items():
        raw = x.tobytes()
        offsets = [len(data), len(data) + len(raw)]
        header[name] = {"dtype": kind, "shape": list(x.shape), "data_offsets": offsets}
        data += raw
    text = json.dumps({"__metadata__": {"made": "by hand"}, **header}).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return path


def all_rows(rows, size=7):
    """The rows of all blocks, after a check of their order and sizes."""
    stop, found = 0, []
    for span, block in rows.blocks(size):
        assert span.start == stop
        assert block.shape[0] == span.stop - span.start <= size
        stop = span.stop
        found.append(block)
    assert stop == rows.shape[0]
    return found


class Slices:
    """An array-like object that only gives slices."""

    def __init__(self, X, shape=None):
        self.X, self.dtype, self.shape = X, X.dtype, shape or X.shape

    def __getitem__(self, rows):
        assert isinstance(rows, slice)
        return self.X[rows]


SOURCES = {
    "npy": lambda folder, X: saved(folder / "X.npy", X),
    "memory map": lambda folder, X: np.load(saved(folder / "X.npy", X), mmap_mode="r"),
    "part of a memory map": lambda folder, X: np.load(
        saved(folder / "X.npy", np.concatenate([X[:5], X])), mmap_mode="r"
    )[5:],
    "columns of a memory map": lambda folder, X: np.load(
        saved(folder / "X.npy", np.concatenate([X, X], axis=1)), mmap_mode="r"
    )[:, :3],
    "safetensors": lambda folder, X: save_tensor(folder / "X.safetensors", X, "F16"),
    "shards": lambda folder, X: [
        saved(folder / "0.npy", X[:20]), Slices(X[20:21]), str(saved(folder / "1.npy", X[21:]))
    ],
    "slices": lambda folder, X: Slices(X),
}  # fmt: skip


@pytest.fixture(params=SOURCES)
def source(request, tmp_path, X):
    return SOURCES[request.param](tmp_path, X)


def test_blocks_cover_all_rows_in_order(xp, source, X):
    rows = StoredRows(source, like=xp(np.zeros(1)), scale=0.5, shift=[1.0, 2.0, 3.0])
    assert rows.shape == (50, 3)
    assert str(rows.dtype).endswith("float32")
    expected = 0.5 * X.astype(np.float32) + np.asarray([1.0, 2.0, 3.0], np.float32)
    found = np.concatenate([xp.host(block) for block in all_rows(rows)])
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert (rows.n_rows_read, rows.n_bytes_read) == (50, 50 * 3 * 2)
    chosen = xp([49, 0, 20, 20, 19, 21])
    np.testing.assert_allclose(
        xp.host(rows.take(chosen)), expected[[49, 0, 20, 20, 19, 21]], rtol=1e-6
    )


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ("float16", "float32"), ("float32", "float32"), ("uint8", "float32"), ("int16", "float32"),
        ("float64", "float64"), ("int32", "float64"), ("bool", "float32"), (">f4", "float32"),
    ],
)  # fmt: skip
def test_rows_are_expanded_to_a_dtype_that_holds_them(tmp_path, stored, expected):
    X = (100 * np.arange(12.0).reshape(4, 3) % 7).astype(stored)
    (block,) = all_rows(StoredRows(saved(tmp_path / "X.npy", X)))
    assert block.dtype == expected
    np.testing.assert_array_equal(block, X.astype(expected))


def test_bfloat16_is_the_first_half_of_float32(tmp_path):
    X = np.asarray([[1.0, -2.5], [3e38, 2.0**-130]], np.float32)
    halves = (X.view(np.uint32) >> 16).astype(np.uint16)
    (block,) = all_rows(StoredRows(save_tensor(tmp_path / "X.safetensors", halves, "BF16")))
    np.testing.assert_allclose(block, X, rtol=2.0**-7)
    assert block[0].tolist() == [1.0, -2.5]


def test_a_tensor_among_several_has_a_name(tmp_path, X):
    path = save_tensor(tmp_path / "X.safetensors", X, "F16", other=X[:, :2])
    assert StoredRows(path).shape == (50, 3)
    assert StoredRows((path, "other")).shape == (50, 2)
    with pytest.raises(ValueError, match=r"no tensor 'third'; it has X, other"):
        StoredRows((path, "third"))
    path = save_tensor(path, X, "F16", features=X)
    with pytest.raises(ValueError, match=r"holds 2 tensors, X, features. Name one"):
        StoredRows(path)


def test_columns_of_parquet(tmp_path, X):
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    single = X.astype(np.float32)
    columns = {"a": single[:, 0], "b": single[:, 1], "c": single[:, 2], "label": ["x"] * 50}
    path = tmp_path / "X.parquet"
    parquet.write_table(pa.table(columns), path, row_group_size=20)
    rows = StoredRows((path, ["a", "b", "c"]))
    np.testing.assert_array_equal(np.concatenate(all_rows(rows)), single)
    np.testing.assert_array_equal(rows.take(np.asarray([45, 3])), single[[45, 3]])
    lists = pa.table({"embedding": list(single)})
    parquet.write_table(lists, path, row_group_size=20)
    np.testing.assert_array_equal(np.concatenate(all_rows(StoredRows(path))), single)
    parquet.write_table(pa.table(columns), path)
    with pytest.raises(ValueError, match=r"X.parquet: column 'label' holds string, not numbers"):
        StoredRows(path)
    with pytest.raises(ValueError, match=r"no column 'd'; it has a, b, c, label"):
        StoredRows((path, ["d"]))


def test_datasets_of_h5py_and_zarr_are_read_as_they_are(tmp_path, X):
    h5py, zarr = pytest.importorskip("h5py"), pytest.importorskip("zarr")
    with h5py.File(tmp_path / "X.h5", "w") as file:
        dataset = file.create_dataset("X", data=X, chunks=(16, 3))
        array = zarr.array(X, chunks=(16, 3))
        for source in (dataset, array):
            assert is_array_like(source)
            rows = StoredRows(source)
            np.testing.assert_array_equal(np.concatenate(all_rows(rows)), X.astype(np.float32))
            taken = rows.take(np.asarray([40, 2]))
            np.testing.assert_array_equal(taken, X[[40, 2]].astype(np.float32))
        assert "X.h5:/X" in StoredRows(dataset).describe()


def test_a_file_that_is_shorter_than_it_says_is_named(tmp_path, X):
    path = saved(tmp_path / "X.npy", X)
    os.truncate(path, path.stat().st_size - 10)
    with pytest.raises(ValueError, match=r"X.npy.*shorter than it says"):
        StoredRows(path)
    tensor = save_tensor(tmp_path / "X.safetensors", X, "F16")
    os.truncate(tensor, tensor.stat().st_size - 10)
    with pytest.raises(ValueError, match=r"would end 10 bytes after its end"):
        StoredRows(tensor)


def test_a_file_that_changes_under_the_reader_is_named(tmp_path, X):
    path = saved(tmp_path / "X.npy", X)
    rows = StoredRows(path)
    all_rows(rows)
    saved(path, X[::-1])
    os.utime(path, ns=(1, 1))
    with pytest.raises(ValueError, match=r"X.npy has changed while it is read"):
        all_rows(rows)
    os.truncate(path, 130)
    with pytest.raises(ValueError, match=r"X.npy ends at row \d+, while it is read"):
        all_rows(rows)
    with pytest.raises(ValueError, match="Slices has changed while it is read: rows 0 to 60"):
        all_rows(StoredRows(Slices(X, shape=(60, 3))), size=60)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_named_by_their_row(xp, tmp_path, X, bad):
    X[33, 1] = bad
    rows = StoredRows([saved(tmp_path / "a.npy", X[:20]), saved(tmp_path / "b.npy", X[20:])])
    rows = StoredRows([tmp_path / "a.npy", tmp_path / "b.npy"], like=xp(np.zeros(1)))
    with pytest.raises(ValueError, match=r"finite, but row 13 of .*b.npy holds NaN or infinity"):
        all_rows(rows)
    with pytest.raises(ValueError, match=r"row 13 of .*b.npy"):
        rows.take(xp([2, 33]))


def test_large_values_whose_sum_overflows_are_finite(tmp_path):
    X = np.full((4, 3), 3e38, np.float32)
    with np.errstate(over="ignore"):
        (block,) = all_rows(StoredRows(saved(tmp_path / "X.npy", X)))
    np.testing.assert_array_equal(block, X)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda f, X: [], ValueError, "at least one row"),
        (lambda f, X: saved(f / "X.npy", X[:0]), ValueError, "at least one row"),
        (lambda f, X: [saved(f / "a.npy", X), Slices(X[:, :2])], ValueError, r"\(50, 3\).*\(50, 2"),
        (lambda f, X: saved(f / "X.npy", X[0]), ValueError, "two dimensions"),
        (lambda f, X: saved(f / "X.npy", X.astype(str)), ValueError, "must hold numbers"),
        (lambda f, X: f / "none.npy", FileNotFoundError, "none.npy"),
        (lambda f, X: f / "X.csv", ValueError, r"\.npy, \.safetensors and \.parquet"),
        (lambda f, X: {"X": X}, TypeError, "an array-like object with two dimensions"),
        (lambda f, X: Slices(X[0]), TypeError, r"Slices of shape \(3,\)"),
    ],
)
def test_what_holds_no_rows_is_refused(tmp_path, X, make, error, message):
    with pytest.raises(error, match=message):
        StoredRows(make(tmp_path, X))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff" * 20,
        (1 << 60).to_bytes(8, "little") + b"{}",
        (2).to_bytes(8, "little") + b"[]",
        (40).to_bytes(8, "little") + b'{"X": {"dtype": "F32", "shape": [1]}}   ',
    ],
)
def test_damaged_headers_are_refused(tmp_path, data):
    path = tmp_path / "X.safetensors"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"X\.safetensors"):
        StoredRows(path)


@pytest.mark.parametrize("change", [{"scale": [1.0, 2.0]}, {"shift": np.nan}])
def test_factors_are_numbers_or_one_for_each_feature(X, change):
    with pytest.raises(ValueError, match="a finite number, or one for each of the 3 features"):
        StoredRows(Slices(X), **change)
    with pytest.raises(TypeError, match="must be an array"):
        StoredRows(Slices(X), like="cuda")


def test_blocks_are_read_ahead_but_no_further(X):
    read, threads = [], set()

    class Noting(Slices):
        def __getitem__(self, rows):
            read.append(rows.start)
            threads.add(threading.current_thread())
            return super().__getitem__(rows)

    rows = StoredRows(Noting(X))
    blocks = rows.blocks(5)
    next(blocks)
    for _ in range(3):
        next(blocks)
    assert max(read) <= 5 * (3 + AHEAD * rows.n_readers)
    blocks.close()
    assert threading.current_thread() not in threads
    assert not any(thread.is_alive() for thread in threads)


def test_windows_are_shuffled_pieces_that_hold_all_rows():
    found = list(windows(1_000_003, 100, 1000, np.random.RandomState(0)))
    assert sorted(np.concatenate(found).tolist()) == list(range(1_000_003))
    assert {len(window) % 100 for window in found[:-1]} == {0}
    assert all(len(window) * 1000 <= 1 << 23 for window in found)
    assert np.ptp(found[0]) > 500_000
    in_order = np.concatenate(list(windows(1003, 100, 1000, None)))
    np.testing.assert_array_equal(in_order, np.arange(1003))


def test_array_likes_are_told_from_arrays(X, tmp_path):
    assert is_array_like(Slices(X))
    for x in (X, [[1.0]], np.load(saved(tmp_path / "X.npy", X), mmap_mode="r"), Slices(X[0])):
        assert not is_array_like(x)
