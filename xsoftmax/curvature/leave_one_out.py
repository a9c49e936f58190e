"""What the exact Hessian of softmax regression knows besides a step: rows left out, and errors.

With s_i the weight of row i, p_i its probabilities, t_i its target and x_i the row (with a 1 for
the intercept), one Newton step on the objective without row i changes its own logits by

    s_i A_i (I - s_i S_i A_i)^-1 (p_i - t_i),    A_i = x_i' H^-1 x_i,    S_i = diag(p_i) - p_i p_i'

(Cook and Weisberg, 1982, "Residuals and influence in regression", chapter 5). All is computed where
classes sum to zero.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ..arrays import Array, namespace
from ..model.losses import indicators, probabilities
from ..objective.line_restriction import Iterate, logits_at
from ..objective.objective import Objective
from .exact import design_of, exact_inverse, helmert
from .linear_algebra import diagonal_matrix


class _Rows(NamedTuple):
    """Some rows, where classes sum to zero; m rows of d inputs, and k = n_classes - 1."""

    X: Array  #: (m, d), from the center, with a 1 for the intercept
    logits: Array  #: (n_classes, m)
    p: Array  #: (n_classes, m)
    residual: Array  #: p - t, (m, k)
    weights: Array  #: (m,)


def leave_one_out_logits(objective: Objective, iterate: Iterate) -> Array:
    """(n_classes, n_samples): about what each row's logits would be if it had been left out.

    The objective is that of one problem of a linear model, and the iterate its minimum.
    """
    xp, inverse = namespace(iterate.value), exact_inverse(objective, iterate, of_few_rows=False)
    Q, parts = helmert(iterate.value, objective.network.layer_sizes[-1]), []
    n_inputs, n_free = objective.rows.X.shape[1] + objective.network.fit_intercept, Q.shape[1]
    inverse_H = xp.reshape(inverse.inverse[0, ...], (n_free, n_inputs, n_free, n_inputs))
    unit = diagonal_matrix(xp.ones_like(Q[0, :]))
    for rows in _rows(objective, iterate, Q):
        columns = []
        for k in range(n_free):  # A_i, column by column: few of them are in memory
            of_class = xp.reshape(inverse_H[:, :, k, :], (n_free * n_inputs, n_inputs))
            product = xp.reshape(xp.matmul(rows.X, of_class.T), (-1, n_free, n_inputs))
            columns.append(xp.sum(product * rows.X[:, None, :], axis=2))
        A = xp.stack(columns, axis=2)
        PQ = rows.p.T[:, :, None] * Q
        S = xp.matmul(Q.T, PQ)
        mean = xp.matmul(rows.p.T, Q)
        S = S - mean[:, :, None] * mean[:, None, :]
        s = rows.weights[:, None, None]
        moved = xp.linalg.solve(unit - s * xp.matmul(S, A), rows.residual[:, :, None])
        change = xp.matmul(s * A, moved)[:, :, 0]
        parts.append(rows.logits + xp.matmul(Q, change.T))
    return xp.concat(parts, axis=1)


def parameter_covariances(
    objective: Objective, iterate: Iterate, total_weight: float
) -> tuple[Array, Array]:
    """Of the estimated parameters (n_parameters, n_parameters): plain, and by the sandwich.

    Plain is the inverse Hessian of the sum of losses and penalty, for weights that sum to
    `total_weight`. The sandwich H^-1 (sum_i s_i^2 g_i g_i') H^-1, with the gradient g_i of row i,
    holds where the model is wrong too (White, 1982, Econometrica 50). Parameters are those of one
    problem, whose classes sum to zero.
    """
    xp, inverse = namespace(iterate.value), exact_inverse(objective, iterate, of_few_rows=False)
    inverse_H, V = inverse.inverse[0, ...], inverse.basis.vectors
    Q = helmert(iterate.value, objective.network.layer_sizes[-1])
    meat = 0.0 * inverse_H
    for rows in _rows(objective, iterate, Q):
        scores = rows.weights[:, None, None] * rows.residual[:, :, None] * rows.X[:, None, :]
        scores = xp.reshape(scores, (rows.X.shape[0], -1))
        meat += xp.matmul(scores.T, scores)
    sandwich = xp.matmul(xp.matmul(inverse_H, meat), inverse_H)
    return _expanded(inverse_H / total_weight, V), _expanded(sandwich, V)


def _expanded(covariance: Array, V: Array) -> Array:
    """From coordinates where classes sum to zero to all parameters."""
    xp = namespace(V)
    return xp.matmul(xp.matmul(V, covariance), V.T)


def _rows(objective: Objective, iterate: Iterate, Q: Array) -> Iterator[_Rows]:
    """All rows, block by block."""
    xp, network, source = namespace(Q), objective.network, objective.rows
    for block in source.blocks(source.block_size(objective.block_size)):
        Z = logits_at(network, iterate, block)
        if network.n_logits == 1:
            Z = xp.concat([-0.5 * Z, 0.5 * Z], axis=1)
        p, t = probabilities(Z), block.targets
        if t.ndim == 2:
            t = indicators(t, network.layer_sizes[-1], 1, p.dtype)
        residual = xp.matmul((p - t)[0, ...].T, Q)
        X, weights = design_of(network, source.center, block).X, block.weights[0, 0, :]
        yield _Rows(X, Z[0, ...], p[0, ...], residual, weights)
