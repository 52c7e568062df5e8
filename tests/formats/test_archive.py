"""Zip archives: windows for what is stored, bounded memory for what is deflated."""

from __future__ import annotations

import struct
import warnings
import zipfile

import pytest

from tests.samples import SAMPLES, arrays
from weightwise.errors import FormatError
from weightwise.formats import archive as archives
from weightwise.formats import open_stored
from weightwise.formats.archive import read_archive
from weightwise.source import open_source


@pytest.fixture
def write(tmp_path):
    def write(*members, method=zipfile.ZIP_STORED):
        path = tmp_path / "a.zip"
        with warnings.catch_warnings(), zipfile.ZipFile(path, "w", method) as archive:
            warnings.simplefilter("ignore")  # zipfile warns of the duplicates that a test asks for
            for name, content in members:
                archive.writestr(name, content)
        return path

    return write


def member(path, name="m"):
    source = read_archive(open_source(path)).member(name)
    return source, source.read(0, source.size)


def refusal(path, name="m") -> str:
    with pytest.raises(FormatError) as caught:
        member(path, name)
    return str(caught.value).removeprefix(f"{path}!{name}: ")


def test_stored_members_are_windows_of_the_file(write):
    path = write(("first", b"abc"), ("m", b"content"))
    source, content = member(path)
    assert content == b"content"
    assert source.name == f"{path}!m"
    assert path.read_bytes()[source.start :][:7] == b"content"


def test_deflated_members_are_unpacked_in_memory(write):
    source, content = member(write(("m", b"content" * 1000), method=zipfile.ZIP_DEFLATED))
    assert content == b"content" * 1000
    assert source.start is None


def test_a_deflated_model_reads_as_a_stored_one(tmp_path):
    path = tmp_path / "deflated.keras"
    with (
        zipfile.ZipFile(SAMPLES / "keras3_cnn.keras") as stored,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out,
    ):
        for name in stored.namelist():
            out.writestr(name, stored.read(name))
    first, second = arrays(open_stored(path)), arrays(open_stored(SAMPLES / "keras3_cnn.keras"))
    assert first.keys() == second.keys()
    assert all((first[name].read() == second[name].read()).all() for name in first)
    assert all(array.offset is None for array in first.values())


def test_members_that_are_not_one_get_their_sentence(write):
    assert refusal(write(("x", b"1"), ("y", b"2"))) == "expected one member of this name, found 0 beside x, y."
    assert refusal(write(("m", b"1"), ("m", b"2"))) == "expected one member of this name, found 2."
    names = [(str(n), b"") for n in range(7)]
    assert refusal(write(*names)) == "expected one member of this name, found 0 beside 0, 1, 2, 3, 4, …."


def test_an_encrypted_member(write):
    path = write(("m", b"content"))
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    assert refusal(path) == "the member is encrypted; unpack it with its password and save it without one."


def test_an_unknown_compression(write):
    path = write(("m", b"content" * 100), method=zipfile.ZIP_LZMA)
    assert refusal(path) == "compression method 14 is not supported; save it without compression."


def test_a_bomb_is_refused_before_it_is_unpacked(write, monkeypatch):
    path = write(("m", bytes(1 << 20)), method=zipfile.ZIP_DEFLATED)
    monkeypatch.setattr(archives, "FREE_EXPANSION", 1000)
    with zipfile.ZipFile(path) as archive:
        packed = archive.getinfo("m").compress_size
    assert refusal(path) == (
        f"it says that it unpacks from {packed:,} to 1,048,576 bytes, at most {packed * 100:,} are unpacked; "
        "save it without compression."
    )


def test_a_bomb_that_lies_about_its_size_stops_there(write):
    path = write(("m", bytes(1 << 20)), method=zipfile.ZIP_DEFLATED)
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, data.index(b"PK\x01\x02") + 24, 500)
    path.write_bytes(data)
    assert refusal(path) == "it unpacks to other bytes than the archive says; get the file again."


def test_damaged_deflated_bytes(write):
    path = write(("m", b"content" * 100), method=zipfile.ZIP_DEFLATED)
    data = bytearray(path.read_bytes())
    data[31:36] = b"\xff" * 5
    path.write_bytes(data)
    assert refusal(path).startswith("it cannot be unpacked (")


def test_a_member_that_is_not_where_the_list_says(write):
    path = write(("m", b"content"))
    data = bytearray(path.read_bytes())
    data[0:4] = b"XXXX"
    path.write_bytes(data)
    assert refusal(path) == "expected a member at byte 0, found b'XXXX'."


def test_a_truncated_archive_still_has_the_members_that_begin_in_it(write):
    path = write(("first", b"abc"), ("m", b"content"), ("last", b"x" * 100))
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"x" * 100) + 60])
    archive = read_archive(open_source(path))
    assert list(archive.members) == ["first", "m", "last"]
    assert member(path)[1] == b"content"
    assert member(path, "last")[1] == b"x" * 60
    assert archive.problem.startswith(f"{path}: the list of the archive's members cannot be read (")


def test_names_that_lead_out_of_the_archive_are_left_alone(tmp_path):
    path = tmp_path / "model.keras"
    path.write_bytes((SAMPLES / "keras3_cnn.keras").read_bytes())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../evil", b"x")
    stored = open_stored(path)
    assert stored.problems == (f"{path}: the member '../evil' leads out of the archive; it was left alone.",)
    assert len(arrays(stored)) == 8
    assert [file.name for file in tmp_path.rglob("*")] == ["model.keras"]


def test_a_zip_that_is_no_model(write):
    with pytest.raises(FormatError) as caught:
        open_stored(write(("data.csv", b"1,2")))
    assert "this is no model that can be read, it is a zip archive of data.csv;" in str(caught.value)
