"""Data that is piped into a command, where it is called "-"."""

from __future__ import annotations

import atexit
import shutil
import sys
import tempfile
from pathlib import Path

import typer

#: How files begin, and how their names end; what begins in no such way is a table of text.
_BEGINNINGS = {b"PAR1": ".parquet", b"PK\x03\x04": ".npz", b"\x93NUMPY": ".npy"}
#: How compressed data begin, and what undoes that.
_COMPRESSED = {
    b"\x1f\x8b": "gunzip",
    b"\xfd7zXZ": "unxz",
    b"\x28\xb5\x2f\xfd": "unzstd",
    b"BZh": "bunzip2",
}


def file_of_standard_input(data: str | None) -> str | None:
    """`data`, or if that is "-" a file with what is piped in, until the command ends."""
    if data != "-":
        return data
    if sys.stdin is None or sys.stdin.isatty():
        raise typer.BadParameter("- reads what is piped in, and nothing is.")
    folder = Path(tempfile.mkdtemp(prefix="xsoftmax-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    piped = folder / "stdin"
    with piped.open("wb") as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
    with piped.open("rb") as file:
        start = file.read(9)
    if not start:
        raise typer.BadParameter("- reads what is piped in, and that is empty.")
    for beginning, program in _COMPRESSED.items():
        if start.startswith(beginning):
            raise typer.BadParameter(f"what is piped in is compressed: pipe it through {program}.")
    if start[8:] == b"{" and start[7] == 0:  # a length of 8 bytes, and JSON
        return str(piped.rename(piped.with_suffix(".safetensors")))
    endings = (ending for known, ending in _BEGINNINGS.items() if start.startswith(known))
    return str(piped.rename(piped.with_suffix(next(endings, ".csv"))))
