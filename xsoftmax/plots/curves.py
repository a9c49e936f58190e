"""Objectives and scores: of iterations, values of C, numbers of rows, resamples."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from ..classifiers import bootstrap, learning_curve
from .figures import BLUE, GREEN, ORANGE, VERMILLION, Display, new_axes
from .names import as_it_is, short


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
    ax = new_axes(ax)
    marker = "." if len(losses) < 30 else ""
    ax.plot(range(1, len(losses) + 1), losses, label=label or "objective", marker=marker)
    ax.set(xlabel="iteration", ylabel="objective", title="Objective")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.grid(alpha=0.3)
    if validation_losses:
        iterations = range(1, len(validation_losses) + 1)
        ax.plot(
            iterations, validation_losses, label="held-out log loss", color=GREEN,
            marker=marker,
        )  # fmt: skip
    handles = ax.get_legend_handles_labels()[0]
    if validation_scores:
        right = ax.twinx()
        iterations = range(1, len(validation_scores) + 1)
        handles += right.plot(
            iterations, validation_scores, label="held-out accuracy", color=ORANGE,
            marker=marker,
        )  # fmt: skip
        right.set_ylabel("accuracy on held-out rows")
        ax.set_title("Objective and held-out accuracy")
    if label is not None or validation_scores or validation_losses:
        for text in ax.legend(handles=handles, loc="center right").get_texts():
            text.set(**as_it_is())
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
    ax = new_axes(ax)
    ax.semilogx(Cs, scores.T, color=BLUE, alpha=0.3, lw=1)
    ax.semilogx(Cs, mean, color=BLUE, marker=".", label="mean of the folds")
    ax.fill_between(Cs, mean - spread, mean + spread, alpha=0.15, label="± standard deviation")
    if best is not None:
        ax.axvline(best, color=VERMILLION, ls="--", label=f"best C = {best:.3g}")
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
    ax, sizes = new_axes(ax), np.asarray(train_sizes)
    curves = (("train", train_scores, ORANGE), ("test", test_scores, BLUE))
    for label, scores, colour in curves:
        scores = np.asarray(scores)
        mean, spread = scores.mean(axis=1), scores.std(axis=1)
        ax.semilogx(sizes, scores, ".", color=colour, alpha=0.3)
        ax.semilogx(sizes, mean, color=colour, marker="o", label=label)
        ax.fill_between(sizes, mean - spread, mean + spread, color=colour, alpha=0.15)
    n_repeats = np.asarray(test_scores).shape[1]
    ax.set(xlabel="rows fitted", ylabel=name, title=f"{name}, {n_repeats} draws".capitalize())
    ax.set_xticks(sizes, labels=[short(size) for size in sizes])
    ax.minorticks_off()
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
    ax, values = new_axes(ax), np.asarray(result.bootstrap_distribution)
    low, high = result.confidence_interval
    ax.hist(values, bins="auto", color=BLUE, alpha=0.6)
    ax.axvspan(low, high, color=BLUE, alpha=0.15, label=f"{low:.4g} to {high:.4g}")
    ax.axvline(values.mean(), color=VERMILLION, ls="--", label=f"mean {values.mean():.4g}")
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
    ax, names = new_axes(ax), list(scores)
    values = np.asarray([[scores[name][key] for key in ("score", "low", "high")] for name in names])
    score, low, high = values.T
    places = np.arange(len(names))[::-1]
    lengths = [(score - low).tolist(), (high - score).tolist()]  # lists: matplotlib 3.10
    ax.errorbar(score, places, xerr=lengths, fmt="o", capsize=5)
    for place, value in zip(places, score, strict=True):
        ax.annotate(f"{value:.4f}", (value, place), (0, 8), textcoords="offset points", ha="center")
    ax.set_yticks(places, names)
    ax.set(ylim=(-0.5, len(names) - 0.4), xlabel="score, with its interval")
    ax.grid(alpha=0.3, axis="x")
    return ax


class LossCurveDisplay(Display):
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


class SweepDisplay(Display):
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


class _ManyFitsDisplay(Display):
    """Scores of many fits of the same rows."""

    @classmethod
    @abstractmethod
    def _of(cls, *given: Any, **how: Any) -> Self:
        """Fit, and keep the scores."""

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
        """Fit draws of rows as one batch, and draw their scores.

        Parameters
        ----------
        estimator : SoftmaxRegression
            What to fit.
        X : array-like of shape (n_samples, n_features)
            Rows to draw.
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
            Other parameters of `xsoftmax.learning_curve`, or of `xsoftmax.bootstrap`.

        Returns
        -------
        display : object
            The display, drawn.
        """
        return cls._of(estimator, X, y, X_test, y_test, scoring=scoring, **how).plot(ax=ax)


class LearningCurveDisplay(_ManyFitsDisplay):
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
    def _of(cls, *given: Any, **how: Any) -> Self:
        return cls(*learning_curve(*given, **how), name=how["scoring"].replace("_", " "))


class BootstrapDisplay(_ManyFitsDisplay):
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
    def _of(cls, *given: Any, **how: Any) -> Self:
        return cls(bootstrap(*given, **how), name=how["scoring"].replace("_", " "))
