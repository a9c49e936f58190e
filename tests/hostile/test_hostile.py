"""Some thousand hostile files of all formats; `python -m tests.hostile` reads a million."""

import tracemalloc

import pytest

from .formats import FORMATS
from .mutations import case
from .rules import ROOM, judged

N_CASES = 250


@pytest.mark.parametrize("name", FORMATS)
def test_seeds_are_read(tmp_path, name):
    kind = FORMATS[name]
    for content in kind.seeds():
        judged(kind, tmp_path, content)  # imports what reading needs
    found = [judged(kind, tmp_path, content) for content in kind.seeds()]
    assert [(verdict.is_read, verdict.fault) for verdict in found] == [(True, "")] * len(found)


@pytest.mark.parametrize("name", FORMATS)
def test_hostile_files_are_read_or_refused_and_nothing_else(tmp_path, name):
    kind, faults, n_read = FORMATS[name], [], 0
    for content in kind.seeds():
        judged(kind, tmp_path, content)  # imports what reading needs
    tracemalloc.start()
    for number in range(N_CASES):
        content = case(kind, name, 0, number)
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        verdict = judged(kind, tmp_path, content)
        more = tracemalloc.get_traced_memory()[1] - before
        n_read += verdict.is_read
        if verdict.fault or more > 2 * len(content) + ROOM:
            faults.append((number, verdict.fault, more))
    tracemalloc.stop()
    assert faults == []
    assert 0 < n_read < N_CASES


def test_a_case_is_the_same_again():
    for name, kind in FORMATS.items():
        assert case(kind, name, 3, 7) == case(kind, name, 3, 7)
