"""A copy of a file in which arrays have other values; every other byte is as it was.

The copy is written in one pass, in the order of the bytes: what lies between the arrays from the file, and the arrays
from whoever has their values, a slab at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import BufferedRandom
from pathlib import Path
from typing import TYPE_CHECKING

from weightwise.errors import UnsupportedError
from weightwise.formats.checksums import checksums, mend
from weightwise.formats.dtypes import BITS, NUMPY, encoded, read_as
from weightwise.formats.durable import whole
from weightwise.kernels.ahead import ahead
from weightwise.kernels.contiguous import slabs
from weightwise.source import Source, open_source
from weightwise.stored import StoredArray

if TYPE_CHECKING:
    import numpy

SLAB = 1 << 23
"""So many bytes are converted at once."""
INSTEAD = "save it without compression and in one file, or write to a new file such as -o OUT.safetensors"


@dataclass(frozen=True)
class Place:
    """A run of bytes in a file, and the array whose values are to lie there."""

    start: int
    end: int
    array: StoredArray
    values: Callable[[], numpy.ndarray]


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
    members = list(checksums(source, runs))
    with whole(out) as file:
        write(file, source, places)
        for checksum in members:
            mend(file, checksum)


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


def write(file: BufferedRandom, source: Source, places: Sequence[Place]) -> None:
    """Writes the copy; raises `UnsupportedError` for arrays that share bytes and would get different values."""
    reached, owner = 0, ""
    for place in places:
        copy(file, source, reached, place.start)
        if not fill(file, place, reached):
            raise UnsupportedError(
                f"{place.array.file}: {owner} and {place.array.path} share bytes, and would get different values; give "
                "them the same, or write to a new file such as -o OUT.safetensors."
            )
        if place.end > reached:
            reached, owner = place.end, place.array.path
    copy(file, source, reached, source.size)


def fill(file: BufferedRandom, place: Place, reached: int) -> bool:
    """Writes the values of an array from the byte `reached` on; returns whether those before are what is there."""
    position = place.start
    file.seek(position)
    for codes in coded(place):
        there = max(0, min(reached - position, codes.nbytes))
        if file.read(there) != codes[:there].data:
            return False
        file.write(codes[there:].data)
        position += codes.nbytes
    file.seek(max(reached, place.end))
    return True


def copy(file: BufferedRandom, source: Source, start: int, end: int) -> None:
    """Writes a part of a file as it is, where `end` is behind `start`."""
    buffer = memoryview(bytearray(max(0, min(SLAB, end - start))))
    for position in range(start, end, SLAB):
        part = buffer[: end - position]
        source.read_into(position, part)
        file.write(part)


def coded(place: Place) -> Iterator[numpy.ndarray]:
    """Yields the bytes of an array slab by slab; raises `ValueError` for values of another shape or dtype."""
    import numpy

    array = place.array
    values = (array.apart or place.values)()
    expected = numpy.dtype(read_as(array.dtype))
    fits = values.shape == array.shape or (array.apart is not None and values.size == array.size)
    if not fits or values.dtype.newbyteorder("=") != expected:
        found = f"{values.dtype} {values.shape}"
        raise ValueError(f"{array.path}: expected values of {expected} {array.shape}, found {found}.")
    yield from ahead(ordered(slab, array) for slab in slabs(values, SLAB))


def ordered(slab: numpy.ndarray, array: StoredArray) -> numpy.ndarray:
    """Returns the bytes of values in the byte order of the file."""
    import numpy

    codes = slab if array.dtype in NUMPY else encoded(slab, array.dtype)
    kind = codes.dtype.newbyteorder(">" if array.order == ">" else "<")
    return numpy.ascontiguousarray(codes, kind).reshape(-1).view("uint8")
