"""The bytes of arrays as files hold them, in C order and each value in whole bytes, made while others are written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from math import prod
from typing import IO, TYPE_CHECKING, Literal, TypeVar

from weightwise.formats.dtypes import BITS, NUMPY, encoded
from weightwise.kernels.ahead import MANY, ahead
from weightwise.kernels.contiguous import copy, pieces
from weightwise.kernels.memory import Memory
from weightwise.source import Source
from weightwise.stored import StoredArray

if TYPE_CHECKING:
    import numpy

Block = bytes | memoryview
T = TypeVar("T", bytes, memoryview, Block)
SLAB = 8 << 20
"""So many bytes of an array are made at once."""


def size_of(array: StoredArray) -> int:
    """Returns how many bytes the values take; those of less than 8 bits take a byte each."""
    return prod(array.shape) * itemsize(array.dtype)


def itemsize(dtype: str) -> int:
    """Returns how many bytes a value takes.

    >>> itemsize("bfloat16"), itemsize("int4")
    (2, 1)
    """
    return -(-BITS[dtype] // 8)


class Octets:
    """Makes the bytes of arrays a slab at a time, in memory that is used again when they were written."""

    def __init__(self, position: int) -> None:
        """Begins at a byte of a file."""
        self.position = position
        """Where the next block will lie in the file."""
        self.memory = Memory(MANY + 5)
        """For those that wait, one that is made, and those that are counted, wait again, are written, and just were."""

    def counted(self, blocks: Iterable[T]) -> Iterator[T]:
        """Yields blocks of a file, one after the other, and keeps count of their bytes."""
        for block in blocks:
            self.position += len(block)
            yield block

    def of(self, array: StoredArray) -> Iterator[memoryview]:
        """Yields the bytes of an array, little-endian; raises as `values_of` and `of_values` do."""
        yield from self.of_values(values_of(array.path, array.shape, array.read, array.apart), array.dtype)

    def of_values(self, values: numpy.ndarray, dtype: str, order: Literal["<", ">"] = "<") -> Iterator[memoryview]:
        """Yields the bytes of values of a dtype in a byte order; raises `ValueError` for a value that it does not have.

        They share no memory with the values, which may go when the last bytes have been made.
        """
        import numpy

        alike = dtype in NUMPY and values.dtype == numpy.dtype(dtype)
        for piece in pieces(values, SLAB):
            codes = piece if alike else encoded(piece, dtype)
            kind = codes.dtype.newbyteorder(order)
            room = self.memory.lent(codes.size * kind.itemsize, self.position)
            copy(codes, room.view(kind).reshape(codes.shape))
            yield room.data

    def of_source(self, source: Source, start: int, end: int) -> Iterator[memoryview]:
        """Yields bytes of a file as they are; none where `end` is not behind `start`."""
        for position in range(start, end, SLAB):
            room = self.memory.lent(min(SLAB, end - position), self.position)
            source.read_into(position, room.data)
            yield room.data


def values_of(
    name: str,
    shape: tuple[int, ...],
    values: Callable[[], numpy.ndarray],
    apart: Callable[[], numpy.ndarray] | None,
) -> numpy.ndarray:
    """Returns the values of an array, of more dimensions where that saves a copy.

    Raises `ValueError` for values of another shape than was announced.
    """
    found = (apart or values)()
    if found.shape != shape and (apart is None or found.size != prod(shape)):
        raise ValueError(f"{name}: expected values of {shape}, found {found.shape}.")
    return found


def write_ahead(file: IO[bytes], blocks: Callable[[Octets], Iterable[Block]], start: int = 0) -> None:
    """Writes blocks one after the other, which are made in a thread while those before are written.

    `start` is where the first will lie in the file on the disk.
    """
    octets = Octets(start)
    file.writelines(ahead(octets.counted(blocks(octets))))
