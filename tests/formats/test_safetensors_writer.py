"""What is written is what the library would write, appears whole or not at all, and is read again."""

from __future__ import annotations

import json

import numpy
import pytest

from tests.samples import SAMPLES, arrays, everything
from weightwise.errors import UnsupportedError
from weightwise.formats import open_stored
from weightwise.formats.octets import SLAB
from weightwise.formats.safetensors.file import axes_entry
from weightwise.formats.safetensors.writer import Written, write_safetensors


def written(array) -> Written:
    return Written(array.path, array.shape, array.dtype, array.read)


@pytest.mark.parametrize(
    ("name", "metadata"), [("safetensors_dtypes.safetensors", {"format": "pt"}), ("safetensors_tree.safetensors", {})]
)
def test_a_file_of_the_library_is_written_again_byte_for_byte(tmp_path, name, metadata):
    found = everything(open_stored(SAMPLES / name))
    write_safetensors(tmp_path / "again", map(written, found), metadata)
    assert (tmp_path / "again").read_bytes() == (SAMPLES / name).read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["again"]


def test_axes_are_written_and_read(tmp_path):
    values = numpy.arange(6, dtype="float32").reshape(2, 3)
    axes = {"fc.weight": "out in", "ü": ""}
    write_safetensors(tmp_path / "m", [Written("fc.weight", (2, 3), "float32", lambda: values)], axes_entry(axes))
    assert arrays(open_stored(tmp_path / "m"))["fc.weight"].axes == "out in"
    assert axes_entry({}) == {}
    assert json.loads(axes_entry(axes)["weightwise.axes"]) == axes


def test_values_begin_aligned(tmp_path):
    for length in range(1, 12):
        array = Written("n" * length, (1,), "float64", lambda: numpy.ones(1))
        write_safetensors(tmp_path / "m", [array])
        (found,) = everything(open_stored(tmp_path / "m"))
        assert found.offset % 8 == 0


def test_strided_and_big_endian_values_are_written_in_order(tmp_path):
    values = numpy.arange(6, dtype=">i2").reshape(2, 3).T
    write_safetensors(tmp_path / "m", [Written("w", (3, 2), "int16", lambda: values)])
    (found,) = everything(open_stored(tmp_path / "m"))
    assert found.read().tolist() == [[0, 3], [1, 4], [2, 5]]


def test_a_rearranged_array_of_several_slabs_is_written_in_order(tmp_path):
    values = numpy.arange(2500 * 3500, dtype="float64").reshape(2500, 3500).T
    assert values.nbytes > SLAB
    write_safetensors(tmp_path / "m", [Written("w", (3500, 2500), "float64", lambda: values)])
    (found,) = everything(open_stored(tmp_path / "m"))
    assert numpy.array_equal(found.read(), values)


def test_what_fails_leaves_what_was_there(tmp_path):
    (tmp_path / "m").write_text("before")
    with pytest.raises(ValueError, match=r"w: expected values of \(2,\), found \(3,\)."):
        write_safetensors(tmp_path / "m", [Written("w", (2,), "float32", lambda: numpy.ones(3, "float32"))])
    with pytest.raises(UnsupportedError, match=r"w: safetensors files are written without int4; convert it first."):
        write_safetensors(tmp_path / "m", [Written("w", (2,), "int4", lambda: numpy.ones(2, "int8"))])
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("m", "before")]
