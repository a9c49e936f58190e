"""What classes are taken for, how sure predictions are, and where rows lie."""

from __future__ import annotations

from math import ceil
from typing import Any, Self

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from sklearn.decomposition import PCA
from sklearn.metrics import confusion_matrix

from ..metrics import expected_calibration_error, reliability
from .figures import BLUE, TEN_COLOURS, VERMILLION, Display, new_axes, on_host
from .names import as_it_is, named, short

#: More classes than so many have no number in every cell, and names at so many ticks only.
MOST_COUNTS, MOST_TICKS = 20, 20
#: Cells on each side that can be told apart, and classes of a chart.
MOST_CELLS, MOST_CLASSES = 250, 30
#: Inches.
SMALLEST, LARGEST = 4.8, 12.0
#: Points of a projection, and classes with a colour of their own.
MOST_POINTS, MOST_COLOURS = 3000, len(TEN_COLOURS)


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
    y_true, y_pred = on_host(y_true), on_host(y_pred)
    classes = np.unique(np.concatenate([y_true, y_pred]))
    counts, n_classes = confusion_matrix(y_true, y_pred, labels=classes), len(classes)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    is_large = n_classes > MOST_COUNTS
    names = [named(name) for name in classes]
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
            ax.text(j, i, short(count), ha="center", va="center", color=color, fontsize=8)
    places = np.arange(0, n_classes, ceil(n_classes / MOST_TICKS))
    shown = [names[place] for place in places]
    rotation = 90 if max(map(len, shown)) > 3 else 0
    size = 8 if max(map(len, shown)) > 12 or is_large else 10
    style = {"fontsize": size, **as_it_is()}
    ax.set_xticks(places, labels=shown, rotation=rotation, **style)
    ax.set_yticks(places, labels=shown, **style)
    ax.set(xlabel="predicted class", ylabel="true class")
    ax.set_title(f"Confusion matrix, accuracy {np.mean(y_true == y_pred):.4f}")
    return ax


def _largest_of_blocks(shares: np.ndarray) -> tuple[np.ndarray, int]:
    """Square blocks of cells as one, where single cells would be too small to see."""
    n_together = ceil(len(shares) / MOST_CELLS)
    starts = np.arange(0, len(shares), n_together)
    rows = np.maximum.reduceat(shares, starts, axis=0)
    return np.maximum.reduceat(rows, starts, axis=1), n_together


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
    y_true, y_pred = on_host(y_true), on_host(y_pred)
    classes, counts = np.unique(y_true, return_counts=True)
    recall = np.asarray([np.mean(y_pred[y_true == name] == name) for name in classes])
    order = np.argsort(recall, kind="stable")[:MOST_CLASSES]
    if ax is None:
        height = min(1.5 + 0.3 * len(order), LARGEST)
        ax = plt.subplots(figsize=(7, height), layout="constrained")[1]
    ax.barh(range(len(order)), recall[order], color=BLUE, alpha=0.7)
    for place, i in enumerate(order):
        ax.text(0.01, place, f"{recall[i]:.1%} of {short(counts[i])}", va="center", fontsize=8)
    names = [named(classes[i]) for i in order]
    ax.set_yticks(range(len(order)), labels=names, fontsize=8, **as_it_is())
    ax.invert_yaxis()
    which = f", the lowest {len(order)} of {len(classes):,}" if len(order) < len(classes) else ""
    ax.set(xlim=(0, 1), xlabel="recall", title=f"Recall of each class{which}")
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
    probabilities, y = on_host(probabilities), on_host(y)
    confidence, accuracy, share = reliability(probabilities, y, n_bins)
    error = expected_calibration_error(probabilities, y, n_bins)
    ax, largest = new_axes(ax), max(share)
    widths = [max(0.1, s / largest) / n_bins for s in share]
    ax.bar(confidence, accuracy, widths, color=BLUE, alpha=0.6, label="right predictions")
    ax.plot([0, 1], [0, 1], color=VERMILLION, ls="--", label="calibrated")
    ax.set(xlim=(0, 1), ylim=(0, 1), xlabel="probability of the predicted class")
    ax.set(ylabel="share that is right", title=f"Expected calibration error {error:.3g}")
    ax.legend(loc="upper left")
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
    X, labels = on_host(X), on_host(labels)
    some = slice(None, None, ceil(len(X) / MOST_POINTS))
    X, labels = np.asarray(X[some], dtype=float), labels[some]
    scale = X.std(axis=0)
    X = (X - X.mean(axis=0)) / np.where(scale > 0, scale, 1.0)
    n_components = min(2, *X.shape)
    pca = PCA(n_components, random_state=0)
    points = np.hstack([pca.fit_transform(X), np.zeros((len(X), 2 - n_components))])
    classes, counts = np.unique(labels, return_counts=True)
    frequent = classes[np.argsort(-counts, kind="stable")[:MOST_COLOURS]]
    ax = new_axes(ax)
    others = ~np.isin(labels, frequent)
    if others.any():
        ax.plot(*points[others].T, ".", color="0.7", ms=3, label=f"{len(classes) - 10:,} others")
    for name, colour in zip(np.sort(frequent), TEN_COLOURS, strict=False):
        own = points[labels == name].T
        ax.plot(*own, ".", color=colour, ms=4, alpha=0.6, label=named(name))
    share = pca.explained_variance_ratio_.sum()
    ax.set(xlabel="first principal component", ylabel="second")
    ax.set_title(f"Rows by class, features scaled ({share:.0%} of the variance)", loc="left")
    legend = ax.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    for text in legend.get_texts():
        text.set(**as_it_is())
    return ax


class ConfusionMatrixDisplay(Display):
    """How often each true class was predicted as each class.

    It is `plot_confusion_matrix` of what it keeps, for 2 to 1,000 classes.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        The true labels.
    y_pred : array-like of shape (n_samples,)
        The predicted labels.

    See Also
    --------
    RecallDisplay : The share of each class that was predicted as such.

    Examples
    --------
    >>> from xsoftmax import SoftmaxRegression, datasets, plots
    >>> data = datasets.digits()
    >>> model = SoftmaxRegression().fit(data.X_train, data.y_train)
    >>> display = plots.ConfusionMatrixDisplay.from_estimator(model, data.X_test, data.y_test)
    >>> display.ax_.get_title()
    'Confusion matrix, accuracy 0.9611'
    """

    def __init__(self, y_true: Any, y_pred: Any) -> None:
        self.y_true: Any = y_true
        self.y_pred: Any = y_pred

    def _draw(self, ax: Axes | None) -> Axes:
        return plot_confusion_matrix(self.y_true, self.y_pred, ax=ax)

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any, y: Any, *, ax: Axes | None = None) -> Self:
        """Draw what an estimator predicts of X.

        Parameters
        ----------
        estimator : classifier
            Fitted; any that has `predict`.
        X : array-like of shape (n_samples, n_features)
            The rows, where the estimator takes them.
        y : array-like of shape (n_samples,)
            Their labels.
        ax : Axes, default=None
            Where to draw. By default in a new figure.

        Returns
        -------
        display : object
            The display, drawn.
        """
        return cls(y, estimator.predict(X)).plot(ax=ax)

    @classmethod
    def from_predictions(cls, y_true: Any, y_pred: Any, *, ax: Axes | None = None) -> Self:
        """Draw predictions.

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
        display : object
            The display, drawn.
        """
        return cls(y_true, y_pred).plot(ax=ax)


class RecallDisplay(ConfusionMatrixDisplay):
    """The share of each true class that was predicted as such.

    It is `plot_recall` of what it keeps.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        The true labels.
    y_pred : array-like of shape (n_samples,)
        The predicted labels.

    See Also
    --------
    ConfusionMatrixDisplay : Which class was predicted instead.

    Examples
    --------
    >>> from xsoftmax import plots
    >>> display = plots.RecallDisplay.from_predictions(["a", "a", "b"], ["a", "b", "b"])
    >>> [float(bar.get_width()) for bar in display.ax_.patches]
    [0.5, 1.0]
    """

    def _draw(self, ax: Axes | None) -> Axes:
        return plot_recall(self.y_true, self.y_pred, ax=ax)


class ReliabilityDisplay(Display):
    """How often predictions are right against how sure they are.

    It is `plot_reliability` of what it keeps.

    Parameters
    ----------
    probabilities : array-like of shape (n_samples, n_classes)
        As `predict_proba` returns them.
    y : array-like of shape (n_samples,)
        The index of the class of each sample.
    n_bins : int, default=15
        Into how many bins of the same width the probabilities of predicted classes fall.

    See Also
    --------
    xsoftmax.metrics.expected_calibration_error : The mean distance from the diagonal.

    Examples
    --------
    >>> from xsoftmax import SoftmaxRegression, datasets, plots
    >>> data = datasets.digits()
    >>> model = SoftmaxRegression().fit(data.X_train, data.y_train)
    >>> display = plots.ReliabilityDisplay.from_estimator(model, data.X_test, data.y_test)
    >>> display.ax_.get_xlabel()
    'probability of the predicted class'
    """

    def __init__(self, probabilities: Any, y: Any, *, n_bins: int = 15) -> None:
        self.probabilities: Any = probabilities
        self.y: Any = y
        self.n_bins: Any = n_bins

    def _draw(self, ax: Axes | None) -> Axes:
        return plot_reliability(self.probabilities, self.y, n_bins=self.n_bins, ax=ax)

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, y: Any, *, n_bins: int = 15, ax: Axes | None = None
    ) -> Self:
        """Draw how sure an estimator is of X, and how often right.

        Parameters
        ----------
        estimator : classifier
            Fitted; any that has `predict_proba` and ``classes_``.
        X : array-like of shape (n_samples, n_features)
            The rows, where the estimator takes them.
        y : array-like of shape (n_samples,)
            Their labels, among the classes.
        n_bins : int, default=15
            Into how many bins of the same width the probabilities fall.
        ax : Axes, default=None
            Where to draw. By default in a new figure.

        Returns
        -------
        display : object
            The display, drawn.

        Raises
        ------
        ValueError
            If a label is none of the classes.
        """
        classes, y = on_host(estimator.classes_), on_host(y)
        places = np.minimum(np.searchsorted(classes, y), len(classes) - 1)
        if not np.array_equal(classes[places], y):
            unknown = y[classes[places] != y][0]
            raise ValueError(f"y holds {unknown.item()!r}, none of the estimator's classes.")
        return cls(on_host(estimator.predict_proba(X)), places, n_bins=n_bins).plot(ax=ax)

    @classmethod
    def from_predictions(
        cls, probabilities: Any, y: Any, *, n_bins: int = 15, ax: Axes | None = None
    ) -> Self:
        """Draw probabilities against what happened.

        Parameters
        ----------
        probabilities : array-like of shape (n_samples, n_classes)
            As `predict_proba` returns them.
        y : array-like of shape (n_samples,)
            The index of the class of each sample.
        n_bins : int, default=15
            Into how many bins of the same width the probabilities fall.
        ax : Axes, default=None
            Where to draw. By default in a new figure.

        Returns
        -------
        display : object
            The display, drawn.
        """
        return cls(probabilities, y, n_bins=n_bins).plot(ax=ax)


class ProjectionDisplay(Display):
    """Rows on their first two principal components, coloured by label.

    It is `plot_projection` of what it keeps.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        The rows.
    labels : array-like of shape (n_samples,)
        The label of each row.

    See Also
    --------
    ConfusionMatrixDisplay : Which classes are taken for each other.

    Examples
    --------
    >>> from xsoftmax import SoftmaxRegression, datasets, plots
    >>> data = datasets.digits()
    >>> model = SoftmaxRegression().fit(data.X_train, data.y_train)
    >>> plots.ProjectionDisplay.from_estimator(model, data.X_test).ax_.get_ylabel()
    'second'
    """

    def __init__(self, X: Any, labels: Any) -> None:
        self.X: Any = X
        self.labels: Any = labels

    def _draw(self, ax: Axes | None) -> Axes:
        return plot_projection(self.X, self.labels, ax=ax)

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any, *, ax: Axes | None = None) -> Self:
        """Draw rows, coloured by what an estimator predicts.

        Parameters
        ----------
        estimator : classifier
            Fitted; any that has `predict`.
        X : array-like of shape (n_samples, n_features)
            The rows, where the estimator takes them.
        ax : Axes, default=None
            Where to draw. By default in a new figure.

        Returns
        -------
        display : object
            The display, drawn.
        """
        return cls(X, estimator.predict(X)).plot(ax=ax)

    @classmethod
    def from_predictions(cls, X: Any, labels: Any, *, ax: Axes | None = None) -> Self:
        """Draw rows, coloured by their labels.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.
        labels : array-like of shape (n_samples,)
            True or predicted labels.
        ax : Axes, default=None
            Where to draw. By default in a new figure.

        Returns
        -------
        display : object
            The display, drawn.
        """
        return cls(X, labels).plot(ax=ax)
