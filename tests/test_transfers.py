"""Nothing but one report goes to the host in an update of a solver."""

import array_api_strict as strict
import numpy as np
import pytest

from xsoftmax import arrays
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
    monkeypatch.setattr(arrays, "to_host", counting)
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
def test_an_update_is_one_transfer(xp, transfers, kind, name):
    X, y = blobs(n_samples=80, n_features=4, spread=1.5)
    hidden = (3,) if kind == "network" else ()
    objective = objective_on(xp, X, y, Cs=(0.1, 10.0, 1e4), hidden=hidden)
    if kind == "approximate":
        objective = Approximated(objective.network, objective.rows, objective.penalty)
    parameters = start(objective, scale=1.0 if hidden else 3.0)
    solver, counts = Watched(SOLVERS[name], transfers), []
    solution = minimize(
        objective, parameters, solver, max_iter=25,
        callback=lambda iteration, state, values: counts.append(len(transfers)),
    )  # fmt: skip
    assert len(counts) == max(solution.n_iter) > 3
    assert set(np.diff(solver.counts).tolist()) == {1}
    refused = len(solver.counts) - len(counts)
    assert counts[-1] - counts[0] <= len(counts) - 1 + refused
    if name != "lbfgs":
        assert refused == 0
    elif kind == "approximate":
        assert len(solver.metrics) > 2  # it was renewed on the way
        assert 0 < refused < len(counts) / 2  # and a few first steps were not right


class Watched:
    """A solver, with the transfers so far at every update, and the metrics that it used."""

    def __init__(self, solver, transfers):
        self.solver, self.transfers = solver, transfers
        self.init, self.counts, self.metrics = solver.init, [], set()

    def update(self, objective, state, reports):
        self.counts.append(len(self.transfers))
        if hasattr(state, "metric"):
            self.metrics.add(id(state.metric.preconditioner))
        return self.solver.update(objective, state, reports)
