"""How X lies in memory changes no bit of a fit, and how it is stored no prediction."""

import numpy as np
import pytest

from xsoftmax import MLPClassifier, SoftmaxRegression, load, save
from xsoftmax.arrays import to_host

from ..problems import blobs


def _strided(X):
    wide = np.full((2 * X.shape[0], 3 * X.shape[1]), np.nan, X.dtype)
    wide[::2, 1::3] = X
    return wide[::2, 1::3]


def _unaligned(X):
    raw = np.empty(X.nbytes + 1, np.uint8)
    placed = raw[1:].view(X.dtype).reshape(X.shape)
    placed[...] = X
    return placed


def _read_only(X):
    X = X.copy()
    X.flags.writeable = False
    return X


LAYOUTS = {
    "Fortran order": np.asfortranarray,
    "strided": _strided,
    "backwards": lambda X: X[::-1, ::-1].copy()[::-1, ::-1],
    "read-only": _read_only,
    "big-endian": lambda X: X.astype(X.dtype.newbyteorder(">")),
    "unaligned": _unaligned,
    "transposed": lambda X: np.ascontiguousarray(X.T).T,
}
MODELS = {
    "newton": lambda: SoftmaxRegression(),
    "lbfgs": lambda: SoftmaxRegression(C=100.0, fit_intercept=False),
    "adam": lambda: SoftmaxRegression(solver="adam", max_iter=5, random_state=0),
    "network": lambda: MLPClassifier((5,), max_iter=5, random_state=0),
}


def bits(model, X):
    """All that a fit left, and what it predicts."""
    coefs = getattr(model, "coefs_", None) or [model.coef_]
    return [*map(to_host, coefs), to_host(model.predict_proba(X)), to_host(model.predict(X))]


@pytest.mark.filterwarnings("ignore:.*did not converge")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", MODELS)
def test_a_layout_changes_no_bit(kind, layout, dtype):
    X, y = blobs(1200, 37, 3, spread=2.0)  # enough for BLAS to choose by the layout
    X = X.astype(dtype)
    placed = LAYOUTS[layout](X)
    before = placed.copy()
    plain, other = (MODELS[kind]().fit(rows, y) for rows in (X, placed))
    for one, two in zip(bits(plain, X), bits(other, placed), strict=True):
        np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(placed, before)


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.filterwarnings("ignore:.*did not converge")
def test_labels_and_weights_may_lie_in_any_way(kind):
    X, y = blobs(200, 7, 3, spread=2.0)
    weight = np.random.default_rng(0).random(200)
    plain = MODELS[kind]().fit(X, y, sample_weight=weight)
    for place in (lambda a: np.repeat(a, 3)[::3], _read_only, lambda a: a[::-1].copy()[::-1]):
        other = MODELS[kind]().fit(X, place(y), sample_weight=place(weight))
        for one, two in zip(bits(plain, X), bits(other, X), strict=True):
            np.testing.assert_array_equal(one, two)
    big = MODELS[kind]().fit(X, y.astype(">i4"), sample_weight=weight.astype(">f8"))
    np.testing.assert_array_equal(bits(big, X)[0], bits(plain, X)[0])


def test_weights_and_rows_of_one_value_may_be_broadcast():
    X, y = blobs(60, 4, 2, spread=2.0)
    ones = np.broadcast_to(2.0, 60)
    model = SoftmaxRegression().fit(X, y, sample_weight=ones)
    copied = SoftmaxRegression().fit(X, y, sample_weight=ones.copy())
    np.testing.assert_array_equal(model.coef_, copied.coef_)
    rows = np.broadcast_to(X[:1], (9, 4))
    np.testing.assert_array_equal(model.predict_proba(rows), model.predict_proba(rows.copy()))
    constant = np.broadcast_to(X[:, :1], (60, 4))
    fits = [SoftmaxRegression().fit(rows, y) for rows in (constant, constant.copy())]
    np.testing.assert_array_equal(fits[0].coef_, fits[1].coef_)


@pytest.mark.parametrize("dtype", ["float16", "float32", "int8", "uint8", "int64", "bool"])
def test_a_dtype_that_holds_the_rows_gives_the_same_predictions(xp, dtype):
    if dtype == "float16" and not hasattr(xp.xp, dtype):
        pytest.skip(f"{xp} has no float16")
    X, y = blobs(80, 6, 3, spread=2.0)
    rows = (X > 0).astype(dtype) if dtype == "bool" else np.abs(np.round(10 * X)).astype(dtype)
    model = SoftmaxRegression().fit(xp(rows, "float64"), y.tolist())
    expected = xp.host(model.predict_proba(xp(rows, "float64")))
    found = xp.host(model.predict_proba(xp(rows)))
    np.testing.assert_allclose(found, expected, atol=4 * np.finfo(found.dtype).eps)


@pytest.mark.filterwarnings("ignore:.*did not converge")
@pytest.mark.parametrize("kind", MODELS)
def test_a_fit_repeated_20_times_has_the_same_bits(kind):
    X, y = blobs(300, 9, 4, spread=2.0)
    first = bits(MODELS[kind]().fit(X, y), X)
    for _ in range(20):
        for one, other in zip(first, bits(MODELS[kind]().fit(X, y), X), strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.filterwarnings("ignore:.*did not converge")
def test_1000_models_are_saved_and_loaded_to_the_same_bits(tmp_path):
    rng = np.random.default_rng(0)
    layouts = [*LAYOUTS.values()]
    for k in range(1000):
        n_classes, n_features = int(rng.integers(2, 6)), int(rng.integers(1, 6))
        X, y = blobs(12, n_features, n_classes, seed=k)
        X = layouts[k % len(layouts)](X.astype(["float32", "float64"][k % 2]))
        hidden = tuple(rng.integers(1, 4, rng.integers(0, 3)).tolist())
        options = {"max_iter": 1, "random_state": k}
        model = MLPClassifier(hidden, **options) if hidden else SoftmaxRegression(max_iter=1)
        model.fit(X, y)
        loaded = load(save(model, tmp_path / "m.safetensors"))
        for one, other in zip(bits(model, X), bits(loaded, X), strict=True):
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other)
