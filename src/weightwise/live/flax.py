"""Modules of Flax in memory: of nnx, which hold their arrays, and of linen, which are bound to variables.

A module of linen makes those inside it when it is called, so a bound one tells them after a call: `bound =
module.bind(variables); bound(x)`. Before, only what `setup` makes is known, and whoever else has arrays is told by the
names alone. The order of the arrays is that of the tree of variables.

https://flax.readthedocs.io/en/latest/nnx_basics.html, https://flax-linen.readthedocs.io/en/latest/api_reference/flax.linen/module.html
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import Any

from weightwise.conventions.flax import RULES, qualified
from weightwise.formats.state_dict import Module
from weightwise.formats.tree import Leaf, Path
from weightwise.live.setting import Way, place_in, setting
from weightwise.live.values import in_memory, is_instance, name_of
from weightwise.stored import Addressing, StoredArray, StoredLayer, StoredModel

WEIGHTS = ("params", "batch_stats")
"""The collections of linen that are the model."""
PASSING = ("RngState", "Intermediate", "Cache", "OptState")
"""The kinds of variables of nnx that are not the model."""
UNTOLD = ("parent", "name")
WIDTH = "qkv_features"
"""How wide the projections of an attention are in all."""
LEFT_OUT: Any = object()
BOUND = (
    "a module of linen is bound to it, whose variables do not change: give the dictionary of variables, or the pair "
    "(module, variables)"
)
Variable = tuple[str, Path, StoredArray]
"""The collection of an array (`params`), its path in it, and the array."""


def match(thing: Any) -> bool:
    """Returns whether this is a module of nnx, one of linen with variables, or a state of nnx."""
    return is_nnx(thing) or is_state(thing) or is_linen(thing) or is_pair(thing)


def is_nnx(thing: Any) -> bool:
    """Returns whether this is a module of nnx."""
    return is_instance(thing, "flax.nnx", "Module")


def is_state(thing: Any) -> bool:
    """Returns whether these are the variables of a module of nnx."""
    return is_instance(thing, "flax.nnx", "State")


def is_linen(thing: Any) -> bool:
    """Returns whether this is a module of linen that is bound to variables."""
    return is_instance(thing, "flax.linen", "Module") and thing.scope is not None


def is_pair(thing: Any) -> bool:
    """Returns whether this is a module of linen beside its variables."""
    pair = isinstance(thing, tuple) and len(thing) == 2 and isinstance(thing[1], Mapping)
    return pair and is_instance(thing[0], "flax.linen", "Module")


def open_model(thing: Any) -> StoredModel:
    """Returns the layers of a module, those that have arrays or no modules in them, with their classes."""
    variables = thing[1] if is_pair(thing) else None
    if is_pair(thing):
        thing = thing[0].bind(variables)
    if is_linen(thing):
        return model_of(thing, "linen module", list(linen_variables(thing, variables)), dict(linen_modules(thing)))
    modules = dict(nnx_modules(thing)) if is_nnx(thing) else {}
    return model_of(thing, "nnx module" if modules else "nnx state", list(nnx_variables(thing)), modules)


def model_of(thing: Any, kind: str, found: Sequence[Variable], modules: Mapping[Path, Module]) -> StoredModel:
    """Returns the model of arrays, each with its collection, and of all modules by their paths."""
    name = type(thing).__name__
    weights = [(path, array) for collection, path, array in found if collection in WEIGHTS]
    root = modules.get((), Module(""))
    if is_whole(root):  # a layer alone is the one layer of a model
        weights = [((name, *path), array) for path, array in weights]
        modules, root = {(name,): root}, Module("")
    layers = layers_of(weights, outermost(modules))
    own = tuple(layers.pop((), ()))
    inner = tuple(layer_of(path, arrays, modules.get(path)) for path, arrays in layers.items())
    return StoredModel(
        path=f"<live {name_of(thing)}>",
        format=f"Flax {kind} in memory",
        framework="Flax",
        version=str(sys.modules["flax"].__version__),
        root=replace(layer_of((name,), own, root if root.class_name else None), layers=inner),
        addressing=Addressing.PATH,
        nbytes=sum(array.nbytes for _, array in weights),
        state=tuple(array for collection, _, array in found if collection not in WEIGHTS),
        listing=tuple(array.path for _, array in weights),
    )


def outermost(modules: Mapping[Path, Module]) -> dict[Path, Module]:
    """Returns the modules without those inside one that the table knows as a whole."""
    whole = {path for path, module in modules.items() if is_whole(module)}
    return {path: module for path, module in modules.items() if whole.isdisjoint(above(path))}


def above(path: Path) -> list[Path]:
    """Returns the paths of the modules around a module or an array, the outermost first."""
    return [path[:end] for end in range(len(path))]


def layers_of(leaves: Sequence[Leaf], modules: Mapping[Path, Module]) -> dict[Path, list[StoredArray]]:
    """Returns the arrays of each layer; layers are the modules without modules in them, and whoever has arrays."""
    around = {outer for path in modules for outer in above(path)}
    layers: dict[Path, list[StoredArray]] = {path: [] for path in modules if path not in around}
    for path, array in leaves:
        owner = next((outer for outer in above(path) if is_whole(modules.get(outer))), path[:-1])
        layers.setdefault(owner, []).append(replace(array, key="/".join(path[len(owner) :])))
    return layers


def is_whole(module: Module | None) -> bool:
    """Returns whether the table knows a module with those in it."""
    return module is not None and qualified(f"{module.package}.{module.class_name}") in RULES


def layer_of(path: Path, arrays: Sequence[StoredArray], module: Module | None) -> StoredLayer:
    """Returns a layer; without a class where no module is known."""
    name = "/".join(path)
    if module is None:
        return StoredLayer(name, "", arrays=tuple(arrays), configured=False)
    return StoredLayer(name, module.class_name, module.config, module.package, tuple(arrays))


def linen_variables(module: Any, variables: Any) -> Iterator[Variable]:
    """Yields the arrays that a module is bound to, in the order of JAX, which sorts the names.

    `variables` are the dictionaries that it was bound to, where they are known.
    """
    for (collection, *path), array in leaves(sys.modules["flax.linen"].unbox(module.variables)):
        way = setting(array, place_in(variables, (collection, *path))) if variables is not None else BOUND
        yield collection, tuple(path), stored("/".join((collection, *path)), array, collection, way)


def leaves(tree: Any) -> Iterator[tuple[Path, Any]]:
    """Yields the arrays of nested dictionaries with their paths, the names sorted."""
    if not isinstance(tree, Mapping):
        yield (), tree
        return
    for key in sorted(tree):
        yield from (((str(key), *path), array) for path, array in leaves(tree[key]))


def nnx_variables(thing: Any) -> Iterator[Variable]:
    """Yields the arrays of a module or a state in the order of its state."""
    nnx: Any = sys.modules["flax.nnx"]
    for path, variable in nnx.to_flat_state(nnx.state(thing) if is_nnx(thing) else thing):
        parts = tuple(map(str, path))
        passing = any(is_instance(variable, "flax.nnx", kind) for kind in PASSING)
        collection = "state" if passing else "params" if isinstance(variable, nnx.Param) else "batch_stats"
        if hasattr(variable, "shape"):
            yield collection, parts, stored("/".join(parts), variable, collection, setting(variable))


def stored(path: str, array: Any, collection: str, way: Way) -> StoredArray:
    """Returns one array, and how it gets other values; only what is in `params` is trained."""
    return replace(in_memory(path, array, lambda: array[...], way), trainable=collection == "params")


def nnx_modules(module: Any) -> Iterator[tuple[Path, Module]]:
    """Yields a module and all those in it, each once."""
    for path, inner in sys.modules["flax.nnx"].iter_modules(module):
        yield tuple(map(str, path)), Module(type(inner).__name__, type(inner).__module__, configuration(inner))


def linen_modules(module: Any, path: Path = ()) -> Iterator[tuple[Path, Module]]:
    """Yields a bound module and those in it that it has made so far."""
    members = module._state.children
    inside = {str(name): inner for name, inner in members.items() if is_instance(inner, "flax.linen", "Module")}
    config = configuration(module)
    if config.get(WIDTH, 0) is None and "query" in inside:  # that of the input, which its first projection knows
        config[WIDTH] = prod(inside["query"].features)
    yield path, Module(type(module).__name__, type(module).__module__, config)
    for name, inner in inside.items():
        yield from linen_modules(inner, (*path, name))


def configuration(module: Any) -> dict[str, Any]:
    """Returns the attributes that the table reads: plain values, functions by name, modules by class and attributes."""
    named = {name: value for name, value in vars(module).items() if name[:1] != "_" and name not in UNTOLD}
    told = {name: plain(value) for name, value in named.items()}
    return {name: value for name, value in told.items() if value is not LEFT_OUT}


def plain(value: Any) -> Any:
    """Returns what a configuration has for a value of an attribute; `LEFT_OUT` for what it cannot have."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (tuple, list)):
        items = [plain(item) for item in value]
        return LEFT_OUT if LEFT_OUT in items else items
    if isinstance(value, Mapping):
        members = {str(key): plain(item) for key, item in value.items()}
        return LEFT_OUT if LEFT_OUT in members.values() else members
    if is_nnx(value) or is_instance(value, "flax.linen", "Module"):
        return {"class_name": f"{type(value).__module__}.{type(value).__name__}", "config": configuration(value)}
    name = getattr(value, "__name__", None)
    return name if callable(value) and isinstance(name, str) and not isinstance(value, type) else LEFT_OUT
