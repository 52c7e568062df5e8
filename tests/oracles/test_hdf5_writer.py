"""What is written as HDF5 is what the HDF5 library reads: groups, texts, dtypes, shapes and values."""

from __future__ import annotations

import io
import random

import numpy
import pytest

from weightwise.formats.hdf5.writer import Dataset, Group, write_hdf5
from weightwise.stored import StoredArray

pytestmark = pytest.mark.oracle
DTYPES = ["bool", "float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint64"]
SHAPES = [(), (3,), (2, 5), (0, 4), (1, 2, 3)]


@pytest.mark.parametrize("count", [0, 1, 8, 9, 17, 300, 1000])
def test_the_library_finds_everything(count):
    h5py = pytest.importorskip("h5py", reason="h5py is an extra (oracles)")
    chosen, drawn = random.Random(count), numpy.random.default_rng(count)
    root, expected = Group(attributes={"name": "mödel", "long": "x" * 70_000}), {}
    for number in range(count):
        group = root.group(f"layers/layer_{number}/vars")
        group.attributes["name"] = f"náme {number}"
        values = (drawn.normal(size=chosen.choice(SHAPES)) * 50).astype(chosen.choice(DTYPES))
        expected[f"layers/layer_{number}/vars/0"] = values
        stored = StoredArray("a", "0", values.shape, values.dtype.name, values.nbytes, lambda values=values: values)
        group.members["0"] = Dataset(stored, {"dtype": values.dtype.name})
    file = io.BytesIO()
    write_hdf5(file, root)
    with h5py.File(file, "r") as found:
        assert dict(found.attrs) == {"name": "mödel", "long": "x" * 70_000}
        names = []
        found.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
        assert sorted(names) == sorted(expected)
        for name, values in expected.items():
            assert found[name].parent.attrs["name"] == f"náme {name.split('/')[1].removeprefix('layer_')}"
            assert (found[name].dtype, found[name].attrs["dtype"]) == (values.dtype, values.dtype.name)
            numpy.testing.assert_array_equal(found[name][()], values)


def test_a_bfloat16_is_what_h5py_writes():
    h5py = pytest.importorskip("h5py", reason="h5py is an extra (oracles)")
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="it comes with the extra (oracles)")
    values = numpy.array([1.5, -0.25], ml_dtypes.bfloat16)
    theirs, ours = io.BytesIO(), io.BytesIO()
    with h5py.File(theirs, "w") as file:
        file.create_dataset("a", data=values)
    wide = values.astype("float32")
    write_hdf5(ours, Group({"a": Dataset(StoredArray("a", "0", (2,), "bfloat16", 4, lambda: wide))}))
    with h5py.File(theirs, "r") as one, h5py.File(ours, "r") as other:
        assert one["a"].id.get_type() == other["a"].id.get_type()
        assert one["a"][()].tobytes() == other["a"][()].tobytes() == values.tobytes()
