"""What pyfive reads: the heaps of the newest HDF5 format, the trees that list chunks, and their filters, all in bounds.

pyfive trusts what a file says of itself. So it gets a `HeaderFile`, which refuses reads beyond the end and counts what
was read, and whatever it would take memory or time for because a header promises it is refused before it does.
"""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Mapping
from typing import Any

from pyfive.btree import BTreeV1RawDataChunks
from pyfive.dataobjects import DataObjects

from weightwise.errors import FormatError
from weightwise.formats.hdf5.headers import MOST_BYTES, MOST_READS, Headers
from weightwise.formats.hdf5.messages import decoded
from weightwise.formats.hdf5.values import DEFLATE, ChunkPlace
from weightwise.source import Source, SourceFile

SPARE_NODES = 64
"""A tree of chunks may have so many entries more than two for each chunk."""


class HeaderFile(SourceFile):
    """The file as pyfive sees it: reads are whole or refused, and all together they have an end."""

    def __init__(self, source: Source) -> None:
        """Starts at the first byte, with a budget that no sound file exceeds."""
        super().__init__(source)
        self._bytes = min(8 * source.size + (1 << 20), MOST_BYTES)
        self._reads = min(source.size // 16 + 20_000, MOST_READS)

    def read(self, size: int = -1) -> bytes:
        """Returns `size` bytes; raises `FormatError` when they are not there or the file goes round in circles."""
        self.source.check(self.position, size)
        self._bytes -= size
        self._reads -= 1
        if self._bytes < 0 or self._reads < 0:
            raise FormatError("its parts refer to each other in circles")
        return super().read(size)


class BoundedObjects(DataObjects):  # type: ignore[misc]  # pyfive ships no types
    """The header of one object."""

    def _attr_value(self, ptype: Any, buf: bytes, count: int, offset: int) -> Any:
        """Returns the values of an attribute: pyfive would take memory for as many as the header says."""
        if count > len(buf):
            raise FormatError(f"an attribute says that it has {count:,} values")
        return super()._attr_value(ptype, buf, count, offset)


class BoundedIndex(BTreeV1RawDataChunks):  # type: ignore[misc]  # pyfive ships no types
    """The tree that says where the chunks of an array lie."""

    def __init__(self, file: HeaderFile, address: int, rank: int, most: int) -> None:
        """Reads the tree; raises `FormatError` when it lists more than `most` chunks and the nodes for them."""
        self.room = 2 * most + SPARE_NODES
        super().__init__(file, address, rank + 1)  # pyfive counts the bytes of a value as a dimension

    def _read_node_header(self, offset: int, node_level: int | None) -> Any:
        """Returns the head of a node: pyfive would read as many entries as it says."""
        node = super()._read_node_header(offset, node_level)
        self.room -= node["entries_used"]
        if self.room < 0:
            raise FormatError("the tree of its chunks lists more of them than the array has")
        return node


def chunk_places(headers: Headers, address: int, rank: int, most: int) -> dict[tuple[int, ...], ChunkPlace]:
    """Returns where at most so many chunks lie, by the place of their first value; raises `FormatError`."""
    try:
        leaves = BoundedIndex(header_file(headers), address, rank, most).all_nodes[0]
    except (AssertionError, KeyError):  # how pyfive says that a node is none, or that a level has no nodes
        place = headers.base + address
        raise FormatError(f"expected a tree of its chunks at byte {place:,}, found a broken one") from None
    return {
        key["chunk_offset"][:rank]: ChunkPlace(place, key["chunk_size"], key["filter_mask"])
        for leaf in leaves
        for key, place in zip(leaf["keys"], leaf["addresses"], strict=True)
    }


def undone(raw: bytes, number: int, itemsize: int, most: int) -> bytes:
    """Returns a chunk of at most `most` bytes as it was before a filter was applied; raises `FormatError`."""
    if number == DEFLATE:  # pyfive would take memory for whatever it unpacks to: a megabyte may mean a gigabyte
        return inflated(raw, most)
    try:
        return bytes(BTreeV1RawDataChunks._filter_chunk(raw, 0, [{"filter_id": number}], itemsize))
    except ValueError:
        raise FormatError("a chunk has other bytes than its checksum says") from None


def inflated(raw: bytes, most: int) -> bytes:
    """Returns deflated bytes unpacked; raises `FormatError` when they are more than `most` or their end is missing."""
    unpacker = zlib.decompressobj()
    try:
        data = unpacker.decompress(raw, most + 1)
    except zlib.error as error:
        raise FormatError(f"a chunk cannot be unpacked: {error}") from None
    if len(data) > most:
        raise FormatError(f"a chunk unpacks to more than {most:,} bytes")
    if not unpacker.eof:
        raise FormatError(f"a chunk ends after {len(data):,} unpacked bytes of at most {most:,}, before its own end")
    return data


def members(headers: Headers, address: int) -> dict[str, int | str]:
    """Returns the members of a group: the address of each, or the path to which a soft link leads."""
    return dict(_objects(headers, address).get_links())


def attributes(headers: Headers, address: int) -> dict[str, Any]:
    """Returns the attributes of an object, in Python's own types."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pyfive warns of what it cannot read; the value that is missing tells it
        found: Mapping[str, Any] = _objects(headers, address).get_attributes()
        return {name: plain(value) for name, value in found.items()}


def _objects(headers: Headers, address: int) -> BoundedObjects:
    return BoundedObjects(header_file(headers), address)


def header_file(headers: Headers) -> HeaderFile:
    """Returns the file as pyfive sees it, from where its addresses start to count."""
    source = headers.source
    return HeaderFile(source.window(headers.base, source.size - headers.base, source.name))


def plain(value: Any) -> Any:
    """Returns an attribute in Python's own types: text as `str`, an array as a list, nothing as None."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, bytes):
        return decoded(value)
    return value if isinstance(value, str | int | float) else None
