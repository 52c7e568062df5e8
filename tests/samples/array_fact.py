"""What stands for the values of an array in the facts: it changes with any value and with any exchange of two."""

from __future__ import annotations

import zlib
from typing import Any

import numpy


def checksum(values: Any) -> int:
    """Return a checksum of the values as float64 (complex128), in C order."""
    array = numpy.asarray(values)
    wide = "complex128" if array.dtype.kind == "c" else "float64"
    return zlib.crc32(numpy.ascontiguousarray(array.astype(wide)).tobytes())


def fact(values: Any, dtype: str = "") -> dict[str, Any]:
    """Return what the facts say of an array: shape, dtype, checksum."""
    array = numpy.asarray(values)
    return {"shape": list(array.shape), "dtype": dtype or array.dtype.name, "checksum": checksum(array)}
