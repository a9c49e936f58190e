"""Classifiers on arrays of Dask: the same models, bad chunks, workers that die."""

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import get_scorer

from xsoftmax import (
    MLPClassifier,
    MultiOutputSoftmaxRegression,
    MultiOutputSoftmaxRegressionCV,
    SoftmaxRegression,
    SoftmaxRegressionCV,
)
from xsoftmax.objective.policy import DEFAULT
from xsoftmax.sources import ClusterRows, cluster
from xsoftmax.sources.cluster import PATIENCE

from ..problems import blobs

da = pytest.importorskip("dask.array", reason="Dask is not installed")
distributed = pytest.importorskip("distributed", reason="Dask is not installed")

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*the best C_"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

SETTINGS = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0"}


@pytest.fixture(scope="module")
def client():
    """Two workers in this process."""
    with (
        distributed.LocalCluster(processes=False, **SETTINGS) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.fixture
def rows(client):
    X, y = blobs(900, 8, 4, spread=2.0)
    X[:, 0] *= 3.0
    return X, y, da.from_array(X, chunks=(170, 5))


MODELS = {
    "newton": lambda: SoftmaxRegression(tol=1e-12),
    "many features": lambda: SoftmaxRegression(C=100.0, fit_intercept=False, tol=1e-10),
    "gd": lambda: SoftmaxRegression(solver="gd", max_iter=5, tol=0),
    "network": lambda: MLPClassifier((5,), solver="lbfgs", max_iter=9, tol=0, random_state=0),
}


@pytest.mark.filterwarnings("ignore:.*did not converge")
@pytest.mark.parametrize("name", MODELS)
def test_chunks_give_the_model_of_one_array(rows, name):
    X, y, D = rows
    whole, spread = MODELS[name]().fit(X, y), MODELS[name]().fit(D, da.from_array(y, chunks=200))
    assert isinstance(spread.classes_, np.ndarray)
    for method in ("predict_proba", "predict_log_proba", "decision_function", "predict"):
        found = getattr(spread, method)(D)
        assert isinstance(found, da.Array)  # and nothing was computed
        expected = getattr(whole, method)(X)
        assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
        np.testing.assert_allclose(found.compute(), expected, atol=1e-5)
    assert spread.score(D, y) == whole.score(X, y)


def test_a_constant_and_a_far_feature_of_chunks(client):
    X, y = blobs(400, 6, 3, spread=2.0)
    X[:, 0] += 1e4
    X[:, 1] = 7.0
    whole = SoftmaxRegression(tol=1e-9).fit(X, y)
    spread = SoftmaxRegression(tol=1e-9).fit(da.from_array(X, chunks=(150, -1)), y)
    np.testing.assert_allclose(spread.predict_proba(X), whole.predict_proba(X), atol=1e-4)
    np.testing.assert_array_equal(spread.coef_[:, 1], 0.0)


def test_large_cells_are_proved_on_the_cluster(client):
    X, y = blobs(400, 4, 3, spread=2.0)
    X[3, 2] = 1e6
    whole = SoftmaxRegression(tol=1e-6).fit(X, y)
    spread = SoftmaxRegression(tol=1e-6).fit(da.from_array(X, chunks=(150, -1)), y)
    np.testing.assert_allclose(spread.predict_proba(X), whole.predict_proba(X), atol=1e-2)


def test_searches_and_label_sets_of_chunks(rows):
    X, y, D = rows
    Y, weight = np.stack([y, y % 2], axis=1), np.random.default_rng(0).random(900)
    settings = {"Cs": [1e-3, 1.0], "cv": 3, "tol": 1e-9, "scoring": ["accuracy", "neg_log_loss"]}
    whole = SoftmaxRegressionCV(**settings).fit(X, y, weight)
    spread = SoftmaxRegressionCV(**settings).fit(D, y, weight)
    for name, scores in whole.scores_.items():
        np.testing.assert_allclose(spread.scores_[name], scores, rtol=1e-5)
    np.testing.assert_allclose(spread.coef_, whole.coef_, atol=1e-4)
    for kind in (
        MultiOutputSoftmaxRegression(tol=1e-9),
        MultiOutputSoftmaxRegressionCV([1e-3, 1.0], cv=3, tol=1e-9),
    ):
        expected = kind.fit(X, Y).predict_proba(X)
        for found, right in zip(kind.fit(D, Y).predict_proba(X), expected, strict=True):
            np.testing.assert_allclose(found, right, atol=1e-4)


def test_a_search_on_held_out_chunks_brings_no_rows_here(rows):
    X, y, D = rows
    settings = {"Cs": [1e-3, 1.0], "tol": 1e-9}
    whole = SoftmaxRegressionCV(**settings)
    whole.fit(X[:600], y[:600], X_val=X[600:], y_val=y[600:])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ClusterRows, "blocks", None)
        spread = SoftmaxRegressionCV(**settings)
        spread.fit(D[:600], y[:600], X_val=D[600:], y_val=y[600:])
    np.testing.assert_allclose(spread.scores_, whole.scores_, rtol=1e-6)
    np.testing.assert_allclose(spread.coef_, whole.coef_, atol=1e-4)


def test_soft_labels_strings_and_a_prior(rows):
    X, y, D = rows
    names = np.asarray(["a", "b", "c", "d"])[y]
    found = SoftmaxRegression(tol=1e-9).fit(D, names).predict(D).compute()
    np.testing.assert_array_equal(found, SoftmaxRegression(tol=1e-9).fit(X, names).predict(X))
    soft = 0.9 * np.eye(4)[y] + 0.025
    prior = np.ones((4, 8)), np.zeros(4)
    whole, spread = (
        SoftmaxRegression(tol=1e-9, coef_prior=prior, class_weight=None).fit(some, soft)
        for some in (X, D)
    )
    np.testing.assert_allclose(spread.coef_, whole.coef_, atol=1e-4)


def test_chunks_of_unknown_sizes_of_no_rows_of_one_class_and_of_other_dtypes(rows):
    X, y, _ = rows
    order = np.argsort(y, kind="stable")
    X, y = X[order], y[order]
    parts = [
        da.from_array(X[:225], chunks=(225, -1)),
        da.from_array(X[225:225], chunks=(1, -1)),
        da.from_array(X[225:].astype(np.float32), chunks=(80, -1)),
    ]
    D = da.concatenate(parts)
    unknown = D[D[:, 0] > -1e9]
    assert np.isnan(unknown.shape[0])
    expected = SoftmaxRegression(tol=1e-9).fit(X, y)
    found = SoftmaxRegression(tol=1e-9).fit(unknown, y)
    np.testing.assert_allclose(found.predict_proba(X), expected.predict_proba(X), atol=1e-4)
    lazily = found.predict(unknown).compute()
    np.testing.assert_array_equal(lazily, found.predict(X))


def test_sparse_chunks(rows):
    sp = pytest.importorskip("scipy.sparse")
    X, y, _ = rows
    X = np.where(np.abs(X) > 1, X, 0.0)
    D = da.from_array(X, chunks=(170, -1)).map_blocks(sp.csr_matrix)
    expected = SoftmaxRegression(tol=1e-9).fit(X, y).coef_
    np.testing.assert_allclose(SoftmaxRegression(tol=1e-9).fit(D, y).coef_, expected, atol=1e-4)


def test_a_bad_chunk_is_named(client):
    X, y = blobs(300, 4)
    for at, value, message in (
        ((205, 2), np.nan, r"row 5 of chunk 2 holds NaN"),
        ((99, 0), -np.inf, r"row 99 of chunk 0"),
    ):
        bad = X.copy()
        bad[at] = value
        with pytest.raises(ValueError, match=message):
            SoftmaxRegression().fit(da.from_array(bad, chunks=(100, -1)), y)

    def narrower(chunk, block_info=None):
        return chunk[:, :3] if block_info[0]["chunk-location"][0] == 1 else chunk

    D = da.from_array(X, chunks=(100, -1)).map_blocks(narrower, dtype=float, chunks=(100, 4))
    with pytest.raises(ValueError, match="chunk 1 has 3 features, but others have 4"):
        SoftmaxRegression().fit(D, y)
    D = da.from_array(X, chunks=(100, -1)).astype(str)
    with pytest.raises(ValueError, match="chunk 0 must hold real numbers"):
        SoftmaxRegression().fit(D, y)
    D = da.from_array(X, chunks=(100, -1))
    with pytest.raises(ValueError, match="X has 300 rows and y has shape"):
        SoftmaxRegression().fit(D, y[1:])
    with pytest.raises(ValueError, match="all its chunks are empty"):
        SoftmaxRegression().fit(D[:0], y[:0])
    with pytest.raises(ValueError, match="is expecting 4 features"):
        SoftmaxRegression().fit(X, y).predict(D[:, :2])


def test_what_makes_no_sense_on_a_cluster_is_refused(rows):
    _, y, D = rows
    with pytest.raises(ValueError, match="choose solver='lbfgs'"):
        SoftmaxRegression(solver="adam").fit(D, y)
    with pytest.raises(ValueError, match="take no offset"):
        SoftmaxRegression().fit(D, y).predict_proba(D, offset=np.zeros((900, 4)))
    with pytest.raises(ValueError, match="would bring all of them to one place"):
        SoftmaxRegression(standard_errors=True).fit(D, y)
    with pytest.raises(ValueError, match="cannot be summed over a cluster"):
        SoftmaxRegressionCV([1.0], cv=2, scoring="roc_auc_ovr").fit(D, y)
    with pytest.raises(ValueError, match="would bring the rows of a cluster to the host"):
        SoftmaxRegressionCV([1.0], cv=2, scoring=get_scorer("accuracy")).fit(D, y)


def test_no_client_is_named():
    code = (
        "import dask.array as da, numpy as np\n"
        "from xsoftmax import SoftmaxRegression\n"
        "try: SoftmaxRegression().fit(da.ones((9, 2), chunks=3), np.arange(9) % 2)\n"
        "except RuntimeError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "no client is current. Start one before the fit" in done.stdout


def test_what_crosses_the_network_is_parameters_and_sums(client):
    X, y = blobs(2000, 100, 20, spread=8.0)
    rows = ClusterRows(da.from_array(X, chunks=(500, -1)))
    sent = []

    class Counting:
        """A client that notes how much goes each way."""

        def __getattr__(self, name):
            return getattr(client, name)

        def submit(self, function, *args, **kwargs):
            plain = [arg for arg in args if not isinstance(arg, distributed.Future)]
            sent.append(len(distributed.protocol.pickle.dumps(plain)))
            return client.submit(function, *args, **kwargs)

    SoftmaxRegression(tol=1e-3).fit(rows, y)  # labels are sent once
    rows.client = Counting()
    SoftmaxRegression(tol=1e-8).fit(rows, y)
    n_bytes = 20 * 101 * 8  # of the parameters
    assert len([n for n in sent if n > n_bytes]) > 10 * len(rows.groups)
    assert max(sent) < 1.2 * n_bytes + 4000


class Killer(threading.Thread):
    """Kills a worker of a cluster some time after it was started."""

    def __init__(self, cluster, seconds):
        super().__init__()
        self.cluster, self.seconds, self.pid = cluster, seconds, None

    def run(self):
        time.sleep(self.seconds)
        nannies = [nanny for nanny in self.cluster.workers.values() if nanny.process.process]
        self.pid = nannies[0].process.process.pid
        os.kill(self.pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def processes():
    """Two workers in processes of their own, which are started again when they die."""
    with (
        distributed.LocalCluster(silence_logs=50, **SETTINGS) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield cluster, client


def test_a_worker_that_dies_leaves_the_same_answer(processes):
    cluster, client = processes
    X, y = blobs(20_000, 40, 4, spread=6.0)
    rows = ClusterRows(da.from_array(X, chunks=(2500, -1)))
    start = time.perf_counter()
    expected = SoftmaxRegression(tol=1e-10).fit(rows, y)
    seconds = time.perf_counter() - start
    for share in (0.2, 0.6):
        killer = Killer(cluster, share * seconds)
        killer.start()
        found = SoftmaxRegression(tol=1e-10).fit(rows, y)
        killer.join()
        assert killer.pid is not None
        # Sums are added in the same order; other memory may be aligned in another way.
        np.testing.assert_allclose(found.coef_, expected.coef_, rtol=1e-9, atol=1e-12)
        client.wait_for_workers(2, timeout=60)


def test_groups_without_a_row_that_is_wanted_give_none(client):
    X, _ = blobs(300, 4)
    rows = ClusterRows(da.from_array(X, chunks=(50, -1)))
    np.testing.assert_array_equal(rows.take(np.asarray([7, 3])), X[[7, 3]])


@pytest.mark.parametrize("constant", [False, True])
def test_many_rows_of_a_sample_stay_on_their_workers(client, constant):
    X, y = blobs(6000, 200, 3, spread=9.0)
    X[:, 3] = 2.0 if constant else X[:, 3]
    rows = ClusterRows(da.from_array(X, chunks=(700, -1)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cluster, "MOST_GATHERED", 100)
        some = rows.take(np.asarray([5999, 0, 4, 4, 3000, 701, 12, 13, 14]))
        assert isinstance(some, ClusterRows)
        patch.setattr(cluster, "MOST_GATHERED", 250_000)
        found = np.concatenate([block for _, block in some.blocks(3)])
        np.testing.assert_array_equal(found, X[[5999, 0, 4, 4, 3000, 701, 12, 13, 14]])
        policy = replace(DEFAULT, min_sample_rows=1, max_gathered_values=200_000)
        models = []
        for data in (X, rows):
            model = SoftmaxRegression(tol=1e-9)
            model._policy = policy
            models.append(model.fit(data, y))
    np.testing.assert_allclose(*(model.predict_proba(X) for model in models), atol=1e-4)


@pytest.mark.slow
def test_a_cluster_without_workers_is_given_up(client):
    with (
        distributed.LocalCluster(processes=False, **SETTINGS) as cluster,
        distributed.Client(cluster, set_as_default=False) as own,
        own.as_current(),
    ):
        X, y = blobs(300, 4)
        rows = ClusterRows(da.from_array(X, chunks=(100, -1)))
        cluster.scale(0)
        while own.scheduler_info()["workers"]:
            time.sleep(0.1)
        start = time.perf_counter()
        with pytest.raises(RuntimeError, match="has had no worker for"):
            SoftmaxRegression().fit(rows, y)
        assert time.perf_counter() - start < PATIENCE + 10


def test_chunks_stay_with_the_client_that_has_them(client, processes):
    X, y = blobs(300, 4)
    _, another = processes
    for mine, other in ((client, another), (another, client)):
        persisted = mine.persist(da.from_array(X, chunks=(100, -1)))
        with other.as_current():
            assert ClusterRows(persisted).client is mine
            SoftmaxRegression().fit(persisted, y)


def test_chunks_outlive_rows_that_were_asked_for_in_vain(client):
    X, _ = blobs(300, 4)
    persisted = client.persist(da.from_array(X, chunks=(100, -1)))
    rows = ClusterRows(persisted)

    def interrupted(futures):
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "gather", interrupted)
        with pytest.raises(KeyboardInterrupt):
            next(rows.blocks(10))
    np.testing.assert_array_equal(client.compute(persisted).result(), X)
