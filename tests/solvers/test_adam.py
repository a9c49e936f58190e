"""Adam."""

import numpy as np

from xsoftmax.solvers import Adam, WarmStart, minimize

from ..problems import blobs, objective_on, start
from .references import torch_steps


def test_adam_is_torchs(torch):
    X, y = blobs()
    objective = objective_on(np.asarray, X, y, Cs=(np.inf,))
    parameters = start(objective)
    solver = Adam(0.05, batch_size=60, random_state=None, tol=-np.inf)
    ours = minimize(objective, WarmStart(parameters), solver, max_iter=20).parameters
    theirs = torch_steps(torch, objective, parameters, X, y, lambda p: torch.optim.Adam(p, lr=0.05))
    np.testing.assert_allclose(ours[0], theirs, rtol=1e-12, atol=1e-13)


def test_moments_are_those_of_the_paper():
    rng = np.random.default_rng(0)
    solver = Adam(0.1, beta_1=0.8, beta_2=0.9, epsilon=1e-3)
    m, v = np.zeros((2, 3)), np.zeros((2, 3))
    moments, rate = solver.init_moments(m), np.full((2, 1), 0.1)
    for t in range(1, 6):
        g = rng.standard_normal((2, 3))
        m, v = 0.8 * m + 0.2 * g, 0.9 * v + 0.1 * g * g
        expected = -0.1 * m / (1 - 0.8**t) / (np.sqrt(v / (1 - 0.9**t)) + 1e-3)
        move, moments = solver.step(moments, g, rate, t)
        np.testing.assert_allclose(move, expected, rtol=1e-12)
