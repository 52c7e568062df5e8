"""Writes models as Keras 3 does: `.keras`, a zip with the configuration and the weights, and `.weights.h5` alone.

What Keras itself makes anew is left out: the optimizer, how the model was compiled, the states of random generators.

https://github.com/keras-team/keras/blob/v3.15.0/keras/src/saving/saving_lib.py (`_save_model_to_fileobj`)
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from zipfile import ZipFile, ZipInfo

from weightwise.errors import UnsupportedError
from weightwise.formats.durable import whole
from weightwise.formats.hdf5.writer import Dataset, Group, write_hdf5
from weightwise.formats.keras.archive import CONFIG, METADATA, WEIGHTS
from weightwise.formats.keras.graph_writer import MODULES, in_order, is_functional, is_model, serialised
from weightwise.formats.keras.paths import LAYERS, VARIABLES, numbered
from weightwise.stored import Addressing, StoredArray, StoredLayer, StoredModel

VERSION = "3.15.0"
"""The version of Keras whose archives are written."""
FLOATS = ("float16", "bfloat16", "float32", "float64")
"""What a model of Keras computes in."""
UNDATED = (1980, 1, 1, 0, 0, 0)
"""The first date of zip: the same model is the same bytes whenever it is written."""


def write_keras(path: str | Path, stored: StoredModel) -> None:
    """Writes an archive that Keras 3 loads; the file appears whole or not at all.

    Raises `UnsupportedError` for a model without a graph or a dtype that HDF5 has not, `UnwritableError` for the disk.
    """
    root = stored.root
    if not has_graph(root):
        raise UnsupportedError(
            f"{stored.path}: a .keras file says how the layers are connected, and only their weights are known; "
            "write a .weights.h5 file instead."
        )
    if stored.version.partition(".")[0] not in ("", VERSION[0]):
        raise UnsupportedError(
            f"{stored.path}: Keras {stored.version} spells its layers in another way than Keras 3; "
            "port the model to Keras."
        )
    version = stored.version if "." in stored.version else VERSION
    config = json.dumps(serialised(root, common_dtype(root)))
    objects = weights(stored)
    with whole(path) as file, ZipFile(file, "w") as archive:
        archive.writestr(ZipInfo(METADATA, UNDATED), json.dumps({"keras_version": version}))
        archive.writestr(ZipInfo(CONFIG, UNDATED), config)
        with archive.open(ZipInfo(WEIGHTS, UNDATED), "w", force_zip64=True) as member:
            write_hdf5(member, objects, file.tell())


def write_keras_weights(path: str | Path, stored: StoredModel) -> None:
    """Writes a file that `load_weights` of the same model reads; it appears whole or not at all.

    Raises `UnsupportedError` for a dtype that HDF5 has not, `UnwritableError` for the disk.
    """
    objects = weights(stored)
    with whole(path) as file:
        write_hdf5(file, objects)


def has_graph(root: StoredLayer) -> bool:
    """Returns whether a model can be built again: by its graph, or by a class of the user's own."""
    own_class = root.configured and root.class_name not in ("", *MODULES)
    return is_model(root) or (own_class and not any(layer.configured for layer in root.layers))


def common_dtype(root: StoredLayer) -> str:
    """Returns the dtype of most floating values of a model, which it computes in."""
    sizes: Counter[str] = Counter()
    for array in all_arrays(root):
        if array.dtype in FLOATS:
            sizes[array.dtype] += array.size
    return max(sizes, key=lambda dtype: sizes[dtype], default="float32")


def all_arrays(layer: StoredLayer) -> Iterator[StoredArray]:
    """Yields the arrays of a layer and of all layers in it."""
    yield from layer.arrays
    for inner in layer.layers:
        yield from all_arrays(inner)


def weights(stored: StoredModel) -> Group:
    """Returns the groups of a weights file; raises `UnsupportedError`."""
    if stored.addressing is not Addressing.PATH:
        raise UnsupportedError(
            f"{stored.path}: its arrays are told by their order, and Keras 3 writes them by keys; "
            "port the model to Keras."
        )
    file = Group()
    file.group(VARIABLES).attributes["name"] = stored.root.name
    place(stored.root, file, file)
    return file


def place(layer: StoredLayer, group: Group, file: Group) -> None:
    """Puts the arrays of a layer into its group, and the layers in it into theirs: numbered, or where they lay."""
    for array in layer.arrays:
        add(array, group)
    known = in_order(layer) if is_functional(layer) else [inner for inner in layer.layers if inner.configured]
    found = [(inner, f"{LAYERS}/{name}") for inner, name in zip(known, numbered(known), strict=True) if name]
    for inner, path in found:
        put(inner, group.group(path), file)
    for inner in layer.layers:
        path = "" if inner.configured else path_of(inner)
        if path:
            put(inner, file.group(path), file)


def put(layer: StoredLayer, group: Group, file: Group) -> None:
    """Fills the group of a layer, which says the layer's name."""
    group.group(VARIABLES).attributes["name"] = layer.name
    place(layer, group, file)


def path_of(layer: StoredLayer) -> str:
    """Returns the group of a layer that only paths tell of; empty for one without arrays, whose path nothing tells."""
    paths = (array.path.removesuffix(with_variables(array.key)).rstrip("/") for array in layer.arrays)
    inner = (path_of(found).rpartition(f"/{LAYERS}/")[0] for found in layer.layers)
    return next(filter(None, chain(paths, inner)), "")


def add(array: StoredArray, group: Group) -> None:
    """Puts an array into the group of its layer; an attribute says which dtype it is where HDF5 has no word for it."""
    owner, _, number = with_variables(array.key).rpartition("/")
    attributes = {"dtype": array.dtype} if array.dtype == "bfloat16" else {}
    group.group(owner).members[number] = Dataset(array, attributes)


def with_variables(key: str) -> str:
    """Returns the path of an array from its layer's group on.

    >>> with_variables("cell/1"), with_variables("0")
    ('cell/vars/1', 'vars/0')
    """
    owner, _, number = key.rpartition("/")
    return f"{owner}/{VARIABLES}/{number}".lstrip("/")
