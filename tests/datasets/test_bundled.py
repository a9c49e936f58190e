"""scikit-learn's bundled digits."""

import numpy as np

from xsoftmax import datasets


def test_digits_are_1437_and_360_images_in_0_to_1():
    data = datasets.digits()
    assert data.X_train.shape == (1437, 64)
    assert data.X_test.shape == (360, 64)
    assert (data.X_train.min(), data.X_train.max()) == (0, 1)
    assert data.image_shape == (8, 8)
    again = datasets.load("digits")
    np.testing.assert_array_equal(again.y_test, data.y_test)
