"""Tables of a user's own: CSV, TSV and Parquet, as columns with names.

The rules that turn text into names, numbers and labels are listed in docs/tables.md. They are
pandas' where pandas has one.
"""

from __future__ import annotations

import csv
import importlib
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from ..sources import (
    FREE_BYTES,
    MAX_EXPANSION,
    check_parquet,
    files_in,
    quoted,
    reading_parquet,
)
from .cells import Column, is_value, numbers_of, to_features, to_labels
from .dataset import Dataset, Rows, TableWarning, split
from .headers import names_columns, numbers_are_names

TEXT = (".csv", ".tsv")
PARQUET = ".parquet"

#: What may part the cells of a line, and of how many lines that is found out.
DELIMITERS, SAMPLE_LINES = ",;\t|", 50
#: Columns that are converted together.
COLUMNS = 64
#: What no text holds.
END = "\0"

#: How pandas calls a column without a name, and its index in a Parquet file.
_UNNAMED = re.compile(r"|Unnamed: 0|__index_level_\d+__")


@dataclass(frozen=True)
class Table:
    """Columns with names; without a header the names are the positions, as in pandas."""

    path: Path
    names: tuple[str, ...]
    has_header: bool
    columns: tuple[Column, ...]  #: text without blanks around it, or arrays
    row_numbers: Sequence[int]  #: where each row stands in the file

    def features(self, names: Sequence[str]) -> np.ndarray:
        """Convert these columns to finite numbers, (n_samples, n_features) float64."""
        columns = [self._column(name) for name in names]
        numbers = np.empty((len(self.row_numbers), len(columns)))
        for at in (slice(i, i + COLUMNS) for i in range(0, len(columns), COLUMNS)):
            if (together := numbers_of(columns[at])) is not None:
                numbers[:, at] = together
                continue
            numbers[:, at] = np.column_stack(
                [
                    to_features(self._place(name), column, self.row_numbers)
                    for name, column in zip(names[at], columns[at], strict=True)
                ]
            )
        return numbers

    def labels(self, name: str) -> np.ndarray:
        """Convert a column to labels, (n_samples,)."""
        column = self._column(name)
        if isinstance(column, tuple):
            _check_text(self._place(name), column, self.path.stat().st_size)
        return to_labels(self._place(name), column, self.row_numbers)

    def index_of(self, name: str) -> int:
        """The position of a column.

        Raises
        ------
        ValueError
            If there is no such column.
        """
        if name not in self._places:
            there = listed(self.names)
            unless = "" if self.has_header else " (it has no header, so that they are numbered)"
            raise ValueError(
                f"{self.path} has no column {quoted(name)!r}; its columns are {there}{unless}."
            )
        return self._places[name]

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.names)}

    def _column(self, name: str) -> Column:
        return self.columns[self.index_of(name)]

    def _place(self, name: str) -> str:
        return f"{self.path}: column {quoted(name)!r}"


def _check_text(place: str, cells: Sequence[str], size: int) -> None:
    """Refuse text of which an array, in which each cell takes as much as the longest, is huge."""
    longest = max(map(len, cells), default=0)
    n_bytes = 4 * len(cells) * longest
    if n_bytes > max(FREE_BYTES, MAX_EXPANSION * size):
        raise ValueError(
            f"{place} has a cell of {longest} characters, so that its {len(cells)} cells would "
            f"take {n_bytes} bytes, more than {MAX_EXPANSION} times the file. Shorten it."
        )


def listed(names: Sequence[str]) -> str:
    """The first of these names, for messages."""
    shown = quoted(", ".join(map(repr, names[:10])))
    return shown + (f" and {len(names) - 10} more" if len(names) > 10 else "")


def read_csv(
    path: str | Path,
    *,
    label_column: str | None = None,
    header: bool | None = None,
    test_size: float = 0.2,
    random_state: int = 0,
) -> Dataset:
    """Read a table of text, and split its rows in two.

    Parameters
    ----------
    path : str or Path
        Cells are separated by commas, in a file that ends in .tsv by tabs; or by semicolons, tabs
        or bars, if these part all of the first lines in as many cells and the others do not.
        Blanks around a cell do not count, nor do empty lines.
    label_column : str, default=None
        The name of the column of labels, or in a table without a header its position, from 0. The
        default is the last column. All others are features.
    header : bool, default=None
        Whether the first line names the columns. By default the lines below it decide (see
        `xsoftmax.datasets.headers.names_columns`).
    test_size : float, default=0.2
        The share of rows to test on. The split is stratified by class.
    random_state : int, default=0
        Which rows these are.

    Returns
    -------
    data : Dataset
        Labels are integers if each of them reads back as it is written, else text: "0" and "00"
        are two classes. A first column without a name that numbers the rows, as pandas writes its
        index, is left out.

    Raises
    ------
    ValueError
        If a feature is missing or no number, a label is missing, or rows differ in length; the
        message names row and column. Also if a quote is not closed, or the rows are too few to
        split.
    OSError
        If the file cannot be read.

    Warns
    -----
    TableWarning
        If an index is left out, or numbers are taken for the header.
    UserWarning
        If a class has a single row: it is trained on, and the test part lacks that class.

    See Also
    --------
    read_parquet : Reads a table whose columns have types.
    load : Reads any of the formats.

    Examples
    --------
    >>> from pathlib import Path
    >>> from xsoftmax.datasets import read_csv
    >>> text = '''width,height,species
    ... 5.1,3.5,setosa
    ... 4.9,3.0,setosa
    ... 7.0,3.2,versicolor
    ... 6.4,3.2,versicolor
    ... '''
    >>> path = Path("irises.csv")
    >>> n_written = path.write_text(text)
    >>> data = read_csv(path, test_size=0.5)
    >>> data.feature_names, data.label_name
    (('width', 'height'), 'species')
    >>> data.X_train.shape, data.X_test.shape
    ((2, 2), (2, 2))
    """
    return _split(read_table(Path(path), header=header), label_column, test_size, random_state)


def read_parquet(
    path: str | Path,
    *,
    label_column: str | None = None,
    test_size: float = 0.2,
    random_state: int = 0,
) -> Dataset:
    """Read a Parquet file as `read_csv` reads text; labels keep the type that the file says.

    Parameters
    ----------
    path : str or Path
        The file.
    label_column : str, default=None
        The name of the column of labels. The default is the last column. All others are features.
    test_size : float, default=0.2
        The share of rows to test on. The split is stratified by class.
    random_state : int, default=0
        Which rows these are.

    Returns
    -------
    data : Dataset
        Rows to train on and rows to test on. pandas' index is left out.

    Raises
    ------
    ImportError
        If pyarrow is not installed.
    ValueError
        As for `read_csv`. Also if the file says that it holds more than 64 MiB, and more than 100
        times its own size.
    OSError
        If the file cannot be read.

    Warns
    -----
    TableWarning
        If an index is left out.
    UserWarning
        If a class has a single row: it is trained on, and the test part lacks that class.

    See Also
    --------
    read_csv : Reads a table of text.

    Examples
    --------
    >>> from xsoftmax.datasets import read_parquet
    >>> data = read_parquet("irises.parquet", label_column="species")  # doctest: +SKIP
    >>> data.X_train.shape  # doctest: +SKIP
    (120, 4)
    """
    return _split(read_table(Path(path)), label_column, test_size, random_state)


def _split(table: Table, label_column: str | None, test_size: float, random_state: int) -> Dataset:
    return split(labelled_rows(table, label_column), test_size=test_size, random_state=random_state)


def labelled_rows(table: Table, label_column: str | None = None) -> Rows:
    """All rows of a table, with one column of labels (by default the last), all others features."""
    if len(table.names) < 2:
        raise ValueError(
            f"{table.path} must have rows of at least one feature and a label, with commas, "
            "semicolons, tabs or bars between cells; it has one column."
        )
    label = table.names[-1] if label_column is None else label_column
    table.index_of(label)
    features = tuple(name for name in table.names if name != label)
    return Rows(
        table.path.stem,
        table.features(features),
        table.labels(label),
        feature_names=features if table.has_header else None,
        label_name=label,
    )


def read_table(
    path: Path, *, header: bool | None = None, known_names: Sequence[str] | None = None
) -> Table:
    """The columns of a .csv, .tsv or .parquet file, or of a folder of the last.

    pandas' index is left out.

    `known_names` are the names of a model's features: a first line with most of them is a header.
    Where there are none (), since that model's table had no header, a line with numbers is a row.
    """
    is_text = path.suffix in TEXT and path.is_file()
    table = _read_text(path, header, known_names) if is_text else _read_parquet(path)
    return _without_index(table, known_names or ())


def _read_text(path: Path, header: bool | None, known_names: Sequence[str] | None) -> Table:
    numbered = _lines(path)
    first = numbered[0][1]
    if header is None:
        header = _first_is_header(path, first, [row for _, row in numbered[1:]], known_names)
    names = tuple(map(str, range(len(first))))
    if header:
        names, numbered = _distinct(first), numbered[1:]
    if not numbered:
        raise ValueError(f"{path} has a header, but no rows.")
    columns = tuple(zip(*(row for _, row in numbered), strict=True))
    return Table(path, names, header, columns, [number for number, _ in numbered])


def _first_is_header(
    path: Path, first: list[str], rest: list[list[str]], known_names: Sequence[str] | None
) -> bool:
    if known_names is not None and not any(map(is_value, first)):
        return True
    if known_names is not None and len(known_names) == 0:
        return False
    if known_names is not None and 2 * len(set(known_names) & set(first)) > len(known_names):
        return True
    header = names_columns(first, rest)
    if header and numbers_are_names(first, rest):
        shown = ", ".join(first[:4]) + (", ..." if len(first) > 4 else "")
        warnings.warn(
            f"{path}: the first line ({shown}) is taken for the header. If it is a row, say "
            "--no-header (header=False).",
            TableWarning,
            stacklevel=2,
        )
    return header


def _lines(path: Path) -> list[tuple[int, list[str]]]:
    """The lines that are not empty, with their numbers, all of one length."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            delimiter = _delimiter(path, _sample(file))
            file.seek(0)
            reader = csv.reader(_with_end(path, file), delimiter=delimiter, skipinitialspace=True)
            lines, number = [], 1
            for row in reader:
                lines.append((number, [cell.strip() for cell in row]))
                number = reader.line_num + 1  # a quoted cell may go over several lines
    except csv.Error as error:
        raise ValueError(f"{path} is no table of cells ({error}).") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no text in UTF-8 ({error}). Save it as UTF-8.") from error
    number, end = lines.pop()
    if end != [END]:
        raise ValueError(f"{path}: a quote is opened in row {number} and never closed.")
    lines = [(number, row) for number, row in lines if row not in ([], [""])]
    if not lines:
        raise ValueError(f"{path} is empty.")
    width = len(lines[0][1])
    for number, row in lines:
        if len(row) != width:
            raise ValueError(f"{path}: row {number} has {len(row)} cells; expected {width}.")
    return lines


def _with_end(path: Path, file: Iterable[str]) -> Iterator[str]:
    """All lines, and one that is a row of its own unless a quote is open."""
    for line in file:
        if END in line:
            raise ValueError(f"{path} holds NUL, so it is no text in UTF-8. Save it as UTF-8.")
        yield line
    yield END


def _sample(file: Iterable[str]) -> list[str]:
    """The first lines; not the last of many, which a quoted line break may have cut."""
    lines = list(islice(file, SAMPLE_LINES))
    return lines[:-1] if len(lines) == SAMPLE_LINES else lines


def _delimiter(path: Path, lines: list[str]) -> str:
    """The first of those that are known which parts all lines in as many cells, more than one.

    Commas come first, and in a .tsv file tabs.
    """
    usual = "\t" if path.suffix == ".tsv" else ","
    for delimiter in (usual, *DELIMITERS.replace(usual, "")):
        rows = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
        if len(widths := {len(row) for row in rows if row}) == 1 and widths != {1}:
            return delimiter
    return usual


def _distinct(names: list[str]) -> tuple[str, ...]:
    """Names as pandas makes them differ: x, x.1, and Unnamed: 2 for the third if it has none."""
    names = [name or f"Unnamed: {i}" for i, name in enumerate(names)]
    given, distinct = set(names), dict.fromkeys(names[:0])
    counts = dict.fromkeys(given, 0)
    for name in names:
        new = name
        while new in distinct or (counts[name] and new in given):
            counts[name] += 1
            new = f"{name}.{counts[name]}"
        distinct[new] = None
    return tuple(distinct)


def _without_index(table: Table, known_names: Sequence[str]) -> Table:
    """The table without a first column that has no name and numbers the rows."""
    name = table.names[0]
    if not (table.has_header and _UNNAMED.fullmatch(name)) or name in known_names:
        return table
    if len(table.names) < 2:
        return table
    cells = [str(cell) for cell in table.columns[0]]
    if len(set(cells)) < len(cells) or not all(map(str.isdigit, cells)):
        if not known_names:  # else it is ignored, and named there
            warnings.warn(
                f"{table.path}: the first column has no name, and its cells are not the different "
                f"whole numbers of an index. It is taken for a feature, {name!r}. Name it, or "
                "leave it out.",
                TableWarning,
                stacklevel=2,
            )
        return table
    warnings.warn(
        f"{table.path}: the first column has no name and numbers the rows, as pandas writes its "
        "index. It is left out.",
        TableWarning,
        stacklevel=2,
    )
    return Table(table.path, table.names[1:], True, table.columns[1:], table.row_numbers)


def _read_parquet(path: Path) -> Table:
    try:
        pyarrow = importlib.import_module("pyarrow")
        parquet = importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise ImportError(
            f"{path}: reading Parquet needs pyarrow. Install it (pip install pyarrow), or save the "
            "table as .csv."
        ) from error
    files = sorted(files_in(path, [PARQUET])) if path.is_dir() else [path]
    tables = [_table_of(parquet, file) for file in files]
    try:
        content = pyarrow.concat_tables(tables, promote_options="permissive")
    except pyarrow.ArrowException as error:
        raise ValueError(
            f"{path}: its files have columns that do not fit ({quoted(error)})."
        ) from error
    if content.num_rows == 0 or content.num_columns == 0:
        raise ValueError(f"{path} has no rows.")
    names = _distinct(content.column_names)
    size = sum(file.stat().st_size for file in files)
    columns = [
        _typed(f"{path}: column {quoted(name)!r}", column, size)
        for name, column in zip(names, content.columns, strict=True)
    ]
    order = sorted(range(len(names)), key=lambda i: not names[i].startswith("__index_level_"))
    return Table(
        path,
        tuple(names[i] for i in order),
        True,
        tuple(columns[i] for i in order),
        range(1, content.num_rows + 1),
    )


def _table_of(parquet: Any, path: Path) -> Any:
    """A Parquet file, once what it says of its size is plausible."""
    check_parquet(path)
    with reading_parquet(path):
        texts = [
            field.name
            for field in parquet.read_schema(path)
            if str(field.type) in ("string", "large_string")
        ]
        with parquet.ParquetFile(path, read_dictionary=texts) as file:
            table = file.read(use_threads=False)
        table.validate(full=True)
    return table


def _typed(place: str, column: Any, size: int) -> np.ndarray:
    """A column of a Parquet file as numbers or text; what is missing is nan, or in text empty."""
    try:
        values = [value for chunk in column.chunks for value in _values(chunk)]
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{place} holds what Python cannot ({quoted(error)}).") from error
    if not any(isinstance(value, str) for value in values):
        try:
            array = np.asarray([np.nan if value is None else value for value in values])
            numbers = array.astype(np.float64) if array.dtype == object else array  # decimals
            if numbers.ndim == 1 and numbers.dtype.kind in "biuf":
                return numbers
        except (TypeError, ValueError, OverflowError):
            pass  # dates, lists and the like
    texts = ["" if value is None else str(value) for value in values]
    _check_text(place, texts, size)
    if any("\0" in text for text in set(texts)):
        raise ValueError(f"{place} holds NUL, which an array of text leaves out. Leave it out.")
    return np.asarray(texts)


def _values(chunk: Any) -> list[Any]:
    """Those of an array of Arrow. Text that occurs often is there once, and stays so."""
    if not hasattr(chunk, "dictionary"):
        return chunk.to_pylist()
    words = chunk.dictionary.to_pylist()
    return [None if i is None else words[i] for i in chunk.indices.to_pylist()]
