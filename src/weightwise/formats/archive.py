"""Zip archives: members that are stored as they are become windows of the file, deflated ones are unpacked in memory.

Nothing is ever extracted to disk. Specification: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping

from weightwise.errors import FormatError
from weightwise.records import dataclass
from weightwise.source import Source, memory_source

SIGNATURE = b"PK\x03\x04"
LOCAL_HEADER = struct.Struct("<4sHHHIIIIHH")
"""Signature, version, flags, method, time and date, checksum, both sizes, and the lengths of the name and the rest."""
EXTRA_FIELD, LARGE_SIZES = struct.Struct("<HH"), struct.Struct("<QQ")
"""A tag and a length; the two sizes that follow the tag of zip64."""
LARGE, ZIP64 = 0xFFFFFFFF, 0x0001
ENCRYPTED = 0x1
MOST_UNPACKED = 1 << 30
MOST_EXPANSION = 100
FREE_EXPANSION = 1 << 26
"""A member may unpack to this many bytes, or to `MOST_EXPANSION` times what it takes in the archive."""


@dataclass(frozen=True)
class Archive:
    """The members of a zip archive by name."""

    source: Source
    members: Mapping[str, tuple[zipfile.ZipInfo, ...]]
    """More than one under the same name is an error when that name is asked for."""
    problem: str = ""
    """Why the list of members is not the archive's own, and members may be cut off."""

    def member(self, name: str) -> Source:
        """Returns the bytes of a member; raises `FormatError` when it is missing, ambiguous, encrypted or damaged."""
        info = self.info(name)
        packed = self.packed(info)
        return packed if info.compress_type == zipfile.ZIP_STORED else self.unpacked(info, packed)

    def lazy(self, name: str) -> Source:
        """Returns the bytes of a member, which is unpacked whenever it is read; raises `FormatError`."""
        info = self.info(name)
        packed = self.packed(info)
        if info.compress_type == zipfile.ZIP_STORED:
            return packed

        def fill(offset: int, view: memoryview) -> int:
            return self.unpacked(info, packed).fill(offset, view)

        return Source(packed.path, packed.name, info.file_size, None, fill)

    def info(self, name: str) -> zipfile.ZipInfo:
        """Returns what the archive says of a member; raises `FormatError` when it cannot be read."""
        found = self.members.get(name, ())
        if len(found) != 1:
            beside = "" if found else f" beside {self.listing()}"
            raise self.error(name, f"expected one member of this name, found {len(found)}{beside}")
        (info,) = found
        if info.flag_bits & ENCRYPTED:
            raise self.error(name, "the member is encrypted; unpack it with its password and save it without one")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            method = f"compression method {info.compress_type} is not supported"
            raise self.error(name, f"{method}; save it without compression")
        return info

    def listing(self) -> str:
        """Returns the first names of the archive's members."""
        names = sorted(self.members)
        return ", ".join(names[:5]) + (", …" if len(names) > 5 else "") or "no members"

    def packed(self, info: zipfile.ZipInfo) -> Source:
        """Returns the bytes of a member as they are in the archive; raises `FormatError`."""
        header = self.source.read(info.header_offset, LOCAL_HEADER.size)
        signature, *_, name_size, extra_size = LOCAL_HEADER.unpack(header)
        if signature != SIGNATURE:
            raise self.error(info.filename, f"expected a member at byte {info.header_offset:,}, found {signature!r}")
        start = info.header_offset + LOCAL_HEADER.size + name_size + extra_size
        there = self.source.size - start if self.problem else info.compress_size
        return self.source.window(start, min(info.compress_size, there), f"{self.source.name}!{info.filename}")

    def unpacked(self, info: zipfile.ZipInfo, packed: Source) -> Source:
        """Returns a deflated member in memory; raises `FormatError` when it is larger than it may be or says."""
        most = min(max(FREE_EXPANSION, MOST_EXPANSION * packed.size), MOST_UNPACKED)
        if info.file_size > most:
            sizes = f"from {packed.size:,} to {info.file_size:,} bytes, at most {most:,} are unpacked"
            raise self.error(info.filename, f"it says that it unpacks {sizes}; save it without compression")
        try:
            data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed.read(0, packed.size), info.file_size + 1)
        except zlib.error as error:
            raise self.error(info.filename, f"it cannot be unpacked ({error}); get the file again") from error
        if len(data) != info.file_size or zlib.crc32(data) != info.CRC:
            raise self.error(info.filename, "it unpacks to other bytes than the archive says; get the file again")
        return memory_source(packed.path, packed.name, data)

    def error(self, name: str, why: str) -> FormatError:
        """Returns an error about a member."""
        return FormatError(f"{self.source.name}!{name}: {why}.")


def read_archive(source: Source) -> Archive:
    """Returns the members of an archive without reading them; of a truncated one those that still begin in it."""
    problem = ""
    try:
        with zipfile.ZipFile(source.file()) as archive:
            infos = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, struct.error, IndexError) as error:
        problem = (
            f"{source.name}: the list of the archive's members cannot be read ({error}); the file is truncated or "
            "damaged: get it again from where it came from."
        )
        infos = list(beginnings(source))
    members: dict[str, list[zipfile.ZipInfo]] = {}
    for info in infos:
        members.setdefault(info.filename, []).append(info)
    return Archive(source, {name: tuple(found) for name, found in members.items()}, problem)


def beginnings(source: Source) -> Iterator[zipfile.ZipInfo]:
    """Yields the members of an archive whose list, at its end, is lost: each begins where the one before it ends."""
    offset = 0
    while offset + LOCAL_HEADER.size <= source.size:
        signature, _, flags, method, _, crc, packed, size, name_size, extra_size = LOCAL_HEADER.unpack(
            source.read(offset, LOCAL_HEADER.size)
        )
        start = offset + LOCAL_HEADER.size
        if signature != SIGNATURE or start + name_size + extra_size > source.size:
            return
        if LARGE in (packed, size):
            size, packed = large_sizes(source.read(start + name_size, extra_size), size, packed)
        info = zipfile.ZipInfo(source.read(start, name_size).decode(errors="replace"))
        info.header_offset, info.flag_bits, info.compress_type = offset, flags, method
        info.CRC, info.compress_size, info.file_size = crc, packed, size
        yield info
        offset = start + name_size + extra_size + packed


def large_sizes(extra: bytes, size: int, packed: int) -> tuple[int, int]:
    """Returns both sizes of a member, unpacked first, where its header leaves them to the field of zip64."""
    while len(extra) >= EXTRA_FIELD.size:
        tag, length = EXTRA_FIELD.unpack(extra[: EXTRA_FIELD.size])
        if tag == ZIP64 and length >= LARGE_SIZES.size <= len(extra) - EXTRA_FIELD.size:
            unpacked_there, packed_there = LARGE_SIZES.unpack_from(extra, EXTRA_FIELD.size)
            return unpacked_there, packed_there
        extra = extra[EXTRA_FIELD.size + length :]
    return size, packed
