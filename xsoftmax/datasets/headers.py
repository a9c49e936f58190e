"""Whether the first line of a table names its columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from .cells import MISSING, is_number, is_value

#: Lines below the first that are compared with it.
COMPARED_ROWS = 1000

#: So many consecutive integers that do not begin with 0 are names, such as years.
MIN_CONSECUTIVE = 4

#: A line is compared with the spread of no fewer rows.
MIN_ROWS = 3

_INTEGER = re.compile(r"-?\d{1,18}", re.ASCII)


def names_columns(first: list[str], rows: Sequence[list[str]]) -> bool:
    """Whether the line `first` is the header of the `rows` below it.

    The first rule that applies decides:

    1. A line without numbers is a header.
    2. A line with text where all rows have numbers is a header.
    3. A line with text that a row repeats in the same column, like a class, is a row.
    4. A line of numbers that read like names is a header (see `numbers_are_names`).
    5. Any other line is a row.
    """
    if not any(map(is_value, first)):
        return all(cell.lower() not in MISSING for cell in first[1:]) or not _repeats(first, rows)
    columns = list(zip(*rows[:COMPARED_ROWS], strict=True))
    texts = [
        (cell, column)
        for cell, column in zip(first, columns, strict=False)
        if cell.lower() not in MISSING and not is_value(cell)
    ]
    if any(all(map(is_value, column)) for _, column in texts):
        return True
    return not _repeats(first, rows) and numbers_are_names(first, rows)


def numbers_are_names(first: list[str], rows: Sequence[list[str]]) -> bool:
    """Whether the numbers of the line `first` are names of columns, such as 0, 1, 2 or years.

    They are if there are at least two, each larger than the one before, and one of these holds:

    - they are integers, and below one of them there is nothing but text, like classes;
    - they are 0, 1, 2 and so on (the names that pandas gives), or at least `MIN_CONSECUTIVE`
      consecutive integers, and those of the next line are not;
    - there are at least `MIN_ROWS` rows, and they are integers while all numbers below are written
      with decimals;
    - there are so many rows, and each lies farther from all numbers below it than those lie from
      each other.
    """
    places = [i for i, cell in enumerate(first) if is_number(cell)]
    names = [first[i] for i in places]
    if len(names) < 2 or not rows or any(float(b) <= float(a) for a, b in pairwise(names)):
        return False
    below = [[row[i] for row in rows[:COMPARED_ROWS] if is_number(row[i])] for i in places]
    integers = all(_INTEGER.fullmatch(name) for name in names)
    if not all(below):
        return integers and _below_is_text(places, rows)
    if _consecutive(names) and (names[0] == "0" or len(names) >= MIN_CONSECUTIVE):
        return not _consecutive([rows[0][i] for i in places])
    if len(rows) < MIN_ROWS:
        return False
    if integers and not any(_INTEGER.fullmatch(cell) for column in below for cell in column):
        return True
    return all(
        _is_apart(float(name), [float(cell) for cell in column])
        for name, column in zip(names, below, strict=True)
    )


def _below_is_text(places: list[int], rows: Sequence[list[str]]) -> bool:
    columns = [[row[i] for row in rows[:COMPARED_ROWS]] for i in places]
    return any(not any(is_value(c) or c.lower() in MISSING for c in column) for column in columns)


def _repeats(first: list[str], rows: Sequence[list[str]]) -> bool:
    """Whether text of the first line stands in the same column again."""
    text = [(i, cell) for i, cell in enumerate(first) if cell and not is_number(cell)]
    return any(row[i] == cell for row in rows[:COMPARED_ROWS] for i, cell in text)


def _consecutive(cells: list[str]) -> bool:
    if not all(_INTEGER.fullmatch(cell) and str(int(cell)) == cell for cell in cells):
        return False
    return all(int(b) == int(a) + 1 for a, b in pairwise(cells))


def _is_apart(value: float, others: list[float]) -> bool:
    low, high = min(others), max(others)
    return max(low - value, value - high) > high - low
