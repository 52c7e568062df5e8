"""Makes `small_dtypes.json`: the value of every code of the dtypes that NumPy lacks, as ml_dtypes says it.

python tests/samples/make_small_dtypes.py     (ml_dtypes comes with jax, extra `oracles`)
"""

from __future__ import annotations

import json
from pathlib import Path

import ml_dtypes
import numpy

NAMES = [
    "float8_e3m4",
    "float8_e4m3",
    "float8_e4m3fn",
    "float8_e4m3fnuz",
    "float8_e4m3b11fnuz",
    "float8_e5m2",
    "float8_e5m2fnuz",
    "float8_e8m0fnu",
    "float6_e2m3fn",
    "float6_e3m2fn",
    "float4_e2m1fn",
    "int1",
    "int2",
    "int4",
    "uint1",
    "uint2",
    "uint4",
]


def bits(dtype):
    kind = getattr(ml_dtypes, dtype)
    return ml_dtypes.iinfo(kind).bits if "int" in dtype else ml_dtypes.finfo(kind).bits


def table(dtype):
    codes = numpy.arange(1 << bits(dtype), dtype="uint8").view(getattr(ml_dtypes, dtype))
    return [repr(float(value)) for value in codes.astype("float32")]


if __name__ == "__main__":
    facts = {dtype: table(dtype) for dtype in NAMES}
    (Path(__file__).parent / "small_dtypes.json").write_text(
        json.dumps(facts, indent=1).replace('",\n  "', '", "') + "\n"
    )
