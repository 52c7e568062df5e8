"""What is read from HDF5 files is what the HDF5 library reads from them."""

from __future__ import annotations

import io
import zipfile

import numpy
import pytest

from tests.samples import SAMPLES
from weightwise.errors import FormatError
from weightwise.formats.hdf5 import read_hdf5
from weightwise.source import memory_source, open_source

pytestmark = pytest.mark.oracle
FILES = sorted(path for path in SAMPLES.iterdir() if path.suffix in (".h5", ".keras", ".hdf5"))


def hdf5_bytes(path) -> bytes:
    if path.suffix != ".keras":
        return path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        return archive.read("model.weights.h5")


def plain(value):
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, numpy.ndarray | numpy.generic):
        return plain(value.tolist())
    return [plain(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_groups_attributes_shapes_dtypes_and_values(path):
    h5py = pytest.importorskip("h5py", reason="h5py is an extra (oracles)")
    data = hdf5_bytes(path)
    ours = read_hdf5(memory_source("m", "m", data))
    groups, arrays = {}, {}

    def visit(name, found):
        if isinstance(found, h5py.Group):
            groups[name] = {key: plain(value) for key, value in found.attrs.items()}
        else:
            arrays[name] = found

    with h5py.File(io.BytesIO(data), "r") as file:
        visit("", file)
        file.visititems_links(
            lambda name, link: visit(name, file[name]) if name in ours.arrays or name in ours.attributes else None
        )
        assert ours.attributes == groups
        assert set(ours.arrays) == set(arrays)
        for name, found in arrays.items():
            array = ours.arrays[name]
            assert array.shape == found.shape
            if array.dtype not in ("bfloat16", "object"):
                assert array.dtype == found.dtype.name
                same(array, found)
        everything = set()
        file.visit(everything.add)
        assert everything <= set(ours.arrays) | set(ours.attributes)


REFUSED = ("never written", "an index of the newest HDF5 format", "are no numbers")


def same(array, found) -> None:
    try:
        values = array.read()
    except FormatError as error:
        assert any(reason in str(error) for reason in REFUSED)
    else:
        numpy.testing.assert_array_equal(values, numbers(found[()]))


def numbers(values):
    """Returns bfloat16, which the HDF5 library has as two bytes, as float32."""
    return (values.view("uint16").astype("uint32") << 16).view("float32") if values.dtype.kind == "V" else values


DTYPES = (
    "int8",
    "uint8",
    "<i2",
    ">i4",
    "<u4",
    "int64",
    ">u8",
    "float16",
    ">f2",
    "float32",
    ">f4",
    "<f8",
    "bool",
    "<c8",
)
LAYOUTS = {
    "one": ((), {}),
    "line": ((11,), {"chunks": (4,)}),
    "one_chunk": ((6, 4), {"chunks": (6, 4)}),
    "hanging": ((7, 5), {"chunks": (3, 2)}),
    "resizable": ((7, 5), {"chunks": (3, 2), "maxshape": (None, None)}),
    "resizable_once": ((7, 5), {"chunks": (3, 2), "maxshape": (None, 5)}),
    "spare": ((2, 3), {"chunks": (9, 9), "maxshape": (None, None)}),
    "cube": ((3, 4, 5), {"chunks": (2, 4, 2)}),
    "kernel": ((3, 3, 5, 7), {"chunks": (2, 3, 2, 3)}),
    "none": ((0, 3), {"chunks": (2, 3), "maxshape": (None, 3)}),
}
FILTERS = {
    "plain": {},
    "deflate": {"compression": "gzip"},
    "shuffle": {"shuffle": True},
    "sum": {"fletcher32": True},
    "all": {"compression": 9, "shuffle": True, "fletcher32": True},
}
FILES_OF = {
    "oldest": {},
    "user_block": {"userblock_size": 2048, "track_order": True},
    "v108": {"libver": "v108"},
    "v110_to_latest": {"libver": ("v110", "latest"), "track_order": True},
}


@pytest.mark.parametrize("filters", FILTERS)
@pytest.mark.parametrize("written", FILES_OF)
def test_values_of_every_dtype_shape_and_filter(tmp_path, written, filters):
    h5py = pytest.importorskip("h5py", reason="h5py is an extra (oracles)")
    path, chance = tmp_path / "values.h5", numpy.random.default_rng(3)
    with h5py.File(path, "w", **FILES_OF[written]) as file:
        for layout, (shape, options) in LAYOUTS.items():
            for dtype in DTYPES:
                values = chance.integers(0, 100, shape).astype(dtype)
                file.create_dataset(
                    f"{layout}/{dtype}", data=values, **options, **(FILTERS[filters] if options else {})
                )
    ours = read_hdf5(open_source(path))
    newest = written == "v110_to_latest"
    refused = [name for name in LAYOUTS if newest and name not in ("one", "none")]
    assert len(ours.problems) == len(refused) * len(DTYPES)
    with h5py.File(path) as file:
        for name, array in ours.arrays.items():
            if name.split("/")[0] in refused:
                with pytest.raises(FormatError, match="an index of the newest HDF5 format"):
                    array.read()
                continue
            values, found = array.read(), file[name][()]
            assert values.dtype == found.dtype.newbyteorder("=")
            numpy.testing.assert_array_equal(values, found)


def test_chunks_that_were_never_written_are_refused_where_the_library_fills_them(tmp_path):
    h5py = pytest.importorskip("h5py", reason="h5py is an extra (oracles)")
    path = tmp_path / "values.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("none", (4, 4), "f4", chunks=(2, 2), fillvalue=7)
        file.create_dataset("some", (4, 4), "f4", chunks=(2, 2), fillvalue=7)[:2, :2] = 1
    with h5py.File(path) as file:
        assert file["some"][3, 3] == file["none"][3, 3] == 7
    arrays = read_hdf5(open_source(path)).arrays
    with pytest.raises(FormatError, match="they were never written"):
        arrays["none"].read()
    with pytest.raises(FormatError, match=r"the chunk at \(0, 2\) is missing"):
        arrays["some"].read()


@pytest.mark.parametrize("options", [{"compression": "lzf"}, {"scaleoffset": 4}])
def test_other_filters_are_refused(tmp_path, options):
    h5py = pytest.importorskip("h5py", reason="h5py is an extra (oracles)")
    path = tmp_path / "values.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("values", data=numpy.arange(100), chunks=(40,), **options)
    with pytest.raises(FormatError, match="only deflate, shuffle and fletcher32 are"):
        read_hdf5(open_source(path)).arrays["values"].read()
