"""Files that appear whole or not at all, and why they cannot be written, in words."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: What `check_writable` writes and removes: a quota or a full disk shows only when written to.
PROBE_BYTES = 1 << 16

_REASONS = {
    errno.EISDIR: "it is a folder, and a file is needed; add a name",
    errno.ENOTDIR: "a part of its path is a file, where a folder is needed",
    errno.EEXIST: "a part of its path is a file, where a folder is needed",
    errno.EACCES: "no permission to write there",
    errno.EPERM: "no permission to write there",
    errno.EROFS: "that file system can only be read",
    errno.ENOSPC: "no room is left on that disk",
    errno.EDQUOT: "no room is left for this user on that disk",
    errno.EFBIG: "the file would be larger than the system allows",
    errno.ENAMETOOLONG: "its name is too long",
    errno.ELOOP: "its links lead in a circle",
}


def write_whole(path: Path, content: bytes) -> Path:
    """Write through a temporary file beside `path`, so that no reader sees half of it.

    A link stays, and what it leads to is written. Pipes and devices are written as they are.

    Raises
    ------
    OSError
        If the file cannot be written; the message names it and the reason.
    """
    target = Path(os.path.realpath(path))
    with _in_words(path):
        if _kind(target) in (stat.S_IFREG, None):
            target.parent.mkdir(parents=True, exist_ok=True)
            with _temporary(target.parent, content) as temporary:
                temporary.replace(target)
        else:
            target.write_bytes(content)
    return path


def check_writable(path: Path, n_bytes: int = 0) -> None:
    """Refuse now what `write_whole` of `n_bytes` would refuse later. Nothing is left behind.

    Raises
    ------
    OSError
        As `write_whole`.
    """
    target = Path(os.path.realpath(path))
    with _in_words(path):
        kind = _kind(target)
        if kind == stat.S_IFDIR:
            raise IsADirectoryError(errno.EISDIR, "")
        if kind not in (stat.S_IFREG, None):
            return  # a pipe or a device takes what it is given
        folder = target.parent
        while _kind(folder) is None:
            folder = folder.parent
        if shutil.disk_usage(folder).free < n_bytes:
            raise OSError(errno.ENOSPC, "")
        with _temporary(folder, bytes(PROBE_BYTES)):
            pass


def _kind(path: Path) -> int | None:
    """Whether `path` is a file, a folder or something else (`stat.S_IFMT`); None if not there."""
    try:
        return stat.S_IFMT(path.stat().st_mode)
    except FileNotFoundError:
        return None


@contextmanager
def _temporary(folder: Path, content: bytes) -> Iterator[Path]:
    """A file of a name that nobody uses, which is gone in the end if it still has that name."""
    path = folder / f".xsoftmax-{secrets.token_hex(8)}.tmp"
    try:
        with path.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield path
    finally:
        path.unlink(missing_ok=True)


@contextmanager
def _in_words(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = _REASONS.get(error.errno or 0) or error.strerror or str(error)
        worded = type(error)(f"cannot write {path}: {reason}.")
        worded.errno = error.errno
        raise worded from error
