"""Every C on every fold: folds are problems of a batch, which follows the grid of C."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from numbers import Integral
from typing import Any

import numpy as np

from ..arrays import Array, from_host, namespace, row_slices, to_list
from ..objective.coordinates import Coordinates
from ..objective.features import Features
from ..objective.objective import Objective
from ..solvers import Solution, fit, follow_path
from ..sources import current_checkpoint
from .batch import turns
from .cv_results import CVResults
from .held_out import LeaveOneOutScorer, Scorer
from .linear import penalty_strength
from .problems import Problem, check_penalty, objective_of
from .scoring import best
from .softmax_regression import SoftmaxRegression
from .training import as_returned, check_solution

#: (n_finished, n_problems) -> nothing
Monitor = Callable[[int, int], Any]


def cross_validate(
    estimator: Any,
    space: Coordinates,
    features: Features,
    problems: Sequence[Problem],
    Cs: np.ndarray,
    scorer: Scorer | LeaveOneOutScorer,
    monitor: Monitor,
    keeps_parameters: bool = False,
    offset: Array | None = None,
) -> CVResults:
    """Every problem at every C, scored on what it holds out; all have as many classes.

    An `offset` (n_samples, n_classes) is added to the logits that are fitted; the `scorer` has that
    of the expanded parameters.
    """
    network, policy = space.full, estimator._policy
    order = np.argsort(Cs, kind="stable")
    results = CVResults(len(problems), len(Cs), len(scorer.scorings), keeps_parameters)
    n_features, _ = network.layer_sizes
    models = [host_model(estimator, n_features, problem) for problem in problems]
    monitor(0, results.n_problems)
    for turn in turns(len(problems), network):
        some = problems[turn]
        X = space.rows(features.working_dtype(policy, len(some)))
        strength = penalty_strength(1.0, network.layer_sizes[-1])
        unit = objective_of(estimator, space, X, some, strength, features, policy, offset)
        # A pass over rows in files or on a cluster costs more than what is computed with them.
        solve = _follow if unit.rows.source.has_random_access else _all_at_once
        for j, solution in zip(order, solve(estimator, unit, Cs[order]), strict=True):
            objective = _with_C(unit, Cs[j])
            solution = as_returned(objective, space, features, solution, estimator.tol)
            members = range(turn.start, turn.stop)
            asked = network, solution.parameters, members, models[turn], float(Cs[j])
            scores = _remembered(partial(scorer, *asked), solution.parameters, members, Cs[j])
            results.record(turn, int(j), solution, scores, estimator._deciding)
            monitor(results.n_finished, results.n_problems)
    return results


def _remembered(score: Callable[[], np.ndarray], *given: Any) -> np.ndarray:
    """The scores, which a checkpoint keeps."""
    checkpoint = current_checkpoint()
    if checkpoint is None:
        return score()
    scores: np.ndarray = np.asarray(checkpoint.remembered(score, "scores", *given))
    return scores


def grid_of(Cs: Any) -> np.ndarray:
    """The values of C in the order that they are given, or so many of them."""
    return np.logspace(-4, 4, Cs) if isinstance(Cs, Integral) else np.asarray(Cs)


def deciding_score(estimator: Any, names: list[str], n_folds: int) -> int:
    """Which of the scores chooses C.

    Raises
    ------
    ValueError
        If `refit` names none of them, or needs several folds and there is one.
    """
    refit = estimator.refit
    if estimator.calibration is not None and refit is False:
        raise ValueError(
            f"{type(estimator).__name__}(calibration='temperature') needs refit=True: a model to "
            "predict with."
        )
    if not isinstance(refit, str):
        return 0
    if refit == "one_se":
        if n_folds < 2:
            raise ValueError(
                f"{type(estimator).__name__}(refit='one_se') needs at least two folds to tell "
                "standard errors by; there is one. Choose refit=True, or more folds."
            )
        return 0
    if refit not in names:
        raise ValueError(
            f"{type(estimator).__name__}(refit={refit!r}) must be True, False, 'one_se' or one of "
            f"the scores, {', '.join(map(repr, names))}."
        )
    return names.index(refit)


def choice(scores: np.ndarray, Cs: np.ndarray, refit: Any) -> int:
    """Which C the `scores` (n_folds, n_Cs) choose.

    The best mean; or with "one_se" the smallest C whose mean is at most one standard error of the
    best one below it (Breiman, Friedman, Olshen and Stone, 1984, section 3.4.3).
    """
    means = scores.mean(axis=0)
    j = int(best(means))
    if refit != "one_se" or np.isnan(means[j]):
        return j
    error = scores[:, j].std(ddof=1) / np.sqrt(len(scores))
    good = np.flatnonzero(means >= means[j] - error)
    return int(good[np.argmin(Cs[good])])


def host_model(estimator: Any, n_features: int, problem: Problem) -> SoftmaxRegression:
    """A classifier for scorers to ask; its coefficients are set before each question."""
    model = SoftmaxRegression(fit_intercept=estimator.fit_intercept)
    model.classes_, model.n_features_in_ = problem.targets.classes, n_features
    return model


def _with_C(unit: Objective, C: float) -> Objective:
    """The objective with this C, where `unit` has C = 1."""
    return replace(unit, penalty=unit.penalty / float(C))


def _check_penalties(estimator: Any, unit: Objective, Cs: np.ndarray) -> None:
    """Refuse values of C, and warn of some, as `check_penalty` does."""
    highest = np.asarray(to_list(namespace(unit.penalty).max(unit.penalty, axis=1)), dtype=float)
    with np.errstate(over="ignore"):
        for strengths in highest[:, None] / Cs:
            check_penalty(estimator, "C", Cs, strengths, unit.penalty)


def _follow(estimator: Any, unit: Objective, Cs: np.ndarray) -> Iterator[Solution]:
    """The solutions of the batch at every C, in ascending order."""
    _check_penalties(estimator, unit, Cs)
    start, settings = namespace(unit.penalty).zeros_like(unit.penalty), {
        "tol": estimator.tol, "max_iter": estimator.max_iter
    }  # fmt: skip
    for solution in follow_path([_with_C(unit, C) for C in Cs], start, **settings):
        check_solution(estimator, solution)
        yield solution


def _all_at_once(estimator: Any, unit: Objective, Cs: np.ndarray) -> Iterator[Solution]:
    """The same, where as many values of C as fit in memory are one batch.

    One spectrum serves all of their penalties.
    """
    _check_penalties(estimator, unit, Cs)
    n, policy = unit.n_problems, replace(unit.policy, inverts_classes=False)
    at_once = next(turns(len(Cs) * n, unit.network)).stop
    for some in row_slices(len(Cs), max(1, at_once // n)):
        of_C = Cs[some].repeat(n)
        batch = unit.select(list(range(n)) * len(Cs[some]))
        divisor = from_host(of_C[:, None], like=batch.penalty, dtype=batch.penalty.dtype)
        batch = replace(batch, penalty=batch.penalty / divisor, policy=policy)
        start = namespace(divisor).zeros_like(batch.penalty)
        solution = fit(batch, start, tol=estimator.tol, max_iter=estimator.max_iter)
        check_solution(estimator, solution)
        for rows in row_slices(len(of_C), n):
            some_lists = {name: getattr(solution, name)[rows] for name in Solution._fields[1:-1]}
            yield solution._replace(parameters=solution.parameters[rows, ...], **some_lists)
