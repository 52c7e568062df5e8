"""Arrays of NumPy in pickles: the calls that would rebuild them, read as what they say.

https://numpy.org/doc/stable/reference/generated/numpy.ndarray.__reduce__.html
"""

from __future__ import annotations

from functools import partial
from math import prod
from typing import TYPE_CHECKING, Any

from weightwise.errors import FormatError
from weightwise.formats.contiguous import contiguous, part
from weightwise.formats.dtypes import BITS
from weightwise.formats.pickles.values import Instance
from weightwise.source import Source, memory_source
from weightwise.stored import StoredArray

if TYPE_CHECKING:
    import numpy

RECONSTRUCT = ("numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct")
FROM_BUFFER = ("numpy.core.numeric._frombuffer", "numpy._core.numeric._frombuffer")
KINDS = {"f": "float", "i": "int", "u": "uint", "c": "complex"}
MOST_DIMENSIONS = 64
MOST_TEXT = 1024


def is_ndarray(value: Any) -> bool:
    """Returns whether a value stands for an array of numbers."""
    return isinstance(value, Instance) and value.is_a(*RECONSTRUCT, *FROM_BUFFER)


def ndarray(value: Instance, path: str, file: str) -> StoredArray:
    """Returns the array that an instance stands for; raises `FormatError` with the reason when it is none."""
    try:
        data, kind, shape, fortran = parts(value)
        order, dtype = dtype_of(kind)
    except (TypeError, ValueError, AttributeError) as error:
        raise FormatError(f"{path}: its description as an array of NumPy cannot be read ({str(error)[:80]})") from error
    held = data if isinstance(data, Source) else memory_source(file, file, data)
    needed = prod(shape) * BITS[dtype] // 8
    if held.size != needed:
        raise FormatError(f"{path}: expected {needed:,} bytes of values, found {held.size:,}")
    if not fortran or len(shape) < 2:
        return contiguous(held, path, shape, dtype, 0, order=order)
    read = partial(column_order, held, path, shape, dtype, order)
    return StoredArray(path, path, shape, dtype, needed, read, file=file)


def parts(value: Instance) -> tuple[Any, Any, tuple[int, ...], bool]:
    """Returns an array's data, dtype, shape and whether its first dimension runs fastest; raises `ValueError`."""
    if value.is_a(*FROM_BUFFER):
        data, kind, shape, order = value.arguments
        return octets(data), kind, sizes(shape), order == "F"
    _, shape, kind, fortran, data = value.state
    return octets(data), kind, sizes(shape), bool(fortran)


def octets(data: Any) -> bytes | Source:
    """Returns bytes, also the few that Python 2 wrote as a text; raises `TypeError`."""
    if isinstance(data, str) and len(data) <= MOST_TEXT:
        return data.encode()
    if not isinstance(data, (bytes, Source)):
        raise TypeError(f"data that are {type(data).__name__}")
    return data


def sizes(shape: Any) -> tuple[int, ...]:
    """Returns a shape; raises `ValueError` when it is none."""
    if not isinstance(shape, tuple) or len(shape) > MOST_DIMENSIONS:
        raise ValueError("a shape that is none")
    if not all(type(size) is int and 0 <= size < 1 << 62 for size in shape):
        raise ValueError("a shape of other things than sizes")
    return shape


def dtype_of(kind: Any) -> tuple[str, str]:
    """Returns the order of the bytes and the name of a dtype: `dtype("f4")` with the state `(3, "<", …)`."""
    if not isinstance(kind, Instance) or not kind.is_a("numpy.dtype"):
        raise ValueError("a dtype that is none")
    code, state = kind.arguments[0], kind.state
    order = state[1] if isinstance(state, tuple) and len(state) > 1 else "<"
    if code == "b1":
        return "<", "bool"
    name = f"{KINDS[code[0]]}{int(code[1:]) * 8}" if isinstance(code, str) and code[:1] in KINDS else str(code)
    if name not in BITS:
        raise ValueError(f"dtype {name[:40]}, whose values are no numbers")
    return ">" if order == ">" else "<", name


def column_order(source: Source, path: str, shape: tuple[int, ...], dtype: str, order: str) -> numpy.ndarray:
    """Returns values whose first dimension runs fastest, in the order of `shape`."""
    values = part(source, path, dtype, 0, order, BITS[dtype], 0, prod(shape))
    return values.reshape(shape[::-1]).T
