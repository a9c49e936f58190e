"""What the command line shows: progress on stderr, results on stdout."""

from __future__ import annotations

import json
import math
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Column, Table
from rich.text import Text

if TYPE_CHECKING:
    from .evaluation import Evaluation

out = Console()
err = Console(stderr=True)


def print_json(result: dict[str, Any]) -> None:
    """One JSON object; what JSON cannot hold (nan, inf) becomes null."""
    print(json.dumps(_plain(result)))


def print_table(
    title: str, columns: list[str], rows: list[list[str]], console: Console = out
) -> None:
    """A table with its first column to the left and numbers to the right.

    Where not even the longest words of all columns fit side by side, each row becomes a few lines,
    so that no number is cut.
    """
    console.print(title, style="bold", markup=False, highlight=False, soft_wrap=True)
    cells = list(zip(columns, *rows, strict=True))
    widths = [max(map(cell_len, " ".join(column).split())) for column in cells]
    if sum(widths) + 3 * len(widths) + 1 > console.width:
        for row in rows:
            print_line(f"{columns[0]} {row[0]}", console)
            for name, cell in zip(columns[1:], row[1:], strict=True):
                print_line(f"  {name}: {cell}", console)
        return
    table = Table()
    for i, (column, width) in enumerate(zip(cells, widths, strict=True)):
        whole = width == max(map(cell_len, column))
        justify: Literal["left", "right"] = "left" if i == 0 else "right"
        table.add_column(escape(column[0]), justify=justify, no_wrap=whole, overflow="fold")
    for row in rows:
        table.add_row(*map(escape, row))
    console.print(table)


def print_scores(title: str, scores: dict[str, Evaluation], console: Console = out) -> None:
    """Number of rows, accuracy, and loss without the penalty, for each part of the data."""
    rows = [
        [name, str(part.n_samples), f"{part.accuracy:.4f}", f"{part.loss:.4f}"]
        for name, part in scores.items()
    ]
    print_table(title, ["part", "rows", "accuracy", "cross-entropy loss"], rows, console)


def print_line(text: str, console: Console = out) -> None:
    """One line of result."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def print_files(paths: Iterable[Path]) -> None:
    """Which files were written."""
    for path in paths:
        print_line(f"wrote {path}")


def note(text: str, console: Console = err) -> None:
    """One line on stderr."""
    print_line(text, console)


@contextmanager
def training_progress(
    description: str, max_iter: int, *, quiet: bool, rows: Any = None, console: Console = err
) -> Iterator[Any]:
    """A live bar on stderr; yields a monitor for ``fit(monitor=...)``.

    Where `rows` are read from files, it shows how fast.
    """
    speed = _speed_of(rows)
    with _progress(description, max_iter, quiet, console) as update:

        def monitor(iteration: int, model: Any) -> None:
            figures = f"objective {model.loss_curve_[-1]:.4g}{speed()}"
            if getattr(model, "validation_scores_", None):
                figures += f"  accuracy {model.validation_scores_[-1]:.3f}"
            update(completed=iteration, figures=figures)

        yield monitor


@contextmanager
def sweep_progress(
    description: str, n_problems: int, *, quiet: bool, rows: Any = None, console: Console = err
) -> Iterator[Any]:
    """A live bar of problems finished; yields a monitor for ``SoftmaxRegressionCV.fit``."""
    speed = _speed_of(rows)
    with _progress(description, n_problems, quiet, console, "problems") as update:

        def monitor(n_finished: int, n_problems: int) -> None:
            figures = f"problems{speed()}"
            update(completed=n_finished, total=n_problems, figures=figures)

        yield monitor


def _speed_of(rows: Any) -> Callable[[], str]:
    """A function that says how often, and how fast, rows have been read from files since now."""
    if not hasattr(rows, "n_rows_read"):
        return lambda: ""
    start, n_rows, n_bytes = time.perf_counter(), rows.n_rows_read, rows.n_bytes_read

    def speed() -> str:
        seconds = max(time.perf_counter() - start, 1e-9)
        n_read, megabytes = rows.n_rows_read - n_rows, (rows.n_bytes_read - n_bytes) / 1e6
        passes = f"{n_read / rows.shape[0]:.1f} passes"
        return f"  {passes}  {n_read / seconds:,.0f} rows/s  {megabytes / seconds:,.0f} MB/s"

    return speed


class _TimeLeft(TimeRemainingColumn):
    """The time left, and of what has finished the time taken; both in few characters."""

    def __init__(self) -> None:
        super().__init__(compact=True, elapsed_when_finished=True, table_column=_whole())

    def render(self, task: Task) -> Text:
        """As 00:12 left, or 00:12."""
        return super().render(task) + ("" if task.finished else " left")


def _whole() -> Column:
    """A column of a progress bar that is never cut; the bar itself takes the room that is left."""
    return Column(no_wrap=True)


@contextmanager
def _progress(
    description: str, total: int, quiet: bool, console: Console, figures: str = ""
) -> Iterator[Callable[..., None]]:
    """A bar under a line with the description. It ends full, unless an exception ends it."""
    progress = Progress(
        BarColumn(bar_width=None),
        MofNCompleteColumn(table_column=_whole()),
        TextColumn("{task.fields[figures]}", table_column=_whole()),
        _TimeLeft(),
        console=console,
        disable=quiet,
    )
    if not quiet:
        note(description, console)
    with progress:
        row = progress.add_task("", total=total, figures=figures)
        yield partial(progress.update, row)
        progress.update(row, total=max(1, progress.tasks[0].completed))


@contextmanager
def warnings_in_words() -> Iterator[None]:
    """Print each warning as one line on stderr, without the source line that raised it."""

    def show(message: Any, *_: Any, **__: Any) -> None:
        err.print("[yellow]warning:[/] ", end="")
        err.print(str(message), markup=False, highlight=False, soft_wrap=True)

    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.showwarning = show
        yield


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
