"""A copy of a file in which arrays have other values; every other byte is as it was.

The copy is written in one pass, in the order of the bytes: what lies between the arrays from the file, and the arrays
from whoever has their values, a slab at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from io import BufferedRandom
from pathlib import Path
from typing import TYPE_CHECKING

from weightwise.errors import UnsupportedError
from weightwise.formats.checksums import Sums, checksums
from weightwise.formats.dtypes import BITS, read_as
from weightwise.formats.durable import whole
from weightwise.formats.octets import Octets, values_of
from weightwise.kernels.ahead import ahead
from weightwise.records import dataclass
from weightwise.source import Source, open_source
from weightwise.stored import StoredArray

if TYPE_CHECKING:
    import numpy

INSTEAD = "save it without compression and in one file, or write to a new file such as -o OUT.safetensors"


@dataclass(frozen=True)
class Place:
    """A run of bytes in a file, and the array whose values are to lie there."""

    start: int
    end: int
    array: StoredArray
    values: Callable[[], numpy.ndarray]


@dataclass(frozen=True)
class Part:
    """Bytes of the copy, those of an array or of the file between arrays."""

    start: int
    block: memoryview
    array: StoredArray | None = None
    shared: int = 0
    """How many of its first bytes arrays before have, too."""

    @property
    def end(self) -> int:
        """Where the next part begins."""
        return self.start + len(self.block)


def overwrite(
    path: str | Path, out: str | Path, arrays: Sequence[tuple[StoredArray, Callable[[], numpy.ndarray]]]
) -> None:
    """Writes a copy of the file at `path` as `out`, which may be the same, with other values for arrays of it.

    The values of an array have its shape and the dtype that `array.read` returns; they are asked for once, when their
    turn has come. Arrays that share bytes must agree on them. Raises `UnsupportedError` for an array that
    does not lie in one run of bytes of the file, and `UnwritableError`; then `out` is as it was.
    """
    places = placed(str(path), arrays)
    source = open_source(path)
    runs = [(place.start, place.end) for place in places]
    for start, end in runs:
        source.check(start, end - start)
    sums = Sums(list(checksums(source, runs)))
    copy = ahead(parts(Octets(0), source, places))
    if sums.found:
        copy = ahead(summed(copy, sums), 1)
    with whole(out) as file:
        write(file, copy)
        sums.mend(file)


def placed(path: str, arrays: Sequence[tuple[StoredArray, Callable[[], numpy.ndarray]]]) -> list[Place]:
    """Returns where the values go, in the order of the bytes; raises `UnsupportedError`."""
    places = [place(path, array, values) for array, values in arrays if array.size]
    return sorted(places, key=lambda place: (place.start, -place.end))


def place(path: str, array: StoredArray, values: Callable[[], numpy.ndarray]) -> Place:
    """Returns where the values of an array go; raises `UnsupportedError` when that is no run of bytes of the file."""
    if array.made:
        raise UnsupportedError(f"{path}: {array.path} cannot be overwritten: {array.made}; {INSTEAD}.")
    if array.file != path and not array.file.startswith(f"{path}!"):
        where = f"in {array.file}" if array.file else "in no file"
        raise UnsupportedError(f"{path}: {array.path} cannot be overwritten: its values lie {where}; {INSTEAD}.")
    if array.dtype not in BITS:
        raise UnsupportedError(f"{path}: {array.path} cannot be overwritten: values of {array.dtype} are no numbers.")
    if array.offset is None:
        raise UnsupportedError(
            f"{path}: {array.path} cannot be overwritten: its values are compressed, in pieces, or not in one run of "
            f"bytes in their order; {INSTEAD}."
        )
    return Place(array.offset, array.offset + array.nbytes, array, values)


def write(file: BufferedRandom, copy: Iterable[Part]) -> None:
    """Writes the copy; raises `UnsupportedError` for arrays that share bytes and would get different values."""
    reached, owner = 0, None
    for part in copy:
        if part.shared:
            check_shared(file, part, owner)
        file.write(part.block[part.shared :])
        if part.end > reached:
            reached, owner = part.end, part.array


def check_shared(file: BufferedRandom, part: Part, owner: StoredArray | None) -> None:
    """Raises `UnsupportedError` when the shared bytes of a part are not those that are there; goes to those behind."""
    file.seek(part.start)
    if part.array and owner and file.read(part.shared) != part.block[: part.shared]:
        raise UnsupportedError(
            f"{part.array.file}: {owner.path} and {part.array.path} share bytes, and would get different values; give "
            "them the same, or write to a new file such as -o OUT.safetensors."
        )
    file.seek(part.start + part.shared)


def summed(copy: Iterable[Part], sums: Sums) -> Iterator[Part]:
    """Yields the parts of the copy, whose bytes are counted, those that arrays share once."""
    for part in copy:
        sums.add(part.start + part.shared, part.block[part.shared :])
        yield part


def parts(octets: Octets, source: Source, places: Sequence[Place]) -> Iterator[Part]:
    """Yields the copy part by part; those of arrays that share bytes overlap."""
    reached = 0
    for place in places:
        yield from kept(octets, source, reached, place.start)
        octets.position = place.start
        for block in octets.counted(values(octets, place)):
            start = octets.position - len(block)
            yield Part(start, block, place.array, max(0, min(reached - start, len(block))))
        reached = max(reached, place.end)
    yield from kept(octets, source, reached, source.size)


def kept(octets: Octets, source: Source, start: int, end: int) -> Iterator[Part]:
    """Yields a part of a file as it is; nothing where `end` is not behind `start`."""
    octets.position = start
    for block in octets.counted(octets.of_source(source, start, end)):
        yield Part(octets.position - len(block), block)


def values(octets: Octets, place: Place) -> Iterator[memoryview]:
    """Yields the bytes of an array slab by slab; raises `ValueError` for values of another shape or dtype."""
    import numpy

    array = place.array
    found = values_of(array.path, array.shape, place.values, array.apart)
    expected = numpy.dtype(read_as(array.dtype))
    if found.dtype.newbyteorder("=") != expected:
        raise ValueError(f"{array.path}: expected values of {expected}, found {found.dtype}.")
    yield from octets.of_values(found, array.dtype, ">" if array.order == ">" else "<")
