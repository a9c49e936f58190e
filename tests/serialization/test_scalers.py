"""Pipelines of scalers in a model file."""

import numpy as np
import pytest
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, Normalizer, StandardScaler

import xsoftmax
from xsoftmax import MLPClassifier, SoftmaxRegression, SoftmaxRegressionCV

from ..problems import blobs
from .model_files import rewrite, saved_and_loaded

X, Y = blobs()


def small_network():
    return MLPClassifier((4,), max_iter=3, tol=0, random_state=0)


@pytest.mark.parametrize(
    "scalers",
    [
        [],
        [StandardScaler()],
        [StandardScaler(with_mean=False)],
        [StandardScaler(with_std=False)],
        [StandardScaler(with_mean=False, with_std=False)],
        [MinMaxScaler(feature_range=(-1, 2), clip=True)],
        [MaxAbsScaler()],
        [Normalizer(norm="l1")],
        [StandardScaler(), Normalizer()],
    ],
    ids=lambda scalers: "+".join(map(repr, scalers)),
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_save_and_load_keep_the_scalers_of_a_pipeline(tmp_path, scalers, dtype):
    there = (X * [1, 10, 100, 1000, 1e-3] + 3).astype(dtype)
    model = make_pipeline(*scalers, SoftmaxRegression()).fit(there, Y)
    again = saved_and_loaded(model, tmp_path)
    assert isinstance(again, Pipeline)
    assert list(again.named_steps) == list(model.named_steps)
    result = again.predict_proba(there)
    assert result.dtype == dtype
    np.testing.assert_array_equal(result, model.predict_proba(there))
    for mine, theirs in zip(again[:-1], model[:-1], strict=True):
        assert mine.get_params() == theirs.get_params()
        assert set(vars(mine)) == set(vars(theirs))
        for name, value in vars(theirs).items():
            np.testing.assert_array_equal(getattr(mine, name), value)
    assert saved_and_loaded(again, tmp_path).score(there, Y) == model.score(there, Y)


@pytest.mark.filterwarnings("ignore:.*the best C_:UserWarning")
def test_save_takes_a_pipeline_that_ends_in_a_network_or_a_sweep(tmp_path):
    for last in (small_network(), SoftmaxRegressionCV(3, cv=2)):
        model = make_pipeline(StandardScaler(), last).fit(X, Y)
        again = saved_and_loaded(model, tmp_path)
        np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert again[-1].scores_.shape == (2, 3)


def test_save_takes_a_normalizer_that_was_not_fitted(tmp_path):
    head = SoftmaxRegression().fit(Normalizer().transform(X), Y)
    model = make_pipeline(Normalizer(), head)
    again = saved_and_loaded(model, tmp_path)
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


def test_load_moves_a_pipeline_to_where_like_is(xp, tmp_path):
    path = xsoftmax.save(
        make_pipeline(StandardScaler(), SoftmaxRegression()).fit(X, Y), tmp_path / "m"
    )
    model = xsoftmax.load(path, like=xp(X, "float32"))
    scaler, head = model[0], model[-1]
    scaled = (xp(X) - scaler.mean_) / scaler.scale_
    assert np.mean(xp.host(head.predict(scaled)) == Y) > 0.85


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p["steps"][0].update({"class": "PCA"}), "PCA"),
        (lambda p: p["steps"][0].update(n_features_in=4), "4 features before a model of 5"),
        (lambda p: p["steps"][0].update(n_features_in="5"), "'5' features"),
        (lambda p: p["steps"][0].update(feature_names_in=[1] * 5), "not strings"),
        (lambda p: p["steps"][0].update(output="cupy"), "output 'cupy'"),
        (lambda p: p["steps"][0].update(n_samples_seen=-1), "fitted on -1 samples"),
        (lambda p: p["steps"][0]["settings"].update(with_mean="yes"), "'with_mean' parameter"),
        (lambda p: p["steps"][0]["settings"].update(with_std=False), "holds tensors"),
        (lambda p: p["steps"][0].update(step=3), "describes no model"),
        (lambda p: p["steps"][0].update(step="softmaxregression"), "unique"),
        (lambda p: p.pop("last"), "'last'"),
        (lambda p: p.update(steps=[]), "holds tensors"),
    ],
)
def test_load_refuses_a_pipeline_that_cannot_be(tmp_path, change, message):
    model = make_pipeline(StandardScaler(), SoftmaxRegression()).fit(X, Y)
    path = xsoftmax.save(model, tmp_path / "m")
    with pytest.raises(ValueError, match=message):
        xsoftmax.load(rewrite(path, change_header=lambda d: change(d["pipeline"])))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.pop("scaler.0.mean"), "holds tensors"),
        (lambda t: t.update({"scaler.0.mean": np.zeros(4)}), r"shape \(4,\); expected \(5\)"),
        (lambda t: t.update({"scaler.0.mean": np.full(5, np.nan)}), "not finite"),
        (lambda t: t.update({"scaler.0.mean": np.zeros(5, "int64")}), "F32 or all F64"),
        (lambda t: t.update({"scaler.0.mean": np.zeros(5, "float32")}), "F32 or all F64"),
    ],
)
def test_load_refuses_arrays_that_do_not_fit_their_scalers(tmp_path, change, message):
    model = make_pipeline(StandardScaler(), SoftmaxRegression()).fit(X, Y)
    path = xsoftmax.save(model, tmp_path / "m")
    with pytest.raises(ValueError, match=message):
        xsoftmax.load(rewrite(path, change_tensors=change))
