"""Problems with targets, classes and offsets of their own are those that they would be alone."""

from dataclasses import replace

import numpy as np
import pytest

from xsoftmax.arrays import namespace
from xsoftmax.curvature.approximate import approximate_inverse
from xsoftmax.curvature.exact import exact_inverse
from xsoftmax.curvature.newton_step import hessian_product, newton_step
from xsoftmax.objective.policy import DEFAULT, PLAIN
from xsoftmax.solvers import fit

from ..problems import blobs, objective_on, start, zeros_of

N_PROBLEMS = 3


@pytest.fixture(params=["soft", "labels", "two classes"])
def targets(request, rng):
    """(n_problems, n_samples) labels, or (n_problems, n_classes, n_samples) probabilities."""
    if request.param == "soft":
        return np.moveaxis(rng.dirichlet([0.5] * 4, (N_PROBLEMS, 60)), 2, 1)
    n_classes = 4 if request.param == "labels" else 2
    labels = rng.integers(0, n_classes, (N_PROBLEMS, 60))
    labels[:, :n_classes] = np.arange(n_classes)
    return labels


@pytest.fixture(params=["no offset", "offset of rows"])
def offset(request, rng, targets):
    """(n_problems, n_logits, n_samples), or None."""
    n_logits = 1 if targets.ndim == 2 and targets.max() == 1 else 4
    if request.param == "no offset":
        return None
    return rng.standard_normal((N_PROBLEMS, n_logits, 60))


def batch(xp, targets, offset, **settings):
    """A problem for each of the targets, and each of these problems alone."""
    X, _ = blobs()
    n_classes = targets.shape[1] if targets.ndim == 3 else targets.max() + 1
    y = np.arange(60) % n_classes
    weights = 1.0 + np.random.default_rng(1).random((N_PROBLEMS, 60))

    def problems(which):
        Cs = np.asarray([0.5, 1.0, 20.0])[which]
        objective = objective_on(xp, X, y, Cs=Cs, weights=weights[which], **settings)
        rows = objective.rows._replace(
            targets=xp(targets[which]), offset=None if offset is None else xp(offset[which])
        )
        return replace(objective, rows=rows)

    return problems(slice(0, None)), [problems(slice(k, k + 1)) for k in range(N_PROBLEMS)]


def stacked(xp, of_each):
    return np.concatenate([xp.host(x) for x in of_each])


def test_values_and_gradients_are_those_of_each_alone(xp, targets, offset):
    together, alone = batch(xp, targets, offset)
    parameters = start(together)
    of_each = [one.evaluate(parameters[k : k + 1, :]) for k, one in enumerate(alone)]
    kept = replace(together, block_rows=25)
    forgetful = replace(kept, policy=replace(DEFAULT, max_kept_logits=0))
    for objective in (kept, forgetful):
        found = objective.evaluate(parameters)
        for name in ("value", "gradient"):
            expected = stacked(xp, [getattr(each, name) for each in of_each])
            np.testing.assert_allclose(xp.host(getattr(found, name)), expected, rtol=1e-11)


def test_values_at_zero_are_those_of_zeros(xp, targets, offset):
    together, _ = batch(xp, targets, offset)
    at_zero = together.value_and_gradient(zeros_of(together))[0]
    np.testing.assert_allclose(xp.host(together.values_at_zero), xp.host(at_zero), rtol=1e-13)
    found = together.evaluate_at_zero(zeros_of(together)).value
    np.testing.assert_allclose(xp.host(found), xp.host(at_zero), rtol=1e-13)


def test_selected_problems_and_rows_keep_what_is_theirs(xp, targets, offset):
    together, _ = batch(xp, targets, offset)
    parameters = start(together)
    chosen = together.select([2, 0])
    value, _ = together.value_and_gradient(parameters)
    xp_of = namespace(parameters)
    of_chosen = xp_of.take(parameters, xp([2, 0]), axis=0)
    np.testing.assert_allclose(
        xp.host(chosen.value_and_gradient(of_chosen)[0]), xp.host(value)[[2, 0]], rtol=1e-13
    )
    parts = [replace(together, rows=together.rows.subsample(xp(rows))) for rows in ([*range(20)],)]
    parts.append(replace(together, rows=together.rows.subsample(xp([*range(20, 60)]))))
    no_penalty = [replace(part, penalty=0.0 * part.penalty) for part in [*parts, together]]
    few, many, every = (xp.host(part.value_and_gradient(parameters)[0]) for part in no_penalty)
    np.testing.assert_allclose(few / 3 + many / 1.5, every, rtol=1e-12)


def test_hessians_are_those_of_each_alone(xp, targets, offset):
    together, alone = batch(xp, targets, offset)
    iterate = together.evaluate(start(together))
    vector = start(together, seed=1)
    found = xp.host(hessian_product(together, iterate, vector))
    inverse = exact_inverse(together, iterate, of_few_rows=False)
    solved = xp.host(inverse.solve(vector, together.strength))
    for k, one in enumerate(alone):
        at, v = one.evaluate(iterate.parameters[k : k + 1, :]), vector[k : k + 1, :]
        expected = xp.host(hessian_product(one, at, v))
        np.testing.assert_allclose(found[k], expected[0], rtol=1e-9, atol=1e-12)
        expected = xp.host(exact_inverse(one, at, of_few_rows=False).solve(v, one.strength))
        np.testing.assert_allclose(solved[k], expected[0], rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("policy", [DEFAULT, PLAIN, replace(DEFAULT, max_cost_of_newton=0.0)])
def test_minima_are_those_of_each_alone(xp, targets, offset, policy):
    together, alone = batch(xp, targets, offset, policy=policy)
    tight = {"tol": 1e-10, "max_iter": 500}
    found = fit(together, zeros_of(together), **tight)
    for k, one in enumerate(alone):
        expected = fit(one, zeros_of(one), **tight)
        np.testing.assert_allclose(found.values[k], expected.values[0], rtol=1e-8)


def test_approximate_inverses_know_the_offset(xp, targets, offset):
    """Of one problem whose logits are made again they are those of logits that were kept."""
    _, (one, *_) = batch(xp, targets, offset)
    iterate, g = one.evaluate(start(one)), start(one, seed=1)
    kept, made = (
        approximate_inverse(one, at, 1e9).solve(g, one.strength)
        for at in (iterate, iterate._replace(logits=None))
    )
    np.testing.assert_allclose(xp.host(made), xp.host(kept), rtol=1e-9, atol=1e-12)


def test_newton_step_knows_the_offset(xp, targets, offset):
    together, _ = batch(xp, targets, offset)
    iterate = together.evaluate(together.network.centered(start(together)))
    inverse = exact_inverse(together, iterate, of_few_rows=False)
    step = newton_step(together, iterate, inverse, 1e-6).direction
    left = hessian_product(together, iterate, step) + iterate.gradient
    centered = xp.host(together.network.centered(left))
    assert np.max(np.abs(centered)) < 1e-6 * np.max(np.abs(xp.host(iterate.gradient)))
