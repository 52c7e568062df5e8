"""Checksums counted while bytes go by are those of the bytes, however these are cut, also where one holds another."""

from __future__ import annotations

import io
import random
import zlib

import pytest

from weightwise.formats import checksums
from weightwise.formats.checksums import Checksum, Sums

APART = [
    Checksum((10, 60), (2,)),
    Checksum((60, 61), (900, 910)),
    Checksum((61, 61), (70,)),
    Checksum((100, 400), (904,)),
    Checksum((500, 800), (80, 500 - 4)),
]
"""Parts of a file, and where their checksums stand, which is in none of them."""
NESTED = [Checksum((220, 280), (210, 300)), Checksum((310, 320), (304,)), Checksum((200, 400), (6, 950))]
"""Members of an archive, and that archive as a member of another."""


def written(data: bytes, members: list[Checksum], cuts: list[int]) -> bytes:
    """Return what a file has when its bytes have gone by, cut in blocks, and the checksums are mended."""
    sums = Sums(members)
    for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
        sums.add(start, memoryview(data)[start:end])
    file = io.BytesIO(data)
    sums.mend(file)
    return file.getvalue()


@pytest.mark.parametrize("members", [APART, NESTED], ids=["apart", "nested"])
@pytest.mark.parametrize("blocks", [1, 2, 5, 200, 1000])
def test_checksums_are_those_of_the_bytes(members, blocks):
    generator = random.Random(blocks)
    data = generator.randbytes(1000)
    found = written(data, members, sorted(generator.sample(range(1, 1000), blocks - 1)))
    for member in members:
        start, end = member.part
        for place in member.places:
            assert int.from_bytes(found[place : place + 4], "little") == zlib.crc32(found[start:end])
    places = {place + offset for member in members for place in member.places for offset in range(4)}
    assert all(found[place] == data[place] for place in range(1000) if place not in places)


def test_only_what_was_changed_since_is_read_again(monkeypatch):
    read = []
    plain = checksums.crc32
    monkeypatch.setattr(checksums, "crc32", lambda file, *part: read.append(part) or plain(file, *part))
    for members in (APART, NESTED):
        written(bytes(1000), members, [300, 700])
    assert read == [(200, 400)]


def test_checksums_of_many_members_that_go_by_in_one_block():
    members = [Checksum((20 * place, 20 * place + 10), (20 * place + 12,)) for place in range(1000)]
    found = written(random.Random(0).randbytes(20_000), members, [])
    for member in members:
        start, end = member.part
        (place,) = member.places
        assert int.from_bytes(found[place : place + 4], "little") == zlib.crc32(found[start:end])
