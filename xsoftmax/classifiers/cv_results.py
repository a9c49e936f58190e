"""What a sweep over C learns."""

from __future__ import annotations

from math import log10
from typing import Any

import numpy as np

from ..arrays import Array, namespace
from ..curvature import InverseHessian
from ..model.network import Network
from ..solvers import Solution, Status
from .linear import published
from .training import warn_of_problems
from .words import warn


class CVResults:
    """What is known of each problem of a batch at each C."""

    def __init__(
        self, n_problems: int, n_Cs: int, n_scorings: int, keeps_parameters: bool = True
    ) -> None:
        self.scores = np.full((n_problems, n_Cs, n_scorings), np.nan)
        self.gaps = np.full((n_problems, n_Cs), np.inf)
        self.n_iter = np.zeros((n_problems, n_Cs), dtype=int)
        self.parameters: list[list[Any]] = [[None] * n_Cs for _ in range(n_problems)]
        self.keeps_parameters = keeps_parameters
        self.best_score = -np.inf
        self.best_inverse: InverseHessian | None = None  #: of the batch with that score
        self.n_finished, self.n_problems, self.n_unconverged = 0, n_problems * n_Cs, 0

    def record(
        self,
        problems: slice,
        j: int,
        solution: Solution,
        scores: np.ndarray,
        deciding: int = 0,
    ) -> None:
        """The outcome of some problems at the j-th C; the `deciding` score counts."""
        if np.mean(scores[:, deciding]) > self.best_score:
            self.best_score = float(np.mean(scores[:, deciding]))
            self.best_inverse = solution.warm_start.inverse
        self.scores[problems, j], self.gaps[problems, j] = scores, solution.gaps
        self.n_iter[problems, j] = solution.n_iter
        if self.keeps_parameters:
            for row, k in enumerate(range(problems.start, problems.stop)):
                self.parameters[k][j] = solution.parameters[row : row + 1, ...]
        self.n_finished += len(solution.statuses)
        self.n_unconverged += sum(status != Status.CONVERGED for status in solution.statuses)

    def mean(self, at: Any) -> Array:
        """(1, n_parameters): the mean over the folds, the k-th at the `at[k]`-th C."""
        chosen = [path[j] for path, j in zip(self.parameters, at, strict=True)]
        xp = namespace(chosen[0])
        return xp.mean(xp.concat(chosen), axis=0, keepdims=True)

    def published(self, network: Network) -> Array:
        """(n_folds, n_Cs, n_classes, n_features + 1)."""
        xp = namespace(self.parameters[0][0])
        folds = []
        for path in self.parameters:
            coef, intercept = published(network.unpack(xp.concat(path)))
            if network.fit_intercept:
                coef = xp.concat([coef, xp.expand_dims(intercept, axis=2)], axis=2)
            folds.append(coef)
        return xp.stack(folds)

    def warn(self, estimator: Any) -> None:
        """One warning for all problems that did not converge."""
        gap = float(self.gaps.max())
        warn_of_problems(estimator, self.n_unconverged, self.n_problems, gap)


def warn_at_edge(estimator: Any, scores: np.ndarray) -> None:
    """A warning if `scores` (n_folds, n_Cs) are best at an end of the grid, and nowhere else.

    That is the best C of all folds, or without `refit` of each fold. A grid of one or two values
    has no inside that could be better, and a score that is flat up to the end may stay so.
    """
    Cs = estimator.Cs_
    rows = scores.mean(axis=0, keepdims=True) if estimator.refit else scores
    smallest, largest = float(np.min(Cs)), float(np.max(Cs))
    if len(np.unique(Cs)) < 3 or np.isnan(rows).all(axis=1).any():
        return
    best_anywhere = np.concatenate([Cs[row == np.nanmax(row)] for row in rows])
    for end, side, step in ((smallest, "smallest", -1), (largest, "largest", 1)):
        if np.all(best_anywhere == end):
            width = max(1.0, log10(largest / smallest) / 2)
            low, high = sorted([log10(end), log10(end) + step * width])
            warn(
                f"{type(estimator).__name__}: the best C_={estimator.C_:.4g} is the {side} of the "
                "grid; a better one may lie beyond it. Try "
                f"Cs=np.logspace({low:.4g}, {high:.4g}, {len(Cs)}), on the command line --Cs "
                f"{10**low:.4g}:{10**high:.4g}:{len(Cs)}.",
            )
