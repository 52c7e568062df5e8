"""Keras's legacy HDF5 format, `.h5` or `.hdf5`: whole models and weights alone, by every Keras from 1 to 3.

The order of the arrays is that of lists of names, never that of the groups. A whole model has

    /                attributes model_config (JSON), keras_version, backend
    /model_weights   attribute layer_names
        /<layer>     attribute weight_names, whose names are paths of datasets in this group
        /top_level_model_weights   the arrays of the model itself
    /optimizer_weights   attribute weight_names

and a file of weights alone is what stands under `model_weights`. Lists that are too long for an attribute are split
into name0, name1 …. A model inside the model is one layer here, whose arrays are one flat list.

Written by https://github.com/keras-team/keras/blob/v3.15.0/keras/src/legacy/saving/legacy_h5_format.py
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from weightwise.errors import FormatError
from weightwise.formats.hdf5 import Contents
from weightwise.formats.json_text import read_json
from weightwise.formats.keras.config import ConfigReader, Entry
from weightwise.records import dataclass
from weightwise.source import Source
from weightwise.stored import Addressing, StoredArray, StoredLayer, StoredModel

MODEL_WEIGHTS, OPTIMIZER, TOP_LEVEL = "model_weights", "optimizer_weights", "top_level_model_weights"
LAYER_NAMES, WEIGHT_NAMES = "layer_names", "weight_names"
CONFIG = "model_config"
UNNAMED = re.compile(r"param_\d+")
"""What Keras 1 calls a variable without a name."""
FIRST_VERSION = "1"
"""What Keras itself takes for the version of a file that names none."""


def holds_names(contents: Contents) -> bool:
    """Returns whether a file has the attributes of the legacy format."""
    root = contents.attributes[""]
    return MODEL_WEIGHTS in contents.attributes or any(
        name in root for name in (CONFIG, LAYER_NAMES, f"{LAYER_NAMES}0")
    )


def open_legacy(source: Source, contents: Contents) -> StoredModel:
    """Returns the model of a file, or its weights alone."""
    file = LegacyFile(source, contents, list(contents.problems))
    root = file.root(file.configuration())
    optimizer = file.optimizer()
    version = file.version()
    what = "model" if CONFIG in contents.attributes[""] else "weights"
    return StoredModel(
        path=source.path,
        format=" ".join(filter(None, ("Keras", version.partition(".")[0], what, "(HDF5)"))),
        framework="Keras",
        version=version,
        root=replace(root, layers=(*root.layers, *file.unlisted(root, optimizer))),
        addressing=Addressing.ORDER,
        backend=file.backend(root),
        nbytes=source.size,
        optimizer=optimizer,
        problems=tuple(file.problems),
    )


@dataclass
class LegacyFile:
    """What one file holds, and what is wrong with it."""

    source: Source
    contents: Contents
    problems: list[str]

    @property
    def group(self) -> str:
        """The path of the group that holds the layers."""
        return MODEL_WEIGHTS if MODEL_WEIGHTS in self.contents.attributes else ""

    def version(self) -> str:
        """Returns the version of Keras that wrote the file; empty when a damaged file does not tell it any more."""
        missing = "" if self.contents.problems else FIRST_VERSION
        return self.written("keras_version") or missing

    def backend(self, root: StoredLayer) -> str:
        """Returns what computed for Keras; empty when the file does not tell it.

        Keras 1 does not write it. But TensorFlow's variables have the number of an output after their names, `:0`, and
        Theano's do not.
        """
        written = self.written("backend")
        if written or self.version().partition(".")[0] != FIRST_VERSION:
            return written
        names = (array.name for layer in root.layers for array in layer.arrays)
        named = [name for name in names if not UNNAMED.fullmatch(name)]
        return "" if not named else "tensorflow" if any(":" in name for name in named) else "theano"

    def written(self, attribute: str) -> str:
        """Returns a text that stands at the root or at the group of the weights, or an empty one."""
        found = (self.contents.attributes[path].get(attribute) for path in ("", self.group))
        return next((text for text in found if isinstance(text, str)), "")

    def configuration(self) -> Entry | None:
        """Returns the model's configuration, or None when there is none or it cannot be read."""
        text = self.contents.attributes[""].get(CONFIG)
        if text is None:
            return None
        name = f"{self.source.name}: the attribute {CONFIG}"
        try:
            if not isinstance(text, str):
                raise FormatError(f"{name}: expected text, found {text!r:.80}.")
            return ConfigReader(name, self.problems).model(read_json(text, name))
        except FormatError as error:
            self.problems.append(str(error))
            return None

    def root(self, entry: Entry | None) -> StoredLayer:
        """Returns the model with its layers, from the configuration or from the list of names alone."""
        own = tuple(self.arrays(self.within(TOP_LEVEL)))
        names = self.names(self.group, LAYER_NAMES)
        if entry is None:
            model = StoredLayer(Path(self.source.path).name.partition(".")[0], "", arrays=own, configured=False)
            return replace(model, layers=tuple(self.told_by_name(name) for name in names))
        configured = {inner.layer.name for inner in entry.layers}
        layers = [self.filled(hollow(inner)) for inner in entry.layers]
        others = [self.told_by_name(name) for name in names if name not in configured]
        return replace(entry.layer, arrays=own, layers=(*layers, *others))

    def told_by_name(self, name: str) -> StoredLayer:
        """Returns a layer of which the file has only the name and the arrays."""
        if self.within(name) not in self.contents.attributes:
            self.problems.append(f"{self.source.name}: the layer {name} is listed, but its arrays are missing.")
        return self.filled(StoredLayer(name, "", configured=False))

    def filled(self, layer: StoredLayer) -> StoredLayer:
        """Returns a layer with the arrays that its group lists."""
        return replace(layer, arrays=tuple(self.arrays(self.within(layer.name))))

    def optimizer(self) -> tuple[StoredArray, ...]:
        """Returns the arrays of the optimizer, those first that are listed."""
        arrays = list(self.arrays(OPTIMIZER))
        listed = {array.path for array in arrays}
        others = (array for path, array in self.contents.arrays.items() if path.startswith(f"{OPTIMIZER}/"))
        return (*arrays, *(array for array in others if array.path not in listed))

    def unlisted(self, root: StoredLayer, optimizer: tuple[StoredArray, ...]) -> Iterator[StoredLayer]:
        """Yields a layer for each group with arrays that nobody lists, under the group's path."""
        claimed = {array.path for layer in (root, *root.layers) for array in layer.arrays}
        claimed.update(array.path for array in optimizer)
        groups: dict[str, list[StoredArray]] = defaultdict(list)
        for path, array in self.contents.arrays.items():
            if path not in claimed:
                group, _, name = path.rpartition("/")
                groups[group].append(replace(array, key=name))
        for group, arrays in groups.items():
            yield StoredLayer(group or "/", "", arrays=tuple(arrays), configured=False)

    def within(self, name: str) -> str:
        """Returns the path of a layer's group."""
        return f"{self.group}/{name}".lstrip("/")

    def arrays(self, group: str) -> Iterator[StoredArray]:
        """Yields the arrays that a group lists; one that is listed and missing is a problem."""
        for place, name in enumerate(self.names(group, WEIGHT_NAMES)):
            array = self.contents.arrays.get(f"{group}/{name}")
            if array is None:
                self.problems.append(f"{self.source.name}: the array {name} is listed in {group}, but missing.")
            else:
                yield replace(array, key=str(place), name=name)

    def names(self, group: str, attribute: str) -> Sequence[str]:
        """Returns a list of names, joined where it was split; names that are no text are a problem."""
        attributes = self.contents.attributes.get(group, {})
        found = list(listed(attributes, attribute))
        names = [name for name in found if isinstance(name, str) and name]
        if len(names) < len(found):
            self.problems.append(
                f"{self.source.name}: the list {attribute} of {group or '/'} holds names that are no text."
            )
        return names


def listed(attributes: Mapping[str, Any], name: str) -> Iterator[Any]:
    """Yields the items of a list, which may be split into name0, name1 …."""
    if name in attributes:
        yield from items(attributes[name])
        return
    for part in count():
        if f"{name}{part}" not in attributes:
            return
        yield from items(attributes[f"{name}{part}"])


def items(value: Any) -> list[Any]:
    """Returns the items of a list; an attribute that is none counts as one item."""
    return value if isinstance(value, list) else [value]


def hollow(entry: Entry) -> StoredLayer:
    """Returns a layer of the configuration with its inner layers, all without arrays."""
    return replace(entry.layer, layers=tuple(hollow(inner) for inner in entry.layers))
