"""Rows in memory: what tells them from others."""

import numpy as np
import pytest

from xsoftmax.sources import MemoryRows, Stacked
from xsoftmax.sources.memory import MOST_HASHED


def test_the_fingerprint_tells_every_value(xp, rng):
    X = rng.standard_normal((40, 3))
    other = X.copy()
    other[17, 1] = np.nextafter(other[17, 1], np.inf)
    one, same, changed = (MemoryRows(xp(x)).fingerprint() for x in (X, X.copy(), other))
    assert one == same != changed
    assert MemoryRows(xp(X.astype(np.float32))).fingerprint() != one
    parts = [Stacked([MemoryRows(xp(x)), MemoryRows(xp(X))]).fingerprint() for x in (X, other)]
    assert parts[0] != parts[1]


@pytest.mark.parametrize("at", [1234, 1 << 20])
def test_the_fingerprint_of_very_many_values_tells_a_change_too(rng, at):
    n_features = 130
    n_samples = MOST_HASHED // n_features + 1
    base = rng.standard_normal(n_samples + n_features)  # each row begins one value further on
    rows = np.lib.stride_tricks.sliding_window_view(base, n_features)[:n_samples]
    before = MemoryRows(rows).fingerprint()
    assert MemoryRows(rows).fingerprint() == before
    base[at] += 1.0
    assert MemoryRows(rows).fingerprint() != before
