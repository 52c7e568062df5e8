"""Whole modules in pickles: an instance of `torch.nn.Module` keeps its parameters, buffers and modules in `__dict__`.

https://github.com/pytorch/pytorch/blob/main/torch/nn/modules/module.py
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from typing import Any

from weightwise.formats.pickles.values import Global, Instance, attributes
from weightwise.formats.pytorch.configuration import DIMS, norms
from weightwise.formats.pytorch.sequence import calls_in
from weightwise.formats.pytorch.values import Tensor
from weightwise.formats.pytorch.walk import MOST_SIGNS, Named, key_text
from weightwise.formats.state_dict import Module
from weightwise.records import dataclass

WRAPPERS = ("DataParallel", "DistributedDataParallel", "OptimizedModule", "FullyShardedDataParallel")
MOST_MODULES = 100_000
MOST_STEPS = 1_000_000
"""So many attributes, parameters, buffers, modules and hooks are looked at."""
HOOKS = "_forward_pre_hooks"
KINDS = ("_parameters", "_buffers", "_modules", HOOKS)
MOST_TEXT = 200
MOST_ITEMS = 32


@dataclass
class Modules:
    """What was found in a module and those in it."""

    described: dict[str, Module] = field(default_factory=dict)
    classes: dict[str, tuple[str, str]] = field(default_factory=dict)
    """The class and the package of every module, those too that only hold others."""
    tensors: list[Named] = field(default_factory=list)
    """In the order of `state_dict()`."""
    passing: list[Named] = field(default_factory=list)
    """The buffers that `state_dict()` leaves out."""
    problems: list[str] = field(default_factory=list)


def is_module(value: Any) -> bool:
    """Returns whether a value is an instance of a module."""
    return isinstance(value, Instance) and isinstance(attributes(value.state).get("_modules"), dict)


def inside(module: Instance) -> tuple[Instance, tuple[str, ...]]:
    """Returns the module in the wrappers around it, and the names of the wrappers' classes."""
    wrappers: list[str] = []
    while class_of(module)[0] in WRAPPERS and len(wrappers) < len(WRAPPERS):
        inner = [value for value in members(module, "_modules").values() if is_module(value)]
        if len(inner) != 1:
            break
        wrappers.append(class_of(module)[0])
        module = inner[0]
    return module, tuple(wrappers)


def modules_in(root: Instance) -> Modules:
    """Returns all modules in a module, by dotted name, and their tensors."""
    found = Modules()
    levels: list[Iterator[tuple[str, Any]]] = [iter([("", root)])]
    steps = 0
    while levels:
        name, module = next(levels[-1], ("", None))
        if module is None:
            levels.pop()
            continue
        steps += size_of(module)
        if len(found.described) > MOST_MODULES or steps > MOST_STEPS:
            found.problems.append("it holds more modules than can be told; the rest is left out")
            break
        note(found, name, module)
        levels.append(inner_modules(name, module))
    for name, calls in calls_in(found.described, found.classes).items():
        found.described[name] = replace(found.described[name], calls=calls)
    return found


def size_of(module: Instance) -> int:
    """Returns how many things a module has itself, and one for itself."""
    own = attributes(module.state)
    return 1 + len(own) + sum(len(own[kind]) for kind in KINDS if isinstance(own.get(kind), dict))


def inner_modules(name: str, module: Instance) -> Iterator[tuple[str, Any]]:
    """Yields the modules directly in a module, with their names."""
    for key, inner in members(module, "_modules").items():
        full = joined(name, key)
        if is_module(inner) and len(full) <= MOST_SIGNS:
            yield full, inner


def note(found: Modules, name: str, module: Instance) -> None:
    """Adds one module and its own tensors to what was found."""
    parameters = tensors(module, "_parameters")
    buffers = tensors(module, "_buffers")
    passing = left_out(module)
    found.tensors += [Named(joined(name, key), value) for key, value in parameters.items()]
    for key, value in buffers.items():
        (found.passing if key in passing else found.tensors).append(Named(joined(name, key), value))
    class_name, package = found.classes[name] = class_of(module)
    if not name or parameters or buffers or not members(module, "_modules"):
        own = {"parameters": list(parameters), "buffers": [key for key in buffers if key not in passing]}
        dims = norms(hooks(module))
        computed = {DIMS: dims} if dims else {}
        found.described[name] = Module(class_name, package, {**configuration(module), **own, **computed})


def hooks(module: Instance) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yields the class and the attributes of each object that a module calls before it computes."""
    for hook in members(module, HOOKS).values():
        if isinstance(hook, Instance):
            yield class_of(hook)[0], attributes(hook.state)


def left_out(module: Instance) -> frozenset[str]:
    """Returns the names of the buffers that `state_dict()` leaves out."""
    names = attributes(module.state).get("_non_persistent_buffers_set")
    return frozenset(name for name in names if isinstance(name, str)) if isinstance(names, list) else frozenset()


def configuration(module: Instance) -> dict[str, Any]:
    """Returns a module's public attributes that are plain values: numbers, texts, and short lists of them."""
    named = {name: value for name, value in attributes(module.state).items() if isinstance(name, str)}
    return {name: value for name, value in named.items() if is_name(name) and is_plain(value)}


def is_name(name: str) -> bool:
    """Returns whether an attribute is public, and its name not too long to be one."""
    return not name.startswith("_") and len(name) < MOST_TEXT


def is_plain(value: Any, depth: int = 0) -> bool:
    """Returns whether a value may stand in a configuration."""
    if isinstance(value, (list, tuple)):
        return len(value) <= MOST_ITEMS and depth < 2 and all(is_plain(item, depth + 1) for item in value)
    return value is None or isinstance(value, (bool, int, float)) or (isinstance(value, str) and len(value) < MOST_TEXT)


def class_of(module: Instance) -> tuple[str, str]:
    """Returns the name of a module's class and the package that it comes from."""
    callee = module.callee
    return (callee.name, callee.module) if isinstance(callee, Global) else ("", "")


def tensors(module: Instance, kind: str) -> dict[str, Tensor]:
    """Returns a module's own parameters or buffers, without those that are None."""
    return {name: value for name, value in members(module, kind).items() if isinstance(value, Tensor)}


def members(module: Instance, kind: str) -> Mapping[str, Any]:
    """Returns a module's `_parameters`, `_buffers` or `_modules`."""
    found = attributes(module.state).get(kind)
    return {key_text(key): value for key, value in found.items()} if isinstance(found, dict) else {}


def joined(prefix: str, key: str) -> str:
    """Returns a dotted name."""
    return f"{prefix}.{key}" if prefix else key
