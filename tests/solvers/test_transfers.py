"""Nothing goes to the host in an update of a solver but what tells whether a step was right."""

import array_api_strict as strict
import numpy as np
import pytest

from xsoftmax import arrays
from xsoftmax.objective.objective import Objective
from xsoftmax.solvers import LBFGS, SGD, Adam, GradientDescent, minimize

from .problem_table import Approximated
from .problems import blobs, objective_on, start

SOLVERS = {
    "lbfgs": LBFGS(tol=1e-9, refresh=3),
    "gd": GradientDescent(0.5, tol=1e-9),
    "sgd": SGD(0.1, batch_size=20, random_state=np.random.RandomState(0)),
    "adam": Adam(0.01, batch_size=20, random_state=np.random.RandomState(0)),
}


@pytest.fixture
def transfers(monkeypatch):
    """A list that grows by one when a value of a device comes to the host."""
    found, to_host = [], arrays.to_host

    def counting(x):
        found.append("to_host")
        with monkeypatch.context() as inner:
            inner.setattr(ARRAY, "__array__", plain, raising=False)
            return to_host(x)

    ARRAY, plain = type(strict.asarray(0.0)), type(strict.asarray(0.0)).__array__
    monkeypatch.setattr(arrays.transfers, "to_host", counting)
    for name in ("__bool__", "__float__", "__int__", "__index__", "__complex__", "__array__"):
        monkeypatch.setattr(ARRAY, name, _noting(found, name, getattr(ARRAY, name)))
    return found


def _noting(found, name, method):
    def noted(*args, **kwargs):
        found.append(name)
        return method(*args, **kwargs)

    return noted


def test_the_count_sees_what_it_must(transfers):
    x = strict.asarray([1.0, 2.0])
    arrays.to_list(x)
    assert transfers == ["to_host"]
    for convert in (bool, float, int, np.asarray):
        convert(x[0])
    assert transfers == ["to_host", "__bool__", "__float__", "__int__", "__array__"]


@pytest.mark.parametrize("name", SOLVERS)
@pytest.mark.parametrize("kind", ["exact", "approximate", "network"])
def test_a_trial_step_is_one_transfer(xp, transfers, monkeypatch, kind, name):
    X, y = blobs(n_samples=80, n_features=4, spread=1.5)
    hidden = (3,) if kind == "network" else ()
    objective = objective_on(xp, X, y, Cs=(0.1, 10.0, 1e4), hidden=hidden)
    if kind == "approximate":
        objective = Approximated(objective.network, objective.rows, objective.penalty)
    parameters = start(objective, scale=1.0 if hidden else 3.0)
    asked, along = [], Objective.along

    def counted(objective, point, direction):
        ray = along(objective, point, direction)
        return lambda step: asked.append("trial") or ray(step)

    monkeypatch.setattr(Objective, "along", counted)
    for name_ in ("inverse_hessian", "preconditioner", "hessian_product", "logit_change"):
        monkeypatch.setattr(Objective, name_, _noting(asked, name_, getattr(Objective, name_)))
    solver = Watched(SOLVERS[name], transfers, asked)
    solution = minimize(objective, parameters, solver, max_iter=25)
    assert len(solver.updates) == max(solution.n_iter) > 3
    if name != "lbfgs":
        assert solver.updates == [(1, [])] * len(solver.updates)
        return
    # Others tell the slope by a new metric, and for a proof when the exact step is exact enough.
    for n_transfers, did in solver.updates:
        if kind == "network":  # it has no metric
            did = [what for what in did if what != "preconditioner"]
        assert n_transfers == len(did)
    n_trials, n_metrics = (asked.count(what) for what in ("trial", "preconditioner"))
    if kind == "approximate":
        assert n_metrics > 2  # it was renewed on the way
        # and a few first steps were not right
        assert len(solver.updates) < n_trials < 1.5 * len(solver.updates)


class Watched:
    """A solver, with how many transfers each update made, and what it `asked` for."""

    def __init__(self, solver, transfers, asked):
        self.solver, self.transfers, self.asked = solver, transfers, asked
        self.init, self.updates = solver.init, []

    def update(self, objective, state, reports):
        before = len(self.transfers), len(self.asked)
        following = self.solver.update(objective, state, reports)
        self.updates.append((len(self.transfers) - before[0], self.asked[before[1] :]))
        return following
