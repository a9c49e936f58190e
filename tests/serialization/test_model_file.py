"""Model files: there and back on every backend, and nothing believed unchecked."""

import json
import tracemalloc
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
from sklearn.preprocessing import StandardScaler

import xsoftmax
from xsoftmax import MLPClassifier, SoftmaxRegression, SoftmaxRegressionCV, arrays
from xsoftmax.serialization.model_file import FORMAT_VERSION, MAX_FILE_BYTES

from ..disk import files_of_at_most
from ..problems import blobs
from .model_files import rewrite

X, Y = blobs()
HERE = Path(__file__).parent
OLD = HERE / "model-of-format-1.safetensors"
#: Files that earlier code wrote, each with the probabilities that it gave to
#: three rows. They are never written anew.
RELEASED = {
    "model-of-format-1": [
        [0.3321000494143225, 0.19821910390441427, 0.46968084668126325],
        [0.5789995989136565, 0.316869074251381, 0.10413132683496253],
        [0.6558815009398238, 0.3291182748552851, 0.015000224204891019],
    ],
    "model-of-format-2-pipeline": [
        [6.280395909553688e-08, 0.8916973614495939, 0.10830257574644689],
        [0.02861278808282149, 0.5115211384493716, 0.4598660734678069],
        [0.9998277269480468, 2.2506166693922315e-05, 0.000149766885259247],
    ],
    "model-of-format-2-search": [
        [3.022426909090546e-11, 0.925078620484197, 0.07492137948557867],
        [0.006410187988282576, 0.49893734809458185, 0.49465246391713547],
        [0.9999973998711084, 1.9793679350099428e-07, 2.4021920981721294e-06],
    ],
    "model-of-format-3": [
        [0.28800626585545486, 0.22888329251465603, 0.4831104416298892],
        [0.19567120869765028, 0.388667337519726, 0.4156614537826237],
        [0.17505072547075173, 0.389415992424989, 0.4355332821042593],
    ],
}


def fitted(kind, X=X, y=Y):
    if kind == "mlp":
        return MLPClassifier((6, 4), "tanh", max_iter=3, tol=0, random_state=0).fit(X, y)
    if kind == "binary":
        y = [int(arrays.to_list(label) > 0) for label in y] if not isinstance(y, list) else y
    return SoftmaxRegression(C=2.0, class_weight={0: 1.0, 1: 2.0}).fit(X, y)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", ["softmax-regression", "binary", "mlp"])
def test_load_gives_a_model_of_any_backend_in_numpy_and_back(xp, tmp_path, kind, dtype):
    there = xp(X, dtype)
    model = fitted(kind, there, Y.tolist() if kind != "binary" else (Y > 0).astype(int).tolist())
    path = xsoftmax.save(model, tmp_path / "model.safetensors")
    on_host = xsoftmax.load(path)
    expected = xp.host(model.predict_proba(there))
    result = on_host.predict_proba(X.astype(dtype))
    assert isinstance(result, np.ndarray)
    assert result.dtype == dtype
    np.testing.assert_allclose(result, expected, rtol=100 * np.finfo(dtype).eps)
    back = xsoftmax.load(path, like=there)
    np.testing.assert_allclose(
        xp.host(back.predict_proba(there)), expected, rtol=100 * np.finfo(dtype).eps
    )
    np.testing.assert_array_equal(xp.host(back.predict(there)), xp.host(model.predict(there)))
    assert back.get_params() == model.get_params()
    assert (back.n_iter_, back.n_features_in_) == (model.n_iter_, model.n_features_in_)
    assert back.loss_curve_ == model.loss_curve_


def test_save_and_load_keep_settings_and_curves(tmp_path):
    model = SoftmaxRegression(C=np.inf, solver="gd", max_iter=5, tol=0)
    model.fit(X, Y, X_val=X, y_val=Y)
    again = xsoftmax.load(xsoftmax.save(model, tmp_path / "m.safetensors"))
    assert np.inf == again.C
    assert again.validation_scores_ == model.validation_scores_
    assert again.partial_fit(X, Y).n_iter_ == 6
    assert again.set_params(warm_start=True).fit(X, Y).n_iter_ == 5


def test_save_takes_transposed_and_strided_weights(tmp_path):
    model = fitted("mlp")
    assert not model.coefs_[0].flags.c_contiguous
    path = xsoftmax.save(model, tmp_path / "m.safetensors")
    np.testing.assert_array_equal(xsoftmax.load(path).coefs_[0], model.coefs_[0])
    model = SoftmaxRegression().fit(X, Y)
    expected = model.coef_.copy()
    for strided in (np.asfortranarray(expected), np.repeat(expected, 2, axis=1)[:, ::2]):
        model.coef_ = strided
        loaded = xsoftmax.load(xsoftmax.save(model, path))
        np.testing.assert_array_equal(loaded.coef_, expected)


def test_save_refuses_what_is_not_fitted_or_no_model_or_too_large(tmp_path):
    with pytest.raises(NotFittedError):
        xsoftmax.save(SoftmaxRegression(), tmp_path / "m")
    with pytest.raises(TypeError, match=r"needs a SoftmaxRegression, .*; got dict"):
        xsoftmax.save({}, tmp_path / "m")
    model = fitted("softmax-regression")
    model.classes_ = np.asarray(["x" * 5_000_000, "y" * 5_000_000, "z"])
    with pytest.raises(ValueError, match="Encode the labels as integers"):
        xsoftmax.save(model, tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


def test_save_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = xsoftmax.save(fitted("softmax-regression"), tmp_path / "m.safetensors")
    before = path.read_bytes()
    with files_of_at_most(1000), pytest.raises(OSError, match="larger than the system allows"):
        xsoftmax.save(fitted("mlp"), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.fixture
def saved(tmp_path):
    return xsoftmax.save(fitted("softmax-regression"), tmp_path / "m.safetensors")


@pytest.mark.parametrize("keep", [0, 4, 100, -1, -200])
def test_load_refuses_a_truncated_file(saved, keep):
    saved.write_bytes(saved.read_bytes()[:keep])
    with pytest.raises(ValueError, match=r"m\.safetensors.*(truncated|not a model)"):
        xsoftmax.load(saved)


@pytest.mark.parametrize(
    "content",
    [b"PK\x03\x04 a zip archive, not a model", b"\xff" * 100, b"\x02" + b"\0" * 7 + b"[]"],
)
def test_load_refuses_a_file_of_another_kind(saved, content):
    saved.write_bytes(content)
    with pytest.raises(ValueError, match="is not a model file"):
        xsoftmax.load(saved)


def test_load_refuses_a_safetensors_file_of_somebody_else(saved):
    saved.write_bytes(safetensors.numpy.save({"w": np.zeros(3)}))
    with pytest.raises(ValueError, match="no model of xsoftmax"):
        xsoftmax.load(saved)


def test_load_of_a_missing_file_is_file_not_found(tmp_path):
    with pytest.raises(FileNotFoundError):
        xsoftmax.load(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(format_version=99), "format version 99"),
        (lambda d: d.update(model="RandomForest"), "describes no model"),
        (lambda d: d["settings"].update(C=-1), "C=.*must be"),
        (lambda d: d["settings"].update(surprise=1), "describes no model"),
        (lambda d: d["classes"].update(values=[0, 0, 1]), "describes no model|shape"),
        (lambda d: d["classes"].update(values=[0, 1]), "shape"),
        (lambda d: d["classes"].update(values=[[0], [1], [2]]), "describes no model"),
        (lambda d: d["classes"].update(dtype="complex64"), "describes no model"),
        (lambda d: d.update(n_features_in=0), "describes no model"),
        (lambda d: d.update(n_features_in=6), r"shape \(3, 5\); expected \(3, 6\)"),
        (lambda d: d.pop("settings"), "describes no model"),
        (lambda d: d.update(n_features_in=True), "describes no model"),
        (lambda d: d.update(n_iter="many"), "describes no model"),
        (lambda d: d.update(feature_names_in=["a"]), "1 feature names for 5 features"),
        (lambda d: d.update(feature_names_in=[1, 2, 3, 4, 5]), "names that are not strings"),
        (lambda d: d.update(label_name=3), "label_name=3"),
        (lambda d: d["classes"].update(dtype="str"), "not all of that kind"),
        (lambda d: d["classes"].update(values=[False, True, 2]), "not all of that kind"),
        (lambda d: d["settings"].update(C=json.loads("[" * 40 + "]" * 40)), "32 lists and"),
        (lambda d: d["settings"].update(random_state="zz"), "describes no model"),
        (lambda d: d["classes"].update(values=[0, 1, 2**70]), "describes no model"),
    ],
)
def test_load_refuses_a_description_that_cannot_be(saved, change, message):
    with pytest.raises(ValueError, match=message):
        xsoftmax.load(rewrite(saved, change_header=change))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.update(extra=np.zeros(3)), "holds tensors"),
        (lambda t: t.pop("intercept.0"), "holds tensors"),
        (lambda t: t.update({"coef.0": t["coef.0"].astype("float32")}), "all be F32 or all F64"),
        (lambda t: t.update({"coef.0": t["coef.0"].astype("int64")}), "all be F32 or all F64"),
        (lambda t: t.update({"coef.0": t["coef.0"].T.copy()}), "shape"),
        (lambda t: t["coef.0"].__setitem__((0, 0), np.nan), "not finite"),
        (lambda t: t.update(loss_curve=np.zeros((2, 2))), r"expected \(any\)"),
        (lambda t: t.update(loss_curve=np.zeros(2, "float32")), "must be F64"),
    ],
)
def test_load_refuses_tensors_that_do_not_fit(saved, change, message):
    with pytest.raises(ValueError, match=message):
        xsoftmax.load(rewrite(saved, change_tensors=change))


def test_load_refuses_an_absurd_size_of_the_header(saved):
    content = saved.read_bytes()
    saved.write_bytes((1 << 40).to_bytes(8, "little") + content[8:])
    with pytest.raises(ValueError, match="announces a header"):
        xsoftmax.load(saved)


def test_load_refuses_an_absurd_size(saved):
    with saved.open("r+b") as file:
        file.truncate(MAX_FILE_BYTES + 1)  # zeros that take no room
    with pytest.raises(ValueError, match=rf"at most {MAX_FILE_BYTES} are read"):
        xsoftmax.load(saved)


@pytest.mark.parametrize("depth", [33, 900, 100_000])
@pytest.mark.parametrize("where", ["header", "description"])
def test_load_refuses_a_header_nested_deeply(saved, where, depth):
    deep = "[" * depth + "]" * depth
    if where == "header":
        header = f'{{"x": {deep}}}'.encode()
    else:
        description = f'{{"format_version": 1, "settings": {deep}}}'
        header = json.dumps({"__metadata__": {"xsoftmax": description}}).encode()
    saved.write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(ValueError, match=r"more than 32 lists|recursion"):
        xsoftmax.load(saved)


def test_load_refuses_a_size_that_does_not_fit_before_it_reads_the_arrays(saved):
    with saved.open("r+b") as file:
        file.truncate(3 << 30)  # zeros that take no room
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"it has 3221225472 bytes, and its header describes \d+"):
        xsoftmax.load(saved)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10e6


@pytest.mark.parametrize("offsets", [[8, 128], [0, 64], [0, 1 << 62], [0], [0, -8], "all", None])
def test_load_refuses_tensors_at_other_offsets(saved, offsets):
    content = saved.read_bytes()
    length = int.from_bytes(content[:8], "little")
    entries = json.loads(content[8 : 8 + length])
    entries["coef.0"]["data_offsets"] = offsets
    header = json.dumps(entries).encode()
    saved.write_bytes(len(header).to_bytes(8, "little") + header + content[8 + length :])
    with pytest.raises(ValueError, match=r"is damaged|is no description of one"):
        xsoftmax.load(saved)


def test_load_refuses_names_that_occur_twice(saved):
    content = saved.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = content[8 : 8 + length].replace(b'"intercept.0"', b'"coef.0"     ')
    saved.write_bytes(content[:8] + header + content[8 + length :])
    with pytest.raises(ValueError, match="occurs twice"):
        xsoftmax.load(saved)


def test_save_refuses_what_load_would_refuse(tmp_path):
    model = fitted("softmax-regression")
    with pytest.raises(ValueError, match="must be one of"):
        xsoftmax.save(model.set_params(solver="bad"), tmp_path / "m")
    model.set_params(solver="lbfgs").coef_ = model.coef_ * np.nan
    with pytest.raises(ValueError, match="not finite"):
        xsoftmax.save(model, tmp_path / "m")
    network = fitted("mlp").set_params(hidden_layer_sizes=(7, 6))
    with pytest.raises(ValueError, match="its parameters now name"):
        xsoftmax.save(network, tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


def test_load_takes_a_file_without_a_label_name(saved):
    model = xsoftmax.load(rewrite(saved, change_header=lambda d: d.pop("label_name")))
    assert not hasattr(model, "label_name_")


def test_save_says_what_it_takes_instead(tmp_path):
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


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    model = make_pipeline(StandardScaler(), SoftmaxRegressionCV(2, cv=2)).fit(X, Y)
    return xsoftmax.save(model, tmp_path_factory.mktemp("whole") / "m")


@given(where=st.floats(0, 1), byte=st.integers(0, 255))
def test_load_of_a_damaged_file_is_refused_or_loads(whole, where, byte):
    content = bytearray(whole.read_bytes())
    header = 8 + int.from_bytes(content[:8], "little")
    content[int(where * (header - 1))] = byte
    damaged = whole.with_name("damaged")
    damaged.write_bytes(content)
    try:
        xsoftmax.load(damaged)
    except ValueError as error:
        assert str(damaged) in str(error)  # noqa: PT017


def version_of(path):
    content = path.read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    return json.loads(header["__metadata__"]["xsoftmax"])["format_version"]


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
@pytest.mark.parametrize("name", RELEASED)
def test_every_released_format_loads_and_predicts_what_it_did(name):
    model = xsoftmax.load(HERE / f"{name}.safetensors")
    rows = np.linspace(-2, 8, 15).reshape(3, 5)
    np.testing.assert_allclose(model.predict_proba(rows), RELEASED[name], rtol=1e-11)
    expected = np.asarray(["cat", "dog", "eel"])[np.argmax(RELEASED[name], axis=1)]
    assert model.predict(rows).tolist() == expected.tolist()


def test_every_format_has_a_file_here_and_every_file_is_tested():
    files = list(HERE.glob("model-of-format-*.safetensors"))
    assert {version_of(path) for path in files} == set(range(1, FORMAT_VERSION + 1))
    assert {path.stem for path in files} == set(RELEASED)


def test_load_takes_the_search_and_the_curves_of_older_formats():
    search = xsoftmax.load(HERE / "model-of-format-2-search.safetensors")
    assert search.Cs_.shape == (3,)
    assert search.scores_.shape == (3, 3)
    network = xsoftmax.load(HERE / "model-of-format-3.safetensors")
    assert len(network.validation_loss_curve_) == len(network.loss_curve_) == 8
    assert search.validation_loss_curve_ is None


def test_load_takes_a_file_of_format_1():
    model = xsoftmax.load(OLD)
    assert version_of(OLD) == 1
    assert model.classes_.tolist() == ["cat", "dog", "eel"]
    assert model.feature_names_in_.tolist() == ["a", "b", "c", "d", "e"]
    assert model.class_weight == {"cat": 1.0, "dog": 2.0}
    assert np.inf == model.C
    expected = safetensors.numpy.load_file(OLD)
    np.testing.assert_array_equal(model.coef_, expected["coef.0"])
    assert model.loss_curve_ == expected["loss_curve"].tolist()


def test_save_writes_format_2_only_where_it_is_needed(tmp_path):
    head = SoftmaxRegression().fit(X, Y)
    assert version_of(xsoftmax.save(head, tmp_path / "m")) == 1
    assert version_of(xsoftmax.save(make_pipeline(head), tmp_path / "m")) == 2
