"""Pickles mean what Python's own unpickler makes of them, where that is plain data; everything else stays a name."""

from __future__ import annotations

import pickle
import pickletools
from collections import Counter, OrderedDict, defaultdict
from fractions import Fraction
from typing import Any

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weightwise.errors import FormatError
from weightwise.formats.cursor import Cursor
from weightwise.formats.pickles import STOP, read_pickle
from weightwise.formats.pickles.allowed import PYTHON
from weightwise.formats.pickles.numpy_values import ndarray
from weightwise.formats.pickles.opcodes import ACTIONS
from weightwise.formats.pickles.values import Global, Instance, Unhashed
from weightwise.formats.pytorch.values import TORCH
from weightwise.source import Source, memory_source

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**600), 2**600)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=()))
    | st.binary()
    | st.complex_numbers(allow_nan=False)
)
KEYS = st.text() | st.integers(-(2**59), 2**59) | st.booleans() | st.none() | st.binary()
PLAIN = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(KEYS, inner) | st.builds(bytearray),
    max_leaves=20,
)


def read(content: bytes, allowed: Any = PYTHON) -> Any:
    return read_pickle(memory_source("m", "m", content), allowed).value


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(value=PLAIN, protocol=st.sampled_from(PROTOCOLS))
def test_plain_data_are_read_as_python_reads_them(value, protocol):
    content = pickle.dumps(value, protocol)
    found = read_pickle(memory_source("m", "m", content + b"rest"), PYTHON)
    assert (found.value, found.end, found.calls) == (value, len(content), ())


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_containers_of_the_standard_library(protocol):
    ordered = OrderedDict([("b", 1), ("a", 2)])
    saved = [ordered, defaultdict(list, {"k": [1]}), {3}, frozenset({4}), {(1, 2): 5}]
    first, second, third, fourth, fifth = read(pickle.dumps(saved, protocol))
    assert (list(first.items()), second, third, fourth) == ([("b", 1), ("a", 2)], {"k": [1]}, [3], [4])
    ((key, value),) = fifth.items()
    assert (isinstance(key, Unhashed), key.key, value) == (True, (1, 2), 5)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_is_shared_stays_shared(protocol):
    inner: list[Any] = [1]
    inner.append(inner)
    found = read(pickle.dumps({"a": inner, "b": inner, "long": "x" * 100_000}, protocol))
    assert found["a"] is found["b"] is found["a"][1]
    assert len(found["long"]) == 100_000


def test_every_opcode_has_its_action():
    assert set(ACTIONS) | {STOP} == {ord(code.code) for code in pickletools.opcodes}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_rest_stays_a_name(protocol):
    found = read_pickle(memory_source("m", "m", pickle.dumps([Fraction(1, 3), Fraction], protocol)), PYTHON)
    value, place = found.value
    assert isinstance(value, Instance)
    assert (value.callee, place) == (Global("fractions", "Fraction"), Global("fractions", "Fraction"))
    assert found.globals == (Global("fractions", "Fraction"),)
    assert found.calls == ("fractions.Fraction",)


def test_attributes_of_a_dictionary():
    ordered = OrderedDict(a=1)
    ordered.metadata = {"version": 2}
    found = read(pickle.dumps(ordered, 2))
    assert (found, found.state) == ({"a": 1}, {"metadata": {"version": 2}})


def test_counters_and_instances_keep_what_is_put_into_them():
    found = read_pickle(memory_source("m", "m", pickle.dumps(Counter("aab"), 2)), TORCH)
    assert found.value.arguments == ({"a": 2, "b": 1},)
    assert found.calls == ()


def test_strings_of_python_2():
    assert read(rb"(S'a\'b\x41\101\n\\'" + b'\nS"q"\nU\x02\xff\x00T\x03\x00\x00\x00abct.') == (
        "a'bAA\n\\",
        "q",
        b"\xff\x00",
        "abc",
    )


def test_long_bytes_stay_in_the_file():
    found = read(pickle.dumps([b"a" * 100_000, b"b"], 4))
    assert isinstance(found[0], Source)
    assert (found[0].size, found[0].read(99_999, 1), found[1]) == (100_000, b"a", b"b")


ARRAYS = [
    numpy.arange(6, dtype="float32").reshape(2, 3),
    numpy.asfortranarray(numpy.arange(6, dtype=">i2").reshape(2, 3)),
    numpy.arange(40_000, dtype="float64"),
    numpy.array([True, False]),
    numpy.array(2.5),
    numpy.zeros((0, 3), "uint8"),
    numpy.array([1 + 2j], "complex64"),
]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("place", range(len(ARRAYS)))
def test_arrays_of_numpy(place, protocol):
    expected = ARRAYS[place]
    array = ndarray(read(pickle.dumps(expected, protocol), TORCH), "a", "m")
    values = array.read()
    assert (array.shape, array.dtype) == (expected.shape, expected.dtype.newbyteorder("=").name)
    numpy.testing.assert_array_equal(values, expected)
    assert values.dtype.isnative


@pytest.mark.parametrize("expected", [numpy.array(["text"]), numpy.array([None]), numpy.zeros(2, "i4,f4")])
def test_arrays_of_no_numbers_are_told(expected):
    with pytest.raises(FormatError, match="a: "):
        ndarray(read(pickle.dumps(expected, 4), TORCH), "a", "m")


def test_a_cursor_reads_in_blocks_and_in_lines():
    content = bytes(range(11, 256)) * 1000 + b"\nend\n"
    cursor = Cursor(memory_source("m", "m", content))
    assert cursor.take(3) == content[:3]
    assert cursor.take(100_000) == content[3:100_003]
    assert cursor.window(10).read(0, 10) == content[100_003:100_013]
    assert cursor.line(1 << 20) == content[100_013:].partition(b"\n")[0]
    assert (cursor.line(10), cursor.position) == (b"end", len(content))
    with pytest.raises(FormatError, match="the file is too short"):
        cursor.take(1)
    with pytest.raises(FormatError, match="expected a line of at most 100 bytes"):
        Cursor(memory_source("m", "m", b"a" * 100_000)).line(100)
