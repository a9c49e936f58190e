"""Pages that arrays release are not asked for again."""

import platform
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="other C libraries have rules of their own"
)

#: In a process of its own, since any larger array that went before would raise the threshold.
FAULTS = """
import resource
import numpy as np
from xsoftmax import SoftmaxRegression
from xsoftmax.arrays import keep_released_memory

def faults(work):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    work()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def work():
    {work}

work(), work()
print(faults(work))
"""
#: Seven arrays of 2 MiB at once.
ARRAYS = "[np.ones(1 << 18) for _ in range(7)]"
FIT = """X = np.tile(np.eye(4), (20_000, 1))
    SoftmaxRegression(max_iter=3).fit(X, X[:, 1] > 0)"""


def faults(work):
    run = [sys.executable, "-W", "ignore", "-c", FAULTS.format(work=work)]
    return int(subprocess.run(run, check=True, capture_output=True, text=True).stdout)


def test_keep_released_memory_saves_page_faults():
    without, kept = faults(ARRAYS), faults(f"keep_released_memory(); {ARRAYS}")
    assert without > 1000
    assert kept < without / 10


def test_a_fit_keeps_released_memory():
    assert faults(FIT) < 200
