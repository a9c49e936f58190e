"""Model files: there and back on every backend, and nothing believed unchecked."""

import json
import os
import time

import numpy as np
import pytest
import safetensors.numpy
from sklearn.exceptions import NotFittedError

import xsoftmax
from xsoftmax import MLPClassifier, SoftmaxRegression, arrays
from xsoftmax.serialization import model_file

from ..problems import blobs

X, Y = blobs()
NAMES = np.asarray(["cat", "dog", "eel"])[Y]


def fitted(kind, X=X, y=Y):
    if kind == "mlp":
        return MLPClassifier((6, 4), "tanh", max_iter=3, tol=0, random_state=0).fit(X, y)
    if kind == "binary":
        y = [int(arrays.to_list(label) > 0) for label in y] if not isinstance(y, list) else y
    return SoftmaxRegression(C=2.0, class_weight={0: 1.0, 1: 2.0}).fit(X, y)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", ["softmax-regression", "binary", "mlp"])
def test_from_any_backend_to_numpy_and_back(xp, tmp_path, kind, dtype):
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


@pytest.mark.parametrize(
    "labels",
    [NAMES, NAMES.astype(object), Y.astype("uint8") + 250, Y - 1, Y.astype(float), Y > 0],
    ids=["str", "object", "uint8", "negative", "float", "bool"],
)
def test_labels_of_every_kind(tmp_path, labels):
    model = SoftmaxRegression().fit(X, labels)
    again = xsoftmax.load(xsoftmax.save(model, tmp_path / "m.safetensors"))
    np.testing.assert_array_equal(again.classes_, model.classes_)
    assert again.classes_.dtype == model.classes_.dtype
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


def test_settings_and_curves_survive(tmp_path):
    model = SoftmaxRegression(C=np.inf, solver="gd", max_iter=5, tol=0)
    model.fit(X, Y, X_val=X, y_val=Y)
    again = xsoftmax.load(xsoftmax.save(model, tmp_path / "m.safetensors"))
    assert np.inf == again.C
    assert again.validation_scores_ == model.validation_scores_
    assert again.partial_fit(X, Y).n_iter_ == 6
    assert again.set_params(warm_start=True).fit(X, Y).n_iter_ == 5


def test_transposed_and_strided_weights_are_saved_right(tmp_path):
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


def test_only_fitted_models_of_ours_are_saved(tmp_path):
    with pytest.raises(NotFittedError):
        xsoftmax.save(SoftmaxRegression(), tmp_path / "m")
    with pytest.raises(TypeError, match=r"needs a SoftmaxRegression, .*; got dict"):
        xsoftmax.save({}, tmp_path / "m")
    model = fitted("softmax-regression")
    model.classes_ = np.asarray(["x" * 5_000_000, "y" * 5_000_000, "z"])
    with pytest.raises(ValueError, match="Encode the labels as integers"):
        xsoftmax.save(model, tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = xsoftmax.save(fitted("softmax-regression"), tmp_path / "m.safetensors")
    before = path.read_bytes()

    def full_disk(_):
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="no space"):
        xsoftmax.save(fitted("mlp"), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.fixture
def saved(tmp_path):
    return xsoftmax.save(fitted("softmax-regression"), tmp_path / "m.safetensors")


def rewrite(path, change_header=None, change_tensors=None):
    """The same file with its description or its tensors changed."""
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    description = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["xsoftmax"])
    tensors = {name: array.copy() for name, array in safetensors.numpy.load(content).items()}
    if change_header:
        change_header(description)
    if change_tensors:
        change_tensors(tensors)
    metadata = {"xsoftmax": json.dumps(description)}
    path.write_bytes(safetensors.numpy.save(tensors, metadata=metadata))
    return path


@pytest.mark.parametrize("keep", [0, 4, 100, -1, -200])
def test_a_truncated_file(saved, keep):
    saved.write_bytes(saved.read_bytes()[:keep])
    with pytest.raises(ValueError, match=r"m\.safetensors.*(truncated|not a model)"):
        xsoftmax.load(saved)


@pytest.mark.parametrize(
    "content",
    [b"PK\x03\x04 a zip archive, not a model", b"\xff" * 100, b"\x02" + b"\0" * 7 + b"[]"],
)
def test_a_foreign_file(saved, content):
    saved.write_bytes(content)
    with pytest.raises(ValueError, match="is not a model file"):
        xsoftmax.load(saved)


def test_a_safetensors_file_of_somebody_else(saved):
    saved.write_bytes(safetensors.numpy.save({"w": np.zeros(3)}))
    with pytest.raises(ValueError, match="no model of xsoftmax"):
        xsoftmax.load(saved)


def test_a_file_that_is_not_there(tmp_path):
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
def test_a_header_that_lies(saved, change, message):
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
def test_tensors_that_do_not_fit(saved, change, message):
    with pytest.raises(ValueError, match=message):
        xsoftmax.load(rewrite(saved, change_tensors=change))


def test_an_absurd_header_is_not_read(saved):
    content = saved.read_bytes()
    saved.write_bytes((1 << 40).to_bytes(8, "little") + content[8:])
    with pytest.raises(ValueError, match="announces a header"):
        xsoftmax.load(saved)


def test_an_absurd_file_is_not_read(saved, monkeypatch):
    monkeypatch.setattr(model_file, "MAX_FILE_BYTES", 100)
    with pytest.raises(ValueError, match="at most 100 are read"):
        xsoftmax.load(saved)


@pytest.mark.parametrize("depth", [33, 900, 100_000])
@pytest.mark.parametrize("where", ["header", "description"])
def test_a_header_nested_deeply(saved, where, depth):
    deep = "[" * depth + "]" * depth
    if where == "header":
        header = f'{{"x": {deep}}}'.encode()
    else:
        description = f'{{"format_version": 1, "settings": {deep}}}'
        header = json.dumps({"__metadata__": {"xsoftmax": description}}).encode()
    saved.write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(ValueError, match=r"more than 32 lists|recursion"):
        xsoftmax.load(saved)


def test_a_size_that_does_not_fit_is_refused_before_the_bytes_are_read(saved, monkeypatch):
    def read(*_):
        raise AssertionError("the arrays were read")

    monkeypatch.setattr(model_file, "_read_tensors", read)
    with saved.open("r+b") as file:
        file.truncate(3 << 30)  # zeros that take no room
    start = time.perf_counter()
    with pytest.raises(ValueError, match=r"it has 3221225472 bytes, and its header describes \d+"):
        xsoftmax.load(saved)
    assert time.perf_counter() - start < 1


@pytest.mark.parametrize("offsets", [[8, 128], [0, 64], [0, 1 << 62], [0], [0, -8], "all", None])
def test_tensors_that_lie_elsewhere(saved, offsets):
    content = saved.read_bytes()
    length = int.from_bytes(content[:8], "little")
    entries = json.loads(content[8 : 8 + length])
    entries["coef.0"]["data_offsets"] = offsets
    header = json.dumps(entries).encode()
    saved.write_bytes(len(header).to_bytes(8, "little") + header + content[8 + length :])
    with pytest.raises(ValueError, match=r"is damaged|is no description of one"):
        xsoftmax.load(saved)


def test_names_that_occur_twice(saved):
    content = saved.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = content[8 : 8 + length].replace(b'"intercept.0"', b'"coef.0"     ')
    saved.write_bytes(content[:8] + header + content[8 + length :])
    with pytest.raises(ValueError, match="occurs twice"):
        xsoftmax.load(saved)


def test_what_load_would_refuse_is_not_saved(tmp_path):
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


def test_settings_keep_their_type(tmp_path):
    labels = np.asarray(["inf", "nan"])[Y % 2]
    settings = {"C": np.inf, "class_weight": {"inf": 1.0, "nan": 2.0}}
    model = SoftmaxRegression(**settings, random_state=np.int64(3)).fit(X, labels)
    again = xsoftmax.load(xsoftmax.save(model, tmp_path / "m"))
    assert again.get_params() == model.get_params()


def test_names_of_columns_are_kept(tmp_path):
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


def test_a_file_from_before_labels_had_names_is_read(saved):
    model = xsoftmax.load(rewrite(saved, change_header=lambda d: d.pop("label_name")))
    assert not hasattr(model, "label_name_")


def test_names_of_many_columns_fit(tmp_path):
    model = SoftmaxRegression().fit(np.ones((4, 100_000)), [0, 1, 0, 1])
    model.feature_names_in_ = np.asarray([f"column {i}" for i in range(100_000)], dtype=object)
    again = xsoftmax.load(xsoftmax.save(model, tmp_path / "m"))
    assert again.feature_names_in_[-1] == "column 99999"


def test_sizes_as_an_array_patience_without_end_and_no_scores_survive(tmp_path):
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
