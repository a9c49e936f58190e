"""Hostile safetensors, model files and checkpoints that have a name."""

import json
import os
import pickle
import struct
import tracemalloc
import zlib
from functools import partial

import numpy as np
import pytest

import xsoftmax
from xsoftmax import SoftmaxRegression, StoredRows
from xsoftmax.datasets import read_features
from xsoftmax.sources.checkpoint import MAGIC, Checkpoint, Record, digest

from ..problems import blobs
from ..serialization.model_files import rewrite
from .formats import OWNER, X, Y, checkpoints
from .named import JSON, TERA, refused, written
from .rules import ROOM, audited

# --- safetensors and model files -----------------------------------------------------------------


def tensors(header, n_bytes=64, length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + bytes(n_bytes)


def entry(shape=(4, 2), offsets=(0, 64), dtype="F64"):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


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
