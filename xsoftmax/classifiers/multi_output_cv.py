"""Softmax regressions on many label sets of the same rows, each with a C of its own."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.utils import Tags

from ..arrays import Array, indices_from_host, on_its_device, threads_that_pay
from ..model.network import Network
from ..objective.coordinates import coordinates
from ..objective.features import Features
from ..objective.policy import DEFAULT, Policy
from ..sources import as_source
from .batch import by_number_of_classes, fit_batch
from .calibration import calibrate
from .cross_validation import Monitor, choice, cross_validate, deciding_score, grid_of, host_model
from .folds import Fold, names_rows, problems_of, reads_rows, split
from .held_out import HeldOut, Scorer
from .label_sets import LabelSet, check_Y
from .multi_output import MultiOutputPredictor
from .problems import Problem
from .resuming import resuming
from .rules import check_parameters
from .samples import Samples
from .scoring import Routing, Scoring, scores_of, scorings_of
from .tasks import FitTasks, with_callbacks
from .training import warn_of_problems
from .validation import check_sample_weight, check_X


class MultiOutputSoftmaxRegressionCV(MultiOutputPredictor):
    """Softmax regression on many label sets, with a C for each chosen by cross-validation.

    The folds of all outputs with as many classes are one batch: at every C one product with X
    serves them all.

    Parameters
    ----------
    Cs : int or sequence of float, default=10
        How many values of C, spaced logarithmically from 1e-4 to 1e4; or the values themselves.
    cv : int, splitter or iterable of (train, test), default=5
        Number of folds (stratified by the classes of each output), a splitter of scikit-learn, or
        pairs of row indices of X. Rows whose label an output does not know are in none of its
        folds.
    scoring : str, callable, list or dict, default=None
        What C is chosen by, as in `SoftmaxRegressionCV`.
    refit : bool or str, default=True
        As in `SoftmaxRegressionCV`, but that the models are always those of all rows: with False
        there are none, and nothing to predict with.
    calibration : {"temperature"}, default=None
        With "temperature" the probabilities of predictions are calibrated: logits are divided by
        the number with the least log loss of held-out rows, found at every C. Scores such as
        "neg_log_loss" are those of calibrated probabilities then.
    missing : label, default=nan
        What says in y that a label is not known, as in `MultiOutputSoftmaxRegression`.
    fit_intercept : bool, default=True
        Whether there is an intercept.
    class_weight : dict or "balanced", default=None
        The weight of each label, for all outputs; "balanced" counts the training rows of each fold.
    tol : float, default=1e-6
        Each problem stops when twice its estimate of f - min f is at most tol (f(0) - f), and
        at most tol**0.5 f; f is its objective, f(0) the value where all parameters are 0.
    max_iter : int, default=1000
        The most iterations for each value of C.
    block_rows : int, default=None
        Rows worked on at a time. None lets temporaries fit a processor's cache.

    Attributes
    ----------
    classes_ : list of n_outputs arrays of shape (n_classes,)
        The labels of each output, sorted; only with `refit`.
    C_ : ndarray of shape (n_outputs,)
        The chosen value of each output.
    Cs_ : ndarray of shape (n_Cs,)
        The values of C, in the order that they were given.
    scores_ : ndarray of shape (n_outputs, n_folds, n_Cs)
        The score of each fold at each C, or a dict of such arrays. Outputs with fewer folds than
        others, as iterables may make them, end with nan.
    temperature_ : ndarray of shape (n_outputs,)
        What the logits of each output are divided by in `predict_proba`; only with `calibration`.
    n_iter_ : ndarray of shape (n_outputs,)
        Iterations of the last fits; only with `refit`.
    estimators_ : list of n_outputs `SoftmaxRegression`
        Fitted to all rows whose labels are known, with the chosen C; only with `refit`.
    n_features_in_ : int
        The number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names; only where X has names that are all strings.

    See Also
    --------
    MultiOutputSoftmaxRegression : With a given C.
    SoftmaxRegressionCV : For one label set.

    Examples
    --------
    >>> import numpy as np
    >>> from xsoftmax import MultiOutputSoftmaxRegressionCV, datasets
    >>> data = datasets.digits()
    >>> y = np.stack([data.y_train, data.y_train % 2], axis=1)
    >>> model = MultiOutputSoftmaxRegressionCV(Cs=[0.1, 1.0, 10.0, 100.0], cv=3)
    >>> model = model.fit(data.X_train, y)
    >>> model.C_.tolist(), model.scores_.shape
    ([10.0, 10.0], (2, 3, 4))
    """

    _policy: Policy = DEFAULT  #: by which fits are planned

    C_: np.ndarray
    Cs_: np.ndarray
    scores_: Any
    temperature_: np.ndarray

    def __init__(
        self,
        Cs: Any = 10,
        *,
        cv: Any = 5,
        scoring: Any = None,
        refit: Any = True,
        calibration: Any = None,
        missing: Any = np.nan,
        fit_intercept: bool = True,
        class_weight: Any = None,
        tol: float = 1e-6,
        max_iter: int = 1000,
        block_rows: int | None = None,
    ) -> None:
        self.Cs = Cs
        self.cv = cv
        self.scoring = scoring
        self.refit = refit
        self.calibration = calibration
        self.missing = missing
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.tol = tol
        self.max_iter = max_iter
        self.block_rows = block_rows

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.array_api_support = False  # scores_, Cs_ and what goes with them are on the host
        return tags

    @with_callbacks
    @on_its_device
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        groups: Any = None,
        monitor: Monitor | None = None,
        checkpoint: Any = None,
        checkpoint_every: float = 60.0,
    ) -> Self:
        """Score every C on every fold of every output, choose, and refit, where X lies.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Finite real numbers, as for `SoftmaxRegression.fit`.
        y : array-like of shape (n_samples, n_outputs)
            A label set in each column, of any sortable kind; see `missing`.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights, of the scores too; ones by default.
        groups : array-like of shape (n_samples,), default=None
            The group of each sample, for splitters that need it.
        monitor : callable, default=None
            Called as ``monitor(n_finished, n_problems)`` before the first problem and as problems
            finish; there are n_outputs times n_folds times n_Cs.
        checkpoint : path, default=None
            A file that keeps what the fit has found, and is removed when it ends. If the fit is cut
            off, the same call goes on from there and ends with the same bits.
        checkpoint_every : float, default=60.0
            Seconds after which the file is written again.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter, X, y, a weight or a fold breaks its rule, or an output knows fewer than
            two classes.

        Warns
        -----
        ConvergenceWarning
            If problems do not reach `tol`.
        """
        check_parameters(self)
        if isinstance(self.cv, str):
            raise ValueError(
                f"MultiOutputSoftmaxRegressionCV(cv=...) must be folds; got {self.cv!r}, which is "
                "for SoftmaxRegressionCV."
            )
        given = X, y, sample_weight
        X = check_X(self, X, reset=True)
        weight = check_sample_weight(X, sample_weight)
        outputs = check_Y(self, X, y, weight)
        # Pairs may come from an iterator, which each output asks anew.
        cv = self.cv if hasattr(self.cv, "split") or not names_rows(self.cv) else list(self.cv)
        folds = [_folds(cv, X, output, weight, groups, j) for j, output in enumerate(outputs)]
        most = max(len(output.targets.classes) for output in outputs)
        problems = [output.problem(weight) for output in outputs]
        self.__dict__.pop("estimators_", None)
        tasks = FitTasks.of_fit(self, *given, n_steps=sum(map(len, folds)) * len(grid_of(self.Cs)))
        with resuming(self, checkpoint, checkpoint_every, [X], problems, folds):
            with threads_that_pay(X, sum(map(len, folds)) * most):
                self._cross_validate(X, problems, folds, tasks.counting(monitor))
            if self.refit:
                self._refit(X, problems)
        tasks.ended(is_fitted=bool(self.refit))
        return self

    def _cross_validate(
        self,
        X: Array,
        problems: list[Problem],
        folds: list[list[Fold]],
        monitor: Monitor,
    ) -> None:
        """Set ``Cs_``, ``scores_``, ``C_`` and ``temperature_``."""
        n_folds, Cs = [len(of_output) for of_output in folds], grid_of(self.Cs)
        scorings = [self._scorings(X, problem) for problem in problems]
        names = [scoring.name for scoring in scorings[0]]
        self._deciding = deciding_score(self, names, min(n_folds))
        shape = len(problems), max(n_folds), len(Cs), len(names)
        scores, temperatures = np.full(shape, np.nan), np.ones(shape[::2])
        features, n_left, gap, n_done = Features(X), 0, 0.0, 0
        n_problems = sum(n_folds) * len(Cs)
        for n_classes, alike in by_number_of_classes(problems).items():
            network = Network((X.shape[1], n_classes), "identity", self.fit_intercept)
            space = coordinates(features, network, self._policy, many_passes=True)
            members: list[Problem] = []
            held_out: list[HeldOut] = []
            for j in alike:
                members += problems_of(Samples(X, *problems[j]), folds[j])
                held_out += [HeldOut(*problems[j], fold.test, scorings[j]) for fold in folds[j]]
            scorer = Scorer(X, held_out, together=True, policy=self._policy)
            told = _counting_on(monitor, n_done, n_problems)
            keeps = self.calibration is not None
            results = cross_validate(self, space, features, members, Cs, scorer, told, keeps)
            n_done, n_left = n_done + results.n_finished, n_left + results.n_unconverged
            gap, start = max(gap, float(results.gaps.max())), 0
            for j in alike:
                own = range(start, start + n_folds[j])
                if keeps:
                    model = host_model(self, X.shape[1], problems[j])
                    temperatures[j] = calibrate(scorer, results, network, own, model)
                scores[j, : n_folds[j]] = results.scores[own.start : own.stop]
                start = own.stop
        warn_of_problems(self, n_left, n_problems, gap)
        self.Cs_, self.scores_ = Cs, scores_of(scores, scorings[0], self.scoring)
        best_at = [
            choice(own[:n, :, self._deciding], Cs, self.refit)
            for own, n in zip(scores, n_folds, strict=True)
        ]
        self.C_ = Cs[best_at].astype(float)
        self.__dict__.pop("temperature_", None)
        if self.calibration is not None:
            self.temperature_ = temperatures[np.arange(len(problems)), best_at]

    def _scorings(self, X: Array, problem: Problem) -> list[Scoring]:
        model, classes = host_model(self, X.shape[1], problem), problem.targets.classes
        routing = Routing(None, None, None)
        return scorings_of(self.scoring, model, classes, routing, problem.weight)

    def _refit(self, X: Array, problems: list[Problem]) -> None:
        """Set ``estimators_``, all of which are one batch."""
        self.estimators_ = fit_batch(self, X, problems, self.C_.tolist())
        if self.calibration is not None:
            for model, temperature in zip(self.estimators_, self.temperature_, strict=True):
                model.temperature_ = float(temperature)


def _counting_on(monitor: Monitor, n_before: int, n_problems: int) -> Monitor:
    """One that is told of all problems by a batch of some of them."""
    return lambda n_finished, _: monitor(n_before + n_finished, n_problems)


def _folds(
    cv: Any, X: Array, output: LabelSet, weight: np.ndarray, groups: Any, j: int
) -> list[Fold]:
    """The folds of the j-th output, of rows whose label it knows."""
    known = np.flatnonzero(output.is_known)
    try:
        if names_rows(cv):
            samples = Samples(X, output.targets, weight * output.is_known)
            return [
                Fold(*(rows[output.is_known[rows]] for rows in fold))
                for fold in split(cv, samples, groups)
            ]
        targets = output.targets._replace(values=output.targets.values[known])
        rows = np.zeros((len(known), 1))  # mostly they are only counted
        if reads_rows(cv):
            rows = as_source(X).take(indices_from_host(known, like=X))
        groups = None if groups is None else np.asarray(groups)[known]
        folds = split(cv, Samples(rows, targets, weight[known]), groups)
    except ValueError as error:
        raise ValueError(f"Output {j}: {error}") from error
    return [Fold(known[fold.train], known[fold.test]) for fold in folds]
