"""Arrays listed by dotted names, as a PyTorch state dict lists them: `features.0.weight` is the module `features.0`'s.

https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.state_dict
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, replace
from typing import Any

from weightwise.records import dataclass
from weightwise.stored import Call, StoredArray, StoredLayer

WRAPPERS: Mapping[str, str] = {
    "module": "DataParallel",
    "_orig_mod": "torch.compile",
    "_fsdp_wrapped_module": "FullyShardedDataParallel",
    "_checkpoint_wrapped_module": "activation checkpointing",
    "base_model.model": "PEFT",
    "ema": "an exponential moving average",
}
"""Components that wrappers put into the names of the arrays of the module that they wrap, and who does so."""
INNER = re.compile(
    r"(?:(?P<layer>.*?)\.)??"
    r"(?P<key>parametrizations\.[^.]+(?:\.\w+)+|lora_(?:[AB]|embedding_[AB]|magnitude_vector)(?:\.[^.]+)*|[^.]+)"
)
"""A name in two: the module, and what the module calls the array, with what belongs to a reparametrisation of it."""


@dataclass(frozen=True)
class Module:
    """What a file says of one module, which may own no array."""

    class_name: str
    package: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    calls: tuple[Call, ...] = ()
    """The uses of it in the model, where the file tells them."""


@dataclass(frozen=True)
class Unwrapped:
    """Names without the prefixes of wrappers, and which prefixes were taken off."""

    names: tuple[str, ...]
    """In the order of the names given."""
    remarks: tuple[str, ...]


def unwrapped(names: Sequence[str]) -> Unwrapped:
    """Return names without the prefixes of wrappers, where every name keeps a distinct rest.

    >>> unwrapped(["module._orig_mod.fc.weight"]).names
    ('fc.weight',)
    """
    current = list(names)
    remarks = []
    for prefix, wrapper in _found(current):
        shorter = [_without(name, prefix) for name in current]
        if len(set(shorter)) == len(set(current)):
            current = shorter
            remarks.append(f"the names are given without the prefix {prefix}., which {wrapper} adds")
    return Unwrapped(tuple(current), tuple(remarks))


def _found(names: Sequence[str]) -> list[tuple[str, str]]:
    """Return the prefixes in the names: those that all share at their start, and those that no module is called."""
    found = []
    rest = list(names)
    while rest:
        shared = next((prefix for prefix in WRAPPERS if all(name.startswith(f"{prefix}.") for name in rest)), None)
        if shared is None:
            break
        found.append((shared, WRAPPERS[shared]))
        rest = [name.removeprefix(f"{shared}.") for name in rest]
    inner = [prefix for prefix in WRAPPERS if prefix.startswith("_") and (prefix, WRAPPERS[prefix]) not in found]
    return found + [(prefix, WRAPPERS[prefix]) for prefix in inner if any(f".{prefix}." in f".{name}" for name in rest)]


def _without(name: str, prefix: str) -> str:
    if prefix.startswith("_"):
        return f".{name}".replace(f".{prefix}.", ".").removeprefix(".")
    return name.removeprefix(f"{prefix}.")


def root_of(
    name: str, arrays: Iterable[tuple[str, StoredArray]], modules: Mapping[str, Module] | None = None
) -> StoredLayer:
    """Return a model whose layers are the modules, in the order in which they or their arrays are first told.

    `arrays` are pairs of a dotted name without wrappers and the array; `modules` are those that the file describes, by
    dotted name.
    """
    modules = modules or {}
    owned: dict[str, list[StoredArray]] = {layer: [] for layer in modules if layer}
    for full, array in arrays:
        layer, key = split(full, modules)
        owned.setdefault(layer, []).append(array if array.key == key else replace(array, key=key))
    layers = [_layer(layer, members, modules.get(layer)) for layer, members in owned.items() if layer]
    root = modules.get("", Module(""))
    return StoredLayer(
        name,
        root.class_name,
        root.config,
        root.package,
        tuple(owned.get("", ())),
        tuple(layers),
        configured=bool(root.class_name),
    )


def split(name: str, modules: Mapping[str, Module]) -> tuple[str, str]:
    """Return the module that owns an array, and what it calls it.

    >>> split("encoder.0.parametrizations.weight.original0", {})
    ('encoder.0', 'parametrizations.weight.original0')
    """
    found = INNER.fullmatch(name)
    layer, key = (found["layer"] or "", found["key"]) if found else ("", name)
    if modules and layer not in modules:
        owner = layer
        while owner and owner not in modules:
            owner = owner.rpartition(".")[0]
        if owner:
            return owner, name.removeprefix(f"{owner}.")
    return layer, key


def _layer(name: str, arrays: Sequence[StoredArray], module: Module | None) -> StoredLayer:
    if module is None:
        return StoredLayer(name, "", arrays=tuple(arrays), configured=False)
    return StoredLayer(name, module.class_name, module.config, module.package, tuple(arrays), calls=module.calls)
