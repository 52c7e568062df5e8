"""Arrays in memory: what they are called, how large they are, and their values as NumPy's."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from math import prod
from typing import TYPE_CHECKING, Any

from weightwise.errors import UnsupportedError
from weightwise.formats.dtypes import BITS, NUMPY, SMALL_INTEGERS
from weightwise.stored import StoredArray

if TYPE_CHECKING:
    import numpy


def in_memory(
    path: str, array: Any, read: Callable[[], Any], assign: Callable[[numpy.ndarray], None] | str, *, name: str = ""
) -> StoredArray:
    """Returns an array of any framework; `read` returns its values as NumPy takes them, and `assign` sets them."""
    shape = tuple(int(size) for size in array.shape)
    dtype = dtype_name(array.dtype)
    nbytes = (prod(shape) * BITS.get(dtype, 8) + 7) // 8
    return StoredArray(path, path, shape, dtype, nbytes, partial(values, path, dtype, read), name=name, assign=assign)


def dtype_name(dtype: Any) -> str:
    """Returns NumPy's name of a dtype of any framework, which may be one or its name: `torch.float32` is `float32`.

    >>> import numpy
    >>> dtype_name(numpy.dtype(">f4")), dtype_name("torch.bfloat16")
    ('float32', 'bfloat16')
    """
    named = getattr(dtype, "name", None)
    return named if isinstance(named, str) else str(dtype).rpartition(".")[2]


def values(path: str, dtype: str, read: Callable[[], Any]) -> numpy.ndarray:
    """Returns a copy of values; as float32 or int8 where NumPy has no dtype. Raises `UnsupportedError`."""
    import numpy

    if dtype not in BITS:
        raise UnsupportedError(f"the values of {path} cannot be read: they are {dtype}, and no numbers.")
    found = read()
    if dtype in NUMPY:
        return numpy.array(found)
    whole = "uint8" if dtype[:1] == "u" else "int8"
    return numpy.asarray(found).astype(whole if dtype in SMALL_INTEGERS else "float32")


def name_of(thing: Any) -> str:
    """Returns the class of an object with the package that it comes from: `keras.Sequential`."""
    return f"{type(thing).__module__.partition('.')[0]}.{type(thing).__name__}"


def is_instance(thing: Any, module: str, *names: str) -> bool:
    """Returns whether this is an instance of a class of a module that is imported, such as `torch`, `nn`, `Module`."""
    found: Any = sys.modules.get(module)
    for name in names:
        found = getattr(found, name, None)
    return isinstance(found, type) and isinstance(thing, found)
