"""The headers of the objects in an HDF5 file: the superblock, and of each object its messages.

Written for the start: a model is listed from headers alone, and these lines read them without importing anything. Reads
are whole or refused, and all together they have an end, so that parts which refer to each other in circles end in an
error. Specification, whose names and numbers are used here:
https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html
"""

from __future__ import annotations

from collections.abc import Iterator

from weightwise.errors import FormatError
from weightwise.records import dataclass
from weightwise.source import Source

SIGNATURE = b"\x89HDF\r\n\x1a\n"
CONTINUATION = 0x10
SHARED = 0x02
"""The flag of a message that stands elsewhere."""
MOST_BYTES = 1 << 28
MOST_READS = 5_000_000


class Cursor:
    """Bytes that are read from front to back, little-endian; what is not there raises `FormatError`."""

    def __init__(self, data: bytes, headers: Headers) -> None:
        """Start at the first byte; the file's headers say how wide addresses and lengths are."""
        self.data = data
        self.position = 0
        self.headers = headers

    @property
    def left(self) -> int:
        """The number of bytes that are left."""
        return len(self.data) - self.position

    def take(self, size: int) -> bytes:
        """Return the next `size` bytes."""
        if size < 0 or size > self.left:
            raise FormatError(f"expected {size:,} more bytes in a header, found {self.left:,}")
        self.position += size
        return self.data[self.position - size : self.position]

    def integer(self, size: int) -> int:
        """Return an unsigned whole number of `size` bytes."""
        return int.from_bytes(self.take(size), "little")

    def address(self) -> int | None:
        """Return an address in the file; None for what was never written."""
        value = self.integer(self.headers.address_size)
        return None if value == (1 << 8 * self.headers.address_size) - 1 else value

    def length(self) -> int:
        """Return a length in bytes."""
        return self.integer(self.headers.length_size)

    def part(self, size: int) -> Cursor:
        """Return the next `size` bytes, to be read by themselves."""
        return Cursor(self.take(size), self.headers)

    def expect(self, signature: bytes) -> None:
        """Raise `FormatError` unless these bytes come next."""
        found = self.take(len(signature))
        if found != signature:
            raise FormatError(f"expected {signature!r}, found {found!r}")

    def name(self) -> str:
        """Return the text up to the next zero."""
        end = self.data.find(b"\0", self.position)
        if end < 0:
            raise FormatError("a name does not end")
        name = self.take(end - self.position).decode()
        self.position += 1
        return name


@dataclass(frozen=True)
class Message:
    """One fact of an object's header."""

    kind: int
    flags: int
    body: bytes


class Headers:
    """The superblock of a file, and the way to its objects."""

    def __init__(self, source: Source) -> None:
        """Read the superblock; raises `FormatError`."""
        self.source = source
        self._bytes = min(8 * source.size + (1 << 20), MOST_BYTES)
        self._reads = min(source.size // 16 + 20_000, MOST_READS)
        self.address_size = self.length_size = 8
        place = signature_place(source)
        if place is None:
            raise FormatError("it does not begin as HDF5 does")
        self.base = place
        self.root = self._superblock()
        self._heaps: dict[int, dict[int, bytes]] = {}

    def read(self, address: int, size: int) -> Cursor:
        """Return `size` bytes at an address; raises `FormatError` when they are not there, or too much was read."""
        self._bytes -= size
        self._reads -= 1
        if self._bytes < 0 or self._reads < 0:
            raise FormatError("its parts refer to each other in circles")
        return Cursor(self.source.read(self.base + address, size), self)

    def _superblock(self) -> int:
        """Return the address of the root group's header, and keep the sizes of addresses and lengths."""
        start = len(SIGNATURE)
        version = self.read(start, 1).integer(1)
        if version > 3:
            raise FormatError(f"version {version} of the superblock is not known")
        sizes = self.read(start + (5 if version < 2 else 1), 2)
        self.address_size, self.length_size = sizes.integer(1), sizes.integer(1)
        if not {self.address_size, self.length_size} <= {2, 4, 8}:
            raise FormatError(f"addresses of {self.address_size} and lengths of {self.length_size} bytes are not known")
        # Versions 0 and 1 have an entry of a symbol table here, whose name comes before the address.
        skipped = {0: 16 + 5 * self.address_size, 1: 20 + 5 * self.address_size}.get(version, 4 + 3 * self.address_size)
        found = self.read(start + skipped, self.address_size).address()
        if found is None:
            raise FormatError("it has no root group")
        return found

    def messages(self, address: int) -> Iterator[Message]:
        """Yield the messages of the object whose header lies at an address."""
        newer = self.read(address, 4).take(4) == b"OHDR"
        blocks = [self._first_block_newer(address) if newer else self._first_block(address)]
        for block, tracked in blocks:
            prefix = (6 if tracked else 4) if newer else 8
            while block.left >= prefix:
                message = _message_newer(block, tracked) if newer else _message(block)
                if message.kind == CONTINUATION:
                    place = Cursor(message.body, self)
                    blocks.append((self._continued(place.address(), place.length(), newer), tracked))
                else:
                    yield message

    def _first_block(self, address: int) -> tuple[Cursor, bool]:
        prefix = self.read(address, 16)
        version = prefix.integer(1)
        if version != 1:
            raise FormatError(f"version {version} of an object's header is not known")
        prefix.take(7)
        return self.read(address + 16, prefix.integer(4)), False

    def _first_block_newer(self, address: int) -> tuple[Cursor, bool]:
        """Return the messages, and whether each has the number of its creation; times and limits are passed over."""
        flags = self.read(address + 5, 1).integer(1)
        start = address + 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
        width = 1 << (flags & 3)
        return self.read(start + width, self.read(start, width).integer(width)), bool(flags & 0x04)

    def _continued(self, address: int | None, size: int, newer: bool) -> Cursor:
        if address is None:
            raise FormatError("the rest of an object's header was never written")
        block = self.read(address, size)
        if not newer:
            return block
        block.expect(b"OCHK")
        return block.part(block.left - 4)  # the checksum is last

    def heap_object(self, address: int, number: int) -> bytes:
        """Return an object of the global heap, which has the texts of attributes; raises `FormatError`."""
        if address not in self._heaps:
            self._heaps[address] = dict(self._heap(address))
        if number not in self._heaps[address]:
            raise FormatError(f"the heap at {address:,} has no object {number}")
        return self._heaps[address][number]

    def _heap(self, address: int) -> Iterator[tuple[int, bytes]]:
        prefix = self.read(address, 8 + self.length_size)
        prefix.expect(b"GCOL\x01")
        prefix.take(3)
        size = prefix.length()
        heap = self.read(address + 8 + self.length_size, size - 8 - self.length_size)
        while heap.left >= 8 + self.length_size:
            number, _, _ = heap.integer(2), heap.integer(2), heap.integer(4)
            length = heap.length()
            if number == 0:  # what is left is free
                return
            yield number, heap.take(length)
            heap.take(min(-length % 8, heap.left))


def signature_place(source: Source) -> int | None:
    """Return where the signature stands, at byte 0, 512, 1024, 2048 …; None in what is no HDF5."""
    offset = 0
    while offset + len(SIGNATURE) <= source.size:
        if source.read(offset, len(SIGNATURE)) == SIGNATURE:
            return offset
        offset = offset * 2 or 512
    return None


def _message(block: Cursor) -> Message:
    kind, size, flags = block.integer(2), block.integer(2), block.integer(1)
    block.take(3)
    return Message(kind, flags, block.take(size))


def _message_newer(block: Cursor, tracked: bool) -> Message:
    kind, size, flags = block.integer(1), block.integer(2), block.integer(1)
    if tracked:
        block.take(2)
    return Message(kind, flags, block.take(size))
