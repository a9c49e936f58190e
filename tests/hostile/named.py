"""What the tests of named hostile files share."""

import tracemalloc

import numpy as np
import pytest

from .rules import MESSAGE, ROOM, audited

TERA = 1 << 40


def refused(read, path, match, *, room=ROOM):
    """Refused with a ValueError that names the file, in little memory, and nothing is run."""
    folder = path if path.is_dir() else path.parent
    size = 0 if path.is_dir() else path.stat().st_size
    tracemalloc.start()
    with audited(folder) as done, pytest.raises(ValueError, match=match) as caught:
        read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert str(folder) in str(caught.value)
    assert len(str(caught.value)) < MESSAGE
    assert peak < 2 * size + room
    assert done == []


def written(folder, name, content):
    path = folder / name
    path.write_bytes(content)
    return path


JSON = {
    "nested deeply": b"[" * 100_000 + b"]" * 100_000,
    "nested without end": b'{"a":' * 100_000,
    "40 lists in one another": b'{"x": ' + b"[" * 40 + b"]" * 40 + b"}",
    "an integer of 5,000 digits": b'{"x": ' + b"9" * 5000 + b"}",
    "a number beyond float64": b'{"x": 1e999}',
    "NaN": b'{"x": NaN}',
    "Infinity": b'{"x": -Infinity}',
    "a name twice": b'{"X": 1, "X": 2}',
    "a string of megabytes": b'{"' + b"x" * 3_000_000 + b'": 1}',
    "invalid UTF-8": b'{"\xff": 1}',
    "UTF-16": '{"x": 1}'.encode("utf-16"),
    "NUL": b'{"x": 1}\0',
    "nothing": b"",
    "a list": b"[1]",
}


def idx(*sizes, values=b""):
    return bytes([0, 0, 8, len(sizes)]) + np.asarray(sizes, ">u4").tobytes() + values
