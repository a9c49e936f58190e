"""``xsoftmax predict``."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Annotated, Any

import typer

from .. import arrays, datasets
from ..files import write_whole
from . import options
from .console import print_json
from .outputs import Force, check_new


def predict(
    model: options.ModelFile,
    data: options.Data = "digits",
    label_column: options.LabelColumn = None,
    data_dir: options.DataDir = None,
    backend: options.BackendName = "numpy",
    device: options.Device = None,
    proba: Annotated[bool, typer.Option("--proba", help="Add each class's probability.")] = False,
    save_to: Annotated[
        Path | None, typer.Option("--out", help="CSV file to write, instead of stdout.")
    ] = None,
    force: Force = False,
    as_json: options.AsJson = False,
) -> None:
    """Label the rows of DATA: of a named data set those to test on, of a file all of them."""
    if save_to is not None:
        check_new(save_to, force=force)
    place = arrays.backend(backend, device)
    from .models import load_model

    estimator = load_model(model, place)
    X = place.asarray(
        datasets.load_features(
            data, estimator.n_features_in_, label_column=label_column, data_dir=data_dir
        )
    )
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
