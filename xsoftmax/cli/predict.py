"""``xsoftmax predict``."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Annotated, Any

import typer

from . import option_rules, options
from .console import print_json
from .outputs import Force, check_new


def predict(
    context: typer.Context,
    model: options.ModelFile,
    data: options.Data = "digits",
    label_column: options.LabelColumn = None,
    header: options.Header = None,
    data_dir: options.DataDir = None,
    backend: options.BackendName = "numpy",
    device: options.Device = None,
    proba: Annotated[
        bool, typer.Option("--proba", help="Add each class's probability.", metavar="")
    ] = False,
    save_to: Annotated[
        Path | None, typer.Option("--out", help="CSV file to write; default -, stdout.")
    ] = None,
    force: Force = False,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Label all rows of a file, or the test part of DATA that has one.

    Columns are found by their names. A column of labels is ignored.
    """
    option_rules.check_options(context, option_rules.PREDICT)
    if str(save_to) == "-":
        save_to = None
    if save_to is not None:
        check_new(save_to, force=force, reads=[data, model])

    from .. import arrays
    from ..serialization.files import write_whole
    from . import reading
    from .models import load_model

    reading.hush(quiet)
    place = arrays.backend(backend, device)
    estimator = load_model(model, place)
    rows_to_label = reading.rows_for(
        estimator, data, label_column=label_column, header=header, data_dir=data_dir
    )
    X = place.asarray(rows_to_label.X)
    classes = arrays.to_host(estimator.classes_).tolist() if proba else []
    predictions = arrays.to_host(estimator.predict(X)).tolist()
    rows: list[Any] = [[] for _ in predictions]
    if proba:
        rows = arrays.to_list(estimator.predict_proba(X))
    if as_json:
        result = {"predictions": predictions}
        print_json(result | ({"classes": classes, "probabilities": rows} if proba else {}))
        return
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["prediction", *(f"p({name})" for name in classes)])
    writer.writerows([label, *row] for label, row in zip(predictions, rows, strict=True))
    if save_to is None:
        typer.echo(text.getvalue(), nl=False)
    else:
        write_whole(save_to, text.getvalue().encode())
