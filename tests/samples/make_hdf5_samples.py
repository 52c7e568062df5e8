"""Makes the HDF5 samples: every way to store values that Keras's files may meet, and files that no Keras writes.

    python tests/samples/make_hdf5_samples.py

Needs h5py. The values are 0, 1, 2 … in the array's own dtype, so that a test knows them.
"""

from pathlib import Path
from typing import Any

import h5py
import numpy

SAMPLES = Path(__file__).parent


def counted(shape: tuple[int, ...], dtype: str = "float32") -> numpy.ndarray:
    """Returns 0, 1, 2 … in an array."""
    return numpy.arange(numpy.prod(shape)).reshape(shape).astype(dtype)


def write_layouts(file: h5py.File) -> None:
    """Writes one dataset per way to store values."""
    file["contiguous"] = counted((3, 5))
    file["big_endian"] = counted((3, 5), ">f8")
    file["half"] = counted((7,), "float16")
    file["whole"] = counted((2, 3), "int8")
    file["truth"] = counted((5,)) > 2
    file["scalar"] = numpy.float32(3)
    file["nothing"] = counted((0, 3))
    file.create_dataset("chunks", data=counted((7, 5)), chunks=(3, 2))
    file.create_dataset("deflated", data=counted((7, 5)), chunks=(3, 2), compression="gzip")
    file.create_dataset("shuffled", data=counted((7, 5)), chunks=(4, 5), compression="gzip", shuffle=True)
    file.create_dataset("summed", data=counted((7, 5)), chunks=(4, 5), fletcher32=True)
    file.create_dataset("unwritten", (4, 6), "float32")
    file["words"] = ["one", "two"]
    compact = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    compact.set_layout(h5py.h5d.COMPACT)
    space = h5py.h5s.create_simple((2, 4))
    dataset = h5py.h5d.create(file.id, b"compact", h5py.h5t.IEEE_F32LE, space, compact)
    dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, counted((2, 4)))


def write_links(file: h5py.File) -> None:
    """Writes groups that are reached in several ways, one of them round in a circle."""
    group = file.create_group("group")
    group["values"] = counted((3,))
    group["again"] = group["values"]
    group["soft"] = h5py.SoftLink("/group/values")
    group["nowhere"] = h5py.SoftLink("/not/there")
    group["circle"] = group
    file.create_group("stranger")["outside"] = h5py.ExternalLink("../secret.h5", "/values")


def write_weights(file: h5py.File) -> None:
    """Writes a Dense layer as Keras 3 does."""
    variables = file.create_group("layers/dense/vars")
    variables.attrs["name"] = "head"
    variables["0"] = counted((5, 3))
    variables["1"] = counted((3,))


def write_many(file: h5py.File) -> None:
    """Writes so many layers that the newest format keeps their links in a heap and a tree, and attributes too."""
    for number in range(40):
        variables = file.create_group(f"layers/dense_{number}/vars" if number else "layers/dense/vars")
        variables.attrs["name"] = f"step_{number}"
        variables["0"] = counted((number + 1, 2))
    for number in range(40):
        file.attrs[f"attribute_{number}"] = "text " * number


OLDER_CHUNKS = {
    "int8": ("int8", (7, 5), {"chunks": (3, 5), "fletcher32": True}),
    "uint16": (">u2", (11,), {"chunks": (4,), "compression": "gzip", "shuffle": True}),
    "int64": ("<i8", (2, 3, 4), {"chunks": (2, 2, 3), "compression": "gzip", "shuffle": True, "fletcher32": True}),
    "half": ("float16", (3, 3, 2, 5), {"chunks": (2, 3, 2, 2), "compression": "gzip"}),
    "double": (">f8", (5, 3), {"chunks": (1, 3), "fletcher32": True, "shuffle": True}),
    "bfloat16": ("V2", (4, 3), {"chunks": (2, 2), "compression": "gzip", "shuffle": True}),
    "truth": ("bool", (9,), {"chunks": (2,), "compression": "gzip"}),
    "complex": ("complex64", (3, 2), {"chunks": (2, 2), "shuffle": True}),
    "grown": ("float32", (6, 4), {"chunks": (2, 3), "maxshape": (None, None), "compression": "gzip"}),
    "spare": ("float32", (3, 2), {"chunks": (8, 8), "maxshape": (None, 8)}),
    "many": ("float32", (90, 3), {"chunks": (1, 2)}),
    "empty": ("float32", (0, 3), {"chunks": (2, 3), "maxshape": (None, 3)}),
}
"""A dtype, a shape and how chunks are made: every filter and dtype, edges that hang over, and a tree of two levels."""
NEWEST_CHUNKS = {
    "single": ("float32", (7, 5), {"chunks": (7, 5)}),
    "fixed": ("float32", (7, 5), {"chunks": (3, 2), "compression": "gzip"}),
    "growing": ("float32", (7, 5), {"chunks": (3, 2), "maxshape": (None, 5)}),
    "tree": ("float32", (7, 5), {"chunks": (3, 2), "maxshape": (None, None)}),
    "whole": ("float32", (7, 5), {}),
}
"""An array for each kind of index that the newest format has, and one without chunks."""


def write_chunks(file: h5py.File, arrays: dict[str, tuple[str, tuple[int, ...], dict[str, Any]]]) -> None:
    """Writes layers of one array each, in chunks."""
    for name, (dtype, shape, options) in arrays.items():
        variables = file.create_group(f"layers/{name}/vars")
        variables.attrs["name"] = name
        values = counted(shape, "uint16").view("V2") if dtype == "V2" else counted(shape, dtype)
        variables.create_dataset("0", data=values, **options)


if __name__ == "__main__":
    with h5py.File(SAMPLES / "hdf5_layouts.h5", "w") as layouts:
        write_layouts(layouts)
    with h5py.File(SAMPLES / "hdf5_links.h5", "w") as links:
        write_links(links)
    with h5py.File(SAMPLES / "hdf5_userblock.weights.h5", "w", userblock_size=1024) as weights:
        write_weights(weights)
    with h5py.File(SAMPLES / "hdf5_newest.weights.h5", "w", libver="latest") as newest:
        write_many(newest)
    with h5py.File(SAMPLES / "hdf5_other.h5", "w") as other:
        other["measurements/temperature"] = counted((4,))
    with h5py.File(SAMPLES / "hdf5_chunks.weights.h5", "w", track_order=True) as chunks:
        write_chunks(chunks, OLDER_CHUNKS)
    with h5py.File(SAMPLES / "hdf5_newest_chunks.weights.h5", "w", libver="latest") as newest_chunks:
        write_chunks(newest_chunks, NEWEST_CHUNKS)
