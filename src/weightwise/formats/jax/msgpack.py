"""MessagePack: maps, lists, numbers and texts, and byte strings that stay where they are.

Specification: https://github.com/msgpack/msgpack/blob/master/spec.md
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping

from weightwise.errors import FormatError
from weightwise.formats.cursor import Cursor
from weightwise.records import dataclass
from weightwise.source import Source

MOST_DEPTH = 100
MOST_LEAVES = 200_000
LONGEST_PATH = 1024
"""All keys that lead to a leaf together: a long key above many leaves would take memory for each of them."""
NUMBERS: Mapping[int, str] = {
    **{0xCA: ">f", 0xCB: ">d"},
    **{0xCC + place: f">{sign}" for place, sign in enumerate("BHIQbhiq")},
}
"""The types whose value follows, as `struct` reads it."""
CONSTANTS: Mapping[int, bool | None] = {0xC0: None, 0xC2: False, 0xC3: True}
LENGTHS: Mapping[int, tuple[str, int]] = {
    **{0xC4 + place: ("binary", 1 << place) for place in range(3)},
    **{0xC7 + place: ("extension", 1 << place) for place in range(3)},
    **{0xD9 + place: ("text", 1 << place) for place in range(3)},
    **{0xDC + place: ("list", 2 << place) for place in range(2)},
    **{0xDE + place: ("map", 2 << place) for place in range(2)},
}
"""The types that begin with their length, and the bytes that it takes."""


@dataclass(frozen=True)
class Binary:
    """Bytes that were not read."""

    body: Source
    """Those that are there."""
    size: int
    """How many there should be."""
    code: int | None = None
    """The application's own type, or None for bytes without one."""


Value = bool | int | float | str | Binary | None
Path = tuple[str, ...]


def leaves(cursor: Cursor) -> Iterator[tuple[Path, Value]]:
    """Yields what is neither map nor list, with the keys and places that lead to it.

    Raises `FormatError` where the bytes are damaged or end; what was yielded before stands.
    """
    for count, leaf in enumerate(below(cursor, (), 0)):
        if sum(map(len, leaf[0])) > LONGEST_PATH:
            raise FormatError(f"{cursor.source.name}: expected names of at most {LONGEST_PATH:,} signs, found more.")
        if count == MOST_LEAVES:
            raise FormatError(f"{cursor.source.name}: more than {MOST_LEAVES:,} values; no model has so many.")
        yield leaf


def below(cursor: Cursor, path: Path, depth: int) -> Iterator[tuple[Path, Value]]:
    """Yields the leaves of the value that begins at the cursor."""
    kind, size = header(cursor)
    if kind not in ("map", "list"):
        value = scalar(cursor, kind, size)
        yield path, value
        if isinstance(value, Binary):
            cursor.source.check(cursor.position, value.size - value.body.size)
        return
    if depth == MOST_DEPTH:
        raise FormatError(f"{cursor.source.name}: expected at most {MOST_DEPTH} levels, found more.")
    cursor.source.check(cursor.position, size * (2 if kind == "map" else 1))
    for place in range(size):
        key = key_of(cursor) if kind == "map" else str(place)
        yield from below(cursor, (*path, key), depth + 1)


def header(cursor: Cursor) -> tuple[str, int]:
    """Returns the kind of the next value, and its length or its type."""
    first = cursor.take(1)[0]
    if first < 0x80 or first >= 0xE0:
        return "small", first - 0x100 if first >= 0xE0 else first
    if first < 0xC0:
        return ("map", first & 15) if first < 0x90 else ("list", first & 15) if first < 0xA0 else ("text", first & 31)
    if first in LENGTHS:
        kind, width = LENGTHS[first]
        return kind, int.from_bytes(cursor.take(width), "big")
    if 0xD4 <= first <= 0xD8:
        return "extension", 1 << (first - 0xD4)
    return "type", first


def scalar(cursor: Cursor, kind: str, size: int) -> Value:
    """Returns a value that is neither map nor list; raises `FormatError`."""
    match kind:
        case "small":
            return size
        case "text":
            return cursor.take(size).decode("utf-8", "replace")
        case "extension":
            return binary(cursor, size, int.from_bytes(cursor.take(1), "big", signed=True))
        case "binary":
            return binary(cursor, size, None)
    if size in CONSTANTS:
        return CONSTANTS[size]
    if size not in NUMBERS:
        raise FormatError(f"{cursor.source.name}: expected a type of MessagePack before byte {cursor.position:,}.")
    form = NUMBERS[size]
    value: int | float = struct.unpack(form, cursor.take(struct.calcsize(form)))[0]
    return value


def binary(cursor: Cursor, size: int, code: int | None) -> Binary:
    """Returns the bytes that follow, unread."""
    return Binary(cursor.window(min(size, cursor.source.size - cursor.position)), size, code)


def key_of(cursor: Cursor) -> str:
    """Returns the key of a map, which is a text or a number; raises `FormatError`."""
    kind, size = header(cursor)
    value = None if kind in ("map", "list", "extension", "binary") else scalar(cursor, kind, size)
    if not isinstance(value, str | int):
        raise FormatError(f"{cursor.source.name}: expected a text as key of a map before byte {cursor.position:,}.")
    return str(value)
