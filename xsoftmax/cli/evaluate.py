"""``xsoftmax evaluate``."""

from __future__ import annotations

import typer

from . import option_rules, options
from .console import print_files, print_json, print_scores
from .outputs import RESULT_PICTURES, Force, check_new, check_pictures, drawn


def evaluate(
    context: typer.Context,
    model: options.ModelFile,
    data: options.Data = "digits",
    labels: options.Labels = None,
    label_column: options.LabelColumn = None,
    header: options.Header = None,
    test_size: options.TestSize = 0.2,
    data_dir: options.DataDir = None,
    backend: options.BackendName = "numpy",
    device: options.Device = None,
    seed: options.Seed = 0,
    report: options.Report = None,
    plots: options.Plots = None,
    no_plots: options.NoPlots = False,
    force: Force = False,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Score a saved model on all rows of a file, or on the test part of DATA that has one.

    Columns are found by their names. Of digits, the --seed and --test-size of train give the rows
    that it did not train on.
    """
    option_rules.check_options(context, option_rules.EVALUATE)
    if plots is not None:
        check_pictures(plots, RESULT_PICTURES, force=force)
    if report is not None:
        check_new(report, force=force, reads=[data, model], ending=".html")

    from .. import arrays, datasets
    from . import evaluation, reading
    from .models import load_model

    reading.hush(quiet)
    place = arrays.backend(backend, device)
    estimator = load_model(model, place)
    rows = reading.rows_for(
        estimator,
        data,
        labelled=True,
        labels=labels,
        label_column=label_column,
        header=header,
        data_dir=data_dir,
        test_size=test_size,
        random_state=seed,
    )
    assert rows.y is not None  # asked for with `labelled`
    X = place.asarray(rows.X)
    result = evaluation.evaluate(estimator, X, rows.y)
    scored = datasets.with_test_rows(rows, rows._replace(y=result.labels))
    pictures = drawn(
        plots, lambda module, folder: module.result_pictures(scored, result.predictions, folder)
    )
    part = "test" if data == "digits" or datasets.has_test_part(data) else "all"
    files = pictures
    if report is not None:
        from .report import write_report

        title = f"{model} on {rows.name}"
        files = [*pictures, write_report(report, title, estimator, X, scored, f"{part} rows")]
    if as_json:
        print_json(
            {
                "test_accuracy": result.accuracy,
                "test_loss": result.loss,
                "n_samples": result.n_samples,
                "model": str(model),
                "plots": [str(picture) for picture in pictures],
                "report": None if report is None else str(report),
            }
        )
    else:
        print_scores(f"{model} on {rows.name}", {part: result})
        print_files(files)
