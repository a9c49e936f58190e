"""Solvers that run out of memory, and what they keep of it."""

import weakref
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest

from xsoftmax import curvature
from xsoftmax.objective.objective import Objective
from xsoftmax.objective.policy import DEFAULT
from xsoftmax.objective.rows import Rows
from xsoftmax.solvers import LBFGS, Status, WarmStart, fit, minimize

from ..problems import blobs, objective_on, start, zeros_of

NO_NEWTON = replace(DEFAULT, max_cost_of_newton=0.0)


class ShortRows(Rows):
    """Rows of which no more than 50 may be read at a time, from a pass on."""

    n_passes = 0
    first_short = 0
    asked: ClassVar[list[int]] = []

    def blocks(self, size):
        size = min(size, self.n_samples)
        ShortRows.n_passes += 1
        ShortRows.asked.append(size)
        if ShortRows.n_passes > ShortRows.first_short and size > 50:
            raise MemoryError
        return super().blocks(size)


def solve_short(objective, solve, first_short):
    """What `solve` finds where memory is short after `first_short` passes, and all passes."""
    ShortRows.n_passes, ShortRows.first_short, ShortRows.asked = 0, first_short, []
    rows = ShortRows(*objective.rows)
    return solve(replace(objective, rows=rows)), ShortRows.n_passes


@pytest.mark.parametrize("buys_curvature", [False, True])
def test_memory_that_runs_out_in_any_pass_over_the_rows(buys_curvature):
    """In one for a first step, and in one for the gradient after a later step."""
    X, y = blobs(n_samples=150, n_features=4, spread=1.5)
    objective = objective_on(np.asarray, X, y, Cs=(0.1, 10.0, 1e4))

    def solve(objective):
        solver = LBFGS(
            tol=1e-6,
            curvature=curvature if buys_curvature else None,
            iterations_before_curvature=3,
        )
        return minimize(objective, WarmStart(start(objective, scale=3.0)), solver, max_iter=100)

    whole, n_passes = solve_short(objective, solve, 10**6)
    assert whole.statuses == [Status.CONVERGED] * 3
    assert len(set(ShortRows.asked)) == 1
    assert n_passes > max(whole.n_iter)  # later steps were taken
    for first_short in range(n_passes):
        parts, _ = solve_short(objective, solve, first_short)
        assert max(ShortRows.asked) > 50 >= min(ShortRows.asked)
        # What fits is kept: in a pass that does not, logits are given up first, then rows.
        assert sum(size > 50 for size in ShortRows.asked) <= first_short + 3
        np.testing.assert_allclose(parts.values, whole.values, rtol=1e-6)


def test_no_room_for_a_sample_is_no_sample():
    X, y = blobs(n_samples=1200)
    policy = replace(NO_NEWTON, min_work_of_sample=0.0, few_rows=4 * 1200)
    tried = []

    class WithoutRoom(Objective):
        def subsample(self, n_rows):
            if n_rows >= self.n_samples:
                return self
            tried.append(n_rows)
            raise MemoryError

    objective = objective_on(np.asarray, X, y, policy=policy)
    expected = fit(objective, zeros_of(objective), tol=1e-12, max_iter=1000)
    fields = objective.network, objective.rows, objective.penalty, objective.block_rows, policy
    found = fit(WithoutRoom(*fields), zeros_of(objective), tol=1e-12, max_iter=1000)
    assert tried == [300]
    assert found.statuses == [Status.CONVERGED]
    np.testing.assert_allclose(found.parameters, expected.parameters, atol=1e-5)


def test_only_the_last_iterate_is_kept_while_the_next_is_sought():
    X, y = blobs(n_samples=150, spread=2.0)
    iterates = []

    class Watched(Objective):
        def restrict(self, start, direction):
            iterates.append(weakref.ref(start.logits))
            assert sum(logits() is not None for logits in iterates) == 1
            return super().restrict(start, direction)

    objective = objective_on(np.asarray, X, y)
    objective = Watched(objective.network, objective.rows, objective.penalty)
    minimize(objective, WarmStart(zeros_of(objective)), LBFGS(tol=1e-10), max_iter=20)
    assert len(iterates) > 4
