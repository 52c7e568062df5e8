"""The bytes of an array's values as most files hold them: little-endian, in C order, each value in whole bytes."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING

from weightwise.formats.dtypes import BITS, encoded
from weightwise.stored import StoredArray

if TYPE_CHECKING:
    import numpy

SLAB = 1 << 24
"""So many bytes are converted at once."""


def size_of(array: StoredArray) -> int:
    """Returns how many bytes the values take; those of less than 8 bits take a byte each."""
    return prod(array.shape) * itemsize(array.dtype)


def itemsize(dtype: str) -> int:
    """Returns how many bytes a value takes.

    >>> itemsize("bfloat16"), itemsize("int4")
    (2, 1)
    """
    return -(-BITS[dtype] // 8)


def octets(array: StoredArray) -> Iterator[memoryview]:
    """Yields the bytes of an array slab by slab.

    Raises `ValueError` for values of another shape than was announced, or that the dtype does not have.
    """
    values = array.read()
    if values.shape != array.shape:
        raise ValueError(f"{array.path}: expected values of {array.shape}, found {values.shape}.")
    for slab in slabs(values, SLAB):
        yield encoded(slab, array.dtype).reshape(-1).view("uint8").data


def slabs(values: numpy.ndarray, nbytes: int) -> Iterator[numpy.ndarray]:
    """Yields parts of values in their order, of at most so many bytes where one value is not larger."""
    if values.nbytes <= nbytes or not values.ndim:
        yield values
        return
    rows = max(1, nbytes * len(values) // values.nbytes)
    for start in range(0, len(values), rows):
        part = values[start : start + rows]
        yield from slabs(part[0], nbytes) if len(part) == 1 else (part,)
