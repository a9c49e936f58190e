"""cupyx: whether linear algebra that fails raises."""

from contextlib import contextmanager

from cupy.linalg import RAISES


@contextmanager
def errstate(*, linalg):
    before, RAISES[0] = RAISES[0], linalg == "raise"
    try:
        yield
    finally:
        RAISES[0] = before


def geterr():
    return {"linalg": "raise" if RAISES[0] else "ignore"}
