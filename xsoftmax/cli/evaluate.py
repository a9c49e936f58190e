"""``xsoftmax evaluate``."""

from __future__ import annotations

from pathlib import Path

import typer

from . import option_rules, options
from .console import print_files, print_json, print_scores


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
    plots: options.Plots = None,
    no_plots: options.NoPlots = False,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Score a saved model on all rows of a file, or on the test part of DATA that has one.

    Columns are found by their names. Of digits, the --seed and --test-size of train give the rows
    that it did not train on.
    """
    option_rules.check_options(context, option_rules.EVALUATE)

    from .. import arrays, datasets, evaluation, model_file
    from . import reading

    reading.hush(quiet)
    place = arrays.backend(backend, device)
    estimator = model_file.load(model, like=options.somewhere(place))
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
    result = evaluation.evaluate(estimator, place.asarray(rows.X), rows.y)
    pictures: list[Path] = []
    if plots is not None:
        from ..pictures import result_pictures

        scored = datasets.with_test_rows(rows, rows._replace(y=result.labels))
        pictures = result_pictures(scored, result.predictions, plots)
    if as_json:
        print_json(
            {
                "test_accuracy": result.accuracy,
                "test_loss": result.loss,
                "n_samples": result.n_samples,
                "model": str(model),
                "plots": [str(picture) for picture in pictures],
            }
        )
    else:
        part = "test" if data == "digits" or datasets.has_test_part(data) else "all"
        print_scores(f"{model} on {rows.name}", {part: result})
        print_files(pictures)
