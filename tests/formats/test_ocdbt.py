"""OCDBT: nodes are checked before they are believed, and names and nodes cannot grow beyond what a file can hold."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.samples import SAMPLES
from weightwise.errors import FormatError, UnsupportedError
from weightwise.formats.cursor import Cursor
from weightwise.formats.jax.ocdbt import MANIFEST_MAGIC, body, crc32c, keys_of, read_database, varint
from weightwise.source import memory_source, open_folder


def sealed(data: bytes, magic: int = MANIFEST_MAGIC) -> bytes:
    whole = magic.to_bytes(4, "big") + (len(data) + 16).to_bytes(8, "little") + data
    return whole + crc32c(whole).to_bytes(4, "little")


def source(data: bytes):
    return memory_source("m", "m", data)


def test_the_checksum_is_castagnolis():
    assert crc32c(b"123456789") == 0xE3069283  # the check value of the catalogue of parametrised CRC algorithms


def test_numbers_of_any_length():
    assert [varint(Cursor(source(data))) for data in (b"\x05", b"\x85\x01", b"\xff" * 9 + b"\x01")] == [
        5,
        133,
        (1 << 64) - 1,
    ]
    with pytest.raises(FormatError, match="expected a number before byte 10"):
        varint(Cursor(source(b"\x80" * 11)))


def test_a_body_is_unpacked_when_its_checksum_holds():
    assert body(source(sealed(b"\0\0abc")), MANIFEST_MAGIC).read(0, 3) == b"abc"


@pytest.mark.parametrize(
    ("data", "kind", "expected"),
    [
        (sealed(b"\0\0abc")[:-1], FormatError, "expected a part of an OCDBT database"),
        (sealed(b"\0\0abc", 7), FormatError, "expected a part of an OCDBT database"),
        (sealed(b"\0\0abc").replace(b"abc", b"abd"), FormatError, "its checksum differs"),
        (sealed(b"\1\0abc"), UnsupportedError, "version 1 and packing 0 of OCDBT are not supported"),
        (sealed(b"\0\2abc"), UnsupportedError, "version 0 and packing 2 of OCDBT are not supported"),
        (sealed(b"\0\1abc"), FormatError, "packed by zstd, found an unknown number"),
        (
            sealed(b"\0\1\x28\xb5\x2f\xfd\xa0" + b"\xff" * 8),
            FormatError,
            "expected at most 1,048,576 bytes, packed by zstd",
        ),
    ],
)
def test_what_is_no_part_of_a_database(data, kind: Callable, expected):
    with pytest.raises(kind, match=expected):
        body(source(data), MANIFEST_MAGIC)


def test_names_share_their_beginnings():
    names = keys_of(Cursor(source(b"a/bc/d")), [0, 2, 1], [3, 1, 2], [7, 8, 9])
    assert names == [(b"a/b", 7), (b"a/c", 8), (b"a/d", 9)]


def test_names_that_grow_without_end_are_refused():
    count = 70_000
    with pytest.raises(FormatError, match="bytes of names in a node, found more"):
        keys_of(Cursor(source(b"n" * count)), list(range(count)), [1] * count, [0] * count)


def test_every_key_of_a_sample():
    problems: list[str] = []
    database = read_database(open_folder(SAMPLES / "orbax_ocdbt"), problems)
    assert problems == []
    assert "params.Dense_0.kernel/.zarray" in database.places
    assert database.fetch("params.Dense_0.bias/0").size > 0
    assert database.fetch("nothing") is None
