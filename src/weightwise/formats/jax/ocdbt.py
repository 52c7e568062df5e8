"""OCDBT, the database that tensorstore keeps arrays in: a manifest, and data files with a tree of keys and with values.

Values are not read; the tree says where they lie. Specification, which lacks the manifest's kind, a number after its
uuid: https://google.github.io/tensorstore/kvstore/ocdbt/index.html#storage-format
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from functools import cache

from weightwise.errors import FormatError, UnsupportedError, WeightwiseError
from weightwise.formats.cursor import Cursor
from weightwise.formats.jax.zarr_codecs import unzstd
from weightwise.records import dataclass
from weightwise.source import Folder, Source, memory_source, open_source

MANIFEST = "manifest.ocdbt"
MANIFEST_MAGIC, NODE_MAGIC = 0x0CDB3A2A, 0x0CDB20DE
HEADER, CHECKSUM = 12, 4
LARGEST_NODE = 1 << 26
MOST_KEYS = 2_000_000
MOST_NAMES = 1 << 24
MOST_EXPANSION, FREE_EXPANSION = 100, 1 << 20
"""A node may unpack to a MiB, or to so many times what it takes."""
CASTAGNOLI = 0x82F63B78
MISSING = (1 << 64) - 1
"""The offset of a tree without keys."""


@dataclass(frozen=True)
class Place:
    """So many bytes in a data file."""

    file: DataFile
    offset: int
    size: int


@dataclass(frozen=True)
class DataFile:
    """A data file, relative to the folder of the database."""

    path: str
    base: str
    """The part of the path that paths in this file's nodes begin with, too."""


@dataclass
class Database:
    """The values of a database by key."""

    folder: Folder
    places: dict[str, Place | Source] = field(default_factory=dict)
    """Where values lie; small ones are in the tree itself."""
    sources: dict[str, Source] = field(default_factory=dict)
    seen: set[Place] = field(default_factory=set)
    names: int = 0
    """The bytes of all keys."""

    def fetch(self, key: str) -> Source | None:
        """Returns the bytes of a key, or None; raises `FormatError` when its file does not hold them."""
        found = self.places.get(key)
        return self.bytes_at(found) if isinstance(found, Place) else found

    def bytes_at(self, place: Place) -> Source:
        """Returns the bytes of a place; raises `FormatError` or `MissingFileError`."""
        path = place.file.path
        if path not in self.sources:
            self.sources[path] = open_source(self.folder.inside(path))
        return self.sources[path].window(place.offset, place.size, self.sources[path].name)


def read_database(folder: Folder, problems: list[str]) -> Database:
    """Returns what a database holds; raises `FormatError` when its tree cannot be entered. Lost nodes are problems."""
    database = Database(folder)
    source = folder.source(MANIFEST)
    root, height = newest_root(Cursor(body(source, MANIFEST_MAGIC)))
    if root is not None:
        walk(database, root, height, b"", problems)
    return database


def body(source: Source, magic: int) -> Source:
    """Returns what stands between header and checksum of a manifest or a node, unpacked; raises `FormatError`."""
    if source.size > LARGEST_NODE:
        raise FormatError(f"{source.name}: expected at most {LARGEST_NODE:,} bytes of keys, found {source.size:,}.")
    data = source.read(0, source.size)
    size = int.from_bytes(data[4:HEADER], "little")
    if int.from_bytes(data[:4], "big") != magic or size != len(data) or size < HEADER + 2 + CHECKSUM:
        raise FormatError(f"{source.name}: expected a part of an OCDBT database, found {data[:HEADER]!r}.")
    if crc32c(data[:-CHECKSUM]) != int.from_bytes(data[-CHECKSUM:], "little"):
        raise FormatError(
            f"{source.name}: a part of the database is damaged (its checksum differs); get the file again."
        )
    version, packing = data[HEADER], data[HEADER + 1]
    if version or packing > 1:
        raise UnsupportedError(f"{source.name}: version {version} and packing {packing} of OCDBT are not supported.")
    inner = data[HEADER + 2 : -CHECKSUM]
    return memory_source(
        source.path, source.name, unzstd(inner, max(FREE_EXPANSION, MOST_EXPANSION * len(inner))) if packing else inner
    )


def crc32c(data: bytes) -> int:
    """Returns the checksum of bytes by Castagnoli's polynomial."""
    checksum, table = 0xFFFFFFFF, checksums()
    for byte in data:
        checksum = table[(checksum ^ byte) & 0xFF] ^ checksum >> 8
    return checksum ^ 0xFFFFFFFF


@cache
def checksums() -> list[int]:
    """Returns the checksum's step for each byte."""
    steps = list(range(256))
    for _ in range(8):
        steps = [step >> 1 ^ (CASTAGNOLI if step & 1 else 0) for step in steps]
    return steps


def varint(cursor: Cursor) -> int:
    """Returns a number of 64 bits at most, seven bits per byte, the lowest first; raises `FormatError`."""
    value = 0
    for shift in range(0, 70, 7):
        byte = cursor.take(1)[0]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value
    raise FormatError(
        f"{cursor.source.name}: expected a number before byte {cursor.position:,} of the database's tree."
    )


def column(cursor: Cursor, count: int) -> list[int]:
    """Returns so many numbers; raises `FormatError`."""
    cursor.source.check(cursor.position, count)
    return [varint(cursor) for _ in range(count)]


def newest_root(cursor: Cursor) -> tuple[Place | None, int]:
    """Returns where the newest tree begins, None for an empty one, and its height; raises `FormatError`."""
    cursor.take(16)
    kind, _, _ = column(cursor, 3)
    cursor.take(1)
    if kind:
        raise UnsupportedError(f"{cursor.source.name}: numbered manifests of OCDBT are not supported.")
    if varint(cursor):
        cursor.take(4)
    files = data_files(cursor, "")
    count = varint(cursor)
    column(cursor, count)
    heights = cursor.take(count)
    identifiers, offsets, sizes = (column(cursor, count) for _ in range(3))
    if not count or offsets[-1] == MISSING:
        return None, 0
    return place_of(cursor, files, identifiers[-1], offsets[-1], sizes[-1]), heights[-1]


def data_files(cursor: Cursor, transitive: str) -> list[DataFile]:
    """Returns the files that a manifest or a node names; raises `FormatError`."""
    count = varint(cursor)
    paths = keys_of(
        cursor, [0, *column(cursor, max(0, count - 1))][:count], column(cursor, count), column(cursor, count)
    )
    return [DataFile(transitive + text(path), transitive + text(path[:base])) for path, base in paths]


def keys_of(cursor: Cursor, prefixes: list[int], suffixes: list[int], others: list[int]) -> list[tuple[bytes, int]]:
    """Returns names of which each begins as the one before does, with another number of each; raises `FormatError`."""
    found: list[tuple[bytes, int]] = []
    name, total = b"", 0
    for prefix, suffix, other in zip(prefixes, suffixes, others, strict=True):
        name = name[:prefix] + cursor.take(suffix)
        total += len(name)
        if total > MOST_NAMES:
            raise FormatError(
                f"{cursor.source.name}: expected at most {MOST_NAMES:,} bytes of names in a node, found more."
            )
        found.append((name, other))
    return found


def text(name: bytes) -> str:
    """Returns a name as text."""
    return name.decode("utf-8", "replace")


def place_of(cursor: Cursor, files: list[DataFile], identifier: int, offset: int, size: int) -> Place:
    """Returns a place in one of the files; raises `FormatError`."""
    if identifier >= len(files):
        raise FormatError(f"{cursor.source.name}: expected one of {len(files)} data files, found number {identifier}.")
    return Place(files[identifier], offset, size)


def walk(database: Database, place: Place, height: int, prefix: bytes, problems: list[str]) -> None:
    """Adds the keys of a node and of those below it; what cannot be read is a problem."""
    if place in database.seen:
        return
    database.seen.add(place)
    try:
        if database.names > LARGEST_NODE or len(database.places) > MOST_KEYS:
            raise FormatError(
                f"{database.folder.path}: the database has more keys than a model has; the rest is left out."
            )
        cursor = Cursor(body(database.bytes_at(place), NODE_MAGIC))
        found = cursor.take(1)[0]
        if found != height:
            raise FormatError(f"{cursor.source.name}: expected a node of height {height}, found {found}.")
        files = data_files(cursor, place.file.base)
        count = varint(cursor)
        if height:
            for child, start in list(children(cursor, files, count)):
                walk(database, child, height - 1, prefix + start, problems)
        else:
            found_there = {text(prefix + key): value for key, value in entries(cursor, files, count).items()}
            database.places.update(found_there)
            database.names += sum(map(len, found_there))
    except WeightwiseError as error:
        problems.append(str(error))


def children(cursor: Cursor, files: list[DataFile], count: int) -> Iterator[tuple[Place, bytes]]:
    """Yields the nodes below one, and what all keys in each begin with; raises `FormatError`."""
    prefixes = [0, *column(cursor, max(0, count - 1))][:count]
    keys = keys_of(cursor, prefixes, column(cursor, count), column(cursor, count))
    identifiers, offsets, sizes = (column(cursor, count) for _ in range(3))
    for (key, common), *where in zip(keys, identifiers, offsets, sizes, strict=True):
        yield place_of(cursor, files, *where), key[:common]


def entries(cursor: Cursor, files: list[DataFile], count: int) -> Mapping[bytes, Place | Source]:
    """Returns the values of a leaf by key; raises `FormatError`."""
    prefixes = [0, *column(cursor, max(0, count - 1))][:count]
    suffixes = column(cursor, count)
    keys = [key for key, _ in keys_of(cursor, prefixes, suffixes, suffixes)]
    sizes, kinds = column(cursor, count), column(cursor, count)
    outside = sum(map(bool, kinds))
    identifiers, offsets = iter(column(cursor, outside)), iter(column(cursor, outside))
    found: dict[bytes, Place | Source] = {}
    for key, size, kind in zip(keys, sizes, kinds, strict=True):
        if kind:
            found[key] = place_of(cursor, files, next(identifiers), next(offsets), size)
        else:
            found[key] = memory_source(cursor.source.path, cursor.source.name, cursor.take(size))
    return found
