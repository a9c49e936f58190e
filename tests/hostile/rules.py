"""What a reader may do with a hostile file, and whether it kept to that.

It reads the file or refuses it with a ValueError that names it. It takes a second at most, and
memory of twice the file and `ROOM`. It runs nothing, and opens and changes nothing outside of the
file's folder.
"""

from __future__ import annotations

import codecs
import os
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from .formats import Format

SECONDS = 1.0
#: Bytes that a reader may hold besides twice the file.
ROOM = 1 << 26
#: Characters of a message.
MESSAGE = 2000
#: Warnings of one read.
WARNINGS = 3

#: What no reader of data has a reason for, as Python's audit events call it.
FORBIDDEN = (
    "exec", "pickle.find_class", "os.system", "os.exec", "os.fork", "os.forkpty",
    "os.posix_spawn", "os.spawn", "os.link", "os.symlink", "os.chmod", "os.chown", "os.kill",
    "subprocess.Popen", "socket.connect", "socket.bind", "socket.getaddrinfo",
    "ctypes.dlopen", "shutil.copyfile", "shutil.rmtree", "urllib.Request",
)  # fmt: skip
#: What it may do within its folder; each with paths among its arguments.
WITHIN = ("open", "os.remove", "os.rename", "os.truncate", "os.mkdir", "os.rmdir", "os.listdir")

for _name in ("cp437", "utf-8-sig"):  # names in archives, and tables
    codecs.lookup(_name)  # and not while a file is read

_STATE: dict[str, Any] = {"folder": None, "found": []}


class Verdict(NamedTuple):
    """What came of a file."""

    is_read: bool
    seconds: float
    fault: str  #: "" where the rules were kept


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    folder = _STATE["folder"]
    if folder is None:
        return
    if event in FORBIDDEN:
        _STATE["found"].append(f"{event} {arguments!r:.100}")
    elif event in WITHIN:
        for path in arguments:
            if isinstance(path, (str, bytes, os.PathLike)) and len(os.fspath(path)) > 3:
                real = os.path.realpath(os.fsdecode(path))
                if real != folder and not real.startswith(folder + os.sep):
                    _STATE["found"].append(f"{event} {real}")


@contextmanager
def audited(folder: Path) -> Iterator[list[str]]:
    """What is done meanwhile that must not be."""
    if "is_added" not in _STATE:
        sys.addaudithook(_audit)  # and there is no way to remove it
        _STATE["is_added"] = True
    _STATE["found"] = []
    _STATE["folder"] = os.path.realpath(folder)
    try:
        yield _STATE["found"]
    finally:
        _STATE["folder"] = None


def judged(kind: Format, folder: Path, content: bytes) -> Verdict:
    """Write the file, read it, and say what came of it."""
    path = kind.write(folder, content)
    is_read, fault = False, ""
    with audited(folder) as found, warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        start = time.process_time()
        try:
            kind.read(path)
            is_read = True
        except ValueError as error:
            fault = _of_message(str(error), folder)
        except Exception as error:
            fault = f"{type(error).__name__}: {str(error)[:200]}"
        seconds = time.process_time() - start
    others = [str(each.message) for each in told if not issubclass(each.category, UserWarning)]
    if not fault and others:
        fault = f"warning: {others[0][:200]}"
    if not fault and len(told) > WARNINGS:
        fault = f"{len(told)} warnings"
    if not fault and found:
        fault = f"did {found[0]}"
    if not fault and seconds > SECONDS:
        fault = f"took {seconds:.1f} s"
    return Verdict(is_read, seconds, fault)


def _of_message(message: str, folder: Path) -> str:
    if str(folder) not in message:
        return f"names no file: {message[:200]}"
    if len(message) > MESSAGE:
        return f"a message of {len(message)} characters: {message[:200]}"
    return ""
