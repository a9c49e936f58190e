"""The pictures that the command line writes, as PNG files.

One that cannot be drawn or written costs a warning that names it, and nothing else.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import numpy as np

from .. import plots
from ..datasets import Dataset
from ..serialization.files import write_whole


def model_pictures(model: Any, dataset: Dataset, folder: Path) -> list[Path]:
    """Of training: rows, the objective, and for linear models of images the weights.

    Rows that are no images are drawn on their principal components.
    """
    shape, names, X = dataset.image_shape, _names(dataset), dataset.X_train
    draw: dict[str, Callable[[], Any]] = {}
    if shape is not None:
        draw["samples.png"] = lambda: plots.plot_samples(
            X, names(dataset.y_train), image_shape=shape
        )
    else:
        draw["projection.png"] = lambda: plots.plot_projection(X, names(dataset.y_train))
    if model.loss_curve_:
        scores, losses = (
            getattr(model, name, None) for name in ("validation_scores_", "validation_loss_curve_")
        )
        draw["loss_curve.png"] = lambda: plots.plot_loss_curve(
            model.loss_curve_, validation_scores=scores, validation_losses=losses
        )
    if shape is not None and hasattr(model, "coef_"):
        draw["weights.png"] = lambda: plots.plot_weights(model, image_shape=shape)
    return _written(draw, folder)


def sweep_picture(model: Any, scoring: str, folder: Path) -> list[Path]:
    """Of a sweep: score against C."""
    name = scoring.replace("_", " ")

    def draw() -> Any:
        return plots.plot_sweep(model.Cs_, model.scores_, best=model.C_, name=name)

    return _written({"sweep.png": draw}, folder)


def probe_pictures(
    model: Any, scoring: str, scores: dict[str, dict[str, float]], folder: Path
) -> list[Path]:
    """Of a probe: score against C, and scores on the rows to test on with their intervals."""
    name = scoring.replace("_", " ")

    def sweep() -> Any:
        return plots.plot_sweep(model.Cs_, model.scores_, best=model.C_, name=name)

    return _written(
        {"sweep.png": sweep, "scores.png": lambda: plots.plot_intervals(scores)}, folder
    )


def result_pictures(dataset: Dataset, predictions: np.ndarray, folder: Path) -> list[Path]:
    """Of the rows to test on: predictions or the recall of classes, and the confusion matrix."""
    shape, names = dataset.image_shape, _names(dataset)
    draw: dict[str, Callable[[], Any]] = {}
    if shape is not None:
        draw["predictions.png"] = lambda: plots.plot_predictions(
            dataset.X_test, names(dataset.y_test), names(predictions), image_shape=shape
        )
    else:
        draw["recall.png"] = lambda: plots.plot_recall(names(dataset.y_test), names(predictions))
    draw["confusion_matrix.png"] = lambda: plots.plot_confusion_matrix(
        names(dataset.y_test), names(predictions)
    )
    return _written(draw, folder)


def _names(dataset: Dataset) -> Any:
    """From labels to what a person calls them."""
    if dataset.class_names is None:
        return np.asarray
    return lambda labels: np.asarray(dataset.class_names)[labels]


def png(draw: Callable[[], Any]) -> bytes:
    """The figure of the axes that ``draw()`` returns, as a file of PNG."""
    open_before, file = set(plt.get_fignums()), io.BytesIO()
    try:
        with matplotlib.rc_context({"backend": "agg"}), warnings.catch_warnings():
            # A letter that no installed font has is drawn as a box.
            warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
            np.ravel(draw())[0].figure.savefig(file, format="png", dpi=120)
    finally:
        for number in set(plt.get_fignums()) - open_before:
            plt.close(number)
    return file.getvalue()


def without_failure(draw: Callable[[], bytes], name: Path | str) -> bytes | None:
    """What ``draw()`` returns; a picture that cannot be drawn costs a warning, and is None."""
    try:
        return draw()
    except Exception as error:
        reason = str(error) or type(error).__name__
        warnings.warn(f"picture {name} was not drawn: {reason}", stacklevel=3)
        return None


def _written(draw: dict[str, Callable[[], Any]], folder: Path) -> list[Path]:
    """The pictures that could be drawn and written; each of the others costs a warning."""

    def write(function: Callable[[], Any], path: Path) -> bytes:
        content = png(function)
        write_whole(path, content)
        return content

    paths = [folder / name for name in draw]
    contents = [
        without_failure(partial(write, function, path), path)
        for function, path in zip(draw.values(), paths, strict=True)
    ]
    return [path for path, content in zip(paths, contents, strict=True) if content is not None]
