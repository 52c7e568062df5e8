"""Arrays that a file lists by full names alone: whose they are is told by the names.

A name has its parts between dots, as in a PyTorch state dict (`encoder.0.weight`), or between slashes, as in a Flax
tree (`params/Dense_0/kernel`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from weightwise.formats.state_dict import root_of, unwrapped
from weightwise.formats.tree import tree_of
from weightwise.stored import StoredArray, StoredLayer


@dataclass(frozen=True)
class Named:
    """Arrays that are told apart by their names."""

    root: StoredLayer
    optimizer: tuple[StoredArray, ...] = ()
    state: tuple[StoredArray, ...] = ()
    remarks: tuple[str, ...] = ()


def by_names(name: str, arrays: Sequence[StoredArray], separator: str = "") -> Named:
    """Returns a model whose layers are those that the arrays' paths tell of.

    `separator` says that the names are paths in a tree with this sign between their parts; otherwise a slash in any
    name does.
    """
    separator = separator or ("/" if any("/" in array.path for array in arrays) else "")
    if separator:
        tree = tree_of(name, [(tuple(array.path.split(separator)), array) for array in arrays])
        return Named(tree.root, tree.optimizer, tree.state)
    found = unwrapped([array.path for array in arrays])
    return Named(root_of(name, zip(found.names, arrays, strict=True)), remarks=found.remarks)
