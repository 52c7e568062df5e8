"""A file is whole or as it was, whatever goes wrong; what goes wrong is one sentence."""

from __future__ import annotations

import errno
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy
import pytest

from tests.samples import SAMPLES
from weightwise.errors import FormatError, UnsupportedError, UnwritableError
from weightwise.formats import durable, open_stored
from weightwise.formats.durable import LONG, whole
from weightwise.kernels.memory import Memory

LIMITED = """
import resource, sys
from weightwise.errors import UnwritableError
from weightwise.formats.durable import whole
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))
try:
    with whole(sys.argv[1]) as file:
        file.write(bytes(1 << 20))
except UnwritableError as error:
    print(error)
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_when_the_block_ends(tmp_path):
    with whole(tmp_path / "m") as file:
        file.write(b"new")
        assert names(tmp_path) == [f".m.{os.getpid()}.partial"]
    assert names(tmp_path) == ["m"]
    assert (tmp_path / "m").read_bytes() == b"new"


def test_a_file_that_is_not_whole_is_none_of_its_folder(tmp_path):
    (tmp_path / "m.npy").write_bytes((SAMPLES / "numpy_plain.npy").read_bytes())
    (tmp_path / ".m.npy.7.partial").write_bytes((SAMPLES / "numpy_plain.npy").read_bytes()[:-4])
    assert open_stored(tmp_path).path == str(tmp_path / "m.npy")
    (tmp_path / "m.npy").unlink()
    with pytest.raises(FormatError, match="expected a folder with one model, found none"):
        open_stored(tmp_path)


def test_what_was_written_can_be_read_and_changed(tmp_path):
    with whole(tmp_path / "m") as file:
        file.write(b"first")
        file.seek(1)
        assert file.read() == b"irst"
        file.seek(0)
        file.write(b"F")
    assert (tmp_path / "m").read_bytes() == b"First"


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), UnsupportedError("no"), SystemExit()])
def test_what_fails_leaves_what_was_there(tmp_path, error):
    (tmp_path / "m").write_bytes(b"old")
    with pytest.raises(type(error)), whole(tmp_path / "m") as file:
        file.write(b"new")
        raise error
    assert names(tmp_path) == ["m"]
    assert (tmp_path / "m").read_bytes() == b"old"


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
def test_a_file_keeps_its_permissions(tmp_path):
    (tmp_path / "m").write_bytes(b"old")
    (tmp_path / "m").chmod(0o640)
    with whole(tmp_path / "m") as file:
        file.write(b"new")
    assert (tmp_path / "m").stat().st_mode & 0o777 == 0o640


def test_a_link_is_replaced_and_not_what_it_leads_to(tmp_path):
    (tmp_path / "blob").write_bytes(b"old")
    (tmp_path / "m").symlink_to("blob")
    with whole(tmp_path / "m") as file:
        file.write(b"new")
    assert ((tmp_path / "m").read_bytes(), (tmp_path / "blob").read_bytes()) == (b"new", b"old")


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ("folder", "folder: this is a directory; give the name of a file in it."),
        ("nowhere/m", "m: the folder {}/nowhere is not there; make it first."),
        ("file/m", "m: the folder {}/file is not there; make it first."),
        ("n" * 250, "it cannot be written (File name too long); write to another place."),
        ("m\0", "it cannot be written (embedded null byte); write to another place."),
    ],
)
def test_places_where_no_file_can_be(tmp_path, place, sentence):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(UnwritableError) as caught, whole(tmp_path / place):
        pass
    assert str(caught.value).endswith(sentence.format(tmp_path))
    assert names(tmp_path) == ["file", "folder"]


def test_the_working_folder_is_a_directory():
    with pytest.raises(UnwritableError, match="this is a directory"), whole(""):
        pass


def test_a_folder_that_is_read_only(tmp_path, monkeypatch):
    def refused(path: Path, mode: str) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(durable, "Straight", refused)  # root may write everywhere
    sentence = r"m: it cannot be written \(Permission denied\); write to another place"
    with pytest.raises(UnwritableError, match=sentence), whole(tmp_path / "m"):
        pass


def test_a_write_that_goes_on_is_left_alone(tmp_path):
    with whole(tmp_path / "m") as file:
        file.write(b"first")
        sentence = r"another write of it goes on, .* remove that if"
        with pytest.raises(UnwritableError, match=sentence), whole(tmp_path / "m"):
            pass
    assert (tmp_path / "m").read_bytes() == b"first"


def test_a_disk_that_is_full_at_the_end(tmp_path, monkeypatch):
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(durable.os, "fsync", full)
    (tmp_path / "m").write_bytes(b"old")
    sentence = r"m: it cannot be written \(No space left on device\); make room there"
    with pytest.raises(UnwritableError, match=sentence), whole(tmp_path / "m") as file:
        file.write(b"new")
    assert names(tmp_path) == ["m"]
    assert (tmp_path / "m").read_bytes() == b"old"


@pytest.mark.skipif(os.name != "posix", reason="limits of the size of files are those of POSIX")
def test_a_limit_that_the_system_sets(tmp_path):
    target = tmp_path / "m"
    target.write_bytes(b"old")
    command = [sys.executable, "-c", LIMITED, str(target)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said == f"{target}: it cannot be written (File too large); make room there or write to another place.\n"
    assert names(tmp_path) == ["m"]
    assert target.read_bytes() == b"old"


@pytest.fixture
def flags(monkeypatch):
    """What open files were set to, whether written past the cache or not: what was asked for, and what was done."""
    fcntl = pytest.importorskip("fcntl", reason="flags of open files are those of POSIX")
    asked, done = [], []
    plain = fcntl.fcntl

    def spied(descriptor, command, *arguments):
        past = [bool(arguments[0] & os.O_DIRECT)] if command == fcntl.F_SETFL else []
        asked.extend(past)
        found = plain(descriptor, command, *arguments)
        done.extend(past)
        return found

    monkeypatch.setattr(fcntl, "fcntl", spied)
    return asked, done


def laid(data: bytes, position: int) -> memoryview:
    """Return bytes that lie in their page of memory as the byte at a position lies in its page of a file."""
    lent = Memory(1).lent(len(data), position)
    lent[:] = numpy.frombuffer(data, "uint8")
    return lent.data


@pytest.mark.skipif(not hasattr(os, "O_DIRECT"), reason="the system writes nothing past its cache")
@pytest.mark.parametrize("start", [0, 1, 80, 4096, 5000, 10_000])
@pytest.mark.parametrize("aligned", [True, False])
def test_long_runs_are_written_whole_wherever_they_lie(tmp_path, flags, start, aligned):
    """Past the cache or not, as the system decides for memory that does not lie as the file does."""
    head, tail = random.Random(start).randbytes(start), b"tail" * 11
    runs = [random.Random(size).randbytes(size) for size in (LONG, 3 * LONG + 4097, LONG + 1, 100, 2 * LONG - 1)]
    with whole(tmp_path / "m") as file:
        file.write(head)
        for run in runs:
            file.write(laid(run, file.tell() + (0 if aligned else 7)))
        file.write(tail)
        file.seek(start)
        assert file.read(LONG) == runs[0]
        file.seek(start + 5)
        file.write(b"changed")
    expected = head + b"".join(runs) + tail
    assert (tmp_path / "m").read_bytes() == expected[: start + 5] + b"changed" + expected[start + 12 :]
    asked, done = flags
    assert True in asked
    assert done == [True, False] * (len(done) // 2)


@pytest.mark.skipif(not hasattr(os, "O_DIRECT"), reason="the system writes nothing past its cache")
def test_a_system_that_refuses_to_write_past_its_cache(tmp_path, monkeypatch):
    fcntl = pytest.importorskip("fcntl", reason="flags of open files are those of POSIX")
    plain = fcntl.fcntl

    def refused(descriptor, command, *arguments):
        if command == fcntl.F_SETFL and arguments[0] & os.O_DIRECT:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return plain(descriptor, command, *arguments)

    monkeypatch.setattr(fcntl, "fcntl", refused)
    data = random.Random(1).randbytes(3 * LONG + 5)
    with whole(tmp_path / "m") as file:
        file.write(laid(data, 0))
    assert (tmp_path / "m").read_bytes() == data


@pytest.mark.skipif(not hasattr(os, "O_DIRECT"), reason="the system writes nothing past its cache")
def test_a_disk_that_is_full_while_it_is_written_past_the_cache(tmp_path, monkeypatch):
    def full(self):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(durable.Straight, "direct", full)
    sentence = r"m: it cannot be written \(No space left on device\); make room there"
    with pytest.raises(UnwritableError, match=sentence), whole(tmp_path / "m") as file:
        file.write(bytes(2 * LONG))
    assert names(tmp_path) == []
