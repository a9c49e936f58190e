"""Folds: any splitter, and those that cannot be trained on or scored."""

import numpy as np
import pytest
from sklearn.model_selection import GroupKFold, ShuffleSplit

from xsoftmax import SoftmaxRegression, SoftmaxRegressionCV

from ..problems import blobs

#: For tests of something else, whose small grid happens to be best at its end.
edge_is_fine = pytest.mark.filterwarnings("ignore:.*a better one may lie beyond it:UserWarning")
CS = [1e-3, 0.1, 10.0]


@edge_is_fine
@pytest.mark.parametrize(
    "cv",
    [3, ShuffleSplit(2, random_state=0), GroupKFold(3), [(range(40), range(40, 60))],
     [(np.arange(60) % 2 == 0, np.arange(60) % 2 == 1)]],
)  # fmt: skip
def test_split_takes_any_splitter(cv):
    X, y = blobs()
    groups = np.arange(60) // 7 if isinstance(cv, GroupKFold) else None
    model = SoftmaxRegressionCV(CS, cv=cv).fit(X, y, groups=groups)
    assert model.scores_.shape[1] == 3
    assert np.all((model.scores_ >= 0) & (model.scores_ <= 1))


def test_a_row_that_a_fold_names_twice_counts_twice():
    X, y = blobs()
    train = np.concatenate([np.arange(40), np.arange(10)])
    model = SoftmaxRegressionCV([1.0], cv=[(train, np.arange(40, 60))], tol=1e-11).fit(X, y)
    alone = SoftmaxRegression(tol=1e-11).fit(X[train], y[train])
    np.testing.assert_allclose(model.coefs_paths_[0, 0, :, :-1], alone.coef_, atol=1e-5)


def test_split_refuses_a_fold_without_rows_to_score():
    X, y = blobs(n_samples=30)
    weight = np.ones(30)
    weight[:10] = 0
    folds = [(np.arange(10, 30), np.arange(10))]
    with pytest.raises(ValueError, match="fold 0 has no test rows"):
        SoftmaxRegressionCV(cv=folds).fit(X, y, sample_weight=weight)
