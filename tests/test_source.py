"""Bytes are read when they are asked for, whole or not at all."""

from __future__ import annotations

import gc
import io
import os
import threading
import zipfile
from pathlib import Path

import pytest

from weightwise.errors import FormatError, MissingFileError
from weightwise.source import Source, memory_source, open_folder, open_source


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "bytes.bin"
    path.write_bytes(bytes(range(200)))
    return path


def sources(path) -> list[Source]:
    whole = open_source(path)
    padded = memory_source("p", "p", b"12345" + bytes(range(200)) + b"123")
    return [whole, memory_source("m", "m", bytes(range(200))), padded.window(5, 200, "w")]


def test_every_source_reads_what_is_there(path):
    for source in sources(path):
        assert source.size == 200
        assert source.read(0, 3) == b"\x00\x01\x02"
        assert source.read(197, 3) == bytes([197, 198, 199])
        assert source.read(200, 0) == b""


@pytest.mark.parametrize(("offset", "size"), [(0, 201), (200, 1), (-1, 1), (5, -1), (2**63, 2**63), (0, 2**62)])
def test_no_source_reads_beyond_its_end(path, offset, size):
    for source in sources(path):
        with pytest.raises(FormatError, match="the file is too short: expected"):
            source.read(offset, size)


def test_the_sentence_says_what_was_expected_and_found(path):
    with pytest.raises(FormatError) as caught:
        open_source(path).read(150, 1000)
    assert str(caught.value) == (
        f"{path}: the file is too short: expected 1,000 bytes at byte 150, but it ends at byte 200; "
        "get it again from where it came from."
    )


def test_a_window_knows_where_it_lies(path):
    window = open_source(path).window(50, 100, "w").window(10, 20, "v")
    assert (window.start, window.size, window.read(0, 2)) == (60, 20, bytes([60, 61]))
    assert memory_source("m", "m", b"abc").window(1, 2, "w").start is None
    with pytest.raises(FormatError):
        window.window(10, 11, "u")


def test_a_view_is_filled_in_place(path):
    buffer = bytearray(4)
    open_source(path).read_into(10, memoryview(buffer))
    assert buffer == bytes([10, 11, 12, 13])


def test_a_file_that_shrinks_while_it_is_read_is_an_error(path):
    source = open_source(path)
    os.truncate(path, 100)
    with pytest.raises(FormatError, match="became shorter while it was read; open it again"):
        source.read(50, 100)


def test_the_file_object_reads_as_files_do(path):
    for source in sources(path):
        file, real = source.file(), io.BytesIO(bytes(range(200)))
        for step in [("read", 7), ("seek", 190), ("read", 20), ("read",), ("seek", -5, 2), ("read", 2), ("tell",)]:
            assert getattr(file, step[0])(*step[1:]) == getattr(real, step[0])(*step[1:])
        assert file.seek(3, io.SEEK_CUR) == 200
        assert file.read(2**62) == b""
        with pytest.raises(OSError, match="before the start"):
            file.seek(-1)


def test_the_file_object_serves_the_zip_reader(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("member", b"content")
    with zipfile.ZipFile(open_source(path).file()) as archive:
        assert archive.read("member") == b"content"


def test_several_threads_may_read(path):
    source = open_source(path)
    wrong = []

    def read(start: int) -> None:
        wrong.extend(n for n in range(500) if source.read((start + n) % 190, 3)[0] != (start + n) % 190)

    threads = [threading.Thread(target=read, args=(start,)) for start in range(0, 160, 40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_the_file_is_closed_with_its_last_source(path, monkeypatch):
    opened, real = [], Path.open

    def remembering(self, mode):
        opened.append(real(self, mode))
        return opened[-1]

    monkeypatch.setattr(Path, "open", remembering)
    source = open_source(path)
    window = source.window(1, 2, "w")
    del source
    gc.collect()
    assert window.read(0, 2) == b"\x01\x02"
    assert [file.closed for file in opened] == [False]
    del window
    gc.collect()
    assert [file.closed for file in opened] == [True]


def test_what_is_no_file_gets_its_sentence(tmp_path):
    (tmp_path / "empty.keras").write_bytes(b"")
    cases = [
        (tmp_path, MissingFileError, "this is a directory; give the path of a model file."),
        (tmp_path / "nothing", MissingFileError, "cannot be opened (No such file or directory); check the path."),
        ("a\0b", MissingFileError, "cannot be opened (embedded null byte); check the path."),
        (tmp_path / "empty.keras", FormatError, "the file is empty; get it again from where it came from."),
    ]
    for path, kind, sentence in cases:
        with pytest.raises(kind) as caught:
            open_source(path)
        assert str(caught.value) == f"{path}: {sentence}".replace("\0", "\\x00")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes")
def test_a_pipe_is_no_file_and_nobody_waits_for_it(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(MissingFileError, match="this is no regular file; save its content to a file and open that"):
        open_source(tmp_path / "pipe")


def test_a_folder_tells_what_lies_in_it(tmp_path):
    (tmp_path / "b.bin").write_bytes(b"b")
    (tmp_path / "a.bin").write_bytes(b"a")
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "c.bin").write_bytes(b"c")
    os.mkfifo(tmp_path / "pipe")
    folder = open_folder(tmp_path)
    assert (folder.path, folder.files, folder.folders) == (str(tmp_path), ("a.bin", "b.bin"), ("inner",))
    assert folder.source("a.bin").read(0, 1) == b"a"
    assert folder.source("inner/c.bin").read(0, 1) == b"c"
    assert folder.folder("inner").files == ("c.bin",)


@pytest.mark.parametrize("name", ["", "..", "../a.bin", "/etc/passwd", "x/../../a", "C:x", "..\\a", "a\0b"])
def test_no_name_leads_out_of_a_folder(tmp_path, name):
    folder = open_folder(tmp_path)
    for opened in (folder.source, folder.folder):
        with pytest.raises(FormatError) as caught:
            opened(name)
        assert f"{tmp_path}: expected the name of something in this folder, found " in str(caught.value)


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(MissingFileError, match="cannot be opened"):
        open_folder(tmp_path / "nothing")


def test_a_folder_that_is_no_model(tmp_path, monkeypatch):
    monkeypatch.setattr("weightwise.source.MOST_ENTRIES", 3)
    for name in "abcd":
        (tmp_path / name).touch()
    with pytest.raises(FormatError, match="a folder of more than 3 files; give the path of a model file"):
        open_folder(tmp_path)
