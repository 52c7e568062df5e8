"""Keras 3's weights: arrays whose paths say whose they are.

Every object that has variables is a group with a group `vars` in it, whose datasets are `0`, `1`, … and whose
attribute `name` is the object's name (not in the first versions). The path is that of Python attributes: the layers of
a model are `layers/<class>`, with `_1`, `_2` … when a class comes again, in the model's own order; the parts of a layer
are called what its author called them: `layers/bidirectional/forward_layer/cell/vars/0`. An object is written once,
where it is met first, so a layer that two models share has one group.

The naming is `_save_container_state` of https://github.com/keras-team/keras/blob/v3.15.0/keras/src/saving/saving_lib.py
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from typing import Any

from weightwise.formats.keras.config import Entry, snake_case
from weightwise.formats.order import natural
from weightwise.records import dataclass
from weightwise.stored import StoredArray, StoredLayer

VARIABLES = "vars"
LAYERS = "layers"
OLD_LAYERS = "_layer_checkpoint_dependencies"
"""What Keras 2.12 and 2.13 have for `layers`; there, layers with variables count twice in the numbers."""
PATH_NAMES = {"GroupQueryAttention": "grouped_query_attention"}
"""Classes whose name in a configuration is not the one that paths are made of."""
OPERATIONS = ("keras.src.ops", "keras.ops")
"""Modules of the steps of a functional model that are no layers, and have no group."""


@dataclass(frozen=True)
class Group:
    """One object of a weights file: its own variables, and the objects that it is made of."""

    path: str
    name: str = ""
    """The object's name, where the file has it."""
    saved: bool = False
    """Whether it is an object that Keras saved, and not only a list or dictionary of them."""
    variables: tuple[StoredArray, ...] = ()
    groups: tuple[Group, ...] = ()

    @property
    def last(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]

    @property
    def container(self) -> Group | None:
        """The group of a model's layers."""
        return next((group for group in self.groups if group.last in (LAYERS, OLD_LAYERS)), None)

    def walk(self) -> Iterator[Group]:
        """Yields this group and all below it."""
        yield self
        for group in self.groups:
            yield from group.walk()

    def arrays(self) -> tuple[StoredArray, ...]:
        """Returns all arrays here and below; their keys are their paths from here on, without `vars`."""
        found = (array for group in self.walk() for array in group.variables)
        return tuple(replace(array, key=key(array.path.removeprefix(self.path))) for array in found)

    def own(self) -> tuple[StoredArray, ...]:
        """Returns the arrays of the object itself."""
        return tuple(replace(array, key=key(array.path.removeprefix(self.path))) for array in self.variables)


def key(path: str) -> str:
    """Returns a path without `vars`: `cell/vars/1` is `cell/1`."""
    return "/".join(part for part in path.split("/") if part not in ("", VARIABLES))


def tree(attributes: Mapping[str, Mapping[str, Any]], arrays: Iterable[StoredArray]) -> Group:
    """Returns the groups of a weights file, from their attributes by path, with these arrays of it."""
    variables: dict[str, list[StoredArray]] = defaultdict(list)
    for array in sorted(arrays, key=lambda array: natural(array.path)):
        variables[owner(array.path.rpartition("/")[0])].append(array)
    members: dict[str, list[str]] = defaultdict(list)
    for path in sorted((path for path in attributes if path), key=natural):
        if not is_variables(path):
            members[owner(path.rpartition("/")[0])].append(path)

    def group(path: str) -> Group:
        of_variables = attributes.get(f"{path}/{VARIABLES}".lstrip("/"))
        name = (of_variables or {}).get("name")
        return Group(
            path=path,
            name=name if isinstance(name, str) else "",
            saved=of_variables is not None,
            variables=tuple(variables[path]),
            groups=tuple(group(member) for member in members[path]),
        )

    return group("")


def is_variables(path: str) -> bool:
    """Returns whether a group only holds the variables of the one that it is in."""
    return path.rpartition("/")[2] == VARIABLES


def owner(path: str) -> str:
    """Returns the path of the object that what is in this group belongs to."""
    return path.rpartition("/")[0] if is_variables(path) else path


def gaps(group: Group) -> Iterator[str]:
    """Yields the path of each object whose variables are numbered with gaps, so that some of them are lost."""
    for inner in group.walk():
        names = {array.path.rpartition("/")[2] for array in inner.variables}
        numbered = {name for name in names if name.isdecimal()}
        if numbered != {str(number) for number in range(len(numbered))}:
            yield inner.path


@dataclass
class Placement:
    """Gives the groups of a weights file to the layers of a configuration."""

    taken: set[str] = field(default_factory=set)
    """The groups whose arrays went to a layer, with everything below them."""
    models: set[str] = field(default_factory=lambda: {""})
    """The groups of models, and of their layers."""
    placed: dict[tuple[str, str], StoredLayer] = field(default_factory=dict)
    """The first layer of each class and name that has a group."""

    def layer(self, entry: Entry, group: Group | None) -> StoredLayer:
        """Returns a layer with its arrays and the layers in it."""
        identity = entry.layer.class_name, entry.layer.name
        if group is None and entry.shared and identity in self.placed:
            first = self.placed[identity]
            return replace(entry.layer, arrays=first.arrays, layers=first.layers)
        layer = self.model(entry, group) if entry.layers else self.leaf(entry, group)
        if group is not None:
            self.placed.setdefault(identity, layer)
        return layer

    def leaf(self, entry: Entry, group: Group | None) -> StoredLayer:
        """Returns a layer that is no model."""
        if group is None:
            return entry.layer
        self.taken.add(group.path)
        return replace(entry.layer, arrays=group.arrays())

    def model(self, entry: Entry, group: Group | None) -> StoredLayer:
        """Returns a model with its layers; the arrays of its own are those that belong to none of them."""
        container = group.container if group else None
        groups = assigned(entry.layers, container)
        layers = tuple(self.layer(inner, found) for inner, found in zip(entry.layers, groups, strict=True))
        self.models.update(found.path for found in (group, container) if found)
        return replace(entry.layer, arrays=group.own() if group else (), layers=layers)

    def rest(self, group: Group) -> Iterator[StoredLayer]:
        """Yields a layer for each object below a group that no layer was given."""
        for inner in group.groups:
            if inner.path in self.models or not (inner.saved or inner.variables):
                yield from self.rest(inner)
            elif inner.path not in self.taken:
                yield self.told_by_path(inner, group)

    def told_by_path(self, group: Group, parent: Group) -> StoredLayer:
        """Returns the layer that a path tells of; its class is known, in snake case, where it is part of the path."""
        class_name = "" if parent.saved or not parent.path else re.sub(r"_\d+$", "", group.last)
        inner = tuple(self.rest(group)) if group.container else ()
        arrays = group.own() if group.container else group.arrays()
        return StoredLayer(group.name or group.last, class_name, arrays=arrays, layers=inner, configured=False)


def assigned(entries: Sequence[Entry], container: Group | None) -> list[Group | None]:
    """Returns the group of each layer: by its name where the file has names, else by its class and number."""
    if container is None:
        return [None] * len(entries)
    names = Counter(group.name for group in container.groups)
    if set(names) - {""}:
        by_name = {group.name: group for group in container.groups if names[group.name] == 1}
        return [by_name.get(entry.layer.name) for entry in entries]
    if container.last == OLD_LAYERS:
        return in_turn(entries, container)
    by_last = {group.last: group for group in container.groups}
    return [by_last.get(last) for last in numbered(entry.layer for entry in entries)]


def numbered(layers: Iterable[StoredLayer]) -> Iterator[str]:
    """Yields the last part of each layer's path: its class, and a number from the second of a class on."""
    used: Counter[str] = Counter()
    for layer in layers:
        if is_operation(layer):
            yield ""
            continue
        name = path_name(layer.class_name)
        yield f"{name}_{used[name]}" if used[name] else name
        used[name] += 1


def is_operation(layer: StoredLayer) -> bool:
    """Returns whether a step of a model is no layer but a function of `keras.ops`."""
    return f"{layer.package}.{layer.class_name}".strip(".").startswith(OPERATIONS)


def path_name(class_name: str) -> str:
    """Returns a class as it is spelled in paths."""
    return PATH_NAMES.get(class_name) or snake_case(class_name)


def in_turn(entries: Sequence[Entry], container: Group) -> list[Group | None]:
    """Returns the groups of each class in the order of their numbers, where there is one for each layer of it."""
    groups: dict[str, list[Group]] = defaultdict(list)
    for group in container.groups:
        groups[re.sub(r"_\d+$", "", group.last)].append(group)
    counts = Counter(path_name(entry.layer.class_name) for entry in entries)
    turns = {name: iter(found) for name, found in groups.items() if len(found) == counts[name]}
    return [next(turns.get(path_name(entry.layer.class_name), iter(())), None) for entry in entries]
