"""Objectives, solvers and curvatures that note what is asked of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from xsoftmax import curvature
from xsoftmax.objective.objective import Objective
from xsoftmax.objective.policy import DEFAULT
from xsoftmax.solvers.continuation import Stage, continuation
from xsoftmax.solvers.plan import plan
from xsoftmax.solvers.solution import Solution

from ..problems import blobs, objective_on, zeros_of

#: For problems too large for exact Hessians.
APPROXIMATE = replace(DEFAULT, max_cost_of_newton=0.0)
#: Samples are worth their calls, however few rows they have.
SMALL_SAMPLES = replace(DEFAULT, min_work_of_sample=0.0)
#: No Hessian is exact, and the smallest fit is worth while in single precision first.
MIXED = replace(APPROXIMATE, min_values_in_float32=0)


@dataclass(frozen=True)
class Watched(Objective):
    """An objective that calls a function before each line; so do all that are made of it."""

    on_line: Callable[[Objective], Any] = id

    def restrict(self, start, direction):
        self.on_line(self)
        return super().restrict(start, direction)


def watched(objective: Objective, on_line: Callable[[Objective], Any]) -> Watched:
    known = {field.name: getattr(objective, field.name) for field in fields(Objective)}
    return Watched(**known, on_line=on_line)


class Recorded:
    """A solver that remembers where it started and stood, and when it made an inverse Hessian."""

    def __init__(self, solver: Any) -> None:
        self.solver = solver
        self.starts: list[Any] = []
        self.states: list[Any] = []  #: before the first step, and after each
        self.made: list[int] = []  #: of how many rows there was an inverse to make, each time

    def init(self, objective, start):
        state, reports = self.solver.init(objective, start)
        if start.inverse is None:
            self.made.append(objective.n_samples)
        self.starts.append(start._replace(pairs=start.pairs and start.pairs.copy()))
        self.states.append(state)
        return state, reports

    def update(self, objective, state, reports):
        after, reports = self.solver.update(objective, state, reports)
        if after.inverse is not state.inverse:
            self.made.append(objective.n_samples)
        self.states.append(after)
        return after, reports


def recorded_fit(
    objective: Objective, *, tol: float, max_iter: int = 100, parameters: Any = None
) -> list[tuple[Stage, Solution, Recorded]]:
    """The stages of a fit, with their solutions and solvers."""
    parameters = zeros_of(objective) if parameters is None else parameters
    solver_to, stages, start = plan([objective], parameters, tol, max_iter)
    solvers: list[Recorded] = []

    def recorded(tol: float) -> Recorded:
        solvers.append(Recorded(solver_to(tol)))
        return solvers[-1]

    ended = continuation(stages, start, recorded)
    return [(stage, solution, solvers[-1]) for stage, solution in ended]


class CountedCurvature:
    """`xsoftmax.curvature`, with the answers that it gave."""

    def __init__(self) -> None:
        self.inverses: list[Any] = []
        self.steps: list[Any] = []

    def approximate_inverse(self, *args):
        self.inverses.append(curvature.approximate_inverse(*args))
        return self.inverses[-1]

    def newton_step(self, *args):
        self.steps.append(curvature.newton_step(*args))
        return self.steps[-1]


def planned(objective, parameters=None, tol=1e-4, **options):
    """The solver, the stages and what makes a start."""
    parameters = zeros_of(objective) if parameters is None else parameters
    solver_to, stages, start = plan([objective], parameters, tol, 100, **options)
    return solver_to(tol), list(stages), start


def dtype_name(objective):
    return str(objective.penalty.dtype).rpartition(".")[2]


def problem(xp=np.asarray, n_samples=300, policy=MIXED, **options):
    return objective_on(xp, *blobs(n_samples, 6, 4, seed=1), policy=policy, **options)
