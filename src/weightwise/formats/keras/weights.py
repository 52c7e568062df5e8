"""The weights file of Keras 3, `.weights.h5`: inside a `.keras` archive, alone, or in shards with a table.

A table, `.weights.json`, says which shards hold the variables of which object:

    {"metadata": {"total_size": 320.0}, "weight_map": {"/layers/dense/vars": ["model_00000.weights.h5"]}}
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from weightwise.errors import FormatError, WeightwiseError
from weightwise.formats.hdf5 import Contents, read_hdf5
from weightwise.formats.keras.config import Entry
from weightwise.formats.keras.paths import Group, Placement, gaps, is_variables, tree
from weightwise.formats.order import natural
from weightwise.formats.weight_map import read_weight_map, writer
from weightwise.source import Source, open_source
from weightwise.stored import Addressing, StoredArray, StoredLayer, StoredModel

OPTIMIZER = "optimizer"
STATE = "state"
SEEDS = "seed_generator"
METRICS = frozenset({"metrics", "_metrics", "compile_metrics", "_compile_metrics", "_loss_tracker"})


def match(source: Source) -> bool:
    """Returns whether the bytes are the table of a sharded weights file."""
    return writer(source) == "Keras"


def holds_paths(contents: Contents) -> bool:
    """Returns whether a file has the groups that Keras 3 writes."""
    return any(is_variables(path) for path in contents.attributes)


def open_model(source: Source) -> StoredModel:
    """Returns the model that is spread over shards beside the table; raises `FormatError`."""
    contents = Contents({}, {}, ())
    for name in shards(source):
        contents = joined(contents, shard(source, name))
    if not contents.attributes:
        raise FormatError(" ".join(contents.problems) or f"{source.name}: the table names no shards.")
    return weights_model(source, contents, None, "Keras 3 sharded weights (.weights.json)", "", ())


def shards(source: Source) -> list[str]:
    """Returns the names of the shards, each once; raises `FormatError`."""
    return list(dict.fromkeys(name for names in read_weight_map(source).values() for name in names))


def shard(source: Source, name: str) -> Contents:
    """Returns what one shard holds; a shard that cannot be read is a problem."""
    try:
        return read_hdf5(open_source(Path(source.path).with_name(name)))
    except WeightwiseError as error:
        return Contents({}, {}, (str(error),))


def joined(first: Contents, second: Contents) -> Contents:
    """Returns what two shards hold together."""
    return Contents(
        {**first.attributes, **second.attributes},
        {**first.arrays, **second.arrays},
        (*first.problems, *second.problems),
    )


def open_weights(source: Source, contents: Contents) -> StoredModel:
    """Returns the model of a weights file alone: layers that only paths tell of."""
    return weights_model(source, contents, None, "Keras 3 weights (.weights.h5)", "", ())


def weights_model(
    source: Source, contents: Contents, entry: Entry | None, form: str, version: str, problems: Iterable[str]
) -> StoredModel:
    """Returns the model of a weights file, with the layers of a configuration where there is one."""
    arrays: dict[str, list[StoredArray]] = {"": [], OPTIMIZER: [], STATE: []}
    for array in sorted(contents.arrays.values(), key=lambda array: natural(array.path)):
        arrays[kind(array.path)].append(array)
    root = tree({path: found for path, found in contents.attributes.items() if not kind(path)}, arrays[""])
    placement = Placement()
    model = placement.model(entry, root) if entry else told_by_file(source, root)
    model = replace(model, layers=(*model.layers, *extra(placement, root, entry)))
    lost = (f"{source.name}: variables of {path or 'the model'} are missing." for path in gaps(root))
    return StoredModel(
        path=source.path,
        format=form,
        framework="Keras",
        version=version,
        root=model,
        addressing=Addressing.PATH,
        nbytes=source.size,
        optimizer=tuple(arrays[OPTIMIZER]),
        state=tuple(arrays[STATE]),
        problems=(*problems, *contents.problems, *lost),
    )


def told_by_file(source: Source, root: Group) -> StoredLayer:
    """Returns the model itself when there is no configuration: its name is the file's own, or the file name."""
    name = root.name or Path(source.path).name.partition(".")[0]
    return StoredLayer(name, "", arrays=root.own(), configured=False)


def extra(placement: Placement, root: Group, entry: Entry | None) -> Iterator[StoredLayer]:
    """Yields the layers that only paths tell of; beside a configuration those without arrays say nothing new."""
    return (layer for layer in placement.rest(root) if not entry or layer.arrays or layer.layers)


def kind(path: str) -> str:
    """Returns what a group or an array is: of the optimizer, a state that is no weight, or an empty string."""
    parts = path.split("/")
    if parts[0] == OPTIMIZER:
        return OPTIMIZER
    return STATE if SEEDS in parts or parts[0] in METRICS else ""
