"""The values of an HDF5 dataset: contiguous, compact in its header, or in chunks that may be deflated and shuffled.

No memory is taken for values before the bytes that stand for them are known to be there.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import ceil, prod
from typing import TYPE_CHECKING, Any

from weightwise.errors import FormatError
from weightwise.formats.hdf5.headers import Headers, tree_node
from weightwise.formats.hdf5.messages import Kind
from weightwise.kernels.memory import empty
from weightwise.source import Source

if TYPE_CHECKING:
    import numpy

DEFLATE, SHUFFLE = 1, 2
SMALLEST_CHUNK = 24
"""Bytes that the shortest entry of a chunk index takes."""
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
    index: Callable[[], Mapping[tuple[int, ...], ChunkPlace]]
    """Reads where the blocks lie, by the place of their first value."""
    newest: bool = False
    """Whether the index is one of the newest format's."""


@dataclass(frozen=True)
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
    if chunks.newest:
        return "its chunks have an index of the newest HDF5 format, which is not supported"
    most = max(FREE_EXPANSION, MOST_EXPANSION * source.size)
    if len(chunks.shape) != len(layout.shape) or not all(chunks.shape):
        return f"chunks of {chunks.shape} do not divide an array of {layout.shape}"
    if max(layout.nbytes, prod(chunks.shape) * layout.kind.itemsize) > most:
        return f"{layout.nbytes:,} bytes of values are more than a file of {source.size:,} bytes can mean"
    if prod(chunk_counts(layout, chunks)) * SMALLEST_CHUNK > source.size:
        return f"a file of {source.size:,} bytes has no room for {prod(chunk_counts(layout, chunks)):,} chunks"
    unknown = set(chunks.filters) - {DEFLATE, SHUFFLE}
    return f"the filter {min(unknown)} is not supported, only deflate and shuffle are" if unknown else ""


def chunk_places(headers: Headers, address: int | None, rank: int) -> dict[tuple[int, ...], ChunkPlace]:
    """Returns where the chunks lie that a tree lists, by the place of their first value; raises `FormatError`."""
    if address is None:
        return {}
    level, children = tree_node(headers, address, 1, 8 + 8 * (rank + 1))
    places: dict[tuple[int, ...], ChunkPlace] = {}
    for key, child in children:
        if level:
            places |= chunk_places(headers, child, rank)
            continue
        size, mask = key.integer(4), key.integer(4)
        places[tuple(key.integer(8) for _ in range(rank))] = ChunkPlace(child, size, mask)
    return places


def chunk_counts(layout: Layout, chunks: Chunks) -> tuple[int, ...]:
    """Returns how many chunks there are along each dimension."""
    return tuple(ceil(size / step) for size, step in zip(layout.shape, chunks.shape, strict=True))


def read_values(source: Source, layout: Layout) -> numpy.ndarray:
    """Returns the values in the machine's byte order, bfloat16 as float32; raises `FormatError`."""
    import numpy

    problem = layout_problem(source, layout)
    if problem:
        raise FormatError(problem)
    if not layout.kind.code:
        raise FormatError(f"they are no numbers but {layout.kind.name}")
    stored = empty(layout.shape, numpy_dtype(layout.kind))
    if layout.chunks is not None:
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

    index = chunks.index()
    for steps in numpy.ndindex(chunk_counts(layout, chunks)):
        start = tuple(step * size for step, size in zip(steps, chunks.shape, strict=True))
        if start not in index:
            raise FormatError(f"the chunk at {start} is missing")
        entry = index[start]
        raw = source.read(layout.base + entry.offset, entry.size)
        block = unfiltered(raw, entry.mask, layout, chunks)
        ends = tuple(map(min, layout.shape, (at + size for at, size in zip(start, chunks.shape, strict=True))))
        place = tuple(map(slice, start, ends))
        yield place, block[tuple(slice(end - at) for at, end in zip(start, ends, strict=True))]


def unfiltered(raw: bytes, mask: int, layout: Layout, chunks: Chunks) -> numpy.ndarray:
    """Returns the values of one chunk; bit i of the mask says that filter i was left out."""
    import numpy

    size = prod(chunks.shape) * layout.kind.itemsize
    applied = [name for place, name in enumerate(chunks.filters) if not mask >> place & 1]
    for name in reversed(applied):
        raw = inflated(raw, size) if name == DEFLATE else unshuffled(raw, layout.kind.itemsize)
    if len(raw) != size:
        raise FormatError(f"a chunk holds {len(raw):,} bytes instead of {size:,}")
    return numpy.frombuffer(raw, numpy_dtype(layout.kind)).reshape(chunks.shape)


def inflated(raw: bytes, size: int) -> bytes:
    """Returns deflated bytes unpacked, one more than `size` at most; raises `zlib.error`."""
    return zlib.decompressobj().decompress(raw, size + 1)


def unshuffled(raw: bytes, itemsize: int) -> bytes:
    """Returns values whose first bytes were stored together, then their second bytes and so on."""
    import numpy

    whole = len(raw) // itemsize * itemsize
    return numpy.frombuffer(raw, "uint8", whole).reshape(itemsize, -1).T.tobytes() + raw[whole:]
