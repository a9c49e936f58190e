"""``xsoftmax train``."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Annotated, Any, Literal

import typer

from . import option_rules, options
from .console import note, print_files, print_json, print_line, print_scores, training_progress
from .interrupts import exit_code
from .outputs import Force, SaveTo, check_new, check_room, destination, drawn, save_model

Kind = Literal["softmax-regression", "mlp"]
Solver = Literal["lbfgs", "gd", "sgd", "adam"]
Activation = Literal["relu", "gelu", "tanh", "sigmoid", "identity"]


def train(
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
    kind: Annotated[Kind, typer.Option(help="What to train.")] = "softmax-regression",
    model: Annotated[str | None, typer.Option(hidden=True)] = None,
    c: Annotated[float, typer.Option("--C", help="Inverse penalty (softmax-regression).")] = 1.0,
    hidden: Annotated[str, typer.Option(help="Hidden layers, like 50 or 128,64 (mlp).")] = "50",
    activation: Annotated[Activation, typer.Option(help="Of hidden layers (mlp).")] = "relu",
    alpha: Annotated[float, typer.Option(help="Penalty (mlp).")] = 1e-4,
    solver: Annotated[Solver | None, typer.Option(help="Default lbfgs, for mlp adam.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Step of gd, sgd, adam.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Rows per step of sgd, adam.")] = None,
    max_iter: Annotated[int | None, typer.Option(help="Iterations or epochs at most.")] = None,
    tol: Annotated[float, typer.Option(help="When to stop; 0 runs --max-iter.")] = 1e-4,
    early_stopping: Annotated[
        bool,
        typer.Option("--early-stopping", help="Stop by accuracy on held-out rows.", metavar=""),
    ] = False,
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
    """Train a classifier, show how well it does, and save it with pictures.

    Ctrl-C keeps the model of the last finished iteration.
    """
    option_rules.check_options(context, option_rules.TRAIN)

    from .. import arrays
    from ..classifiers import MLPClassifier, SoftmaxRegression
    from . import reading
    from .evaluation import check_known, evaluate

    reading.hush(quiet)
    settings: dict[str, Any] = {
        "tol": tol,
        "early_stopping": early_stopping,
        "random_state": seed,
        "learning_rate_init": learning_rate,
        "batch_size": batch_size,
        "max_iter": max_iter,
        "solver": solver,
    }
    settings = {name: value for name, value in settings.items() if value is not None}
    estimator: Any = SoftmaxRegression(c, **settings)
    if kind == "mlp":
        estimator = MLPClassifier(_sizes(hidden), activation, alpha=alpha, **settings)
    where = destination(save_to, plots, no_plots=no_plots, force=force)
    if report is not None:
        check_new(report, force=force, reads=[data, labels, test, test_labels], ending=".html")
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
    title = f"{kind} on {dataset.name}"

    start = time.perf_counter()
    interrupted = _fit(estimator, given, title, quiet, checkpoint)
    seconds = time.perf_counter() - start

    named = reading.with_columns(estimator, dataset)
    where = save_model(where, named, interrupted=interrupted)
    on_train = evaluate(estimator, X_train, dataset.y_train)
    on_test = evaluate(estimator, X_test, dataset.y_test)
    scored = replace(dataset, y_test=on_test.labels)
    pictures = drawn(
        where.pictures,
        lambda module, folder: [
            *module.model_pictures(estimator, dataset, folder),
            *module.result_pictures(scored, on_test.predictions, folder),
        ],
    )
    files = [where.model, *pictures]
    if report is not None:
        from .report import write_report

        files.append(write_report(report, title, estimator, X_test, scored, "rows to test on"))
    if as_json:
        print_json(
            {
                "train_accuracy": on_train.accuracy,
                "test_accuracy": on_test.accuracy,
                "train_loss": on_train.loss,
                "test_loss": on_test.loss,
                "objective": _objective(estimator),
                "n_iter": estimator.n_iter_,
                "seconds": seconds,
                "model": str(where.model),
                "plots": [str(picture) for picture in pictures],
                "report": None if report is None else str(report),
                "interrupted": interrupted,
            }
        )
    else:
        print_scores(title, {"train": on_train, "test": on_test})
        print_line(
            f"{estimator.n_iter_} iterations in {seconds:.2f} s on {backend}, objective (loss + "
            f"penalty) {_objective(estimator):.4g}"
        )
        print_files(files)
    if interrupted:
        raise typer.Exit(exit_code())


def _fit(estimator: Any, given: Any, title: str, quiet: bool, checkpoint: Any) -> bool:
    """Fit the `given` data with a progress bar; whether Ctrl-C ended it."""
    from ..arrays import threads_that_pay

    X, y = given.X, given.y
    try:
        # Before the bar, which has a thread of its own.
        with (
            threads_that_pay(X, len(set(y))),
            training_progress(title, estimator.max_iter, quiet=quiet, rows=X) as monitor,
        ):
            estimator.fit(X, y, given.weight, monitor=monitor, checkpoint=checkpoint)
    except KeyboardInterrupt:
        if not getattr(estimator, "n_iter_", 0):
            note("interrupted before the first iteration finished; nothing was written")
            raise typer.Exit(exit_code()) from None
        note(
            f"interrupted: keeping the model of iteration {estimator.n_iter_}, the last that "
            "finished"
        )
        return True
    return False


def _objective(estimator: Any) -> float:
    """The objective at the iteration whose parameters were kept: with held-out rows the best."""
    if not estimator.early_stopping:
        return estimator.loss_curve_[-1]
    scores = estimator.validation_scores_
    return estimator.loss_curve_[scores.index(max(scores))]


def _sizes(hidden: str) -> tuple[int, ...]:
    try:
        return tuple(int(size) for size in hidden.split(",") if size.strip())
    except ValueError:
        raise typer.BadParameter(
            f"--hidden must be sizes with commas between, like 128,64; got {hidden!r}."
        ) from None
