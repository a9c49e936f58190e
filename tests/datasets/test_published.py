"""Data sets: names, files, checksums, and downloads from a server that misbehaves."""

import gzip
import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from xsoftmax import datasets
from xsoftmax.datasets import download, published
from xsoftmax.datasets.idx import read_idx


def idx(array):
    """The IDX file of an array of bytes."""
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()


@pytest.fixture
def folder(tmp_path):
    """A small data set in the format of MNIST, partly gzipped."""
    rng = np.random.default_rng(0)
    arrays = {
        "train-images-idx3-ubyte": rng.integers(0, 256, (20, 4, 3), dtype=np.uint8),
        "train-labels-idx1-ubyte": (np.arange(20) % 3).astype(np.uint8),
        "t10k-images-idx3-ubyte": rng.integers(0, 256, (6, 4, 3), dtype=np.uint8),
        "t10k-labels-idx1-ubyte": (np.arange(6) % 3).astype(np.uint8),
    }
    base = tmp_path / "small"
    base.mkdir()
    for i, (name, array) in enumerate(arrays.items()):
        if i % 2:
            (base / name).write_bytes(idx(array))
        else:
            (base / f"{name}.gz").write_bytes(gzip.compress(idx(array)))
    return base


@pytest.fixture
def files(folder, monkeypatch):
    """The small data set in MNIST's place: files, and checksums of files and contents."""
    contents = []
    for name in published.FILES:
        path = folder / name
        contents.append(
            path.read_bytes()
            if path.exists()
            else gzip.decompress((folder / f"{name}.gz").read_bytes())
        )
    archives = [gzip.compress(content, mtime=0) for content in contents]
    source = published.Published(
        mirrors=(),
        archive_hashes=tuple("sha256:" + hashlib.sha256(a).hexdigest() for a in archives),
        content_md5=tuple(hashlib.md5(content).hexdigest() for content in contents),
    )
    monkeypatch.setattr(published, "MNIST", source)
    return {f"/{name}.gz": archive for name, archive in zip(published.FILES, archives, strict=True)}


class Handler(BaseHTTPRequestHandler):
    """Serves `files` with ranges; the first `breaks` answers stop half way."""

    def do_GET(self):
        state = self.server.state
        state["requests"].append((self.path, self.headers.get("Range")))
        content = state["files"].get(self.path)
        if content is None:
            self.send_error(404)
            return
        start = int((self.headers.get("Range") or "bytes=0-")[6:-1])
        if start >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        body = content[start:]
        if state["breaks"] > 0:
            state["breaks"] -= 1
            body = body[: len(body) // 2]
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, *_):
        pass


@pytest.fixture
def server(files):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.state = {"files": files, "requests": [], "breaks": 0}
    server.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def use(monkeypatch, *mirrors):
    monkeypatch.setattr(download, "CHUNK_BYTES", 16)  # the files are small
    monkeypatch.setattr(published, "MNIST", published.MNIST._replace(mirrors=mirrors))


def test_digits():
    data = datasets.digits()
    assert data.X_train.shape == (1437, 64)
    assert data.X_test.shape == (360, 64)
    assert (data.X_train.min(), data.X_train.max()) == (0, 1)
    assert data.image_shape == (8, 8)
    again = datasets.load("digits")
    np.testing.assert_array_equal(again.y_test, data.y_test)


def test_idx_folder(folder):
    data = datasets.load(folder)
    assert data.X_train.shape == (20, 12)
    assert data.X_train.dtype == np.float32
    assert 0 <= data.X_train.min() < data.X_train.max() <= 1
    assert data.y_test.tolist() == [0, 1, 2, 0, 1, 2]
    assert data.image_shape == (4, 3)
    (folder / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(ValueError, match="lacks train-labels-idx1-ubyte"):
        datasets.load(folder)


def test_a_recompressed_archive_serves_and_another_content_does_not(folder, files):
    data = datasets.mnist(folder)  # compressed with a time stamp: another archive, one content
    assert data.X_train.shape == (20, 12)
    path = folder / "train-labels-idx1-ubyte"
    path.write_bytes(path.read_bytes()[:-1] + b"\x02")
    with pytest.raises(ValueError, match=r"train-labels.*checksum \(md5\) of its content"):
        datasets.mnist(folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no IDX file"),
        (b"\0\0\x0d\x01\0\0\0\x01\0\0\0\0", "no IDX file of unsigned bytes"),
        (b"\0\0\x08\x01\0\0\0\x05abc", "truncated"),
        (gzip.compress(b"\0\0\x08\x01" * 99, mtime=0)[:20], "damaged gzip"),
    ],
)
def test_damaged_idx_files(tmp_path, content, message):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_idx(tmp_path / "file")


def test_download_once(server, tmp_path, monkeypatch):
    use(monkeypatch, server.url)
    cache = tmp_path / "cache"
    data = datasets.mnist(cache)
    assert data.X_train.shape == (20, 12)
    names = sorted(path.name for path in (cache / "mnist").iterdir())
    assert names == sorted(f"{name}.gz" for name in published.FILES)
    assert len(server.state["requests"]) == 4
    datasets.mnist(cache)
    assert len(server.state["requests"]) == 4


def test_a_broken_download_is_resumed(server, tmp_path, monkeypatch):
    use(monkeypatch, server.url)
    server.state["breaks"] = 1
    with pytest.raises(OSError, match=r"(?s)cannot download train-images.*put train-images"):
        datasets.mnist(tmp_path / "cache")
    left = [path.name for path in (tmp_path / "cache" / "mnist").iterdir()]
    assert left == ["train-images-idx3-ubyte.gz.part"]
    assert datasets.mnist(tmp_path / "cache").X_train.shape == (20, 12)
    assert server.state["requests"][1][1].startswith("bytes=")
    assert not list((tmp_path / "cache" / "mnist").glob("*.part"))


def test_the_next_mirror_goes_on_where_the_first_broke(server, tmp_path, monkeypatch):
    use(monkeypatch, server.url, server.url)
    server.state["breaks"] = 1
    assert datasets.mnist(tmp_path / "cache").X_train.shape == (20, 12)
    assert server.state["requests"][1][1].startswith("bytes=")


def test_a_part_that_is_already_whole(server, tmp_path, monkeypatch):
    use(monkeypatch, server.url)
    target = tmp_path / "cache" / "mnist"
    target.mkdir(parents=True)
    name = f"{published.FILES[0]}.gz"
    (target / f"{name}.part").write_bytes(server.state["files"][f"/{name}"])
    assert datasets.mnist(tmp_path / "cache").X_train.shape == (20, 12)


def test_a_wrong_file_is_not_kept(server, tmp_path, monkeypatch):
    use(monkeypatch, server.url)
    right = dict(server.state["files"])
    server.state["files"] = dict.fromkeys(right, b"something else")
    with pytest.raises(OSError, match="does not match"):
        datasets.mnist(tmp_path / "cache")
    assert list((tmp_path / "cache" / "mnist").iterdir()) == []
    server.state["files"] = right
    assert datasets.mnist(tmp_path / "cache").X_train.shape == (20, 12)


def test_no_network_is_explained(files, tmp_path, monkeypatch):
    use(monkeypatch, "http://127.0.0.1:9/", "http://127.0.0.1:9/other/")
    with pytest.raises(OSError, match="cannot download") as caught:
        datasets.mnist(tmp_path)
    message = str(caught.value)
    for part in ("127.0.0.1:9/train-images", "127.0.0.1:9/other/", "--data-dir", str(tmp_path)):
        assert part in message


def test_the_environment_names_the_folder(folder, files, monkeypatch):
    monkeypatch.setenv("XSOFTMAX_DATA_DIR", str(folder))
    assert download.default_folder() == folder
    assert datasets.load("mnist").X_train.shape == (20, 12)


def test_the_published_checksums_are_complete():
    for source in (published.MNIST, published.FASHION_MNIST):
        assert len(source.archive_hashes) == len(source.content_md5) == len(published.FILES)
        assert all(len(md5) == 32 for md5 in source.content_md5)
    assert len(published.FASHION_MNIST.class_names) == 10


def test_real_mnist(mnist_dir):
    data = datasets.mnist(mnist_dir)
    assert data.X_train.shape == (60000, 784)
    assert data.X_test.shape == (10000, 784)
    assert np.bincount(data.y_train).tolist() == [
        5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949,
    ]  # fmt: skip
    assert data.X_train.max() == 1
    direct = datasets.mnist(mnist_dir / "mnist", dtype="float64")
    assert direct.X_test.dtype == np.float64
