"""Many softmax regressions on the same rows, fitted as one batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..arrays import Array, namespace, row_slices, threads_that_pay
from ..model.network import Network
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
    monitor: Callable[[int, int], Any] = lambda *_: None,
) -> list[SoftmaxRegression]:
    """A fitted `SoftmaxRegression` for each problem, with its C, and the settings of `estimator`.

    `estimator` has the parameters of `SoftmaxRegression` that do not depend on the solver.
    ``monitor(n_finished, n_problems)`` is called as problems finish.
    """
    features, policy = Features(X), getattr(estimator, "_policy", DEFAULT)
    models: dict[int, SoftmaxRegression] = {}
    statuses: list[Status] = []
    gaps: list[float] = []
    for n_classes, alike in by_number_of_classes(problems).items():
        network = Network((X.shape[1], n_classes), "identity", estimator.fit_intercept)
        space = coordinates(features, network, policy, many_passes=True)
        with threads_that_pay(X, len(alike) * n_classes):
            for turn in turns(len(alike), network):
                members = alike[turn]
                some, Cs_of_some = [problems[k] for k in members], [Cs[k] for k in members]
                solution = _solved(estimator, space, features, some, Cs_of_some, policy)
                for row, k in enumerate(members):
                    models[k] = _published(estimator, problems[k], Cs[k], network, solution, row, X)
                statuses += solution.statuses
                gaps += solution.gaps
                monitor(len(models), len(problems))
    n_left = sum(status is not Status.CONVERGED for status in statuses)
    warn_of_problems(estimator, n_left, len(problems), max(gaps))
    return [models[k] for k in range(len(problems))]


def by_number_of_classes(problems: Sequence[Problem]) -> dict[int, list[int]]:
    """Which problems have so many classes: these are a batch."""
    found: dict[int, list[int]] = {}
    for k, problem in enumerate(problems):
        found.setdefault(len(problem.targets.classes), []).append(k)
    return found


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
    n_classes = space.full.layer_sizes[-1]
    strength = [penalty_strength(C, n_classes) for C in Cs]
    objective = objective_of(
        estimator, space, X, problems, np.asarray(strength)[:, None], features, policy
    )
    start = namespace(X).zeros_like(objective.penalty)
    solution = fit(objective, start, tol=estimator.tol, max_iter=estimator.max_iter)
    check_solution(estimator, solution)
    return as_returned(objective, space, features, solution, estimator.tol)


def _published(
    estimator: Any,
    problem: Problem,
    C: float,
    network: Network,
    solution: Solution,
    row: int,
    X: Array,
) -> SoftmaxRegression:
    """The model of one problem."""
    names = SoftmaxRegression().get_params().keys() & estimator.get_params().keys()
    settings = {name: getattr(estimator, name) for name in names}
    model = SoftmaxRegression(**{**settings, "C": float(C)})
    for name in ("n_features_in_", "feature_names_in_"):
        if hasattr(estimator, name):
            setattr(model, name, getattr(estimator, name))
    layers = network.unpack(solution.parameters[row : row + 1, ...])
    classes = classes_for(X, problem.targets.classes)
    model._publish(layers, classes, solution.n_iter[row], solution.curves[row])
    model.gap_, model.t_ = solution.gaps[row], 0
    return model


def turns(n_problems: int, network: Network) -> Iterator[slice]:
    """Batches of problems that fit in memory together.

    A pair is three vectors, and there are those of the solver, those that it began with, and those
    from before a problem left.
    """
    values = (9 * LBFGS.memory + 12) * network.n_parameters
    return row_slices(n_problems, max(1, BATCH_VALUES // values))
