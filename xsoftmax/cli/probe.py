"""``xsoftmax probe``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from . import option_rules, options
from .console import note, print_files, print_json, print_line, print_table, sweep_progress
from .grids import values_of
from .interrupts import exit_code
from .outputs import Force, SaveTo, check_new, check_room, destination, drawn, save_model


def probe(
    context: typer.Context,
    train: Annotated[
        Path, typer.Argument(help="Features to train on: .npy, .npz, .safetensors or a folder.")
    ],
    others: Annotated[
        list[Path], typer.Argument(help="Features to choose C on, if any, and to test on.")
    ],
    grid: Annotated[
        str,
        typer.Option(
            "--Cs", help="FROM:TO:COUNT, spaced logarithmically, or values like 0.1,1,10."
        ),
    ] = "1e-6:1e5:45",
    cv: Annotated[int, typer.Option(help="Folds to choose C by, without VAL.", min=2)] = 5,
    scoring: Annotated[str, typer.Option(help="What C is chosen by.")] = "accuracy",
    refit: Annotated[
        str, typer.Option(help="best, or one-se: the strongest penalty within one standard error.")
    ] = "best",
    calibrate: Annotated[
        bool, typer.Option("--calibrate", help="Fit a temperature to rows held out.", metavar="")
    ] = False,
    backend: options.BackendName = "numpy",
    device: options.Device = None,
    tol: Annotated[float, typer.Option(help="Share of its gain at which a problem stops.")] = 1e-5,
    max_iter: Annotated[int, typer.Option(help="Iterations for each C at most.")] = 1000,
    resamples: Annotated[int, typer.Option(help="Resamples of TEST for intervals.", min=2)] = 1000,
    seed: Annotated[int, typer.Option(help="For the resamples.")] = 0,
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
    """Probe features: choose C, fit, and score with bootstrap intervals.

    xsoftmax probe TRAIN [VAL] TEST. C is chosen on VAL and the rows of both are fitted then, or by
    cross-validation. Labels lie beside features: train_labels.npy beside train.npy, or as y in the
    same .npz or .safetensors file. Features are computed in the precision that they are stored in,
    half precision in single. Ctrl-C ends it and writes nothing.
    """
    option_rules.check_options(context, option_rules.PROBE)
    if len(others) > 2:
        raise typer.BadParameter(f"at most TRAIN, VAL and TEST; got {1 + len(others)} paths.")
    Cs = values_of(grid)
    if refit not in ("best", "one-se"):
        raise typer.BadParameter(f"--refit must be best or one-se; got {refit!r}.")
    where = destination(save_to, plots, no_plots=no_plots, force=force)
    if report is not None:
        check_new(report, force=force, reads=[train, *others], ending=".html")

    import numpy as np

    from .. import arrays, datasets, metrics
    from ..arrays import threads_that_pay
    from ..classifiers import SoftmaxRegressionCV, bootstrap_scores
    from . import reading
    from .evaluation import check_known

    place = arrays.backend(backend, device)
    # Those to test on are read once.
    parts = [
        datasets.read_features(
            path,
            stored=reading.are_stored(stored, path),
            like=options.somewhere(place),
        )
        for path in (train, *others[:-1])
    ]
    parts.append(datasets.read_features(others[-1]))
    labels: list[Any] = [part.y for part in parts]
    for part, y in zip(parts[1:], labels[1:], strict=True):
        if not check_known(y, labels[0]).all():
            raise ValueError(f"{part.name} has labels that {train} does not have; leave them out.")
    estimator = SoftmaxRegressionCV(
        Cs,
        cv=cv,
        scoring=scoring,
        refit="one_se" if refit == "one-se" else True,
        calibration="temperature" if calibrate else None,
        tol=tol,
        max_iter=max_iter,
    )
    X = reading.there(place, parts[0].X)
    check_room(where, estimator, X, labels[0])
    held_out = {}
    if len(parts) == 3:
        held_out = {"X_val": reading.there(place, parts[1].X), "y_val": labels[1].tolist()}
    n_folds = 1 if held_out else cv
    title = f"probe of {parts[0].name}"

    start = time.perf_counter()
    try:
        # Before the bar, which has a thread of its own.
        with (
            threads_that_pay(X, n_folds * len(set(labels[0].tolist()))),
            sweep_progress(title, Cs.size * n_folds, quiet=quiet, rows=X) as monitor,
        ):
            given = {"monitor": monitor, "checkpoint": checkpoint, **held_out}
            estimator.fit(X, labels[0].tolist(), **given)
    except KeyboardInterrupt:
        note("interrupted; nothing was written")
        raise typer.Exit(exit_code()) from None
    seconds = time.perf_counter() - start

    n_classes = estimator.classes_.shape[0]
    names = {"accuracy": "accuracy", "mean per class": "balanced_accuracy"}
    if n_classes > 5:
        names["top-5 accuracy"] = "top_5_accuracy"
    test, X_test, y_test = parts[-1], place.asarray(parts[-1].X), labels[-1].tolist()
    asked = {"n_resamples": resamples, "random_state": seed}
    found = bootstrap_scores(estimator, X_test, y_test, list(names.values()), **asked)
    logits = estimator.predict_log_proba(X_test)
    places = np.searchsorted(arrays.to_host(estimator.classes_), labels[-1])
    values = metrics.score(logits, place.asarray(places), list(names.values()))
    scores = {
        name: {
            "score": values[key],
            "low": found[key].confidence_interval.low,
            "high": found[key].confidence_interval.high,
            "standard_error": found[key].standard_error,
        }
        for name, key in names.items()
    }
    where = save_model(where, estimator)
    pictures = drawn(
        where.pictures,
        lambda module, folder: module.probe_pictures(estimator, scoring, scores, folder),
    )
    files = [where.model, *pictures]
    if report is not None:
        from .report import write_report

        scored = datasets.with_test_rows(test, test)
        files.append(write_report(report, title, estimator, X_test, scored, f"rows of {test.name}"))
    if as_json:
        print_json(
            {
                "C": estimator.C_,
                "Cs": estimator.Cs_.tolist(),
                "scores": estimator.scores_.tolist(),
                "test": scores,
                "temperature": getattr(estimator, "temperature_", None),
                "n_train": parts[0].X.shape[0],
                "n_val": parts[1].X.shape[0] if held_out else 0,
                "n_test": test.X.shape[0],
                "seconds": seconds,
                "model": str(where.model),
                "plots": [str(picture) for picture in pictures],
                "report": None if report is None else str(report),
            }
        )
        return
    chosen = f"on {parts[1].X.shape[0]} rows" if held_out else f"by {cv} folds"
    print_table(
        f"{title}: C = {estimator.C_:.4g}, chosen {chosen} by {scoring}",
        [f"{len(test.X)} rows of {test.name}", "score", "95% interval"],
        [
            [name, f"{one['score']:.4f}", f"{one['low']:.4f} to {one['high']:.4f}"]
            for name, one in scores.items()
        ],
    )
    if calibrate:
        print_line(f"temperature {estimator.temperature_:.4g}")
    n_problems = estimator.scores_.size
    print_line(f"{n_problems} problem(s) and a refit in {seconds:.2f} s on {backend}")
    print_files(files)
