"""What fills one array of the target, in its dtype, and what that loses."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from weightwise.formats.dtypes import BITS, SMALL_FLOATS, SMALL_INTEGERS, read_as
from weightwise.porting.feeding import Fed
from weightwise.records import dataclass
from weightwise.stored import StoredArray

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]


@dataclass(frozen=True)
class Filling:
    """One array of the target: which it is, what fills it, and why that."""

    target: StoredArray
    fed: Fed | None
    """None where the target keeps its own: an array that counts training steps."""
    why: str
    values: Callable[[], Array]
    """Returns the values in the target's dtype, a view where NumPy has one."""
    lossy: str = ""
    """What of the values is lost by the target's dtype, as a clause; empty for nothing."""
    apart: Callable[[], Array] | None = None
    """Returns the same as a view of more dimensions and of the same order, where `values` may have to copy them."""


def filling_of(target: StoredArray, fed: Fed, why: str) -> Filling:
    """Return an array of the target with values that lie as its own, in its dtype."""
    lossy = "" if holds_exactly(target.dtype, fed.dtype) else f"{fed.dtype} becomes {target.dtype}"
    dtype, own = read_as(target.dtype), fed.apart
    apart = (lambda: own().astype(dtype, copy=False)) if own is not None else None
    return Filling(target, fed, why, lambda: fed.read().astype(dtype, copy=False), lossy, apart)


def holds_exactly(dtype: str, other: str) -> bool:
    """Return whether every value of the second dtype is one of the first.

    >>> holds_exactly("float32", "bfloat16"), holds_exactly("float16", "bfloat16"), holds_exactly("float32", "int64")
    (True, False, False)
    """
    if dtype == other:
        return True
    one, two = _digits(dtype), _digits(other)
    return one[0] >= two[0] and one[1] >= two[1] and (one[2] or not two[2])


def _digits(dtype: str) -> tuple[int, int, bool]:
    """Return the bits of the significand and of the exponent, and whether there is a sign."""
    floats = {"float64": (53, 11), "float32": (24, 8), "float16": (11, 5), "bfloat16": (8, 8)}
    floats.update({name: (kind.mantissa + 1, kind.exponent) for name, kind in SMALL_FLOATS.items()})
    if dtype in floats:
        return (*floats[dtype], True)
    bits = SMALL_INTEGERS.get(dtype, BITS.get(dtype, 0))
    signed = dtype.startswith("int")
    return (1 if dtype == "bool" else bits - signed, 0, signed)
