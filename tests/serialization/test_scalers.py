"""What a model file holds beside a classifier: searches, scalers, names, and old formats."""

import json
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, Normalizer, StandardScaler

import xsoftmax
from xsoftmax import BatchedGridSearchCV, MLPClassifier, SoftmaxRegression, SoftmaxRegressionCV

from ..problems import blobs
from .test_model_file import rewrite

X, Y = blobs()
OLD = Path(__file__).parent / "model-of-format-1.safetensors"


def saved_and_loaded(model, folder):
    return xsoftmax.load(xsoftmax.save(model, folder / "m.safetensors"))


def small_network():
    return MLPClassifier((4,), max_iter=3, tol=0, random_state=0)


# --- pipelines -----------------------------------------------------------------------------------


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
def test_a_head_keeps_its_scalers(tmp_path, scalers, dtype):
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
def test_a_pipeline_may_end_in_any_of_ours(tmp_path):
    for last in (small_network(), SoftmaxRegressionCV(3, cv=2)):
        model = make_pipeline(StandardScaler(), last).fit(X, Y)
        again = saved_and_loaded(model, tmp_path)
        np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert again[-1].scores_.shape == (2, 3)


def test_a_normalizer_needs_no_fit(tmp_path):
    head = SoftmaxRegression().fit(Normalizer().transform(X), Y)
    model = make_pipeline(Normalizer(), head)
    again = saved_and_loaded(model, tmp_path)
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


def test_a_loaded_pipeline_lies_where_it_is_wanted(xp, tmp_path):
    path = xsoftmax.save(
        make_pipeline(StandardScaler(), SoftmaxRegression()).fit(X, Y), tmp_path / "m"
    )
    model = xsoftmax.load(path, like=xp(X, "float32"))
    scaler, head = model[0], model[-1]
    scaled = (xp(X) - scaler.mean_) / scaler.scale_
    assert np.mean(xp.host(head.predict(scaled)) == Y) > 0.85


def test_names_of_features_come_back_in_every_step(tmp_path):
    frame = pytest.importorskip("pandas").DataFrame(X, columns=["a", "b", "c", "ü", "a long name"])
    for model in (
        SoftmaxRegression(),
        SoftmaxRegressionCV(2, cv=2),
        make_pipeline(StandardScaler(), small_network()),
        make_pipeline(StandardScaler().set_output(transform="pandas"), SoftmaxRegression()),
    ):
        again = saved_and_loaded(model.fit(frame, Y), tmp_path)
        assert again.feature_names_in_.tolist() == list(frame.columns)
        np.testing.assert_array_equal(again.predict(frame), model.predict(frame))
        with pytest.raises(ValueError, match="feature names should match"):
            again.predict(frame.rename(columns={"a": "z"}))


def test_names_that_are_no_strings_are_not_saved(tmp_path):
    model = SoftmaxRegression().fit(X, Y)
    model.feature_names_in_ = np.arange(5)
    with pytest.raises(TypeError, match=r"one string for each of 5 features .*\[0, 1, 2, 3, 4\]"):
        xsoftmax.save(model, tmp_path / "m")


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
def test_a_pipeline_that_lies(tmp_path, change, message):
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
def test_scalers_whose_arrays_do_not_fit(tmp_path, change, message):
    model = make_pipeline(StandardScaler(), SoftmaxRegression()).fit(X, Y)
    path = xsoftmax.save(model, tmp_path / "m")
    with pytest.raises(ValueError, match=message):
        xsoftmax.load(rewrite(path, change_tensors=change))


# --- searches ------------------------------------------------------------------------------------


def test_a_sweep_is_its_best_estimator_and_its_scores(tmp_path):
    sweep = SoftmaxRegressionCV([1e-3, 0.1, 10.0], cv=3).fit(X, Y)
    again = saved_and_loaded(sweep, tmp_path)
    assert type(again) is SoftmaxRegression
    np.testing.assert_array_equal(again.predict_proba(X), sweep.predict_proba(X))
    assert again.C == again.C_ == sweep.C_
    np.testing.assert_array_equal(again.Cs_, sweep.Cs_)
    np.testing.assert_array_equal(again.scores_, sweep.scores_)
    once_more = saved_and_loaded(again, tmp_path)
    np.testing.assert_array_equal(once_more.scores_, sweep.scores_)
    assert not hasattr(once_more.fit(X, Y), "scores_")


def test_a_score_may_be_missing(tmp_path):
    sweep = SoftmaxRegressionCV([0.1, 10.0], cv=2).fit(X, Y)
    sweep.scores_[0, 0] = np.nan
    np.testing.assert_array_equal(saved_and_loaded(sweep, tmp_path).scores_, sweep.scores_)


def test_a_grid_search_is_its_best_estimator_and_its_mean_scores(tmp_path):
    grid = {"alpha": [1e-3, np.float64(1.0)], "hidden_layer_sizes": [(4,), (3, 2)]}
    search = BatchedGridSearchCV(small_network(), grid, cv=2).fit(X, Y)
    again = saved_and_loaded(search, tmp_path)
    assert type(again) is MLPClassifier
    np.testing.assert_array_equal(again.predict(X), search.predict(X))
    assert again.best_params_ == search.best_params_
    assert again.best_score_ == search.best_score_
    assert again.cv_results_["params"] == search.cv_results_["params"]
    for name in ("mean_test_score", "std_test_score"):
        np.testing.assert_array_equal(again.cv_results_[name], search.cv_results_[name])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d["search"].update(C=7.0), "C=7.0 for 2 values of C"),
        (lambda d: d["search"].pop("C"), "'C'"),
        (lambda d: d.update(search=None), "holds tensors"),
        (lambda d: d.update(search=[1]), "holds tensors|describes no model"),
    ],
)
def test_a_search_that_lies(tmp_path, change, message):
    path = xsoftmax.save(SoftmaxRegressionCV([0.1, 1.0], cv=2).fit(X, Y), tmp_path / "m")
    with pytest.raises(ValueError, match=message):
        xsoftmax.load(rewrite(path, change_header=change))


def test_what_cannot_be_saved_says_what_can(tmp_path):
    def refused(model, error, message):
        with pytest.raises(error, match=message):
            xsoftmax.save(model, tmp_path / "m")

    head = SoftmaxRegression().fit(X, Y)
    grid = GridSearchCV(SoftmaxRegression(), {"C": [0.1, 1.0]}, cv=2).fit(X, Y)
    refused(grid, TypeError, r"got GridSearchCV\. Save its best_estimator_\.")
    xsoftmax.save(grid.best_estimator_, tmp_path / "best")
    last = make_pipeline(StandardScaler(), grid).fit(X, Y)
    refused(last, TypeError, r"ends in a GridSearchCV\. Save a Pipeline with its best_estimator_\.")
    with_pca = make_pipeline(PCA(2), SoftmaxRegression()).fit(X, Y)
    refused(with_pca, TypeError, "step 'pca' is a PCA")
    refused(Pipeline([("a", "passthrough"), ("b", head)]), TypeError, "step 'a' is 'passthrough'")
    refused(make_pipeline(StandardScaler(), PCA(2)).fit(X), TypeError, "ends in a PCA")
    refused(SoftmaxRegressionCV(2, cv=2, refit=False).fit(X, Y), ValueError, "with refit=True")
    refused(SoftmaxRegressionCV(2, cv=2), NotFittedError, "not fitted")
    refused(make_pipeline(StandardScaler(), head), NotFittedError, "StandardScaler")
    refused(type("SoftmaxRegression", (), {})(), TypeError, "got SoftmaxRegression")
    assert [path.name for path in tmp_path.iterdir()] == ["best"]


def test_labels_and_settings_that_a_file_cannot_hold(tmp_path):
    dates = np.asarray(["2020-01-01", "2021-01-01", "2022-01-01"], dtype="datetime64[D]")
    model = SoftmaxRegression().fit(X, Y)
    model.classes_ = dates
    with pytest.raises(TypeError, match=r"labels must be numbers or strings .*datetime64"):
        xsoftmax.save(model, tmp_path / "m")
    model.classes_ = np.asarray([np.int64(1), np.str_("a"), None], dtype=object)
    with pytest.raises(TypeError, match=r"got \[1, 'a', None\] of dtype object"):
        xsoftmax.save(model, tmp_path / "m")
    model = SoftmaxRegression(class_weight={dates[0]: 1.0}).set_params()
    model.__dict__ |= {k: v for k, v in vars(SoftmaxRegression().fit(X, Y)).items() if k[-1] == "_"}
    with pytest.raises(TypeError, match=r"class_weight=\.\.\. holds datetime\.date"):
        xsoftmax.save(model, tmp_path / "m")


# --- damage --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    model = make_pipeline(StandardScaler(), SoftmaxRegressionCV(2, cv=2)).fit(X, Y)
    return xsoftmax.save(model, tmp_path_factory.mktemp("whole") / "m")


@given(where=st.floats(0, 1), byte=st.integers(0, 255))
def test_a_damaged_file_is_refused_or_loads(whole, where, byte):
    content = bytearray(whole.read_bytes())
    header = 8 + int.from_bytes(content[:8], "little")
    content[int(where * (header - 1))] = byte
    damaged = whole.with_name("damaged")
    damaged.write_bytes(content)
    try:
        xsoftmax.load(damaged)
    except ValueError as error:
        assert str(damaged) in str(error)  # noqa: PT017


# --- formats -------------------------------------------------------------------------------------


def version_of(path):
    content = path.read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    return json.loads(header["__metadata__"]["xsoftmax"])["format_version"]


def test_a_file_of_format_1_loads():
    model = xsoftmax.load(OLD)
    assert version_of(OLD) == 1
    assert model.classes_.tolist() == ["cat", "dog", "eel"]
    assert model.feature_names_in_.tolist() == ["a", "b", "c", "d", "e"]
    assert model.class_weight == {"cat": 1.0, "dog": 2.0}
    assert np.inf == model.C
    expected = safetensors.numpy.load_file(OLD)
    np.testing.assert_array_equal(model.coef_, expected["coef.0"])
    assert model.loss_curve_ == expected["loss_curve"].tolist()


def test_only_what_needs_format_2_has_it(tmp_path):
    head = SoftmaxRegression().fit(X, Y)
    assert version_of(xsoftmax.save(head, tmp_path / "m")) == 1
    assert version_of(xsoftmax.save(make_pipeline(head), tmp_path / "m")) == 2
