"""Hostile IDX, npy and npz files that have a name, and large files that are honest."""

import gzip
import io
import os
import pickle
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
import safetensors.numpy

import xsoftmax
from xsoftmax import SoftmaxRegression, StoredRows, datasets
from xsoftmax.datasets import read_features, read_npz
from xsoftmax.datasets.idx import read_idx
from xsoftmax.datasets.numpy_files import load_array, read_pair

from .formats import X, Y
from .named import TERA, idx, refused, written

# --- IDX -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("sizes", [(2**32 - 1,) * 3, (2**31, 2**31, 2**31), (60_000, 28, 28)])
def test_idx_that_claims_more_than_it_has(tmp_path, pack, sizes):
    refused(
        read_idx, written(tmp_path, "x", pack(idx(*sizes))), r"truncated|no IDX|says that it holds"
    )


def test_idx_of_zero_images_of_any_size(tmp_path):
    refused(
        read_idx, written(tmp_path, "x", idx(0, 2**32 - 1, 2**32 - 1)), "no array has the shape"
    )
    assert read_idx(written(tmp_path, "x", idx(0, 28, 28))).shape == (0, 28, 28)


def test_gzip_bomb_whose_header_claims_it(tmp_path):
    content = gzip.compress(idx(1 << 28, values=bytes(1 << 28)), 9)
    refused(read_idx, written(tmp_path, "x.gz", content), "says that it holds 2684354")


def test_gzip_bomb_behind_an_honest_header(tmp_path):
    content = gzip.compress(idx(4, values=bytes(1 << 28)), 9)
    refused(read_idx, written(tmp_path, "x.gz", content), "has a tail")


def test_zeros_that_compress_well_are_read(tmp_path):
    content = gzip.compress(idx(1 << 24, values=bytes(1 << 24)), 9)
    assert read_idx(written(tmp_path, "x.gz", content)).shape == (1 << 24,)


# --- npy and npz ---------------------------------------------------------------------------------


class Runs:
    """Its pickle makes a folder where it is loaded."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def npy(header, values=b"", version=1):
    header = header.encode() if isinstance(header, str) else header
    length = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + length + header + values


def described(descr="'<f8'", order="False", shape="(4, 2)"):
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n"


@pytest.mark.parametrize("kind", ["npy", "npz", "raw"])
def test_pickles_in_arrays_are_not_loaded(tmp_path, kind):
    there = tmp_path / "made"
    objects = np.asarray([Runs(there)] * 3, dtype=object)
    path = tmp_path / f"x.{'npy' if kind == 'npy' else 'npz'}"
    if kind == "npy":
        np.save(path, objects, allow_pickle=True)
    elif kind == "npz":
        np.savez(path, X=objects, y=objects)
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("X.npy", pickle.dumps(Runs(there)))
    refused(load_array if kind == "npy" else read_npz, path, "plain")
    assert not there.exists()


HEADERS = {
    "an expression": described("__import__('os').getcwd()"),
    "an expression as a shape": described(shape="(2+2, 2)"),
    "a comprehension": described(shape="[n for n in (4, 2)]"),
    "parentheses that take the parser of Python minutes": described(shape="(" * 150 + ")" * 150),
    "thousands of signs": described(shape="-" * 9000 + "1"),
    "a giant integer": described(shape=f"({'9' * 5000},)"),
    "terabytes": described(shape=f"({TERA},)"),
    "a product beyond 64 bits": described(shape="(4294967296, 4294967296, 2)"),
    "a product that is 0 in 64 bits": described(shape="(4294967296, 4294967296)"),
    "a negative size": described(shape="(-1, 2)"),
    "True as a size": described(shape="(True, 2)"),
    "a size that is no integer": described(shape="(4.0, 2)"),
    "no tuple": described(shape="8"),
    "parentheses without a comma": described(shape="(8)"),
    "an order that is no bool": described(order="1"),
    "a structured dtype": described("[('a', '<f8'), ('b', '|O')]"),
    "a dtype of several": described("'f8,f8'"),
    "a dtype of subarrays": described("'(2,)f8'"),
    "raw bytes": described("'|V8'"),
    "dates": described("'<M8[ns]'"),
    "a dtype of no bytes": described("'<U0'", shape=f"({TERA},)"),
    "a dtype of gigabytes": described("'<U1073741823'", shape="(1,)"),
    "a name twice": "{'descr': '<f8', 'descr': '<f8', 'shape': (4, 2)}",
    "a name too many": described()[:-3] + "'x': 1}",
    "spaces without end": described() + " " * 60_000,
    "nothing": "",
    "bytes that are no text": b"\xff\xfe\0\1" * 10,
    "an escape that Python warns of": described(r"'\d'"),
    "33 dimensions": described(shape=f"({'1, ' * 33})"),
    "zero rows of more than fits": described(shape=f"(0, {TERA}, {TERA})"),
}


@pytest.mark.parametrize("name", HEADERS)
def test_npy_headers(tmp_path, name):
    path = written(tmp_path, "x.npy", npy(HEADERS[name], bytes(64)))
    refused(load_array, path, "no plain")
    refused(StoredRows, path, "no .npy file of numbers")


def test_npy_with_a_header_of_gigabytes(tmp_path):
    content = b"\x93NUMPY\2\0" + struct.pack("<I", 2**32 - 1) + b"{"
    refused(load_array, written(tmp_path, "x.npy", content), "a header of 4294967295 bytes")


@pytest.mark.parametrize(
    "x",
    [
        X, np.asfortranarray(X), X.astype(">f4"), X.astype(np.float16), X[:, :0], X[:0], Y, Y > 0,
        np.asarray(["a", "b"]), np.asarray([b"a"]), np.float64(3.0), np.asfortranarray(X[:1]),
    ],
)  # fmt: skip
def test_npy_that_numpy_writes_is_read_as_numpy_does(tmp_path, x):
    np.save(tmp_path / "x.npy", x)
    found, expected = load_array(tmp_path / "x.npy"), np.load(tmp_path / "x.npy")
    np.testing.assert_array_equal(found, expected)
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)


def test_npy_headers_of_other_writers_are_read(tmp_path):
    for header in (
        '{"shape": (4, 2), "fortran_order": False, "descr": "<f8"}',
        "{'descr': '<f8', 'fortran_order': False, 'shape': (4L, 2L)}",
        described() + " " * 30 + "\n",
    ):
        path = written(tmp_path, "x.npy", npy(header, np.arange(8.0).tobytes()))
        np.testing.assert_array_equal(load_array(path), np.arange(8.0).reshape(4, 2))


def test_npy_images_of_half_precision_that_are_no_numbers(tmp_path):
    """A signalling nan, of which NumPy warns where it is converted."""
    np.save(tmp_path / "X.npy", np.full((2, 3, 3), 0x7D01, np.uint16).view(np.float16))
    refused(lambda path: read_pair(path, None), tmp_path / "X.npy", "features must be finite")


def test_npy_text_that_is_no_unicode(tmp_path):
    path = written(tmp_path, "x.npy", npy(described("'<U1'", shape="(1,)"), b"\xff" * 4))
    refused(load_array, path, "no Unicode")


def test_zip_bomb_in_npz(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        header = npy(described("'|u1'", shape=f"({1 << 28}, 1)"))
        archive.writestr("X.npy", header + bytes(1 << 28))
    refused(read_npz, tmp_path / "x.npz", "more than 100 times as many")
    assert not datasets.has_test_part(tmp_path / "x.npz")


def test_zip_whose_members_are_the_same_bytes(tmp_path):
    """Many names for one member of 16 MB, each small enough."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        header = npy(described("'|u1'", shape=f"({1 << 24}, 1)"))
        archive.writestr("x00.npy", header + bytes(1 << 24))
        first = archive.infolist()[0]
        for i in range(1, 50):
            info = zipfile.ZipInfo(f"x{i:02}.npy")
            for name in ("compress_type", "CRC", "compress_size", "file_size", "header_offset"):
                setattr(info, name, getattr(first, name))
            archive.filelist.append(info)
            archive.NameToInfo[info.filename] = info
        archive._didModify = True
    refused(read_npz, written(tmp_path, "x.npz", file.getvalue()), "more than 100 times as many")


def test_zip_that_says_less_than_it_holds(tmp_path):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("X.npy", npy(described("'|u1'", shape=f"({1 << 28}, 1)")) + bytes(1 << 28))
    content = file.getvalue().replace(struct.pack("<I", (1 << 28) + 79), struct.pack("<I", 1000))
    refused(read_npz, written(tmp_path, "x.npz", content), "no .npz file")


def test_npz_member_that_claims_more_than_the_archive_has(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("X.npy", npy(described(shape=f"({TERA}, 2)"), bytes(64)))
    refused(read_npz, tmp_path / "x.npz", "shorter than it says")


@pytest.mark.parametrize("name", ["../../X.npy", "/X.npy", "..\\X.npy", "a/../../X.npy", "C:X.npy"])
def test_npz_names_that_are_paths_lead_nowhere(tmp_path, name):
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / "x.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, npy(described(), bytes(64)))
    refused(read_npz, path, "must hold X_train")
    assert [each.name for each in tmp_path.rglob("*")] == ["in", "x.npz"]


def test_npz_names_that_occur_twice(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        for name in ("X.npy", "x.npy"):
            archive.writestr(name, npy(described(), bytes(64)))
    refused(read_npz, tmp_path / "x.npz", "occurs twice")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_npz_compressed_as_numpy_does_not(tmp_path, method):
    with zipfile.ZipFile(tmp_path / "x.npz", "w", method) as archive:
        archive.writestr("X.npy", npy(described(), bytes(64)))
    refused(read_npz, tmp_path / "x.npz", "compressed as NumPy does not")


# --- what is read --------------------------------------------------------------------------------


def test_large_files_take_twice_their_size_at_most(tmp_path):
    rows = np.ones((1 << 21, 4))
    np.save(tmp_path / "x.npy", rows)
    np.savez(tmp_path / "x.npz", X=rows)
    safetensors.numpy.save_file({"X": rows}, tmp_path / "x.safetensors")
    wide = np.ones((3, 1 << 20))
    wide[:, 0] = [0, 1, 2]
    head = SoftmaxRegression(max_iter=1, tol=0).fit(np.eye(3), [0, 1, 2])
    head.coef_, head.n_features_in_ = wide, 1 << 20
    xsoftmax.save(head, tmp_path / "model")
    (tmp_path / "x-idx").write_bytes(idx(1 << 25, values=bytes(1 << 25)))
    for name, read in {
        "x.npy": load_array,
        "x.npz": lambda path: datasets.numpy_files.npz_arrays(path),
        "x.safetensors": lambda path: read_features(path, labelled=False),
        "model": xsoftmax.load,
        "x-idx": read_idx,
    }.items():
        path = tmp_path / name
        tracemalloc.start()
        read(path)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 2 * path.stat().st_size + (1 << 22), name
