"""What a sweep records: warnings of problems that did not converge, and of a best C at the edge."""

from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from xsoftmax import SoftmaxRegressionCV
from xsoftmax.classifiers.cv_results import CVResults
from xsoftmax.solvers import Status

from ..problems import blobs


def test_problems_that_do_not_converge_share_one_warning():
    X, y = blobs(spread=2.0)
    with pytest.warns(ConvergenceWarning, match="of 6 problems did not reach tol") as caught:
        SoftmaxRegressionCV([1.0, 1e4], cv=3, max_iter=1, tol=1e-9).fit(X, y)
    assert len(caught) == 1


def sweep_with_scores(Cs, means, refit):
    """A sweep whose two folds both have these scores at each C, in the order of its grid."""
    grid = np.logspace(-4, 4, Cs) if isinstance(Cs, int) else np.asarray(Cs)
    asked = iter(np.repeat(np.argsort(grid, kind="stable"), 2))

    def scoring(model, X, y):
        return float(means[next(asked)])

    return SoftmaxRegressionCV(Cs, cv=2, scoring=scoring, refit=refit)


@pytest.mark.parametrize(
    ("Cs", "means", "words"),
    [
        (
            [0.1, 1.0, 10.0, 100.0],
            [1, 2, 3, 4],
            r"C_=100 is the largest .*logspace\(2, 3.5, 4\), on the .* --Cs 100:3162:4\.",
        ),
        ([100.0, 1.0, 0.1], [1, 2, 3], r"C_=0.1 is the smallest .*np.logspace\(-2.5, -1, 3\)"),
        (10, range(10), r"C_=1e\+04 is the largest .*np.logspace\(4, 8, 10\)"),
        (10, range(10, 0, -1), r"C_=0.0001 is the smallest .*np.logspace\(-8, -4, 10\)"),
    ],
)
@pytest.mark.parametrize("refit", [True, False])
def test_a_best_c_at_the_edge_of_the_grid_warns(Cs, means, words, refit):
    X, y = blobs()
    model = sweep_with_scores(Cs, means, refit)
    with pytest.warns(UserWarning, match=words) as warned:
        model.fit(X, y)
    assert warned[0].filename == __file__


@pytest.mark.parametrize(
    ("Cs", "means"),
    [
        ([0.1, 1.0, 10.0], [1, 3, 2]),  # inside
        ([0.1, 1.0, 10.0], [1, 2, 2]),  # flat up to the edge
        ([0.1, 1.0, 10.0], [2, 1, 2]),  # both ends
        ([10.0, 0.1, 1.0], [2, 1, 2]),  # unordered
        ([0.1, 0.1, 1.0], [1, 1, 2]),  # two values
        ([1.0], [1]),
        ([0.1, 1.0, 10.0], [np.nan] * 3),
    ],
)
@pytest.mark.parametrize("refit", [True, False])
def test_a_best_c_that_is_no_edge_does_not_warn(Cs, means, refit):
    X, y = blobs()
    sweep_with_scores(Cs, means, refit).fit(X, y)


def test_the_inverse_hessian_of_the_best_score_is_kept_for_the_refit():
    paths = CVResults(2, 3, 1)
    for j, score in enumerate((0.5, 0.9, 0.7)):
        warm_start = SimpleNamespace(inverse=f"inverse at {j}")
        solution = SimpleNamespace(
            parameters=np.zeros((2, 4)), gaps=[0, 0], n_iter=[1, 1],
            statuses=[Status.CONVERGED] * 2, warm_start=warm_start,
        )  # fmt: skip
        paths.record(range(2), j, solution, np.asarray([[score], [score]]))
    assert paths.best_inverse == "inverse at 1"
