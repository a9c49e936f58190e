"""Tests of the whole package; `conftest.py` says on which array libraries they run."""

import os

# Tests in several processes have a core each: threads of a BLAS would wait for each other.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
