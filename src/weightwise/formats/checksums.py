"""The checksums of zip archives: where they stand, so that they can be made right when bytes of members were changed.

    local header          signature  …  CRC-32 at byte 14  …  name, extra field, then the member
    data descriptor       [signature]  CRC-32 …    after the member, where bit 3 of the flags is set
    central directory     signature  …  CRC-32 at byte 16  …  one entry per member, at the end

Specification: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from io import BufferedRandom

from weightwise.errors import FormatError
from weightwise.formats.archive import SIGNATURE, read_archive
from weightwise.records import dataclass
from weightwise.source import Source

ENTRY = struct.Struct("<4s6H3I5H2I")
"""Of the central directory; the lengths of name, extra field and comment are its 11th to 13th values."""
DESCRIPTOR = b"PK\x07\x08"
HAS_DESCRIPTOR = 0x8
LOCAL_CHECKSUM, CENTRAL_CHECKSUM, CHECKSUM = 14, 16, 4
SLAB = 1 << 22

Range = tuple[int, int]
"""The first byte of a part of a file, and the one after the last."""


@dataclass(frozen=True)
class Checksum:
    """The CRC-32 of a part of a file."""

    part: Range
    places: tuple[int, ...]
    """Where it stands in the file."""


def checksums(source: Source, changed: Sequence[Range]) -> Iterator[Checksum]:
    """Yields those of the members that change, of archives in archives first; raises `FormatError` for a damaged one.

    `changed` are parts of the file on disk; whatever is no archive has none.
    """
    if source.start is None or source.read(0, min(source.size, len(SIGNATURE))) != SIGNATURE:
        return
    archive = read_archive(source)
    if archive.problem:
        raise FormatError(archive.problem)
    for info, entry in entries(source):
        member = archive.packed(info)
        first = member.start or 0
        part = (first, first + member.size)
        within = [inside for inside in changed if inside[0] < part[1] and part[0] < inside[1]]
        if within:
            yield from checksums(member, within)
            yield Checksum(part, tuple(source.start + place for place in places(source, info, entry, part[1])))


def entries(source: Source) -> Iterator[tuple[zipfile.ZipInfo, int]]:
    """Yields the members of an archive, and where their entries in its central directory stand."""
    with zipfile.ZipFile(source.file()) as archive:
        position = archive.start_dir
        for info in archive.infolist():
            yield info, position
            position += ENTRY.size + sum(ENTRY.unpack(source.read(position, ENTRY.size))[10:13])


def places(source: Source, info: zipfile.ZipInfo, entry: int, end: int) -> Iterator[int]:
    """Yields where the checksum of a member stands in an archive; `end` is where the member ends on disk."""
    yield entry + CENTRAL_CHECKSUM
    checksum = info.CRC.to_bytes(CHECKSUM, "little")
    local = info.header_offset + LOCAL_CHECKSUM
    described = bool(info.flag_bits & HAS_DESCRIPTOR)
    if not described or any(source.read(local, CHECKSUM)):
        yield local
    after = end - (source.start or 0)
    if described and source.read(after, 2 * CHECKSUM) == DESCRIPTOR + checksum:
        yield after + len(DESCRIPTOR)
    elif described and source.read(after, CHECKSUM) == checksum:
        yield after


class Sums:
    """The checksums of parts of a file, which are counted while its bytes go by, from the first to the last."""

    def __init__(self, members: Sequence[Checksum]) -> None:
        """Begins at the first byte."""
        self.found = dict.fromkeys(members, 0)
        self._coming = sorted(members, key=lambda member: member.part, reverse=True)
        self._open: list[Checksum] = []

    def add(self, start: int, block: memoryview) -> None:
        """Counts the bytes from `start` on; all before have been counted."""
        end = start + len(block)
        while self._coming and self._coming[-1].part[0] < end:
            self._open.append(self._coming.pop())
        for member in self._open:
            first, last = member.part
            own = block[max(0, first - start) : max(0, last - start)]
            self.found[member] = zlib.crc32(own, self.found[member])
        self._open = [member for member in self._open if member.part[1] > end]

    def mend(self, file: BufferedRandom) -> None:
        """Writes the checksums where they stand, those of archives in archives first."""
        written: list[int] = []
        for member, found in self.found.items():
            first, last = member.part
            stale = bisect_left(written, first) < bisect_left(written, last)  # checksums inside it were written since
            value = (crc32(file, first, last) if stale else found).to_bytes(CHECKSUM, "little")
            for place in member.places:
                file.seek(place)
                file.write(value)
                insort(written, place)


def crc32(file: BufferedRandom, start: int, end: int) -> int:
    """Returns the CRC-32 of a part of a file."""
    file.seek(start)
    buffer = memoryview(bytearray(min(SLAB, end - start)))
    result = 0
    while start < end:
        count = file.readinto(buffer[: end - start])
        result = zlib.crc32(buffer[:count], result)
        start += count
    return result
