"""The pictures that commands write."""

from xsoftmax import SoftmaxRegression
from xsoftmax.cli import pictures
from xsoftmax.datasets import Dataset

from ..problems import blobs


def test_data_that_are_no_images_get_pictures_that_suit_them(tmp_path):
    X, y = blobs(n_samples=60, n_features=7)
    data = Dataset("a table", X, y, X, y)
    model = SoftmaxRegression().fit(X, y, X_val=X, y_val=y)
    paths = pictures.model_pictures(model, data, tmp_path)
    paths += pictures.result_pictures(data, model.predict(X), tmp_path)
    names = ["projection.png", "loss_curve.png", "recall.png", "confusion_matrix.png"]
    assert [path.name for path in paths] == names
    assert all(path.stat().st_size > 5000 for path in paths)
