"""Arrays in the format of NumPy's .npy files: numbers and text, never objects.

NumPy's own reader hands the header to Python's parser, which takes minutes for some headers of
10,000 characters, and makes an array of any size that the header claims.
"""

from __future__ import annotations

import re
from math import prod
from typing import Any, NamedTuple

import numpy as np

#: Bytes of a header; NumPy's own limit.
MAX_HEADER = 10_000
#: Bytes that are read at a time.
PIECE = 1 << 20

_VALUE = r"""('[^']*'|"[^"]*"|True|False|\([\d\sL,]*\))"""
_ENTRY = rf"""\s*+['"](\w+)['"]\s*+:\s*+{_VALUE}\s*+"""
_HEADER = re.compile(rf"\{{{_ENTRY},{_ENTRY},{_ENTRY}(?:,\s*+)?\}}\s*+", re.ASCII)
_SHAPE = re.compile(r"(?:\s*+\d{1,19}L?\s*+,)*+\s*+(?:\d{1,19}L?)?\s*+", re.ASCII)  # L: Python 2
_DTYPE = re.compile(r"[<>|=]?[biufcSU]\d{1,9}|\?", re.ASCII)


class Header(NamedTuple):
    """What a .npy file says of its array."""

    shape: tuple[int, ...]
    dtype: np.dtype
    is_fortran: bool
    offset: int  #: of the values, in bytes
    n_bytes: int


def read_header(file: Any, size: int) -> Header:
    """The header of a .npy file of `size` bytes, whose array is not longer than the file.

    Raises
    ------
    ValueError
        If this is no such file.
    """
    start = file.read(10)
    if start[:6] != b"\x93NUMPY" or start[6:8] not in (b"\1\0", b"\2\0"):
        raise ValueError("it does not begin as a .npy file of version 1.0 or 2.0")
    if start[6] == 2:
        start += file.read(2)
    length = int.from_bytes(start[8:], "little")
    if length > MAX_HEADER:
        raise ValueError(f"it announces a header of {length} bytes; at most {MAX_HEADER} are read")
    shape, dtype, is_fortran = _parsed(file.read(length).decode("latin-1"))
    n_bytes = prod(shape) * dtype.itemsize
    if prod(n or 1 for n in shape) * dtype.itemsize >= 1 << 63:
        raise ValueError(f"no array has the shape {shape}")
    offset = len(start) + length
    if offset + n_bytes > size:
        raise ValueError(f"it is shorter than it says: {shape} of {dtype} take {n_bytes} bytes")
    return Header(shape, dtype, is_fortran, offset, n_bytes)


def _parsed(header: str) -> tuple[tuple[int, ...], np.dtype, bool]:
    match = _HEADER.fullmatch(header)
    entries = dict(zip(match.groups()[::2], match.groups()[1::2], strict=True)) if match else {}
    if set(entries) != {"descr", "fortran_order", "shape"}:
        raise ValueError("its header does not describe an array of numbers or text")
    descr, order, shape = (entries[name] for name in ("descr", "fortran_order", "shape"))
    sizes = shape[1:-1]
    is_tuple = shape[0] == "(" and _SHAPE.fullmatch(sizes) and (not sizes.strip() or "," in sizes)
    if not is_tuple or order not in ("True", "False"):
        raise ValueError("its header does not describe an array of numbers or text")
    try:
        dtype = np.dtype(descr[1:-1]) if _DTYPE.fullmatch(descr[1:-1]) else None
    except (TypeError, ValueError):
        dtype = None
    if dtype is None or dtype.itemsize == 0:
        raise ValueError(f"it holds {descr}, not numbers or text")
    found = tuple(int(n) for n in re.findall(r"\d+", sizes))
    if len(found) > 32:
        raise ValueError(f"it has {len(found)} dimensions")
    return found, dtype, order == "True"


def read_array(file: Any, size: int) -> np.ndarray:
    """The array of a .npy file of `size` bytes.

    Raises
    ------
    ValueError
        If this is no such file, or ends early.
    """
    header = read_header(file, size)
    content = np.empty(header.n_bytes, np.uint8)
    view, at = content.data, 0
    while at < header.n_bytes:
        n_read = file.readinto(view[at : at + PIECE])
        if not n_read:
            raise ValueError(f"it ends after {at} of {header.n_bytes} bytes")
        at += n_read
    if header.dtype.kind == "U":
        codes = content.view(header.dtype.str[0] + "u4")
        if len(codes) and codes.max() > 0x10FFFF:
            raise ValueError("it holds text that is no Unicode")
    return content.view(header.dtype).reshape(header.shape, order="F" if header.is_fortran else "C")
