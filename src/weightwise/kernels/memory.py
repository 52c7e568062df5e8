"""Memory that large arrays are made in one after the other, instead of new memory for each.

The system clears the pages that it gives, which takes longer than to copy a file's bytes there. An array that is made
in lent memory keeps the loan alive, and so does every view of it; when the last has gone, the memory is lent again.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import prod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy

LEAST_BYTES = 1 << 20
"""Smaller memory the allocator keeps itself."""
PAGE = 1 << 12
"""Bytes; systems read and write memory and disks by pages of this size, or by parts of them."""


class Place:
    """Memory for one array at a time, of the size of the largest so far."""

    memory: numpy.ndarray | None = None
    loan: Callable[[], Any] = staticmethod(lambda: None)
    """Returns what is lent, while anybody uses it."""

    def lent(self, nbytes: int, position: int) -> numpy.ndarray:
        """Returns bytes of unknown values, as far from the start of a page as `position` is."""
        import ctypes

        import numpy

        if self.memory is None or self.memory.nbytes < nbytes + PAGE:
            self.memory = None  # before new memory is asked for
            self.memory = numpy.empty(nbytes + PAGE, "uint8")
        start = (position - self.memory.ctypes.data) % PAGE
        loan = (ctypes.c_ubyte * nbytes).from_buffer(self.memory.data, start)
        self.loan = weakref.ref(loan)
        return numpy.frombuffer(memoryview(loan), "uint8")


class Memory:
    """Memory for so many arrays at a time."""

    def __init__(self, many: int = 1) -> None:
        """Begins without any."""
        self.places = [Place() for _ in range(many)]

    def lent(self, nbytes: int, position: int = 0) -> numpy.ndarray:
        """Returns bytes of unknown values, new ones if they are few or all that is lent is still in use.

        Many lie as far from the start of a page as the byte `position` of a file does: so Linux writes them to a disk
        without a copy (`O_DIRECT` in https://man7.org/linux/man-pages/man2/open.2.html).
        """
        import numpy

        if nbytes < LEAST_BYTES:
            return numpy.empty(nbytes, "uint8")
        free = next((place for place in self.places if place.loan() is None), None)
        return (free or Place()).lent(nbytes, position)


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
