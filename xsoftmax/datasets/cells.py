"""From the cells of a column to numbers and to labels; nothing is converted without a word.

A column is a tuple of text, as a file without types holds it, or an array.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain

import numpy as np

from ..sources import quoted

Column = tuple[str, ...] | np.ndarray

#: How tables write that a value is missing: pandas' words, and "?" and "-", in lower case.
MISSING = frozenset(
    ("", "na", "n/a", "nan", "-nan", "null", "none", "<na>", "#n/a", "#na", "?", "-")
)

_NUMBER = re.compile(r"[+-]?(\d++\.?+\d*+|\.\d++)(e[+-]?\d++)?+", re.ASCII | re.IGNORECASE)
_TRUTH = {"true": 1.0, "false": 0.0}


def is_number(cell: str) -> bool:
    """Whether `cell` is a finite decimal number, as pandas reads them: no "1_000", no "nan"."""
    return _NUMBER.fullmatch(cell) is not None


def is_value(cell: str) -> bool:
    """Whether a column of features may hold `cell`: a number, or the words true and false."""
    return is_number(cell) or cell.lower() in _TRUTH


def to_features(place: str, cells: Column, row_numbers: Sequence[int]) -> np.ndarray:
    """A column of finite float64 from numbers, or from text that is numbers throughout.

    Text that is "true" or "false" throughout (in any case) becomes 1 and 0, as in pandas.

    Parameters
    ----------
    place : str
        What to call the column in messages.
    cells : tuple of str or ndarray of shape (n_samples,)
        Numbers, or text without blanks around it.
    row_numbers : sequence of int
        Where each cell stands in its file, for messages.

    Raises
    ------
    ValueError
        If a cell is missing, infinite or no number; the message names its row and column.
    """
    if isinstance(cells, tuple):
        numbers, refused = _parsed(cells)
    elif cells.dtype.kind in "biuf":
        numbers = cells.astype(np.float64)
        refused = np.flatnonzero(~np.isfinite(numbers))
    else:
        numbers, refused = _parsed(tuple(cells.tolist()))
    if len(refused):
        i = int(refused[0])
        raise ValueError(f"{place}, row {row_numbers[i]} {_fault(str(cells[i]))}")
    return numbers


def numbers_of(columns: Sequence[Column]) -> np.ndarray | None:
    """Columns of text that is finite numbers throughout, (n_samples, n_columns); else None."""
    if not all(isinstance(column, tuple) for column in columns):
        return None
    numbers = _numbers(tuple(chain.from_iterable(columns)))
    return None if numbers is None else numbers.reshape(len(columns), -1).T


def _numbers(cells: tuple[str, ...]) -> np.ndarray | None:
    """Cells that are finite numbers throughout; else None."""
    try:
        numbers = np.fromiter(map(float, cells), np.float64, len(cells))
    except ValueError:
        return None
    together = "".join(cells)  # Python reads "1_000" and digits of other scripts too
    is_plain = "_" not in together and together.isascii()
    return numbers if is_plain and np.isfinite(numbers).all() else None


def _parsed(cells: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """The numbers, and the indices of the cells that are none."""
    if (numbers := _numbers(cells)) is not None:
        return numbers, np.zeros(0, int)
    truths = [_TRUTH.get(cell.lower()) for cell in cells]
    if None not in truths:
        return np.asarray(truths, dtype=np.float64), np.zeros(0, int)
    numbers = np.asarray([float(cell) if is_number(cell) else np.nan for cell in cells])
    return numbers, np.flatnonzero(~np.isfinite(numbers))


def _fault(cell: str) -> str:
    cell = quoted(cell)
    if cell.lower() in MISSING:
        what = f"has no value ({cell!r})" if cell else "is empty"
        return f"{what}. Fill it in, or leave out that row or column: every feature needs a number."
    if cell.lower() in ("inf", "+inf", "-inf", "infinity", "+infinity", "-infinity"):
        return f"holds {cell!r}; features must be finite."
    if is_number(cell.replace(",", ".")):
        return f"holds {cell!r}, a decimal comma. Write decimals with a point."
    return (
        f"holds {cell!r} where a number is needed. Features must be numbers; name the column of "
        "labels if it is not the last."
    )


def to_labels(place: str, cells: Column, row_numbers: Sequence[int]) -> np.ndarray:
    """A column of labels: text of a file becomes integers only if each reads back the same.

    "0" and "00", or "501" and "00501", thus stay different, and "1_000" stays text. Arrays stay as
    they are.

    Raises
    ------
    ValueError
        If a label is missing; the message names its row and column.
    """
    labels = _integers(cells) if isinstance(cells, tuple) else cells
    if labels.dtype.kind == "f":
        refused = np.flatnonzero(np.isnan(labels))
    else:
        refused = np.flatnonzero(labels == "") if labels.dtype.kind == "U" else np.zeros(0, int)
    if len(refused):
        raise ValueError(
            f"{place}, row {row_numbers[int(refused[0])]} is empty, and a label is needed. Fill it "
            "in, or leave out that row."
        )
    return labels


def _integers(text: tuple[str, ...]) -> np.ndarray:
    try:
        values = [int(cell) for cell in text]
        if tuple(map(str, values)) == text:
            return np.asarray(values, dtype=np.int64)
    except (ValueError, OverflowError):
        pass
    return np.asarray(text)
