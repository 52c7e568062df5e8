"""The structure of an HDF5 file, read with pyfive and kept in bounds.

pyfive trusts what a file says of itself. So it gets a `HeaderFile`, which refuses reads beyond the end and counts what
was read: a damaged file whose parts refer to each other in circles ends in an error. Memory that pyfive would take for
what a header promises is refused here before it does (`BoundedObjects`).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pyfive
from pyfive.btree import BTreeV1Groups
from pyfive.dataobjects import DataObjects
from pyfive.misc_low_level import Heap, SymbolTable

from weightwise.errors import FormatError, WeightwiseError
from weightwise.formats.hdf5_values import Chunks, Layout, layout_problem, read_values
from weightwise.source import Source, SourceFile
from weightwise.stored import StoredArray

if TYPE_CHECKING:
    import numpy

UNDEFINED = 0xFFFF_FFFF_FFFF_FFFF
"""The address of what was never written."""
COMPACT, CHUNKED = 0, 2
MOST_HEADER_BYTES = 1 << 28
MOST_READS = 5_000_000
MOST_DEPTH = 64
LONGEST_NAME = 4096
SMALLEST_OBJECT = 40
"""Bytes that the shortest object header and the link to it take."""


class HeaderFile(SourceFile):
    """The file as pyfive sees it: reads are whole or refused, and all together they have an end."""

    def __init__(self, source: Source) -> None:
        """Starts at the first byte, with a budget that no sound file exceeds."""
        super().__init__(source)
        self._bytes = min(8 * source.size + (1 << 20), MOST_HEADER_BYTES)
        self._reads = min(source.size // 16 + 20_000, MOST_READS)

    def read(self, size: int = -1) -> bytes:
        """Returns `size` bytes; raises `FormatError` when they are not there or the file goes round in circles."""
        self.source.check(self.position, size)
        self._bytes -= size
        self._reads -= 1
        if self._bytes < 0 or self._reads < 0:
            raise FormatError("its parts refer to each other in circles")
        return super().read(size)


class BoundedHeap(Heap):  # type: ignore[misc]  # pyfive ships no types
    """The names of a group's members: pyfive would take any number of bytes up to the next zero for a name."""

    def get_object_name(self, offset: int) -> bytes:
        """Returns the name at an offset; raises `ValueError` when it does not end."""
        return bytes(self.data[offset : self.data.index(b"\0", offset, offset + LONGEST_NAME)])


class BoundedObjects(DataObjects):  # type: ignore[misc]  # pyfive ships no types
    """The header of one object."""

    def _attr_value(self, ptype: Any, buf: bytes, count: int, offset: int) -> Any:
        """Returns the values of an attribute: pyfive would take memory for as many as the header says."""
        if count > len(buf):
            raise FormatError(f"an attribute says that it has {count:,} values")
        return super()._attr_value(ptype, buf, count, offset)

    def _iter_links_btree_v1(self, btree_address: int, heap_address: int) -> Iterator[tuple[str, int | str]]:
        """Yields the members of a group, as pyfive does, with names of a bounded length."""
        heap = BoundedHeap(self.fh, heap_address)
        for address in BTreeV1Groups(self.fh, btree_address).symbol_table_addresses():
            table = SymbolTable(self.fh, address)
            table.assign_name(heap)
            yield from table.get_links(heap).items()


class BoundedFile(pyfive.File):  # type: ignore[misc]  # pyfive ships no types
    """A file whose objects are bounded."""

    def _get_dataobjects(self, obj_addr: int) -> BoundedObjects:
        """Returns the header at an address, read once."""
        if obj_addr not in self._dataobjects_cache:
            heaps = self._global_heaps
            self._dataobjects_cache[obj_addr] = BoundedObjects(self._fh, obj_addr, global_heaps=heaps)
        return self._dataobjects_cache[obj_addr]  # type: ignore[no-any-return]  # pyfive ships no types


def walked(source: Source) -> Walk:
    """Returns a pass over the whole file; raises `FormatError` when not even the root can be read."""
    walk = Walk(source)
    with damage(source, "the root group"):
        root = BoundedFile(HeaderFile(source))
    walk.base = root.userblock_size
    walk.visit(root, "", ())
    return walk


@contextmanager
def damage(source: Source, thing: str) -> Iterator[None]:
    """Turns whatever pyfive meets in damaged bytes into one `FormatError` that names the file and the thing."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pyfive warns of what it cannot read; the value that is missing tells it
            yield
    except Exception as error:  # pyfive checks little: damaged bytes end in any exception that Python has
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

    source: Source
    base: int = 0
    """Where HDF5's own addresses start in the file."""
    attributes: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    arrays: dict[str, StoredArray] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def visit(self, group: pyfive.Group, path: str, above: tuple[int, ...]) -> None:
        """Collects a group and everything below it; `above` are the addresses of the groups that it is in."""
        try:
            with damage(self.source, f"the attributes of the group {path or '/'}"):
                self.attributes[path] = {name: plain(value) for name, value in group.attrs.items()}
        except FormatError as error:
            self.problems.append(str(error))
            self.attributes[path] = {}
        addresses = (*above, address(group))
        for name in group:
            try:
                self.enter(group, name, f"{path}/{name}".lstrip("/"), addresses)
            except FormatError as error:
                self.problems.append(str(error))

    def enter(self, group: pyfive.Group, name: str, path: str, above: tuple[int, ...]) -> None:
        """Collects one member of a group; raises `FormatError`."""
        with damage(self.source, f"the object {path}"):
            self.check_bounds(name, above)
            member = group.get_lazy_view(name)
            if isinstance(member, pyfive.Dataset):
                self.add(member, path)
            elif member is None:
                raise FormatError("it is a link that leads nowhere")
            elif isinstance(member, pyfive.Group) and address(member) in above:
                raise FormatError("it is a group that it is in itself")
        if isinstance(member, pyfive.Group):
            self.visit(member, path, above)

    def check_bounds(self, name: str, above: tuple[int, ...]) -> None:
        """Raises `FormatError` for a member that no sound file has."""
        if not name or name == "." or "/" in name:
            raise FormatError("that is no name of a member")
        if len(above) > MOST_DEPTH or len(self.attributes) + len(self.arrays) > self.source.size // SMALLEST_OBJECT:
            raise FormatError("more objects contain each other than the file has room for")

    def add(self, dataset: pyfive.Dataset, path: str) -> None:
        """Collects a dataset; a problem is noted when the file cannot hold its values."""
        layout = dataset_layout(dataset, self.base)
        start = self.source.start if layout.offset is not None else None
        self.arrays[path] = StoredArray(
            path=path,
            key=path,
            shape=layout.shape,
            dtype=layout.dtype,
            nbytes=layout.nbytes,
            read=partial(values, self.source, path, layout),
            file=self.source.name,
            offset=None if start is None or layout.offset is None else start + layout.offset,
            run=None if layout.offset is None else partial(run, self.source, path, layout, layout.offset),
        )
        problem = layout_problem(self.source, layout)
        if problem:
            self.problems.append(f"{self.source.name}: the values of {path} cannot be read: {problem}.")


def address(group: pyfive.Group) -> int:
    """Returns where the header of a group lies."""
    return int(group._dataobjects.offset)


def values(source: Source, path: str, layout: Layout) -> numpy.ndarray:
    """Returns the values of a dataset; raises `FormatError` when the file does not hold them whole."""
    with damage(source, f"the values of {path}"):
        return read_values(source, layout)


def run(source: Source, path: str, layout: Layout, offset: int, start: int, count: int) -> numpy.ndarray:
    """Returns so many values from a place on, of a dataset that lies at `offset`; raises `FormatError`."""
    return values(source, path, replace(layout, shape=(count,), offset=offset + start * layout.kind.itemsize))


def dataset_layout(dataset: pyfive.Dataset, base: int) -> Layout:
    """Returns what a dataset's header says of its values; `base` is where HDF5's addresses start in the file."""
    storage = dataset.id
    described = partial(Layout, tuple(map(int, dataset.shape)), dataset.dtype, dtype_name(dataset.dtype), base=base)
    if storage.layout_class == COMPACT:
        return described(data=dataset[()].tobytes())
    if storage.layout_class == CHUNKED:
        filters = tuple(int(entry["filter_id"]) for entry in storage.filter_pipeline or ())
        chunks = Chunks(tuple(map(int, dataset.chunks)), filters, lambda: storage.index)
        return described(chunks=chunks)
    written = storage.data_offset != UNDEFINED
    return described(offset=base + storage.data_offset if written else None)


def dtype_name(kind: numpy.dtype) -> str:
    """Returns the dtype's name; two opaque bytes are bfloat16, the only NumPy dtype that h5py writes so."""
    if kind.kind == "V" and kind.itemsize == 2 and kind.fields is None:
        return "bfloat16"
    metadata: Mapping[str, Any] = kind.metadata or {}
    if set(metadata.get("enum", ())) == {"FALSE", "TRUE"}:
        return "bool"
    return str(kind.name)


def plain(value: Any) -> Any:
    """Returns an attribute in Python's own types: text as `str`, an array as a list, nothing as None."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, bytes):
        return decoded(value)
    return value if isinstance(value, str | int | float) else None


def decoded(value: bytes) -> str | bytes:
    """Returns UTF-8 as text, and other bytes as they are."""
    try:
        return value.rstrip(b"\0").decode()
    except UnicodeDecodeError:
        return value
