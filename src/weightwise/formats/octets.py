"""The bytes of an array's values as most files hold them: little-endian, in C order, each value in whole bytes."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from weightwise.formats.dtypes import BITS, encoded
from weightwise.kernels.ahead import ahead
from weightwise.kernels.contiguous import slabs
from weightwise.stored import StoredArray


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
    values = (array.apart or array.read)()
    if values.shape != array.shape and (array.apart is None or values.size != array.size):
        raise ValueError(f"{array.path}: expected values of {array.shape}, found {values.shape}.")
    for codes in ahead(encoded(slab, array.dtype).reshape(-1).view("uint8") for slab in slabs(values)):
        yield codes.data
