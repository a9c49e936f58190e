"""What is asked of files from elsewhere; tests/hostile has the files themselves."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xsoftmax.sources.untrusted import (
    FREE_BYTES,
    MAX_DEPTH,
    MAX_EXPANSION,
    MAX_QUOTED,
    are_sizes,
    check_expansion,
    files_in,
    parse_json,
    quoted,
)

SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text()
FINITE = SCALARS | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    FINITE, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)


@given(VALUES)
def test_parse_json_is_that_of_python_for_what_headers_hold(value):
    text = json.dumps(value)
    assert parse_json(text) == json.loads(text)
    assert parse_json(text.encode()) == json.loads(text)


@pytest.mark.parametrize("text", ["NaN", "-Infinity", "1e999"])
def test_parse_json_takes_what_is_not_finite_where_it_may(text):
    with pytest.raises(ValueError, match=r"no JSON|not finite"):
        parse_json(text)
    assert repr(parse_json(text, finite=False)) == repr(json.loads(text))


def test_parse_json_counts_levels():
    assert parse_json("[" * (MAX_DEPTH - 1) + "1" + "]" * (MAX_DEPTH - 1))
    with pytest.raises(ValueError, match="more than 32 lists"):
        parse_json("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1))


@pytest.mark.parametrize("value", [[True], [-1], [1.0], (1,), "1", None, {"a": 1}, [[1]]])
def test_are_sizes_refuses(value):
    assert not are_sizes(value)


def test_check_expansion_is_exact(tmp_path):
    check_expansion(tmp_path, FREE_BYTES, 1)
    check_expansion(tmp_path, MAX_EXPANSION * FREE_BYTES, FREE_BYTES)
    for n_bytes, size in ((FREE_BYTES + 1, 1), (MAX_EXPANSION * FREE_BYTES + 1, FREE_BYTES)):
        with pytest.raises(ValueError, match=f"has {size} bytes and says that it holds {n_bytes}"):
            check_expansion(tmp_path, n_bytes, size)


def test_files_in_names_the_files_of_a_folder_that_end_so(tmp_path):
    (tmp_path / "folder.npy").mkdir()
    (tmp_path / "a.npy").write_bytes(b"")
    (tmp_path / "broken.npy").symlink_to("nothing")
    (tmp_path / "notes.txt").symlink_to("/etc/hostname")
    assert files_in(tmp_path, [".npy"]) == [tmp_path / "a.npy"]


def test_quoted_leaves_out_the_end():
    assert quoted("x" * MAX_QUOTED) == "x" * MAX_QUOTED
    assert quoted("x" * 10_000) == "x" * MAX_QUOTED + "..."
