"""Downloads from servers that misbehave."""

import hashlib

import numpy as np
import pytest

from xsoftmax.datasets.download import CHUNK_BYTES, default_folder, fetch

CONTENT = np.random.default_rng(0).bytes(3 * CHUNK_BYTES)
HASH = "sha256:" + hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def mirror(server):
    server.state["files"] = {"/file": CONTENT}
    return server


def test_fetch_resumes_a_broken_download(mirror, tmp_path):
    mirror.state["breaks"] = 1
    with pytest.raises(OSError, match=r"(?s)cannot download file.*put file"):
        fetch("file", [mirror.url], HASH, tmp_path / "cache")
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["file.part"]
    assert fetch("file", [mirror.url], HASH, tmp_path / "cache").read_bytes() == CONTENT
    assert mirror.state["requests"] == [("/file", None), ("/file", f"bytes={CHUNK_BYTES}-")]
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["file"]


def test_fetch_goes_on_at_the_next_mirror_where_the_first_broke(mirror, tmp_path):
    mirror.state["breaks"] = 1
    assert fetch("file", [mirror.url] * 2, HASH, tmp_path).read_bytes() == CONTENT
    assert mirror.state["requests"] == [("/file", None), ("/file", f"bytes={CHUNK_BYTES}-")]


def test_fetch_takes_a_part_that_is_already_whole(mirror, tmp_path):
    (tmp_path / "file.part").write_bytes(CONTENT)
    assert fetch("file", [mirror.url], HASH, tmp_path).read_bytes() == CONTENT


def test_fetch_keeps_no_file_of_another_content(mirror, tmp_path):
    mirror.state["files"] = {"/file": b"something else"}
    with pytest.raises(OSError, match="does not match"):
        fetch("file", [mirror.url], HASH, tmp_path)
    assert list(tmp_path.iterdir()) == []
    mirror.state["files"] = {"/file": CONTENT}
    assert fetch("file", [mirror.url], HASH, tmp_path).read_bytes() == CONTENT


def test_fetch_without_a_network_says_what_to_do(tmp_path):
    mirrors = ["http://127.0.0.1:9/", "http://127.0.0.1:9/other/"]
    with pytest.raises(OSError, match="cannot download file") as caught:
        fetch("file", mirrors, HASH, tmp_path)
    for part in (*(mirror + "file" for mirror in mirrors), "--data-dir", str(tmp_path)):
        assert part in str(caught.value)


def test_default_folder_is_what_the_environment_names(tmp_path, monkeypatch):
    monkeypatch.setenv("XSOFTMAX_DATA_DIR", str(tmp_path))
    assert default_folder() == tmp_path
