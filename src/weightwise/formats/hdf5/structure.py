"""The structure of an HDF5 file: its groups, their attributes and their datasets, read from the headers alone.

Specification: https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from weightwise.errors import FormatError, WeightwiseError
from weightwise.formats.hdf5 import messages
from weightwise.formats.hdf5.headers import SHARED, Cursor, Headers, Message
from weightwise.formats.hdf5.postponed import library
from weightwise.formats.hdf5.values import ChunkPlace, Chunks, Layout, layout_problem, read_values
from weightwise.records import dataclass
from weightwise.source import Source
from weightwise.stored import StoredArray

if TYPE_CHECKING:
    import numpy

LINKS, LINK, GROUP, ATTRIBUTES = 0x02, 0x06, 0x11, 0x15
HARD, SOFT = 0, 1
MOST_DEPTH = 64
LONGEST_NAME = 4096
SMALLEST_OBJECT = 40
"""Bytes that the shortest object header and the link to it take."""

Target = int | str | None
"""The address of a member, the path to which a soft link leads, or None for a link out of the file."""


def walked(source: Source) -> Walk:
    """Returns a pass over the whole file; raises `FormatError` when not even the root can be read."""
    with damage(source, "the root group"):
        headers = Headers(source)
        root = list(headers.messages(headers.root))
    walk = Walk(headers)
    walk.visit(headers.root, root, "", ())
    return walk


@contextmanager
def damage(source: Source, thing: str) -> Iterator[None]:
    """Turns whatever damaged bytes end in into one `FormatError` that names the file and the thing."""
    try:
        yield
    except Exception as error:  # pyfive checks little, and bytes that are no text or number end in many exceptions
        raise FormatError(
            f"{source.name}: {thing} cannot be read ({cause(source, error)}); the file is damaged, or uses a part of "
            "HDF5 that is not supported: get it again from where it came from."
        ) from error


def cause(source: Source, error: Exception) -> str:
    """Returns the heart of an error's sentence, without the file's name and the advice."""
    if isinstance(error, WeightwiseError):
        return str(error).removeprefix(f"{source.name}: ").partition(";")[0].rstrip(".")
    return f"{type(error).__name__} {error}".strip()


@dataclass
class Walk:
    """One pass over all groups and datasets of a file, which collects what can be read and says what cannot."""

    headers: Headers
    attributes: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    arrays: dict[str, StoredArray] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def source(self) -> Source:
        """The bytes of the file."""
        return self.headers.source

    def visit(self, address: int, found: list[Message], path: str, above: tuple[int, ...]) -> None:
        """Collects the group at an address and everything below it; `above` are those of the groups that it is in."""
        try:
            with damage(self.source, f"the attributes of the group {path or '/'}"):
                self.attributes[path] = attributes_of(self.headers, address, found)
        except FormatError as error:
            self.problems.append(str(error))
            self.attributes[path] = {}
        members: dict[str, Target] = {}
        try:
            with damage(self.source, f"the members of the group {path or '/'}"):
                members.update(members_of(self.headers, address, found))  # those before the damage stay
        except FormatError as error:
            self.problems.append(str(error))
        for name, target in members.items():
            try:
                self.enter(name, target, f"{path}/{name}".lstrip("/"), (*above, address))
            except FormatError as error:
                self.problems.append(str(error))

    def enter(self, name: str, target: Target, path: str, above: tuple[int, ...]) -> None:
        """Collects one member of a group; raises `FormatError`."""
        with damage(self.source, f"the object {path}"):
            self.check_bounds(name, above)
            address = resolved(self.headers, target, above[-1])
            if address in above:
                raise FormatError("it is a group that it is in itself")
            found = list(self.headers.messages(address))
            if is_dataset(found):
                self.add(found, path)
        if is_group(found):
            self.visit(address, found, path, above)

    def check_bounds(self, name: str, above: tuple[int, ...]) -> None:
        """Raises `FormatError` for a member that no sound file has."""
        if not name or name == "." or "/" in name:
            raise FormatError("that is no name of a member")
        if len(above) > MOST_DEPTH or len(self.attributes) + len(self.arrays) > self.source.size // SMALLEST_OBJECT:
            raise FormatError("more objects contain each other than the file has room for")

    def add(self, found: list[Message], path: str) -> None:
        """Collects a dataset; a problem is noted when the file cannot hold its values."""
        layout = dataset_layout(self.headers, found)
        start = self.source.start if layout.offset is not None else None
        self.arrays[path] = StoredArray(
            path=path,
            key=path,
            shape=layout.shape,
            dtype=layout.kind.name,
            nbytes=layout.nbytes,
            read=partial(values, self.source, path, layout),
            file=self.source.name,
            offset=None if start is None or layout.offset is None else start + layout.offset,
            run=None if layout.offset is None else partial(run, self.source, path, layout, layout.offset),
            order=layout.kind.code[:1] or "<",
        )
        problem = layout_problem(self.source, layout)
        if problem:
            self.problems.append(f"{self.source.name}: the values of {path} cannot be read: {problem}.")


def values(source: Source, path: str, layout: Layout) -> numpy.ndarray:
    """Returns the values of a dataset; raises `FormatError` when the file does not hold them whole."""
    with damage(source, f"the values of {path}"):
        return read_values(source, layout)


def run(source: Source, path: str, layout: Layout, offset: int, start: int, count: int) -> numpy.ndarray:
    """Returns so many values from a place on, of a dataset that lies at `offset`; raises `FormatError`."""
    return values(source, path, replace(layout, shape=(count,), offset=offset + start * layout.kind.itemsize))


def is_dataset(found: list[Message]) -> bool:
    """Returns whether a header is that of a dataset."""
    return any(message.kind == messages.LAYOUT for message in found)


def is_group(found: list[Message]) -> bool:
    """Returns whether a header is that of a group."""
    return any(message.kind in (GROUP, LINKS, LINK) for message in found)


def body_of(headers: Headers, found: list[Message], kind: int, thing: str) -> Cursor:
    """Returns the one message of a kind; raises `FormatError` when it is not there or stands elsewhere."""
    bodies = [message.body for message in found if message.kind == kind and not message.flags & SHARED]
    if not bodies:
        raise FormatError(f"its header does not say its {thing}")
    return Cursor(bodies[0], headers)


def dataset_layout(headers: Headers, found: list[Message]) -> Layout:
    """Returns what a dataset's header says of its values."""
    shape = messages.dataspace(body_of(headers, found, messages.DATASPACE, "shape")) or ()
    kinds = [message for message in found if message.kind == messages.DATATYPE]
    if not kinds:
        raise FormatError("its header does not say its dtype")
    kind = messages.kind_of(kinds[0], headers)
    storage = messages.storage(body_of(headers, found, messages.LAYOUT, "layout"))
    if storage.data is not None:
        return Layout(shape, kind, data=storage.data)
    if storage.chunk is not None:
        applied = [message for message in found if message.kind == messages.FILTERS]
        filters = tuple(messages.filters(Cursor(applied[0].body, headers))) if applied else ()
        index = partial(chunk_places, headers, storage.tree or 0, len(storage.chunk))
        chunks = Chunks(storage.chunk, filters, index, unread_index(headers, storage))
        return Layout(shape, kind, chunks=chunks, base=headers.base)
    return Layout(shape, kind, offset=None if storage.address is None else headers.base + storage.address)


def unread_index(headers: Headers, storage: messages.Storage) -> str:
    """Returns why pyfive cannot read where the chunks of a dataset lie, or an empty string."""
    if storage.newest:
        return "its chunks have an index of the newest HDF5 format: write the file again without libver='latest'"
    if storage.tree is None:
        return "they were never written"
    if headers.address_size != 8:
        return f"its chunks have addresses of {headers.address_size} bytes, which are not supported"
    return ""


def chunk_places(headers: Headers, tree: int, rank: int, most: int) -> Mapping[tuple[int, ...], ChunkPlace]:
    """Returns where at most so many chunks of a dataset lie, by the place of their first value."""
    places: Mapping[tuple[int, ...], ChunkPlace] = library().chunk_places(headers, tree, rank, most)
    return places


def attributes_of(headers: Headers, address: int, found: list[Message]) -> dict[str, Any]:
    """Returns the attributes of an object in the file's order."""
    for message in found:
        if message.kind == ATTRIBUTES and _heap_address(Cursor(message.body, headers), 2) is not None:
            return dict(library().attributes(headers, address))
    bodies = (Cursor(message.body, headers) for message in found if message.kind == messages.ATTRIBUTE)
    return dict(map(messages.attribute, bodies))


def members_of(headers: Headers, address: int, found: list[Message]) -> Iterator[tuple[str, Target]]:
    """Yields the members of a group in the file's order."""
    for message in found:
        body = Cursor(message.body, headers)
        if message.kind == GROUP:
            yield from _symbols(headers, body.address(), body.address())
        elif message.kind == LINK:
            yield _link(body)
        elif message.kind == LINKS and _heap_address(body, 8) is not None:
            yield from library().members(headers, address).items()


def _heap_address(body: Cursor, index_size: int) -> int | None:
    """Returns where the heap lies that has a group's links or an object's attributes; None where it has none."""
    body.take(1)
    if body.integer(1) & 1:
        body.take(index_size)
    return body.address()


def _link(body: Cursor) -> tuple[str, Target]:
    """Returns a member's name and where it is."""
    body.take(1)
    flags = body.integer(1)
    group = body.integer(1) if flags & 0x08 else HARD
    body.take((8 if flags & 0x04 else 0) + (1 if flags & 0x10 else 0))
    name = body.take(body.integer(1 << (flags & 3))).decode()
    if group == HARD:
        return name, body.address()
    return name, body.take(body.integer(2)).decode() if group == SOFT else None


def _symbols(headers: Headers, tree: int | None, heap: int | None) -> Iterator[tuple[str, Target]]:
    """Yields the members that a tree of symbol tables lists, with their names in a heap."""
    if tree is None or heap is None:
        return
    prefix = headers.read(heap, 8 + 3 * headers.length_size)
    prefix.expect(b"HEAP")
    prefix.take(4)
    size, _, place = prefix.length(), prefix.length(), prefix.address()
    names = headers.read(place or 0, size)
    for table in _tables(headers, tree):
        yield from _table(headers, table, names)


def _tables(headers: Headers, address: int) -> Iterator[int]:
    """Yields the addresses of the symbol tables below a node of a tree, in order."""
    prefix = headers.read(address, 8 + 2 * headers.address_size)
    prefix.expect(b"TREE\0")
    level, count = prefix.integer(1), prefix.integer(2)
    start = address + 8 + 2 * headers.address_size
    body = headers.read(start, count * (headers.length_size + headers.address_size))
    for _ in range(count):
        _, child = body.length(), body.address()
        if child is not None and level:
            yield from _tables(headers, child)
        elif child is not None:
            yield child


def _table(headers: Headers, address: int, names: Cursor) -> Iterator[tuple[str, Target]]:
    """Yields the members of one symbol table."""
    prefix = headers.read(address, 8)
    prefix.expect(b"SNOD\x01")
    prefix.take(1)
    count = prefix.integer(2)
    body = headers.read(address + 8, count * (2 * headers.address_size + 24))
    for _ in range(count):
        name, target, cached = body.length(), body.address(), body.integer(4)
        body.take(4)
        place = body.take(16)
        soft = cached == 2
        yield _text(names, name), _text(names, int.from_bytes(place[:4], "little")) if soft else target


def _text(names: Cursor, offset: int) -> str:
    """Returns a name in a heap; raises `ValueError` when it does not end."""
    return names.data[offset : names.data.index(b"\0", offset, offset + LONGEST_NAME)].decode()


def resolved(headers: Headers, target: Target, group: int, depth: int = 0) -> int:
    """Returns the address to which a member of a group leads; raises `FormatError` when it leads nowhere."""
    if isinstance(target, int):
        return target
    if target is None or depth > MOST_DEPTH:
        raise FormatError("it is a link that leads nowhere")
    address = headers.root if target.startswith("/") else group
    for name in filter(None, target.split("/")):
        members = dict(members_of(headers, address, list(headers.messages(address))))
        if name not in members:
            raise FormatError("it is a link that leads nowhere")
        address = resolved(headers, members[name], address, depth + 1)
    return address
