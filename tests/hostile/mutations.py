"""Hostile files made of good ones: each a function of a seed, a format and a number."""
# ruff: noqa: E501

from __future__ import annotations

import ast
import gzip
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any

from .formats import Format

#: Integers at which readers break.
INTEGERS = [
    0, 1, 2, 3, 7, 8, 16, 64, 127, 128, 255, 256, 4096, 65535, 65536, 1 << 20, 1 << 24, (1 << 31) - 1,
    1 << 31, (1 << 32) - 1, 1 << 32, 1 << 40, (1 << 53) + 1, 1 << 62, (1 << 63) - 1, 1 << 63, (1 << 64) - 1,
]  # fmt: skip
#: Of a file.
MAX_BYTES = 1 << 20
#: What may stand in the place of a value of JSON.
VALUES = [
    *INTEGERS, *(-n for n in INTEGERS), True, False, None, 0.5, -0.0, 1e308, "", "\0", "../../x",
    "é\u2028", "x" * 3000, [], {}, [[]], [0], [-1], [True], [1 << 40, 1 << 40], {"pairs": [[[], 1]]},
    {"float": "inf"}, {"float": "nan"}, "F32", "F64", "BF16", "I64", "U8", "int64", "object", "str",
    "<f8", "|O", "float128", "SoftmaxRegression", "MLPClassifier", [0, 1 << 62], [8, 0],
]  # fmt: skip
#: Text that no writer of JSON makes.
TOKENS = [
    b"NaN", b"Infinity", b"-Infinity", b"1e999", b"9" * 5000, b"-" + b"9" * 400, b"[" * 2000, b"[" * 40 + b"]" * 40,
    b'{"a":' * 500, b'"\\ud800"', b'"\xff"', b"0x10", b"01", b'{"a":1,"a":2}', b'"' + b"y" * 70_000 + b'"',
]  # fmt: skip
#: What may stand in the place of a number or a string in the header of a .npy file.
LITERALS = [
    b"-1", b"True", b"None", b"1e3", b"()", b"(1,)", b"[3]", b"'|O'", b"'<f8'", b"'<U1073741824'", b"'>f4'",
    b"'V8'", b"'<M8[ns]'", b"'f8,f8'", b"[('a', '<f8'), ('b', 'O')]", b"'(2,)f8'", b"'<f2'", b"'|b1'", b"'<c16'",
    b"'<f16'", b"(8, 3, 1)", b"(0, 3)", b"(8, 0)", b"(4611686018427387904, 4)", b"(4294967296, 4294967296)",
    b"(1099511627776,)", b"((8, 3),)", b"3+5j", b"__import__('os').system('x')", b"open('/x')", b"-" * 3000 + b"1",
    b"(" * 150 + b")" * 150, b"9" * 5000, b"'\\d'", b"'\\x00'", b"10L", b"lambda: 0", b"b'<f8'", b"{}", b"'S0'",
    b"(0, 9223372036854775807, 2)", b"(8, 3L)", b"'<U0'", b"['<f8']", b"('<f8', (2,))", b"('<f8',)",
]  # fmt: skip
CELLS = [
    b"1e999999", b"0x1F", b"nan", b"-inf", b"1_000", b"true", b"", b'"', b'""', b'"a', b"9" * 400, b"9" * 5000,
    b"\0", b"\xff\xfe", b"\xed\xa0\x80", "٣".encode(), b"x" * 300, b"1,2", b"\r", b"\n", b"\r\n\r", b";", b"\t",
    b"|", b"=1+1", b"../../x", b"-", b"?", b"1e-999999", b"+5", b".", b"0" * 300, b"\xef\xbb\xbf", "²".encode(),
    b"x" * 140_000, b"1,x" * 500, b"1," * 3000, b"\n" * 500, b"a,a,a\n" * 50,
]  # fmt: skip


def case(kind: Format, name: str, seed: int, number: int) -> bytes:
    """The file of this number: a seed of its format after one to three changes."""
    random = Random(f"{seed} {name} {number}")
    seeds = kind.seeds()
    content = random.choice(seeds)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        change = STRUCTURES.get(kind.structure, of_bytes)
        if random.random() < 0.4:
            change = of_bytes
        content = change(content, random, random.choice(seeds))[:MAX_BYTES]
    return content


def of_bytes(content: bytes, random: Random, other: bytes) -> bytes:
    """A change that knows nothing of the format; nearer to the ends more often."""
    n = len(content)
    if not n:
        return other
    at = _place(n, random)
    kind = random.randrange(9)
    if kind == 0:  # a bit
        return content[:at] + bytes([content[at] ^ 1 << random.randrange(8)]) + content[at + 1 :]
    if kind == 1:  # a byte
        return content[:at] + bytes([random.choice((0, 255, 128, 127))]) + content[at + 1 :]
    if kind == 2:  # an integer
        size = random.choice((1, 2, 4, 4, 8, 8))
        at = min(at - at % size, max(0, n - size))
        value = random.choice(INTEGERS) & ((1 << 8 * size) - 1)
        return content[:at] + value.to_bytes(size, random.choice(("little", "big"))) + content[at + size :]  # fmt: skip
    stop = min(n, at + random.choice((1, 2, 4, 8, 16, 64, 256)))
    if kind == 3:  # noise
        return content[:at] + random.randbytes(stop - at) + content[stop:]
    if kind == 4:  # an end
        return content[:at]
    if kind == 5:  # a hole
        return content[:at] + content[stop:]
    if kind == 6:  # something twice
        return content[:stop] + content[at:stop] * random.choice((1, 1, 2, 50)) + content[stop:]
    if kind == 7:  # something that is longer
        return content[:at] + random.choice((b"\0", b"\xff", b"A")) * (stop - at) + content[at:]
    return content[:at] + other[_place(len(other), random) :]  # the end of another


def _place(n: int, random: Random) -> int:
    near = random.random()
    if near < 0.3:
        return random.randrange(min(n, 64))
    return n - 1 - random.randrange(min(n, 128)) if near < 0.5 else random.randrange(n)


def of_json(text: bytes, random: Random) -> bytes:
    """JSON with one thing changed, or what is JSON no longer."""
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return of_bytes(text, random, text)
    places = [*_places(parsed)]
    if not places:
        return random.choice(TOKENS)
    container, key = random.choice(places)
    kind = random.randrange(5)
    if kind == 0:
        del container[key]
    elif kind == 1 and isinstance(container, list):
        container.insert(key, random.choice(VALUES))
    elif kind == 1:
        container[random.choice((*container, "surprise", "../x", ""))] = random.choice(VALUES)
    elif kind == 2:  # a name that occurs twice, a token that is no JSON
        container[key] = "REPLACED"
        return json.dumps(parsed).encode().replace(b'"REPLACED"', random.choice(TOKENS), 1)
    elif kind == 3 and isinstance(container[key], str) and container[key].startswith("{"):
        container[key] = of_json(container[key].encode(), random).decode("utf-8", "replace")
    else:
        container[key] = random.choice(VALUES)
    return json.dumps(parsed).encode()


def _places(value: Any) -> Any:
    keys = value if isinstance(value, dict) else range(len(value))
    for key in keys:
        yield value, key
        if isinstance(value[key], (dict, list)):
            yield from _places(value[key])


def of_safetensors(content: bytes, random: Random, other: bytes) -> bytes:
    """Another header, whose length is most often right."""
    length = int.from_bytes(content[:8], "little")
    header = of_json(content[8 : 8 + length], random)
    return _with_length(header, random) + content[8 + length :]


def of_model_file(content: bytes, random: Random, other: bytes) -> bytes:
    """Another header, or another description of the model in it."""
    length = int.from_bytes(content[:8], "little")
    with suppress(ValueError, KeyError, TypeError, AttributeError, RecursionError):
        if random.random() < 0.7:
            header = json.loads(content[8 : 8 + length])
            described = of_json(header["__metadata__"]["xsoftmax"].encode(), random)
            header["__metadata__"]["xsoftmax"] = described.decode("utf-8", "replace")
            return _with_length(json.dumps(header).encode(), random) + content[8 + length :]
    return of_safetensors(content, random, other)


def _with_length(header: bytes, random: Random) -> bytes:
    length = len(header) if random.random() < 0.95 else random.choice(INTEGERS)
    return struct.pack("<Q", length) + header


def of_npy(content: bytes, random: Random, other: bytes) -> bytes:
    """Another header, padded as it should be or not."""
    size = 2 if content[6:7] == b"\1" else 4
    start = 8 + size
    stop = start + int.from_bytes(content[8:start], "little")
    header = content[start:stop]
    values: list[Any] = []
    with suppress(ValueError, SyntaxError, AttributeError, TypeError, MemoryError, RecursionError):
        values = [repr(value).encode() for value in ast.literal_eval(header.decode()).values()]
    if not values:
        return of_bytes(content, random, other)
    header = header.replace(random.choice(values), random.choice(LITERALS), 1)
    if random.random() < 0.1:
        header = header.strip() + b" " * random.choice((0, 1, 9_000, 70_000))
    length = len(header) if random.random() < 0.95 else random.choice(INTEGERS)
    length &= (1 << 8 * size) - 1
    return content[:8] + length.to_bytes(size, "little") + header + content[stop:]


def of_gzip(content: bytes, random: Random, other: bytes) -> bytes:
    """Another content, compressed again; sometimes with a long tail of zeros."""
    with suppress(OSError, EOFError, zlib.error):
        inner = of_bytes(gzip.decompress(content), random, gzip.decompress(other))
        if random.random() < 0.02:
            inner += bytes(1 << 20)
        return gzip.compress(inner, 1, mtime=0)
    return of_bytes(content, random, other)


def of_zip(content: bytes, random: Random, other: bytes) -> bytes:
    """An archive whose members are changed, renamed, doubled or dropped, with right checksums."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [(info.filename, archive.read(info)) for info in archive.infolist()]
    except Exception:  # no archive any longer
        return of_bytes(content, random, other)
    if not members:
        return other
    at = random.randrange(len(members))
    name, inner = members[at]
    kind = random.randrange(8)
    if kind == 0:
        members[at] = random.choice(("../../x.npy", "/x.npy", "x.npy", "X.npy", "x", "y.npy", "\0.npy")), inner  # fmt: skip
    elif kind == 1:
        members.append((name, inner))
    elif kind == 2:
        del members[at]
    elif kind == 3:
        members[at] = name, of_bytes(inner, random, inner)
    else:
        members[at] = name, of_npy(inner, random, inner)
    file = io.BytesIO()
    method = random.choice((zipfile.ZIP_STORED, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2))  # fmt: skip
    with zipfile.ZipFile(file, "w", method, compresslevel=1) as archive:
        for name, inner in members:
            archive.NameToInfo.clear()  # else it warns of a name that is there
            archive.writestr(zipfile.ZipInfo(name), inner, method)
    return file.getvalue()


def of_checkpoint(content: bytes, random: Random, other: bytes) -> bytes:
    """Another first line, or another record with a right checksum."""
    line, end, rest = content.partition(b"\n")
    if len(rest) < 20 or random.random() < 0.2:
        magic, brace, owner = line.partition(b"{")
        return magic + of_json(brace + owner, random) + end + rest
    length = int.from_bytes(rest[:8], "little")
    record, rest = rest[12 : 12 + length], rest[12 + length :]
    n_head = int.from_bytes(record[:8], "little")
    head, body = record[8 : 8 + n_head], record[8 + n_head :]
    if random.random() < 0.8:
        head = of_json(head, random)
    else:
        body = of_bytes(body, random, other)
    record = _with_length(head, random) + body
    if random.random() < 0.3:
        record += rest  # and the records behind it are a part of it
    sizes = struct.pack("<QI", len(record), zlib.crc32(record))
    return line + end + sizes + record + rest


def of_text(content: bytes, random: Random, other: bytes) -> bytes:
    """Another cell, or a row, a column or a line end more or less."""
    lines = content.splitlines(keepends=True)
    if not lines:
        return other
    i = random.randrange(len(lines))
    kind = random.randrange(6)
    if kind == 0:
        del lines[i]
    elif kind == 1:
        lines.insert(random.randrange(len(lines)), lines[i])
    elif kind == 2:
        lines[i] = lines[i].rstrip(b"\r\n") + random.choice((b"\r", b"\n", b"\r\n", b"", b",\n"))
    elif kind == 3:
        cell = random.choice(CELLS)
        return b"".join(line.rstrip(b"\r\n") + b"," + cell + b"\n" for line in lines)
    else:
        cells = lines[i].split(b",")
        cells[random.randrange(len(cells))] = random.choice(CELLS)
        lines[i] = b",".join(cells)
    return b"".join(lines)


STRUCTURES: dict[str, Callable[[bytes, Random, bytes], bytes]] = {
    "model file": of_model_file,
    "safetensors": of_safetensors,
    "checkpoint": of_checkpoint,
    "npy": of_npy,
    "gzip": of_gzip,
    "zip": of_zip,
    "text": of_text,
}
