"""Hostile files that have a name: what each of them tries, and that it is refused in time."""

import gzip
import io
import json
import os
import pickle
import struct
import tracemalloc
import warnings
import zipfile
import zlib
from functools import partial

import numpy as np
import pytest
import safetensors.numpy

import xsoftmax
from xsoftmax import SoftmaxRegression, StoredRows, datasets
from xsoftmax.datasets import Schema, idx_folder, load_rows, read_csv, read_features, read_npz
from xsoftmax.datasets.idx import read_idx
from xsoftmax.datasets.numpy_files import load_array, read_pair
from xsoftmax.datasets.tables import read_table
from xsoftmax.sources.checkpoint import MAGIC, Checkpoint, Record, digest

from ..problems import blobs
from ..serialization.model_files import rewrite
from .formats import OWNER, X, Y, checkpoints
from .rules import MESSAGE, ROOM, audited

TERA = 1 << 40


def refused(read, path, match, *, room=ROOM):
    """Refused with a ValueError that names the file, in little memory, and nothing is run."""
    folder = path if path.is_dir() else path.parent
    size = 0 if path.is_dir() else path.stat().st_size
    tracemalloc.start()
    with audited(folder) as done, pytest.raises(ValueError, match=match) as caught:
        read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert str(folder) in str(caught.value)
    assert len(str(caught.value)) < MESSAGE
    assert peak < 2 * size + room
    assert done == []


def written(folder, name, content):
    path = folder / name
    path.write_bytes(content)
    return path


# --- IDX -----------------------------------------------------------------------------------------


def idx(*sizes, values=b""):
    return bytes([0, 0, 8, len(sizes)]) + np.asarray(sizes, ">u4").tobytes() + values


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


# --- safetensors and model files -----------------------------------------------------------------


def tensors(header, n_bytes=64, length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + bytes(n_bytes)


def entry(shape=(4, 2), offsets=(0, 64), dtype="F64"):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


JSON = {
    "nested deeply": b"[" * 100_000 + b"]" * 100_000,
    "nested without end": b'{"a":' * 100_000,
    "40 lists in one another": b'{"x": ' + b"[" * 40 + b"]" * 40 + b"}",
    "an integer of 5,000 digits": b'{"x": ' + b"9" * 5000 + b"}",
    "a number beyond float64": b'{"x": 1e999}',
    "NaN": b'{"x": NaN}',
    "Infinity": b'{"x": -Infinity}',
    "a name twice": b'{"X": 1, "X": 2}',
    "a string of megabytes": b'{"' + b"x" * 3_000_000 + b'": 1}',
    "invalid UTF-8": b'{"\xff": 1}',
    "UTF-16": '{"x": 1}'.encode("utf-16"),
    "NUL": b'{"x": 1}\0',
    "nothing": b"",
    "a list": b"[1]",
}
ENTRIES = {
    "an offset of exabytes": {"X": entry(offsets=(0, 1 << 62))},
    "tensors that overlap": {"X": entry(), "y": entry(offsets=(32, 64), shape=(4, 1))},
    "a hole": {"X": entry(offsets=(8, 64), shape=(7, 1))},
    "a tail": {"X": entry(offsets=(0, 56), shape=(7, 1))},
    "negative offsets": {"X": entry(offsets=(-64, 0))},
    "offsets that go back": {"X": entry(offsets=(64, 0))},
    "True as a size": {"X": entry(shape=(True, 8))},
    "a negative size": {"X": entry(shape=(-4, -2))},
    "a product beyond 64 bits": {"X": entry(shape=(1 << 32, 1 << 32))},
    "sizes that are no integers": {"X": entry(shape=(4.0, 2))},
    "a dtype that is a list": {"X": {**entry(), "dtype": ["F64"]}},
    "an unknown dtype": {"X": entry(dtype="F1024")},
    "no dtype": {"X": {"shape": [4, 2], "data_offsets": [0, 64]}},
    "one offset": {"X": {**entry(), "data_offsets": [0]}},
}
BOTH = {name: tensors(text) for name, text in JSON.items()} | {
    name: tensors(header) for name, header in ENTRIES.items()
}


@pytest.mark.parametrize("name", BOTH)
def test_safetensors_headers(tmp_path, name):
    path = written(tmp_path, "x.safetensors", BOTH[name])
    message = r"is no|must hold|has 64 bytes|not a model|but no model"
    refused(StoredRows, path, message)
    refused(lambda path: read_features(path, labelled=False), path, message)
    refused(lambda path: read_features(path, stored=True), path, message)
    refused(xsoftmax.load, path, message)


def test_safetensors_with_a_header_of_exabytes(tmp_path):
    path = written(tmp_path, "x.safetensors", tensors({}, length=1 << 62))
    refused(StoredRows, path, "announces a header")
    refused(xsoftmax.load, path, "announces a header")


@pytest.fixture
def model(tmp_path):
    rows, labels = blobs(30)
    return xsoftmax.save(SoftmaxRegression(max_iter=3, tol=0).fit(rows, labels), tmp_path / "m")


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.update(n_iter=True),
        lambda d: d.update(n_iter=int("9" * 300)),
        lambda d: d.update(n_features_in=int("9" * 300)),
        lambda d: d.update(n_features_in=TERA),
        lambda d: d.update(label_name="x" * 100_000, n_iter=-1),
        lambda d: d["settings"].update(solver="x" * 100_000),
        lambda d: d["settings"].update(solver="__import__('os')"),
        lambda d: d["classes"].update(dtype="(9999999,9999999)f8"),
        lambda d: d["classes"].update(dtype="O"),
        lambda d: d["classes"].update(values="abc"),
        lambda d: d["classes"].update(values=[1e308, float(2**53), 3]),
        lambda d: d.update(model="os.system"),
        lambda d: d.update(settings=[]),
        lambda d: d.update(classes={"dtype": "int64", "values": [0, 1, 2], "more": 1}),
        lambda d: d.update(pipeline={"steps": [{"class": "Pipeline"}], "last": "x"}),
        lambda d: d.update(pipeline={"steps": 3, "last": "x"}),
        lambda d: d.update(search={"params": TERA}),
        lambda d: d.update(format_version="9" * 10_000),
    ],
)
def test_model_descriptions(model, change):
    refused(xsoftmax.load, rewrite(model, change_header=change), "model|format version|tensors")


# --- checkpoints ---------------------------------------------------------------------------------


def checkpoint(path):
    return Checkpoint(path, 0.0, OWNER)


@pytest.mark.parametrize("name", JSON)
def test_checkpoints_of_json_that_is_none(tmp_path, name):
    path = written(tmp_path, "fit", MAGIC + JSON[name] + b"\n")
    refused(checkpoint, path, "no checkpoint of xsoftmax|is of another fit")


def record(head, body=b"", n_head=None):
    head = head if isinstance(head, bytes) else json.dumps(head).encode()
    content = struct.pack("<Q", len(head) if n_head is None else n_head) + head + body
    return struct.pack("<QI", len(content), zlib.crc32(content)) + content


RECORDS = {
    "cut off": record(["sums", "", [True, True], []])[:-3],
    "a length of exabytes": struct.pack("<QI", 1 << 62, 0) + bytes(64),
    "a head of exabytes": record(["sums", "", 0, []], n_head=1 << 62),
    "terabytes": record(["sums", "", 0, [["<f8", [TERA]]]]),
    "a product that is 0 in 64 bits": record(["sums", "", 0, [["<f8", [1 << 32, 1 << 32]]]]),
    "a negative size": record(["sums", "", 0, [["<f8", [-1]]]], bytes(8)),
    "True as a size": record(["sums", "", 0, [["<f8", [True]]]], bytes(8)),
    "a size that is no integer": record(["sums", "", 0, [["<f8", [1.0]]]], bytes(8)),
    "objects": record(["sums", "", 0, [["|O", [1]]]], bytes(8)),
    "a dtype that is an expression": record(["sums", "", 0, [["(2,)f8", [1]]]], bytes(16)),
    "a dtype that is a list": record(["sums", "", 0, [[["<f8"], [1]]]], bytes(8)),
    "a tail": record(["sums", "", 0, [["<f8", [1]]]], bytes(9)),
    "no list": record(b"3"),
    "a list of another length": record([]),
    "a pickle": record(pickle.dumps([1])),
    **{f"JSON: {name}": record(text) for name, text in JSON.items()},
}


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_that_cannot_be_is_left_out_with_what_follows(tmp_path, name):
    line = checkpoints()[0].partition(b"\n")[0] + b"\n"
    path = written(tmp_path, "fit", line + RECORDS[name] + record(["sums", "", [True, True], []]))
    tracemalloc.start()
    with audited(tmp_path) as done:
        assert checkpoint(path).waiting == []
    assert tracemalloc.get_traced_memory()[1] < ROOM
    tracemalloc.stop()
    assert done == []
    assert path.read_bytes() == line


def test_a_result_that_says_that_it_lay_elsewhere_is_taken_here(tmp_path):
    checkpoint(tmp_path / "fit")._add(Record("sums", digest((1,)), [False, False], [X, Y]))
    found = checkpoint(tmp_path / "fit").remembered(lambda: (X, Y), "sums", 1)
    np.testing.assert_array_equal(found[0], X)


@pytest.mark.parametrize("numbers", [0, None, [], [True], [0, 1], {}, [True, False, True]])
def test_a_result_whose_numbers_are_of_another_kind_is_found_again(tmp_path, numbers):
    first = checkpoint(tmp_path / "fit")
    first.remembered(lambda: X, "sums", 1)
    (known,) = checkpoint(tmp_path / "fit").waiting
    line = (tmp_path / "fit").read_bytes().partition(b"\n")[0] + b"\n"
    head = ["sums", known.key, numbers, [["<f8", [2, 2]]]]
    path = written(tmp_path, "fit", line + record(head, bytes(32)))
    np.testing.assert_array_equal(checkpoint(path).remembered(lambda: X, "sums", 1), X)


STATES = {
    "no numbers": lambda numbers, arrays: (None, arrays),
    "no iteration": lambda numbers, arrays: ({**numbers, "iteration": None}, arrays),
    "curves of numbers": lambda numbers, arrays: ({**numbers, "curves": 3}, arrays),
    "curves of text": lambda numbers, arrays: ({**numbers, "curves": ["x"]}, arrays),
    "a count of arrays": lambda numbers, arrays: ({**numbers, "n_arrays": 1 << 62}, arrays[:1]),
    "no arrays": lambda numbers, arrays: (numbers, []),
    "other shapes": lambda numbers, arrays: (numbers, [x[..., :1] for x in arrays]),
    "no shuffle": lambda numbers, arrays: ({**numbers, "solver": {}}, arrays),
    "text for a solver": lambda numbers, arrays: ({**numbers, "solver": "x"}, arrays),
    "no reports": lambda numbers, arrays: (
        {**numbers, "solver": {**numbers["solver"], "reports": []}},
        arrays,
    ),
}


@pytest.mark.parametrize("name", STATES)
def test_a_state_that_no_solver_left(tmp_path, name):
    rows, labels = blobs(30)
    model = SoftmaxRegression(solver="adam", max_iter=3, tol=0, batch_size=10, random_state=0)
    path = tmp_path / "fit"

    def stop(iteration, *_):
        if len(stops) == 2:
            raise KeyError("stop")
        stops.append(iteration)

    stops = []
    with pytest.raises(KeyError):
        model.fit(rows, labels, monitor=stop, checkpoint=path, checkpoint_every=0.0)
    line = path.read_bytes().partition(b"\n")[0]
    owner = json.loads(line[len(MAGIC) :])
    saved = Checkpoint(path, 0.0, owner).snapshot()
    numbers, arrays = STATES[name](saved.numbers, saved.arrays)
    kinds = [(x.dtype.str, list(x.shape)) for x in arrays]
    body = b"".join(x.tobytes() for x in arrays)
    path.write_bytes(line + b"\n" + record(["state", "", numbers, kinds], body))
    fit = partial(model.fit, rows, labels, checkpoint_every=0.0)
    refused(lambda path: fit(checkpoint=path), path, "holds no state of this fit")


def test_a_link_beside_a_checkpoint_is_not_written_through(tmp_path):
    (tmp_path / "in").mkdir()
    victim = written(tmp_path, "victim", b"mine")
    (tmp_path / "in" / f".fit.{os.getpid()}.tmp").symlink_to(victim)
    checkpoint(tmp_path / "in" / "fit")
    assert victim.read_bytes() == b"mine"


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
