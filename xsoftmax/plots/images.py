"""Rows and weights as images."""

from __future__ import annotations

from math import ceil
from typing import Any, Self

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from .figures import VERMILLION, GridDisplay, make_room_above, new_grid, on_host, show_image
from .names import LETTERS_ABOVE, above, as_it_is, named

#: A grid of weights shows no more classes.
MOST_CLASSES = 30


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
    X, labels = on_host(X), on_host(labels)
    axes = new_grid(n_rows, n_columns, size=1.3)
    for ax, image, label in zip(axes.flat, X, labels, strict=False):
        show_image(ax, image, image_shape)
        ax.set_title(above(label), fontsize=10, **as_it_is())
    make_room_above(axes)
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
    X, y_true, y_pred = on_host(X), on_host(y_true), on_host(y_pred)
    order = np.argsort(y_true == y_pred, kind="stable")[: n_rows * n_columns]
    axes = new_grid(n_rows, n_columns, size=1.3)
    for ax, i in zip(axes.flat, order, strict=False):
        show_image(ax, X[i], image_shape)
        is_right = y_true[i] == y_pred[i]
        color = "black" if is_right else VERMILLION
        true, predicted = f"y: {named(y_true[i])}", f"ŷ: {named(y_pred[i])}"
        title = f"{true} / {predicted}"
        if len(title) > 1.5 * LETTERS_ABOVE:
            title = f"{above(true)}\n{above(predicted)}"
        ax.set_title(title, fontsize=8, color=color, **as_it_is())
        if not is_right:
            ax.add_patch(
                plt.Rectangle((0, 0), 1, 1, transform=ax.transAxes, fill=False, lw=4, ec=VERMILLION)
            )
    make_room_above(axes)
    n_wrong = int(np.sum(y_true != y_pred))
    axes.flat[0].figure.suptitle(f"{n_wrong:,} of {len(y_true):,} wrong, these first", fontsize=10)
    return axes


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
    coef, classes = on_host(model.coef_), on_host(model.classes_)
    names = [above(name) for name in classes]
    if len(coef) == 1:
        names = [f"{names[1]} against {names[0]}"]
    shown = min(len(coef), MOST_CLASSES)
    axes = new_grid(ceil(shown / n_columns), min(n_columns, shown), size=1.5)
    limit = np.abs(coef).max() or 1.0
    for ax, row, name in zip(axes.flat, coef, names, strict=False):
        image = show_image(ax, row, image_shape, cmap="RdBu_r", vmin=-limit, vmax=limit)
        ax.set_title(name, fontsize=10, **as_it_is())
    make_room_above(axes)
    figure = axes.flat[0].figure
    width, height = figure.get_size_inches()
    figure.set_size_inches(max(width, 4.0) + 1.0, max(height, 2.4) + 0.3)
    figure.colorbar(image, ax=axes, label="weight", shrink=0.9)
    which = f" ({shown} of {len(coef):,} classes)" if shown < len(coef) else ""
    figure.suptitle(f"Weights{which}: red raises the logit, blue lowers it", fontsize=10)
    return axes


class PredictionsDisplay(GridDisplay):
    """Images with true and predicted labels, the wrong ones first.

    It is `plot_predictions` of what it keeps.

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

    See Also
    --------
    ConfusionMatrixDisplay : What classes are taken for.

    Examples
    --------
    >>> from xsoftmax import SoftmaxRegression, datasets, plots
    >>> data = datasets.digits()
    >>> model = SoftmaxRegression().fit(data.X_train, data.y_train)
    >>> display = plots.PredictionsDisplay.from_estimator(model, data.X_test, data.y_test)
    >>> display.ax_.shape
    (5, 8)
    """

    def __init__(
        self, X: Any, y_true: Any, y_pred: Any, *, image_shape: tuple[int, int] | None = None
    ) -> None:
        self.X: Any = X
        self.y_true: Any = y_true
        self.y_pred: Any = y_pred
        self.image_shape: Any = image_shape

    def _draw(self, ax: Axes | None) -> np.ndarray:
        return plot_predictions(self.X, self.y_true, self.y_pred, image_shape=self.image_shape)

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, y: Any, *, image_shape: tuple[int, int] | None = None
    ) -> Self:
        """Draw what an estimator predicts of X.

        Parameters
        ----------
        estimator : classifier
            Fitted; any that has `predict`.
        X : array-like of shape (n_samples, height * width)
            Images, where the estimator takes them.
        y : array-like of shape (n_samples,)
            Their labels.
        image_shape : tuple of (int, int), default=None
            Height and width of an image. By default images are square.

        Returns
        -------
        display : object
            The display, drawn.
        """
        return cls(X, y, estimator.predict(X), image_shape=image_shape).plot()

    @classmethod
    def from_predictions(
        cls, X: Any, y_true: Any, y_pred: Any, *, image_shape: tuple[int, int] | None = None
    ) -> Self:
        """Draw predictions.

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

        Returns
        -------
        display : object
            The display, drawn.
        """
        return cls(X, y_true, y_pred, image_shape=image_shape).plot()


class WeightsDisplay(GridDisplay):
    """The weights of each class as an image.

    It is `plot_weights` of the model that it keeps.

    Parameters
    ----------
    model : SoftmaxRegression or SoftmaxRegressionCV
        A fitted linear classifier.
    image_shape : tuple of (int, int), default=None
        Height and width of an image. By default images are square.

    See Also
    --------
    PredictionsDisplay : Images with what was predicted.

    Examples
    --------
    >>> from xsoftmax import SoftmaxRegression, datasets, plots
    >>> data = datasets.digits()
    >>> model = SoftmaxRegression().fit(data.X_train, data.y_train)
    >>> plots.WeightsDisplay.from_estimator(model).ax_.shape
    (2, 5)
    """

    def __init__(self, model: Any, *, image_shape: tuple[int, int] | None = None) -> None:
        self.model: Any = model
        self.image_shape: Any = image_shape

    def _draw(self, ax: Axes | None) -> np.ndarray:
        return plot_weights(self.model, image_shape=self.image_shape)

    @classmethod
    def from_estimator(cls, estimator: Any, *, image_shape: tuple[int, int] | None = None) -> Self:
        """Draw the weights of an estimator.

        Parameters
        ----------
        estimator : SoftmaxRegression or SoftmaxRegressionCV
            A fitted linear classifier.
        image_shape : tuple of (int, int), default=None
            Height and width of an image. By default images are square.

        Returns
        -------
        display : object
            The display, drawn.
        """
        return cls(estimator, image_shape=image_shape).plot()
