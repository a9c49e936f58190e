"""Rows that a fold holds out lie together, and its problem does not read them."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.model_selection import ShuffleSplit, StratifiedKFold

from xsoftmax import SoftmaxRegressionCV
from xsoftmax.classifiers.folds import sort_rows_by_fold
from xsoftmax.objective.policy import DEFAULT
from xsoftmax.objective.rows import ArrayRows

from ..problems import blobs, objective_on
from ..segmented_rows import fold_weights, segmented

ANY_SIZE = replace(DEFAULT, min_work_of_fold=0)


def test_sort_rows_by_fold_makes_a_segment_of_each_fold(xp):
    weights = fold_weights()
    common = {"Cs": (1.0,) * 3, "weights": weights, "policy": ANY_SIZE}
    objective = objective_on(xp, *blobs(n_samples=90), **common)
    found, expected = sort_rows_by_fold(objective).rows, segmented(xp, objective, weights)[0].rows
    assert found.segments == expected.segments
    for part in ("X", "targets", "weights"):
        values = (xp.host(getattr(rows, part)) for rows in (found, expected))
        np.testing.assert_array_equal(*values)


def test_sort_rows_by_fold_is_as_it_is_where_nothing_is_gained():
    X, y = blobs(n_samples=90)
    objective = objective_on(np.asarray, X, y, Cs=(1.0, 1.0, 1.0), weights=fold_weights())
    assert sort_rows_by_fold(objective) is objective  # too few
    policy = replace(DEFAULT, min_work_of_fold=1)
    objective = replace(objective, policy=policy)
    assert sort_rows_by_fold(objective) is not objective
    alone = objective.select([0])
    assert sort_rows_by_fold(alone) is alone
    weights = np.ones((2, 90))
    weights[:, :30] = 0.0
    overlapping = objective_on(np.asarray, X, y, Cs=(1.0, 1.0), weights=weights, policy=policy)
    assert sort_rows_by_fold(overlapping) is overlapping
    fits = replace(objective, policy=replace(policy, max_copied_values=90 * 5))
    assert sort_rows_by_fold(fits) is not fits
    large = replace(objective, policy=replace(policy, max_copied_values=90 * 5 - 1))
    assert sort_rows_by_fold(large) is large


def test_sort_rows_by_fold_is_as_it_is_without_room_for_a_copy():
    X, y = blobs(n_samples=90)
    weights = fold_weights()
    common = {"Cs": (1.0,) * 3, "weights": weights, "policy": ANY_SIZE}
    objective = objective_on(np.asarray, X, y, **common)

    class Failing(ArrayRows):
        error = MemoryError()

        def sort_by_segment(self, order, segments):
            raise self.error

    objective = replace(objective, rows=Failing(*objective.rows))
    assert sort_rows_by_fold(objective) is objective
    Failing.error = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        sort_rows_by_fold(objective)


@pytest.mark.parametrize("cv", [StratifiedKFold(4), ShuffleSplit(3, random_state=0)])
def test_a_sweep_is_the_same_with_rows_sorted_by_fold(cv):
    X, y = blobs(n_samples=120, spread=2.0)
    weight, has_segments = 1.0 + np.arange(120) % 3, []

    class Watched(SoftmaxRegressionCV):
        def _follow(self, unit, Cs):
            has_segments.append(bool(unit.rows.segments))
            return super()._follow(unit, Cs)

    def sweep(min_work_of_fold):
        model = Watched([1e-2, 1.0], cv=cv, tol=1e-10)
        model._policy = replace(DEFAULT, min_work_of_fold=min_work_of_fold)
        return model.fit(X, y, weight)

    whole, parts = sweep(np.inf), sweep(1)
    assert has_segments == [False, True]
    np.testing.assert_array_equal(parts.scores_, whole.scores_)
    np.testing.assert_allclose(parts.coefs_paths_, whole.coefs_paths_, atol=1e-5)
    np.testing.assert_allclose(parts.coef_, whole.coef_, atol=1e-5)
