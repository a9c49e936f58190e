"""What is asked of files from elsewhere before they are believed: JSON, sizes, places, messages."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

#: An archive may hold `MAX_EXPANSION` times its own bytes, and any may hold `FREE_BYTES`.
MAX_EXPANSION, FREE_BYTES = 100, 1 << 26
#: Bytes of a header of JSON: names of several hundred thousand columns.
MAX_HEADER_BYTES = 1 << 24
#: Lists and objects in one another, in such a header.
MAX_DEPTH = 32
#: Digits of its integers: all that float64 holds.
MAX_DIGITS = 309
#: Characters of what a message quotes.
MAX_QUOTED = 300


def parse_json(text: str | bytes, *, finite: bool = True) -> Any:
    """JSON as RFC 8259 has it, in UTF-8, and no more than headers need.

    Without `finite`, NaN and Infinity are numbers too.

    Raises
    ------
    ValueError
        If it is no such JSON, a name occurs twice in an object, lists and objects lie in more than
        `MAX_DEPTH` others, or a number is not finite or an integer of more than `MAX_DIGITS`.
    """
    try:
        parsed = json.loads(
            text.decode() if isinstance(text, bytes) else text,
            object_pairs_hook=_without_duplicates,
            parse_int=_integer,
            parse_float=_finite if finite else None,
            parse_constant=_refuse_constant if finite else None,
        )
    except RecursionError:
        raise ValueError(f"more than {MAX_DEPTH} lists and objects in one another") from None
    level = [parsed]
    for _ in range(MAX_DEPTH):
        containers = [one for one in level if isinstance(one, (dict, list))]
        level = [
            item for one in containers for item in (one.values() if isinstance(one, dict) else one)
        ]
    if level:
        raise ValueError(f"more than {MAX_DEPTH} lists and objects in one another")
    return parsed


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name occurs twice")
    return found


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"an integer of {len(digits)} digits")
    return int(digits)


def _finite(digits: str) -> float:
    if not math.isfinite(value := float(digits)):
        raise ValueError(f"{quoted(digits)}, which is not finite")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name}, which is no JSON")


def is_size(value: Any) -> bool:
    """Whether this is an integer, no bool, of at least 0."""
    return type(value) is int and value >= 0


def are_sizes(value: Any) -> bool:
    """Whether this is a list of integers of at least 0."""
    return isinstance(value, list) and all(map(is_size, value))


def check_expansion(path: Path, n_bytes: int, size: int) -> None:
    """Refuse an archive that is small and holds much, before it is read.

    Raises
    ------
    ValueError
        If `n_bytes`, what it says that it holds, is more than `MAX_EXPANSION` times its `size`, and
        more than `FREE_BYTES`.
    """
    if n_bytes > max(FREE_BYTES, MAX_EXPANSION * size):
        raise ValueError(
            f"{path} has {size} bytes and says that it holds {n_bytes}, more than {MAX_EXPANSION} "
            "times as many. If that is right, write it without compression."
        )


def files_in(folder: Path, suffixes: Sequence[str]) -> list[Path]:
    """The files of a folder whose names end so, in any case.

    Raises
    ------
    ValueError
        If one is a link to what is not in the folder.
    """
    inside = folder.resolve()
    files = [path for path in folder.iterdir() if path.suffix.lower() in suffixes]
    files = [path for path in files if path.is_file()]  # no pipe, which one would wait for
    for path in files:
        check_inside(path, inside)
    return files


def check_inside(path: Path, folder: Path) -> None:
    """Refuse a link that leads out of a folder, whose links are resolved."""
    if path.is_symlink() and not path.resolve().is_relative_to(folder):
        raise ValueError(
            f"{path} is a link that leads out of its folder. Copy the file there, or name the file "
            "or the folder that it leads to."
        )


def quoted(value: Any, length: int = MAX_QUOTED) -> str:
    """Text for a message, of which the end is left out if it is long."""
    text = str(value)
    return text if len(text) <= length else text[:length] + "..."
