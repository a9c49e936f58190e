"""What a solver returns."""

from xsoftmax.solvers import Status


def test_every_status_has_a_message():
    assert all(status.message for status in Status)
