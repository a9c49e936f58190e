"""Temperatures, by which logits are divided so that probabilities are as sure as they are right.

At inverse temperature b the log loss of held-out logits z with labels y is

    f(b) = sum_i w_i [ logsumexp_k(b z_ik) - b z_iy ]

which is convex: f' = sum_i w_i (E_i - z_iy) and f'' = sum_i w_i V_i, with the mean E_i and the
variance V_i of row i's logits under its probabilities (Guo et al., 2017, arXiv 1706.04599).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..arrays import Array, compiled, namespace, row_slices, to_list
from ..model.losses import probabilities
from ..model.network import Network
from .cv_results import CVResults
from .held_out import Scorer

#: Bounds of the inverse temperature: where all rows are right it has no best value.
LEAST_INVERSE, MOST_INVERSE = 1e-3, 1e3
#: Newton's steps; where one would leave the interval that has the root, that is halved.
N_STEPS = 25


def calibrate(
    scorer: Scorer, results: CVResults, network: Network, problems: Sequence[int], model: Any
) -> np.ndarray:
    """The temperatures (n_Cs,) of the folds of one label set, at every C.

    Scores become those of logits that are divided by them. Scorers on the host ask the `model`.
    """
    xp, n_Cs = namespace(scorer.X), results.scores.shape[1]
    n_rows = sum(len(scorer.held_out[k].rows) for k in problems)
    n_logits = scorer.held_out[problems[0]].n_classes * n_rows
    found: list[float] = []
    for some in row_slices(n_Cs, max(1, scorer.policy.max_kept_logits // n_logits)):
        folds = [
            scorer.logits_of(network, xp.concat(results.parameters[k][some]), k) for k in problems
        ]
        logits = xp.concat([fold.logits for fold in folds], axis=2)
        labels = xp.concat([fold.labels for fold in folds], axis=1)
        weights = xp.concat([fold.weights for fold in folds], axis=1)
        inverse = inverse_temperatures(logits, labels, weights)
        for k, fold in zip(problems, folds, strict=True):
            scaled = fold._replace(logits=fold.logits * inverse[:, None, None])
            results.scores[k, some, :] = scorer.scores_of(scaled, k, results.scores[k, some, :])
        found += to_list(1.0 / inverse)
    if any(scoring.metric is None for scoring in scorer.scorings):
        for j, temperature in enumerate(found):
            model.temperature_ = temperature
            for k in problems:
                parameters, scores = results.parameters[k][j], results.scores[k, j]
                scorer.ask_on_host(network, parameters, k, model, scores)
    return np.asarray(found)


@compiled
def inverse_temperatures(logits: Array, labels: Array, weights: Array) -> Array:
    """(n_problems,): where f' = 0, of logits (n_problems, n_classes, n_samples).

    Labels and weights are (1, n_samples).
    """
    xp = namespace(logits)
    n_problems, _, n_samples = logits.shape
    labels = xp.broadcast_to(labels[:, None, :], (n_problems, 1, n_samples))
    own = xp.take_along_axis(logits, labels, axis=1)[:, 0, :]
    weights = weights / xp.sum(weights)
    one = 1.0 + 0.0 * own[:, 0]
    b, low, high = one, LEAST_INVERSE * one, MOST_INVERSE * one
    for _ in range(N_STEPS):
        p = probabilities(b[:, None, None] * logits)
        mean = xp.sum(p * logits, axis=1)
        apart = logits - mean[:, None, :]
        slope = xp.sum(weights * (mean - own), axis=1)
        curvature = xp.sum(weights * xp.sum(p * apart * apart, axis=1), axis=1)
        low, high = xp.where(slope < 0, b, low), xp.where(slope < 0, high, b)
        step = b - slope / xp.where(curvature > 0, curvature, 1.0)
        inside = (step > low) & (step < high) & (curvature > 0)
        b = xp.where(inside, step, xp.sqrt(low * high))
    return b
