"""Grid search over networks that are trained as one batch."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, ParameterGrid
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from ..arrays import Array, compute_dtype, from_host, namespace
from ..network import Network
from ..places import on_its_device
from ..solvers import Status, minimize
from ..threads import threads_that_pay
from .folds import Fold, split, weights_of
from .mlp import MLPClassifier
from .rules import check_parameters
from .scoring import Scorer, best, scored
from .training import LEARNING_RATES, Samples, check_finite, objective_of, solver_of
from .validation import check_sample_weight, check_X, check_y
from .words import shown

#: Parameters in which the networks of one batch may differ.
BATCHED = ("alpha", "learning_rate_init", "random_state")
#: Parameters, activations and moments of a batch may hold this many values.
BATCH_VALUES = 1 << 27


class BatchedGridSearchCV(GridSearchCV):
    """scikit-learn's GridSearchCV for `MLPClassifier`, with candidates and folds as one batch.

    Candidates that differ only in ``alpha``, ``learning_rate_init`` and ``random_state`` are a
    population of networks: every minibatch serves them all, and those that have converged leave.
    Candidates that differ in anything else make batches of their own.

    A fold's networks see the rows of the shared minibatches that are theirs, so with "sgd" and
    "adam" a run differs from a fit on those rows alone as two shuffles differ; with "lbfgs" and
    "gd" the minimiser is the same.

    Parameters
    ----------
    estimator : an `MLPClassifier`; what the grid does not name stays as it is set there
    param_grid : dict from a parameter's name to its values, or a list of such dicts
    scoring : None or "accuracy", or any one scorer of scikit-learn
    refit : whether to fit all rows with the best candidate
    cv : number of folds (stratified by class), a scikit-learn splitter, or pairs of row indices

    Attributes
    ----------
    cv_results_, best_estimator_, best_score_, best_params_, best_index_, n_splits_,
    refit_time_, classes_, n_features_in_ : as in GridSearchCV; ``mean_fit_time`` is the batch's
        time divided by its problems
    """

    def __init__(
        self,
        estimator: Any,
        param_grid: Any,
        *,
        scoring: Any = None,
        refit: bool = True,
        cv: Any = 5,
    ) -> None:
        super().__init__(estimator, param_grid, scoring=scoring, refit=refit, cv=cv)

    @on_its_device
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None, *, groups: Any = None) -> Any:
        """Train and score every candidate on every fold, then refit the best on all rows.

        Parameters
        ----------
        X, y, sample_weight : as for `MLPClassifier.fit`; a scorer that takes weights has them too
        groups : (n_samples,) for splitters that need them

        Raises
        ------
        TypeError
            If the estimator is no `MLPClassifier`, or `scoring` is more than one scorer.
        ValueError
            If a parameter, X, y, a weight or a fold breaks its rule, a network diverges, or the
            estimator asks for early stopping, which would need rows held out of every fold.
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
        candidates = list(ParameterGrid(self.param_grid))
        estimators = [clone(self.estimator).set_params(**params) for params in candidates]
        for estimator in estimators:
            check_parameters(estimator)
            if estimator.early_stopping:
                raise ValueError("BatchedGridSearchCV needs early_stopping=False; got True.")
        X_checked = check_X(estimators[0], X, reset=True)
        targets = check_y(estimators[0], X_checked, y)
        samples = Samples(X_checked, targets, check_sample_weight(X_checked, sample_weight))
        folds = split(self.cv, samples, groups)
        scores = np.full((len(candidates), len(folds)), np.nan)
        seconds = np.zeros(len(candidates))
        for members in _populations(estimators, samples, len(folds)):
            self._train(estimators, members, samples, folds, scores, seconds)
        self._set_results(candidates, scores, seconds)
        if self.refit:
            start = time.perf_counter()
            self.best_estimator_ = clone(estimators[self.best_index_])
            self.best_estimator_.fit(X, y, sample_weight)
            self.refit_time_ = time.perf_counter() - start
        return self

    @on_its_device
    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """What `scoring` says of the best estimator's predictions; accuracy by default."""
        check_is_fitted(self, "best_estimator_")
        return scored(self.best_estimator_, self.scoring, X, y, sample_weight)

    def _train(
        self,
        estimators: list[Any],
        members: list[int],
        samples: Samples,
        folds: list[Fold],
        scores: np.ndarray,
        seconds: np.ndarray,
    ) -> None:
        """Train the candidates `members` on every fold at once, and record how they did."""
        start = time.perf_counter()
        one = estimators[members[0]]
        network = one._network(samples.X.shape[1], len(samples.targets.classes))
        members_of = [i for i in members for _ in folds]
        like = namespace(samples.X).astype(samples.X[:1, ...], compute_dtype(samples.X))
        objective = objective_of(
            one,
            network,
            samples,
            np.asarray([[estimators[i].alpha] for i in members_of]),
            np.concatenate([weights_of(samples, folds)] * len(members)),
        )
        rates = [_rate(estimators[i]) for i in members_of]
        solver = solver_of(
            one,
            samples.X.shape[0],
            check_random_state(one.random_state),
            rate=from_host(np.asarray(rates), like=like, dtype=like.dtype),
        )
        parameters = _starts([estimators[i] for i in members], network, like, len(folds))
        with threads_that_pay(samples.X, len(members_of) * network.n_units):
            solution = minimize(objective, parameters, solver, max_iter=one.max_iter)
        if Status.INTERRUPTED in solution.statuses:
            raise KeyboardInterrupt
        check_finite(one, solution.parameters)
        models = [clone(estimators[i]) for i in members_of]
        for model, n_iter, curve in zip(models, solution.n_iter, solution.curves, strict=True):
            model.classes_, model.n_features_in_ = samples.targets.classes, samples.X.shape[1]
            model.n_iter_, model.loss_curve_ = n_iter, curve
        scorer, problems = Scorer(models[0], samples, folds, self.scoring, 5), range(len(folds))
        found = scorer(network, solution.parameters, list(problems) * len(members), models)
        scores[members] = np.reshape(found, (len(members), len(folds)))
        seconds[members] = (time.perf_counter() - start) / len(members_of)

    def _set_results(
        self, candidates: list[dict[str, Any]], scores: np.ndarray, seconds: np.ndarray
    ) -> None:
        names = sorted({name for params in candidates for name in params})
        results: dict[str, Any] = {"params": candidates, "mean_fit_time": seconds}
        for name in names:
            column = np.ma.masked_all(len(candidates), dtype=object)
            for i, params in enumerate(candidates):
                if name in params:
                    column[i] = params[name]
            results[f"param_{name}"] = column
        results |= {f"split{k}_test_score": scores[:, k] for k in range(scores.shape[1])}
        mean = scores.mean(axis=1)
        results |= {"mean_test_score": mean, "std_test_score": scores.std(axis=1)}
        known = np.where(np.isnan(mean), -np.inf, mean)
        results["rank_test_score"] = 1 + (known[None, :] > known[:, None]).sum(axis=1)
        self.cv_results_, self.n_splits_, self.multimetric_ = results, scores.shape[1], False
        self.best_index_ = int(best(mean))
        self.best_params_, self.best_score_ = candidates[self.best_index_], mean[self.best_index_]


def _populations(estimators: list[Any], samples: Samples, n_folds: int) -> Iterator[list[int]]:
    """Indices of candidates that can be trained together, as many as fit in memory."""
    alike: dict[str, list[int]] = {}
    for i, estimator in enumerate(estimators):
        params = estimator.get_params(deep=False)
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
