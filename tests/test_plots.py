"""Pictures: what is drawn, from arrays of any library."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba

from xsoftmax import SoftmaxRegression, plots

from .problems import blobs


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def images(n=20, shape=(4, 4)):
    return np.random.default_rng(0).random((n, shape[0] * shape[1]))


def test_samples(xp):
    axes = plots.plot_samples(xp(images()), xp(np.arange(20)))
    assert axes.shape == (3, 5)
    assert [ax.get_title() for ax in axes.flat] == [str(i) for i in range(15)]
    np.testing.assert_array_equal(axes[0, 1].images[0].get_array(), images()[1].reshape(4, 4))


def test_wrong_predictions_are_marked_in_red(xp):
    y_true = np.arange(20) % 4
    y_pred = np.where(np.arange(20) == 3, 0, y_true)
    axes = plots.plot_predictions(xp(images()), xp(y_true), xp(y_pred), n_rows=2, n_columns=4)
    titles = [ax.get_title() for ax in axes.flat]
    assert titles[2] == "y: 2 / ŷ: 2"
    assert titles[3] == "y: 3 / ŷ: 0"
    marked = [bool(ax.patches) for ax in axes.flat]
    assert marked == [i == 3 for i in range(8)]
    red = to_rgba(plots.WRONG)
    assert axes[0, 3].patches[0].get_edgecolor() == red
    assert to_rgba(axes[0, 3].title.get_color()) == red
    assert to_rgba(axes[0, 2].title.get_color()) != red


def test_fewer_images_than_places_leave_the_rest_empty():
    axes = plots.plot_samples(images(4), ["a", "b", "c", "d"])
    assert sum(bool(ax.images) for ax in axes.flat) == 4


def test_loss_curve():
    _, given = plt.subplots()
    ax = plots.plot_loss_curve([3.0, 2.0, 1.5], label="adam", ax=given)
    assert ax is given
    np.testing.assert_array_equal(ax.lines[0].get_xydata(), [[1, 3], [2, 2], [3, 1.5]])
    assert ax.get_xlabel() == "iteration"
    assert ax.get_legend() is not None
    assert isinstance(plots.plot_loss_curve([1.0]), Axes)


def test_confusion_matrix(xp):
    ax = plots.plot_confusion_matrix(xp([0, 0, 1, 2]), xp([0, 1, 1, 2]))
    np.testing.assert_array_equal(ax.images[0].get_array(), [[1, 1, 0], [0, 1, 0], [0, 0, 1]])
    assert "0.7500" in ax.get_title()
    many = np.arange(30)
    assert len(plots.plot_confusion_matrix(many, many).texts) == 0


@pytest.mark.parametrize("n_classes", [2, 3])
def test_weights(xp, n_classes):
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


def test_a_shape_that_does_not_fit():
    with pytest.raises(ValueError, match=r"of 16 pixels; got \(3, 4\)"):
        plots.plot_samples(images(), range(20), image_shape=(3, 4))
    with pytest.raises(ValueError, match="of 15 pixels; got None"):
        plots.plot_samples(np.zeros((1, 15)), [0])


def test_sweep():
    scores = np.asarray([[0.5, 0.9, 0.7], [0.7, 0.7, 0.9]])
    ax = plots.plot_sweep([1.0, 0.1, 10.0], scores, best=10.0, name="accuracy")
    *folds, mean, best = ax.lines
    assert len(folds) == 2
    np.testing.assert_allclose(mean.get_xdata(), [0.1, 1.0, 10.0])
    np.testing.assert_allclose(mean.get_ydata(), [0.8, 0.6, 0.8])
    assert best.get_xdata()[0] == 10.0
    assert ax.get_xscale() == "log"
    assert ax.get_title() == "Accuracy held out, 2 folds"
