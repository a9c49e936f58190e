"""Grid search over networks that are trained as one batch."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple, Self

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import FitFailedWarning
from sklearn.metrics import check_scoring
from sklearn.model_selection import GridSearchCV, ParameterGrid
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from ..arrays import (
    Array,
    compute_dtype,
    device,
    from_host,
    namespace,
    on_its_device,
    threads_that_pay,
)
from ..model.network import Network
from ..objective.coordinates import Coordinates
from ..solvers import Solution, Status
from .folds import Fold, problems_of, split
from .held_out import HeldOut, NotANumberError, Scorer
from .mlp import MLPClassifier
from .moving import Movable
from .problems import objective_of
from .rules import check_parameters
from .samples import Samples
from .scoring import route, scored, scorings_of
from .tasks import CallbackSupportMixin, FitTasks, with_callbacks
from .training import LEARNING_RATES, check_finite, solve
from .validation import check_sample_weight, check_X, check_y
from .words import shown, warn

#: Parameters in which the networks of one batch may differ.
BATCHED = ("alpha", "learning_rate_init", "random_state")
#: Parameters, activations and moments of a batch may hold this many values.
BATCH_VALUES = 1 << 27


class Outcome(NamedTuple):
    """How one candidate did on one fold; times are in seconds."""

    score: float
    fit_time: float
    score_time: float
    fit_error: str = ""  #: why the fit failed, if it did
    score_error: str = ""  #: why the scorer failed, if it did


class _CallbackError(Exception):
    """What a callback raised."""

    def __init__(self, error: ValueError) -> None:
        super().__init__(str(error))
        self.error = error


class BatchedGridSearchCV(Movable, GridSearchCV, CallbackSupportMixin):
    """Grid search over networks, with candidates and folds trained as one batch.

    It is scikit-learn's GridSearchCV for `MLPClassifier`. Candidates that differ only in
    ``alpha``, ``learning_rate_init`` and ``random_state`` are a population of networks: every
    minibatch serves them all, and those that have converged leave. Candidates that differ in
    anything else make batches of their own.

    Parameters
    ----------
    estimator : MLPClassifier
        What the grid does not name stays as it is set there.
    param_grid : dict or list of dict
        From a parameter's name to its values.
    scoring : str or callable, default=None
        None or "accuracy", or any one scorer of scikit-learn.
    refit : bool, default=True
        Whether to fit all rows with the best candidate.
    cv : int, splitter or iterable of (train, test), default=5
        Number of folds (stratified by class), a splitter of scikit-learn, or pairs of row
        indices.
    error_score : float or "raise", default=nan
        The score of a candidate whose parameters break a rule or whose training diverges, with
        a warning. "raise" makes that an error.

    Attributes
    ----------
    cv_results_ : dict of ndarray of shape (n_candidates,)
        Parameters, scores, ranks and times of the candidates, in GridSearchCV's format. A fit's
        time is that of its batch divided by the number of fits in it.
    best_index_ : int
        Where in ``cv_results_`` the best candidate stands.
    best_params_ : dict
        Its parameters.
    best_score_ : float
        Its mean score over the folds.
    best_estimator_ : MLPClassifier
        The best candidate, fitted to all rows; only with `refit`.
    refit_time_ : float
        Seconds that this last fit took; only with `refit`.
    scorer_ : callable
        The scorer.
    n_splits_ : int
        The number of folds.
    multimetric_ : bool
        False: there is one scorer.
    classes_ : array of shape (n_classes,)
        The labels, sorted; only with `refit`.
    n_features_in_ : int
        The number of features seen in `fit`; only with `refit`.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names; only with `refit`, where X has names that are all strings.

    See Also
    --------
    MLPClassifier : The network.
    SoftmaxRegressionCV : Chooses C for networks without hidden layers.

    Notes
    -----
    A fold's networks see the rows of the shared minibatches that are theirs. So with "sgd" and
    "adam" a run differs from a fit on those rows alone as two shuffles differ; with "lbfgs" and
    "gd" the minimiser is the same.

    Examples
    --------
    >>> from xsoftmax import BatchedGridSearchCV, MLPClassifier, datasets
    >>> data = datasets.digits()
    >>> network = MLPClassifier((16,), max_iter=10, tol=0, random_state=0)
    >>> search = BatchedGridSearchCV(network, {"learning_rate_init": [1e-4, 1e-2]}, cv=3)
    >>> search = search.fit(data.X_train, data.y_train)
    >>> search.best_params_
    {'learning_rate_init': 0.01}
    >>> search.score(data.X_test, data.y_test) > 0.9
    True
    """

    def __init__(
        self,
        estimator: Any,
        param_grid: Any,
        *,
        scoring: Any = None,
        refit: bool = True,
        cv: Any = 5,
        error_score: Any = np.nan,
    ) -> None:
        super().__init__(
            estimator, param_grid, scoring=scoring, refit=refit, cv=cv, error_score=error_score
        )

    @with_callbacks
    @on_its_device
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None, *, groups: Any = None) -> Self:
        """Train and score every candidate on every fold, then refit the best on all rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Finite real numbers, as for `MLPClassifier.fit`.
        y : array-like of shape (n_samples,) or (n_samples, n_classes), default=None
            Labels of any sortable kind, or the probabilities of each class (soft labels). They are
            needed: None is an error.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights; ones by default. A scorer that takes weights has them too (with
            scikit-learn's ``enable_metadata_routing``, whoever requests them).
        groups : array-like of shape (n_samples,), default=None
            The group of each sample, for splitters that need it.

        Returns
        -------
        self : object
            The fitted search.

        Raises
        ------
        TypeError
            If the estimator is no `MLPClassifier`, or `scoring` is more than one scorer.
        ValueError
            If X, y, a weight, a fold or a parameter of the search breaks its rule, every fit fails
            (or one, with ``error_score="raise"``), or the estimator asks for early stopping, which
            would need rows held out of every fold.

        Warns
        -----
        FitFailedWarning
            If some fits fail.
        UserWarning
            If the scorer fails, or takes no weights and there are some.
        """
        if not isinstance(self.estimator, MLPClassifier):
            raise TypeError(
                "BatchedGridSearchCV trains an MLPClassifier; got "
                f"{type(self.estimator).__name__}. Use scikit-learn's GridSearchCV for others."
            )
        if not (self.scoring is None or isinstance(self.scoring, str) or callable(self.scoring)):
            raise TypeError(
                f"BatchedGridSearchCV(scoring=...) must be one scorer; got {shown(self.scoring)}."
            )
        check_parameters(self)
        if isinstance(self.refit, str):
            raise ValueError(
                f"BatchedGridSearchCV(refit=...) must be True or False; got {shown(self.refit)}."
            )
        candidates = list(ParameterGrid(self.param_grid))
        if not candidates:
            raise ValueError(
                "No fits were performed. Were there no candidates? "
                f"param_grid={shown(self.param_grid)} names none; pass at least one dict."
            )
        estimators = [clone(self.estimator).set_params(**params) for params in candidates]
        if any(estimator.early_stopping for estimator in estimators):
            raise ValueError("BatchedGridSearchCV needs early_stopping=False in all candidates.")
        routing = route(self, sample_weight, groups)
        X_checked = check_X(estimators[0], X, reset=True)
        targets = check_y(estimators[0], X_checked, y)
        weight = check_sample_weight(X_checked, routing.fit_weight)
        samples = Samples(X_checked, targets, weight)
        folds = split(self.cv, samples, routing.groups)
        self.scorer_ = check_scoring(self.estimator, scoring=self.scoring)
        weight = check_sample_weight(X_checked, sample_weight)
        scorings = scorings_of(self.scoring, self.estimator, targets.classes, routing, weight)
        scorer = Scorer(
            X_checked, [HeldOut(targets, weight, fold.test, scorings) for fold in folds]
        )
        tasks = FitTasks.of_fit(self, X, y, sample_weight, n_parts=1 + bool(self.refit))
        try:
            outcomes = self._outcomes(estimators, samples, folds, scorer, tasks)
        except _CallbackError as failed:
            raise failed.error from None
        self._report_failures(outcomes)
        self._set_results(candidates, outcomes)
        self.__dict__.pop("feature_names_in_", None)
        if self.refit:
            start = time.perf_counter()
            self.best_estimator_ = clone(estimators[self.best_index_])
            with tasks.of_other(self.best_estimator_, "refit"):
                self.best_estimator_.fit(X, y, routing.fit_weight)
            self.refit_time_ = time.perf_counter() - start
            if hasattr(self.best_estimator_, "feature_names_in_"):
                self.feature_names_in_ = self.best_estimator_.feature_names_in_
        tasks.ended(is_fitted=bool(self.refit))
        return self

    @on_its_device
    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Score the best estimator's predictions by `scoring`; accuracy by default.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows, in the library and on the device of the fitted parameters.
        y : array-like of shape (n_samples,) or (n_samples, n_classes)
            Labels, or probabilities, of which the most probable class is the label.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights.

        Returns
        -------
        score : float
            What the scorer returns; a fraction for accuracy.

        Raises
        ------
        AttributeError
            If the search was made with ``refit=False``.
        """
        if not self.refit:
            raise AttributeError(
                "This BatchedGridSearchCV instance was initialized with `refit=False`. score is "
                "available only after refitting on the best parameters. You can refit an estimator "
                "manually using the `best_params_` attribute"
            )
        check_is_fitted(self, "best_estimator_")
        return scored(self, self.scoring, self.best_estimator_, X, y, sample_weight)

    def _outcomes(
        self,
        estimators: list[Any],
        samples: Samples,
        folds: list[Fold],
        scorer: Scorer,
        tasks: FitTasks,
    ) -> list[list[Outcome]]:
        """How each candidate did on each fold."""
        outcomes: list[list[Outcome]] = [[] for _ in estimators]
        sound = []
        for i, estimator in enumerate(estimators):
            try:
                check_parameters(estimator)
                sound.append(i)
            except ValueError as error:
                outcomes[i] = self._failed(error, len(folds))
        populations = list(_populations(estimators, sound, samples, len(folds)))
        n_steps = sum(estimators[members[0]].max_iter for members in populations)
        search = tasks.part("search", n_steps)
        for members in populations:
            some = [estimators[i] for i in members]
            found = self._trained(some, samples, folds, scorer, search)
            for i, fits in zip(members, found, strict=True):
                outcomes[i] = fits
        search.ended(is_fitted=False)
        return outcomes

    def _trained(
        self,
        estimators: list[Any],
        samples: Samples,
        folds: list[Fold],
        scorer: Scorer,
        search: FitTasks,
    ) -> list[list[Outcome]]:
        """How each of a population did; one by one if together they cannot be trained."""
        start = time.perf_counter()
        try:
            network, solution = self._train(estimators, samples, folds, search)
        except ValueError as error:
            if len(estimators) == 1:
                return [self._failed(error, len(folds))]
            return [self._trained([one], samples, folds, scorer, search)[0] for one in estimators]
        fit_time = (time.perf_counter() - start) / (len(estimators) * len(folds))
        outcomes: list[list[Outcome]] = []
        for i, estimator in enumerate(estimators):
            row = partial(self._outcome, estimator, network, solution, scorer, fit_time)
            outcomes.append([row(i * len(folds) + k, k) for k in range(len(folds))])
        return outcomes

    def _failed(self, error: ValueError, n_folds: int) -> list[Outcome]:
        if self.error_score == "raise":
            raise error
        return [Outcome(self.error_score, 0.0, 0.0, str(error))] * n_folds

    def _train(
        self, estimators: list[Any], samples: Samples, folds: list[Fold], search: FitTasks
    ) -> tuple[Network, Solution]:
        """Train candidates on every fold at once, all folds of the first before the second."""
        one = estimators[0]
        network = one._network(samples.X.shape[1], len(samples.targets.classes))
        of_problems = [estimator for estimator in estimators for _ in folds]
        X, dtype = samples.X, compute_dtype(samples.X)
        like = namespace(X).zeros((1, 1), dtype=dtype, device=device(X))
        objective = objective_of(
            one,
            Coordinates(network, samples.X),
            samples.X,
            problems_of(samples, folds) * len(estimators),
            np.asarray([[estimator.alpha] for estimator in of_problems]),
        )
        rates = from_host(np.asarray([*map(_rate, of_problems)]), like=like, dtype=like.dtype)
        parameters = _starts(estimators, network, like, len(folds))
        random_state = check_random_state(one.random_state)

        def step(*_: Any) -> bool:
            try:
                search.finished_step(is_fitted=False)
            except ValueError as error:  # which else would be a candidate's that cannot be trained
                raise _CallbackError(error) from error
            return False

        with threads_that_pay(samples.X, len(of_problems) * network.n_units):
            solution = solve(one, objective, parameters, random_state, step, rate=rates)
        if Status.INTERRUPTED in solution.statuses:
            raise KeyboardInterrupt
        return network, solution

    def _outcome(
        self,
        estimator: Any,
        network: Network,
        solution: Solution,
        scorer: Scorer,
        fit_time: float,
        row: int,
        k: int,
    ) -> Outcome:
        """The outcome of the `row`-th problem, which belongs to the k-th fold."""
        parameters = solution.parameters[row : row + 1, ...]
        try:
            check_finite(estimator, parameters, np.asarray([solution.values[row]]))
        except ValueError as error:
            return self._failed(error, 1)[0]._replace(fit_time=fit_time)
        model, held = clone(estimator), scorer.held_out[k]
        model.classes_, model.n_features_in_ = held.targets.classes, scorer.X.shape[1]
        model.n_iter_, model.loss_curve_ = solution.n_iter[row], solution.curves[row]
        start = time.perf_counter()
        try:
            score = float(scorer(network, parameters, [k], [model])[0, 0])
        except NotANumberError:
            raise
        except Exception as error:
            if self.error_score == "raise":
                raise
            failure = f"{type(error).__name__}: {error}"
            score_time = time.perf_counter() - start
            return Outcome(self.error_score, fit_time, score_time, score_error=failure)
        return Outcome(score, fit_time, time.perf_counter() - start)

    def _report_failures(self, outcomes: list[list[Outcome]]) -> None:
        """Warn of fits that failed, as scikit-learn does; an error if none is left."""
        fits = [each for fits in outcomes for each in fits]
        failed = Counter(each.fit_error for each in fits if each.fit_error)
        if failed.total() == len(fits):
            raise ValueError(f"All the {len(fits)} fits failed.\n{_listed(failed)}")
        if failed:
            warn(
                f"{failed.total()} fits failed out of a total of {len(fits)}. Their score is set "
                f"to {self.error_score}; error_score='raise' makes them an error.\n"
                f"{_listed(failed)}",
                FitFailedWarning,
            )
        unscored = Counter(each.score_error for each in fits if each.score_error)
        if unscored:
            warn(
                f"Scoring failed for {unscored.total()} of {len(fits)} fits. Their score is set "
                f"to {self.error_score}; error_score='raise' makes that an error.\n"
                f"{_listed(unscored)}",
            )

    def _set_results(self, candidates: list[dict[str, Any]], outcomes: list[list[Outcome]]) -> None:
        """``cv_results_`` and what is best, in scikit-learn's own format."""
        rows = [
            {"test_scores": each.score, "fit_time": each.fit_time, "score_time": each.score_time}
            for fits in outcomes
            for each in fits
        ]
        self.n_splits_, self.multimetric_ = len(outcomes[0]), False
        self.cv_results_ = self._format_results(candidates, self.n_splits_, rows)
        self.best_index_ = self._select_best_index(self.refit, "score", self.cv_results_)
        self.best_params_ = candidates[self.best_index_]
        self.best_score_ = self.cv_results_["mean_test_score"][self.best_index_]


def _listed(errors: Counter[str]) -> str:
    return "\n".join(f"{n} times: {error}" for error, n in errors.items())


def _populations(
    estimators: list[Any], sound: list[int], samples: Samples, n_folds: int
) -> Iterator[list[int]]:
    """Indices of `sound` candidates that can be trained together, as many as fit in memory."""
    alike: dict[str, list[int]] = {}
    for i in sound:
        params = estimators[i].get_params(deep=False)
        alike.setdefault(repr([params[k] for k in sorted(params) if k not in BATCHED]), []).append(
            i
        )
    for members in alike.values():
        one = estimators[members[0]]
        network = one._network(samples.X.shape[1], len(samples.targets.classes))
        size = max(1, BATCH_VALUES // (8 * n_folds * network.n_parameters))
        for start in range(0, len(members), size):
            yield members[start : start + size]


def _starts(estimators: list[Any], network: Network, like: Array, n_folds: int) -> Array:
    """(n_problems, n_parameters): what each would draw by itself, for every fold."""
    starts = []
    for estimator in estimators:
        random_state = check_random_state(estimator.random_state)
        starts += [estimator._fresh_parameters(network, random_state, like)] * n_folds
    return namespace(like).concat(starts)


def _rate(estimator: Any) -> float:
    return estimator.learning_rate_init or LEARNING_RATES.get(estimator.solver, 1.0)
