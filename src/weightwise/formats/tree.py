"""Trees of arrays, as Flax and JAX keep them: `params/encoder/Dense_0/kernel` is the layer `encoder/Dense_0`'s.

The first part names a collection of variables, and a layer may have arrays in several: `batch_stats/BatchNorm_0/mean`
belongs to the layer that has `params/BatchNorm_0/scale`. A training state has the weights beside the optimizer's arrays
and the step.

https://flax-linen.readthedocs.io/en/latest/guides/flax_fundamentals/variables.html (collections),
https://flax-linen.readthedocs.io/en/latest/api_reference/flax.training/train_state.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from weightwise.formats.order import natural
from weightwise.records import dataclass
from weightwise.stored import StoredArray, StoredLayer

Path = tuple[str, ...]
Leaf = tuple[Path, StoredArray]

COLLECTIONS = frozenset({"params", "batch_stats", "target", "variables", "model"})
"""Names of the top that hold weights of the one model, and are no part of a layer's name."""
OPTIMIZERS = frozenset({"opt_state", "opt_states", "optimizer", "optimizer_state", "opt", "param_states"})
COUNTS = frozenset({"step", "steps", "global_step", "epoch", "iteration", "rng", "dropout_rng", "key", "accum_step"})
VALUE = "value"
"""What Flax nnx puts below the name of each variable that it saves."""


@dataclass(frozen=True)
class Tree:
    """A tree of arrays, told apart."""

    root: StoredLayer
    optimizer: tuple[StoredArray, ...]
    state: tuple[StoredArray, ...]


def tree_of(name: str, leaves: Sequence[Leaf]) -> Tree:
    """Returns a model whose layers are the parents of the leaves, in the tree's order, and what is no weight of it."""
    roles: dict[str, list[Leaf]] = {"": [], "optimizer": [], "state": []}
    targeted = any(path[0] == "target" for path, _ in leaves if path)
    for path, array in in_order(leaves):
        roles[role(path, targeted)].append((path, array))
    layers = layers_of(roles[""])
    own = tuple(layers.pop("", ()))
    inner = tuple(StoredLayer(name, "", arrays=tuple(arrays), configured=False) for name, arrays in layers.items())
    return Tree(
        StoredLayer(name, "", arrays=own, layers=inner, configured=False),
        tuple(array for _, array in roles["optimizer"]),
        tuple(array for _, array in roles["state"]),
    )


def in_order(leaves: Sequence[Leaf]) -> Sequence[Leaf]:
    """Returns the leaves as the tree has them; where JAX sorted their names, so that `Conv_10` follows `Conv_9`."""
    collections: dict[str, list[Path]] = {}
    for path, _ in leaves:
        collections.setdefault("".join(path[:1]), []).append(path)
    if any(first > second for paths in collections.values() for first, second in pairwise(paths)):
        return leaves
    return sorted(leaves, key=lambda leaf: [natural(part) for part in without_collections(leaf[0])])


def role(path: Path, targeted: bool) -> str:
    """Returns what an array is: `optimizer`, a `state` that is no weight, or an empty string for a weight.

    `targeted` is whether the weights stand under `target`, as the optimizers of old Flax and T5X have them.
    """
    outer = path[:1] + (path[1:2] if path[:1] == ("optimizer",) and path[1:2] in (("target",), ("state",)) else ())
    if outer[-1:] == ("target",):
        return ""
    if OPTIMIZERS & set(outer) or (targeted and outer == ("state",)):
        return "state" if path[-1] == "step" else "optimizer"
    return "state" if len(path) == 1 and path[0] in COUNTS else ""


def layers_of(leaves: Iterable[Leaf]) -> dict[str, list[StoredArray]]:
    """Returns the arrays of each layer by its name, keys that would stand twice with their collection."""
    layers: dict[str, dict[str, StoredArray]] = {}
    for path, array in leaves:
        inner = without_collections(path)
        owner, key = ("/".join(inner[:-1]), inner[-1]) if inner else ("", array.path)
        arrays = layers.setdefault(owner, {})
        key = key if key not in arrays else "/".join(path)
        arrays[key] = replace(array, key=key)
    return {owner: list(arrays.values()) for owner, arrays in layers.items()}


def without_collections(path: Path) -> Path:
    """Returns a path without the names of collections, and without what nnx puts below a variable's name."""
    start = 1 if path[:2] == ("optimizer", "target") else 0
    while start < len(path) - 1 and path[start] in COLLECTIONS:
        start += 1
    end = len(path) - 1 if path[-1:] == (VALUE,) and len(path) - start > 1 else len(path)
    return path[start:end]
