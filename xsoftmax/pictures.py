"""The pictures that the command line writes, as PNG files."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import numpy as np

from . import plots
from .datasets import Dataset
from .files import write_whole


def model_pictures(model: Any, dataset: Dataset, folder: Path) -> list[Path]:
    """Of training: samples, the loss curve, and for linear models of images the weights."""
    shape, names = dataset.image_shape, _names(dataset)
    with matplotlib.rc_context({"backend": "agg"}):
        paths = []
        axes: Any
        if shape is not None:
            axes = plots.plot_samples(dataset.X_train, names(dataset.y_train), image_shape=shape)
            paths.append(_write(axes, folder / "samples.png"))
        if model.loss_curve_:
            axes = plots.plot_loss_curve(model.loss_curve_)
            paths.append(_write(axes, folder / "loss_curve.png"))
        if shape is not None and hasattr(model, "coef_"):
            axes = plots.plot_weights(model, image_shape=shape)
            paths.append(_write(axes, folder / "weights.png"))
        return paths


def sweep_picture(model: Any, scoring: str, folder: Path) -> Path:
    """Of a sweep: score against C."""
    name = scoring.replace("_", " ")
    with matplotlib.rc_context({"backend": "agg"}):
        axes = plots.plot_sweep(model.Cs_, model.scores_, best=model.C_, name=name)
        return _write(axes, folder / "sweep.png")


def result_pictures(dataset: Dataset, predictions: np.ndarray, folder: Path) -> list[Path]:
    """Of the rows to test on: predictions, if they are images, and the confusion matrix."""
    shape, names = dataset.image_shape, _names(dataset)
    y_true, y_pred = names(dataset.y_test), names(predictions)
    with matplotlib.rc_context({"backend": "agg"}):
        paths = []
        axes: Any
        if shape is not None:
            axes = plots.plot_predictions(dataset.X_test, y_true, y_pred, image_shape=shape)
            paths.append(_write(axes, folder / "predictions.png"))
        axes = plots.plot_confusion_matrix(y_true, y_pred)
        return [*paths, _write(axes, folder / "confusion_matrix.png")]


def _names(dataset: Dataset) -> Any:
    """From labels to what a person calls them."""
    if dataset.class_names is None:
        return np.asarray
    return lambda labels: np.asarray(dataset.class_names)[labels]


def _write(axes: Any, path: Path) -> Path:
    figure = np.ravel(axes)[0].figure
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120)
    plt.close(figure)
    return write_whole(path, buffer.getvalue())
