"""When L-BFGS buys an inverse Hessian, applies it, and trusts what it says."""

from dataclasses import replace
from math import inf

import numpy as np
import pytest

from xsoftmax.arrays import to_list
from xsoftmax.curvature import Identity
from xsoftmax.solvers import LBFGS, Status, WarmStart, fit, minimize
from xsoftmax.solvers.convergence import Rounding
from xsoftmax.solvers.lbfgs import _first_step
from xsoftmax.solvers.pairs import Pairs
from xsoftmax.solvers.plan import start_from_zero

from ..problems import Quadratic, Rosenbrock, blobs, objective_on, zeros_of
from .fakes import APPROXIMATE, CountedCurvature, Recorded

#: Curvature is bought before the first step, however even it is.
BUYS_AT_ONCE = replace(APPROXIMATE, min_anisotropy=0.0)


def overlapping():
    """Classes that overlap."""
    X, y = blobs(n_samples=90, n_features=5, spread=2.0)
    return objective_on(np.asarray, X, y, Cs=(10.0,), policy=BUYS_AT_ONCE)


def from_zero(objective):
    return start_from_zero(objective, zeros_of(objective), uses_newton=False)


def test_lbfgs_solves_quadratics_of_any_condition(xp):
    d = np.asarray([[1.0, 10.0, 100.0], [1.0, 1.0, 1.0], [1e-3, 1.0, 1e3]])
    b = np.asarray([[1.0, 1.0, 1.0], [0.0, 5.0, -2.0], [1e-3, 2.0, 3e3]])
    problem, begin = Quadratic(xp(d), xp(b)), WarmStart(xp(np.zeros((3, 3))))
    solution = minimize(problem, begin, LBFGS(tol=1e-14), max_iter=200)
    assert solution.statuses == [Status.CONVERGED] * 3
    np.testing.assert_allclose(xp.host(solution.parameters), b / d, rtol=1e-6, atol=1e-9)
    assert max(solution.gaps) <= 1e-14
    lowest = np.sum(-0.5 * b * b / d, axis=1)
    np.testing.assert_allclose(solution.values, lowest, rtol=1e-14)


def test_lbfgs_solves_rosenbrock(xp):
    problem = Rosenbrock(xp([[100.0, 0.0], [1.0, 0.0]]), xp(np.zeros((2, 2))))
    begin = WarmStart(xp([[-1.2, 1.0], [3.0, -2.0]]))
    solution = minimize(problem, begin, LBFGS(tol=1e-8), max_iter=200)
    assert solution.statuses == [Status.CONVERGED] * 2
    np.testing.assert_allclose(xp.host(solution.parameters), np.ones((2, 2)), atol=1e-6)
    assert all(curve[-1] <= curve[0] for curve in solution.curves)


def test_a_gap_within_tol_must_be_found_twice():
    X, y = blobs(n_samples=90, n_features=5, spread=2.0, seed=3)
    objective, within = objective_on(np.asarray, X, y, policy=APPROXIMATE), []
    fit(
        objective, zeros_of(objective), tol=2e-3, max_iter=50,
        callback=lambda iteration, parameters, reports: within.append(reports[0].within_tol),
    )  # fmt: skip
    assert within[-2:] == [True, True]
    assert sum(within) == 2


def test_no_inverse_is_made_just_before_the_end():
    objective, found, made = overlapping(), [], CountedCurvature()
    solver = LBFGS(3e-4, curvature=made, iterations_before_curvature=1, curvature_share=inf)
    minimize(
        objective, from_zero(objective), solver, max_iter=100,
        callback=lambda _, parameters, reports: found.append(
            (reports[0].within_tol, len(made.inverses))
        ),
    )  # fmt: skip
    renewed = np.diff([n for _, n in found])  # one is due every time
    in_vain = [vain for vain, _ in found[:-1]]
    assert any(in_vain)
    assert not all(in_vain)
    np.testing.assert_array_equal(renewed, np.logical_not(in_vain))


class Counting:
    """An inverse Hessian that counts its products."""

    cost, error_factor, is_identity, serves_all_problems = 0.0, 1.0, False, True

    def __init__(self, inverse, products):
        self.inverse, self.products = inverse, products

    def solve(self, gradient, strength):
        self.products.append(gradient)
        return self.inverse.solve(gradient, strength)

    def select(self, problems):
        return self


def test_the_inverse_is_applied_once_an_iteration():
    products, counts, objective = [], [], overlapping()
    begin = from_zero(objective)
    begin = begin._replace(inverse=Counting(begin.inverse, products))
    minimize(
        objective, begin, LBFGS(tol=0), max_iter=6,
        callback=lambda *_: counts.append(len(products)),
    )  # fmt: skip
    updates = np.diff(counts)
    assert np.all((updates >= 1) & (updates <= 2))  # 2 where the first trial step is refused
    assert np.median(updates) == 1


def test_a_new_inverse_is_applied_to_all_pairs():
    objective = overlapping()
    solver = Recorded(LBFGS(tol=0, curvature=CountedCurvature(), iterations_before_curvature=3))
    minimize(objective, from_zero(objective), solver, max_iter=12)
    last = solver.states[-1]  # earlier ones shared its memory
    assert last.n_iter > last.age
    for at in last.pairs.places:
        expected = last.inverse.solve(last.pairs.Y[:, at, :], objective.strength)
        found = last.pairs.PY[:, at, :]
        np.testing.assert_allclose(found, expected, atol=1e-9 * np.abs(expected).max())


class Shop:
    """A curvature that sells inverse Hessians at one price."""

    def __init__(self, cost):
        self.cost, self.asked = cost, []

    def approximate_inverse(self, objective, iterate, max_cost):
        self.asked.append(max_cost)
        return Identity(cost=self.cost, is_identity=False)


@pytest.mark.parametrize(
    ("cost", "most"),
    # At least 8 iterations go by, or 2 for each evaluation of the price; half of all are spent.
    [(1.0, [4, 8, 12, 16, 20]), (4.0, [4, 8, 12, 16, 20]), (10.0, [4, 14])],
)
def test_curvature_costs_no_more_than_a_share_of_the_iterations(cost, most):
    d = np.geomspace(1.0, 1e4, 200)[None, :]
    problem, shop = Quadratic(d, np.ones_like(d)), Shop(cost)
    solver = LBFGS(0, curvature=shop, curvature_share=0.5)
    minimize(problem, WarmStart(np.zeros_like(d)), solver, max_iter=41)
    assert shop.asked == most


def test_without_curvature_nothing_is_bought():
    objective = overlapping()
    solver = Recorded(LBFGS(tol=1e-9))
    solution = minimize(objective, WarmStart(zeros_of(objective)), solver, max_iter=200)
    assert solution.statuses == [Status.CONVERGED]
    assert all(state.inverse.is_identity for state in solver.states)


def test_where_curvature_has_nothing_to_sell_the_solver_goes_on_and_asks_later():
    asked = []

    class Empty:
        def approximate_inverse(self, objective, iterate, max_cost):
            asked.append(max_cost)

    d = np.geomspace(1.0, 1e2, 30)[None, :]
    problem = Quadratic(d, np.ones_like(d))
    solution = minimize(
        problem, WarmStart(np.zeros_like(d)), LBFGS(2e-12, curvature=Empty()), max_iter=99
    )
    assert solution.statuses == [Status.CONVERGED]
    assert len(asked) == (solution.n_iter[0] - 1) // 8


def test_the_first_step_without_an_inverse_is_no_longer_than_1_in_all_or_the_penalty_allows(xp):
    g = xp([[3.0, -1.0], [0.1, 0.1]])
    weak, strong = xp([0.5, 0.5]), xp([0.5, 8.0])
    none, ones = Pairs.none(g, 2), xp(np.ones((2, 2)))
    assert to_list(_first_step(g, none, weak)) == [0.25, 1.0]
    assert to_list(_first_step(g, none, strong)) == [0.25, 0.125]
    curved, straight = (none.with_pair(ones, y * ones, y * ones) for y in (1, -1))
    assert to_list(_first_step(g, curved, weak)) == [1.0, 1.0]
    assert to_list(_first_step(g, straight, weak)) == [0.25, 1.0]


@pytest.mark.parametrize(("error_factor", "is_identity", "expected"), [
    (1.0, False, 6.0), (30.0, False, 180.0), (1.0, True, 0.5),
])  # fmt: skip
def test_what_the_last_pairs_do_not_see_counts(error_factor, is_identity, expected):
    """The preconditioner promises 12 / 2 where the pairs promise 1 / 2, both times its error."""
    solver, inverse = LBFGS(1e-4), Identity(0.0, error_factor, is_identity)
    objective = Quadratic(np.ones((1, 1)), np.ones((1, 1)))
    _, (before,) = solver.init(objective, WarmStart(np.zeros((1, 1))))
    before = replace(before, values=[1.0] * 9, value_floor=0.0, value_at_zero=2.0)
    rounding = Rounding(1e-16, 1e-300)
    report = solver._report(before, 1.0, 1.0, (1.0, -1.0, 1.0, -12.0), None, inverse, rounding)
    assert report.gap == expected
