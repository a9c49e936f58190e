"""What the command line shows: progress on stderr, results on stdout."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

if TYPE_CHECKING:
    from ..evaluation import Evaluation

out = Console()
err = Console(stderr=True)


def print_json(result: dict[str, Any]) -> None:
    """One JSON object; what JSON cannot hold (nan, inf) becomes null."""
    print(json.dumps(_plain(result)))


def print_table(title: str, columns: list[str], rows: list[list[str]]) -> None:
    """A table with its first column to the left and numbers to the right."""
    out.print(title, style="bold", markup=False, highlight=False, soft_wrap=True)
    table = Table()
    for i, column in enumerate(columns):
        table.add_column(escape(column), justify="left" if i == 0 else "right", overflow="fold")
    for row in rows:
        table.add_row(*map(escape, row))
    out.print(table)


def print_scores(title: str, scores: dict[str, Evaluation]) -> None:
    """Number of rows, accuracy and loss for each part of the data."""
    rows = [
        [name, str(part.n_samples), f"{part.accuracy:.4f}", f"{part.loss:.4f}"]
        for name, part in scores.items()
    ]
    print_table(title, ["part", "rows", "accuracy", "loss"], rows)


def print_line(text: str) -> None:
    """One line of result."""
    out.print(text, markup=False, highlight=False, soft_wrap=True)


def print_files(paths: Iterable[Path]) -> None:
    """Which files were written."""
    for path in paths:
        print_line(f"wrote {path}")


@contextmanager
def training_progress(description: str, max_iter: int, *, quiet: bool) -> Iterator[Any]:
    """A live bar on stderr; yields a monitor for ``fit(monitor=...)``."""
    with _progress(description, max_iter, quiet) as update:

        def monitor(iteration: int, model: Any) -> None:
            figures = f"loss {model.loss_curve_[-1]:.6f}"
            if getattr(model, "validation_scores_", None):
                figures += f"  validation accuracy {model.validation_scores_[-1]:.4f}"
            update(completed=iteration, figures=figures)

        yield monitor


@contextmanager
def sweep_progress(description: str, *, quiet: bool) -> Iterator[Any]:
    """A live bar of problems finished; yields a monitor for ``SoftmaxRegressionCV.fit``."""
    with _progress(description, None, quiet) as update:

        def monitor(n_finished: int, n_problems: int) -> None:
            update(completed=n_finished, total=n_problems, figures="problems")

        yield monitor


@contextmanager
def _progress(description: str, total: int | None, quiet: bool) -> Iterator[Any]:
    progress = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[figures]}"),
        TimeElapsedColumn(),
        console=err,
        disable=quiet,
    )
    with progress:
        yield partial(progress.update, progress.add_task(description, total=total, figures=""))


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
