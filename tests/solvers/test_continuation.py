"""What one stage leaves to the next, and where a path over penalties starts each of its fits."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from xsoftmax import curvature
from xsoftmax.objective.policy import DEFAULT
from xsoftmax.solvers import LBFGS, Newton, Report, Solution, Status, WarmStart, fit, follow_path
from xsoftmax.solvers.continuation import Stage, _better_start, _carried, continuation
from xsoftmax.solvers.pairs import Pairs

from ..problems import blobs, objective_on, start, zeros_of
from .fakes import APPROXIMATE, Recorded, watched


def path_over(Cs, n_samples=60, n_features=5, policy=APPROXIMATE, xp=np.asarray):
    """An objective for each value of C, or for each tuple of values."""
    X, y = blobs(n_samples=n_samples, n_features=n_features, spread=2.0)
    each = [C if isinstance(C, tuple) else (C,) for C in Cs]
    return [objective_on(xp, X, y, Cs=C, policy=policy) for C in each]


def at_zero(objective):
    """Where stages start of which nothing is known."""
    zeros = zeros_of(objective)
    return WarmStart(zeros, objective.evaluate_at_zero(zeros))


def below(objective, seed=0):
    """Parameters, with classes that sum to zero, where the value is lower than at 0."""
    _, gradient = objective.value_and_gradient(zeros_of(objective))
    return objective.network.centered(0.01 * start(objective, seed) - 0.2 * gradient)


class Stub:
    """A solver that is where it is told to be at once, after no iteration."""

    def __init__(self, parameters, **known):
        self.parameters, self.known, self.starts = parameters, known, []

    def init(self, objective, start):
        self.starts.append(start._replace(pairs=start.pairs and start.pairs.copy()))
        report = Report(1.0, 0.0, 0.0, Status.CONVERGED)
        return self, [report] * len(self.parameters)

    def warm_start(self):
        return WarmStart(self.parameters, **self.known)


def solved(stages, solvers, begin=at_zero, callback=None):
    """What `continuation` yields with one solver after another."""
    following = iter(solvers)
    return list(continuation(stages, begin, lambda tol: next(following), callback))


def solution_at(parameters, values=(1.0,), statuses=(Status.CONVERGED,), **known):
    """A solution that ended at `parameters`, and knew more."""
    warm_start = WarmStart(parameters, **known)
    return Solution(parameters, list(values), [], [], [], list(statuses), [], warm_start)


# From where


def test_a_path_starts_from_the_lower_of_two_iterates():
    strong, weak = path_over([(1e-2, 1e-2), (1e-1, 1e-1)])
    solution = fit(strong, zeros_of(strong), tol=1e-10, max_iter=100)
    known = solution.parameters
    values = weak.evaluate(known).value
    # One problem gains by going on; the other goes just so far that it loses, but would still be
    # lower than at the penalty from which it comes.
    further = (weak.evaluate((1 + t) * known) for t in np.geomspace(1, 100, 200))
    too_far = next(iterate for iterate in further if iterate.value[1] > values[1])
    assert too_far.value[1] < solution.values[1]
    guess = np.stack([1.5 * known[0], too_far.parameters[1]])
    last = Stage(strong, 1e-10, 100), solution
    before = last[0], solution_at(2 * known - guess)  # the line through both leads to the guess
    iterate = _better_start(weak, last, before)
    np.testing.assert_allclose(iterate.parameters, [1.5 * known[0], known[1]])
    assert iterate.value[0] < values[0]


def test_where_the_line_is_lower_for_every_problem_it_takes_one_pass():
    strong, weak = path_over([(1e-2, 1e-2), (1e-1, 1e-1)])
    solution, lines = fit(strong, zeros_of(strong), tol=1e-10, max_iter=100), []
    weak = watched(weak, lines.append)
    last = Stage(strong, 1e-10, 100), solution
    before = last[0], solution_at(0.5 * solution.parameters)
    iterate = _better_start(weak, last, before)
    np.testing.assert_allclose(iterate.parameters, 1.5 * solution.parameters)
    assert len(lines) == 1


@pytest.mark.parametrize("policy", [DEFAULT, APPROXIMATE], ids=["exact", "approximate"])
def test_a_path_takes_fewer_iterations_than_fits_of_their_own(policy):
    X, y = blobs(n_samples=300, n_features=8, spread=2.0)
    Cs = np.geomspace(1e-3, 1.0, 12)
    objectives = [objective_on(np.asarray, X, y, Cs=(C,), policy=policy) for C in Cs]
    zeros, settings = zeros_of(objectives[0]), {"tol": 1e-6, "max_iter": 100}
    path = list(follow_path(objectives, zeros, **settings))
    alone = [fit(objective, zeros, **settings) for objective in objectives]
    for one, other in zip(path, alone, strict=True):
        np.testing.assert_allclose(one.values, other.values, rtol=1e-6)
    assert sum(s.n_iter[0] for s in path) < 0.7 * sum(s.n_iter[0] for s in alone)


def test_a_stage_whose_predecessor_led_nowhere_starts_anew():
    first, second = path_over([1.0, 2.0])
    begun = []

    def begin(objective):
        begun.append(objective)
        return at_zero(objective)

    ones = np.ones_like(first.penalty)
    pairs = Pairs.none(ones, 2).with_pair(ones, ones, ones)
    astray = Stub(start(first, scale=1e3), inverse=curvature.Identity(), pairs=pairs)
    solver = Recorded(LBFGS(1e-6))
    stages = [Stage(first, 1e-6, 99, is_asked=False), Stage(second, 1e-6, 99)]
    _, (_, solution) = solved(stages, [astray, solver], begin)
    assert [objective.penalty[0, 0] for objective in begun] == [
        first.penalty[0, 0],
        second.penalty[0, 0],
    ]
    (began,) = solver.starts
    assert np.all(began.parameters == 0)
    assert began.pairs is None
    assert not began.previously_converged
    np.testing.assert_allclose(
        solution.values, fit(second, zeros_of(second), tol=1e-9, max_iter=99).values, rtol=1e-5
    )


def test_what_classes_share_is_dropped_from_what_the_last_stage_found():
    (objective,) = path_over([1.0])
    known = below(objective)
    last = Stage(objective, 1e-3, 99, is_asked=False), solution_at(known + 5.0)
    carried = _carried(Stage(objective, 1e-3, 99), [last])
    np.testing.assert_allclose(carried.parameters, objective.network.centered(known), atol=1e-12)


# What is carried


def test_the_next_problem_sees_the_same_changes_but_for_the_penalty(xp):
    strong, weak = path_over([(1e-2, 2e-2), (1e-1, 2e-1)], xp=xp)
    points = [below(strong, seed) for seed in range(4)]
    inverse = curvature.approximate_inverse(weak, weak.evaluate(points[0]), 8)
    pairs = Pairs.none(points[0], 10)
    for a, b in pairwise(points):
        y = strong.evaluate(b).gradient - strong.evaluate(a).gradient
        pairs = pairs.with_pair(b - a, y, y)
    known = {"inverse": inverse, "age": 3, "n_iter": 7, "pairs": pairs}
    last = Stage(strong, 1e-3, 99), solution_at(points[-1], **known)
    carried = _carried(Stage(weak, 1e-3, 99), [last])
    np.testing.assert_array_equal(xp.host(carried.inverse.mass), xp.host(inverse.mass))
    assert (carried.age, carried.n_iter) == (3, 7)
    expected = Pairs.none(points[0], 10)
    for a, b in pairwise(points):
        y = weak.evaluate(b).gradient - weak.evaluate(a).gradient
        expected = expected.with_pair(b - a, y, inverse.solve(y, weak.strength))
    for found, right in zip(carried.pairs[:5], expected[:5], strict=True):
        found, right = xp.host(found), xp.host(right)
        np.testing.assert_allclose(found, right, atol=1e-12 * np.abs(right).max())


def test_the_inverse_of_a_sample_costs_less_of_more_rows_and_is_new():
    (objective,) = path_over([1.0], n_samples=240)
    sample = objective.subsample(60)
    iterate = sample.evaluate(below(objective))
    inverse = curvature.approximate_inverse(sample, iterate, 8)
    known = {"inverse": inverse, "age": 5, "n_iter": 9}
    last = Stage(sample, 1e-2, 99, False, is_sample=True), solution_at(iterate.parameters, **known)
    carried = _carried(Stage(objective, 1e-3, 99), [last])
    assert carried.inverse.cost == inverse.cost / 4
    assert (carried.age, carried.n_iter) == (0, 0)
    few = last[0]._replace(objective=objective.subsample(100)), last[1]
    assert _carried(Stage(objective, 1e-3, 99), [few]).inverse.cost == inverse.cost / 2.4
    # In another precision the rows are as many.
    whole = Stage(objective, 1e-2, 99, is_asked=False), last[1]
    carried = _carried(Stage(objective, 1e-3, 99), [whole])
    assert carried.inverse.cost == inverse.cost
    assert (carried.age, carried.n_iter) == (5, 9)


def test_an_exact_inverse_is_carried_where_the_penalty_is_the_same():
    objective, other = path_over([1.0, 2.0], n_samples=240)
    sample = objective.subsample(60)
    iterate = sample.evaluate(below(objective))
    inverse = curvature.exact_inverse(sample, iterate, of_few_rows=False)
    solution = solution_at(iterate.parameters, inverse=inverse)
    last = Stage(sample, 1e-2, 99, is_asked=False, is_sample=True), solution
    carried = _carried(Stage(objective, 1e-3, 99), [last])
    assert carried.inverse.inverse is inverse.inverse
    assert carried.inverse.error_factor == 4
    assert _carried(Stage(other, 1e-3, 99), [last]).inverse is None


@pytest.mark.parametrize(("last_tol", "statuses", "is_sample", "is_asked", "expected"), [
    (1e-3, [Status.CONVERGED], False, False, True),
    (1e-2, [Status.CONVERGED], False, False, False),
    (1e-3, [Status.STALLED], False, False, False),
    (1e-3, [Status.CONVERGED], True, False, False),
    (1e-3, [Status.CONVERGED], False, True, False),  # another value of C
])  # fmt: skip
def test_only_the_same_problem_in_another_precision_may_have_met_the_tolerance(
    last_tol, statuses, is_sample, is_asked, expected
):
    (objective,) = path_over([1.0])
    solution = solution_at(below(objective), statuses=statuses)
    last = Stage(objective, last_tol, 99, is_asked, is_sample), solution
    assert _carried(Stage(objective, 1e-3, 99), [last]).previously_converged == expected


def test_what_single_precision_found_is_carried_in_double():
    (objective,) = path_over([1.0])
    single = objective.to_float32()
    iterate = single.evaluate(below(single))
    g = iterate.gradient
    pairs = Pairs.none(g, 2).with_pair(g, g, g)
    inverse = curvature.approximate_inverse(single, iterate, 8)
    last = (
        Stage(single, 1e-3, 99, is_asked=False),
        solution_at(iterate.parameters, inverse=inverse, pairs=pairs),
    )
    carried = _carried(Stage(objective, 1e-3, 99), [last])
    assert carried.inverse.mean.dtype == carried.parameters.dtype == np.float64
    assert {array.dtype for array in carried.pairs[:5]} == {np.dtype(np.float64)}


def test_newtons_method_carries_no_pairs():
    objectives = path_over([0.1, 0.2], policy=DEFAULT)
    solvers = [Recorded(Newton(1e-4)), Recorded(Newton(1e-4))]
    solved([Stage(objective, 1e-4, 99) for objective in objectives], solvers)
    (began,) = solvers[1].starts
    assert began.pairs is None
    assert began.inverse is None  # it was made with another penalty


def test_pairs_are_kept_from_before_a_problem_left():
    (objective,) = path_over([(1e-6, 10.0)], n_samples=300, n_features=8)
    solution = fit(objective, zeros_of(objective), tol=1e-9, max_iter=99)
    assert solution.n_iter[0] < solution.n_iter[1]
    assert solution.warm_start.pairs.S.shape[0] == 2


@pytest.mark.parametrize("n_samples", [90, 2400])
def test_a_problem_may_be_solved_before_the_first_iteration(n_samples):
    """With classes of one size and weights that must be 0 there is nothing to do."""
    y = np.arange(n_samples) % 3
    X = np.random.default_rng(0).standard_normal((n_samples, 4)) + np.eye(3, 4)[y]
    Cs = (1.0, 2.0, 4.0)
    policy = replace(APPROXIMATE, min_work_of_sample=0.0)
    path = [objective_on(np.asarray, X, y, Cs=(1e-18, C), policy=policy) for C in Cs]
    settings = {"tol": 1e-9, "max_iter": 99}
    for objective, solution in zip(
        path, follow_path(path, zeros_of(path[0]), **settings), strict=True
    ):
        alone = objective.select([1])
        expected = fit(alone, zeros_of(alone), **settings)
        np.testing.assert_allclose(solution.values, [np.log(3), *expected.values], rtol=1e-6)
    assert solution.n_iter[0] == 0 < solution.n_iter[1]


class ConvergedAtOnce(Recorded):
    """A solver that takes no iteration."""

    def init(self, objective, start):
        state, reports = super().init(objective, start)
        return state, [replace(report, status=Status.CONVERGED) for report in reports]


def test_a_c_that_takes_no_iteration_hands_the_pairs_on():
    objectives = path_over([0.1, 0.2, 0.4])
    solvers = [kind(LBFGS(1e-9)) for kind in (Recorded, ConvergedAtOnce, Recorded)]
    stages = [Stage(objective, 1e-9, 99) for objective in objectives]
    (_, first), _, _ = solved(stages, solvers)
    _, second, third = (solver.starts[0].pairs for solver in solvers)
    kept = first.warm_start.pairs
    assert len(kept.places) == len(second.places) == len(third.places) > 1
    one, other = second.S[:, second.places, :], kept.S[:, kept.places, :]
    lengths = np.linalg.norm(one, axis=2) * np.linalg.norm(other, axis=2)
    np.testing.assert_allclose(np.vecdot(one, other), lengths)
    expected = second.with_more_penalty(objectives[2].penalty - objectives[1].penalty)
    np.testing.assert_allclose(third.Y, expected.Y, rtol=1e-12)


# Iterations


def test_iterations_are_counted_and_called_back_since_a_problem_that_was_asked_for():
    strong, weak = path_over([0.1, 1.0], n_samples=240)
    calls = []
    stages = [
        Stage(strong.subsample(60), 1e-2, 99, is_asked=False, is_sample=True),
        Stage(strong, 0.0, 4, is_asked=False),
        Stage(strong, 0.0, 9),
        Stage(weak, 0.0, 3),
    ]
    ended = solved(
        stages, [LBFGS(stage.tol) for stage in stages], callback=lambda i, *_: calls.append(i)
    )
    assert [stage for stage, _ in ended] == stages
    n_iters = [solution.n_iter[0] for _, solution in ended]
    assert n_iters[0] > 0  # they are free
    assert n_iters[1:] == [4, 9 - 4, 3]
    assert calls == [*range(1, 10), 1, 2, 3]


# Memory and interrupts


def out_of_memory(objective):
    raise MemoryError


def test_a_sample_without_memory_is_left_out():
    (objective,) = path_over([1.0], n_samples=240)
    sample = watched(objective.subsample(60), out_of_memory)
    solver = Recorded(LBFGS(1e-6))
    stages = [Stage(sample, 1e-2, 99, False, is_sample=True), Stage(objective, 1e-6, 99)]
    ((stage, solution),) = solved(stages, [LBFGS(1e-2), solver])
    assert stage is stages[1]
    assert np.all(solver.starts[0].parameters == 0)
    assert solution.statuses == [Status.CONVERGED]


def test_a_problem_that_was_asked_for_and_has_no_memory_is_an_error():
    (objective,) = path_over([1.0], n_samples=240)
    stages = [Stage(watched(objective, out_of_memory), 1e-6, 99)]
    with pytest.raises(MemoryError, match="Free memory"):
        solved(stages, [LBFGS(1e-6)])


def test_an_interrupted_sample_leaves_nothing_behind():
    (objective,) = path_over([1.0], n_samples=240)
    lines = []

    def at_the_third(objective):
        lines.append(objective)
        if len(lines) == 3:
            raise KeyboardInterrupt

    sample = watched(objective.subsample(60), at_the_third)
    stages = [Stage(sample, 1e-9, 99, False, is_sample=True), Stage(objective, 1e-6, 99)]
    with pytest.raises(KeyboardInterrupt):
        solved(stages, [LBFGS(1e-9), LBFGS(1e-6)])
