"""Many softmax regressions on the same rows, fitted as one batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..arrays import Array, namespace, row_slices, threads_that_pay
from ..model.network import Layer, Network
from ..objective.coordinates import Coordinates, coordinates
from ..objective.features import Features
from ..objective.policy import DEFAULT, Policy
from ..solvers import LBFGS, Solution, Status, fit
from .linear import penalty_strength
from .problems import Problem, objective_of
from .softmax_regression import SoftmaxRegression
from .training import as_returned, check_solution, warn_of_problems
from .validation import classes_for

#: Parameters, directions and memory of a batch may hold this many values; other problems wait.
BATCH_VALUES = 1 << 27


def fit_batch(
    estimator: Any,
    X: Array,
    problems: Sequence[Problem],
    Cs: Sequence[float],
    stacklevel: int = 5,
) -> list[SoftmaxRegression]:
    """A fitted `SoftmaxRegression` for each problem, with its C, and the settings of `estimator`.

    `estimator` has the parameters of `SoftmaxRegression` that do not depend on the solver. A
    warning names the caller at `stacklevel`.
    """
    most = max(len(problem.targets.classes) for problem in problems)
    network = Network((X.shape[1], most), "identity", estimator.fit_intercept)
    features, policy = Features(X), getattr(estimator, "_policy", DEFAULT)
    space = coordinates(features, network, policy, many_passes=True)
    models: list[SoftmaxRegression] = []
    statuses: list[Status] = []
    gaps: list[float] = []
    with threads_that_pay(X, len(problems) * most):
        for some in turns(len(problems), network):
            solution = _solved(estimator, space, features, problems[some], Cs[some], policy)
            layers = network.unpack(solution.parameters)
            known = zip(problems[some], Cs[some], strict=True)
            models += [
                _published(estimator, problem, C, layers, solution, row, X)
                for row, (problem, C) in enumerate(known)
            ]
            statuses += solution.statuses
            gaps += solution.gaps
    n_left = sum(status is not Status.CONVERGED for status in statuses)
    warn_of_problems(estimator, n_left, len(problems), max(gaps), stacklevel)
    return models


def _solved(
    estimator: Any,
    space: Coordinates,
    features: Features,
    problems: Sequence[Problem],
    Cs: Sequence[float],
    policy: Policy,
) -> Solution:
    """The minima of all features."""
    X = space.rows(features.working_dtype(policy, len(problems)))
    n_classes = [len(problem.targets.classes) for problem in problems]
    strength = [penalty_strength(C, n) for C, n in zip(Cs, n_classes, strict=True)]
    objective = objective_of(
        estimator, space.network, X, problems, np.asarray(strength)[:, None], features, policy
    )
    start = namespace(X).zeros_like(objective.penalty)
    solution = fit(objective, start, tol=estimator.tol, max_iter=estimator.max_iter)
    check_solution(estimator, solution)
    return as_returned(objective, space, features, solution, estimator.tol)


def _published(
    estimator: Any,
    problem: Problem,
    C: float,
    layers: list[Layer],
    solution: Solution,
    row: int,
    X: Array,
) -> SoftmaxRegression:
    """The model of one problem, with no classes but its own."""
    names = SoftmaxRegression().get_params().keys() & estimator.get_params().keys()
    settings = {name: getattr(estimator, name) for name in names}
    model = SoftmaxRegression(**{**settings, "C": float(C)})
    for name in ("n_features_in_", "feature_names_in_"):
        if hasattr(estimator, name):
            setattr(model, name, getattr(estimator, name))
    classes = problem.targets.classes
    own = [own_classes(layer, row, len(classes)) for layer in layers]
    model._publish(own, classes_for(X, classes), solution.n_iter[row], solution.curves[row])
    model.gap_, model.t_ = solution.gaps[row], 0
    return model


def own_classes(layer: Layer, row: int, n_classes: int) -> Layer:
    """The first classes of one problem, which sum to zero."""
    xp, (W, b) = namespace(layer[0]), layer
    W = W[row : row + 1, :n_classes, :]
    W = W - xp.mean(W, axis=1, keepdims=True)
    if b is not None:
        b = b[row : row + 1, :n_classes]
        b = b - xp.mean(b, axis=1, keepdims=True)
    return W, b


def turns(n_problems: int, network: Network) -> Iterator[slice]:
    """Batches of problems that fit in memory together.

    A pair is three vectors, and there are those of the solver, those that it began with, and those
    from before a problem left.
    """
    values = (9 * LBFGS.memory + 12) * network.n_parameters
    return row_slices(n_problems, max(1, BATCH_VALUES // values))
