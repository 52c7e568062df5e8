"""The values of an HDF5 dataset: contiguous, compact in its header, or in chunks, which pyfive finds and unpacks.

No memory is taken for values before the bytes that stand for them are known to be there.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

from weightwise.errors import FormatError
from weightwise.formats.hdf5.messages import Kind
from weightwise.formats.hdf5.postponed import library
from weightwise.kernels.memory import empty
from weightwise.records import dataclass
from weightwise.source import Source

if TYPE_CHECKING:
    import numpy

DEFLATE, SHUFFLE, FLETCHER32 = 1, 2, 3
CHECKSUM = 4
"""Bytes that fletcher32 adds to a chunk."""
SMALLEST_ENTRY = 24
"""Bytes that an entry of a tree of chunks takes, and 8 more for each dimension."""
MOST_EXPANSION = 100
FREE_EXPANSION = 1 << 26
"""Compressed values may take this many bytes, or `MOST_EXPANSION` times the size of their file; weights never do."""


@dataclass(frozen=True)
class Chunks:
    """Values in equal blocks, each stored for itself; those at the far edges hang over."""

    shape: tuple[int, ...]
    """The shape of one block."""
    filters: tuple[int, ...]
    """What was done to each block, in this order, when it was written."""
    index: Callable[[int], Mapping[tuple[int, ...], ChunkPlace]]
    """Reads where at most so many blocks lie, by the place of their first value."""
    unread: str = ""
    """Why the index cannot be read, in words."""


@dataclasses.dataclass(frozen=True, slots=True)
class ChunkPlace:
    """Where one chunk lies."""

    offset: int
    """In bytes, from where the file's addresses start to count."""
    size: int
    mask: int
    """Bit i says that filter i was left out."""


@dataclass(frozen=True)
class Layout:
    """What a dataset's header says of its values. Only one of `offset`, `data`, `chunks` is given."""

    shape: tuple[int, ...]
    kind: Kind
    """The dtype as it is stored."""
    offset: int | None = None
    """Where contiguous values start in the source."""
    data: bytes | None = None
    """Compact values themselves."""
    chunks: Chunks | None = None
    base: int = 0
    """Where the addresses of the chunks start to count in the source."""

    @property
    def nbytes(self) -> int:
        """The size of the values in bytes."""
        return prod(self.shape) * self.kind.itemsize


def layout_problem(source: Source, layout: Layout) -> str:
    """Returns why the file cannot hold the values, or an empty string."""
    if layout.nbytes == 0:
        return ""
    if layout.offset is not None:
        there = max(0, source.size - layout.offset)
        return expectation(layout.nbytes, there, f"at byte {layout.offset:,}") if there < layout.nbytes else ""
    if layout.data is not None:
        there = len(layout.data)
        return expectation(layout.nbytes, there, "in its header") if there < layout.nbytes else ""
    if layout.chunks is None:
        return "they were never written"
    return chunks_problem(source, layout, layout.chunks)


def expectation(expected: int, there: int, place: str) -> str:
    """Returns the sentence of bytes that are missing."""
    return f"expected {expected:,} bytes {place}, found {there:,}"


def chunks_problem(source: Source, layout: Layout, chunks: Chunks) -> str:
    """Returns why the file cannot hold the values in these chunks, or an empty string."""
    if chunks.unread:
        return chunks.unread
    if len(chunks.shape) != len(layout.shape) or not all(chunks.shape):
        return f"chunks of {chunks.shape} do not divide an array of {layout.shape}"
    count = prod(chunk_counts(layout, chunks))
    unpacked = count * prod(chunks.shape) * layout.kind.itemsize
    if unpacked > max(FREE_EXPANSION, MOST_EXPANSION * source.size):
        return f"{unpacked:,} bytes of values in chunks are more than a file of {source.size:,} bytes can mean"
    if count * (SMALLEST_ENTRY + 8 * len(chunks.shape)) > source.size:
        return f"a file of {source.size:,} bytes has no room for {count:,} chunks"
    return filters_problem(chunks.filters)


def filters_problem(filters: Sequence[int]) -> str:
    """Returns why these filters cannot be undone, or an empty string."""
    unknown = set(filters) - {DEFLATE, SHUFFLE, FLETCHER32}
    if unknown:
        return f"the filter {min(unknown)} is not supported, only deflate, shuffle and fletcher32 are"
    return "a filter is applied twice" if len(set(filters)) < len(filters) else ""


def chunk_counts(layout: Layout, chunks: Chunks) -> tuple[int, ...]:
    """Returns how many chunks there are along each dimension."""
    return tuple(-(-size // step) for size, step in zip(layout.shape, chunks.shape, strict=True))


def read_values(source: Source, layout: Layout) -> numpy.ndarray:
    """Returns the values in the machine's byte order, bfloat16 as float32; raises `FormatError`."""
    import numpy

    problem = layout_problem(source, layout)
    if problem:
        raise FormatError(problem)
    if not layout.kind.code:
        raise FormatError(f"they are no numbers but {layout.kind.name}")
    stored = empty(layout.shape, numpy_dtype(layout.kind))
    if layout.chunks is not None and layout.nbytes:
        for place, block in blocks(source, layout, layout.chunks):
            stored[place] = block
    elif layout.data is not None:
        octets(stored)[:] = numpy.frombuffer(layout.data, "uint8", layout.nbytes)
    elif layout.offset is not None:
        source.read_into(layout.offset, octets(stored).data)
    return decoded(stored, layout.kind)


def octets(array: numpy.ndarray) -> numpy.ndarray:
    """Returns the memory of a contiguous array as bytes."""
    return array.reshape(-1).view("uint8")


def numpy_dtype(kind: Kind) -> str:
    """Returns how NumPy spells a stored dtype; for bfloat16, which it has not, whole numbers of the same bytes."""
    return f"{kind.code[0]}u2" if kind.name == "bfloat16" else f"{kind.code}{kind.itemsize}"


def decoded(stored: numpy.ndarray, kind: Kind) -> numpy.ndarray:
    """Returns the values that stored ones stand for."""
    if kind.name == "bfloat16":  # the upper half of a float32
        return (stored.astype("uint32") << 16).view("float32")
    return stored.astype(kind.name, copy=False)


def blocks(source: Source, layout: Layout, chunks: Chunks) -> Iterator[tuple[Any, numpy.ndarray]]:
    """Yields the place of each chunk in the array and its values there; raises `FormatError` when one is missing."""
    import numpy

    index = chunks.index(prod(chunk_counts(layout, chunks)))
    total = sum(entry.size for entry in index.values())
    if total > source.size:
        raise FormatError(f"its chunks say that they take {total:,} bytes of a file of {source.size:,}")
    for steps in numpy.ndindex(chunk_counts(layout, chunks)):
        start = tuple(step * size for step, size in zip(steps, chunks.shape, strict=True))
        if start not in index:
            raise FormatError(f"the chunk at {start} is missing")
        entry = index[start]
        # No name here keeps what was read: a chunk may be as large as the array.
        block = unfiltered(source.read(layout.base + entry.offset, entry.size), entry.mask, layout, chunks)
        ends = tuple(map(min, layout.shape, (at + size for at, size in zip(start, chunks.shape, strict=True))))
        place = tuple(map(slice, start, ends))
        yield place, block[tuple(slice(end - at) for at, end in zip(start, ends, strict=True))]


def unfiltered(raw: bytes, mask: int, layout: Layout, chunks: Chunks) -> numpy.ndarray:
    """Returns the values of one chunk; bit i of the mask says that filter i was left out."""
    import numpy

    itemsize = layout.kind.itemsize
    size = prod(chunks.shape) * itemsize
    for place, number in reversed(list(enumerate(chunks.filters))):
        if not mask >> place & 1:
            raw = library().undone(raw, number, itemsize, size + CHECKSUM)
    if len(raw) != size:
        raise FormatError(f"a chunk holds {len(raw):,} bytes instead of {size:,}")
    return numpy.frombuffer(raw, numpy_dtype(layout.kind)).reshape(chunks.shape)
