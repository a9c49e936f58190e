"""What holds of the function that training minimises, for any network, targets and weights."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given

from xsoftmax.arrays import to_host

from ..problems import objective_on, start
from .drawing import examples, seeds
from .test_functional import slope_at

#: (n_samples, n_features, n_classes, hidden layers): few, because JAX compiles anew for each.
SIZES = ((7, 3, 2, ()), (12, 2, 5, ()), (9, 4, 3, (3,)), (8, 3, 2, (4, 2)))
SMOOTH = ("identity", "tanh", "sigmoid", "gelu")


class Drawn(NamedTuple):
    """An objective of two problems, parameters, and what it was made of."""

    objective: object
    parameters: object
    options: dict


def drawn(xp, seed, **changes) -> Drawn:
    """The objective of a seed, with other options where `changes` names them."""
    rng = np.random.default_rng(seed)
    n_samples, n_features, n_classes, hidden = SIZES[rng.integers(len(SIZES))]
    options = {
        "X": rng.standard_normal((n_samples, n_features)) * 10 ** rng.uniform(-2, 2),
        "y": np.append(rng.integers(0, n_classes, n_samples - 1), n_classes - 1),
        "Cs": (10 ** rng.uniform(-3, 3), 10 ** rng.uniform(-3, 3)),
        "hidden": hidden,
        "activation": SMOOTH[rng.integers(len(SMOOTH))],
        # As many repeated rows for every seed.
        "weights": rng.permuted(np.tile(1 + np.arange(n_samples) % 3, (2, 1)), axis=1),
    } | changes
    objective = objective_on(xp, **options)
    return Drawn(objective, start(objective, seed % 1000, scale=10 ** rng.uniform(-2, 0)), options)


def on_host(evaluated):
    return tuple(map(to_host, evaluated))


def slope_error(objective, parameters, direction):
    """How far g'd is from the slope of f along d, over |g| |d|, of the worst problem."""
    _, gradient = on_host(objective.value_and_gradient(parameters))

    def value_at(step):
        return on_host(objective.value_and_gradient(parameters + step * direction))[0]

    # Features as large as 100 bend f within a step of 1.
    step = 2e-3 / max(1.0, float(np.max(np.abs(to_host(objective.rows.X)))))
    slopes, along = slope_at(value_at, step), to_host(direction)
    lengths = np.linalg.norm(gradient, axis=1) * np.linalg.norm(along, axis=1)
    return np.max(np.abs(np.sum(gradient * along, axis=1) - slopes) / lengths)


@examples
@given(seed=seeds)
def test_the_gradient_is_the_slope_of_the_value(xp, seed):
    objective, parameters, _ = drawn(xp, seed)
    assert slope_error(objective, parameters, start(objective, 1 + seed % 1000)) <= 1e-7


def test_the_gradient_is_the_slope_of_the_value_in_1000_cases():
    for seed in range(1000):
        objective, parameters, _ = drawn(np.asarray, seed)
        assert slope_error(objective, parameters, start(objective, 1 + seed)) <= 1e-7, seed


@examples
@given(seed=seeds)
def test_all_backends_agree_with_numpy_to_100_eps(xp, seed):
    objective, parameters, _ = drawn(xp, seed)
    found = on_host(objective.value_and_gradient(parameters))
    of_numpy, same, _ = drawn(np.asarray, seed)
    np.testing.assert_array_equal(to_host(parameters), same)
    for one, other in zip(found, of_numpy.value_and_gradient(same), strict=True):
        allowed = 100 * np.finfo(float).eps * np.max(np.abs(other))
        np.testing.assert_allclose(one, other, rtol=0, atol=allowed)


@examples
@given(seed=seeds)
def test_a_batch_of_problems_is_each_problem_alone(xp, seed):
    objective, parameters, _ = drawn(xp, seed)
    value, gradient = on_host(objective.value_and_gradient(parameters))
    for k in range(2):
        alone = objective.select([k]).value_and_gradient(parameters[k : k + 1, :])
        np.testing.assert_allclose(to_host(alone[0]), value[k], rtol=1e-13)
        np.testing.assert_allclose(to_host(alone[1])[0], gradient[k], rtol=1e-12, atol=1e-14)


@examples
@given(seed=seeds)
def test_blocks_of_rows_are_the_whole(xp, seed):
    objective, parameters, _ = drawn(xp, seed)
    value, gradient = on_host(objective.value_and_gradient(parameters))
    n_rows = (2, 5)[seed % 2]
    rows = objective.rows._replace(max_block_rows=n_rows)
    blocked = replace(objective, block_rows=n_rows, rows=rows)
    found = on_host(blocked.value_and_gradient(parameters))
    scale = np.max(np.abs(gradient))
    np.testing.assert_allclose(found[0], value, rtol=1e-13)
    np.testing.assert_allclose(found[1], gradient, rtol=1e-12, atol=1e-13 * scale)


@examples
@given(seed=seeds)
def test_a_weight_is_a_repeated_row(xp, seed):
    objective, parameters, options = drawn(xp, seed)
    repeats, one = options["weights"][0], parameters[:1, :]
    options = options | {"weights": None, "Cs": options["Cs"][:1]}
    for name in ("X", "y"):
        options[name] = np.repeat(options[name], repeats, axis=0)
    found = on_host(objective_on(xp, **options).value_and_gradient(one))
    value, gradient = on_host(objective.select([0]).value_and_gradient(one))
    scale = np.max(np.abs(gradient))
    np.testing.assert_allclose(found[0], value, rtol=1e-12)
    np.testing.assert_allclose(found[1], gradient, rtol=1e-11, atol=1e-13 * scale)


@pytest.mark.parametrize("n_classes", [2, 4])
@examples
@given(seed=seeds)
def test_along_a_line_values_and_slopes_are_those_of_evaluations(xp, n_classes, seed):
    X, y = np.random.default_rng(seed).standard_normal((8, 3)), np.arange(8) % n_classes
    objective, parameters, _ = drawn(xp, seed, X=X, y=y, hidden=(), weights=None)
    direction = start(objective, 1 + seed % 1000)
    line = objective.restrict(objective.evaluate(parameters), direction)
    for step in (0.0, 0.3, 2.0):
        steps = xp([step, step / 2])
        value, slope, _ = line(steps)
        moved = parameters + steps[:, None] * direction
        expected, gradient = on_host(objective.value_and_gradient(moved))
        slopes = np.sum(gradient * to_host(direction), axis=1)
        np.testing.assert_allclose(to_host(value), expected, rtol=1e-12)
        np.testing.assert_allclose(to_host(slope), slopes, rtol=1e-9, atol=1e-12)
