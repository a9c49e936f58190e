"""``xsoftmax reproduce``."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from . import options
from .console import print_json, print_table, training_progress

Name = Literal["softmax-regression", "neural-network"]


def reproduce(
    article: Annotated[Name, typer.Argument(help="Which published run.")],
    data_dir: options.DataDir = None,
    backend: options.BackendName = "numpy",
    device: options.Device = None,
    dtype: options.Dtype = "float64",
    max_iter: Annotated[int, typer.Option(help="Stop early.", min=1, max=1000)] = 1000,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Run a well known article's settings on MNIST, beside the figures that it published."""
    from .. import arrays, datasets
    from . import articles

    place = arrays.backend(backend, device)
    dataset = datasets.mnist(data_dir, dtype=dtype)
    published = articles.ARTICLES[article]
    with training_progress(article, max_iter, quiet=quiet) as monitor:
        result = articles.reproduce(
            published,
            place.asarray(dataset.X_train),
            place.asarray(dataset.y_train),
            place.asarray(dataset.X_test),
            place.asarray(dataset.y_test),
            max_iter=max_iter,
            monitor=monitor,
        )
    if as_json:
        print_json(
            {
                "rows": [row._asdict() for row in result.rows],
                "train_accuracy": result.train_accuracy,
                "test_accuracy": result.test_accuracy,
            }
        )
        return
    print_table(
        published.title,
        ["iteration", "published loss", "loss", "relative", "published", "accuracy", "difference"],
        [
            [
                str(row.iteration),
                f"{row.published_loss:.16g}",
                f"{row.loss:.16g}",
                f"{row.loss / row.published_loss - 1:+.0e}",
                *_compared(row.published_accuracy, row.accuracy),
            ]
            for row in result.rows
        ],
    )
    print_table(
        f"After {max_iter} iterations (published: after 1000)",
        ["rows", "published", "accuracy", "difference"],
        [
            ["train", *_compared(published.train_accuracy, result.train_accuracy)],
            ["test", *_compared(published.test_accuracy, result.test_accuracy)],
        ],
    )


def _compared(published: float | None, ours: float | None) -> list[str]:
    if published is None or ours is None:
        return ["-", "-", "-"]
    return [f"{published:.6f}", f"{ours:.6f}", f"{ours - published:+.6f}"]
