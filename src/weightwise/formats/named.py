"""Arrays that a file lists by full names alone: whose they are is told by the names.

A name has its parts between dots, as in a PyTorch state dict (`encoder.0.weight`), or between slashes, as in a Flax
tree (`params/Dense_0/kernel`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from weightwise.formats.state_dict import root_of, unwrapped
from weightwise.formats.tree import Leaf, tree_of
from weightwise.stored import Addressing, StoredArray, StoredModel


def model_by_names(
    path: str,
    form: str,
    name: str,
    arrays: Sequence[StoredArray],
    *,
    framework: str = "",
    config: Mapping[str, Any] | None = None,
    nbytes: int = 0,
    problems: Iterable[str] = (),
) -> StoredModel:
    """Returns a model called `name` whose layers are those that the paths of its arrays tell of."""
    separator = "." if framework == "Flax" else "/"
    if any(separator in array.path for array in arrays):
        leaves = [(tuple(array.path.split(separator)), array) for array in arrays]
        return model_of_tree(
            path, form, name, leaves, framework=framework, config=config, nbytes=nbytes, problems=problems
        )
    found = unwrapped([array.path for array in arrays])
    return StoredModel(
        path=path,
        format=form,
        framework=framework,
        version="",
        root=replace(root_of(name, zip(found.names, arrays, strict=True)), config=config or {}),
        addressing=Addressing.PATH,
        nbytes=nbytes,
        remarks=found.remarks,
        problems=tuple(problems),
    )


def model_of_tree(
    path: str,
    form: str,
    name: str,
    leaves: Sequence[Leaf],
    *,
    framework: str = "",
    config: Mapping[str, Any] | None = None,
    nbytes: int = 0,
    problems: Iterable[str] = (),
) -> StoredModel:
    """Returns a model called `name` whose layers are the parents of the leaves of a tree."""
    tree = tree_of(name, leaves)
    return StoredModel(
        path=path,
        format=form,
        framework=framework,
        version="",
        root=replace(tree.root, config=config or {}),
        addressing=Addressing.PATH,
        nbytes=nbytes,
        optimizer=tree.optimizer,
        state=tree.state,
        problems=tuple(problems),
    )
