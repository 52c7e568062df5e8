"""Damaged files of PyTorch and the sentences that they get; what is whole is still told."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.pickles import call, entries, name, number, numbers, saved, storage, tensor, text
from tests.samples import SAMPLES, arrays
from weightwise.errors import FormatError, UnsupportedError
from weightwise.formats import open_stored

GOOD = b"\x80\x02" + entries(**{"fc.weight": tensor()}) + b"."


def legacy(path: Path, content: bytes, keys: bytes, *storages: bytes) -> Path:
    """Writes a file of the legacy format around a pickle."""
    magic = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
    path.write_bytes(
        magic + b"\x80\x02M\xe9\x03." + b"\x80\x02}." + content + b"](" + keys + b"e." + b"".join(storages)
    )
    return path


def block(count: int, size: int = 4) -> bytes:
    return count.to_bytes(8, "little") + bytes(count * size)


def part(key: str, offset: int, count: int) -> bytes:
    """The persistent id of a part of the storage 0."""
    view = b"(" + text(key) + number(offset) + number(count) + b"t"
    whole = text("storage") + name("torch", "FloatStorage") + text("0") + text("cpu") + number(8)
    return b"(" + whole + view + b"tQ"


def whole(key: str = "0") -> bytes:
    return storage(key).removesuffix(b"tQ") + b"NtQ"


def test_the_legacy_format_by_hand(tmp_path):
    state = entries(**{"a.weight": tensor(held=whole()), "b.weight": tensor(held=part("p", 2, 6))})
    content = b"\x80\x02" + state + b"."
    stored = open_stored(legacy(tmp_path / "m.pth", content, text("0"), block(8)))
    assert stored.problems == ()
    first, second = arrays(stored).values()
    assert second.offset - first.offset == 8


@pytest.mark.parametrize(
    ("keys", "storages", "sentence"),
    [
        (text("0"), (block(8)[:20],), "the file is too short: expected 32 bytes at byte"),
        (text("9"), (block(8),), "a storage is listed that no tensor has"),
        (text("0") * 2, (block(8), block(8)), "the storage 0 is listed twice"),
        (number(0), (block(8),), "a storage is listed that no tensor has"),
        (b"", (), "its storage '0' is not there: the file does not list it"),
    ],
)
def test_storages_that_are_not_there(keys, storages, sentence, tmp_path):
    content = b"\x80\x02" + entries(**{"a.weight": tensor(held=whole())}) + b"."
    stored = open_stored(legacy(tmp_path / "m.pth", content, keys, *storages))
    assert sentence in stored.problems[0]


@pytest.mark.parametrize(("offset", "count"), [(4, 6), (-1, 6), (0, 9)])
def test_parts_of_storages_lie_in_them(offset, count, tmp_path):
    content = b"\x80\x02" + entries(**{"a.weight": tensor(held=part("p", offset, count))}) + b"."
    path = legacy(tmp_path / "m.pth", content, text("0"), block(8))
    if offset < 0:
        with pytest.raises(FormatError, match="a view of a storage without an offset or a size"):
            open_stored(path)
    else:
        assert "its storage 'p' is not there" in open_stored(path).problems[0]


def test_another_magic_number(tmp_path):
    path = legacy(tmp_path / "m.pth", GOOD, b"")
    path.write_bytes(path.read_bytes().replace(b"M\xe9\x03", b"M\xea\x03"))
    with pytest.raises(FormatError, match="expected the magic number and the protocol 1001 of PyTorch, found others"):
        open_stored(path)


def test_an_unknown_order_of_bytes(tmp_path):
    members = [("archive/data/0", bytes(24)), ("archive/byteorder", b"middle")]
    stored = open_stored(saved(tmp_path / "m.pt", GOOD, *members))
    assert stored.problems == (f"{tmp_path / 'm.pt'}!archive/byteorder: expected little or big; little is taken.",)
    assert list(arrays(stored)) == ["fc.weight"]


def test_values_that_are_packed_are_not_read(tmp_path):
    held = storage(kind="QUInt4x2Storage")
    stored = open_stored(saved(tmp_path / "m.pt", b"\x80\x02" + entries(**{"a.weight": tensor(held=held)}) + b"."))
    (array,) = arrays(stored).values()
    assert (array.dtype, array.nbytes) == ("quint4x2", 3)
    with pytest.raises(UnsupportedError, match="values of dtype quint4x2 are not read"):
        array.read()


def test_a_description_of_numpy_that_is_none(tmp_path):
    harm = call(name("numpy.core.multiarray", "_reconstruct"), number(1))
    stored = open_stored(saved(tmp_path / "m.pt", b"\x80\x02" + entries(good=tensor(), bad=harm) + b"."))
    assert "the array bad: its description as an array of NumPy cannot be read" in stored.problems[0]
    assert list(arrays(stored)) == ["good"]


def test_names_that_are_the_same(tmp_path):
    twice = b"}(" + number(1) + tensor() + text("1") + tensor(shape=numbers(6), strides=numbers(1)) + b"u"
    stored = open_stored(saved(tmp_path / "m.pt", b"\x80\x02" + twice + b"."))
    assert "the array 1: a second array of this name; it is left out" in stored.problems[0]


def test_a_shard_that_is_none(tmp_path):
    saved(tmp_path / "a.bin", GOOD)
    (tmp_path / "b.bin").write_text("a letter")
    table = {"metadata": {}, "weight_map": {"fc.weight": "a.bin", "b.weight": "b.bin"}}
    (tmp_path / "pytorch_model.bin.index.json").write_text(json.dumps(table))
    stored = open_stored(tmp_path)
    assert (
        stored.problems[0]
        == f"{tmp_path / 'b.bin'}: expected a file of PyTorch, as the table says; get the file again."
    )
    (tmp_path / "a.bin").write_text("another letter")
    with pytest.raises(FormatError, match="expected a file of PyTorch, as the table says"):
        open_stored(tmp_path)


def test_a_distributed_checkpoint_without_a_part(tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(SAMPLES / "torch_distributed", folder)
    (folder / "__1_0.distcp").unlink()
    stored = open_stored(folder)
    assert ": its chunk in __1_0.distcp cannot be read (" in stored.problems[0]
    assert len(stored.problems) == 2 - len(arrays(stored))


def test_a_distributed_checkpoint_with_damaged_parts(tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(SAMPLES / "torch_distributed", folder)
    for path in folder.glob("*.distcp"):
        path.write_bytes(bytes(path.stat().st_size))
    for array in arrays(open_stored(folder)).values():
        with pytest.raises((FormatError, UnsupportedError)):
            array.read()
