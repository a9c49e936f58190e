"""Hessians that tests compare with."""

from __future__ import annotations

import numpy as np


def differences(objective, parameters, step=1e-5):
    """(n_problems, n_parameters, n_parameters) by finite differences, column by column."""
    columns = []
    for j in range(parameters.shape[1]):
        shift = np.zeros_like(parameters)
        shift[:, j] = step
        ahead = objective.value_and_gradient(parameters + shift)[1]
        behind = objective.value_and_gradient(parameters - shift)[1]
        columns.append((ahead - behind) / (2 * step))
    return np.stack(columns, axis=2)


def dense(objective, parameters):
    """The same of a linear model from its formula, in float64; arguments are on the host."""
    network, rows = objective.network, objective.rows
    (n_features, n_classes), X = network.layer_sizes, np.asarray(rows.X, dtype=float)
    ones = np.ones((len(X), 1))
    hessians = []
    for k, theta in enumerate(np.asarray(parameters, dtype=float)):
        W = theta[: n_classes * n_features].reshape(n_classes, n_features)
        b = theta[n_classes * n_features :] if network.fit_intercept else np.zeros(n_classes)
        Z = X @ W.T + b
        P = np.exp(Z - Z.max(axis=1, keepdims=True))
        P /= P.sum(axis=1, keepdims=True)
        s = np.asarray(rows.weights, dtype=float)[min(k, len(rows.weights) - 1)]
        curved = s[:, None, None] * (P[:, :, None] * np.eye(n_classes) - P[:, :, None] * P[:, None])
        A = np.hstack([X, ones])
        H = np.einsum("ikl,ia,ib->kalb", curved, A, A)
        m = n_features
        H_WW = H[:, :m, :, :m].reshape(n_classes * m, n_classes * m)
        H_Wb = H[:, :m, :, m].reshape(n_classes * m, n_classes)
        H = np.block([[H_WW, H_Wb], [H_Wb.T, H[:, m, :, m]]])
        n = network.n_parameters
        hessians.append(H[:n, :n] + np.diag(np.asarray(objective.penalty, dtype=float)[k]))
    return np.stack(hessians)


def a_gradient(objective, parameters):
    """Some gradient whose classes sum to zero, as all of them do."""
    rng = np.random.default_rng(0)
    return objective.network.centered(rng.standard_normal(parameters.shape))


def times(matrices, vectors):
    """(n_problems, n): a product for each problem."""
    return np.einsum("kij,kj->ki", matrices, vectors)
