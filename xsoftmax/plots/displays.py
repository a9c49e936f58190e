"""Displays, as scikit-learn has them: what is drawn, from an estimator or from predictions.

Each keeps what it draws. `plot` draws it, as often as is wanted, and sets ``ax_`` and ``figure_``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Self

import numpy as np
from matplotlib.axes import Axes

from ..classifiers import bootstrap, learning_curve
from .classes import plot_confusion_matrix, plot_projection, plot_recall, plot_reliability
from .curves import plot_bootstrap, plot_learning_curve, plot_loss_curve, plot_sweep
from .figures import on_host
from .images import plot_predictions, plot_weights


class _Display(ABC):
    """Draws what it keeps."""

    ax_: Any
    figure_: Any

    @abstractmethod
    def _draw(self, ax: Axes | None) -> Any:
        """The axes, or an array of them."""

    def plot(self, *, ax: Axes | None = None) -> Self:
        """Draw it.

        Parameters
        ----------
        ax : Axes, default=None
            Where to draw. By default in a new figure.

        Returns
        -------
        display : object
            The display, with ``ax_`` and ``figure_``.
        """
        self.ax_ = self._draw(ax)
        self.figure_ = np.ravel(self.ax_)[0].figure
        return self


class _GridDisplay(_Display):
    """Draws a grid of axes, which is a figure of its own."""

    def plot(self) -> Self:  # type: ignore[override]
        """Draw it in a new figure.

        Returns
        -------
        display : object
            The display, with ``ax_``, an array, and ``figure_``.
        """
        return super().plot()


class ConfusionMatrixDisplay(_Display):
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


class PredictionsDisplay(_GridDisplay):
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


class ReliabilityDisplay(_Display):
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


class ProjectionDisplay(_Display):
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


class WeightsDisplay(_GridDisplay):
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


class LossCurveDisplay(_Display):
    """The objective at every iteration, and scores of held-out rows.

    It is `plot_loss_curve` of what it keeps.

    Parameters
    ----------
    losses : sequence of float
        The objective at each iteration.
    validation_scores : sequence of float, default=None
        The accuracy on held-out rows at each iteration.
    validation_losses : sequence of float, default=None
        The log loss on held-out rows at each iteration.
    label : str, default=None
        The name of the curve in the legend. By default "objective".

    See Also
    --------
    SweepDisplay : Scores against C.

    Examples
    --------
    >>> from xsoftmax import MLPClassifier, datasets, plots
    >>> data = datasets.digits()
    >>> model = MLPClassifier((8,), max_iter=5, tol=0, random_state=0)
    >>> model = model.fit(data.X_train, data.y_train)
    >>> len(plots.LossCurveDisplay.from_estimator(model).ax_.lines[0].get_xdata())
    5
    """

    def __init__(
        self,
        losses: Any,
        *,
        validation_scores: Any = None,
        validation_losses: Any = None,
        label: str | None = None,
    ) -> None:
        self.losses: Any = losses
        self.label: Any = label
        self.validation_scores: Any = validation_scores
        self.validation_losses: Any = validation_losses

    def _draw(self, ax: Axes | None) -> Axes:
        return plot_loss_curve(
            self.losses,
            validation_scores=self.validation_scores,
            validation_losses=self.validation_losses,
            label=self.label,
            ax=ax,
        )

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, label: str | None = None, ax: Axes | None = None
    ) -> Self:
        """Draw the curves of a fitted estimator.

        Parameters
        ----------
        estimator : classifier
            Fitted, with ``loss_curve_``.
        label : str, default=None
            The name of the curve in the legend. By default "objective".
        ax : Axes, default=None
            Where to draw. By default in a new figure.

        Returns
        -------
        display : object
            The display, drawn.
        """
        held_out = {
            "validation_scores": getattr(estimator, "validation_scores_", None),
            "validation_losses": getattr(estimator, "validation_loss_curve_", None),
        }
        return cls(estimator.loss_curve_, label=label, **held_out).plot(ax=ax)


class SweepDisplay(_Display):
    """Score against C.

    It is `plot_sweep` of what it keeps.

    Parameters
    ----------
    Cs : array-like of shape (n_Cs,)
        The values of C.
    scores : array-like of shape (n_folds, n_Cs)
        The score of each fold at each C.
    best : float, default=None
        The C to mark.
    name : str, default="score"
        What is scored.

    See Also
    --------
    LossCurveDisplay : The objective at every iteration.

    Examples
    --------
    >>> from xsoftmax import SoftmaxRegressionCV, datasets, plots
    >>> data = datasets.digits()
    >>> search = SoftmaxRegressionCV([0.1, 1.0, 10.0, 100.0]).fit(data.X_train, data.y_train)
    >>> plots.SweepDisplay.from_estimator(search).ax_.get_title()
    'Accuracy held out, 5 folds'
    """

    def __init__(
        self, Cs: Any, scores: Any, *, best: float | None = None, name: str = "score"
    ) -> None:
        self.Cs: Any = Cs
        self.scores: Any = scores
        self.best: Any = best
        self.name: Any = name

    def _draw(self, ax: Axes | None) -> Axes:
        return plot_sweep(self.Cs, self.scores, best=self.best, name=self.name, ax=ax)

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, name: str | None = None, ax: Axes | None = None
    ) -> Self:
        """Draw the scores of a fitted search.

        Parameters
        ----------
        estimator : SoftmaxRegressionCV
            Fitted.
        name : str, default=None
            Which of several scores, and what is written at the axis. By default the first, and
            what `scoring` is.
        ax : Axes, default=None
            Where to draw. By default in a new figure.

        Returns
        -------
        display : object
            The display, drawn.
        """
        scores = estimator.scores_
        if isinstance(scores, dict):
            name = next(iter(scores)) if name is None else name
            scores = scores[name]
        scoring = getattr(estimator, "scoring", "score") or "accuracy"  # a loaded one has none
        name = name or (scoring if isinstance(scoring, str) else "score")
        return cls(estimator.Cs_, scores, best=estimator.C_, name=name.replace("_", " ")).plot(
            ax=ax
        )


class LearningCurveDisplay(_Display):
    """Scores against how many rows were fitted.

    It is `plot_learning_curve` of what it keeps.

    Parameters
    ----------
    train_sizes : array-like of shape (n_ticks,)
        How many rows.
    train_scores : array-like of shape (n_ticks, n_repeats)
        Scores on the rows that were fitted.
    test_scores : array-like of shape (n_ticks, n_repeats)
        Scores on other rows.
    name : str, default="score"
        What is scored.

    See Also
    --------
    xsoftmax.learning_curve : Fits all draws as one batch.

    Examples
    --------
    >>> from xsoftmax import SoftmaxRegression, datasets, plots
    >>> data = datasets.digits()
    >>> rows = data.X_train, data.y_train, data.X_test, data.y_test
    >>> display = plots.LearningCurveDisplay.from_estimator(
    ...     SoftmaxRegression(), *rows, train_sizes=[50, 200], n_repeats=3, random_state=0
    ... )
    >>> display.test_scores.shape
    (2, 3)
    """

    def __init__(
        self, train_sizes: Any, train_scores: Any, test_scores: Any, *, name: str = "score"
    ) -> None:
        self.train_sizes: Any = train_sizes
        self.train_scores: Any = train_scores
        self.test_scores: Any = test_scores
        self.name: Any = name

    def _draw(self, ax: Axes | None) -> Axes:
        found = self.train_sizes, self.train_scores, self.test_scores
        return plot_learning_curve(*found, name=self.name, ax=ax)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        X_test: Any,
        y_test: Any,
        *,
        scoring: str = "accuracy",
        ax: Axes | None = None,
        **how: Any,
    ) -> Self:
        """Fit draws of ever more rows, and draw their scores.

        Parameters
        ----------
        estimator : SoftmaxRegression
            What to fit.
        X : array-like of shape (n_samples, n_features)
            Rows to draw from.
        y : array-like of shape (n_samples,)
            Their labels.
        X_test : array-like of shape (n_test, n_features)
            Rows to score.
        y_test : array-like of shape (n_test,)
            Their labels.
        scoring : str, default="accuracy"
            What is scored.
        ax : Axes, default=None
            Where to draw. By default in a new figure.
        **how : object
            Other parameters of `xsoftmax.learning_curve`.

        Returns
        -------
        display : object
            The display, drawn.
        """
        found = learning_curve(estimator, X, y, X_test, y_test, scoring=scoring, **how)
        return cls(*found, name=scoring.replace("_", " ")).plot(ax=ax)


class BootstrapDisplay(_Display):
    """How scores of resamples are distributed.

    It is `plot_bootstrap` of what it keeps.

    Parameters
    ----------
    result : BootstrapResult
        As `xsoftmax.bootstrap` or `scipy.stats.bootstrap` return it.
    name : str, default="score"
        What is scored.

    See Also
    --------
    xsoftmax.bootstrap : Fits all resamples as one batch.

    Examples
    --------
    >>> from xsoftmax import SoftmaxRegression, datasets, plots
    >>> data = datasets.digits()
    >>> rows = data.X_train, data.y_train, data.X_test, data.y_test
    >>> display = plots.BootstrapDisplay.from_estimator(
    ...     SoftmaxRegression(), *rows, n_resamples=20, random_state=0
    ... )
    >>> display.ax_.get_xlabel()
    'accuracy'
    """

    def __init__(self, result: Any, *, name: str = "score") -> None:
        self.result: Any = result
        self.name: Any = name

    def _draw(self, ax: Axes | None) -> Axes:
        return plot_bootstrap(self.result, name=self.name, ax=ax)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        X_test: Any,
        y_test: Any,
        *,
        scoring: str = "accuracy",
        ax: Axes | None = None,
        **how: Any,
    ) -> Self:
        """Fit resamples, and draw how their scores are distributed.

        Parameters
        ----------
        estimator : SoftmaxRegression
            What to fit.
        X : array-like of shape (n_samples, n_features)
            Rows to resample.
        y : array-like of shape (n_samples,)
            Their labels.
        X_test : array-like of shape (n_test, n_features)
            Rows to score.
        y_test : array-like of shape (n_test,)
            Their labels.
        scoring : str, default="accuracy"
            What is scored.
        ax : Axes, default=None
            Where to draw. By default in a new figure.
        **how : object
            Other parameters of `xsoftmax.bootstrap`.

        Returns
        -------
        display : object
            The display, drawn.
        """
        found = bootstrap(estimator, X, y, X_test, y_test, scoring=scoring, **how)
        return cls(found, name=scoring.replace("_", " ")).plot(ax=ax)
