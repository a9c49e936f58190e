"""Many threads and processes at once, and nothing of the process is left changed."""

import locale
import multiprocessing
import os
import random
import signal
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import matplotlib as mpl
import numpy as np
import pytest
import sklearn
import threadpoolctl

from xsoftmax import (
    BatchedGridSearchCV,
    MLPClassifier,
    SoftmaxRegression,
    SoftmaxRegressionCV,
    bootstrap,
    functional,
    load,
    metrics,
    save,
)

from .problems import blobs

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*did not converge"),
    pytest.mark.filterwarnings("ignore:.*the best C_"),
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*"),
]

N_THREADS, N_TIMES = 8, 20
X, y = blobs(300, 9, 4, spread=3.0)
MODELS = {
    "newton": lambda: SoftmaxRegression(),
    "lbfgs": lambda: SoftmaxRegression(C=100.0, fit_intercept=False),
    "adam": lambda: MLPClassifier((5,), max_iter=3, random_state=0),
    "search": lambda: SoftmaxRegressionCV([0.1, 1.0], cv=2),
    "grid": lambda: BatchedGridSearchCV(
        MLPClassifier((4,), max_iter=2, random_state=0), {"alpha": [1e-4, 1.0]}, cv=2
    ),
}


def at_once(act):
    """What `N_THREADS` threads, which begin together, get from `act` in `N_TIMES` calls each."""
    together = threading.Barrier(N_THREADS)

    def many(thread):
        together.wait()
        return [act(thread) for _ in range(N_TIMES)]

    with ThreadPoolExecutor(N_THREADS) as pool:
        return [found for each in pool.map(many, range(N_THREADS)) for found in each]


@pytest.mark.parametrize("name", MODELS)
def test_fits_in_8_threads_give_the_same_bits_as_one_after_another(name):
    expected = MODELS[name]().fit(X, y).predict_proba(X)
    for found in at_once(lambda _: MODELS[name]().fit(X, y).predict_proba(X)):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", MODELS)
def test_predictions_of_one_estimator_in_8_threads_give_the_same_bits(name):
    model = MODELS[name]().fit(X, y)
    expected = model.predict_proba(X), model.predict(X), model.score(X, y)
    for found in at_once(lambda _: (model.predict_proba(X), model.predict(X), model.score(X, y))):
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one, other)


def test_threads_with_problems_of_their_own_do_not_mix_them():
    problems = [blobs(100 + 10 * k, 5, 3, spread=2.0, seed=k) for k in range(N_THREADS)]
    alone = [SoftmaxRegression().fit(*problem).coef_ for problem in problems]
    found = at_once(lambda k: SoftmaxRegression().fit(*problems[k]).coef_)
    for k, coef in enumerate(found):
        np.testing.assert_array_equal(coef, alone[k // N_TIMES])


def test_files_are_saved_and_loaded_by_8_threads(tmp_path):
    model = SoftmaxRegression().fit(X, y)
    path = save(model, tmp_path / "m.safetensors")

    def there_and_back(thread):
        save(model, path)
        return load(path).coef_

    for coef in at_once(there_and_back):
        np.testing.assert_array_equal(coef, model.coef_)
    assert list(tmp_path.iterdir()) == [path]


def fitted_in_child(queue):
    queue.put(SoftmaxRegression().fit(X, y).predict_proba(X))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_child_process_gives_the_same_bits(method):
    """A fork after this process has used its threads, too."""
    model = SoftmaxRegression().fit(X, y)
    context = multiprocessing.get_context(method)
    queue = context.SimpleQueue()
    child = context.Process(target=fitted_in_child, args=(queue,))
    child.start()
    found = queue.get()
    child.join(60)
    assert child.exitcode == 0
    np.testing.assert_array_equal(found, model.predict_proba(X))


def state_of_the_process():
    """What a library could change behind its user's back."""
    return {
        "NumPy's random state": repr(np.random.get_state()),
        "Python's random state": random.getstate(),
        "NumPy's printing": np.get_printoptions(),
        "NumPy's errors": np.geterr(),
        "warning filters": list(warnings.filters),
        "how a warning is shown": warnings.showwarning,
        "threads of libraries": [one["num_threads"] for one in threadpoolctl.threadpool_info()],
        "scikit-learn's settings": sklearn.get_config(),
        "matplotlib's settings": dict(mpl.rcParams),
        "environment": dict(os.environ),
        "folder": os.getcwd(),
        "locale": locale.setlocale(locale.LC_ALL),
        "signals": [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)],
        "hooks": (sys.excepthook, sys.unraisablehook, threading.excepthook),
        "recursion limit": sys.getrecursionlimit(),
        "threads of Python": threading.active_count(),
    }


def use_everything(folder):
    model = SoftmaxRegression().fit(X, y)
    save(model, folder / "m.safetensors")
    load(folder / "m.safetensors").predict(X)
    for make in MODELS.values():
        make().fit(X, y).score(X, y)
    bootstrap(SoftmaxRegression(), X, y, X, y, n_resamples=3, random_state=0)
    functional.softmax_cross_entropy(X, y)
    metrics.expected_calibration_error(model.predict_proba(X), y)
    with pytest.raises(ValueError, match="must be a number above 0"):
        SoftmaxRegression(C=-1.0).fit(X, y)
    with pytest.raises(ZeroDivisionError):
        SoftmaxRegression().fit(X, y, monitor=lambda *_: 1 / 0)


def test_nothing_of_the_process_is_left_changed(tmp_path):
    use_everything(tmp_path)  # what is imported, or begins with the first fit, is there from now on
    before = state_of_the_process()
    use_everything(tmp_path)
    after = state_of_the_process()
    for what, value in before.items():
        assert after[what] == value, what
