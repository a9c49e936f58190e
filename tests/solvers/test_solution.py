"""What a solver returns."""

from xsoftmax.solvers import Status


def test_every_status_has_a_number_and_a_message_of_its_own():
    assert list(map(int, Status)) == list(range(7))
    assert len({status.message for status in Status}) == 7
