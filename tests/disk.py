"""A disk without room."""

from contextlib import contextmanager

import pytest


@contextmanager
def files_of_at_most(n_bytes):
    """No file grows beyond `n_bytes` meanwhile: the system refuses to write more, as if full."""
    resource = pytest.importorskip("resource", reason="Windows limits no files")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
