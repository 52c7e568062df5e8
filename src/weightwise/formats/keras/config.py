"""The configuration of a Keras model: which layers it has, of which classes, with which options.

The shape of the JSON differs by version, and all of these are read: Keras 3 and late Keras 2 name the module of a class
and wrap objects (`{"module": "keras.layers", "class_name": "Dense", "config": {…}, "registered_name": null}`), Keras 2
has the class and its configuration alone, and the oldest sequential models are a bare list of layers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from weightwise.errors import FormatError
from weightwise.formats.keras import graph as graphs
from weightwise.records import dataclass
from weightwise.stored import StoredLayer

MODELS = frozenset({"Functional", "Model", "Sequential"})
GRAPH_KEYS = frozenset({"input_layers", "output_layers", "build_input_shape"})
"""What the configuration of a subclass of those models has beside its layers."""
MOST_DEPTH = 50


@dataclass(frozen=True)
class Entry:
    """One layer of a configuration, and the layers in it; its arrays are not known yet."""

    layer: StoredLayer
    """Without its arrays and its layers."""
    layers: tuple[Entry, ...] = ()
    shared: bool = False
    """Whether the same object came before in the configuration, maybe in another model."""


@dataclass
class ConfigReader:
    """Reads one configuration; what is wrong with a graph is noted, and the layers are kept."""

    name: str
    """What messages call the configuration."""
    problems: list[str]

    def model(self, config: Mapping[str, Any]) -> Entry:
        """Returns the model that a configuration describes; raises `FormatError`."""
        try:
            return self.entry(config, "the model", 0, root=True)
        except RecursionError as error:
            raise FormatError(f"{self.name}: expected layers, found values nested without end.") from error

    def entry(self, value: Any, where: str, depth: int, root: bool = False) -> Entry:
        """Returns one layer with the layers in it; raises `FormatError`."""
        if not isinstance(value, Mapping) or not isinstance(value.get("class_name"), str) or depth > MOST_DEPTH:
            raise FormatError(f"{self.name}: expected {where} as an object with a class_name, found {value!r:.80}.")
        config = value.get("config") or {}
        config = {"layers": config} if isinstance(config, list) else config
        if not isinstance(config, Mapping):
            raise FormatError(f"{self.name}: expected the config of {where} as an object, found {config!r:.80}.")
        layer = self.layer(value, config)
        shared = "shared_object_id" in value
        if not (root or is_model(layer.class_name, config)) or not isinstance(config.get("layers"), list):
            return Entry(layer, shared=shared)
        return replace(self.nest(layer, config, depth), shared=shared)

    def layer(self, value: Mapping[str, Any], config: Mapping[str, Any]) -> StoredLayer:
        """Returns a layer without what is in it."""
        class_name = value["class_name"].rpartition(">")[2]
        registered = (value.get("registered_name"), value["class_name"])
        package = next((name for name in registered if isinstance(name, str) and ">" in name), value.get("module"))
        name = config.get("name") or value.get("name")
        return StoredLayer(
            name=name if isinstance(name, str) else snake_case(class_name),
            class_name=class_name,
            config=config,
            package=package if isinstance(package, str) else "",
            build_shape=build_shape(value.get("build_config"), config),
        )

    def nest(self, layer: StoredLayer, config: Mapping[str, Any], depth: int) -> Entry:
        """Returns a model with its layers and the calls that connect them."""
        values = config["layers"]
        entries = [self.entry(value, f"layer {i} of {layer.name}", depth + 1) for i, value in enumerate(values)]
        names = [entry.layer.name for entry in entries]
        if len(set(names)) < len(names):
            raise FormatError(f"{self.name}: expected different names for the layers of {layer.name}, found two alike.")
        try:
            found = graph(values, entries, config)
        except FormatError as error:
            self.problems.append(f"{self.name}: how the layers of {layer.name} are connected cannot be read ({error}).")
            found = graphs.Graph(((),) * len(names))
        connected = [
            replace(entry, layer=replace(entry.layer, calls=calls))
            for entry, calls in zip(entries, found.calls, strict=True)
        ]
        return Entry(replace(layer, inputs=found.inputs, outputs=found.outputs), tuple(connected))


def is_model(class_name: str, config: Mapping[str, Any]) -> bool:
    """Returns whether a layer with layers in its configuration is a model, whose layers Keras saves one by one."""
    return class_name in MODELS or not GRAPH_KEYS.isdisjoint(config)


def graph(values: Sequence[Any], entries: Sequence[Entry], config: Mapping[str, Any]) -> graphs.Graph:
    """Returns how the layers of a model are connected: by calls, or one after the other; raises `FormatError`."""
    names = [entry.layer.name for entry in entries]
    if "input_layers" in config or any("inbound_nodes" in value for value in values):
        return graphs.functional(values, names, config)
    return graphs.sequential(names, bool(entries) and entries[0].layer.class_name == "InputLayer")


def build_shape(build_config: Any, config: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """Returns the input shape that the file records, or the shapes of several inputs."""
    recorded = build_config if isinstance(build_config, Mapping) else {}
    named = recorded.get("shapes_dict")
    shapes = [shape for shape in named.values() if isinstance(shape, list)] if isinstance(named, Mapping) else []
    several = shapes[0] if len(shapes) == 1 else shapes
    shape = recorded.get("input_shape") or several or config.get("build_input_shape")
    return tuples(shape) if isinstance(shape, list) else None


def tuples(shape: Any) -> Any:
    """Returns a shape, or several, with tuples for lists."""
    return tuple(tuples(item) for item in shape) if isinstance(shape, list) else shape


def snake_case(class_name: str) -> str:
    """Returns a class name as Keras spells it in paths and default names: `MaxPooling2D` is `max_pooling2d`."""
    words = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", class_name))
    return re.sub("([a-z])([A-Z])", r"\1_\2", words).lower()
