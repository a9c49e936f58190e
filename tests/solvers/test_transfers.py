"""Nothing goes to the host in an update of a solver but what tells whether a step was right."""

from dataclasses import dataclass, field, fields
from functools import partial

import numpy as np
import pytest

from xsoftmax import arrays
from xsoftmax.objective.objective import Objective
from xsoftmax.solvers import LBFGS, SGD, Adam, GradientDescent, Newton, Status, WarmStart, minimize

from ..array_library import HERE, Library
from ..problems import blobs, objective_on, start
from .fakes import CountedCurvature

FIRST_ORDER = {
    "gd": lambda: GradientDescent(0.5, tol=1e-9),
    "sgd": lambda: SGD(0.1, batch_size=20, random_state=np.random.RandomState(0)),
    "adam": lambda: Adam(0.01, batch_size=20, random_state=np.random.RandomState(0)),
}


@pytest.fixture
def library():
    """An array library that notes every way by which a value comes to the host."""
    return Library()


def test_the_library_notes_what_it_must(library):
    x = library.array([1.0, 2.0], device=HERE)
    arrays.to_list(x)
    assert library.transfers == ["__array__"]
    for convert in (bool, float, int, np.asarray):
        convert(x[0])
    assert library.transfers == ["__array__", "__bool__", "__float__", "__int__", "__array__"]


@dataclass(frozen=True)
class Counted(Objective):
    """An objective that notes every trial of a step, and every choice of some problems."""

    trials: list = field(default_factory=list)
    choices: list = field(default_factory=list)

    def restrict(self, start, direction):
        line = super().restrict(start, direction)
        return lambda step: self.trials.append(step) or line(step)

    def select(self, problems):
        self.choices.append(problems)
        return super().select(problems)


def counted(library, hidden=()):
    X, y = blobs(n_samples=80, n_features=4, spread=1.5)
    make = partial(library.array, device=HERE)
    objective = objective_on(make, X, y, Cs=(0.1, 10.0, 1e4), hidden=hidden)
    return Counted(**{one.name: getattr(objective, one.name) for one in fields(Objective)})


class Watched:
    """A solver, with how many transfers each update made, and how many of `lists` grew by what."""

    def __init__(self, solver, transfers, *lists):
        self.solver, self.init, self.lists = solver, solver.init, (transfers, *lists)
        self.updates = []

    def update(self, objective, state, reports):
        before = [len(each) for each in self.lists]
        after = self.solver.update(objective, state, reports)
        grown = [len(each) - n for each, n in zip(self.lists, before, strict=True)]
        self.updates.append((*grown, after[0]))
        return after


def watch(solver, objective, transfers, *lists, scale=3.0):
    """The updates of a solver on an objective: how much each list grew, and the state after."""
    watched = Watched(solver, transfers, *lists)
    parameters = start(objective, scale=scale)
    solution = minimize(objective, WarmStart(parameters), watched, max_iter=25)
    assert len(watched.updates) == max(solution.n_iter) > 3
    return watched.updates


@pytest.mark.parametrize("name", FIRST_ORDER)
@pytest.mark.parametrize("hidden", [(), (3,)])
def test_a_step_of_first_order_is_one_transfer(library, hidden, name):
    updates = watch(FIRST_ORDER[name](), counted(library, hidden), library.transfers)
    assert {n_transfers for n_transfers, _ in updates} == {1}


def test_a_trial_step_on_a_network_is_one_transfer(library):
    objective = counted(library, hidden=(3,))
    noted = library.transfers, objective.trials, objective.choices
    updates = watch(LBFGS(1e-9), objective, *noted, scale=1.0)
    for n_transfers, n_trials, n_choices, _ in updates:
        assert n_transfers == n_trials + (n_choices > 0)


def test_a_trial_step_by_an_approximate_inverse_is_one_transfer(library):
    """A new inverse takes three: whether it can be made, whether it was, and the slope by it.

    Where few problems go on by themselves, one more tells of all.
    """
    objective, bought = counted(library), CountedCurvature()
    solver = LBFGS(1e-9, curvature=bought, iterations_before_curvature=3)
    noted = library.transfers, objective.trials, objective.choices, bought.inverses
    updates = watch(solver, objective, *noted)
    for n_transfers, n_trials, n_choices, n_made, _ in updates:
        assert n_transfers == n_trials + (n_choices > 0) + 3 * n_made
    assert any(n_choices > 0 for _, _, n_choices, _, _ in updates)
    assert len(bought.inverses) > 2  # it was renewed on the way
    # and a few first steps were not right
    assert len(updates) < len(objective.trials) < 1.5 * len(updates)


@dataclass(frozen=True)
class NotingNewton(Newton):
    """Newton's method that notes when a gap seems to be within the tolerance."""

    near: list = field(default_factory=list)

    def _within_reach(self, objective, state, reports):
        if any(report.status is Status.CONVERGED for report in reports):
            self.near.append(reports)
        return super()._within_reach(objective, state, reports)


def test_a_trial_step_by_an_exact_inverse_is_one_transfer(library):
    """A new inverse takes two, and one or two tell near the end how much a step changes logits."""
    objective, solver, inverse = counted(library), NotingNewton(1e-9), None
    noted = library.transfers, objective.trials, objective.choices, solver.near
    for n_transfers, n_trials, n_choices, n_near, state in watch(solver, objective, *noted):
        is_new = inverse is not None and state.age == 1
        inverse = state.inverse
        more = n_transfers - n_trials - (n_choices > 0) - 2 * is_new
        assert n_near <= more <= 2 * n_near
    assert solver.near
