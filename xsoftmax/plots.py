"""Pictures of data, models and searches, for users; nothing is computed that others need.

Every function draws with matplotlib and returns Axes: one, or an array of them for a grid. Arrays
may be of any library; they are copied to the host. Names of classes are drawn as they are, never
as mathematics, and in whatever installed font has their script.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from math import ceil, isqrt
from textwrap import fill
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.ticker import MaxNLocator
from sklearn.decomposition import PCA
from sklearn.metrics import confusion_matrix

from .arrays import is_array, to_host
from .metrics import expected_calibration_error, reliability

__all__ = [
    "plot_bootstrap",
    "plot_confusion_matrix",
    "plot_intervals",
    "plot_learning_curve",
    "plot_loss_curve",
    "plot_predictions",
    "plot_projection",
    "plot_recall",
    "plot_reliability",
    "plot_samples",
    "plot_sweep",
    "plot_weights",
]

WRONG = "tab:red"

#: Fonts that have scripts which matplotlib's own lacks, where they are installed.
FALLBACK_FONTS = (
    "Noto Sans", "Noto Sans CJK JP", "Noto Sans CJK SC", "Noto Sans Arabic", "Noto Sans Devanagari",
    "Noto Sans Hebrew", "Noto Sans Thai", "Noto Emoji", "WenQuanYi Zen Hei", "Unifont",
    "Arial Unicode MS", "Hiragino Sans", "PingFang SC", "Segoe UI", "Segoe UI Emoji",
    "Microsoft YaHei", "Malgun Gothic",
)  # fmt: skip
#: More classes than so many have no number in every cell, and names at so many ticks only.
MOST_COUNTS, MOST_TICKS = 20, 20
#: Cells on each side that can be told apart.
MOST_CELLS = 250
#: A grid of weights or a chart of classes shows no more of them.
MOST_CLASSES = 30
#: Letters of a name, and of one line of it above a small image.
MOST_LETTERS, LETTERS_ABOVE = 40, 12
#: Inches.
SMALLEST, LARGEST = 4.8, 12.0
#: Points of a projection, and classes with a colour of their own.
MOST_POINTS, MOST_COLOURS = 3000, 10


def plot_samples(
    X: Any,
    labels: Any,
    *,
    image_shape: tuple[int, int] | None = None,
    n_rows: int = 3,
    n_columns: int = 5,
) -> np.ndarray:
    """Draw the first images of X with their labels.

    Parameters
    ----------
    X : array-like of shape (n_samples, height * width)
        Images, one a row.
    labels : array-like of shape (n_samples,)
        What to write above each image.
    image_shape : tuple of (int, int), default=None
        Height and width of an image. By default images are square.
    n_rows : int, default=3
        Rows of the grid.
    n_columns : int, default=5
        Columns of the grid.

    Returns
    -------
    axes : ndarray of Axes of shape (n_rows, n_columns)
        The grid; cells without an image are empty.

    Raises
    ------
    ValueError
        If a row of X does not have height * width values.

    See Also
    --------
    plot_predictions : Images with true and predicted labels.

    Examples
    --------
    >>> from xsoftmax import datasets, plots
    >>> data = datasets.digits()
    >>> axes = plots.plot_samples(data.X_train, data.y_train, n_rows=2, n_columns=4)
    >>> axes.shape
    (2, 4)
    >>> axes[0, 0].figure.savefig("samples.png")
    """
    X, labels = _host(X), _host(labels)
    axes = _grid(n_rows, n_columns, size=1.3)
    for ax, image, label in zip(axes.flat, X, labels, strict=False):
        _show(ax, image, image_shape)
        ax.set_title(_above(label), fontsize=10, **_as_it_is())
    _make_room_above(axes)
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
    """Draw images of X with true and predicted labels: the wrong ones first, framed in red.

    Parameters
    ----------
    X : array-like of shape (n_samples, height * width)
        Images, one a row.
    y_true : array-like of shape (n_samples,)
        The true labels.
    y_pred : array-like of shape (n_samples,)
        The predicted labels.
    image_shape : tuple of (int, int), default=None
        Height and width of an image. By default images are square.
    n_rows : int, default=5
        Rows of the grid.
    n_columns : int, default=8
        Columns of the grid.

    Returns
    -------
    axes : ndarray of Axes of shape (n_rows, n_columns)
        The grid; cells without an image are empty.

    Raises
    ------
    ValueError
        If a row of X does not have height * width values.

    See Also
    --------
    plot_confusion_matrix : How often each class was taken for each other.

    Examples
    --------
    >>> from xsoftmax import SoftmaxRegression, datasets, plots
    >>> data = datasets.digits()
    >>> model = SoftmaxRegression().fit(data.X_train, data.y_train)
    >>> predicted = model.predict(data.X_test)
    >>> axes = plots.plot_predictions(data.X_test, data.y_test, predicted, n_rows=2, n_columns=4)
    >>> axes[0, 0].figure.get_suptitle()
    '14 of 360 wrong, these first'
    """
    X, y_true, y_pred = _host(X), _host(y_true), _host(y_pred)
    order = np.argsort(y_true == y_pred, kind="stable")[: n_rows * n_columns]
    axes = _grid(n_rows, n_columns, size=1.3)
    for ax, i in zip(axes.flat, order, strict=False):
        _show(ax, X[i], image_shape)
        is_right = y_true[i] == y_pred[i]
        color = "black" if is_right else WRONG
        true, predicted = f"y: {_named(y_true[i])}", f"ŷ: {_named(y_pred[i])}"
        title = f"{true} / {predicted}"
        if len(title) > 1.5 * LETTERS_ABOVE:
            title = f"{_above(true)}\n{_above(predicted)}"
        ax.set_title(title, fontsize=8, color=color, **_as_it_is())
        if not is_right:
            ax.add_patch(
                plt.Rectangle((0, 0), 1, 1, transform=ax.transAxes, fill=False, lw=4, ec=WRONG)
            )
    _make_room_above(axes)
    n_wrong = int(np.sum(y_true != y_pred))
    axes.flat[0].figure.suptitle(f"{n_wrong:,} of {len(y_true):,} wrong, these first", fontsize=10)
    return axes


def plot_loss_curve(
    losses: Sequence[float],
    *,
    validation_scores: Sequence[float] | None = None,
    validation_losses: Sequence[float] | None = None,
    label: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the objective (loss and penalty) at every iteration.

    Parameters
    ----------
    losses : sequence of float
        The objective at each iteration, such as ``model.loss_curve_``.
    validation_scores : sequence of float, default=None
        The accuracy on held-out rows at each iteration, such as ``model.validation_scores_``. It is
        drawn against an axis on the right.
    validation_losses : sequence of float, default=None
        The log loss on held-out rows at each iteration, such as ``model.validation_loss_curve_``.
    label : str, default=None
        The name of the curve in the legend. By default "objective".
    ax : Axes, default=None
        Where to draw. By default in a new figure.

    Returns
    -------
    ax : Axes
        The axes with the curve.

    Examples
    --------
    >>> from xsoftmax import plots
    >>> ax = plots.plot_loss_curve([2.3, 0.9, 0.6], validation_scores=[0.4, 0.8, 0.9])
    >>> ax.get_title()
    'Objective and held-out accuracy'
    """
    ax = _axes(ax)
    marker = "." if len(losses) < 30 else ""
    ax.plot(range(1, len(losses) + 1), losses, label=label or "objective", marker=marker)
    ax.set(xlabel="iteration", ylabel="objective", title="Objective")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.grid(alpha=0.3)
    if validation_losses:
        iterations = range(1, len(validation_losses) + 1)
        ax.plot(
            iterations, validation_losses, label="held-out log loss", color="tab:green",
            marker=marker,
        )  # fmt: skip
    handles = ax.get_legend_handles_labels()[0]
    if validation_scores:
        right = ax.twinx()
        iterations = range(1, len(validation_scores) + 1)
        handles += right.plot(
            iterations, validation_scores, label="held-out accuracy", color="tab:orange",
            marker=marker,
        )  # fmt: skip
        right.set_ylabel("accuracy on held-out rows")
        ax.set_title("Objective and held-out accuracy")
    if label is not None or validation_scores or validation_losses:
        for text in ax.legend(handles=handles, loc="center right").get_texts():
            text.set(**_as_it_is())
    return ax


def plot_sweep(
    Cs: Any, scores: Any, *, best: float | None = None, name: str = "score", ax: Axes | None = None
) -> Axes:
    """Draw score against C: every fold, their mean and standard deviation, and the best C.

    Parameters
    ----------
    Cs : array-like of shape (n_Cs,)
        The values of C in any order, such as ``Cs_`` of `SoftmaxRegressionCV`.
    scores : array-like of shape (n_folds, n_Cs)
        The score of each fold at each C, such as ``scores_`` of `SoftmaxRegressionCV`.
    best : float, default=None
        The C to mark with a vertical line, such as ``C_`` of `SoftmaxRegressionCV`.
    name : str, default="score"
        What is scored.
    ax : Axes, default=None
        Where to draw. By default in a new figure.

    Returns
    -------
    ax : Axes
        The axes with the curves; C is on a logarithmic scale.

    Examples
    --------
    >>> from xsoftmax import plots
    >>> ax = plots.plot_sweep([0.1, 1.0, 10.0], [[0.8, 0.9, 0.85], [0.7, 0.9, 0.8]], best=1.0)
    >>> ax.get_title()
    'Score held out, 2 folds'
    """
    order = np.argsort(Cs)
    Cs, scores = np.asarray(Cs)[order], np.asarray(scores)[:, order]
    mean, spread = scores.mean(axis=0), scores.std(axis=0)
    ax = _axes(ax)
    ax.semilogx(Cs, scores.T, color="tab:blue", alpha=0.3, lw=1)
    ax.semilogx(Cs, mean, color="tab:blue", marker=".", label="mean of the folds")
    ax.fill_between(Cs, mean - spread, mean + spread, alpha=0.15, label="± standard deviation")
    if best is not None:
        ax.axvline(best, color="tab:red", ls="--", label=f"best C = {best:.3g}")
    ax.set(xlabel="C", ylabel=name, title=f"{name} held out, {len(scores)} folds".capitalize())
    ax.grid(alpha=0.3)
    ax.legend()
    return ax


def plot_learning_curve(
    train_sizes: Any,
    train_scores: Any,
    test_scores: Any,
    *,
    name: str = "score",
    ax: Axes | None = None,
) -> Axes:
    """Draw scores against how many rows were fitted: every draw, means and standard deviations.

    Parameters
    ----------
    train_sizes : array-like of shape (n_ticks,)
        How many rows, as `xsoftmax.learning_curve` returns them.
    train_scores : array-like of shape (n_ticks, n_repeats)
        Scores on the rows that were fitted.
    test_scores : array-like of shape (n_ticks, n_repeats)
        Scores on other rows.
    name : str, default="score"
        What is scored.
    ax : Axes, default=None
        Where to draw. By default in a new figure.

    Returns
    -------
    ax : Axes
        The axes with the curves; sizes are on a logarithmic scale.

    Examples
    --------
    >>> from xsoftmax import plots
    >>> train, test = [[1.0, 0.9], [0.9, 0.9]], [[0.5, 0.6], [0.8, 0.8]]
    >>> ax = plots.plot_learning_curve([10, 100], train, test)
    >>> ax.get_xlabel()
    'rows fitted'
    """
    ax, sizes = _axes(ax), np.asarray(train_sizes)
    curves = (("train", train_scores, "tab:orange"), ("test", test_scores, "tab:blue"))
    for label, scores, colour in curves:
        scores = np.asarray(scores)
        mean, spread = scores.mean(axis=1), scores.std(axis=1)
        ax.semilogx(sizes, scores, ".", color=colour, alpha=0.3)
        ax.semilogx(sizes, mean, color=colour, marker="o", label=label)
        ax.fill_between(sizes, mean - spread, mean + spread, color=colour, alpha=0.15)
    n_repeats = np.asarray(test_scores).shape[1]
    ax.set(xlabel="rows fitted", ylabel=name, title=f"{name}, {n_repeats} draws".capitalize())
    ax.grid(alpha=0.3)
    ax.legend()
    return ax


def plot_bootstrap(result: Any, *, name: str = "score", ax: Axes | None = None) -> Axes:
    """Draw how scores of resamples are distributed, with their confidence interval.

    Parameters
    ----------
    result : BootstrapResult
        As `xsoftmax.bootstrap` or `scipy.stats.bootstrap` return it.
    name : str, default="score"
        What is scored.
    ax : Axes, default=None
        Where to draw. By default in a new figure.

    Returns
    -------
    ax : Axes
        The axes with the histogram.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy import stats
    >>> from xsoftmax import plots
    >>> ax = plots.plot_bootstrap(stats.bootstrap((np.arange(9.0),), np.mean))
    >>> ax.get_ylabel()
    'resamples'
    """
    ax, values = _axes(ax), np.asarray(result.bootstrap_distribution)
    low, high = result.confidence_interval
    ax.hist(values, bins="auto", color="tab:blue", alpha=0.6)
    ax.axvspan(low, high, color="tab:blue", alpha=0.15, label=f"{low:.4g} to {high:.4g}")
    ax.axvline(values.mean(), color="tab:red", ls="--", label=f"mean {values.mean():.4g}")
    title = f"{name} of {len(values)} resamples, standard error {result.standard_error:.2g}"
    ax.set(xlabel=name, ylabel="resamples", title=title.capitalize())
    ax.legend()
    return ax


def plot_intervals(scores: Any, *, ax: Axes | None = None) -> Axes:
    """Draw scores with their intervals, one under another.

    Parameters
    ----------
    scores : dict of str to dict
        From names to "score", and "low" and "high", the ends of its interval.
    ax : Axes, default=None
        Where to draw. By default in a new figure.

    Returns
    -------
    ax : Axes
        The axes, with the first score on top.

    Examples
    --------
    >>> from xsoftmax import plots
    >>> ax = plots.plot_intervals({"accuracy": {"score": 0.9, "low": 0.88, "high": 0.91}})
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['accuracy']
    """
    ax, names = _axes(ax), list(scores)
    values = np.asarray([[scores[name][key] for key in ("score", "low", "high")] for name in names])
    score, low, high = values.T
    places = np.arange(len(names))[::-1]
    ax.errorbar(score, places, xerr=[score - low, high - score], fmt="o", capsize=5)
    for place, value in zip(places, score, strict=True):
        ax.annotate(f"{value:.4f}", (value, place), (0, 8), textcoords="offset points", ha="center")
    ax.set_yticks(places, names)
    ax.set(ylim=(-0.5, len(names) - 0.4), xlabel="score, with its interval")
    ax.grid(alpha=0.3, axis="x")
    return ax


def plot_reliability(
    probabilities: Any, y: Any, *, n_bins: int = 15, ax: Axes | None = None
) -> Axes:
    """Draw how often predictions are right against how sure they are.

    Parameters
    ----------
    probabilities : array-like of shape (n_samples, n_classes)
        As `predict_proba` returns them.
    y : array-like of shape (n_samples,)
        The index of the class of each sample.
    n_bins : int, default=15
        Into how many bins of the same width the probabilities of predicted classes fall.
    ax : Axes, default=None
        Where to draw. By default in a new figure.

    Returns
    -------
    ax : Axes
        The axes with a bar for each bin, its width the share of the samples; bars on the diagonal
        are calibrated.

    Examples
    --------
    >>> import numpy as np
    >>> from xsoftmax import plots
    >>> ax = plots.plot_reliability(np.asarray([[0.9, 0.1], [0.2, 0.8]]), np.asarray([0, 1]))
    >>> ax.get_title()
    'Expected calibration error 0.15'
    """
    probabilities, y = _host(probabilities), _host(y)
    confidence, accuracy, share = reliability(probabilities, y, n_bins)
    error = expected_calibration_error(probabilities, y, n_bins)
    ax, largest = _axes(ax), max(share)
    widths = [max(0.1, s / largest) / n_bins for s in share]
    ax.bar(confidence, accuracy, widths, color="tab:blue", alpha=0.6, label="right predictions")
    ax.plot([0, 1], [0, 1], color="tab:red", ls="--", label="calibrated")
    ax.set(xlim=(0, 1), ylim=(0, 1), xlabel="probability of the predicted class")
    ax.set(ylabel="share that is right", title=f"Expected calibration error {error:.3g}")
    ax.legend(loc="upper left")
    return ax


def plot_confusion_matrix(y_true: Any, y_pred: Any, *, ax: Axes | None = None) -> Axes:
    """Draw how often each true class (row) was predicted as each class (column).

    Colours are shares of the row. If there are more than 20 classes, cells have no numbers, only
    some classes are named, and colours are on a logarithmic scale, so that rare errors are seen. If
    there are more than 250, a cell shows the largest share of a square block of cells.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        The true labels.
    y_pred : array-like of shape (n_samples,)
        The predicted labels.
    ax : Axes, default=None
        Where to draw. By default in a new figure.

    Returns
    -------
    ax : Axes
        The axes with the matrix.

    See Also
    --------
    plot_recall : The share of each class that was predicted as such.

    Examples
    --------
    >>> from xsoftmax import plots
    >>> ax = plots.plot_confusion_matrix(["cat", "cat", "dog", "dog"], ["cat", "dog", "dog", "dog"])
    >>> ax.get_title()
    'Confusion matrix, accuracy 0.7500'
    """
    y_true, y_pred = _host(y_true), _host(y_pred)
    classes = np.unique(np.concatenate([y_true, y_pred]))
    counts, n_classes = confusion_matrix(y_true, y_pred, labels=classes), len(classes)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    is_large = n_classes > MOST_COUNTS
    names = [_named(name) for name in classes]
    if ax is None:
        beside = 0.08 * max(map(len, names))
        side = min(max(SMALLEST, 1.5 + 0.5 * n_classes) + beside, LARGEST)
        ax = plt.subplots(figsize=(side, side), layout="constrained")[1]
    if is_large:
        shares, n_together = _largest_of_blocks(shares)
        # The palest blue is kept for less than one error, so that one is seen.
        norm = LogNorm(0.1 * min(shares[shares > 0].min(initial=1.0), 0.1), 1.0)
        extent = (-0.5, len(shares) * n_together - 0.5, len(shares) * n_together - 0.5, -0.5)
        cells = np.ma.masked_equal(shares, 0)
        image = ax.imshow(cells, cmap="Blues", norm=norm, extent=extent, interpolation="nearest")
        largest = f", the largest of {n_together} x {n_together} cells" if n_together > 1 else ""
        label = f"share of the true class{largest}"
        ax.figure.colorbar(image, ax=ax, label=label, shrink=0.8)
    else:
        ax.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
        for (i, j), count in np.ndenumerate(counts):
            color = "white" if shares[i, j] > 0.5 else "black"
            ax.text(j, i, _short(count), ha="center", va="center", color=color, fontsize=8)
    places = np.arange(0, n_classes, ceil(n_classes / MOST_TICKS))
    shown = [names[place] for place in places]
    rotation = 90 if max(map(len, shown)) > 3 else 0
    size = 8 if max(map(len, shown)) > 12 or is_large else 10
    style = {"fontsize": size, **_as_it_is()}
    ax.set_xticks(places, labels=shown, rotation=rotation, **style)
    ax.set_yticks(places, labels=shown, **style)
    ax.set(xlabel="predicted class", ylabel="true class")
    ax.set_title(f"Confusion matrix, accuracy {np.mean(y_true == y_pred):.4f}")
    return ax


def plot_recall(y_true: Any, y_pred: Any, *, ax: Axes | None = None) -> Axes:
    """Draw the share of each true class that was predicted as such, the lowest first.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        The true labels.
    y_pred : array-like of shape (n_samples,)
        The predicted labels.
    ax : Axes, default=None
        Where to draw. By default in a new figure.

    Returns
    -------
    ax : Axes
        The axes with a bar for each class, at most 30.

    See Also
    --------
    plot_confusion_matrix : Which class was predicted instead.

    Examples
    --------
    >>> from xsoftmax import plots
    >>> ax = plots.plot_recall(["cat", "cat", "dog", "dog"], ["cat", "dog", "dog", "dog"])
    >>> [float(bar.get_width()) for bar in ax.patches]
    [0.5, 1.0]
    """
    y_true, y_pred = _host(y_true), _host(y_pred)
    classes, counts = np.unique(y_true, return_counts=True)
    recall = np.asarray([np.mean(y_pred[y_true == name] == name) for name in classes])
    order = np.argsort(recall, kind="stable")[:MOST_CLASSES]
    if ax is None:
        height = min(1.5 + 0.3 * len(order), LARGEST)
        ax = plt.subplots(figsize=(7, height), layout="constrained")[1]
    ax.barh(range(len(order)), recall[order], color="tab:blue", alpha=0.7)
    for place, i in enumerate(order):
        ax.text(0.01, place, f"{recall[i]:.1%} of {_short(counts[i])}", va="center", fontsize=8)
    names = [_named(classes[i]) for i in order]
    ax.set_yticks(range(len(order)), labels=names, fontsize=8, **_as_it_is())
    ax.invert_yaxis()
    which = f", the lowest {len(order)} of {len(classes):,}" if len(order) < len(classes) else ""
    ax.set(xlim=(0, 1), xlabel="recall", title=f"Recall of each class{which}")
    return ax


def plot_projection(X: Any, labels: Any, *, ax: Axes | None = None) -> Axes:
    """Draw the rows of X on their first two principal components, coloured by label.

    Features are scaled to standard deviation 1 first. If there are more than 3,000 rows, rows at
    even distances are drawn, no more than 3,000. Classes beyond the ten most frequent are grey.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        The rows.
    labels : array-like of shape (n_samples,)
        The label of each row.
    ax : Axes, default=None
        Where to draw. By default in a new figure.

    Returns
    -------
    ax : Axes
        The axes with the points; the title says how much of the variance they show.

    Examples
    --------
    >>> from xsoftmax import datasets, plots
    >>> data = datasets.digits()
    >>> ax = plots.plot_projection(data.X_train, data.y_train)
    >>> ax.get_xlabel()
    'first principal component'
    """
    X, labels = _host(X), _host(labels)
    some = slice(None, None, ceil(len(X) / MOST_POINTS))
    X, labels = np.asarray(X[some], dtype=float), labels[some]
    scale = X.std(axis=0)
    X = (X - X.mean(axis=0)) / np.where(scale > 0, scale, 1.0)
    n_components = min(2, *X.shape)
    pca = PCA(n_components, random_state=0)
    points = np.hstack([pca.fit_transform(X), np.zeros((len(X), 2 - n_components))])
    classes, counts = np.unique(labels, return_counts=True)
    named = classes[np.argsort(-counts, kind="stable")[:MOST_COLOURS]]
    ax = _axes(ax)
    others = ~np.isin(labels, named)
    if others.any():
        ax.plot(*points[others].T, ".", color="0.7", ms=3, label=f"{len(classes) - 10:,} others")
    for name in np.sort(named):
        ax.plot(*points[labels == name].T, ".", ms=4, alpha=0.6, label=_named(name))
    share = pca.explained_variance_ratio_.sum()
    ax.set(xlabel="first principal component", ylabel="second")
    ax.set_title(f"Rows by class, features scaled ({share:.0%} of the variance)", loc="left")
    legend = ax.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    for text in legend.get_texts():
        text.set(**_as_it_is())
    return ax


def plot_weights(
    model: Any, *, image_shape: tuple[int, int] | None = None, n_columns: int = 5
) -> np.ndarray:
    """Draw each row of ``model.coef_`` as an image: red raises the class's logit, blue lowers it.

    Parameters
    ----------
    model : SoftmaxRegression or SoftmaxRegressionCV
        A fitted linear classifier: anything with ``coef_`` (n_classes, n_features), or
        (1, n_features) for two classes, and ``classes_``.
    image_shape : tuple of (int, int), default=None
        Height and width of an image. By default images are square.
    n_columns : int, default=5
        Columns of the grid.

    Returns
    -------
    axes : ndarray of Axes of shape (n_rows, n_columns)
        The grid, with an image for each row of ``coef_``, at most 30. It has no more columns than
        images.

    Raises
    ------
    ValueError
        If a row of ``coef_`` does not have height * width values.

    Examples
    --------
    >>> from xsoftmax import SoftmaxRegression, datasets, plots
    >>> data = datasets.digits()
    >>> model = SoftmaxRegression().fit(data.X_train, data.y_train)
    >>> plots.plot_weights(model).shape
    (2, 5)
    """
    coef, classes = _host(model.coef_), _host(model.classes_)
    names = [_above(name) for name in classes]
    if len(coef) == 1:
        names = [f"{names[1]} against {names[0]}"]
    shown = min(len(coef), MOST_CLASSES)
    axes = _grid(ceil(shown / n_columns), min(n_columns, shown), size=1.5)
    limit = np.abs(coef).max() or 1.0
    for ax, row, name in zip(axes.flat, coef, names, strict=False):
        image = _show(ax, row, image_shape, cmap="RdBu_r", vmin=-limit, vmax=limit)
        ax.set_title(name, fontsize=10, **_as_it_is())
    _make_room_above(axes)
    figure = axes.flat[0].figure
    width, height = figure.get_size_inches()
    figure.set_size_inches(max(width, 4.0) + 1.0, max(height, 2.4) + 0.3)
    figure.colorbar(image, ax=axes, label="weight", shrink=0.9)
    which = f" ({shown} of {len(coef):,} classes)" if shown < len(coef) else ""
    figure.suptitle(f"Weights{which}: red raises the logit, blue lowers it", fontsize=10)
    return axes


def _largest_of_blocks(shares: np.ndarray) -> tuple[np.ndarray, int]:
    """Square blocks of cells as one, where single cells would be too small to see."""
    n_together = ceil(len(shares) / MOST_CELLS)
    starts = np.arange(0, len(shares), n_together)
    rows = np.maximum.reduceat(shares, starts, axis=0)
    return np.maximum.reduceat(rows, starts, axis=1), n_together


def _named(name: Any) -> str:
    """A name on one line, without its middle if it is very long."""
    text = str(name).replace("\n", " ")
    if len(text) <= MOST_LETTERS:
        return text
    half = MOST_LETTERS // 2
    return f"{text[:half]}…{text[1 - half :]}"


def _above(name: Any) -> str:
    """A name on as many short lines as it takes above a small image."""
    text = _named(name)
    return text if len(text) <= LETTERS_ABOVE else fill(text, LETTERS_ABOVE)


def _make_room_above(axes: np.ndarray) -> None:
    """A larger figure, where titles take more than a line."""
    n_lines = max(ax.get_title().count("\n") for ax in axes.flat)
    figure = axes.flat[0].figure
    width, height = figure.get_size_inches()
    figure.set_size_inches(width, height + 0.16 * n_lines * len(axes))


def _short(count: int) -> str:
    """A count in at most five characters: 950, 1.2k, 34k, 1.2M."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= 0.9995 * size:
            digits = 0 if count >= 9.95 * size else 1
            return f"{count / size:.{digits}f}{unit}"
    return str(int(count))


def _as_it_is() -> dict[str, Any]:
    """How names of a user's own are drawn."""
    return {"parse_math": False, "fontfamily": _families(tuple(mpl.rcParams["font.family"]))}


@cache
def _families(first: tuple[str, ...]) -> list[str]:
    """Fonts to look for a letter in, one after another."""
    installed = set(font_manager.get_font_names())
    return [*first, *(name for name in FALLBACK_FONTS if name in installed)]


def _show(ax: Axes, image: np.ndarray, image_shape: tuple[int, int] | None, **style: Any) -> Any:
    side = isqrt(image.size)
    shape = image_shape or (side, side)
    if image.size != shape[0] * shape[1]:
        raise ValueError(
            f"image_shape must be (height, width) of {image.size} pixels; got {image_shape}."
        )
    return ax.imshow(image.reshape(shape), **({"cmap": "gray_r"} | style))


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
