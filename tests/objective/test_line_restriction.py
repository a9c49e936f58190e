"""The objective on a line: which trial steps read rows."""

import numpy as np
import pytest

from xsoftmax.arrays import indices_from_host
from xsoftmax.objective.line_restriction import Iterate
from xsoftmax.objective.objective import Objective
from xsoftmax.objective.rows import Rows

from ..problems import blobs, objective_on, start


def test_restrict_reads_no_row_of_a_linear_model_after_the_first_step():
    X, y = blobs()
    objective = objective_on(np.asarray, X, y)

    class Counting(Rows):
        reads = 0

        def blocks(self, size):
            Counting.reads += 1
            return super().blocks(size)

    counting = Objective(objective.network, Counting(*objective.rows), objective.penalty)
    iterate = counting.evaluate(start(objective))
    assert Counting.reads == 1
    line = counting.restrict(iterate, start(objective, seed=1))
    _, _, first = line(np.asarray([1.0]))
    first()
    assert Counting.reads == 2  # the only pass of an accepted first step
    for step in (0.1, 0.2, 0.4):
        _, _, later = line(np.asarray([step]))
    assert Counting.reads == 2
    later()
    assert Counting.reads == 3  # for the gradient


@pytest.mark.parametrize("n_classes", [2, 3])
def test_slopes_of_all_trial_steps_are_those_of_differences(xp, n_classes):
    X, y = blobs(n_classes=n_classes)
    objective = objective_on(xp, X, y, Cs=(0.3, 30.0))
    line = objective.restrict(objective.evaluate(start(objective)), start(objective, seed=1))
    h = 1e-6
    for at in ([0.3, 0.7], [1.1, 0.0]):
        step = xp(at)
        ahead, behind = (xp.host(line(step + shift)[0]) for shift in (h, -h))
        slope = xp.host(line(step)[1])
        np.testing.assert_allclose(slope, (ahead - behind) / (2 * h), rtol=1e-6, atol=1e-8)


def test_restrict_from_zero_is_restrict_from_parameters_of_zero(xp):
    objective = objective_on(xp, *blobs(), Cs=(0.3, 30.0))
    direction, step = start(objective), xp([0.5, 2.0])
    line = objective.restrict(objective.evaluate(0 * direction), direction)
    for _ in range(2):
        for found, expected in zip(
            objective.restrict_from_zero(direction)(step)[:2], line(step)[:2], strict=True
        ):
            np.testing.assert_allclose(xp.host(found), xp.host(expected), rtol=1e-12)


def test_select_of_an_iterate_takes_every_field(xp, rng):
    shapes = (3, 5), (3,), (3, 5), (3, 2, 4)
    fields = [rng.standard_normal(shape) for shape in shapes]
    iterate = Iterate(*map(xp, fields))
    problems = indices_from_host([2, 0], like=iterate.value)
    for found, field in zip(iterate.select(problems), fields, strict=True):
        np.testing.assert_array_equal(xp.host(found), field[[2, 0]])
    assert iterate._replace(logits=None).select(problems).logits is None
