"""Writes safetensors files as the library does: the widest dtypes first, by name within each, so that all are aligned.

Specification: https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from weightwise.errors import UnsupportedError
from weightwise.formats.dtypes import BITS
from weightwise.formats.durable import whole
from weightwise.formats.octets import Block, Octets, values_of, write_ahead
from weightwise.formats.safetensors.header import DTYPES, LENGTH, METADATA
from weightwise.records import dataclass

if TYPE_CHECKING:
    import numpy

ALIGNMENT = 8
ORDER = list(DTYPES)
NAMES: Mapping[str, str] = {dtype: name for name, dtype in DTYPES.items()}


@dataclass(frozen=True)
class Written:
    """One array to be written; its values are asked for when their turn has come."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    """NumPy's name, or that of ml_dtypes: `bfloat16`."""
    values: Callable[[], numpy.ndarray]
    """Returns the values, decoded, in this shape."""
    apart: Callable[[], numpy.ndarray] | None = None
    """Returns the same as a view of more dimensions and of the same order, where that saves a copy of them."""

    @property
    def nbytes(self) -> int:
        """The size of the values in bytes, as they are stored."""
        return prod(self.shape) * BITS[self.dtype] // 8


def write_safetensors(path: str | Path, arrays: Iterable[Written], metadata: Mapping[str, str] | None = None) -> None:
    """Writes a file, in place of one that is there; raises `UnsupportedError` or `UnwritableError`."""
    ordered = in_order(arrays)
    with whole(path) as file:
        write_ahead(file, lambda octets: blocks(octets, ordered, metadata or {}))


def in_order(arrays: Iterable[Written]) -> list[Written]:
    """Returns the arrays in the order in which they are written; raises `UnsupportedError`."""
    listed = list(arrays)
    for array in listed:
        if array.dtype not in NAMES or BITS[array.dtype] % 8:
            raise UnsupportedError(
                f"{array.name}: safetensors files are written without {array.dtype}; convert it first."
            )
    return sorted(listed, key=lambda array: (-ORDER.index(NAMES[array.dtype]), array.name))


def header_of(arrays: Sequence[Written], metadata: Mapping[str, str]) -> bytes:
    """Returns the header with its length, padded so that the values begin aligned."""
    found: dict[str, object] = {METADATA: dict(metadata)} if metadata else {}
    end = 0
    for array in arrays:
        begin, end = end, end + array.nbytes
        found[array.name] = {"dtype": NAMES[array.dtype], "shape": array.shape, "data_offsets": (begin, end)}
    text = json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    return len(text).to_bytes(LENGTH, "little") + text


def blocks(octets: Octets, arrays: Sequence[Written], metadata: Mapping[str, str]) -> Iterator[Block]:
    """Yields the bytes of a file; raises `ValueError` when values are not what was announced."""
    yield header_of(arrays, metadata)
    for array in arrays:
        values = values_of(array.name, array.shape, array.values, array.apart)
        yield from octets.of_values(values, array.dtype)
        del values  # before those of the next array are read
