"""scikit-learn's callbacks are told of every step of a fit, in all estimators."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from xsoftmax import (
    BatchedGridSearchCV,
    MLPClassifier,
    MultiOutputSoftmaxRegression,
    MultiOutputSoftmaxRegressionCV,
    SoftmaxRegression,
    SoftmaxRegressionCV,
)
from xsoftmax.classifiers import tasks

from ..problems import blobs

callback = pytest.importorskip("sklearn.callback", reason="scikit-learn is older than 1.9")

pytestmark = pytest.mark.filterwarnings("ignore:.*best C_", "ignore:.*did not converge")

NETWORK = MLPClassifier((4,), max_iter=3, tol=0, random_state=0)
#: Each estimator, and how often a step of it ends.
ESTIMATORS = {
    "gradient descent": (SoftmaxRegression(solver="gd", max_iter=4, tol=0), 4),
    "network": (NETWORK, 3),
    "search": (SoftmaxRegressionCV([0.1, 1.0], cv=3), 6),
    "grid": (BatchedGridSearchCV(NETWORK, {"alpha": [0.1, 1.0]}, cv=2), 3),
    "several": (MultiOutputSoftmaxRegression(), 2),
    "several searches": (MultiOutputSoftmaxRegressionCV([0.1, 1.0], cv=2), 8),
}


class Recorder:
    """Keeps what it is told."""

    def __init__(self, stop_after=None):
        self.begun, self.ended, self.models, self.n_setups, self.n_teardowns = [], [], [], 0, 0
        self.stop_after = stop_after

    def setup(self, estimator, context):
        self.n_setups += 1

    def teardown(self, estimator, context):
        self.n_teardowns += 1

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None):
        assert X is not None
        assert y is not None
        self.begun.append((context.task_name, context.task_id))

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None, metadata=None):
        self.ended.append((context.task_name, context.task_id))
        self.metadata = metadata
        if fitted_estimator is not None:
            self.models.append(fitted_estimator)
        return self.stop_after is not None and len(self.models) >= self.stop_after


def data(name="", n_samples=90):
    X, y = blobs(n_samples, 4, 3)
    return X, np.stack([y, 1 - y % 2], axis=1) if "several" in name else y


@pytest.mark.parametrize("name", ESTIMATORS)
def test_every_task_begins_and_ends(name):
    estimator, n_steps = ESTIMATORS[name]
    recorder = Recorder()
    X, y = data(name)
    clone(estimator).set_callbacks(recorder).fit(X, y)
    assert sorted(recorder.begun) == sorted(recorder.ended)
    assert recorder.begun[0] == recorder.ended[-1] == ("fit", 0)
    assert sum(task == "step" for task, _ in recorder.ended) == n_steps + 1  # an empty one
    assert (recorder.n_setups, recorder.n_teardowns) == (1, 1)
    whole = recorder.models[-1]
    np.testing.assert_array_equal(whole.predict(X), clone(estimator).fit(X, y).predict(X))


def test_lbfgs_tells_its_iterations_and_gives_a_model_at_each():
    X, y = data()
    recorder = Recorder()
    model = SoftmaxRegression(tol=1e-9).set_callbacks(recorder).fit(X, y, np.ones(90))
    assert len(recorder.models) == model.n_iter_ + 1
    losses = [-model.score(X, y) for model in recorder.models]
    assert losses[-1] <= losses[0]
    np.testing.assert_array_equal(recorder.models[-1].coef_, model.coef_)
    assert recorder.metadata["sample_weight"].shape == (90,)


@pytest.mark.parametrize("solver", ["gd", "adam", "lbfgs"])
def test_a_callback_stops_a_fit(solver):
    X, y = data()
    model = SoftmaxRegression(solver=solver, tol=0, max_iter=50)
    assert model.set_callbacks(Recorder(stop_after=2)).fit(X, y).n_iter_ == 2


def test_the_scores_that_a_monitor_logs():
    X, y = data()
    monitor = callback.ScoringMonitor(scoring=["accuracy", "neg_log_loss"])
    model = SoftmaxRegression(solver="gd", max_iter=5, tol=0).set_callbacks(monitor).fit(X, y)
    rows = [row for row in monitor.get_logs().data if row["task_name"] == "step"]
    assert len(rows) == 5
    assert rows[-1]["accuracy"] == model.score(X, y)
    assert rows[-1]["neg_log_loss"] > rows[0]["neg_log_loss"]


def test_a_progress_bar_shows_every_estimator(capsys):
    for name, (estimator, _) in ESTIMATORS.items():
        clone(estimator).set_callbacks(callback.ProgressBar()).fit(*data(name))
        assert type(estimator).__name__ in capsys.readouterr().out


def test_callbacks_of_a_search_of_scikit_learn_reach_its_fits():
    X, y = data()
    search = GridSearchCV(
        SoftmaxRegression(solver="gd", max_iter=3, tol=0), {"C": [0.1, 1.0]}, cv=2
    )
    bar = callback.ProgressBar(max_propagation_depth=None)
    search.set_callbacks(bar).fit(X, y)
    recorder = Recorder()
    search.estimator.set_callbacks(recorder)
    search.fit(X, y)
    assert sum(task == "step" for task, _ in recorder.ended) == (4 + 1) * (3 + 1)
    pipeline = make_pipeline(StandardScaler(), clone(search.estimator).set_callbacks(Recorder()))
    pipeline.fit(X, y)
    assert len(pipeline[-1]._skl_callbacks[0].models) == 4


def test_the_refit_of_a_search_tells_its_own_steps():
    X, y = data()
    bar = callback.ProgressBar()
    search = clone(ESTIMATORS["grid"][0]).set_callbacks(bar).fit(X, y)
    assert not hasattr(search.best_estimator_, "_parent_callback_ctx")
    assert not getattr(search.best_estimator_, "_skl_callbacks", None)


def test_a_fit_that_fails_tears_its_callbacks_down():
    X, y = data()
    recorder = Recorder()
    with pytest.raises(ZeroDivisionError):
        SoftmaxRegression().set_callbacks(recorder).fit(X, y, monitor=lambda *_: 1 / 0)
    assert recorder.n_teardowns == 1


def test_callbacks_change_no_bit_of_a_fit():
    X, y = data()
    for name, (estimator, _) in ESTIMATORS.items():
        X, y = data(name)
        plain = clone(estimator).fit(X, y)
        heard = clone(estimator).set_callbacks(Recorder()).fit(X, y)
        for one, other in zip(plain.predict_proba(X), heard.predict_proba(X), strict=True):
            np.testing.assert_array_equal(one, other)


def test_an_older_scikit_learn_is_named(monkeypatch):
    code = tasks.__spec__.loader.get_source(tasks.__name__)
    scope = {"__name__": tasks.__name__, "__package__": tasks.__package__}
    monkeypatch.setitem(__import__("sys").modules, "sklearn.callback", None)
    exec(compile(code, "tasks.py", "exec"), scope)
    with pytest.raises(ImportError, match=r"set_callbacks needs scikit-learn 1\.9"):
        scope["CallbackSupportMixin"]().set_callbacks()
    estimator = scope["CallbackSupportMixin"]()
    fit = scope["FitTasks"].of_fit(estimator, [[0.0]], [0], None, n_steps=3)
    assert not fit.is_heard
    assert fit.finished_step() is False
    with fit.part("search", 2).of_other(estimator, "refit"):
        fit.ended()
    assert scope["with_callbacks"](len) is len


def test_an_error_of_a_callback_is_the_callers():
    class Failing(Recorder):
        def on_fit_task_end(self, estimator, context):
            self.ended.append(context.task_name)
            if self.ended == ["step"]:  # once: what is tried again would succeed
                raise ValueError("mine")

    for name, (estimator, _) in ESTIMATORS.items():
        with pytest.raises(ValueError, match=r"^mine$"):
            clone(estimator).set_callbacks(Failing()).fit(*data(name))


def test_a_search_is_not_stopped_by_a_callback():
    for name in ("search", "grid", "several", "several searches"):
        X, y = data(name)
        estimator = ESTIMATORS[name][0]
        stopped = clone(estimator).set_callbacks(Recorder(stop_after=0)).fit(X, y)
        whole = clone(estimator).fit(X, y)
        for one, other in zip(stopped.predict_proba(X), whole.predict_proba(X), strict=True):
            np.testing.assert_array_equal(one, other)
