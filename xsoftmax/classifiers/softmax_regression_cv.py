"""Softmax regression with C chosen by cross-validation, all folds solved as one batch."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Self

import numpy as np
from sklearn.utils import Tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping

from ..arrays import (
    Array,
    block_values,
    compute_dtype,
    namespace,
    on_its_device,
    threads_that_pay,
)
from ..curvature import InverseHessian
from ..model.network import Network
from ..objective.coordinates import Coordinates, coordinates
from ..objective.features import Features
from ..objective.policy import DEFAULT, Policy
from ..solvers import fit
from ..sources import ClusterRows, RowsLike, Stacked, as_source, is_source
from .calibration import calibrate
from .cross_validation import Monitor, choice, cross_validate, deciding_score, grid_of, host_model
from .cv_results import CVResults, warn_at_edge
from .folds import Fold, problems_of, split
from .held_out import HeldOut, LeaveOneOutScorer, Scorer
from .linear import LinearPredictor, penalty_strength
from .prior import from_prior
from .problems import Problem, objective_of
from .resuming import resuming
from .rules import check_parameters
from .samples import Samples, check_held_out
from .scoring import (
    Routing,
    Scoring,
    best,
    named,
    route,
    scored,
    scorer_for_routing,
    scores_of,
    scorings_of,
)
from .softmax_regression import SoftmaxRegression
from .tasks import CallbackSupportMixin, FitTasks, with_callbacks
from .training import as_returned, check_solution, warn_unless_converged
from .validation import (
    check_offset,
    check_range,
    check_sample_weight,
    check_X,
    check_y,
    classes_for,
)


class SoftmaxRegressionCV(CallbackSupportMixin, LinearPredictor):
    """Softmax regression with C chosen by cross-validation, as scikit-learn's LogisticRegressionCV.

    The folds are one batch of problems that share every pass over X. The batch follows the grid
    from the strongest penalty to the weakest, each solution starting from those before it.

    Parameters
    ----------
    Cs : int or sequence of float, default=10
        How many values of C, spaced logarithmically from 1e-4 to 1e4; or the values themselves.
    cv : int, splitter, iterable of (train, test) or "leave-one-out", default=5
        Number of folds (stratified by class), a splitter of scikit-learn, or pairs of row
        indices. With "leave-one-out" all rows are fitted, once at each C, and one Newton step per
        row tells how it would be predicted without it; the Hessian must be small enough for that.
    scoring : str, callable, list or dict, default=None
        What C is chosen by, accuracy by default, or several scores by name. Those of
        `xsoftmax.metrics.score` are computed where X lies, any other scorer of scikit-learn runs
        on the host.
    refit : bool or str, default=True
        Whether to fit all rows with the best C. Otherwise ``coef_``, ``intercept_`` and ``C_``
        are means over the folds, each at its own best C. Of several scores the first one
        chooses, or the one that is named here. With "one_se" it is the strongest penalty whose
        mean score is at most one standard error below the best.
    calibration : {"temperature"}, default=None
        With "temperature" the probabilities of predictions are calibrated: logits are divided by
        the number with the least log loss of held-out rows, found at every C. Scores such as
        "neg_log_loss" are those of calibrated probabilities then.
    fit_intercept : bool, default=True
        Whether there is an intercept.
    class_weight : dict or "balanced", default=None
        The weight of each label; "balanced" counts the training rows of each fold.
    coef_prior : tuple of arrays (W0, b0), default=None
        A classifier to stay near, as in `SoftmaxRegression`.
    tol : float, default=1e-6
        Each problem stops when twice its estimate of f - min f is at most tol (f(0) - f), and
        at most tol**0.5 f; f is its objective, f(0) the value where all parameters are 0.
    max_iter : int, default=1000
        The most iterations for each value of C.
    block_rows : int, default=None
        Rows worked on at a time. None lets temporaries fit a processor's cache.

    Attributes
    ----------
    classes_ : array of shape (n_classes,)
        The labels, sorted.
    C_ : float
        The chosen value: of those with the highest mean score, the first in ``Cs_``.
    Cs_ : ndarray of shape (n_Cs,)
        The values of C, in the order that they were given.
    scores_ : ndarray of shape (n_folds, n_Cs)
        The score of each fold at each C; of several scores a dict of such arrays by their names.
    coefs_paths_ : array of shape (n_folds, n_Cs, n_classes, n_features + 1)
        The parameters of each fold at each C, the intercept last (if there is one). For two
        classes the shape is (n_folds, n_Cs, 1, n_features + 1).
    temperature_ : float
        What logits are divided by in `predict_proba`; only with `calibration`.
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
    feature_names_in_ : ndarray of shape (n_features,)
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

    C_: float
    Cs_: np.ndarray
    scores_: Any
    coefs_paths_: Array
    temperature_: float
    n_iter_: np.ndarray
    gaps_: np.ndarray
    best_estimator_: SoftmaxRegression
    n_features_in_: int

    def __init__(
        self,
        Cs: Any = 10,
        *,
        cv: Any = 5,
        scoring: Any = None,
        refit: Any = True,
        calibration: Any = None,
        fit_intercept: bool = True,
        class_weight: Any = None,
        coef_prior: Any = None,
        tol: float = 1e-6,
        max_iter: int = 1000,
        block_rows: int | None = None,
    ) -> None:
        self.Cs = Cs
        self.cv = cv
        self.scoring = scoring
        self.refit = refit
        self.calibration = calibration
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.coef_prior = coef_prior
        self.tol = tol
        self.max_iter = max_iter
        self.block_rows = block_rows

    @with_callbacks
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
        offset: Any = None,
        offset_val: Any = None,
        monitor: Monitor | None = None,
        checkpoint: Any = None,
        checkpoint_every: float = 60.0,
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
            the refit takes both, where they lie: they are not copied together if they are many.
        y_val : array-like of shape (n_val,) or (n_val, n_classes), default=None
            Their labels or probabilities, of classes that occur in `y`.
        sample_weight_val : array-like of shape (n_val,), default=None
            Their weights.
        offset : array of shape (n_samples, n_classes), default=None
            What is added to the logits, where X lies; classes are sorted. Pass that of other rows
            to `predict` too. Scorers on the host know no offset.
        offset_val : array of shape (n_val, n_classes), default=None
            That of the rows to choose C on.
        monitor : callable, default=None
            Called as ``monitor(n_finished, n_problems)`` before the first problem and as problems
            finish; there are n_folds times n_Cs.
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
        given = X, y, sample_weight
        X = check_X(self, X, reset=True)
        targets = check_y(self, X, y)
        added = check_offset(self, X, offset, len(targets.classes))
        samples = Samples(X, targets, check_sample_weight(X, sample_weight), added)
        held_out = check_held_out(self, samples, X_val, y_val, sample_weight_val, offset_val)
        if held_out is not None:
            check_range(self, held_out.X, compute_dtype(X), "X_val")
        if isinstance(self.cv, str):  # "leave-one-out"
            if held_out is not None:
                raise ValueError("cv='leave-one-out' holds no X_val out; pass an int as cv.")
            rows = np.arange(X.shape[0])
            folds = [Fold(rows, rows)]
        elif held_out is None:
            folds = split(self.cv, samples, routing.groups)
        else:
            folds = [Fold(np.arange(X.shape[0]), np.arange(held_out.X.shape[0]))]
        parts = [samples] if held_out is None else [samples, held_out]
        Xs, others = [part.X for part in parts], [part[1:] for part in parts]
        resumed = resuming(self, checkpoint, checkpoint_every, Xs, others, folds)
        tasks = FitTasks.of_fit(self, *given, n_steps=len(folds) * len(grid_of(self.Cs)))
        with threads_that_pay(X, len(folds) * len(samples.targets.classes)), resumed:
            self._fit(samples, held_out, folds, routing, tasks.counting(monitor))
        tasks.ended()
        return self

    @on_its_device
    def score(self, X: Any, y: Any, sample_weight: Any = None, offset: Any = None) -> float:
        """Score the predictions by `scoring`; accuracy by default.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows, in the library and on the device of the fitted parameters.
        y : array-like of shape (n_samples,) or (n_samples, n_classes)
            Labels, or probabilities, of which the most probable class is the label.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights.
        offset : array of shape (n_samples, n_classes), default=None
            What is added to the logits, where the model was fitted with an offset.

        Returns
        -------
        score : float
            What the scorer returns; a fraction for accuracy.
        """
        asked = list(named(self.scoring).values())
        scoring = asked[self._deciding] if self._deciding < len(asked) else asked[0]
        return scored(self, scoring, self, X, y, sample_weight, offset)

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
            .add(
                splitter=None if isinstance(self.cv, str) else self.cv,
                method_mapping=MethodMapping().add(caller="fit", callee="split"),
            )
            .add(
                scorer=scorer_for_routing(self.scoring),
                method_mapping=to_scorer.add(caller="score", callee="score"),
            )
        )

    def _fit(
        self,
        samples: Samples,
        held_out: Samples | None,
        folds: list[Fold],
        routing: Routing,
        monitor: Monitor,
    ) -> Any:
        """The only fold tests the samples that are `held_out`, if there are any."""
        classes = samples.targets.classes
        network = self._network(samples.X.shape[1], len(classes))
        Cs, problems = grid_of(self.Cs), problems_of(samples, folds)
        tested = samples if held_out is None else held_out
        model = host_model(self, samples.X.shape[1], problems[0])
        scorings = scorings_of(self.scoring, model, classes, routing, tested.weight)
        self._deciding = deciding_score(self, [scoring.name for scoring in scorings], len(folds))
        scorer = self._scorer(tested, folds, scorings, held_out is not None)
        space, features, offset = self._seen(network, [samples])
        results = cross_validate(self, space, features, problems, Cs, scorer, monitor, True, offset)
        results.warn(self)
        self.classes_ = classes_for(samples.X, classes)
        for name in ("best_estimator_", "temperature_"):
            self.__dict__.pop(name, None)
        if isinstance(scorer, Scorer) and self.calibration is not None:
            temperatures = calibrate(scorer, results, network, range(len(folds)), model)
        scores = results.scores[:, :, self._deciding]
        if self.refit:
            j = choice(scores, Cs, self.refit)
            self.C_ = float(Cs[j])
            start = results.mean([j] * len(folds))
            if held_out is None:
                seen, known = (space, features, offset), results.best_inverse
                parameters = self._refit([samples], *seen, start, known, results)
            else:
                parts = _few_parts(samples, held_out, self._policy)
                parameters = self._refit(parts, *self._seen(network, parts), start, None, results)
            if self.calibration is not None:
                self.temperature_ = float(temperatures[j])
                self.best_estimator_.temperature_ = self.temperature_
        else:
            own = best(scores)
            self.C_ = float(Cs[own].mean())
            parameters = results.mean(own)
        self._set_layers(network.unpack(parameters))
        self.Cs_, self.scores_ = Cs, scores_of(results.scores, scorings, self.scoring)
        self.n_iter_, self.gaps_ = results.n_iter, results.gaps
        self.coefs_paths_ = results.published(network)
        warn_at_edge(self, scores)
        return self

    def _scorer(
        self, tested: Samples, folds: list[Fold], scorings: list[Scoring], reads_all: bool
    ) -> Scorer | LeaveOneOutScorer:
        if not isinstance(self.cv, str):
            known = tested.targets, tested.weight
            held_out = [HeldOut(*known, fold.test, scorings) for fold in folds]
            together = reads_all or is_source(tested.X)
            return Scorer(tested.X, held_out, together, self._policy, tested.offset)
        if self.calibration is not None:
            raise ValueError("calibration='temperature' needs folds, not cv='leave-one-out'.")
        if tested.targets.is_soft:
            raise ValueError("cv='leave-one-out' needs labels, but y holds probabilities.")
        return LeaveOneOutScorer(self, tested, scorings)

    def _seen(
        self, network: Network, parts: list[Samples]
    ) -> tuple[Coordinates, Features, Array | None]:
        """How rows in one or several arrays are seen best: coordinates, features and an offset."""
        first, *others = parts
        features, policy = Features(first.X), self._policy
        for part in others:
            features = features.with_rows(Features(part.X))
            policy = replace(policy, max_rows_of_row_space=0)  # it is that of one array
        origin, offset = from_prior(self, network, first)
        if offset is not None and others:
            offsets = [offset, *(from_prior(self, network, part)[1] for part in others)]
            offset = namespace(offset).concat(offsets)
        space = coordinates(features, network, policy, many_passes=not others)
        return origin.then(space), features, offset

    def _refit(
        self,
        parts: list[Samples],
        space: Coordinates,
        features: Features,
        offset: Array | None,
        start: Array,
        known: InverseHessian | None,
        results: CVResults,
    ) -> Array:
        """The parameters (1, n_parameters) that fit all rows of all parts with the chosen C."""
        model = SoftmaxRegression(
            C=self.C_,
            fit_intercept=self.fit_intercept,
            class_weight=self.class_weight,
            coef_prior=self.coef_prior,
            tol=self.tol,
            max_iter=self.max_iter,
            block_rows=self.block_rows,
        )
        dtype = features.working_dtype(self._policy, 1)
        X, targets = space.rows(dtype), parts[0].targets
        if len(parts) > 1:
            others = [space.see(part.X) for part in parts[1:]]
            X = Stacked([as_source(each) for each in (X, *others)])
            values = np.concatenate([part.targets.values for part in parts])
            targets = targets._replace(values=values)
        problem = Problem(targets, np.concatenate([part.weight for part in parts]))
        strength = penalty_strength(self.C_, len(targets.classes))
        start = space.project(namespace(start).astype(start, dtype, copy=False))
        given = self, space, X, [problem], strength
        objective = objective_of(*given, features, self._policy, offset)
        solution = fit(objective, start, tol=self.tol, max_iter=self.max_iter, inverse=known)
        check_solution(self, solution)
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


def _few_parts(samples: Samples, held_out: Samples, policy: Policy) -> list[Samples]:
    """Both, or if they are few one array of both: what is made for many rows costs more then."""
    if isinstance(samples.X, ClusterRows) and isinstance(held_out.X, ClusterRows):
        return [_joined(samples.X.with_rows(held_out.X), samples, held_out)]
    if is_source(samples.X) or is_source(held_out.X):
        return [samples, held_out]
    parts = [samples.X, held_out.X]
    n_rows, n_values = sum(X.shape[0] for X in parts), sum(X.shape[0] * X.shape[1] for X in parts)
    if n_values > block_values(samples.X) and n_rows > policy.max_rows_of_row_space:
        return [samples, held_out]
    xp = namespace(samples.X)
    if parts[0].dtype != parts[1].dtype:  # one may hold what the other's dtype cannot
        dtype = xp.result_type(*(compute_dtype(X) for X in parts))
        parts = [xp.astype(X, dtype, copy=False) for X in parts]
    return [_joined(xp.concat(parts), samples, held_out)]


def _joined(X: RowsLike, samples: Samples, held_out: Samples) -> Samples:
    """Rows X of both, one after the other."""
    offset, xp = samples.offset, namespace(X)
    if offset is not None:
        offset = xp.concat([offset, xp.astype(held_out.offset, offset.dtype, copy=False)])
    values = np.concatenate([samples.targets.values, held_out.targets.values])
    weight = np.concatenate([samples.weight, held_out.weight])
    return Samples(X, samples.targets._replace(values=values), weight, offset)
