"""Stochastic gradient descent with momentum."""

import numpy as np
import pytest

from xsoftmax.solvers import SGD, WarmStart, minimize

from ..problems import blobs, objective_on, start
from .references import torch_steps


@pytest.mark.parametrize(("momentum", "nesterov"), [(0.9, True), (0.9, False), (0.0, False)])
def test_momentum_is_torchs(torch, momentum, nesterov):
    X, y = blobs()
    objective = objective_on(np.asarray, X, y, Cs=(np.inf,))
    parameters = start(objective)
    solver = SGD(
        0.05, batch_size=60, random_state=None, tol=-np.inf, momentum=momentum,
        nesterovs_momentum=nesterov,
    )  # fmt: skip
    ours = minimize(objective, WarmStart(parameters), solver, max_iter=20).parameters
    theirs = torch_steps(
        torch, objective, parameters, X, y,
        lambda p: torch.optim.SGD(p, lr=0.05, momentum=momentum, nesterov=nesterov),
    )  # fmt: skip
    np.testing.assert_allclose(ours[0], theirs, rtol=1e-12, atol=1e-13)
