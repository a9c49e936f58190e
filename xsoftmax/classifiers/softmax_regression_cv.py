"""Softmax regression with C chosen by cross-validation, all folds solved as one batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from numbers import Integral
from typing import Any, Self

import numpy as np
from sklearn.metrics import check_scoring, get_scorer
from sklearn.utils import Tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping

from ..arrays import Array, compute_dtype, namespace, on_its_device, threads_that_pay, to_list
from ..model.network import Network
from ..objective.coordinates import Coordinates, coordinates
from ..objective.features import Features
from ..objective.objective import Objective
from ..objective.policy import DEFAULT, Policy
from ..solvers import LBFGS, Solution, Status, fit, follow_path
from .cv_results import CVResults, warn_at_edge
from .folds import Fold, problems_of, split
from .linear import LinearPredictor, penalty_strength
from .problems import check_penalty, objective_of
from .rules import check_parameters
from .samples import Samples, check_held_out
from .scoring import ACCURACY, Routing, Scorer, best, route, scored, scoring_weight, with_labels
from .softmax_regression import SoftmaxRegression
from .training import as_returned, check_finite, warn_unless_converged
from .validation import check_sample_weight, check_X, check_y, classes_for

#: Parameters, directions and memory of a batch may hold this many values; more folds take turns.
BATCH_VALUES = 1 << 27

#: (n_finished, n_problems) -> nothing
Monitor = Callable[[int, int], Any]


class SoftmaxRegressionCV(LinearPredictor):
    """Softmax regression with C chosen by cross-validation, as scikit-learn's LogisticRegressionCV.

    The folds are one batch of problems that share every pass over X. The batch follows the grid
    from the strongest penalty to the weakest, each solution starting from those before it.

    Parameters
    ----------
    Cs : int or sequence of float, default=10
        How many values of C, spaced logarithmically from 1e-4 to 1e4; or the values themselves.
    cv : int, splitter or iterable of (train, test), default=5
        Number of folds (stratified by class), a splitter of scikit-learn, or pairs of row
        indices.
    scoring : str or callable, default=None
        None or "accuracy", which is computed where X lies, or any scorer of scikit-learn, which
        runs on the host.
    refit : bool, default=True
        Whether to fit all rows with the best C. Otherwise ``coef_``, ``intercept_`` and ``C_``
        are means over the folds, each at its own best C.
    fit_intercept : bool, default=True
        Whether there is an intercept.
    class_weight : dict or "balanced", default=None
        The weight of each label; "balanced" counts the training rows of each fold.
    tol : float, default=1e-6
        Each problem stops when its estimate of f - min f is at most tol (f(0) - f), and at most
        tol**0.5 f; f is its objective, f(0) the value where all parameters are 0.
    max_iter : int, default=1000
        The most iterations for each value of C.
    block_rows : int, default=None
        Rows worked on at a time. None lets temporaries fit a processor's cache.

    Attributes
    ----------
    classes_ : array of shape (n_classes,)
        The labels, sorted.
    C_ : float
        The best value: of those with the highest mean score, the first in ``Cs_``.
    Cs_ : ndarray of shape (n_Cs,)
        The values of C, in the order that they were given.
    scores_ : ndarray of shape (n_folds, n_Cs)
        The score of each fold at each C.
    coefs_paths_ : array of shape (n_folds, n_Cs, n_classes, n_features + 1)
        The parameters of each fold at each C, the intercept last (if there is one). For two
        classes the shape is (n_folds, n_Cs, 1, n_features + 1).
    n_iter_ : ndarray of shape (n_folds, n_Cs)
        Iterations done.
    gaps_ : ndarray of shape (n_folds, n_Cs)
        Estimates of (f - min f) / f.
    coef_ : array of shape (n_classes, n_features)
        The weights; of shape (1, n_features) for two classes.
    intercept_ : array of shape (n_classes,)
        The intercepts; of shape (1,) for two classes, and 0 without `fit_intercept`.
    best_estimator_ : SoftmaxRegression
        Fitted to all rows with the best C; only with `refit`.
    n_features_in_ : int
        The number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names; only where X has names that are all strings.

    See Also
    --------
    SoftmaxRegression : With a given C.
    xsoftmax.plots.plot_sweep : Draws ``scores_`` against ``Cs_``.

    Examples
    --------
    >>> from xsoftmax import SoftmaxRegressionCV, datasets
    >>> data = datasets.digits()
    >>> model = SoftmaxRegressionCV(Cs=[0.1, 1.0, 10.0, 100.0])
    >>> model = model.fit(data.X_train, data.y_train)
    >>> model.C_, model.scores_.shape
    (10.0, (5, 4))
    >>> round(model.score(data.X_test, data.y_test), 3)
    0.967
    """

    _policy: Policy = DEFAULT  #: by which fits are planned

    def __init__(
        self,
        Cs: Any = 10,
        *,
        cv: Any = 5,
        scoring: Any = None,
        refit: bool = True,
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
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.tol = tol
        self.max_iter = max_iter
        self.block_rows = block_rows

    @on_its_device
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        groups: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
        monitor: Monitor | None = None,
    ) -> Self:
        """Score every C on every fold, choose one, and refit, where X lies.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Finite real numbers, as for `SoftmaxRegression.fit`.
        y : array-like of shape (n_samples,) or (n_samples, n_classes)
            Labels of any sortable kind, or the probabilities of each class (soft labels).
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights, of the scores too; ones by default.
        groups : array-like of shape (n_samples,), default=None
            The group of each sample, for splitters that need it.
        X_val : array-like of shape (n_val, n_features), default=None
            Rows to choose C on, instead of `cv`. The only fold trains on X and scores these, and
            the refit takes both.
        y_val : array-like of shape (n_val,) or (n_val, n_classes), default=None
            Their labels or probabilities, of classes that occur in `y`.
        sample_weight_val : array-like of shape (n_val,), default=None
            Their weights.
        monitor : callable, default=None
            Called as ``monitor(n_finished, n_problems)`` before the first problem and as problems
            finish; there are n_folds times n_Cs.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter, X, y, a weight or a fold breaks its rule.

        Warns
        -----
        UserWarning
            If the best C is an end of a grid of at least 3 values and no other value scores as
            well: a better one may lie beyond. Also if there are weights and `scoring` takes none.
        ConvergenceWarning
            If problems do not reach `tol`.
        """
        check_parameters(self)
        routing = route(self, sample_weight, groups)
        X = check_X(self, X, reset=True)
        samples = Samples(X, check_y(self, X, y), check_sample_weight(X, sample_weight))
        held_out = check_held_out(self, samples, X_val, y_val, sample_weight_val)
        if held_out is None:
            folds = split(self.cv, samples, routing.groups)
        else:
            samples, folds = _joined(samples, held_out)
        with threads_that_pay(samples.X, len(folds) * len(samples.targets.classes)):
            self._fit(samples, folds, routing, monitor or (lambda *_: None))
        warn_at_edge(self)
        return self

    @on_its_device
    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Score the predictions by `scoring`; accuracy by default.

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
        """
        return scored(self, self, X, y, sample_weight)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.array_api_support = False  # scores_, Cs_ and what goes with them are on the host
        return tags

    def get_metadata_routing(self) -> MetadataRouter:
        """Say who is asked for which metadata: the scorer about weights, the splitter about groups.

        Returns
        -------
        routing : MetadataRouter
            As scikit-learn's ``enable_metadata_routing`` uses it.
        """
        to_scorer = MethodMapping().add(caller="fit", callee="score")
        return (
            MetadataRouter(owner=self)
            .add_self_request(self)
            .add(splitter=self.cv, method_mapping=MethodMapping().add(caller="fit", callee="split"))
            .add(
                scorer=get_scorer(self.scoring or "accuracy"),
                method_mapping=to_scorer.add(caller="score", callee="score"),
            )
        )

    def _fit(self, samples: Samples, folds: list[Fold], routing: Routing, monitor: Monitor) -> Any:
        network = self._network(samples.X.shape[1], len(samples.targets.classes))
        Cs = np.logspace(-4, 4, self.Cs) if isinstance(self.Cs, Integral) else np.asarray(self.Cs)
        features = Features(samples.X)
        space = coordinates(features, network, self._policy, many_passes=True)
        results = self._cross_validate(space, features, samples, folds, Cs, routing, monitor)
        results.warn(self)
        self.classes_ = classes_for(samples.X, samples.targets.classes)
        self.__dict__.pop("best_estimator_", None)
        if self.refit:
            j = int(best(results.scores.mean(axis=0)))
            self.C_ = float(Cs[j])
            start = results.mean([j] * len(folds))
            parameters = self._refit(space, features, samples, start, results)
        else:
            own = best(results.scores)
            self.C_ = float(Cs[own].mean())
            parameters = results.mean(own)
        self._set_layers(network.unpack(parameters))
        self.Cs_, self.scores_ = Cs, results.scores
        self.n_iter_, self.gaps_ = results.n_iter, results.gaps
        self.coefs_paths_ = results.published(network)
        return self

    def _cross_validate(
        self,
        space: Coordinates,
        features: Features,
        samples: Samples,
        folds: list[Fold],
        Cs: np.ndarray,
        routing: Routing,
        monitor: Monitor,
    ) -> CVResults:
        """Every fold at every C."""
        order = np.argsort(Cs, kind="stable")
        results = CVResults(len(folds), len(Cs))
        network = space.full
        X = space.rows(features.working_dtype(self._policy))
        model, classes = self._host_model(samples), samples.targets.classes
        scoring = with_labels(self.scoring, classes)
        scorer = None if scoring in ACCURACY else check_scoring(model, scoring=scoring)
        weight = scoring_weight(routing, scoring, scorer, samples.weight, 6)
        scorer = Scorer(samples, folds, scorer, weight, self._policy)
        of_folds, strength = (
            problems_of(samples, folds),
            penalty_strength(1.0, network.layer_sizes[-1]),
        )
        monitor(0, results.n_problems)
        for problems in _turns(len(folds), network):
            some = of_folds[problems.start : problems.stop]
            unit = objective_of(self, space.network, X, some, strength, features, self._policy)
            for j, solution in zip(order, self._follow(unit, Cs[order]), strict=True):
                objective = _with_C(unit, Cs[j])
                solution = as_returned(objective, space, features, solution, self.tol)
                models = [model] * len(problems)
                scores = scorer(network, solution.parameters, problems, models)
                results.record(problems, int(j), solution, scores)
                monitor(results.n_finished, results.n_problems)
        return results

    def _follow(self, unit: Objective, Cs: np.ndarray) -> Iterator[Solution]:
        """The solutions of the batch at every C, in ascending order."""
        xp = namespace(unit.penalty)
        highest = np.asarray(to_list(xp.max(unit.penalty, axis=1)), dtype=float)
        with np.errstate(over="ignore"):
            for strengths in highest[:, None] / Cs:
                check_penalty(self, "C", Cs, strengths, unit.penalty, 7)
        start = xp.zeros_like(unit.penalty)
        objectives = [_with_C(unit, C) for C in Cs]
        for solution in follow_path(objectives, start, tol=self.tol, max_iter=self.max_iter):
            if Status.INTERRUPTED in solution.statuses:
                raise KeyboardInterrupt
            check_finite(self, solution.parameters)
            yield solution

    def _refit(
        self,
        space: Coordinates,
        features: Features,
        samples: Samples,
        start: Array,
        results: CVResults,
    ) -> Array:
        """The parameters (1, n_parameters) that fit all rows with the chosen C."""
        model = SoftmaxRegression(
            C=self.C_,
            fit_intercept=self.fit_intercept,
            class_weight=self.class_weight,
            tol=self.tol,
            max_iter=self.max_iter,
            block_rows=self.block_rows,
        )
        dtype = features.working_dtype(self._policy)
        X, strength = space.rows(dtype), penalty_strength(self.C_, len(samples.targets.classes))
        start = space.project(namespace(start).astype(start, dtype, copy=False))
        objective = objective_of(
            self, space.network, X, [samples.problem], strength, features, self._policy
        )
        known = results.best_inverse
        solution = fit(objective, start, tol=self.tol, max_iter=self.max_iter, inverse=known)
        if Status.INTERRUPTED in solution.statuses:
            raise KeyboardInterrupt
        check_finite(self, solution.parameters)
        solution = as_returned(objective, space, features, solution, self.tol)
        if not results.n_unconverged:
            warn_unless_converged(model, objective, solution)
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(self, name):
                setattr(model, name, getattr(self, name))
        layers = space.full.unpack(solution.parameters)
        model._publish(layers, self.classes_, solution.n_iter[0], solution.curves[0])
        model.gap_ = solution.gaps[0]
        self.best_estimator_ = model
        return solution.parameters

    def _host_model(self, samples: Samples) -> SoftmaxRegression:
        """A classifier for scorers to ask; its coefficients are set before each question."""
        model = SoftmaxRegression(fit_intercept=self.fit_intercept)
        model.classes_, model.n_features_in_ = samples.targets.classes, samples.X.shape[1]
        return model


def _with_C(unit: Objective, C: float) -> Objective:
    """The objective with this C, where `unit` has C = 1."""
    return replace(unit, penalty=unit.penalty / float(C))


def _joined(samples: Samples, held_out: Samples) -> tuple[Samples, list[Fold]]:
    """All rows, and the one fold that trains on the first and scores the others."""
    xp, parts = namespace(samples.X), [samples.X, held_out.X]
    n_train, n_held_out = (X.shape[0] for X in parts)
    if parts[0].dtype != parts[1].dtype:  # one may hold what the other's dtype cannot
        dtype = xp.result_type(*(compute_dtype(X) for X in parts))
        parts = [xp.astype(X, dtype, copy=False) for X in parts]
    values = np.concatenate([samples.targets.values, held_out.targets.values])
    together = Samples(
        xp.concat(parts),
        samples.targets._replace(values=values),
        np.concatenate([samples.weight, held_out.weight]),
    )
    return together, [Fold(np.arange(n_train), n_train + np.arange(n_held_out))]


def _turns(n_folds: int, network: Network) -> Iterator[range]:
    """Batches of folds that fit in memory together.

    A pair is three vectors, and there are those of the solver, those that it began with, and those
    from before a problem left.
    """
    values = (9 * LBFGS.memory + 12) * network.n_parameters
    size = max(1, min(n_folds, BATCH_VALUES // values))
    for start in range(0, n_folds, size):
        yield range(start, min(start + size, n_folds))
