"""Chunks that lie about themselves: each is one sentence, at once, and takes no memory.

The files are built here byte by byte: an array in chunks of four float32, with whatever tree and chunks a test wants.
"""

from __future__ import annotations

import tracemalloc
import zlib
from collections.abc import Sequence
from struct import pack

import numpy
import pytest

from weightwise.errors import FormatError
from weightwise.formats.hdf5 import read_hdf5
from weightwise.source import memory_source

ROOT, DATASET, TREE = 48, 128, 512
FLOAT32 = bytes.fromhex("11200000 04000000 00002000 17080017 7f000000".replace(" ", ""))
MEBIBYTE = 1 << 20


def message(kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 8)
    return pack("<HHB3x", kind, len(body), 0) + body


def header(*messages: bytes) -> bytes:
    body = b"".join(messages)
    return pack("<BxHII4x", 1, len(messages), 1, len(body)) + body


def node(entries: Sequence[tuple[int, int, int, int]], level: int = 0) -> bytes:
    """A node of the tree: of each entry the size of a chunk, the filters left out, its first value and its address."""
    start = b"TREE" + pack("<BBHQQ", 1, level, len(entries), (1 << 64) - 1, (1 << 64) - 1)
    return start + b"".join(pack("<IIQQQ", size, mask, first, 0, place) for size, mask, first, place in entries)


def file(behind: bytes, count: int = 8, filters: Sequence[int] = (), step: int = 4, tree: int = TREE) -> bytes:
    """A file with the array `values` in chunks of `step`; what lies from `TREE` on is given."""
    superblock = b"\x89HDF\r\n\x1a\n" + pack("<4BQQQQ", 2, 8, 8, 0, 0, (1 << 64) - 1, 0, ROOT)
    link = message(6, pack("<BBB6sQ", 1, 0, 6, b"values", DATASET))
    applied = b"".join(pack("<4H", number, 0, 0, 0) for number in filters)
    described = [
        message(1, pack("<3B5xQ", 1, 1, 0, count)),
        message(3, FLOAT32),
        message(8, pack("<3BQII", 3, 2, 2, tree, step, 4)),
        message(11, pack("<BB6x", 1, len(filters)) + applied),
    ]
    root = superblock.ljust(ROOT, b"\0") + header(link)
    return (root.ljust(DATASET, b"\0") + header(*described)).ljust(TREE, b"\0") + behind


def values(data: bytes) -> numpy.ndarray:
    return read_hdf5(memory_source("m", "m", data)).arrays["values"].read()


def laid_out(chunks: Sequence[bytes], filters: Sequence[int] = ()) -> bytes:
    """A sound file with these chunks."""
    start = TREE + len(node([(0, 0, 0, 0)] * len(chunks)))
    places = [start + sum(map(len, chunks[:number])) for number in range(len(chunks))]
    entries = [(len(chunk), 0, 4 * number, places[number]) for number, chunk in enumerate(chunks)]
    return file(node(entries) + b"".join(chunks), 4 * len(chunks), filters)


def refused(data: bytes, sentence: str) -> None:
    """Asserts that the values are refused with a sentence, and that no memory was taken that the file does not have."""
    values(laid_out([bytes(16)]))  # which imports what reading chunks needs
    tracemalloc.start()
    with pytest.raises(FormatError) as caught:
        values(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sentence in str(caught.value)
    assert str(caught.value).startswith("m: the values of values cannot be read (")
    assert peak < MEBIBYTE + 20 * len(data)


QUARTER = numpy.arange(4, dtype="float32").tobytes()


def test_the_files_that_are_built_here_are_sound():
    numpy.testing.assert_array_equal(values(laid_out([QUARTER, QUARTER])), [0, 1, 2, 3, 0, 1, 2, 3])
    numpy.testing.assert_array_equal(values(laid_out([zlib.compress(QUARTER)], [1])), [0, 1, 2, 3])


def test_a_chunk_that_unpacks_to_much_more():
    bomb = zlib.compress(bytes(64 * MEBIBYTE), 9)
    refused(laid_out([bomb], [1]), "a chunk unpacks to more than 20 bytes")


def test_a_chunk_that_unpacks_to_a_little_more_or_less():
    refused(laid_out([zlib.compress(QUARTER + b"\0")], [1]), "a chunk holds 17 bytes instead of 16")
    refused(laid_out([zlib.compress(QUARTER[1:])], [1]), "a chunk holds 15 bytes instead of 16")


def test_a_chunk_of_other_bytes():
    refused(laid_out([QUARTER], [1]), "a chunk cannot be unpacked: Error -3 while decompressing data: unknown comp")


@pytest.mark.parametrize("cut", [1, 5, 12])
def test_a_chunk_that_does_not_end(cut):
    refused(laid_out([zlib.compress(QUARTER)[:-cut]], [1]), "before its own end")


def test_a_chunk_with_other_bytes_than_its_checksum():
    refused(laid_out([QUARTER + b"\1\2\3\4"], [3]), "a chunk has other bytes than its checksum says")
    refused(laid_out([b"\1\2\3"], [3]), "a chunk has other bytes than its checksum says")


def test_more_chunks_than_the_file_has_room_for():
    refused(file(node([]), 1 << 20), "a file of 536 bytes has no room for 262,144 chunks")
    refused(file(node([]), 1 << 62), "bytes of values in chunks are more than a file of 536 bytes can mean")


def test_chunks_that_unpack_to_more_together_than_the_file_can_mean():
    refused(file(node([]), 8, step=1 << 30), "4,294,967,296 bytes of values in chunks are more than")


def test_a_chunk_that_says_a_size_that_it_has_not():
    refused(file(node([(16, 0, 0, 1 << 40)]), 4), "expected 16 bytes at byte 1,099,511,627,776, but it ends at byte")
    refused(file(node([(16, 0, 0, (1 << 64) - 1)]), 4), "expected 16 bytes at byte 18,446,744,073,709,551,615")
    refused(file(node([(1 << 31, 0, 0, 0)]), 4), "its chunks say that they take 2,147,483,648 bytes of a file of 568")


def test_chunks_that_all_lie_in_the_same_place():
    entries = [(30_000, 0, 4 * number, 0) for number in range(1000)]
    refused(file(node(entries), 4000), "its chunks say that they take 30,000,000 bytes of a file of 32,536")


def test_a_chunk_that_is_missing_or_lies_between_others():
    refused(file(node([(16, 0, 0, 0)]), 8), "the chunk at (4,) is missing")
    refused(file(node([(16, 0, 0, 0), (16, 0, 3, 0)]), 8), "the chunk at (4,) is missing")
    refused(file(node([(16, 0, 0, 0), (16, 0, 0, 0)]), 8), "the chunk at (4,) is missing")


def test_chunks_that_were_never_written():
    refused(file(b"", tree=(1 << 64) - 1), "they were never written")


BROKEN = "expected a tree of its chunks at byte 512, found a broken one"


@pytest.mark.parametrize("level", [1, 7, 255])
def test_a_tree_in_a_circle(level):
    refused(file(node([(16, 0, 0, TREE)], level)), BROKEN)


def test_a_tree_that_is_none_or_leads_nowhere():
    refused(file(bytes(200)), BROKEN)
    refused(file(node([], 3)), BROKEN)
    refused(file(node([(16, 0, 0, 0)])[:-20]), "the file is too short: expected 32 bytes at byte 536")
    refused(file(b"", tree=1 << 50), "the file is too short")


def test_a_leaf_that_many_branches_lead_to():
    leaf = node([(16, 0, 4 * number, 0) for number in range(60_000)])
    branch = node([(16, 0, 0, TREE)] * 60_000, 1)
    data = file(leaf + branch, 8, tree=TREE + len(leaf))
    refused(data, "the tree of its chunks lists more of them than the array has")


def test_a_leaf_with_more_chunks_than_the_array():
    refused(file(node([(16, 0, 4 * number, 0) for number in range(60_000)])), "lists more of them than the array has")


def test_filters_that_are_unknown_or_many():
    refused(laid_out([QUARTER], [32000]), "the filter 32000 is not supported")
    refused(laid_out([QUARTER], [2] * 32), "a filter is applied twice")
