"""The formats that xsoftmax reads: small files that it wrote, and what reads them."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import safetensors.numpy
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import xsoftmax
from xsoftmax import MLPClassifier, SoftmaxRegression, SoftmaxRegressionCV, StoredRows
from xsoftmax.datasets.features import read_features
from xsoftmax.datasets.idx import read_idx
from xsoftmax.datasets.numpy_files import has_test_arrays, load_array, read_arrays, read_pair
from xsoftmax.datasets.tables import labelled_rows, read_table
from xsoftmax.sources.checkpoint import Checkpoint

from ..problems import blobs

#: Whose the checkpoints are.
OWNER = {"estimator": "SoftmaxRegression", "C": "1.0", "X": [["X.npy", [9, 4], 0.5, None, True]]}
X, Y = np.arange(24.0).reshape(8, 3) / 7, np.arange(8) % 2
WORDS = np.asarray(["ash", "elm"] * 4)


@dataclass(frozen=True)
class Format:
    """A kind of file."""

    suffix: str
    seeds: Callable[[], list[bytes]]
    read: Callable[[Path], Any]
    structure: str = "bytes"  #: how `mutations` takes it apart
    is_shard: bool = False  #: the file lies in a folder with another, and the folder is read

    def write(self, folder: Path, content: bytes) -> Path:
        """Write the file, and return what is to be read."""
        path = folder / f"1{self.suffix}"
        path.write_bytes(content)
        if not self.is_shard:
            return path
        (folder / f"0{self.suffix}").write_bytes(self.seeds()[0])
        return folder


def _files(write: Callable[[Path], Any], *more: Callable[[Path], Any]) -> list[bytes]:
    found = []
    with TemporaryDirectory() as folder:
        for each in (write, *more):
            path = Path(folder) / "seed"
            each(path)
            found.append(path.read_bytes())
    return found


@cache
def models() -> list[bytes]:
    """Model files: a head, a network, a pipeline with a search."""
    rows, labels = blobs(30, n_features=3)
    head = SoftmaxRegression(C=2.0, class_weight={0: 1.0, 1: 2.0}, max_iter=3, tol=0)
    head.fit(rows, labels).feature_names_in_ = np.asarray(["a", "b", "c"], dtype=object)
    network = MLPClassifier((3,), max_iter=2, tol=0, random_state=0)
    network.fit(rows, np.asarray(["ash", "elm", "fir"])[labels])
    search = make_pipeline(StandardScaler(), SoftmaxRegressionCV([0.1, 1.0], cv=2))
    fitted = (head, network, search.fit(rows, labels))
    return _files(*[lambda path, model=model: xsoftmax.save(model, path) for model in fitted])


@cache
def checkpoints() -> list[bytes]:
    """Checkpoints: of results, and of a state."""

    def of_results(path: Path) -> None:
        checkpoint = Checkpoint(path, 0.0, OWNER)
        checkpoint.remembered(lambda: (X, Y), "sums", 1)
        checkpoint.remembered(lambda: np.float32(X), "scores", 2)

    def of_state(path: Path) -> None:
        numbers = {"iteration": 3, "curves": [[0.5, 0.25]], "n_arrays": 1}
        Checkpoint(path, 0.0, OWNER).keep_state(lambda: (numbers, [X]))

    return _files(of_results, of_state)


def read_checkpoint(path: Path) -> None:
    """As a fit does that goes on from it."""
    checkpoint = Checkpoint(path, 0.0, OWNER)
    checkpoint.remembered(lambda: (X, Y), "sums", 1)
    checkpoint.remembered(lambda: np.float32(X), "scores", 2)
    Checkpoint(path, 0.0, OWNER).snapshot()


@cache
def idx() -> list[bytes]:
    """Images and labels."""
    images = b"\0\0\x08\x03" + np.asarray([4, 3, 5], ">u4").tobytes() + bytes(range(60))
    return [images, b"\0\0\x08\x01" + np.asarray([4], ">u4").tobytes() + b"\1\0\2\1"]


def idx_gz() -> list[bytes]:
    """The same, compressed."""
    return [gzip.compress(content, 1, mtime=0) for content in idx()]


def _npz(save: Any, **arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    save(file, **arrays)
    return file.getvalue()


@cache
def npz() -> list[bytes]:
    """Archives, stored and compressed."""
    names = np.asarray(["u", "v", "w"])
    parts = {"X_train": X, "y_train": WORDS, "X_test": X[:2], "y_test": WORDS[:2]}
    images = (X * 9).astype(np.uint8).reshape(2, 3, 4)
    return [
        _npz(np.savez, X=X, y=Y, feature_names=names, label_name=np.asarray("kind")),
        _npz(np.savez_compressed, **parts),
        _npz(np.savez, X=images, y=Y[:2]),
    ]


@cache
def shards() -> list[bytes]:
    """Archives of features and labels."""
    return [_npz(np.savez, X=X, y=Y), _npz(np.savez_compressed, features=X, labels=Y)]


def _npy(x: np.ndarray, version: tuple[int, int] | None = None) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, x, version=version, allow_pickle=False)
    return file.getvalue()


@cache
def npy() -> list[bytes]:
    """Features in several dtypes and orders."""
    swapped, order = X.astype(">f4"), np.asfortranarray(X)
    return [_npy(X), _npy(X.astype(np.float16), (2, 0)), _npy(swapped), _npy(order)]


@cache
def npy_labels() -> list[bytes]:
    """Labels: numbers and text."""
    return [_npy(Y), _npy(WORDS), _npy(WORDS.astype(">U3")), _npy(WORDS.astype("S3"))]


def read_labels(path: Path) -> None:
    """As the labels of features."""
    np.unique(load_array(path)).tolist()


def read_archive(path: Path) -> None:
    """As a data set."""
    has_test_arrays(path)
    read_arrays(path)


@cache
def tensors() -> list[bytes]:
    """safetensors files of features alone, and with labels."""
    both = {"X": X.astype(np.float32), "y": Y}
    return [
        safetensors.numpy.save({"features": X}, metadata={"made": "by hand"}),
        safetensors.numpy.save(both),
    ]


def read_stored(path: Path) -> None:
    """First and last rows that stay in their file."""
    rows = StoredRows(path)
    rows.take(np.asarray([rows.shape[0] - 1, 0]))
    rows.fingerprint()


def read_shards(path: Path) -> None:
    """A file or a folder of them."""
    read_features(path, labelled=False)


def csv() -> list[bytes]:
    """Tables of text, with headers and without, quoted, with an index."""
    return [
        b"width,height,species\n5.1,3.5,setosa\n4.9,3.0,setosa\n7.0,3.2,virginica\n6,3,virginica\n",
        b"1.5;2;0\r\n2.5;-3e-2;1\r\n3.5;4;0\r\n",
        b',a,"b ""c""",label\n0,1,true,"x,y"\n1,2,False,"z\n."\n2,3,TRUE,z\n',
        b"1990\t1991\t1992\t1993\n1.5\t2\t3\t0\n2.5\t2\t1\t1\n3.5\t2\t3\t0\n",
    ]


def read_text(path: Path) -> None:
    """A table with a column of labels."""
    labelled_rows(read_table(path))


@cache
def parquet() -> list[bytes]:
    """Numbers with labels, numbers or text."""
    pa = __import__("pyarrow.parquet")
    words = pa.table({"a": X[:, 0], "b": Y, "label": WORDS})
    numbers = pa.table({"a": X[:, 0], "__index_level_0__": np.arange(8), "label": Y})
    write = pa.parquet.write_table
    return _files(
        lambda path: write(words, path),
        lambda path: write(numbers, path, row_group_size=5, compression="gzip"),
        lambda path: write(words, path, use_dictionary=False, compression="none"),
    )


@cache
def parquet_rows() -> list[bytes]:
    """Columns of numbers, and one of lists, in groups of rows."""
    pa = __import__("pyarrow.parquet")
    numbers = pa.table({"a": X[:, 0], "b": X[:, 1]})
    lists = pa.table({"embedding": list(X.astype(np.float32))})
    write = pa.parquet.write_table
    return _files(
        lambda path: write(numbers, path, use_dictionary=False),
        lambda path: write(lists, path, row_group_size=5, compression="none"),
    )


FORMATS = {
    "model file": Format(".safetensors", models, xsoftmax.load, "model file"),
    "checkpoint": Format("", checkpoints, read_checkpoint, "checkpoint"),
    "IDX": Format("-idx3-ubyte", idx, read_idx),
    "IDX, gzip": Format("-idx3-ubyte.gz", idx_gz, read_idx, "gzip"),
    "npz": Format(".npz", npz, read_archive, "zip"),
    "npy": Format(".npy", npy, lambda path: read_pair(path, None), "npy"),
    "npy, labels": Format(".npy", npy_labels, read_labels, "npy"),
    "npy, stored": Format(".npy", npy, read_stored, "npy"),
    "safetensors": Format(".safetensors", tensors, read_shards, "safetensors"),
    "safetensors, stored": Format(".safetensors", tensors, read_stored, "safetensors"),
    "folder of shards": Format(".npz", shards, read_shards, "zip", is_shard=True),
    "CSV": Format(".csv", csv, read_text, "text"),
    "TSV": Format(".tsv", csv, read_text, "text"),
}
if find_spec("pyarrow"):
    FORMATS["Parquet"] = Format(".parquet", parquet, read_text)
    FORMATS["Parquet, stored"] = Format(".parquet", parquet_rows, read_stored)
