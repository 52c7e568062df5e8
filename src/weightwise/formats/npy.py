"""One array in NumPy's own form: a header that is a Python dictionary, and the values after it.

    \\x93NUMPY  version  length of the header  {'descr': '<f4', 'fortran_order': False, 'shape': (3, 5), }  values

Specification: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from math import prod

from weightwise.errors import FormatError
from weightwise.formats.contiguous import contiguous, unreadable
from weightwise.formats.dtypes import BITS
from weightwise.records import dataclass
from weightwise.source import Source
from weightwise.stored import StoredArray

MAGIC = b"\x93NUMPY"
PREFIX = len(MAGIC) + 2
VERSIONS = (b"\x01\x00", b"\x02\x00", b"\x03\x00")
MOST_HEADER = 10_000
"""NumPy refuses a longer header, too."""
MOST_DIMENSIONS = 64
TEXT = r"'[^'\\]*'|\"[^\"\\]*\""
ENTRY = rf"(?P<key>{TEXT})\s*:\s*(?P<value>{TEXT}|\[[^{{}}]*\]|True|False|\([\dL,\s]*\))\s*"
HEADER = re.compile(rf"\s*\{{\s*{re.sub('P<.*?>', ':', ENTRY)}(?:,\s*{re.sub('P<.*?>', ':', ENTRY)})*,?\s*\}}\s*")
DESCRIPTION = re.compile(r"([<>|=]?)([a-zA-Z])(\d{0,3})")
KINDS: Mapping[str, str] = {"f": "float", "i": "int", "u": "uint", "c": "complex"}
SMALL: Mapping[str, str] = {"b1": "bool", "f1": "float8_e5m2"}
"""The descriptions that do not name their bits; ml_dtypes' float8_e5m2 is the one float of one byte."""
BFLOAT16 = "<V2"
"""How NumPy writes the bfloat16 of ml_dtypes; other dtypes of two opaque bytes have no order: `|V2`."""


@dataclass(frozen=True)
class NpyHeader:
    """What the header of one array says."""

    description: str
    """NumPy's own word for the dtype, such as `<f4`."""
    shape: tuple[int, ...]
    fortran: bool
    """Whether the first dimension runs fastest."""
    data: int
    """Where the values start."""

    @property
    def dtype(self) -> str:
        """The dtype's name, or an empty string for what is no number."""
        return dtype_of(self.description)

    @property
    def nbytes(self) -> int | None:
        """The size of the values in bytes; None where it does not follow from the dtype."""
        found = DESCRIPTION.fullmatch(self.description)
        if not found or not found[3] or found[2] in "OMm":
            return None
        return prod(self.shape) * int(found[3]) * (4 if found[2] == "U" else 1)


def dtype_of(description: str) -> str:
    """Returns the name of a dtype for NumPy's own word, or an empty string for what is no number.

    >>> dtype_of(">i2")
    'int16'
    """
    if description == BFLOAT16:
        return "bfloat16"
    found = DESCRIPTION.fullmatch(description)
    if not found:
        return ""
    kind, size = found[2], found[3]
    name = SMALL.get(kind + size) or f"{KINDS.get(kind, '')}{8 * int(size or 0)}"
    return name if name in BITS else ""


def is_npy(source: Source, offset: int = 0) -> bool:
    """Returns whether an array in NumPy's form begins there."""
    return source.read(offset, max(0, min(source.size - offset, len(MAGIC)))) == MAGIC


def read_npy_header(source: Source, offset: int = 0) -> NpyHeader:
    """Returns the header of the array that begins there; raises `FormatError`."""
    start = source.read(offset, PREFIX)
    if not start.startswith(MAGIC) or start[-2:] not in VERSIONS:
        raise FormatError(f"{source.name}: expected an array of NumPy at byte {offset:,}, found {start!r}.")
    width = 2 if start[-2] == 1 else 4
    size = int.from_bytes(source.read(offset + PREFIX, width), "little")
    if size > MOST_HEADER:
        raise FormatError(
            f"{source.name}: expected a header of at most {MOST_HEADER:,} bytes at byte {offset:,}, found {size:,}."
        )
    text = source.read(offset + PREFIX + width, size).decode("utf-8" if start[-2] == 3 else "latin-1", "replace")
    return parsed(source, text, offset, offset + PREFIX + width + size)


def parsed(source: Source, text: str, offset: int, data: int) -> NpyHeader:
    """Returns what the text of a header says; raises `FormatError`."""
    found = {match["key"][1:-1]: match["value"] for match in re.finditer(ENTRY, text)} if HEADER.fullmatch(text) else {}
    shape, fortran, description = (found.get(key, "") for key in ("shape", "fortran_order", "descr"))
    sizes = re.findall(r"\d+", shape)
    told = shape.startswith("(") and fortran in ("True", "False") and description
    if not told or len(sizes) > MOST_DIMENSIONS:
        where = f"of the array at byte {offset:,}"
        raise FormatError(f"{source.name}: expected descr, fortran_order and shape {where}, found {text[:80]!r}.")
    dimensions = tuple(int(size) if len(size) < 20 else 1 << 64 for size in sizes)
    return NpyHeader(description.strip("'\""), dimensions, fortran == "True", data)


def follows(source: Source) -> bool:
    """Returns whether another array begins where the first of a file ends."""
    try:
        header = read_npy_header(source)
    except FormatError:
        return False
    return header.nbytes is not None and is_npy(source, min(source.size, header.data + header.nbytes))


def npy_array(source: Source, header: NpyHeader, path: str) -> StoredArray:
    """Returns the array of a header; what is no number is listed, and its values are refused."""
    if not header.dtype:
        what = "they are Python objects in a pickle" if header.description.endswith("O") else "they are no numbers"
        dtype = "object" if header.description.endswith("O") else header.description
        return unreadable(source.name, path, header.shape, f"{dtype:.40}", header.nbytes or 0, what)
    order = ">" if header.description.startswith(">") else "<"
    if not header.fortran or len(header.shape) < 2:
        return contiguous(source, path, header.shape, header.dtype, header.data, order=order)
    turned = contiguous(source, path, header.shape[::-1], header.dtype, header.data, order=order)
    return replace(turned, shape=header.shape, read=lambda: turned.read().T, offset=None, run=None)
