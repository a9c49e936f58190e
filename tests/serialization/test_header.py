"""Settings, labels and names in the header of a model file."""

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import xsoftmax
from xsoftmax import MLPClassifier, SoftmaxRegression, SoftmaxRegressionCV

from ..problems import blobs
from .model_files import saved_and_loaded

X, Y = blobs()
NAMES = np.asarray(["cat", "dog", "eel"])[Y]


def small_network():
    return MLPClassifier((4,), max_iter=3, tol=0, random_state=0)


def test_save_and_load_keep_names_of_features_in_every_step(tmp_path):
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


def test_save_refuses_names_of_features_that_are_no_strings(tmp_path):
    model = SoftmaxRegression().fit(X, Y)
    model.feature_names_in_ = np.arange(5)
    with pytest.raises(TypeError, match=r"one string for each of 5 features .*\[0, 1, 2, 3, 4\]"):
        xsoftmax.save(model, tmp_path / "m")


def test_save_refuses_labels_and_settings_that_json_cannot_hold(tmp_path):
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


@pytest.mark.parametrize(
    "labels",
    [NAMES, NAMES.astype(object), Y.astype("uint8") + 250, Y - 1, Y.astype(float), Y > 0],
    ids=["str", "object", "uint8", "negative", "float", "bool"],
)
def test_save_and_load_keep_labels_of_every_kind(tmp_path, labels):
    model = SoftmaxRegression().fit(X, labels)
    again = xsoftmax.load(xsoftmax.save(model, tmp_path / "m.safetensors"))
    np.testing.assert_array_equal(again.classes_, model.classes_)
    assert again.classes_.dtype == model.classes_.dtype
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


def test_save_and_load_keep_the_type_of_settings(tmp_path):
    labels = np.asarray(["inf", "nan"])[Y % 2]
    settings = {"C": np.inf, "class_weight": {"inf": 1.0, "nan": 2.0}}
    model = SoftmaxRegression(**settings, random_state=np.int64(3)).fit(X, labels)
    again = xsoftmax.load(xsoftmax.save(model, tmp_path / "m"))
    assert again.get_params() == model.get_params()


def test_save_and_load_keep_names_of_columns(tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("abcde"))
    model = SoftmaxRegression().fit(frame, Y)
    model.label_name_ = "kind"
    again = xsoftmax.load(xsoftmax.save(model, tmp_path / "m"))
    assert again.feature_names_in_.tolist() == list("abcde")
    assert again.label_name_ == "kind"
    np.testing.assert_array_equal(again.predict(frame), model.predict(frame))
    with pytest.raises(ValueError, match="feature names should match"):
        again.predict(frame[list("edcba")])


def test_save_takes_the_names_of_many_columns(tmp_path):
    model = SoftmaxRegression().fit(np.ones((4, 100_000)), [0, 1, 0, 1])
    model.feature_names_in_ = np.asarray([f"column {i}" for i in range(100_000)], dtype=object)
    again = xsoftmax.load(xsoftmax.save(model, tmp_path / "m"))
    assert again.feature_names_in_[-1] == "column 99999"


def test_save_and_load_keep_the_settings_of_a_network(tmp_path):
    X, y = blobs()
    model = MLPClassifier(
        np.asarray([4, 3]), n_iter_no_change=np.inf, learning_rate="adaptive", solver="sgd",
        max_iter=2, tol=0, random_state=0,
    ).fit(X, y)  # fmt: skip
    xsoftmax.save(model, tmp_path / "model.safetensors")
    loaded = xsoftmax.load(tmp_path / "model.safetensors")
    assert loaded.hidden_layer_sizes == (4, 3)
    assert loaded.n_iter_no_change == np.inf
    assert loaded.learning_rate == "adaptive"
    assert loaded.validation_scores_ is None
    assert loaded.loss_ == model.loss_
    assert (loaded.n_layers_, loaded.n_outputs_) == (4, 3)
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
