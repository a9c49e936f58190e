"""Rows as users have them: data frames of three libraries, half precision, text among numbers."""

import importlib

import numpy as np
import pytest
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from xsoftmax import MLPClassifier, SoftmaxRegression, SoftmaxRegressionCV

from ..problems import blobs

LIBRARIES = ["pandas", "polars", "pyarrow"]
NAMES = ["u", "v", "w"]


def frame(library, columns):
    made = pytest.importorskip(library, reason=f"{library} is not installed")
    return made.table(columns) if library == "pyarrow" else made.DataFrame(columns)


def series(library, values):
    made = importlib.import_module(library)
    return made.array(values) if library == "pyarrow" else made.Series(values)


@pytest.fixture
def samples():
    X, y = blobs(90, 3, 3)
    return X, np.asarray(["a", "b", "c"])[y]


@pytest.mark.filterwarnings("ignore:.*best C_")
@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(
    "model",
    [
        SoftmaxRegression(),
        SoftmaxRegressionCV([0.1, 1.0], cv=2),
        MLPClassifier((3,), max_iter=3, tol=0, random_state=0),
    ],
    ids=lambda model: type(model).__name__,
)
def test_frames_are_rows_with_names(library, model, samples):
    X, y = samples
    F = frame(library, dict(zip(NAMES, X.T, strict=True)))
    model.fit(F, series(library, y))
    assert model.feature_names_in_.tolist() == NAMES
    found = model.predict_proba(F), model.score(F, series(library, y))
    model.fit(X, y)
    np.testing.assert_array_equal(found[0], model.predict_proba(X))
    assert found[1] == model.score(X, y)


@pytest.mark.parametrize("library", LIBRARIES)
def test_text_among_numbers_is_named_with_what_to_do(library, samples):
    X, y = samples
    F = frame(library, {"u": X[:, 0], "kind": y, "v": X[:, 1], "town": y})
    with pytest.raises(ValueError, match="these columns do not: 'kind', 'town'") as caught:
        SoftmaxRegression().fit(F, y)
    text = str(caught.value)
    remedy = text.partition("Encode them before: ")[2].partition(", with all three")[0]
    if library == "pyarrow":  # which make_column_transformer does not take
        return
    model = eval(
        remedy,
        {
            "make_pipeline": make_pipeline,
            "make_column_transformer": make_column_transformer,
            "OneHotEncoder": OneHotEncoder,
            "SoftmaxRegression": SoftmaxRegression,
        },
    )
    assert model.fit(F, y).score(F, y) == 1.0


def test_categories_and_dates_of_pandas_are_no_numbers(samples):
    pd = pytest.importorskip("pandas", reason="pandas is not installed")
    X, y = samples
    F = pd.DataFrame({"u": X[:, 0], "kind": pd.Categorical(y)})
    with pytest.raises(ValueError, match="these columns do not: 'kind'"):
        SoftmaxRegression().fit(F, y)
    dates = pd.DataFrame({"day": pd.date_range("2020-01-01", periods=90)})
    with pytest.raises(ValueError, match="days since the first"):
        SoftmaxRegression().fit(dates, y)
    dates["u"] = X[:, 0]
    with pytest.raises(ValueError, match=r"these columns hold dates or times: 'day'.*days since"):
        SoftmaxRegression().fit(dates, y)
    np.testing.assert_array_equal(
        SoftmaxRegression().fit(F[["u"]].astype(object), y).coef_,
        SoftmaxRegression().fit(X[:, :1], y).coef_,
    )


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_scaler_that_gives_frames_passes_names_on(library, samples):
    X, y = samples
    F = frame(library, dict(zip(NAMES, X.T, strict=True)))
    model = make_pipeline(StandardScaler().set_output(transform=library), SoftmaxRegression())
    assert model.fit(F, y)[-1].feature_names_in_.tolist() == NAMES


def test_brain_floats_are_expanded(samples):
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="ml_dtypes is not installed")
    X, y = samples
    half = X.astype(ml_dtypes.bfloat16)
    model = SoftmaxRegression().fit(half, y)
    expected = SoftmaxRegression().fit(half.astype(np.float32), y)
    np.testing.assert_array_equal(model.coef_, expected.coef_)
    np.testing.assert_array_equal(model.predict(half), expected.predict(half.astype(np.float32)))


def test_brain_floats_of_torch_are_expanded(samples):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    X, y = samples
    half = torch.asarray(X).to(torch.bfloat16)
    model = SoftmaxRegression().fit(half, y.tolist())
    expected = SoftmaxRegression().fit(half.to(torch.float32), y.tolist())
    assert model.coef_.dtype == torch.float32
    assert torch.equal(model.coef_, expected.coef_)


def test_dates_among_numbers_of_polars_are_refused(samples):
    pl = pytest.importorskip("polars", reason="polars is not installed")
    X, y = samples
    days = pl.date_range(pl.date(2020, 1, 1), pl.date(2020, 3, 30), eager=True)
    for column in (days, days.cast(pl.Datetime), days - days[0]):
        with pytest.raises(ValueError, match="these columns hold dates or times: 'day'"):
            SoftmaxRegression().fit(pl.DataFrame({"day": column, "u": X[:, 0]}), y)


@pytest.mark.parametrize("missing", ["nan", None])
def test_numbers_as_text_may_not_lack_values(samples, missing):
    pl = pytest.importorskip("polars", reason="polars is not installed")
    X, y = samples
    model = SoftmaxRegression().fit(pl.DataFrame({"d": ["2", "1"] * 45, "u": X[:, 0]}), y)
    with pytest.raises(ValueError, match="NaN"):
        model.predict(pl.DataFrame({"d": [missing, "1"], "u": [1.0, 2.0]}))


def test_columns_that_lack_values_are_not_said_to_be_text(samples):
    pd = pytest.importorskip("pandas", reason="pandas is not installed")
    X, y = samples
    for column in (
        pd.array([True, None] * 45, dtype="boolean"),
        pd.array([None, "2"] * 45, dtype="string"),
        pd.array([None, 2] * 45, dtype="Int64"),
    ):
        with pytest.raises(ValueError, match="contains NaN"):
            SoftmaxRegression().fit(pd.DataFrame({"a": column, "u": X[:, 0]}), y)


@pytest.mark.parametrize("library", ["pandas", "pyarrow"])
def test_names_that_occur_twice(library, samples):
    made = pytest.importorskip(library, reason=f"{library} is not installed")
    X, y = samples
    if library == "pandas":
        F = made.concat([made.Series(X[:, 0]), made.Series(y)], axis=1, keys=["a", "a"])
    else:
        F = made.table([made.array(X[:, 0]), made.array(y)], names=["a", "a"])
    with pytest.raises(ValueError, match="these columns do not: 'a'"):
        SoftmaxRegression().fit(F, y)
