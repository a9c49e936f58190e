"""IDX files."""

import gzip

import pytest

from xsoftmax.datasets.idx import read_idx


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no IDX file"),
        (b"\0\0\x0d\x01\0\0\0\x01\0\0\0\0", "no IDX file of unsigned bytes"),
        (b"\0\0\x08\x01\0\0\0\x05abc", "truncated"),
        (gzip.compress(b"\0\0\x08\x01" * 99, mtime=0)[:20], "damaged gzip"),
    ],
)
def test_read_idx_refuses_damaged_files(tmp_path, content, message):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_idx(tmp_path / "file")
