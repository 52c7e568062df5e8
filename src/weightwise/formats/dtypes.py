"""Numbers that NumPy has no dtype for: small floats, bfloat16 and integers of a few bits, and how they become values.

A code is what a file stores for one value. The names are those of ml_dtypes, which JAX and PyTorch share:
https://github.com/jax-ml/ml_dtypes. The floats of 8, 6 and 4 bits: https://arxiv.org/abs/2209.05433 (e4m3fn, e5m2),
https://arxiv.org/abs/2206.02915 (fnuz), https://www.opencompute.org/documents/ocp-microscaling-formats-mx-v1-0-spec-final-pdf
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from math import inf, nan
from typing import TYPE_CHECKING

from weightwise.records import dataclass

if TYPE_CHECKING:
    import numpy


@dataclass(frozen=True)
class SmallFloat:
    """How the bits of a small float are told apart: sign, exponent, mantissa."""

    exponent: int
    """The number of bits."""
    mantissa: int
    bias: int
    special: str
    """What the largest exponent means: `ieee` infinities and NaN, `nan` NaN where all bits are set, `finite` nothing;
    `fnuz` like that, with the code of negative zero for NaN."""

    @property
    def bits(self) -> int:
        """The bits of one value."""
        return 1 + self.exponent + self.mantissa

    def value(self, code: int) -> float:
        """Returns the value of a code."""
        sign = -1.0 if code >> (self.bits - 1) else 1.0
        exponent = code >> self.mantissa & (1 << self.exponent) - 1
        mantissa = code & (1 << self.mantissa) - 1
        if self.special == "fnuz" and code == 1 << (self.bits - 1):
            return nan
        if exponent == (1 << self.exponent) - 1:
            if self.special == "ieee":
                return nan if mantissa else sign * inf
            if self.special == "nan" and mantissa == (1 << self.mantissa) - 1:
                return nan
        fraction = mantissa / (1 << self.mantissa)
        scaled = (1 + fraction) * 2.0 ** (exponent - self.bias) if exponent else fraction * 2.0 ** (1 - self.bias)
        return sign * scaled


SMALL_FLOATS: Mapping[str, SmallFloat] = {
    "float8_e3m4": SmallFloat(3, 4, 3, "ieee"),
    "float8_e4m3": SmallFloat(4, 3, 7, "ieee"),
    "float8_e4m3fn": SmallFloat(4, 3, 7, "nan"),
    "float8_e4m3fnuz": SmallFloat(4, 3, 8, "fnuz"),
    "float8_e4m3b11fnuz": SmallFloat(4, 3, 11, "fnuz"),
    "float8_e5m2": SmallFloat(5, 2, 15, "ieee"),
    "float8_e5m2fnuz": SmallFloat(5, 2, 16, "fnuz"),
    "float6_e2m3fn": SmallFloat(2, 3, 1, "finite"),
    "float6_e3m2fn": SmallFloat(3, 2, 3, "finite"),
    "float4_e2m1fn": SmallFloat(2, 1, 1, "finite"),
}
SCALES = "float8_e8m0fnu"
"""Powers of two: the exponent alone, without a sign; 255 is NaN."""
SMALL_INTEGERS: Mapping[str, int] = {"int1": 1, "int2": 2, "int4": 4, "uint1": 1, "uint2": 2, "uint4": 4}
NUMPY: Mapping[str, int] = {
    "bool": 8,
    **{f"{sign}int{bits}": bits for sign in ("", "u") for bits in (8, 16, 32, 64)},
    **{f"float{bits}": bits for bits in (16, 32, 64)},
    **{f"complex{bits}": bits for bits in (64, 128)},
}
BITS: Mapping[str, int] = {
    **NUMPY,
    "bfloat16": 16,
    SCALES: 8,
    **{name: kind.bits for name, kind in SMALL_FLOATS.items()},
    **SMALL_INTEGERS,
}
"""The bits of one value, for every dtype whose values can be read."""


def code_dtype(dtype: str) -> str:
    """Returns NumPy's name of the dtype that holds the codes, one per element."""
    if dtype in NUMPY:
        return "uint8" if dtype == "bool" else dtype
    return "uint16" if dtype == "bfloat16" else "uint8"


def read_as(dtype: str) -> str:
    """Returns NumPy's name of the dtype that values are read as.

    >>> read_as("bfloat16"), read_as("int4"), read_as("float16")
    ('float32', 'int8', 'float16')
    """
    if dtype in SMALL_INTEGERS:
        return dtype.rstrip("0123456789") + "8"
    return "float32" if dtype in BITS and dtype not in NUMPY else dtype


def decoded(codes: numpy.ndarray, dtype: str) -> numpy.ndarray:
    """Returns the values of codes in the machine's byte order; as float32 or int8 where NumPy has no dtype."""
    if dtype == "bfloat16":  # the upper half of a float32
        return (codes.astype("uint32") << 16).view("float32")
    if dtype == "bool":
        return codes.astype("bool")
    if dtype in NUMPY:
        return codes.astype(dtype, copy=False)
    values: numpy.ndarray = table(dtype)[codes]
    return values


def encoded(values: numpy.ndarray, dtype: str) -> numpy.ndarray:
    """Returns the codes of values, little-endian and in C order; raises `ValueError` for a value that has none."""
    import numpy

    values = numpy.ascontiguousarray(values)  # one dimension at least

    if dtype in NUMPY:
        codes = values.astype(dtype, casting="safe", copy=False)
    elif dtype == "bfloat16":
        return upper_halves(values)
    else:
        codes = nearest(values, dtype)
    if codes is not values and not numpy.array_equal(decoded(codes, dtype), values, equal_nan=True):
        raise ValueError(f"values that {dtype} does not have")
    return numpy.ascontiguousarray(codes, codes.dtype.newbyteorder("<"))


def upper_halves(values: numpy.ndarray) -> numpy.ndarray:
    """Returns the codes of values in bfloat16, little-endian; raises `ValueError` for a value that has none."""
    import numpy

    exact = numpy.ascontiguousarray(values.astype("float32", copy=False), "<f4")
    halves = exact.view("<u2").reshape(*values.shape, 2)
    same = values.dtype == numpy.float32 or numpy.array_equal(exact, values, equal_nan=True)
    if not same or halves[..., 0].any():
        raise ValueError("values that bfloat16 does not have")
    return numpy.ascontiguousarray(halves[..., 1])


def nearest(values: numpy.ndarray, dtype: str) -> numpy.ndarray:
    """Returns the codes of the values in the table that are next to these, or their own."""
    import numpy

    known = table(dtype)[: 1 << BITS[dtype]]
    keys, wanted = sortable(known), sortable(values.astype(known.dtype))
    order = numpy.argsort(keys, kind="stable")
    places = numpy.searchsorted(keys[order], wanted).clip(max=len(order) - 1)
    codes: numpy.ndarray = order[places].astype("uint8")
    return codes


def sortable(values: numpy.ndarray) -> numpy.ndarray:
    """Returns numbers that tell all values apart, also the two zeros; NaN is one of them."""
    import numpy

    if values.dtype.kind != "f":
        return values
    return numpy.where(numpy.isnan(values), numpy.float32(numpy.nan), values).view("int32")


@cache
def table(dtype: str) -> numpy.ndarray:
    """Returns the value of each of the 256 codes of a byte; bits above those of the dtype count for nothing."""
    import numpy

    codes = [code & (1 << BITS[dtype]) - 1 for code in range(256)]
    if dtype == SCALES:
        return numpy.array([2.0 ** (code - 127) if code < 255 else nan for code in codes], "float32")
    if dtype in SMALL_FLOATS:
        return numpy.array([SMALL_FLOATS[dtype].value(code) for code in codes], "float32")
    bits = SMALL_INTEGERS[dtype]
    if dtype.startswith("u"):
        return numpy.array(codes, "uint8")
    return numpy.array([code - (code >> bits - 1 << bits) for code in codes], "int8")
