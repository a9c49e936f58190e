"""MNIST and data sets in its format: four files, their checksums, where they are looked for."""

import gzip
import hashlib

import numpy as np
import pytest

from xsoftmax import datasets
from xsoftmax.datasets import published


def idx(array):
    """The IDX file of an array of bytes."""
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()


@pytest.fixture
def contents():
    """The four files of a small data set in the format of MNIST."""
    rng = np.random.default_rng(0)
    arrays = [
        rng.integers(0, 256, (20, 4, 3), dtype=np.uint8),
        (np.arange(20) % 3).astype(np.uint8),
        rng.integers(0, 256, (6, 4, 3), dtype=np.uint8),
        (np.arange(6) % 3).astype(np.uint8),
    ]
    return dict(zip(published.FILES, map(idx, arrays), strict=True))


@pytest.fixture
def folder(tmp_path, contents):
    """The folder of that data set, partly gzipped."""
    base = tmp_path / "small"
    base.mkdir()
    for i, (name, content) in enumerate(contents.items()):
        if i % 2:
            (base / name).write_bytes(content)
        else:
            (base / f"{name}.gz").write_bytes(gzip.compress(content))
    return base


@pytest.fixture
def source(contents, server):
    """Where it is published, with checksums of archives and contents."""
    archives = {f"{name}.gz": gzip.compress(file, mtime=0) for name, file in contents.items()}
    server.state["files"] = {f"/{name}": archive for name, archive in archives.items()}
    return published.Published(
        mirrors=(server.url,),
        archive_hashes=tuple(
            "sha256:" + hashlib.sha256(archive).hexdigest() for archive in archives.values()
        ),
        content_md5=tuple(hashlib.md5(content).hexdigest() for content in contents.values()),
    )


def test_load_reads_a_folder_of_idx_files(folder):
    data = datasets.load(folder)
    assert data.X_train.shape == (20, 12)
    assert data.X_train.dtype == np.float32
    assert 0 <= data.X_train.min() < data.X_train.max() <= 1
    assert data.y_test.tolist() == [0, 1, 2, 0, 1, 2]
    assert data.image_shape == (4, 3)
    (folder / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(ValueError, match="lacks train-labels-idx1-ubyte"):
        datasets.load(folder)


def test_read_published_takes_a_recompressed_archive_and_no_other_content(folder, source):
    # Compressed with a time stamp: another archive, one content.
    data = published.read_published("small", source, folder)
    assert data.X_train.shape == (20, 12)
    path = folder / "train-labels-idx1-ubyte"
    path.write_bytes(path.read_bytes()[:-1] + b"\x02")
    with pytest.raises(ValueError, match=r"train-labels.*checksum \(md5\) of its content"):
        published.read_published("small", source, folder)


def test_read_published_downloads_once(server, source, tmp_path):
    cache = tmp_path / "cache"
    data = published.read_published("small", source, cache)
    assert data.X_train.shape == (20, 12)
    names = sorted(path.name for path in (cache / "small").iterdir())
    assert names == sorted(f"{name}.gz" for name in published.FILES)
    assert len(server.state["requests"]) == 4
    published.read_published("small", source, cache)
    assert len(server.state["requests"]) == 4


def test_read_published_looks_where_the_environment_says(folder, source, server, monkeypatch):
    monkeypatch.setenv("XSOFTMAX_DATA_DIR", str(folder.parent))
    assert published.read_published("small", source).X_train.shape == (20, 12)
    assert server.state["requests"] == []
    monkeypatch.setenv("XSOFTMAX_DATA_DIR", str(folder))
    with pytest.raises(ValueError, match=r"train-images.*checksum \(md5\) of its content"):
        datasets.load("mnist")  # which those files are not


def test_mnist_and_fashion_mnist_have_a_checksum_for_every_file():
    for source in (published.MNIST, published.FASHION_MNIST):
        assert len(source.archive_hashes) == len(source.content_md5) == len(published.FILES)
        assert all(len(md5) == 32 for md5 in source.content_md5)
    assert len(published.FASHION_MNIST.class_names) == 10


def test_mnist_is_70_000_digits(mnist_dir):
    data = datasets.mnist(mnist_dir)
    assert data.X_train.shape == (60000, 784)
    assert data.X_test.shape == (10000, 784)
    assert np.bincount(data.y_train).tolist() == [
        5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949,
    ]  # fmt: skip
    assert data.X_train.max() == 1
    direct = datasets.mnist(mnist_dir / "mnist", dtype="float64")
    assert direct.X_test.dtype == np.float64
