"""The pictures that commands write."""

import matplotlib.pyplot as plt
import pytest

from xsoftmax import SoftmaxRegression, plots
from xsoftmax.cli import pictures
from xsoftmax.datasets import Dataset

from ..disk import files_of_at_most
from ..problems import blobs


def test_data_that_are_no_images_get_pictures_of_their_own(tmp_path):
    X, y = blobs(n_samples=60, n_features=7)
    data = Dataset("a table", X, y, X, y)
    model = SoftmaxRegression().fit(X, y, X_val=X, y_val=y)
    paths = pictures.model_pictures(model, data, tmp_path)
    paths += pictures.result_pictures(data, model.predict(X), tmp_path)
    names = ["projection.png", "loss_curve.png", "recall.png", "confusion_matrix.png"]
    assert [path.name for path in paths] == names
    assert all(path.stat().st_size > 5000 for path in paths)


@pytest.mark.parametrize(
    "error", [ValueError("$x is no mathtext"), MemoryError(), OSError(28, "No space left")]
)
def test_written_warns_of_a_picture_that_cannot_be_drawn_and_writes_the_others(tmp_path, error):
    def fail():
        plt.figure()  # begun, and never finished
        raise error

    def draw():
        return plots.plot_loss_curve([2.0, 1.0])

    n_open = len(plt.get_fignums())
    reason = str(error) or type(error).__name__
    with pytest.warns(UserWarning, match="was not drawn") as caught:
        paths = pictures._written({"a.png": fail, "b.png": draw, "c.png": fail}, tmp_path)
    assert [str(one.message) for one in caught] == [
        f"picture {tmp_path / name} was not drawn: {reason}" for name in ("a.png", "c.png")
    ]
    assert paths == [*tmp_path.iterdir()] == [tmp_path / "b.png"]
    assert len(plt.get_fignums()) == n_open


def test_written_warns_of_a_picture_that_cannot_be_written(tmp_path):
    with (
        files_of_at_most(1000),
        pytest.warns(UserWarning, match=r"a\.png was not drawn: cannot write"),
    ):
        assert (
            pictures._written({"a.png": lambda: plots.plot_loss_curve([2.0, 1.0])}, tmp_path) == []
        )
    assert list(tmp_path.iterdir()) == []
