"""Orbax checkpoints: a folder with a tree of arrays, as Flax and other users of JAX keep them.

    _METADATA        the tree: the keys that lead to each leaf, and what it is
    <name>/.zarray   one array each, in folders (zarr 2, or 3 with zarr.json), or all of them
    manifest.ocdbt   in one database; in old checkpoints, small ones stand in
    checkpoint       one file of MessagePack

A manager of checkpoints keeps one folder per step, and in it one per item. The newest step is what a person sees.

https://orbax.readthedocs.io/en/latest/guides/checkpoint/checkpoint_format.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from weightwise.errors import FormatError, WeightwiseError
from weightwise.formats.contiguous import unreadable
from weightwise.formats.jax.flax_msgpack import read_tree
from weightwise.formats.jax.ocdbt import MANIFEST, read_database
from weightwise.formats.jax.zarr import METADATA as ZARR
from weightwise.formats.jax.zarr import Fetch, read_array
from weightwise.formats.json_text import read_json
from weightwise.formats.named import model_of_tree
from weightwise.formats.tree import Leaf
from weightwise.formats.tree import Path as Keys
from weightwise.records import dataclass
from weightwise.source import Folder, Source
from weightwise.stored import StoredArray, StoredModel

TREE, CHECKPOINT, AGGREGATE = "_METADATA", "_CHECKPOINT_METADATA", "checkpoint"
NO_ARRAYS = frozenset({"None", "string", "Dict", "List", "Tuple", "NamedTuple"})
"""Kinds of leaves that are no arrays: texts, and containers without content."""


def match(folder: Folder) -> bool:
    """Returns whether a folder is a checkpoint, or the folder of a manager of checkpoints."""
    return holds_tree(folder) or CHECKPOINT in folder.files or bool(steps(folder))


def holds_tree(folder: Folder) -> bool:
    """Returns whether the arrays are in this folder, and not in one of a step or an item in it."""
    return TREE in folder.files or MANIFEST in folder.files or (AGGREGATE in folder.files and any(zarr_folders(folder)))


def zarr_folders(folder: Folder) -> Iterator[str]:
    """Yields the folders of arrays."""
    return (name for name in folder.folders if any((folder.inside(name) / key).is_file() for key in ZARR))


def steps(folder: Folder) -> list[str]:
    """Returns the folders of a manager's checkpoints, from the first step to the last."""
    numbered = [name for name in folder.folders if name.rpartition("_")[2].isdecimal()]
    found = [name for name in numbered if (folder.inside(name) / CHECKPOINT).is_file()]
    return sorted(found, key=lambda name: int(name.rpartition("_")[2][:18]))


def open_model(folder: Folder) -> StoredModel:
    """Returns the model of a checkpoint; raises `FormatError` when there is none."""
    remarks: list[str] = []
    problems: list[str] = []
    inner = checkpoint(folder, remarks)
    leaves = list(leaves_of(inner, problems))
    if not leaves:
        raise FormatError(problems[0] if problems else f"{inner.path}: expected arrays, found none.")
    model = model_of_tree(
        folder.path,
        "Orbax checkpoint",
        Path(folder.path).name,
        leaves,
        framework="Flax",
        nbytes=sum(path.stat().st_size for path in Path(inner.path).rglob("*") if path.is_file()),
        problems=problems,
    )
    return replace(model, remarks=tuple(remarks))


def checkpoint(folder: Folder, remarks: list[str]) -> Folder:
    """Returns the folder that holds the arrays: of the newest step, and of the item in it; raises `FormatError`."""
    if holds_tree(folder):
        return folder
    found = steps(folder)
    if found:
        others = f", beside {', '.join(found[:-1][:5])}" if found[1:] else ""
        remarks.append(f"the checkpoint of step {found[-1]} is shown{others}")
        return checkpoint(folder.folder(found[-1]), remarks)
    items = [name for name in folder.folders if holds_tree(folder.folder(name))]
    if len(items) != 1:
        found_items = ", ".join(items[:5]) or "none"
        raise FormatError(f"{folder.path}: expected one item with arrays, found {found_items}; give the path of one.")
    return folder.folder(items[0])


@dataclass(frozen=True)
class Store:
    """Where the arrays of a checkpoint are kept."""

    fetch: Fetch
    names: tuple[str, ...]
    """The arrays that are there, their keys with dots in between."""


def leaves_of(folder: Folder, problems: list[str]) -> Iterator[Leaf]:
    """Yields the arrays of a checkpoint with the keys that lead to them; one that cannot be read is a problem."""
    aggregate = aggregated(folder, problems)
    store = store_of(folder, problems)
    for keys, described in told(folder, store, problems):
        if keys in aggregate:
            yield keys, aggregate.pop(keys)
        else:
            yield keys, stored(folder, store.fetch, keys, described, problems)
    yield from aggregate.items()


def aggregated(folder: Folder, problems: list[str]) -> dict[Keys, StoredArray]:
    """Returns the arrays that stand in one file of MessagePack."""
    if AGGREGATE not in folder.files:
        return {}
    return dict(read_tree(folder.source(AGGREGATE), problems))


def store_of(folder: Folder, problems: list[str]) -> Store:
    """Returns the database of a checkpoint, or its folders; a database that cannot be read is a problem."""
    if MANIFEST not in folder.files:
        return Store(partial(fetched, folder), tuple(zarr_folders(folder)))
    try:
        database = read_database(folder, problems)
    except WeightwiseError as error:
        problems.append(str(error))
        return Store(lambda key: None, ())
    names = (key.rpartition("/") for key in database.places)
    return Store(database.fetch, tuple(name for name, _, last in names if last in ZARR))


def fetched(folder: Folder, key: str) -> Source | None:
    """Returns the file of a key; None where there is none, or an empty one."""
    path = folder.inside(key)
    return folder.source(key) if path.is_file() and path.stat().st_size else None


def told(folder: Folder, store: Store, problems: list[str]) -> Iterator[tuple[Keys, Mapping[str, Any]]]:
    """Yields the keys and the description of each leaf; without a tree, those that the names of arrays tell."""
    tree = tree_of(folder, problems)
    if tree is None:
        yield from ((tuple(name.split(".")), {}) for name in store.names)
        return
    for name, entry in tree.items():
        keys = keys_of(entry)
        described = entry.get("value_metadata") if isinstance(entry, dict) else None
        if keys is None or not isinstance(described, dict):
            problems.append(f"{folder.path}: expected key_metadata and value_metadata of {name:.200}, found others.")
        elif described.get("value_type") not in NO_ARRAYS:
            yield keys, described


def tree_of(folder: Folder, problems: list[str]) -> Mapping[str, Any] | None:
    """Returns the tree that a checkpoint has, or None; one that cannot be read is a problem."""
    if TREE not in folder.files:
        return None
    try:
        source = folder.source(TREE)
        tree = read_json(source.read(0, source.size), source.name).get("tree_metadata")
    except WeightwiseError as error:
        problems.append(str(error))
        return None
    if isinstance(tree, dict):
        return tree
    problems.append(f"{source.name}: expected tree_metadata as an object, found {tree!r:.80}.")
    return None


def keys_of(entry: object) -> Keys | None:
    """Returns the keys that lead to a leaf, or None where the entry does not tell them."""
    listed = entry.get("key_metadata") if isinstance(entry, dict) else None
    if not isinstance(listed, list) or not all(isinstance(key, dict) and "key" in key for key in listed):
        return None
    return tuple(str(key["key"]) for key in listed)


def stored(folder: Folder, fetch: Fetch, keys: Keys, described: Mapping[str, Any], problems: list[str]) -> StoredArray:
    """Returns an array of the checkpoint; of one that cannot be read, what the tree says of it."""
    path = "/".join(keys)
    try:
        return read_array(fetch, ".".join(keys), path)
    except WeightwiseError as error:
        problems.append(f"{folder.path}: {path}: {error}")
    shape = described.get("write_shape")
    sizes = tuple(size for size in shape if isinstance(size, int)) if isinstance(shape, list) else ()
    return unreadable(folder.path, path, sizes, "unknown", 0, "its metadata cannot be read")
