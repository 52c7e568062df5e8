"""What is read from HDF5 files is what the HDF5 library reads from them."""

from __future__ import annotations

import io
import zipfile

import numpy
import pytest

from tests.samples import SAMPLES
from weightwise.errors import FormatError
from weightwise.formats.hdf5 import read_hdf5
from weightwise.source import memory_source

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


def same(array, found) -> None:
    try:
        values = array.read()
    except FormatError as error:
        assert "never written" in str(error) or "the filter 3" in str(error)
    else:
        numpy.testing.assert_array_equal(values, found[()])
