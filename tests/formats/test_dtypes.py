"""Every code of every small dtype, against ml_dtypes' own tables kept in `small_dtypes.json`."""

from __future__ import annotations

import json

import numpy
import pytest

from tests.samples import SAMPLES
from weightwise.formats.dtypes import (
    BITS,
    NUMPY,
    SCALES,
    SMALL_FLOATS,
    SMALL_INTEGERS,
    code_dtype,
    decoded,
    encoded,
    read_as,
)

FACTS = json.loads((SAMPLES / "small_dtypes.json").read_text())
SMALL = [*SMALL_FLOATS, *SMALL_INTEGERS, SCALES]


def every_code(dtype: str) -> numpy.ndarray:
    return numpy.arange(1 << min(BITS[dtype], 16), dtype=code_dtype(dtype))


@pytest.mark.parametrize("dtype", SMALL)
def test_each_code_is_the_value_that_ml_dtypes_gives(dtype):
    values = decoded(every_code(dtype), dtype)
    assert [repr(float(value)) for value in values] == FACTS[dtype]


def test_facts_of_every_small_dtype():
    assert set(FACTS) == set(SMALL)


def test_bfloat16_is_the_upper_half_of_a_float32():
    assert decoded(numpy.array([0x3F80, 0xC049, 0x7F80], "uint16"), "bfloat16").tolist() == [1.0, -3.140625, numpy.inf]


@pytest.mark.parametrize("dtype", [*SMALL, "bfloat16", "bool", "int8", "uint16", "float16"])
def test_values_become_codes_and_values_again(dtype):
    values = decoded(every_code(dtype) if dtype != "bool" else numpy.array([0, 1], "uint8"), dtype)
    codes = encoded(values, dtype)
    again = decoded(codes, dtype)
    numpy.testing.assert_array_equal(again, values)
    assert (numpy.signbit(again) == numpy.signbit(values)).all() or numpy.isnan(values).any()


@pytest.mark.parametrize("dtype", [*SMALL, "bfloat16"])
def test_a_value_that_the_dtype_lacks_is_refused(dtype):
    with pytest.raises(ValueError, match=f"values that {dtype} does not have"):
        encoded(numpy.array([0.3], "float32") if "float" in dtype else numpy.array([77]), dtype)


@pytest.mark.parametrize("dtype", ["float16", "float32", ">f4", "float64", "int32"])
def test_values_of_any_dtype_become_bfloat16(dtype):
    values = numpy.array([[1, -3, 0], [128, -0.0, 96]]).astype(dtype)
    codes = encoded(values.T, "bfloat16")
    assert (codes.dtype.str, codes.shape, codes.flags.c_contiguous) == ("<u2", (3, 2), True)
    numpy.testing.assert_array_equal(decoded(codes, "bfloat16"), values.T.astype("float32"))
    with pytest.raises(ValueError, match="values that bfloat16 does not have"):
        encoded(values + values.dtype.type(257), "bfloat16")


def test_bits_above_a_small_integer_count_for_nothing():
    assert decoded(numpy.array([0xFF, 0x0F, 0x18], "uint8"), "int4").tolist() == [-1, -1, -8]


def test_all_dtypes_have_codes():
    assert {code_dtype(name) for name in BITS} <= set(NUMPY)


@pytest.mark.parametrize("dtype", BITS)
def test_values_are_read_as_a_dtype_of_numpy(dtype):
    assert decoded(numpy.zeros(3, code_dtype(dtype)), dtype).dtype.name == read_as(dtype)
