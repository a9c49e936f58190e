"""IDX files, the format of MNIST: two zero bytes, a type code, the rank, the sizes, the values."""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from math import prod
from pathlib import Path

import numpy as np

from ..sources import check_expansion

#: Type code 8 is uint8, the only one that the MNIST family uses.
UINT8 = 8


def read_idx(path: Path, *, md5: str | None = None) -> np.ndarray:
    """The array in an IDX file of bytes, gzipped or not.

    `md5` is the checksum of the uncompressed content, so that an archive which somebody compressed
    again serves as well as the published one. Of an archive no more is unpacked than its header
    says that it holds, which is at most 64 MiB, or 100 times its own size.

    Raises
    ------
    ValueError
        If the file is damaged, is no IDX file of bytes, holds too much for its size, or has another
        checksum.
    OSError
        If it cannot be read.
    """
    content = path.read_bytes()
    if content[:2] == b"\x1f\x8b":
        try:
            content = _unpacked(path, content)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ValueError(
                f"{path} is a damaged gzip archive ({error}). Delete it to download it again."
            ) from error
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if md5 is not None and found != md5:
        raise ValueError(
            f"{path}: the checksum (md5) of its content is {found}, and that of the published "
            f"content is {md5}. Delete it to download it again, or name another folder."
        )
    return _parse(path, content)


def _unpacked(path: Path, archive: bytes) -> bytes:
    """The content of an archive, and one byte more than that may have, if there is one."""
    with gzip.GzipFile(fileobj=io.BytesIO(archive)) as file:
        start = file.read(16)
        shape = _shape(path, start)
        n_bytes = 4 + 4 * len(shape) + prod(shape)
        check_expansion(path, n_bytes, len(archive))
        return start + file.read(max(0, n_bytes - len(start)) + 1)


def _shape(path: Path, content: bytes) -> tuple[int, ...]:
    """What the header says."""
    rank = content[3] if len(content) > 3 else 0
    if content[:3] != bytes([0, 0, UINT8]) or not 1 <= rank <= 3 or len(content) < 4 + 4 * rank:
        raise ValueError(f"{path} is no IDX file of unsigned bytes; it starts {content[:4]!r}.")
    shape = tuple(int(size) for size in np.frombuffer(content, ">u4", rank, offset=4))
    if prod(size or 1 for size in shape) >= 1 << 63:
        raise ValueError(f"{path} is no IDX file: no array has the shape {shape}.")
    return shape


def _parse(path: Path, content: bytes) -> np.ndarray:
    shape = _shape(path, content)
    start = 4 + 4 * len(shape)
    if len(content) - start != prod(shape):
        raise ValueError(
            f"{path} is truncated or has a tail: {len(content) - start} values for shape {shape}."
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
