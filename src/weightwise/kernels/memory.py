"""Memory that large arrays are read into one after the other, instead of new memory for each.

The system clears the pages that it gives, which takes longer than to copy a file's bytes there. An array that is read
into lent memory keeps the loan alive, and so does every view of it; when the last has gone, the memory is lent again.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import prod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy

LEAST_BYTES = 1 << 20
"""Smaller memory the allocator keeps itself."""


class Memory:
    """Memory of the size of the largest array so far, for one array at a time."""

    def __init__(self) -> None:
        """Begins without any."""
        self.held: numpy.ndarray | None = None
        self.loan: weakref.ref[Any] | None = None

    def lent(self, nbytes: int) -> numpy.ndarray:
        """Returns so many bytes of unknown values, new ones while those that are lent are still in use."""
        import ctypes

        import numpy

        if self.loan is not None and self.loan() is not None:
            return numpy.empty(nbytes, "uint8")
        if self.held is None or self.held.nbytes < nbytes:
            self.held = None  # before new memory is asked for
            self.held = numpy.empty(nbytes, "uint8")
        loan = (ctypes.c_ubyte * nbytes).from_buffer(self.held.data)
        self.loan = weakref.ref(loan)
        return numpy.frombuffer(memoryview(loan), "uint8")


KEPT: ContextVar[Memory | None] = ContextVar("KEPT", default=None)
"""What is lent in the block of `reused` that runs."""


@contextmanager
def reused() -> Iterator[None]:
    """Large arrays that are read while the block runs get the memory of those before, when nothing uses it any more."""
    token = KEPT.set(Memory())
    try:
        yield
    finally:
        KEPT.reset(token)


def empty(shape: int | tuple[int, ...], dtype: numpy.dtype[Any] | str) -> numpy.ndarray:
    """Returns an array of unknown values in C order, in memory that is lent where the block of `reused` runs."""
    import numpy

    kind = numpy.dtype(dtype)
    nbytes = prod(shape if isinstance(shape, tuple) else (shape,)) * kind.itemsize
    memory = KEPT.get()
    if memory is None or nbytes < LEAST_BYTES:
        return numpy.empty(shape, kind)
    return memory.lent(nbytes).view(kind).reshape(shape)
