"""How the blocks of a zarr array are packed: nothing, zstd, gzip, blosc, or many small blocks in one.

Specification: https://zarr-specs.readthedocs.io/en/latest/v3/core/ and its codecs; zarr 2 names one `compressor`.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from math import ceil, prod
from typing import TYPE_CHECKING, Any

from weightwise.errors import FormatError, UnsupportedError
from weightwise.formats.dtypes import BITS, code_dtype
from weightwise.records import dataclass

if TYPE_CHECKING:
    import numpy

MISSING = (1 << 64) - 1
CHECKSUM = 4
"""The bytes that the codec crc32c adds at the end."""
INDEX_ENTRY = 16
"""An offset and a length."""
MOST_DIMENSIONS = 64
ZSTD = b"\x28\xb5\x2f\xfd"


@dataclass(frozen=True)
class Block:
    """What one block is."""

    shape: tuple[int, ...]
    dtype: str
    order: str
    """The order of the bytes of one value, `<` or `>`."""
    fill: Any
    """The code of what is not stored."""

    @property
    def nbytes(self) -> int:
        """The size of its values, unpacked."""
        return prod(self.shape) * max(1, BITS[self.dtype] // 8)


def codes_of(data: bytes, block: Block, codecs: Sequence[Mapping[str, Any]]) -> numpy.ndarray:
    """Returns what is stored in a block, unpacked; raises `FormatError` or `UnsupportedError`."""
    import numpy

    if codecs and codecs[0].get("name") == "sharding_indexed":
        return unsharded(data, block, codecs[0].get("configuration") or {})
    turned = False
    for codec in reversed(codecs):
        name, configuration = codec.get("name"), codec.get("configuration") or {}
        if name == "transpose":
            turned = is_reversed(configuration.get("order"), len(block.shape))
        elif name == "bytes":
            block = replace(block, order=">" if configuration.get("endian") == "big" else "<")
        else:
            data = unpacked(data, str(name), block.nbytes)
    if len(data) != block.nbytes:
        raise FormatError(f"expected a block of {block.nbytes:,} bytes, found {len(data):,}")
    kind = numpy.dtype(code_dtype(block.dtype)).newbyteorder(">" if block.order == ">" else "<")
    stored = numpy.frombuffer(data, kind)
    return stored.reshape(block.shape[::-1]).T if turned else stored.reshape(block.shape)


def is_reversed(order: object, dimensions: int) -> bool:
    """Returns whether a transposition puts the first dimension last; raises `UnsupportedError` for any other."""
    if order == "F" or order == list(range(dimensions))[::-1]:
        return True
    if order == "C" or order == list(range(dimensions)):
        return False
    raise UnsupportedError(f"its dimensions are stored in the order {order!r:.80}, which is not supported")


def unpacked(data: bytes, name: str, size: int) -> bytes:
    """Returns unpacked bytes, at most `size` or not many more; raises `FormatError` or `UnsupportedError`."""
    match name:
        case "zstd":
            return unzstd(data, size)
        case "gzip" | "zlib":
            return inflated(data, size)
        case "blosc":
            return unblosc(data, size)
        case "crc32c":
            return data[:-CHECKSUM]
    raise UnsupportedError(f"it is packed with {name:.40}, which is not supported")


def inflated(data: bytes, size: int) -> bytes:
    """Returns bytes packed by gzip or zlib; raises `FormatError`."""
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(data, size + 1)
    except zlib.error as error:
        raise FormatError(f"a block cannot be unpacked ({error})") from error


def unzstd(data: bytes, size: int) -> bytes:
    """Returns bytes packed by zstd; raises `FormatError` when they are more than `size`."""
    from numcodecs import zstd

    claimed = zstd_size(data)
    if claimed is None or claimed > size:
        raise FormatError(f"expected at most {size:,} bytes, packed by zstd, found {claimed or 'an unknown number'}")
    return decompressed(zstd.decompress, data, claimed)


def zstd_size(data: bytes) -> int | None:
    """Returns how many bytes a frame of zstd says that it unpacks to; None where it does not say it.

    https://www.rfc-editor.org/rfc/rfc8878#name-frame-header
    """
    if len(data) < 6 or data[:4] != ZSTD:
        return None
    flag, single = data[4] >> 6, data[4] >> 5 & 1
    start = 5 + (not single) + (0, 1, 2, 4)[data[4] & 3]
    width = (single, 2, 4, 8)[flag]
    return int.from_bytes(data[start : start + width], "little") + (256 if flag == 1 else 0) if width else None


def unblosc(data: bytes, size: int) -> bytes:
    """Returns bytes packed by blosc; raises `FormatError` when they are not exactly `size`.

    https://github.com/Blosc/c-blosc/blob/main/README_CHUNK_FORMAT.rst
    """
    from numcodecs import blosc

    if (
        len(data) < 16
        or int.from_bytes(data[12:16], "little") != len(data)
        or int.from_bytes(data[4:8], "little") != size
    ):
        raise FormatError(f"expected {size:,} bytes, packed by blosc")
    return decompressed(blosc.decompress, data, size)


def decompressed(decompress: Callable[[bytes, numpy.ndarray], object], data: bytes, size: int) -> bytes:
    """Returns what a library unpacks into a buffer of the right size; raises `FormatError`."""
    import numpy

    buffer = numpy.zeros(max(size, 1), "uint8")
    try:
        decompress(data, buffer)
    except (RuntimeError, ValueError) as error:
        raise FormatError(f"a block cannot be unpacked ({error})") from error
    return buffer[:size].tobytes()


def unsharded(data: bytes, block: Block, configuration: Mapping[str, Any]) -> numpy.ndarray:
    """Returns the codes of a block that is made of smaller ones, with an index at one end; raises `FormatError`."""
    import numpy

    inner, codecs = shape_of(configuration.get("chunk_shape")), configuration.get("codecs") or []
    if len(inner) != len(block.shape) or not all(inner):
        raise FormatError(f"blocks of {inner} do not divide one of {block.shape}")
    counts = [ceil(size / step) for size, step in zip(block.shape, inner, strict=True)]
    index = index_of(data, prod(counts), configuration)
    whole = numpy.zeros(block.shape, code_dtype(block.dtype))
    part = replace(block, shape=inner)
    for (offset, size), place in zip(index, product(*map(range, counts)), strict=True):
        if offset != MISSING and offset + size > len(data):
            raise FormatError(f"expected a block at byte {offset:,}, beyond the end")
        codes = block.fill if offset == MISSING else codes_of(data[offset : offset + size], part, codecs)
        put(whole, place, inner, codes)
    return whole


def index_of(data: bytes, count: int, configuration: Mapping[str, Any]) -> list[tuple[int, int]]:
    """Returns the offset and the size of each inner block; raises `FormatError`."""
    names = [codec.get("name") for codec in configuration.get("index_codecs") or [] if isinstance(codec, dict)]
    size = count * INDEX_ENTRY + CHECKSUM * ("crc32c" in names)
    if set(names) - {"bytes", "crc32c"} or size > len(data):
        raise FormatError(f"expected an index of {size:,} bytes in a block of {len(data):,}")
    start = 0 if configuration.get("index_location") == "start" else len(data) - size
    entries = [int.from_bytes(data[at : at + 8], "little") for at in range(start, start + count * INDEX_ENTRY, 8)]
    return list(zip(entries[::2], entries[1::2], strict=True))


def put(whole: numpy.ndarray, place: Sequence[int], step: Sequence[int], codes: Any) -> None:
    """Puts a block, or one code for all of it, in its place; what hangs over the edges is left out."""
    starts = [at * size for at, size in zip(place, step, strict=True)]
    ends = [min(start + size, most) for start, size, most in zip(starts, step, whole.shape, strict=True)]
    if getattr(codes, "shape", ()) == tuple(step):
        codes = codes[tuple(slice(end - start) for start, end in zip(starts, ends, strict=True))]
    whole[tuple(map(slice, starts, ends))] = codes


def shape_of(value: object) -> tuple[int, ...]:
    """Returns a shape; raises `FormatError` for what is none."""
    if not isinstance(value, list) or len(value) > MOST_DIMENSIONS:
        raise FormatError(f"expected a shape, found {value!r:.80}")
    if not all(type(size) is int and 0 <= size < MISSING for size in value):
        raise FormatError(f"expected a shape of whole numbers, found {value!r:.80}")
    return tuple(value)
