"""What a fit has found so far, in a file, so that one that was cut off goes on.

A fit is a function of its data and settings. So it is enough to keep what takes long, the sums over
all rows: the same call begins anew, is given the sums that are known, and computes those that are
not. It ends with the same bits. Solvers on minibatches make too many sums for that; of them the
state after the last epoch is kept.

The file begins with a line that says whose it is. Records follow, each with its length and a
checksum, so that a file whose end was cut off loses no more than its last record. Nothing in it is
code.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import time
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from hashlib import blake2b
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..arrays import Array, from_host, is_array, map_leaves, to_host
from .untrusted import MAX_HEADER_BYTES, are_sizes, parse_json, quoted

#: What the first line of a checkpoint begins with.
MAGIC = b"xsoftmax checkpoint 1 "
#: Characters of a message that says in what two fits differ.
MAX_DIFFERENCES = 1500
#: The dtypes of a record's arrays.
_DTYPE = re.compile(r"[<>|][biuf]\d{1,2}", re.ASCII)


class Record(NamedTuple):
    """A result, or the state of a solver."""

    kind: str
    key: str  #: of what it was computed
    numbers: Any  #: of JSON
    arrays: list[np.ndarray]


@dataclass
class Checkpoint:
    """A file of results, those of it that are not yet asked for, and those not yet written."""

    path: Path
    every: float  #: seconds
    owner: dict[str, Any]  #: settings and data of the fit, of JSON
    waiting: list[Record] = field(default_factory=list)  #: known from the file
    unwritten: list[bytes] = field(default_factory=list)
    written: float = field(default_factory=time.monotonic)
    is_broken: bool = False

    def __post_init__(self) -> None:
        self._remove_unfinished()
        if self.path.exists():
            self.waiting, end = _read(self.path, self.owner)
            os.truncate(self.path, end)  # a record that was cut off
        else:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._replace_file()

    def remembered(self, compute: Callable[[], Any], kind: str, *given: Any) -> Any:
        """``compute()``, or what the file knows that it was; `given` is what it is computed of.

        The result is an array or a tuple of them.
        """
        key = digest(given)
        if self.waiting and _is_result(self.waiting[0], kind, key):
            record, like = self.waiting.pop(0), _first_array(given)
            is_one, are_here = record.numbers
            are_here = are_here or like is None
            arrays = [x.copy() if are_here else from_host(x, like=like) for x in record.arrays]
            return arrays[0] if is_one else tuple(arrays)
        if self.waiting:  # another machine may round in another way: what follows is no longer true
            self.waiting.clear()
            self._rewrite()
        with _current(None):  # a result is kept as a whole
            result = compute()
        is_one = not isinstance(result, tuple)
        arrays = [result] if is_one else list(result)
        numbers = [is_one, all(isinstance(x, np.ndarray) for x in arrays)]
        self._add(Record(kind, key, numbers, [_on_host(x) for x in arrays]))
        return result

    def snapshot(self) -> Record | None:
        """The last state that was kept."""
        states = [record for record in self.waiting if record.kind == "state"]
        if not states:
            return None
        self.waiting.clear()
        return states[-1]

    def no_state(self, error: Exception) -> ValueError:
        """The error that says that the file's state is none."""
        return ValueError(
            f"checkpoint={str(self.path)!r} holds no state of this fit ({quoted(error)}). Name "
            "another file, or remove this one."
        )

    def keep_state(self, make: Callable[[], tuple[Any, list[Array]]]) -> None:
        """Keep the state that `make` returns as numbers and arrays, if it is time."""
        if not self.is_broken and time.monotonic() - self.written >= self.every:
            numbers, arrays = make()
            self.unwritten = [_packed(Record("state", "", numbers, [_on_host(x) for x in arrays]))]
            self._rewrite()

    def _add(self, record: Record) -> None:
        self.unwritten.append(_packed(record))
        if time.monotonic() - self.written >= self.every:
            self.flush()

    def flush(self) -> None:
        """Write what is not yet written, behind what is."""
        self._write(lambda: self._append(b"".join(self.unwritten)))

    def _append(self, data: bytes) -> None:
        with self.path.open("ab") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def _rewrite(self) -> None:
        """Write a file of what is not yet written alone, in the place of this one."""
        self._write(self._replace_file)

    def _remove_unfinished(self) -> None:
        """Files that a process began to write when it was killed."""
        if self.path.parent.is_dir():
            unfinished = re.compile(rf"\.{re.escape(self.path.name)}\.[0-9a-f]{{16}}\.tmp")
            for path in self.path.parent.iterdir():
                if unfinished.fullmatch(path.name):
                    path.unlink(missing_ok=True)

    def _replace_file(self) -> None:
        beside = self.path.with_name(f".{self.path.name}.{secrets.token_hex(8)}.tmp")
        try:
            with beside.open("xb") as file:
                file.write(_first_line(self.owner) + b"".join(self.unwritten))
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self.path)
        finally:
            beside.unlink(missing_ok=True)

    def _write(self, write: Callable[[], None]) -> None:
        """A fit goes on where nothing can be written."""
        self.written = time.monotonic()
        if self.is_broken:
            self.unwritten.clear()
            return
        try:
            write()
        except OSError as error:
            self.is_broken = True
            warnings.warn(
                f"checkpoint={str(self.path)!r} cannot be written ({error.strerror or error}). The "
                "fit goes on without; if it is cut off, it goes on from what is in the file.",
                stacklevel=2,
            )
        self.unwritten.clear()


_CURRENT: ContextVar[Checkpoint | None] = ContextVar("checkpoint", default=None)


def current_checkpoint() -> Checkpoint | None:
    """The one of the fit that is under way in this thread."""
    return _CURRENT.get()


@contextmanager
def _current(checkpoint: Checkpoint | None) -> Iterator[None]:
    token = _CURRENT.set(checkpoint)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def not_checkpointing() -> AbstractContextManager[None]:
    """Keep nothing meanwhile: of many small sums, or of a fit within another."""
    return _current(None)


@contextmanager
def checkpointing(path: Any, every: float, owner: Callable[[], dict[str, Any]]) -> Iterator[None]:
    """Keep what is found meanwhile in a file; it is removed in the end.

    Raises
    ------
    ValueError
        If the file is of another fit, or no checkpoint.
    OSError
        If it cannot be made.
    """
    if path is None:
        with not_checkpointing():
            yield
        return
    if not every >= 0:
        raise ValueError(f"checkpoint_every must be a number of seconds, at least 0; got {every}.")
    checkpoint = Checkpoint(Path(path), every, owner())
    with _current(checkpoint):
        try:
            yield
        except BaseException:
            checkpoint.flush()
            raise
    checkpoint.path.unlink(missing_ok=True)


def digest(x: Any) -> str:
    """A hash of arrays, numbers and names, which may be in tuples, lists and dataclasses."""
    state = blake2b(digest_size=16)

    def add(leaf: Any) -> Any:
        if not (is_array(leaf) or isinstance(leaf, np.ndarray)):
            state.update(f"{type(leaf).__name__} {leaf!r};".encode())
            return leaf
        values = np.ascontiguousarray(_on_host(leaf))
        state.update(f"{values.dtype.str} {values.shape};".encode())
        if values.dtype == object:  # of which there are only addresses
            state.update(repr(values.tolist()).encode())
        else:
            state.update(values.data)
        return leaf

    map_leaves(add, x)
    return state.hexdigest()


def _on_host(x: Any) -> np.ndarray:
    return x if isinstance(x, np.ndarray) else to_host(x)


def _first_array(x: Any) -> Array | None:
    found: list[Array] = []
    map_leaves(lambda leaf: found.append(leaf) if is_array(leaf) else None, x)
    return found[0] if found else None


def _first_line(owner: dict[str, Any]) -> bytes:
    return MAGIC + json.dumps(owner, sort_keys=True).encode() + b"\n"


def _packed(record: Record) -> bytes:
    """Length and checksum of a record, its head, and its arrays."""
    kinds = [(x.dtype.str, list(x.shape)) for x in record.arrays]
    head = json.dumps([record.kind, record.key, record.numbers, kinds]).encode()
    body = b"".join(np.ascontiguousarray(x).tobytes() for x in record.arrays)
    content = len(head).to_bytes(8, "little") + head + body
    sizes = len(content).to_bytes(8, "little") + zlib.crc32(content).to_bytes(4, "little")
    return sizes + content


def _read(path: Path, owner: dict[str, Any]) -> tuple[list[Record], int]:
    """The records of a file that is the `owner`'s, and where the last whole one ends."""
    with path.open("rb") as file:
        line = file.readline(MAX_HEADER_BYTES)
        known = None
        if line.startswith(MAGIC) and line.endswith(b"\n"):
            try:
                known = parse_json(line[len(MAGIC) :], finite=False)
            except ValueError:
                known = None
        if not isinstance(known, dict):
            raise ValueError(
                f"checkpoint={str(path)!r} is no checkpoint of xsoftmax. Name another file, or "
                "remove this one."
            )
        here = json.loads(json.dumps(owner))
        differences = [
            f"{quoted(name)} was {known.get(name)!r}, and is {here.get(name)!r}"
            for name in sorted(known.keys() | here.keys())
            if known.get(name) != here.get(name)
        ]
        if differences:
            raise ValueError(
                f"checkpoint={str(path)!r} is of another fit: "
                f"{quoted('; '.join(differences), MAX_DIFFERENCES)}. Name another file, or remove "
                "this one."
            )
        records, end = [], file.tell()
        for record in iter(lambda: _next(file), None):
            records.append(record)
            end = file.tell()
    return records, end


def _next(file: Any) -> Record | None:
    """The next record, if it is whole."""
    left = os.fstat(file.fileno()).st_size - file.tell()
    sizes = file.read(12)
    length = int.from_bytes(sizes[:8], "little")
    if len(sizes) < 12 or not 8 <= length <= left - 12:
        return None
    content = file.read(length)
    if zlib.crc32(content) != int.from_bytes(sizes[8:], "little"):
        return None
    n_head = int.from_bytes(content[:8], "little")
    if n_head > MAX_HEADER_BYTES:
        return None
    try:
        kind, key, numbers, kinds = parse_json(content[8 : 8 + n_head], finite=False)
        arrays, start = [], 8 + n_head
        for dtype, shape in kinds:
            if not (_DTYPE.fullmatch(dtype) and are_sizes(shape)):
                return None
            values = np.frombuffer(content, np.dtype(dtype), prod(shape), start)
            arrays.append(values.reshape(shape))
            start += values.nbytes
    except (ValueError, TypeError, OverflowError):
        return None
    return Record(kind, key, numbers, arrays) if start == len(content) else None


def _is_result(record: Record, kind: str, key: str) -> bool:
    """Whether a record is a result of this kind, and of what has this key."""
    numbers = record.numbers
    is_whole = isinstance(numbers, list) and len(numbers) == 2 and bool(record.arrays)
    return is_whole and {type(each) for each in numbers} == {bool} and record[:2] == (kind, key)
