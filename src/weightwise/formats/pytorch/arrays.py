"""The values of PyTorch's tensors: views of storages, contiguous or with any strides.

Only the bytes between a view's first and last element are read, and a view that reaches beyond its storage is refused.
"""

from __future__ import annotations

from functools import partial
from math import prod
from typing import TYPE_CHECKING

from weightwise.errors import FormatError, UnsupportedError
from weightwise.formats.contiguous import codes, contiguous
from weightwise.formats.dtypes import BITS, code_dtype, decoded
from weightwise.formats.pytorch.values import QUANTIZED, Tensor
from weightwise.source import Source
from weightwise.stored import StoredArray

if TYPE_CHECKING:
    import numpy

MOST_DIMENSIONS = 64
LARGEST = 1 << 62
MOST_EXPANSION = 100
FREE_EXPANSION = 1 << 26
"""An expanded view may have this many bytes, or `MOST_EXPANSION` times the size of its storage."""
PACKED = {"quint4x2": 4, "quint2x4": 2, "complex32": 32}
"""Bits of values that are not read."""


def stored_array(tensor: Tensor, path: str) -> StoredArray:
    """Returns a tensor as an array; raises `FormatError` with the reason when it contradicts itself or its storage."""
    shape, strides, offset = placed(tensor)
    name = QUANTIZED.get(tensor.dtype, tensor.dtype)
    storage = tensor.storage
    if storage is None:
        return unreadable(path, shape, name, "the file says its shape alone (device meta)")
    if storage.source is None:
        raise FormatError(f"{path}: its storage {storage.key!r:.40} is not there: {storage.problem}")
    if name not in BITS:
        return unreadable(path, shape, name, f"values of dtype {name} are not read", storage.source)
    itemsize = max(8, BITS[name]) // 8  # an int4 of PyTorch takes a whole byte
    check_end(path, shape, strides, offset, itemsize, storage.source)
    if is_contiguous(shape, strides):
        place = offset * itemsize
        return contiguous(storage.source, path, shape, name, place, order=storage.order, bits=itemsize * 8)
    size = prod(shape) * itemsize
    if size > max(FREE_EXPANSION, MOST_EXPANSION * storage.source.size):
        return unreadable(
            path, shape, name, f"{size:,} bytes of a storage of {storage.source.size:,} bytes", storage.source
        )
    read = partial(strided, storage.source, shape, strides, offset, name, storage.order)
    return StoredArray(path, path, shape, name, size, read, file=storage.source.name)


def placed(tensor: Tensor) -> tuple[tuple[int, ...], tuple[int, ...], int]:
    """Returns a view's shape, strides and offset in elements; raises `FormatError` when they are none."""
    shape, strides = sizes(tensor.shape), sizes(tensor.strides)
    if len(shape) != len(strides):
        raise FormatError(f"a shape of {len(shape)} dimensions with {len(strides)} strides")
    (offset,) = sizes((tensor.offset,))
    if prod(shape) > LARGEST:
        raise FormatError(f"a shape of {prod(shape):,} values")
    return shape, strides, offset


def sizes(found: object) -> tuple[int, ...]:
    """Returns numbers of elements; raises `FormatError` when they are none."""
    if not isinstance(found, (tuple, list)) or len(found) > MOST_DIMENSIONS:
        raise FormatError(f"expected at most {MOST_DIMENSIONS} sizes, found {type(found).__name__}")
    if not all(type(number) is int and 0 <= number < LARGEST for number in found):
        raise FormatError("expected sizes as numbers that are not negative")
    return tuple(found)


def check_end(
    path: str, shape: tuple[int, ...], strides: tuple[int, ...], offset: int, itemsize: int, source: Source
) -> None:
    """Raises `FormatError` when a view's last element lies beyond its storage."""
    needed = (offset + span(shape, strides)) * itemsize
    if span(shape, strides) and needed > source.size:
        raise FormatError(f"{path}: it needs {needed:,} bytes of a storage of {source.size:,} bytes ({source.name})")


def span(shape: tuple[int, ...], strides: tuple[int, ...]) -> int:
    """Returns how many elements lie from a view's first to its last."""
    if 0 in shape:
        return 0
    return 1 + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))


def is_contiguous(shape: tuple[int, ...], strides: tuple[int, ...]) -> bool:
    """Returns whether the elements lie in one run, the last dimension fastest."""
    expected = 1
    for size, stride in zip(reversed(shape), reversed(strides), strict=True):
        if size != 1 and stride != expected and 0 not in shape:
            return False
        expected *= size
    return True


def strided(
    source: Source, shape: tuple[int, ...], strides: tuple[int, ...], offset: int, dtype: str, order: str
) -> numpy.ndarray:
    """Returns the values of a view, of shape `shape`; raises `FormatError` when the bytes are not there."""
    from numpy.lib.stride_tricks import as_strided

    kind = order + code_dtype(dtype)
    itemsize = max(8, BITS[dtype]) // 8
    run = codes(source, offset * itemsize, span(shape, strides), kind)
    view = as_strided(run, shape, [stride * itemsize for stride in strides], writeable=False)
    return decoded(view.copy(), dtype)


def unreadable(path: str, shape: tuple[int, ...], dtype: str, why: str, source: Source | None = None) -> StoredArray:
    """Returns an array whose values cannot be told; `read` raises `UnsupportedError` with the reason."""

    def read() -> numpy.ndarray:
        raise UnsupportedError(f"the values of {path} cannot be read: {why}.")

    nbytes = (prod(shape) * (BITS.get(dtype) or PACKED.get(dtype, 8)) + 7) // 8
    return StoredArray(path, path, shape, dtype, nbytes, read, file=source.name if source else "")
