"""``xsoftmax sweep``."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Annotated, Any

import typer

from . import option_rules, options
from .console import (
    note,
    print_files,
    print_json,
    print_line,
    print_scores,
    print_table,
    sweep_progress,
)
from .grids import values_of
from .interrupts import exit_code
from .outputs import Force, SaveTo, check_new, check_room, destination, drawn, save_model


def sweep(
    context: typer.Context,
    data: options.Data = "digits",
    labels: options.Labels = None,
    label_column: options.LabelColumn = None,
    header: options.Header = None,
    test: options.Test = None,
    test_labels: options.TestLabels = None,
    test_size: options.TestSize = 0.2,
    data_dir: options.DataDir = None,
    backend: options.BackendName = "numpy",
    device: options.Device = None,
    dtype: options.Dtype = "float32",
    grid: Annotated[
        str,
        typer.Option(
            "--Cs", help="FROM:TO:COUNT, spaced logarithmically, or values like 0.1,1,10."
        ),
    ] = "1e-4:1e4:10",
    cv: Annotated[int, typer.Option(help="Folds, stratified by class.", min=2)] = 5,
    scoring: Annotated[str, typer.Option(help="accuracy, or any scorer of scikit-learn.")] = (
        "accuracy"
    ),
    tol: Annotated[float, typer.Option(help="Share of its gain at which a problem stops.")] = 1e-6,
    max_iter: Annotated[int, typer.Option(help="Iterations for each C at most.")] = 1000,
    seed: options.Seed = 0,
    stored: options.Stored = None,
    checkpoint: options.Checkpoint = None,
    save_to: SaveTo = None,
    force: Force = False,
    report: options.Report = None,
    plots: options.Plots = None,
    no_plots: options.NoPlots = False,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Choose C of a softmax regression by cross-validation, then fit all rows with the best.

    Ctrl-C ends it and writes nothing.
    """
    option_rules.check_options(context, option_rules.SWEEP)
    Cs = values_of(grid)
    where = destination(save_to, plots, no_plots=no_plots, force=force)
    if report is not None:
        check_new(report, force=force, reads=[data, labels, test, test_labels], ending=".html")

    from .. import arrays
    from ..arrays import threads_that_pay
    from ..classifiers import SoftmaxRegressionCV
    from . import reading
    from .evaluation import check_known, evaluate

    reading.hush(quiet)
    estimator = SoftmaxRegressionCV(Cs, cv=cv, scoring=scoring, tol=tol, max_iter=max_iter)
    place = arrays.backend(backend, device)
    how: dict[str, Any] = {
        "labels": labels,
        "test": test,
        "test_labels": test_labels,
        "test_size": test_size,
    }
    if reading.are_stored(stored, data):
        given = reading.stored_data(data, place, seed, **how)
    else:
        tables = {"label_column": label_column, "header": header, "data_dir": data_dir}
        given = reading.data_in_memory(data, place, dtype, random_state=seed, **how, **tables)
    dataset, X_train, X_test = given.dataset, given.X_train, given.X_test
    check_known(dataset.y_test, dataset.y_train)
    check_room(where, estimator, X_train, dataset.y_train)
    title, X, y = f"sweep of C on {dataset.name}", given.X, given.y

    start = time.perf_counter()
    try:
        # Before the bar, which has a thread of its own.
        with (
            threads_that_pay(X, cv * len(set(y))),
            sweep_progress(title, Cs.size * cv, quiet=quiet, rows=X) as monitor,
        ):
            estimator.fit(X, y, given.weight, monitor=monitor, checkpoint=checkpoint)
    except KeyboardInterrupt:
        note("interrupted; nothing was written")
        raise typer.Exit(exit_code()) from None
    seconds = time.perf_counter() - start

    where = save_model(where, reading.with_columns(estimator, dataset))
    on_train = evaluate(estimator, X_train, dataset.y_train)
    on_test = evaluate(estimator, X_test, dataset.y_test)
    pictures = drawn(
        where.pictures, lambda module, folder: module.sweep_picture(estimator, scoring, folder)
    )
    files = [where.model, *pictures]
    if report is not None:
        from .report import write_report

        scored = replace(dataset, y_test=on_test.labels)
        files.append(write_report(report, title, estimator, X_test, scored, "rows to test on"))
    if as_json:
        print_json(
            {
                "C": estimator.C_,
                "Cs": estimator.Cs_.tolist(),
                "scores": estimator.scores_.tolist(),
                "n_iter": estimator.n_iter_.tolist(),
                "gaps": estimator.gaps_.tolist(),
                "train_accuracy": on_train.accuracy,
                "test_accuracy": on_test.accuracy,
                "seconds": seconds,
                "model": str(where.model),
                "plots": [str(picture) for picture in pictures],
                "report": None if report is None else str(report),
            }
        )
        return
    print_table(f"{title}, {cv} folds", ["C", scoring, "± std", "iterations"], _rows(estimator))
    print_scores(f"best C = {estimator.C_:.4g}", {"train": on_train, "test": on_test})
    print_line(f"{estimator.scores_.size} problems and a refit in {seconds:.2f} s on {backend}")
    print_files(files)


def _rows(estimator: Any) -> list[list[str]]:
    columns = zip(estimator.Cs_, estimator.scores_.T, estimator.n_iter_.T, strict=True)
    return [
        [
            f"{C:.4g}{' *' if estimator.C_ == C else ''}",
            f"{scores.mean():.4f}",
            f"{scores.std():.4f}",
            str(n_iter.max()),
        ]
        for C, scores, n_iter in columns
    ]
