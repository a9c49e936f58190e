"""Features that are 0 in every row are left out of a sweep, and nothing else changes."""

import numpy as np

from xsoftmax import SoftmaxRegressionCV

from ..problems import blobs


def test_a_sweep_and_its_refit_read_only_the_features_that_are_seen():
    X, y = blobs(n_samples=60, n_features=4)
    widths = []

    class Watched(SoftmaxRegressionCV):
        def _refit(self, parts, space, *others):
            widths.append(space.rows(None).shape[1])
            return super()._refit(parts, space, *others)

    Watched([1.0], cv=2).fit(np.hstack([X, np.zeros_like(X)]), y)
    assert widths == [4]


def test_a_sweep_is_the_same_with_features_that_are_never_seen():
    X, y = blobs(n_samples=60, n_features=4, spread=2.0)
    wide = np.zeros((60, 8))
    wide[:, ::2] = X
    Cs = [1e-2, 1.0]
    expected = SoftmaxRegressionCV(Cs, cv=3, tol=1e-10).fit(X, y)
    model = SoftmaxRegressionCV(Cs, cv=3, tol=1e-10).fit(wide, y)
    np.testing.assert_allclose(model.coef_[:, ::2], expected.coef_, atol=1e-5)
    np.testing.assert_array_equal(model.coef_[:, 1::2], 0.0)
    paths = model.coefs_paths_
    assert paths.shape == (3, 2, 3, 9)
    np.testing.assert_array_equal(paths[..., 1:8:2], 0.0)
    np.testing.assert_allclose(paths[..., 0:8:2], expected.coefs_paths_[..., :4], atol=1e-5)
    np.testing.assert_array_equal(model.scores_, expected.scores_)
