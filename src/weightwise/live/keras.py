"""Models and layers of Keras in memory, of Keras 3 and of Keras 2 (`keras` before 3, `tf_keras`).

What a `.keras` file says of a model, its configuration and the calls between its layers, a model in memory says of
itself: https://keras.io/api/models/model_saving_apis/model_config_serialization/. Its variables come in the order of
each layer's `weights`, which is that of `get_weights()`.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from weightwise.formats.keras.config import ConfigReader, Entry
from weightwise.live.values import in_memory, name_of
from weightwise.records import dataclass
from weightwise.stored import Addressing, StoredArray, StoredLayer, StoredModel

if TYPE_CHECKING:
    import numpy

PACKAGES = ("keras", "tf_keras")
UNTOLD = (NotImplementedError, AttributeError, TypeError, ValueError)
"""What a layer raises whose author did not say how it is configured."""


def match(thing: Any) -> bool:
    """Returns whether this is a layer or a model of a Keras that is imported."""
    return package_of(thing) is not None


def package_of(thing: Any) -> Any:
    """Returns the Keras that a layer is of, or None."""
    for name in PACKAGES:
        package = sys.modules.get(name)
        layer = getattr(getattr(package, "layers", None), "Layer", None)
        if isinstance(layer, type) and isinstance(thing, layer):
            return package
    return None


def open_model(thing: Any) -> StoredModel:
    """Returns a model, or a layer as the one layer of a model; nothing is copied before values are asked for."""
    package = package_of(thing)
    live = Live(package, {id(variable) for variable in thing.trainable_weights})
    entry = live.entry(thing)
    root = live.filled(entry, thing, "")
    weights = live.listed(thing.weights)
    if not root.layers:
        root = StoredLayer(root.name, "", layers=(root,), configured=False)
    if not thing.built:
        live.remarks.append(f"{thing.name} is not built, so it has no arrays yet: call it on an input first")
    optimizer = getattr(thing, "optimizer", None)
    return StoredModel(
        path=f"<live {name_of(thing)} {thing.name}>",
        format=f"Keras {package.__version__.partition('.')[0]} in memory",
        framework="Keras",
        version=package.__version__,
        root=root,
        addressing=Addressing.LISTED,
        nbytes=sum(array.nbytes for array in weights),
        optimizer=live.others(optimizer.variables if optimizer else (), "optimizer"),
        state=live.others(thing.variables, "state"),
        listing=tuple(array.path for array in weights),
        remarks=tuple(live.remarks),
    )


@dataclass
class Live:
    """What is met in a model: each variable is one array, whatever layers have it."""

    package: Any
    trained: set[int]
    """The identities of the variables that training changes."""
    arrays: dict[int, StoredArray] = field(default_factory=dict)
    """By the identity of the variable."""
    paths: set[str] = field(default_factory=set)
    remarks: list[str] = field(default_factory=list)

    def entry(self, layer: Any) -> Entry:
        """Returns what a layer says of itself; of one that says nothing, its class and its name."""
        try:
            value = json.loads(self.serialised(layer))
            return ConfigReader(layer.name, self.remarks).model(value)
        except UNTOLD as error:
            self.remarks.append(f"{layer.name}: its configuration cannot be told ({error!s:.80})")
        return Entry(StoredLayer(layer.name, type(layer).__name__, package=type(layer).__module__))

    def serialised(self, layer: Any) -> str:
        """Returns a layer's class and configuration as JSON."""
        if isinstance(layer, self.package.Model):
            return str(layer.to_json())
        return json.dumps(self.package.saving.serialize_keras_object(layer))

    def filled(self, entry: Entry, layer: Any, path: str) -> StoredLayer:
        """Returns a layer with its arrays, and with the layers in it where it is a model or a class of somebody's."""
        layers = parts(layer, self.package)
        if not layers:
            return replace(entry.layer, arrays=tuple(self.stored(layer.weights, layer, path)))
        found = (
            configured(entry, layers) if entry.layers else distinct([(self.entry(inner), inner) for inner in layers])
        )
        within = tuple(self.inner(inner, live, path) for inner, live in found)
        inside = {id(variable) for inner in layers for variable in inner.weights}
        own = [variable for variable in layer.weights if id(variable) not in inside]
        return replace(entry.layer, arrays=tuple(self.stored(own, layer, path)), layers=within)

    def inner(self, entry: Entry, layer: Any, path: str) -> StoredLayer:
        """Returns a layer in a model; a step that is no layer has no arrays."""
        return entry.layer if layer is None else self.filled(entry, layer, f"{path}{entry.layer.name}/")

    def stored(self, variables: Sequence[Any], layer: Any, path: str) -> Iterator[StoredArray]:
        """Yields the arrays of a layer, with their places in it."""
        for place, variable in enumerate(variables):
            name = attribute(variable, layer) or variable_path(variable, layer.name)
            array = self.arrays.get(id(variable)) or self.array(variable, path + name, name)
            yield replace(array, key=str(place))

    def array(self, variable: Any, path: str, name: str) -> StoredArray:
        """Returns a variable that is met for the first time, under a path that no other one has."""
        while path in self.paths:
            path += "_"
        self.paths.add(path)
        read, assign = partial(numbers, self.package, variable), partial(assigned, self.package, variable)
        array = in_memory(path, variable, read, assign, name=name)
        self.arrays[id(variable)] = replace(array, trainable=id(variable) in self.trained)
        return self.arrays[id(variable)]

    def listed(self, variables: Iterable[Any]) -> list[StoredArray]:
        """Returns the arrays of these variables in their order, each once."""
        return [self.arrays[identity] for identity in dict.fromkeys(map(id, variables))]

    def others(self, variables: Any, path: str) -> tuple[StoredArray, ...]:
        """Returns the arrays that are in no layer."""
        found = variables() if callable(variables) and not isinstance(variables, Sequence) else variables
        rest = [variable for variable in found if id(variable) not in self.arrays]
        return tuple(self.array(variable, f"{path}/{variable_path(variable)}", "") for variable in rest)


def parts(layer: Any, package: Any) -> list[Any]:
    """Returns the layers in a model, and in a layer whose class Keras does not have; none in one of Keras's own."""
    if isinstance(layer, package.Model):
        return list(layer.layers)
    own = type(layer).__module__.partition(".")[0] in PACKAGES
    return [] if own else list(layer._flatten_layers(include_self=False, recursive=False))


def configured(entry: Entry, layers: Sequence[Any]) -> list[tuple[Entry, Any]]:
    """Returns the layers of a model's configuration, each with the layer in memory; None for a step that is none."""
    by_name = {layer.name: layer for layer in layers}
    return [(inner, by_name.get(inner.layer.name)) for inner in entry.layers]


def distinct(found: Sequence[tuple[Entry, Any]]) -> list[tuple[Entry, Any]]:
    """Returns layers with different names; Keras lets those in a class of somebody's be called alike."""
    taken: set[str] = set()
    result = []
    for entry, layer in found:
        name = entry.layer.name
        while name in taken:
            name += "_"
        taken.add(name)
        result.append((replace(entry, layer=replace(entry.layer, name=name)), layer))
    return result


def attribute(variable: Any, layer: Any) -> str:
    """Returns the attribute of a layer that holds a variable without a name, which Keras 3 counts; empty for others."""
    if not re.fullmatch(r"variable(_\d+)?", variable.name):
        return ""
    return next((name for name, value in vars(layer).items() if value is variable), "")


def variable_path(variable: Any, layer: str = "") -> str:
    """Returns a variable's name with those of its layers, from below this layer on: `kernel` of `conv2d/kernel:0`."""
    names = str(getattr(variable, "path", None) or variable.name).partition(":")[0].split("/")
    below = len(names) - names[::-1].index(layer) if layer in names else 0
    return "/".join(names[below:])


def numbers(package: Any, variable: Any) -> numpy.ndarray:
    """Returns the values of a variable now."""
    found: numpy.ndarray = variable.numpy() if package.__version__[0] < "3" else package.ops.convert_to_numpy(variable)
    return found


def assigned(package: Any, variable: Any, values: numpy.ndarray) -> None:
    """Sets the values of a variable where it is, in its dtype; a copy of them, which a backend may keep."""
    convert = sys.modules["tensorflow"].cast if package.__version__[0] < "3" else package.ops.convert_to_tensor
    variable.assign(convert(values.copy(), variable.dtype))
