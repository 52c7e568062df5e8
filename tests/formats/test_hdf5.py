"""HDF5 by every way to store values, and within bounds."""

from __future__ import annotations

import numpy
import pytest

from tests.samples import SAMPLES
from weightwise.errors import FormatError
from weightwise.formats import open_stored
from weightwise.formats.hdf5 import is_hdf5, read_hdf5
from weightwise.formats.hdf5.headers import Headers
from weightwise.formats.hdf5.library import HeaderFile, plain
from weightwise.formats.hdf5.messages import Kind, Storage, decoded
from weightwise.formats.hdf5.structure import Walk, unread_index
from weightwise.formats.hdf5.values import ChunkPlace, Chunks, Layout, layout_problem, read_values
from weightwise.source import memory_source, open_source


@pytest.fixture(scope="module")
def layouts():
    return read_hdf5(open_source(SAMPLES / "hdf5_layouts.h5"))


def counted(shape: tuple[int, ...], dtype: str = "float32") -> numpy.ndarray:
    return numpy.arange(numpy.prod(shape)).reshape(shape).astype(dtype)


@pytest.mark.parametrize(
    ("path", "shape", "dtype"),
    [
        ("contiguous", (3, 5), "float32"),
        ("big_endian", (3, 5), "float64"),
        ("half", (7,), "float16"),
        ("whole", (2, 3), "int8"),
        ("nothing", (0, 3), "float32"),
        ("compact", (2, 4), "float32"),
        ("chunks", (7, 5), "float32"),
        ("deflated", (7, 5), "float32"),
        ("shuffled", (7, 5), "float32"),
        ("summed", (7, 5), "float32"),
    ],
)
def test_values_of_every_layout(layouts, path, shape, dtype):
    array = layouts.arrays[path]
    values = array.read()
    assert (array.shape, array.dtype, array.nbytes) == (shape, dtype, counted(shape, dtype).nbytes)
    assert values.dtype == numpy.dtype(dtype)
    numpy.testing.assert_array_equal(values, counted(shape, dtype))


def test_scalars_and_truth_values(layouts):
    assert layouts.arrays["scalar"].read() == 3
    assert layouts.arrays["scalar"].shape == ()
    assert layouts.arrays["truth"].dtype == "bool"
    numpy.testing.assert_array_equal(layouts.arrays["truth"].read(), [False, False, False, True, True])


def test_only_contiguous_values_have_an_offset(layouts):
    without = {path for path, array in layouts.arrays.items() if array.offset is None}
    assert without == {"chunks", "deflated", "shuffled", "summed", "compact", "unwritten", "nothing"}
    whole = layouts.arrays["contiguous"]
    data = (SAMPLES / "hdf5_layouts.h5").read_bytes()
    assert data[whole.offset : whole.offset + whole.nbytes] == counted((3, 5)).tobytes()


CHUNKS = {
    "int8": ((7, 5), "int8"),
    "uint16": ((11,), "uint16"),
    "int64": ((2, 3, 4), "int64"),
    "half": ((3, 3, 2, 5), "float16"),
    "double": ((5, 3), "float64"),
    "bfloat16": ((4, 3), "bfloat16"),
    "truth": ((9,), "bool"),
    "complex": ((3, 2), "complex64"),
    "grown": ((6, 4), "float32"),
    "spare": ((3, 2), "float32"),
    "many": ((90, 3), "float32"),
    "empty": ((0, 3), "float32"),
}


@pytest.mark.parametrize("user_block", [0, 512])
def test_chunks_of_every_dtype_and_filter(user_block):
    data = bytes(user_block) + (SAMPLES / "hdf5_chunks.weights.h5").read_bytes()
    contents = read_hdf5(memory_source("m", "m", data))
    assert contents.problems == ()
    assert set(contents.arrays) == {f"layers/{name}/vars/0" for name in CHUNKS}
    for name, (shape, dtype) in CHUNKS.items():
        array = contents.arrays[f"layers/{name}/vars/0"]
        assert (array.shape, array.dtype) == (shape, dtype)
        values = array.read()
        assert values.flags.writeable
        if dtype == "bfloat16":
            codes = counted(shape, "uint32") << 16
            numpy.testing.assert_array_equal(values.view("uint32"), codes)
        else:
            assert values.dtype == dtype
            numpy.testing.assert_array_equal(values, counted(shape, dtype))


def test_what_lists_chunks_in_the_newest_format_is_told_and_the_rest_is_read():
    path = SAMPLES / "hdf5_newest_chunks.weights.h5"
    contents = read_hdf5(open_source(path))
    reason = "its chunks have an index of the newest HDF5 format: write the file again without libver='latest'"
    assert sorted(contents.problems) == [
        f"{path}: the values of layers/{name}/vars/0 cannot be read: {reason}."
        for name in ("fixed", "growing", "single", "tree")
    ]
    numpy.testing.assert_array_equal(contents.arrays["layers/whole/vars/0"].read(), counted((7, 5)))
    with pytest.raises(FormatError, match="an index of the newest HDF5 format"):
        contents.arrays["layers/tree/vars/0"].read()


def test_addresses_that_pyfive_cannot_read():
    headers = Headers(memory_source("m", "m", superblock(100)))
    assert unread_index(headers, Storage(chunk=(2,), tree=60)) == ""
    headers.address_size = 4
    assert unread_index(headers, Storage(chunk=(2,), tree=60)).startswith("its chunks have addresses of 4 bytes")
    assert unread_index(headers, Storage(chunk=(2,))) == "they were never written"


def test_what_cannot_be_read_is_told_and_the_rest_is_read(layouts):
    name = SAMPLES / "hdf5_layouts.h5"
    assert layouts.problems == (f"{name}: the values of unwritten cannot be read: they were never written.",)
    for path in ("unwritten", "words"):
        with pytest.raises(FormatError, match=f"the values of {path} cannot be read"):
            layouts.arrays[path].read()


def test_links_that_lead_nowhere_outside_or_in_a_circle():
    contents = read_hdf5(open_source(SAMPLES / "hdf5_links.h5"))
    assert set(contents.arrays) == {"group/values", "group/again", "group/soft"}
    numpy.testing.assert_array_equal(contents.arrays["group/soft"].read(), counted((3,)))
    assert [problem.split(": ")[1].partition(" cannot")[0] for problem in contents.problems] == [
        "the object group/circle",
        "the object group/nowhere",
        "the object stranger/outside",
    ]


def test_a_file_with_a_user_block():
    stored = open_stored(SAMPLES / "hdf5_userblock.weights.h5")
    (layer,) = stored.root.layers
    assert (layer.name, layer.class_name) == ("head", "dense")
    numpy.testing.assert_array_equal(layer.arrays[0].read(), counted((5, 3)))
    data = (SAMPLES / "hdf5_userblock.weights.h5").read_bytes()
    assert data[:1024] == bytes(1024)
    assert data[layer.arrays[0].offset :][:60] == counted((5, 3)).tobytes()


def test_the_newest_format_with_dense_links_and_attributes():
    contents = read_hdf5(open_source(SAMPLES / "hdf5_newest.weights.h5"))
    assert {name: contents.attributes[""][name] for name in ("attribute_0", "attribute_39")} == {
        "attribute_0": "",
        "attribute_39": "text " * 39,
    }
    stored = open_stored(SAMPLES / "hdf5_newest.weights.h5")
    assert [layer.name for layer in stored.root.layers] == [f"step_{number}" for number in range(40)]
    assert [layer.arrays[0].read().size for layer in stored.root.layers] == [2 * (n + 1) for n in range(40)]


@pytest.mark.parametrize("offset", [0, 512, 1024, 4096])
def test_the_signature_may_stand_behind_a_user_block(offset):
    data = bytes(offset) + b"\x89HDF\r\n\x1a\n"
    assert is_hdf5(memory_source("m", "m", data))
    assert not is_hdf5(memory_source("m", "m", data[:-1]))
    assert not is_hdf5(memory_source("m", "m", b"x" + data))


def test_hdf5_that_no_keras_wrote():
    with pytest.raises(FormatError) as caught:
        open_stored(SAMPLES / "hdf5_other.h5")
    assert str(caught.value) == (
        f"{SAMPLES / 'hdf5_other.h5'}: this is HDF5, but not written by Keras: expected the attribute layer_names or "
        "groups named vars, found measurements; give a model or weights file."
    )


def test_headers_are_not_read_without_end():
    file = HeaderFile(memory_source("m", "m", bytes(100)))
    with pytest.raises(FormatError, match="its parts refer to each other in circles"):
        while True:
            file.seek(0)
            file.read(10)


def test_a_read_of_a_header_is_whole_or_refused():
    file = HeaderFile(memory_source("m", "m", bytes(100)))
    file.seek(95)
    assert len(file.read(5)) == 5
    file.seek(95)
    with pytest.raises(FormatError, match="expected 6 bytes at byte 95, but it ends at byte 100"):
        file.read(6)


def superblock(size: int) -> bytes:
    """The shortest superblock, of version 2, whose root group lies at byte 48, and nothing behind it."""
    numbers = bytes([2, 8, 8, 0]) + bytes(8) + b"\xff" * 8 + size.to_bytes(8, "little") + (48).to_bytes(8, "little")
    return (b"\x89HDF\r\n\x1a\n" + numbers).ljust(size, b"\0")


def an_empty_walk() -> Walk:
    return Walk(Headers(memory_source("m", "m", superblock(100))))


def test_our_own_headers_are_not_read_without_end():
    headers = Headers(memory_source("m", "m", superblock(100)))
    with pytest.raises(FormatError, match="its parts refer to each other in circles"):
        while True:
            headers.read(0, 10)


@pytest.mark.parametrize("name", ["", ".", "a/b"])
def test_names_that_no_member_has_are_refused(name):
    with pytest.raises(FormatError, match="that is no name of a member"):
        an_empty_walk().check_bounds(name, ())


def test_no_more_objects_than_the_file_has_room_for():
    walk = an_empty_walk()
    walk.check_bounds("a", (1,))
    with pytest.raises(FormatError, match="more objects contain each other than the file has room for"):
        walk.check_bounds("a", (1,) * 65)
    walk.attributes = {"": {}, "a": {}, "b": {}}
    with pytest.raises(FormatError, match="more objects contain each other than the file has room for"):
        walk.check_bounds("c", (1,))


def layout(shape: tuple[int, ...], chunks: tuple[int, ...], filters: tuple[int, ...] = (), index=None) -> Layout:
    found = Chunks(chunks, filters, lambda most: index or {})
    return Layout(shape, Kind("float32", 4, "<f"), chunks=found)


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        (layout((7, 5), (3,)), "chunks of (3,) do not divide an array of (7, 5)"),
        (layout((7, 5), (3, 0)), "chunks of (3, 0) do not divide an array of (7, 5)"),
        (layout((100, 100), (1, 1)), "a file of 100 bytes has no room for 10,000 chunks"),
        (layout((2, 2), (2, 2), (1, 7)), "the filter 7 is not supported, only deflate, shuffle and fletcher32 are"),
        (layout((2, 2), (2, 2), (2, 1, 2)), "a filter is applied twice"),
        (layout((2, 2), (2, 2), (2, 1, 3)), ""),
    ],
)
def test_chunks_that_make_no_sense(found, problem):
    assert layout_problem(memory_source("m", "m", bytes(100)), found) == problem


def test_a_chunk_that_is_missing_or_too_short():
    source = memory_source("m", "m", bytes(100))
    with pytest.raises(FormatError, match=r"the chunk at \(0, 0\) is missing"):
        read_values(source, layout((2, 2), (2, 2)))
    entry = ChunkPlace(0, 12, 0)
    with pytest.raises(FormatError, match="a chunk holds 12 bytes instead of 16"):
        read_values(source, layout((2, 2), (2, 2), index={(0, 0): entry}))


def test_a_filter_that_was_left_out_of_a_chunk_is_not_undone():
    data = counted((2, 2)).tobytes()
    entry = ChunkPlace(0, 16, 0b01)
    values = read_values(memory_source("m", "m", data + bytes(90)), layout((2, 2), (2, 2), (1,), {(0, 0): entry}))
    numpy.testing.assert_array_equal(values, counted((2, 2)))


def test_text_that_is_no_utf_8_stays_bytes():
    assert plain(b"caf\xc3\xa9\0\0") == decoded(b"caf\xc3\xa9\0\0") == "café"
    assert plain(numpy.array([b"a", b"\xff"])) == ["a", b"\xff"]
    assert plain(numpy.float32(2)) == 2
    assert plain(object()) is None
