"""Values that lie in one run of bytes, as most formats store them."""

from __future__ import annotations

from functools import partial
from math import prod
from typing import TYPE_CHECKING

from weightwise.errors import FormatError, UnsupportedError
from weightwise.formats.dtypes import BITS, code_dtype, decoded
from weightwise.kernels.memory import empty
from weightwise.source import Source
from weightwise.stored import StoredArray

if TYPE_CHECKING:
    import numpy

NIBBLE = 4


def contiguous(
    source: Source,
    path: str,
    shape: tuple[int, ...],
    dtype: str,
    offset: int,
    *,
    key: str = "",
    order: str = "<",
    axes: str = "",
    bits: int = 0,
) -> StoredArray:
    """Returns an array whose values lie from `offset` of a source on, the last dimension running fastest.

    `order` is the order of the bytes of one value, `<` or `>`; `bits` says how far apart values lie (8 for an int4 that
    takes a whole byte), where that is not what the dtype needs. Nothing is read or checked before values are asked for.
    """
    bits = bits or BITS[dtype]
    whole_bytes = bits % 8 == 0 and source.start is not None
    return StoredArray(
        path,
        key or path,
        shape,
        dtype,
        (prod(shape) * bits + 7) // 8,
        partial(values, source, path, shape, dtype, offset, order, bits),
        file=source.name,
        offset=source.start + offset if whole_bytes and source.start is not None else None,
        run=partial(part, source, path, dtype, offset, order, bits),
        order=order,
        axes=axes,
    )


def unreadable(file: str, path: str, shape: tuple[int, ...], dtype: str, nbytes: int, why: str) -> StoredArray:
    """Returns an array whose values cannot be told; `read` raises `FormatError` with the reason."""

    def read() -> numpy.ndarray:
        raise FormatError(f"{file}: the values of {path} cannot be read: {why}.")

    return StoredArray(path, path, shape, dtype, nbytes, read, file=file)


def values(
    source: Source, path: str, shape: tuple[int, ...], dtype: str, offset: int, order: str, bits: int
) -> numpy.ndarray:
    """Returns all values; raises `FormatError` when the file does not hold them whole."""
    return part(source, path, dtype, offset, order, bits, 0, prod(shape)).reshape(shape)


def part(
    source: Source, path: str, dtype: str, offset: int, order: str, bits: int, start: int, count: int
) -> numpy.ndarray:
    """Returns so many values from a place on; raises `FormatError` when the file does not hold them."""
    if bits % 8 and bits != NIBBLE:
        raise UnsupportedError(
            f"{source.name}: the values of {path} are packed in {bits} bits each; only 4 can be read."
        )
    first, last = start * bits // 8, ((start + count) * bits + 7) // 8
    there = max(0, source.size - offset)
    if last > there:
        raise FormatError(
            f"{source.name}: the values of {path} cannot be read: expected {last:,} bytes at byte "
            f"{(source.start or 0) + offset:,}, found {there:,}; get the file again."
        )
    if bits == NIBBLE:
        return decoded(nibbles(source.read(offset + first, last - first))[start % 2 :][:count], dtype)
    return decoded(codes(source, offset + first, count, order + code_dtype(dtype)), dtype)


def codes(source: Source, offset: int, count: int, kind: str) -> numpy.ndarray:
    """Returns what is stored for so many values; `kind` is the order of the bytes and NumPy's name: `<float32`."""
    import numpy

    stored = empty(count, numpy.dtype(kind[1:]).newbyteorder(">" if kind[0] == ">" else "<"))
    source.read_into(offset, stored.view("uint8").data)
    return stored


def nibbles(packed: bytes) -> numpy.ndarray:
    """Returns the halves of bytes, the lower one first."""
    import numpy

    both = numpy.frombuffer(packed, "uint8")
    return numpy.stack((both & 15, both >> 4), axis=-1).reshape(-1)
