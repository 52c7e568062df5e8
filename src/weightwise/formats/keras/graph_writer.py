"""The configuration of a Keras 3 model from its layers and their calls: what `keras_config` and `keras_graph` read.

Keras puts the layers of a functional model in an order of its own when it loads one, and numbers their weights by it,
so that order is found here too: the layers that are farthest from the outputs come first.

https://github.com/keras-team/keras/blob/v3.15.0/keras/src/models/functional.py (`functional_from_config`),
https://github.com/keras-team/keras/blob/v3.15.0/keras/src/ops/function.py (`map_graph`)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from weightwise.errors import UnsupportedError
from weightwise.formats.keras.graph import KERAS_TENSOR, tensors
from weightwise.formats.keras.paths import is_operation
from weightwise.stored import Call, StoredLayer, Tensor

Node = tuple[str, int]
"""A call: the name of a layer and the number of the call."""
SEQUENTIAL = "Sequential"
MODULES = {SEQUENTIAL: "keras", "Functional": "keras.src.models.functional"}
"""Where Keras finds its own models; its layers are in `keras.layers`."""
GRAPH = ("layers", "input_layers", "output_layers")
LISTED = frozenset(
    {"Add", "Average", "Concatenate", "Dot", "Maximum", "Minimum", "Multiply", "Subtract"}
    | {"AdditiveAttention", "Attention"}
)
"""The layers that take all their tensors in one list; every other takes them as arguments."""
LISTED_OPERATIONS = frozenset({"Concatenate", "Hstack", "Stack", "Vstack"})
"""The functions of `keras.ops` that do."""
INNER = ("layer", "forward_layer", "backward_layer", "cell", "cells")
"""The settings of a layer that are layers."""


def is_model(layer: StoredLayer) -> bool:
    """Returns whether a layer is a model whose graph is known."""
    return bool(layer.layers) and any(inner.calls for inner in layer.layers)


def is_functional(layer: StoredLayer) -> bool:
    """Returns whether a layer is a model that Keras describes by the calls of its layers."""
    return is_model(layer) and layer.class_name != SEQUENTIAL


def serialised(layer: StoredLayer, dtype: str) -> dict[str, Any]:
    """Returns a layer, or a model with its layers, as Keras 3 writes it.

    `dtype` is that of the model: a layer whose configuration does not say in which it computes computes in this one.
    """
    config = {key: value for key, value in layer.config.items() if not is_model(layer) or key not in GRAPH}
    config["name"] = layer.name
    if is_functional(layer):
        config |= functional(layer, dtype)
    elif is_model(layer):
        config["layers"] = [serialised(inner, dtype) for inner in layer.layers if inner.configured]
    elif not is_operation(layer):
        config = with_dtype(config, dtype)
    module, _, class_name = layer.class_name.rpartition(".")
    module = module or layer.package.partition(">")[0] or MODULES.get(class_name, "keras.layers")
    public = layer.package.startswith("keras.") and not layer.package.startswith("keras.src")
    entry = {
        "module": module,
        "class_name": class_name,
        "config": config,
        "registered_name": None if public else layer.package if ">" in layer.package else class_name,
    }
    built = layer.build_shape is not None and not any(isinstance(size, tuple) for size in layer.build_shape)
    if built and not is_operation(layer):
        entry["build_config"] = {"input_shape": layer.build_shape}  # calls tell other shapes, but not all classes ask
    return entry


def with_dtype(config: Mapping[str, Any], dtype: str) -> dict[str, Any]:
    """Returns a configuration that says in which dtype the layer computes, and the layers in it."""
    found = {"dtype": dtype, **config}
    for name in INNER:
        inner = found.get(name)
        if isinstance(inner, list):
            found[name] = [inner_with_dtype(each, dtype) for each in inner]
        elif name in found:
            found[name] = inner_with_dtype(inner, dtype)
    return found


def inner_with_dtype(layer: Any, dtype: str) -> Any:
    """Returns a layer in a configuration with the dtype in which it computes."""
    if not isinstance(layer, Mapping) or not isinstance(layer.get("config"), Mapping):
        return layer
    return {**layer, "config": with_dtype(layer["config"], dtype)}


def functional(model: StoredLayer, dtype: str) -> dict[str, Any]:
    """Returns the layers of a functional model, each with its calls, and which tensors enter and leave it.

    Raises `UnsupportedError` where one enters that is no layer's.
    """
    layers = {layer.name: layer for layer in model.layers}
    entering = [tensor.layer for tensor in model.inputs if tensor.layer not in layers]
    if entering:
        raise UnsupportedError(
            f"{model.name}: the shape of its input is not known, and a .keras file has to say it; "
            "write a .weights.h5 file instead."
        )
    entries = [
        {
            **serialised(layer, dtype),
            "name": layer.name,
            "inbound_nodes": [node(layer, call, dtype) for call in layer.calls if call.inputs or call.arguments],
        }
        for layer in in_order(model)
    ]
    ends = {"input_layers": model.inputs, "output_layers": model.outputs}
    return {
        "layers": entries,
        **{key: structured(model.config.get(key), [end(layers, found) for found in ends[key]]) for key in ends},
    }


def end(layers: Mapping[str, StoredLayer], tensor: Tensor) -> list[Any]:
    """Returns an input or an output; where they are listed, the calls of a functional model count from 1."""
    return [tensor.layer, tensor.call + is_functional(layers[tensor.layer]), tensor.index]


def structured(template: Any, found: Sequence[list[Any]]) -> Any:
    """Returns inputs or outputs in a list or a dictionary as a file had them; else several in a list, one as it is."""
    if isinstance(template, Mapping) and len(template) == len(found):
        return {name: found[place] for place, name in enumerate(sorted(template))}
    listed = isinstance(template, list) and len(template) == 1
    return list(found) if listed or len(found) != 1 else found[0]


def node(layer: StoredLayer, call: Call, dtype: str) -> dict[str, Any]:
    """Returns a call as its arguments: the tensors and constants by their place, and those by keyword."""
    places = {int(name): value for name, value in call.arguments.items() if name.isdecimal()}
    keywords = {name: value for name, value in call.arguments.items() if not name.isdecimal()}
    shapes = dict(zip(call.inputs, call.shapes, strict=False))
    count = sum(1 for value in keywords.values() for _ in read(value))
    given = [written(tensor, shapes, dtype) for tensor in call.inputs[: len(call.inputs) - count]]
    arguments: list[Any] = [given] if takes_list(layer, given) else given
    for place in sorted(places):
        arguments.insert(place, places[place])
    return {"args": arguments, "kwargs": {name: written(value, shapes, dtype) for name, value in keywords.items()}}


def takes_list(layer: StoredLayer, given: Sequence[Any]) -> bool:
    """Returns whether a layer takes its tensors in one list."""
    if is_operation(layer):
        return layer.class_name.rpartition(".")[2] in LISTED_OPERATIONS
    return layer.class_name in LISTED or (is_model(layer) and len(given) > 1)


def read(value: Any) -> Iterator[Any]:
    """Yields the tensors in an argument, ours and those as a file has them."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from read(item)
    else:
        yield from tensors(value)


def written(value: Any, shapes: Mapping[Tensor, Any], dtype: str) -> Any:
    """Returns an argument with its tensors as Keras writes them; one without axes is of a shape that is not known."""
    if isinstance(value, list | tuple):
        return [written(item, shapes, dtype) for item in value]
    if not isinstance(value, Tensor):
        return value
    history = [value.layer, value.call, value.index]
    config = {"shape": shapes.get(value) or (), "dtype": dtype, "keras_history": history}
    return {"class_name": KERAS_TENSOR, "config": config}


def in_order(model: StoredLayer) -> list[StoredLayer]:
    """Returns the layers of a functional model as Keras orders them, those that outputs need.

    Raises `UnsupportedError` where others have weights, which Keras would lose.
    """
    layers = {layer.name: layer for layer in model.layers if layer.configured}
    nodes, met = reached(model, layers)
    depths = dict.fromkeys(met, 0)
    node_depths: dict[Node, int] = {}
    for name, call in reversed(nodes):
        depth = depths[name] = max(depths[name], node_depths.get((name, call), 0))
        for tensor in reads(layers, (name, call)):
            before = tensor.layer, tensor.call
            node_depths[before] = max(node_depths.get(before, 0), depth + 1)
    unused = dict.fromkeys(tensor.layer for tensor in model.inputs if tensor.layer not in depths)
    lost = [layer for name, layer in layers.items() if name not in depths | unused and layer.arrays]
    if lost:
        raise UnsupportedError(f"{lost[0].name}: no output of the model needs it, and Keras keeps no such layer.")
    order = {**dict.fromkeys(unused, (0, -1)), **{name: (-depths[name], place) for place, name in enumerate(met)}}
    return [layers[name] for name in sorted(order, key=lambda name: order[name]) if name in layers]


def reads(layers: Mapping[str, StoredLayer], node: Node) -> tuple[Tensor, ...]:
    """Returns the tensors that a call reads; what enters a model without an input layer reads nothing."""
    name, call = node
    return layers[name].calls[call].inputs if name in layers else ()


def reached(model: StoredLayer, layers: Mapping[str, StoredLayer]) -> tuple[list[Node], list[str]]:
    """Returns the calls that outputs need, each after those that it reads, and the layers as they are first met."""
    entered: dict[Node, bool] = {}
    finished: list[Node] = []
    met: dict[str, None] = {}
    waiting = [((tensor.layer, tensor.call), False) for tensor in reversed(model.outputs)]
    while waiting:
        found, read = waiting.pop()
        if read:
            entered[found] = True
            finished.append(found)
        elif found not in entered:
            entered[found] = False
            met.setdefault(found[0])
            waiting.append((found, True))
            waiting += (((tensor.layer, tensor.call), False) for tensor in reversed(reads(layers, found)))
        elif not entered[found]:
            raise UnsupportedError(f"{found[0]}: it reads what it computes itself, and Keras has no such models.")
    return finished, list(met)
