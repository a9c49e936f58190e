"""Some thousand hostile files of all formats; `python -m tests.hostile` reads a million."""

import json
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

from .formats import FORMATS
from .mutations import case
from .rules import ROOM, judged

N_CASES = 250
ROOT = Path(__file__).parents[2]


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


def test_a_reader_that_hangs_or_ends_its_process_is_named():
    code = (
        "import os, json, itertools\n"
        "from tests.hostile import __main__ as runs\n"
        "from tests.hostile.formats import FORMATS, Format\n"
        "does = {b'h': lambda: max(itertools.count()), b'c': os.abort, b'r': int}\n"
        "runs.COMPUTING = 0.5\n"
        "runs.case = lambda kind, name, seed, number: b'rhrcr'[number : number + 1]\n"
        "FORMATS['x'] = Format('', lambda: [b'r'], lambda path: does[path.read_bytes()]())\n"
        "print(json.dumps(runs.run('x', 0, 5)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    figures, faults = json.loads(done.stdout)
    assert faults == [[1, "computed for more than 0.5 s"], [3, "ended the process with status 6"]]
    assert (figures["files"], figures["read"], figures["refused"]) == (5, 3, 0)
