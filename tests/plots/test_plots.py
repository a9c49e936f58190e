"""Pictures: what is drawn, from arrays of any library."""

from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, to_rgba
from matplotlib.text import Text

from xsoftmax import SoftmaxRegression, plots
from xsoftmax.classifiers.resampling import BootstrapResult, ConfidenceInterval
from xsoftmax.cli import pictures
from xsoftmax.plots import classes as class_plots
from xsoftmax.plots import figures
from xsoftmax.plots.names import above as above_image
from xsoftmax.plots.names import named, short

from ..problems import blobs


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def images(n=20, shape=(4, 4)):
    return np.random.default_rng(0).random((n, shape[0] * shape[1]))


def test_plot_samples_draws_images_with_their_labels(xp):
    axes = plots.plot_samples(xp(images()), xp(np.arange(20)))
    assert axes.shape == (3, 5)
    assert [ax.get_title() for ax in axes.flat] == [str(i) for i in range(15)]
    np.testing.assert_array_equal(axes[0, 1].images[0].get_array(), images()[1].reshape(4, 4))


def test_plot_predictions_draws_wrong_ones_first_and_in_red(xp):
    y_true = np.arange(20) % 4
    y_pred = np.where(np.arange(20) == 3, 0, y_true)
    axes = plots.plot_predictions(xp(images()), xp(y_true), xp(y_pred), n_rows=2, n_columns=4)
    titles = [ax.get_title() for ax in axes.flat]
    assert titles[:3] == ["y: 3 / ŷ: 0", "y: 0 / ŷ: 0", "y: 1 / ŷ: 1"]
    np.testing.assert_array_equal(axes[0, 0].images[0].get_array(), images()[3].reshape(4, 4))
    marked = [bool(ax.patches) for ax in axes.flat]
    assert marked == [i == 0 for i in range(8)]
    red = to_rgba(figures.VERMILLION)
    assert axes[0, 0].patches[0].get_edgecolor() == red
    assert to_rgba(axes[0, 0].title.get_color()) == red
    assert to_rgba(axes[0, 2].title.get_color()) != red
    assert axes[0, 0].figure.get_suptitle() == "1 of 20 wrong, these first"


def test_plot_samples_leaves_places_without_an_image_empty():
    axes = plots.plot_samples(images(4), ["a", "b", "c", "d"])
    assert sum(bool(ax.images) for ax in axes.flat) == 4


def test_plot_loss_curve_draws_on_given_axes():
    _, given = plt.subplots()
    ax = plots.plot_loss_curve([3.0, 2.0, 1.5], label="adam", ax=given)
    assert ax is given
    np.testing.assert_array_equal(ax.lines[0].get_xydata(), [[1, 3], [2, 2], [3, 1.5]])
    assert ax.get_xlabel() == "iteration"
    assert ax.get_legend() is not None
    assert isinstance(plots.plot_loss_curve([1.0]), Axes)


def test_plot_loss_curve_gives_scores_an_axis_of_their_own():
    ax = plots.plot_loss_curve([3.0, 2.0], validation_scores=[0.5, 0.75])
    assert ax.get_ylabel() == "objective"
    (right,) = (other for other in ax.figure.axes if other is not ax)
    np.testing.assert_array_equal(right.lines[0].get_xydata(), [[1, 0.5], [2, 0.75]])
    assert len(ax.get_legend().get_texts()) == 2


def test_plot_loss_curve_draws_losses_of_held_out_rows_on_its_own_axis():
    ax = plots.plot_loss_curve([3.0, 2.0], validation_losses=[2.5, 2.25])
    np.testing.assert_array_equal(ax.lines[1].get_xydata(), [[1, 2.5], [2, 2.25]])
    assert [text.get_text() for text in ax.get_legend().get_texts()][1] == "held-out log loss"


def confusion(n_classes, n_samples=2000, names=None):
    """Of labels of which nine in ten are right."""
    rng = np.random.default_rng(0)
    y_true = np.arange(n_samples) % n_classes
    y_pred = np.where(rng.random(n_samples) < 0.9, y_true, rng.integers(n_classes, size=n_samples))
    names = np.arange(n_classes) if names is None else np.asarray(names)
    return plots.plot_confusion_matrix(names[y_true], names[y_pred])


def test_plot_confusion_matrix_shows_shares_and_counts(xp):
    ax = plots.plot_confusion_matrix(xp([0, 0, 1, 2]), xp([0, 1, 1, 2]))
    expected = [[0.5, 0.5, 0], [0, 1, 0], [0, 0, 1]]
    np.testing.assert_array_equal(ax.images[0].get_array(), expected)
    assert [text.get_text() for text in ax.texts] == list("110010001")
    assert "0.7500" in ax.get_title()


@pytest.mark.parametrize("n_classes", [21, 100, 1000])
def test_plot_confusion_matrix_of_many_classes_names_a_few(n_classes):
    ax = confusion(n_classes, 5000)
    assert len(ax.texts) == 0
    assert 5 <= len(ax.get_xticks()) <= class_plots.MOST_TICKS
    names = [label.get_text() for label in ax.get_xticklabels()]
    assert names == [str(int(place)) for place in ax.get_xticks()]
    assert max(ax.images[0].get_array().shape) <= class_plots.MOST_CELLS
    assert isinstance(ax.images[0].norm, LogNorm)
    assert max(ax.figure.get_size_inches()) <= class_plots.LARGEST


def test_plot_confusion_matrix_of_many_classes_shows_one_error():
    y_true = np.arange(1000)
    y_pred = np.where(y_true == 7, 900, y_true)
    ax = plots.plot_confusion_matrix(y_true, y_pred)
    cells = ax.images[0].get_array()
    assert cells[7 // 4, 900 // 4] == 1.0
    assert cells.count() == 251  # the diagonal and that one


@pytest.mark.parametrize(("count", "text"), [
    (0, "0"), (950, "950"), (1234, "1.2k"), (34_567, "35k"), (999_960, "1.0M"), (1_234_567, "1.2M"),
    (2_000_000_000, "2.0G"),
])  # fmt: skip
def test_short_writes_counts_in_few_characters(count, text):
    assert short(count) == text


@pytest.mark.parametrize("names", [
    ["$x^2$", r"\frac{a}", "a_b", "{", "50 $ a $"],
    ["猫", "собака", "🐱", "قطة", "a\nb"],
    [f"a name of thirty-five characters {i:02d}" for i in range(5)],
])  # fmt: skip
def test_plots_draw_names_as_they_are(names, tmp_path):
    y = np.arange(40) % 5
    names = np.asarray(names)
    model = SoftmaxRegression(max_iter=1, tol=0).fit(images(40), names[y])
    drawn = [
        confusion(5, 40, names),
        plots.plot_recall(names[y], names[y]),
        plots.plot_projection(images(40), names[y]),
        plots.plot_samples(images(40), names[y]),
        plots.plot_predictions(images(40), names[y], names[y[::-1]]),
        plots.plot_weights(model),
        plots.plot_loss_curve([1.0, 0.5], label=str(names[0])),
    ]
    for i, axes in enumerate(drawn):
        figure = np.ravel(axes)[0].figure
        shown = {*names, *map(above_image, names)}
        written = [text for text in figure.findobj(Text) if text.get_text() in shown]
        assert written or i in (4, 5)  # there the title has more than the name
        assert not any(text.get_parse_math() for text in written)
        pictures.png(lambda axes=axes: axes)  # a letter that is missing is no warning


@pytest.mark.parametrize(
    ("name", "text", "above"),
    [
        (7, "7", "7"),
        ("a name of 31 characters, not 32", None, "a name of 31\ncharacters,\nnot 32"),
        ("a" * 100 + "z" * 100, "a" * 20 + "…" + "z" * 19, "a" * 12 + "\n" + "a" * 8 + "…zzz"),
        ("two\nlines", "two lines", "two lines"),
    ],
)
def test_named_leaves_out_the_middle_of_very_long_names(name, text, above):
    assert named(name) == (text or name)
    assert above_image(name).startswith(above)


def test_plots_leave_room_for_long_names(tmp_path):
    names = np.asarray([f"{i} {'long ' * 60}{i}" for i in range(8)])
    y = np.arange(40) % 8
    model = SoftmaxRegression(max_iter=1, tol=0).fit(images(40), names[y])
    for axes in (
        plots.plot_confusion_matrix(names[y], names[y]),
        plots.plot_recall(names[y], names[y]),
        plots.plot_projection(images(40), names[y]),
    ):
        pictures.png(lambda axes=axes: axes)  # no warning: every part has room
    for axes in (
        plots.plot_samples(images(40), names[y]),
        plots.plot_predictions(images(40), names[y], names[y[::-1]]),
        plots.plot_weights(model),
    ):
        pictures.png(lambda axes=axes: axes)
        titles = [ax.title.get_window_extent() for ax in axes[0]]
        assert all(left.x1 < right.x0 for left, right in pairwise(titles))


def test_plot_recall_begins_with_the_lowest():
    y_true = np.repeat([0, 1, 2], 10)
    y_pred = np.where(np.arange(30) < 5, 1, y_true)
    ax = plots.plot_recall(y_true, y_pred)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["0", "1", "2"]
    np.testing.assert_allclose([bar.get_width() for bar in ax.patches], [0.5, 1.0, 1.0])
    assert ax.texts[0].get_text() == "50.0% of 10"
    many = np.arange(1000)
    assert len(plots.plot_recall(many, many).patches) == class_plots.MOST_CLASSES


@pytest.mark.parametrize("n_features", [1, 2, 50])
@pytest.mark.parametrize("n_classes", [2, 40])
def test_plot_projection_has_the_largest_classes_in_colour(xp, n_features, n_classes):
    X = np.random.default_rng(0).standard_normal((200, n_features))
    ax = plots.plot_projection(xp(X), xp(np.arange(200) % n_classes))
    assert sum(len(line.get_xdata()) for line in ax.lines) == 200
    assert len(ax.lines) == (2 if n_classes == 2 else class_plots.MOST_COLOURS + 1)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_plot_weights_draws_coefficients_as_images(xp, n_classes):
    X, y = blobs(n_features=6, n_classes=n_classes)
    model = SoftmaxRegression().fit(xp(X), xp(y))
    axes = plots.plot_weights(model, image_shape=(2, 3))
    coef = xp.host(model.coef_)
    assert axes.size == len(coef)
    np.testing.assert_array_equal(axes.flat[0].images[0].get_array(), coef[0].reshape(2, 3))
    low, high = axes.flat[0].images[0].get_clim()
    assert high == -low == np.abs(coef).max()
    if n_classes == 2:
        assert axes.flat[0].get_title() == "1 against 0"
    figure = axes.flat[0].figure
    assert figure.get_suptitle() == "Weights: red raises the logit, blue lowers it"
    assert figure.axes[-1].get_ylabel() == "weight"


def test_plot_samples_refuses_a_shape_that_does_not_fit():
    with pytest.raises(ValueError, match=r"of 16 pixels; got \(3, 4\)"):
        plots.plot_samples(images(), range(20), image_shape=(3, 4))
    with pytest.raises(ValueError, match="of 15 pixels; got None"):
        plots.plot_samples(np.zeros((1, 15)), [0])


def test_plot_sweep_draws_folds_their_mean_and_the_best_C():
    scores = np.asarray([[0.5, 0.9, 0.7], [0.7, 0.7, 0.9]])
    ax = plots.plot_sweep([1.0, 0.1, 10.0], scores, best=10.0, name="accuracy")
    *folds, mean, best = ax.lines
    assert len(folds) == 2
    np.testing.assert_allclose(mean.get_xdata(), [0.1, 1.0, 10.0])
    np.testing.assert_allclose(mean.get_ydata(), [0.8, 0.6, 0.8])
    assert best.get_xdata()[0] == 10.0
    assert ax.get_xscale() == "log"
    assert ax.get_title() == "Accuracy held out, 2 folds"


def test_plot_learning_curve_draws_every_draw_and_the_means():
    train, test = [[1.0, 0.8], [0.9, 0.9]], [[0.5, 0.7], [0.8, 0.8]]
    ax = plots.plot_learning_curve([10, 100], train, test, name="accuracy")
    assert ax.get_title() == "Accuracy, 2 draws"
    assert ax.get_xscale() == "log"
    means = [line.get_ydata().tolist() for line in ax.lines if line.get_marker() == "o"]
    np.testing.assert_allclose(means, [[0.9, 0.9], [0.6, 0.8]])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["train", "test"]


def test_plot_bootstrap_marks_the_interval_and_the_mean():
    interval = ConfidenceInterval(0.2, 0.7)
    values = np.linspace(0.0, 1.0, 11)
    ax = plots.plot_bootstrap(BootstrapResult(interval, values, 0.33), name="accuracy")
    assert sum(bar.get_height() for bar in ax.patches[:-1]) == 11
    assert ax.get_title() == "Accuracy of 11 resamples, standard error 0.33"
    told = [text.get_text() for text in ax.get_legend().get_texts()]
    assert told == ["0.2 to 0.7", "mean 0.5"]


def test_plot_reliability_draws_a_bar_for_each_bin(xp):
    p = np.asarray([[0.9, 0.1], [0.96, 0.04], [0.38, 0.62], [0.34, 0.66]])
    ax = plots.plot_reliability(xp(p), xp([0, 0, 1, 0]), n_bins=5)
    bars = [(bar.get_x() + bar.get_width() / 2, bar.get_height()) for bar in ax.patches]
    np.testing.assert_allclose(bars, [[0.64, 0.5], [0.93, 1.0]])
    assert ax.get_title() == "Expected calibration error 0.105"


def test_plot_intervals_has_the_first_score_on_top():
    scores = {
        "accuracy": {"score": 0.9, "low": 0.8, "high": 0.95},
        "top-5 accuracy": {"score": 0.99, "low": 0.98, "high": 1.0},
    }
    ax = plots.plot_intervals(scores)
    assert [label.get_text() for label in ax.get_yticklabels()] == list(scores)
    assert ax.get_yticks().tolist() == [1, 0]
    assert [text.get_text() for text in ax.texts] == ["0.9000", "0.9900"]
    (ends,) = (bar[2][0].get_segments() for bar in ax.containers)
    np.testing.assert_allclose(ends[0], [[0.8, 1], [0.95, 1]])
