"""What the Array API standard lacks."""

import numpy as np

from xsoftmax.arrays import put


def test_put_assigns_at_indices(xp, rng):
    x, indices, values = rng.standard_normal(50), rng.permutation(50)[:20], rng.standard_normal(20)
    expected = x.copy()
    expected[indices] = values
    np.testing.assert_array_equal(xp.host(put(xp(x), xp(indices), xp(values))), expected)
