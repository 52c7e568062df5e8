"""The calls that connect the layers of a Keras model, as its configuration writes them.

Keras 3 writes each call as its arguments, with tensors among them; Keras 1 and 2 write the tensors of the first
argument, each followed by the other arguments:

    {"args": [{"class_name": "__keras_tensor__", "config": {"keras_history": ["entry", 0, 0]}}], "kwargs": {}}
    [["entry", 0, 0, {"training": false}]]

A tensor is the name of a layer, the number of its call and the number of its output. A model inside a model may count
its calls from 1: Keras 1 and 2 do so wherever the inner model was made with its inputs, Keras 3 only where the outer
model lists its inputs and outputs. Here all count from 0.

https://github.com/keras-team/keras/blob/v3.15.0/keras/src/models/functional.py (`get_config`),
https://github.com/keras-team/tf-keras/blob/v2.21.0/tf_keras/src/engine/functional.py (`_should_skip_first_node`)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from weightwise.errors import FormatError
from weightwise.records import dataclass
from weightwise.stored import Call, Tensor

KERAS_TENSOR = "__keras_tensor__"
CONSTANT = "_CONSTANT_VALUE"
"""What stands in Keras 2 for the layer of a first argument that is no tensor."""


@dataclass(frozen=True)
class Graph:
    """How the layers of a model are connected."""

    calls: tuple[tuple[Call, ...], ...]
    """Of each layer."""
    inputs: tuple[Tensor, ...] = ()
    outputs: tuple[Tensor, ...] = ()


def sequential(names: Sequence[str], starts_with_input: bool) -> Graph:
    """Returns a chain of layers; without an input layer the first one reads nothing, and the model has no inputs."""
    before = [(), *((Tensor(name),) for name in names[:-1])]
    calls = tuple((Call(inputs),) for inputs in before[: len(names)])
    return Graph(calls, (Tensor(names[0]),) if starts_with_input else (), tuple(Tensor(name) for name in names[-1:]))


def functional(values: Sequence[Mapping[str, Any]], names: Sequence[str], config: Mapping[str, Any]) -> Graph:
    """Returns the calls of each layer of a functional model; raises `FormatError`."""
    nodes = [layer_nodes(value) for value in values]
    calls = tuple(tuple(call(node) for node in found) for found in nodes)
    graph = Graph(calls, ends(config.get("input_layers")), ends(config.get("output_layers")))
    if any(isinstance(node, Mapping) for found in nodes for node in found):
        graph = from_zero(graph, {}, models_with_inputs(values, names))
    else:
        first = first_calls(graph, names)
        graph = from_zero(graph, first, first)
    check(graph, names)
    return graph


def layer_nodes(value: Mapping[str, Any]) -> list[Any]:
    """Returns the nodes of a layer; an input layer has one that reads nothing. Raises `FormatError`."""
    nodes = value.get("inbound_nodes")
    if not isinstance(nodes, list):
        raise FormatError(f"expected the calls of a layer as a list, found {nodes!r:.80}")
    return nodes or ([[]] if value["class_name"] == "InputLayer" else [])


def models_with_inputs(values: Sequence[Mapping[str, Any]], names: Sequence[str]) -> dict[str, int]:
    """Returns 1, the number of its first call, for each layer that is a functional model."""
    configs = ((name, value.get("config")) for name, value in zip(names, values, strict=True))
    return {name: 1 for name, config in configs if isinstance(config, Mapping) and "input_layers" in config}


def first_calls(graph: Graph, names: Sequence[str]) -> dict[str, int]:
    """Returns the number of each layer's first call: every call is read, so the largest number tells it."""
    largest = Counter[str]()
    for found in (*graph.inputs, *graph.outputs, *read(graph)):
        largest[found.layer] = max(largest[found.layer], found.call)
    counts = dict(zip(names, map(len, graph.calls), strict=True))
    return {name: 1 for name, count in counts.items() if count and largest[name] == count}


def read(graph: Graph) -> Iterator[Tensor]:
    """Yields the tensors that calls read."""
    return (found for uses in graph.calls for use in uses for found in use.inputs)


def from_zero(graph: Graph, in_calls: Mapping[str, int], in_ends: Mapping[str, int]) -> Graph:
    """Returns a graph whose calls count from 0, given the numbers of the first calls of some layers."""

    def moved(found: Any, first: Mapping[str, int]) -> Any:
        return replace(found, call=found.call - first.get(found.layer, 0)) if isinstance(found, Tensor) else found

    def moved_call(use: Call) -> Call:
        arguments = {name: moved(value, in_calls) for name, value in use.arguments.items()}
        return replace(use, inputs=tuple(moved(found, in_calls) for found in use.inputs), arguments=arguments)

    return Graph(
        tuple(tuple(map(moved_call, uses)) for uses in graph.calls),
        tuple(moved(found, in_ends) for found in graph.inputs),
        tuple(moved(found, in_ends) for found in graph.outputs),
    )


def check(graph: Graph, names: Sequence[str]) -> None:
    """Raises `FormatError` when a tensor belongs to no call of a layer that is there."""
    counts = dict(zip(names, map(len, graph.calls), strict=True))
    for found in (*graph.inputs, *graph.outputs, *read(graph)):
        if not 0 <= found.call < counts.get(found.layer, 0):
            raise FormatError(f"call {found.call} of the layer {found.layer} is read, but it is not there")


def call(node: Any) -> Call:
    """Returns one call from its node; raises `FormatError`."""
    return keras_3_call(node) if isinstance(node, Mapping) and "args" in node else keras_2_call(node)


def keras_3_call(node: Mapping[str, Any]) -> Call:
    """Returns a call from a node of Keras 3; a constant among the positional arguments is kept under its place."""
    positional, keywords = node["args"], node.get("kwargs", {})
    if not isinstance(positional, list) or not isinstance(keywords, Mapping):
        raise FormatError("a call has no list of arguments")
    constants = {str(place): value for place, value in enumerate(positional) if not list(tensors(value))}
    arguments = constants | {name: with_tensors(value) for name, value in keywords.items()}
    found = [value for argument in (positional, *keywords.values()) for value in tensors(argument)]
    return Call(tuple(map(keras_tensor, found)), arguments, tuple(map(keras_shape, found)))


def with_tensors(value: Any) -> Any:
    """Returns an argument, or the tensor that it is."""
    return keras_tensor(value) if is_keras_tensor(value) else value


def tensors(value: Any) -> Iterator[Mapping[str, Any]]:
    """Yields the tensors in an argument of Keras 3 as they are written, in its order."""
    if is_keras_tensor(value):
        yield value
    elif isinstance(value, list | Mapping):
        for item in members(value):
            yield from tensors(item)


def members(structure: list[Any] | Mapping[str, Any]) -> Iterable[Any]:
    """Returns what a structure of tensors holds; Keras takes the members of a dictionary in the order of their keys."""
    return structure if isinstance(structure, list) else [structure[key] for key in sorted(structure)]


def is_keras_tensor(value: Any) -> bool:
    """Returns whether an argument is a tensor."""
    return isinstance(value, Mapping) and value.get("class_name") == KERAS_TENSOR


def keras_tensor(value: Mapping[str, Any]) -> Tensor:
    """Returns a tensor of Keras 3; raises `FormatError`."""
    config = value.get("config")
    return tensor(config.get("keras_history") if isinstance(config, Mapping) else None)


def keras_shape(value: Mapping[str, Any]) -> tuple[int | None, ...] | None:
    """Returns the shape of a tensor of Keras 3, or None when it is not written; every tensor has a batch axis."""
    shape = value["config"].get("shape")
    known = isinstance(shape, list) and shape and all(size is None or isinstance(size, int) for size in shape)
    return tuple(shape) if known else None


def keras_2_call(node: Any) -> Call:
    """Returns a call from a node of Keras 1 or 2."""
    found = list(references(node))
    first = next((item for item in found if len(item) > 3 and isinstance(item[3], Mapping)), None)
    keywords = {name: reference(value) for name, value in first[3].items()} if first else {}
    inputs = [tensor(item) for item in found if item[0] != CONSTANT]
    inputs += [value for value in keywords.values() if isinstance(value, Tensor)]
    return Call(tuple(inputs), keywords)


def references(structure: Any) -> Iterator[Sequence[Any]]:
    """Yields the tensors in a structure of lists and dictionaries, each as the list that stands for it."""
    if is_reference(structure):
        yield structure
    elif isinstance(structure, list | Mapping):
        for item in members(structure):
            yield from references(item)
    elif structure is not None:
        raise FormatError(f"a call reads {structure!r}, which is no tensor")


def is_reference(value: Any) -> bool:
    """Returns whether a list stands for a tensor: it starts with a name and a number."""
    return isinstance(value, list) and len(value) > 2 and isinstance(value[0], str) and isinstance(value[1], int)


def reference(value: Any) -> Any:
    """Returns an argument, or the tensor that it stands for."""
    return tensor(value) if is_reference(value) else value


def tensor(history: Any) -> Tensor:
    """Returns a tensor from its layer, call and output; raises `FormatError`."""
    match history:
        case [str(layer), int(node), int(index), *_] if node >= 0 and index >= 0:
            return Tensor(layer, node, index)
    raise FormatError(f"expected a tensor as the name of a layer and two numbers, found {history!r:.100}")


def ends(structure: Any) -> tuple[Tensor, ...]:
    """Returns the inputs or the outputs of a model: one tensor, or several in lists and dictionaries."""
    return tuple(tensor(item) for item in references(structure))
