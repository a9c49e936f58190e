"""Rows that a fold holds out lie together, and its problem does not read them."""

import numpy as np
import pytest
from sklearn.model_selection import ShuffleSplit, StratifiedKFold

from xsoftmax import SoftmaxRegressionCV
from xsoftmax.classifiers import folds as folds_module
from xsoftmax.classifiers import softmax_regression_cv
from xsoftmax.classifiers.folds import by_part
from xsoftmax.model.network import Network
from xsoftmax.objective import objective as objective_module
from xsoftmax.objective.rows import ArrayRows

from .problems import blobs, objective_on, start


@pytest.fixture
def any_size(monkeypatch):
    """Parts of any size are worth their own blocks."""
    monkeypatch.setattr(folds_module, "PART_PRODUCTS", 0)


def fold_weights(n_samples=90, n_folds=3):
    """Of the rows, some are held out by one fold, some by none and some by all."""
    held_out_by = np.random.default_rng(0).permutation(np.arange(n_samples) % (n_folds + 2))
    seen = (held_out_by != np.arange(n_folds)[:, None]) & (held_out_by <= n_folds)
    return (1.0 + np.arange(n_samples)) * seen


@pytest.mark.parametrize("staying", [[0, 2], [1]])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize(("hidden", "kept"), [((), True), ((), False), ((4,), False)])
def test_parts_do_not_change_the_answer(
    xp, monkeypatch, any_size, hidden, kept, n_classes, staying
):
    if not kept:
        monkeypatch.setattr(objective_module, "KEPT_VALUES", 0)
    X, y = blobs(n_samples=90, n_classes=n_classes)
    whole = objective_on(xp, X, y, Cs=(0.5, 1.0, 2.0), hidden=hidden, weights=fold_weights())
    parts = by_part(whole)
    assert [part.blind for part in parts.rows.parts] == [0, 1, 2, None]
    whole, parts = whole.take(staying), parts.take(staying)
    parameters, direction = start(whole), start(whole, seed=1)
    step = xp(np.linspace(0.2, 0.6, len(staying)))
    for parts_in_blocks in (parts, parts.in_blocks(7)):
        found = parts_in_blocks.value_and_gradient(parameters)
        for a, b in zip(found, whole.value_and_gradient(parameters), strict=True):
            np.testing.assert_allclose(xp.host(a), xp.host(b), atol=1e-13)
        rays = [o.along(o.at(parameters), direction) for o in (whole, parts_in_blocks)]
        for length in (step, 2 * step):
            (v1, s1, p1), (v2, s2, p2) = (ray(length) for ray in rays)
            np.testing.assert_allclose(xp.host(v2), xp.host(v1), atol=1e-13)
            np.testing.assert_allclose(xp.host(s2), xp.host(s1), atol=1e-13)
            np.testing.assert_allclose(xp.host(p2().gradient), xp.host(p1().gradient), atol=1e-13)
        # What the point carries to the next search is right as well.
        after = [o.along(p(), direction)(0 * step) for o, p in ((whole, p1), (parts_in_blocks, p2))]
        np.testing.assert_allclose(xp.host(after[1][0]), xp.host(after[0][0]), atol=1e-13)


def test_no_problem_reads_the_rows_that_it_holds_out(monkeypatch, any_size):
    X, y = blobs(n_samples=90)
    weights = fold_weights()
    objective = by_part(objective_on(np.asarray, X, y, Cs=(1.0, 1.0, 1.0), weights=weights))
    forward, reads = Network.forward, []

    def counted(network, layers, X):
        reads.append(layers[0][0].shape[0] * X.shape[0])
        return forward(network, layers, X)

    monkeypatch.setattr(Network, "forward", counted)
    objective.at(start(objective))
    n_held_out_by_all = (weights == 0).all(axis=0).sum()
    assert sum(reads) == (weights != 0).sum() + 3 * n_held_out_by_all


def test_a_sample_of_the_rows_has_no_parts(any_size):
    X, y = blobs(n_samples=90)
    objective = objective_on(np.asarray, X, y, Cs=(1.0, 1.0), weights=fold_weights(n_folds=2))
    rows = by_part(objective).rows
    assert rows.parts
    assert rows.every(2).parts == rows.sample(np.arange(0, 90, 2)).parts == ()


def test_rows_stay_where_they_are_if_nothing_is_gained(monkeypatch):
    X, y = blobs(n_samples=90)
    objective = objective_on(np.asarray, X, y, Cs=(1.0, 1.0, 1.0), weights=fold_weights())
    assert by_part(objective) is objective  # too few
    monkeypatch.setattr(folds_module, "PART_PRODUCTS", 1)
    assert by_part(objective) is not objective
    alone = objective.take([0])
    assert by_part(alone) is alone
    overlapping = np.ones((2, 90))
    overlapping[:, :30] = 0.0
    overlapping = objective_on(np.asarray, X, y, Cs=(1.0, 1.0), weights=overlapping)
    assert by_part(overlapping) is overlapping
    monkeypatch.setattr(folds_module, "COPIED_VALUES", 90 * 5 - 1)
    assert by_part(objective) is objective


def test_rows_stay_where_they_are_if_there_is_no_room_for_a_copy(monkeypatch, any_size):
    X, y = blobs(n_samples=90)
    objective = objective_on(np.asarray, X, y, Cs=(1.0, 1.0, 1.0), weights=fold_weights())

    def failing(error):
        def in_parts(rows, order, parts):
            raise error

        return in_parts

    monkeypatch.setattr(ArrayRows, "in_parts", failing(MemoryError()))
    assert by_part(objective) is objective
    monkeypatch.setattr(ArrayRows, "in_parts", failing(ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        by_part(objective)


@pytest.mark.parametrize("cv", [StratifiedKFold(4), ShuffleSplit(3, random_state=0)])
def test_a_sweep_is_the_same_by_part(monkeypatch, cv):
    X, y = blobs(n_samples=120, spread=2.0)
    weight, by_itself = 1.0 + np.arange(120) % 3, []

    def recorded(objective):
        by_itself.append(by_part(objective) is not objective)
        return by_part(objective)

    def sweep(part_products):
        monkeypatch.setattr(folds_module, "PART_PRODUCTS", part_products)
        model = SoftmaxRegressionCV([1e-2, 1.0], cv=cv, tol=1e-10)
        return model.fit(X, y, weight)

    monkeypatch.setattr(softmax_regression_cv, "by_part", recorded)
    whole, parts = sweep(1 << 60), sweep(1)
    assert by_itself == [False, True]
    np.testing.assert_array_equal(parts.scores_, whole.scores_)
    np.testing.assert_allclose(parts.coefs_paths_, whole.coefs_paths_, atol=1e-5)
    np.testing.assert_allclose(parts.coef_, whole.coef_, atol=1e-5)
