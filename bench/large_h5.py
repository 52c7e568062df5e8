"""Writes a Keras HDF5 file of the example's kinds of layers, of any size: `python bench/large_h5.py PATH GIGABYTES`.

The file is sparse: its header declares the arrays, and the disk holds only what was written. Needs the `oracles` extra.
"""

from __future__ import annotations

import sys
from pathlib import Path

import h5py
import keras
import numpy

EXAMPLE = Path(__file__).parents[1] / "examples" / "mnist_cnn.keras"


def write_large(path: Path, gigabytes: float) -> None:
    """Write a Keras HDF5 file of the example's kinds of layers whose dense kernel takes `gigabytes`."""
    units = int(gigabytes * 1e9 / 4 / 9216)
    layers = [
        ("conv2d_1", [("kernel", (3, 3, 1, 32)), ("bias", (32,))]),
        ("conv2d_2", [("kernel", (3, 3, 32, 64)), ("bias", (64,))]),
        ("max_pooling2d_1", []),
        ("dropout_1", []),
        ("flatten_1", []),
        ("dense_1", [("kernel", (9216, units)), ("bias", (units,))]),
        ("dropout_2", []),
        ("dense_2", [("kernel", (units, 10)), ("bias", (10,))]),
    ]
    model = keras.saving.load_model(EXAMPLE)
    config = model.to_json().replace('"units": 128', f'"units": {units}')
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = config
        file.attrs["keras_version"] = keras.__version__
        file.attrs["backend"] = "tensorflow"
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = [name.encode() for name, _ in layers]
        group.attrs["backend"] = "tensorflow"
        group.attrs["keras_version"] = keras.__version__
        for layer, arrays in layers:
            inner = group.create_group(layer)
            inner.attrs["weight_names"] = numpy.array([f"{layer}/{name}".encode() for name, _ in arrays], dtype="S64")
            for name, shape in arrays:
                properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
                properties.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
                properties.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
                inner.require_group(layer)
                space = h5py.h5s.create_simple(shape)
                h5py.h5d.create(inner.id, f"{layer}/{name}".encode(), h5py.h5t.IEEE_F32LE, space, properties)


if __name__ == "__main__":
    write_large(Path(sys.argv[1]), float(sys.argv[2]))
