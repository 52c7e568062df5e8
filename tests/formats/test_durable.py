"""A file is whole or as it was, whatever goes wrong; what goes wrong is one sentence."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.samples import SAMPLES
from weightwise.errors import FormatError, UnsupportedError, UnwritableError
from weightwise.formats import durable, open_stored
from weightwise.formats.durable import whole

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

    monkeypatch.setattr(durable, "Streamed", refused)  # root may write everywhere
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


def test_a_large_file_goes_to_the_disk_while_it_is_written(tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr(durable, "AHEAD", 1 << 16)
    monkeypatch.setattr(os, "POSIX_FADV_DONTNEED", 4, raising=False)
    monkeypatch.setattr(os, "posix_fadvise", lambda *arguments: told.append(arguments[1:]), raising=False)
    with whole(tmp_path / "m") as file:
        for size in (40_000, 70_000, 30_000, 100_000, 100_001):
            file.write(bytes(size))
    ends = [start + size for start, size, _ in told]
    assert (told[0][0], ends[:-1]) == (0, [start for start, _, _ in told[1:]])
    assert ends[-1] > 340_001 - (1 << 16)
    assert (tmp_path / "m").stat().st_size == 340_001
