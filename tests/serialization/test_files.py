"""Files that appear whole or not at all, links, pipes."""

import errno
import os
import threading

import pytest

from xsoftmax.serialization.files import _in_words, check_writable, write_whole

from ..disk import files_of_at_most


def test_write_whole_keeps_a_link_and_writes_what_it_leads_to(tmp_path):
    link, target = tmp_path / "link", tmp_path / "folder" / "target"
    target.parent.mkdir()
    link.symlink_to(target)
    for content in (b"new", b"again"):  # the target is not there at first
        assert write_whole(link, content) == link
        assert link.is_symlink()
        assert target.read_bytes() == content
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["folder", "link", "target"]


def test_write_whole_writes_into_a_pipe(tmp_path):
    pipe, found = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: found.append(pipe.read_bytes()))
    reader.start()
    write_whole(pipe, b"content")
    reader.join()
    assert found == [b"content"]
    assert pipe.is_fifo()


def test_write_whole_refuses_a_folder(tmp_path):
    with pytest.raises(IsADirectoryError):
        write_whole(tmp_path, b"content")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def a_file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    return path


@pytest.mark.parametrize("function", [check_writable, lambda path: write_whole(path, b"content")])
@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("", IsADirectoryError, "it is a folder"),
        ("file/m", OSError, "a file, where a folder is needed"),
        ("file/more/m", OSError, "a file, where a folder is needed"),
        ("x" * 300, OSError, "its name is too long"),
        ("circle", OSError, "its links lead in a circle"),
    ],
)
def test_a_path_that_cannot_be_written_is_refused_in_words(a_file, function, name, kind, message):
    folder = a_file.parent
    (folder / "circle").symlink_to(folder / "circle")
    with pytest.raises(kind, match=rf"^cannot write .*: .*{message}.*\.$") as refused:
        function(folder / name)
    assert str(folder / name) in str(refused.value)
    assert refused.value.errno
    assert sorted(path.name for path in folder.iterdir()) == ["circle", "file"]
    assert a_file.read_bytes() == b"old"


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.ENOSPC, "no room is left on that disk"),
        (errno.EDQUOT, "no room is left for this user"),
        (errno.EROFS, "that file system can only be read"),
        (errno.EACCES, "no permission to write there"),
        (errno.EIO, os.strerror(errno.EIO)),
    ],
)
def test_an_error_of_the_system_is_told_in_words(number, message):
    with pytest.raises(OSError, match=f"cannot write m: {message}") as refused, _in_words("m"):
        raise OSError(number, os.strerror(number))
    assert refused.value.errno == number


@pytest.mark.parametrize("function", [check_writable, lambda path: write_whole(path, bytes(2000))])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(a_file, function):
    with files_of_at_most(1000), pytest.raises(OSError, match=r"cannot write .*file: ") as refused:
        function(a_file)
    assert refused.value.errno == errno.EFBIG
    assert a_file.read_bytes() == b"old"
    assert list(a_file.parent.iterdir()) == [a_file]


def test_check_writable_leaves_nothing_behind(a_file):
    check_writable(a_file)
    check_writable(a_file.parent / "new" / "newer" / "m")
    assert list(a_file.parent.iterdir()) == [a_file]
    assert a_file.read_bytes() == b"old"


def test_check_writable_refuses_more_bytes_than_are_free(a_file):
    with pytest.raises(OSError, match="no room is left"):
        check_writable(a_file, n_bytes=1 << 60)


def test_write_whole_takes_a_name_as_long_as_the_system_allows(tmp_path):
    path = tmp_path / ("x" * 250)
    write_whole(path, b"content")
    assert path.read_bytes() == b"content"


def test_write_whole_refuses_a_device_that_is_full(tmp_path):
    link = tmp_path / "link"
    link.symlink_to("/dev/full")
    check_writable(link)
    with pytest.raises(OSError, match=r"cannot write .*link: no room is left"):
        write_whole(link, b"content")
