"""What is written as HDF5 is read again, with every size of a group, dtype and shape."""

from __future__ import annotations

from io import RawIOBase

import numpy
import pytest

from weightwise.errors import UnsupportedError
from weightwise.formats.hdf5 import read_hdf5
from weightwise.formats.hdf5.writer import Dataset, Group, write_hdf5
from weightwise.source import memory_source, open_source
from weightwise.stored import StoredArray

DTYPES = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
DTYPES += ["float16", "bfloat16", "float32", "float64"]
SHAPES = [(), (3,), (0, 4), (2, 5), (1, 2, 3)]


class OneWay(RawIOBase):
    """A file that takes bytes, and cannot be sought or read, as a member of an archive."""

    def __init__(self):
        self.data = bytearray()

    def write(self, data):
        self.data += data
        return len(data)


def array(values, dtype="") -> StoredArray:
    return StoredArray("a", "0", values.shape, dtype or values.dtype.name, values.nbytes, lambda: values)


def written(root: Group) -> bytes:
    file = OneWay()
    write_hdf5(file, root)
    return bytes(file.data)


def read(root: Group):
    found = read_hdf5(memory_source("m", "m", written(root)))
    assert found.problems == ()
    return found


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 16, 17, 100, 300])
def test_groups_of_any_number_of_members(count):
    root = Group(attributes={"name": "mödel"})
    for number in range(count):
        group = root.group(f"layers/layer_{number}/vars")
        group.attributes["name"] = f"náme {number % 5}"
        group.members["0"] = Dataset(array(numpy.full(number % 3, number, "int16")))
    found = read(root)
    assert found.attributes[""] == {"name": "mödel"}
    assert len(found.arrays) == count
    for number in range(count):
        assert found.attributes[f"layers/layer_{number}/vars"] == {"name": f"náme {number % 5}"}
        values = found.arrays[f"layers/layer_{number}/vars/0"].read()
        assert (values.tolist(), values.dtype) == ([number] * (number % 3), "int16")


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_and_shape(dtype, shape):
    codes = numpy.random.default_rng(1).integers(0, 100, shape)
    values = (codes % 2).astype("bool") if dtype == "bool" else codes.astype(dtype.replace("bfloat16", "float32"))
    stored = read(Group({"a": Dataset(array(values, dtype), {"dtype": dtype})})).arrays["a"]
    assert (stored.shape, stored.dtype) == (shape, dtype)
    numpy.testing.assert_array_equal(stored.read(), values)


def test_strided_and_big_endian_values_are_written_in_order():
    values = numpy.arange(6, dtype=">i2").reshape(2, 3).T
    assert read(Group({"a": Dataset(array(values, "int16"))})).arrays["a"].read().tolist() == [[0, 3], [1, 4], [2, 5]]


def test_a_long_text_stays_whole():
    assert read(Group({}, {"text": "long " * 20_000})).attributes[""]["text"] == "long " * 20_000


def test_values_begin_aligned(tmp_path):
    members = {f"{place}": Dataset(array(numpy.ones(place, "int8"))) for place in range(1, 12)}
    (tmp_path / "m").write_bytes(written(Group(members)))
    found = read_hdf5(open_source(tmp_path / "m"))
    assert {found.arrays[name].offset % 8 for name in members} == {0}


def test_the_beginning_of_a_file_is_the_oldest_form():
    data = written(Group())
    assert data[:16].hex(" ") == "89 48 44 46 0d 0a 1a 0a 00 00 00 00 00 08 08 00"
    assert int.from_bytes(data[40:48], "little") == len(data)


def test_what_hdf5_has_not_is_refused_before_anything_is_written():
    file = OneWay()
    with pytest.raises(UnsupportedError, match=r"^a: HDF5 files are written without float8_e5m2; convert it first.$"):
        write_hdf5(file, Group({"a": Dataset(array(numpy.ones(2, "float32"), "float8_e5m2"))}))
    assert not file.data


def test_an_array_is_no_group():
    root = Group({"a": Dataset(array(numpy.ones(2)))})
    with pytest.raises(
        UnsupportedError, match=r"^a/b: a cannot be an array and a group of others; rename one of them.$"
    ):
        root.group("a/b")


def test_values_of_another_shape_than_was_announced():
    wrong = StoredArray("a", "0", (3,), "float32", 12, lambda: numpy.ones(2, "float32"))
    with pytest.raises(ValueError, match=r"^a: expected values of \(3,\), found \(2,\).$"):
        written(Group({"a": Dataset(wrong)}))
