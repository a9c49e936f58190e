"""Displays draw what the functions draw, and look as they did before."""

import itertools
import os
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.testing.compare import compare_images

from xsoftmax import MLPClassifier, SoftmaxRegression, SoftmaxRegressionCV, datasets, plots
from xsoftmax.plots import figures

BASELINE = Path(__file__).parent / "baseline"
#: Root mean square of the differences of pixels, of 255: other fonts and versions draw alike.
TOLERANCE = 12.0


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def data():
    return datasets.digits()


@pytest.fixture(scope="module")
def model(data):
    return SoftmaxRegression().fit(data.X_train, data.y_train)


def rows(data):
    return data.X_train, data.y_train, data.X_test, data.y_test


DISPLAYS = {
    "confusion_matrix": lambda data, model: plots.ConfusionMatrixDisplay.from_estimator(
        model, data.X_test, data.y_test
    ),
    "recall": lambda data, model: plots.RecallDisplay.from_estimator(
        model, data.X_test, data.y_test
    ),
    "predictions": lambda data, model: plots.PredictionsDisplay.from_estimator(
        model, data.X_test, data.y_test
    ),
    "reliability": lambda data, model: plots.ReliabilityDisplay.from_estimator(
        model, data.X_test, data.y_test
    ),
    "projection": lambda data, model: plots.ProjectionDisplay.from_estimator(model, data.X_test),
    "weights": lambda data, model: plots.WeightsDisplay.from_estimator(model),
    "loss_curve": lambda data, model: plots.LossCurveDisplay.from_estimator(
        MLPClassifier((8,), max_iter=8, tol=0, random_state=0).fit(
            data.X_train, data.y_train, X_val=data.X_test, y_val=data.y_test
        )
    ),
    "sweep": lambda data, model: plots.SweepDisplay.from_estimator(
        SoftmaxRegressionCV([0.1, 1.0, 10.0, 100.0]).fit(data.X_train, data.y_train)
    ),
    "learning_curve": lambda data, model: plots.LearningCurveDisplay.from_estimator(
        model, *rows(data), train_sizes=[20, 100, 500], n_repeats=4, random_state=0
    ),
    "bootstrap": lambda data, model: plots.BootstrapDisplay.from_estimator(
        model, *rows(data), n_resamples=40, random_state=0
    ),
}


@pytest.mark.skipif(mpl.__version_info__ < (3, 11), reason="matplotlib draws text anew since 3.11")
@pytest.mark.parametrize("name", DISPLAYS)
def test_a_display_looks_as_it_did(name, data, model, tmp_path):
    """To draw the pictures anew, set XSOFTMAX_NEW_PICTURES and look at each of them."""
    with mpl.rc_context({"font.family": ["DejaVu Sans"], "figure.dpi": 50, "savefig.dpi": 50}):
        display = DISPLAYS[name](data, model)
        found = tmp_path / f"{name}.png"
        display.figure_.savefig(found, metadata={"Software": None})
    if os.environ.get("XSOFTMAX_NEW_PICTURES"):
        BASELINE.mkdir(exist_ok=True)
        (BASELINE / found.name).write_bytes(found.read_bytes())
    difference = compare_images(str(BASELINE / found.name), str(found), TOLERANCE)
    assert difference is None, difference


def test_another_picture_is_told(data, model, tmp_path):
    with mpl.rc_context({"font.family": ["DejaVu Sans"], "figure.dpi": 50, "savefig.dpi": 50}):
        other = plots.RecallDisplay.from_predictions(data.y_test, np.roll(data.y_test, 1))
        other.figure_.savefig(tmp_path / "recall.png")
    told = compare_images(str(BASELINE / "recall.png"), str(tmp_path / "recall.png"), TOLERANCE)
    assert told is not None


def test_displays_draw_again_and_where_they_are_told(data, model):
    _, (left, right) = plt.subplots(1, 2)
    predictions = model.predict(data.X_test)
    display = plots.ConfusionMatrixDisplay.from_predictions(data.y_test, predictions, ax=left)
    assert display.ax_ is left
    assert display.plot(ax=right) is display
    assert display.ax_ is right
    assert display.figure_ is right.figure
    for display in (
        plots.ReliabilityDisplay.from_predictions(model.predict_proba(data.X_test), data.y_test),
        plots.ProjectionDisplay.from_predictions(data.X_test, data.y_test),
        plots.PredictionsDisplay.from_predictions(data.X_test, data.y_test, predictions),
    ):
        assert display.figure_ is not right.figure


def test_reliability_finds_the_place_of_labels_that_are_names(data, xp):
    names = np.asarray(["zero", "one", "two"])
    some = data.y_train < 3
    X = data.X_train[some].astype(np.float32)
    model = SoftmaxRegression().fit(xp(X), names[data.y_train[some]])
    labels = names[data.y_train[some]]
    display = plots.ReliabilityDisplay.from_estimator(model, xp(X), labels)
    np.testing.assert_array_equal(np.sort(model.classes_)[display.y], labels)
    with pytest.raises(ValueError, match="y holds 'ten', none of the estimator's classes"):
        plots.ReliabilityDisplay.from_estimator(model, xp(X[:1]), ["ten"])


def test_a_sweep_of_several_scores_draws_one_of_them(data):
    search = SoftmaxRegressionCV([0.1, 1.0, 10.0, 100.0], scoring=["accuracy", "neg_log_loss"])
    search.fit(data.X_train, data.y_train)
    assert plots.SweepDisplay.from_estimator(search).ax_.get_ylabel() == "accuracy"
    other = plots.SweepDisplay.from_estimator(search, name="neg_log_loss")
    assert other.ax_.get_ylabel() == "neg log loss"
    np.testing.assert_array_equal(other.scores, search.scores_["neg_log_loss"])


#: Linear RGB as those see it who lack a cone, after Machado et al. (2009), table 1, severity 1.
SEEN = {
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "all cones": np.eye(3),
}


@pytest.mark.parametrize("kind", SEEN)
def test_colours_differ_for_everyone(kind):
    colours = [figures.BLUE, figures.ORANGE, figures.GREEN, figures.VERMILLION]
    linear = np.asarray([to_rgb(colour) for colour in colours]) ** 2.2
    seen = np.clip(linear @ np.asarray(SEEN[kind]).T, 0, 1) ** (1 / 2.2)
    apart = [np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)]
    assert min(apart) > 0.2
