"""Pictures of data and of what a model makes of them.

Every function draws with matplotlib and returns Axes: one, or an array of them for a grid. Arrays
may be of any library; they are copied to the host.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, isqrt
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from sklearn.metrics import ConfusionMatrixDisplay

from .arrays import is_array, to_host

WRONG = "tab:red"


def plot_samples(
    X: Any,
    labels: Any,
    *,
    image_shape: tuple[int, int] | None = None,
    n_rows: int = 3,
    n_columns: int = 5,
) -> np.ndarray:
    """The first images of X (n_samples, height * width) with their labels, (n_rows, n_columns)."""
    X, labels = _host(X), _host(labels)
    axes = _grid(n_rows, n_columns, size=1.3)
    for ax, image, label in zip(axes.flat, X, labels, strict=False):
        _show(ax, image, image_shape)
        ax.set_title(str(label), fontsize=10)
    return axes


def plot_predictions(
    X: Any,
    y_true: Any,
    y_pred: Any,
    *,
    image_shape: tuple[int, int] | None = None,
    n_rows: int = 5,
    n_columns: int = 8,
) -> np.ndarray:
    """The first images of X with true and predicted labels; wrong ones are framed in red."""
    X, y_true, y_pred = _host(X), _host(y_true), _host(y_pred)
    axes = _grid(n_rows, n_columns, size=1.3)
    for ax, image, true, predicted in zip(axes.flat, X, y_true, y_pred, strict=False):
        _show(ax, image, image_shape)
        color = "black" if true == predicted else WRONG
        ax.set_title(f"y: {true} / ŷ: {predicted}", fontsize=8, color=color)
        if true != predicted:
            ax.add_patch(
                plt.Rectangle((0, 0), 1, 1, transform=ax.transAxes, fill=False, lw=4, ec=WRONG)
            )
    return axes


def plot_loss_curve(
    losses: Sequence[float], *, label: str | None = None, ax: Axes | None = None
) -> Axes:
    """The objective (loss and penalty) at every iteration, like ``model.loss_curve_``."""
    ax = _axes(ax)
    ax.plot(range(1, len(losses) + 1), losses, label=label, marker="." if len(losses) < 30 else "")
    ax.set(xlabel="iteration", ylabel="objective", title="Objective")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.grid(alpha=0.3)
    if label is not None:
        ax.legend()
    return ax


def plot_sweep(
    Cs: Any, scores: Any, *, best: float | None = None, name: str = "score", ax: Axes | None = None
) -> Axes:
    """Score against C: every fold, their mean, and the `best` C.

    `Cs` and `scores` (n_folds, n_Cs) are ``Cs_`` and ``scores_`` of `SoftmaxRegressionCV`.
    """
    order = np.argsort(Cs)
    Cs, scores = np.asarray(Cs)[order], np.asarray(scores)[:, order]
    ax = _axes(ax)
    ax.semilogx(Cs, scores.T, color="tab:blue", alpha=0.3, lw=1)
    ax.semilogx(Cs, scores.mean(axis=0), color="tab:blue", marker=".", label="mean of the folds")
    if best is not None:
        ax.axvline(best, color="tab:red", ls="--", label=f"best C = {best:.3g}")
    ax.set(xlabel="C", ylabel=name, title=f"{name} held out, {len(scores)} folds".capitalize())
    ax.grid(alpha=0.3)
    ax.legend()
    return ax


def plot_confusion_matrix(y_true: Any, y_pred: Any, *, ax: Axes | None = None) -> Axes:
    """How often each true class (row) was predicted as each class (column)."""
    y_true, y_pred = _host(y_true), _host(y_pred)
    ax = _axes(ax)
    n_classes = len(np.unique(np.concatenate([y_true, y_pred])))
    display = ConfusionMatrixDisplay.from_predictions(
        y_true, y_pred, ax=ax, cmap="Blues", colorbar=False, include_values=n_classes <= 20
    )
    accuracy = np.mean(y_true == y_pred)
    display.ax_.set_title(f"Confusion matrix, accuracy {accuracy:.4f}")
    if n_classes > 20:
        display.ax_.set(xticks=[], yticks=[])
    return display.ax_


def plot_weights(
    model: Any, *, image_shape: tuple[int, int] | None = None, n_columns: int = 5
) -> np.ndarray:
    """What each row of ``model.coef_`` looks for: red raises the class's logit, blue lowers it."""
    coef, classes = _host(model.coef_), _host(model.classes_)
    names = [f"{classes[1]} against {classes[0]}"] if len(coef) == 1 else [str(c) for c in classes]
    axes = _grid(ceil(len(coef) / n_columns), min(n_columns, len(coef)), size=1.5)
    limit = np.abs(coef).max() or 1.0
    for ax, row, name in zip(axes.flat, coef, names, strict=False):
        _show(ax, row, image_shape, cmap="RdBu_r", vmin=-limit, vmax=limit)
        ax.set_title(name, fontsize=10)
    return axes


def _show(ax: Axes, image: np.ndarray, image_shape: tuple[int, int] | None, **style: Any) -> None:
    side = isqrt(image.size)
    shape = image_shape or (side, side)
    if image.size != shape[0] * shape[1]:
        raise ValueError(
            f"image_shape must be (height, width) of {image.size} pixels; got {image_shape}."
        )
    ax.imshow(image.reshape(shape), **({"cmap": "gray_r"} | style))


def _grid(n_rows: int, n_columns: int, *, size: float) -> np.ndarray:
    _, axes = plt.subplots(
        n_rows,
        n_columns,
        figsize=(size * n_columns, size * n_rows + 0.2),
        squeeze=False,
        layout="constrained",
    )
    for ax in axes.flat:
        ax.set_axis_off()
    return axes


def _axes(ax: Axes | None) -> Axes:
    return plt.subplots(layout="constrained")[1] if ax is None else ax


def _host(x: Any) -> np.ndarray:
    return to_host(x) if is_array(x) else np.asarray(x)
