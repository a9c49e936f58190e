"""How many rows are worked on at a time, and what happens where memory runs out."""

import weakref
from types import SimpleNamespace

import numpy as np
import pytest

from xsoftmax.arrays import retry_on_out_of_memory
from xsoftmax.arrays.memory import (
    ACCELERATOR_FACTOR,
    BLOCK_VALUES,
    MIN_BLOCK_ROWS,
    block_values,
    is_out_of_memory,
    row_slices,
)


class OutOfMemoryError(RuntimeError):
    """Named as torch's is."""


@pytest.mark.parametrize(
    ("error", "is_one"),
    [
        (MemoryError(), True),
        (OutOfMemoryError("Tried to allocate 2.00 GiB"), True),
        (RuntimeError("RESOURCE_EXHAUSTED: allocating 8589934592 bytes."), True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("CUBLAS_STATUS_ALLOC_FAILED"), True),
        (RuntimeError("CUBLAS_STATUS_EXECUTION_FAILED"), False),
        (ValueError("memory"), False),
    ],
)
def test_is_out_of_memory_knows_what_libraries_say(error, is_one):
    assert is_out_of_memory(error) == is_one


def test_retry_on_out_of_memory_lets_go_what_did_not_fit_before_the_next_try():
    alive = []

    def step(n_rows):
        assert not any(large() is not None for large in alive)
        large = np.zeros(n_rows)
        alive.append(weakref.ref(large))
        if n_rows > 300:
            raise MemoryError
        return n_rows

    assert retry_on_out_of_memory(step, 1000, str) == 250
    assert len(alive) == 3


def test_retry_on_out_of_memory_tries_no_fewer_rows_than_the_fewest():
    asked = []

    def step(n_rows):
        asked.append(n_rows)
        raise MemoryError("no room")

    with pytest.raises(
        MemoryError, match=f"with 9 GB, even in blocks of {MIN_BLOCK_ROWS}"
    ) as failure:
        retry_on_out_of_memory(step, 100, lambda: "9 GB")
    assert asked == [100, 50, MIN_BLOCK_ROWS]
    assert str(failure.value.__cause__) == "no room"


def test_retry_on_out_of_memory_passes_other_errors_on():
    def step(n_rows):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        retry_on_out_of_memory(step, 100, str)


def test_block_values_on_an_accelerator_are_more(xp):
    x = xp(np.zeros((4, 2)))
    assert block_values(x) in (BLOCK_VALUES, BLOCK_VALUES * ACCELERATOR_FACTOR)
    for place, factor in (("cpu", 1), ("cuda", ACCELERATOR_FACTOR), ("mps", ACCELERATOR_FACTOR)):
        there = SimpleNamespace(device=SimpleNamespace(type=place))
        assert block_values(there) == BLOCK_VALUES * factor
    assert block_values(np.zeros((4, 2))) == BLOCK_VALUES


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((10, 4), [(0, 4), (4, 8), (8, 10)]),
        ((10, 20), [(0, 10)]),
        ((10, 4, 5), [(5, 9), (9, 10)]),
        ((0, 4), []),
    ],
)
def test_row_slices_cover_all_rows(arguments, expected):
    assert [(rows.start, rows.stop) for rows in row_slices(*arguments)] == expected
