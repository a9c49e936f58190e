"""Bad input gets an error that names the argument, the rule, what arrived and the remedy."""

from dataclasses import replace

import numpy as np
import pytest

from xsoftmax import (
    BatchedGridSearchCV,
    MLPClassifier,
    SoftmaxRegression,
    SoftmaxRegressionCV,
    arrays,
)
from xsoftmax.classifiers import validation
from xsoftmax.objective.policy import DEFAULT

from .conftest import MISSING, Place
from .problems import blobs

X, Y = blobs(n_samples=12)
WITH_NAN, WITH_INF = X.copy(), X.copy()
WITH_NAN[3, 1], WITH_INF[4, 0] = np.nan, np.inf


@pytest.fixture
def foreign():
    """An array library that is not NumPy."""
    return Place("strict-device1")


@pytest.mark.parametrize("bad", [WITH_NAN, WITH_INF])
def test_features_that_are_not_finite(xp, bad):
    with pytest.raises(ValueError, match=r"(?i)X.*(contains NaN|infinity)"):
        SoftmaxRegression().fit(xp(bad), xp(Y))
    model = SoftmaxRegression().fit(xp(X), xp(Y))
    with pytest.raises(ValueError, match=r"(?i)X.*(contains NaN|infinity)"):
        model.predict(xp(bad))


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (3,), (3, 2, 2)])
def test_features_of_a_wrong_shape(xp, shape):
    rule = r"X must be 2-dimensional|Found array with 0|Expected 2D array|array with dim 3"
    with pytest.raises(ValueError, match=rule):
        SoftmaxRegression().fit(xp(np.zeros(shape)), xp(np.arange(shape[0]) % 2))


def test_complex_features(foreign):
    with pytest.raises(ValueError, match="real numbers; got dtype"):
        SoftmaxRegression().fit(foreign(X.astype(complex)), foreign(Y))


def test_one_class_only(xp):
    with pytest.raises(ValueError, match=r"at least 2 classes; y holds only one class: .*7"):
        SoftmaxRegression().fit(xp(X), xp(np.full(12, 7)))


def test_lengths_that_differ(xp):
    with pytest.raises(ValueError, match=r"X has 12 rows and y has shape \(11,\)"):
        SoftmaxRegression().fit(xp(X), xp(Y[:-1]))
    with pytest.raises(ValueError, match=r"sample_weight must hold one weight per sample"):
        SoftmaxRegression().fit(xp(X), xp(Y), sample_weight=xp(np.ones(11)))


def test_labels_that_are_no_classes():
    with pytest.raises(ValueError, match="Unknown label type"):
        SoftmaxRegression().fit(X, np.linspace(0, 1, 12))
    with pytest.raises(ValueError, match="requires y to be passed"):
        SoftmaxRegression().fit(X, None)
    with pytest.raises(ValueError, match="must be labels of shape"):
        SoftmaxRegression().fit(X, np.ones((12, 3)))
    with pytest.raises(ValueError, match="NaN"):
        SoftmaxRegression().fit(X, [np.nan, *Y[1:]])


def test_object_arrays():
    with pytest.raises(TypeError, match="must be a string or a real number"):
        SoftmaxRegression().fit(np.asarray([[{}, 1.0]] * 12, dtype=object), Y)
    with pytest.raises((TypeError, ValueError), match="label"):
        SoftmaxRegression().fit(X, np.asarray([{}, []] * 6, dtype=object))


@pytest.mark.parametrize("weight", [np.zeros(12), -np.ones(12), np.full(12, np.nan)])
def test_weights_that_weigh_nothing(weight):
    with pytest.raises(ValueError, match=r"(?i)sample_weight"):
        SoftmaxRegression().fit(X, Y, sample_weight=weight)


def test_two_libraries_or_devices_are_refused(foreign):
    with pytest.raises(ValueError, match=r"X is array_api_strict on .*device1.* and y is numpy"):
        SoftmaxRegression().fit(foreign(X), Y)
    with pytest.raises(ValueError, match=r"X is numpy on cpu and y is array_api_strict"):
        SoftmaxRegression().fit(X, foreign(Y))
    other = Place("strict")
    with pytest.raises(ValueError, match=r"CPU_DEVICE.*device1"):
        SoftmaxRegression().fit(other(X), foreign(Y))
    with pytest.raises(ValueError, match="sample_weight is numpy"):
        SoftmaxRegression().fit(foreign(X), foreign(Y), sample_weight=np.ones(12))


def test_prediction_elsewhere_is_refused(foreign):
    model = SoftmaxRegression().fit(X, Y)
    with pytest.raises(ValueError, match=r"holds its parameters in numpy .* but X is array_api"):
        model.predict(foreign(X))
    with pytest.raises(ValueError, match="expecting 5 features"):
        model.predict(X[:, :3])
    moved = SoftmaxRegression().fit(foreign(X), foreign(Y))
    with pytest.raises(ValueError, match="expecting 5 features"):
        moved.predict(foreign(X[:, :3]))


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("C", 0, "above 0"),
        ("C", "1", "above 0"),
        ("C", float("nan"), "above 0"),
        ("solver", "newton", "one of 'lbfgs', 'gd', 'sgd', 'adam'"),
        ("learning_rate_init", -1.0, "above 0"),
        ("max_iter", 0, "at least 1"),
        ("max_iter", 1.5, "integer"),
        ("tol", -1e-3, "at least 0"),
        ("fit_intercept", "yes", "True or False"),
        ("warm_start", 1, "True or False"),
        ("class_weight", "even", "balanced"),
        ("class_weight", {0: -1.0}, "at least 0"),
        ("class_weight", {0: float("nan")}, "at least 0"),
        ("class_weight", np.ones(3), "balanced"),
        ("batch_size", 0, "'auto', or an integer of at least 1"),
        ("validation_fraction", 1.0, r"\(0, 1\)"),
        ("n_iter_no_change", 0, "at least 1"),
        ("beta_1", 1.0, r"\[0, 1\)"),
        ("epsilon", 0.0, "above 0"),
        ("momentum", 2, r"\[0, 1\]"),
    ],
)
def test_parameters_of_softmax_regression(name, value, rule):
    with pytest.raises(ValueError, match=rf"SoftmaxRegression\({name}=\.\.\.\) must be .*{rule}"):
        SoftmaxRegression(**{name: value}).fit(X, Y)


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("hidden_layer_sizes", (5, 0), "at least 1"),
        ("hidden_layer_sizes", "50", "at least 1"),
        ("activation", "softplus", "one of"),
        ("alpha", -1, "at least 0"),
    ],
)
def test_parameters_of_mlp_classifier(name, value, rule):
    with pytest.raises(ValueError, match=rf"MLPClassifier\({name}=\.\.\.\) must be .*{rule}.*got"):
        MLPClassifier(**{name: value}).fit(X, Y)


def test_every_parameter_has_a_rule():
    from xsoftmax.classifiers.rules import RULES

    for model in (SoftmaxRegression(), MLPClassifier()):
        assert set(model.get_params()) - set(RULES) == {"random_state"}


def test_soft_labels_have_no_class_weight():
    with pytest.raises(ValueError, match="class_weight needs labels"):
        SoftmaxRegression(class_weight={0: 2.0}).fit(X, np.eye(3)[Y])


def test_backends_that_are_not_there():
    with pytest.raises(ValueError, match="backend must be one of numpy, cupy, torch"):
        arrays.backend("tensorflow")
    with pytest.raises(ValueError, match="NumPy computes on the cpu only"):
        arrays.backend("numpy", "cuda:0")
    with pytest.raises(ValueError, match="device 'nowhere' cannot be used"):
        arrays.backend("array-api-strict", "nowhere")


@pytest.mark.skipif("cupy" not in MISSING, reason="this machine has a GPU that CuPy can use")
def test_cupy_without_a_gpu_is_explained():
    with pytest.raises(
        RuntimeError, match=r"backend 'cupy' (is not installed|found no usable CUDA)"
    ):
        arrays.backend("cupy")


def test_a_driver_that_is_missing_is_explained(monkeypatch):
    class Runtime:
        @staticmethod
        def getDeviceCount():
            raise RuntimeError("cudaErrorInsufficientDriver")

    class CuPy:
        class cuda:  # noqa: N801
            runtime = Runtime

    monkeypatch.setattr(arrays.namespaces.importlib, "import_module", lambda name: CuPy)
    with pytest.raises(RuntimeError, match=r"no usable CUDA GPU or driver .*use --backend numpy"):
        arrays.backend("cupy")
    Runtime.getDeviceCount = staticmethod(lambda: 1)
    with pytest.raises(ValueError, match="this machine has 1 CUDA GPU"):
        arrays.backend("cupy", "3")
    with pytest.raises(ValueError, match="must be a GPU's number"):
        arrays.backend("cupy", "gpu")


def test_weights_that_cancel():
    with pytest.raises(ValueError, match=r"sample_weight times class_weight .* not all zero"):
        SoftmaxRegression(class_weight={0: 0.0, 1: 0.0, 2: 0.0}).fit(X, Y)
    with pytest.raises(ValueError, match=r"labels that are not among the classes: 7"):
        SoftmaxRegression(class_weight={7: 1.0}).fit(X, Y)


def test_a_validation_set_that_does_not_fit(foreign):
    model = SoftmaxRegression()
    with pytest.raises(ValueError, match=r"y_val does not fit: .*not among the classes"):
        model.fit(X, Y, X_val=X, y_val=Y + 5)
    with pytest.raises(ValueError, match="X is numpy on cpu and X_val is array_api_strict"):
        model.fit(X, Y, X_val=foreign(X), y_val=foreign(Y))
    with pytest.raises(ValueError, match="go together"):
        model.fit(X, Y, sample_weight_val=np.ones(12))
    model.fit(X, Y, X_val=X[Y == 1], y_val=Y[Y == 1])  # one class is enough to score


def test_labels_of_another_number_than_rows_are_not_scored():
    model = SoftmaxRegression().fit(X, Y)
    for labels in ([0], Y[:5], np.eye(3)[Y[:5]]):
        with pytest.raises(ValueError, match=r"y must hold one label per row of X, shape \(12,\)"):
            model.score(X, labels)


def test_labels_that_a_library_would_narrow_are_refused():
    if "jax" in MISSING:
        pytest.skip("JAX is not installed")
    import jax

    jax.config.update("jax_enable_x64", False)
    try:
        single = jax.numpy.asarray(X, dtype="float32")
        with pytest.raises(ValueError, match="do not fit the dtype"):
            SoftmaxRegression().fit(single, (Y + 2**40).tolist())
        assert SoftmaxRegression().fit(single, Y.tolist()).score(single, Y.tolist()) > 0.5
    finally:
        jax.config.update("jax_enable_x64", True)


def test_finite_numbers_whose_sum_overflows_are_accepted():
    X = np.full((4, 2), np.finfo(np.float32).max, dtype=np.float32)
    assert validation.check_X(SoftmaxRegression(), X, reset=True) is X


@pytest.mark.parametrize(
    "labels",
    [
        np.array([-128, 127, -128], np.int8),
        np.array([255, 0, 7], np.uint8),
        np.array([True, False, True]),
        np.array([2**63, 1], np.uint64),
        np.array([2**63 + 5, 2**63 + 4], np.uint64),
        np.array([-(2**63), 2**63 - 1]),
        np.array([2**63 - 1, 2**63 - 2, 2**63 - 2]),
        np.array([7, 7]),
        np.array([5, 1000, 5, 3]),
        np.array(["b", "a", "b"]),
    ],
)
def test_labels_are_encoded_in_any_dtype(labels):
    classes, indices = validation._encoded(labels)
    assert classes.dtype == labels.dtype
    np.testing.assert_array_equal(classes, np.unique(labels))
    np.testing.assert_array_equal(classes[indices], labels)


def test_features_without_names_drop_those_of_the_last_fit():
    X, y = blobs()
    model = SoftmaxRegression().fit(X, y)
    model.feature_names_in_ = np.array(list("abcde"), dtype=object)  # as if X had been a data frame
    model.fit(X[:, :3], y)
    assert not hasattr(model, "feature_names_in_")
    assert model.n_features_in_ == 3
    assert model.predict(X[:, :3]).shape == y.shape


@pytest.mark.parametrize("scoring", [None, "neg_log_loss"])
@pytest.mark.parametrize(
    ("labels", "rule"),
    [
        (["a", "b", "c"] * 4, "not among the classes 0, 1, 2: 'a', 'b', 'c'"),
        ([str(y) for y in Y], "not among the classes 0, 1, 2: '0', '1', '2'"),
        (Y + 0.5, "Unknown label type"),
        (None, "labels to score; got None"),
    ],
)
def test_labels_of_another_kind_are_an_error(labels, rule, scoring):
    model = SoftmaxRegressionCV([1.0], cv=2, scoring=scoring).fit(X, Y)
    with pytest.raises(ValueError, match=rule):
        model.score(X, labels)
    if labels is not None:
        with pytest.raises(ValueError, match=rf"y_val does not fit: .*{rule}"):
            SoftmaxRegression().fit(X, Y, X_val=X, y_val=labels)


def test_numbers_are_no_strings():
    model = SoftmaxRegression().fit(X, np.asarray(["0", "1", "2"], dtype=object)[Y])
    with pytest.raises(ValueError, match="not among the classes '0', '1', '2': 0, 1, 2"):
        model.score(X, Y)


@pytest.mark.parametrize("kind", ["int64", "float64"])
def test_a_label_of_the_right_kind_that_is_no_class_is_wrong(kind):
    model = SoftmaxRegression(C=1e4).fit(X, Y)
    labels = np.where(np.arange(12) < 3, 7, model.predict(X)).astype(kind)
    assert model.score(X, labels) == 0.75


def test_soft_labels_are_scored_by_their_most_probable_class(xp):
    model = SoftmaxRegression().fit(xp(X), xp(Y))
    soft = 0.8 * np.eye(3)[Y] + 0.2 / 3
    assert model.score(xp(X), xp(soft)) == model.score(xp(X), xp(Y)) > 0.5
    with pytest.raises(ValueError, match="sum to 1 in each row"):
        model.score(xp(X), xp(2 * soft))
    with pytest.raises(ValueError, match="probabilities of 2 classes, but there are 3"):
        model.score(xp(X), xp(np.eye(2)[Y % 2]))


@pytest.mark.parametrize("method", ["predict", "predict_proba", "score"])
def test_features_beyond_the_range_of_the_models_dtype(xp, method):
    far = X.copy()
    far[0, 0] = -1e39
    model = SoftmaxRegression().fit(xp(X, "float32"), Y.tolist())
    rule = (
        r"computes in .*float32, .* X \(.*float64\) holds values from -1e\+39 .*Scale the features"
    )
    more = (Y.tolist(),) if method == "score" else ()
    with pytest.raises(ValueError, match=rule):
        getattr(model, method)(xp(far), *more)
    assert np.all(np.isfinite(xp.host(model.predict_proba(xp(1e30 * X)))))
    rows = {"X_val": xp(far), "y_val": Y.tolist()}
    with pytest.raises(ValueError, match=r"X_val .* holds values from -1e"):
        SoftmaxRegression().fit(xp(X, "float32"), Y.tolist(), **rows)


def in_its_dtype(model):
    """The model, which does not solve few values in double precision."""
    model._policy = replace(DEFAULT, min_values_in_float32=0)
    return model


@pytest.mark.parametrize(
    ("dtype", "C", "wider"),
    [("float32", 1e-45, "or pass X as float64"), ("float32", 1e-320, "or pass"),
     ("float64", 1e-320, r"Choose a larger C\.$")],
)  # fmt: skip
def test_a_penalty_beyond_the_range_of_the_dtype(xp, dtype, C, wider):
    rule = f"C={C} makes a penalty of .* beyond the range of .*{dtype}.*{wider}"
    with pytest.raises(ValueError, match=rule):
        in_its_dtype(SoftmaxRegression(C=C)).fit(xp(X, dtype), Y.tolist())
    with pytest.raises(ValueError, match=rule):
        in_its_dtype(SoftmaxRegressionCV([1.0, C], cv=2)).fit(xp(X, dtype), Y.tolist())


def test_alpha_beyond_the_range_of_the_dtype():
    rule = r"alpha=1e\+40 makes a penalty .* Choose a smaller alpha"
    with pytest.raises(ValueError, match=rule):
        MLPClassifier(alpha=1e40).fit(X.astype("float32"), Y)
    grid = {"alpha": [1.0, 1e40]}
    search = BatchedGridSearchCV(MLPClassifier(max_iter=1, tol=0), grid, cv=2, error_score="raise")
    with pytest.raises(ValueError, match=rule):
        search.fit(X.astype("float32"), Y)


def test_a_penalty_that_rounds_to_0_is_none():
    single = X.astype("float32")
    with pytest.warns(UserWarning, match=r"C=1e\+50 .* is 0 in float32.*Pass C=inf") as warned:
        model = in_its_dtype(SoftmaxRegression(C=1e50)).fit(single, Y)
    assert warned[0].filename == __file__
    without = in_its_dtype(SoftmaxRegression(C=np.inf)).fit(single, Y)
    np.testing.assert_array_equal(model.coef_, without.coef_)
    SoftmaxRegression(C=1e50).fit(X, Y)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_soft_labels_in_half_precision(torch, dtype):
    soft = np.random.default_rng(0).dirichlet(np.ones(30), 200)
    rows = np.random.default_rng(1).standard_normal((200, 4))
    rounded = torch.tensor(soft).to(getattr(torch, dtype))
    model = SoftmaxRegression().fit(torch.tensor(rows), rounded)
    expected = SoftmaxRegression().fit(torch.tensor(rows), torch.tensor(soft))
    np.testing.assert_allclose(model.coef_, expected.coef_, atol=1e-2)
    with pytest.raises(ValueError, match="sum to 1 in each row"):
        model.fit(torch.tensor(rows), 1.1 * rounded)
    if dtype == "float16":
        single = SoftmaxRegression().fit(rows, rounded.numpy())
        np.testing.assert_allclose(single.coef_, model.coef_, atol=1e-6)


def test_messages_show_values_as_they_are_typed():
    names = np.asarray(["a", "b", "c"], dtype=object)[Y]
    names[:] = [np.str_(name) for name in names]
    model = SoftmaxRegression(solver="sgd").partial_fit(X, names, classes=np.unique(names))
    failing = [
        lambda: model.partial_fit(X, Y),
        lambda: model.partial_fit(X, names, classes=[np.str_("a"), np.str_("b")]),
        lambda: model.score(X, Y),
        lambda: SoftmaxRegression(class_weight={np.str_("z"): 1.0}).fit(X, names),
        lambda: SoftmaxRegression(solver=np.str_("newton")).fit(X, names),
        lambda: SoftmaxRegression(C=np.float64(-1)).fit(X, names),
        lambda: MLPClassifier((np.int64(0), 3)).fit(X, names),
        lambda: SoftmaxRegression(class_weight={np.str_("a"): np.float64(-1)}).fit(X, names),
        lambda: SoftmaxRegression().fit(X, names[:1].repeat(12)),
    ]
    for fail in failing:
        with pytest.raises(ValueError) as caught:  # noqa: PT011
            fail()
        assert "np." not in str(caught.value)
