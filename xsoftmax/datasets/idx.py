"""IDX files, the format of MNIST: two zero bytes, a type code, the rank, the sizes, the values."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from math import prod
from pathlib import Path

import numpy as np

#: Type code 8 is uint8, the only one that the MNIST family uses.
UINT8 = 8


def read_idx(path: Path, *, md5: str | None = None) -> np.ndarray:
    """The array in an IDX file of bytes, gzipped or not.

    `md5` is the checksum of the uncompressed content, so that an archive which somebody compressed
    again serves as well as the published one.

    Raises
    ------
    ValueError
        If the file is damaged, is no IDX file of bytes, or has another checksum.
    OSError
        If it cannot be read.
    """
    content = path.read_bytes()
    if content[:2] == b"\x1f\x8b":
        try:
            content = gzip.decompress(content)
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


def _parse(path: Path, content: bytes) -> np.ndarray:
    rank = content[3] if len(content) > 3 else 0
    start = 4 + 4 * rank
    if content[:3] != bytes([0, 0, UINT8]) or not 1 <= rank <= 3 or len(content) < start:
        raise ValueError(f"{path} is no IDX file of unsigned bytes; it starts {content[:4]!r}.")
    shape = tuple(int(size) for size in np.frombuffer(content[4:start], ">u4"))
    if len(content) - start != prod(shape):
        raise ValueError(
            f"{path} is truncated or has a tail: {len(content) - start} values for shape {shape}."
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
